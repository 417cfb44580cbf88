"""What the messages of an Arrow file say that they become in memory, read before any is unpacked.

A compressed buffer begins with its length once unpacked, and a column of nulls takes no bytes at
all, so that a small file can stand for more than memory holds. The layout is that of the Arrow
format's `Message.fbs` and `File.fbs`, in FlatBuffers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from eval_autopsy import kernel
from eval_autopsy.readers.parquet import CELL_LIMIT

UNPACKED_LIMIT = 2 * kernel.FILE_LIMIT  # bytes
DICTIONARY_BATCH, RECORD_BATCH = 2, 3  # kinds of messages
CONTINUATION = 0xFFFFFFFF


class Table(NamedTuple):
    """A FlatBuffers table: the bytes that it is in, and its place in them."""

    raw: memoryview
    at: int

    def field(self, number: int) -> int | None:
        """The place of a field; None when the table does not have it."""
        index = self.at - _number("<i", self.raw, self.at)
        if 4 + 2 * number >= _number("<H", self.raw, index):
            return None
        offset = _number("<H", self.raw, index + 4 + 2 * number)
        return self.at + offset if offset else None

    def whole(self, number: int, kind: str) -> int:
        """The whole number in a field, 0 when it is not there."""
        place = self.field(number)
        return 0 if place is None else _number(kind, self.raw, place)

    def table(self, number: int) -> Table | None:
        """The table that a field points to."""
        place = self.field(number)
        return None if place is None else Table(self.raw, place + _number("<I", self.raw, place))

    def structs(self, number: int, kind: str) -> Iterator[tuple[int, ...]]:
        """The structs of the vector that a field points to."""
        vector = self.table(number)
        if vector is not None:
            for item in range(_number("<I", self.raw, vector.at)):
                yield struct.unpack_from(
                    kind, self.raw, vector.at + 4 + item * struct.calcsize(kind)
                )


def _number(kind: str, raw: memoryview, at: int) -> int:
    return int(struct.unpack_from(kind, raw, at)[0])


def check_sizes(raw: bytes, is_file: bool, columns: int, name: str) -> None:
    """Raises Unreadable when the batches have more cells, or become more bytes, than fit."""
    rows = unpacked = 0
    view = memoryview(raw)
    try:
        for message, body in _in_file(view) if is_file else _in_stream(view):
            batch = message.table(2)
            if message.whole(1, "<B") == DICTIONARY_BATCH and batch is not None:
                batch = batch.table(1)
            if batch is not None and message.whole(1, "<B") in (DICTIONARY_BATCH, RECORD_BATCH):
                rows += batch.whole(0, "<q")
                unpacked += _unpacked(batch, view, body)
    except (struct.error, OverflowError):
        what = "the Arrow file is damaged: a length points past the end"
        raise kernel.Unreadable(what, name, "copy or write it again") from None
    if rows * columns > CELL_LIMIT or unpacked > UNPACKED_LIMIT:
        what = f"{rows:,} rows of {columns:,} columns, more than fit in memory"
        raise kernel.Unreadable(what, name, "export a part of it")


def _unpacked(batch: Table, view: memoryview, body: int) -> int:
    """The bytes that the buffers of a batch become; 0 when they are not compressed."""
    if batch.table(3) is None:
        return 0
    sizes = (
        _number("<q", view, body + offset)
        for offset, length in batch.structs(2, "<qq")
        if length >= 8
    )
    return sum(max(0, size) for size in sizes)


def _in_file(view: memoryview) -> Iterator[tuple[Table, int]]:
    """The messages that the footer lists, each with the place of its body."""
    length = _number("<i", view, len(view) - 10)
    footer = view[len(view) - 10 - length : len(view) - 10]
    root = Table(footer, _number("<I", footer, 0))
    for field in (2, 3):
        for offset, head, _ in root.structs(field, "<qi4xq"):
            first = _number("<I", view, offset)
            begins = offset + (8 if first == CONTINUATION else 4)
            yield Table(view, begins + _number("<I", view, begins)), offset + head


def _in_stream(view: memoryview) -> Iterator[tuple[Table, int]]:
    """The messages of a stream, each with the place of its body."""
    at = 0
    while length := _number("<i", view, at + 4):
        message = Table(view, at + 8 + _number("<I", view, at + 8))
        body = at + 8 + length
        yield message, body
        at = body + message.whole(3, "<q")
