"""The same records judged twice: how many are right or wrong before and after.

McNemar's exact test says whether right answers break as often as wrong ones are mended, Newcombe's
interval for pairs how far the rates are apart. Records are taken as independent.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.questions.rates import Rate


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

    @property
    def difference(self) -> Fraction | None:
        """Right after less right before, as a share; None without a pair."""
        return Fraction(self.mended - self.broken, self.n) if self.n else None

    def to_dict(self) -> dict[str, Any]:
        """The counts, and the test of the difference, as JSON outputs have them."""
        p = kernel.real(mcnemar(self.broken, self.mended))
        return {"n": self.n, **self._asdict(), "p": p, "p_method": "mcnemar-exact"}


def pairs_in(cube: kernel.Cube) -> Pairs | None:
    """The tasks that both splits of a cube have; None where they are less than half of either."""
    pairs = Pairs(*cube.pairs)
    fewest = min(cube.count(split, "counted", {}) for split in kernel.SPLITS)
    return pairs if pairs.n and 2 * pairs.n >= fewest else None


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
