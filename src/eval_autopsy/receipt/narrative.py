"""Prose of a person or a model, which states numbers by naming claims.

1. `{{ rate.production.right.counted | percent }}` is a claim's id and a form. `label` is a form of
   every claim: what it says, in words. `{{ quote production input p-0137 }}`, on a line of its own,
   is a part of a record: its input, expected value or output.
2. The prose itself obeys the kernel's rule: no digit, no number-word, plain ASCII. Beside a change
   it may not say the other direction, and beside a number no other unit; points are called that.
3. A line that begins `- measured:` cites a claim that measures something, and gives a cause only
   with a hypothesis that is measured. Any other cause stands on a line that begins `- inferred:`,
   or below the heading `## Opinion`.
4. Below `## Objections` each `- objection:` is followed by its `- answer:`.
5. A problem names the line and the remedy. It is text, not a template: nothing in it is executed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import BadCase

Piece = str | dict[str, Any]
Claims = Mapping[str, Mapping[str, Any]]

LIMIT = 64 * 2**10  # bytes of a narrative
LISTED = "`autopsy claims` lists them"
NAMED_AT_MOST = 4  # claims in one remedy
PARTS = ("input", "expected", "output")

_HOLE = re.compile(r"\{\{\s*(.+?)\s*\}\}")
_QUOTE = re.compile(rf"quote ({'|'.join(kernel.SPLITS)}) ({'|'.join(PARTS)}) (\S.*)")
_KIND = re.compile(r"\s*[-*]\s+\**(measured|inferred|objection|answer)\b\**\s*:", re.IGNORECASE)
_CAUSE = re.compile(
    r"\b(because|due to|owing to|thanks to|caus(?:e|es|ed|ing)|root cause|leads? to|led to|"
    r"results? from|resulted from|stems? from|explains? why|reason (?:is|for|that|why))\b",
    re.IGNORECASE,
)
_UP = r"rises?|rose|risen|rising|increas\w+|gain(?:s|ed)?|grows?|grew|grown|higher|climb\w*"
_DOWN = (
    r"falls?|fell|fallen|falling|drop(?:s|ped|ping)?|declin\w+|decreas\w+|lower|sinks?|sank|"
    r"loses?|lost|shrinks?|shrank"
)
_BETTER = r"improv\w+|better"
_WORSE = r"worsen\w*|worse|degrad\w+|deteriorat\w+|regress\w*"
_MOVES = re.compile(rf"\b(?:({_UP})|({_DOWN})|({_BETTER})|({_WORSE}))\b", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|never|no|neither|nor|without)\b(?:\W+\w+){0,2}\W*$", re.IGNORECASE)
_CHANGES = ("difference", "contribution")
_GOOD = {"right", "well_formed"}  # more of these is better; of what else there is, worse
_POINTS = re.compile(r"\bpoints?\b", re.IGNORECASE)
_UNITS = {
    "percent": re.compile(r"\s+(?:points?|records?|answers?|inputs?|calls?)\b", re.IGNORECASE),
    "count": re.compile(r"\s+points?\b", re.IGNORECASE),
    "of": re.compile(r"\s+points?\b", re.IGNORECASE),
    "points": re.compile(r"\s+(?:records?|answers?|inputs?|calls?)\b", re.IGNORECASE),
}


class Problem(NamedTuple):
    """Something in a narrative that a receipt cannot show."""

    line: int
    what: str
    remedy: str

    def to_dict(self) -> dict[str, Any]:
        return self._asdict()


class Line(NamedTuple):
    """A line of a narrative, its text and holes, and what it is."""

    number: int
    pieces: Sequence[Piece]
    kind: str  # "measured", "inferred", "objection", "answer", or "" for prose
    section: str  # its heading's words, in small letters

    @property
    def prose(self) -> str:
        """The text alone."""
        return " ".join(piece for piece in self.pieces if isinstance(piece, str))

    @property
    def quoted(self) -> dict[str, Any] | None:
        """The quotation that the line is."""
        only = self.pieces[0] if len(self.pieces) == 1 else None
        return only if isinstance(only, dict) and "quote" in only else None


def pieces_of(path: Path, claims: Claims) -> list[Piece]:
    """The prose of a file with its holes, for the kernel to fill. Raises BadCase."""
    text = text_of(path)
    lines = list(_lines(text, claims))
    problem = next(iter(sorted(_problems(lines, claims))), None)
    if problem is not None:
        where = f"{path}:{problem.line}"
        raise BadCase(problem.what, where=where, remedy=problem.remedy)
    pieces: list[Piece] = []
    for line in lines:
        if isinstance(line, Problem):
            continue  # which was raised
        # As a quotation, so that it cannot pass for what the engine says; a record stands apart.
        pieces += ["\n", line.quoted, "\n\n"] if line.quoted else ["> ", *line.pieces, "\n"]
    return pieces


def problems_of(text: str, page: kernel.Page) -> list[Problem]:
    """Everything that has to be mended before a receipt with this page's claims and records can
    show a text, in its order."""
    lines = list(_lines(text, page.claims))
    return sorted([*_problems(lines, page.claims), *_unknown_records(lines, page)])


def filled(text: str, page: kernel.Page) -> str:
    """A text without problems as a receipt with this page's claims and records shows it."""
    lines = (one for one in _lines(text, page.claims) if isinstance(one, Line))
    return "\n".join(page.filled(line.pieces) for line in lines)


def text_of(path: Path) -> str:
    """The text of a narrative. Raises BadCase."""
    try:
        return decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise BadCase(f"the narrative cannot be read: {error}", where=str(path)) from None


def decoded(raw: bytes, where: str) -> str:
    """The text of a narrative's bytes. Raises BadCase."""
    if len(raw) > LIMIT:
        what = f"a narrative of {len(raw):,} bytes, of at most {LIMIT:,}"
        raise BadCase(what, where=where, remedy="shorten it")
    try:
        return raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise BadCase(f"the narrative cannot be read: {error}", where=where) from None


def _lines(text: str, claims: Claims) -> Iterator[Line | Problem]:
    """Each line with its holes, or what is wrong with a hole of it."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            section = line.strip("# ").lower()
        pieces: list[Piece] = []
        for i, part in enumerate(_HOLE.split(line)):
            piece = _hole(number, part, claims) if i % 2 else part
            if isinstance(piece, Problem):
                yield piece
            elif piece != "":
                pieces.append(piece)
        kind = _KIND.match(line)
        yield Line(number, pieces, kind[1].lower() if kind else "", section)


def _hole(line: int, text: str, claims: Claims) -> dict[str, Any] | Problem:
    """The hole that a text between braces means, or why it means none."""
    if quote := _QUOTE.fullmatch(text):
        return {"quote": quote[3], "split": quote[1], "field": quote[2]}
    identity, bar, form = (part.strip() for part in text.rpartition("|"))
    if not bar or identity not in claims:
        return Problem(line, f"no claim and form in {text!r}", _meant(identity, bar, form, claims))
    forms = kernel.forms_of(identity)
    if form == "label":
        return {"label": identity}
    if form not in forms:
        what = f"{identity} cannot be shown as {form!r}"
        return Problem(line, what, f"write {' or '.join(forms)}, or label")
    return {"claim": identity, "as": form}


def _meant(identity: str, bar: str, form: str, claims: Claims) -> str:
    """What somebody probably meant, who named no claim and form."""
    if not bar and form in claims:
        return f"write {{{{ {form} | FORM }}}}, FORM being {' or '.join(kernel.forms_of(form))}"
    near = difflib.get_close_matches(identity or form, claims, n=1)
    return f"did you mean {near[0]}?" if near else LISTED


def _problems(lines: Sequence[Line | Problem], claims: Claims) -> Iterator[Problem]:
    """What is wrong with some lines, rule by rule."""
    whole = [line for line in lines if isinstance(line, Line)]
    yield from (line for line in lines if isinstance(line, Problem))
    for line in whole:
        yield from _numbers(line, claims)
        yield from _directions(line, claims)
        yield from _units(line)
        yield from _strength(line, claims)
    yield from _unanswered(whole)


def _numbers(line: Line, claims: Claims) -> Iterator[Problem]:
    """What states a quantity without a claim, or one of the other split."""
    pieces = [] if line.quoted else line.pieces
    for what in [*kernel.numbers_in(pieces), *kernel.misnamed(pieces, claims)]:
        remedy = f"state a number by naming a claim; {LISTED}"
        yield Problem(line.number, f"this cannot stand in prose: {what}", remedy)


def _directions(line: Line, claims: Claims) -> Iterator[Problem]:
    """Changes that the words beside them turn around."""
    for at, piece in enumerate(line.pieces):
        claim = claims.get(piece.get("claim", "")) if isinstance(piece, dict) else None
        if claim is None or claim["op"] not in _CHANGES or not Fraction(claim["value"]):
            continue
        said = _said_beside(line.pieces, at)
        is_so = _direction(claim)
        if said is not None and said[1] not in is_so:
            what = f"{said[0]!r} beside {claim['id']}, which says that it {' and '.join(is_so)}"
            yield Problem(line.number, what, "say the direction that the claim has, or none")


def _direction(claim: Mapping[str, Any]) -> tuple[str, str]:
    """What a change says: which way it went, and whether that is better."""
    up = Fraction(claim["value"]) > 0
    good = claim["args"].get("outcome", "right").partition(":")[0] in _GOOD
    return ("rose" if up else "fell", "improved" if up == good else "worsened")


def _said_beside(pieces: Sequence[Piece], at: int) -> tuple[str, str] | None:
    """The word nearest to a hole, in its sentence, that says a direction: the last one before it,
    or else the first one after it; None where there is none, or it is denied."""
    before = pieces[at - 1] if at and isinstance(pieces[at - 1], str) else ""
    after = pieces[at + 1] if at + 1 < len(pieces) else ""
    first = re.split(r"[.;:!?]\s", str(before))[-1]
    found = list(_MOVES.finditer(first))
    if found:
        denied = _DENIED.search(first[: found[-1].start()])
        return None if denied else (found[-1][0], _meaning(found[-1]))
    rest = re.split(r"[.;:!?](?:\s|$)", after)[0] if isinstance(after, str) else ""
    later = _MOVES.search(rest)
    return (later[0], _meaning(later)) if later else None


def _meaning(match: re.Match[str]) -> str:
    kinds = ("rose", "fell", "improved", "worsened")
    return next(kind for kind, word in zip(kinds, match.groups(), strict=True) if word)


def _units(line: Line) -> Iterator[Problem]:
    """Numbers that are followed by another unit than their own."""
    for piece, after in zip(line.pieces, line.pieces[1:], strict=False):
        if isinstance(piece, dict) and isinstance(after, str) and piece.get("as") in _UNITS:
            wrong = _UNITS[piece["as"]].match(after)
            if wrong:
                what = f"{wrong[0].strip()!r} after {piece['claim']} as {piece['as']}"
                yield Problem(line.number, what, "take the word out, or show it in another form")
    shown = {
        piece["as"]: piece["claim"]
        for piece in line.pieces
        if isinstance(piece, dict) and "as" in piece
    }
    if "points" in shown and "change" not in shown and not _POINTS.search(line.prose):
        what = f"{shown['points']} as points, and the line does not say that it is points"
        yield Problem(line.number, what, "write `points` after it")


def _strength(line: Line, claims: Claims) -> Iterator[Problem]:
    """Findings that claim more than their evidence, and causes that nobody calls inferred."""
    cause = _CAUSE.search(line.prose)
    cited = [claims[name] for name in kernel.claims_in(line.pieces) if name in claims]
    if line.kind == "measured":
        if any(kernel.measures(claim, "cause") for claim in cited):
            return
        if not any(kernel.measures(claim, kind) for claim in cited for kind in kernel.KINDS):
            what = "a finding called measured without a claim that measures it"
            yield Problem(line.number, what, _measuring(claims))
    if cause and not (line.kind == "inferred" or line.section in ("opinion", "objections")):
        what = f"a cause ({cause[0]!r}) that is not called inferred"
        remedy = (
            "begin the line with `- inferred:`, or put it below `## Opinion`; a line that says "
            "measured has to name the claim of a hypothesis that is measured"
        )
        yield Problem(line.number, what, remedy)


def _measuring(claims: Claims) -> str:
    """Which claims there are that measure something."""
    found = [
        name
        for name, claim in claims.items()
        if any(kernel.measures(claim, kind) for kind in kernel.KINDS)
    ]
    if not found:
        return "call it inferred: no claim of this receipt measures anything"
    more = len(found) - NAMED_AT_MOST
    rest = f" and {more:,} more that `autopsy claims` says measure something" if more > 0 else ""
    return f"call it inferred, or cite what measures it: {', '.join(found[:NAMED_AT_MOST])}{rest}"


def _unanswered(lines: Sequence[Line]) -> Iterator[Problem]:
    """Objections that have no answer."""
    raised: Line | None = None
    for line in [*lines, Line(0, (), "objection", "")]:
        if line.kind == "answer":
            raised = None
        if line.kind == "objection":
            if raised is not None:
                what = "an objection without an answer"
                yield Problem(raised.number, what, "follow it with a line that begins `- answer:`")
            raised = line


def _unknown_records(lines: Sequence[Line | Problem], page: kernel.Page) -> Iterator[Problem]:
    """Quotations of records that are not there."""
    for line in lines:
        if isinstance(line, Line) and line.quoted:
            try:
                page.filled([line.quoted])
            except kernel.Unreadable as error:
                yield Problem(line.number, error.what, "take an id that the report names")
