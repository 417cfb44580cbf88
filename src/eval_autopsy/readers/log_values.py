"""Values of tools' logs, taken as what they should be: a verdict, a number, a time.

Of most it is said what they are when they are of the kind that is meant, and nothing else. `taken`
raises Unfit for what is of another kind, so that the reader can set the record aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.json_items import value_of

KINDS = {dict: "an object", list: "an array", str: "text", int: "a whole number", bool: "a verdict"}
NESTED = 4  # objects inside objects that attributes are taken from
LATEST = 253_402_300_799_000  # milliseconds: the last second of the year 9999


class Unfit(Exception):
    """A value that is not of the kind that was expected; the message says which, for an Aside."""


def taken(record: Any, key: str, kind: type) -> Any:
    """The value at a key, when it is of a kind; None when there is none. Raises Unfit."""
    value = record.get(key)
    if value is None or (isinstance(value, kind) and (kind is bool) >= isinstance(value, bool)):
        return value
    raise Unfit(f"its {key} is {str(value)[:40]!r}, expected {KINDS[kind]}")


def inside(value: Any, *path: str) -> Any:
    """The value at a path of keys, or None where there is no object to look in."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


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


def inner(value: Any) -> Any:
    """The value of a text that is itself JSON; the value as it is when it is none."""
    if not isinstance(value, str):
        return value
    try:
        return value_of(value, "")
    except kernel.Unreadable:
        return value


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """The members of an object under dotted names, those of the objects inside it among them."""
    found: dict[str, object] = {}
    for key, member in value.items():
        if isinstance(member, dict):
            found |= flat(member, f"{prefix}{key}.")
        else:
            found[prefix + key] = member
    return found


def known(values: Iterable[Any]) -> Any:
    """The first value that is known: not MISSING, null or an empty list; MISSING when none is."""
    for value in values:
        if value is not MISSING and value is not None and value != [] and value != {}:
            return value
    return MISSING


def iso_time(milliseconds: Any) -> str | None:
    """A time in milliseconds since 1970 as ISO 8601 in UTC; None for what is no such time."""
    found = amount(milliseconds)
    if found is None or found > LATEST:
        return None
    return datetime.fromtimestamp(float(found) / 1000, UTC).isoformat(timespec="milliseconds")


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
