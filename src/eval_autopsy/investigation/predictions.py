"""Hypotheses that are entered before the system is varied, beside those of the case file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from eval_autopsy.case.load import Case, check_hypothesis
from eval_autopsy.case.model import Hypothesis
from eval_autopsy.errors import BadCase
from eval_autopsy.investigation.facts import of_declared
from eval_autopsy.investigation.standing import check_words, record, require
from eval_autopsy.investigation.state import State


def predict(
    case: Case,
    statement: str | None,
    breaks: Sequence[str],
    spares: Sequence[str],
    mends: Sequence[str] = (),
) -> tuple[Hypothesis, ...]:
    """Enters a hypothesis, or those of the case file; returns all that are entered now.

    Raises CannotRun while a step that it rests on is open, BadCase for what cannot be tried.
    """
    require(case, "hypothesise")
    if statement is None:
        _enter_declared(case, (*breaks, *spares, *mends))
        return hypotheses_of(case)
    check_words(statement, "--statement")
    if not breaks:
        what = "a hypothesis that breaks nothing cannot be wrong"
        raise BadCase(what, remedy="name a change that should break right answers with --breaks")
    said: dict[str, Any] = {"statement": statement, "breaks": list(breaks)}
    said |= {"spares": list(spares)} if spares else {}
    said |= {"mends": list(mends)} if mends else {}
    check_hypothesis(Hypothesis.model_validate(said), files=bool(case.perturbation_files))
    record(case, {"hypothesise": {"hypothesis": said}})
    return hypotheses_of(case)


def with_hypotheses(case: Case) -> Case:
    """The case with all hypotheses that are entered beside its own."""
    declared = case.file.model_copy(update={"hypothesis": hypotheses_of(case)})
    return replace(case, file=declared)


def hypotheses_of(case: Case) -> tuple[Hypothesis, ...]:
    """The hypotheses of the case file, and those that were entered; the first of a statement."""
    found = {one.statement: one for one in case.file.hypothesis}
    for entry in State(case).entries():
        said = entry.says.get("hypothesis") if entry.step == "hypothesise" else None
        if said:
            one = Hypothesis.model_validate(dict(said))
            found.setdefault(one.statement, one)
    return tuple(found.values())


def _enter_declared(case: Case, changes: Sequence[str]) -> None:
    if changes:
        what = "--breaks, --spares and --mends need a --statement"
        raise BadCase(what, remedy="say why the system fails, in one line")
    if not case.file.hypothesis:
        what = "there is no hypothesis"
        remedy = "give --statement and --breaks, or add a [[hypothesis]] to the case"
        raise BadCase(what, where=str(case.path), remedy=remedy)
    for one in case.file.hypothesis:
        check_words(one.statement, str(case.path))
    record(case, of_declared(case))
