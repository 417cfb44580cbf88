"""Exact search for the slices that carry the most errors beyond their share.

1. A slice is a conjunction of one level each of at most `depth` attributes. It is looked at when it
   has at least `min_support` scored records of production.
2. Its excess is how many more errors it has than its share of the records would give it:
   wrong(slice) - wrong(all) * n(slice) / n(all). It is what a repair of the slice could save. Where
   n counts the same records as wrong, this is the weighted relative accuracy of subgroup discovery,
   times n(all) (Lavrac, Flach & Zupan 1999). Compared as whole numbers, so that ties are ties.
3. Every conjunction is looked at: nothing is pruned by a bound, and nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from eval_autopsy.cubes.blocks import OUTCOMES, PARTS, BlockCube, Counts, Positions

PRODUCTION = tuple(part for part in PARTS if part != "eval")
KEPT_AT_A_TIME = 10  # times as many as are wanted, before those that lose are let go


class Hit(NamedTuple):
    """A conjunction of levels, and its counts."""

    where: tuple[tuple[str, str], ...]  # attribute and level text, in the order of the attributes
    positions: Positions  # of the attributes
    codes: tuple[int, ...]  # of the levels
    counts: Counts  # PARTS x OUTCOMES
    excess: Fraction  # errors beyond its share, where it was searched


class Found(NamedTuple):
    """The best slices, best first, and how many were looked at."""

    searched: int
    hits: tuple[Hit, ...]


class Target(NamedTuple):
    """What is searched for, and where."""

    outcomes: tuple[str, ...] = ("loud", "silent")  # what counts as an error
    parts: tuple[str, ...] = PRODUCTION  # whose errors are counted
    among: tuple[str, ...] = PRODUCTION  # whose records make a slice's share

    def of(self, counts: Counts) -> tuple[Counts, Counts]:
        """How many records and how many errors, of counts that end in PARTS x OUTCOMES."""
        records = counts[..., [PARTS.index(one) for one in self.among], :].sum(axis=(-2, -1))
        there = counts[..., [PARTS.index(one) for one in self.parts], :].sum(axis=-2)
        errors = there[..., [OUTCOMES.index(one) for one in self.outcomes]].sum(axis=-1)
        return records, errors


WRONG = Target()


def top_slices(
    cube: BlockCube,
    *,
    depth: int = 3,
    min_support: int = 1,
    top: int = 10,
    target: Target = WRONG,
    each: int | None = None,
) -> Found:
    """The `top` slices with the most excess above 0; at most `each` by any one set of attributes.

    Ties go to the slice with fewer attributes, then to the one that comes first in the cube.
    Raises ValueError when the cube does not hold conjunctions of `depth`.
    """
    if depth > cube.depth:
        raise ValueError(f"the cube holds conjunctions of {cube.depth}, not of {depth}")
    n_all, wrong_all = (int(one) for one in target.of(cube.totals))
    searched = 0
    kept: list[tuple[int, int, Positions, int, Counts]] = []
    for order, (positions, counts) in enumerate(cube.margins(depth)):
        cells = counts.reshape(-1, *counts.shape[-2:])
        n, wrong = target.of(cells)
        looked_at = np.flatnonzero(WRONG.of(cells)[0] >= max(1, min_support))
        searched += len(looked_at)
        scores = wrong[looked_at] * n_all - n[looked_at] * wrong_all
        for i in _largest(scores, top if each is None else min(each, top)):
            cell = int(looked_at[i])
            kept.append((-int(scores[i]), order, positions, cell, cells[cell]))
        if len(kept) > KEPT_AT_A_TIME * top:
            kept = sorted(kept, key=lambda one: (one[:2], one[3]))[:top]
    kept.sort(key=lambda one: (one[:2], one[3]))
    return Found(searched, tuple(_hits(cube, kept[:top], n_all)))


def _largest(scores: Counts, most: int) -> Sequence[int]:
    """Where the largest scores above 0 are, those that come first before their equals."""
    above = np.flatnonzero(scores > 0)
    if len(above) > most:
        least = np.partition(scores[above], -most)[-most]
        above = above[scores[above] >= least]
    order = np.argsort(-scores[above], kind="stable")[:most]
    return [int(i) for i in above[order]]


def _hits(
    cube: BlockCube, kept: Sequence[tuple[int, int, Positions, int, Counts]], n_all: int
) -> Iterator[Hit]:
    for score, _, positions, cell, counts in kept:
        sizes = [len(cube.attributes[i].levels) for i in positions]
        codes = tuple(int(code) for code in np.unravel_index(cell, sizes))
        where = tuple(
            (cube.attributes[i].name, cube.attributes[i].levels[code])
            for i, code in zip(positions, codes, strict=True)
        )
        yield Hit(where, positions, codes, counts.copy(), Fraction(-score, n_all))
