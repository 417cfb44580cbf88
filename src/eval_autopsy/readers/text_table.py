"""Tables of text, in which one damaged row need not be the end.

1. A damaged row is set aside where it is certain where the next one begins: it stands on one line,
   and its quotes are closed there. So is a last line that is cut off.
2. Where that is not certain, reading stops. A quote that is never closed makes one cell of all rows
   to the next quote, and nothing in the file says how many they were.
3. Of a table without damage this gives what the kernel gives.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.readers.logs import Aside

MARK = b"\xef\xbb\xbf"  # that some programs write before UTF-8


class Damaged(NamedTuple):
    """A row that cannot be used: the error about it, the line and the byte that it begins at."""

    error: kernel.Unreadable
    at: int
    byte: int

    def aside(self) -> Aside:
        """The row as one that is set aside."""
        return Aside(self.at, self.error.what, self.byte)


class TableLines(Iterator[str]):
    """The lines of a table as text, and where the row that is being read begins and ends."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name = stream, name
        self.number = 0  # of the last line
        self._taken = 0  # bytes
        self.begin()

    def begin(self) -> None:
        """The next line begins a row."""
        self.first, self.byte = self.number + 1, self._taken
        self.raw = b""  # of its last line
        self.bad = ""  # what is wrong with its bytes

    @property
    def where(self) -> str:
        return f"{self._name}:{self.first}"

    def header(self, sign: str = ",") -> list[str]:
        """The cells of the first line; raises Unreadable when it cannot be one."""
        csv.field_size_limit(kernel.LINE_LIMIT)
        try:
            found = next(csv.reader(self, delimiter=sign, strict=True), [])
        except csv.Error as error:
            raise _unparsed(self, error) from None
        if self.bad:
            raise kernel.Unreadable(self.bad, self.where, "save the file as UTF-8")
        if not found and self.raw:
            what = "the first line is blank, expected the names of the columns"
            raise kernel.Unreadable(what, self.where, "remove the blank lines above them")
        return found

    def __next__(self) -> str:
        raw = self._stream.readline(kernel.LINE_LIMIT + 1)
        if not raw:
            raise StopIteration
        self.number += 1
        self._taken += len(raw)
        if len(raw) > kernel.LINE_LIMIT:
            what = f"a line of more than {kernel.LINE_LIMIT // 2**20} MiB"
            raise kernel.Unreadable(what, f"{self._name}:{self.number}", "write one record a line")
        self.raw = raw
        if b"\0" in raw:
            self.bad = self.bad or "a NUL byte, which is not text"
        return self._text(raw.removeprefix(MARK) if self.number == 1 else raw)

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"byte {error.start + 1} is {raw[error.start]:#04x}, which is not UTF-8"
            self.bad = self.bad or found
        return raw.decode("utf-8", errors="replace")  # its commas and quotes are what they are


def rows_of_table(
    stream: BinaryIO, name: str, sign: str = ",", unnamed: str = ""
) -> Iterator[kernel.Row | Damaged]:
    """The rows of a table whose columns `sign` parts, and those that are damaged.

    Every value is text. A first column without a name, as of an index, is called `unnamed`. Raises
    Unreadable for a header that cannot be used, and at damage that may be of more than one row.
    """
    lines = TableLines(stream, name)
    header = lines.header(sign)
    if header[:1] == [""]:
        header[0] = unnamed
    if len(set(header)) < len(header) or "" in header:
        twice = next((key for key in header if key and header.count(key) > 1), "")
        what = f"the column {twice!r} stands twice" if twice else "a column has no name"
        raise kernel.Unreadable(what, lines.where, "give each column a name of its own")
    for found in cells_of(lines, len(header), sign):
        if isinstance(found, Damaged):
            yield found
        else:
            yield kernel.Row(found.at, dict(zip(header, found.cells, strict=True)))


class Cells(NamedTuple):
    """The cells of a row, and the line that it begins on."""

    at: int
    cells: list[str]


def cells_of(lines: TableLines, width: int, sign: str = ",") -> Iterator[Cells | Damaged]:
    """The rows after the header, of `width` cells each; blank lines are passed over."""
    rows = csv.reader(lines, delimiter=sign, strict=True)
    cells: list[str] | None = []
    while cells is not None:
        lines.begin()
        damage: kernel.Unreadable | None = None
        try:
            cells = next(rows, None)
        except csv.Error as error:
            cells, damage = [], _unparsed(lines, error)
            # A new one, for what a reader does after an error is said nowhere.
            rows = csv.reader(lines, delimiter=sign, strict=True)
        if cells and damage is None:
            damage = _misshapen(lines, cells, width, sign)
        if damage is not None:
            yield Damaged(damage, lines.first, lines.byte)
        elif cells:
            yield Cells(lines.first, cells)


def strictly(rows: Iterator[kernel.Row | Damaged]) -> Iterator[kernel.Row]:
    """The rows up to the first that is damaged, which raises its error."""
    for row in rows:
        if isinstance(row, Damaged):
            raise row.error
        yield row


def leniently(rows: Iterator[kernel.Row | Damaged]) -> Iterator[kernel.Row | Aside]:
    """The rows, those that are damaged set aside; raises the first error when no row is right."""
    first: kernel.Unreadable | None = None
    readable = False
    for row in rows:
        if isinstance(row, Damaged):
            first = first or row.error
            yield row.aside()
        else:
            readable = True
            yield row
    if first is not None and not readable:
        raise first


def _unparsed(lines: TableLines, error: csv.Error) -> kernel.Unreadable:
    """What is wrong with a row that cannot be taken apart; raised when it may be several."""
    remedy = "check its quotes and line ends"
    inside = lines.raw.rstrip(b"\r\n")
    what = f"not a table: {error}"
    if b"\r" in inside and "new-line" in str(error):
        what = "a carriage return in the middle of the line, outside of quotes"
    found = kernel.Unreadable(what, lines.where, remedy)
    if lines.number > lines.first:
        what = f"a quote is opened and not closed: lines {lines.first} to {lines.number} are inside"
        raise kernel.Unreadable(what, lines.where, "close it, or export the table again") from None
    open_quote = inside.count(b'"') % 2 == 1 and not str(error).startswith("unexpected end")
    if open_quote or b"\r" in inside:
        raise found from None
    return found


def _misshapen(
    lines: TableLines, cells: list[str], expected: int, sign: str
) -> kernel.Unreadable | None:
    """What is wrong with a row's cells or bytes, if anything; raised when it may be several."""
    what = lines.bad
    remedy = "save the file as UTF-8"
    if len(cells) != expected:
        what, remedy = f"found {len(cells)} cells, expected {expected}", _quote(sign)
    if not what:
        return None
    if lines.number > lines.first:
        what += f", in a row that goes on from line {lines.first} to {lines.number}"
        raise kernel.Unreadable(what, lines.where, "check its quotes")
    return kernel.Unreadable(what, lines.where, remedy)


def _quote(sign: str) -> str:
    return "quote its commas" if sign == "," else f"quote the cells that hold {sign!r}"
