"""Records of a log that belong together and lie apart, gathered without holding the log."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from eval_autopsy import kernel

IN_MEMORY = 2**24  # bytes, before they go to the disk
DECIMAL = "\0decimal"  # marks a number that JSON would give back as another


def _marked(value: Decimal) -> dict[str, str]:
    return {DECIMAL: str(value)}


def _unmarked(value: dict[str, Any]) -> Any:
    return Decimal(value[DECIMAL]) if DECIMAL in value else value


_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, default=_marked).encode
_decode = json.JSONDecoder(object_hook=_unmarked).decode


class Spool:
    """JSON values by a key, given back key by key, in the order in which the keys came first.

    The values lie in a temporary file without a name; only their keys and places are in memory.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed in __del__
        self._places: dict[str, list[int]] = {}
        self._end = 0

    def add(self, key: str, value: Any) -> None:
        """Adds a value; raises Unreadable when the disk is full."""
        try:
            written = self._file.write(_encode(value).encode() + b"\n")
        except OSError as error:
            raise no_room(error) from None
        self._places.setdefault(key, []).append(self._end)
        self._end += written

    def __iter__(self) -> Iterator[tuple[str, list[Any]]]:
        """Each key with its values in their order."""
        for key, places in self._places.items():
            yield key, [self._read(place) for place in places]

    def __del__(self) -> None:
        self._file.close()

    def _read(self, place: int) -> Any:
        self._file.seek(place)
        return _decode(self._file.readline().decode())


def no_room(error: OSError) -> kernel.Unreadable:
    """The error of a temporary file that cannot be made or written."""
    what = f"a temporary file cannot be written: {error.strerror}"
    remedy = "make room there, or set TMPDIR to a folder that has some"
    return kernel.Unreadable(what, tempfile.tempdir or "TMPDIR", remedy)
