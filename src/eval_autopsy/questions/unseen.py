"""What lies in slices that nobody has a record of, estimated from those with a single one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from eval_autopsy import kernel


class Unseen(NamedTuple):
    """The share of production in slices that neither eval nor production has a record of."""

    share: Fraction  # Good and Turing's estimate
    interval: kernel.Ends  # 95%, Esty's

    def to_dict(self) -> dict[str, Any]:
        """The `unseen_anywhere` of JSON outputs, as fractions of 1."""
        ends = [kernel.real(end) for end in self.interval]
        return {"value": kernel.real(float(self.share)), "interval": ends}


def unseen_anywhere(cube: kernel.Cube, by: Sequence[str]) -> Unseen:
    """The estimate by some attributes; raises Undefined when production has no scored record."""
    share = kernel.ratio(*kernel.unseen_anywhere(cube, by))
    return Unseen(share, kernel.unseen_anywhere_interval(cube, by))
