"""The scored records of a table where they are: what some of them come to, as groups with counts.

1. A query gives the counts of one block of attributes, or of how some slices overlap. A row never
   comes back, and neither does a key.
2. A slice is a level of each of some attributes, by their positions. Its records are told by the
   values that came back for those levels; that they are as many as were counted is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import prod
from operator import and_
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from eval_autopsy import kernel
from eval_autopsy.cubes.blocks import (
    CLASSES,
    CONFIRM,
    OUTCOMES,
    PARTS,
    BlockCube,
    Coded,
    Counts,
    Positions,
)
from eval_autopsy.cubes.columns import Column, Table, Value
from eval_autopsy.cubes.queries import Queried, groups_by
from eval_autopsy.errors import CannotRead

NULL = kernel.canonical(None)

Progress = Callable[[str, int, int], None]
Slice = Mapping[int, int]  # position of an attribute -> position of a level


class Attribute(NamedTuple):
    """A column to slice by, with what is known of its levels."""

    column: Column
    slot: str  # its name among the classified records
    levels: Mapping[str, Sequence[Any]]  # their texts, sorted, and the values; kernel.OTHER is last
    fold: int | None  # levels with at most so many records fold; None where none does

    @property
    def coded(self) -> Coded:
        """Its name and the texts of its levels."""
        return Coded(self.column.name, tuple(self.levels))

    def has(self, rows: Table, code: int) -> Value:
        """Whether each row has a level: true or false, never null."""
        value = rows[self.slot]
        text, values = list(self.levels.items())[code]
        if text == NULL:
            return value.isnull()
        if self.fold is None or text != kernel.OTHER:
            return value.notnull() & value.isin(self._literals(values))
        known = [one for values in self.levels.values() for one in values if one is not None]
        rare = value.notnull() & ~value.isin(self._literals(known)) if known else value.notnull()
        return rare if NULL in self.levels else value.isnull() | rare

    def _literals(self, values: Sequence[Any]) -> list[Any]:
        return [self.column.literal(value) for value in values]


class Overlap(NamedTuple):
    """How many records lie in just some of some slices."""

    pattern: int  # bit i is set where slice i holds them
    part: int  # positions in PARTS
    outcome: int  # and in OUTCOMES
    records: int


class Classified:
    """Records with a slot for each attribute and their class as `kind` (see Roles.classified)."""

    def __init__(
        self,
        queried: Queried,
        rows: Table,
        attributes: Sequence[Attribute] = (),
        blocks: Sequence[Positions] = (),
        depth: int = 0,
    ) -> None:
        self.queried, self.rows = queried, rows
        self.attributes, self.blocks, self.depth = tuple(attributes), blocks, depth
        self.known: dict[Any, BlockCube] = {}  # what was counted of some slices

    def of(self, rows: Table) -> Classified:
        """Other records, with the same slots."""
        return Classified(self.queried, rows, self.attributes, self.blocks, self.depth)

    def totals(self) -> Counts:
        """How many records there are: PARTS x OUTCOMES."""
        return self._histogram(self.rows, ())

    def cube(self, totals: Counts, progress: Progress) -> BlockCube:
        """The counts of all records, which have to sum to their totals."""
        return self._cube_of(self.rows, progress, "counting in the warehouse", totals)

    def within(self, inside: Slice, outside: Sequence[Slice], progress: Progress) -> BlockCube:
        """The counts of the searched records that a slice holds, and none of some others does."""
        key = _key(inside), frozenset(map(_key, outside))
        if key not in self.known:
            conditions = [self.rows.kind < CONFIRM, self._holds(inside)]
            conditions += [~self._holds(one) for one in outside]
            rows = self.rows.filter(reduce(and_, conditions))
            self.known[key] = self._cube_of(rows, progress, "comparing slices")
        return self.known[key]

    def overlaps(self, slices: Sequence[Slice]) -> list[Overlap]:
        """How slices overlap: an entry for each pattern that occurs."""
        import ibis

        pattern = ibis.literal(0).cast("int64")
        for i, one in enumerate(slices):
            pattern = pattern + self._holds(one).cast("int64") * (1 << i)
        marked = self.rows.select(pattern=pattern, kind=self.rows.kind.cast("int64"))
        groups = marked.group_by(["pattern", "kind"]).aggregate(n=marked.count())
        found = sorted(tuple(map(int, row)) for row in self.queried.rows(groups))
        return [Overlap(bits, *divmod(kind, len(OUTCOMES)), n) for bits, kind, n in found]

    def check(self, overlaps: Sequence[Overlap], slices: Sequence[Slice], cube: BlockCube) -> None:
        """Raises CannotRead unless each slice holds as many records as in a cube of them."""
        totals = np.zeros((1 + len(slices), len(PARTS), len(OUTCOMES)), np.int64)
        for one in overlaps:
            held = [0, *(i + 1 for i in range(len(slices)) if one.pattern >> i & 1)]
            totals[held, one.part, one.outcome] += one.records
        for counted, levels in zip(totals, [{}, *slices], strict=True):
            positions = tuple(sorted(levels))
            codes = tuple(levels[i] for i in positions)
            if (counted != cube.margin(positions)[codes]).any():
                raise self.changed()

    def changed(self) -> CannotRead:
        """The error for counts that do not go together."""
        what = "the table changed while it was counted"
        remedy = "count a snapshot of it, or try again"
        return CannotRead(what, where=self.queried.name, remedy=remedy)

    def _holds(self, one: Slice) -> Value:
        """Whether each row lies in a slice."""
        conditions = (self.attributes[i].has(self.rows, code) for i, code in one.items())
        return reduce(and_, conditions)

    def _cube_of(
        self, rows: Table, progress: Progress, what: str, totals: Counts | None = None
    ) -> BlockCube:
        """The counts of some rows; without totals those of its first block."""
        found: dict[Positions, Counts] = {}
        for done, block in enumerate(self.blocks):
            progress(what, done, len(self.blocks))
            found[block] = self._histogram(rows, [self.attributes[i] for i in block])
            sums = found[block].sum(axis=tuple(range(len(block))))
            totals = sums if totals is None else totals
            if (sums != totals).any():
                raise self.changed()
        progress(what, len(self.blocks), len(self.blocks))
        return BlockCube(
            attributes=tuple(one.coded for one in self.attributes),
            depth=self.depth,
            totals=np.zeros((len(PARTS), len(OUTCOMES)), np.int64) if totals is None else totals,
            blocks=found,
        )

    def queries(self) -> list[str]:
        """The query of each block, in the engine's own words."""
        blocks = ([self.attributes[i] for i in block] for block in self.blocks)
        return [self.queried.words(self._groups(self.rows, block)) for block in blocks]

    def _groups(self, rows: Table, block: Sequence[Attribute]) -> Table:
        """Some rows by some attributes and their class, with how many each group has as `n`."""
        joined, keys = rows, {}
        for one in block:
            if one.fold is not None:
                value = f"v_{one.slot}"
                groups = groups_by(self.rows, one.slot)
                common = groups.filter(groups.n > one.fold).select(**{value: groups.v})
                joined = joined.left_join(common, joined[one.slot] == common[value])
        for i, one in enumerate(block):
            keys[f"rare{i}"], keys[f"value{i}"] = _folded(joined, one)
        coded = joined.select(**keys, kind=joined.kind)
        groups = coded.group_by([*keys, "kind"]).aggregate(n=coded.count())
        sent = {name: groups[name] for name in keys}
        for i, one in enumerate(block):
            sent[f"value{i}"] = one.column.sent(groups[f"value{i}"])
        return groups.select(**sent, kind=groups.kind, n=groups.n)

    def _histogram(self, rows: Table, block: Sequence[Attribute]) -> Counts:
        """The counts of some rows by some attributes, PARTS and OUTCOMES: one query."""
        found = self.queried.answer(self._groups(rows, block))
        cells = np.zeros(found.num_rows, np.int64)
        for i, one in enumerate(block):
            codes = _codes(one, found[f"value{i}"], found[f"rare{i}"])
            if (codes < 0).any():
                raise self.changed()
            cells = cells * len(one.levels) + codes
        cells = cells * CLASSES + found["kind"].to_numpy()
        shape = (*(len(one.levels) for one in block), len(PARTS), len(OUTCOMES))
        counts = np.zeros(prod(shape), np.int64)
        np.add.at(counts, cells, found["n"].to_numpy())  # values of one level come one by one
        return counts.reshape(shape)


def _key(one: Slice) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(one.items()))


def _codes(one: Attribute, values: pa.ChunkedArray, rare: pa.ChunkedArray) -> Counts:
    """The position of each group's level among those of its attribute; -1 where it is none."""
    codes = {text: code for code, text in enumerate(one.levels)}
    encoded = pa.chunked_array([values.combine_chunks()]).dictionary_encode("encode").chunk(0)
    known = [codes.get(one.column.level(value), -1) for value in encoded.dictionary.to_pylist()]
    found: Counts = np.array(known, np.int64)[encoded.indices.to_numpy()]
    found[rare.to_numpy().astype(np.bool_)] = codes.get(kernel.OTHER, -1)
    return found


def _folded(rows: Table, one: Attribute) -> tuple[Value, Value]:
    """Whether a value is a rare one, and the value where it is not."""
    import ibis

    if one.fold is None:
        return ibis.literal(False), rows[one.slot]
    value = rows[f"v_{one.slot}"]  # null where it is rare, or null
    if NULL in one.levels:
        return value.isnull() & rows[one.slot].notnull(), value
    return value.isnull(), value
