"""The turns of a conversation: lists of objects with a `role` and a `content`."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

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


@perturbation("drop_tool_response", holds=OTHERS, of="messages", relation="changes")
def drop_tool_response(messages: Messages, draw: Random) -> list[Any] | None:
    """The response of one tool, drawn at random, is missing."""
    at = _place(messages, "tool", draw)
    return None if at is None else [*messages[:at], *messages[at + 1 :]]


@perturbation("tool_error", holds=OTHERS, of="messages", relation="changes")
def tool_error(messages: Messages, draw: Random) -> list[Any] | None:
    """One tool, drawn at random, responds with an error."""
    at = _place(messages, "tool", draw)
    if at is None:
        return None
    failed = {**messages[at], "content": one_of(draw, ERRORS)}
    return [*messages[:at], failed, *messages[at + 1 :]]


@perturbation("small_talk", holds=OTHERS, of="messages")
def small_talk(messages: Messages, draw: Random) -> list[Any] | None:
    """A greeting and its answer come before the user's first message."""
    first = next((at for at, one in enumerate(messages) if one.get("role") == "user"), None)
    if first is None:
        return None
    said, answered = one_of(draw, GREETINGS)
    turns = [{"role": "user", "content": said}, {"role": "assistant", "content": answered}]
    return [*messages[:first], *turns, *messages[first:]]


def _place(messages: Messages, role: str, draw: Random) -> int | None:
    """The place of a message of a role, drawn at random; None when there is none."""
    places = [at for at, message in enumerate(messages) if message.get("role") == role]
    return one_of(draw, places) if places else None
