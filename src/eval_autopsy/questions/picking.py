"""Which of many slices are worth a test: one after another, each on what those before it leave.

1. Next comes the slice whose errors are least likely to be its share, among the records that no
   slice before it holds; or a simpler one that holds nearly the same errors, or of which it is a
   part like the rest. What an earlier slice explains is no longer unlikely, and is not picked.
   (Excess alone cannot tell a slice from a larger one that holds it and is otherwise as good as the
   rest.)
2. What is left is counted in records where they are at hand (`InRecords`), and by recounts of the
   cube where they are not (`InCubes`). Both give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from eval_autopsy import kernel
from eval_autopsy.cubes.blocks import OUTCOMES, PARTS, Batch, BlockCube, Counts
from eval_autopsy.questions.search import Hit, Target

PICKED_AT_MOST = 7  # in all, and for each outcome
SAMPLE = 50_000  # records on which slices are compared with each other
SAME = 0.8  # of the errors of two slices are shared, and they are near-duplicates
NEARLY = 0.9  # of the surprise that a simpler slice must have to stand for another
WIDER, PART = 0.6, 0.01  # of the surprise, for a slice in which the best is no worse by this p
WORTH = 0.01  # a slice whose p among the records left is larger is not worth a test
SEARCHED = (PARTS.index("eval"), PARTS.index("search"))

Bits = NDArray[np.uint64]  # an axis of records, 64 in each number
Numbers = NDArray[np.int64]
Recount = Callable[[Hit, Sequence[Hit]], BlockCube]  # of what a slice holds and others do not


class Tally(NamedTuple):
    """The searched records that are left: how many each slice holds, and how many there are."""

    rows: Numbers  # of both splits
    n: Numbers  # of production
    k: Numbers  # of production, that are errors
    all_rows: int
    all_n: int
    all_k: int


class Left(Protocol):
    """The searched records that no slice picked so far holds."""

    def tally(self) -> Tally:
        """How many of them each slice holds."""

    def shared(self, i: int) -> Numbers:
        """How many errors among them each slice shares with one."""

    def without(self, i: int) -> None:
        """Takes out what a slice holds."""


def pick(hits: Sequence[Hit], left: Left, known: Sequence[Hit] = ()) -> list[Hit]:
    """The slices that are worth a test, in the order in which they are tested.

    One that is `known` already is taken before others that say the same.
    """
    before = {one.where for one in known}
    chosen: list[Hit] = []
    while hits and len(chosen) < PICKED_AT_MOST:
        tally = left.tally()
        surprise = surprise_of(tally.k, tally.rows, tally.all_k, tally.all_rows)
        best = int(np.argmax(surprise))
        k, n = int(tally.k[best]), int(tally.n[best])
        if not tally.all_rows or kernel.fisher_greater(k, n, tally.all_k, tally.all_n) > WORTH:
            break
        both = left.shared(best)
        shared = both / np.maximum(1, tally.k + k - both)
        alike = np.flatnonzero((shared >= SAME) & (surprise >= NEARLY * surprise[best])).tolist()
        alike += wider_ones(hits, best, surprise >= WIDER * surprise[best], tally)
        simplest = min(
            alike,
            key=lambda i: (hits[i].where not in before, len(hits[i].positions), -surprise[i], i),
        )
        chosen.append(hits[simplest])
        left.without(simplest)
    return chosen


def wider_ones(hits: Sequence[Hit], best: int, good: NDArray[np.bool_], tally: Tally) -> list[int]:
    """The slices, among `good` ones, of which the best is a part like the rest of them.

    The best of many parts of a slice is better than the slice by chance alone.
    """
    found = []
    levels = [frozenset(zip(one.positions, one.codes, strict=True)) for one in hits]
    inner: int | None = best
    while inner is not None:
        n, k = int(tally.n[inner]), int(tally.k[inner])
        around = [
            i
            for i in np.flatnonzero(good).tolist()
            if levels[i] < levels[inner]
            and kernel.fisher_greater(k, n, int(tally.k[i]), int(tally.n[i])) > PART
        ]
        found += around
        inner = max(around, key=lambda i: len(levels[i]), default=None)
    return found


def surprise_of(
    errors: Numbers, rows: Numbers, all_errors: int, all_rows: int
) -> NDArray[np.float64]:
    """How unlikely it is that errors are in their slices by chance; 0 where they are no more.

    The likelihood ratio of the scan statistic, in nats. Source: Kulldorff 1997, Commun. Stat.
    Theory Methods 26:1481, the Poisson model.
    """
    expected = all_errors * rows / max(1, all_rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(errors > 0, errors * np.log(errors / expected), 0)
        others, usual = all_errors - errors, all_errors - expected
        outside = np.where(others > 0, others * np.log(others / usual), 0)
    return np.asarray(np.where(errors > expected, inside + outside, 0.0))


# Where records are at hand


class InRecords:
    """What is left of records, or of some drawn evenly when there are more than SAMPLE."""

    def __init__(self, hits: Sequence[Hit], records: Batch, outcomes: Sequence[str]) -> None:
        searched = np.flatnonzero(part_of(records.classes) != PARTS.index("confirm"))
        sample = only(records, searched[:: max(1, len(searched) // SAMPLE)])
        self.masks = np.array([packed(has(sample, hit)) for hit in hits])
        self.production = packed(part_of(sample.classes) > 0)
        self.errors = packed(are(sample.classes % len(OUTCOMES), outcomes)) & self.production
        self.left = packed(np.ones(len(sample.classes), np.bool_))

    def tally(self) -> Tally:
        """How many records each slice holds."""
        left, masks = self.left, self.masks & self.left
        return Tally(
            rows=count(masks),
            n=count(masks & self.production),
            k=count(masks & self.errors),
            all_rows=int(count(left)),
            all_n=int(count(left & self.production)),
            all_k=int(count(left & self.errors)),
        )

    def shared(self, i: int) -> Numbers:
        """How many errors each slice shares with one."""
        return count(self.masks & (self.masks[i] & self.errors & self.left))

    def without(self, i: int) -> None:
        """Takes out what a slice holds."""
        self.left &= ~self.masks[i]


def part_of(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The position in PARTS of each class."""
    return classes // len(OUTCOMES)


def has(batch: Batch, hit: Hit) -> NDArray[np.bool_]:
    """Which records a slice holds."""
    inside = np.ones(len(batch.classes), np.bool_)
    for position, code in zip(hit.positions, hit.codes, strict=True):
        inside &= batch.codes[position] == code
    return inside


def only(batch: Batch, these: NDArray[Any]) -> Batch:
    """Some of the records."""
    return Batch([codes[these] for codes in batch.codes], batch.classes[these])


def are(outcome: NDArray[Any], names: Sequence[str]) -> NDArray[np.bool_]:
    """Which outcomes, positions in OUTCOMES, are among some names."""
    return np.isin(outcome, [OUTCOMES.index(one) for one in names])


def packed(rows: NDArray[np.bool_]) -> Bits:
    """True and false along the last axis as bits, with zeros at the end."""
    n = rows.shape[-1]
    whole = np.zeros((*rows.shape[:-1], -(-n // 64) * 64), np.bool_)
    whole[..., :n] = rows
    return np.packbits(whole, axis=-1).view(np.uint64)


def count(bits: Bits) -> Numbers:
    """How many bits are set, along the last axis."""
    return np.asarray(np.bitwise_count(bits).sum(axis=-1, dtype=np.int64))


# Where they are not


class InCubes:
    """What is left of a cube: what picked slices hold is counted again, and taken away."""

    def __init__(
        self, hits: Sequence[Hit], cube: BlockCube, outcomes: Sequence[str], recount: Recount
    ) -> None:
        self.hits, self.recount, self.picked = hits, recount, list[Hit]()
        self.target = Target(tuple(outcomes), ("search",), ("eval", "search"))
        self.counts, self.totals = counts_of(hits, cube), cube.totals

    def tally(self) -> Tally:
        """How many records each slice holds."""
        rows, k = self.target.of(self.counts)
        all_rows, all_k = self.target.of(self.totals)
        n, all_n = (one[..., SEARCHED[1], :].sum(axis=-1) for one in (self.counts, self.totals))
        return Tally(rows, n, k, int(all_rows), int(all_n), int(all_k))

    def shared(self, i: int) -> Numbers:
        """How many errors each slice shares with one."""
        return self.target.of(counts_of(self.hits, self._inside(i)))[1]

    def without(self, i: int) -> None:
        """Takes out what a slice holds."""
        inside = self._inside(i)
        self.counts = self.counts - counts_of(self.hits, inside)
        self.totals = self.totals - inside.totals
        self.picked.append(self.hits[i])

    def _inside(self, i: int) -> BlockCube:
        return self.recount(self.hits[i], self.picked)


def counts_of(hits: Sequence[Hit], cube: BlockCube) -> Counts:
    """The counts of some slices: hits x PARTS x OUTCOMES."""
    found = np.empty((len(hits), len(PARTS), len(OUTCOMES)), np.int64)
    margins = {one: cube.margin(one) for one in {hit.positions for hit in hits}}
    for i, hit in enumerate(hits):
        found[i] = margins[hit.positions][hit.codes]
    return found
