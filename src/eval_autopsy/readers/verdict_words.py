"""Verdicts in words, such as pass and fail, read as true and false."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eval_autopsy import kernel

# The word for right and the word for wrong; a field in words has those of one pair alone.
PAIRS = (
    ("pass", "fail"),
    ("passed", "failed"),
    ("correct", "incorrect"),
    ("correct", "wrong"),
    ("right", "wrong"),
    ("yes", "no"),
    ("true", "false"),
)
SAYS: Mapping[str, bool] = {
    word: right for pair in PAIRS for word, right in zip(pair, (True, False), strict=True)
}


def pair_of(values: Iterable[Any]) -> tuple[str, str] | None:
    """The pair whose words are all of some values; None where there is none, or no value."""
    said = {str(value).strip().lower() for value in values}
    return next((pair for pair in PAIRS if said and said <= {*pair}), None)


def with_verdict(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """The fields with true or false in place of a word; any other value stays as it is."""
    value = kernel.field(fields, name)
    right = SAYS.get(value.strip().lower()) if isinstance(value, str) else None
    return fields if right is None else _set(fields, name, right)


def _set(fields: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The fields with another value of one, which may be inside an object."""
    outer, _, inner = name.partition(".")
    if name in fields or not inner:
        return {**fields, name: value}
    return {**fields, outer: _set(fields[outer], inner, value)}
