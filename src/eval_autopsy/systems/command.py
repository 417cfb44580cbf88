"""A program of any language, which reads and writes JSON."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eval_autopsy import kernel, registry
from eval_autopsy.case.load import Case
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.journal import Reply
from eval_autopsy.systems.kinds import System, bounds_of, cost_of_a_call, digests_of
from eval_autopsy.systems.processes import Program, trouble, value_of


class Runs:
    """One place where the program is run: once for all inputs, or once for each."""

    def __init__(self, command: tuple[str, ...], folder: Path, bounds: Bounds) -> None:
        self.bounds = bounds
        self.program = Program(command, folder, bounds.mode, bounds)

    def ask(self, value: object, key: str) -> Reply:
        end = self.program.call(kernel.canonical(value), self.bounds.timeout)
        if end.kind == "gone":
            return self.ask(value, key)
        cost = cost_of_a_call(self.bounds)
        if end.kind == "start":
            what = f"the program does not start: {end.says}"
            raise CannotRun(what, where="[system] command", remedy="run it by hand")
        if end.kind == "answer":
            return Reply(value_of(end.output), cost=cost)
        return Reply(kernel.Answer(kernel.MISSING, trouble(end, self.bounds)), cost=cost)

    def stop(self) -> None:
        self.program.stop()


@registry.system("command")
@contextmanager
def command(case: Case) -> Iterator[System]:
    """A program, `command = ["prog", "arg"]`: JSON lines in and out, or a process each."""
    bounds = case.file.system
    if bounds is None or bounds.command is None:
        raise CannotRun("the case names no command", where=str(case.path))
    program = (found(bounds.command[0], case), *bounds.command[1:])
    workers: list[Runs] = []

    def worker() -> Runs:
        workers.append(Runs(program, case.folder, bounds))
        return workers[-1]

    identity = {
        "kind": "command",
        "command": list(bounds.command),
        "mode": bounds.mode,
        "files": digests_of(case, files_in(bounds.command, case)),
        "bounds": bounds_of(bounds),
    }
    try:
        yield System(identity=identity, worker=worker, most=lambda _: cost_of_a_call(bounds))
    finally:
        for one in workers:
            one.stop()


def found(name: str, case: Case) -> str:
    """The path of a program: relative to the case, or as a shell would find it."""
    path = shutil.which(name if os.sep not in name else str(case.folder / name))
    if path is None:
        what = f"there is no program {name!r}"
        remedy = "name one that is on the PATH, or its path as seen from the case"
        raise CannotRun(what, where=str(case.path), remedy=remedy)
    return os.path.abspath(path)


def files_in(command: tuple[str, ...], case: Case) -> list[Path]:
    """The files of the case that a command names, which its answers depend on."""
    named = (case.folder / part for part in command if part)
    return [path for path in named if os.path.isfile(path)]
