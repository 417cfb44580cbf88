"""What was predicted and what came of it, in the order in which it was written down.

1. A line is written to the disk before the work that it is about begins, and never changed.
2. Each line holds the digest of the line before, so that none can be changed, moved or taken out
   without a trace; whoever rewrites all that follows leaves none.
3. What has been predicted once is not predicted again: the first line counts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import CannotUse

FOLDER, NAME = ".autopsy", "predictions.jsonl"


class Entry(NamedTuple):
    """A line of the ledger."""

    number: int  # from 1
    digest: str  # of the content
    kind: str  # "prediction" or "result"
    at: str  # when it was written
    content: Mapping[str, Any]
    known: int  # answers to its inputs that were known when it was written


class Ledger:
    """The ledger of a case's folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FOLDER / NAME

    def entries(self) -> list[Entry]:
        """All lines so far. Raises CannotUse for one that was changed after it was written."""
        if not self.path.exists():
            return []
        found, before = [], ""
        for number, line in enumerate(self.path.read_bytes().splitlines(), 1):
            entry = self._read(line, number, before)
            found.append(entry)
            before = sha256(line).hexdigest()
        return found

    def enter(self, kind: str, content: Mapping[str, Any], at: str, known: int = 0) -> Entry:
        """The entry of some content, which is on the disk; the first one, if it was there."""
        entries = self.entries()
        digest = sha256(kernel.canonical(dict(content)).encode("utf-8")).hexdigest()
        earlier = next((e for e in entries if e.kind == kind and e.digest == digest), None)
        if earlier is not None:
            return earlier
        self.path.parent.mkdir(exist_ok=True)
        with open(self.path, "a+b") as file:
            file.seek(0)
            lines = file.read().splitlines()
            before = sha256(lines[-1]).hexdigest() if lines else ""
            said = {"kind": kind, "digest": digest, "at": at, "known": known}
            said |= {"content": dict(content)}
            file.write(kernel.canonical({"after": before, **said}).encode("utf-8") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return Entry(len(lines) + 1, digest, kind, at, content, known)

    def _read(self, line: bytes, number: int, before: str) -> Entry:
        where = f"{self.path}:{number}"
        remedy = "restore the file, or move it away to start anew"
        try:
            said = kernel.strict_json(line.decode("utf-8"))
            content = said["content"]
            digest = sha256(kernel.canonical(content).encode("utf-8")).hexdigest()
            about = (said["digest"], said["kind"], said["at"], content, said["known"])
            entry = Entry(number, *about)
            whole = said["after"] == before and digest == entry.digest
        except (kernel.Unreadable, UnicodeDecodeError, KeyError, TypeError):
            raise CannotUse("this is no line of a ledger", where=where, remedy=remedy) from None
        if not whole:
            what = "the line is not as it was written, or not in its place"
            raise CannotUse(what, where=where, remedy=remedy)
        return entry
