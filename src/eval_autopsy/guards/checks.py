"""Guards that look at an output and need nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.registry import guard
from eval_autopsy.scorers.fields import reach

Guard = Callable[[object], bool]


@guard("no_exception")
def no_exception() -> Guard:
    """The call did not fail."""
    return lambda output: True  # for there is one


@guard("parses")
def parses() -> Guard:
    """The output is JSON, where the case says that it should be."""
    return lambda output: output is not MISSING and not isinstance(output, Unparsed)


@guard("not_blank")
def not_blank(fields: Sequence[str] = ()) -> Guard:
    """No part of the output, or none of the fields named, is null, empty or white space."""
    if not fields:
        return filled
    return lambda output: all(filled(reach(output, name)) for name in fields)


@guard("matches")
def matches(patterns: Mapping[str, str]) -> Guard:
    """Each field named matches its regular expression from end to end."""
    wanted = {name: re.compile(pattern) for name, pattern in patterns.items()}

    def through(output: object) -> bool:
        texts = {name: text_of(reach(output, name) if name else output) for name in wanted}
        return all(pattern.fullmatch(texts[name]) for name, pattern in wanted.items())

    return through


class Unparsed(str):
    """An output that should be JSON and is not."""

    __slots__ = ()


def parsed(output: object) -> object:
    """The value of a text that should be JSON; what JSON is, the kernel's strict reader says."""
    try:
        return kernel.strict_json(output) if isinstance(output, str) else output
    except kernel.Unreadable:
        return Unparsed(output)


def filled(value: object) -> bool:
    """Whether a value has parts, and each of them says something."""
    if isinstance(value, str):
        return not (value == "" or value.isspace())
    if isinstance(value, dict | list):
        parts = list(value.values()) if isinstance(value, dict) else value
        return parts != [] and False not in map(filled, parts)
    return value is not None and value is not MISSING


def text_of(value: object) -> str:
    """What a regular expression sees: a text as it is, else its JSON; nothing where it is not."""
    if isinstance(value, str):
        return value
    return "" if value is MISSING else kernel.canonical(value)
