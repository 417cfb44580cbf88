"""A graded score is right from the threshold on, and stands beside the verdict as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from eval_autopsy.readers.thresholds import Threshold


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (Decimal("0.5"), True),
        (Decimal("0.4999"), False),
        (1, True),
        (0, False),
        ("0.75", True),
        (" .25 ", False),
        ("-1e3", False),
    ],
)
def test_a_score_at_the_threshold_is_right_and_one_below_is_wrong(
    score: Any, verdict: bool
) -> None:
    assert Threshold("score", Decimal("0.5")).verdict(score) is verdict


@pytest.mark.parametrize("score", [None, "", "n/a", True, [1]])
def test_what_is_no_number_is_left_as_it_is(score: Any) -> None:
    assert Threshold("score", Decimal("0.5")).verdict(score) is score


@pytest.mark.parametrize(
    ("least", "field"),
    [("0.50", "s >= 0.5"), ("4", "s >= 4"), ("1E+2", "s >= 100"), ("100", "s >= 100")],
)
def test_the_verdict_is_named_after_the_score_and_the_threshold(least: str, field: str) -> None:
    assert Threshold("s", Decimal(least)).field == field


def test_the_score_stays_beside_its_verdict_also_inside_an_object() -> None:
    row = {"id": 1, "scores": {"help": Decimal("0.7")}}
    found = Threshold("scores.help", Decimal("0.7")).added(row)
    assert found == {**row, "scores.help >= 0.7": True}


def test_a_row_without_the_score_gets_no_verdict() -> None:
    assert Threshold("score", Decimal(1)).added({"id": 1}) == {"id": 1}
