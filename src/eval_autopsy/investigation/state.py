"""What has been established about a case, in the order in which it was entered.

1. One file for each case, of JSON Lines, to which lines are only added: an investigation can be
   interrupted, and go on another day or in other hands.
2. Each line holds the digest of the case and of every file that it rests on. When one of them has
   changed, what the line says is stale.
3. A line is on the disk before anybody is told of it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotUse
from eval_autopsy.readers.record_files import digest_of
from eval_autopsy.systems.journal import folder_of

FOLDER = "steps"  # below .autopsy
LATER = {"hypothesis", "narrative", "perturbations"}  # what a case says for its later steps
Status = Literal["done", "skipped"]


class Basis(NamedTuple):
    """What an entry rests on."""

    case: str  # the digest of what the case says, without what it says for later steps
    files: Mapping[str, str]  # the digest of each file, by its path as seen from the case

    def changed(self, now: Basis) -> str:
        """What has changed since, in words; empty when nothing has."""
        if self.case != now.case:
            return "the case has changed"
        names = sorted(self.files.keys() | now.files.keys())
        other = [one for one in names if self.files.get(one) != now.files.get(one)]
        return f"{kernel.visible(other[0])} has changed" if other else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the file: a step that was done, or skipped."""

    number: int  # from 1
    step: str
    status: Status
    at: str
    basis: Basis
    says: Mapping[str, Any]  # what was established
    reason: str  # of a skip, in the words of who skipped it


class State:
    """The file of one case."""

    def __init__(self, case: Case) -> None:
        self.folder = case.folder / ".autopsy" / FOLDER
        self.path = self.folder / f"{case.name}.jsonl"

    def entries(self) -> list[Entry]:
        """All that was entered. Raises CannotUse for a line that is none of ours."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")[:-1]
        return [self._read(line, number) for number, line in enumerate(lines, 1)]

    def enter(
        self,
        step: str,
        status: Status,
        basis: Basis,
        at: str,
        says: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> Entry:
        """The entry of a step, on the disk; the last one of the step, when it says the same."""
        entries = self.entries()
        last = next((one for one in reversed(entries) if one.step == step), None)
        said = {"step": step, "status": status, "reason": reason, "says": dict(says or {})}
        said |= {"case": basis.case, "files": dict(basis.files)}
        if last is not None and kernel.canonical(said) == kernel.canonical(_said(last)):
            return last
        folder_of(self.folder)
        self.folder.mkdir(exist_ok=True)
        with open(self.path, "a+b") as file:
            self._end_of_line(file.tell())
            file.write(kernel.canonical({**said, "at": at}).encode("utf-8") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return self.entries()[-1]

    def _end_of_line(self, size: int) -> None:
        """Raises CannotUse when the last line was cut, as by a full disk."""
        if size and not self.path.read_bytes().endswith(b"\n"):
            what = "the last line has no end"
            raise CannotUse(what, where=str(self.path), remedy="remove that line")

    def _read(self, line: bytes, number: int) -> Entry:
        try:
            said = kernel.strict_json(line.decode("utf-8"))
            return Entry(
                number=number,
                step=said["step"],
                status=said["status"],
                at=said["at"],
                basis=Basis(said["case"], said["files"]),
                says=said["says"],
                reason=said["reason"],
            )
        except (kernel.Unreadable, UnicodeDecodeError, KeyError, TypeError):
            what = "this is no entry of an investigation"
            remedy = "restore the file, or move it away to start anew"
            raise CannotUse(what, where=f"{self.path}:{number}", remedy=remedy) from None


def _said(entry: Entry) -> dict[str, Any]:
    said = {"step": entry.step, "status": entry.status, "reason": entry.reason}
    return {**said, "says": entry.says, "case": entry.basis.case, "files": entry.basis.files}


def basis_of(case: Case) -> Basis:
    """What all that is established about a case now rests on."""
    said = case.file.model_dump(mode="json", exclude=LATER)
    files = {os.path.relpath(path, case.folder): digest_of(path) for path in files_of(case)}
    return Basis(hashlib.sha256(kernel.canonical(said).encode("utf-8")).hexdigest(), files)


def files_of(case: Case) -> Iterator[Path]:
    """The data, and the code and schemas that the case names."""
    for source in case.sources:
        yield from (source.path, *source.joined)
    for entry in (case.system, case.pydantic):
        if entry is not None:
            yield entry.file
    yield from (case.folder / name for name in (case.file.system.files if case.file.system else ()))
    yield from case.feature_files
    if case.json_schema is not None:
        yield case.json_schema
