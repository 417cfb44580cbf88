"""The cube of a table that stays where it is: in a warehouse, a cluster or a database.

1. The engine that holds the table groups and counts; what comes back are groups with counts. A row
   never does. Of an attribute that is set aside, no value does.
2. A level is the canonical text of a value (kernel.level), made here from the distinct values that
   come back, so that it does not matter how an engine writes a number.
3. Which levels fold into another is decided by their counts alone, never by an order of texts, in
   which engines differ: those with at most so many records, ties included.
4. The half of production that a record is in is kernel.half_of, by the engine's own MD5.
5. Each block of attributes (blocks.covering) is one query, and has to sum to the same totals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.attributes import KEPT_SHARE, LEVEL_LENGTH, RECORDS_AT_LEAST, SetAside
from eval_autopsy.cubes.blocks import CLASSES, BlockCube, Counts, covering
from eval_autopsy.cubes.classified import Attribute, Classified, Progress
from eval_autopsy.cubes.columns import Column, Table, kind_of
from eval_autopsy.cubes.plan import TablePlan
from eval_autopsy.cubes.queries import Queried, groups_by
from eval_autopsy.cubes.roles import Roles, slot
from eval_autopsy.errors import CannotRead, CannotUse

CELLS_AT_MOST = 200_000  # of a block, which is one query
COUNTERS_AT_MOST = 40_000_000  # in all blocks together; of eight bytes each


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The cube of a table, and what is to be said of it."""

    cube: BlockCube
    records: Classified  # where they are, to be asked for more counts
    set_aside: tuple[SetAside, ...]
    notes: tuple[str, ...]  # what folded, and what was not counted
    held_out: bool  # whether half of production was kept from the search
    clustered: bool  # whether some scored records of production share their key
    drawn: Classified | None  # where they do, and have ids: one of each, of the half that tests


def cube_of_table(
    table: Table, plan: TablePlan, progress: Progress = lambda what, done, total: None
) -> Counted:
    """The cube of an ibis table, counted by the engine that holds it.

    Raises CannotRead for a column that is not there or does not hold what it should, and CannotUse
    when nothing is left to slice by, or more than can be counted at once.
    """
    return _Counting(table, plan, progress).counted()


class _Counting:
    """One table, one plan, and the queries in their order."""

    def __init__(self, table: Table, plan: TablePlan, progress: Progress) -> None:
        self.queried, self.plan, self.progress = Queried(table), plan, progress
        self.roles = Roles(self.queried, plan)
        self.notes: list[str] = []
        self.set_aside: list[SetAside] = []

    def counted(self) -> Counted:
        """All of the answer."""
        columns = list(self._columns())
        self._check_numbers([*columns, self.roles.score])
        rows = self.roles.classified(columns)
        totals = Classified(self.queried, rows).totals()
        self._check_totals(totals)
        attributes = list(self._attributes(rows, columns))
        depth = min(self.plan.depth, len(attributes))
        sizes = [len(one.levels) for one in attributes]
        blocks = covering(sizes, depth, CELLS_AT_MOST)
        if sum(prod(sizes[i] for i in block) for block in blocks) * CLASSES > COUNTERS_AT_MOST:
            what = f"{len(sizes)} attributes have more combinations than can be counted at once"
            remedy = "name fewer attributes, or lower the depth or the levels of each"
            raise CannotUse(what, where=self.queried.name, remedy=remedy)
        records = Classified(self.queried, rows, attributes, blocks, depth)
        return Counted(
            cube=records.cube(totals, self.progress).with_unscored(self.roles.unscored),
            records=records,
            set_aside=tuple(self.set_aside),
            notes=(*self.roles.notes, *self.notes),
            held_out=self.roles.key is not None,
            clustered=self.roles.clustered,
            drawn=None if self.roles.drawn is None else records.of(self.roles.drawn),
        )

    def _columns(self) -> Iterator[Column]:
        """What is asked to slice by, or every column that plays no part and holds plain values."""
        if self.plan.attributes:
            yield from map(self.queried.column, self.plan.attributes)
            return
        table = self.queried.table
        for name in table.columns:
            kind = kind_of(table[name].type())
            if name not in self.roles.names and kind:
                yield Column(name, kind)
            elif name not in self.roles.names:
                self.set_aside.append(SetAside(name, f"it holds {table[name].type()}"))

    def _check_numbers(self, columns: Sequence[Column]) -> None:
        """Raises CannotRead for what is no number: an engine's answer may make null of it.

        Infinity is the one number but 0 that is its own half.
        """
        fractions = [one for one in columns if one.kind == "fraction"]
        if not fractions:
            return
        values = [one.of(self.queried.table) for one in fractions]
        odd = [one.isnan() | ((one == one / 2) & (one != 0)) for one in values]
        sums = {f"c{i}": one.sum() for i, one in enumerate(odd)}
        counts = self.queried.row(self.queried.table.aggregate(**sums))
        for column, n in zip(fractions, counts, strict=True):
            if n:
                what = f"{n:,} rows hold NaN or infinity, expected a number or null"
                remedy = "make them null in a view"
                raise CannotRead(what, where=self.queried.at(column), remedy=remedy)

    # The levels

    def _attributes(self, rows: Table, columns: Sequence[Column]) -> Iterator[Attribute]:
        """The attributes that can tell anything, with their levels; the others are set aside.

        Raises CannotUse when none can.
        """
        measures = {"records": rows.count()}
        for i, column in enumerate(columns):
            value = rows[slot(i)]
            measures[f"d{i}"] = value.nunique()
            measures[f"n{i}"] = value.isnull().sum()
            if column.kind == "text":
                measures[f"l{i}"] = value.length().max()
        measured = dict(zip(measures, self.queried.row(rows.aggregate(**measures)), strict=True))
        alone = True
        for i, column in enumerate(columns):
            self.progress("looking at the levels", i, len(columns))
            distinct, nulls, length = (measured.get(f"{what}{i}") or 0 for what in "dnl")
            reason = self._unfit(distinct, nulls, length)
            levels = distinct + (nulls > 0)
            attribute = None if reason else self._levels(rows, column, slot(i), levels)
            if attribute is not None:
                alone = False
                yield attribute
            else:
                many = f"{distinct:,} different values in {measured['records']:,} records"
                self.set_aside.append(SetAside(column.name, reason or many))
        if alone:
            aside = "; ".join(f"{name}: {reason}" for name, reason in self.set_aside)
            what = f"there is nothing to slice by ({aside or 'no column is left'})"
            raise CannotUse(what, where=self.queried.name, remedy="name other columns")

    def _unfit(self, distinct: int, nulls: int, length: int) -> str:
        """Why a column with so many different values cannot tell anything; "" when it may."""
        if not distinct:
            return "no record has a value"
        if distinct == 1 and not nulls:
            return "every record has the same value"
        if not self.plan.attributes and length > LEVEL_LENGTH:
            return f"it holds texts of more than {LEVEL_LENGTH} characters"
        return ""

    def _levels(self, rows: Table, column: Column, slot: str, many: int) -> Attribute | None:
        """The levels of a column; None where too few records have one that stands for itself."""
        groups = groups_by(rows, slot)
        fold = None
        if many > self.plan.levels_at_most:
            top = groups.order_by(groups.n.desc()).limit(self.plan.levels_at_most).select("n")
            counts = [n for (n,) in self.queried.rows(top)]
            fold = max(min(counts), RECORDS_AT_LEAST - 1)
            kept = [n for n in counts if n > fold]
            [records] = self.queried.row(groups.aggregate(records=groups.n.sum()))
            if sum(kept) < KEPT_SHARE * records:
                return None
            self.notes.append(
                f"{column.name}: {many - len(kept):,} rarer values, in {records - sum(kept):,} "
                "records, stand together"
            )
            groups = groups.filter(groups.n > fold)
        found = self.queried.rows(groups.select(v=column.sent(groups.v)))
        by_text: dict[str, list[Any]] = {}
        for (value,) in found:
            by_text.setdefault(column.level(value), []).append(column.received(value))
        levels = {text: by_text[text] for text in sorted(by_text)}
        return Attribute(column, slot, levels | {kernel.OTHER: []} if fold else levels, fold)

    def _check_totals(self, totals: Counts) -> None:
        by_split = zip(kernel.SPLITS, (totals[0].sum(), totals[1:].sum()), strict=True)
        for split, n in by_split:
            if not n:
                what = f"no record of {split} has a verdict"
                remedy = "check the column, or name another"
                raise CannotRead(what, where=self.queried.at(self.roles.score), remedy=remedy)
