"""From rows to records: which field plays which part, and what each must hold.

1. An id is text, or a whole number taken as its digits; it is never blank, and stands once in a
   split. 7 and "7" are the same id, "007" is another.
2. A field that the case names must be in some record, or the name is wrong; one to slice by must
   be in some record of each split. One that every record needs must be in all of them; the error
   counts those without it.
3. A failed call has an error and need have neither output nor score.
4. Confidence is a number from 0 to 1; latency and cost are numbers that are not negative. Null,
   "" and absence mean that they are not known, and NaN in a table of columns is null.
5. Everything else is taken as it stands.
"""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.files import DataFile, Rows, open_rows
from eval_autopsy.readers.join import (
    ATTEMPT_OF,
    Attempts,
    Join,
    changed,
    clustered,
    is_wanted,
    join_of,
)
from eval_autopsy.readers.logs import Aside, Needs, Note, Reconciled
from eval_autopsy.readers.shelf import ON_DEMAND, Attributes, Shelf
from eval_autopsy.readers.sources import Source, SplitColumn, Wanted
from eval_autopsy.records import SPLITS, Record, Split

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
TOLD_EVERY = 1000  # records, from one word of progress to the next
NAMED_AT_MOST = 5  # places in one error
FIELDS_AT_MOST = 20  # field names in one error
BY = "by"  # the part of a field that is only to slice by
UNLESS_FAILED = {"output", "score"}  # what a failed call need not have


Progress = Callable[[str, int, int], None]


class Place(NamedTuple):
    """Where a record is."""

    split: Split
    where: str


class Said(NamedTuple):
    """What a tool's log says beside its samples, or a table beside its rows."""

    reconciled: tuple[Reconciled, ...] = ()
    notes: tuple[Note, ...] = ()
    needs: tuple[Needs, ...] = ()
    statuses: Mapping[str, int] = {}
    no_numbers: Mapping[str, int] = {}  # column -> its values that are NaN or infinite


def said_by(rows: Rows) -> Said:
    """What the log said whose rows were all read."""
    reconciled = tuple(rows.tally.against(rows.reported))
    notes, needs = tuple(rows.notes), tuple(rows.needs)
    return Said(reconciled, notes, needs, dict(rows.tally.statuses), dict(rows.no_numbers))


class FileCount(NamedTuple):
    """What was read from one file."""

    file: DataFile
    records: int
    blank: int  # lines with nothing on them; with the records all `lines` of a JSON Lines file
    lines: int
    kept: tuple[kernel.Row, ...]  # the rows, when the kernel cannot read the file by itself
    aside: tuple[Aside, ...] = ()
    said: Said = Said()
    joins: tuple[Join, ...] = ()
    changed: bool = False  # while it was read
    attempts: int = 0  # records with an id that stood before


class Reading(NamedTuple):
    """The records of all sources, in order, with the count of what was read."""

    records: list[Record]
    files: list[FileCount]


def read_sources(
    sources: Sequence[Source],
    wanted: Wanted,
    progress: Progress = lambda what, done, total: None,
    *,
    splits: Sequence[Split] = SPLITS,
    keep: bool = True,
) -> Reading:
    """All records of a case; all of `splits` must have some. `progress` hears of files in bytes.

    `keep` is whether the rows of files that the kernel cannot read are kept for a receipt.

    Raises CannotRead at the first value that is not as it should be, and after the last record
    when required fields were missing.
    """
    reading = _read(sources, wanted, progress, keep=keep, hold=False)
    if keep and any(one.attempts and not one.kept for one in reading.files):
        # Only now it is known that a receipt cannot rest on the file as it is.
        reading = _read(sources, wanted, progress, keep=keep, hold=True)
    for split in splits:
        if not any(record.split == split for record in reading.records):
            what = f"no record belongs to {split}"
            names = ", ".join(str(count.file.path) for count in reading.files)
            raise CannotRead(what, where=names, remedy="check [data] of the case")
    return reading


def _read(
    sources: Sequence[Source], wanted: Wanted, progress: Progress, *, keep: bool, hold: bool
) -> Reading:
    """The records of all sources; with `hold` the rows are kept of files with attempts, too."""
    several = any(one.attempts or one.repeats > 1 for one in sources)
    intake = Intake(clustered(wanted) if several else wanted)
    found: list[Record] = []
    counts = []
    attempts = Attempts()
    sizes = [os.path.getsize(source.path) for source in sources if os.path.isfile(source.path)]
    for number, source in enumerate(sources):
        before = _state(source.path)
        file, rows = open_rows(source.path, source.name, lenient=source.lenient)
        joins = tuple(join_of(path, wanted) for path in source.joined)
        kept: list[kernel.Row] = []
        with rows:
            each: Iterable[kernel.Row] = rows
            if not source.as_it_is:
                made = (changed(row, source, wanted, joins) for row in rows)
                each = (row for row in made if is_wanted(row, source))
            before_it = attempts.again
            repeats = range(source.repeats)
            each = (row for row in each for _ in repeats) if source.repeats > 1 else each
            if source.attempts or source.repeats > 1:
                each = (attempts.of(row, source, wanted.fields["id"]) for row in each)
            converted = file.converted_from or not source.as_it_is or source.lenient
            if keep and (converted or source.repeats > 1 or (hold and source.attempts)):
                each = _keeping(each, kept)
            for record in intake.records(each, rows.where, source.split):
                found.append(record)
                if len(found) % TOLD_EVERY == 0:
                    progress("reading", sum(sizes[:number]) + rows.position, sum(sizes))
        said = said_by(rows)
        again = attempts.again - before_it
        file = _made(file, source, len(rows.aside), again)
        counts.append(
            FileCount(
                file,
                rows.records,
                rows.blank,
                rows.lines,
                tuple(kept) if file.converted_from else (),
                tuple(rows.aside),
                said,
                joins,
                changed=_state(source.path) != before,
                attempts=again,
            )
        )
    intake.finish()
    return Reading(found, counts)


def _state(path: Path) -> tuple[int, int, int] | None:
    """What changes with a file; None of one that is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def records(rows: Rows, wanted: Wanted, split: Split | SplitColumn) -> Iterator[Record]:
    """The records of one file; see `read_sources` for several."""
    intake = Intake(wanted)
    with rows:
        yield from intake.records(rows, rows.where, split)
    intake.finish()


def _made(file: DataFile, source: Source, aside: int, again: int) -> DataFile:
    """What a file is once its rows are not those that the kernel would read from it."""
    ways = ["fields renamed"] if source.names else []
    ways += ["joined"] if source.joined else []
    ways += ["verdicts in words"] if source.verdict_words else []
    ways += [f"right at {source.threshold.words}"] if source.threshold else []
    ways += ["ids prefixed"] if source.prefix else []
    ways += ["some rows only"] if source.only else []
    ways += [f"{aside:,} lines set aside"] if aside else []
    ways += [f"{again:,} attempts numbered"] if again else []
    if not ways:
        return file
    was = file.converted_from or " ".join(filter(None, (file.compression, file.layout)))
    made = f"{was} ({', '.join(ways)})"
    return DataFile(file.path, "jsonl", "", made, file.yields)


def _keeping(rows: Iterable[kernel.Row], kept: list[kernel.Row]) -> Iterator[kernel.Row]:
    for row in rows:
        kept.append(row)
        yield row


class Intake:
    """Turns rows into records and remembers, across files, what must hold for all of them."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._parsers = [(part, parse) for part, parse in PARSERS.items() if part in wanted.fields]
        self._named = tuple(dict.fromkeys([*wanted.attributes, *wanted.beside]))
        self._places = {name: place for place, name in enumerate(self._named)}
        self._shelf = Shelf()
        self._seen: dict[Split, dict[str, str]] = {split: {} for split in SPLITS}
        self._counts: Counter[Split] = Counter()
        # (part, field) -> the places that lack it; the part of a field to slice by is BY
        self._without: dict[tuple[str, str], dict[Split, list[str]]] = {}
        self._fields: dict[str, None] = {}  # names of fields, in the order they were met
        self._split_texts: dict[str, Split] = {}

    def records(
        self,
        rows: Iterable[kernel.Row],
        where: Callable[[kernel.Row], str],
        split: Split | SplitColumn,
    ) -> Iterator[Record]:
        """The record of each row; `where` gives the place of a row."""
        if isinstance(split, SplitColumn):
            self._split_texts = {_level_text(value): name for name, value in split.values.items()}
        for number, row in enumerate(rows):
            if number == 0:
                self._fields.update(dict.fromkeys(_paths(row.fields)))
            if not row.fields.keys() <= self._fields.keys():
                self._fields.update(dict.fromkeys(row.fields))
            yield self._record(row, where(row), split)

    def finish(self) -> None:
        """Raises CannotRead when a named field was in no record, or a required one not in all."""
        total = sum(self._counts.values())
        for (part, name), without in self._without.items():
            places = [place for split in SPLITS for place in without.get(split, ())]
            if len(places) == total:
                raise self._no_such_field(part, name, places[0])
            if part in self.wanted.required:
                raise _not_in_all(part, name, places, total)
            for split, lacking in without.items():
                if part == BY and len(lacking) == self._counts[split]:
                    what = f"no record of {split} has the field {name!r}, which is to slice by"
                    remedy = "add it to them, or take it out of [slices]"
                    raise CannotRead(what, where=lacking[0], remedy=remedy)

    def _record(self, row: kernel.Row, where: str, split: Split | SplitColumn) -> Record:
        fields, names = row.fields, self.wanted.fields
        # A literal key wins, and finding it here saves a call for each.
        given = {
            part: fields[name] if name in fields else kernel.field(fields, name)
            for part, name in names.items()
        }
        attributes = [kernel.field(fields, name) for name in self._named]
        if given.get("id", MISSING) is MISSING:
            raise self._no_such_field("id", names.get("id", "id"), where)
        try:
            parts = {part: parse(given[part]) for part, parse in self._parsers}
        except Unfit as unfit:
            raise unfit.at(where, names) from None
        belongs = self._split(fields, where, split)
        first = self._seen[belongs].setdefault(parts["id"], where)
        if first is not where:
            what = f"the id {shown(parts['id'])} stands twice in {belongs}; first at {first}"
            remedy = "give each record an id of its own"
            if names.get("cluster") != ATTEMPT_OF:
                remedy += ", or write attempts = true under [data]"
            raise CannotRead(what, where=where, remedy=remedy)
        self._counts[belongs] += 1
        place = Place(belongs, where)
        self._note_absent(given, parts.get("error") is not None, place)
        for name in self.wanted.attributes:
            if attributes[self._places[name]] is MISSING:
                self._note(BY, name, place)
        verbatim = {part: given[part] for part in VERBATIM if part in given}
        return self._kept(place, attributes, parts | verbatim)

    def _kept(self, place: Place, attributes: Sequence[object], parts: Mapping[str, Any]) -> Record:
        """The record of some parts, whose values are held as the shelf holds them."""
        shelf = self._shelf
        values = Attributes(self._places, tuple(map(shelf.kept, attributes)))
        held = {
            part: shelf.kept(value) if part in ON_DEMAND else shelf.once(value)
            for part, value in parts.items()
        }
        return shelf.record(split=place.split, where=place.where, attributes=values, **held)

    def _note_absent(self, given: Mapping[str, Any], failed: bool, record: Place) -> None:
        for part, value in given.items():
            name = self.wanted.fields[part]
            if value is MISSING and name != ATTEMPT_OF and not (failed and part in UNLESS_FAILED):
                self._note(part, name, record)

    def _note(self, part: str, name: str, record: Place) -> None:
        lacking = self._without.setdefault((part, name), {})
        lacking.setdefault(record.split, []).append(record.where)

    def _split(self, fields: Mapping[str, Any], where: str, split: Split | SplitColumn) -> Split:
        if not isinstance(split, SplitColumn):
            return split
        value = kernel.field(fields, split.column)
        if value is MISSING:
            raise self._no_such_field("split", split.column, where)
        found = self._split_texts.get(_level_text(value))
        if found is None:
            wanted = " or ".join(shown(split.values[name]) for name in SPLITS)
            what = f"the split is {shown(value)}, expected {wanted}"
            remedy = "name the two values under [data] splits, or take the record out"
            raise CannotRead(what, where=f"{where}:{split.column}", remedy=remedy)
        return found

    def _no_such_field(self, part: str, name: str, where: str) -> CannotRead:
        name = self.wanted.made_of.get(name, name)
        made = {ATTEMPT_OF, *self.wanted.made_of}  # by us, and not in the data
        known = [field for field in self._fields if field not in made]
        near = nearest(name, known)
        remedy = f"did you mean {near!r}? Name it in the case" if near else "name one of them"
        role = f", named for {part}," if part not in (name, BY) else ""
        what = f"there is no field {name!r}{role} among: {listed(known)}"
        return CannotRead(what, where=where, remedy=remedy)


def _not_in_all(part: str, name: str, places: Sequence[str], total: int) -> CannotRead:
    shown_places = ", ".join(places[:NAMED_AT_MOST])
    more = f" and {len(places) - NAMED_AT_MOST:,} more" if len(places) > NAMED_AT_MOST else ""
    unless = " and no error" if part in UNLESS_FAILED else ""
    what = f"{len(places):,} of {total:,} records have no {part} (field {name!r}){unless}: "
    remedy = "add it to them, or take them out of the file"
    return CannotRead(what + shown_places + more, where=places[0], remedy=remedy)


def _paths(fields: Mapping[str, Any], prefix: str = "", depth: int = 4) -> Iterator[str]:
    """The dotted names of all fields, outer ones first."""
    for name, value in fields.items():
        yield prefix + name
        if isinstance(value, dict) and depth > 1:
            yield from _paths(value, f"{prefix}{name}.", depth - 1)


def listed(names: Sequence[str]) -> str:
    """Some names of fields for a message, and how many more there are."""
    more = len(names) - FIELDS_AT_MOST
    return ", ".join(names[:FIELDS_AT_MOST]) + (f" and {more:,} more" if more > 0 else "")


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that is most like `name`, or "": case and white space count for nothing."""
    plain = {known_name.strip().casefold(): known_name for known_name in reversed(known[:2000])}
    near = difflib.get_close_matches(name.strip().casefold(), plain, n=1)
    return plain[near[0]] if near else ""


def _level_text(value: object) -> str:
    return kernel.canonical(kernel.level(value))


def shown(value: object) -> str:
    """A value for a message: its JSON text, cut to 60 characters."""
    text = kernel.canonical(value) if value is not MISSING else "nothing"
    return text if len(text) <= 60 else f"{text[:57]}..."


# One function for each part that is not taken verbatim, given a value that may be MISSING.


class Unfit(Exception):
    """A value that cannot play its part."""

    def __init__(self, part: str, value: object, expected: str, remedy: str = "") -> None:
        self.part, self.value, self.expected = part, value, expected
        self.remedy = remedy or f"name another field as {part}, or leave out what is not known"

    def at(self, where: str, names: Mapping[str, str]) -> CannotRead:
        """The error about the record at `where`."""
        what = f"the {self.part} is {shown(self.value)}, expected {self.expected}"
        return CannotRead(what, where=f"{where}:{names[self.part]}", remedy=self.remedy)


def _unknown(value: Any) -> bool:
    return value is MISSING or value is None or value == ""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _id(value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return value
    if _whole(value):
        return str(value)
    remedy = "name another field as id, or give the record one"
    raise Unfit("id", value, "text or a whole number", remedy)


def _cluster(value: Any) -> str | None:
    if _unknown(value):
        return None
    if isinstance(value, str) or _whole(value):
        return str(value)
    raise Unfit("cluster", value, "text or a whole number")


def _timestamp(value: Any) -> str | None:
    if _unknown(value):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal) or _whole(value):
        return kernel.canonical(value)
    raise Unfit("timestamp", value, "text or a number")


def _error(value: Any) -> str | None:
    if _unknown(value):
        return None
    # A column of yes and no would make every record a failed one.
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false")):
        remedy = "name a field with the message, null or blank where the call did not fail"
        raise Unfit("error", value, "the message of a failed call, or nothing", remedy)
    return value if isinstance(value, str) else kernel.canonical(value)


def number(value: Any) -> Decimal | None:
    """A value as a number, or None when it is none; text must be nothing but a number."""
    if isinstance(value, Decimal) or _whole(value):
        return Decimal(value)
    if isinstance(value, str) and len(value) < 100 and NUMBER.fullmatch(value):
        return Decimal(value)
    return None


def _confidence(value: Any) -> Decimal | None:
    if _unknown(value):
        return None
    found = number(value)
    if found is None or not 0 <= found <= 1:
        raise Unfit("confidence", value, "a number from 0 to 1")
    return found


def _not_negative(part: str) -> Callable[[Any], Decimal | None]:
    def parse(value: Any) -> Decimal | None:
        if _unknown(value):
            return None
        found = number(value)
        if found is None or found < 0:
            raise Unfit(part, value, "a number that is not negative")
        return found

    return parse


PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "id": _id,
    "error": _error,
    "confidence": _confidence,
    "timestamp": _timestamp,
    "latency": _not_negative("latency"),
    "cost": _not_negative("cost"),
    "cluster": _cluster,
}
VERBATIM = ("input", "expected", "output", "score")
