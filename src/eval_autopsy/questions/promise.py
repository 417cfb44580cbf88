"""What a confidence promises on eval, and what it delivers in production.

A threshold is what an engineer would set from the eval set: the lowest confidence from which at
least PROMISED of the answers are right there, on enough of them. In production the same threshold
lets through another share of right answers, and the two are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.questions.rates import Rate, difference_interval, rate_of_units

PROMISED = Fraction(95, 100)
LEAST = 20  # records of eval at or above a threshold


class Judged(NamedTuple):
    """A scored record that has a confidence."""

    confidence: Decimal
    right: bool
    unit: str  # its cluster, or its id


class Promise(NamedTuple):
    """A threshold, and how many of the answers at or above it are right in each set."""

    threshold: Decimal
    eval: Rate
    production: Rate
    eval_all: int  # scored records with a confidence
    production_all: int

    @property
    def interval(self) -> kernel.Ends:
        """Of production's rate less eval's: 95%, Newcombe's."""
        return difference_interval(self.production, self.eval)

    @property
    def kept(self) -> bool:
        """Whether production does not fall short of the promise beyond chance."""
        return self.interval[1] >= 0

    def to_dict(self) -> dict[str, Any]:
        """The `calibration` of JSON outputs."""
        return {
            "threshold": kernel.canonical(self.threshold),
            "promised": self.eval.to_dict(),
            "delivered": self.production.to_dict(),
            "difference": [kernel.real(end) for end in self.interval],
            "above": {"eval": self.eval.n, "production": self.production.n},
            "of": {"eval": self.eval_all, "production": self.production_all},
            "kept": self.kept,
        }


def promise_of(before: Sequence[Judged], after: Sequence[Judged]) -> Promise | None:
    """The threshold that eval gives, held against production; None where eval gives none."""
    threshold = threshold_of(before)
    if threshold is None or not after:
        return None
    return Promise(
        threshold,
        _above(before, threshold),
        _above(after, threshold),
        len(before),
        len(after),
    )


def threshold_of(judged: Sequence[Judged]) -> Decimal | None:
    """The lowest confidence from which at least PROMISED are right, on LEAST records or more."""
    found = None
    right = n = 0
    ordered = sorted(judged, reverse=True)
    for at, one in enumerate(ordered):
        right, n = right + one.right, n + 1
        last = at + 1 == len(ordered) or ordered[at + 1].confidence != one.confidence
        if last and n >= LEAST and right >= PROMISED * n:
            found = one.confidence
    return found


def _above(judged: Sequence[Judged], threshold: Decimal) -> Rate:
    return rate_of_units((one.unit, one.right) for one in judged if one.confidence >= threshold)
