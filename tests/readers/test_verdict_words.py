"""Words that say right or wrong are read as true and false, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from eval_autopsy.readers.verdict_words import pair_of, with_verdict


@pytest.mark.parametrize(
    ("values", "pair"),
    [
        (["pass", "FAIL "], ("pass", "fail")),
        (["wrong", "correct"], ("correct", "wrong")),
        (["no"], ("yes", "no")),
        (["pass", "failed"], None),
        (["pass", 1], None),
        ([], None),
    ],
)
def test_values_are_of_one_pair_or_of_none(values: list[Any], pair: tuple[str, str] | None) -> None:
    assert pair_of(values) == pair


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"score": "Passed"}, {"score": True}),
        ({"score": " incorrect "}, {"score": False}),
        ({"score": None}, {"score": None}),
        ({"score": ""}, {"score": ""}),
        ({"score": "maybe"}, {"score": "maybe"}),
        ({"score": 1}, {"score": 1}),
        ({"other": "pass"}, {"other": "pass"}),
    ],
)
def test_a_word_becomes_a_verdict_and_the_rest_stays(
    fields: dict[str, Any], read: dict[str, Any]
) -> None:
    assert with_verdict(fields, "score") == read


def test_a_word_inside_an_object_is_read_in_its_place() -> None:
    fields = {"meta": {"grade": "yes", "by": "judge"}}
    assert with_verdict(fields, "meta.grade") == {"meta": {"grade": True, "by": "judge"}}
    assert fields == {"meta": {"grade": "yes", "by": "judge"}}
