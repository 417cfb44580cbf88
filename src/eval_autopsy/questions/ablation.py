"""What a change of the input does to right and wrong: the same records before and after.

1. An effect rests on pairs: one record, answered as it is and changed. Records that a change does
   not apply to are not in it.
2. Whether right answers break as often as wrong ones are mended is McNemar's exact test, adjusted
   by Holm for everything that was tried, whatever came of it.
3. The interval of the difference is Newcombe's for pairs. Records are taken as independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.questions.rates import Rate

CHANCE = 0.05  # the p up to which an effect is taken for one


class Pairs(NamedTuple):
    """How many records are right or wrong before and after a change."""

    right: int = 0  # before and after
    broken: int = 0  # right before, wrong after
    mended: int = 0  # wrong before, right after
    wrong: int = 0  # before and after

    @property
    def n(self) -> int:
        return sum(self)

    @property
    def before(self) -> Rate:
        """How many are right as they are."""
        return Rate(self.right + self.broken, self.n)

    @property
    def after(self) -> Rate:
        """How many are right when they are changed."""
        return Rate(self.right + self.mended, self.n)


class Tried(NamedTuple):
    """A change, or two after each other, tried on a group of records."""

    group: str
    changes: tuple[str, ...]
    pairs: Pairs
    set_aside: Mapping[str, int]  # records that were not asked, by the reason
    flipped: Mapping[str, int] = {}  # by output field, pairs in which it changed sides


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
            difference=_difference(one.pairs),
            interval=paired_interval(one.pairs),
            p=p_values[at],
            p_adjusted=adjusted.get(at, 1.0),
        )
        for at, one in enumerate(tried)
    ]


def _difference(pairs: Pairs) -> Fraction | None:
    return Fraction(pairs.mended - pairs.broken, pairs.n) if pairs.n else None


def mcnemar(broken: int, mended: int) -> float:
    """The two-sided p-value of as many flips one way and the other; 1 when there is none.

    Exact: a binomial test of the flips at one half. Source: McNemar 1947, Psychometrika 12:153.

    >>> mcnemar(1, 7)
    0.0703125
    """
    flips = broken + mended
    tail = sum(math.comb(flips, k) for k in range(min(broken, mended) + 1))
    return min(1.0, float(Fraction(2 * tail, 2**flips)))


def paired_interval(pairs: Pairs) -> kernel.Ends:
    """The 95% interval of right after less right before, as fractions of 1; (-1, 1) without a pair.

    Square-and-add with the corrected phi. Source: Newcombe 1998, Stat. Med. 17:2635, method 10.
    """
    n = pairs.n
    if n == 0:
        return -1.0, 1.0
    before, after = pairs.before, pairs.after
    low0, high0 = kernel.wilson(*before)
    low1, high1 = kernel.wilson(*after)
    p0, p1, phi = before.k / n, after.k / n, _phi(pairs)
    difference = (pairs.mended - pairs.broken) / n
    below = _joined(p1 - low1, high0 - p0, phi)
    above = _joined(high1 - p1, p0 - low0, phi)
    return max(-1.0, difference - below), min(1.0, difference + above)


def _joined(one: float, other: float, phi: float) -> float:
    """The length of two sides with a correlation between them."""
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _phi(pairs: Pairs) -> float:
    """How alike before and after are, with Newcombe's correction for continuity."""
    before, after, n = pairs.before.k, pairs.after.k, pairs.n
    margins = before * (n - before) * after * (n - after)
    if margins == 0:
        return 0.0
    product = pairs.right * pairs.wrong - pairs.broken * pairs.mended
    corrected = product if product < 0 else max(product - n / 2, 0)
    return corrected / math.sqrt(margins)
