"""Small tables of records at random, as the search for slices takes them and as the kernel does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.cubes.blocks import OUTCOMES, PARTS, Batch, Coded, class_of
from eval_autopsy.questions.discover import Records

LEVELS = tuple(f'"{letter}"' for letter in "abcdefghijklmnopqrst")  # as JSON texts


class Row(NamedTuple):
    """A record: the position of its level of each attribute, and what became of it."""

    levels: tuple[int, ...]
    part: str
    outcome: str
    unit: str


class Table(NamedTuple):
    """Records with the number of levels of each attribute."""

    sizes: tuple[int, ...]
    rows: tuple[Row, ...]

    @property
    def names(self) -> list[str]:
        return [f"s{number}" for number in range(len(self.sizes))]

    @property
    def coded(self) -> tuple[Coded, ...]:
        sizes = zip(self.names, self.sizes, strict=True)
        return tuple(Coded(name, LEVELS[:size]) for name, size in sizes)

    def batch(self, start: int = 0, end: int | None = None) -> Batch:
        """Some of the rows, as codes."""
        rows = self.rows[start:end]
        columns = [
            np.array([row.levels[at] for row in rows], np.uint8) for at in range(len(self.sizes))
        ]
        classes = [class_of(row.part, row.outcome) for row in rows]
        return Batch(columns, np.array(classes, np.uint8))

    @property
    def records(self) -> Records:
        """The rows, as a search takes them."""
        units = [row.unit for row in self.rows]
        return Records(self.coded, lambda: [self.batch()], len(units), self.batch(), units)

    def dictionaries(self, *parts: str) -> Iterator[tuple[dict[str, str], Row]]:
        """The level texts of each row of some parts, and the row."""
        for row in self.rows:
            if row.part in parts:
                texts = (LEVELS[level] for level in row.levels)
                yield dict(zip(self.names, texts, strict=True)), row

    def of_the_kernel(self) -> list[kernel.Record]:
        """The rows, as the kernel has them once it has judged them."""
        found = []
        for number, (levels, row) in enumerate(self.dictionaries(*PARTS)):
            kinds = {"right"} if row.outcome == "right" else {"wrong", row.outcome}
            split = "eval" if row.part == "eval" else "production"
            outcomes = frozenset({"records", "counted", *kinds})
            texts = tuple(levels.values())
            one = (split, f"r{number}", None, None, None, None, texts, outcomes, row.unit)
            found.append(kernel.Record(*one))
        return found


@st.composite
def tables(
    draw: st.DrawFn, *, most: int = 40, held_out: bool | None = None, seed: int = 0
) -> Table:
    """A table of up to `most` rows by one to four attributes, with clusters in some.

    Where it is `held_out`, production is in the halves that the seed gives; where it is not, it is
    all searched; where that is None, parts are as they come.
    """
    sizes = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    levels = st.tuples(*(st.integers(0, size - 1) for size in sizes))
    kinds = st.tuples(levels, st.sampled_from(PARTS), st.sampled_from(OUTCOMES), st.integers(0, 9))
    clustered = draw(st.booleans())
    rows = []
    for number, (some, drawn, outcome, of) in enumerate(draw(st.lists(kinds, max_size=most))):
        unit = f"unit {of}" if clustered else f"r{number}"
        half = kernel.half_of(seed, unit) if held_out else "search"
        part = drawn if held_out is None or drawn == "eval" else half
        rows.append(Row(some, part, outcome, unit))
    return Table(sizes, tuple(rows))
