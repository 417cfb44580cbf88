"""Chat messages, as many tools write them: the text that was asked, and the answer at their end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval_autopsy.readers.log_values import mapping, sequence

ASKING = ("user", "human")
ANSWERING = ("assistant", "ai")


def words(content: Any) -> str:
    """The text of a message's content: text as it is, or the text parts of a list, a line each."""
    if isinstance(content, str):
        return content
    parts = (mapping(part) for part in sequence(content))
    found = (part.get("text", part.get("content")) for part in parts)
    return "\n".join(one for one in found if isinstance(one, str))


def role(message: Any) -> str:
    """Who a message is from; "" when it does not say."""
    found = mapping(message).get("role")
    return found if isinstance(found, str) else ""


def are_messages(value: Any) -> bool:
    """Whether a value is a list of chat messages."""
    return isinstance(value, list) and bool(value) and all(role(one) for one in value)


def asked(messages: Sequence[Any]) -> Any:
    """The text of the one message from a user, or all messages when there are several."""
    from_user = [message for message in messages if role(message) in ASKING]
    return words(from_user[0].get("content")) if len(from_user) == 1 else list(messages)


def answered(messages: Sequence[Any]) -> str:
    """The last text that the assistant said; "" when it said none."""
    for message in reversed(messages):
        said = words(message.get("content")) if role(message) in ANSWERING else ""
        if said.strip():
            return said
    return ""
