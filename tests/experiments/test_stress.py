"""The synthetic gap of systems whose fault is known."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from eval_autopsy import api
from eval_autopsy.errors import BadCase, CannotUse
from eval_autopsy.experiments.stress import Stress, stressed, weights_of

from .planted import Function, asking, by_position, changes, group

NAMES = ("swap_first_fields", "indent_lines", "add_closing")


def stress(*weights: str, n: int = 60, names: tuple[str, ...] = NAMES) -> Stress:
    ready = changes(*names).ready
    how = asking(Function(by_position))
    return stressed(group(by_position, n), ready, weights_of(weights, ready), how)


def test_the_synthetic_gap_is_what_the_changes_that_break_take() -> None:
    found = stress()
    by_change = {one.tried.changes: one.tried.pairs for one in found.effects}
    assert sum(pairs.n for pairs in by_change.values()) == 60
    swapped = by_change[("swap_first_fields",)]
    assert swapped.broken == swapped.n > 0
    assert (found.before, found.after) == ((60, 60), (60 - swapped.n, 60))
    assert found.gap.difference == Fraction(-swapped.n, 60)


def test_a_weight_makes_a_change_rarer_and_none_leaves_it_out() -> None:
    assert stress("swap_first_fields=0").after == (60, 60)
    often = stress("swap_first_fields=50").after.k
    rarely = stress("swap_first_fields=0.02").after.k
    assert often < 10
    assert rarely > 50


def test_records_that_stay_as_they_are_count_as_they_are() -> None:
    found = stress("unchanged=3")  # as much as the changes together
    assert 15 < found.not_changed < 45
    assert sum(one.tried.pairs.n for one in found.effects) == 60 - found.not_changed
    assert (found.before.n, found.after.n) == (60, 60)


def test_everything_that_is_shown_is_labelled_synthetic() -> None:
    shown = stress().to_dict()
    assert shown["synthetic"] is True
    assert shown["effects"]
    assert all(one["synthetic"] is True for one in shown["effects"])
    assert "synthetic" in shown["about"]


@pytest.mark.parametrize(
    "text", ["typo", "typo=x", "indent_lines=-1", "indent_lines=nan", "no=1", ""]
)
def test_a_weight_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadCase, match="expected NAME=NUMBER"):
        stress(text)


def test_weights_that_are_all_nothing_are_refused() -> None:
    with pytest.raises(BadCase, match="every weight is 0"):
        stress(*(f"{name}=0" for name in NAMES))


def test_changes_that_apply_to_nothing_are_an_error() -> None:
    with pytest.raises(CannotUse, match="no change that is drawn applies"):
        stress(names=("small_talk",))


CASE = """\
name = "attempts"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
input = "input"
cluster = "task"
[system]
python = "system.py:answer"
[scorer]
name = "exact_match"
"""


def test_of_several_attempts_at_one_input_one_is_stressed(tmp_path: Path) -> None:
    rows = [
        {"id": f"{task}-{attempt}", "task": task, "input": f"say {task}", "expected": f"say {task}"}
        for task in ("one", "two", "three")
        for attempt in range(4)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    for name in ("eval", "production"):
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "system.py").write_text("def answer(text):\n    return text\n", encoding="utf-8")
    (tmp_path / "autopsy.toml").write_text(CASE, encoding="utf-8")
    found = api.open(tmp_path).stress(["add_closing"])
    assert (found.before, found.after) == ((3, 3), (0, 3))
    assert (found.alike, found.left_out) == (9, 0)
