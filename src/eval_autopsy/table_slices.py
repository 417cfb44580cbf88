"""Slices of a table that stays in its warehouse: its cube, and a search of it.

1. The questions are those that files are asked, and so are the answers: see questions/slices.py.
   Only ids are not known here, since they do not leave the warehouse.
2. Where each record has a key of its own, half of production is searched and the other half tests.
   What could only be tested by dealing out the outcomes anew is not: that needs the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.case.sets import split_of
from eval_autopsy.cubes.blocks import MarginCube
from eval_autopsy.cubes.classified import Progress, Slice
from eval_autopsy.cubes.columns import Table, kind_of
from eval_autopsy.cubes.connections import table_at
from eval_autopsy.cubes.plan import DEPTH, TablePlan
from eval_autopsy.cubes.queries import Queried
from eval_autopsy.cubes.warehouse import Counted, cube_of_table
from eval_autopsy.errors import BadCase
from eval_autopsy.questions import slices as question
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
    "audit": None,
    "cube": None,
}
NO_KEY = "no key is named, so that no half of production is held out; name one with --id"
CLUSTERED = "records of a cluster may be alike; name --id as well, and one of each cluster tests"
DRAWN = "of each cluster one record tests, drawn by lot from the half that was not searched"


class TableStudy:
    """A table that can be asked questions; see `study_of_table`."""

    def __init__(self, table: Table, plan: TablePlan, notes: Sequence[str]) -> None:
        self.table, self.plan, self.notes = table, plan, tuple(notes)

    def count(self, progress: Progress = lambda what, done, total: None) -> Counted:
        """The cube, counted where the table is."""
        return cube_of_table(self.table, self.plan, progress)

    def slices(
        self,
        by: Sequence[str] = (),
        *,
        depth: int | None = None,
        min_support: int | None = None,
        seed: int = 0,
        progress: Progress = lambda what, done, total: None,
    ) -> question.Slices:
        """Where production is wrong, by each of some columns or of all, and by them together.

        Slices of up to `depth` columns are searched, as those of files are.
        """
        plan = replace(self.plan, attributes=tuple(by), depth=depth or DEPTH, seed=seed)
        counted = cube_of_table(self.table, plan, progress)
        production = int(counted.cube.totals[1:].sum())
        how = plan_for(
            production,
            len(counted.cube.attributes),
            depth=counted.cube.depth,
            support=min_support,
            seed=seed,
        )._replace(held_out=counted.held_out)
        discovery = None if production < TOO_FEW else search(counted, how, progress)
        cube = MarginCube(counted.cube, lambda split, outcome, where: ())
        found = question.slices_of(cube, EVIDENCE, discovery=discovery)
        before = tuple(question.SetAside(*one) for one in counted.set_aside)
        return replace(
            found,
            set_aside=before + found.set_aside,
            notes=(*self.notes, *counted.notes, *((DRAWN,) if counted.drawn else ())),
            not_tested="" if discovery is None else untested(counted),
        )


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


def study_of_table(
    table: Table | str,
    *,
    split: str,
    correct: str,
    eval: str = "",  # noqa: A002  named after the split
    production: str = "",
    error: str = "",
    id: str = "",  # noqa: A002  named after the field
    cluster: str = "",
) -> TableStudy:
    """A table, by its URL or as an ibis table of any backend, and which columns play which part.

    `eval` and `production` are the values of `split`; where they are not named, the two that name
    the splits are taken, and said. So is a text column called error. `cluster`, or else `id`, says
    which records stay together when half of production is held out to test what is found.
    """
    for name, option in ((split, "split"), (correct, "correct")):
        if not name:
            what = f"nothing says which column of the table is the {option}"
            raise BadCase(what, remedy=f"name it with --{option}")
    if isinstance(table, str):
        table = table_at(table)
    notes = []
    if not (eval and production):
        named = _values_of_split(Queried(table), split)
        eval, production = eval or named["eval"], production or named["production"]  # noqa: A001
        notes.append(f"eval is where {split} is {eval!r}, production where it is {production!r}")
    if not error and "error" in table.columns and kind_of(table["error"].type()) == "text":
        error = "error"
        notes.append("a call failed where the column 'error' holds a text")
    plan = TablePlan(
        correct=correct,
        split=split,
        eval=eval,
        production=production,
        error=error or None,
        id=id or None,
        cluster=cluster or None,
    )
    return TableStudy(table, plan, notes)


def _values_of_split(queried: Queried, split: str) -> dict[str, str]:
    """The values that name the splits. Raises BadCase when they are not one of each."""
    column = queried.column(split, "text", "whole", "truth")
    values = queried.values(queried.table, column, split)
    found: dict[str, str] = {}
    for value in map(str, values):
        name = split_of(value)
        if name in found:
            break
        if name is not None:
            found[name] = value
    else:
        if len(found) == len(kernel.SPLITS):
            return found
    listed = ", ".join(kernel.canonical(value) for value in list(values)[:5])
    what = f"the values are {listed}, expected one that names eval and one production"
    remedy = "make a view with those two values"
    raise BadCase(what, where=queried.at(column), remedy=remedy)
