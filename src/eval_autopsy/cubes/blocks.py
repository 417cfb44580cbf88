"""The counts of every conjunction of a few attributes, held in a few joint histograms.

1. The levels of an attribute are small integers, its codes.
2. A block is a set of attributes with one joint histogram. Together the blocks hold every set of
   `depth` attributes, so that the counts of any conjunction are an exact margin of one block.
3. Rows go by once. What follows, whatever is asked, costs as much as there are cells.

Blocks of several attributes hold many sets at once: ten attributes have 120 triples, and some ten
blocks of five or six attributes hold them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval_autopsy import kernel

PARTS = ("eval", "search", "confirm")  # production is searched in one part, confirmed in the other
OUTCOMES = ("right", "loud", "silent")  # of scored records; the last two are wrong
CLASSES = len(PARTS) * len(OUTCOMES)
CONFIRM = PARTS.index("confirm") * len(OUTCOMES)  # the first class of the part that tests
CELLS_AT_MOST = 50_000  # of a block: its histogram, of all classes, still fits in a cache
ROWS_AT_A_TIME = 2**15  # whose indices fit in a nearer cache

Counts = NDArray[np.int64]
Codes = NDArray[np.unsignedinteger]
Positions = tuple[int, ...]  # of attributes, ascending


class Coded(NamedTuple):
    """An attribute, and the text of the level that each code stands for."""

    name: str
    levels: tuple[str, ...]


class Batch(NamedTuple):
    """Some scored records: a code of each attribute, and a class, for each of n rows."""

    codes: Sequence[Codes]  # one array of n for each attribute
    classes: NDArray[np.uint8]  # n numbers: position in PARTS * len(OUTCOMES) + in OUTCOMES


def class_of(part: str, outcome: str) -> int:
    """The class of a record.

    >>> class_of("eval", "right"), class_of("confirm", "silent")
    (0, 8)
    """
    return PARTS.index(part) * len(OUTCOMES) + OUTCOMES.index(outcome)


def covering(sizes: Sequence[int], depth: int, cells: int = CELLS_AT_MOST) -> list[Positions]:
    """Sets of attributes that between them hold every set of `depth`, or of all if they are fewer.

    `sizes` are numbers of levels. A block has at most `cells` cells, unless a single set of `depth`
    has more. Greedy: a block starts from a set that no other holds, and takes in the attribute that
    adds the most such sets, until none fits.
    """
    everything = range(len(sizes))
    sets = combinations(everything, min(depth, len(sizes)))
    largest_first = sorted(sets, key=lambda one: (-prod(sizes[i] for i in one), one))
    missing = set(largest_first)
    found = []
    for start in largest_first:
        if start not in missing:
            continue
        missing.remove(start)
        block = start
        room = cells // prod(sizes[i] for i in block)
        while True:
            gains = {
                i: len(_new_sets(block, i, depth) & missing)
                for i in everything
                if sizes[i] <= room and i not in block
            }
            best = max(gains, key=lambda i: (gains[i], -sizes[i], -i), default=None)
            if best is None or not gains[best]:
                break
            missing -= _new_sets(block, best, depth)
            block = tuple(sorted((*block, best)))
            room //= sizes[best]
        found.append(block)
    return found


def _new_sets(block: Positions, one: int, depth: int) -> set[Positions]:
    """The sets of `depth` attributes that a block holds once it takes in one more."""
    return {tuple(sorted((*some, one))) for some in combinations(block, depth - 1)}


@dataclass(frozen=True, kw_only=True)
class BlockCube:
    """Scored records counted by every conjunction of at most `depth` attributes.

    `blocks` maps the positions of a block's attributes to its histogram: an array with an axis for
    each of them, then one of PARTS and one of OUTCOMES.
    """

    attributes: tuple[Coded, ...]
    depth: int
    totals: Counts  # PARTS x OUTCOMES
    blocks: Mapping[Positions, Counts]
    unscored: Mapping[str, int] = field(default_factory=dict)  # split -> records without a verdict

    def with_unscored(self, unscored: Mapping[str, int]) -> BlockCube:
        """The same counts, with how many records of each split have no verdict."""
        return replace(self, unscored=dict(unscored))

    @cached_property
    def holders(self) -> dict[Positions, Positions]:
        """The smallest block that holds each set of at most `depth` attributes."""
        found: dict[Positions, Positions] = {}
        for block in sorted(self.blocks, key=lambda one: self.blocks[one].size):
            for size in range(1, self.depth + 1):
                for positions in combinations(block, size):
                    found.setdefault(positions, block)
        return found

    def margin(self, positions: Positions) -> Counts:
        """The counts by some attributes: an axis for each, then PARTS and OUTCOMES."""
        if not positions:
            return self.totals
        block = self.holders[positions]
        others = tuple(axis for axis, one in enumerate(block) if one not in positions)
        return np.asarray(self.blocks[block].sum(axis=others))

    def margins(self, depth: int) -> Iterator[tuple[Positions, Counts]]:
        """Every set of at most `depth` attributes with its counts, smaller sets first."""
        for size in range(1, min(depth, len(self.attributes)) + 1):
            for positions in combinations(range(len(self.attributes)), size):
                yield positions, self.margin(positions)


def count(
    attributes: Sequence[Coded],
    depth: int,
    batches: Iterable[Batch],
    *,
    rows: int | None = None,
) -> BlockCube:
    """The cube of coded records; `rows`, when known, keeps blocks of few records small.

    For n rows, b blocks and c cells in a block it takes time in n * b + c * b, and space in c * b.
    """
    sizes = [len(one.levels) for one in attributes]
    # Adding up a block for each of its margins should not cost more than counting the rows does.
    cells = CELLS_AT_MOST if rows is None else min(CELLS_AT_MOST, max(64, rows // 8))
    blocks = {
        block: np.zeros(prod(sizes[i] for i in block) * CLASSES, np.int64)
        for block in covering(sizes, depth, cells)
    }
    totals = np.zeros(CLASSES, np.int64)
    for batch in batches:
        totals += np.bincount(batch.classes, minlength=CLASSES)
        for block, histogram in blocks.items():
            found = np.bincount(_cells_of(batch, block, sizes), minlength=len(histogram))
            np.add(histogram, found, out=histogram)
    shape = (len(PARTS), len(OUTCOMES))
    return BlockCube(
        attributes=tuple(attributes),
        depth=depth,
        totals=totals.reshape(shape),
        blocks={
            block: histogram.reshape(*(sizes[i] for i in block), *shape)
            for block, histogram in blocks.items()
        },
    )


def _cells_of(batch: Batch, block: Positions, sizes: Sequence[int]) -> NDArray[np.intp]:
    """The cell of a block's flat histogram that each row belongs to."""
    found = np.empty(len(batch.classes), np.intp)
    first, *others = block
    for start in range(0, len(found), ROWS_AT_A_TIME):
        some = slice(start, start + ROWS_AT_A_TIME)
        cells = batch.codes[first][some].astype(np.int32)
        for i in others:
            cells *= sizes[i]
            cells += batch.codes[i][some]
        cells *= CLASSES
        cells += batch.classes[some]
        found[some] = cells
    return found


class MarginCube(kernel.Cube):
    """What a cube of blocks says of its attributes, one by one or a few together, as any cube does.

    `members` gives ids, which the blocks do not hold: see kernel.Cube.
    """

    def __init__(
        self,
        blocks: BlockCube,
        members: Callable[[str, str, kernel.Where], Iterable[str]],
    ) -> None:
        super().__init__([one.name for one in blocks.attributes], {}, members)
        self.blocks = blocks

    def counted(self, by: Sequence[str]) -> dict[str, dict[kernel.Levels, Counter[str]]]:
        """The cells of at most `depth` attributes, by split."""
        for name in by:
            if name not in self.attributes:
                raise kernel.Unreadable(f"no attribute {name!r}", "claims")
        key = tuple(by)
        if key not in self.marginals:
            positions = [self.attributes.index(name) for name in by]
            ascending = tuple(sorted(positions))
            counts = self.blocks.margin(ascending)
            order = [ascending.index(i) for i in positions]
            cells = counts.transpose(*order, len(order), len(order) + 1)
            self.marginals[key] = {
                split: self._cells(positions, split, cells) for split in kernel.SPLITS
            }
            if not by:
                for split, n in self.blocks.unscored.items():
                    self.marginals[key].setdefault(split, {}).setdefault((), Counter()).update(
                        {"records": n, "unscored": n}
                    )
        return self.marginals[key]

    def _cells(
        self, positions: Sequence[int], split: str, cells: Counts
    ) -> dict[kernel.Levels, Counter[str]]:
        parts = [0] if split == "eval" else [1, 2]
        outcomes = cells[..., parts, :].sum(axis=-2)
        found = {}
        for at in np.argwhere(outcomes.sum(axis=-1)):
            levels = tuple(
                self.blocks.attributes[i].levels[code]
                for i, code in zip(positions, at.tolist(), strict=True)
            )
            found[levels] = counts_as(*(int(n) for n in outcomes[tuple(at)]))
        return found


def counts_as(right: int, loud: int, silent: int) -> Counter[str]:
    """What some scored records count as; no guard stops an answer here but a failed call."""
    wrong, counted = loud + silent, right + loud + silent
    found = Counter(
        records=counted,
        counted=counted,
        right=right,
        wrong=wrong,
        loud=loud,
        silent=silent,
        errored=loud,
        well_formed=right + silent,
    )
    by_guard = {"caught": loud, "only": loud, "missed": silent}
    found.update({f"{kind}:no_exception": n for kind, n in by_guard.items()})
    return found
