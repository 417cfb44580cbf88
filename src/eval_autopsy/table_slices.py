"""Slices of a table that stays in its warehouse: its cube, and a search of it.

The slices are ranked and not tested; where the records have a key, half of production is kept from
the search, and its counts are given beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.attributes import SetAside
from eval_autopsy.case.sets import split_of
from eval_autopsy.cubes.blocks import OUTCOMES, PARTS, Counts
from eval_autopsy.cubes.columns import Table, kind_of
from eval_autopsy.cubes.connections import table_at
from eval_autopsy.cubes.plan import DEPTH, TablePlan
from eval_autopsy.cubes.queries import Queried
from eval_autopsy.cubes.warehouse import Counted, Progress, cube_of_table
from eval_autopsy.errors import BadCase
from eval_autopsy.questions.discover import plan_for
from eval_autopsy.questions.rates import Rate
from eval_autopsy.questions.search import WRONG, Hit, Target, top_slices

TOP = 10
SEARCHED = Target(parts=("search",), among=("eval", "search"))


class TableSlice(NamedTuple):
    """A conjunction of levels that has more wrong answers than its share."""

    where: Mapping[str, Any]  # attribute -> level
    words: str
    production: Rate  # right of scored
    eval: Rate
    silent: int
    excess: Fraction  # wrong answers beyond its share, where production was searched
    held_out: Rate | None  # in the half that was not searched

    def to_dict(self) -> dict[str, Any]:
        """One of the `slices` of `autopsy slices --table --json`."""
        return {
            "where": dict(self.where),
            "words": self.words,
            "split": "production",
            "n": self.production.n,
            "wrong": self.production.n - self.production.k,
            "silent": self.silent,
            "rate": self.production.to_dict(),
            "eval": self.eval.to_dict() if self.eval.n else None,
            "excess": kernel.real(float(self.excess)),
            "held_out": self.held_out.to_dict() if self.held_out else None,
        }


@dataclass(frozen=True, kw_only=True)
class TableSlices:
    """What was found in a table, and what is to be said of it."""

    eval: Rate
    production: Rate
    searched: int  # slices
    slices: tuple[TableSlice, ...]  # those with the most excess first
    set_aside: tuple[SetAside, ...]
    unscored: Mapping[str, int]  # split -> records without a verdict
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The document of `autopsy slices --table --json`."""
        return {
            "eval": self.eval.to_dict(),
            "production": self.production.to_dict(),
            "searched": self.searched,
            "slices": [one.to_dict() for one in self.slices],
            "set_aside": [{"attribute": one.name, "reason": one.reason} for one in self.set_aside],
            "unscored": dict(self.unscored),
            "notes": list(self.notes),
            "rests_on": "given",
        }


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
        top: int = TOP,
        progress: Progress = lambda what, done, total: None,
    ) -> TableSlices:
        """The slices of up to `depth` of some columns, or of all, with the most wrong answers."""
        plan = replace(self.plan, attributes=tuple(by), depth=depth or DEPTH, seed=seed)
        counted = cube_of_table(self.table, plan, progress)
        cube = counted.cube
        support = min_support or plan_for(int(cube.totals[1:].sum()), 1).support
        found = top_slices(cube, depth=cube.depth, min_support=support, top=top, target=SEARCHED)
        alone = () if counted.held_out else ("no key is named: no half of production is held out",)
        return TableSlices(
            eval=right_of(cube.totals, "eval"),
            production=right_of(cube.totals, *WRONG.parts),
            searched=found.searched,
            slices=tuple(_slice_of(hit, counted.held_out) for hit in found.hits),
            set_aside=counted.set_aside,
            unscored=cube.unscored,
            notes=(*self.notes, *counted.notes, *alone),
        )


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
    which records stay together when half of production is held out.
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
        key=cluster or id or None,
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


def right_of(counts: Counts, *parts: str) -> Rate:
    """How many scored records of some parts are right, of counts by PARTS and OUTCOMES."""
    there = counts[[PARTS.index(part) for part in parts]].sum(axis=0)
    return Rate(int(there[OUTCOMES.index("right")]), int(there.sum()))


def _slice_of(hit: Hit, held_out: bool) -> TableSlice:
    where = {name: [kernel.strict_json(text)] for name, text in hit.where}
    production = [PARTS.index(part) for part in WRONG.parts]
    return TableSlice(
        where={name: levels[0] for name, levels in where.items()},
        words=kernel.slice_text(where),
        production=right_of(hit.counts, *WRONG.parts),
        eval=right_of(hit.counts, "eval"),
        silent=int(hit.counts[production, OUTCOMES.index("silent")].sum()),
        excess=hit.excess,
        held_out=right_of(hit.counts, "confirm") if held_out else None,
    )
