"""What the fields of some records hold: how many have one, how many differ, of which kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.intake import number

Fields = Mapping[str, Any]  # of one row
DEPTH = 3  # objects inside objects that are looked into


@dataclass(frozen=True)
class Column:
    """One field, dotted when it is inside an object, over some rows."""

    name: str
    values: tuple[Any, ...]  # one for each row; MISSING where a row has none

    @cached_property
    def given(self) -> list[Any]:
        """The values that say something: neither absent, nor null, nor blank."""
        return [value for value in self.values if kernel.not_blank(value)]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each value is given, by its JSON text."""
        return Counter(map(kernel.canonical, self.given))

    @property
    def complete(self) -> bool:
        """Whether every row gives a value."""
        return len(self.given) == len(self.values)

    @property
    def differ(self) -> bool:
        """Whether every row gives a value of its own."""
        return self.complete and len(self.counts) == len(self.values)

    def repeats(self, other: Column) -> bool:
        """Whether values are given, each of them that of another column in the same row."""
        rows = zip(self.values, other.values, strict=True)
        same = all(value == theirs or not kernel.not_blank(value) for value, theirs in rows)
        return same and bool(self.given)

    @cached_property
    def scalar(self) -> bool:
        """Whether no value is an object or an array."""
        return not any(isinstance(value, (dict, list)) for value in self.given)

    @cached_property
    def texts(self) -> bool:
        """Whether every value is text that is not a number."""
        return all(isinstance(value, str) and number(value) is None for value in self.given)

    @cached_property
    def numbers(self) -> list[Decimal] | None:
        """The values as numbers; None when one is something else, or there is none."""
        found = [number(value) for value in self.given]
        numbers = [each for each in found if each is not None]
        return numbers if found and len(numbers) == len(found) else None

    @cached_property
    def verdicts(self) -> bool:
        """Whether every value is true, false, 1 or 0."""
        allowed = {"true", "false", "1", "0", "1.0", "0.0"}
        return bool(self.given) and all(str(v).strip().lower() in allowed for v in self.given)


def columns_of(rows: Sequence[Fields]) -> dict[str, Column]:
    """A column for each field that a row has, in the order in which they are met."""
    names = dict.fromkeys(name for row in rows for name in _names(row))
    return {
        name: Column(name, tuple(kernel.field(row, name) for row in rows))
        for name in names
        # A key with a dot in it hides a path of the same spelling in some rows.
        if any(kernel.field(row, name) is not MISSING for row in rows)
    }


def _names(fields: Fields, prefix: str = "", depth: int = 1) -> Iterator[str]:
    for name, value in fields.items():
        if name.strip():
            yield prefix + name
        if isinstance(value, dict) and depth < DEPTH:
            yield from _names(value, f"{prefix}{name}.", depth + 1)
