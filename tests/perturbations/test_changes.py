"""Each perturbation changes what it says, and holds what it says."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import registry
from eval_autopsy.perturbations.apply import Changed, applied, learned

values = st.text(
    st.characters(codec="utf-8", categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=9
)
labels = st.lists(
    st.sampled_from(["Vendor", "Client", "Date", "Total", "Order number", "Note"]),
    min_size=2,
    max_size=6,
    unique=True,
)
seeds = st.integers(0, 10**6)
INVOICE = "Vendor: Okafor Ltd\nClient: Söhne AB\nDate: 2024-05-26\nTotal: £10,753.25"
ANSWER = {"vendor": "Okafor Ltd", "client": "Söhne AB", "date": "2024-05-26", "total": "£10,753.25"}


@st.composite
def forms(draw: st.DrawFn) -> str:
    """A text of labelled fields, one to a line."""
    names = draw(labels)
    return "\n".join(f"{name}: {draw(values)}" for name in names)


def change(name: str, text: Any, seed: int = 0, learn: str = "") -> Any:
    """What a perturbation makes of a text or of messages; None where it does not apply."""
    one = learned(registry.perturbations.entry(name), [learn])
    return None if one is None else one.change(text, Random(seed))


def pairs(text: str) -> list[tuple[str, str]]:
    """Label and value of each line of a form, read in another way than the perturbations do."""
    delimiter = re.compile(r"\s*(?:=>|->|:|=|\||\t|-)\s*")
    parts = [delimiter.split(line.strip(), maxsplit=1) for line in text.split("\n")]
    return [(label, value) for label, value in parts]


ORDERS = ["swap_first_fields", "swap_last_fields", "swap_neighbours", "permute_fields"]


@pytest.mark.parametrize("name", ORDERS)
@given(form=forms(), seed=seeds)
def test_another_order_has_the_same_lines(name: str, form: str, seed: int) -> None:
    after = change(name, form, seed).split("\n")
    assert Counter(after) == Counter(form.split("\n"))
    assert after != form.split("\n")


@pytest.mark.parametrize("name", ORDERS[:3])
@given(form=forms(), seed=seeds)
def test_a_swap_moves_two_lines_that_follow_each_other(name: str, form: str, seed: int) -> None:
    before, after = form.split("\n"), change(name, form, seed).split("\n")
    moved = [at for at, line in enumerate(before) if after[at] != line]
    assert len(moved) == 2
    assert moved[1] == moved[0] + 1
    wanted = {"swap_first_fields": 0, "swap_last_fields": len(before) - 2}
    assert moved[0] == wanted.get(name, moved[0])


def test_lines_without_a_label_keep_their_place_when_fields_are_permuted() -> None:
    text = "Hello,\nVendor: a\n\nClient: b\nBye"
    assert change("permute_fields", text) == "Hello,\nClient: b\n\nVendor: a\nBye"


def test_the_usual_order_is_the_commonest_one() -> None:
    assert change("usual_order", "B: 1\nA: 2", learn="A: x\nB: y") == "A: 2\nB: 1"
    assert change("usual_order", "C: 1\nA: 2", learn="A: x\nB: y") is None
    assert change("usual_order", "B: 1\nA: 2", learn="no fields") is None


@given(form=forms(), seed=seeds)
def test_another_delimiter_leaves_labels_and_values(form: str, seed: int) -> None:
    after = change("change_delimiter", form, seed)
    assert pairs(after) == pairs(form)
    assert ": " not in after


@pytest.mark.parametrize("name", ["paraphrase_labels", "translate_labels", "label_case"])
@given(form=forms(), seed=seeds)
def test_other_labels_leave_the_values_in_their_order(name: str, form: str, seed: int) -> None:
    after = change(name, form, seed)
    if after is not None:
        assert [value for _, value in pairs(after)] == [value for _, value in pairs(form)]
        assert [label for label, _ in pairs(after)] != [label for label, _ in pairs(form)]


def test_labels_that_change_places_change_the_answer_with_them() -> None:
    one = learned(registry.perturbations.entry("swap_labels"), [])
    assert one is not None
    found = applied(one, INVOICE, ANSWER, "0")
    assert isinstance(found, Changed)
    assert found.input.startswith("Client: Okafor Ltd\nVendor: Söhne AB\nDate: ")
    assert found.answers == [ANSWER | {"vendor": "Söhne AB", "client": "Okafor Ltd"}]


@given(text=st.text(), seed=seeds)
def test_what_is_added_before_or_after_is_one_line(text: str, seed: int) -> None:
    before, after = change("add_preamble", text, seed), change("add_closing", text, seed)
    assert before.endswith(text)
    assert after.startswith(text)
    for added in (before[: len(before) - len(text)], after[len(text) :]):
        assert len(added.strip().splitlines()) == 1


@given(text=st.text(), seed=seeds)
def test_a_text_is_lengthened_at_its_end_to_three_times_its_length(text: str, seed: int) -> None:
    after = change("lengthen", text, seed)
    assert after.startswith(text)
    assert len(after) >= 3 * len(text)


@given(text=st.text(), seed=seeds)
def test_what_makes_a_text_long_at_its_start_leaves_it_at_the_end(text: str, seed: int) -> None:
    after = change("lengthen_before", text, seed)
    assert after.endswith(text)
    assert len(after) >= 3 * len(text)


def test_a_preamble_that_is_dropped_was_before_the_first_field() -> None:
    assert change("drop_preamble", "Dear all,\n\nVendor: a\nBye") == "Vendor: a\nBye"
    assert change("drop_preamble", "Vendor: a\nBye") is None
    assert change("drop_preamble", "no field\nat all") is None


@pytest.mark.parametrize("indent", ["   ", "      ", "\t\t\t"])
def test_an_indent_is_not_what_stands_between_two_fields(indent: str) -> None:
    form = f"{indent}Vendor: a\n{indent}Client: b"
    assert change("swap_first_fields", form) == f"{indent}Client: b\n{indent}Vendor: a"
    assert change("split_lines", form) is None
    assert (
        change("split_lines", f"{indent}Vendor: a   Client: b") == f"{indent}Vendor: a\nClient: b"
    )


@given(form=forms())
def test_lines_that_are_joined_and_split_again_are_as_they_were(form: str) -> None:
    joined = change("join_lines", form)
    assert "\n" not in joined
    assert change("split_lines", joined) == form


@pytest.mark.parametrize("name", ["indent_lines", "trailing_spaces", "blank_lines"])
@given(form=forms(), seed=seeds)
def test_white_space_leaves_the_lines(name: str, form: str, seed: int) -> None:
    after = change(name, form, seed)
    assert after != form
    assert [line.strip() for line in after.split("\n") if line.strip()] == form.split("\n")
    assert change("tidy_spaces", after) == form


@given(form=forms())
def test_line_endings_come_back(form: str) -> None:
    after = change("line_endings", form)
    assert after == form.replace("\n", "\r\n")
    assert change("line_endings", after) == form


def inked(text: str) -> str:
    """What is left of a text without spaces."""
    return text.replace(" ", "").replace("\u00a0", "")


@given(text=st.text())
def test_single_and_double_spaces_leave_all_that_is_not_a_space(text: str) -> None:
    for name in ("double_spaces", "single_spaces", "no_break_spaces"):
        after = change(name, text)
        assert after.replace(" ", "").replace("\u00a0", "") == text.replace(" ", "").replace(
            "\u00a0", ""
        )
    assert "  " not in change("single_spaces", text)


@given(text=st.text())
def test_normal_forms_are_canonically_equal(text: str) -> None:
    for name in ("compose_letters", "decompose_letters"):
        after = change(name, text)
        assert unicodedata.normalize("NFC", after) == unicodedata.normalize("NFC", text)


def test_letters_and_signs_are_written_otherwise() -> None:
    assert change("drop_accents", "Söhne, Émile") == "Sohne, Emile"
    assert change("wrong_encoding", "£5") == "Â£5"
    assert change("curly_quotes", "it's") == "it\u2019s"
    assert change("other_hyphens", "a-b") == "a\u2010b"
    assert change("byte_order_mark", "\ufeffa") is None
    disguised = change("look_alikes", "Pope")
    assert [unicodedata.name(letter).split()[0] for letter in disguised] == ["CYRILLIC"] * 4


@given(word=st.from_regex(r"[a-z]{5,12}", fullmatch=True), seed=seeds)
def test_a_typo_swaps_two_letters_and_leaves_the_ends_of_the_word(word: str, seed: int) -> None:
    after = change("typo", f"Say {word}!", seed)[4:-1]
    assert Counter(after) == Counter(word)
    assert (after[0], after[-1]) == (word[0], word[-1])
    assert sum(a != b for a, b in zip(after, word, strict=True)) in (0, 2)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("number_format", "10,753.25 and 1.50", "10.753,25 and 1,50"),
        ("number_format", "1.2.3 and 2024-05-26", "1.2.3 and 2024-05-26"),
        ("decimal_point", "10.753,25, 1,50. 0,99", "10,753.25, 1.50. 0.99"),
        ("decimal_point", "1.234 and 1,234 and 1.234,5.6", "1.234 and 1,234 and 1.234,5.6"),
        ("no_thousands", "£1,234,567.80 or 1,234", "£1234567.80 or 1234"),
        ("date_format", "on 2024-05-06, not 2024-13-06", "on 6 May 2024, not 2024-13-06"),
        ("currency_format", "£10,753.25 or $5", "10,753.25 GBP or 5 USD"),
    ],
)
def test_amounts_and_days_are_written_otherwise(name: str, before: str, after: str) -> None:
    assert change(name, before) == after


def test_an_answer_may_follow_how_the_input_is_written_or_stay() -> None:
    one = learned(registry.perturbations.entry("currency_format"), [])
    assert one is not None
    found = applied(one, INVOICE, ANSWER, "0")
    assert isinstance(found, Changed)
    assert found.answers == [ANSWER, ANSWER | {"total": "10,753.25 GBP"}]


def test_an_answer_that_was_not_copied_does_not_follow() -> None:
    one = learned(registry.perturbations.entry("upper_case"), [])
    assert one is not None
    found = applied(one, "I like it", "positive", "0")
    assert isinstance(found, Changed)
    assert found.answers == ["positive"]


def test_a_change_that_would_touch_the_answer_is_refused() -> None:
    one = learned(registry.perturbations.entry("typo"), [])
    assert one is not None
    assert applied(one, "Okafor", "Okafor", "0") == "touches the answer"
    assert applied(one, "Okafor", "another", "0") != "touches the answer"


def test_examples_are_shuffled_and_the_rest_stays() -> None:
    prompt = "Classify.\n\nQ: a\nA: 1\n\nQ: b\nA: 2\n\nQ: c\nA:"
    assert change("shuffle_examples", prompt) == "Classify.\n\nQ: b\nA: 2\n\nQ: a\nA: 1\n\nQ: c\nA:"
    assert change("shuffle_examples", "Q: a\nA: 1\n\nQ: c\nA:") is None


TURNS = [
    {"role": "user", "content": "How is the weather?"},
    {"role": "assistant", "content": None},
    {"role": "tool", "content": "sunny"},
]


def test_tools_fail_or_fall_silent_and_all_other_messages_stay() -> None:
    assert change("drop_tool_response", TURNS) == [*TURNS[:2], {"role": "tool", "content": ""}]
    failed = change("tool_error", TURNS)
    assert failed[:2] == TURNS[:2]
    assert failed[2]["role"] == "tool"
    assert failed[2]["content"].startswith("Error")
    assert change("tool_error", TURNS[:2]) is None


BLOCKS = [
    {"role": "user", "content": [{"type": "text", "text": "How is the weather?"}]},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "weather"}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "sunny"}]},
]


def test_a_response_in_a_block_stays_paired_with_its_call() -> None:
    failed = change("tool_error", BLOCKS)
    assert failed[:2] == BLOCKS[:2]
    (block,) = failed[2]["content"]
    assert (block["tool_use_id"], block["is_error"]) == ("a", True)
    assert block["content"].startswith("Error")
    (block,) = change("drop_tool_response", BLOCKS)[2]["content"]
    assert block == {"type": "tool_result", "tool_use_id": "a", "content": ""}


def test_a_text_is_changed_in_the_one_block_of_text() -> None:
    one = learned(registry.perturbations.entry("upper_case"), [])
    assert one is not None
    found = applied(one, BLOCKS, "x", "0")
    assert isinstance(found, Changed)
    assert found.input[0]["content"] == [{"type": "text", "text": "HOW IS THE WEATHER?"}]
    assert found.input[1:] == BLOCKS[1:]


def test_the_only_text_of_an_object_is_changed() -> None:
    one = learned(registry.perturbations.entry("upper_case"), [])
    assert one is not None
    found = applied(one, {"question": "why", "top": 3}, "x", "0")
    assert isinstance(found, Changed)
    assert found.input == {"question": "WHY", "top": 3}


def test_small_talk_comes_before_the_users_first_message() -> None:
    after = change("small_talk", [{"role": "system", "content": "Be brief."}, *TURNS])
    assert [one["role"] for one in after[:4]] == ["system", "user", "assistant", "user"]
    assert after[3:] == TURNS


def test_a_text_is_changed_in_the_last_message_of_the_user() -> None:
    one = learned(registry.perturbations.entry("upper_case"), [])
    assert one is not None
    found = applied(one, {"model": "m", "messages": TURNS}, "x", "0")
    assert isinstance(found, Changed)
    assert found.input["messages"][0]["content"] == "HOW IS THE WEATHER?"
    assert found.input["messages"][1:] == TURNS[1:]
    assert applied(one, {"a": "two", "b": "texts"}, "x", "0") == "does not apply"
