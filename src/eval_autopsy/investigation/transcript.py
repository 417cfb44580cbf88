"""All that was said in an investigation by a model, beside the receipt.

JSON Lines, to which lines are only added: each with a `kind` and the time, on the disk before
anything follows from it. What a kill leaves is whole but for the line that it cut.

    begin    the case, the model, the bounds, the prompt, the tools
    asked    an attempt that is about to be made, with the most that it can cost
    failed   an attempt without an answer, and why
    message  what the model said, or what it was told, as the endpoint had it
    end      why it ended, and what it took
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Transcript:
    """The file of one case."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, kind: str, says: Mapping[str, Any]) -> None:
        """Adds a line, which is on the disk when this returns."""
        line = json.dumps({"kind": kind, "at": _now(), **says}) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a+b") as file:
            if file.tell() and not _whole(self.path):
                file.write(b"\n")  # after a line that was cut
            file.write(line.encode("ascii"))
            file.flush()
            os.fsync(file.fileno())


def _whole(path: Path) -> bool:
    """Whether a file ends with the end of a line."""
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
