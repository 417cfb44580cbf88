"""The turns of a conversation: lists of objects with a `role` and a `content`.

The response of a tool is a message of the role `tool`, or a block of the type `tool_result` in the
content of a message, as the two common formats have it. Messages stay paired with their calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from eval_autopsy.perturbations.draws import one_of
from eval_autopsy.registry import perturbation

Messages = Sequence[Any]

OTHERS = "every other message, and their order"
ERRORS = (
    "Error: the request timed out.",
    "Error 503: service unavailable.",
    "Error: permission denied.",
)
GREETINGS = (("Hello!", "Hello! How can I help?"), ("Good morning.", "Good morning! What is it?"))


class Response(NamedTuple):
    """Where the response of a tool stands: in a message, or in a block of its content."""

    message: int
    block: int | None


@perturbation(
    "drop_tool_response",
    varies="what tools respond",
    holds=OTHERS,
    of="messages",
    relation="changes",
)
def drop_tool_response(messages: Messages, draw: Random) -> list[Any] | None:
    """One tool, drawn at random, responds with nothing."""
    found = responses(messages)
    return replaced(messages, one_of(draw, found), {"content": ""}) if found else None


@perturbation(
    "tool_error", varies="what tools respond", holds=OTHERS, of="messages", relation="changes"
)
def tool_error(messages: Messages, draw: Random) -> list[Any] | None:
    """One tool, drawn at random, responds with an error."""
    found = responses(messages)
    if not found:
        return None
    place = one_of(draw, found)
    failed: dict[str, Any] = {"content": one_of(draw, ERRORS)}
    if place.block is not None:
        failed["is_error"] = True
    return replaced(messages, place, failed)


@perturbation("small_talk", varies="what is said before the question", holds=OTHERS, of="messages")
def small_talk(messages: Messages, draw: Random) -> list[Any] | None:
    """A greeting and its answer come before the user's first message."""
    first = next((at for at, one in enumerate(messages) if one.get("role") == "user"), None)
    if first is None:
        return None
    said, answered = one_of(draw, GREETINGS)
    turns = [{"role": "user", "content": said}, {"role": "assistant", "content": answered}]
    return [*messages[:first], *turns, *messages[first:]]


def responses(messages: Messages) -> list[Response]:
    """Every response of a tool, in order."""
    found = []
    for at, message in enumerate(messages):
        content = message.get("content")
        if message.get("role") == "tool":
            found.append(Response(at, None))
        elif isinstance(content, list):
            found += [Response(at, i) for i, block in enumerate(content) if _is_result(block)]
    return found


def replaced(messages: Messages, place: Response, parts: dict[str, Any]) -> list[Any]:
    """The messages, one response of a tool with other parts."""
    message = messages[place.message]
    if place.block is None:
        changed = {**message, **parts}
    else:
        blocks = message["content"]
        block = {**blocks[place.block], **parts}
        blocks = [*blocks[: place.block], block, *blocks[place.block + 1 :]]
        changed = {**message, "content": blocks}
    return [*messages[: place.message], changed, *messages[place.message + 1 :]]


def _is_result(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "tool_result"
