"""What a change of the input does to right and wrong: the same records before and after.

1. An effect rests on pairs: one record, answered as it is and changed. Records that a change does
   not apply to are not in it.
2. Whether right answers break as often as wrong ones are mended is McNemar's exact test, adjusted
   by Holm for everything that was tried, whatever came of it.
3. The interval of the difference is Newcombe's for pairs. Records are taken as independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.questions.pairs import Pairs, mcnemar, paired_interval

CHANCE = 0.05  # the p up to which an effect is taken for one


class Tried(NamedTuple):
    """A change, or two after each other, tried on a group of records."""

    group: str
    changes: tuple[str, ...]
    pairs: Pairs
    set_aside: Mapping[str, int]  # records that were not asked, by the reason
    flipped: Mapping[str, int] = {}  # by output field, pairs in which it changed sides
    example: str = ""  # the id of one that breaks, and whose right answer is known after the change


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change does to a group of records."""

    tried: Tried
    difference: Fraction | None  # right after less right before, as a share; None without a pair
    interval: kernel.Ends  # of the difference
    p: float
    p_adjusted: float  # for everything that was tried with it

    @property
    def breaks(self) -> bool:
        """Whether it turns right into wrong beyond chance."""
        pairs = self.tried.pairs
        return self.p_adjusted <= CHANCE and pairs.broken > pairs.mended

    @property
    def mends(self) -> bool:
        """Whether it turns wrong into right beyond chance."""
        pairs = self.tried.pairs
        return self.p_adjusted <= CHANCE and pairs.mended > pairs.broken

    def to_dict(self) -> dict[str, Any]:
        """One of the `effects` of `autopsy ablate --json`."""
        pairs = self.tried.pairs
        return {
            "group": self.tried.group,
            "changes": list(self.tried.changes),
            "n": pairs.n,
            "before": pairs.before.to_dict(),
            "after": pairs.after.to_dict(),
            "broken": pairs.broken,
            "mended": pairs.mended,
            "effect": None if self.difference is None else kernel.real(float(self.difference)),
            "interval": [kernel.real(end) for end in self.interval],
            "method": "newcombe-paired",
            "p": kernel.real(self.p),
            "p_adjusted": kernel.real(self.p_adjusted),
            "p_method": "mcnemar-exact, holm",
            "verdict": "breaks" if self.breaks else "mends" if self.mends else "no effect shown",
            "set_aside": dict(self.tried.set_aside),
            "flipped": dict(self.tried.flipped),
        }


def effects_of(tried: Sequence[Tried]) -> list[Effect]:
    """The effect of each thing that was tried, in the same order.

    What was tried on no record is no test: its p is 1, and the others are not adjusted for it.
    """
    p_values = [mcnemar(one.pairs.broken, one.pairs.mended) for one in tried]
    tests = [at for at, one in enumerate(tried) if one.pairs.n]
    adjusted = dict(zip(tests, kernel.holm([p_values[at] for at in tests]), strict=True))
    return [
        Effect(
            tried=one,
            difference=one.pairs.difference,
            interval=paired_interval(one.pairs),
            p=p_values[at],
            p_adjusted=adjusted.get(at, 1.0),
        )
        for at, one in enumerate(tried)
    ]


def _difference(pairs: Pairs) -> Fraction | None:
    return Fraction(pairs.mended - pairs.broken, pairs.n) if pairs.n else None
