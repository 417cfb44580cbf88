"""How often intervals hold the truth where records share clusters: of a rate, and of a difference.

    python benchmarks/clusters.py [DRAWS]

Each cluster has a rate of its own, drawn from a beta distribution around the truth, and its records
are right at that rate; ICC, the correlation of two records of a cluster, says how far these rates
are apart. At 0 records are independent, at 1 those of a cluster are all alike. Both intervals are
made of the same draws: that over clusters, as the kernel makes it, and that of as many independent
records. Nominal is 95%. All draws come from one seed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from eval_autopsy import kernel  # noqa: E402

SEED = 20260401
DRAWS = 10_000  # of each scenario
FALL = 0.1  # from the one rate to the other, where the interval is of their difference
HEADS = ("scenario", "over clusters", "width", "as independent", "width")


class Scenario(NamedTuple):
    """Clusters, how many records each has, their correlation, and the share that is right."""

    clusters: int
    sizes: tuple[int, ...]  # by turns
    icc: float
    rate: float

    @property
    def name(self) -> str:
        of = (
            f"{self.sizes[0]}"
            if len(self.sizes) == 1
            else f"{min(self.sizes)} to {max(self.sizes)}"
        )
        return f"{self.clusters} clusters of {of}, ICC {self.icc:g}, rate {self.rate:g}"


SCENARIOS = [
    *(Scenario(50, (5,), icc, rate) for icc in (0, 0.2, 0.5, 1) for rate in (0.6, 0.9)),
    *(Scenario(clusters, (5,), 0.5, 0.7) for clusters in (5, 10, 20, 200)),
    *(Scenario(clusters, (5,), 0.5, 0.95) for clusters in (10, 20, 200)),
    *(Scenario(50, (1, 2, 4, 8, 20), icc, 0.7) for icc in (0, 0.5)),
]
NEAR_ONE = [
    *(Scenario(20, (5,), icc, 0.95) for icc in (0, 0.5, 1)),
    *(Scenario(50, (5,), icc, 0.98) for icc in (0, 0.5, 1)),
]


class Drawn(NamedTuple):
    """k of n records, and as how many independent ones they count."""

    k: int
    n: int
    size: float


def drawn(chance: np.random.Generator, scenario: Scenario, rate: float) -> Drawn:
    """The records of one draw."""
    n = np.resize(np.array(scenario.sizes), scenario.clusters)
    k = chance.binomial(n, rates(chance, scenario, rate))
    sums = kernel.Clusters(len(n), int(k @ k), int(k @ n), int(n @ n))
    right, records = int(k.sum()), int(n.sum())
    return Drawn(right, records, kernel.effective(right, records, sums))


def rates(chance: np.random.Generator, scenario: Scenario, rate: float) -> Any:
    """The rate of each cluster."""
    if scenario.icc in (0, 1):
        every = np.full(scenario.clusters, rate)
        return every if scenario.icc == 0 else chance.binomial(1, every)
    strength = 1 / scenario.icc - 1
    return chance.beta(rate * strength, (1 - rate) * strength, scenario.clusters)


class Tally:
    """How many intervals held the truth, and how wide they were."""

    def __init__(self) -> None:
        self.n = self.held = 0
        self.width = 0.0

    def add(self, truth: float, ends: kernel.Ends) -> None:
        self.n += 1
        self.held += ends[0] - 1e-12 <= truth <= ends[1] + 1e-12
        self.width += ends[1] - ends[0]

    @property
    def cells(self) -> tuple[float, float]:
        return 100 * self.held / self.n, self.width / self.n


def of_rate(scenario: Scenario, draws: int, seed: int) -> tuple[Tally, Tally]:
    """The tallies of the interval of a rate: over clusters, and as of independent records."""
    chance, over, alone = np.random.default_rng([SEED, seed]), Tally(), Tally()
    for _ in range(draws):
        one = drawn(chance, scenario, scenario.rate)
        over.add(scenario.rate, kernel.wilson(one.k, one.n, one.size))
        alone.add(scenario.rate, kernel.wilson(one.k, one.n))
    return over, alone


def of_difference(scenario: Scenario, draws: int, seed: int) -> tuple[Tally, Tally]:
    """The same for the interval of a fall from one rate to another."""
    chance, over, alone = np.random.default_rng([SEED, 1000 + seed]), Tally(), Tally()
    for _ in range(draws):
        before = drawn(chance, scenario, scenario.rate)
        after = drawn(chance, scenario, scenario.rate - FALL)
        counts = after.k, after.n, before.k, before.n
        over.add(-FALL, kernel.newcombe(*counts, after.size, before.size))
        alone.add(-FALL, kernel.newcombe(*counts))
    return over, alone


def all_right(scenario: Scenario, draws: int, seed: int) -> tuple[Tally, Tally]:
    """The same for a rate, where records that are all alike count as clusters, and as records."""
    chance, over, alone = np.random.default_rng([SEED, 2000 + seed]), Tally(), Tally()
    for _ in range(draws):
        one = drawn(chance, scenario, scenario.rate)
        alike = one.k in (0, one.n)
        over.add(scenario.rate, kernel.wilson(one.k, one.n, one.size))
        alone.add(scenario.rate, kernel.wilson(one.k, one.n, one.n if alike else one.size))
    return over, alone


Measure = Callable[[Scenario, int, int], tuple[Tally, Tally]]


def rows(title: str, some: list[Scenario], measure: Measure, draws: int) -> Iterator[str]:
    """A table of one kind of interval: coverage in per cent, and mean width."""
    yield title
    yield "{:44}{:>14}{:>8}{:>16}{:>8}".format(*HEADS)
    for seed, scenario in enumerate(some):
        over, alone = measure(scenario, draws, seed)
        cells = (*over.cells, *alone.cells)
        yield "{:44}{:14.1f}{:8.3f}{:16.1f}{:8.3f}".format(scenario.name, *cells)


def main(draws: int) -> None:
    """Prints a table for rates, one for differences, and one for rates near 1."""
    started = time.perf_counter()
    print(f"seed {SEED}; {draws:,} draws of each scenario; coverage in per cent")
    tables: list[tuple[str, list[Scenario], Measure]] = [
        ("rate", SCENARIOS, of_rate),
        (f"a fall by {FALL:g}", SCENARIOS, of_difference),
        ("rate near 1; as independent only where all are alike", NEAR_ONE, all_right),
    ]
    for table in tables:
        print()
        print("\n".join(rows(*table, draws)))
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS)
