"""A table with semicolons, tabs or bars, as spreadsheets of half the world save it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO

from eval_autopsy import kernel
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
def delimited(stream: BinaryIO, name: str) -> Iterator[kernel.Row]:
    """One row for each record of a table with semicolons, tabs or bars; every value is text."""
    first = stream.readline(kernel.LINE_LIMIT)
    sign = separator(first).decode()
    header = next(csv.reader([line_text(first, f"{name}:1")], delimiter=sign))
    if len(set(header)) < len(header) or "" in header:
        what = "a column stands twice, or has no name"
        raise kernel.Unreadable(what, f"{name}:1", "give each column a name of its own")
    rows = csv.reader(text_lines(stream, name), delimiter=sign, strict=True)
    line = 2
    try:
        for cells in rows:
            if cells and len(cells) != len(header):
                what = f"found {len(cells)} cells, expected {len(header)}"
                remedy = f"quote the cells that hold {sign!r}"
                raise kernel.Unreadable(what, f"{name}:{line}", remedy)
            if cells:
                yield kernel.Row(line, dict(zip(header, cells, strict=True)))
            line = rows.line_num + 2
    except csv.Error as error:
        remedy = "check its quotes and line ends"
        raise kernel.Unreadable(f"not a table: {error}", f"{name}:{line}", remedy) from None


def text_lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a table after its first, as text; one that is too long is an error."""
    csv.field_size_limit(kernel.LINE_LIMIT)
    number = 1
    while raw := stream.readline(kernel.LINE_LIMIT + 1):
        number += 1
        if len(raw) > kernel.LINE_LIMIT:
            what = f"a line of more than {kernel.LINE_LIMIT // 2**20} MiB"
            raise kernel.Unreadable(what, f"{name}:{number}", "write one record a line")
        yield line_text(raw, f"{name}:{number}")


def line_text(raw: bytes, where: str) -> str:
    """The text of a line in UTF-8, without a mark at its beginning."""
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"byte {error.start + 1} is {raw[error.start]:#04x}, which is not UTF-8"
        raise kernel.Unreadable(what, where, "save the file as UTF-8") from None
