"""A stand-in for the Messages endpoint, on loopback: a model whose words are a function.

    with ScriptedEndpoint(model) as endpoint:
        run the client with ANTHROPIC_BASE_URL=endpoint.url
    endpoint.requests          what the client sent, oldest first
    endpoint.troubles          what the model raised; the client saw a lost connection

Everything but the words is then real: command text, tools, permissions, subagents. What it
cannot show is whether the prompts are good; that needs a model.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple
from uuid import uuid4

Json = dict[str, Any]


class Say(NamedTuple):
    """A reply that ends the turn."""

    text: str


class Use(NamedTuple):
    """A reply that calls a tool."""

    tool: str
    input: Json


Model = Callable[[Json], "Say | Use"]


class ScriptedEndpoint:
    """A server on a free port of loopback for as long as the `with` lasts."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.requests: list[Json] = []
        self.troubles: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.troubles = self.troubles
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> ScriptedEndpoint:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, request: Json) -> Say | Use:
        """What the model says; a request without tools is housekeeping, and any text will do."""
        self.requests.append(request)
        return self.model(request) if request.get("tools") else Say("ok")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    troubles: list[str]

    def handle_error(self, request: object, client_address: object) -> None:
        self.troubles.append(repr(sys.exception()))


def _handler(endpoint: ScriptedEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            """The client asks whether anybody is there."""
            self._send(200, "text/plain", b"")

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.split("?")[0].endswith("/count_tokens"):
                self._send(200, "application/json", b'{"input_tokens": 1}')
                return
            self._answer(request, endpoint.reply(request))

        def _answer(self, request: Json, reply: Say | Use) -> None:
            if request.get("stream"):
                self._send(200, "text/event-stream", b"".join(map(_event, _events(request, reply))))
            else:
                message = _message(request, [_block(reply)], _stop_reason(reply))
                self._send(200, "application/json", json.dumps(message).encode())

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the requests are kept, and the terminal is the test's."""

    return Handler


def _new_id(kind: str) -> str:
    """An id not given before: the client takes two messages with one id for parts of one."""
    return f"{kind}_{uuid4().hex[:24]}"


def _stop_reason(reply: Say | Use) -> str:
    return "tool_use" if isinstance(reply, Use) else "end_turn"


def _block(reply: Say | Use) -> Json:
    if isinstance(reply, Say):
        return {"type": "text", "text": reply.text}
    return {"type": "tool_use", "id": _new_id("toolu"), "name": reply.tool, "input": reply.input}


def _message(request: Json, content: list[Json], stop_reason: str | None) -> Json:
    return {
        "id": _new_id("msg"),
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def _events(request: Json, reply: Say | Use) -> Iterator[Json]:
    """The events of a streamed message, in their order."""
    block = _block(reply)
    if isinstance(reply, Say):
        start, delta = {**block, "text": ""}, {"type": "text_delta", "text": reply.text}
    else:
        start = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(reply.input)}
    stopped = {"stop_reason": _stop_reason(reply), "stop_sequence": None}
    yield {"type": "message_start", "message": _message(request, [], None)}
    yield {"type": "content_block_start", "index": 0, "content_block": start}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": stopped, "usage": {"output_tokens": 1}}
    yield {"type": "message_stop"}


def _event(event: Json) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
