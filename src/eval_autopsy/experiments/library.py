"""The library of changes tried where nobody has said what to try: one part tells what to predict.

1. Each change is looked at on a few records of eval that are answered right and that it applies
   to. Where it breaks most of them, that is predicted for the others, and only these are the test.
2. Changes that vary the same thing make one hypothesis. Where one of them mends most of the wrong
   answers of production that it is looked at on, only such things are kept: a system can be
   brought down by more than what production has.
3. A case with hypotheses of its own is left alone, and so is one without a failure to explain.
4. Unasked, it is done only where a call is quick, for one that is not may well be paid for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from eval_autopsy import systems
from eval_autopsy.case.load import Case
from eval_autopsy.case.model import Hypothesis
from eval_autopsy.evidence import Evidence, Progress
from eval_autopsy.experiments import exhibits
from eval_autopsy.experiments.ablate import LOOKED_AT
from eval_autopsy.experiments.asking import Asker, Scoring
from eval_autopsy.experiments.groups import changes_of, entries_of, eval_group, subjects_of
from eval_autopsy.experiments.trials import (
    Done,
    Group,
    Subject,
    carried_out,
    first,
    group_of,
    trial_of,
    tried,
)
from eval_autopsy.perturbations.apply import Applied

FREE = ("python", "command")  # kinds of systems whose calls are taken to cost nothing
QUICK = 0.1  # seconds of a call
FEWEST = 12  # records of eval that are left to test on
WRONG_ONES = 30  # of production, on which it is looked at what mends
GONE_THROUGH = 200  # records, for some that a change applies to
SEVERAL = 2  # that a change has to break, or to mend


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """A case with what looking at the library predicts, and the records that it was seen on."""

    case: Case
    held_out: frozenset[str] = frozenset()  # ids of eval that are no test of it
    changes: int = 0  # that were looked at
    breaking: int = 0  # that broke most of the few
    mending: bool = False  # whether a change of each thing predicted mends answers of production
    why_not: str = ""  # why nothing was looked at

    @property
    def note(self) -> str:
        """What was looked at, in words."""
        if self.why_not:
            return f"the library of changes was not tried: {self.why_not}"
        on = f"{len(self.held_out):,} records of eval"
        looked = f"{self.changes:,} changes of the library were looked at on {on}"
        if not self.breaking:
            return f"{looked}, and none broke most of those that it applies to"
        looked += f": {self.breaking:,} break most of those"
        if self.mending:
            kept = sum(len(one.breaks) for one in self.case.file.hypothesis)
            looked += f"; {kept:,} of them vary what also mends answers of production"
        return f"{looked}, and were tested on other records"


def is_free(case: Case) -> bool:
    """Whether the calls of a case's system are taken to cost nothing but time."""
    return case.file.system is not None and case.file.system.kind in FREE


def fits(case: Case) -> bool:
    """Whether nobody has said what to try, and the receipt could hold what comes of it."""
    return not case.file.hypothesis and exhibits.fits(case)


def suggested(
    case: Case, evidence: Evidence, progress: Progress, seed: int, *, asked: bool = False
) -> Suggested:
    """The case with a hypothesis for each thing that, looked at, breaks most right answers.

    Asks the system about a few changed records. A case whose eval is too small stays as it is, and
    unless this was `asked` for one whose calls take long.
    """
    scoring = Scoring(evidence.spec)
    subjects = subjects_of(evidence.records, scoring)
    group = eval_group(subjects, seed)
    right = [one for one in group.subjects if one.before.right]
    if len(right) < LOOKED_AT + FEWEST:
        return Suggested(case=case, why_not="too few records of eval are answered right")
    changes = changes_of(entries_of((), case.perturbation_files), subjects).ready
    wrong = group_of("production", {}, _wrong_of_production(subjects), seed)
    with systems.opened(case, systems.journal_of(case), progress) as runner:
        runner.answers([one.record.input for one in right[:LOOKED_AT]], repeat=1)
        seconds = runner.journal.usual_seconds()
        if seconds > QUICK and not asked:
            return Suggested(case=case, why_not=f"a call takes {seconds:.2g} s; --library does")
        look = _Look(runner, scoring, seed)
        looked = look.at(group._replace(subjects=right), changes, LOOKED_AT)
        breaking = [one for one in looked if breaks_most(one)]
        varied = {_change(one).entry.value.varies for one in breaking}
        related = [one for one in changes if one.entry.value.varies in varied]
        mending = [one for one in look.at(wrong, related, WRONG_ONES) if mends_most(one)]
    relevant = {_change(one).entry.value.varies for one in mending}
    kept = [one for one in breaking if _change(one).entry.value.varies in relevant] or breaking
    file = case.file.model_copy(update={"hypothesis": hypotheses_of(kept)})
    return Suggested(
        case=replace(case, file=file),
        held_out=frozenset(v.subject.record.id for one in looked for v in one.trial.variants),
        changes=len(looked),
        breaking=len(breaking),
        mending=bool(relevant),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """How changes are looked at."""

    asker: Asker
    scoring: Scoring
    seed: int

    def at(self, group: Group, changes: Sequence[Applied], most: int) -> list[Done]:
        """What came of each change on the first records that it applies to, `most` at most."""
        some = group._replace(subjects=group.subjects[:GONE_THROUGH])
        trials = [first(trial_of(some, (one,), self.seed), most) for one in changes]
        return carried_out([one for one in trials if one.variants], self.asker, self.scoring)


def _wrong_of_production(subjects: Sequence[Subject]) -> list[Subject]:
    of_production = (one for one in subjects if one.record.split == "production")
    return [one for one in of_production if one.before.right is False]


def _change(done: Done) -> Applied:
    (change,) = done.trial.changes
    return change


def breaks_most(done: Done) -> bool:
    """Whether a change breaks more than half of the few, and there are several."""
    pairs = tried(done).pairs
    return pairs.broken >= SEVERAL and pairs.broken > pairs.right


def mends_most(done: Done) -> bool:
    """Whether a change mends more than half of what it is looked at on, and that is several."""
    pairs = tried(done).pairs
    return pairs.mended >= SEVERAL and pairs.mended > pairs.wrong


def hypotheses_of(breaking: Sequence[Done]) -> tuple[Hypothesis, ...]:
    """A hypothesis for each thing that some changes vary."""
    names = defaultdict[str, list[str]](list)
    for one in breaking:
        names[_change(one).entry.value.varies].append(_change(one).name)
    said = [
        {"statement": f"The system goes wrong on a change of {varies}.", "breaks": some}
        for varies, some in names.items()
    ]
    return tuple(map(Hypothesis.model_validate, said))
