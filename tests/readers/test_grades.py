"""Which score is a log's verdict, and how scores and spans are gathered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.readers import spool as spools
from eval_autopsy.readers.grades import Grade, Grades, ordered
from eval_autopsy.readers.logs import Note
from eval_autopsy.readers.said import answered, asked
from eval_autopsy.readers.spans import nanoseconds_of
from eval_autopsy.readers.spool import Spool


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


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=8,
)


@given(st.lists(st.tuples(st.sampled_from("abc"), VALUES)))
def test_what_is_gathered_comes_back_as_it_was(pairs: list[tuple[str, Any]]) -> None:
    spool = Spool()
    wanted: dict[str, list[Any]] = {}
    for key, value in pairs:
        spool.add(key, value)
        wanted.setdefault(key, []).append(value)
    found = dict(spool)
    assert (found, list(found)) == (wanted, list(wanted))
    assert repr(found) == repr(wanted)  # 1.0 is not 1, and true is not 1


def test_what_does_not_fit_in_memory_comes_back_from_the_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spools, "IN_MEMORY", 100)
    spool = Spool()
    for number in range(100):
        spool.add(f"{number % 7}", ["é" * 50, number])
    assert {key: [one[1] for one in values] for key, values in spool} == {
        f"{first}": list(range(first, 100, 7)) for first in range(7)
    }


def test_a_full_disk_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: bytes) -> int:
        raise OSError(28, "No space left on device")

    spool = Spool()
    monkeypatch.setattr(spool._file, "write", full)
    with pytest.raises(kernel.Unreadable, match="cannot be written: No space left") as caught:
        spool.add("a", 1)
    assert "TMPDIR" in caught.value.remedy


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "Be short."}, {"role": "user", "content": "2+2?"}],
        [{"role": "user", "parts": [{"type": "text", "content": "2+2?"}]}],
        [{"message.role": "user", "message.content": "2+2?"}],
        [{"message": {"role": "user", "content": [{"type": "text", "text": "2+2?"}]}}],
        {"messages": [{"type": "human", "content": "2+2?"}], "temperature": 0},
    ],
)
def test_the_question_of_one_user_message_is_its_text(messages: Any) -> None:
    assert asked(messages) == "2+2?"


def test_an_input_of_several_turns_or_of_another_form_stays_whole() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]
    form = {"type": "refund", "content": "12 euros"}
    for value in (turns, picture, form, "text", None, [], {}, [1], 7):
        assert asked(value) == value


def test_the_answer_is_the_text_of_the_last_message_unless_it_calls_a_tool() -> None:
    said = [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]
    call = [{"role": "assistant", "content": "", "tool_calls": [{"id": 1}]}]
    assert answered(said) == "b"
    assert answered(call) == call
    assert answered({"choices": [{"message": {"role": "assistant", "content": "c"}}]}) == "c"
    assert answered({"role": "assistant", "content": "d"}) == "d"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2026-05-04T08:00:00Z", 1777881600),
        ("2026-05-04 10:00:00+02:00", 1777881600),
        ("2026-05-04 08:00:00", 1777881600),
        (1777881600, 1777881600),
        (Decimal("1777881600.5"), 1777881600.5),
        (1777881600000, 1777881600),
        ("1777881600000000000", 1777881600),
        ("yesterday", None),
        ("-1", None),
        (10**30, None),
        (None, None),
        (True, None),
    ],
)
def test_a_time_is_told_by_its_form_and_size(value: Any, seconds: float | None) -> None:
    assert nanoseconds_of(value) == (None if seconds is None else seconds * 10**9)
