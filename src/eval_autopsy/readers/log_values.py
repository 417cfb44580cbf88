"""Values of a log, of whose types nothing is certain: as what they should be, or as nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.readers.json_items import value_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NESTED = 4  # objects inside objects that attributes are taken from


def mapping(value: Any) -> dict[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """The value when it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """The value when it is text, a whole number as its digits, else ""."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def number(value: Any) -> Decimal | None:
    """The value when it is a number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return Decimal(value)


def amount(value: Any, unit: Decimal = Decimal(1)) -> Decimal | None:
    """The value in units when it is a number that is not negative."""
    found = number(value)
    return None if found is None or found < 0 else found * unit


def verdict(value: Any) -> bool | None:
    """What true, false, 1 or 0 says; None for everything else, a half among it."""
    if isinstance(value, bool):
        return value
    found = number(value)
    return None if found is None or found not in (0, 1) else found == 1


def iso(milliseconds: Any) -> str | None:
    """The ISO 8601 time in UTC of milliseconds since 1970; None when they are none."""
    found = number(milliseconds)
    if found is None or abs(found) > 10**14:  # the year 5138
        return None
    return (EPOCH + timedelta(milliseconds=float(found))).isoformat()


def inner(value: Any) -> Any:
    """The value of a text that is itself JSON; the value as it is when it is none."""
    if not isinstance(value, str):
        return value
    try:
        return value_of(value, "")
    except kernel.Unreadable:
        return value


def attributes(values: Mapping[str, Any], *, without: Sequence[str] = ()) -> dict[str, Any]:
    """What can be sliced by: scalars and lists of scalars, nested names joined with dots.

    Nulls are left out, and so are the members named in `without`.
    """
    kept = {name: value for name, value in values.items() if name not in without}
    return dict(_flat(kept, "", NESTED))


def _flat(values: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            if depth > 1:
                yield from _flat(value, f"{prefix}{name}.", depth - 1)
        elif isinstance(value, list):
            if value and not any(isinstance(item, (dict, list)) for item in value):
                yield prefix + name, value
        elif value is not None:
            yield prefix + name, value


class Repeats:
    """Ids that stand once in a log: `T1`, and for its repeats `T1#2`, `T1#3`.

    It keeps every id that it gave.
    """

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._next: dict[str, int] = {}

    def name(self, task: str, trial: int | None = None) -> str:
        """The id of a repeat: of its trial, from 0, when the log numbers them; else the next."""
        number = self._next.get(task, 0) if trial is None else max(trial, 0)
        if _repeat(task, number) in self._given:
            number = self._next.get(task, 0)
        while _repeat(task, number) in self._given:
            number += 1
        self._next[task] = max(self._next.get(task, 0), number + 1)
        self._given.add(_repeat(task, number))
        return _repeat(task, number)


def _repeat(task: str, number: int) -> str:
    return f"{task}#{number + 1}" if number else task
