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
    wrong_group,
)
from eval_autopsy.experiments.hypotheses import (
    CONTROL,
    Asked,
    Outcome,
    asked_for,
    outcomes,
    predicted,
)
from eval_autopsy.experiments.ledger import Ledger
from eval_autopsy.experiments.stress import Stress, stressed, weights_of
from eval_autopsy.experiments.trials import (
    Done,
    Group,
    Subject,
    Trial,
    calls_of,
    held_against,
    inputs_of,
    one_of_each,
    trial_of,
    within,
)
from eval_autopsy.perturbations.draws import shuffled
from eval_autopsy.questions.slices import Slices
from eval_autopsy.readers import read_sources
from eval_autopsy.systems import Runner

FOR_DECLARED = 3  # the part of the calls that hypotheses may take, when not alone: a third
CALLS = 4000  # of changed inputs, unless another number is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a case is varied."""

    changes: tuple[str, ...] = ()  # by name; none are all whose right answer is known
    files: tuple[Path, ...] = ()  # with changes of the user's own, beside those of the case
    calls: int = CALLS  # at most
    declared: bool = False  # only the hypotheses of the case
    held_out: frozenset[tuple[str, str]] = frozenset()  # split and id; no test of a hypothesis
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

    @property
    def wrong(self) -> Group:
        """The wrong answers of production."""
        return wrong_group(self.subjects, self.how.seed)

    def tested(self, group: Group) -> Group:
        """The records of a group that hypotheses are tested on."""
        apart = [
            one
            for one in group.subjects
            if (one.record.split, one.record.id) not in self.how.held_out
        ]
        return group._replace(subjects=apart[:TESTED_ON])


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
    done: Mapping[Asked, Done] = {}  # those of the records as they are come first
    answers: Mapping[Asked, Sequence[kernel.Answer]] = {}  # to the variants of each, in their order
    calls: int = 0


def declared(case: Case, evidence: Evidence, runner: Runner, how: How, tell: Tell) -> Declared:
    """The hypotheses of a case tested, with the answers kept."""
    scoring = Scoring(evidence.spec)
    work = Work(case, how, runner, scoring, subjects_of(evidence.records, scoring), tell)
    return _hypotheses(work, how.calls)


def _hypotheses(work: Work, calls: int) -> Declared:
    """What came of each hypothesis of a case, and the calls it took."""
    declared, how = work.case.file.hypothesis, work.how
    if not declared:
        return Declared()
    trials = _declared_trials(work, calls)
    changing = {of: trial for of, trial in trials.items() if of[1] != CONTROL}
    ledger = Ledger(work.case.folder)
    system, known = work.runner.journal.system, partial(_known, work.runner)
    entries = predicted(declared, changing, system, ledger, how.now, known)
    made = calls_of(trials.values())
    what = f"{len(declared)} hypotheses, whose predictions are written down"
    work.tell(f"{made:,} calls are planned for {what}, and at most {how.calls:,} in all")
    asker = Remembering(work.runner)
    asking = Asking(asker, work.scoring, how.seed)
    done = dict(zip(trials, asking.done([*trials.values()]), strict=True))
    held = {
        of: held_against(one, done["production", CONTROL]) if of[0] == "production" else one
        for of, one in done.items()
        if of in changing
    }
    found = outcomes(declared, entries, held, done["eval", CONTROL])
    for one in found:
        ledger.enter("result", one.to_dict(), how.now)
    answers = {
        of: asker.remembered(inputs_of([one.trial]), repeat=int(of[1] == CONTROL))
        for of, one in done.items()
    }
    return Declared(tuple(found), done, answers, made)


def _declared_trials(work: Work, calls: int) -> dict[Asked, Trial]:
    """What is asked for the hypotheses: records as they are, and then every change of them."""
    declared, seed = work.case.file.hypothesis, work.how.seed
    named = [name for one in declared for name in (*one.breaks, *one.spares, *one.mends)]
    ready = {one.name: one for one in work.changes(named).ready}
    groups = {"eval": work.tested(work.right), "production": work.tested(work.wrong)}
    trials = {}
    for split, change in dict.fromkeys(of for one in declared for of in asked_for(one)):
        some = tuple(ready[name] for name in change.split(kernel.IN_TURN) if name in ready)
        trial = Trial(groups[split], (), [], {})  # of what had nothing to learn from
        if some:
            trial = trial_of(groups[split], some, seed, in_turn=split == "production")
        trials[split, change] = trial
    twice = [trial for (split, _), trial in trials.items() if split == "production"]
    control, *cut = within([unchanged(groups["eval"]), *trials.values(), *twice], calls)
    trials = dict(zip(trials, cut[: len(trials)], strict=True))
    again = {("eval", CONTROL): control}
    if twice:
        changed = [
            v.subject for of, t in trials.items() if of[0] == "production" for v in t.variants
        ]
        subjects = [*{one.record.id: one for one in changed}.values()]
        group = groups["production"]._replace(subjects=subjects)
        again["production", CONTROL] = unchanged(group)
    return again | trials


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
