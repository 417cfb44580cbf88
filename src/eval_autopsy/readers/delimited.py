"""A table with semicolons, tabs or bars, as spreadsheets of half the world save it."""

from __future__ import annotations

from collections.abc import Iterator

from eval_autopsy import kernel
from eval_autopsy.readers.logs import Aside
from eval_autopsy.readers.opened import Lines
from eval_autopsy.readers.text_table import leniently, rows_of_table, strictly
from eval_autopsy.registry import reader

SEPARATORS = (b";", b"\t", b"|")


def separator(head: bytes) -> bytes:
    """What parts the columns of the first line, when it is no comma; b"" when nothing does."""
    line = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
    if line[:1] in (b"{", b"[", b"<", b"") or b"," in line or b"\0" in line:
        return b""
    found = max(SEPARATORS, key=line.count)
    return found if found in line else b""


@reader("delimited", sniff=lambda head: bool(separator(head)))
def delimited(stream: Lines, name: str) -> Iterator[kernel.Row]:
    """One row for each record of a table with semicolons, tabs or bars; every value is text."""
    return strictly(rows_of_table(stream, name, _sign(stream)))


def delimited_without_damage(stream: Lines, name: str) -> Iterator[kernel.Row | Aside]:
    """The same, with the damaged rows set aside that can be told from their neighbours."""
    return leniently(rows_of_table(stream, name, _sign(stream)))


def _sign(stream: Lines) -> str:
    return separator(stream.head().removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")).decode()
