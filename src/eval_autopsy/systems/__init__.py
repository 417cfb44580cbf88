"""The system under test, of whatever kind, asked within bounds and with a journal.

    with systems.opened(case, systems.journal_of(case), progress) as runner:
        answers = runner.answers(inputs)              # in order; an error is an answer
        again = runner.answers(inputs[:20], repeat=1)  # calls of their own
        runner.spent                                  # calls, journalled, cost, errors by kind

What was answered before is taken from the journal, and not called again. When the `with` ends in
order, a Python function's answers are forgotten, unless the case says keep_answers; those of other
kinds stay. See `runner.py` for when a run stops by itself, `journal.py` for what a kill leaves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from eval_autopsy import registry
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems import claude as claude
from eval_autopsy.systems import command as command
from eval_autopsy.systems import http as http
from eval_autopsy.systems import python as python
from eval_autopsy.systems.journal import Journal
from eval_autopsy.systems.runner import Progress, Runner, Spent

__all__ = ["Progress", "Runner", "Spent", "journal_of", "opened"]


def journal_of(case: Case) -> Path | None:
    """Where the calls of a case are kept, in its folder.

    None when nothing can be written there and no answer would be kept for a later run.
    """
    bounds = case.file.system
    if bounds is not None and not bounds.keeps and not os.access(case.folder, os.W_OK):
        return None
    return case.folder / ".autopsy" / "journal.sqlite"


def quiet(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@contextmanager
def opened(case: Case, journal: Path | None, progress: Progress = quiet) -> Iterator[Runner]:
    """A runner of the case's system, whose processes and connections end with it.

    `journal` is the file of the calls that were made; without one, each is remembered only as
    long as the runner lives. Raises CannotRun when the case names no system, when the system does
    not start, and when another process holds the journal; CannotUse for a journal that was edited.
    """
    bounds = case.file.system
    if bounds is None:
        raise CannotRun("the case names no system", where=str(case.path), remedy="add [system]")
    with (
        registry.systems.get(bounds.kind)(case) as system,
        closing(Journal(journal, system.identity)) as kept,
    ):
        runner = Runner(system, bounds, kept, progress)
        try:
            yield runner
            if not bounds.keeps:
                kept.forget()
        finally:
            runner.close()
