"""What turns right into wrong where nearly all is right, and wrong into right where it fails.

1. Every change is looked at on a few records of eval, and of each failing slice. One that flips an
   answer is tried on others, as far as the calls go, and only these count: what made it stand out
   is not what it is tested by. Where there are few records, all of them are the test at once.
2. Where no single change breaks a right answer of eval, or mends a wrong one of a failing slice,
   two changes are tried after each other in the same way.
3. What is right before a change is told by asking again: a slice is there because its first answers
   were wrong, and those of a system with some chance in it would look mended by whatever is done.
4. Everything that is tested is adjusted together, whatever came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

from eval_autopsy.experiments.asking import Asker, Scoring, Tell
from eval_autopsy.experiments.trials import (
    Done,
    Group,
    Subject,
    Trial,
    Variant,
    calls_of,
    carried_out,
    first,
    trial_of,
    tried,
    within,
)
from eval_autopsy.perturbations.apply import Applied, Changed
from eval_autopsy.questions.ablation import Effect, effects_of

LOOKED_AT = 5  # records on which a change is looked at
ALL_AT_ONCE = 12  # records up to which all of them are the test
TESTED_ON = 100  # records at most, beyond those that it was looked at on
ENOUGH = LOOKED_AT + TESTED_ON  # records of a group
ASKED_AGAIN = 4  # the part of the calls that records as they are may take: a quarter
TO_LOOK = 2  # the part of the calls that looking may take: one half


class Look(NamedTuple):
    """A change, or two, whose few records that it was looked at on gave no reason to test it."""

    group: str
    changes: tuple[str, ...]
    n: int

    def to_dict(self) -> dict[str, Any]:
        return {"group": self.group, "changes": list(self.changes), "n": self.n}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What came of every trial."""

    groups: tuple[Group, ...]
    effects: tuple[Effect, ...]  # of what was tested
    looks: tuple[Look, ...]  # what flipped nothing, and was not tested
    controls: tuple[Effect, ...]  # first and second answers to records as they are; not adjusted
    changes: tuple[Applied, ...]
    pairs_tried: int  # of changes
    pairs_in_all: int  # that there are in the groups in which no single change did it
    calls: int
    calls_at_most: int

    def of(self, group: str) -> list[Effect]:
        """The effects in a group, the largest first."""
        found = [one for one in self.effects if one.tried.group == group]
        return sorted(found, key=lambda one: (-abs(one.difference or 0), one.p, one.tried.changes))

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `autopsy ablate`."""
        return {
            "groups": [
                {
                    "group": one.name,
                    "where": one.where,
                    "records": len(one.subjects),
                    "same_cluster": one.alike,
                }
                for one in self.groups
            ],
            "changes": [described(one) for one in self.changes],
            "effects": [one.to_dict() for group in self.groups for one in self.of(group.name)],
            "looked_at": [one.to_dict() for one in self.looks],
            "controls": [one.to_dict() for one in self.controls],
            "pairs": {"tried": self.pairs_tried, "of": self.pairs_in_all},
        }


def described(change: Applied) -> dict[str, Any]:
    """A change as JSON shows it."""
    about = change.entry.value
    return {
        "name": change.name,
        "help": change.entry.help,
        "holds": about.holds,
        "relation": about.relation,
        "answer_known": change.known,  # else right means: still the answer of before
        "package": change.entry.package,
    }


class Asking(NamedTuple):
    """How trials are carried out."""

    asker: Asker
    scoring: Scoring
    seed: int

    def done(self, trials: Sequence[Trial]) -> list[Done]:
        return carried_out(trials, self.asker, self.scoring)


def ablated(
    groups: Sequence[Group],
    changes: Sequence[Applied],
    how: Asking,
    calls: int,
    tell: Tell,
) -> Ablation:
    """What each change does in each group, within a number of calls.

    `tell` is told how many there are before one is made. Raises CannotUse when there are fewer
    calls than trials.
    """
    several = f"{len(changes):,} changes in {len(groups)} groups of records"
    tell(f"at most {calls:,} calls are made to try {several}")
    whole = [first(unchanged(one), ENOUGH) for one in groups]
    again = how.done(within(whole, calls // ASKED_AGAIN))
    left = calls - calls_of(one.trial for one in again)
    fresh = [refreshed(one) for one in again]
    trials = [trial_of(group, (one,), how.seed) for group in fresh for one in changes]
    single = stepped(trials, how, left)
    left -= single.calls
    couples = [
        (group, couple)
        for group in fresh
        if not any(map(turned, single.of(group)))
        for couple in combinations([one.changes[0] for one in trials if usable(one, group)], 2)
    ]
    fitting = fitting_in(left // TO_LOOK, (in_either_order(*one, how.seed) for one in couples))
    joint = stepped(fitting, how, left, turned)
    left -= joint.calls
    return Ablation(
        groups=tuple(groups),
        effects=tuple(effects_of([tried(one) for one in [*single.tested, *joint.tested]])),
        looks=tuple(look(one) for one in [*single.looked, *joint.looked]),
        controls=tuple(effect for one in again for effect in effects_of([tried(one)])),
        changes=tuple(changes),
        pairs_tried=len(fitting),
        pairs_in_all=len(couples),
        calls=calls - left,
        calls_at_most=calls,
    )


def refreshed(again: Done) -> Group:
    """The records of a group that were asked again, with the verdict on their second answer."""
    subjects = [
        Subject(one.subject.record, after)
        for one, after in zip(again.trial.variants, again.after, strict=True)
        if after.right is not None
    ]
    return again.trial.group._replace(subjects=subjects)


class Steps(NamedTuple):
    """What was tested, what was looked at and flipped nothing, and the calls that it took."""

    tested: list[Done]
    looked: list[Done]
    calls: int

    def of(self, group: Group) -> list[Done]:
        """What was tested in a group."""
        return [one for one in self.tested if one.trial.group is group]


def flipped(done: Done) -> bool:
    """Whether a trial turned an answer from right to wrong, or from wrong to right."""
    pairs = tried(done).pairs
    return pairs.broken + pairs.mended > 0


def turned(done: Done) -> bool:
    """Whether a trial broke a right answer of eval, or mended a wrong one where it fails."""
    pairs = tried(done).pairs
    return (pairs.broken if done.trial.group.where is None else pairs.mended) > 0


def stepped(
    trials: Sequence[Trial],
    how: Asking,
    calls: int,
    stands_out: Callable[[Done], bool] = flipped,
) -> Steps:
    """Trials looked at on a few records, and tested on the others where what came of it stands out:
    an answer flipped, unless something else is asked for."""
    small = [one for one in trials if len(one.variants) <= ALL_AT_ONCE]
    large = [one for one in trials if len(one.variants) > ALL_AT_ONCE]
    looking = [*small, *(first(one, LOOKED_AT) for one in large)]
    seen = how.done(within(looking, max(calls // TO_LOOK, 0)))
    used = calls_of(one.trial for one in seen)
    few, many = seen[: len(small)], seen[len(small) :]
    rest = [
        whole._replace(variants=whole.variants[len(one.trial.variants) :])
        for whole, one in zip(large, many, strict=True)
        if stands_out(one)
    ]
    tested = how.done(within(rest, calls - used))
    used += calls_of(one.trial for one in tested)
    return Steps([*few, *tested], [one for one in many if not stands_out(one)], used)


def fitting_in(calls: int, trials: Iterable[Trial]) -> list[Trial]:
    """The first trials, as many as can be looked at in full within a number of calls."""
    found: list[Trial] = []
    for one in trials:
        size = len(one.variants)
        calls -= size if size <= ALL_AT_ONCE else LOOKED_AT
        if calls < 0:
            break
        found.append(one)
    return found


def look(done: Done) -> Look:
    """A trial that was only looked at."""
    return Look(done.trial.group.name, done.trial.names, len(done.trial.variants))


def usable(trial: Trial, group: Group) -> bool:
    """Whether a trial is of a group, and its change applies to a record of it."""
    return trial.group is group and bool(trial.variants)


def unchanged(group: Group) -> Trial:
    """The records of a group as they are, to be asked again."""
    same = [
        Variant(one, Changed(one.record.input, [one.record.expected])) for one in group.subjects
    ]
    return Trial(group, (), same, {})


def in_either_order(group: Group, couple: tuple[Applied, Applied], seed: int) -> Trial:
    """The trial of two changes in the order in which more records take both."""
    one, other = couple
    trials = [trial_of(group, order, seed) for order in ((one, other), (other, one))]
    return max(trials, key=lambda trial: len(trial.variants))
