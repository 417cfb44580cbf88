"""A process that runs one system and answers for it: run as a script, by `processes.py`.

1. All that the system starts is below this process, daemons too (Linux: it is their subreaper),
   and none of it outlives a call that failed, or this process.
2. A call ends at its deadline, and when all that runs holds more memory, more processes or more
   output than allowed. What is read is never more than the output allowed, and a piece.
3. When the process that asks goes away, even by kill -9, its pipe ends, and all is ended here.

A request is a line of JSON, {"send": text or null, "timeout": seconds}. A reply is a line of JSON
with the `kind` of end, and the `size` of the output, which follows. Kinds: "answer", "ended"
(with `status` and `says`), "timeout", "output", "lines" (more than one), "memory", "processes",
"start" (with `says`), "gone" (it ended, or wrote more, after its last answer: to be asked again).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from typing import Any

import psutil

LOOK = 0.1  # seconds between two looks at memory and processes
PIECE = 2**16  # bytes read at once
SAYS = 500  # bytes kept of what the system last wrote to its stderr
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, of <sys/prctl.h>


class Kept:
    """One system: a process that stays ("lines"), or one for each input ("each")."""

    def __init__(self, command: list[str], bounds: dict[str, Any]) -> None:
        self.command, self.bounds = command, bounds
        self.each = bounds["mode"] == "each"
        self.child: subprocess.Popen[bytes] | None = None
        self.wake, wake = os.pipe()  # readable when a child has ended
        for end in (self.wake, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def call(self, send: str | None, timeout: float) -> tuple[dict[str, Any], bytes]:
        """How a call ended, and its output."""
        if self.child is not None and self._spoke_unasked():
            self.end()
            return {"kind": "gone"}, b""
        if self.child is None:
            try:
                self._start()
            except OSError as error:
                return {"kind": "start", "says": f"{self.command[0]}: {error.strerror}"}, b""
        how, output = Call(self, send, timeout).run()
        self.asked = True
        if self.each or how["kind"] != "answer":
            self.end()
        return how, output

    def _start(self) -> None:
        self.asked = False  # whether this process was ever asked before
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(
            self.command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            os.set_blocking(stream.fileno(), False)  # type: ignore[union-attr]
        self.selector = selectors.DefaultSelector()
        self.selector.register(sys.stdin.buffer, selectors.EVENT_READ, "nobody asks")
        self.selector.register(self.wake, selectors.EVENT_READ, "ended")
        self.selector.register(self.child.stdout, selectors.EVENT_READ, "output")  # type: ignore[arg-type]
        self.selector.register(self.child.stderr, selectors.EVENT_READ, "says")  # type: ignore[arg-type]

    def _spoke_unasked(self) -> bool:
        """Whether it has ended since its last answer, or wrote more, so that answers would be out
        of step."""
        child: Any = self.child
        with contextlib.suppress(BlockingIOError):
            os.read(child.stdout.fileno(), 1)  # b"" when it has ended
            return True
        return False

    def end(self) -> None:
        """Ends the system, and everything that it has started."""
        if self.child is not None:
            sweep(self.child.pid)
            self.selector.close()
            for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
                with contextlib.suppress(OSError):  # what was to be written has no reader
                    stream.close()  # type: ignore[union-attr]
            self.child = None


class Call:
    """One input on its way through the system."""

    def __init__(self, kept: Kept, send: str | None, timeout: float) -> None:
        self.kept = kept
        self.child: Any = kept.child
        self.status: int | None = None  # that it ended with
        self.deadline = time.monotonic() + timeout
        self.look = time.monotonic() + LOOK
        self.to_send = memoryview(b"" if send is None else send.encode("utf-8") + b"\n")
        self.output, self.says = bytearray(), b""

    def run(self) -> tuple[dict[str, Any], bytes]:
        self._send()
        while True:
            how = self._ended()
            if how is not None:
                return how, bytes(self.output) if how["kind"] == "answer" else b""
            until = min(self.deadline, self.look) - time.monotonic()
            for key, _ in self.kept.selector.select(max(0, until)):
                self._on(key.data)

    def _on(self, what: str) -> None:
        """Does what one of the pipes is ready for."""
        if what == "output":
            self._read()
        elif what == "says":
            self._listen()
        elif what == "input":
            self._send()
        elif what == "ended":
            with contextlib.suppress(BlockingIOError):
                os.read(self.kept.wake, PIECE)
            self.status = self.child.poll()
        else:
            leave()

    def _ended(self) -> dict[str, Any] | None:
        """How the call ended, if it has."""
        status = self.status
        if status is not None:
            self._read_rest()
        if len(self.output) > self.kept.bounds["output_limit"]:
            return {"kind": "output"}
        if not self.kept.each and b"\n" in self.output:
            after = bytes(self.output).partition(b"\n")[2]
            return {"kind": "lines" if after else "answer"}
        if status is not None:
            if self.kept.each and status == 0:
                return {"kind": "answer"}
            if self.kept.asked and status == 0 and not self.output:
                return {"kind": "gone"}  # after its last answer, before it could see this input
            says = self.says.decode("utf-8", "replace").strip()
            return {"kind": "ended", "status": status, "says": says}
        if time.monotonic() >= self.deadline:
            return {"kind": "timeout"}
        if time.monotonic() >= self.look:
            self.look = time.monotonic() + LOOK
            return self._too_much()
        return None

    def _too_much(self) -> dict[str, Any] | None:
        """Whether all that runs is too large, or too many."""
        there = below()
        if len(there) > self.kept.bounds["processes"]:
            return {"kind": "processes"}
        memory = 0
        for process in there:
            with contextlib.suppress(psutil.Error):  # it has ended
                memory += process.memory_info().rss
        return {"kind": "memory"} if memory > self.kept.bounds["memory"] else None

    def _read(self) -> None:
        piece = os.read(self.child.stdout.fileno(), PIECE)
        self.output += piece
        if not piece:
            self.kept.selector.unregister(self.child.stdout)

    def _listen(self) -> None:
        piece = os.read(self.child.stderr.fileno(), PIECE)
        self.says = (self.says + piece)[-SAYS:]
        if not piece:
            self.kept.selector.unregister(self.child.stderr)

    def _read_rest(self) -> None:
        """What the process had written when it ended; a daemon may hold its pipe open."""
        with contextlib.suppress(BlockingIOError):
            while len(self.output) <= self.kept.bounds["output_limit"]:
                piece = os.read(self.child.stdout.fileno(), PIECE)
                if not piece:
                    break
                self.output += piece
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.child.stderr.fileno(), PIECE):
                self.says = (self.says + piece)[-SAYS:]

    def _send(self) -> None:
        """Writes what the pipe takes, and the rest when it takes more."""
        stream, selector = self.child.stdin, self.kept.selector
        try:
            while self.to_send:
                self.to_send = self.to_send[os.write(stream.fileno(), self.to_send[:PIECE]) :]
        except BlockingIOError:
            if stream not in selector.get_map():
                selector.register(stream, selectors.EVENT_WRITE, "input")
            return
        except BrokenPipeError:  # it does not want the input, or has ended
            self.to_send = memoryview(b"")
        if stream in selector.get_map():
            selector.unregister(stream)
        if self.kept.each:
            stream.close()


def below() -> list[psutil.Process]:
    """All processes below this one."""
    with contextlib.suppress(psutil.Error):
        return list(psutil.Process().children(recursive=True))
    return []


def sweep(leader: int) -> None:
    """Ends the processes below this one: first the group, at one blow, then what has left it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        there = below()
        if not there:
            return
        # Stopped first, so that none is born while the others are ended.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in there:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(number)
        time.sleep(0.002)


def leave(*_: object) -> None:
    """Ends everything; nobody waits for an answer any more."""
    kept.end()
    os._exit(0)


def adopt_orphans() -> None:
    """Makes this process the parent of what loses its own; where that is not possible, the group
    alone is ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def main() -> None:
    """Answers requests until there are no more."""
    signal.signal(signal.SIGTERM, leave)
    adopt_orphans()
    for line in iter(sys.stdin.buffer.readline, b""):
        request = json.loads(line)
        how, output = kept.call(request["send"], request["timeout"])
        head = json.dumps({**how, "size": len(output)}).encode("ascii")
        sys.stdout.buffer.write(head + b"\n" + output)
        sys.stdout.buffer.flush()
    leave()


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    kept = Kept(asked["command"], asked["bounds"])
    main()
