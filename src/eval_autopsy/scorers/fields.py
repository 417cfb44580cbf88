"""What stands at a name inside a value."""

from __future__ import annotations

from eval_autopsy.kernel import MISSING


def reach(value: object, name: str) -> object:
    """The value at a key of an object, or else at a dotted path; MISSING where there is none."""
    if isinstance(value, dict) and name in value:
        return value[name]
    for key in name.split("."):
        value = value.get(key, MISSING) if isinstance(value, dict) else MISSING
    return value
