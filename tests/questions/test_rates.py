from __future__ import annotations

from fractions import Fraction

import pytest

from eval_autopsy import kernel
from eval_autopsy.errors import CannotUse
from eval_autopsy.questions.rates import (
    Rate,
    check_scored,
    difference_interval,
    rate_of_units,
    right_rate,
)

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


def tried(right: int, tasks: int, times: int) -> Rate:
    """The rate of tasks that were tried some times each, always with the same outcome."""
    return rate_of_units((str(task), task < right) for task in range(tasks) for _ in range(times))


def test_the_interval_of_repeats_is_over_the_tasks() -> None:
    rate = tried(60, 100, 5)
    assert (rate, rate.clusters) == (Rate(300, 500), 100)
    assert rate.interval == pytest.approx(kernel.wilson(60, 100), abs=0.001)
    found = rate.to_dict()
    assert (found["k"], found["n"], found["clusters"]) == (300, 500, 100)
    assert float(found["effective"]) == pytest.approx(500 * 99 / 499)


def test_a_rate_of_records_that_share_no_cluster_says_nothing_of_clusters() -> None:
    rate = tried(345, 400, 1)
    assert rate.clusters is None
    assert rate.to_dict() == Rate(345, 400).to_dict()


def test_the_interval_of_a_single_cluster_is_null() -> None:
    found = rate_of_units([("a", True), ("a", False), ("a", True)]).to_dict()
    assert (found["interval"], found["clusters"], found["effective"]) == (None, 1, "0")


def test_the_interval_of_a_difference_is_over_tasks_as_well() -> None:
    once = difference_interval(tried(60, 100, 1), tried(80, 100, 1))
    assert once == kernel.newcombe(60, 100, 80, 100)
    low, high = difference_interval(tried(60, 100, 5), tried(80, 100, 5))
    assert (low, high) == pytest.approx(once, abs=0.002)
    narrow = kernel.newcombe(300, 500, 400, 500)
    assert high - low > 2 * (narrow[1] - narrow[0])


@pytest.mark.parametrize("empty", ["eval", "production"])
def test_a_comparison_with_an_empty_side_is_refused_by_name(empty: str) -> None:
    sides = {"eval": {("a",): (1, 0, 0)}, "production": {("a",): (1, 0, 0)}, empty: {}}
    cube = cube_of(["s"], sides["eval"], sides["production"])
    with pytest.raises(CannotUse, match=f"no record of {empty} has a verdict"):
        check_scored(cube, "case.toml")
