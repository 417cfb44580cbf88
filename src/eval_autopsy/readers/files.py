"""From a path to rows: open, unpack, recognise, read, and count what was read."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import kernel, registry
from eval_autopsy.errors import AutopsyError, CannotRead
from eval_autopsy.readers import compressed, utf16
from eval_autopsy.readers.csv_table import csv_without_damage
from eval_autopsy.readers.delimited import delimited_without_damage
from eval_autopsy.readers.exports import PARQUET, beginning
from eval_autopsy.readers.logs import Aside, Needs, NoNumbers, Note, Reported, Sample, Tally
from eval_autopsy.readers.opened import Lines, open_file, refuse_strangers
from eval_autopsy.readers.record_files import are_records, files_in, rows_of_files
from eval_autopsy.readers.trouble import MERGE_MARKERS, explain
from eval_autopsy.registry import Entry, Reader, Yields

JSON_FILES = "json files"
KERNEL_LAYOUTS = ("jsonl", "json", "csv")
WITHOUT_DAMAGE = {"csv": csv_without_damage, "delimited": delimited_without_damage}
UNITS = {
    "jsonl": "",
    "csv": "",
    "json": "item",
    JSON_FILES: "file",
}  # what a row's number counts, when not lines


class DataFile(NamedTuple):
    """What a data file turned out to be.

    The kernel reads it by itself when `converted_from` is "". Otherwise only its rows can be kept,
    as JSON Lines, which is then the `layout`.
    """

    path: Path
    layout: str  # "jsonl", "json" or "csv"
    compression: str  # "" or "gzip"
    converted_from: str  # "", or what the file really is: "parquet", "zstd csv", ...
    yields: Yields = "rows"


class Rows(Iterator[kernel.Row]):
    """The rows of one file, in order, with the count of what was read.

    After the last row, `records` and, in JSON Lines, `blank` lines and those set `aside` make up
    all `lines` of the file; that they do is checked. Raises CannotRead at the first row that is not
    as it should be, unless `lenient`: then a line of JSON Lines that cannot be read is set aside,
    and a row of a table of text that is damaged, where it is certain where the next one begins.
    What else a tool's log has to say stands in `reported`, `notes` and `needs`; how many values of
    a column are no numbers, in `no_numbers`.
    """

    def __init__(
        self, stream: Lines, name: str, entry: Entry[Reader], *, lenient: bool = False
    ) -> None:
        self._stream = stream
        self._entry = entry
        self.name = name
        self.records = 0
        self.lines = 0
        self.blank = 0
        self.aside: list[Aside] = []
        self.reported: list[Reported] = []
        self.notes: list[Note] = []
        self.needs: list[Needs] = []
        self.no_numbers: Counter[str] = Counter()  # by column
        self.tally = Tally()
        self._unit = "sample" if entry.value.yields == "samples" else UNITS.get(entry.name, "row")
        self._items = self._usable() if lenient else _read(entry, stream, name)

    def __next__(self) -> kernel.Row:
        row = self._next_row()
        while row is None:
            row = self._next_row()
        self.records += 1
        return row

    def _next_row(self) -> kernel.Row | None:
        """The next item when it is a row; None when it was something else, which is kept."""
        try:
            item = next(self._items)
            if isinstance(item, Aside) and self._stream.last.startswith(MERGE_MARKERS):
                raise kernel.Unreadable(item.what, f"{self.name}:{item.at}")  # both sides follow
            if isinstance(item, Sample):
                row = item.row()
                self.tally.add(row.fields)
                return row
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
        if isinstance(item, kernel.Row):
            return item
        self._keep(item)
        return None

    def _keep(self, item: Aside | NoNumbers | Reported | Note | Needs) -> None:
        if isinstance(item, Aside):
            self.aside.append(item)
        elif isinstance(item, NoNumbers):
            self.no_numbers[item.column] += item.values
        elif isinstance(item, Reported):
            self.reported.append(item)
        elif isinstance(item, Note):
            self.notes.append(item)
        else:
            self.needs.append(item)

    def _usable(self) -> Iterator[Any]:
        """What can be read, with what cannot be set aside where that is safe."""
        if self._entry.name == "jsonl":
            return self._readable_lines()
        if self._entry.name in WITHOUT_DAMAGE:
            return WITHOUT_DAMAGE[self._entry.name](self._stream, self.name)
        return _read(self._entry, self._stream, self.name)

    def _readable_lines(self) -> Iterator[kernel.Row | Aside]:
        """The rows of JSON Lines; a line that cannot be read is set aside, and the next one taken.

        A text in which no line can be read is no JSON Lines, and raises as ever.
        """
        unread: kernel.Unreadable | None = None
        while True:
            before = self._stream.lines
            try:
                for row in _read(self._entry, self._stream, self.name):
                    yield row._replace(line=row.line + before)
                break
            except kernel.Unreadable as error:
                unread = unread or error
                line = self._stream.last
                begins = self._stream.taken - len(line)
                at = self._stream.lines
                while not self._stream.last.endswith(b"\n") and self._stream.readline(2**16):
                    self._stream.lines = at  # the rest of a line that is too long
                yield Aside(at, error.what, begins)
        if unread is not None and not self.records:
            raise unread

    def where(self, row: kernel.Row) -> str:
        """The place of a row, for a message: `file:line`, or `file: item 3` in a JSON array."""
        return f"{self.name}: {self._unit} {row.line}" if self._unit else f"{self.name}:{row.line}"

    @property
    def position(self) -> int:
        """How many bytes were taken from the file, once unpacked."""
        return 0 if self._stream.closed else self._stream.tell()

    def close(self) -> None:
        """Closes the file; there are no more rows."""
        self._items = iter(())
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
        if self.records == 0 and self._entry.value.yields != "summary":
            what = "there are no records in the file"
            if self._entry.name in WITHOUT_DAMAGE and self._stream.first.strip():
                what += ", only the line with the names of the columns"
            raise CannotRead(what, where=self.name, remedy="check how it was written")
        unaccounted = self.lines - self.blank - self.records - len(self.aside)
        if self._entry.name == "jsonl" and unaccounted:
            what = f"{unaccounted} of {self.lines} lines hold neither a record nor nothing"
            raise CannotRead(what, where=self.name, remedy="remove what they hold")


def open_rows(path: Path, name: str = "", *, lenient: bool = False) -> tuple[DataFile, Rows]:
    """What a file is, and its rows, read as they are asked for.

    `name` stands for the file in messages; it is the path when it is not given. The file is closed
    after the last row, at an error, and by `Rows.close()`. For `lenient` see `Rows`. A folder in
    which each JSON file is a record is a path as well.
    """
    name = name or str(path)
    if os.path.isdir(path) and are_records(files := files_in(path)):
        return _of_files(path, files, name, lenient)
    stream = open_file(path, name)
    try:
        packed = compressed.kind_of(stream.head(), name)
        if packed:
            stream = compressed.decompressed(stream, packed, name)
        encoding = utf16.encoding_of(stream.head())
        if encoding:
            stream = utf16.as_utf8(stream, encoding, name)
        entry = _recognise(stream.head(), beginning(stream), packed, name)
        return _described(path, entry, packed, encoding), Rows(stream, name, entry, lenient=lenient)
    except BaseException:
        stream.close()
        raise


def _of_files(
    folder: Path, files: Sequence[Path], name: str, lenient: bool
) -> tuple[DataFile, Rows]:
    """A folder of records, which no stream is read from."""

    def read(_stream: Lines, _name: str) -> Iterator[kernel.Row | Aside]:
        return rows_of_files(files, lenient=lenient)

    what = f"{len(files):,} json files"
    entry = Entry(JSON_FILES, Reader(bool, read, "rows"), "", registry.OURS)
    return DataFile(folder, "jsonl", "", what), Rows(Lines(io.BytesIO()), name, entry)


def _read(entry: Entry[Reader], stream: Lines, name: str) -> Iterator[Any]:
    # A generator, so that a reader that fails when it is called does so at the first row.
    yield from entry.value.read(stream, name)


def _described(path: Path, entry: Entry[Reader], packed: str, encoding: str) -> DataFile:
    found = entry.name
    if found not in KERNEL_LAYOUTS:
        return DataFile(path, "jsonl", "", found, entry.value.yields)
    if packed == "zstd" or encoding:
        was = " ".join(filter(None, (packed, encoding, found)))
        return DataFile(path, "jsonl", "", was)
    return DataFile(path, found, packed, "")


def _recognise(head: bytes, start: bytes, packed: str, name: str) -> Entry[Reader]:
    """The reader that knows a file by what it begins with.

    The plain formats come last: a reader for a tool's own log is more particular about its JSON, or
    about the columns of a table. What no reader is particular about must not be a kind of file that
    is known to be no data.
    """
    known = [entry for entry in registry.readers.describe() if _claims(entry, start, name)]
    rank = min(map(_rank, known))
    found, *others = (entry for entry in known if _rank(entry) == rank)
    if others:
        names = " and ".join(entry.name for entry in (found, *others))
        what = f"the readers {names} both claim the file"
        raise CannotRead(what, where=name, remedy="uninstall the package of one of them")
    if found.name in KERNEL_LAYOUTS or found.name == "delimited":
        refuse_strangers(head, name)
    if start.startswith(PARQUET) and packed:
        what = f"found a Parquet file inside {packed}"
        raise CannotRead(what, where=name, remedy="unpack it; Parquet is compressed by itself")
    if found.name in WITHOUT_DAMAGE and _is_binary(start):
        what = "found binary data, expected JSON Lines, a JSON array, CSV or Parquet"
        raise CannotRead(what, where=name, remedy="export the rows as one of these")
    return found


def _is_binary(start: bytes) -> bool:
    """Whether a file begins as no text does: with NUL in its first line, or many control signs."""
    if b"\0" in start[:1024].partition(b"\n")[0]:
        return True
    signs = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in start[:1024])
    return 20 * signs > len(start[:1024])


def _rank(entry: Entry[Reader]) -> int:
    if entry.name in KERNEL_LAYOUTS:
        return 2
    return 1 if entry.value.yields == "rows" else 0


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
