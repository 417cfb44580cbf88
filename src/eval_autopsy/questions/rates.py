"""A rate as two counts, and whether both sides of a comparison have one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import CannotUse


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
    def interval(self) -> tuple[float, float]:
        """The 95% Wilson interval, as fractions of 1; (0, 1) when nothing was counted."""
        return kernel.wilson(self.k, self.n)

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


def right_rate(cube: kernel.Cube, split: str, where: kernel.Where) -> Rate:
    """How many of a slice's scored records are right."""
    return Rate(cube.count(split, "right", where), cube.count(split, "counted", where))


def check_scored(cube: kernel.Cube, where: str) -> None:
    """Raises CannotUse when a split has no record with a verdict; `where` names the case."""
    for split in kernel.SPLITS:
        if not cube.count(split, "counted", {}):
            what = f"no record of {split} has a verdict"
            raise CannotUse(what, where=where, remedy="check the fields that it names")
