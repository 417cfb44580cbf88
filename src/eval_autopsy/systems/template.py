"""A request made from what the case says and one input.

The texts of the template are the case's, and are read once: what an input brings is put in as it
is, and never taken for a template.
"""

from __future__ import annotations

import re
from typing import Any

from eval_autopsy import kernel

HOLE = re.compile(r"\{input(?:\.([^{}]+))?\}")


class NoField(Exception):
    """An input without a field that the template asks for."""


def filled(template: Any, value: object) -> Any:
    """The template with `{input}` and `{input.field}` replaced, at any depth of its values.

    A text that is one hole and nothing else becomes the value itself, of any type; inside a text,
    a value that is not text is written as JSON. Raises NoField.
    """
    if isinstance(template, dict):
        return {key: filled(one, value) for key, one in template.items()}
    if isinstance(template, (list, tuple)):
        return [filled(one, value) for one in template]
    if not isinstance(template, str):
        return template
    whole = HOLE.fullmatch(template)
    if whole:
        return part(value, whole[1])
    return HOLE.sub(lambda hole: as_text(part(value, hole[1])), template)


def part(value: object, name: str | None) -> object:
    """The input, or a field of it. Raises NoField."""
    if name is None:
        return value
    found = kernel.field(value, name) if isinstance(value, dict) else kernel.MISSING
    if found is kernel.MISSING:
        raise NoField(f"the input has no field {name!r}")
    return found


def as_text(value: object) -> str:
    """A text as it is, and any other value as JSON."""
    return value if isinstance(value, str) else kernel.canonical(value)


def found_at(value: Any, path: str) -> object:
    """What stands at a dotted path, where a number counts in a list; MISSING when nothing does."""
    for step in path.split("."):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return kernel.MISSING
    return value
