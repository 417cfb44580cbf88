"""Where the values of records are held: short ones once, long ones on the disk.

Long texts are nearly all of what a log weighs, and most questions ask for one of them at a time.
So they go to a temporary file once they fill the memory that they may have, and are read from it
whenever a record is asked for them. The file has no name: nothing is left of it, however we end.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import IO, Any, TypeVar

from eval_autopsy.readers.spool import no_room
from eval_autopsy.records import Record

T = TypeVar("T")

IN_MEMORY = 2**24  # bytes of long values, before they go to the disk
SHORT = 64  # characters of a text that stays in memory
ONCE = 2**16  # different short values that are held once for all records
BUFFER = 2**16  # bytes that are read at once: one record's values lie beside the next one's
IN_PYTHON = 8  # times its pickle that a list or an object takes


class Shelf:
    """The values of some records; they come back as they were put there."""

    def __init__(self) -> None:
        self._room = IN_MEMORY
        self._held: dict[tuple[type, str], Any] = {}
        self._file: IO[bytes] | None = None
        self._begins = array("Q", [0])  # of each value in the file, and the end of the last one
        self._at_end = True

    def kept(self, value: object) -> object:
        """What to hold in place of a value: itself, an equal one, or a `Shelved` one."""
        if isinstance(value, str) and len(value) > SHORT:
            size = sys.getsizeof(value)
        elif value and isinstance(value, dict | list):
            size = IN_PYTHON * len(_packed(value))
        else:
            return self.once(value)
        if size <= self._room:
            self._room -= size
            return value
        return self._put(_packed(value))

    def once(self, value: T) -> T:
        """The value, or an equal one of its type that is held already; it stays in memory."""
        if not isinstance(value, str | Decimal):
            return value
        key = (type(value), str(value))  # for 1.0 equals 1, and is another number
        same: T = (
            self._held.get(key, value)
            if len(self._held) >= ONCE
            else self._held.setdefault(key, value)
        )
        return same

    def record(self, **parts: Any) -> Record:
        """A record of parts that were `kept`."""
        shelved = self._file is not None
        return ShelvedRecord(**parts) if shelved else Record(**parts)

    def changed(self, record: Record, **parts: object) -> Record:
        """A record with other parts, which are kept; what lies on the disk stays there."""
        held = {name: slot.__get__(record) for name, slot in SLOTS.items()}
        kept = {name: self.kept(value) for name, value in parts.items()}
        return ShelvedRecord(**held | kept)

    def read(self, number: int) -> object:
        """The value that was put on the disk as the one with this number, from 0."""
        assert self._file is not None
        self._file.seek(self._begins[number])
        self._at_end = False
        packed = self._file.read(self._begins[number + 1] - self._begins[number])
        return pickle.loads(packed)  # which is ours: nobody else can open a file without a name

    def _put(self, packed: bytes) -> Shelved:
        """Raises Unreadable when the disk is full."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=BUFFER)  # noqa: SIM115
            if not self._at_end:  # for a needless seek empties the buffer
                self._file.seek(self._begins[-1])
                self._at_end = True
            self._file.write(packed)
        except OSError as error:
            raise no_room(error) from None
        self._begins.append(self._begins[-1] + len(packed))
        return Shelved(self, len(self._begins) - 2)

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()


class Shelved:
    """A value on the disk."""

    __slots__ = ("_number", "_shelf")

    def __init__(self, shelf: Shelf, number: int) -> None:
        self._shelf, self._number = shelf, number

    def read(self) -> Any:
        """The value."""
        return self._shelf.read(self._number)


class Attributes(Mapping[str, object]):
    """The attributes of a record, in less memory than a dictionary takes.

    `places` is where each name stands among the values, the same for all records.
    """

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: tuple[object, ...]) -> None:
        self._places, self._values = places, values

    def __getitem__(self, name: str) -> object:
        return _read(self._values[self._places[name]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return repr(dict(self))


SLOTS = {one.name: vars(Record)[one.name] for one in fields(Record)}
ON_DEMAND = ("input", "expected", "output", "score", "error")  # parts that may lie on the disk


def _on_demand(part: str) -> Any:
    """A part of a record, which is read when it lies on the disk."""
    slot = SLOTS[part]
    return property(lambda record: _read(slot.__get__(record)), slot.__set__)


class ShelvedRecord(Record):
    """A record whose long values may lie on the disk, and are read each time they are asked for."""

    __slots__ = ()
    input, expected, output, score, error = map(_on_demand, ON_DEMAND)


def _read(value: object) -> Any:
    return value.read() if type(value) is Shelved else value


def _packed(value: object) -> bytes:
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
