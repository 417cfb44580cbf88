"""What a case is sliced by when it does not say: the fields that its data have no other use for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from eval_autopsy import kernel
from eval_autopsy.attributes import SetAside
from eval_autopsy.case.columns import Column, Fields, columns_of
from eval_autopsy.case.load import Case
from eval_autopsy.case.roles import guess_parts, inside_input, repeated_outside, words
from eval_autopsy.case.sets import Look, Sets, look_at
from eval_autopsy.readers import Source, SplitColumn
from eval_autopsy.readers.join import changed, is_wanted, join_of
from eval_autopsy.readers.logs import BESIDE
from eval_autopsy.records import SPLITS, Split

SCORES = frozenset(
    words(
        "score scores correct passed pass success right ok match exact grade graded verdict "
        "outcome feedback result judgement"
    )
)
VERDICTS = 3  # different values that a verdict may have: right, wrong, and neither
SLICED_BY_TOO = ("confidence", "timestamp", "latency", "cost")  # parts that may be sliced by


class Attributes(NamedTuple):
    """The fields that may be sliced by, and the others with the reason."""

    names: tuple[str, ...]
    set_aside: tuple[SetAside, ...]


def sliced_by(case: Case, names: Sequence[str]) -> Case:
    """The case with these attributes in place of its own."""
    return replace(case, wanted=case.wanted._replace(attributes=tuple(names)))


def by_itself(case: Case) -> tuple[Case, tuple[SetAside, ...]]:
    """The case sliced by what its data hold, where it does not say; and what cannot be."""
    found = attributes_of(case)
    return replace(sliced_by(case, found.names), guessed=True), found.set_aside


def attributes_of(case: Case) -> Attributes:
    """The fields of a case's data that it has no other use for and that may be sliced by.

    Of an input that is an object these are the fields in it, unless another one says the same.
    Told from the first records of each file; how, and whether, is then told from all of them.
    """
    looks = _looks_as_read(case)
    by_split = _rows_by_split(case.sources, looks)
    columns = columns_of([row for rows in by_split.values() for row in rows])
    splits = [s.split.column for s in case.sources if isinstance(s.split, SplitColumn)]
    fields = case.wanted.fields.items()
    guesses = guess_parts([columns], [*case.wanted.fields.values(), *splits])
    parts = [*fields, *((guess.part, guess.field) for guess in guesses)]
    asked = next((name for part, name in parts if part == "input"), "")
    taken = [name for part, name in parts if part not in (*SLICED_BY_TOO, "input")] + splits
    taken += case.wanted.made_of.values()
    taken += BESIDE if any(look.file.yields == "samples" for look in looks) else ()
    names, set_aside = [], []
    for name, column in columns.items():
        if name == asked or any(name == one or name.startswith(f"{one}.") for one in taken):
            continue
        reason = _unfit(name, column, by_split)
        same = repeated_outside(name, asked, [columns]) if inside_input(name, asked) else ""
        reason = reason or (f"it says the same as {same}" if same and column.scalar else "")
        if reason:
            set_aside.append(SetAside(name, reason))
        elif column.scalar:  # the fields inside an object have columns of their own
            names.append(name)
    return Attributes(tuple(names), tuple(set_aside))


def _unfit(name: str, column: Column, by_split: Mapping[Split, Sequence[Fields]]) -> str:
    """Why a column cannot be sliced by; "" when it may be, or is an object."""
    if not column.scalar:
        return "" if all(isinstance(value, dict) for value in column.given) else "it holds lists"
    if len(column.counts) <= VERDICTS and SCORES & {*re.split(r"[^a-z]+", name.lower())}:
        return "it looks like a score, which says what is right"
    for split, rows in by_split.items():
        if rows and all(kernel.field(row, name) is kernel.MISSING for row in rows):
            return f"no record of {split} has it"
    try:
        kernel.attribute_name(name)
    except kernel.Unreadable:
        return "its name is one that features have"
    return ""


def _looks_as_read(case: Case) -> list[Look]:
    """The first rows of each source under the names of the case, with what is joined to them."""
    found = []
    for source in case.sources:
        look = look_at(source.path, source.name, lenient=source.lenient)
        if not source.as_it_is:
            joins = [join_of(path, case.wanted) for path in source.joined]
            rows = (kernel.Row(0, dict(row)) for row in look.rows)
            made = (changed(row, source, case.wanted, joins) for row in rows)
            read = tuple(row.fields for row in made if is_wanted(row, source))
            look = replace(look, rows=read)
        found.append(look)
    return found


def _rows_by_split(sources: Sequence[Source], looks: Sequence[Look]) -> dict[Split, list[Fields]]:
    """The first rows of each split's files."""
    rows: dict[Split, list[Fields]] = {split: [] for split in SPLITS}
    for source, look in zip(sources, looks, strict=True):
        if isinstance(source.split, SplitColumn):
            column, values = source.split.column, source.split.values
            for split, each in Sets("", one=look, column=column, values=values).rows().items():
                rows[split] += each
        else:
            rows[source.split] += look.rows
    return rows
