"""The gap between production and eval, and the four parts that it is the exact sum of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.questions.rates import difference_interval, right_rate

ORDERS = ("production", "eval")  # which of rate and mix is taken to move first


class Gap(NamedTuple):
    """Production's rate of right answers less eval's; below 0 it fell."""

    value: Fraction
    interval: kernel.Ends  # 95%, Newcombe's

    def to_dict(self) -> dict[str, Any]:
        """The `gap` of JSON outputs, as fractions of 1."""
        ends = [kernel.real(end) for end in self.interval]
        return {"value": kernel.real(float(self.value)), "interval": ends}


def gap_of(cube: kernel.Cube) -> Gap:
    """The gap of a cube that has scored records in both splits."""
    before, after = (right_rate(cube, split, {}) for split in kernel.SPLITS)
    return Gap(kernel.contribution(cube, {}), difference_interval(after, before))


class SliceParts(NamedTuple):
    """What a slice of production adds to each part, in the mean of both orders.

    The parts of a slice sum to its contribution, those of all slices to the parts of the gap.
    """

    where: Mapping[str, Any]  # attribute -> level
    parts: Mapping[str, Fraction]
    intervals: Mapping[str, kernel.Ends]  # of uncovered, or of rate and mix where it is shared

    def to_dict(self, overlap: bool) -> dict[str, Any]:
        """One of the `slices` of a `waterfall`."""
        parts = {"where": dict(self.where), **_reals(self.parts, overlap)}
        return {**parts, "intervals": _ends(self.intervals)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """The parts of the gap by some attributes: in the mean of both orders, and in each.

    The parts sum to the gap. Where eval and production share no slice there is no `overlap`: the
    gap cannot be split into rate and mix, which count as nothing in the sum.
    """

    by: tuple[str, ...]
    parts: Mapping[str, Fraction]
    orders: Mapping[str, Mapping[str, Fraction]]
    intervals: Mapping[str, kernel.Ends]  # 95%, of the parts that there are
    slices: tuple[SliceParts, ...]
    overlap: bool

    def to_dict(self) -> dict[str, Any]:
        """The `waterfall` of JSON outputs, as fractions of 1; what is not defined is null."""
        return {
            "by": list(self.by),
            **_reals(self.parts, self.overlap),
            "orders": {name: _reals(parts, self.overlap) for name, parts in self.orders.items()},
            "intervals": dict.fromkeys(self.parts) | _ends(self.intervals),
            "overlap": self.overlap,
            "slices": [one.to_dict(self.overlap) for one in self.slices],
        }


def waterfall_of(cube: kernel.Cube, by: Sequence[str]) -> Waterfall:
    """The gap as the exact sum of what is uncovered, of rate, of mix, and of eval only."""
    sides = kernel.sides_of(cube, by)
    rows = {order: kernel.slice_parts(sides, order) for order in ("symmetric", *ORDERS)}
    parts = {order: _summed(found) for order, found in rows.items()}
    there = kernel.GAP_PARTS if sides.shared else ("uncovered", "eval_only")
    return Waterfall(
        by=tuple(by),
        parts=parts.pop("symmetric"),
        orders=parts,
        intervals={part: kernel.gap_part_interval(cube, part, "symmetric", by) for part in there},
        slices=tuple(
            _slice_parts(cube, sides, by, levels, row) for levels, row in rows["symmetric"].items()
        ),
        overlap=bool(sides.shared),
    )


def _summed(rows: Mapping[kernel.Levels, Mapping[str, Fraction]]) -> dict[str, Fraction]:
    return {
        part: sum((row[part] for row in rows.values()), Fraction(0)) for part in kernel.GAP_PARTS
    }


def _slice_parts(
    cube: kernel.Cube,
    sides: kernel.Sides,
    by: Sequence[str],
    levels: kernel.Levels,
    row: Mapping[str, Fraction],
) -> SliceParts:
    where = kernel.as_where(by, levels)
    if levels in sides.n["eval"]:
        intervals = {
            part: kernel.split_interval(sides, part, "symmetric", [levels])
            for part in ("rate", "mix")
        }
    else:
        intervals = {"uncovered": kernel.contribution_interval(cube, where)}
    return SliceParts({name: some[0] for name, some in where.items()}, row, intervals)


def _reals(parts: Mapping[str, Fraction], overlap: bool) -> dict[str, str | None]:
    """Parts as decimals; None for what cannot be split."""
    return {
        name: None if name in ("rate", "mix") and not overlap else kernel.real(float(part))
        for name, part in parts.items()
    }


def _ends(intervals: Mapping[str, kernel.Ends]) -> dict[str, list[str]]:
    return {part: [kernel.real(end) for end in ends] for part, ends in intervals.items()}
