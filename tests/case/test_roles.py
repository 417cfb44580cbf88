"""A field plays a part when its name says so and what it holds fits."""

from __future__ import annotations

from typing import Any

import pytest

from eval_autopsy.case.columns import Column, columns_of
from eval_autopsy.case.roles import guess_attributes, guess_id, guess_parts, plain
from eval_autopsy.case.sets import split_of
from eval_autopsy.kernel import MISSING


def columns(**values: list[Any]) -> dict[str, Column]:
    return {name: Column(name, tuple(given)) for name, given in values.items()}


def parts(**values: list[Any]) -> dict[str, str]:
    return {guess.part: guess.field for guess in guess_parts([columns(**values)], [])}


@pytest.mark.parametrize(
    ("name", "found"),
    [("Ground-Truth", "ground_truth"), ("latencyMs", "latency_ms"), ("meta.Lang", "lang")],
)
def test_case_and_separators_of_a_name_count_for_nothing(name: str, found: str) -> None:
    assert plain(name) == found


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("invoices_eval_v2", "eval"),
        ("PROD-2024", "production"),
        ("live", "production"),
        ("prod_test", None),
        ("evaluator", None),
        ("march", None),
    ],
)
def test_a_word_of_a_name_says_the_split(text: str, split: str | None) -> None:
    assert split_of(text) == split


def test_an_id_differs_in_every_record_of_each_split() -> None:
    first, second = columns(id=[1, 2], uid=[1, 2]), columns(id=[1, 1], uid=[1, 3])
    guess = guess_id([first, second])
    assert guess.field == "uid"
    assert guess.why == "2 of 2 and 2 of 2 values differ, and the name says it"


@pytest.mark.parametrize("values", [[1, 1], [1, None], [1, MISSING], ["", "a"], [True, False]])
def test_what_repeats_or_lacks_is_no_id(values: list[Any]) -> None:
    assert guess_id([columns(id=values)]).field == ""


def test_the_only_field_that_differs_is_the_id_whatever_its_name() -> None:
    assert guess_id([columns(zork=["a", "b"], lang=["x", "x"])]).field == "zork"


def test_a_time_is_no_id_in_the_place_of_an_id_of_which_one_stands_twice() -> None:
    ids = [f"r{n}" for n in range(19)]
    times = [f"2026-03-01T10:00:{n:02d}" for n in range(20)]
    found = guess_id([columns(id=[*ids, "r7"], created_at=times)])
    assert (found.field, found.again) == ("id", True)
    assert found.why == "values of the field 'id' stand in several records: \"r7\""


@pytest.mark.parametrize("name", ["question_id", "taskId", "id"])
def test_an_id_of_several_attempts_is_the_id(name: str) -> None:
    ids = [f"q{n // 3}" for n in range(30)]
    answers = [f"answer {n}" for n in range(30)]
    found = guess_id([columns(**{name: ids, "output": answers})])
    assert (found.field, found.again) == (name, True)


@pytest.mark.parametrize("name", ["user_id", "session_id", "model", "paid", "model_id"])
def test_a_field_of_another_part_is_no_id_of_attempts(name: str) -> None:
    values = [f"q{n // 3}" for n in range(30)]
    assert guess_id([columns(**{name: values, "lang": ["en"] * 30})]).field != name


def test_a_name_that_stands_in_many_records_leaves_another_field_the_id() -> None:
    times = [f"2026-03-01T10:00:{n:02d}" for n in range(20)]
    assert guess_id([columns(name=["a", "b"] * 10, created_at=times)]).field == "created_at"


def test_an_id_that_some_records_lack_is_named_with_how_many() -> None:
    guess = guess_id(
        [columns(id=["a", None, "c", "", "e"], text=list("vwxyz"), more=list("12345"))]
    )
    assert guess.field == ""
    assert guess.why.startswith("'id' would identify a record, and is missing in 2 of 5 records")


def test_two_unnamed_fields_that_differ_are_not_chosen_between() -> None:
    guess = guess_id([columns(zork=["a", "b"], quux=["x", "y"])])
    assert (guess.field, guess.why) == ("", "all values differ in several fields: zork, quux")


@pytest.mark.parametrize(
    ("values", "fits"),
    [(["0.5", "1"], True), ([0, 1], True), ([2, 1], False), (["high", "low"], False)],
)
def test_confidence_is_from_0_to_1(values: list[Any], fits: bool) -> None:
    assert ("confidence" in parts(confidence=values)) is fits


@pytest.mark.parametrize(
    ("values", "fits"),
    [([True, False], True), (["TRUE", "false"], True), ([1, 0], True), ([3, 5], False)],
)
def test_a_score_is_a_verdict(values: list[Any], fits: bool) -> None:
    assert ("score" in parts(score=values)) is fits


@pytest.mark.parametrize(
    ("values", "fits"), [(["boom", None], True), ([True, False], False), (["true", ""], False)]
)
def test_an_error_is_a_message(values: list[Any], fits: bool) -> None:
    assert ("error" in parts(error=values)) is fits


def test_a_field_plays_one_part_only() -> None:
    assert parts(answer=["a", "b"]) == {"expected": "answer"}


def test_the_inside_of_an_object_that_plays_a_part_plays_none() -> None:
    found = columns_of([{"truth": {"date": "2024-01-02", "total": 5}}] * 3)
    assert [guess.field for guess in guess_parts([found], [])] == ["truth"]
    assert guess_attributes([found], ["truth"]) == []


def test_what_one_split_lacks_cannot_be_compared() -> None:
    both = [columns(output=["a"], label=["b"]), columns(label=["b"])]
    assert [guess.part for guess in guess_parts(both, [])] == ["expected"]


@pytest.mark.parametrize(
    ("values", "sliced"),
    [
        (["a", "b"] * 9, True),
        ([True, False] * 9, True),
        ([1, 2, 3] * 6, True),
        (["a"] * 18, False),
        ([str(n) for n in range(18)], False),
        ([["a"], ["b"]] * 9, False),
        (["x" * 99, "b"] * 9, False),
        (["0.5", "0.25"] * 9, False),
    ],
    ids=["words", "bools", "digits", "one", "all differ", "lists", "long", "measures"],
)
def test_slices_have_few_short_values(values: list[Any], sliced: bool) -> None:
    found = guess_attributes([columns(kind=values)], [])
    assert [guess.field for guess in found] == (["kind"] if sliced else [])


def asked(lang: str, n: int) -> dict[str, Any]:
    return {"input": {"text": f"text {n}", "lang": lang, "form": n % 3}}


def test_the_fields_of_an_input_come_after_the_others() -> None:
    rows = [{**asked(["de", "en"][n % 2], n), "plan": n % 4} for n in range(18)]
    found = guess_attributes([columns_of(rows)], [], "input")
    assert [guess.field for guess in found] == ["plan", "input.lang", "input.form"]


def test_a_field_of_an_input_that_another_one_repeats_is_not_proposed() -> None:
    langs = ["de", "en"] * 9
    rows = [{"language": lang, **asked(lang, n)} for n, lang in enumerate(langs)]
    found = guess_attributes([columns_of(rows)], [], "input")
    assert [guess.field for guess in found] == ["language", "input.form"]


def test_a_field_that_one_split_lacks_is_not_sliced_by() -> None:
    sets = [columns(kind=["a", "b"] * 9), columns(kind=[None] * 18)]
    assert guess_attributes(sets, []) == []


@pytest.mark.parametrize(
    ("row", "output", "expected"),
    [
        (
            {"response": {"label": "a", "confidence": 0.9}, "gold": {"label": "a"}},
            "response.label",
            "gold.label",
        ),
        (
            {"response": {"answer": "a", "confidence": 0.9}, "ground_truth": "a"},
            "response.answer",
            "ground_truth",
        ),
        ({"response": {"label": "a"}}, "response", None),
    ],
)
def test_an_answer_and_its_truth_are_never_one_inside_the_other(
    row: dict[str, Any], output: str, expected: str | None
) -> None:
    found = {one.part: one.field for one in guess_parts([columns_of([row] * 3)], [])}
    assert (found.get("output"), found.get("expected")) == (output, expected)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("verdict", ["pass", "fail", "", "pass"]),
        ("status", ["Passed", "FAILED", "passed", "passed"]),
        ("result", ["correct", "wrong", "correct", "wrong"]),
        ("label", ["correct", "incorrect", None, "correct"]),
        ("is_correct", ["yes", "no", "no", "yes"]),
        ("gate", ["pass", "fail", "pass", "pass"]),
    ],
)
def test_a_verdict_in_words_is_the_score_where_there_is_no_other(
    name: str, values: list[Any]
) -> None:
    found = parts(**{name: values, "question": ["a", "b", "c", "d"]})
    assert found == {"score": name, "input": "question"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("urgent", ["yes", "no", "no", "yes"]),  # may be what was asked
        ("label", ["yes", "no", "no", "yes"]),
        ("verdict", ["pass", "fail", "maybe", "pass"]),
        ("verdict", ["pass", "no", "pass", "pass"]),
    ],
)
def test_words_that_may_be_no_verdict_are_no_score(name: str, values: list[Any]) -> None:
    assert "score" not in parts(**{name: values})


def test_words_beside_an_answer_and_its_truth_are_no_score() -> None:
    found = parts(output=["pass", "fail"], label=["pass", "pass"], verdict=["pass", "fail"])
    assert found == {"output": "output", "expected": "label"}


def test_two_unnamed_verdicts_in_words_are_not_chosen_between() -> None:
    assert parts(gate=["pass", "fail"], door=["fail", "pass"]) == {}


def test_the_reason_says_which_word_is_right() -> None:
    (found,) = guess_parts([columns(verdict=["failed", "passed", None])], [])
    assert found.why == (
        "the name says it, and every value is a verdict in words, of which 'passed' is right and "
        "'failed' wrong (1 records have none and are not scored)"
    )
