"""The labelled fields of an input that hold its answer, and how two such inputs differ.

    Good morning,               a line that holds nothing of the answer
    Client - Zelenka GmbH       the field `client`, with its label, delimiter and value
    Vendor - Vale Ltd           the field `vendor`

1. A field of the answer goes with the one labelled value that is like it. Where one has none, or
   several, the input is not laid out so.
2. What is not such a field is a piece without a name of the answer: it can go, or be added.
3. Two inputs with the same fields differ by edits that can be made one without the other: swaps of
   neighbours by their places, what stands at a place, and what belongs to a field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.perturbations.labelled import Field, field_of, lines_of, parts_of
from eval_autopsy.questions.judged import alike


class Piece(NamedTuple):
    """A labelled field, or a line without one; the pieces joined are the text."""

    name: str  # of the answer's field; of another piece, a name that no field has
    indent: str  # white space before it
    label: str  # "" of a line without a field
    delimiter: str
    value: str  # without white space around it
    after: str  # white space and what separates it from the next one

    @property
    def body(self) -> str:
        return self.label + self.delimiter + self.value

    @property
    def fields(self) -> bool:
        """Whether it is a field of the answer."""
        return not self.name.startswith(OTHER)


OTHER = "\0"  # begins the name of a piece that is no field of the answer
Edit = Callable[["Layout"], "Layout"]


class Change(NamedTuple):
    """One edit between two inputs, in words."""

    words: str
    edit: Edit


class Layout(NamedTuple):
    """The fields of an answer in the places where they stand, and the other pieces around them."""

    fields: tuple[Piece, ...]
    others: tuple[tuple[int, Piece], ...]  # each with the number of fields before it

    @property
    def order(self) -> list[str]:
        return [piece.name for piece in self.fields]

    @property
    def pieces(self) -> list[Piece]:
        """All pieces in their order."""
        found = []
        for place in range(len(self.fields) + 1):
            here = [piece for before, piece in self.others if before == place]
            found += sorted(here, key=lambda piece: piece.name)
            found += self.fields[place : place + 1]
        return found


def layout_of(text: str, answer: Any, names: Sequence[str] = ()) -> Layout | None:
    """How a text lays out the fields of an answer, or those of some names; None if it does not."""
    if not isinstance(answer, dict) or not answer:
        return None
    pieces = list(pieces_of(text))
    named: dict[int, str] = {}
    for name in names or answer:
        places = [
            at
            for at, one in enumerate(pieces)
            if one.label and alike(one.value, kernel.field(answer, name))
        ]
        if len(places) != 1 or places[0] in named:
            return None
        named[places[0]] = name
    fields, others = [], []
    for at, piece in enumerate(pieces):
        if at in named:
            fields.append(piece._replace(name=named[at]))
        else:
            others.append((len(fields), piece))
    return Layout(tuple(fields), tuple(others))


def pieces_of(text: str) -> Iterator[Piece]:
    """The pieces of a text; blank lines belong to the piece before, or to the first one."""
    waiting, lead, number = None, "", 0
    for line in lines_of(text):
        if not line.body.strip():
            if waiting is None:
                lead += "".join(line)
            else:
                waiting = waiting._replace(after=waiting.after + "".join(line))
            continue
        bare = line.body.lstrip()  # whose indent is not what separates two fields
        lead += line.body[: len(line.body) - len(bare)]
        for between, part in parted(bare):
            if waiting is not None:
                yield waiting._replace(after=waiting.after + between)
            waiting = piece_of(part, f"{OTHER}{number:04}", lead)
            lead, number = "", number + 1
        if waiting is not None:
            waiting = waiting._replace(after=waiting.after + line.end)
    if waiting is not None:
        yield waiting


def parted(body: str) -> Iterator[tuple[str, str]]:
    """The fields of a line, each with what separates it from the one before."""
    end = 0
    for part in parts_of(body):
        start = body.index(part, end)
        yield body[end:start], part
        end = start + len(part)


def piece_of(part: str, name: str, lead: str) -> Piece:
    """The piece of a line, or of a part of one, without its line end."""
    bare = part.strip()
    indent = part[: len(part) - len(part.lstrip())]
    field = field_of(part) or Field(indent, "", "", bare)
    after = part[len(part.rstrip()) :]
    return Piece(name, lead + indent, field.label, field.delimiter, field.value.rstrip(), after)


def text_of(pieces: Sequence[Piece]) -> str:
    """The text of some pieces; each of them but the last is set apart from the next."""
    parts = [piece.indent + piece.body + (piece.after or "\n") for piece in pieces[:-1]]
    return "".join(parts + [one.indent + one.body + one.after for one in pieces[-1:]])


def without(pieces: Sequence[Piece], gone: set[str]) -> list[Piece]:
    """The pieces but some; what follows a last one on its line still ends that line."""
    kept: list[Piece] = []
    for piece in pieces:
        if piece.name not in gone:
            kept.append(piece)
        elif kept and (not piece.after or ("\n" in piece.after and "\n" not in kept[-1].after)):
            kept[-1] = kept[-1]._replace(after=piece.after)
    return kept


def intact(pieces: Sequence[Piece]) -> bool:
    """Whether a text of these pieces is read as these pieces, so that its answer is known."""
    said = [(piece.label, piece.value) for piece in pieces if piece.body]
    return said == [(piece.label, piece.value) for piece in pieces_of(text_of(pieces))]


def changes_between(one: Layout, other: Layout, *, values: bool) -> list[Change]:
    """The edits that make one layout, aligned with the other, that other one.

    Both have the same fields. Without `values` the first one has the values of the other already.
    """
    theirs = {piece.name: piece for piece in other.fields}
    found = [
        change for piece in one.fields for change in _of_field(piece, theirs[piece.name], values)
    ]
    for place, (old, new) in enumerate(zip(one.fields, other.fields, strict=True)):
        found += _of_place(place, old, new)
    kept = {piece.name for _, piece in one.others} & {piece.name for _, piece in other.others}
    found += [_dropped(piece) for _, piece in one.others if piece.name not in kept]
    found += _swaps(one.order, other.order)
    return found + [_added(*new) for new in other.others if new[1].name not in kept]


def aligned(one: Layout, other: Layout) -> Layout:
    """A layout whose other pieces have the names of those in another that they are alike to.

    The others have names that come before all of those, for the order of pieces at a place.
    """
    free = list(other.others)
    others = []
    for before, piece in one.others:
        same = next((new for new in free if (new[0], new[1][1:]) == (before, piece[1:])), None)
        if same is None:
            others.append((before, piece._replace(name=f"{OTHER}-{piece.name[1:]}")))
        else:
            others.append(same)
            free = free[free.index(same) + 1 :]  # the order is kept
    return one._replace(others=tuple(others))


def with_values(layout: Layout, values: Mapping[str, Piece]) -> Layout:
    """A layout that holds the values of other pieces, by the name of the field."""
    fields = (piece._replace(value=values[piece.name].value) for piece in layout.fields)
    return layout._replace(fields=tuple(fields))


def edited(layout: Layout, changes: Sequence[Change]) -> Layout:
    """A layout after some edits, in their order."""
    for change in changes:
        layout = change.edit(layout)
    return layout


def _of_field(old: Piece, new: Piece, values: bool) -> Iterator[Change]:
    for part in ("label", "delimiter", *(["value"] if values else [])):
        before, after = getattr(old, part), getattr(new, part)
        if before != after:
            words = f"the {part} of {old.name} is {after!r}, not {before!r}"
            yield Change(words, _set(old.name, {part: after}))


def _set(name: str, parts: Mapping[str, str]) -> Edit:
    def edit(layout: Layout) -> Layout:
        fields = (one._replace(**parts) if one.name == name else one for one in layout.fields)
        return layout._replace(fields=tuple(fields))

    return edit


def _of_place(place: int, old: Piece, new: Piece) -> Iterator[Change]:
    for part, where in (("indent", "before"), ("after", "after")):
        before, after = getattr(old, part), getattr(new, part)
        if before != after:
            words = f"{where} field {place + 1} stands {after!r}, not {before!r}"
            yield Change(words, _set_at(place, {part: after}))


def _set_at(place: int, parts: Mapping[str, str]) -> Edit:
    def edit(layout: Layout) -> Layout:
        fields = list(layout.fields)
        fields[place] = fields[place]._replace(**parts)
        return layout._replace(fields=tuple(fields))

    return edit


def _swaps(order: list[str], wanted: Sequence[str]) -> Iterator[Change]:
    """The swaps of neighbours that make one order the other, as few as there can be."""
    order = list(order)
    for end in range(len(order)):
        for place in range(order.index(wanted[end]) - 1, end - 1, -1):
            first, second = order[place : place + 2]
            order[place : place + 2] = second, first
            yield Change(f"{second} stands before {first}", _swapped(place))


def _swapped(place: int) -> Edit:
    def edit(layout: Layout) -> Layout:
        # White space belongs to the place, not to the field.
        first, second = layout.fields[place : place + 2]
        moved = (
            second._replace(indent=first.indent, after=first.after),
            first._replace(indent=second.indent, after=second.after),
        )
        return layout._replace(fields=layout.fields[:place] + moved + layout.fields[place + 2 :])

    return edit


def _dropped(gone: Piece) -> Change:
    def edit(layout: Layout) -> Layout:
        return layout._replace(others=tuple(one for one in layout.others if one[1] != gone))

    return Change(f"there is no {gone.body!r}", edit)


def _added(before: int, piece: Piece) -> Change:
    def edit(layout: Layout) -> Layout:
        return layout._replace(others=(*layout.others, (before, piece)))

    return Change(f"there is {piece.body!r}", edit)
