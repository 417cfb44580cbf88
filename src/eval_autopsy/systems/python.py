"""A Python function, in a process and with an interpreter of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eval_autopsy import kernel, registry
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.journal import Reply
from eval_autopsy.systems.kinds import System, bounds_of, digests_of


class Child:
    """One child process that answers in turn, and is started anew when it has died."""

    def __init__(self, path: Path, function: str, timeout: float, memory: int, python: str) -> None:
        self.system = kernel.System(str(path), function, timeout, memory)
        self.system.command[0] = python
        try:
            self.system.start()
        except kernel.Unreadable as error:
            raise CannotRun(error.what, where=error.where, remedy=error.remedy) from None

    @property
    def files(self) -> tuple[Path, ...]:
        """The function's file, and what it has loaded from beside it."""
        own = Path(self.system.path)
        return tuple(dict.fromkeys([own, *map(Path, self.system.files)]))

    def ask(self, value: object, key: str) -> Reply:
        return Reply(self.system.ask(value))

    def stop(self) -> None:
        self.system.stop()


@registry.system("python")
@contextmanager
def python(case: Case) -> Iterator[System]:
    """A Python function, `python = "file.py:function"`, in a process of its own."""
    entry, bounds = case.system, case.file.system
    if entry is None or bounds is None:
        raise CannotRun("the case names no Python function", where=str(case.path))
    interpreter = interpreter_of(case)
    child = Child(entry.file, entry.name, bounds.timeout, bounds.memory, interpreter)
    spare = [child]
    workers = [child]

    def worker() -> Child:
        if spare:
            return spare.pop()
        workers.append(Child(entry.file, entry.name, bounds.timeout, bounds.memory, interpreter))
        return workers[-1]

    identity = {
        "kind": "python",
        "function": entry.name,
        "interpreter": version_of(interpreter),
        "files": digests_of(case, child.files),
        "bounds": bounds_of(bounds),
    }
    try:
        yield System(identity=identity, worker=worker, files=child.files)
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
