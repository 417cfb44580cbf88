"""Slices of tables that are too long to look at record by record.

1. Scores are recorded: nothing is run, scored or read from a text. Guards that would look at an
   output have none to look at.
2. Everything is counted as the rows go by, and the same questions are asked of the counts.
3. Half of production is searched and the other half tests, drawn by lot row by row. Where records
   have clusters they are drawn by cluster, and one record of each tests. That is a weaker test than
   dealing out the outcomes anew, which needs all records at hand: see `LONG_CLUSTERED`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from eval_autopsy import attributes as choosing
from eval_autopsy import kernel
from eval_autopsy.attributes import Choice, SetAside
from eval_autopsy.case.load import Case
from eval_autopsy.case.sliced import Attributes, attributes_of
from eval_autopsy.cubes import blocks
from eval_autopsy.cubes.blocks import OUTCOMES, counts_as
from eval_autopsy.discovery import LEVELS_AT_MOST
from eval_autopsy.errors import CannotUse
from eval_autopsy.questions.counted import ALONE, CountedCube
from eval_autopsy.questions.discover import Discovery, Records, discover, plan_for
from eval_autopsy.readers.parquet_sample import is_parquet, rows_in
from eval_autopsy.readers.record_files import size_of
from eval_autopsy.readers.sources import Source

LONG = 100_000  # rows of Parquet; shorter tables are read record by record
LONG_CLUSTERED = 1_000_000  # of those with clusters
DEFAULT_ID = "id"
LARGE = 2**25  # bytes of other files
LARGE_CLUSTERED = 2**28
DRAWN = "of each cluster one record tests, drawn by lot from the half that was not searched"
COUNTERS_AT_MOST = 40_000_000  # in all blocks together; of eight bytes each
SHOWN = 5  # values that are told when none is the one that is asked for
FOLDED_TO = (LEVELS_AT_MOST, 48, 32, 24, 16, 12, 8)  # levels, until the blocks fit

Progress = Any


def fits(case: Case) -> bool:
    """Whether a case is one of long tables that say by themselves what is right."""
    fields, guards = case.wanted.fields, case.file.guards
    plain = case.scorer.name == "recorded" and case.system is None
    clustered = "cluster" in fields
    # A feature of a text that the case does not name reads nothing.
    read = any(name.endswith(f"({part})") for name in case.features for part in fields)
    plain = plain and not (read or case.feature_files or case.bands or case.times)
    plain = plain and all(source.but_for_a_threshold for source in case.sources)
    guarded = guards.parses or guards.not_blank or guards.matches or guards.json_schema
    if not plain or guarded or guards.pydantic:
        return False
    if all(is_parquet(one.path, one.name) for one in case.sources):
        rows = sum(rows_in(one.path, one.name) for one in case.sources)
        return rows >= (LONG_CLUSTERED if clustered else LONG) or "id" not in fields
    if any(is_parquet(one.path, one.name) for one in case.sources):
        return False
    size = sum(size_of(one.path) for one in case.sources)
    return size >= (LARGE_CLUSTERED if clustered else LARGE)


class Study(NamedTuple):
    """The counts of some tables, and what a search of them found."""

    cube: Streamed
    discovery: Discovery
    set_aside: tuple[SetAside, ...]
    notes: tuple[str, ...]
    specs: tuple[Any, ...]  # the attributes, as a receipt describes them


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of the tables of a case."""

    by: Sequence[str] = ()  # columns; those that can tell, when none is named
    where: Mapping[str, object] | None = None
    depth: int | None = None
    support: int | None = None
    seed: int = 0


def study(case: Case, asked: Asked, progress: Progress) -> Study:
    """Counts the tables of a case that `fits`, and searches them."""
    from eval_autopsy.cubes.scan import Attribute, Scan
    from eval_autopsy.cubes.tables import Columns, Table

    fields = case.wanted.fields
    table = Table(
        sources=case.sources,
        columns=Columns(
            case.wanted.made_of.get(fields["score"], fields["score"]),
            fields.get("error"),
            fields.get("id"),
            fields.get("cluster"),
        ),
        where={name: _texts(value) for name, value in (asked.where or {}).items()},
        seed=asked.seed,
        progress=progress,
    )
    known = table.names()
    if table.columns.id == DEFAULT_ID and DEFAULT_ID not in known:
        table.columns = table.columns._replace(id=None)  # nobody named it: rows go by their number
    others = Attributes(tuple(asked.by), ()) if asked.by else _others(case, known)
    names = list(others.names)
    choices = choose(table.level_counts(names), asked=bool(asked.by), depth=asked.depth)
    specs = [one for choice in choices.values() for one in choice.attributes]
    aside = (*others.set_aside, *(one for choice in choices.values() for one in choice.set_aside))
    if not specs:
        raise _nothing_to_slice_by(aside, case.sources)
    plan = plan_for(table.rows, len(specs), depth=asked.depth, support=asked.support)
    scan = Scan(table, [Attribute(one, column_of(one)) for one in specs])

    def counted() -> blocks.BlockCube:
        return blocks.count(scan.attributes, plan.depth, scan.batches(), rows=table.rows)

    cube = counted()
    _check_kept(cube, table, asked.where or {})
    production = int(cube.totals[1:].sum())
    plan = plan_for(
        production, len(specs), depth=plan.depth, support=asked.support, seed=asked.seed
    )._replace(held_out=True)
    if scan.grow(plan.support, LEVELS_AT_MOST):
        cube = counted()
    cube = cube.with_unscored(scan.unscored)
    records = Records(scan.attributes, scan.batches, table.rows, scan.sample, None, scan.drawn)
    found = discover(records, plan, cube)
    late = (
        f"{name}: {levels:,} values that a sample did not have, in {rows:,} records, stand together"
        for name, (levels, rows) in scan.late().items()
    )
    return Study(
        cube=Streamed(cube, scan, found),
        discovery=found,
        set_aside=aside,
        notes=(
            *table.notes(),
            *(note for choice in choices.values() for note in choice.notes),
            *late,
            *((DRAWN, ALONE) if scan.drawn else ()),
        ),
        specs=tuple(specs),
    )


def _nothing_to_slice_by(aside: Sequence[SetAside], sources: Sequence[Source]) -> CannotUse:
    reasons = "; ".join(f"{one.name}: {one.reason}" for one in aside) or "no column is left"
    where = ", ".join(dict.fromkeys(one.name for one in sources))
    what = f"there is nothing to slice by ({reasons})"
    return CannotUse(what, where=where, remedy="name other columns with --by")


def _check_kept(cube: blocks.BlockCube, table: Any, where: Mapping[str, object]) -> None:
    """Raises CannotUse when no record of a split has the values that are asked for."""
    for split, records in zip(kernel.SPLITS, (cube.totals[0], cube.totals[1:]), strict=True):
        if where and not records.sum():
            asked = " and ".join(f"{name} = {value!r}" for name, value in where.items())
            name = next(iter(where))
            common = [text for text, _ in table.level_counts([name])[name].most_common(SHOWN)]
            what = f"no scored record of {split} has {asked}"
            remedy = f"values of {name} are, the most common first: {', '.join(common)}"
            raise CannotUse(what, where=name, remedy=remedy)


def column_of(spec: Any) -> str:
    """The column that an attribute is made of."""
    return str(spec if isinstance(spec, str) else spec["field"])


def _others(case: Case, known: Sequence[str]) -> Attributes:
    """The fields that play no part, of columns that every file has."""
    found = attributes_of(case)
    names = (name for name in found.names if name in known or name.partition(".")[0] in known)
    return found._replace(names=tuple(names))


def choose(
    counts: Mapping[str, Counter[str]], *, asked: bool, depth: int | None
) -> dict[str, Choice]:
    """How each column is sliced by, of the levels that a sample has of it.

    Long tails fold, the more so the more attributes there are, until all combinations can be
    counted at once. Raises CannotUse where even that would not do.
    """
    found = {
        name: choosing.folded(name, some, LEVELS_AT_MOST) if asked else choosing.chosen(name, some)
        for name, some in counts.items()
    }
    for at_most in FOLDED_TO:
        folded = {
            name: choosing.folded(name, counts[name], at_most)
            if any(isinstance(one, str) or "kept" in one for one in choice.attributes)
            else choice
            for name, choice in found.items()
        }
        sizes = [
            min(at_most, len(counts[name]) + 1)
            for name, choice in folded.items()
            for _ in choice.attributes
        ]
        deep = plan_for(0, len(sizes), depth=depth).depth
        cells = sum(prod(sizes[i] for i in one) for one in blocks.covering(sizes, deep))
        if cells * blocks.CLASSES <= COUNTERS_AT_MOST:
            return folded
    what = f"{len(sizes)} attributes have more combinations than can be counted at once"
    raise CannotUse(what, remedy="name fewer with --by, or lower --depth")


def _texts(value: object) -> frozenset[str]:
    """The levels that a value of --where stands for: as text, and as what JSON reads in it."""
    texts = {kernel.canonical(kernel.level(value))}
    if isinstance(value, str):
        try:
            texts.add(kernel.canonical(kernel.level(kernel.strict_json(value))))
        except kernel.Unreadable:
            return frozenset(texts)
    return frozenset(texts)


class Streamed(CountedCube):
    """The cube of tables that were counted as they streamed by, and can be read again."""

    def __init__(self, cube: blocks.BlockCube, scan: Any, found: Discovery) -> None:
        super().__init__(cube, found, self._ids)
        self.scan = scan

    def _ids(self, split: str, outcome: str, where: kernel.Where) -> Iterator[str]:
        """The ids of records with an outcome, read from the files again."""
        from eval_autopsy.cubes.scan import class_numbers

        kinds = [one for one in OUTCOMES if counts_as(*(one == kind for kind in OUTCOMES))[outcome]]
        yield from self.scan.rows_where(where, class_numbers(split, kinds))
