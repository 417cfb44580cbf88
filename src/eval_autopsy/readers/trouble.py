"""What probably happened to a file that cannot be read, told by the line where reading stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.opened import Lines

MERGE_MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")


class Stop(NamedTuple):
    """Where reading stopped: the last line that was taken, and what is known of the file."""

    line: bytes
    number: int
    first: bytes  # the first line
    format: str


class Trouble(NamedTuple):
    """A mishap that a line shows, and what to do about it."""

    shows: Callable[[Stop], bool]
    what: str
    remedy: str
    first: bool = False  # the first line is to blame, and not the one where reading stopped


TROUBLES = (
    Trouble(
        lambda stop: stop.line.startswith(MERGE_MARKERS),
        "found the marker of a merge conflict",
        "resolve the conflict, so that one side of it is left",
    ),
    Trouble(
        lambda stop: b"\0" in stop.line,
        "found NUL bytes, as a write that was interrupted leaves behind",
        "write the file again, or remove the line",
    ),
    Trouble(
        lambda stop: stop.number == 1 and stop.line.count(b"\r") > 1,
        "the lines end in carriage returns alone, so that the whole file is one line",
        "save it with line feeds as line ends",
    ),
    Trouble(
        lambda stop: stop.format == "jsonl" and stop.line.strip() in (b"{", b"["),
        "found a JSON value that goes on over several lines, expected an object on each line",
        "write each object on one line, or an array of the objects",
    ),
    Trouble(
        lambda stop: stop.format == "jsonl" and _cut_off(stop.line),
        "the last line is cut off, as by a writer that was killed",
        "write the file again, or remove the line",
    ),
    Trouble(
        lambda stop: stop.format == "csv" and stop.first.startswith(b"#"),
        "the first line is a comment, expected the names of the columns",
        "remove the comments above them",
        first=True,
    ),
)


def _cut_off(line: bytes) -> bool:
    """Whether a line ends without a line feed, and not because it is too long to be taken."""
    return not line.rstrip(b" \r").endswith((b"}", b"\n")) and len(line) <= kernel.LINE_LIMIT


def explain(error: kernel.Unreadable, stream: Lines, name: str, format_name: str) -> CannotRead:
    """The error for people: what the reader met, and the mishap that it looks like, if any."""
    stop = Stop(stream.last, stream.lines, stream.first, format_name)
    for trouble in TROUBLES:
        if trouble.shows(stop):
            where = f"{name}:1" if trouble.first else error.where
            return CannotRead(trouble.what, where=where, remedy=trouble.remedy)
    return CannotRead(error.what, where=error.where, remedy=error.remedy or "repair or remove it")
