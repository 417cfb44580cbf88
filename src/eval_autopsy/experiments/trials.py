"""Which records are changed in which way, planned before anything is asked.

1. A trial is one change, or several after each other, on the records of one group: either all of
   them, or in turn each where it applies. What each record is changed to is settled by the seed
   alone.
2. Trials that share a number of calls get as many records as it allows, each the same number while
   it has so many. The records of a group come in an order drawn from the seed, one of each cluster.
3. Records asked again as they are make a trial too: what flips then is noise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from random import Random
from typing import Any, NamedTuple, TypeVar

from eval_autopsy import kernel
from eval_autopsy.errors import CannotUse
from eval_autopsy.experiments.asking import Asker, Judged, Scoring, answered
from eval_autopsy.perturbations.apply import DOES_NOT_APPLY, Applied, Changed, applied
from eval_autopsy.perturbations.draws import shuffled
from eval_autopsy.questions.ablation import Tried
from eval_autopsy.questions.pairs import Pairs
from eval_autopsy.records import Record

T = TypeVar("T")

NOT_ASKED = "not asked"


class Subject(NamedTuple):
    """A record, and what is right of the system's answer to it as it is."""

    record: Record
    before: Judged


class Group(NamedTuple):
    """Records that are tried together."""

    name: str  # in words
    where: Mapping[str, Any] | None  # the slice of production; None for eval
    subjects: Sequence[Subject]
    alike: int = 0  # records that are left out, as another one of their cluster is here


class Variant(NamedTuple):
    """A record with its changed input."""

    subject: Subject
    changed: Changed


class Trial(NamedTuple):
    """What is to be asked: no changes are the records as they are, asked again."""

    group: Group
    changes: tuple[Applied, ...]
    variants: Sequence[Variant]
    set_aside: Mapping[str, int]  # records by the reason

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.changes)


class Done(NamedTuple):
    """A trial, and what is right of each changed record's answer."""

    trial: Trial
    after: Sequence[Judged]


def group_of(
    name: str, where: Mapping[str, Any] | None, some: Iterable[Subject], seed: int
) -> Group:
    """A group of the subjects that have a verdict, one of each cluster, in an order drawn from the
    seed."""
    scored = [one for one in some if one.before.right is not None]
    drawn = shuffled(Random(f"{seed} {name}"), scored)
    kept = one_of_each(drawn, [one.record for one in drawn])
    return Group(name, where, kept, len(scored) - len(kept))


def one_of_each(some: Sequence[T], records: Sequence[Record]) -> list[T]:
    """Those whose record is the first of its cluster, or has none: several attempts at one input
    are not several records, and a test that took them for such would be too sure."""
    seen: set[str] = set()
    kept = []
    for one, record in zip(some, records, strict=True):
        if record.cluster is None or record.cluster not in seen:
            kept.append(one)
        if record.cluster is not None:
            seen.add(record.cluster)
    return kept


def trial_of(
    group: Group, changes: tuple[Applied, ...], seed: int, *, in_turn: bool = False
) -> Trial:
    """A trial of some changes on every record of a group that they all apply to; `in_turn`, on
    those that any of them applies to."""
    variants, set_aside = [], Counter[str]()
    for subject in group.subjects:
        make = changed_in_turn if in_turn else changed
        found = make(subject.record, changes, seed)
        if isinstance(found, str):
            set_aside[found] += 1
        else:
            variants.append(Variant(subject, found))
    return Trial(group, changes, variants, set_aside)


def changed(record: Record, changes: Sequence[Applied], seed: int) -> Changed | str:
    """A record's input after some changes, or why one of them cannot be made."""
    found = Changed(record.input, [record.expected])
    for change in changes:
        after = _after(found, change, record, seed)
        if isinstance(after, str):
            return after
        found = after
    return found


def changed_in_turn(record: Record, changes: Sequence[Applied], seed: int) -> Changed | str:
    """A record's input after those of some changes that apply, or why none of them does."""
    found, why = None, DOES_NOT_APPLY
    for change in changes:
        before = found or Changed(record.input, [record.expected])
        after = _after(before, change, record, seed)
        found, why = (found, after) if isinstance(after, str) else (after, why)
    return found or why


def _after(found: Changed, change: Applied, record: Record, seed: int) -> Changed | str:
    draw = f"{seed} {record.split} {record.id}"
    each = [applied(change, found.input, answer, draw) for answer in found.answers]
    refused = next((one for one in each if isinstance(one, str)), None)
    if refused is not None:
        return refused
    made = [one for one in each if not isinstance(one, str)]
    return Changed(made[0].input, [answer for one in made for answer in one.answers])


def share(sizes: Sequence[int], calls: int) -> int:
    """The most records that each trial can have, so that all together take no more calls."""
    low, high = 0, max(sizes, default=0)
    while low < high:
        middle = (low + high + 1) // 2
        if sum(min(size, middle) for size in sizes) <= calls:
            low = middle
        else:
            high = middle - 1
    return low


def within(trials: Sequence[Trial], calls: int) -> list[Trial]:
    """The trials cut to a number of calls; raises CannotUse when there is none for each."""
    most = share([len(one.variants) for one in trials], calls)
    if most == 0 and any(one.variants for one in trials):
        some = sum(bool(one.variants) for one in trials)
        what = f"the calls do not go far enough for a record of each of {some:,} trials"
        raise CannotUse(what, remedy="allow more with --calls, or name fewer changes with --change")
    return [first(one, most) for one in trials]


def first(trial: Trial, most: int) -> Trial:
    """A trial of the first records alone; the others are set aside with the reason."""
    left = len(trial.variants) - most
    if left <= 0:
        return trial
    aside = Counter(trial.set_aside) + Counter({NOT_ASKED: left})
    return trial._replace(variants=trial.variants[:most], set_aside=aside)


def held_against(done: Done, again: Done) -> Done:
    """A trial whose verdicts before are those of the records asked again as they are.

    Records that were chosen for their first answers would look changed by whatever is done to a
    system with some chance in it. One whose second answer has no verdict is set aside.
    """
    second = {
        one.subject.record.id: after
        for one, after in zip(again.trial.variants, again.after, strict=True)
    }
    variants, afters = [], []
    for one, after in zip(done.trial.variants, done.after, strict=True):
        before = second[one.subject.record.id]
        if before.right is not None:
            variants.append(one._replace(subject=one.subject._replace(before=before)))
            afters.append(after)
    left = Counter(done.trial.set_aside)
    left += Counter({"no verdict": len(done.after) - len(afters)})
    return Done(done.trial._replace(variants=variants, set_aside=left), afters)


def calls_of(trials: Iterable[Trial]) -> int:
    """How many calls some trials take at most."""
    return sum(len(one.variants) for one in trials)


def carried_out(trials: Sequence[Trial], asker: Asker, scoring: Scoring) -> list[Done]:
    """What came of each trial. All inputs are asked at once, so that they can go side by side.

    Those without a change come first: where every changed input fails, the system has been seen to
    answer others, and is not given up.
    """
    unchanged = iter(answered(asker, inputs_of(again(trials)), 1, "trying changes"))
    answers = iter(answered(asker, inputs_of(changing(trials)), 0, "trying changes"))
    done = []
    for trial in trials:
        own = islice(answers if trial.changes else unchanged, len(trial.variants))
        pairs = zip(trial.variants, own, strict=True)
        done.append(Done(trial, [_judged(one, answer, scoring) for one, answer in pairs]))
    return done


def inputs_of(trials: Iterable[Trial]) -> list[Any]:
    """The inputs of some trials, in their order."""
    return [one.changed.input for trial in trials for one in trial.variants]


def changing(trials: Iterable[Trial]) -> list[Trial]:
    """The trials that change something."""
    return [one for one in trials if one.changes]


def again(trials: Iterable[Trial]) -> list[Trial]:
    """The trials that ask records again as they are."""
    return [one for one in trials if not one.changes]


def _judged(variant: Variant, answer: kernel.Answer, scoring: Scoring) -> Judged:
    return scoring.judged(variant.subject.record, answer, variant.changed.answers)


def tried(done: Done) -> Tried:
    """What came of a trial, counted; a record without a verdict afterwards is set aside."""
    counts, aside = Counter[str](), Counter(done.trial.set_aside)
    flipped = Counter[str]()
    example = ""
    known = all(one.known for one in done.trial.changes)
    for variant, after in zip(done.trial.variants, done.after, strict=True):
        before = variant.subject.before
        if after.right is None:
            aside["no verdict"] += 1
            continue
        counts[_pair(bool(before.right), after.right)] += 1
        flipped.update(flips(before, after))
        if known and before.right and not after.right and len(variant.changed.answers) == 1:
            example = example or variant.subject.record.id
    pairs = Pairs(**counts)
    return Tried(done.trial.group.name, done.trial.names, pairs, aside, flipped, example)


def _pair(before: bool, after: bool) -> str:
    if before:
        return "right" if after else "broken"
    return "mended" if after else "wrong"


def flips(before: Judged, after: Judged) -> list[str]:
    """The output fields that were right and are wrong, or the other way round."""
    if not after.fields:  # a call that failed has no field
        return [name for name, right in before.fields.items() if right]
    return [name for name, right in before.fields.items() if after.fields.get(name) is not right]
