"""From a path to rows: open, unpack, recognise, read, and count what was read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from eval_autopsy import kernel, registry
from eval_autopsy.errors import AutopsyError, CannotRead
from eval_autopsy.readers import compressed
from eval_autopsy.readers.opened import Lines, open_file, refuse_strangers
from eval_autopsy.readers.trouble import explain
from eval_autopsy.registry import Entry, Reader

KERNEL_LAYOUTS = ("jsonl", "json", "csv")
UNITS = {"jsonl": "", "csv": "", "json": "item"}  # what a row's number counts, when not lines


class DataFile(NamedTuple):
    """What a data file turned out to be.

    The kernel reads it by itself when `converted_from` is "". Otherwise only its rows can be kept,
    as JSON Lines, which is then the `layout`.
    """

    path: Path
    layout: str  # "jsonl", "json" or "csv"
    compression: str  # "" or "gzip"
    converted_from: str  # "", or what the file really is: "parquet", "zstd csv", ...


class Rows(Iterator[kernel.Row]):
    """The rows of one file, in order, with the count of what was read.

    After the last row, `records` and, in JSON Lines, `blank` lines make up all `lines` of the
    file; that they do is checked. Raises CannotRead at the first row that is not as it should be.
    """

    def __init__(self, stream: Lines, name: str, entry: Entry[Reader]) -> None:
        self._stream = stream
        self._entry = entry
        self.name = name
        self.records = 0
        self.lines = 0
        self.blank = 0
        self._unit = UNITS.get(entry.name, "row")
        self._rows = _read(entry, stream, name)

    def __next__(self) -> kernel.Row:
        try:
            row = next(self._rows)
        except StopIteration:
            self._finish()
            raise
        except kernel.Unreadable as error:
            self.close()
            raise explain(error, self._stream, self.name, self._entry.name) from None
        except BaseException as error:
            self.close()
            if isinstance(error, Exception) and not isinstance(error, AutopsyError):
                _blame(self._entry, error, self.name)
            raise
        self.records += 1
        return row

    def where(self, row: kernel.Row) -> str:
        """The place of a row, for a message: `file:line`, or `file: item 3` in a JSON array."""
        return f"{self.name}: {self._unit} {row.line}" if self._unit else f"{self.name}:{row.line}"

    @property
    def position(self) -> int:
        """How many bytes were taken from the file, once unpacked."""
        return 0 if self._stream.closed else self._stream.tell()

    def close(self) -> None:
        """Closes the file; there are no more rows."""
        self._rows = iter(())
        self._stream.close()

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self._stream.close()

    def _finish(self) -> None:
        if self._stream.closed:
            return
        self.lines, self.blank = self._stream.lines, self._stream.blank
        self.close()
        if self.records == 0:
            what = "there are no records in the file"
            raise CannotRead(what, where=self.name, remedy="check how it was written")
        unaccounted = self.lines - self.blank - self.records
        if self._entry.name == "jsonl" and unaccounted:
            what = f"{unaccounted} of {self.lines} lines hold neither a record nor nothing"
            raise CannotRead(what, where=self.name, remedy="remove what they hold")


def open_rows(path: Path, name: str = "") -> tuple[DataFile, Rows]:
    """What a file is, and its rows, read as they are asked for.

    `name` stands for the file in messages; it is the path when it is not given. The file is closed
    after the last row, at an error, and by `Rows.close()`.
    """
    name = name or str(path)
    stream = open_file(path, name)
    try:
        packed = compressed.kind_of(stream.head(), name)
        if packed:
            stream = compressed.decompressed(stream, packed, name)
        head = stream.head()
        refuse_strangers(head, name)
        entry = _recognise(head, packed, name)
        return _described(path, entry.name, packed), Rows(stream, name, entry)
    except BaseException:
        stream.close()
        raise


def _read(entry: Entry[Reader], stream: Lines, name: str) -> Iterator[kernel.Row]:
    # A generator, so that a reader that fails when it is called does so at the first row.
    yield from entry.value.read(stream, name)


def _described(path: Path, found: str, packed: str) -> DataFile:
    if found not in KERNEL_LAYOUTS:
        return DataFile(path, "jsonl", "", found)
    if packed == "zstd":
        return DataFile(path, "jsonl", "", f"zstd {found}")
    return DataFile(path, found, packed, "")


def _recognise(head: bytes, packed: str, name: str) -> Entry[Reader]:
    """The reader that knows a file by its first bytes.

    The plain formats come last: a reader for a tool's own log is more particular about its JSON.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n") or head
    known = [entry for entry in registry.readers.describe() if _claims(entry, start, name)]
    particular = [entry for entry in known if entry.name not in KERNEL_LAYOUTS]
    if len(particular) > 1:
        names = " and ".join(entry.name for entry in particular)
        what = f"the readers {names} both claim the file"
        raise CannotRead(what, where=name, remedy="uninstall the package of one of them")
    found = (particular or known)[0]
    if found.name == "parquet" and packed:
        what = f"found a Parquet file inside {packed}"
        raise CannotRead(what, where=name, remedy="unpack it; Parquet is compressed by itself")
    if found.name == "csv" and b"\0" in start[:1024].partition(b"\n")[0]:
        what = "found binary data, expected JSON Lines, a JSON array, CSV or Parquet"
        raise CannotRead(what, where=name, remedy="export the rows as one of these")
    return found


def _claims(entry: Entry[Reader], start: bytes, name: str) -> bool:
    try:
        return entry.value.sniff(start)
    except Exception as error:
        _blame(entry, error, name)
        raise


def _blame(entry: Entry[Reader], error: Exception, name: str) -> None:
    """Raises an error that names the package, when the reader that failed is not ours."""
    if entry.package != registry.OURS:
        what = (
            f"the reader {entry.name!r} of the package {entry.package} fails: "
            f"{type(error).__name__}: {error}"
        )
        raise CannotRead(what, where=name, remedy=f"repair or uninstall {entry.package}") from error
