"""Exports of tools that are tables: known by their columns, whatever kind of file they are in.

1. An export is one decorated function, which is given the rows and yields what `readers.logs` has:

       @export("phoenix", known=lambda first: {"context.span_id", "span_kind"} <= first.keys())
       def phoenix(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
           \"\"\"One sample for each trace of a table of Phoenix spans.\"\"\"

2. `known` is given the first row: its columns with their values, MISSING where a value is not at
   hand, which is so of every value in Parquet and Arrow, and of what comes late in a long record.
   It is strict: a plain table of a user's must not be claimed, and no two exports claim one.
3. The rows are those of JSON Lines (or of objects over several lines), of a JSON array, of the
   array `data` or `events` in one JSON object, of a table of text, of Parquet or of Arrow. A cell
   that can be JSON written as text is read by `cell`.
4. Lines of JSON Lines that cannot be read, rows of a table that are damaged, and items that are no
   objects, are set aside here.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.arrow import FILE, arrow, column_names, is_arrow, without_batches
from eval_autopsy.readers.delimited import separator
from eval_autopsy.readers.heads import members
from eval_autopsy.readers.json_items import Line, lines, objects, parts, value_of
from eval_autopsy.readers.logs import Aside, Item, NoNumbers
from eval_autopsy.readers.opened import HEAD, Lines
from eval_autopsy.readers.parquet import parquet, plain
from eval_autopsy.readers.parquet_pages import column_names as parquet_columns
from eval_autopsy.readers.parquet_pages import start_of_footer
from eval_autopsy.readers.text_table import leniently, rows_of_table
from eval_autopsy.registry import Reader, Yields, reader

First = Mapping[str, Any]
Read = Callable[[Iterator[kernel.Row], str], Iterator[Item | kernel.Row]]

PARQUET = b"PAR1"
ENVELOPES = ("data", "events")  # members of one JSON object that an API's answer has its rows in
BEFORE_ROWS = ("object", "meta", "schema", "cursor", "next_cursor", "has_more")
INDEX = "Unnamed: 0"  # as pandas calls it when it reads its own table
_OBJECTS = re.compile(r"\[\s*(?=\{)")


def export(
    name: str, *, known: Callable[[First], bool], yields: Yields = "samples"
) -> Callable[[Read], Reader]:
    """A decorator that enters a function as the reader `name` of tables that `known` knows."""

    def enter(read: Read) -> Reader:
        def read_file(stream: Lines, called: str) -> Iterator[Item | kernel.Row]:
            aside: list[Aside | NoNumbers] = []
            for item in read(_usable(stream, called, aside), called):
                yield from _emptied(aside)
                yield item
            yield from _emptied(aside)

        read_file.__doc__, read_file.__module__ = read.__doc__, read.__module__
        return reader(name, sniff=lambda head: known(first_row(head)), yields=yields)(read_file)

    return enter


def _usable(stream: Lines, name: str, aside: list[Aside | NoNumbers]) -> Iterator[kernel.Row]:
    for row in rows_of(stream, name):
        if isinstance(row, kernel.Row):
            yield row
        else:
            aside.append(row)


def _emptied(aside: list[Aside | NoNumbers]) -> Iterator[Aside | NoNumbers]:
    while aside:
        yield aside.pop(0)


def beginning(stream: Lines) -> bytes:
    """What a file is recognised by: its first bytes, without a mark and white space before them.

    Of Parquet and Arrow files, the magic and the footer, which is where their columns are named.
    """
    head = stream.head()
    if head.startswith(PARQUET):
        return PARQUET + start_of_footer(stream, HEAD)
    if head.startswith(FILE):
        return without_batches(stream) or head
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n") or head


def rows_of(stream: Lines, name: str) -> Iterator[kernel.Row | Aside | NoNumbers]:
    """The rows of a table in any kind of file, and what of it cannot be read or is no value."""
    head = stream.head().removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if head.startswith(PARQUET):
        yield from parquet.read(stream, name)
    elif is_arrow(head):
        yield from arrow.read(stream, name)
    elif head.startswith(b"["):
        yield from _items(stream, name, "")
    elif head.startswith(b"{"):
        member, _ = _rows_inside(_text(head))
        yield from _items(stream, name, member) if member else _objects(stream, name)
    else:
        sign = separator(head).decode() or ","
        yield from leniently(rows_of_table(stream, name, sign, INDEX))


def is_spread(head: bytes) -> bool:
    """Whether the first JSON value goes on over several lines, as told by how its line ends."""
    line, ends, _ = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    return bool(ends) and line.rstrip().endswith((b"{", b"[", b","))


def _objects(stream: Lines, name: str) -> Iterator[kernel.Row | Aside]:
    read = objects if is_spread(stream.head()) else lines
    for line in read(stream, name):
        yield kernel.Row(line.at, line.value) if isinstance(line, Line) else line


def _items(stream: Lines, name: str, array: str) -> Iterator[kernel.Row | Aside]:
    for part in parts(stream, name, [array]):
        if part.path == array and isinstance(part.value, dict):
            yield kernel.Row(part.at, part.value)
        elif part.path == array:
            yield Aside(part.at, f"found {str(part.value)[:20]!r}, expected an object")


@lru_cache(maxsize=2)  # every export asks for it
def first_row(head: bytes) -> First:
    """The columns of the table that a file begins as, with the first row's values; see rule 2."""
    if head.startswith(PARQUET):
        return dict.fromkeys(parquet_columns(head[len(PARQUET) :]), MISSING)
    if is_arrow(head):
        return dict.fromkeys(column_names(head), MISSING)
    text = _text(head)
    if head[:1] in (b"[", b"{"):
        inside = _OBJECTS.match(text)
        return {
            key: value
            for key, value, _ in members(text, inside.end() if inside else _rows_inside(text)[1])
        }
    return {} if b"\0" in head else _first_cells(text, separator(head).decode() or ",")


def _text(head: bytes) -> str:
    return head.decode("utf-8", errors="ignore")  # it may be cut inside a character


def _rows_inside(text: str) -> tuple[str, int]:
    """The member that a document has its rows in, and where the first begins; ("", 0) of others."""
    for key, _, at in members(text, 0):
        if key in ENVELOPES and (found := _OBJECTS.match(text, at)):
            return key, found.end()
        if key not in BEFORE_ROWS:
            break
    return "", 0


def _first_cells(text: str, sign: str) -> First:
    rows = csv.reader(text.splitlines(keepends=True), delimiter=sign)
    try:
        header, cells = next(rows, []), next(rows, [])
    except csv.Error:
        return {}
    return dict.fromkeys(header, MISSING) | dict(zip(header, cells, strict=False))


def cell(value: Any) -> Any:
    """What a cell holds: an object or a list that is written as text is read; other text stays.

    It is written as JSON, or as Python shows it, which is what pandas writes to CSV.
    """
    if isinstance(value, str) and value[:1] in ("{", "[") and value[-1:] in ("}", "]"):
        try:
            return value_of(value, "")
        except kernel.Unreadable:
            return _literal(value)
    return value


def _literal(text: str) -> Any:
    try:
        return plain(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
