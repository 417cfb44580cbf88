"""Text in UTF-16 as UTF-8, for the readers, which know no other.

Excel's "Unicode Text" and PowerShell's `>` write UTF-16, and begin it with a byte order mark.
Without one it is not read, for the order of the bytes would be guessed. Line ends stay as they are,
so that the lines have the same numbers. What is no UTF-16 is an error with its line: nothing is put
in its place.
"""

from __future__ import annotations

import codecs
import io
from typing import Any

from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.opened import HEAD, Lines

MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def encoding_of(head: bytes) -> str:
    """The encoding that a byte order mark says, "utf-16-le" or "utf-16-be"; "" of all else."""
    if head.startswith(codecs.BOM_UTF32_LE):  # which begins with the mark of UTF-16
        return ""
    return MARKS.get(head[:2], "")


def as_utf8(stream: Lines, encoding: str, name: str) -> Lines:
    """The lines of a stream in UTF-16, in UTF-8 and without the mark; closing it closes the stream.

    Raises CannotRead, where it is read, for bytes that are no UTF-16.
    """
    return Lines(_Recoded(stream, encoding, name), HEAD)


class _Recoded(io.RawIOBase):
    """The bytes of a text in UTF-8, made as they are asked for."""

    def __init__(self, stream: Lines, encoding: str, name: str) -> None:
        self._stream, self._encoding, self._name = stream, encoding, name
        self._begin()

    def _begin(self) -> None:
        self._stream.seek(len(codecs.BOM_UTF16_LE))
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._ready = b""  # and not given yet
        self._given = 0
        self._ended = False
        self._line = 1  # that the next character is on

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._ready and not self._ended:
            self._ready = self._next()
        given = self._ready[: len(buffer)]
        buffer[: len(given)] = given
        self._ready = self._ready[len(given) :]
        self._given += len(given)
        return len(given)

    def _next(self) -> bytes:
        """The next piece, which is empty where a character is not complete yet."""
        chunk = self._stream.read(HEAD)
        self._ended = not chunk
        try:
            text = self._decoder.decode(chunk, self._ended)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(self._encoding)
            line = self._line + before.count("\n")
            what = f"the text is not {self._encoding.upper()}, which its first bytes say: "
            what += error.reason
            where = f"{self._name}:{line}"
            raise CannotRead(what, where=where, remedy="write the file again") from None
        self._line += text.count("\n")
        return text.encode("utf-8")

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Goes to a byte of the UTF-8; going back means reading again from the beginning."""
        if whence == io.SEEK_CUR:
            offset += self._given
        elif whence == io.SEEK_END:
            while self.read(HEAD):
                pass
            offset += self._given
        if offset < self._given:
            self._begin()
        while self._given < offset and self.read(min(HEAD, offset - self._given)):
            pass
        return self._given

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
