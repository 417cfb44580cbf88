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

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from eval_autopsy import kernel
from eval_autopsy.attributes import KEPT_SHARE, LEVEL_LENGTH, RECORDS_AT_LEAST, SetAside
from eval_autopsy.cubes.blocks import CLASSES, OUTCOMES, PARTS, BlockCube, Coded, Counts, covering
from eval_autopsy.cubes.columns import Column, Table, Value, column_of, digest, kind_of
from eval_autopsy.cubes.plan import TablePlan
from eval_autopsy.errors import CannotRead, CannotUse

CELLS_AT_MOST = 200_000  # of a block, which is one query
COUNTERS_AT_MOST = 40_000_000  # in all blocks together; of eight bytes each
VALUES_AT_MOST = 1000  # of a column that says what a record is
VALUES_SHOWN, VALUE_LENGTH = 5, 60

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The cube of a table, and what is to be said of it."""

    cube: BlockCube
    set_aside: tuple[SetAside, ...]
    notes: tuple[str, ...]  # what folded, and what was not counted
    held_out: bool  # whether half of production was kept from the search


class Attribute(NamedTuple):
    """A column to slice by, with what is known of its levels."""

    column: Column
    slot: str  # its name among the classified records
    levels: tuple[str, ...]  # their texts, sorted; kernel.OTHER comes last
    fold: int | None  # levels with at most so many records fold; None where none does


class Classified(NamedTuple):
    """Which records are counted, and as what."""

    rows: Table  # the scored ones: a slot for each column, and the class as `kind`
    unscored: dict[str, int]  # split -> records without a verdict


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
        self.table, self.plan, self.progress = table, plan, progress
        self.name = getattr(table.op(), "name", "the table")
        self.notes: list[str] = []
        self.set_aside: list[SetAside] = []
        self.split = self._column(plan.split, "text", "whole", "truth")
        self.score = self._column(plan.correct)
        self.error = self._column(plan.error, "text") if plan.error else None
        self.key = self._column(plan.key, "text", "whole") if plan.key else None

    def counted(self) -> Counted:
        """All of the answer."""
        columns = list(self._columns())
        self._check_numbers([*columns, self.score])
        rows, unscored = self._classified(columns)
        attributes = list(self._attributes(rows, columns))
        depth = min(self.plan.depth, len(attributes))
        sizes = [len(one.levels) for one in attributes]
        blocks = covering(sizes, depth, CELLS_AT_MOST)
        if sum(prod(sizes[i] for i in block) for block in blocks) * CLASSES > COUNTERS_AT_MOST:
            what = f"{len(sizes)} attributes have more combinations than can be counted at once"
            remedy = "name fewer attributes, or lower the depth or the levels of each"
            raise CannotUse(what, where=self.name, remedy=remedy)
        totals = self._histogram(rows, ())
        self._check_totals(totals)
        found = {}
        for done, block in enumerate(blocks):
            self.progress("counting in the warehouse", done, len(blocks))
            found[block] = self._histogram(rows, [attributes[i] for i in block])
            if (found[block].sum(axis=tuple(range(len(block)))) != totals).any():
                raise self._changed()
        self.progress("counting in the warehouse", len(blocks), len(blocks))
        return Counted(
            cube=BlockCube(
                attributes=tuple(Coded(one.column.name, one.levels) for one in attributes),
                depth=depth,
                totals=totals,
                blocks=found,
                unscored=unscored,
            ),
            set_aside=tuple(self.set_aside),
            notes=tuple(self.notes),
            held_out=self.key is not None,
        )

    def _column(self, name: str, *kinds: str) -> Column:
        return column_of(self.table, name, self.name, kinds)

    def _columns(self) -> Iterator[Column]:
        """What is asked to slice by, or every column that plays no part and holds plain values."""
        if self.plan.attributes:
            yield from map(self._column, self.plan.attributes)
            return
        taken = {one.name for one in (self.split, self.score, self.error, self.key) if one}
        for name in self.table.columns:
            kind = kind_of(self.table[name].type())
            if name not in taken and kind:
                yield Column(name, kind)
            elif name not in taken:
                self.set_aside.append(SetAside(name, f"it holds {self.table[name].type()}"))

    def _check_numbers(self, columns: Sequence[Column]) -> None:
        """Raises CannotRead for what is no number: an engine's answer may make null of it.

        Infinity is the one number but 0 that is its own half.
        """
        fractions = [one for one in columns if one.kind == "fraction"]
        if not fractions:
            return
        values = [one.of(self.table) for one in fractions]
        odd = [one.isnan() | ((one == one / 2) & (one != 0)) for one in values]
        counts = self._row(
            self.table.aggregate(**{f"c{i}": one.sum() for i, one in enumerate(odd)})
        )
        for column, n in zip(fractions, counts, strict=True):
            if n:
                what = f"{n:,} rows hold NaN or infinity, expected a number or null"
                raise CannotRead(what, where=self._at(column), remedy="make them null in a view")

    # What a record is

    def _classified(self, columns: Sequence[Column]) -> Classified:
        """The scored records of both splits."""
        import ibis

        splits = self._splits()
        error = self.error.of(self.table) if self.error else None
        rows = self.table.select(
            split=self.split.of(self.table),
            score=self.score.of(self.table),
            failed=ibis.literal(False) if error is None else error.notnull() & (error != ""),
            key=self.table[self.key.name].cast("string") if self.key else ibis.literal(""),
            **{_slot(i): one.of(self.table) for i, one in enumerate(columns)},
        )
        rows = rows.filter(rows.split.isin(list(splits.values())))
        is_eval = rows.split == splits["eval"]
        self._check_keys(rows.filter(~is_eval))
        scores, unscored = self._scores(rows, is_eval)
        right, wrong = (
            [value for value in scores if scores[value] is says] for says in (True, False)
        )
        is_right, is_wrong = (
            rows.score.isin([self.score.literal(value) for value in some])
            if some
            else ibis.literal(False)
            for some in (right, wrong)
        )
        outcome = ibis.cases((rows.failed, 1), (is_right, 0), else_=2)
        part = ibis.cases((is_eval, 0), (self._is_searched(rows.key), 1), else_=2)
        scored = rows.mutate(kind=part * len(OUTCOMES) + outcome)
        scored = scored.filter(rows.failed | is_right | is_wrong)
        return Classified(scored.select(*map(_slot, range(len(columns))), "kind"), unscored)

    def _splits(self) -> dict[str, Any]:
        """The value that stands for each split, as the engine has it."""
        counts = self._values(self.table, self.split, self.split.name)
        known = {_word(value): value for value in counts}
        found = {}
        for split in kernel.SPLITS:
            word = getattr(self.plan, split)
            if word not in known:
                what = (
                    f"no row has the value {word!r}, which stands for {split}, but {_some(counts)}"
                )
                remedy = "name the values that stand for eval and for production"
                raise CannotRead(what, where=self._at(self.split), remedy=remedy)
            found[split] = known[word]
        others = {value: n for value, n in counts.items() if value not in found.values()}
        if others:
            rows, values = sum(others.values()), _some(others)
            self.notes.append(f"{rows:,} rows of neither split: {self.split.name} is {values}")
        return found

    def _scores(self, rows: Table, is_eval: Value) -> tuple[dict[Any, bool], dict[str, int]]:
        """What each score says, and how many records of each split have none."""
        verdicts: dict[Any, bool] = {}
        unscored = dict.fromkeys(kernel.SPLITS, 0)
        for split in kernel.SPLITS:
            mine = rows.filter(~rows.failed & (is_eval if split == "eval" else ~is_eval))
            for value, n in self._values(mine, self.score, "score").items():
                try:
                    verdict = kernel.recorded_score(value, "")
                except kernel.Unreadable:
                    what = (
                        f"the score is {_some([value])} in {n:,} rows of {split}, expected true, "
                    )
                    what += "false, 1, 0 or null"
                    remedy = "name another column, or make true or false of it in a view"
                    raise CannotRead(what, where=self._at(self.score), remedy=remedy) from None
                if verdict is None:
                    unscored[split] += n
                else:
                    verdicts[value] = verdict
        return verdicts, unscored

    def _values(self, rows: Table, column: Column, slot: str) -> dict[Any, int]:
        """The values of a column that should have few, the commonest first, and their counts."""
        groups = rows.group_by(v=rows[slot]).aggregate(n=rows.count())
        top = groups.order_by(groups.n.desc()).limit(VALUES_AT_MOST + 1)
        found = self._rows(top.select(v=column.sent(top.v), n=top.n))
        if len(found) > VALUES_AT_MOST:
            values = _some([column.received(value) for value, _ in found])
            what = f"there are more than {VALUES_AT_MOST:,} different values, such as {values}"
            raise CannotRead(what, where=self._at(column), remedy="name a column that has a few")
        counts = sorted(found, key=lambda one: (-one[1], str(one[0])))
        return {column.received(value): n for value, n in counts}

    def _check_keys(self, production: Table) -> None:
        if self.key is None:
            return
        [missing] = self._row(production.aggregate(n=production.key.isnull().sum()))
        if missing:
            what = f"{missing:,} rows of production have no key"
            remedy = "name a column that every row has, or none; then nothing is held out"
            raise CannotRead(what, where=self._at(self.key), remedy=remedy)

    def _is_searched(self, key: Value) -> Value:
        """Whether a record of production is in the half that is searched: see kernel.half_of."""
        import ibis

        if self.key is None:
            return ibis.literal(True)
        text = ibis.literal(f"{self.plan.seed}:").concat(key)
        return digest(text, self.table.get_backend()).substr(0, 1).isin(list("01234567"))

    # The levels

    def _attributes(self, rows: Table, columns: Sequence[Column]) -> Iterator[Attribute]:
        """The attributes that can tell anything, with their levels; the others are set aside.

        Raises CannotUse when none can.
        """
        measures = {"records": rows.count()}
        for i, column in enumerate(columns):
            value = rows[_slot(i)]
            measures[f"d{i}"] = value.nunique()
            measures[f"n{i}"] = value.isnull().sum()
            if column.kind == "text":
                measures[f"l{i}"] = value.length().max()
        measured = dict(zip(measures, self._row(rows.aggregate(**measures)), strict=True))
        alone = True
        for i, column in enumerate(columns):
            self.progress("looking at the levels", i, len(columns))
            distinct, nulls, length = (measured.get(f"{what}{i}") or 0 for what in "dnl")
            reason = self._unfit(distinct, nulls, length)
            attribute = (
                None if reason else self._levels(rows, column, _slot(i), distinct + (nulls > 0))
            )
            if attribute is not None:
                alone = False
                yield attribute
            else:
                many = f"{distinct:,} different values in {measured['records']:,} records"
                self.set_aside.append(SetAside(column.name, reason or many))
        if alone:
            aside = "; ".join(f"{name}: {reason}" for name, reason in self.set_aside)
            what = f"there is nothing to slice by ({aside or 'no column is left'})"
            raise CannotUse(what, where=self.name, remedy="name other columns")

    def _unfit(self, distinct: int, nulls: int, length: int) -> str:
        """Why a column with so many different values cannot tell anything; "" when it may."""
        if not distinct:
            return "no record has a value"
        if distinct == 1 and not nulls:
            return "every record has the same value"
        if not self.plan.attributes and length > LEVEL_LENGTH:
            return f"it holds texts of more than {LEVEL_LENGTH} characters"
        return ""

    def _levels(self, rows: Table, column: Column, slot: str, levels: int) -> Attribute | None:
        """The levels of a column; None where too few records have one that stands for itself."""
        groups = _groups(rows, slot)
        fold = None
        if levels > self.plan.levels_at_most:
            top = groups.order_by(groups.n.desc()).limit(self.plan.levels_at_most).select("n")
            counts = [n for (n,) in self._rows(top)]
            fold = max(min(counts), RECORDS_AT_LEAST - 1)
            kept = [n for n in counts if n > fold]
            [records] = self._row(groups.aggregate(records=groups.n.sum()))
            if sum(kept) < KEPT_SHARE * records:
                return None
            self.notes.append(
                f"{column.name}: {levels - len(kept):,} rarer values, in {records - sum(kept):,} "
                "records, stand together"
            )
            groups = groups.filter(groups.n > fold)
        found = self._rows(groups.select(v=column.sent(groups.v)))
        texts = sorted({column.level(value) for (value,) in found})
        return Attribute(column, slot, (*texts, *([kernel.OTHER] * (fold is not None))), fold)

    # The counts

    def _histogram(self, rows: Table, block: Sequence[Attribute]) -> Counts:
        """The counts by some attributes, PARTS and OUTCOMES: one query."""
        joined, keys = rows, {}
        for one in block:
            if one.fold is not None:
                value = f"v_{one.slot}"
                groups = _groups(rows, one.slot)
                common = groups.filter(groups.n > one.fold).select(**{value: groups.v})
                joined = joined.left_join(common, joined[one.slot] == common[value])
        for i, one in enumerate(block):
            keys[f"rare{i}"], keys[f"value{i}"] = _folded(joined, one)
        coded = joined.select(**keys, kind=joined.kind)
        groups = coded.group_by([*keys, "kind"]).aggregate(n=coded.count())
        sent = {name: groups[name] for name in keys}
        for i, one in enumerate(block):
            sent[f"value{i}"] = one.column.sent(groups[f"value{i}"])
        codes = [{text: code for code, text in enumerate(one.levels)} for one in block]
        counts = np.zeros((*(len(one.levels) for one in block), CLASSES), np.int64)
        for *cell, kind, n in self._rows(groups.select(**sent, kind=groups.kind, n=groups.n)):
            texts = (
                kernel.OTHER if rare else one.column.level(value)
                for one, rare, value in zip(block, cell[::2], cell[1::2], strict=True)
            )
            try:
                at = tuple(code[text] for code, text in zip(codes, texts, strict=True))
            except KeyError:
                raise self._changed() from None
            counts[(*at, kind)] += n
        return counts.reshape(*counts.shape[:-1], len(PARTS), len(OUTCOMES))

    def _check_totals(self, totals: Counts) -> None:
        by_split = zip(kernel.SPLITS, (totals[0].sum(), totals[1:].sum()), strict=True)
        for split, n in by_split:
            if not n:
                what = f"no record of {split} has a verdict"
                remedy = "check the column, or name another"
                raise CannotRead(what, where=self._at(self.score), remedy=remedy)

    # The engine

    def _rows(self, groups: Table) -> list[tuple[Any, ...]]:
        """What a query gives. Raises CannotRead with the first line of what the engine says."""
        try:
            found = groups.to_pyarrow()
        except Exception as error:
            said = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
            what = f"the engine that holds the table says: {said}"
            remedy = "run a query of your own on the table, to see whether it can be read"
            raise CannotRead(what, where=self.name, remedy=remedy) from error
        return list(zip(*(column.to_pylist() for column in found.columns), strict=True))

    def _row(self, groups: Table) -> tuple[Any, ...]:
        """The one row that a query without groups gives."""
        [row] = self._rows(groups)
        return row

    def _at(self, column: Column) -> str:
        return f"{self.name}:{column.name}"

    def _changed(self) -> CannotRead:
        what = "the table changed while it was counted"
        return CannotRead(what, where=self.name, remedy="count a snapshot of it, or try again")


def _folded(rows: Table, one: Attribute) -> tuple[Value, Value]:
    """Whether a value is a rare one, and the value where it is not."""
    import ibis

    if one.fold is None:
        return ibis.literal(False), rows[one.slot]
    value = rows[f"v_{one.slot}"]  # null where it is rare, or null
    if kernel.canonical(None) in one.levels:
        return value.isnull() & rows[one.slot].notnull(), value
    return value.isnull(), value


def _groups(rows: Table, slot: str) -> Table:
    """How many records have each value."""
    return rows.group_by(v=rows[slot]).aggregate(n=rows.count())


def _slot(i: int) -> str:
    return f"a{i}"


def _word(value: Any) -> str:
    """A value as a person types it."""
    return value if isinstance(value, str) else kernel.canonical(value)


def _some(values: Iterable[Any]) -> str:
    """The first of some values, cut to a length that can be read."""
    listed = [kernel.canonical(kernel.level(value)) for value in values]
    cut = [text if len(text) <= VALUE_LENGTH else text[:VALUE_LENGTH] + "…" for text in listed]
    more = ", ..." if len(cut) > VALUES_SHOWN else ""
    return ", ".join(cut[:VALUES_SHOWN]) + more
