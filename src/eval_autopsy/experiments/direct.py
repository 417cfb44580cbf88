"""A case's Python function, asked one input after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from eval_autopsy import kernel
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotRun


class Direct:
    """Asks a child process, and remembers nothing."""

    def __init__(self, child: kernel.System) -> None:
        self.child = child

    def answers(self, inputs: Sequence[object], *, repeat: int = 0) -> list[kernel.Answer]:
        return [self.child.ask(value) for value in inputs]


@contextmanager
def opened(case: Case) -> Iterator[Direct]:
    """The system of a case. Raises CannotRun when it has none, or it does not load."""
    system, bounds = case.system, case.file.system
    if system is None or bounds is None:
        what, remedy = "the case names no system", "add [system]: changed inputs have to be run"
        raise CannotRun(what, where=str(case.path), remedy=remedy)
    try:
        with kernel.System(str(system.file), system.name, bounds.timeout, bounds.memory) as child:
            yield Direct(child)
    except kernel.Unreadable as error:
        raise CannotRun(error.what, where=error.where, remedy=error.remedy) from None
