"""A model whose answers are written down, on an endpoint that can also go wrong.

    with model([use("next"), use("run"), say("done")]) as endpoint:
        ANTHROPIC_BASE_URL=endpoint.url
    results(endpoint)          what each call came to, as the model was told

An answer goes by the number of answers before it, so that one that is asked for again is the same;
the last one is given for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .faulty_endpoint import FaultyEndpoint

Json = dict[str, Any]
USAGE = {"input_tokens": 1000, "output_tokens": 100}  # of every answer


class Answer(NamedTuple):
    """What the model says, and why it stops."""

    blocks: list[Json]
    stop: str
    torn: bool = False  # whether the arguments of its calls are no JSON


def say(text: str, stop: str = "end_turn") -> Answer:
    return Answer([{"type": "text", "text": text}] if text else [], stop)


def use(name: str, /, **arguments: object) -> Answer:
    return use_with(name, arguments)


def use_with(name: str, arguments: object, stop: str = "tool_use") -> Answer:
    block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": arguments}
    return Answer([block], stop)


def model(answers: Sequence[Answer], faults: Sequence[str] = ()) -> FaultyEndpoint:
    def answer(body: Json) -> bytes:
        before = sum(one["role"] == "assistant" for one in body["messages"])
        chosen = answers[min(before, len(answers) - 1)]
        return b"".join(map(event, events(body["model"], chosen)))

    return FaultyEndpoint(answer, faults, kind="text/event-stream")


def events(name: str, answer: Answer) -> Iterator[Json]:
    """The events of a streamed message, as the Messages endpoint sends them."""
    message: Json = {"id": "msg_1", "type": "message", "role": "assistant", "model": name}
    message |= {"content": [], "stop_reason": None, "stop_sequence": None}
    yield {"type": "message_start", "message": {**message, "usage": {**USAGE, "output_tokens": 1}}}
    for at, block in enumerate(answer.blocks):
        if block["type"] == "text":
            start, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            text = '{"skip": ]' if answer.torn else json.dumps(block["input"])
            start = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": text}
        yield {"type": "content_block_start", "index": at, "content_block": start}
        yield {"type": "content_block_delta", "index": at, "delta": delta}
        yield {"type": "content_block_stop", "index": at}
    stopped = {"stop_reason": answer.stop, "stop_sequence": None}
    usage = {"output_tokens": USAGE["output_tokens"]}
    yield {"type": "message_delta", "delta": stopped, "usage": usage}
    yield {"type": "message_stop"}


def event(one: Json) -> bytes:
    return f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode()


class Result(NamedTuple):
    """What a call came to, as the model was told."""

    text: str
    failed: bool


def results(endpoint: FaultyEndpoint) -> list[Result]:
    """The results in the last request, oldest first."""
    parts = [part for one in endpoint.requests[-1]["messages"] for part in one["content"]]
    found = [part for part in parts if part["type"] == "tool_result"]
    return [Result(one["content"], one["is_error"]) for one in found]
