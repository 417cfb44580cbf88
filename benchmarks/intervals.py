"""How often the intervals hold what they are of, on populations whose truth is known.

    python benchmarks/intervals.py [DRAWS]

Each scenario has a few populations: slices with shares and rates, in eval and in production.
Counts are drawn from them, the kernel makes its intervals from the counts alone, and the truth of
a part is the same part of the population, the slices classed as they were in the draw: shared,
only of production, only of eval. Nominal is 95%; "below" and "above" say in how many per cent the
truth lay below or above the interval. All draws come from one seed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from eval_autopsy import kernel  # noqa: E402

SEED = 20260401
DRAWS = 2000  # of each scenario, over its populations
POPULATIONS = 8  # of each scenario
KINDS = ("gap", *kernel.GAP_PARTS, "contribution", "slice rate", "slice mix", "unseen anywhere")
Floats = np.ndarray[Any, np.dtype[np.float64]]


class Population(NamedTuple):
    """The share and the rate of each slice; a share of 0 is a slice that a split does not have."""

    share: Mapping[str, Floats]
    rate: Mapping[str, Floats]


Make = Callable[[np.random.Generator, int], Population]


class Scenario(NamedTuple):
    """A way to make populations, and how many records are drawn of each split."""

    name: str
    make: Make
    shared: int  # slices of both splits; each population has some more of one
    eval: int
    production: int


@dataclass
class Tally:
    """How often intervals were below and above the truth, and how wide they were."""

    n: int = 0
    truth_below: int = 0
    truth_above: int = 0
    width: float = 0.0

    def add(self, truth: float, ends: kernel.Ends) -> None:
        self.n += 1
        self.truth_below += truth < ends[0] - 1e-12
        self.truth_above += truth > ends[1] + 1e-12
        self.width += ends[1] - ends[0]

    @property
    def coverage(self) -> float:
        return 100 * (1 - (self.truth_below + self.truth_above) / self.n)


@dataclass
class Found:
    """The tallies of a scenario by what the intervals are of."""

    name: str
    tallies: dict[str, Tally] = field(default_factory=lambda: {kind: Tally() for kind in KINDS})


# ---------------------------------------------------------------- populations


def shares(chance: np.random.Generator, shared: int, alike: bool = False) -> dict[str, Floats]:
    """A slice that eval lacks comes last, one that production lacks before it."""
    before, after = chance.dirichlet(np.full(shared + 1, 3.0), 2)
    if alike:
        after = np.append(before[:-1] * (1 - after[-1]) / (1 - before[-1]), after[-1])
    zero = np.zeros(1)
    return {
        "eval": np.concatenate([before, zero]),
        "production": np.concatenate([after[:-1], zero, after[-1:]]),
    }


def ordinary(chance: np.random.Generator, shared: int) -> Population:
    before = chance.uniform(0.6, 0.9, shared + 2)
    after = before - chance.uniform(-0.05, 0.3, shared + 2)
    return Population(shares(chance, shared), {"eval": before, "production": after})


def unchanged(chance: np.random.Generator, shared: int) -> Population:
    """Eval and production alike, in shares and in rates, but for the slices that one lacks."""
    rate = chance.uniform(0.5, 0.95, shared + 2)
    return Population(shares(chance, shared, alike=True), {"eval": rate, "production": rate})


def only_the_mix(chance: np.random.Generator, shared: int) -> Population:
    rate = chance.uniform(0.4, 0.95, shared + 2)
    return Population(shares(chance, shared), {"eval": rate, "production": rate})


def near_the_ceiling(chance: np.random.Generator, shared: int) -> Population:
    before, after = chance.uniform(0.97, 1, shared + 2), chance.uniform(0.9, 1, shared + 2)
    return Population(shares(chance, shared), {"eval": before, "production": after})


def new_all_wrong(chance: np.random.Generator, shared: int) -> Population:
    """What eval never contained is all wrong; the rest is nearly as it was."""
    before = chance.uniform(0.85, 0.99, shared + 2)
    after = np.append(before[:-1] - chance.uniform(0, 0.05, shared + 1), 0.0)
    return Population(shares(chance, shared), {"eval": before, "production": after})


def eval_all_right(chance: np.random.Generator, shared: int) -> Population:
    """A perfect eval; in production what is new is all wrong, and some of the rest."""
    after = np.append(chance.uniform(0.85, 1, shared + 1), 0.0)
    before = np.ones(shared + 2)
    return Population(shares(chance, shared), {"eval": before, "production": after})


SCENARIOS = [
    Scenario(make.__name__.replace("_", " "), make, shared, eval_, production)
    for make in (
        ordinary,
        unchanged,
        only_the_mix,
        near_the_ceiling,
        new_all_wrong,
        eval_all_right,
    )
    for shared, eval_, production in (
        (2, 200, 200),
        (6, 200, 1000),
        (4, 500, 500),
        (12, 400, 2000),
        (8, 5000, 5000),
    )
]


# ---------------------------------------------------------------- draws


def cube_of(n: Mapping[str, Any], k: Mapping[str, Any], names: list[kernel.Levels]) -> kernel.Cube:
    """The cube of drawn counts, by one attribute."""
    cells = {
        (split, names[i]): {"counted": int(n[split][i]), "right": int(k[split][i])}
        for split in kernel.SPLITS
        for i in np.flatnonzero(n[split])
    }
    return kernel.Cube(["s"], cells, lambda split, outcome, where: ())


def drawn(
    chance: np.random.Generator, scenario: Scenario, population: Population
) -> tuple[dict[str, Any], dict[str, Any]]:
    """How many records, and how many right ones, of each split and slice."""
    sizes = {"eval": scenario.eval, "production": scenario.production}
    n = {
        split: chance.multinomial(sizes[split], population.share[split]) for split in kernel.SPLITS
    }
    k = {split: chance.binomial(n[split], population.rate[split]) for split in kernel.SPLITS}
    return n, k


def truth_of(population: Population, n: Mapping[str, Any]) -> tuple[dict[str, float], Floats, Any]:
    """The parts of the population's gap, its contributions, and its slices' rate and mix.

    By the definitions, not by the kernel. A slice is shared, new or of eval only as it was drawn.
    """
    w, v = population.share["production"], population.share["eval"]
    after, before = population.rate["production"], population.rate["eval"]
    promised = v @ before
    shared, new = (n["eval"] > 0) & (n["production"] > 0), (n["eval"] == 0) & (n["production"] > 0)
    covered, kept = w[shared].sum(), v[shared].sum()
    q, e = np.where(shared, w / covered, 0), np.where(shared, v / kept, 0)
    adds = w * (after - promised)
    rate = covered * (q + e) / 2 * (after - before)
    mix = covered * (q - e) * ((after + before) / 2 - promised)
    parts = {
        "gap": float(w @ after - promised),
        "uncovered": float(adds[new].sum()),
        "rate": float(rate.sum()),
        "mix": float(mix.sum()),
        "eval_only": float(covered * (e @ before - promised)),
    }
    return parts, adds, {"rate": rate, "mix": mix}


def tally(found: Found, cube: kernel.Cube, names: list[kernel.Levels], truth: Any) -> None:
    """Adds the intervals of one draw to the tallies."""
    parts, adds, by_slice = truth
    tallies, sides = found.tallies, kernel.sides_of(cube, ["s"])
    tallies["gap"].add(parts["gap"], kernel.contribution_interval(cube, {}))
    there = {
        "uncovered": len(sides.n["production"]) > len(sides.shared),
        **dict.fromkeys(("rate", "mix"), bool(sides.shared)),
        "eval_only": 0 < len(sides.shared) < len(sides.n["eval"]),
    }
    for part in filter(there.get, kernel.GAP_PARTS):
        ends = kernel.gap_part_interval(cube, part, "symmetric", ["s"])
        tallies[part].add(parts[part], ends)
    for i, levels in enumerate(names):
        if levels in sides.n["production"]:
            where = kernel.as_where(["s"], levels)
            tallies["contribution"].add(adds[i], kernel.contribution_interval(cube, where))
        if levels in sides.shared:
            for part, values in by_slice.items():
                ends = kernel.split_interval(sides, part, "symmetric", [levels])
                tallies[f"slice {part}"].add(values[i], ends)


def measured(scenario: Scenario, draws: int, seed: int) -> Found:
    """The tallies of a scenario over its populations."""
    chance = np.random.default_rng([SEED, seed])
    found = Found(
        f"{scenario.name}, {scenario.shared} slices, {scenario.eval}/{scenario.production}"
    )
    names = [(f'"{i}"',) for i in range(scenario.shared + 2)]
    for _ in range(POPULATIONS):
        population = scenario.make(chance, scenario.shared)
        for _ in range(draws // POPULATIONS):
            n, k = drawn(chance, scenario, population)
            tally(found, cube_of(n, k, names), names, truth_of(population, n))
    return found


TAILS = [  # slices, how fast their shares fall, and records of eval and of production
    (200, 1.1, 100, 150),
    (2000, 1.1, 400, 400),
    (5000, 1.2, 1000, 1000),
    (100, 1.5, 400, 400),
    (50, 1.1, 200, 1000),
    (1000, 0.5, 0, 100),
]


def tails(draws: int) -> Iterator[Found]:
    """The tallies of what is unseen anywhere, where the slices' shares are Zipf's."""
    for seed, (slices, falls, eval_, production) in enumerate(TAILS):
        chance = np.random.default_rng([SEED, 1000 + seed])
        found = Found(f"{slices:,} slices by rank^-{falls}, {eval_}/{production}")
        share = np.arange(1.0, slices + 1) ** -falls
        share /= share.sum()
        names = [(f'"{i}"',) for i in range(slices)]
        for _ in range(draws // 2):
            n = {
                "eval": chance.multinomial(eval_, share),
                "production": chance.multinomial(production, share),
            }
            unseen = share[(n["eval"] == 0) & (n["production"] == 0)].sum()
            ends = kernel.unseen_anywhere_interval(cube_of(n, n, names), ["s"])
            found.tallies["unseen anywhere"].add(unseen, ends)
        yield found


# ---------------------------------------------------------------- the tables


def rows(all_found: list[Found], kind: str) -> Iterator[str]:
    """A line for each scenario that has such an interval, and the mean of the scenarios."""
    yield f"{kind:45}{'coverage':>9}{'width':>8}{'below':>7}{'above':>7}"
    seen = [(one.name, one.tallies[kind]) for one in all_found if one.tallies[kind].n]
    for name, found in seen:
        missed = (100 * count / found.n for count in (found.truth_below, found.truth_above))
        text = f"{name:45}{found.coverage:9.1f}{found.width / found.n:8.4f}"
        yield text + "".join(f"{one:7.1f}" for one in missed)
    all_ = [found.coverage for _, found in seen]
    inside = sum(94 <= one <= 96 for one in all_)
    yield (
        f"{'mean of the scenarios':45}{sum(all_) / len(all_):9.1f}"
        f"   lowest {min(all_):.1f}, highest {max(all_):.1f}, {inside} of {len(all_)} in 94 to 96"
    )


def main(draws: int) -> None:
    """Prints a table for each kind of interval."""
    started = time.perf_counter()
    found = [measured(one, draws, seed) for seed, one in enumerate(SCENARIOS)]
    found += tails(draws)
    populations = f"{len(SCENARIOS)} scenarios of {POPULATIONS} populations"
    print(f"seed {SEED}; {populations}, {draws:,} draws of each scenario")
    for kind in KINDS:
        print()
        print("\n".join(rows(found, kind)))
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS)
