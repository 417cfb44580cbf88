"""The library of changes tried where nobody has said what to try: one part tells what to predict.

1. Each change is looked at on a few records of eval that are answered right and that it applies
   to. Where it breaks most of them, that is predicted for the others, and only these are the test.
2. Changes that vary the same thing make one hypothesis. Where one of them mends most of the wrong
   answers of production that it is looked at on, only such things are kept: a system can be
   brought down by more than what production has. Where changes that break nothing mend as well,
   as they do of a system with chance in it, none of this says anything. Where one mends nearly
   all of them, what mends fewer is dropped too, and it is predicted to mend others, where there
   are enough.
3. A case with hypotheses of its own is left alone, and so is one without a failure to explain.
4. Unasked, it is done only where a call is quick and has no price, for another may be paid for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from eval_autopsy import systems
from eval_autopsy.case.load import Case
from eval_autopsy.case.model import Hypothesis
from eval_autopsy.evidence import Evidence, Progress
from eval_autopsy.experiments.ablate import LOOKED_AT
from eval_autopsy.experiments.asking import Scoring
from eval_autopsy.experiments.groups import (
    changes_of,
    entries_of,
    eval_group,
    subjects_of,
    wrong_group,
)
from eval_autopsy.experiments.trials import (
    Done,
    Group,
    carried_out,
    first,
    trial_of,
    tried,
)
from eval_autopsy.perturbations.apply import Applied
from eval_autopsy.systems import Runner

FREE = ("python", "command")  # kinds of systems whose calls are taken to cost nothing
QUICK, PATIENCE = 0.1, 2.0  # seconds of a call, and those that all together may take more
FEWEST = 35  # right records of eval to test on: with fewer a control cannot be told to be one
WRONG_ONES = 20  # of production, on which it is looked at what mends
NEARLY_ALL = 0.8  # the share that a change mends which is predicted to mend others
OTHERS = 12  # wrong answers of production that a prediction needs to be tested on
GONE_THROUGH = 200  # records, for some that a change applies to
SEVERAL = 2  # that a change has to break, or to mend
HARMLESS_MEND = 0.1  # the share that harmless changes mend, beyond which none says anything


class Slow(Exception):
    """That the calls take longer than those that nobody asked for may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """A case with what looking at the library predicts, and the records that it was seen on."""

    case: Case
    held_out: frozenset[tuple[str, str]] = frozenset()  # split and id, that are no test of it
    changes: int = 0  # that were looked at
    breaking: int = 0  # that broke most of the few
    mending: bool = False  # whether a change of each thing predicted mends answers of production
    why_not: str = ""  # why nothing was looked at

    def notes(self) -> Iterator[str]:
        """What was looked at, in words; nothing where nobody would expect it."""
        if self.why_not:
            yield f"the library of changes was not tried: {self.why_not}"
        elif self.changes:
            yield self._looked()

    def _looked(self) -> str:
        seen = sum(split == "eval" for split, _ in self.held_out)
        on = f"{seen:,} records of eval"
        looked = f"changes of the library looked at on {on}: {self.changes:,}"
        if not self.breaking:
            return f"{looked}; none broke most of those that it applies to"
        looked += f"; that broke most of those: {self.breaking:,}"
        if self.mending:
            kept = sum(len(one.breaks) for one in self.case.file.hypothesis)
            looked += f"; of what also mends answers of production: {kept:,}"
        return f"{looked}; tested on other records"


def is_free(case: Case) -> bool:
    """Whether the calls of a case's system are taken to cost nothing but time."""
    system = case.file.system
    if system is None or system.prices is not None or system.cost_limit is not None:
        return False
    return system.kind in FREE


def suggested(
    case: Case, evidence: Evidence, progress: Progress, seed: int, *, asked: bool = False
) -> Suggested:
    """The case with a hypothesis for each thing that, looked at, breaks most right answers.

    Asks the system about a few changed records. A case whose eval is too small stays as it is, and
    unless this was `asked` for one whose calls take long.
    """
    if case.file.hypothesis:
        return Suggested(case=case, why_not="the case has hypotheses of its own" if asked else "")
    if not (asked or is_free(case)):
        return Suggested(case=case, why_not="its calls may cost money; --library does")
    scoring = Scoring(evidence.spec)
    subjects = subjects_of(evidence.records, scoring)
    group = eval_group(subjects, seed)
    right = [one for one in group.subjects if one.before.right]
    if len(right) < LOOKED_AT + FEWEST:
        return Suggested(case=case, why_not="too few records of eval are answered right")
    changes = changes_of(entries_of((), case.perturbation_files), subjects).ready
    wrong = wrong_group(subjects, seed)
    with systems.opened(case, systems.journal_of(case), progress) as runner:
        runner.answers([one.record.input for one in right[:LOOKED_AT]], repeat=1)
        look = _Look(runner, scoring, seed, asked)
        try:
            looked = look.at(group._replace(subjects=right), changes, LOOKED_AT)
            breaking = [one for one in looked if breaks_most(one)]
            mended = look.at(wrong, changes, WRONG_ONES) if breaking else []
        except Slow as slow:
            return Suggested(case=case, why_not=f"{slow}; --library does")
    if not looked:
        return Suggested(case=case, why_not="no change applies to an input of eval")
    if len(right) - len(_seen(looked)) < FEWEST:
        return Suggested(case=case, why_not="too few records of eval are answered right")
    mends = mending(looked, mended)
    telling = [one for one in mends if _share_mended(one) >= NEARLY_ALL]
    relevant = {_change(one).entry.value.varies for one in telling or mends}
    kept = [one for one in breaking if _change(one).entry.value.varies in relevant]
    seen = _seen(telling)
    others = [s for s in wrong.subjects if (s.record.split, s.record.id) not in seen]
    rest = wrong._replace(subjects=others)
    telling = [o for o in telling if len(trial_of(rest, o.trial.changes, seed).variants) >= OTHERS]
    file = case.file.model_copy(update={"hypothesis": hypotheses_of(kept or breaking, telling)})
    return Suggested(
        case=replace(case, file=file),
        held_out=_seen(looked) | seen,
        changes=len(looked),
        breaking=len(breaking),
        mending=bool(kept),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """How changes are looked at."""

    runner: Runner
    scoring: Scoring
    seed: int
    patient: bool

    def at(self, group: Group, changes: Sequence[Applied], most: int) -> list[Done]:
        """What came of each change on the first records that it applies to, `most` at most.

        Raises Slow when the calls take long, and nobody asked for them.
        """
        some = group._replace(subjects=group.subjects[:GONE_THROUGH])
        trials = [first(trial_of(some, (one,), self.seed), most) for one in changes]
        trials = [one for one in trials if one.variants]
        found: list[Done] = []
        took: list[float] = []
        for trial in trials:
            found += carried_out([trial], self.runner, self.scoring)
            took += self.runner.journal.seconds(len(trial.variants))
            if not self.patient and sum(took) > QUICK * len(took) + PATIENCE:
                raise Slow(f"a call takes {median(took):.2g} s")
        return found


def _seen(looked: Sequence[Done]) -> frozenset[tuple[str, str]]:
    """The split and the id of each record that something was looked at on."""
    records = (one.subject.record for done in looked for one in done.trial.variants)
    return frozenset((one.split, one.id) for one in records)


def _change(done: Done) -> Applied:
    (change,) = done.trial.changes
    return change


def breaks_most(done: Done) -> bool:
    """Whether a change breaks more than half of the few, and there are several."""
    pairs = tried(done).pairs
    return pairs.broken >= SEVERAL and pairs.broken > pairs.right


def mending(of_eval: Sequence[Done], of_production: Sequence[Done]) -> list[Done]:
    """The changes that mend more than half of what they are looked at on, and several.

    None where what breaks nothing of eval mends more than a few: then it is not the change.
    """
    harmless = {_change(one).name for one in of_eval if not tried(one).pairs.broken}
    shares = [_share_mended(one) for one in of_production if _change(one).name in harmless]
    if not shares or median(shares) > HARMLESS_MEND:
        return []
    return [
        one
        for one in of_production
        if tried(one).pairs.mended >= SEVERAL and _share_mended(one) > 0.5
    ]


def _share_mended(done: Done) -> float:
    pairs = tried(done).pairs
    return pairs.mended / max(1, pairs.mended + pairs.wrong)


def hypotheses_of(breaking: Sequence[Done], mending: Sequence[Done] = ()) -> tuple[Hypothesis, ...]:
    """A hypothesis for each thing that some changes vary, which the best of `mending` mends."""
    names = defaultdict[str, list[str]](list)
    for one in breaking:
        names[_change(one).entry.value.varies].append(_change(one).name)
    found = []
    for varies, some in names.items():
        of_it = [one for one in mending if _change(one).entry.value.varies == varies]
        best = max(of_it, key=_share_mended, default=None)
        said = {"statement": f"The system goes wrong on a change of {varies}.", "breaks": some}
        if best is not None:
            said["mends"] = [_change(best).name]
        found.append(Hypothesis.model_validate(said))
    return tuple(found)
