"""The few slices that survive a second look, of all that were searched.

1. Candidates are the slices with the most errors of production beyond their share of all records,
   a few by each set of attributes (search.py). The records of eval count for the share: inputs that
   eval has in plenty, and right, are no explanation of what production gets wrong.
2. They are picked one after another. The one with the largest excess among the records that no
   slice before it holds comes next, or a simpler one that holds nearly the same errors. What an
   earlier slice explains has no excess left, and is not picked.
3. Each is tested on those records. Fewer than FEW records are searched whole, and p is adjusted
   for everything that was looked at by dealing out the outcomes anew. More are searched in one half
   and tested in the other, and p is adjusted for what was picked. Records of a cluster stay
   together. See kernel.Search, which derives the same p in another way.
4. Wrong and silently wrong answers are searched for separately, and tested as one family.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval_autopsy import kernel
from eval_autopsy.cubes import blocks
from eval_autopsy.cubes.blocks import OUTCOMES, PARTS, Batch, Coded
from eval_autopsy.questions.search import Hit, Target, top_slices

FEW = 1000  # scored records of production; fewer are not halved
TOO_FEW = 30  # too few to search at all
DEPTH = 3
SETS_AT_MOST = 20_000  # of attributes that are combined
DRAWS, FEWER_DRAWS = 999, 199
WORK = 5_000_000  # slices times draws, above which fewer draws are made
PICKED_AT_MOST = 7  # for each outcome
CANDIDATES, EACH = 2000, 3  # in all, and by each set of attributes
SAMPLE = 50_000  # records on which slices are compared with each other
SAME = 0.8  # of the errors of two slices are shared, and they are near-duplicates
NEARLY = 0.9  # of the excess that a simpler slice must have to stand for another
CHANCE = 0.05  # a slice with an adjusted p at most this is confirmed
COVER = 0.95  # of the errors that confirmed slices hold, held by the fewest of them
WORTH = 0.01  # a slice whose p among the records left is larger is not worth a test

Bits = NDArray[np.uint64]  # an axis of records, 64 in each number
TARGETS = {"wrong": ("loud", "silent"), "silent": ("silent",)}


class Plan(NamedTuple):
    """How production is searched: chosen by how many records there are, not by what they say."""

    depth: int
    support: int  # scored records of production that a slice must have
    seed: int
    held_out: bool
    draws: int

    def spec(self, by: Sequence[str], tested: Sequence[Tested]) -> dict[str, Any]:
        """The `search` of a receipt's evidence."""
        picked = [{"outcome": one.outcome, "where": one.where} for one in tested]
        return {**self._asdict(), "by": list(by), "tested": picked}


class Tested(NamedTuple):
    """A slice that was picked, and how it fared."""

    outcome: str  # "wrong" or "silent": what it has more of than its share
    where: dict[str, list[Any]]
    p_adjusted: float
    method: str  # how p was adjusted
    held_out: tuple[int, int] | None  # right of scored records in the half that tested it


class Discovery(NamedTuple):
    """What a search looked at, and what it found."""

    plan: Plan
    searched: int
    tested: tuple[Tested, ...]
    cover: tuple[int, ...]  # positions in `tested`: the fewest that hold nearly all their errors


class Searched(kernel.Search):
    """What claims of a search need to know of it, from what the engine found."""

    def __init__(self, by: Sequence[str], discovery: Discovery) -> None:
        self.says = discovery.plan.spec(by, discovery.tested)
        self.discovery = discovery

    def searched(self) -> int:
        return self.discovery.searched

    def p_values(self) -> list[float]:
        return [one.p_adjusted for one in self.discovery.tested]

    def held_out(self, outcome: str, of: str, where: kernel.Where) -> tuple[int, int]:
        for one in self.discovery.tested:
            if one.where == where and one.held_out and (outcome, of) == ("right", "counted"):
                return one.held_out
        raise kernel.Undefined(f"{outcome} of {of}, held out, is not known of a slice")


def plan_for(
    records: int,
    attributes: int,
    *,
    depth: int | None = None,
    support: int | None = None,
    seed: int = 0,
) -> Plan:
    """How to search so many scored records of production by so many attributes.

    The depth is DEPTH unless that makes too many sets of attributes; the support is a thousandth
    of the records, and at least five, unless it is given.
    """
    deep = min(depth or DEPTH, max(1, attributes))
    while depth is None and deep > 1 and _sets(attributes, deep) > SETS_AT_MOST:
        deep -= 1
    return Plan(deep, support or max(5, records // 1000), seed, records >= FEW, DRAWS)


def _sets(attributes: int, depth: int) -> int:
    found, each = 0, 1
    for size in range(1, depth + 1):
        each = each * (attributes - size + 1) // size
        found += each
    return found


def discover(
    attributes: Sequence[Coded], batch: Batch, units: Sequence[str], plan: Plan
) -> Discovery:
    """The slices of production that hold more errors than their share, the largest excess first."""
    cube = blocks.count(attributes, plan.depth, [batch], rows=len(batch.classes))
    everything = _Rows(batch, np.array(units, np.object_))
    production = everything.only(everything.part > 0)
    picked: list[tuple[str, Hit]] = []
    searched = 0
    for name, outcomes in TARGETS.items():
        if name == "silent" and not production.is_wrong("loud").any():
            continue  # it would be the same search again
        found = top_slices(
            cube,
            depth=plan.depth,
            min_support=plan.support,
            top=CANDIDATES,
            target=Target(outcomes, ("search",), ("eval", "search")),
            each=max(EACH, CANDIDATES // _sets(len(attributes), plan.depth)),
        )
        searched = found.searched
        picked += [(name, hit) for hit in pick(found.hits, everything, outcomes)]
    tested, plan = _tests(picked, production, plan, cube)
    return Discovery(plan, searched, tested, _cover(tested, picked, production))


class _Rows(NamedTuple):
    """Scored records, and the unit of each."""

    batch: Batch
    units: NDArray[np.object_]

    @property
    def part(self) -> NDArray[np.uint8]:
        return self.batch.classes // len(OUTCOMES)

    def only(self, these: NDArray[Any]) -> _Rows:
        """Some of the records."""
        codes = [codes[these] for codes in self.batch.codes]
        return _Rows(Batch(codes, self.batch.classes[these]), self.units[these])

    def is_wrong(self, *outcomes: str) -> NDArray[np.bool_]:
        """Which records have one of these outcomes."""
        kinds = [OUTCOMES.index(one) for one in outcomes]
        return np.isin(self.batch.classes % len(OUTCOMES), kinds)

    def has(self, hit: Hit) -> NDArray[np.bool_]:
        """Which records a slice holds."""
        inside = np.ones(len(self.units), np.bool_)
        for position, code in zip(hit.positions, hit.codes, strict=True):
            inside &= self.batch.codes[position] == code
        return inside


# Which slices


def pick(hits: Sequence[Hit], records: _Rows, outcomes: Sequence[str]) -> list[Hit]:
    """The slices that are worth a test, in the order in which they are tested."""
    if not hits:
        return []
    searched = np.flatnonzero(records.part != PARTS.index("confirm"))
    sample = records.only(searched[:: max(1, len(searched) // SAMPLE)])
    masks = np.array([packed(sample.has(hit)) for hit in hits])
    production = packed(sample.part > 0)
    errors = packed(sample.is_wrong(*outcomes)) & production
    left = packed(np.ones(len(sample.units), np.bool_))
    chosen: list[Hit] = []
    while len(chosen) < PICKED_AT_MOST and left.any():
        rows, wrong = masks & left, masks & left & errors
        n, k = count(rows & production), count(wrong)
        n_left, k_left = int(count(left & production)), int(count(left & errors))
        excess = k - k_left * count(rows) / count(left)
        best = int(np.argmax(excess))
        if kernel.fisher_greater(int(k[best]), int(n[best]), k_left, n_left) > WORTH:
            break
        shared = count(wrong & wrong[best]) / np.maximum(1, count(wrong | wrong[best]))
        alike = np.flatnonzero((shared >= SAME) & (excess >= NEARLY * excess[best])).tolist()
        simplest = min(alike, key=lambda i: (len(hits[i].positions), -float(excess[i]), i))
        chosen.append(hits[simplest])
        left &= ~masks[simplest]
    return chosen


def packed(rows: NDArray[np.bool_]) -> Bits:
    """True and false as bits, with zeros at the end."""
    whole = np.zeros(-(-rows.shape[-1] // 64) * 64, np.bool_)
    whole[: rows.shape[-1]] = rows
    return np.packbits(whole).view(np.uint64)


def count(bits: Bits) -> NDArray[np.int64]:
    """How many bits are set, along the last axis."""
    return np.asarray(np.bitwise_count(bits).sum(axis=-1, dtype=np.int64))


# Whether they hold


def _tests(
    picked: Sequence[tuple[str, Hit]], production: _Rows, plan: Plan, cube: blocks.BlockCube
) -> tuple[tuple[Tested, ...], Plan]:
    """What became of each slice that was picked, and the plan with the draws that were made."""
    if not picked:
        return (), plan
    held_out = production.part == PARTS.index("confirm")
    rows = production.only(held_out) if plan.held_out else production
    inside = [rows.has(hit) for _, hit in picked]
    bad = {name: rows.is_wrong(*kinds) for name, kinds in TARGETS.items()}
    raw = _p_values([name for name, _ in picked], inside, bad)
    clustered = len(set(production.units)) < len(production.units)
    if plan.held_out and not clustered:
        adjusted, method = kernel.holm(raw), "held-out-fisher-holm"
    else:
        masks = [packed(mask) for mask in inside]
        family = np.array(masks if plan.held_out else lattice(cube, rows.batch, plan))
        if len(family) * DRAWS > WORK:
            plan = plan._replace(draws=FEWER_DRAWS)
        kinds = {name: bad[name] for name in sorted({name for name, _ in picked})}
        extreme = as_extreme(raw, family, kinds, list(rows.units), plan)
        adjusted = [(1 + found) / (1 + plan.draws) for found in extreme]
        method = "held-out-min-p" if plan.held_out else "permutation-min-p"
    tested = (
        Tested(
            outcome=name,
            where={one: [kernel.strict_json(text)] for one, text in hit.where},
            p_adjusted=p,
            method=method,
            held_out=(int((mask & ~bad["wrong"]).sum()), int(mask.sum()))
            if plan.held_out
            else None,
        )
        for (name, hit), mask, p in zip(picked, inside, adjusted, strict=True)
    )
    return tuple(tested), plan


def _p_values(
    names: Sequence[str],
    inside: Sequence[NDArray[np.bool_]],
    bad: Mapping[str, NDArray[np.bool_]],
) -> list[float]:
    """Fisher's p of each slice, on the records that none before it for the same outcome holds."""
    left = {name: np.ones(len(errors), np.bool_) for name, errors in bad.items()}
    found = []
    for name, mask in zip(names, inside, strict=True):
        here, wrong = left[name], left[name] & bad[name]
        counts = ((mask & wrong).sum(), (mask & here).sum(), wrong.sum(), here.sum())
        found.append(kernel.fisher_greater(*map(int, counts)))
        left[name] = here & ~mask
    return found


def lattice(cube: blocks.BlockCube, batch: Batch, plan: Plan) -> Bits:
    """The records of every conjunction that is looked at, each set of records once."""
    found: dict[bytes, Bits] = {}
    for size in range(1, plan.depth + 1):
        for positions in combinations(range(len(cube.attributes)), size):
            cells = np.zeros(len(batch.classes), np.int64)
            for i in positions:
                cells = cells * len(cube.attributes[i].levels) + batch.codes[i]
            held, n = np.unique(cells, return_counts=True)
            for cell in held[n >= plan.support]:
                rows = packed(cells == cell)
                found.setdefault(rows.tobytes(), rows)
    return np.array(list(found.values()))


def as_extreme(
    p_values: Sequence[float],
    family: Bits,
    bad: Mapping[str, NDArray[np.bool_]],
    units: Sequence[str],
    plan: Plan,
) -> list[int]:
    """For each p, in how many draws some slice of the family has one as small.

    `bad` maps an outcome to n records that have it, `units` names what each belongs with.
    """
    sizes = count(family)
    needed = []
    for p in p_values:
        for name, errors in bad.items():
            least = {int(n): _least(p, int(n), errors) for n in np.unique(sizes)}
            enough = np.array([least[int(n)] for n in sizes])
            possible = enough <= sizes
            needed.append((name, family[possible], enough[possible]))
    found = [0] * len(p_values)
    for given in kernel.shuffles(units, plan.seed, plan.draws):
        dealt = {name: packed(errors[given]) for name, errors in bad.items()}
        reached = [bool((count(rows & dealt[n]) >= k).any()) for n, rows, k in needed]
        for i in range(len(p_values)):
            found[i] += any(reached[i * len(bad) : (i + 1) * len(bad)])
    return found


def _least(p: float, n: int, errors: NDArray[np.bool_]) -> int:
    return kernel.least_wrong(p, n, int(errors.sum()), len(errors))


# How few of them are enough


def _cover(
    tested: Sequence[Tested], picked: Sequence[tuple[str, Hit]], production: _Rows
) -> tuple[int, ...]:
    """The fewest confirmed slices that hold nearly all the errors which all of them hold."""
    held = [
        (i, production.has(hit) & production.is_wrong(*TARGETS["wrong"]))
        for i, (one, (_, hit)) in enumerate(zip(tested, picked, strict=True))
        if one.p_adjusted <= CHANCE
    ]
    if not held:
        return ()
    wanted = COVER * np.logical_or.reduce([rows for _, rows in held]).sum()
    best = max(_unions(held), key=lambda one: (one[1] >= wanted, -len(one[0]), one[1]))
    return best[0]


def _unions(
    held: Sequence[tuple[int, NDArray[np.bool_]]],
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Each set of some slices, fewer first, and how many errors they hold between them."""
    for size in range(1, min(len(held), PICKED_AT_MOST) + 1):
        for some in combinations(held, size):
            union = np.logical_or.reduce([rows for _, rows in some])
            yield tuple(i for i, _ in some), int(union.sum())
