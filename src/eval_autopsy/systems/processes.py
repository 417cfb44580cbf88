"""Programs that are run under a keeper, and what the end of a call says of the record."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.errors import CannotRun

KEEPER = Path(__file__).with_name("keeper.py")
PROCESSES = 256  # that a system may have at a time
GRACE = 30.0  # seconds that a keeper may take to end what it keeps


class End(NamedTuple):
    """How a call of a program ended: see `keeper.py`."""

    kind: str
    output: bytes
    status: int = 0
    says: str = ""


class Program:
    """A program in the hands of a keeper, one call at a time."""

    def __init__(self, command: Sequence[str], folder: Path, mode: str, bounds: Bounds) -> None:
        if os.name != "posix":
            what = "systems run on Linux and macOS alone"
            raise CannotRun(what, remedy="score recorded outputs: output under [fields]")
        self.bounds = bounds
        limits = {
            "mode": mode,
            "memory": bounds.memory,
            "output_limit": bounds.output_limit,
            "processes": PROCESSES,
        }
        asked = json.dumps({"command": list(command), "bounds": limits})
        # -P, for the files beside the keeper have names of standard modules. A session of its own,
        # so that Ctrl-C is ours to handle.
        self.keeper = subprocess.Popen(
            [sys.executable, "-P", "-B", str(KEEPER), asked],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )

    def call(self, send: str | None, timeout: float) -> End:
        """The end of one call; `send` is a line for the program, None when it speaks first."""
        until = time.monotonic() + timeout + GRACE
        request = json.dumps({"send": send, "timeout": timeout}) + "\n"
        try:
            unsent = memoryview(request.encode("ascii"))
            while unsent:
                unsent = unsent[self.keeper.stdin.write(unsent) :]  # type: ignore[union-attr]
            head, _, output = self._read(until, b"\n").partition(b"\n")
            told: Mapping[str, Any] = json.loads(head)
            missing = told["size"] - len(output)
            output += self._read(until, size=missing) if missing else b""
        except (OSError, ValueError):  # it was killed, or does not answer
            self.stop()
            return End("ended", b"", self.keeper.returncode or 0)
        return End(told["kind"], output, told.get("status", 0), told.get("says", ""))

    def _read(self, until: float, mark: bytes = b"", size: int = 0) -> bytes:
        """What the keeper says, up to a mark or a size. Raises OSError when it says no more."""
        pipe: Any = self.keeper.stdout
        found = bytearray()
        while not (mark in found if mark else len(found) >= size):
            if not select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError
            piece = os.read(pipe.fileno(), 2**16)
            if not piece:
                raise EOFError
            found += piece
        return bytes(found)

    def stop(self) -> None:
        """Ends the program and all that it started."""
        self.keeper.terminate()
        try:
            self.keeper.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.keeper.kill()
            self.keeper.wait()
        for pipe in (self.keeper.stdin, self.keeper.stdout):
            pipe.close()  # type: ignore[union-attr]


def trouble(end: End, bounds: Bounds) -> str:
    """The error of a call that ended without an answer: its kind, and a message."""
    words = {
        "timeout": f"TimeoutError: no answer in {bounds.timeout:g} s",
        "output": f"OutputLimit: the system gave more than {bounds.output_limit:,} bytes",
        "lines": "ValueError: more than one line for one input",
        "memory": f"MemoryLimit: the system took more than {bounds.memory:,} bytes",
        "processes": f"ProcessLimit: the system had more than {PROCESSES} processes",
    }
    if end.kind in words:
        return words[end.kind]
    says = end.says.splitlines()[-1][:200] if end.says else ""
    return f"Crash: the system ended with status {end.status}" + (f": {says}" if says else "")


def value_of(raw: bytes) -> kernel.Answer:
    """The JSON value that a program wrote, or what is wrong with it."""
    try:
        return kernel.Answer(kernel.strict_json(raw.decode("utf-8").rstrip()))
    except UnicodeDecodeError as error:
        what = f"byte {raw[error.start]:#04x} is not UTF-8"
    except kernel.Unreadable as error:
        what = error.what
    return kernel.Answer(kernel.MISSING, f"ValueError: {what}")
