"""Which score is a log's verdict, and which is never."""

from __future__ import annotations

from decimal import Decimal

import pytest

from eval_autopsy.readers.grades import Grade, Grades, ordered
from eval_autopsy.readers.logs import Note


def chosen(*grades: Grade) -> str | None:
    seen = Grades()
    for grade in grades:
        seen.see(grade)
    return seen.chosen()


def test_a_score_in_words_goes_before_one_in_numbers() -> None:
    assert chosen(Grade("a", 1), Grade("b", Decimal("0.7"), "pass")) == "b"
    assert chosen(Grade("a", 1), Grade("b", Decimal("0.7"))) == "a"


def test_one_graded_value_makes_a_score_graded() -> None:
    assert chosen(Grade("a", 1), Grade("a", Decimal("0.5"))) is None
    assert chosen(Grade("a", None, "fail"), Grade("a", None, "fair")) is None


@pytest.mark.parametrize("name", ["hallucination", "Toxicity", "bias", "error rate", "PII"])
def test_a_one_for_something_unwanted_is_never_the_verdict(name: str) -> None:
    assert chosen(Grade(name, 1)) is None
    assert chosen(Grade(name, 1, "fail")) == name


def test_a_score_that_a_sample_lacks_gives_it_no_verdict() -> None:
    grades = Grades()
    grades.see(Grade("a", 1))
    assert grades.of([Grade("a", 0)]) is False
    assert grades.of([Grade("b", 0)]) is None
    assert list(grades.notes()) == [Note("the verdict is the score 'a', which is always yes or no")]


def test_scores_of_one_name_are_all_kept() -> None:
    found = ordered([Grade("b", 1), Grade("a", 1), Grade("a", 0, "x"), Grade("a", None, "y")], "a")
    assert list(found.items()) == [("a", 1), ("a#2", 0), ("a#3", "y"), ("b", 1)]
