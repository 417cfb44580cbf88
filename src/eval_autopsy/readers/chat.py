"""Records of conversations: JSON Lines whose `messages` end with the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from eval_autopsy import kernel
from eval_autopsy.registry import reader

ANSWERS = ("output", "response", "completion", "choices", "prediction")  # fields that hold one


def _is_chat(head: bytes) -> bool:
    """Whether the first line is an object whose messages end with the assistant's."""
    line = head.partition(b"\n")[0]
    if not line.startswith(b"{") or b'"messages"' not in line:
        return False
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return "messages" in _split(value)


def _split(fields: dict[str, Any]) -> dict[str, Any]:
    """The messages before the answer, as `messages`, and the answer as `output`; {} if none is."""
    said = fields.get("messages")
    if not isinstance(said, list) or not said or any(name in fields for name in ANSWERS):
        return {}
    if not all(isinstance(one, dict) and "role" in one and "content" in one for one in said):
        return {}
    *before, last = said
    if last["role"] != "assistant" or not before:
        return {}
    asked = before[0]["content"] if len(before) == 1 else before
    return {"messages": asked, "output": last["content"]}


@reader("chat", sniff=_is_chat)
def chat(stream: BinaryIO, name: str) -> Iterator[kernel.Row]:
    """One row for each conversation of JSON Lines: what was said before, and the last answer."""
    for row in kernel.read_rows(stream, name, "jsonl"):
        yield row._replace(fields={**row.fields, **_split(row.fields)})
