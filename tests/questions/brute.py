"""Every slice of a few rows, counted row by row: what a search for slices has to find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

Where = tuple[tuple[str, str], ...]  # attribute and level, in the order of the attributes' names


class Count(NamedTuple):
    """How many rows, and how many of them are wrong."""

    n: int
    wrong: int


def all_of(wrong: Sequence[bool]) -> Count:
    """The count of all rows."""
    return Count(len(wrong), sum(wrong))


def every_slice(
    rows: Sequence[Mapping[str, str]], wrong: Sequence[bool], depth: int = 3
) -> dict[Where, Count]:
    """The count of each conjunction of at most `depth` levels that some row fits.

    >>> every_slice([{"b": "x", "a": "1"}, {"b": "x", "a": "2"}], [True, False], depth=1)
    {(('a', '1'),): Count(n=1, wrong=1), (('b', 'x'),): Count(n=2, wrong=1), \
(('a', '2'),): Count(n=1, wrong=0)}
    """
    n: Counter[Where] = Counter()
    errors: Counter[Where] = Counter()
    for row, is_wrong in zip(rows, wrong, strict=True):
        levels = sorted(row.items())
        for size in range(1, depth + 1):
            for where in combinations(levels, size):
                n[where] += 1
                errors[where] += is_wrong
    return {where: Count(n[where], errors[where]) for where in n}


def score(count: Count, total: Count) -> int:
    """The errors of a slice beyond its share, wrong - n * wrong(all) / n(all), times n(all)."""
    return count.wrong * total.n - count.n * total.wrong


def top_scores(
    slices: Mapping[Where, Count], total: Count, *, min_support: int = 1, top: int = 10
) -> list[int]:
    """The largest scores above 0 of slices of at least `min_support` rows, best first.

    Which slices have them is not told: of two with the same score either may be found.
    """
    scores = (score(count, total) for count in slices.values() if count.n >= min_support)
    return sorted((one for one in scores if one > 0), reverse=True)[:top]
