"""Chat messages, in whichever of the common forms they come: what was asked, and what answered.

1. A text stands for a message only where the message is nothing else: with an image beside it,
   or a call of a tool in its place, the messages stay whole.
2. `asked` and `answered` take any value, and give one that holds no messages back as it is.
   `last_answer` and `words` take what is known to be messages, and text wherever they have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval_autopsy.readers.log_values import inside

USERS = ("user", "human")
ASSISTANTS = ("assistant", "ai", "model")
ROLES = (*USERS, *ASSISTANTS, "system", "developer", "tool", "function")
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


def are_messages(value: Any) -> bool:
    """Whether a value is a list of messages, of whatever roles a tool has."""
    return isinstance(value, list) and bool(value) and all(map(_speaker, value))


def last_answer(messages: Sequence[Any]) -> str:
    """The last text that the assistant said in messages; "" when it said none."""
    for message in reversed(messages):
        said = words(message.get("content")) if _speaker(message) in ASSISTANTS else ""
        if said.strip():
            return said
    return ""


def is_from_user(message: Any) -> bool:
    """Whether a message is a user's."""
    return _speaker(message) in USERS


def words(content: Any) -> str:
    """The text of a message's content: text as it is, or the text parts of a list, a line each."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (_part_text(part) for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if text is not None)


def _speaker(message: Any) -> str:
    role = inside(message, "role")
    return role if isinstance(role, str) else ""
