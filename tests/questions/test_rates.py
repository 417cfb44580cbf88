from __future__ import annotations

from fractions import Fraction

import pytest

from eval_autopsy.errors import CannotUse
from eval_autopsy.questions.rates import Rate, check_scored, right_rate

from .cubes import cube_of, invoices


def test_a_rate_is_written_as_the_command_line_promises() -> None:
    # The interval is that of R's binom package.
    assert Rate(345, 400).to_dict() == {
        "k": 345,
        "n": 400,
        "rate": "0.8625",
        "interval": ["0.825288073342", "0.892815513265"],
        "level": "0.95",
        "method": "wilson",
    }


def test_a_rate_of_nothing_is_unknown_and_not_zero() -> None:
    assert Rate(0, 0).share is None
    assert Rate(0, 0).to_dict()["rate"] is None
    assert Rate(0, 5).share == 0


def test_a_rate_counts_right_among_scored_of_a_slice() -> None:
    assert right_rate(invoices(), "production", {}) == Rate(345, 400)
    assert right_rate(invoices(), "production", {"shift_type": ["reorder", "verbose"]}) == (0, 44)
    assert right_rate(invoices(), "production", {}).share == Fraction(69, 80)


@pytest.mark.parametrize("empty", ["eval", "production"])
def test_a_comparison_with_an_empty_side_is_refused_by_name(empty: str) -> None:
    sides = {"eval": {("a",): (1, 0, 0)}, "production": {("a",): (1, 0, 0)}, empty: {}}
    cube = cube_of(["s"], sides["eval"], sides["production"])
    with pytest.raises(CannotUse, match=f"no record of {empty} has a verdict"):
        check_scored(cube, "case.toml")
