"""A Python function, in a process and with an interpreter of its own.

The process runs the kernel's own lines, so that what a receipt records here is what
`autopsy verify --rerun` sees.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eval_autopsy import kernel, registry
from eval_autopsy.case.load import Case, Entry
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.journal import Reply
from eval_autopsy.systems.kinds import System, bounds_of, cost_of_a_call, digests_of
from eval_autopsy.systems.processes import Program, trouble, value_of

LOADING = 30.0  # seconds that loading may take, where the timeout is not longer


class Child:
    """One process that answers in turn, and is started anew when it has died."""

    def __init__(self, entry: Entry, interpreter: str, bounds: Bounds) -> None:
        self.entry, self.bounds = entry, bounds
        kernels = kernel.System(str(entry.file.absolute()), entry.name, 0, bounds.memory)
        command = [interpreter, *kernels.command[1:]]
        self.program = Program(command, entry.file.parent, "lines", bounds)
        self.files: tuple[Path, ...] = ()  # the function's own, and what it loaded beside it
        self.loaded = False

    def load(self) -> None:
        """Starts the process; raises CannotRun when the function does not load."""
        end = self.program.call(None, max(self.bounds.timeout, LOADING))
        kind, value = said(end.output) if end.kind == "answer" else ("", trouble(end, self.bounds))
        if kind != "ready":
            what = f"the system does not load: {value}"
            raise CannotRun(what, where=str(self.entry.file), remedy="run it by hand")
        self.files = tuple(dict.fromkeys([self.entry.file, *map(Path, value)]))
        self.loaded = True

    def ask(self, value: object, key: str) -> Reply:
        if not self.loaded:
            self.load()
        end = self.program.call(kernel.canonical(value), self.bounds.timeout)
        if end.kind == "gone":
            self.loaded = False
            return self.ask(value, key)
        cost = cost_of_a_call(self.bounds)
        if end.kind != "answer":
            self.loaded = False
            return Reply(kernel.Answer(kernel.MISSING, trouble(end, self.bounds)), cost=cost)
        kind, found = said(end.output)
        if kind == "output":
            return Reply(kernel.Answer(found), cost=cost)
        return Reply(kernel.Answer(kernel.MISSING, found), cost=cost)

    def stop(self) -> None:
        self.program.stop()


def said(line: bytes) -> tuple[str, Any]:
    """The kind of a reply, and its value."""
    answer = value_of(line)
    if answer.error is not None:
        return "error", answer.error
    return next(iter(answer.output.items()))  # type: ignore[no-any-return]


@registry.system("python")
@contextmanager
def python(case: Case) -> Iterator[System]:
    """A Python function, `python = "file.py:function"`, in a process of its own."""
    entry, bounds = case.system, case.file.system
    if entry is None or bounds is None:
        raise CannotRun("the case names no Python function", where=str(case.path))
    interpreter = interpreter_of(case)
    version = version_of(interpreter)
    workers = [Child(entry, interpreter, bounds)]
    spare = list(workers)

    def worker() -> Child:
        if spare:
            return spare.pop()
        workers.append(Child(entry, interpreter, bounds))
        return workers[-1]

    try:
        workers[0].load()
        files = workers[0].files
        identity = {
            "kind": "python",
            "function": entry.name,
            "interpreter": version,
            "files": digests_of(case, files),
            "bounds": bounds_of(bounds),
        }
        most = cost_of_a_call(bounds)
        yield System(identity=identity, worker=worker, files=files, most=lambda _: most)
    finally:
        for one in workers:
            one.stop()


def interpreter_of(case: Case) -> str:
    """The Python that runs the function: the one that the case names, or ours."""
    bounds = case.file.system
    if bounds is None or bounds.interpreter is None:
        return sys.executable
    named = bounds.interpreter
    # A path is relative to the case; a bare name is looked for as a shell would.
    found = shutil.which(named if os.sep not in named else str(case.folder / named))
    if found is None:
        what = f"there is no interpreter {named!r}"
        raise CannotRun(what, where=str(case.path), remedy="name the path of a Python")
    return os.path.abspath(found)


def version_of(interpreter: str) -> str:
    """What an interpreter says that it is. Raises CannotRun when it is no Python."""
    if interpreter == sys.executable:
        return sys.version
    ask = [interpreter, "-I", "-c", "import sys; print(sys.version)"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        what = f"the interpreter does not run: {error}"
        raise CannotRun(what, where=interpreter, remedy="name the path of a Python") from None
    return done.stdout.strip()
