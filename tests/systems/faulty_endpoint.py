"""An endpoint on loopback that goes wrong as it is told to, and otherwise answers.

with FaultyEndpoint(answer, ["busy", "cut"]) as endpoint:
    the first request is sent away, the second is cut short, the others are answered
endpoint.requests          the bodies, oldest first
endpoint.headers           their headers
endpoint.times             when each came
"""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
RETRY_AFTER = 1  # seconds


class FaultyEndpoint:
    """A server on a free port for as long as the `with` lasts; `answer` makes the body."""

    def __init__(
        self,
        answer: Callable[[Json], bytes],
        faults: Sequence[str] = (),
        kind: str = "application/json",
    ) -> None:
        self.answer, self.faults, self.kind = answer, list(faults), kind
        self.requests: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.at_a_time = self.most_at_a_time = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FaultyEndpoint:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(endpoint: FaultyEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with endpoint.lock:
                endpoint.requests.append(body)
                endpoint.headers.append({k.lower(): v for k, v in self.headers.items()})
                endpoint.times.append(time.monotonic())
                endpoint.at_a_time += 1
                endpoint.most_at_a_time = max(endpoint.at_a_time, endpoint.most_at_a_time)
                fault = endpoint.faults.pop(0) if endpoint.faults else "none"
            try:
                with contextlib.suppress(OSError):  # the client does not wait for ever
                    getattr(self, fault)(endpoint.answer(body))
            finally:
                with endpoint.lock:
                    endpoint.at_a_time -= 1

        def none(self, body: bytes) -> None:
            self.send(200, body)

        def busy(self, _: bytes) -> None:
            self.send(429, error("rate_limit_error"), {"Retry-After": str(RETRY_AFTER)})

        def overloaded(self, _: bytes) -> None:
            self.send(529, error("overloaded_error"))

        def bad_request(self, _: bytes) -> None:
            self.send(400, error("invalid_request_error"))

        def no_key(self, _: bytes) -> None:
            self.send(401, error("authentication_error"))

        def elsewhere(self, _: bytes) -> None:
            self.send(302, b"", {"Location": "http://127.0.0.1:9/"})

        def packed(self, body: bytes) -> None:
            self.send(200, gzip.compress(body), {"Content-Encoding": "gzip"})

        def stalled(self, body: bytes) -> None:
            self.send(200, body, sent=len(body) // 2)
            endpoint.over.wait(60)

        def cut(self, body: bytes) -> None:
            self.send(200, body, sent=len(body) // 2)
            self.close_connection = True

        def dripping(self, body: bytes) -> None:
            self.send(200, b"", {"Content-Length": "1000"}, length=False)
            while not endpoint.over.wait(0.1):
                self.wfile.write(b" ")
                self.wfile.flush()

        def endless(self, _: bytes) -> None:
            self.send(200, b"", {"Content-Length": str(2**30)}, length=False)
            for _mebibyte in range(2**10):
                self.wfile.write(b" " * 2**20)

        def send(
            self,
            status: int,
            body: bytes,
            headers: dict[str, str] | None = None,
            *,
            sent: int | None = None,
            length: bool = True,
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", endpoint.kind if status == 200 else "application/json")
            if length:
                self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[:sent])
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Nothing: the terminal is the test's."""

    return Handler


def error(kind: str) -> bytes:
    """An error as the Messages endpoint writes it."""
    return json.dumps({"type": "error", "error": {"type": kind, "message": kind}}).encode()
