"""Which files are eval and which are production, guessed from names and from a split column."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.case.columns import Column, Fields, columns_of
from eval_autopsy.case.roles import plain, words
from eval_autopsy.readers import DataFile, open_rows
from eval_autopsy.readers.intake import Said, said_by
from eval_autopsy.readers.logs import Aside
from eval_autopsy.readers.parquet_sample import is_parquet, rows_in, sample_of
from eval_autopsy.readers.verdict_words import pair_of
from eval_autopsy.records import SPLITS, Split

REMEMBERED = 100  # looks at files
SAMPLE = 5_000  # rows of a file that guesses rest on: the first, or of Parquet from all over it

WORDS: Mapping[Split, frozenset[str]] = {
    "eval": frozenset(
        words(
            "eval evals evaluation test tests dev golden gold benchmark bench offline validation "
            "val valid baseline holdout"
        )
    ),
    "production": frozenset(
        words("production prod live online real deployed deployment traffic field user users")
    ),
}
SPLIT_NAMES = frozenset(
    words("split set subset dataset source env environment stage origin phase partition")
)


@dataclass(frozen=True)
class Look:
    """A data file and its first rows."""

    name: str  # relative to the case
    file: DataFile
    rows: tuple[Fields, ...]
    whole: bool  # these are all of its rows
    lenient: bool = False  # lines that cannot be read may be set aside
    prefix: str = ""  # that its ids are to begin with
    only: Mapping[str, object] = field(default_factory=dict)  # the rows that are wanted
    aside: tuple[Aside, ...] = ()  # of the part that was looked at
    said: Said | None = None  # what a tool's log said beside these

    @property
    def columns(self) -> dict[str, Column]:
        return columns_of(self.rows)


@dataclass(frozen=True)
class Sets:
    """What is compared: files for each split, or one file and a split column. Both or neither.

    `why` says how it was told, or why it was not.
    """

    why: str
    files: Mapping[Split, tuple[Look, ...]] | None = None
    one: Look | None = None
    column: str = ""
    values: Mapping[Split, Any] | None = None

    def looks(self) -> list[Look]:
        """All files, each once."""
        if self.files is not None:
            return [look for looks in self.files.values() for look in looks]
        return [self.one] if self.one is not None else []

    def rows(self) -> dict[Split, list[Fields]]:
        """The rows of each split; empty when nothing was told."""
        if self.files is not None:
            return {s: [row for look in self.files[s] for row in look.rows] for s in SPLITS}
        found: dict[Split, list[Fields]] = {split: [] for split in SPLITS}
        if self.one is not None and self.values is not None:
            texts = {kernel.canonical(value): split for split, value in self.values.items()}
            for row in self.one.rows:
                found[texts[kernel.canonical(kernel.field(row, self.column))]].append(row)
        return found


def look_at(path: Path, name: str, *, lenient: bool = False) -> Look:
    """A data file and its first rows; raises CannotRead when it is none.

    A file that has not changed since is not read again: one command looks at it several times.
    """
    if os.path.isdir(path):
        return _look_at(path, name, lenient)  # what it holds may have changed
    try:
        found = path.stat()
    except (OSError, ValueError):
        return _look_at(path, name, lenient)  # which says what is wrong with it
    return _remembered(path, name, lenient, found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(REMEMBERED)
def _remembered(path: Path, name: str, lenient: bool, *_state: int) -> Look:
    return _look_at(path, name, lenient)


def _look_at(path: Path, name: str, lenient: bool) -> Look:
    if is_parquet(path, name) and rows_in(path, name) > SAMPLE:
        file = DataFile(path, "jsonl", "", "parquet")
        return Look(name, file, tuple(sample_of(path, name, SAMPLE)), whole=False)
    file, rows = open_rows(path, name, lenient=lenient)
    with rows:
        first = tuple(row.fields for row in islice(rows, SAMPLE))
        whole = next(rows, None) is None
    return Look(name, file, first, whole, lenient, aside=tuple(rows.aside), said=said_by(rows))


def score_in_words(looks: Sequence[Look], name: str) -> bool:
    """Whether a field of the first rows is a verdict in words, other than true and false."""
    column = Column(name, tuple(kernel.field(row, name) for look in looks for row in look.rows))
    return pair_of(column.given) is not None and not column.verdicts


def guess_sets(looks: Sequence[Look]) -> Sets:
    """Which of the files are which, or which column of the only file says it."""
    if len(looks) == 1:
        return _one_file(looks[0])
    named: dict[Split, list[Look]] = {split: [] for split in SPLITS}
    rest: list[Look] = []
    for look in looks:
        split = split_of(Path(look.name).name.partition(".")[0])
        (named[split] if split else rest).append(look)
    if len(looks) == 2 and len(rest) == 1:  # the other one must be the other
        empty: Split = "production" if named["eval"] else "eval"
        named[empty].append(rest.pop())
        return Sets("one name says its role, and the other file takes the other", _files(named))
    if not named["eval"] or not named["production"]:
        names = ", ".join(look.name for look in looks)
        return Sets(f"no name says which of the files is eval and which production: {names}")
    why = "by the names of the files"
    if rest:
        why += f"; left out: {', '.join(look.name for look in rest)}"
    return Sets(why, _files(named))


def _files(named: Mapping[Split, Sequence[Look]]) -> dict[Split, tuple[Look, ...]]:
    return {split: tuple(looks) for split, looks in named.items()}


def split_of(text: str, known: Mapping[Split, frozenset[str]] = WORDS) -> Split | None:
    """The split that a word of a text names; None when none does, or both are named."""
    named = set(re.split(r"[^a-z]+", text.lower()))
    found = [split for split in SPLITS if named & known[split]]
    return found[0] if len(found) == 1 else None


def _one_file(look: Look) -> Sets:
    """The column of one file with two values that name the splits."""
    columns = look.columns
    by_name = sorted(columns, key=lambda name: plain(name) not in SPLIT_NAMES)
    for name in by_name:
        values = _split_values(columns[name])
        if values is not None:
            why = f"the two values of {name!r} name the splits"
            return Sets(why, one=look, column=name, values=values)
    return Sets(f"there is one data file, {look.name}, and no column in it whose two values say so")


def _split_values(column: Column) -> dict[Split, Any] | None:
    """The value for each split, when a column has two, text, and each names another one."""
    if not column.complete or len(column.counts) != 2 or not column.texts:
        return None
    found = {split_of(value): value for value in column.given}
    eval_value, production = found.get("eval"), found.get("production")
    if eval_value is None or production is None:
        return None
    return {"eval": eval_value, "production": production}
