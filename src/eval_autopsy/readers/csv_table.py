"""CSV: a table with commas, whose first line names the columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from eval_autopsy import kernel
from eval_autopsy.readers.logs import Aside
from eval_autopsy.readers.text_table import leniently, rows_of_table
from eval_autopsy.registry import reader


@reader("csv", sniff=lambda head: head[:1] not in (b"{", b"["))
def csv_table(stream: BinaryIO, name: str) -> Iterator[kernel.Row]:
    """One row for each record of a CSV table; every value is text, as it stands there."""
    for row in kernel.read_rows(stream, name, "csv"):
        if len(row.fields) == 1:
            raise _no_table(next(iter(row.fields)), f"{name}:1")
        yield row


def csv_without_damage(stream: BinaryIO, name: str) -> Iterator[kernel.Row | Aside]:
    """The same, with the damaged rows set aside that can be told from their neighbours."""
    for row in leniently(rows_of_table(stream, name)):
        if isinstance(row, kernel.Row) and len(row.fields) == 1:
            raise _no_table(next(iter(row.fields)), f"{name}:1")
        yield row


def _no_table(header: str, where: str) -> kernel.Unreadable:
    """Why a table of one column cannot be meant: an id needs something beside it."""
    what = f"found one column, {header[:60]!r}, expected JSON Lines, a JSON array, CSV or Parquet"
    return kernel.Unreadable(what, where, "export the rows as one of these")
