"""What was asked and answered in chat messages, in whichever of the common forms they come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval_autopsy.kernel import MISSING

USERS = ("user", "human")
ROLES = (*USERS, "assistant", "ai", "model", "system", "developer", "tool", "function")
CALLS = ("tool_calls", "function_call")
SAID = ("content", "contents", "parts", *CALLS)  # where a message has what it says
TEXTS = ("text", "content", "value")  # where a part of a message has its text
TEXT_TYPES = ("text", "input_text", "output_text")


def asked(value: Any) -> Any:
    """The text of the one user message among chat messages; any other input as it is."""
    messages = messages_in(value)
    users = [message for message in messages if role_of(message) in USERS]
    text = text_of(users[0]) if len(users) == 1 else None
    return value if text is None else text


def answered(value: Any) -> Any:
    """The text of the last message among chat messages; any other output as it is."""
    messages = messages_in(value)
    text = text_of(messages[-1]) if messages else None
    return value if text is None else text


def messages_in(value: Any) -> Sequence[Mapping[str, Any]]:
    """The chat messages that a value is or has in it; none when it is something else."""
    if isinstance(value, dict):
        choices = value.get("choices")
        if isinstance(choices, list):
            return messages_in(choices)
        value = value.get("messages", [value])
    found = [_unwrapped(item) for item in value] if isinstance(value, list) else []
    return found if all(role_of(message) for message in found) else []


def _unwrapped(item: Any) -> Any:
    """A message without what some tools put around it or before its keys."""
    if not isinstance(item, dict):
        return item
    if isinstance(item.get("message"), dict):
        return _unwrapped(item["message"])
    return {key.removeprefix("message."): value for key, value in item.items()}


def role_of(message: Any) -> str:
    """Who speaks in a message; "" when it is no message."""
    if not isinstance(message, dict) or message.keys().isdisjoint(SAID):
        return ""
    role = message.get("role") or message.get("type")
    return role if role in ROLES else ""


def text_of(message: Mapping[str, Any]) -> str | None:
    """The text of a message; None when there is none, or something else beside it."""
    content = message.get("content", message.get("parts", message.get("contents")))
    if isinstance(content, str):
        return content if content or not any(message.get(call) for call in CALLS) else None
    if not isinstance(content, list):
        return None
    texts = [_part_text(part) for part in content]
    return None if not texts or None in texts else "\n".join(text for text in texts if text)


def _part_text(part: Any) -> str | None:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or part.get("type", "text") not in TEXT_TYPES:
        return None
    return next((part[name] for name in TEXTS if isinstance(part.get(name), str)), None)


def known(values: Iterable[Any]) -> Any:
    """The first value that is known: not MISSING, null or an empty list; MISSING when none is."""
    for value in values:
        if value is not MISSING and value is not None and value != [] and value != {}:
            return value
    return MISSING
