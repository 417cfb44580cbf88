"""A table that no case names: where it is, and which of its columns play which part."""

from __future__ import annotations

from eval_autopsy import kernel
from eval_autopsy.case.sets import split_of
from eval_autopsy.cubes.columns import Table, kind_of
from eval_autopsy.cubes.connections import no_secrets, table_at
from eval_autopsy.cubes.plan import TablePlan
from eval_autopsy.cubes.queries import Queried
from eval_autopsy.errors import BadCase
from eval_autopsy.warehoused import TableStudy


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
    url = table if isinstance(table, str) else ""
    if isinstance(table, str):
        table = table_at(table)
    notes = []
    if not (eval and production):
        with no_secrets(url):
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
    return TableStudy(table, plan, notes, url)


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
