"""OTLP JSON as it is written: batches by resource, typed values, ids in three notations.

Ids are written in hexadecimal digits, in base64 (by `MessageToDict` of protobuf) or behind 0x (by
the SDK); all become small hexadecimal digits.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.readers.exports import is_spread
from eval_autopsy.readers.json_items import Part, lines, parts
from eval_autopsy.readers.log_values import Unfit
from eval_autopsy.readers.logs import Aside
from eval_autopsy.readers.opened import Lines

EVALUATION = "gen_ai.evaluation.result"  # the name of the event
HEXADECIMAL = re.compile(r"(?:0x)?([0-9a-fA-F]{16}|[0-9a-fA-F]{32})")


def batches(stream: Lines, name: str, array: str) -> Iterator[Part | Aside]:
    """The items of an array such as `resourceSpans`, with the numbers of their lines.

    In a document over several lines, and in one line that is longer than the head, they have their
    positions instead; what is damaged there cannot be passed over.
    """
    head = stream.head()
    if is_spread(head) or b"\n" not in head.rstrip():
        found = parts(stream, name, [array], several=True)
        yield from (part for part in found if part.path == array)
        return
    for line in lines(stream, name):
        if isinstance(line, Aside):
            yield line
        elif not isinstance(line.value.get(array), list):
            yield Aside(line.at, f"there is no list {array!r}")
        else:
            yield from (Part(array, item, line.at) for item in line.value[array])


def objects_in(value: Any, what: str) -> list[dict[str, Any]]:
    """A list of objects, empty when there is none; raises Unfit for anything else."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Unfit(f"{what} is {kernel.canonical(value)[:40]}, expected a list of objects")
    return value


def attributes_of(pairs: Any) -> dict[str, Any]:
    """The attributes of a list of keys and typed values."""
    return {
        pair["key"]: _typed(pair.get("value"))
        for pair in objects_in(pairs, "attributes")
        if isinstance(pair.get("key"), str)
    }


def _typed(value: Any) -> Any:
    """The value of an `AnyValue`: an object with one member, which is named after its type."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((kind, inner),) = value.items()
    if kind in ("intValue", "doubleValue"):
        return kernel.number_in(inner)
    if kind in ("arrayValue", "kvlistValue") and isinstance(inner, dict):
        items = objects_in(inner.get("values"), kind)
        return attributes_of(items) if kind == "kvlistValue" else [_typed(item) for item in items]
    return inner if isinstance(inner, (str, bool)) else None


def hexadecimal(value: Any, what: str, *, needed: bool = True) -> str:
    """An id in small hexadecimal digits, "" for none; raises Unfit when it is no id."""
    if value is None and not needed:
        return ""
    if isinstance(value, str) and (found := HEXADECIMAL.fullmatch(value)):
        return found[1].lower()
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raw = b""
    if len(raw) not in (8, 16):
        raise Unfit(f"{what} is {kernel.canonical(value)[:40]}, expected 16 or 32 digits")
    return raw.hex()


def grade_of(attributes: dict[str, Any]) -> tuple[str, Any, str | None]:
    """The name, value and label of an evaluation; raises Unfit when it has no name."""
    about = "gen_ai.evaluation."
    name, label = attributes.get(f"{about}name"), attributes.get(f"{about}score.label")
    if not isinstance(name, str):
        raise Unfit("an evaluation has no name")
    value = attributes.get(f"{about}score.value")
    return name, value, label if isinstance(label, str) else None
