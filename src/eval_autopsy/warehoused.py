"""A table that stays in its warehouse: its cube, a search of it, and what a receipt keeps of both.

1. The questions are those that files are asked, and so are the answers: see questions/slices.py.
   Only ids are not known here, since they do not leave the warehouse.
2. Where each record has a key of its own, half of production is searched and the other half tests.
   What could only be tested by dealing out the outcomes anew is not: that needs the records.
3. A receipt keeps the counts, and the queries that gave them. What was picked and could not be
   tested is no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.case.load import Case
from eval_autopsy.case.model import Fields
from eval_autopsy.cubes.classified import Attribute, Progress, Slice
from eval_autopsy.cubes.columns import Table
from eval_autopsy.cubes.connections import name_of, no_secrets, table_at
from eval_autopsy.cubes.plan import DEPTH, TablePlan
from eval_autopsy.cubes.queries import Queried
from eval_autopsy.cubes.warehouse import Counted, cube_of_table
from eval_autopsy.errors import BadCase
from eval_autopsy.questions import slices as question
from eval_autopsy.questions.counted import ALONE, CountedCube
from eval_autopsy.questions.discover import (
    TOO_FEW,
    Discovery,
    Overlaps,
    Plan,
    discover_in_counts,
    overlaps_in,
    plan_for,
)
from eval_autopsy.questions.search import Hit

EVIDENCE: Mapping[str, Any] = {  # what a table's slices rest on, as a receipt would describe it
    "attributes": (),
    "guards": (),
    "scorer": {"name": "recorded", "rule": "recorded"},
    "system": None,
    "converted": (),
    "varied": None,
    "audit": None,
    "cube": None,
}
DEFAULT_ID = Fields().id
NO_KEY = "no key is named, so that no half of production is held out; name one with --id"
CLUSTERED = "records of a cluster may be alike; name --id as well, and one of each cluster tests"
DRAWN = "of each cluster one record tests, drawn by lot from the half that was not searched"


class Studied(NamedTuple):
    """The counts of a table, and what a search of them found."""

    counted: Counted
    discovery: Discovery | None  # None where production has too few records to be searched

    @property
    def cube(self) -> CountedCube:
        """The cube that claims are made of; it knows of the search what a receipt can hold."""
        return CountedCube(self.counted.cube, None if self.untested else self.discovery)

    @property
    def untested(self) -> str:
        """Why what was picked could not be tested; "" where it could, or where nothing was."""
        return "" if self.discovery is None else untested(self.counted)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the counts."""
        drawn, alone = self.counted.drawn is not None, self.counted.clustered
        return (*self.counted.notes, *[DRAWN] * drawn, *[ALONE] * alone)

    @property
    def specs(self) -> list[Any]:
        """The attributes, as a receipt describes them."""
        return list(map(_spec_of, self.counted.records.attributes))


def _spec_of(attribute: Attribute) -> Any:
    if attribute.fold is None:
        return attribute.column.name
    kept = [kernel.strict_json(text) for text in attribute.levels if text != kernel.OTHER]
    return {"field": attribute.column.name, "kept": kept}


class TableStudy:
    """A table that can be asked questions; `url` is where it is, if it was named by one."""

    def __init__(
        self, table: Table, plan: TablePlan, notes: Sequence[str] = (), url: str = ""
    ) -> None:
        self.table, self.plan, self.notes, self.url = table, plan, tuple(notes), url

    def count(self, progress: Progress = lambda what, done, total: None) -> Counted:
        """The cube, counted where the table is."""
        with no_secrets(self.url):
            return cube_of_table(self.table, self.plan, progress)

    def study(
        self,
        by: Sequence[str] = (),
        *,
        where: Mapping[str, object] | None = None,
        depth: int | None = None,
        min_support: int | None = None,
        seed: int = 0,
        progress: Progress = lambda what, done, total: None,
    ) -> Studied:
        """The counts of some columns or of all, and what a search of them found."""
        plan = replace(self.plan, attributes=tuple(by), depth=depth or DEPTH, seed=seed)
        with no_secrets(self.url):
            table = Queried(self.table).only(where) if where else self.table
            counted = cube_of_table(table, plan, progress)
            production = int(counted.cube.totals[1:].sum())
            how = plan_for(
                production,
                len(counted.cube.attributes),
                depth=counted.cube.depth,
                support=min_support,
                seed=seed,
            )._replace(held_out=counted.held_out)
            found = None if production < TOO_FEW else search(counted, how, progress)
            return Studied(counted, found)

    def slices(
        self,
        by: Sequence[str] = (),
        *,
        where: Mapping[str, object] | None = None,
        depth: int | None = None,
        min_support: int | None = None,
        seed: int = 0,
        progress: Progress = lambda what, done, total: None,
    ) -> question.Slices:
        """Where production is wrong, by each of some columns or of all, and by them together.

        Slices of up to `depth` columns are searched, as those of files are. `where` keeps the rows
        in which each of some columns has a value.
        """
        studied = self.study(
            by, where=where, depth=depth, min_support=min_support, seed=seed, progress=progress
        )
        cube = CountedCube(studied.counted.cube, studied.discovery)
        found = question.slices_of(cube, EVIDENCE, discovery=studied.discovery)
        before = tuple(question.SetAside(*one) for one in studied.counted.set_aside)
        return replace(
            found,
            set_aside=before + found.set_aside,
            notes=(*self.notes, *studied.notes),
            not_tested=studied.untested,
        )

    def queries(self, studied: Studied) -> dict[str, Any]:
        """What was asked of which table, as a receipt names what it was counted from."""
        with no_secrets(self.url):
            return {name_of(self.url): {"queries": studied.counted.records.queries()}}


def study_of_case(case: Case) -> TableStudy:
    """The table of a case of one, connected to. Raises BadCase for a case of files."""
    named = case.table
    if named is None:
        what = "the case is of files, and not of a table"
        raise BadCase(what, where=str(case.path), remedy="name a table under [data]")
    url, fields = named.at(), case.wanted.fields
    table = table_at(url, case.folder)
    unnamed = fields["id"] == DEFAULT_ID and DEFAULT_ID not in table.columns
    plan = TablePlan(
        correct=fields["score"],
        split=named.split,
        eval=_typed(named.values["eval"]),
        production=_typed(named.values["production"]),
        error=fields.get("error"),
        id=None if unnamed else fields["id"],
        cluster=fields.get("cluster"),
    )
    return TableStudy(table, plan, url=url)


def _typed(value: object) -> str:
    """A value as a person types it."""
    return value if isinstance(value, str) else kernel.canonical(value)


def search(counted: Counted, plan: Plan, progress: Progress) -> Discovery:
    """The search of a cube, which asks the engine for what the cube alone does not say."""
    records = counted.records

    def overlaps(hits: Sequence[Hit]) -> Overlaps:
        slices = list(map(slice_of, hits))
        found = records.overlaps(slices)
        records.check(found, slices, counted.cube)
        return overlaps_in(found)

    def drawn(hits: Sequence[Hit]) -> Overlaps:
        return overlaps_in((counted.drawn or records).overlaps(list(map(slice_of, hits))))

    return discover_in_counts(
        counted.cube,
        plan,
        lambda one, others: records.within(slice_of(one), list(map(slice_of, others)), progress),
        overlaps,
        clustered=counted.clustered,
        drawn_overlaps_of=drawn if counted.drawn else None,
    )


def slice_of(hit: Hit) -> Slice:
    """A slice by the positions of its attributes and of their levels."""
    return dict(zip(hit.positions, hit.codes, strict=True))


def untested(counted: Counted) -> str:
    """Why what is picked of a table cannot be tested; "" where it can."""
    if not counted.held_out:
        return NO_KEY
    return CLUSTERED if counted.clustered and counted.drawn is None else ""
