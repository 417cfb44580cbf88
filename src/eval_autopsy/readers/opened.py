"""Opening a data file ourselves: a regular file, whose first bytes say that it can be data.

No path that a person gives is handed to another library: some take `data[1].jsonl` for a pattern
and `http://...` for a request.
"""

from __future__ import annotations

import difflib
import io
import os
import shlex
import stat
from pathlib import Path
from typing import NamedTuple

from eval_autopsy.errors import CannotRead

HEAD = 2**16  # bytes that a format is recognised by


class Lines(io.BufferedReader):
    """A stream that counts the lines which were taken from it, and keeps the first and the last."""

    path: Path | None = None  # of the file, unless it had to be unpacked
    lines = 0
    taken = 0  # bytes in them
    blank = 0
    first = b""
    last = b""

    def readline(self, size: int | None = -1, /) -> bytes:
        """The next line, at most `size` bytes of it."""
        line = super().readline(size)
        if line:
            self.lines += 1
            self.taken += len(line)
            self.blank += line.isspace() or line == b"\xef\xbb\xbf\n"
            self.last = line
            self.first = self.first or line
        return line

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Goes to a byte; what is read again from the start is counted again from nothing."""
        if offset == 0 and whence == io.SEEK_SET:
            self.lines = self.taken = self.blank = 0
        return super().seek(offset, whence)

    def head(self) -> bytes:
        """The first bytes, which stay to be read."""
        return self.peek(HEAD)[:HEAD]


def open_file(path: Path, name: str) -> Lines:
    """The bytes of a regular file; a folder, a pipe or a device is an error that says so."""
    flags = os.O_RDONLY
    for wanted in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK"):  # a pipe must not keep us waiting
        flags |= getattr(os, wanted, 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise CannotRead("there is no such file", where=name, remedy=_nearby(path)) from None
    except (OSError, ValueError) as error:
        if os.path.isdir(path):  # Windows refuses to open a folder at all
            raise _not_a_file(stat.S_IFDIR, name) from None
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CannotRead(
            f"the file cannot be opened: {reason}", where=name, remedy="check that you may read it"
        ) from None
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise _not_a_file(kind, name)
    stream = Lines(io.FileIO(descriptor), HEAD)
    stream.path = path
    return stream


def _not_a_file(kind: int, name: str) -> CannotRead:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    found = kinds.get(kind, "something else")
    remedy = "name a file in it" if kind == stat.S_IFDIR else "save the data to a file first"
    return CannotRead(f"found {found}, expected a file", where=name, remedy=remedy)


def _nearby(path: Path) -> str:
    """What to do about a missing file: the nearest name in its folder, or the nearest folder."""
    folder = path.parent
    if not os.path.isdir(folder):
        return f"check the folder: {folder} is not there"
    here = sorted(entry.name for entry in folder.iterdir())
    near = difflib.get_close_matches(path.name, here, n=1)
    return f"did you mean {near[0]}?" if near else f"check the name against what is in {folder}"


class Stranger(NamedTuple):
    """A kind of file that is recognised in order to be refused."""

    magic: bytes
    found: str
    remedy: str


EXPORT = "export the rows as JSON Lines, CSV or Parquet"
UNPACK = "unpack it and name the file inside"
UNSAFE = f"loading it would run code that it holds; {EXPORT} where it came from"

STRANGERS = (
    Stranger(
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, which stands for the data",
        "run `git lfs pull`",
    ),
    Stranger(b"PK\x03\x04", "a zip archive (or an Excel or torch file)", UNPACK),
    Stranger(b"PK\x05\x06", "an empty zip archive", UNPACK),
    Stranger(b"SQLite format 3\0", "an SQLite database", EXPORT),
    Stranger(b"\x93NUMPY", "a NumPy array", UNSAFE),
    Stranger(b"\x89HDF\r\n", "an HDF5 file", EXPORT),
    Stranger(b"BZh", "a bzip2 file", UNPACK),
    Stranger(b"\xfd7zXZ\0", "an xz file", UNPACK),
    Stranger(b"7z\xbc\xaf", "a 7-Zip archive", UNPACK),
    Stranger(b"\x04\x22\x4d\x18", "an lz4 file", UNPACK),
    Stranger(b"FEA1", "a Feather file of version 1", EXPORT),
    Stranger(b"PARE", "an encrypted Parquet file", "decrypt it first"),
    Stranger(b"ORC", "an ORC file", EXPORT),
    Stranger(b"Obj\x01", "an Avro file", EXPORT),
    Stranger(b"%PDF-", "a PDF document", EXPORT),
    Stranger(b"\xff\xfe\0\0", "text in UTF-32", "save the file as UTF-8"),
    Stranger(b"\0\0\xfe\xff", "text in UTF-32", "save the file as UTF-8"),
    # Protocol 2 to 5 of pickle, which torch, joblib and scikit-learn files begin with as well.
    *(Stranger(bytes([0x80, version]), "a Python pickle", UNSAFE) for version in range(2, 6)),
)

PICKLE_NAMES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".npy", ".npz")


def refuse_strangers(head: bytes, name: str) -> None:
    """Raises CannotRead, saying what the file is, when its first bytes are not those of data."""
    if not head:
        raise CannotRead("the file is empty", where=name, remedy="check how it was written")
    if len(head) < HEAD and head.isspace():
        what = "there are no records in the file, only white space"
        raise CannotRead(what, where=name, remedy="check how it was written")
    if head == b"\xef\xbb\xbf":
        raise CannotRead("the file holds a byte order mark only", where=name, remedy=EXPORT)
    for stranger in STRANGERS:
        if head.startswith(stranger.magic):
            raise CannotRead(f"found {stranger.found}", where=name, remedy=stranger.remedy)
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        page = b"html" in start
        raise CannotRead(
            "found an HTML page, perhaps the answer of a server that refused"
            if page
            else "found an XML document",
            where=name,
            remedy="fetch the data again and look at what comes" if page else EXPORT,
        )
    if _looks_like_utf16(head):
        order = "UTF-16BE" if head[0] == 0 else "UTF-16LE"
        what = f"found text in {order} without a byte order mark"
        remedy = f"convert it: iconv -f {order} -t UTF-8 {shlex.quote(name)} > NEW_FILE"
        raise CannotRead(what, where=name, remedy=remedy)
    if name.lower().endswith(PICKLE_NAMES):
        raise CannotRead(
            f"found a file named as a Python object ({Path(name).suffix})",
            where=name,
            remedy=UNSAFE,
        )


def _looks_like_utf16(head: bytes) -> bool:
    """Whether every other byte of the start is NUL, as in UTF-16 without a byte order mark."""
    start = head[:64]
    halves = start[::2], start[1::2]
    return len(start) >= 8 and any(set(half) == {0} for half in halves) and any(map(any, halves))
