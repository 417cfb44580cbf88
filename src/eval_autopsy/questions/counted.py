"""The counts of records that are not at hand, as they are asked and as a receipt keeps them.

1. A cube of blocks knows a few attributes together. Of the slices that a search tested, their
   overlaps say how many records lie in any of them.
2. What a receipt keeps is described in docs/receipt.md, under `cube`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from eval_autopsy import kernel
from eval_autopsy.cubes.blocks import OUTCOMES, BlockCube, MarginCube, counts_as
from eval_autopsy.questions.discover import Discovery, Overlaps, Searched, overlaps_in

ALONE = "intervals take records as independent: counts do not tell which share a cluster"

Members = Callable[[str, str, kernel.Where], Iterable[str]]


def nobody(split: str, outcome: str, where: kernel.Where) -> Iterable[str]:
    """The ids of records whose ids are not known."""
    return ()


class CountedCube(MarginCube):
    """A cube of blocks, and what a search of it found."""

    def __init__(self, cube: BlockCube, found: Discovery | None, members: Members = nobody) -> None:
        super().__init__(cube, members)
        self.overlaps = overlaps_in(_all_of(cube)) if found is None else found.overlaps
        self.drawn = None if found is None else found.drawn
        self.tested = [] if found is None else [one.where for one in found.tested]
        self.search = None if found is None else Searched(self.attributes, found)

    def union(self, split: str, outcome: str, slices: Sequence[kernel.Where], inside: bool) -> int:
        """How many records with an outcome lie in any of some tested slices, or in none of them."""
        overlaps, tested = self.overlaps, list[kernel.Where](self.tested)
        if not all(where in tested for where in slices):
            raise kernel.Undefined("slices that were not counted together")
        held = np.zeros(len(overlaps.pattern), np.bool_)
        for where in slices:
            held |= overlaps.has(tested.index(where))
        these = (held == inside) & ((overlaps.part == 0) == (split == "eval"))
        by_outcome = (overlaps.total(these & (overlaps.outcome == i)) for i in range(len(OUTCOMES)))
        return counts_as(*by_outcome)[outcome]


def _all_of(cube: BlockCube) -> list[tuple[int, int, int, int]]:
    """The entries of overlaps of no slice at all."""
    entries = np.argwhere(cube.totals).tolist()
    return [(0, part, outcome, int(cube.totals[part, outcome])) for part, outcome in entries]


def given(cube: CountedCube) -> dict[str, Any]:
    """The counts as a receipt keeps them."""
    blocks = cube.blocks
    return {
        "levels": [list(one.levels) for one in blocks.attributes],
        "unscored": {split: blocks.unscored.get(split, 0) for split in kernel.SPLITS},
        "blocks": [
            {"attributes": list(positions), "counts": counts.ravel().tolist()}
            for positions, counts in sorted(blocks.blocks.items())
        ],
        "overlaps": rows_of(cube.overlaps),
        "drawn": None if cube.drawn is None else rows_of(cube.drawn),
    }


def rows_of(overlaps: Overlaps) -> list[list[int]]:
    """Each entry as a receipt has it: the pattern, the class and the records."""
    classes = overlaps.part * len(OUTCOMES) + overlaps.outcome
    rows = zip(overlaps.pattern, classes, overlaps.records, strict=True)
    return [[int(n) for n in row] for row in rows]
