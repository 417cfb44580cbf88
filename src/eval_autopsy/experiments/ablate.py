"""What turns right into wrong where nearly all is right, and wrong into right where it fails.

1. Every change with a known answer is tried on records of eval, and on those of each failing slice.
2. A group in which no single change flips an answer is tried with two changes after each other.
   Each pair is looked at on a few records; one that flips an answer is tested on others.
3. What is tested is adjusted together, whatever came of it; what is only looked at is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

from eval_autopsy.evidence import Progress
from eval_autopsy.experiments.asking import Asker, Scoring
from eval_autopsy.experiments.trials import (
    Done,
    Group,
    Trial,
    Variant,
    calls_of,
    carried_out,
    trial_of,
    tried,
    within,
)
from eval_autopsy.perturbations.apply import Applied, Changed
from eval_autopsy.questions.ablation import Effect, Tried, effects_of

LOOKED_AT = 3  # records on which a pair of changes is looked at
FOR_ONE = 3, 4  # the part of the calls that single changes may take

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What came of every trial."""

    groups: tuple[Group, ...]
    effects: tuple[Effect, ...]  # of single changes, by group, then of pairs
    controls: tuple[Effect, ...]  # the records as they are, asked again; not adjusted
    changes: tuple[Applied, ...]
    pairs_looked_at: int  # of changes; each on a few records
    pairs_in_all: int
    hints: tuple[Tried, ...]  # pairs that flipped an answer, with no other record to test them on
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
                {"group": one.name, "where": one.where, "records": len(one.subjects)}
                for one in self.groups
            ],
            "changes": [described(one) for one in self.changes],
            "effects": [one.to_dict() for group in self.groups for one in self.of(group.name)],
            "controls": [one.to_dict() for one in self.controls],
            "pairs": {
                "looked_at": self.pairs_looked_at,
                "of": self.pairs_in_all,
                "not_tested": [
                    {"group": one.group, "changes": list(one.changes), **one.pairs._asdict()}
                    for one in self.hints
                ],
            },
            "calls": {"made": self.calls, "at_most": self.calls_at_most},
        }


def described(change: Applied) -> dict[str, str]:
    """A change as JSON shows it."""
    about = change.entry.value
    return {
        "name": change.name,
        "help": change.entry.help,
        "holds": about.holds,
        "relation": about.relation,
        "package": change.entry.package,
    }


def ablated(
    groups: Sequence[Group],
    changes: Sequence[Applied],
    asker: Asker,
    scoring: Scoring,
    *,
    calls: int,
    seed: int,
    progress: Progress,
    tell: Tell,
) -> Ablation:
    """What each change does in each group, within a number of calls.

    `tell` is told how many are planned before one is made. Raises CannotUse when there are fewer
    calls than trials.
    """
    trials = [trial_of(group, (one,), seed) for group in groups for one in changes]
    planned = within([*map(unchanged, groups), *trials], calls * FOR_ONE[0] // FOR_ONE[1])
    tell(
        f"{calls_of(planned):,} calls are planned for {len(changes):,} changes, "
        f"and at most {calls:,} in all"
    )
    done = carried_out(planned, asker, scoring, progress)
    controls, single = done[: len(groups)], done[len(groups) :]
    left = calls - calls_of(planned)
    looked, in_all, joint, hints = 0, 0, list[Done](), list[Tried]()
    for group in groups:
        own = [one for one in single if one.trial.group is group]
        if any(flipped(one) for one in own):
            continue
        usable = [one.trial.changes[0] for one in own if one.trial.variants]
        found = looked_at(group, usable, asker, scoring, left, seed, progress)
        left -= found.calls
        looked, in_all = looked + found.looked, in_all + found.in_all
        joint += found.tested
        hints += found.hints
    effects = effects_of([tried(one) for one in [*single, *joint]])
    return Ablation(
        groups=tuple(groups),
        effects=tuple(effects),
        controls=tuple(effect for one in controls for effect in effects_of([tried(one)])),
        changes=tuple(changes),
        pairs_looked_at=looked,
        pairs_in_all=in_all,
        hints=tuple(hints),
        calls=calls - left,
        calls_at_most=calls,
    )


def unchanged(group: Group) -> Trial:
    """The records of a group as they are, to be asked again."""
    same = [
        Variant(one, Changed(one.record.input, [one.record.expected])) for one in group.subjects
    ]
    return Trial(group, (), same, {})


def flipped(done: Done) -> bool:
    """Whether a trial turned an answer from right to wrong, or from wrong to right."""
    pairs = tried(done).pairs
    return pairs.broken + pairs.mended > 0


class Pairwise(NamedTuple):
    """Two changes after each other: how many pairs were looked at, and those that were tested."""

    looked: int
    in_all: int
    calls: int
    tested: list[Done]
    hints: list[Tried]  # see Ablation


def looked_at(
    group: Group,
    changes: Sequence[Applied],
    asker: Asker,
    scoring: Scoring,
    calls: int,
    seed: int,
    progress: Progress,
) -> Pairwise:
    """Pairs of changes in a group, looked at while half of the calls last, then tested."""
    couples = [*combinations(changes, 2)]
    looking, used = [], 0
    for couple in couples:
        trial = in_either_order(group, couple, seed)
        few = trial._replace(variants=trial.variants[:LOOKED_AT])
        if used + len(few.variants) > calls // 2:
            break
        used += len(few.variants)
        looking.append((trial, few))
    seen = carried_out([few for _, few in looking], asker, scoring, progress)
    hits = [(trial, one) for (trial, _), one in zip(looking, seen, strict=True) if flipped(one)]
    rest = [trial._replace(variants=trial.variants[LOOKED_AT:]) for trial, _ in hits]
    rest = [one for one in rest if one.variants][: calls - used]
    tested = carried_out(within(rest, calls - used), asker, scoring, progress)
    used += calls_of(one.trial for one in tested)
    known = {one.names for one in rest}
    hints = [tried(one) for trial, one in hits if trial.names not in known]
    return Pairwise(len(looking), len(couples), used, tested, hints)


def in_either_order(group: Group, couple: tuple[Applied, Applied], seed: int) -> Trial:
    """The trial of two changes in the order in which more records take both."""
    one, other = couple
    trials = [trial_of(group, order, seed) for order in ((one, other), (other, one))]
    return max(trials, key=lambda trial: len(trial.variants))
