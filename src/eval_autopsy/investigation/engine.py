"""Verbs of the engine for a model: each in a process of its own, and what it said as data.

1. A process gets a list of words, and no shell. With the time it is ended, in an orderly way.
2. Only files that the case names, and those of its receipt, can be read.
3. What goes to the model is cut to a screen or two, has its control characters spelled out, and
   stands between two marks that nobody could have known when the data were made.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.case.load import Case
from eval_autopsy.errors import AutopsyError, BadCase, CannotUse
from eval_autopsy.investigation.standing import narrative_of
from eval_autopsy.investigation.state import files_of
from eval_autopsy.investigation.tools import READ, TOOLS, Place, checked, words_of
from eval_autopsy.systems.kinds import OutOfBounds

SECONDS = "--max-seconds"
SHOWN = 16_000  # characters of what a verb said
READ_AT_ONCE = 12_000  # bytes of a file
TURN = 0.2  # seconds between two looks at whether there was an interruption
BEGIN = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from eval_autopsy.cli.main import main; sys.exit(main())"
)
PACKAGES = Path(__file__).parents[2]  # the folder that eval_autopsy is imported from


class Said(NamedTuple):
    """What a tool came to: the exit code of its verb, and what that printed."""

    code: int
    text: str

    def to_model(self) -> str:
        """The same as a model gets it."""
        shown = kernel.visible(self.text[:SHOWN], keep="\n\t").rstrip("\n")
        mark = f"[data {secrets.token_hex(8)}]"
        left = len(self.text) - SHOWN
        more = f"\n{left:,} characters more are not shown: ask for less" if left > 0 else ""
        return f"exit {self.code}\n{mark}\n{shown}\n{mark}{more}"


class Engine:
    """The tools for one case, until a time."""

    def __init__(self, case: Case, place: Place, until: float, grace: float) -> None:
        self.case, self.place = case, place
        self.until, self.grace = until, grace  # the end, and what a verb may need to tidy up

    def call(self, name: str, given: object) -> Said:
        """What a tool came to; of a call that cannot be made, why."""
        try:
            if name not in TOOLS:
                raise BadCase(f"there is no tool {name!r}, expected one of {', '.join(TOOLS)}")
            arguments = checked(TOOLS[name], given)
            if name == READ.name:
                return Said(0, self.read(arguments["file"], arguments.get("offset", 0)))
            return self.verb(name, arguments)
        except OutOfBounds:
            raise
        except AutopsyError as error:
            return Said(error.exit_code, str(error))

    def verb(self, name: str, arguments: Mapping[str, Any]) -> Said:
        """What a verb printed. Raises OutOfBounds for one that the time does not allow to end."""
        sent: str | None = arguments.get("text", "")
        end = self.until - self.grace
        if time.monotonic() >= end:
            raise OutOfBounds(f"the time allowed is used up: {name} was not begun", where=SECONDS)
        process = _begun(words_of(TOOLS[name], arguments, self.place))
        try:
            while time.monotonic() < end:
                with suppress(subprocess.TimeoutExpired):
                    said, _ = process.communicate(sent, timeout=TURN)
                    return Said(process.returncode, said)
                sent = None
        finally:
            self._ended(process)
        raise OutOfBounds(f"the time allowed is used up: {name} was ended", where=SECONDS)

    def read(self, name: str, offset: int) -> str:
        """A part of a file of the case or its receipt. Raises BadCase for any other file."""
        known = self.files()
        bases = (self.case.folder, self.place.receipt, Path())
        wanted = {Path(os.path.realpath(base / name)) for base in bases}
        found = next((path for path in known.values() if path in wanted), None)
        if found is None:
            what = f"{name!r} cannot be read, expected one of {', '.join(known)}"
            raise BadCase(what, where=READ.name)
        return part_of(found, offset)

    def files(self) -> dict[str, Path]:
        """The files that can be read, by their names; none is a link out of where it should be."""
        named = [self.case.path, *files_of(self.case), *self.case.perturbation_files]
        named.append(narrative_of(self.case))
        found = {os.path.relpath(path, self.case.folder): path for path in named if path.is_file()}
        for path in sorted(self.place.receipt.glob("*")):
            if path.is_file() and not path.is_symlink():
                found.setdefault(path.name, path)
        return {name: Path(os.path.realpath(path)) for name, path in found.items()}

    def _ended(self, process: subprocess.Popen[str]) -> None:
        """Ends a process that has not ended, with what it started: first in an orderly way."""
        if process.poll() is not None:
            return
        process.terminate()
        try:
            process.communicate(timeout=self.grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def part_of(path: Path, offset: int) -> str:
    """A part of a text file that is read at once, in whole lines where it has lines."""
    with open(path, "rb") as file:
        file.seek(offset)
        raw = file.read(READ_AT_ONCE)
        left = os.fstat(file.fileno()).st_size - offset - len(raw)
    if b"\0" in raw:
        raise CannotUse("this file is not text", where=str(path))
    if left > 0 and b"\n" in raw:  # so that none is cut within a character
        whole = raw[: raw.rindex(b"\n") + 1]
        raw, left = whole, left + len(raw) - len(whole)
    more = f"\n({left:,} bytes more, from offset {offset + len(raw)} on)" if left > 0 else ""
    return raw.decode("utf-8", "replace") + more


def _begun(words: Sequence[str]) -> subprocess.Popen[str]:
    """A process for a verb, in a session of its own: Ctrl-C is ours to handle."""
    how = ["-I" if sys.flags.isolated else "-P", "-Xutf8"]
    how += [f"-Xpycache_prefix={sys.pycache_prefix}"] if sys.pycache_prefix else []
    return subprocess.Popen(
        [sys.executable, *how, "-c", BEGIN, str(PACKAGES), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
    )
