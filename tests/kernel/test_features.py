"""Each feature of a text says what a person would say, on texts written by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel

TABLE = [
    ("field_order", "Vendor: A\nClient: B", "vendor, client"),
    ("field_order", "Client - B\nVendor - A", "client, vendor"),
    ("field_order", "Vendor:    A Ltd\n\n   Client   :  B", "vendor, client"),
    ("field_order", "Vendor: A; Client: B, Total: 3", "vendor, client, total"),
    ("field_order", "Vendor | A\nInvoice number | 7", "vendor, invoice number"),
    ("field_order", "Dear all,\nsee below.", "no labelled fields"),
    ("field_order", "see https://example.org/a", "no labelled fields"),
    ("label_delimiter", "Vendor = A\nClient = B\nTotal: 3", "="),
    ("label_delimiter", "Vendor -> A", "->"),
    ("label_delimiter", "no labels here", "none"),
    ("fields_on_a_line", "Vendor: A\nClient: B", 1),
    ("fields_on_a_line", "Vendor: A; Client: B", "2 or more"),
    ("fields_on_a_line", "prose", 0),
    ("preamble", "Hello,\nVendor: A", True),
    ("preamble", "\n\nVendor: A", False),
    ("preamble", "only prose", False),
    ("lines", "", 0),
    ("lines", "a\n\nb\n", 2),
    ("lines", "a\n" * 7, "6 to 7"),
    ("lines", "a\n" * 99, "50 or more"),
    ("length", "", 0),
    ("length", "a" * 100, "64 to 127"),
    ("length", "a" * 70_000, "65,536 or more"),
    ("blank_lines", "a\n\nb", True),
    ("blank_lines", "a\n  \nb", True),
    ("blank_lines", "a\nb\n\n", False),
    ("white_space", "a b", "none"),
    ("white_space", "a  b", "spaces in a row"),
    ("white_space", "a\n  b", "indented lines"),
    ("white_space", "a\tb", "tabs"),
    ("white_space", "a \nb", "at the ends of lines"),
    ("white_space", "a\tb  c", "several"),
    ("letter_case", "ABC 12", "all upper"),
    ("letter_case", "abc", "all lower"),
    ("letter_case", "Abc", "mixed"),
    ("letter_case", "12", "no letters"),
    ("script", "abc", "Latin"),
    ("script", "\u0430\u0431\u0432", "Cyrillic"),
    ("script", "\u4e2d\u6587", "Han"),
    ("script", "a\u0431", "several"),
    ("script", "123", "none"),
    ("number_style", "total 11,614.72", "1,234.5"),
    ("number_style", "total 11.614,72", "1.234,5"),
    ("number_style", "total 1 234 567", "1 234,5"),
    ("number_style", "total 11614.72", "1234.5"),
    ("number_style", "no number", "none"),
    ("date_style", "on 2024-01-31", "year-month-day"),
    ("date_style", "on 31/01/2024", "with slashes"),
    ("date_style", "on 31.01.2024", "with dots"),
    ("date_style", "on Jan 31, 2024", "with a month's name"),
    ("date_style", "on 2024-01-31 or 1/2/24", "several"),
    ("currency", "$5", "$"),
    ("currency", "5 EUR", "EUR"),
    ("currency", "$5 or 5 EUR", "several"),
    ("currency", "EURO", "none"),
    ("odd_characters", "a\x00b", "control"),
    ("odd_characters", "a\u200bb", "invisible"),
    ("odd_characters", "caf\ufffd", "replaced"),
    ("odd_characters", "caf\u00c3\u00a9", "wrongly decoded"),
    ("odd_characters", "caf\u00e9\n\t", "none"),
    ("json_shape", '{"b": 1, "a": 2}', "object of a, b"),
    ("json_shape", "[1]", "array"),
    ("json_shape", '{"a": 1', "broken JSON"),
    ("json_shape", "text", "not JSON"),
    ("markup", "```py\n```", "code"),
    ("markup", "| a | b |", "table"),
    ("markup", "see https://example.org", "link"),
    ("markup", "<b>x</b>", "tags"),
    ("markup", "a < b", "none"),
    ("questions", "Why?", 1),
    ("questions", "Why? How? When?", "2 or more"),
    ("refusal", "I'm sorry, but I can't help.", True),
    ("refusal", "I cannot do that", True),
    ("refusal", "The apology was accepted", False),
    ("cut_off", "f(a, b", True),
    ("cut_off", "and so on...", True),
    ("cut_off", "It ends.", False),
]


@pytest.mark.parametrize(("name", "text", "says"), TABLE)
def test_a_feature_says_what_a_person_would(name: str, text: str, says: object) -> None:
    found = kernel.FEATURES[name](text)
    assert (found, type(found)) == (says, type(says))


@pytest.mark.parametrize("name", kernel.FEATURES)
def test_each_feature_has_its_name_in_words_and_a_row_in_the_table(name: str) -> None:
    assert kernel.FEATURES[name].__doc__
    assert len({says for one, _, says in TABLE if one == name}) > 1


@pytest.mark.parametrize("name", kernel.FEATURES)
@given(text=st.text(max_size=300))
def test_any_text_has_a_level_that_a_receipt_can_write(name: str, text: str) -> None:
    level = kernel.level(kernel.featured(name, text))
    assert isinstance(level, (str, bool, int))


def test_what_is_not_text_is_looked_at_as_its_json() -> None:
    assert kernel.featured("json_shape", {"b": Decimal("1.5"), "a": None}) == "object of a, b"
    assert kernel.featured("length", kernel.MISSING) is kernel.MISSING


def test_a_level_that_is_not_kept_folds_and_a_missing_text_is_missing() -> None:
    attribute = {"feature": "letter_case", "of": "input", "kept": ["mixed"]}
    assert kernel.level_of(attribute, {}, {"input": "Abc"}) == '"mixed"'
    assert kernel.level_of(attribute, {}, {"input": "abc"}) == kernel.OTHER
    every = {**attribute, "kept": []}
    assert kernel.level_of(every, {}, {"input": "abc"}) == '"all lower"'
    assert kernel.level_of(every, {}, {"input": kernel.MISSING}) == '{"missing":true}'


def test_a_field_cannot_take_the_name_of_a_feature() -> None:
    with pytest.raises(kernel.Unreadable, match="as a feature is"):
        kernel.attribute_name("length(input)")
