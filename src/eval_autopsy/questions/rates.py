"""A rate as two counts, and whether both sides of a comparison have one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import CannotUse

FEW = 10  # clusters, under which an interval over them is rough


class Rate(NamedTuple):
    """`k` of `n`, exactly. 0 of 0 is a rate of nothing, not a rate of 0.

    >>> Rate(345, 400).to_dict()["rate"]
    '0.8625'
    >>> Rate(0, 0).to_dict()["rate"] is None
    True
    """

    k: int
    n: int

    @property
    def share(self) -> Fraction | None:
        """The rate as an exact fraction; None when nothing was counted."""
        return kernel.ratio(self.k, self.n) if self.n else None

    @property
    def clusters(self) -> int | None:
        """How many clusters the records are of; None where none share one, or it is not known."""
        return None

    @property
    def effective(self) -> float:
        """As how many independent records they count."""
        return self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% Wilson interval, as fractions of 1; (0, 1) when nothing was counted."""
        return kernel.wilson(self.k, self.n, self.effective)

    def to_dict(self) -> dict[str, Any]:
        """The rate as every JSON output writes it."""
        return {
            "k": self.k,
            "n": self.n,
            "rate": kernel.real(self.k / self.n) if self.n else None,
            "interval": [kernel.real(end) for end in self.interval],
            "level": "0.95",
            "method": "wilson",
        }


class ClusteredRate(Rate):
    """A rate of records of which some share a cluster; its interval is over the clusters.

    Otherwise it is the Rate of the same counts.
    """

    sums: kernel.Clusters | None

    def __new__(cls, k: int, n: int, sums: kernel.Clusters | None = None) -> ClusteredRate:
        found = super().__new__(cls, k, n)
        found.sums = sums  # None only until a copy is filled
        return found

    @property
    def clusters(self) -> int | None:
        return self.sums.number if self.sums else None

    @property
    def effective(self) -> float:
        """kernel.effective, which is 0 where all records are of one cluster."""
        return kernel.effective(self.k, self.n, self.sums)

    def to_dict(self) -> dict[str, Any]:
        """As of any rate, and the clusters; the interval is null where it is not known."""
        found = super().to_dict()
        interval = found["interval"] if self.effective else None
        over = {"clusters": self.clusters, "effective": kernel.real(self.effective)}
        return {**found, "interval": interval, **over}


def rate_over(k: int, n: int, clusters: kernel.Clusters | None) -> Rate:
    """k of n records that are of some clusters, or of which that is not known."""
    shared = clusters is not None and clusters.number < n
    return ClusteredRate(k, n, clusters) if shared else Rate(k, n)


def rate_of(cube: kernel.Cube, split: str, outcome: str, of: str, where: kernel.Where) -> Rate:
    """How many of a slice's records that count as `of` have an outcome."""
    k, n = (cube.count(split, name, where) for name in (outcome, of))
    return rate_over(k, n, cube.clusters(split, outcome, of, where))


def right_rate(cube: kernel.Cube, split: str, where: kernel.Where) -> Rate:
    """How many of a slice's scored records are right."""
    return rate_of(cube, split, "right", "counted", where)


def rate_of_units(rows: Iterable[tuple[str, bool]]) -> Rate:
    """The rate of some records, each told by its cluster, or else its id, and whether it counts."""
    n, k = Counter[str](), Counter[str]()
    for unit, counts in rows:
        n[unit] += 1
        k[unit] += counts
    return rate_over(k.total(), n.total(), kernel.clusters_of(k, n))


def difference_interval(after: Rate, before: Rate) -> kernel.Ends:
    """The 95% interval of one rate less another: Newcombe's, on the interval of each."""
    sizes = after.effective, before.effective
    return kernel.newcombe(after.k, after.n, before.k, before.n, *sizes)


def check_scored(cube: kernel.Cube, where: str) -> None:
    """Raises CannotUse when a split has no record with a verdict; `where` names the case."""
    for split in kernel.SPLITS:
        if not cube.count(split, "counted", {}):
            what = f"no record of {split} has a verdict"
            raise CannotUse(what, where=where, remedy="check the fields that it names")
