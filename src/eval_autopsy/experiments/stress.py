"""The gap that would appear if production changed the inputs of eval in known ways.

It is synthetic: nobody has seen such production. Each record of eval is changed by one change,
drawn by weight from those that keep the right answer and apply to it, and is answered before and
after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from eval_autopsy.errors import BadCase, CannotUse
from eval_autopsy.experiments.ablate import Asking
from eval_autopsy.experiments.trials import (
    Group,
    Subject,
    Trial,
    Variant,
    calls_of,
    changed,
    tried,
)
from eval_autopsy.perturbations.apply import Applied, Changed
from eval_autopsy.questions.ablation import Effect, Tried, effects_of
from eval_autopsy.questions.pairs import Pairs
from eval_autopsy.questions.rates import Rate

UNCHANGED = "unchanged"  # the weight of records that stay as they are
SYNTHETIC = "synthetic: eval with its inputs changed, not production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stress:
    """Right on eval as it is, and with its inputs changed."""

    before: Rate
    after: Rate
    gap: Effect  # of all changes together; its p is of this one test
    effects: tuple[Effect, ...]  # of each change, on the records that it was drawn for
    holds: Mapping[str, str]  # by change, what it leaves as it is
    weights: Mapping[str, str]  # that are not 1
    not_changed: int  # records that no change applies to; they count as they are
    calls: int
    calls_at_most: int = 0
    left_out: int = 0  # records of eval beyond the bound on calls
    alike: int = 0  # records of eval that are left out, as another of their cluster is not

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `autopsy stress`."""
        return {
            "synthetic": True,
            "about": SYNTHETIC,
            "eval": self.before.to_dict(),
            "synthetic_production": self.after.to_dict(),
            "synthetic_gap": self.gap.to_dict(),
            "effects": [{"synthetic": True, **one.to_dict()} for one in self.effects],
            "weights": dict(self.weights),
            "not_changed": self.not_changed,
            "left_out": self.left_out,
            "same_cluster": self.alike,
            "calls": {"made": self.calls, "at_most": self.calls_at_most},
        }


def weights_of(texts: Sequence[str], changes: Sequence[Applied]) -> dict[str, Fraction]:
    """The weight of each change, 1 unless texts such as typo=3 say otherwise; UNCHANGED is 0.

    Raises BadCase for a text that is not such, and for a change that is not tried.
    """
    weights = {one.name: Fraction(1) for one in changes} | {UNCHANGED: Fraction(0)}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            weight = Fraction(Decimal(number.strip()))
        except (ArithmeticError, ValueError):  # not a number, or not a finite one
            weight = Fraction(-1)
        if name.strip() not in weights or weight < 0:
            what = f"--weight is {text!r}, expected NAME=NUMBER"
            remedy = f"NAME is one of {', '.join(sorted(weights))}; NUMBER is not negative"
            raise BadCase(what, remedy=remedy)
        weights[name.strip()] = weight
    if not any(weights.values()):
        raise BadCase("every weight is 0", remedy="give a change a weight with --weight")
    return weights


def stressed(
    group: Group, changes: Sequence[Applied], weights: Mapping[str, Fraction], how: Asking
) -> Stress:
    """What would come of each record of a group being changed once.

    Raises CannotUse when no change is drawn for any record.
    """
    drawn: dict[str, list[Variant]] = {one.name: [] for one in changes}
    usual: list[Subject] = []
    for subject in group.subjects:
        name, found = drawn_change(subject, changes, weights, how.seed)
        if found is None:
            usual.append(subject)
        else:
            drawn[name].append(Variant(subject, found))
    trials = [Trial(group, (one,), drawn[one.name], {}) for one in changes if drawn[one.name]]
    if not trials:
        what = "no record of eval is changed: no change that is drawn applies"
        raise CannotUse(what, remedy="see `autopsy perturbations`, or bring one of your own")
    counted = [tried(one) for one in how.done(trials)]
    whole = together(group.name, counted, usual)
    (gap,) = effects_of([whole])
    return Stress(
        before=whole.pairs.before,
        after=whole.pairs.after,
        gap=gap,
        effects=tuple(sorted(effects_of(counted), key=lambda one: (one.difference or 0, one.p))),
        holds={one.name: one.entry.value.holds for one in changes},
        weights={name: str(weight) for name, weight in weights.items() if weight != 1},
        not_changed=len(usual),
        calls=calls_of(trials),
    )


def drawn_change(
    subject: Subject, changes: Sequence[Applied], weights: Mapping[str, Fraction], seed: int
) -> tuple[str, Changed | None]:
    """One of the changes that apply to a record, drawn by weight; None for none."""
    draw = Random(f"{seed} {subject.record.id}")
    left = {one.name: one for one in changes if weights[one.name]}
    while left:
        name = by_weight(draw, {each: weights[each] for each in (*left, UNCHANGED)})
        if name == UNCHANGED:
            break
        found = changed(subject.record, (left.pop(name),), seed)
        if not isinstance(found, str):
            return name, found
    return UNCHANGED, None


def by_weight(draw: Random, weights: Mapping[str, Fraction]) -> str:
    """A name, drawn by weight; one of them is above 0."""
    point = Fraction(draw.random()) * sum(weights.values())
    for name, weight in weights.items():
        point -= weight
        if point < 0:
            return name
    raise AssertionError("a point below the sum lies in one of its parts")


def together(name: str, counted: Sequence[Tried], usual: Sequence[Subject]) -> Tried:
    """All pairs as one; records that stay as they are count as they are."""
    pairs = Pairs(*(sum(counts) for counts in zip(*(one.pairs for one in counted), strict=True)))
    right = sum(bool(one.before.right) for one in usual)
    pairs = pairs._replace(right=pairs.right + right, wrong=pairs.wrong + len(usual) - right)
    aside = Counter[str]()
    for one in counted:
        aside.update(one.set_aside)
    return Tried(
        name, tuple(dict.fromkeys(n for one in counted for n in one.changes)), pairs, aside
    )
