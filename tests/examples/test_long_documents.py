"""The reader that sees the beginning of a letter: its fault is found, shown and measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eval_autopsy.experiments.study import Varied

from .conftest import Example, flips, found_in, verdicts

SEEN = 500  # characters


@pytest.fixture(scope="module")
def letters(copied: Callable[[str], Example]) -> Example:
    return copied("long-documents")


@pytest.fixture(scope="module")
def varied(letters: Example) -> Varied:
    return letters.case.ablate()


@pytest.fixture(scope="module")
def planted(letters: Example) -> set[str]:
    """The letters that say after 500 characters which order it is, or what is wanted."""
    asked = letters.module("generate").ASKED

    def unseen(row: dict[str, Any]) -> bool:
        truth, seen = row["truth"], row["letter"][:SEEN]
        says_what = any(words in seen for words in asked[truth["request"]])
        return truth["order"] not in seen or not (says_what or truth["request"] == "information")

    return {row["id"] for row in letters.rows("production") if unseen(row)}


def test_the_reader_is_wrong_where_it_does_not_see_what_matters_and_nowhere_else(
    letters: Example, planted: set[str]
) -> None:
    read = letters.module("reader").read
    wrong = {row["id"] for row in letters.rows("production") if read(row["letter"]) != row["truth"]}
    assert wrong == planted
    assert len(planted) == 55
    assert all(read(row["letter"]) == row["truth"] for row in letters.rows("eval"))


def test_the_one_slice_that_is_found_is_that_of_long_letters(
    letters: Example, planted: set[str]
) -> None:
    (one,) = letters.case.slices(members=True).found
    assert one.words == "the input is 512 to 1,023 characters long"
    assert found_in(one, planted) == (55, 55, 60)  # recall 1, precision 55 of 60


def test_text_in_front_breaks_every_right_answer_and_text_after_it_none(varied: Varied) -> None:
    broken = flips(varied, "eval")
    assert broken["lengthen_before",] == (100, 100, 0)
    assert not {("lengthen",), ("add_preamble",), ("add_closing",), ("blank_lines",)} & {*broken}


def test_that_it_sees_the_beginning_is_measured_and_that_length_confuses_it_refuted(
    varied: Varied,
) -> None:
    assert verdicts(varied) == {
        "The reader sees the beginning of a letter and nothing else.": "measured",
        "Long letters confuse the reader.": "refuted",
    }


def test_as_much_is_left_in_front_as_pushes_the_request_out_of_sight(letters: Example) -> None:
    found = letters.case.shrink("e-001", changes=("lengthen_before",))
    assert found.passing is not None
    letter, twin = found.failing.trial.input, found.passing.trial.input
    assert twin == letters.rows("eval")[0]["letter"]
    assert letter.endswith(twin)
    end = letter.index("Could it be mended?") + len("Could it be mended")
    longest = max(len(one) for one in letter.removesuffix(twin).split(". ")) + 2
    assert SEEN < end <= SEEN + longest
    assert found.failing.told.failure.wrong == {"request": "other"}


def test_a_failing_letter_is_501_characters_when_it_keeps_its_request(letters: Example) -> None:
    found = letters.case.shrink("p-003", keep=("be fixed",), calls=700)
    text = found.failing.trial.input
    # "fixed" is what the reader looks for, and its last letter is the first that it does not see
    assert len(text) == SEEN + 1
    assert text.endswith("be fixed")
    assert "30842" in text[:SEEN]


def test_most_wrong_answers_are_silent_and_no_rule_of_the_output_tells_them(
    letters: Example,
) -> None:
    found = letters.case.guards(mine=True)
    assert (found.ledger.wrong, found.ledger.silent) == (55, 43)
    assert found.mined is not None
    assert found.mined.rules == []
