"""Each feature of a text says what a person would say, on texts written by hand."""

from __future__ import annotations

import time
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
    ("white_space", "a \nb", "spaces at the ends of lines"),
    ("white_space", "a\tb  c", "several"),
    ("letter_case", "ABC 12", "capital"),
    ("letter_case", "abc", "small"),
    ("letter_case", "Abc", "mixed"),
    ("letter_case", "12", "no letters"),
    ("letter_case", "\u4e2d\u6587", "without case"),
    ("script", "abc", "Latin"),
    ("script", "\u0430\u0431\u0432", "Cyrillic"),
    ("script", "\u4e2d\u6587", "Han"),
    ("script", "a\u0431", "several"),
    ("script", "123", "none"),
    ("language", "The invoice of the client is attached, please pay it.", "English (Germanic)"),
    ("language", "Die Rechnung ist nicht hoch und der Kunde zahlt.", "German (Germanic)"),
    ("language", "De klant is niet hier en het bedrag is voor een ander", "Dutch (Germanic)"),
    ("language", "Fakturan är inte betald och det är för sent", "Swedish (Germanic)"),
    ("language", "Le client est dans la rue et les prix sont avec TVA", "French (Romance)"),
    ("language", "El precio es para los clientes y no se paga por el banco", "Spanish (Romance)"),
    ("language", "O preço não é para os clientes e uma conta do banco", "Portuguese (Romance)"),
    ("language", "Il prezzo è per il cliente e non si paga con la carta", "Italian (Romance)"),
    ("language", "Cena jest w banku i nie na rachunku", "Polish (Slavic)"),
    ("language", "\u0426\u0435\u043d\u0430 \u043d\u0435 \u0432 \u0431\u0430\u043d\u043a\u0435 \u0438 \u043d\u0430 \u0441\u0447\u0451\u0442\u0435", "Russian (Slavic)"),
    ("language", "Bu fatura için bir ödeme var ve daha çok", "Turkish (Turkic)"),
    ("language", "The client is here. Der Kunde ist nicht hier und die Rechnung fehlt", "several"),
    ("language", "Fairholm Ltd 2024", "none"),
    ("language", "", "none"),
    ("percentage_style", "up by 5%", "5%"),
    ("percentage_style", "um 5 % mehr", "5 %"),
    ("percentage_style", "5 percent", "5 percent"),
    ("percentage_style", "5% or 5 percent", "several"),
    ("percentage_style", "100 percents% of", "none"),
    ("number_style", "total 11,614.72", "1,234.5"),
    ("number_style", "total 11.614,72", "1.234,5"),
    ("number_style", "total 1 234 567", "1 234,5"),
    ("number_style", "total 11614.72", "1234.5"),
    ("number_style", "no number", "none"),
    ("date_style", "on 2024-01-31", "as year-month-day"),
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
    ("odd_characters", "Tom &amp; Jerry", "escaped"),
    ("odd_characters", "caf&#233;", "escaped"),
    ("odd_characters", "caf\\u00e9", "escaped"),
    ("odd_characters", "R&D; &", "none"),
    ("odd_characters", "a\u2066b", "invisible"),
    ("odd_characters", "a\u200b\ufffd", "several"),
    ("odd_characters", "caf\u00e9\n\t", "none"),
    ("json_shape", '{"b": 1, "a": 2}', "object of a, b"),
    ("json_shape", "[1]", "array"),
    ("json_shape", "[]", "array"),
    ("json_shape", '[{"b": 1}, {"a": 2}]', "array of objects of a, b"),
    ("json_shape", '[{"b": 1}, 2]', "array"),
    ("json_depth", "text", 0),
    ("json_depth", '{"a": 1}', 1),
    ("json_depth", "[]", 1),
    ("json_depth", '{"a": [{"b": 2}]}', 3),
    ("json_depth", "[[[[[1]]]]]", "4 to 5"),
    ("json_depth", "[" * 20 + "]" * 20, "10 or more"),
    ("json_depth", '{"a": [', 0),
    ("json_shape", '{"a": 1', "broken JSON"),
    ("json_shape", "text", "not JSON"),
    ("markup", "```py\n```", "code"),
    ("markup", "def f(x):\n    return x", "code"),
    ("markup", "| a | b |", "a table"),
    ("markup", "see https://example.org", "a link"),
    ("markup", "see www.example.org", "a link"),
    ("markup", "the class of 1990", "none"),
    ("markup", "<b>x</b>", "tags"),
    ("markup", "a < b", "none"),
    ("questions", "Why?", 1),
    ("questions", "Why? How? When?", "2 or more"),
    ("refusal", "I'm sorry, but I can't help.", "refuses and apologizes"),
    ("refusal", "I\u2019m not able to say.", "refuses"),
    ("refusal", "I cannot do that", "refuses"),
    ("refusal", "Sorry for the delay", "apologizes"),
    ("refusal", "The apology was accepted", "neither"),
    ("cut_off", "f(a, b", True),
    ("cut_off", "and so on...", True),
    ("cut_off", "It ends.", False),
    ("cut_off", "It ends. The rest of this was lost in the ven", True),
    ("cut_off", "see the inter-", True),
    ("cut_off", "Dear all. It is done.\nBest regards", False),
    ("cut_off", "a short phrase without an end", False),
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
    assert kernel.level_of(every, {}, {"input": "abc"}) == '"small"'
    assert kernel.level_of(every, {}, {"input": kernel.MISSING}) == '{"missing":true}'


HOSTILE = [
    *("a" * 200_000, " " * 200_000, "\n" * 200_000, "a:" * 100_000, "; a" * 60_000, "a " * 100_000),
    *("1," * 100_000, "1 234 " * 30_000, "1.111" * 40_000, "|" * 200_000, "| " * 100_000),
    *("<a" * 100_000, "[" * 200_000, "{" * 99 + "\\u" * 50_000, "a" + "\t" * 200_000 + "b"),
    *("Jan" * 60_000, "&a" * 100_000, "a: 1   " * 30_000, "x. " * 60_000, "\x00" * 200_000),
    *(" \n" * 100_000, "\r" * 200_000, "a- " * 60_000, "can't" * 40_000, "I am " * 40_000),
    '{"a":' * 90 + "1" + "}" * 90,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:6]))
def test_a_feature_takes_no_more_than_linear_time(text: str) -> None:
    """A text of twice the length takes no more than about twice the time, or next to nothing."""
    for name, read in kernel.FEATURES.items():
        times = []
        for part in (text[: len(text) // 2], text):
            kernel._labelled.cache_clear()
            kernel._json_in.cache_clear()
            started = time.process_time()
            read(part)
            times.append(time.process_time() - started)
        assert times[1] < max(0.5, 3 * times[0]), (name, times)


def test_a_field_cannot_take_the_name_of_a_feature() -> None:
    with pytest.raises(kernel.Unreadable, match="as a feature is"):
        kernel.attribute_name("length(input)")
