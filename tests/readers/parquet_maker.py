"""The smallest Parquet file there is, written out by hand, so that each part can be made wrong.

One row group with one column of 32-bit integers, in one page, plain and uncompressed. The layout
is that of the format's specification; Thrift's compact protocol is written as far as it is used.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

INTEGER, BINARY, LIST, STRUCT = 5, 8, 9, 12


def unsigned(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def signed(number: int) -> bytes:
    return unsigned(number * 2 if number >= 0 else -number * 2 - 1)


def value(of: object) -> tuple[int, bytes]:
    """The kind and the bytes of an integer, a text, a list or a struct (a dict by number)."""
    if isinstance(of, int):
        return INTEGER, signed(of)
    if isinstance(of, str):
        return BINARY, unsigned(len(of)) + of.encode()
    if isinstance(of, list):
        kind = value(of[0])[0]
        return LIST, bytes([len(of) << 4 | kind]) + b"".join(value(item)[1] for item in of)
    assert isinstance(of, dict)
    out, before = b"", 0
    for number, inside in of.items():
        kind, raw = value(inside)
        out += bytes([(number - before) << 4 | kind]) + raw
        before = number
    return STRUCT, out + b"\0"


@dataclass
class Maker:
    """What the file says of itself; every field can be made wrong."""

    numbers: tuple[int, ...] = (1, 2, 3)
    checksum: bool = True
    page_values: int | None = None
    chunk_values: int | None = None
    page_size: int | None = None
    start: int = 4
    file_path: str | None = None

    def page(self) -> bytes:
        body = b"".join(number.to_bytes(4, "little") for number in self.numbers)
        size = len(body) if self.page_size is None else self.page_size
        count = len(self.numbers) if self.page_values is None else self.page_values
        crc = zlib.crc32(body)
        about: dict[int, object] = {1: 0, 2: size, 3: size}
        if self.checksum:
            about[4] = crc - 2**32 if crc >= 2**31 else crc
        about[5] = {1: count, 2: 0, 3: 3, 4: 3}
        return value(about)[1] + body

    def footer(self, size: int) -> bytes:
        count = len(self.numbers) if self.chunk_values is None else self.chunk_values
        about = {1: 1, 2: [0, 3], 3: ["id"], 4: 0, 5: count, 6: size, 7: size, 9: self.start}
        column: dict[int, object] = {1: self.file_path} if self.file_path else {}
        column |= {2: self.start, 3: about}
        schema = [{4: "root", 5: 1}, {1: 1, 3: 0, 4: "id"}]
        rows = len(self.numbers)
        group = {1: [column], 2: size, 3: rows}
        return value({1: 1, 2: schema, 3: rows, 4: [group]})[1]

    def file(self) -> bytes:
        page = self.page()
        footer = self.footer(len(page))
        return b"PAR1" + page + footer + len(footer).to_bytes(4, "little") + b"PAR1"
