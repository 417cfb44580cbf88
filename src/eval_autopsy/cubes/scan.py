"""Parquet files of any length, coded and counted as they stream by.

1. Files are opened by us. Pages are read in the order of the file, with their checksums where they
   have any, and a batch is forgotten once it is counted.
2. What an attribute's values stand for is decided on a sample from all over the files, by how often
   each value stands there. Levels that the sample does not have fold into another, which is said;
   if one of them has enough records to be a slice, the rows are gone through again with it.
3. Which half of production a record is searched or confirmed in follows from the seed and its place
   among the rows, so that nothing has to be kept.
4. Scores are recorded ones: nothing is run or scored here.
"""

from __future__ import annotations

import difflib
import queue
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from eval_autopsy import kernel
from eval_autopsy.cubes.blocks import OUTCOMES, PARTS, Batch, Coded, class_of
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.intake import Source, SplitColumn
from eval_autopsy.readers.opened import open_file
from eval_autopsy.readers.parquet import plain
from eval_autopsy.readers.parquet_sample import damaged

BATCH = 2**20  # rows
SAMPLED_AT_ONCE, PLACES = 2**16, 16  # rows, and places of a file that a sample is taken from
KEPT_BYTES = 2**28  # of codes that are kept, so that a second look need not read the files again
AHEAD = 2  # batches that are read while one is counted
LATE_AT_MOST = 2**16  # levels that a sample did not have, told apart

Progress = Callable[[str, int, int], None]
T = TypeVar("T")


class Columns(NamedTuple):
    """Which columns play which part."""

    score: str  # true or false, 1 or 0; null is a record without a verdict
    error: str | None = None  # the message of a call that failed, or nothing
    id: str | None = None


class Attribute(NamedTuple):
    """An attribute of a column: how a receipt describes it, and its name."""

    spec: Any
    column: str

    @property
    def name(self) -> str:
        return kernel.attribute_name(self.spec)

    def level(self, value: Any) -> str:
        """The text of the level of a value as Python has it."""
        return kernel.level_of(self.spec, {self.column: value}, {})


@dataclass(kw_only=True)
class Table:
    """Parquet files as records, gone through as often as it takes."""

    sources: Sequence[Source]
    columns: Columns
    where: Mapping[str, frozenset[str]] = field(default_factory=dict)  # column -> levels kept
    seed: int = 0
    progress: Progress = lambda what, done, total: None
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        self.rows = sum(_open(source).metadata.num_rows for source in self.sources)

    def names(self) -> list[str]:
        """The columns that every file has, in the order of the first."""
        each = [_open(source).schema_arrow.names for source in self.sources]
        return [name for name in each[0] if all(name in names for names in each)]

    def batches(
        self, wanted: Sequence[str], *, sample: bool = False
    ) -> Iterator[tuple[Source, pa.RecordBatch]]:
        """Some columns, batch by batch; or only the first rows of parts from all over the files."""
        for source in self.sources:
            names = list(dict.fromkeys(self._needed(source, wanted)))
            for batch in _batches(source, names, sample):
                yield source, batch

    def _needed(self, source: Source, wanted: Sequence[str]) -> Iterator[str]:
        yield from wanted
        yield from self.where
        yield self.columns.score
        if self.columns.error:
            yield self.columns.error
        if isinstance(source.split, SplitColumn):
            yield source.split.column

    def sample(self, names: Sequence[str]) -> dict[str, Counter[Any]]:
        """How often each value of some columns stands in a sample from all over the files."""
        found: dict[str, Counter[Any]] = {name: Counter() for name in names}
        for _, batch in self.batches(names, sample=True):
            for name in names:
                values = _encoded(batch.column(name))
                counts = np.bincount(values.indices, minlength=len(values.dictionary))
                for value, n in zip(values.dictionary.to_pylist(), counts.tolist(), strict=True):
                    found[name][_hashable(value)] += n
        return found

    def level_counts(self, names: Sequence[str]) -> dict[str, Counter[str]]:
        """How often each level of some columns stands in a sample, as the texts of levels."""
        found: dict[str, Counter[str]] = {}
        for name, values in self.sample(names).items():
            levels = found.setdefault(name, Counter())
            for value, n in values.items():
                levels[kernel.canonical(kernel.level(_as_read(value)))] += n
        return found


def _open(source: Source, read_dictionary: Sequence[str] = ()) -> pq.ParquetFile:
    """A Parquet file that we opened; raises CannotRead for one that cannot be read."""
    stream = open_file(source.path, source.name)
    try:
        return pq.ParquetFile(
            stream, read_dictionary=list(read_dictionary), page_checksum_verification=True
        )
    except (pa.ArrowException, OSError) as error:
        raise damaged(error, source.name) from None


def _batches(source: Source, names: Sequence[str], sample: bool) -> Iterator[pa.RecordBatch]:
    file = _open(source)
    schema = file.schema_arrow
    for name in names:
        if name not in schema.names:
            raise _no_such_column(name, schema.names, source)
    texts = [name for name in names if _is_text(schema.field(name).type)]
    with _open(source, texts) as opened:
        try:
            if not sample:
                yield from opened.iter_batches(batch_size=BATCH, columns=list(names))
                return
            groups = opened.metadata.num_row_groups
            for group in sorted({groups * i // PLACES for i in range(PLACES)} if groups else ()):
                size = SAMPLED_AT_ONCE * max(1, PLACES // groups)
                yield from _first(
                    opened.iter_batches(batch_size=size, row_groups=[group], columns=list(names))
                )
        except (pa.ArrowException, OSError) as error:
            raise damaged(error, source.name) from None


def _first(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch
        return


def _no_such_column(name: str, known: Sequence[str], source: Source) -> CannotRead:
    near = difflib.get_close_matches(name, known, n=1)
    what = f"there is no column {name!r} among: {', '.join(known[:20])}"
    remedy = f"did you mean {near[0]!r}?" if near else "name one of them"
    return CannotRead(what, where=source.name, remedy=remedy)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _ahead(batches: Iterator[T]) -> Iterator[T]:
    """The same batches, made by another thread while the last one is counted."""
    ready: queue.Queue[Any] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def put(one: Any) -> bool:
        while not stopped.is_set():
            try:
                ready.put(one, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for batch in batches:
                if not put(batch):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  it is raised where the batches are used
            put(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while (one := ready.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        stopped.set()
        thread.join()


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    """A column as distinct values and, for each row, the position of its value; null is one."""
    if pa.types.is_dictionary(column.type):
        if not column.null_count:
            return column
        values = pa.concat_arrays([column.dictionary, pa.nulls(1, column.dictionary.type)])
        indices = pc.fill_null(column.indices, len(values) - 1)
        return pa.DictionaryArray.from_arrays(indices, values)
    return pc.dictionary_encode(column, null_encoding="encode")


def _hashable(value: Any) -> Any:
    """A value as JSON has it, with lists and objects as the text of their level."""
    value = plain(value)
    return _Json(kernel.canonical(value)) if isinstance(value, (list, dict)) else value


class _Json(str):
    """The JSON text of a list or an object."""


# From values to codes


class Coding:
    """The code of each value of an attribute, in the order in which the levels came up."""

    def __init__(self, attribute: Attribute, values: Sequence[Any]) -> None:
        self.attribute = attribute
        self.codes: dict[str, int] = {}
        for level in sorted({attribute.level(value) for value in values}):
            self.codes[level] = len(self.codes)
        self.codes.setdefault(kernel.OTHER, len(self.codes))
        self.late: Counter[str] = Counter()  # levels that were not known, with their records
        self._known: dict[Any, int] = {}

    def forget(self) -> None:
        """Before the rows go by again, with other codes perhaps."""
        self.late.clear()
        self._known.clear()

    @property
    def coded(self) -> Coded:
        return Coded(self.attribute.name, tuple(self.codes))

    def encode(self, column: pa.Array) -> NDArray[np.uint8]:
        """The code of each row."""
        values = _encoded(column)
        levels = [self._code(value) for value in values.dictionary.to_pylist()]
        table = pa.array(np.array([code for code, _ in levels], np.uint8))
        late = [(i, level) for i, (_, level) in enumerate(levels) if level]
        if late and len(self.late) < LATE_AT_MOST:
            counts = np.bincount(values.indices, minlength=len(levels))
            for i, level in late:
                self.late[level] += int(counts[i])
        return np.asarray(pc.take(table, values.indices, boundscheck=False))

    def _code(self, value: Any) -> tuple[int, str]:
        """The code of a value, and its level when that has no code of its own."""
        value = _hashable(value)
        key = (type(value), value)
        if key not in self._known:
            level = self.attribute.level(_as_read(value))
            if level not in self.codes:
                return self.codes[kernel.OTHER], level
            if len(self._known) < LATE_AT_MOST:
                self._known[key] = self.codes[level]
            return self.codes[level], ""
        return self._known[key], ""


class Scores:
    """From the columns that say what a record is to its class."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.lots = _Lots(table.seed)
        self.unscored: Counter[str] = Counter()

    def classes(
        self, source: Source, batch: pa.RecordBatch
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
        """The class of each scored row, and which rows these are; None when all of them are."""
        outcome = self._outcomes(source, batch)
        production = self._is_production(source, batch)
        half = self.lots.take(batch.num_rows) + np.uint8(PARTS.index("search"))
        classes = half * production * np.uint8(len(OUTCOMES)) + outcome
        scored = outcome < len(OUTCOMES)
        if self.table.where:
            kept = self._kept(batch)
            production, scored = production[kept], scored & kept
            self._note(production, outcome[kept] < len(OUTCOMES))
            return classes[scored], scored
        if scored.all():
            return classes, None
        self._note(production, scored)
        return classes[scored], scored

    def _note(self, production: NDArray[np.bool_], scored: NDArray[np.bool_]) -> None:
        self.unscored["production"] += int((production & ~scored).sum())
        self.unscored["eval"] += int((~production & ~scored).sum())

    def _kept(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which rows have the values that are asked for."""
        found = np.ones(batch.num_rows, np.bool_)
        for name, texts in self.table.where.items():
            values = _encoded(batch.column(name))
            levels = (kernel.level(plain(value)) for value in values.dictionary.to_pylist())
            wanted = np.array([kernel.canonical(level) in texts for level in levels], np.bool_)
            found &= wanted[values.indices.to_numpy()]
        return found

    def _outcomes(self, source: Source, batch: pa.RecordBatch) -> NDArray[np.uint8]:
        """The position in OUTCOMES of each row; beyond them where there is no verdict."""
        right, loud, silent = range(len(OUTCOMES))
        columns = self.table.columns
        scores = _encoded(batch.column(columns.score))
        kinds = []
        for value in scores.dictionary.to_pylist():
            where = f"{source.name}: {columns.score}"
            try:
                said = kernel.recorded_score(plain(value), where)
            except kernel.Unreadable as error:
                remedy = "name a column of true and false with --correct"
                raise CannotRead(error.what, where=where, remedy=remedy) from None
            kinds.append(len(OUTCOMES) if said is None else right if said else silent)
        table = pa.array(np.array(kinds, np.uint8))
        found = np.array(pc.take(table, scores.indices, boundscheck=False))
        if columns.error:
            errors = _encoded(batch.column(columns.error))
            texts = errors.dictionary.to_pylist()
            failed = np.array([text not in (None, "") for text in texts], np.bool_)
            found[failed[errors.indices.to_numpy()]] = loud
        return found

    def _is_production(self, source: Source, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        if not isinstance(source.split, SplitColumn):
            return np.full(batch.num_rows, source.split == "production")
        column = source.split.column
        wanted = {kernel.canonical(kernel.level(v)): k for k, v in source.split.values.items()}
        splits = _encoded(batch.column(column))
        kinds = []
        for value in splits.dictionary.to_pylist():
            text = kernel.canonical(kernel.level(plain(value)))
            if text not in wanted:
                what = f"the split is {text}, expected {' or '.join(wanted)}"
                remedy = "name the two values under [data] splits, or take the record out"
                raise CannotRead(what, where=f"{source.name}: {column}", remedy=remedy)
            kinds.append(wanted[text] == "production")
        table = pa.array(np.array(kinds, np.uint8))
        return np.array(pc.take(table, splits.indices, boundscheck=False)).astype(np.bool_)


class _Lots:
    """A half of production for each record, drawn by lot: the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed).getrandbits
        self.left: NDArray[np.uint8] = np.empty(0, np.uint8)

    def take(self, n: int) -> NDArray[np.uint8]:
        """The next n zeros and ones."""
        while len(self.left) < n:
            # So many at a time, whatever is asked for, that batches of other sizes get the same.
            bits = self.draw(BATCH).to_bytes(BATCH // 8, "little")
            self.left = np.concatenate([self.left, np.unpackbits(np.frombuffer(bits, np.uint8))])
        found, self.left = self.left[:n], self.left[n:]
        return found


class Scan:
    """A table coded by some attributes."""

    def __init__(self, table: Table, attributes: Sequence[Attribute], sampled: int = 2**17) -> None:
        self.table = table
        values = table.sample(list(dict.fromkeys(one.column for one in attributes)))
        self.codings = [
            Coding(one, [_as_read(value) for value in values[one.column]]) for one in attributes
        ]
        self.step = max(1, table.rows // sampled)  # rows from one that is sampled to the next
        self._kept: list[Batch] = []
        self._sampled: list[Batch] = []
        self._unscored: Counter[str] = Counter()
        self._complete = False

    @property
    def attributes(self) -> tuple[Coded, ...]:
        return tuple(coding.coded for coding in self.codings)

    @property
    def sample(self) -> Batch:
        """Rows drawn evenly from all; known once all rows have gone by."""
        codes = zip(*(one.codes for one in self._sampled), strict=True)
        classes = np.concatenate([one.classes for one in self._sampled])
        return Batch([np.concatenate(column) for column in codes], classes)

    @property
    def unscored(self) -> dict[str, int]:
        """How many records of each split have no verdict; known once all rows have gone by."""
        return {split: self._unscored[split] for split in kernel.SPLITS}

    def batches(self) -> Iterator[Batch]:
        """All scored rows, from memory where they are few enough to have been kept."""
        if self._complete:
            yield from self._kept
            return
        self._forget()
        scores, done = Scores(self.table), 0
        keeps = self.table.rows * (len(self.codings) + 1) <= KEPT_BYTES
        for one in _ahead(self._coded(scores)):
            start = -done % self.step
            self._sampled.append(_some(one, slice(start, None, self.step)))
            done += len(one.classes)
            self.table.progress("counting rows", done, self.table.rows)
            if keeps:
                self._kept.append(one)
            yield one
        self._complete, self._unscored = keeps, scores.unscored

    def grow(self, support: int, levels_at_most: int) -> bool:
        """Whether a level that the sample did not have has enough records to need its own code."""
        grown = False
        for coding in self.codings:
            if isinstance(coding.attribute.spec, dict) and "kept" in coding.attribute.spec:
                continue
            for level, n in coding.late.most_common():
                if n >= support and len(coding.codes) < levels_at_most:
                    coding.codes[level] = len(coding.codes)
                    grown = True
        if grown:
            self._forget()
        return grown

    def late(self) -> dict[str, tuple[int, int]]:
        """For each attribute with such, how many levels have no code of their own, and records."""
        return {
            coding.attribute.name: (len(coding.late), coding.late.total())
            for coding in self.codings
            if coding.late
        }

    def rows_where(self, where: kernel.Where, wanted: Sequence[int]) -> Iterator[str]:
        """The ids, or the places, of the rows of a slice that are of some classes."""
        codings = [one for one in self.codings if one.attribute.name in where]
        columns = [one.attribute.column for one in codings]
        extra = [self.table.columns.id] if self.table.columns.id else []
        scores, place = Scores(self.table), 0
        for source, batch in self.table.batches([*columns, *extra]):
            classes, scored = scores.classes(source, batch)
            inside = np.ones(batch.num_rows, np.bool_) if scored is None else scored.copy()
            inside[inside] = np.isin(classes, wanted)
            for coding in codings:
                texts = {kernel.canonical(one) for one in where[coding.attribute.name]}
                codes = [code for text, code in coding.codes.items() if text in texts]
                inside &= np.isin(coding.encode(batch.column(coding.attribute.column)), codes)
            for row in np.flatnonzero(inside).tolist():
                yield (
                    str(batch.column(extra[0])[row].as_py()) if extra else f"row {place + row + 1}"
                )
            place += batch.num_rows

    def _coded(self, scores: Scores) -> Iterator[Batch]:
        columns = [coding.attribute.column for coding in self.codings]
        for source, batch in self.table.batches(columns):
            classes, scored = scores.classes(source, batch)
            codes = [one.encode(batch.column(one.attribute.column)) for one in self.codings]
            if scored is not None:
                codes = [column[scored] for column in codes]
            yield Batch(codes, classes)

    def _forget(self) -> None:
        self._kept, self._sampled, self._complete = [], [], False
        for coding in self.codings:
            coding.forget()


def _as_read(value: Any) -> Any:
    """A value of a sample as a level is made of it."""
    return kernel.strict_json(value) if isinstance(value, _Json) else value


def _some(batch: Batch, these: slice) -> Batch:
    """Some rows, in memory of their own."""
    return Batch([codes[these].copy() for codes in batch.codes], batch.classes[these].copy())


def class_numbers(part: str, outcomes: Sequence[str]) -> list[int]:
    """The classes of some outcomes in one split."""
    parts = ("eval",) if part == "eval" else PARTS[1:]
    return [class_of(one, outcome) for one in parts for outcome in outcomes]
