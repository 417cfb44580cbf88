"""Whether the pages of a Parquet file are where its footer says, and unharmed.

Readers take a page with a flipped bit as it comes: three in four such flips change values without
a word. Where a writer stored the CRC-32 of its pages it is checked here; where it did not, the
sizes and the numbers of values are all that can be. The layout is that of the Parquet format's
specification, `parquet.thrift`, in Thrift's compact protocol.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from eval_autopsy import kernel

Struct = dict[int, Any]  # a Thrift struct: field number -> value

DEPTH_LIMIT = 32  # of structs and lists inside one another; the format needs 8
INTEGERS = {4, 5, 6}  # i16, i32, i64: all zigzag variable-length
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12


class _Damaged(Exception):
    """Bytes that are not what the format has there."""


class Thrift:
    """A cursor on bytes in the compact protocol."""

    def __init__(self, raw: bytes, at: int) -> None:
        self.raw, self.at = raw, at

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size < 0 or self.at + size > len(self.raw):
            raise _Damaged("a length points past the end")
        self.at += size
        return self.raw[self.at - size : self.at]

    def unsigned(self) -> int:
        """A variable-length number: seven bits a byte, the lowest first."""
        number = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
        raise _Damaged("a number does not end")

    def signed(self) -> int:
        """A number in zigzag: 0, -1, 1, -2, ..."""
        number = self.unsigned()
        return (number >> 1) ^ -(number & 1)

    def struct(self, depth: int = 0) -> Struct:
        """The fields of a struct by number."""
        return dict(self.fields(depth))

    def fields(self, depth: int = 0) -> Iterator[tuple[int, Any]]:
        """The fields of a struct, one after the other: their numbers and values."""
        if depth > DEPTH_LIMIT:
            raise _Damaged("nested too deeply")
        number = 0
        while byte := self.take(1)[0]:
            number = number + (byte >> 4) if byte >> 4 else self.signed()
            yield number, self.value(byte & 15, depth)

    def value(self, kind: int, depth: int) -> Any:
        """The next value of a kind; a boolean field has its value in its kind."""
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind in INTEGERS:
            return self.signed()
        if kind in (LIST, SET):
            return self.items(depth + 1)
        if kind == STRUCT:
            return self.struct(depth + 1)
        if kind == BINARY:
            return self.take(self.unsigned())
        if kind in (BYTE, DOUBLE):
            return self.take(1 if kind == BYTE else 8)
        raise _Damaged(f"there is no type {kind}")  # the format has no maps

    def items(self, depth: int) -> list[Any]:
        """The items of a list."""
        head = self.take(1)[0]
        size = head >> 4 if head >> 4 < 15 else self.unsigned()
        kind = head & 15
        if size > len(self.raw):  # an item takes a byte at least
            raise _Damaged("a list is longer than the file")
        if kind in (TRUE, FALSE):
            return [byte == TRUE for byte in self.take(size)]
        return [self.value(kind, depth) for _ in range(size)]


class Chunk(NamedTuple):
    """One column of one row group: where its pages are and how many values they hold."""

    name: str
    start: int
    size: int
    values: int


def check_pages(raw: bytes, name: str) -> list[int]:
    """How many values each column has, in the order of the file; nulls and empty lists count.

    Raises Unreadable when a page of the Parquet file is damaged, naming its column.
    """
    column = ""
    values: dict[str, int] = {}
    try:
        for chunk in _chunks(_footer(raw)):
            column = chunk.name
            _check_chunk(raw, chunk)
            values[column] = values.get(column, 0) + chunk.values
    except (_Damaged, LookupError, TypeError, AttributeError, ValueError) as error:
        reason = str(error) if isinstance(error, _Damaged) else "its description is incomplete"
        where = f"{name}: {column}" if column else name
        what = f"the Parquet file is damaged: {reason}"
        raise kernel.Unreadable(what, where, "copy or write it again") from None
    return list(values.values())


def start_of_footer(stream: BinaryIO, size: int) -> bytes:
    """The first `size` bytes of a Parquet file's footer; b"" when there is none, or no way back."""
    if not stream.seekable():
        return b""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - 8))
    length = int.from_bytes(stream.read(4), "little")
    stream.seek(max(0, end - 8 - length))
    found = stream.read(min(length, size))
    stream.seek(0)
    return found


def column_names(footer: bytes) -> list[str]:
    """The names of the outermost columns, from the start of a footer; none when it is damaged."""
    try:
        fields = Thrift(footer, 0).fields()
        root, *rest = next(value for number, value in fields if number == 2)
        return list(_outermost(rest, root[5]))
    except (_Damaged, StopIteration, LookupError, TypeError, ValueError):
        return []


def _outermost(elements: list[Struct], count: int) -> Iterator[str]:
    """The names of `count` columns; each is followed by those inside it, which are passed over."""
    at = 0
    for _ in range(count):
        yield elements[at][4].decode()
        inside = 1
        while inside:
            inside += elements[at].get(5, 0) - 1
            at += 1


def _footer(raw: bytes) -> Struct:
    size = int.from_bytes(raw[-8:-4], "little")
    if size + 12 > len(raw):
        raise _Damaged("its footer is larger than the file")
    return Thrift(raw[: len(raw) - 8], len(raw) - 8 - size).struct()


def _chunks(footer: Struct) -> list[Chunk]:
    """The column chunks that a footer lists; a file whose data lies elsewhere is refused."""
    found = []
    for group in footer[4]:
        for column in group[1]:
            if 1 in column:
                raise _Damaged("its data lies in another file")
            about = column[3]
            # Some writers give 0 for a dictionary that is not there.
            start = min(about[9], about.get(11) or about[9])
            name = ".".join(part.decode() for part in about[3])
            found.append(Chunk(name, start, about[7], about[5]))
    return found


def _check_chunk(raw: bytes, chunk: Chunk) -> None:
    end = chunk.start + chunk.size
    if chunk.start < 4 or end > len(raw):
        raise _Damaged("a column points outside the file")
    cursor = Thrift(raw[:end], chunk.start)
    values = 0
    while cursor.at < end:
        header = cursor.struct()
        body = cursor.take(header[3])
        if 4 in header and zlib.crc32(body) != header[4] % 2**32:
            raise _Damaged("a page does not have its checksum")
        about = header.get(5) or header.get(8) or {}  # a data page of version 1 or 2
        values += about.get(1, 0)
    if values != chunk.values:
        raise _Damaged(f"its pages hold {values} values, expected {chunk.values}")
