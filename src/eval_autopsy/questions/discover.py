"""The few slices that survive a second look, of all that were searched.

1. Candidates are the slices with the most errors of production beyond their share of all records,
   a few by each set of attributes (search.py). The records of eval count for the share: inputs that
   eval has in plenty, and right, are no explanation of what production gets wrong.
2. A few are picked one after another (picking.py): next comes the one whose errors are least
   likely to be its share, among the records that no slice before it holds. Wrong and silently
   wrong answers have their turns, up to PICKED_AT_MOST slices in all.
3. Each is tested on those records. Fewer than FEW records are searched whole, and p is adjusted
   for everything that was looked at by dealing out the outcomes anew. More are searched in one half
   and tested in the other, and p is adjusted for what was picked. Records of a cluster stay
   together, and errors of one cluster alone confirm nothing. See kernel.Search, which derives the
   same p in another way.
4. Wrong and silently wrong answers are searched for separately, and tested as one family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval_autopsy import kernel
from eval_autopsy.cubes import blocks
from eval_autopsy.cubes.blocks import OUTCOMES, PARTS, Batch, Coded, Positions
from eval_autopsy.questions.picking import (
    PICKED_AT_MOST,
    Bits,
    InCubes,
    InRecords,
    Left,
    Recount,
    are,
    count,
    has,
    only,
    packed,
    part_of,
    pick,
)
from eval_autopsy.questions.search import Hit, Target, top_slices

FEW = 1000  # scored records of production; fewer are not halved
TOO_FEW = 30  # too few to search at all
DEPTH = 3
SETS_AT_MOST = 20_000  # of attributes that are combined
DRAWS = (999, 199, 99)  # the first for which there is not too much work, or the last
WORK = 5_000_000  # slices, or records, times draws
SLICES_AT_A_TIME = 2**12  # whose records, as bits, fit in a near cache
CANDIDATES, EACH = 2000, 3  # in all, and by each set of attributes
NOT_TESTED = "not-tested"  # the method of a p that says nothing, and is 1
DRAWN_METHOD = "held-out-drawn-fisher-holm"
CHANCE = 0.05  # a slice with an adjusted p at most this is confirmed
COVER = 0.95  # of the errors that confirmed slices hold, held by the fewest of them

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
    covered: int  # wrong answers of production that these hold
    overlaps: Overlaps  # of all that were tested
    drawn: Overlaps | None = None  # of the records that tested, where they were drawn by cluster


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
    return Plan(deep, support or max(5, records // 1000), seed, records >= FEW, DRAWS[0])


def _sets(attributes: int, depth: int) -> int:
    found, each = 0, 1
    for size in range(1, depth + 1):
        each = each * (attributes - size + 1) // size
        found += each
    return found


class Records(NamedTuple):
    """Scored records that can be gone through more than once."""

    attributes: tuple[Coded, ...]
    batches: Callable[[], Iterable[Batch]]
    rows: int  # at most so many
    sample: Batch  # all of them, or some drawn evenly
    units: Sequence[str] | None  # what each belongs with, where all are in the sample
    drawn: Batch | None = None  # that test, one of each cluster, where they stand for the others


def discover(records: Records, plan: Plan, cube: blocks.BlockCube | None = None) -> Discovery:
    """The slices of production that hold more errors than their share, the largest excess first.

    `cube` is that of the records, where they have been counted already.
    """
    if cube is None:
        cube = blocks.count(records.attributes, plan.depth, records.batches(), rows=records.rows)
    picked, searched = candidates(
        cube, plan, lambda hits, outcomes: InRecords(hits, records.sample, outcomes)
    )
    overlaps = overlaps_of(picked, records.batches())
    if records.drawn is not None:
        drawn = overlaps_of(picked, [records.drawn])
        p_values = drawn_p_values([name for name, _ in picked], drawn, plan)
        found = _discovery(plan, searched, picked, overlaps, p_values, DRAWN_METHOD)
        return found._replace(drawn=drawn)
    p_values, method, plan = p_values_of(picked, overlaps, records, plan, cube)
    return _discovery(plan, searched, picked, overlaps, p_values, method)


def discover_in_counts(
    cube: blocks.BlockCube,
    plan: Plan,
    recount: Recount,
    overlaps_of: OverlapsOf,
    *,
    clustered: bool = False,
    drawn_overlaps_of: OverlapsOf | None = None,
) -> Discovery:
    """The same of records that are counted elsewhere, and are not at hand.

    Outcomes cannot be dealt out anew there. So where records are `clustered`, one record of each
    cluster tests, of those that are held out and drawn by lot: `drawn_overlaps_of` counts these.
    Where there are none to test it, what is picked has a p of 1.
    """
    picked, searched = candidates(
        cube, plan, lambda hits, outcomes: InCubes(hits, cube, outcomes, recount)
    )
    names, hits = [name for name, _ in picked], [hit for _, hit in picked]
    overlaps, drawn = overlaps_of(hits), None
    p_values, method = [1.0] * len(picked), NOT_TESTED
    if plan.held_out and not clustered:
        p_values, method = kernel.holm(raw_p_values(names, overlaps, plan)), "held-out-fisher-holm"
    elif plan.held_out and drawn_overlaps_of:
        drawn = drawn_overlaps_of(hits)
        p_values, method = drawn_p_values(names, drawn, plan), DRAWN_METHOD
    found = _discovery(plan, searched, picked, overlaps, p_values, method)
    return found._replace(drawn=drawn)


def _discovery(
    plan: Plan,
    searched: int,
    picked: Sequence[tuple[str, Hit]],
    overlaps: Overlaps,
    p_values: Sequence[float],
    method: str,
) -> Discovery:
    right = overlaps.outcome == OUTCOMES.index("right")
    tested = []
    for i, ((name, hit), p) in enumerate(zip(picked, p_values, strict=True)):
        held_out = None
        if plan.held_out:
            inside = overlaps.has(i) & (overlaps.part == PARTS.index("confirm"))
            held_out = (overlaps.total(inside & right), overlaps.total(inside))
        where = {one: [kernel.strict_json(text)] for one, text in hit.where}
        tested.append(Tested(name, where, p, method, held_out))
    confirmed = [i for i, one in enumerate(tested) if one.p_adjusted <= CHANCE]
    cover = cover_of(confirmed, overlaps)
    return Discovery(plan, searched, tuple(tested), cover, overlaps.wrong_in(cover), overlaps)


def candidates(
    cube: blocks.BlockCube, plan: Plan, left_of: Callable[[Sequence[Hit], Sequence[str]], Left]
) -> tuple[list[tuple[str, Hit]], int]:
    """The slices that are worth a test, with what they excel in, and how many were looked at.

    `left_of` some slices and outcomes counts the records that no slice picked so far holds.
    """
    picked: dict[str, list[Hit]] = {}
    searched = 0
    sets = _sets(len(cube.attributes), plan.depth)
    for name, outcomes in TARGETS.items():
        if name == "silent" and not cube.totals[1:, OUTCOMES.index("loud")].any():
            continue  # it would be the same search again
        found = top_slices(
            cube,
            depth=plan.depth,
            min_support=plan.support,
            top=CANDIDATES,
            target=Target(outcomes, ("search",), ("eval", "search")),
            each=max(EACH, CANDIDATES // sets),
        )
        searched = found.searched
        known = [hit for hits in picked.values() for hit in hits]
        picked[name] = pick(found.hits, left_of(found.hits, outcomes), known)
    return by_turns(picked), searched


def by_turns(picked: Mapping[str, Sequence[Hit]]) -> list[tuple[str, Hit]]:
    """The first slices of each outcome, outcome by outcome: PICKED_AT_MOST different ones in all.

    Each outcome has its turn. A slice that stands for two of them counts once.
    """
    taken: dict[str, list[Hit]] = {name: [] for name in picked}
    different: set[tuple[tuple[str, str], ...]] = set()
    for turn in range(PICKED_AT_MOST):
        for name, hits in picked.items():
            if turn >= len(hits) or len(taken[name]) < turn:
                continue  # there is no more of it, or one before it was left out
            if hits[turn].where in different or len(different) < PICKED_AT_MOST:
                different.add(hits[turn].where)
                taken[name].append(hits[turn])
    return [(name, hit) for name, hits in taken.items() for hit in hits]


# Whether they hold


class Overlaps(NamedTuple):
    """How many records lie in which of some slices: one entry for each pattern that occurs."""

    pattern: NDArray[np.int64]  # bit i is set where slice i holds the records
    part: NDArray[np.int64]  # positions in PARTS
    outcome: NDArray[np.int64]  # positions in OUTCOMES
    records: NDArray[np.int64]

    def has(self, i: int) -> NDArray[np.bool_]:
        """Which entries lie in a slice."""
        return np.asarray((self.pattern >> i) % 2 == 1)

    def wrong_in(self, some: Sequence[int]) -> int:
        """How many wrong answers of production lie in any of some slices."""
        inside = np.zeros(len(self.pattern), np.bool_)
        for i in some:
            inside |= self.has(i)
        return self.total(inside & are(self.outcome, TARGETS["wrong"]) & (self.part > 0))

    def total(self, these: NDArray[np.bool_]) -> int:
        """How many records some entries stand for."""
        return int(self.records[these].sum())


OverlapsOf = Callable[[Sequence[Hit]], Overlaps]


def overlaps_in(entries: Sequence[tuple[int, int, int, int]]) -> Overlaps:
    """What was counted elsewhere: a pattern, a part, an outcome and records in each entry."""
    return Overlaps(*np.array(entries, np.int64).reshape(-1, len(Overlaps._fields)).T)


def overlaps_of(picked: Sequence[tuple[str, Hit]], batches: Iterable[Batch]) -> Overlaps:
    """Goes through the records once more, whatever their number."""
    size = blocks.CLASSES << len(picked)
    table = np.zeros(size, np.int64)
    for batch in batches:
        pattern = np.zeros(len(batch.classes), np.int64)
        for i, (_, hit) in enumerate(picked):
            pattern |= has(batch, hit).astype(np.int64) << i
        table += np.bincount(pattern * blocks.CLASSES + batch.classes, minlength=size)
    entries = np.flatnonzero(table)
    pattern, classes = np.divmod(entries, blocks.CLASSES)
    part, outcome = np.divmod(classes, len(OUTCOMES))
    return Overlaps(pattern, part, outcome, table[entries])


def p_values_of(
    picked: Sequence[tuple[str, Hit]],
    overlaps: Overlaps,
    records: Records,
    plan: Plan,
    cube: blocks.BlockCube,
) -> tuple[list[float], str, Plan]:
    """The adjusted p of each slice, how it was adjusted, and the plan with the draws made."""
    raw = raw_p_values([name for name, _ in picked], overlaps, plan)
    part = part_of(records.sample.classes)
    clustered = records.units is not None and _some_together(records.units, part > 0)
    if not picked or (plan.held_out and not clustered):
        return kernel.holm(raw), "held-out-fisher-holm", plan
    if records.units is None:
        raise ValueError("outcomes can be dealt out anew only where all records are at hand")
    tested = part == PARTS.index("confirm") if plan.held_out else part > 0
    batch = only(records.sample, tested)
    units = [unit for unit, inside in zip(records.units, tested, strict=True) if inside]
    outcome = batch.classes % len(OUTCOMES)
    bad = {name: are(outcome, kinds) for name, kinds in TARGETS.items()}
    if clustered:
        alone = of_one_unit(picked, batch, bad, units)
        raw = [1.0 if one else p for p, one in zip(raw, alone, strict=True)]
    families = {}
    if plan.held_out:
        for name in dict.fromkeys(name for name, _ in picked):
            masks = [packed(has(batch, hit)) for kind, hit in picked if kind == name]
            families[name] = np.array(masks)
    else:
        looked_at = lattice(cube, batch, plan)
        # Whatever was picked: it would not have been for other outcomes.
        kinds = [name for name in TARGETS if name == "wrong" or (bad[name] != bad["wrong"]).any()]
        families = dict.fromkeys(kinds, looked_at)
    work = max(len(outcome), *map(len, families.values()))
    draws = next((draws for draws in DRAWS if work * draws <= WORK), DRAWS[-1])
    plan = plan._replace(draws=min(plan.draws, draws))
    method = "held-out-min-p" if plan.held_out else "permutation-min-p"
    return dealt_anew(raw, families, bad, units, plan), method, plan


def _some_together(units: Sequence[str], these: NDArray[np.bool_]) -> bool:
    """Whether two of some records belong to one cluster."""
    some = [unit for unit, inside in zip(units, these, strict=True) if inside]
    return len(set(some)) < len(some)


def of_one_unit(
    picked: Sequence[tuple[str, Hit]],
    batch: Batch,
    bad: Mapping[str, NDArray[np.bool_]],
    units: Sequence[str],
) -> Iterator[bool]:
    """Whether the errors of each slice, on what those before it leave, are of one cluster."""
    left = dict(bad)
    for name, hit in picked:
        inside = has(batch, hit)
        yield len({units[row] for row in np.flatnonzero(left[name] & inside).tolist()}) < 2
        left[name] = left[name] & ~inside


def raw_p_values(
    names: Sequence[str], overlaps: Overlaps, plan: Plan, at_least: int = 0
) -> list[float]:
    """Fisher's p of each slice, on the records that none before it for the same outcome holds.

    It is 1 where fewer than `at_least` of them are errors.
    """
    confirming = overlaps.part == PARTS.index("confirm")
    tested = confirming if plan.held_out else overlaps.part > 0
    left = dict.fromkeys(names, tested)
    found = []
    for i, name in enumerate(names):
        inside, bad = overlaps.has(i), are(overlaps.outcome, TARGETS[name])
        here = left[name]
        counts = (here & inside & bad, here & inside, here & bad, here)
        k, n, all_k, all_n = map(overlaps.total, counts)
        found.append(kernel.fisher_greater(k, n, all_k, all_n) if k >= at_least else 1.0)
        left[name] = here & ~inside
    return found


def drawn_p_values(names: Sequence[str], drawn: Overlaps, plan: Plan) -> list[float]:
    """The adjusted p of each slice, by the records that were drawn; of one error alone it is 1."""
    return kernel.holm(raw_p_values(names, drawn, plan, at_least=2))


def lattice(cube: blocks.BlockCube, batch: Batch, plan: Plan) -> Bits:
    """The records of every conjunction that is looked at, each set of records once."""
    levels = [
        np.array([packed(codes == code) for code in range(len(attribute.levels))])
        for attribute, codes in zip(cube.attributes, batch.codes, strict=True)
    ]
    found = []
    sets: list[tuple[Positions, Bits]] = [((), packed(np.ones((1, len(batch.classes)), np.bool_)))]
    for _ in range(plan.depth):
        deeper: list[tuple[Positions, Bits]] = []
        for positions, rows in sets:
            for i in range(positions[-1] + 1 if positions else 0, len(levels)):
                both = (rows[:, None] & levels[i]).reshape(-1, rows.shape[-1])
                enough = both[count(both) >= plan.support]
                if len(enough):
                    deeper.append(((*positions, i), enough))
        found += [rows for _, rows in deeper]
        sets = deeper
    everything = np.concatenate(found)
    whole = everything.view(np.dtype((np.void, everything.shape[1] * everything.itemsize)))
    return np.asarray(everything[np.unique(whole, return_index=True)[1]])


def dealt_anew(
    p_values: Sequence[float],
    families: Mapping[str, Bits],
    bad: Mapping[str, NDArray[np.bool_]],
    units: Sequence[str],
    plan: Plan,
) -> list[float]:
    """Each p as the share of draws in which some slice of the families has one as small.

    `bad` maps an outcome to n records that have it, `units` names what each belongs with.
    """
    ascending = sorted(set(p_values))
    looked_at = []
    for name, family in families.items():
        sizes = count(family)
        different, at = np.unique(sizes, return_inverse=True)
        wrong = int(bad[name].sum())
        least = kernel.least_wrong(ascending, map(int, different), wrong, len(units))
        enough = np.array([least[int(n)] for n in different])[at]
        possible = enough[:, -1] <= sizes
        columns = np.ascontiguousarray(family[possible].T)  # a word of all slices in each row
        looked_at.append((name, columns, enough[possible]))
    reached = np.zeros(len(ascending) + 1, np.int64)  # from which p on
    for given in kernel.shuffles(units, plan.seed, plan.draws):
        first = len(ascending)
        for name, columns, enough in looked_at:
            first = _first_reached(first, packed(bad[name][given]), columns, enough)
        reached[first] += 1
    found = dict(zip(ascending, np.cumsum(reached).tolist(), strict=False))
    return [(1 + found[p]) / (1 + plan.draws) for p in p_values]


def _first_reached(first: int, bad: Bits, columns: Bits, enough: NDArray[np.int64]) -> int:
    """The first p, of those from the smallest up to `first`, that some slice reaches."""
    for start in range(0, columns.shape[1], SLICES_AT_A_TIME):
        some = slice(start, start + SLICES_AT_A_TIME)
        shared = np.bitwise_count(columns[:, some] & bad[:, None])
        k = shared.sum(axis=0, dtype=np.uint32)
        while first and (k >= enough[some, first - 1]).any():
            first -= 1
    return first


# How few of them are enough


def cover_of(confirmed: Sequence[int], overlaps: Overlaps) -> tuple[int, ...]:
    """The fewest of some slices that hold nearly all the errors which all of them hold."""
    wanted = COVER * overlaps.wrong_in(confirmed)
    for size in range(1, len(confirmed) + 1):
        best = max(combinations(confirmed, size), key=overlaps.wrong_in)
        if overlaps.wrong_in(best) >= wanted:
            return best
    return ()
