"""A case's system under changed inputs: its hypotheses first, then every change by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotRun
from eval_autopsy.evidence import Evidence, judgeable, spec_of
from eval_autopsy.experiments.ablate import TESTED_ON, Ablation, Asking, ablated, unchanged
from eval_autopsy.experiments.asking import Remembering, Scoring, Tell, answered
from eval_autopsy.experiments.groups import (
    Changes,
    changes_of,
    entries_of,
    eval_group,
    failing_groups,
    subjects_of,
)
from eval_autopsy.experiments.hypotheses import CONTROL, Outcome, outcomes, predicted
from eval_autopsy.experiments.ledger import Ledger
from eval_autopsy.experiments.stress import Stress, stressed, weights_of
from eval_autopsy.experiments.trials import (
    Done,
    Group,
    Subject,
    Trial,
    calls_of,
    inputs_of,
    one_of_each,
    trial_of,
    within,
)
from eval_autopsy.perturbations.draws import shuffled
from eval_autopsy.questions.slices import Slices
from eval_autopsy.readers import read_sources
from eval_autopsy.systems import Runner

FOR_DECLARED = 4  # the part of the calls that hypotheses may take, when not alone: a quarter
CALLS = 4000  # of changed inputs, unless another number is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a case is varied."""

    changes: tuple[str, ...] = ()  # by name; none are all whose right answer is known
    files: tuple[Path, ...] = ()  # with changes of the user's own, beside those of the case
    calls: int = CALLS  # at most
    declared: bool = False  # only the hypotheses of the case
    held_out: frozenset[str] = frozenset()  # ids of eval that hypotheses are not tested on
    seed: int = 0
    now: str = ""  # for the ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """What came of it."""

    hypotheses: tuple[Outcome, ...]
    ablation: Ablation | None  # None when only the hypotheses were asked for
    idle: tuple[str, ...]  # changes that had nothing to learn from
    calls: int
    calls_at_most: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `autopsy ablate`."""
        found: dict[str, Any] = {} if self.ablation is None else self.ablation.to_dict()
        found["hypotheses"] = [one.to_dict() for one in self.hypotheses]
        found["idle"] = list(self.idle)
        return found | {"calls": {"made": self.calls, "at_most": self.calls_at_most}}


def check(case: Case, how: How) -> None:
    """Raises before anything is asked for what could only be in vain.

    BadCase for a change that nobody has, CannotUse for a file that registers none, CannotRun for
    recorded scores, which a changed answer has none of, and with `declared` for no hypothesis.
    """
    where = str(case.path)
    if case.scorer.name == "recorded":
        what = "the scores are recorded, so that a changed answer cannot be scored"
        raise CannotRun(what, where=where, remedy="name a scorer that compares, under [scorer]")
    if how.declared and not case.file.hypothesis:
        raise CannotRun(
            "the case has no hypothesis", where=where, remedy="add a [[hypothesis]] with breaks"
        )
    entries_of(how.changes, (*case.perturbation_files, *how.files))


class Work(NamedTuple):
    """What the steps of a study share."""

    case: Case
    how: How
    runner: Runner
    scoring: Scoring
    subjects: Sequence[Subject]
    tell: Tell

    @property
    def asking(self) -> Asking:
        """How trials are carried out."""
        return Asking(self.runner, self.scoring, self.how.seed)

    def changes(self, names: Sequence[str]) -> Changes:
        """The changes of some names, or all of them, made ready."""
        files = (*self.case.perturbation_files, *self.how.files)
        return changes_of(entries_of(names, files), self.subjects)

    @property
    def right(self) -> Group:
        """The records of eval, where nearly all should be right."""
        return eval_group(self.subjects, self.how.seed)


def varied(
    case: Case, evidence: Evidence, found: Slices, runner: Runner, how: How, tell: Tell
) -> Varied:
    """The hypotheses of a case tested, then each change tried where it is right and where it fails.

    Raises CannotUse when the calls are fewer than what is to be tried.
    """
    scoring = Scoring(evidence.spec)
    work = Work(case, how, runner, scoring, subjects_of(evidence.records, scoring), tell)
    tested = _hypotheses(work, how.calls if how.declared else how.calls // FOR_DECLARED)
    hypotheses, used = tested.outcomes, tested.calls
    if how.declared:
        return Varied(
            hypotheses=hypotheses, ablation=None, idle=(), calls=used, calls_at_most=how.calls
        )
    changes = work.changes(how.changes)
    failing = failing_groups(found, work.subjects, how.seed)
    ablation = ablated([work.right, *failing], changes.ready, work.asking, how.calls - used, tell)
    return Varied(
        hypotheses=hypotheses,
        ablation=ablation,
        idle=changes.idle,
        calls=used + ablation.calls,
        calls_at_most=how.calls,
    )


class Declared(NamedTuple):
    """The hypotheses of a case tested, with all that was asked for them."""

    outcomes: tuple[Outcome, ...] = ()
    done: Mapping[str, Done] = {}  # by the name of the change; CONTROL are the records as they are
    answers: Mapping[str, Sequence[kernel.Answer]] = {}  # to the variants of each, in their order
    calls: int = 0


def declared(case: Case, evidence: Evidence, runner: Runner, how: How, tell: Tell) -> Declared:
    """The hypotheses of a case tested on its eval records, with the answers kept."""
    scoring = Scoring(evidence.spec)
    work = Work(case, how, runner, scoring, subjects_of(evidence.records, scoring), tell)
    return _hypotheses(work, how.calls)


def _hypotheses(work: Work, calls: int) -> Declared:
    """What came of each hypothesis of a case on its eval records, and the calls it took."""
    declared, how = work.case.file.hypothesis, work.how
    if not declared:
        return Declared()
    control, trials = _declared_trials(work, calls)
    ledger = Ledger(work.case.folder)
    system, known = work.runner.journal.system, partial(_known, work.runner)
    entries = predicted(declared, trials, system, ledger, how.now, known)
    made = calls_of([control, *trials.values()])
    what = f"{len(declared)} hypotheses, whose predictions are written down"
    work.tell(f"{made:,} calls are planned for {what}, and at most {how.calls:,} in all")
    asker = Remembering(work.runner)
    asking = Asking(asker, work.scoring, how.seed)
    again, *rest = asking.done([control, *trials.values()])
    done = dict(zip(trials, rest, strict=True))
    found = outcomes(declared, entries, done, again)
    for one in found:
        ledger.enter("result", one.to_dict(), how.now)
    done[CONTROL] = again
    answers = {
        name: asker.remembered(inputs_of([one.trial]), repeat=int(name == CONTROL))
        for name, one in done.items()
    }
    return Declared(tuple(found), done, answers, made)


def _declared_trials(work: Work, calls: int) -> tuple[Trial, dict[str, Trial]]:
    """The control, and the trial of each change that a hypothesis names, by its name."""
    declared = work.case.file.hypothesis
    changes = work.changes([name for one in declared for name in (*one.breaks, *one.spares)])
    group, seed = work.right, work.how.seed
    others = [one for one in group.subjects if one.record.id not in work.how.held_out]
    group = group._replace(subjects=others[:TESTED_ON])
    trials = {one.name: trial_of(group, (one,), seed) for one in changes.ready}
    trials |= {name: Trial(group, (), [], {}) for name in changes.idle}
    control, *planned = within([unchanged(group), *trials.values()], calls)
    return control, dict(zip(trials, planned, strict=True))


def _known(runner: Runner, trials: Sequence[Trial]) -> int:
    """How many of the answers to some trials are in the journal."""
    keys = {runner.journal.key(value, 0, 0) for value in inputs_of(trials)}
    return len(runner.journal.answers(keys))


def stress(case: Case, runner: Runner, how: How, weights: Sequence[str], tell: Tell) -> Stress:
    """The gap that would appear on eval, by the changes that keep the right answer.

    Half of the calls are for the inputs as they are.
    """
    scoring = Scoring(spec_of(case))
    wanted = case.wanted._replace(attributes=())
    records = read_sources(case.sources, wanted, splits=["eval"]).records
    seen = [one for one in records if one.split == "eval" and one.expected is not kernel.MISSING]
    shuffle = shuffled(Random(str(how.seed)), seen)
    apart = one_of_each(shuffle, shuffle)
    drawn = apart[: how.calls // 2]
    answers = answered(runner, [one.input for one in drawn])
    subjects = subjects_of(judgeable(scoring.spec, drawn, answers), scoring)
    work = Work(case, how, runner, scoring, subjects, tell)
    changes = [e for e in work.changes(how.changes).ready if e.entry.value.relation == "same"]
    tell(f"at most {how.calls:,} calls are made, {len(drawn):,} of them as the inputs are")
    found = stressed(work.right, changes, weights_of(weights, changes), work.asking)
    return replace(
        found,
        left_out=len(apart) - len(drawn),
        alike=len(seen) - len(apart),
        calls=found.calls + len(drawn),
        calls_at_most=how.calls,
    )
