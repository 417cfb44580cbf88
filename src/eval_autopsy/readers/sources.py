"""What is to be read: which files, whose records they are, and what to take from each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from eval_autopsy.readers.thresholds import Threshold
from eval_autopsy.records import Split


class Wanted(NamedTuple):
    """What to take from each row."""

    fields: Mapping[str, str]  # part of a record ("id", "input", ...) -> name of the field
    attributes: Sequence[str] = ()
    required: frozenset[str] = frozenset({"id"})  # the parts that every record must have
    beside: Sequence[str] = ()  # fields that are taken where they are there, and are never missed
    made_of: Mapping[str, str] = {}  # a field that is made of another one -> that one


class SplitColumn(NamedTuple):
    """The field that says which split a record belongs to, and the value that stands for each."""

    column: str
    values: Mapping[Split, object]


class Source(NamedTuple):
    """A file, what its records are, and the name to call it by in messages.

    `names` are the fields of this file that the case calls otherwise, by part; `joined` files with
    more about the same ids. Each id begins with `prefix`, where those of several files are alike.
    A `lenient` reading sets lines and rows aside that cannot be read. Only the rows in which
    each field of `only` has its value are wanted. With `verdict_words` the score is in words. With
    `attempts` an id that stands again is another attempt at the same input. Each row stands
    `repeats` times, one for each call of a system, which are attempts too. A score that is graded
    has a `threshold`, which makes a verdict of it.
    """

    path: Path
    split: Split | SplitColumn
    name: str = ""
    names: Mapping[str, str] = {}
    joined: tuple[Path, ...] = ()
    prefix: str = ""
    lenient: bool = False
    only: Mapping[str, object] = {}
    verdict_words: bool = False
    attempts: bool = False
    repeats: int = 1
    threshold: Threshold | None = None

    @property
    def as_it_is(self) -> bool:
        """Whether the rows are those of the file, so that a receipt can rest on the file itself."""
        return self.threshold is None and self.but_for_a_threshold

    @property
    def but_for_a_threshold(self) -> bool:
        """Whether nothing of the rows is changed, or a verdict alone is added to them."""
        changed = self.names or self.joined or self.prefix or self.only or self.verdict_words
        return not changed
