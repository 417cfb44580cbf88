"""A case's system under changed inputs: its hypotheses first, then every change by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotRun
from eval_autopsy.evidence import Evidence, judgeable, spec_of
from eval_autopsy.experiments.ablate import TESTED_ON, Ablation, Asking, ablated, unchanged
from eval_autopsy.experiments.asking import Scoring, Tell, answered
from eval_autopsy.experiments.groups import (
    changes_of,
    entries_of,
    eval_group,
    failing_groups,
    subjects_of,
)
from eval_autopsy.experiments.hypotheses import Outcome, outcomes, predicted
from eval_autopsy.experiments.ledger import Ledger
from eval_autopsy.experiments.stress import Stress, stressed, weights_of
from eval_autopsy.experiments.trials import (
    Subject,
    Trial,
    calls_of,
    carried_out,
    first,
    trial_of,
    within,
)
from eval_autopsy.perturbations.draws import shuffled
from eval_autopsy.questions.slices import Slices
from eval_autopsy.readers import read_sources
from eval_autopsy.systems import Runner

CALLS = 4000  # of changed inputs, unless another number is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a case is varied."""

    changes: tuple[str, ...] = ()  # by name; none are all whose right answer is known
    files: tuple[Path, ...] = ()  # with changes of the user's own, beside those of the case
    calls: int = CALLS  # at most
    declared: bool = False  # only the hypotheses of the case
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


def varied(
    case: Case,
    evidence: Evidence,
    found: Slices,
    runner: Runner,
    how: How,
    tell: Tell,
) -> Varied:
    """The hypotheses of a case tested, then each change tried where it is right and where it fails.

    Raises CannotUse when the calls are fewer than what is to be tried.
    """
    scoring = Scoring(evidence.spec)
    subjects = subjects_of(evidence.records, scoring)
    files = (*case.perturbation_files, *how.files)
    calls = how.calls if how.declared else how.calls // 4
    hypotheses, used = _hypotheses(case, subjects, files, scoring, calls, runner, how, tell)
    if how.declared:
        return Varied(
            hypotheses=hypotheses, ablation=None, idle=(), calls=used, calls_at_most=how.calls
        )
    changes = changes_of(entries_of(how.changes, files), subjects)
    ablation = ablated(
        [eval_group(subjects, how.seed), *failing_groups(found, subjects, how.seed)],
        changes.ready,
        Asking(runner, scoring, how.seed),
        how.calls - used,
        tell,
    )
    return Varied(
        hypotheses=hypotheses,
        ablation=ablation,
        idle=changes.idle,
        calls=used + ablation.calls,
        calls_at_most=how.calls,
    )


def _hypotheses(
    case: Case,
    subjects: Sequence[Subject],
    files: Sequence[Path],
    scoring: Scoring,
    calls: int,
    runner: Runner,
    how: How,
    tell: Tell,
) -> tuple[tuple[Outcome, ...], int]:
    """What came of each hypothesis of a case on its eval records, and the calls it took."""
    declared = case.file.hypothesis
    names = [*dict.fromkeys(name for one in declared for name in (*one.breaks, *one.spares))]
    if not names:
        return (), 0
    group = eval_group(subjects, how.seed)
    changes = changes_of(entries_of(names, files), subjects)
    trials = [trial_of(group, (one,), how.seed) for one in changes.ready]
    trials += [Trial(group, (), [], {}) for _ in changes.idle]
    control, *planned = within([first(t, TESTED_ON) for t in (unchanged(group), *trials)], calls)
    by_name = dict(zip([*(one.name for one in changes.ready), *changes.idle], planned, strict=True))
    ledger = Ledger(case.folder)
    entries = predicted(
        declared, by_name, runner.journal.system, ledger, how.now, partial(_known, runner)
    )
    made = calls_of([control, *planned])
    what = f"{len(declared)} hypotheses, whose predictions are written down"
    tell(f"{made:,} calls are planned for {what}, and at most {how.calls:,} in all")
    again, *done = carried_out([control, *planned], runner, scoring)
    found = outcomes(declared, entries, dict(zip(by_name, done, strict=True)), again)
    for one in found:
        content = {"prediction": one.prediction.digest, **one.to_dict()}
        ledger.enter("result", content, how.now)
    return tuple(found), made


def _known(runner: Runner, trials: Sequence[Trial]) -> int:
    """How many of the answers to some trials are in the journal."""
    inputs = (one.changed.input for trial in trials for one in trial.variants)
    return len(runner.journal.answers({runner.journal.key(value, 0, 0) for value in inputs}))


def stress(
    case: Case,
    runner: Runner,
    how: How,
    weights: Sequence[str],
    tell: Tell,
) -> Stress:
    """The gap that would appear on eval, by the changes that keep the right answer.

    Half of the calls are for the inputs as they are.
    """
    scoring = Scoring(spec_of(case))
    wanted = case.wanted._replace(attributes=())
    records = read_sources(case.sources, wanted, splits=["eval"]).records
    seen = [one for one in records if one.split == "eval" and one.expected is not kernel.MISSING]
    drawn = shuffled(Random(str(how.seed)), seen)[: how.calls // 2]
    answers = answered(runner, [one.input for one in drawn])
    subjects = subjects_of(judgeable(scoring.spec, drawn, answers), scoring)
    entries = entries_of(how.changes, (*case.perturbation_files, *how.files))
    changes = changes_of([e for e in entries if e.value.relation == "same"], subjects).ready
    found = stressed(
        eval_group(subjects, how.seed),
        changes,
        weights_of(weights, changes),
        runner,
        scoring,
        calls=how.calls - len(drawn),
        seed=how.seed,
        tell=tell,
    )
    return replace(
        found,
        left_out=len(seen) - len(drawn),
        calls=found.calls + len(drawn),
        calls_at_most=how.calls,
    )
