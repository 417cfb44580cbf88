"""Where production is wrong: tables by attribute, and what a search over all of them confirms.

1. A slice is one level of one attribute. Its records of production are compared with all other
   records of production by Fisher's exact test, adjusted by Holm for all slices of all attributes.
2. A slice is confirmed when that p is at most 0.05 and the slice is right less often.
3. A slice that the search (discover.py) picked is confirmed by the p of that search instead.
4. The slices by bands that were chosen by what is right have no p in their table, since it would be
   small by itself. A search can confirm them in records that had no say in the bands.
5. An attribute is set aside, with the reason, when its slices could not say anything: it has one
   level, a level for each record, or more levels than are asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.questions.discover import CHANCE, NOT_TESTED, Discovery, Plan, Tested
from eval_autopsy.questions.gap import Gap, Waterfall, gap_of, waterfall_of
from eval_autopsy.questions.pairs import Pairs, pairs_in
from eval_autopsy.questions.rates import Rate, right_rate
from eval_autopsy.questions.silent import Silent, silent_of
from eval_autopsy.questions.unseen import Unseen, unseen_anywhere

if TYPE_CHECKING:
    import polars

COVERED = "0.8"  # share of the loss that the smallest set of slices carries
EXAMPLES = 3  # ids shown of a slice
LEVELS_AT_MOST = 1000  # of an attribute that was asked for
UNTESTED: dict[str, Any] = {"p_adjusted": 1.0, "p_method": NOT_TESTED, "confirmed": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The records of production that share a level, and those of eval that do."""

    where: Mapping[str, Any]  # attribute -> level
    words: str
    production: Rate  # right of scored
    eval: Rate  # 0 of 0 where eval never contained the slice
    silent: int
    contribution: Fraction  # to the gap; the slices of an attribute sum to it
    contribution_interval: kernel.Ends
    gap_share: Fraction | None  # None when there is no gap to share
    p_adjusted: float
    p_method: str
    confirmed: bool
    examples: tuple[str, ...]  # ids of wrong records, silent ones first
    found_as: str | None = None  # "wrong" or "silent" when a search picked it: what it excels in
    held_out: Rate | None = None  # right of scored in the half that confirms, where there is one
    members: tuple[str, ...] | None = None  # ids of all scored records, when asked for

    @property
    def wrong(self) -> int:
        """How many of the scored records of production are wrong."""
        return self.production.n - self.production.k

    def to_dict(self) -> dict[str, Any]:
        """One of the `slices` of `autopsy slices --json`."""
        share = self.gap_share
        found = {
            "where": dict(self.where),
            "words": self.words,
            "split": "production",
            "n": self.production.n,
            "wrong": self.wrong,
            "silent": self.silent,
            "rate": self.production.to_dict(),
            "eval": self.eval.to_dict() if self.eval.n else None,
            "contribution": kernel.real(float(self.contribution)),
            "contribution_interval": [kernel.real(end) for end in self.contribution_interval],
            "gap_share": None if share is None else kernel.real(float(share)),
            "p_adjusted": kernel.real(self.p_adjusted),
            "p_method": self.p_method,
            "confirmed": self.confirmed,
            "found_as": self.found_as,
            "held_out": self.held_out.to_dict() if self.held_out else None,
            "examples": list(self.examples),
        }
        return found if self.members is None else {**found, "members": list(self.members)}


class EvalOnly(NamedTuple):
    """A slice that production does not have."""

    where: Mapping[str, Any]
    rate: Rate

    def to_dict(self) -> dict[str, Any]:
        return {"where": dict(self.where), "rate": self.rate.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The slices of one attribute, those that lose most first."""

    attribute: str
    derived: bool  # read from a text, and not a field of the data
    supervised: bool  # in bands that were chosen by what is right
    slices: tuple[Slice, ...]
    eval_only: tuple[EvalOnly, ...]
    explained: Fraction | None  # eta squared; None when all of production is right, or wrong
    waterfall: Waterfall
    unseen_anywhere: Unseen
    cover: tuple[Slice, ...]  # the fewest slices that carry COVERED of the loss

    def to_dict(self) -> dict[str, Any]:
        """One of the `attributes` of `autopsy slices --json`."""
        explained = self.explained
        return {
            "attribute": self.attribute,
            "derived": self.derived,
            "supervised": self.supervised,
            "slices": len(self.slices),
            "explained": None if explained is None else kernel.real(float(explained)),
            "eval_only": [one.to_dict() for one in self.eval_only],
            "waterfall": self.waterfall.to_dict(),
            "cover": [one.to_dict() for one in self.cover],
            "unseen_anywhere": self.unseen_anywhere.to_dict(),
        }


class SetAside(NamedTuple):
    """An attribute that is not sliced by, and why."""

    attribute: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Slices:
    """All breakdowns of a comparison, the attribute that explains most first."""

    eval: Rate
    production: Rate
    gap: Gap
    breakdowns: tuple[Breakdown, ...]
    found: tuple[Slice, ...]  # confirmed by the search, those that lose most first
    cover: tuple[Slice, ...]  # the fewest that hold most of the errors; see slices_of
    covered: Rate  # how many of the wrong answers of production these hold
    searched: int  # conjunctions looked at
    tested: int  # slices picked of them, and tested
    plan: Plan | None  # how it was searched; None when it was not
    silent: Silent
    set_aside: tuple[SetAside, ...]
    unscored: Mapping[str, int]  # split -> records without a verdict
    scorer: str  # the name of what says that an answer is right
    rests_on: str  # "re-run", "re-scored" or "given", as claims say it
    notes: tuple[str, ...] = ()  # how some attributes were made
    picked: tuple[Slice, ...] = ()  # by a search that could not test them, in its order
    not_tested: str = ""  # why it could not
    paired: Pairs | None = None  # the tasks that both splits have, where these are most of one

    @property
    def all(self) -> tuple[Slice, ...]:
        """What the search found or picked, then the other slices of every field."""
        found = [one.where for one in (*self.found, *self.picked)]
        fields = (breakdown for breakdown in self.breakdowns if not breakdown.derived)
        rows = (one for field in fields for one in field.slices)
        return (*self.found, *self.picked, *(one for one in rows if one.where not in found))

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `autopsy slices`."""
        first = self.breakdowns[0] if self.breakdowns else None
        return {
            "eval": self.eval.to_dict(),
            "production": self.production.to_dict(),
            "gap": self.gap.to_dict(),
            "paired": self.paired.to_dict() if self.paired else None,
            "waterfall": first.waterfall.to_dict() if first else None,
            "searched": self.searched,
            "tested": self.tested,
            "confirmed": len(self.found),
            "search": self.plan._asdict() if self.plan else None,
            "not_tested": self.not_tested or None,
            "slices": [one.to_dict() for one in self.all],
            "cover": [one.to_dict() for one in self.cover],
            "covered": self.covered.to_dict(),
            "attributes": [one.to_dict() for one in self.breakdowns],
            "silent": self.silent.to_dict(),
            "set_aside": [one._asdict() for one in self.set_aside],
            "notes": list(self.notes),
            "unscored": dict(self.unscored),
            "scorer": self.scorer,
            "rests_on": self.rests_on,
        }

    def to_polars(self) -> polars.DataFrame:
        """A row for each slice: its words, its levels as JSON text, n, right, wrong, and the rest.

        Real numbers are floats here; `to_dict` keeps every digit.
        """
        import polars

        rows = [
            {
                "slice": one.words,
                "where": kernel.canonical(dict(one.where)),
                "n": one.production.n,
                "right": one.production.k,
                "wrong": one.wrong,
                "silent": one.silent,
                "rate": float(one.production.share or 0),
                "low": one.production.interval[0],
                "high": one.production.interval[1],
                "contribution": float(one.contribution),
                "gap_share": None if one.gap_share is None else float(one.gap_share),
                "p_adjusted": one.p_adjusted,
                "confirmed": one.confirmed,
                "found": one.found_as is not None,
            }
            for one in self.all
        ]
        counts = dict.fromkeys(("n", "right", "wrong", "silent"), polars.Int64())
        reals = ("rate", "low", "high", "contribution", "gap_share", "p_adjusted")
        schema = {"slice": polars.String(), "where": polars.String(), **counts}
        schema |= dict.fromkeys(reals, polars.Float64())
        schema |= dict.fromkeys(("confirmed", "found"), polars.Boolean())
        return polars.DataFrame(rows, schema)

    def __repr__(self) -> str:
        """What was compared and what was found, on a line: all of it would be pages."""
        rates = (f"{rate.k:,} of {rate.n:,} right" for rate in (self.eval, self.production))
        counts = f"searched {self.searched:,}, confirmed {len(self.found)}"
        return "<Slices: eval {}, production {}; {}>".format(*rates, counts)

    def _repr_html_(self) -> str:
        """The counts of each slice as a table, for a notebook; what was found is bold."""
        heads = ("slice", "right", "of", "wrong", "silent", "p")
        lines = ["".join(f"<th>{head}</th>" for head in heads)]
        for one in self.all:
            p = kernel.formatted({"op": "p_adjusted", "value": kernel.real(one.p_adjusted)}, "p")
            counts = (one.production.k, one.production.n, one.wrong, one.silent, p)
            words = escape(kernel.visible(one.words))
            cells = [f"<b>{words}</b>" if one.found_as else words, *map(str, counts)]
            lines.append("".join(f"<td>{cell}</td>" for cell in cells))
        return "<table><tr>" + "</tr><tr>".join(lines) + "</tr></table>"


def slices_of(
    cube: kernel.Cube,
    evidence: Mapping[str, Any],
    *,
    levels_at_most: int = LEVELS_AT_MOST,
    members: bool = False,
    discovery: Discovery | None = None,
    examples: bool = True,
    supervised: Collection[str] = (),
) -> Slices:
    """The slices by each attribute of a cube that has scored records in both splits.

    `evidence` describes what was counted, as the predicate of a receipt does; `discovery` is what
    a search of the same records found. Without `examples` only what was found has some.
    `supervised` are the attributes whose bands were chosen by what is right.

    `cover` is the fewest slices that carry most of the loss: by one attribute alone, whose slices
    are disjoint, the smallest set with COVERED of it; of slices that a search found by several,
    the fewest that hold nearly all the errors which all of these hold.
    """
    by_name = {name: Marginal(cube, name) for name in cube.attributes}
    reasons = {name: against(one, name, levels_at_most) for name, one in by_name.items()}
    derived = {
        kernel.attribute_name(one)
        for one in evidence.get("attributes", ())
        if not isinstance(one, str) and "of" in one
    }
    found = [
        breakdown_of(
            one,
            name,
            derived=name in derived,
            supervised=name in supervised,
            members=members,
            examples=examples,
        )
        for name, one in by_name.items()
        if not reasons[name]
    ]
    found.sort(key=lambda one: one.explained or 0, reverse=True)
    confirmed = tuple(found_slices(cube, discovery, members)) if discovery else ()
    tested = [one for one in discovery.tested if one.method != NOT_TESTED] if discovery else []
    cover, covered = found[0].cover if found else (), 0
    if discovery and len(cube.attributes) > 1:
        by_where = {kernel.canonical(dict(one.where)): one for one in confirmed}
        wheres = (levels_in(discovery.tested[i].where) for i in discovery.cover)
        cover = tuple(by_where[kernel.canonical(where)] for where in wheres)
        covered = discovery.covered
    else:
        covered = sum(one.wrong for one in cover)
    return Slices(
        eval=right_rate(cube, "eval", {}),
        production=right_rate(cube, "production", {}),
        gap=gap_of(cube),
        paired=pairs_in(cube),
        breakdowns=tuple(found),
        found=confirmed,
        cover=cover,
        covered=Rate(covered, cube.count("production", "wrong", {})),
        searched=discovery.searched if discovery else 0,
        tested=len({kernel.canonical(one.where) for one in tested}),
        plan=discovery.plan if discovery else None,
        picked=tuple(untested_slices(cube, discovery)) if discovery else (),
        silent=silent_of(cube, [guard["name"] for guard in evidence["guards"]]),
        set_aside=tuple(SetAside(name, reason) for name, reason in reasons.items() if reason),
        unscored={split: cube.count(split, "unscored", {}) for split in kernel.SPLITS},
        scorer=evidence["scorer"]["name"],
        rests_on=kernel.rests_on("rate", {"outcome": "right", "of": "counted"}, evidence),
    )


class Marginal(kernel.Cube):
    """The cube of one attribute, the others added up; counts by look-up, not cell by cell."""

    def __init__(self, cube: kernel.Cube, attribute: str) -> None:
        by_split = cube.counted([attribute])
        self.totals = {split: Counter[str]() for split in kernel.SPLITS}
        cells: dict[tuple[str, kernel.Levels], Counter[str]] = {}
        for split, marginal in by_split.items():
            for levels, counts in marginal.items():
                cells[split, levels] = counts
                self.totals[split].update(counts)
        super().__init__([attribute], cells, cube.members)

    def count(self, split: str, outcome: str, where: kernel.Where) -> int:
        """How many records of a split, and of some levels, had an outcome."""
        for _, texts in self.wanted(where):
            cells = (self.cells.get((split, (text,)), {}) for text in texts)
            return sum(counts.get(outcome, 0) for counts in cells)
        return self.totals[split][outcome]


def against(cube: kernel.Cube, name: str, levels_at_most: int) -> str:
    """Why an attribute is not to be sliced by; "" when it may be."""
    counted = cube.counted([name]).values()
    levels = len({level for cells in counted for level in cells})
    records = sum(counts["records"] for cells in counted for counts in cells.values())
    if levels == 1:
        return "every record has the same value"
    if levels == records:
        return "every record has a value of its own"
    if levels > levels_at_most:
        return f"{levels:,} different values, more than {levels_at_most:,}"
    return ""


def breakdown_of(
    cube: kernel.Cube,
    attribute: str,
    *,
    derived: bool = False,
    supervised: bool = False,
    members: bool = False,
    examples: bool = True,
) -> Breakdown:
    """The slices by the one attribute of a cube."""
    by = [attribute]
    counted = {split: cube.slices(by, split, "counted") for split in kernel.SPLITS}
    wheres = (kernel.as_where(by, one) for one in counted["production"])
    found = [slice_of(cube, where, members=members, examples=examples) for where in wheres]
    if supervised:
        found = [replace(one, **UNTESTED) for one in found]
    # The canonical text comes last so that 1 and "1" have an order, and a cube's own has no say.
    found.sort(key=lambda one: (one.contribution, -one.production.n, kernel.canonical(one.where)))
    return Breakdown(
        attribute=attribute,
        derived=derived,
        supervised=supervised,
        slices=tuple(found),
        eval_only=tuple(_eval_only(cube, by, set(counted["eval"]) - set(counted["production"]))),
        explained=_explained(cube, by),
        waterfall=waterfall_of(cube, by),
        unseen_anywhere=unseen_anywhere(cube, by),
        cover=_cover(cube, by, found),
    )


def _eval_only(
    cube: kernel.Cube, by: Sequence[str], levels: Iterable[kernel.Levels]
) -> Iterable[EvalOnly]:
    """The slices of these levels, those with the most records first."""
    n = cube.slices(by, "eval", "counted")
    for one in sorted(levels, key=lambda one: (-n[one], one)):
        where = kernel.as_where(by, one)
        yield EvalOnly(levels_in(where), right_rate(cube, "eval", where))


def found_slices(cube: kernel.Cube, discovery: Discovery, members: bool) -> list[Slice]:
    """The slices that a search confirmed, each once, those that lose most first."""
    found: dict[str, Slice] = {}
    for one in discovery.tested:
        key = kernel.canonical(one.where)
        if one.p_adjusted <= CHANCE and key not in found:
            found[key] = slice_of(cube, one.where, members=members, tested=one)
    return sorted(found.values(), key=lambda one: one.contribution)


def untested_slices(cube: kernel.Cube, discovery: Discovery) -> Iterator[Slice]:
    """The slices that a search picked and could not test, each once."""
    seen = set()
    for one in discovery.tested:
        key = kernel.canonical(one.where)
        if one.method == NOT_TESTED and key not in seen:
            seen.add(key)
            yield slice_of(cube, one.where, tested=one)


def slice_of(
    cube: kernel.Cube,
    where: kernel.Where,
    *,
    members: bool = False,
    examples: bool = True,
    tested: Tested | None = None,
) -> Slice:
    """What is counted of one slice that production has; `tested` is how a search found it."""
    rate = right_rate(cube, "production", where)
    p = tested.p_adjusted if tested else kernel.p_adjusted(cube, where)
    return Slice(
        where=levels_in(where),
        words=kernel.slice_text(where),
        production=rate,
        eval=right_rate(cube, "eval", where),
        silent=cube.count("production", "silent", where),
        contribution=kernel.contribution(cube, where),
        contribution_interval=kernel.contribution_interval(cube, where),
        gap_share=_gap_share(cube, where),
        p_adjusted=p,
        p_method=tested.method if tested else "fisher-holm",
        confirmed=is_worse(p, rate, right_rate(cube, "production", {})),
        found_as=tested.outcome if tested else None,
        held_out=Rate(*tested.held_out) if tested and tested.held_out else None,
        examples=tuple(islice(_wrong_ones(cube, where), EXAMPLES)) if examples else (),
        members=tuple(cube.members("production", "counted", where)) if members else None,
    )


def is_worse(p_adjusted: float, rate: Rate, overall: Rate) -> bool:
    """Whether a slice is right less often than the rest, by more than chance allows."""
    share, usual = rate.share, overall.share
    return p_adjusted <= CHANCE and share is not None and usual is not None and share < usual


def levels_in(where: kernel.Where) -> dict[str, Any]:
    """The level of each attribute of a slice that names one level each."""
    return {name: levels[0] for name, levels in where.items()}


def _wrong_ones(cube: kernel.Cube, where: kernel.Where) -> Iterable[str]:
    """The ids of wrong records, silent ones first."""
    for outcome in ("silent", "loud"):
        if cube.count("production", outcome, where):
            yield from cube.members("production", outcome, where)


def _gap_share(cube: kernel.Cube, where: kernel.Where) -> Fraction | None:
    gap = kernel.contribution(cube, {})
    return kernel.contribution(cube, where) / gap if gap else None


def _explained(cube: kernel.Cube, by: Sequence[str]) -> Fraction | None:
    try:
        return kernel.eta_squared(cube, "production", by)
    except kernel.Undefined:  # all of production is right, or all of it wrong
        return None


def _cover(cube: kernel.Cube, by: Sequence[str], slices: Sequence[Slice]) -> tuple[Slice, ...]:
    if kernel.contribution(cube, {}) >= 0:
        return ()
    chosen = [levels_in(kernel.as_where(by, s)) for s in kernel.smallest_set(cube, by, COVERED)]
    return tuple(one for where in chosen for one in slices if one.where == where)
