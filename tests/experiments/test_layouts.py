"""Inputs taken apart and put together again, and the edits between two of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.experiments.layouts import (
    Layout,
    aligned,
    changes_between,
    edited,
    intact,
    layout_of,
    pieces_of,
    text_of,
    with_values,
    without,
)

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "invoice-extraction"
ROWS = [
    json.loads(line)
    for name in ("eval", "production")
    for line in (EXAMPLE / f"{name}.jsonl").read_text("utf-8").splitlines()
]
ANSWER = {"vendor": "Okafor 1", "client": "Steel 2"}

words = st.sampled_from(
    ["Vendor: A", "Client - B", "Total|5", "Hello,", "", "  ", "a;b", "x: y; z: w"]
)
texts = st.lists(words, max_size=6).flatmap(
    lambda some: st.sampled_from(["\n", "\r\n", "\n\n"]).map(lambda end: end.join(some))
)


def laid_out(text: str, answer: Any = None) -> Layout:
    found = layout_of(text, answer or ANSWER)
    assert found is not None
    return found


@given(st.one_of(st.text(), texts))
def test_the_pieces_of_a_text_joined_are_the_text(text: str) -> None:
    pieces = list(pieces_of(text))
    assert text_of(pieces) == text or not text.strip()


@pytest.mark.parametrize("name", ["eval", "production"])
def test_every_invoice_lays_out_its_answer_and_is_put_together_again(name: str) -> None:
    for row in ROWS:
        if row["id"].startswith(name[0]):
            layout = laid_out(row["text"], row["truth"])
            assert text_of(layout.pieces) == row["text"]
            assert {one.name: one.value for one in layout.fields} == row["truth"]


@given(st.sampled_from(ROWS), st.sampled_from(ROWS), st.booleans())
def test_all_edits_between_two_invoices_make_one_the_other(
    one: dict[str, Any], other: dict[str, Any], values: bool
) -> None:
    failing = laid_out(other["text"], other["truth"])
    base = aligned(laid_out(one["text"], one["truth"]), failing)
    if not values:
        base = with_values(base, {piece.name: piece for piece in failing.fields})
    changes = changes_between(base, failing, values=values)
    assert text_of(edited(base, changes).pieces) == other["text"]


@given(st.sampled_from(ROWS), st.sampled_from(ROWS), st.data())
def test_any_part_of_the_edits_leaves_every_value_under_its_label(
    one: dict[str, Any], other: dict[str, Any], data: st.DataObject
) -> None:
    failing = laid_out(other["text"], other["truth"])
    base = aligned(laid_out(one["text"], one["truth"]), failing)
    base = with_values(base, {piece.name: piece for piece in failing.fields})
    changes = changes_between(base, failing, values=False)
    part = [change for change in changes if data.draw(st.booleans())]
    pieces = edited(base, part).pieces
    assert {piece.name: piece.value for piece in pieces if piece.fields} == other["truth"]
    assert intact(pieces)


def test_one_swap_is_one_edit_and_says_what_stands_before_what() -> None:
    one, other = laid_out("Vendor: Okafor 1\nClient: Steel 2"), laid_out("C: Steel 2\nV: Okafor 1")
    other = laid_out("Client: Steel 2\nVendor: Okafor 1")
    assert [c.words for c in changes_between(aligned(one, other), other, values=True)] == [
        "client stands before vendor"
    ]


def test_every_kind_of_edit_is_said() -> None:
    one = laid_out("Old line\nVendor: Okafor 1\nClient: Steel 2")
    other = laid_out("New line\nSeller - Okafor 1; Client: Steel 2")
    assert [c.words for c in changes_between(aligned(one, other), other, values=True)] == [
        "the label of vendor is 'Seller', not 'Vendor'",
        "the delimiter of vendor is ' - ', not ': '",
        "after field 1 stands '; ', not '\\n'",
        "there is no 'Old line'",
        "there is 'New line'",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Vendor: Okafor 1",
        "Vendor: Okafor 1\nClient: Steel 2\nAgain: Steel 2",
        "Vendor: Okafor 1\nand Steel 2",
        "",
    ],
    ids=["a value is missing", "a value stands twice", "a value has no label", "nothing"],
)
def test_an_input_that_does_not_say_each_value_once_is_not_laid_out(text: str) -> None:
    assert layout_of(text, ANSWER) is None


def test_a_field_that_goes_leaves_the_end_of_its_line() -> None:
    pieces = laid_out("Vendor: Okafor 1;  Client: Steel 2\nBye").pieces
    assert text_of(without(pieces, {"client"})) == "Vendor: Okafor 1\nBye"
    assert text_of(without(pieces, {"vendor"})) == "Client: Steel 2\nBye"
