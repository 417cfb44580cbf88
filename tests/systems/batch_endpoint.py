"""An endpoint on loopback that takes batches of messages as the real one does.

with BatchEndpoint() as endpoint:
    endpoint.batches      the requests of each batch that was created, by its name
    endpoint.asked        every request: its method and path
    endpoint.ends         whether batches end; until then they are in progress
    endpoint.faults       what happens to the next requests of a kind, such as {"create": ["busy"]}

A message gives the text of the request back. "errored", "canceled" and "expired" come to that, and
"silent" has no line among the results. At the moment that `kills` names the process with the number
in its file is killed.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Json = dict[str, Any]
USAGE = {"input_tokens": 100, "output_tokens": 20}
STATUS = {"busy": 429, "overloaded": 529, "bad": 400, "gone": 404}
RETRY_AFTER = 1  # seconds, of "busy"


class BatchEndpoint:
    """A server on a free port for as long as the `with` lasts."""

    def __init__(self) -> None:
        self.batches: dict[str, list[Json]] = {}
        self.created: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.faults: dict[str, list[str]] = {}
        self.ends = True
        self.kills: tuple[str, Path] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> BatchEndpoint:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def kill_at(self, moment: str) -> None:
        """Kills the process, once, when its moment has come."""
        if self.kills is not None and self.kills[0] == moment:
            pid = int(self.kills[1].read_text())
            self.kills = None
            os.kill(pid, signal.SIGKILL)

    def create(self, requests: list[Json]) -> str:
        name = f"msgbatch_{len(self.batches)}"
        self.batches[name] = requests
        self.created[name] = datetime.now(UTC).isoformat()
        return name

    def described(self, name: str) -> Json:
        """A batch as the endpoint describes it."""
        n = len(self.batches[name])
        counts = {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
        return {
            "id": name,
            "type": "message_batch",
            "processing_status": "ended" if self.ends else "in_progress",
            "request_counts": counts | {"succeeded" if self.ends else "processing": n},
            "created_at": self.created[name],
            "expires_at": self.created[name],
            "ended_at": None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{self.url}/v1/messages/batches/{name}/results" if self.ends else None,
        }

    def results(self, name: str) -> Iterator[Json]:
        """The lines of the results, the last request first: no order is promised."""
        for request in reversed(self.batches[name]):
            text = request["params"]["messages"][-1]["content"]
            if text != "silent":
                yield {"custom_id": request["custom_id"], "result": result(text)}


def result(text: str) -> Json:
    if text in ("canceled", "expired"):
        return {"type": text}
    if text == "errored":
        inner = {"type": "invalid_request_error", "message": "no such thing"}
        return {"type": text, "error": {"type": "error", "error": inner, "request_id": None}}
    return {"type": "succeeded", "message": message(text)}


def message(text: str) -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }


def _handler(endpoint: BatchEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            endpoint.asked.append(("POST", self.path))
            if self.path != "/v1/messages/batches":  # a message by itself, which is not taken here
                self.send(404, error())
                return
            endpoint.kill_at("before it is sent")
            fault = self.fault("create")
            if fault in STATUS:
                self.send(STATUS[fault], error())
                return
            name = endpoint.create(body["requests"])
            endpoint.kill_at("before its name is heard")
            if fault == "lost":  # it was taken, and nobody hears of it
                self.close_connection = True
                return
            self.send(200, json.dumps(endpoint.described(name)).encode())

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            endpoint.asked.append(("GET", path))
            kind, name = self.kind_of(path)
            fault = self.fault(kind)
            if fault in STATUS:
                self.send(STATUS[fault], error())
            elif kind == "list":
                all_of_them = [endpoint.described(one) for one in reversed(endpoint.batches)]
                self.send(200, json.dumps({"data": all_of_them, "has_more": False}).encode())
            elif kind == "results":
                lines = [json.dumps(one).encode() + b"\n" for one in endpoint.results(name)]
                endpoint.kill_at("before its results are read")
                self.send(200, b"".join(lines))
            else:
                endpoint.kill_at("while it is waited for")
                self.send(200, json.dumps(endpoint.described(name)).encode())

        def kind_of(self, path: str) -> tuple[str, str]:
            parts = path.removeprefix("/v1/messages/batches").strip("/").split("/")
            kind = "results" if parts[-1] == "results" else "retrieve" if parts[0] else "list"
            return kind, parts[0]

        def fault(self, kind: str) -> str:
            waiting = endpoint.faults.get(kind, [])
            return waiting.pop(0) if waiting else ""

        def send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == STATUS["busy"]:
                self.send_header("Retry-After", str(RETRY_AFTER))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the terminal is the test's."""

    return Handler


def error() -> bytes:
    return json.dumps({"type": "error", "error": {"type": "api_error", "message": "no"}}).encode()
