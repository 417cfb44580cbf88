"""How often the search for slices confirms what is not there, and finds what is.

    python benchmarks/honesty.py [--quick]

1. Records are made by lot: attributes of two to six levels, some nearly a copy of another, and
   outcomes that do not depend on them. Every slice that is confirmed is then a false one. A run
   counts once, however many it confirms.
2. Beside it stands in how many of the same runs some slice has an unadjusted p below 0.05.
3. Then one slice is planted, in which errors are more often; the rest is as before.

Runs are numbered, and a number is the seed of its run. The method is that of `autopsy slices`; only
where outcomes are dealt out anew fewer draws are made, which a plan may ask for.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from eval_autopsy import kernel
from eval_autopsy.cubes import blocks
from eval_autopsy.cubes.blocks import OUTCOMES, PARTS, Batch, Coded
from eval_autopsy.cubes.clusters import Clusters
from eval_autopsy.cubes.tables import Encoded
from eval_autopsy.questions.discover import (
    CHANCE,
    TARGETS,
    Discovery,
    Records,
    discover,
    plan_for,
)
from eval_autopsy.questions.search import WRONG

ERROR_RATES = (0.02, 0.15, 0.5)  # of production, by turns
ALIKE = 0.8  # of their records shared, and a slice counts as the planted one
MORE = 1.5  # times as many records of the planted slice as elsewhere, or a slice is a false one

Bools = NDArray[np.bool_]


class Null(NamedTuple):
    """What some runs without a slice to find have in common."""

    records: int  # of production, and of eval
    clustered: bool
    runs: int
    draws: int
    drawn: bool = False  # whether one record of each cluster tests, as in long tables


DEALT_ANEW = tuple(
    Null(records, clustered, runs, 59)
    for clustered in (False, True)
    for records, runs in (
        *((200, 300), (500, 300), (999, 150)),
        *((1000, 300), (5000, 300), (20_000, 100)),
    )
)
DRAWN = (Null(5000, True, 300, 0, drawn=True), Null(20_000, True, 300, 0, drawn=True))
NULLS = (*DEALT_ANEW, *DRAWN)


class Planted(NamedTuple):
    """What some runs with a slice to find have in common."""

    records: int
    share: float  # of production that the slice holds
    times: float  # as many errors in it as elsewhere
    depth: int
    runs: int


BASE = 0.05  # errors outside of a planted slice
PLANTED = tuple(
    Planted(records, share, times, depth, runs)
    for (records, runs), (share, times), depth in product(
        ((500, 20), (2000, 30), (20_000, 10)),
        ((0.01, 10), (0.03, 5), (0.05, 3), (0.1, 2)),
        (1, 2, 3),
    )
)


class Made(NamedTuple):
    """Records made by lot."""

    attributes: list[Coded]
    codes: list[NDArray[np.uint8]]
    wrong: Bools
    silent: Bools
    production: Bools
    units: list[str]

    def discover(self, seed: int, draws: int, *, drawn: bool = False) -> Discovery:
        """What the search finds in them, tested by records that are `drawn` of each cluster or by
        all."""
        records = int(self.production.sum())
        plan = plan_for(records, len(self.attributes), seed=seed)._replace(draws=draws)
        half = {unit: kernel.half_of(seed, unit) for unit in set(self.units)}
        parts = [
            PARTS.index(half[unit] if plan.held_out else "search") if inside else 0
            for unit, inside in zip(self.units, self.production, strict=True)
        ]
        outcomes = np.where(self.silent, 2, np.where(self.wrong, 1, 0))
        classes = np.array(parts) * len(OUTCOMES) + outcomes
        batch = Batch(self.codes, classes.astype(np.uint8))
        records = Records(self.attributes, lambda: [batch], len(batch.classes), batch, self.units)
        if drawn:
            records = records._replace(units=None, drawn=self.one_of_each(batch, seed))
        return discover(records, plan)

    def one_of_each(self, batch: Batch, seed: int) -> Batch:
        """One record of each cluster that tests."""
        names, at = np.unique(self.units, return_inverse=True)
        clusters = Clusters(seed, "unit")
        clusters.add(clusters.members(Encoded(names.tolist(), pa.array(at)), "made"), batch)
        return clusters.drawn()

    def has(self, where: dict[str, list[object]]) -> Bools:
        """Which records of production a slice holds."""
        inside = self.production.copy()
        for attribute, codes in zip(self.attributes, self.codes, strict=True):
            if attribute.name in where:
                texts = [kernel.canonical(level) for level in where[attribute.name]]
                inside &= np.isin(codes, [attribute.levels.index(text) for text in texts])
        return inside


def made(
    rng: np.random.Generator,
    records: int,
    *,
    clustered: bool = False,
    planted: Sequence[float] = (),
    rates: tuple[float, float] = (BASE, BASE),
    times: float = 1.0,
) -> Made:
    """As many records of eval as of production, with their rates of errors.

    Level 0 of the first attributes holds the `planted` shares of the records; where all of them
    meet in production, errors are as many `times` as often. A cluster has three to six records,
    alike in half of the attributes, and mostly right or mostly wrong together.
    """
    rows = 2 * records
    production = np.arange(rows) >= records
    at = np.arange(rows)
    if clustered:
        sizes = rng.integers(3, 7, rows)
        at = np.repeat(np.arange(rows), sizes)[:rows] + rows * production
        at = np.unique(at, return_inverse=True)[1]
    codes = [
        np.where(rng.random(rows) < share, 0, rng.integers(1, 4, rows)).astype(np.uint8)
        for share in planted
    ]
    for number in range(len(codes), int(rng.integers(6, 13))):
        levels = int(rng.integers(2, 7))
        column = rng.choice(levels, rows, p=rng.dirichlet(np.full(levels, 2.0)))
        if number % 3 == 2:  # nearly a copy of the one before
            column = np.where(rng.random(rows) < 0.9, codes[-1], column)
        if clustered and number % 2 == 0:
            column = column[at]
        codes.append(column.astype(np.uint8))
    rate = np.where(production, rates[1], rates[0])
    if clustered:  # Beta with a mean of `rate`: half of the clusters are nearly all alike
        rate = rng.beta(rate / 2 + 1e-9, (1 - rate) / 2)[at]
    inside = production & np.logical_and.reduce([codes[i] == 0 for i in range(len(planted))])
    wrong = rng.random(rows) < np.minimum(1.0, np.where(inside & bool(planted), times, 1) * rate)
    return Made(
        attributes=[
            Coded(f"a{i}", tuple(f'"{level}"' for level in range(int(column.max()) + 1)))
            for i, column in enumerate(codes)
        ],
        codes=codes,
        wrong=wrong,
        silent=wrong & (rng.random(rows) < 0.6),
        production=production,
        units=[f"u{unit}" for unit in at],
    )


def some_slice_has_a_small_p(some: Made, depth: int, support: int) -> bool:
    """Whether anybody who looks at all slices finds one with p below 0.05, one-sided."""
    classes = (some.production * len(OUTCOMES) + some.wrong).astype(np.uint8)
    cube = blocks.count(some.attributes, depth, [Batch(some.codes, classes)], rows=len(classes))
    n_all, wrong_all = (int(one) for one in WRONG.of(cube.totals))
    sizes: dict[int, int] = {}  # the most errors among slices of a size
    for _, counts in cube.margins(depth):
        n, wrong = (one.ravel() for one in WRONG.of(counts))
        for size, k in zip(n[n >= support].tolist(), wrong[n >= support].tolist(), strict=True):
            sizes[size] = max(k, sizes.get(size, 0))
    return any(kernel.fisher_greater(k, n, wrong_all, n_all) < CHANCE for n, k in sizes.items())


def null_run(one: Null, number: int) -> tuple[bool, bool]:
    """Whether a run confirms a slice, and whether some slice looks like one by itself."""
    rng = np.random.default_rng([number, one.records, one.clustered])
    rate = ERROR_RATES[number % len(ERROR_RATES)]
    rates = (rate / 2, rate)
    some = made(rng, one.records, clustered=one.clustered, rates=rates)
    found = some.discover(number, one.draws, drawn=one.drawn)
    confirmed = any(tested.p_adjusted <= CHANCE for tested in found.tested)
    naive = some_slice_has_a_small_p(some, found.plan.depth, found.plan.support)
    return confirmed, naive


def planted_run(one: Planted, number: int) -> tuple[bool, bool, bool]:
    """Whether the planted slice is confirmed, whether exactly so, and whether a false one is."""
    rng = np.random.default_rng([number, one.records, one.depth, int(one.times)])
    shares = [one.share ** (1 / one.depth)] * one.depth
    some = made(rng, one.records, planted=shares, times=one.times)
    truth = {f"a{i}": ["0"] for i in range(one.depth)}
    there = some.has(truth)
    left = dict.fromkeys(TARGETS, some.production)
    alike, exact, false = False, False, False
    for tested in some.discover(number, 199).tested:
        rows, here = some.has(tested.where), left[tested.outcome]
        if tested.p_adjusted <= CHANCE:
            alike |= bool((rows & there).sum() >= ALIKE * (rows | there).sum())
            exact |= tested.where == truth
            inside, rest = there[rows & here].mean(), there[here & ~rows].mean()
            false |= bool(inside <= MORE * rest)
        left[tested.outcome] = here & ~rows
    return alike, exact, false


def share(times: int, runs: int) -> str:
    """A share of runs with its 95% interval, in percent."""
    low, high = kernel.wilson(times, runs)
    return f"{100 * times / runs:5.1f} [{100 * low:4.1f}, {100 * high:5.1f}]"


def nulls(some: Sequence[Null]) -> Iterator[str]:
    """The lines of the table of runs without a slice to find."""
    yield f"{'nothing to find':<28}{'runs':>5}   {'confirmed, %':<20}{'unadjusted p < 0.05, %'}"
    for one in some:
        found = [null_run(one, number) for number in range(one.runs)]
        kind = ", one of each" if one.drawn else ", clusters" * one.clustered
        name = f"{one.records:,} records{kind}"
        confirmed, naive = (sum(column) for column in zip(*found, strict=True))
        yield f"{name:<28}{one.runs:>5}   {share(confirmed, one.runs):<20}{share(naive, one.runs)}"


def powers(some: Sequence[Planted]) -> Iterator[str]:
    """The lines of the table of runs with a planted slice."""
    heads = f"{'confirmed, %':<23}{'in its words, %':<23}{'a false one, %'}"
    yield f"{'planted':<44}{'runs':>5}   {heads}"
    for one in some:
        found = [planted_run(one, number) for number in range(one.runs)]
        name = f"{one.records:,} records, {one.share:.0%} with {one.times:g}x, {one.depth} deep"
        shares = [share(sum(column), one.runs) for column in zip(*found, strict=True)]
        yield f"{name:<44}{one.runs:>5}   " + "".join(f"{text:<23}" for text in shares).rstrip()


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few runs of each kind")
    quick = parser.parse_args().quick
    started = time.perf_counter()
    few = [one._replace(runs=6) for one in NULLS if one.records <= 1000]
    for line in nulls(few if quick else NULLS):
        print(line, flush=True)
    print()
    some = [one._replace(runs=3) for one in PLANTED if one.records == 2000]
    for line in powers(some if quick else PLANTED):
        print(line, flush=True)
    print(f"\n{time.perf_counter() - started:.0f} seconds; the seed of a run is its number")


if __name__ == "__main__":
    main()
