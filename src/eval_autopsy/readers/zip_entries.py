"""The entries of a zip archive, read one at a time, in bounded memory, and never extracted.

1. The standard library reads the list of entries; their bytes are unpacked here, because before
   Python 3.14 it knows no Zstandard, and unpacks as much at once as an entry pleases.
2. An archive is refused when a name leads out of it, stands twice or is encrypted.
3. What comes out is bounded against the size of the archive, as for other packed files.
4. An entry that is damaged, cut off, or not as long as the list says is `kernel.Unreadable`: the
   others can still be read.

Source: APPNOTE.TXT of PKWARE, 4.3.7 (the header before an entry) and 4.4.5 (methods).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.compressed import RATIO_GRACE, RATIO_LIMIT, zstd_module
from eval_autopsy.readers.opened import Lines

MAGIC = b"PK\x03\x04"
LOCAL = struct.Struct("<4s22xHH")  # magic, length of the name, length of what is beside it
STORED, DEFLATED, ZSTANDARD = 0, 8, 93
ENCRYPTED = 1
CHUNK = 2**16  # bytes at a time


class Archive:
    """The entries of a zip archive that is open as a stream, by name, in the order they stand in.

    Raises Unreadable when there is no list of entries, and CannotRead when it is not to be trusted.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        if isinstance(stream, Lines) and stream.path is None:
            what = "found a zip archive inside another packed file"
            raise CannotRead(what, where=name, remedy="unpack the outer one")
        self._stream, self._name = stream, name
        self._size = stream.seek(0, io.SEEK_END)
        self._given = 0
        self._entries = {one.filename: one for one in _listed(stream, name)}

    def __contains__(self, entry: str) -> bool:
        return entry in self._entries

    def names(self) -> list[str]:
        """The names of all entries."""
        return list(self._entries)

    def open(self, entry: str) -> BinaryIO:
        """The bytes of an entry; reading to the end checks that they are all there, and right."""
        return io.BufferedReader(_Entry(self, self._entries[entry]), CHUNK)

    def where(self, entry: str) -> str:
        """What to call an entry by in messages."""
        return f"{self._name}: {entry}"

    def unpacked(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        """What an entry holds, in chunks."""
        packed = _Packed(self._stream, self._begins(entry), entry.compress_size)
        if entry.compress_type not in METHODS:
            what = f"it is packed by method {entry.compress_type}, which is not known"
            raise kernel.Unreadable(what, self.where(entry.filename), "pack it with Zstandard")
        try:
            for chunk in METHODS[entry.compress_type](packed):
                self._given += len(chunk)
                self._check_size()
                yield chunk
        except EOFError:
            raise self.damaged(entry, "it is cut off") from None
        except (OSError, zlib.error, zstd_module().ZstdError) as error:
            raise self.damaged(entry, f"it is damaged: {error}") from None

    def damaged(self, entry: zipfile.ZipInfo, what: str) -> kernel.Unreadable:
        """The error about an entry that cannot be used."""
        return kernel.Unreadable(what, self.where(entry.filename), "copy or write the file again")

    def _begins(self, entry: zipfile.ZipInfo) -> int:
        """Where the bytes of an entry begin, behind a header that must be about that entry."""
        self._stream.seek(entry.header_offset)
        head = self._stream.read(LOCAL.size)
        magic, length, beside = LOCAL.unpack(head) if len(head) == LOCAL.size else (b"", 0, 0)
        encoding = "utf-8" if entry.flag_bits & 0x800 else "cp437"
        if magic != MAGIC or self._stream.read(length) != entry.orig_filename.encode(encoding):
            raise self.damaged(entry, "it is not where the list of entries says")
        return int(entry.header_offset + LOCAL.size + length + beside)

    def _check_size(self) -> None:
        if self._given > RATIO_GRACE and self._given > RATIO_LIMIT * self._size:
            what = f"{self._size:,} bytes hold more than {self._given:,}, which looks like a trap"
            raise CannotRead(what, where=self._name, remedy="unpack it yourself if you trust it")


def _listed(stream: BinaryIO, name: str) -> list[zipfile.ZipInfo]:
    """The list of entries, once no name in it is a trap."""
    try:
        with zipfile.ZipFile(stream) as archive:
            listed = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        what = f"the archive is cut off or damaged: {str(error).rstrip('.')}"
        raise kernel.Unreadable(what, name, "copy or write it again") from None
    seen: set[str] = set()
    for entry in listed:
        if trick := _trick(entry, seen):
            what = f"the archive has an entry {entry.orig_filename[:80]!r}, {trick}"
            raise CannotRead(what, where=name, remedy="do not trust it; write it again")
        seen.add(entry.filename)
    return listed


def _trick(entry: zipfile.ZipInfo, seen: set[str]) -> str:
    """What is wrong with an entry, or ""."""
    path = entry.orig_filename.replace("\\", "/")
    if path.startswith("/") or ".." in path.split("/") or path[1:3] == ":/":
        return "whose name leads out of it"
    if "\0" in path:
        return "whose name goes on after its end"
    if entry.filename in seen:
        return "which stands twice"
    return "which is encrypted" if entry.flag_bits & ENCRYPTED else ""


class _Packed(io.RawIOBase):
    """Some of a stream's bytes; reads elsewhere in the stream do not disturb it."""

    def __init__(self, stream: BinaryIO, begins: int, length: int) -> None:
        self._stream, self._at, self._end = stream, begins, begins + length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._stream.seek(self._at)
        chunk = self._stream.read(min(len(buffer), self._end - self._at))
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)


class _Entry(io.RawIOBase):
    """The bytes of one entry, whose length and checksum must be those of the list."""

    def __init__(self, archive: Archive, entry: zipfile.ZipInfo) -> None:
        self._archive, self._entry = archive, entry
        self._chunks = archive.unpacked(entry)
        self._left, self._length, self._checksum = b"", 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._left:
            self._left = next(self._chunks, b"")
            self._length += len(self._left)
            self._checksum = zlib.crc32(self._left, self._checksum)
            listed = self._entry.file_size, self._entry.CRC
            if not self._left and (self._length, self._checksum) != listed:
                raise self._archive.damaged(self._entry, "it is damaged: its checksum is wrong")
        given, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)


def _stored(packed: _Packed) -> Iterator[bytes]:
    while chunk := packed.read(CHUNK):
        yield chunk


def _inflated(packed: _Packed) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    while not unpacker.eof:
        taken = unpacker.unconsumed_tail or packed.read(CHUNK)
        chunk = unpacker.decompress(taken or b"", CHUNK)
        if not chunk and not taken:
            raise EOFError
        if chunk:
            yield chunk


def _of_frames(packed: _Packed) -> Iterator[bytes]:
    with zstd_module().ZstdFile(packed) as frames:  # of which an entry may have several
        while chunk := frames.read(CHUNK):
            yield chunk


METHODS = {STORED: _stored, DEFLATED: _inflated, ZSTANDARD: _of_frames}
