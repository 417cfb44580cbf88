"""A long table coded and counted as it streams by.

1. What an attribute's values stand for is decided on a sample, by how often each stands there.
   Levels that the sample does not have fold into another, which is said; if one of them has enough
   records to be a slice, the rows are gone through again with it.
2. Which half of production a record is searched or confirmed in follows from the seed and its place
   among the rows, so that nothing has to be kept; or from its cluster: see clusters.py.
3. Scores are recorded ones: nothing is run or scored here.
"""

from __future__ import annotations

import queue
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from eval_autopsy import kernel
from eval_autopsy.cubes import tables
from eval_autopsy.cubes.blocks import OUTCOMES, PARTS, Batch, Coded, class_of
from eval_autopsy.cubes.clusters import Clusters, Members
from eval_autopsy.cubes.tables import Encoded, Table, key_of
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.sources import Source, SplitColumn

DRAWN = 2**20  # halves at a time
KEPT_BYTES = 2**28  # of codes that are kept, so that a second look need not read the files again
AHEAD = 2  # batches that are read while one is counted
LATE_AT_MOST = 2**16  # levels that a sample did not have, told apart

T = TypeVar("T")


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

    def encode(self, column: Encoded) -> NDArray[np.uint8]:
        """The code of each row."""
        levels = [self._code(value) for value in column.values]
        late = [(i, level) for i, (_, level) in enumerate(levels) if level]
        if late and len(self.late) < LATE_AT_MOST:
            counts = np.bincount(column.indices, minlength=len(levels))
            for i, level in late:
                self.late[level] += int(counts[i])
        return looked_up([code for code, _ in levels], column)

    def _code(self, value: Any) -> tuple[int, str]:
        """The code of a value, and its level when that has no code of its own."""
        key = key_of(value)
        if key not in self._known:
            level = self.attribute.level(value)
            if level not in self.codes:
                return self.codes[kernel.OTHER], level
            if len(self._known) < LATE_AT_MOST:
                self._known[key] = self.codes[level]
            return self.codes[level], ""
        return self._known[key], ""


def looked_up(numbers: Sequence[int], column: Encoded) -> NDArray[np.uint8]:
    """For each row, the number of its value."""
    table = pa.array(np.array(numbers, np.uint8))
    return np.asarray(pc.take(table, column.indices, boundscheck=False))


class Scores:
    """From the columns that say what a record is to its class."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.lots = _Lots(table.seed)
        cluster = table.columns.cluster
        self.clusters = Clusters(table.seed, cluster) if cluster else None
        self.members: Members | None = None  # of the last batch, where there are clusters
        self.unscored: Counter[str] = Counter()

    def classes(
        self, source: Source, batch: tables.Batch
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
        """The class of each scored row, and which rows these are; None when all of them are."""
        outcome = self._outcomes(source, batch)
        production = self._is_production(source, batch)
        half = self._halves(source, batch) + np.uint8(PARTS.index("search"))
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

    def _halves(self, source: Source, batch: tables.Batch) -> NDArray[np.uint8]:
        """0 for the half that is searched, 1 for the other."""
        if self.clusters is None:
            return self.lots.take(batch.num_rows)
        name = self.clusters.column
        self.members = self.clusters.members(batch.encoded(name), f"{source.name}: {name}")
        return self.members.half

    def draw(self, batch: Batch, scored: NDArray[np.bool_] | None) -> None:
        """Draws from the scored rows of the last batch, where records have clusters."""
        if self.clusters is not None and self.members is not None:
            members = self.members if scored is None else self.members.only(scored)
            self.clusters.add(members, batch)

    def _note(self, production: NDArray[np.bool_], scored: NDArray[np.bool_]) -> None:
        self.unscored["production"] += int((production & ~scored).sum())
        self.unscored["eval"] += int((~production & ~scored).sum())

    def _kept(self, batch: tables.Batch) -> NDArray[np.bool_]:
        """Which rows have the values that are asked for."""
        found = np.ones(batch.num_rows, np.bool_)
        for name, texts in self.table.where.items():
            column = batch.encoded(name)
            levels = (kernel.canonical(kernel.level(value)) for value in column.values)
            found &= looked_up([level in texts for level in levels], column) > 0
        return found

    def _outcomes(self, source: Source, batch: tables.Batch) -> NDArray[np.uint8]:
        """The position in OUTCOMES of each row; beyond them where there is no verdict."""
        right, loud, silent = range(len(OUTCOMES))
        columns = self.table.columns
        scores = batch.encoded(columns.score)
        kinds = []
        for value in scores.values:
            where = f"{source.name}: {columns.score}"
            verdict = source.threshold.verdict(value) if source.threshold else value
            try:
                said = kernel.recorded_score(verdict, where)
            except kernel.Unreadable as error:
                remedy = "name a column of true and false with --correct"
                raise CannotRead(error.what, where=where, remedy=remedy) from None
            kinds.append(len(OUTCOMES) if said is None else right if said else silent)
        found = looked_up(kinds, scores).copy()
        if columns.error:
            errors = batch.encoded(columns.error)
            nothing = (None, "", kernel.MISSING)
            failed = looked_up([text not in nothing for text in errors.values], errors)
            found[failed > 0] = loud
        return found

    def _is_production(self, source: Source, batch: tables.Batch) -> NDArray[np.bool_]:
        if not isinstance(source.split, SplitColumn):
            return np.full(batch.num_rows, source.split == "production")
        column = source.split.column
        wanted = {kernel.canonical(kernel.level(v)): k for k, v in source.split.values.items()}
        splits = batch.encoded(column)
        kinds = []
        for value in splits.values:
            text = kernel.canonical(kernel.level(value))
            if text not in wanted:
                what = f"the split is {text}, expected {' or '.join(wanted)}"
                remedy = "name the two values under [data] splits, or take the record out"
                raise CannotRead(what, where=f"{source.name}: {column}", remedy=remedy)
            kinds.append(wanted[text] == "production")
        return looked_up(kinds, splits).astype(np.bool_)


class _Lots:
    """A half of production for each record, drawn by lot: the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed).getrandbits
        self.left: NDArray[np.uint8] = np.empty(0, np.uint8)

    def take(self, n: int) -> NDArray[np.uint8]:
        """The next n zeros and ones."""
        while len(self.left) < n:
            # So many at a time, whatever is asked for, that batches of other sizes get the same.
            bits = self.draw(DRAWN).to_bytes(DRAWN // 8, "little")
            self.left = np.concatenate([self.left, np.unpackbits(np.frombuffer(bits, np.uint8))])
        found, self.left = self.left[:n], self.left[n:]
        return found


class Scan:
    """A table coded by some attributes."""

    def __init__(self, table: Table, attributes: Sequence[Attribute], sampled: int = 2**17) -> None:
        self.table = table
        values = table.sample(list(dict.fromkeys(one.column for one in attributes)))
        self.codings = [
            Coding(one, [value for value, _ in values[one.column]]) for one in attributes
        ]
        self.step = max(1, table.rows // sampled)  # rows from one that is sampled to the next
        self._kept: list[Batch] = []
        self._sampled: list[Batch] = []
        self._unscored: Counter[str] = Counter()
        self._drawn: Batch | None = None
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

    @property
    def drawn(self) -> Batch | None:
        """One record of each cluster that tests; known once all rows have gone by."""
        return self._drawn

    def batches(self) -> Iterator[Batch]:
        """All scored rows, from memory where they are few enough to have been kept."""
        if self._complete:
            yield from self._kept
            return
        self._forget()
        scores, done, width = Scores(self.table), 0, len(self.codings) + 1
        keeps = self.table.rows * width <= KEPT_BYTES
        for one in _ahead(self._coded(scores)):
            start = -done % self.step
            self._sampled.append(_some(one, slice(start, None, self.step)))
            done += len(one.classes)
            self.table.progress("counting rows", done, self.table.rows)
            keeps = keeps and done * width <= KEPT_BYTES
            self._kept = [*self._kept, one] if keeps else []
            yield one
        self._complete, self._unscored = keeps, scores.unscored
        self._drawn = scores.clusters.drawn() if scores.clusters else None

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
                inside &= np.isin(coding.encode(batch.encoded(coding.attribute.column)), codes)
            ids = batch.encoded(extra[0]) if extra and inside.any() else None
            for row in np.flatnonzero(inside).tolist():
                if ids is None:
                    yield f"row {place + row + 1}"
                else:
                    yield str(ids.values[ids.indices[row].as_py()])
            place += batch.num_rows

    def _coded(self, scores: Scores) -> Iterator[Batch]:
        columns = [coding.attribute.column for coding in self.codings]
        for source, batch in self.table.batches(columns):
            classes, scored = scores.classes(source, batch)
            codes = [one.encode(batch.encoded(one.attribute.column)) for one in self.codings]
            if scored is not None:
                codes = [column[scored] for column in codes]
            coded = Batch(codes, classes)
            scores.draw(coded, scored)
            yield coded

    def _forget(self) -> None:
        self._kept, self._sampled, self._complete = [], [], False
        for coding in self.codings:
            coding.forget()


def _some(batch: Batch, these: slice) -> Batch:
    """Some rows, in memory of their own."""
    return Batch([codes[these].copy() for codes in batch.codes], batch.classes[these].copy())


def class_numbers(part: str, outcomes: Sequence[str]) -> list[int]:
    """The classes of some outcomes in one split."""
    parts = ("eval",) if part == "eval" else PARTS[1:]
    return [class_of(one, outcome) for one in parts for outcome in outcomes]
