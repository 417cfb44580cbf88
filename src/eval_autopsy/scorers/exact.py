"""The same JSON value."""

from __future__ import annotations

from eval_autopsy.kernel import MISSING
from eval_autopsy.registry import scorer


@scorer("exact_match")
def exact_match(output: object, expected: object) -> bool:
    """The output is the expected value, field by field; 1 and 1.0 are equal, true and 1 are not."""
    return MISSING not in (output, expected) and same(output, expected)


def same(one: object, other: object) -> bool:
    """Whether two JSON values are equal, without the texts that the kernel compares."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
