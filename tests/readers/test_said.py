"""What was asked and answered, in the forms that chat messages come in."""

from __future__ import annotations

from typing import Any

import pytest

from eval_autopsy.readers.said import answered, asked


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
