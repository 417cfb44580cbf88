"""Long tables, batch by batch: Parquet in columns, and other files row by row.

1. Files are opened by us. A batch is forgotten once it is counted, and a table can be gone through
   as often as it takes.
2. A column of a batch is its distinct values and, for each row, the position of its value. A field
   inside an object is a column too; where the object is null, so is the field.
3. A number that is NaN or infinite is no value, as null is; how many are, a full pass counts.
4. Parquet pages are checked by their checksums, where they have any. Rows of other files are read
   as strictly as ever, and an id that stands twice in a split is an error.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers import open_rows
from eval_autopsy.readers.intake import listed, nearest
from eval_autopsy.readers.logs import aside_words, no_numbers_words
from eval_autopsy.readers.opened import open_file
from eval_autopsy.readers.parquet import Cells
from eval_autopsy.readers.parquet_sample import PLACES, is_parquet, opened, places_in, rows_in
from eval_autopsy.readers.record_files import files_in
from eval_autopsy.readers.sources import Source, SplitColumn

BATCH = 2**20  # rows of Parquet
ROWS = 20_000  # of other files, whose values are Python's
SAMPLED = 2**16  # rows of each of PLACES of a Parquet file; of another file, its first rows

Progress = Callable[[str, int, int], None]


class Columns(NamedTuple):
    """Which columns play which part."""

    score: str  # true or false, 1 or 0; null is a record without a verdict
    error: str | None = None  # the message of a call that failed, or nothing
    id: str | None = None
    cluster: str | None = None  # the same for records that belong together


class Encoded(NamedTuple):
    """A column of a batch."""

    values: list[Any]  # the distinct ones, as JSON has them; MISSING where rows lack the field
    indices: pa.Array  # of each row: the position of its value


class Batch(Protocol):
    """Some rows."""

    @property
    def num_rows(self) -> int: ...

    def encoded(self, name: str) -> Encoded:
        """A column."""


class InColumns(NamedTuple):
    """A batch of Parquet."""

    batch: pa.RecordBatch

    @property
    def num_rows(self) -> int:
        return int(self.batch.num_rows)

    def encoded(self, name: str) -> Encoded:
        """A column; null is a value."""
        column = self.batch.column(name)
        if pa.types.is_nested(column.type):
            return _encoded([_plain(value, name, Cells()) for value in column.to_pylist()])
        if not pa.types.is_dictionary(column.type):
            column = pc.dictionary_encode(column, null_encoding="encode")
        values = [_plain(value, name, Cells()) for value in column.dictionary.to_pylist()]
        indices = column.indices
        if indices.null_count:
            values.append(None)
            indices = pc.fill_null(indices, len(values) - 1)
        return Encoded(values, indices)


class InRows(NamedTuple):
    """A batch of another file."""

    rows: Sequence[kernel.Row]

    @property
    def num_rows(self) -> int:
        return len(self.rows)

    def encoded(self, name: str) -> Encoded:
        """A column, by a name that may be dotted."""
        return _encoded(
            [
                row.fields[name] if name in row.fields else kernel.field(row.fields, name)
                for row in self.rows
            ]
        )


def _encoded(column: Sequence[Any]) -> Encoded:
    """A column of Python's values."""
    positions: dict[Any, int] = {}
    values: list[Any] = []
    indices = np.empty(len(column), np.int32)
    for at, value in enumerate(column):
        key = key_of(value)
        if key not in positions:
            positions[key] = len(values)
            values.append(value)
        indices[at] = positions[key]
    return Encoded(values, pa.array(indices))


def key_of(value: Any) -> Any:
    """What tells a value from all others that are not the same to JSON: 1 is not true."""
    if isinstance(value, (list, dict)):
        return list, kernel.canonical(value)
    return type(value), value


def _plain(value: Any, name: str, cells: Cells) -> Any:
    try:
        return cells.plain(value, name)
    except ValueError as error:
        raise CannotRead(str(error), where=name, remedy="write it as text or null") from None


@dataclass(kw_only=True)
class Table:
    """Some files as one table of records."""

    sources: Sequence[Source]
    columns: Columns
    where: Mapping[str, frozenset[str]] = field(default_factory=dict)  # column -> levels kept
    seed: int = 0
    progress: Progress = lambda what, done, total: None
    sampled: dict[str, list[tuple[Any, int]]] = field(default_factory=dict)
    aside: dict[str, str] = field(default_factory=dict)  # what of a file was, once it was read
    no_numbers: dict[str, Counter[str]] = field(default_factory=dict)  # the same, by column

    @cached_property
    def parquet(self) -> bool:
        """Whether all files are Parquet."""
        return all(is_parquet(source.path, source.name) for source in self.sources)

    @cached_property
    def rows(self) -> int:
        """How many rows there are; in files that do not say, about how many."""
        if self.parquet:
            return sum(rows_in(source.path, source.name) for source in self.sources)
        return sum(map(_rows_about, self.sources))

    def names(self) -> list[str]:
        """The columns that every file has, in the order of the first."""
        if self.parquet:
            each = [_schema(source).names for source in self.sources]
        else:
            each = [list(_fields(source)) for source in self.sources]
        return [name for name in each[0] if all(name in names for names in each)]

    def batches(
        self, wanted: Sequence[str], *, sample: bool = False
    ) -> Iterator[tuple[Source, Batch]]:
        """Some columns, batch by batch; or only a sample of the rows."""
        seen: set[int] = set()
        for source in self.sources:
            names = list(dict.fromkeys(self._needed(source, wanted)))
            if self.parquet:
                cells = Cells()
                for batch in _column_batches(source, names, sample):
                    yield source, InColumns(_with_nulls(batch, cells))
                if not sample:
                    self._count_no_numbers(source, cells.no_numbers)
            else:
                for rows in self._row_batches(source, names, sample):
                    self._refuse_twice(source, rows, seen)
                    yield source, InRows(rows)

    def _row_batches(
        self, source: Source, names: Sequence[str], sample: bool
    ) -> Iterator[Sequence[kernel.Row]]:
        """The rows of a file; raises CannotRead at a column that none of the first rows has."""
        _, rows = open_rows(source.path, source.name, lenient=source.lenient)
        with rows:
            left = islice(rows, SAMPLED) if sample else rows
            first = True
            while some := list(islice(left, ROWS)):
                for name in names if first else ():
                    if all(kernel.field(row.fields, name) is MISSING for row in some):
                        known = list(dict.fromkeys(key for row in some for key in row.fields))
                        raise _no_such_column(name, known, source)
                first = False
                yield some
            if rows.aside:
                self.aside[source.name] = aside_words(rows.aside, source.name)
            if not sample:
                self._count_no_numbers(source, rows.no_numbers)

    def _count_no_numbers(self, source: Source, found: Counter[str]) -> None:
        """Keeps what a full pass found; another one may have gone by other columns."""
        self.no_numbers[source.name] = self.no_numbers.get(source.name, Counter()) | found

    def notes(self) -> Iterator[str]:
        """What was set aside in the files, and what is no value; known once all rows went by."""
        yield from self.aside.values()
        for name, counts in self.no_numbers.items():
            if counts:
                yield no_numbers_words(counts, name)

    def _needed(self, source: Source, wanted: Sequence[str]) -> Iterator[str]:
        yield from wanted
        yield from self.where
        yield self.columns.score
        if self.columns.error:
            yield self.columns.error
        if self.columns.cluster:
            yield self.columns.cluster
        if isinstance(source.split, SplitColumn):
            yield source.split.column

    def _refuse_twice(self, source: Source, rows: Iterable[kernel.Row], seen: set[int]) -> None:
        """Raises CannotRead for an id that stands twice in a split, told by 64 bits of each."""
        if self.columns.id is None:
            return
        for row in rows:
            split = source.split
            if isinstance(split, SplitColumn):
                split = kernel.canonical(kernel.field(row.fields, split.column))  # type: ignore[assignment]
            identity = kernel.field(row.fields, self.columns.id)
            mark = hash((split, str(identity)))
            if mark in seen:
                what = f"the id {identity!r} stands twice in {split}"
                where = f"{source.name}:{row.line}"
                raise CannotRead(what, where=where, remedy="give each record an id of its own")
            seen.add(mark)

    def sample(self, names: Sequence[str]) -> dict[str, list[tuple[Any, int]]]:
        """The values of some columns in a sample, and how often each stands there."""
        missing = [name for name in names if name not in self.sampled]
        if missing:
            self.sampled |= self._sample(missing)
        return {name: self.sampled[name] for name in names}

    def _sample(self, names: Sequence[str]) -> dict[str, list[tuple[Any, int]]]:
        found: dict[str, dict[Any, tuple[Any, int]]] = {name: {} for name in names}
        for _, batch in self.batches(names, sample=True):
            for name in names:
                column = batch.encoded(name)
                counts = np.bincount(column.indices, minlength=len(column.values))
                for value, n in zip(column.values, counts.tolist(), strict=True):
                    key = key_of(value)
                    before = found[name].get(key, (value, 0))[1]
                    found[name][key] = value, before + n
        return {name: list(values.values()) for name, values in found.items()}

    def level_counts(self, names: Sequence[str]) -> dict[str, Counter[str]]:
        """How often each level of some columns stands in a sample, as the texts of levels."""
        found: dict[str, Counter[str]] = {}
        for name, values in self.sample(names).items():
            levels = found.setdefault(name, Counter())
            for value, n in values:
                levels[kernel.canonical(kernel.level(value))] += n
        return found


# Parquet


def _schema(source: Source) -> pa.Schema:
    with opened(source.path, source.name) as file:
        return pa.schema(file.schema_arrow)


def _column_batches(source: Source, names: Sequence[str], sample: bool) -> Iterator[pa.RecordBatch]:
    """Some columns of a file; raises CannotRead for one that is not there."""
    schema = _schema(source)
    known = list(_names_in(schema))
    for name in names:
        if name not in known:
            raise _no_such_column(name, known, source)
    outer = [name for name in names if name in schema.names]
    texts = [name for name in outer if _is_text(schema.field(name).type)]
    with opened(source.path, source.name, texts) as file:
        if not sample:
            for batch in file.iter_batches(batch_size=BATCH, columns=list(names)):
                yield _flat(batch, names)
            return
        places = places_in(file)
        for group in places:
            size = SAMPLED * PLACES // len(places)
            some = file.iter_batches(batch_size=size, row_groups=[group], columns=list(names))
            yield _flat(next(some), names)


def _names_in(fields: Iterable[pa.Field], prefix: str = "") -> Iterator[str]:
    """The names of columns, and the dotted ones of what is inside their objects."""
    for one in fields:
        yield prefix + one.name
        if pa.types.is_struct(one.type):
            yield from _names_in(one.type, f"{prefix}{one.name}.")


def _flat(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """The columns of some names, those inside objects as columns of their own."""
    columns = []
    for name in names:
        outer, *inside = (name,) if name in batch.schema.names else name.split(".")
        column = batch.column(outer)
        columns.append(pc.struct_field(column, inside) if inside else column)
    return pa.RecordBatch.from_arrays(columns, names=list(names))


def _with_nulls(batch: pa.RecordBatch, cells: Cells) -> pa.RecordBatch:
    """A batch with null for each number that is none; `cells` counts them."""
    for place, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
        if pa.types.is_nested(column.type):  # whose values are made null as they are encoded
            for value in column.to_pylist():
                _plain(value, name, cells)
        elif pa.types.is_floating(column.type):
            no_number = pc.invert(pc.is_finite(column))
            cells.no_numbers[name] += pc.sum(no_number, min_count=0).as_py()
            numbers = pc.if_else(no_number, None, column)
            batch = batch.set_column(place, name, numbers)
    return batch


def _no_such_column(name: str, known: Sequence[str], source: Source) -> CannotRead:
    near = nearest(name, known)
    what = f"there is no column {name!r} among: {listed(known)}"
    remedy = f"did you mean {near!r}?" if near else "name one of them"
    return CannotRead(what, where=source.name, remedy=remedy)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


# Rows


def _rows_about(source: Source) -> int:
    """How many rows a file has, if the others are as long as its first."""
    if os.path.isdir(source.path):
        return len(files_in(source.path))
    with open_file(source.path, source.name) as stream:
        head = stream.head()
    return source.path.stat().st_size * max(1, head.count(b"\n")) // max(1, len(head))


def _fields(source: Source) -> Iterator[str]:
    """The fields of the first rows, in the order in which they are met."""
    _, rows = open_rows(source.path, source.name, lenient=source.lenient)
    with rows:
        yield from dict.fromkeys(name for row in islice(rows, SAMPLED) for name in row.fields)
