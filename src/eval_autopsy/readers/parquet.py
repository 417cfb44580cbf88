"""Parquet: a table in columns, read by polars from bytes that we opened.

NaN and infinity are how tables of columns often say that there is no number. JSON has neither, so
that they become null, as a cell that is empty does; how many they are is said.
"""

from __future__ import annotations

import io
import math
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

from eval_autopsy import kernel
from eval_autopsy.readers.logs import NoNumbers
from eval_autopsy.readers.parquet_pages import check_pages
from eval_autopsy.registry import reader

if TYPE_CHECKING:
    import polars

CELL_LIMIT = 200_000_000  # rows times columns: a small file can stand for more than memory holds


@reader("parquet", sniff=lambda head: head.startswith(b"PAR1"))
def parquet(stream: BinaryIO, name: str) -> Iterator[kernel.Row | NoNumbers]:
    """One row for each row of a Parquet file; dates and times become ISO 8601 text."""
    raw = stream.read(kernel.FILE_LIMIT + 1)
    if len(raw) > kernel.FILE_LIMIT:
        raise kernel.Unreadable("a Parquet file of more than 1 GiB", name, "split it")
    if raw[-4:] != b"PAR1":
        raise kernel.Unreadable("the Parquet file is cut off", name, "copy or write it again")
    values = check_pages(raw, name)
    frame = _frame(raw, name)
    _check_nothing_lost(frame, values, name)
    yield from rows_of_frame(frame, name)


def rows_of_frame(
    frame: polars.DataFrame, name: str, before: int = 0
) -> Iterator[kernel.Row | NoNumbers]:
    """The rows of a frame, numbered on from those `before`, with values as JSON has them.

    After them, the columns with values that are no numbers.
    """
    cells = Cells()
    for number, values in enumerate(frame.iter_rows(), before + 1):
        fields = {}
        for column, value in zip(frame.columns, values, strict=True):
            try:
                fields[column] = cells.plain(value, column)
            except ValueError as error:
                where = f"{name}: row {number}: {column}"
                raise kernel.Unreadable(str(error), where, "write it as text or null") from None
        yield kernel.Row(number, fields)
    yield from (NoNumbers(column, count) for column, count in cells.no_numbers.items())


def _frame(raw: bytes, name: str) -> polars.DataFrame:
    import polars

    lazy = polars.scan_parquet(io.BytesIO(raw), glob=False)
    try:
        with quiet_panics():
            columns = len(lazy.collect_schema())
            rows = int(lazy.select(polars.len()).collect().item())
            if rows * columns > CELL_LIMIT:
                what = f"{rows:,} rows of {columns:,} columns, more than fit in memory"
                raise kernel.Unreadable(what, name, "export a part of it")
            return lazy.collect()
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException, OSError) as error:
        what = f"the Parquet file is damaged, or newer than what reads it: {first_line(error)}"
        raise kernel.Unreadable(what, name, "write it again, or export JSON Lines") from None


def first_line(error: BaseException) -> str:
    """The first line of another library's message, cut to 200 characters."""
    return str(error).strip().partition("\n")[0][:200]


def _check_nothing_lost(frame: polars.DataFrame, values: list[int], name: str) -> None:
    """Raises Unreadable when a column has not come out with the values that its pages hold.

    A page whose levels are damaged can lose the first items of a list without an error.
    """
    found = [count for series in frame for count in _leaf_counts(series)]
    if len(found) == len(values) and any(
        count not in (None, wanted) for count, wanted in zip(found, values, strict=True)
    ):
        what = "the Parquet file is damaged: a list has lost items"
        raise kernel.Unreadable(what, name, "copy or write it again")


def _leaf_counts(series: polars.Series) -> Iterator[int | None]:
    """How many values each innermost column has; a list that is null or empty counts as one."""
    import polars

    if isinstance(series.dtype, polars.List):
        lengths = series.list.len()
        empty = series.null_count() + int((lengths == 0).sum())
        for count in _leaf_counts(series.filter(lengths > 0).explode()):
            yield None if count is None else count + empty
    elif isinstance(series.dtype, polars.Struct):
        for field in series.dtype.fields:
            yield from _leaf_counts(series.struct.field(field.name))
    elif isinstance(series.dtype, polars.Array):
        yield None  # of a fixed width: nothing can be lost
    else:
        yield len(series)


@contextmanager
def quiet_panics() -> Iterator[None]:
    """Keeps Rust from printing a stack on file descriptor 2 for an error that we report."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class Cells:
    """Turns cells into what JSON has, and counts those that are no numbers by column."""

    def __init__(self) -> None:
        self.no_numbers: Counter[str] = Counter()

    def plain(self, value: Any, column: str) -> Any:
        """A value as `plain` has it, with null for NaN and infinity; raises ValueError as that."""
        if isinstance(value, float) and not math.isfinite(value):
            self.no_numbers[column] += 1
            return None
        if isinstance(value, (list, tuple)):
            return [self.plain(item, column) for item in value]
        if isinstance(value, dict):
            return {key: self.plain(item, column) for key, item in value.items()}
        return plain(value)


def plain(value: Any) -> Any:
    """A value as JSON has it: text, int, Decimal, bool, None, and lists and dicts of them.

    Raises ValueError for what JSON has no value for: NaN, infinity, bytes that are not UTF-8.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    for kind, convert in _CONVERSIONS.items():
        if isinstance(value, kind):
            return convert(value)
    raise ValueError(f"found a value of the type {type(value).__name__}, which JSON does not have")


def _number(value: float | Decimal) -> Decimal:
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if not number.is_finite():
        raise ValueError(f"{value} is not a number")
    return number


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"found {len(value)} bytes that are not UTF-8 text") from None


def _seconds(value: timedelta) -> Decimal:
    return Decimal(value // timedelta(microseconds=1)).scaleb(-6)


_CONVERSIONS: dict[type, Callable[[Any], Any]] = {
    float: _number,
    Decimal: _number,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: _seconds,
    bytes: _text,
}
