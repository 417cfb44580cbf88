"""Guards learned on one half of the records, and tested on the other one.

1. A record or a cluster falls into a half by its digest and the seed (`kernel.half_of`).
2. Rules are learned from the right outputs of one half, all of which keep them. Of those that break
   on wrong outputs of that half, as few are taken as catch what all of them catch there, and with
   each the same rule of other fields, if it breaks there too: what fails next may be their turn.
3. Only these are tested on the other half: one is confirmed when it stops wrong outputs more often
   than right ones (Fisher, adjusted by Holm for all that are tested), at least two of them, and
   stops no more than one right output in a thousand.
4. With the halves changed about, each record has been judged by rules that it had no say in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import CannotUse
from eval_autopsy.questions.invariants import Rule, Seen, candidates, code_of
from eval_autopsy.questions.rates import Rate

AT_LEAST = 20  # right outputs to learn from
CAUGHT = 2  # wrong outputs that a rule catches, in each half
CHANCE = 0.05  # the p up to which a rule is confirmed
FALSE_ALARMS = 1000  # right outputs for each that may be stopped


class Row(NamedTuple):
    """A record whose output was judged."""

    seen: Seen
    right: bool
    silent: bool  # wrong, and let through by every guard that there is
    half: str  # "search" or "confirm"


class Caught(NamedTuple):
    """What some rules do to outputs that they were not learned from."""

    silent: Rate  # of the silent ones, those that are stopped
    wrong: Rate  # of all wrong ones
    false_alarms: Rate  # of the right ones

    @property
    def precision(self) -> Rate:
        """Of those that are stopped, the wrong ones."""
        return Rate(self.wrong.k, self.wrong.k + self.false_alarms.k)

    def to_dict(self) -> dict[str, Any]:
        return {
            "silent": self.silent.to_dict(),
            "recall": self.wrong.to_dict(),
            "precision": self.precision.to_dict(),
            "false_alarms": self.false_alarms.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A rule, and what it does to the half that it was not learned from."""

    rule: Rule
    caught: Caught
    p_adjusted: float

    @property
    def confirmed(self) -> bool:
        alarms = self.caught.false_alarms
        few = alarms.k * FALSE_ALARMS <= alarms.n
        return few and self.caught.wrong.k >= CAUGHT and self.p_adjusted <= CHANCE

    def to_dict(self) -> dict[str, Any]:
        found = {"name": self.rule.name, "words": self.rule.words, "confirmed": self.confirmed}
        p = kernel.real(self.p_adjusted)
        return {
            **found,
            "needs_input": self.rule.needs_input,
            "p_adjusted": p,
            **self.caught.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """The rules that were found."""

    tested: tuple[Tested, ...]
    together: Caught  # the confirmed rules, on the half that they were not learned from
    crossed: Caught  # what is learned on each half, on the other one: all records
    learned_from: Rate  # right ones, of the records of the half that was learned from
    kept: int  # rules that all right outputs of that half keep

    @property
    def rules(self) -> list[Rule]:
        """The confirmed ones."""
        return [one.rule for one in self.tested if one.confirmed]

    def to_dict(self) -> dict[str, Any]:
        """The `mined` of the JSON of `autopsy guards --mine`."""
        return {
            "learned_from": self.learned_from._asdict(),
            "candidates": self.kept,
            "rules": [one.to_dict() for one in self.tested],
            "together": self.together.to_dict(),
            "crossed": self.crossed.to_dict(),
            "code": code_of(self.rules) if self.rules else None,
        }


def mined(rows: Sequence[Row]) -> Mined:
    """The rules of some records. Raises CannotUse for a half with few right or no wrong ones."""
    search = [row for row in rows if row.half == "search"]
    confirm = [row for row in rows if row.half == "confirm"]
    for half in (search, confirm):
        right = sum(row.right for row in half)
        if right < AT_LEAST or right == len(half):
            what = (
                f"half of the records has {right:,} right outputs and {len(half) - right:,} wrong"
            )
            remedy = f"at least {AT_LEAST} right ones and a wrong one are needed in each half"
            raise CannotUse(what, remedy=remedy)
    kept = candidates([row.seen for row in search if row.right])
    chosen = picked(kept, search)
    tested = tests_of(chosen, confirm)
    rules = [one.rule for one in tested if one.confirmed]
    back = picked(candidates([row.seen for row in confirm if row.right]), confirm)
    return Mined(
        tested=tuple(tested),
        together=caught(rules, confirm),
        crossed=added(caught(chosen, confirm), caught(back, search)),
        learned_from=Rate(sum(row.right for row in search), len(search)),
        kept=len(kept),
    )


def picked(rules: Sequence[Rule], rows: Sequence[Row]) -> list[Rule]:
    """The fewest rules, and after them those of the same kind that catch something as well."""
    few = fewest(rules, rows)
    kinds = {rule.asks for rule in few}
    wrong = [row for row in rows if not row.right]
    others = (rule for rule in rules if rule.asks in kinds and rule not in few)
    return few + [rule for rule in others if len(stopped(rule, wrong)) >= CAUGHT]


def fewest(rules: Sequence[Rule], rows: Sequence[Row]) -> list[Rule]:
    """A few rules that catch what all of them catch of some rows: silent ones first.

    Each next one catches the most that is left, and is not taken for fewer than CAUGHT in all.
    """
    wrong = [row for row in rows if not row.right]
    stops = {at: stopped(rule, wrong) for at, rule in enumerate(rules)}
    stops = {at: some for at, some in stops.items() if len(some) >= CAUGHT}
    silent = {at for at, row in enumerate(wrong) if row.silent}
    left = silent or set(range(len(wrong)))
    found = []
    while stops:
        best = max(stops, key=lambda at: (len(stops[at] & left), len(stops[at]), -at))
        if not stops[best] & left:
            break
        left = left - stops.pop(best)
        found.append(rules[best])
    return found


def stopped(rule: Rule, rows: Sequence[Row]) -> set[int]:
    """The positions of the rows that a rule stops."""
    return {at for at, row in enumerate(rows) if not rule.keeps(row.seen)}


def tests_of(rules: Sequence[Rule], rows: Sequence[Row]) -> list[Tested]:
    """Each rule on rows that it was not learned from."""
    found = [caught([rule], rows) for rule in rules]
    wrong = sum(not row.right for row in rows)
    raw = [kernel.fisher_greater(one.wrong.k, one.precision.n, wrong, len(rows)) for one in found]
    adjusted = kernel.holm(raw)
    return [
        Tested(rule=rule, caught=one, p_adjusted=p)
        for rule, one, p in zip(rules, found, adjusted, strict=True)
    ]


def caught(rules: Sequence[Rule], rows: Sequence[Row]) -> Caught:
    """What some rules together stop."""
    stops = [any(not rule.keeps(row.seen) for rule in rules) for row in rows]
    pairs = list(zip(rows, stops, strict=True))

    def rate(some: list[bool]) -> Rate:
        return Rate(sum(some), len(some))

    return Caught(
        rate([stop for row, stop in pairs if row.silent]),
        rate([stop for row, stop in pairs if not row.right]),
        rate([stop for row, stop in pairs if row.right]),
    )


def added(one: Caught, other: Caught) -> Caught:
    """What is stopped of two parts of the records together."""
    return Caught(*(Rate(a.k + b.k, a.n + b.n) for a, b in zip(one, other, strict=True)))
