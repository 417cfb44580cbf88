"""One failing record of a case, made as small as it can be, and what makes it fail.

1. The system is asked, each different input once and up to a number of them; when that is used up,
   what was reached stands, and the result says that it may not be the smallest.
2. With a passing twin the smallest difference is found first (see `twins`). Then what both have is
   left out as long as one fails and the other does not (see `reduce`). So an input does not fail
   for what was left out of it.
3. Without a twin the failing input alone is reduced, and fails in the same way (see `failures`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotRun, CannotUse
from eval_autopsy.evidence import answers_of, judgeable, sources_of, spec_of
from eval_autopsy.experiments.asking import Scoring
from eval_autopsy.experiments.failures import Failure, OutOfCalls, Search, Told, Trial
from eval_autopsy.experiments.groups import changes_of, entries_of, subjects_of
from eval_autopsy.experiments.layouts import Layout, edited, layout_of
from eval_autopsy.experiments.reduce import (
    Pieces,
    Put,
    Whole,
    asked_of,
    evidence,
    lines,
    said_in,
    stands,
    trial_of,
)
from eval_autopsy.experiments.trials import Subject, changed
from eval_autopsy.experiments.twins import (
    Run,
    Smallest,
    Twin,
    between,
    between_texts,
    cut_up,
    joined,
    known_of,
    runs_between,
    twin_of,
    words,
    words_between,
)
from eval_autopsy.perturbations.apply import Applied, place_of
from eval_autopsy.readers import read_sources
from eval_autopsy.systems import Runner

CALLS = 500  # inputs that are asked at most, unless another number is said
AGAIN = 2  # of these, for asking the smallest inputs again
BY_FIELD = ("exact_match", "normalized", "numeric")  # rules that score each field by itself

LAID_OUT = (
    "a labelled field goes whole or stays; the right answer is the one of the fields that stay"
)
STANDS = "what stands in the input of the right answer stays: {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What is to be shrunk, and how."""

    id: str
    against: str = ""  # the id of the twin; the nearest one when none is named
    alone: bool = False  # without a twin
    changes: tuple[str, ...] = ()  # that make the record fail, or mend it when it is wrong
    files: tuple[Path, ...] = ()  # with changes of the user's own
    keep: tuple[str, ...] = ()  # texts that stay in the input
    calls: int = CALLS
    seed: int = 0


class End(NamedTuple):
    """An input, and what the system makes of it."""

    trial: Trial
    told: Told

    def to_dict(self) -> dict[str, Any]:
        """As JSON shows it; the output is not there when the call failed."""
        answer = self.told.answer
        said = {"error": answer.error} if answer.error is not None else {"output": answer.output}
        asked = {"input": self.trial.input, "expected": self.trial.expected}
        found = {**asked, **said, "wrong": dict(self.told.failure.wrong)}
        return {name: plain(value) for name, value in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """What came of it."""

    id: str
    split: str
    rule: str  # by which the right answer of a smaller input is known
    before: End
    failing: End  # the smallest input that fails
    passing: End | None  # its twin
    twin: tuple[str, str] | None  # split and id of the record that the twin is laid out as
    edits: int  # between the twin and the record
    difference: tuple[str, ...]  # the edits that matter, in words
    changes: tuple[str, ...] | None  # of the changes that were made, those that matter
    mended: bool  # whether they made the twin of the record, which is wrong as it is
    complete: bool  # whether the search came to its end
    again: int  # of the smallest inputs, how many come to the same when they are asked again
    asked: int  # different inputs of the search
    calls_at_most: int
    made: int  # calls of this run, those of the records as they are among them
    journalled: int

    @property
    def ends(self) -> list[End]:
        """The smallest failing input, and its twin if there is one."""
        return [self.failing] if self.passing is None else [self.failing, self.passing]

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `autopsy shrink`."""
        twin = None if self.twin is None else {"split": self.twin[0], "id": self.twin[1]}
        return {
            "id": self.id,
            "split": self.split,
            "rule": self.rule,
            "before": self.before.to_dict(),
            "failing": self.failing.to_dict(),
            "passing": None if self.passing is None else self.passing.to_dict(),
            "twin": twin,
            "edits": self.edits,
            "difference": list(self.difference),
            "changes": None if self.changes is None else list(self.changes),
            "mended": self.mended,
            "complete": self.complete,
            "asked_again": {"inputs": len(self.ends), "same": self.again},
            "calls": {
                "inputs": self.asked,
                "at_most": self.calls_at_most,
                "made": self.made,
                "journalled": self.journalled,
            },
        }


def plain(value: Any) -> Any:
    """A JSON value with the numbers that Python's own JSON writes."""
    return json.loads(kernel.canonical(value))


def shrunk(case: Case, runner: Runner, how: How) -> Shrunk:
    """The smallest failing input of a record, and what makes it fail.

    Raises CannotUse for a record that is not there, or does not fail; CannotRun when the scores
    are recorded, and when nothing says what is right of a smaller input.
    """
    scoring = Scoring(spec_of(case))
    subjects = all_subjects(case, runner, scoring)
    subject = chosen(subjects, how.id)
    search = Search(runner, scoring, subject.record, how.calls - AGAIN)
    work = Work(search, subjects, subject, how)
    complete = False
    with suppress(OutOfCalls):
        work.start(ready(case, how, subjects))
        work.shrink()
        complete = True
    return work.result(runner, complete)


def all_subjects(case: Case, runner: Runner, scoring: Scoring) -> list[Subject]:
    """Every record of a case as the system answers it."""
    records = read_sources(sources_of(case), case.wanted._replace(attributes=())).records
    if scoring.spec["scorer"]["rule"] == "recorded":
        return subjects_of([], scoring)
    repeats = case.file.system.repeats if case.file.system else 1
    answers = answers_of(runner, records, repeats)
    return subjects_of(judgeable(scoring.spec, records, answers), scoring)


def chosen(subjects: Sequence[Subject], name: str) -> Subject:
    """The record of an id, the wrong one when both splits have it. Raises CannotUse."""
    found = [one for one in subjects if one.record.id == name]
    if not found:
        wrong = ", ".join(one.record.id for one in subjects if one.before.right is False)
        remedy = f"name one that is wrong, such as {wrong[:60]}" if wrong else "none is wrong"
        raise CannotUse(f"there is no record {name!r}", remedy=remedy)
    return next((one for one in found if one.before.right is False), found[-1])


def ready(case: Case, how: How, subjects: Sequence[Subject]) -> tuple[Applied, ...]:
    """The changes that are asked for. Raises CannotUse for one with nothing to learn from."""
    if not how.changes:
        return ()
    entries = entries_of(how.changes, (*case.perturbation_files, *how.files))
    found = changes_of(entries, subjects)
    if found.idle:
        what = f"the change {found.idle[0]} has nothing to learn from"
        raise CannotUse(what, remedy="leave it out")
    return found.ready


class Work:
    """A record on its way to be shrunk: what is known so far, whenever the calls are used up."""

    def __init__(
        self, search: Search, subjects: Sequence[Subject], subject: Subject, how: How
    ) -> None:
        self.search, self.subjects, self.subject, self.how = search, subjects, subject, how
        self.twin: Subject | None = None
        self.mended: Trial | None = None  # the failing record after changes that make it right
        self.rule, self.edits = "", 0
        self.difference: list[str] = []
        self.changes: list[Applied] = []
        self.passing: Trial | None = None

    def start(self, changes: Sequence[Applied]) -> None:
        """Finds the input that fails: the record's own, or the one that the changes make of it."""
        record, right = self.subject.record, self.subject.before.right
        if not changes and right is not False:
            what = (
                f"the record {record.id!r} of {record.split} is {'right' if right else 'unscored'}"
            )
            raise CannotUse(what, remedy="name one that is wrong, or make it fail with --change")
        self._begin(Trial(record.input, record.expected))
        if changes and right is False:
            self._mend(changes)
        elif changes:
            self.twin = self.subject
            self._begin(self._changed(changes))
            self._fewest(changes)
        elif not self.how.alone:
            self.twin = self._named()

    def _mend(self, changes: Sequence[Applied]) -> None:
        """Takes the record after changes that mend it for the twin. Raises CannotUse."""
        trial = self._after(changes)
        if trial is None or not self.search.told(trial).right:
            names = " and ".join(one.name for one in changes)
            what = f"the record {self.subject.record.id!r} is wrong, and not right with {names}"
            raise CannotUse(what, remedy="name changes that mend it; `autopsy ablate` finds them")
        self.changes, self.mended = list(changes), trial

    def _begin(self, trial: Trial) -> None:
        self.before = self.failing = trial
        self.goal: Failure = self.search.told(trial).failure

    def _changed(self, changes: Sequence[Applied]) -> Trial:
        """The record after some changes. Raises CannotUse when that cannot be made, or is right."""
        trial = self._after(changes)
        names = " and ".join(one.name for one in changes)
        if trial is None:
            what = f"{names} cannot be applied to {self.subject.record.id!r} with one known answer"
            raise CannotUse(what, remedy="name other changes, see `autopsy perturbations`")
        if not self.search.told(trial).failure:
            what = f"{self.subject.record.id!r} stays right with {names}"
            raise CannotUse(what, remedy="name another change; `autopsy ablate` finds them")
        return trial

    def _after(self, changes: Sequence[Applied]) -> Trial | None:
        found = changed(self.subject.record, changes, self.how.seed)
        if isinstance(found, str) or len(found.answers) != 1 or not all(c.known for c in changes):
            return None
        return Trial(found.input, found.answers[0])

    def _fewest(self, changes: Sequence[Applied]) -> None:
        """Leaves the changes that matter."""
        self.changes = list(changes)
        try:
            Smallest(self.search, self.goal).of(changes, self._after, self.changes)
        finally:
            self.failing = self._after(self.changes) or self.failing

    def _named(self) -> Subject | None:
        """The record that is named as the twin. Raises CannotUse when it is none."""
        if not self.how.against:
            return None
        named = [one for one in self.subjects if one.record.id == self.how.against]
        right = [one for one in named if one.before.right]
        if not right:
            what = f"the record {self.how.against!r} is {'not right' if named else 'not there'}"
            raise CannotUse(what, remedy="name another with --against, or leave it out")
        return right[-1]

    def shrink(self) -> None:
        """Makes the failing input smaller, with its twin or alone."""
        if self.mended is not None:
            self._by_tokens(self.mended, f"{self.subject.record.id!r} as it was changed")
            return
        place = place_of(self.failing.input)
        layout = self._layout(self.failing)
        if layout is not None and place is not None:
            self._by_pieces(layout, place.put)
        elif self.twin is not None:
            record = self.twin.record
            self._by_tokens(Trial(record.input, record.expected), repr(record.id))
        else:
            self._by_evidence()

    def _layout(self, trial: Trial) -> Layout | None:
        """How an input lays out its answer; None where that does not make it fail."""
        scorer, place = self.search.scoring.spec["scorer"], place_of(trial.input)
        if place is None or scorer["rule"] not in BY_FIELD:
            return None
        layout = layout_of(place.text, trial.expected, scorer["fields"])
        if layout is None:
            return None
        asked = trial_of(layout.pieces, place.put, known_of(layout, trial.expected))
        return layout if self.search.told(asked).failure else None

    def _by_pieces(self, layout: Layout, put: Put) -> None:
        self.rule = LAID_OUT
        answer = self.failing.expected
        known = known_of(layout, answer)
        self.failing = trial_of(layout.pieces, put, known)
        self.goal = self.search.told(self.failing).failure
        twin = None if self.how.alone else self._twin(layout, put)
        pieces = Pieces(self.search, put, known, layout.pieces, None, self.goal)
        if twin is not None:
            part = self._difference(twin, put)
            failing = edited(twin.base, part).pieces
            pieces = Pieces(self.search, put, twin.known, failing, twin.base.pieces, self.goal)
        try:
            pieces.reduce()
        finally:
            self.failing = pieces.trial(pieces.failing)
            if pieces.passing is not None:
                self.passing = pieces.trial(pieces.passing)
                self.difference = words_between(pieces.passing, pieces.failing)

    def _twin(self, layout: Layout, put: Put) -> Twin | None:
        right = (one for one in self.subjects if one.before.right)
        among = right if self.twin is None else [self.twin]
        twin = twin_of(self.search, layout, self.failing.expected, put, among)
        if twin is None and self.how.against:
            what = f"{self.how.against!r} does not lay out the same fields, or is wrong with them"
            raise CannotUse(what, remedy="name another with --against, or leave it out")
        self.twin = None if twin is None else twin.subject
        return twin

    def _difference(self, twin: Twin, put: Put) -> list[Any]:
        """The smallest part of the edits between a twin and the failing input that matters."""
        self.edits = len(twin.changes)
        part = list(twin.changes)
        trial = between(twin, put)
        self.passing = trial([])
        try:
            Smallest(self.search, self.goal).of(twin.changes, trial, part)
        finally:
            self.failing = trial(part) or self.failing
        return part

    def _by_tokens(self, twin: Trial, name: str) -> None:
        one, other = place_of(twin.input), place_of(self.failing.input)
        alike = kernel.canonical(twin.expected) == kernel.canonical(self.failing.expected)
        if one is None or other is None or not alike:
            what = f"{name} has no text to compare, or another right answer"
            raise CannotUse(what, remedy="name another with --against, or leave it out")
        kept = [*evidence(self.failing.input, self.failing.expected), *self.how.keep]
        self.rule = STANDS.format(", ".join(map(repr, kept)) or "nothing") + "; both have the same"
        # A part of a rewritten value is another value, and what is right of it is not known.
        rewritten = any(one.entry.value.answers is not None for one in self.changes)
        cut = lines if rewritten else words
        trial = between_texts(one.text, other.put, self.failing.expected, kept, cut)
        self.passing = trial([])
        if self.passing is None or not self.search.told(self.passing).right:
            what = f"the text of {name} is not right in place of the failing one"
            raise CannotUse(what, remedy="name another with --against, or leave it out")
        self._fewest_runs(runs_between(one.text, other.text, cut), trial)

    def _fewest_runs(self, runs: list[Run], trial: Callable[[list[Run]], Trial | None]) -> None:
        """Leaves the runs of the difference between two texts that matter."""
        self.edits, part = len(runs), list(runs)
        smallest = Smallest(self.search, self.goal)
        try:
            smallest.of(runs, trial, part)
            smallest.of(cut_up(part), trial, part)
        finally:
            self.failing = trial(part) or self.failing
            whole = joined(part)
            self.difference = [f"{run.new!r} in place of {run.old!r}" for run in whole]

    def _by_evidence(self) -> None:
        value = self.failing.input
        strange = next((one for one in self.how.keep if not stands([one], value)), None)
        if strange is not None:
            what = f"{strange!r} is to be kept, and does not stand in the input"
            raise CannotUse(what, where=self.subject.record.where, remedy="mind its spelling")
        answer = asked_of(self.failing.expected, self.search.scoring.spec["scorer"]["fields"])
        unseen = [text for text in said_in(answer) if not stands([text], value)]
        if unseen and not self.how.keep:
            shown = ", ".join(repr(text[:40]) for text in unseen[:3])
            what = f"{shown} of the right answer does not stand in the input, nor what says it"
            remedy = (
                "name what has to stay with --keep TEXT, a right twin with --against ID, or with "
                "--change NAME a change that mends it, as `autopsy ablate` lists them"
            )
            raise CannotRun(what, where=self.subject.record.where, remedy=remedy)
        kept = [*evidence(value, answer), *self.how.keep]
        self.rule = STANDS.format(", ".join(map(repr, kept)))
        whole = Whole(self.search, self.failing, kept)
        try:
            whole.reduce()
        finally:
            self.failing = whole.trial

    def result(self, runner: Runner, complete: bool) -> Shrunk:
        """What is known by now."""
        twins = (one for one in [self.passing] if one is not None and self.search.knows(one))
        trials = [self.failing, *twins]
        same = self.search.again(trials)
        failing, *passing = [End(trial, self.search.told(trial)) for trial in trials]
        twin = self.twin.record if self.twin is not None and passing else None
        return Shrunk(
            id=self.subject.record.id,
            split=self.subject.record.split,
            rule=self.rule,
            before=End(self.before, self.search.told(self.before)),
            failing=failing,
            passing=passing[0] if passing else None,
            twin=None if twin is None else (twin.split, twin.id),
            edits=self.edits,
            difference=tuple(self.difference),
            changes=tuple(one.name for one in self.changes) if self.how.changes else None,
            mended=self.mended is not None,
            complete=complete,
            again=same,
            asked=self.search.asked + len(trials),
            calls_at_most=self.how.calls,
            made=runner.spent.calls,
            journalled=runner.spent.journalled,
        )
