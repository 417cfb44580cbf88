"""The first object of a file, as far as its first bytes hold it: what a log is recognised by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from eval_autopsy.kernel import MISSING

_VALUES = json.JSONDecoder()
_MEMBER = re.compile(r'\s*[{,]\s*(?=")')
_COLON = re.compile(r"\s*:\s*")


def first_object(head: bytes, *inside: str) -> dict[str, Any]:
    """The members of the first JSON object; MISSING stands for a value that the head cuts off.

    `inside` leads to an object further in: the keys to go through, each of an object, or of an
    array whose first item is meant. Empty when there is no object.
    """
    text = head.decode("utf-8", errors="ignore")  # it may be cut inside a character
    at = _opening(text, 0)
    for wanted in inside:
        begins = (start for key, _, start in members(text, at) if key == wanted)
        at = _opening(text, next(begins, len(text)))
    return {key: value for key, value, _ in members(text, at)}


def _opening(text: str, at: int) -> int:
    found = re.compile(r"\s*\[?\s*").match(text, at)
    return found.end() if found else at


def members(text: str, at: int) -> Iterator[tuple[str, Any, int]]:
    """The members of the object at a place: key, value, and where the value begins.

    They end where the text is cut off, the value that is cut with MISSING, or is no JSON.
    """
    sign = "{"
    while (found := _MEMBER.match(text, at)) and found.group().strip() == sign:
        try:
            key, at = _VALUES.raw_decode(text, found.end())
        except (ValueError, RecursionError):
            return
        colon = _COLON.match(text, at)
        if not colon:
            return
        try:
            value, at = _VALUES.raw_decode(text, colon.end())
        except (ValueError, RecursionError):
            yield key, MISSING, colon.end()
            return
        yield key, value, colon.end()
        sign = ","
