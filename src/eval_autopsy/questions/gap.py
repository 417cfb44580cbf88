"""The gap between production and eval, and the four parts that it is the exact sum of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.questions.rates import right_rate

ORDERS = ("production", "eval")  # which of rate and mix is taken to move first


class Gap(NamedTuple):
    """Production's rate of right answers less eval's; below 0 it fell."""

    value: Fraction
    interval: tuple[float, float]  # 95%, Newcombe's

    def to_dict(self) -> dict[str, Any]:
        """The `gap` of JSON outputs, as fractions of 1."""
        ends = [kernel.real(end) for end in self.interval]
        return {"value": kernel.real(float(self.value)), "interval": ends}


def gap_of(cube: kernel.Cube) -> Gap:
    """The gap of a cube that has scored records in both splits."""
    before, after = (right_rate(cube, split, {}) for split in kernel.SPLITS)
    return Gap(kernel.contribution(cube, {}), kernel.newcombe(*after, *before))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """The parts of the gap by some attributes: in the mean of both orders, and in each."""

    by: tuple[str, ...]
    parts: Mapping[str, Fraction]
    orders: Mapping[str, Mapping[str, Fraction]]

    def to_dict(self) -> dict[str, Any]:
        """The `waterfall` of JSON outputs: the parts, as fractions of 1."""
        orders = {order: _reals(parts) for order, parts in self.orders.items()}
        return {"by": list(self.by), **_reals(self.parts), "orders": orders}


def waterfall_of(cube: kernel.Cube, by: Sequence[str]) -> Waterfall:
    """The gap as the exact sum of what is uncovered, of rate, of mix, and of eval only."""
    return Waterfall(
        by=tuple(by),
        parts=kernel.gap_parts(cube, by, "symmetric"),
        orders={order: kernel.gap_parts(cube, by, order) for order in ORDERS},
    )


def _reals(parts: Mapping[str, Fraction]) -> dict[str, str]:
    return {name: kernel.real(float(part)) for name, part in parts.items()}
