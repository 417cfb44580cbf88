"""What was asked and answered, in the forms that chat messages come in."""

from __future__ import annotations

from typing import Any

import pytest

from eval_autopsy.readers.messages import answered, are_messages, asked, last_answer, words


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
    image = {"type": "image_url", "image_url": "x"}
    picture = [{"role": "user", "content": [image]}]
    seeing = [{"role": "user", "content": [{"type": "text", "text": "2+2?"}, image]}]
    form = {"type": "refund", "content": "12 euros"}
    for value in (turns, picture, seeing, form, "text", None, [], {}, [1], 7):
        assert asked(value) == value


def test_the_answer_is_the_text_of_the_last_message_unless_it_calls_a_tool() -> None:
    said = [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]
    call = [{"role": "assistant", "content": "", "tool_calls": [{"id": 1}]}]
    assert answered(said) == "b"
    assert answered(call) == call
    assert answered({"choices": [{"message": {"role": "assistant", "content": "c"}}]}) == "c"
    assert answered({"role": "assistant", "content": "d"}) == "d"


def test_the_last_answer_is_the_last_text_of_the_assistant() -> None:
    calls = {"role": "assistant", "content": None, "tool_calls": [{"id": 1}]}
    result = {"role": "tool", "content": "ok"}
    said = [{"role": "assistant", "content": [{"type": "text", "text": "a"}]}, calls, result]
    assert last_answer(said) == "a"
    assert last_answer([calls, result]) == ""


def test_the_words_of_a_content_are_its_texts_whatever_stands_beside_them() -> None:
    thought, image = {"type": "reasoning", "reasoning": "x"}, {"type": "image", "image": "x"}
    parts = [thought, {"type": "text", "text": "a"}, image, {"type": "output_text", "text": "b"}]
    assert words(parts) == "a\nb"
    others: list[Any] = ["a", None, [], 7]
    assert [words(content) for content in others] == ["a", "", "", ""]


def test_messages_are_known_by_their_roles_even_those_of_one_tool() -> None:
    assert are_messages([{"role": "exit", "extra": 1}])
    assert not any(map(are_messages, ([], [{}], [{"role": 1}], {"role": "user"}, "user")))
