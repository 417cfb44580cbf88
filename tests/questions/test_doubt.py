"""When a score is said to be in doubt before all else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import eval_autopsy as autopsy
from eval_autopsy.first_screen import look
from eval_autopsy.questions.doubt import beyond
from eval_autopsy.questions.rates import Rate


@pytest.mark.parametrize(
    ("bound", "outside"),
    # The 95% Wilson interval of 90 of 100 is from 82.56% to 94.48%.
    [(Rate(89, 100), False), (Rate(83, 100), False), (Rate(82, 100), True), (Rate(95, 100), True)],
)
def test_a_bound_matters_outside_of_the_interval_of_the_score(bound: Rate, outside: bool) -> None:
    assert beyond(Rate(90, 100), bound) is outside


def test_a_bound_of_nothing_says_nothing() -> None:
    assert not beyond(Rate(90, 100), Rate(0, 0))


CASE = """
name = "bot"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
output = "reply"
expected = "wanted"
score = "passed"
[scorer]
name = "recorded"
"""


def write(path: Path, *, right: int, passed: int, n: int = 60) -> None:
    """Answers the first `right` of which are the expected one; the first `passed` are so scored."""
    rows = (
        {
            "id": f"r{i}",
            "prompt": f"question {i}",
            "reply": "yes" if i < right else "no",
            "wanted": "yes",
            "passed": i < passed,
            "kind": "ab"[i % 2],
        }
        for i in range(n)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def doubts(folder: Path, *, right: int, passed: int) -> list[str]:
    """What the first screen and the slices of a case say of a score of production."""
    write(folder / "eval.jsonl", right=50, passed=50)
    write(folder / "production.jsonl", right=right, passed=passed)
    (folder / "autopsy.toml").write_text(CASE, encoding="utf-8")
    return [look(folder).contradicted, autopsy.open(folder).slices().doubt]


@pytest.mark.parametrize("passed", [0, 60])
def test_a_score_of_none_or_all_is_doubted_where_the_answers_say_otherwise(
    tmp_path: Path, passed: int
) -> None:
    said = (
        f"the score is in doubt: {passed} of 60 in production are right as recorded, and 45 of 60 "
        "recomputed by exact_match; `autopsy audit` lists the answers"
    )
    assert doubts(tmp_path, right=45, passed=passed) == [said, said]


@pytest.mark.parametrize(
    ("right", "passed"),
    [(0, 0), (60, 60), (1, 0), (59, 60), (45, 30)],
    ids=["none", "all", "one more", "one fewer", "some are right by both"],
)
def test_a_score_that_the_answers_bear_out_is_not_doubted(
    tmp_path: Path, right: int, passed: int
) -> None:
    assert doubts(tmp_path, right=right, passed=passed) == ["", ""]


def test_a_judge_that_lets_free_words_pass_is_not_doubted(tmp_path: Path) -> None:
    assert doubts(tmp_path, right=3, passed=60) == ["", ""]


def test_slices_doubt_guessed_fields_where_nothing_is_right(tmp_path: Path) -> None:
    write(tmp_path / "eval.jsonl", right=50, passed=50)
    write(tmp_path / "production.jsonl", right=0, passed=0)
    doubt = autopsy.open(tmp_path).slices().doubt
    assert doubt.startswith("nothing is right (0 of 60 in production): see first whether ")
    named = autopsy.open(
        eval=tmp_path / "eval.jsonl", production=tmp_path / "production.jsonl", correct="passed"
    )
    assert named.slices().doubt == ""
