"""Where a key stands in a TOML file, which the parser of the standard library does not say."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from typing import Any


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line on which the key at `path` is given its value, from 1; None when it is nowhere.

    A table's own header counts as its line. Whatever the parser accepts is found, because the
    parser finds it: each beginning of the file that ends with a statement is parsed, and the first
    one that has the key ends with the key's statement.
    """
    begun = 1
    for number, known in _beginnings(text):
        if _has(known, path):
            return begun
        begun = number + 1
    return None


def _beginnings(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number of lines and the content of every beginning that is TOML by itself."""
    lines = text.splitlines(keepends=True)
    for number in range(1, len(lines) + 1):
        try:
            yield number, tomllib.loads("".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value that goes on over several lines


def _has(known: Any, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(known, dict) or key not in known:
            return False
        known = known[key]
    return True
