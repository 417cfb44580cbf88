"""Queries of a table, by the engine that holds it, and what is wrong when it has no answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Any

import pyarrow as pa

from eval_autopsy import kernel
from eval_autopsy.cubes.columns import Column, Table, column_of
from eval_autopsy.errors import CannotRead

VALUES_AT_MOST = 1000  # of a column that says what a record is
VALUES_SHOWN, VALUE_LENGTH = 5, 60


class Queried:
    """A table, its name, and what its engine answers."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = str(getattr(table.op(), "name", "the table"))

    def at(self, column: Column) -> str:
        """Where an error is."""
        return f"{self.name}:{column.name}"

    def column(self, name: str, *kinds: str) -> Column:
        """The column of a name, of one of some kinds or of any. Raises CannotRead."""
        return column_of(self.table, name, self.name, kinds)

    def only(self, where: Mapping[str, object]) -> Table:
        """The rows in which each of some columns has a value, as text or as JSON reads that text.

        Raises CannotRead when no row is left. Which values there are instead is not asked.
        """
        import ibis

        table = self.table
        for name, value in where.items():
            column = self.column(name)
            held, wanted = column.of(table), list(filter(column.holds, readings(value)))
            some = [held.isnull() if one is None else held == column.literal(one) for one in wanted]
            table = table.filter(reduce(or_, some, ibis.literal(False)))
            if not self.row(table.aggregate(n=table.count()))[0]:
                what = f"no row has {name} = {value!r}"
                remedy = f"check it: `--by {name}` shows the values that are common"
                raise CannotRead(what, where=self.at(column), remedy=remedy)
        return table

    def answer(self, groups: Table) -> pa.Table:
        """What a query gives. Raises CannotRead with the first line of what the engine says."""
        try:
            return groups.to_pyarrow()
        except Exception as error:
            said = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
            what = f"the engine that holds the table says: {said}"
            remedy = "run a query of your own on the table, to see whether it can be read"
            raise CannotRead(what, where=self.name, remedy=remedy) from error

    def words(self, groups: Table) -> str:
        """A query as the engine is asked it."""
        return str(groups.get_backend().compile(groups, pretty=True))

    def rows(self, groups: Table) -> list[tuple[Any, ...]]:
        """The rows of an answer that has few."""
        found = self.answer(groups)
        return list(zip(*(column.to_pylist() for column in found.columns), strict=True))

    def row(self, groups: Table) -> tuple[Any, ...]:
        """The one row that a query without groups gives."""
        [row] = self.rows(groups)
        return row

    def values(self, rows: Table, column: Column, slot: str) -> dict[Any, int]:
        """The values of a column that should have few, the commonest first, and their counts."""
        groups = groups_by(rows, slot)
        top = groups.order_by(groups.n.desc()).limit(VALUES_AT_MOST + 1)
        found = self.rows(top.select(v=column.sent(top.v), n=top.n))
        if len(found) > VALUES_AT_MOST:
            values = some_of([column.received(value) for value, _ in found])
            what = f"there are more than {VALUES_AT_MOST:,} different values, such as {values}"
            raise CannotRead(what, where=self.at(column), remedy="name a column that has a few")
        counts = sorted(found, key=lambda one: (-one[1], str(one[0])))
        return {column.received(value): n for value, n in counts}


def readings(value: object) -> list[Any]:
    """What a value may stand for: itself, and what JSON reads in a text."""
    if not isinstance(value, str):
        return [value]
    try:
        return [value, kernel.strict_json(value)]
    except kernel.Unreadable:
        return [value]


def groups_by(rows: Table, slot: str) -> Table:
    """How many records, `n`, have each value, `v`."""
    return rows.group_by(v=rows[slot]).aggregate(n=rows.count())


def some_of(values: Iterable[Any]) -> str:
    """The first of some values, cut to a length that can be read."""
    listed = [kernel.canonical(kernel.level(value)) for value in values]
    cut = [text if len(text) <= VALUE_LENGTH else text[:VALUE_LENGTH] + "…" for text in listed]
    more = ", ..." if len(cut) > VALUES_SHOWN else ""
    return ", ".join(cut[:VALUES_SHOWN]) + more
