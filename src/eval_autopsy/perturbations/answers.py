"""Which answers are right after a change that a right answer may follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

Rewrite = Callable[[str], str]


def follows(rewrite: Rewrite) -> Callable[[Any, Any, Any], Sequence[Any]]:
    """The expected answer, and the one in which what was copied is written as the input is now.

    A system that copies what it reads is right, and so is one that writes it as before.
    """

    def answers(before: Any, after: Any, expected: Any) -> Sequence[Any]:
        copied = rewritten(expected, lambda text: rewrite(text) if text in before else text)
        return [expected] if copied == expected else [expected, copied]

    return answers


def rewritten(value: Any, rewrite: Rewrite) -> Any:
    """A JSON value with each of its texts, but no name of a field, written otherwise."""
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, list):
        return [rewritten(part, rewrite) for part in value]
    if isinstance(value, dict):
        return {name: rewritten(part, rewrite) for name, part in value.items()}
    return value


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value, but no name of a field."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_in(part)
