"""What gzip and Zstandard files hold, as a stream that ends where it should or raises.

Decompressed bytes are bounded in all, and against the bytes they came from, so that a small file
cannot fill the machine. A checksum that is wrong and a file that is cut off are errors, also where
a Zstandard file is cut at the end of a block, which many readers take for its end.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.opened import HEAD, Lines

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}

RATIO_LIMIT = 500  # bytes out for each byte in; log files come to 10 to 100
RATIO_GRACE = 64 * 2**20  # bytes out before the ratio counts


def kind_of(head: bytes, name: str) -> str:
    """How a file is packed, "gzip", "zstd" or "", by its first bytes.

    A name that says it is packed when it is not is an error.
    """
    # A Zstandard file may begin with skippable frames, whose first byte is one of sixteen.
    skippable = head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F
    found = "gzip" if head[:2] == GZIP else "zstd" if head[:4] == ZSTD or skippable else ""
    said = next((kind for end, kind in SUFFIXES.items() if name.lower().endswith(end)), "")
    if said and not found and head:
        raise CannotRead(
            f"the name says {said}, and the file does not begin as one",
            where=name,
            remedy="give it the name of what it holds, or compress it",
        )
    return found


def decompressed(stream: Lines, kind: str, name: str) -> Lines:
    """The lines of what a "gzip" or "zstd" stream holds; closing it closes the stream."""
    return Lines(_Bounded(stream, kind, name), HEAD)


class _Bounded(io.RawIOBase):
    """Decompressed bytes; too many, cut off or damaged ones raise CannotRead."""

    def __init__(self, packed: Lines, kind: str, name: str) -> None:
        self._packed, self._kind, self._name = packed, kind, name
        self._plain = (
            gzip.GzipFile(fileobj=packed) if kind == "gzip" else zstd_module().ZstdFile(packed)
        )
        self._given = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Goes to a byte of what is held; going back means unpacking again."""
        self._given = self._plain.seek(offset, whence)
        return self._given

    def readinto(self, buffer: Any, /) -> int:
        try:
            given = self._plain.readinto(buffer)
        except EOFError:
            raise self._wrong("the file is cut off", "copy or write it again") from None
        except (OSError, zlib.error, zstd_module().ZstdError) as error:
            what = f"the {self._kind} data is damaged: {error}"
            raise self._wrong(what, "copy or write it again") from None
        self._given += given
        self._check_size()
        return given

    def _check_size(self) -> None:
        taken = max(1, self._packed.tell())
        too_dense = self._given > RATIO_GRACE and self._given > RATIO_LIMIT * taken
        if too_dense or self._given > kernel.FILE_LIMIT:
            what = f"{taken:,} bytes hold more than {self._given:,}, which looks like a trap"
            raise self._wrong(what, "decompress it yourself if you trust it, and split it")

    def _wrong(self, what: str, remedy: str) -> CannotRead:
        return CannotRead(what, where=self._name, remedy=remedy)

    def close(self) -> None:
        if not self.closed:
            self._plain.close()
            self._packed.close()
        super().close()


def zstd_module() -> Any:
    """The module for Zstandard: the standard library's, or its backport before Python 3.14."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
