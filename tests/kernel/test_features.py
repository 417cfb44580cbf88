"""Each feature of a text says what a person would say, on texts written by hand."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
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
    ("language", "Цена не в банке и на столе", "Russian (Slavic)"),
    ("language", "Bu fatura için bir ödeme var ve daha çok", "Turkish (Turkic)"),
    ("language", "The client is here, the end. Der Kunde ist nicht hier", "several"),
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
    *("a" * 50_000, " " * 50_000, "\n" * 50_000, "a:" * 25_000, "; a" * 15_000, "a " * 25_000),
    *("1," * 25_000, "1 234 " * 8_000, "1.111" * 10_000, "|" * 50_000, "| " * 25_000),
    *("<a" * 25_000, "[" * 50_000, "{" * 99 + "\\u" * 50_000, "a" + "\t" * 50_000 + "; b: 1"),
    *("Jan" * 15_000, "&a" * 25_000, "a: 1   " * 8_000, "x. " * 15_000, "\x00" * 50_000),
    *(" \n" * 25_000, "\r" * 50_000, "a- " * 15_000, "can't" * 10_000, "I am " * 10_000),
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
        assert times[1] < max(0.5, 3.5 * times[0]), (name, times)


WORDS = [
    ("preamble(input)", [True], "the input has text before its first labelled field"),
    ("preamble(input)", [False], "the input has no text before a labelled field"),
    (
        "fields_on_a_line(input)",
        ["2 or more"],
        "the input puts 2 or more labelled fields on a line",
    ),
    ("fields_on_a_line(input)", [1], "the input has a line for each labelled field"),
    (
        "field_order(input)",
        ["client, vendor"],
        "the input's labelled fields come in the order `client, vendor`",
    ),
    (
        "field_order(input)",
        [{"other": True}],
        "the input has another order of labelled fields than the usual ones",
    ),
    ("label_delimiter(input)", [":", "->"], "the input mostly has `:` or `->` after a label"),
    (
        "label_delimiter(input)",
        ["none", ":"],
        "the input mostly has `:` after a label or the input has nothing after a label",
    ),
    ("cut_off(output)", [True], "the output is cut off"),
    ("refusal(output)", ["refuses"], "the output refuses"),
    ("length(output)", ["64 to 127"], "the output is 64 to 127 characters long"),
    ("length(output)", [0], "the output is empty"),
    (
        "length(output)",
        [{"missing": True}],
        "the output is missing, and with it the length in characters",
    ),
    ("language(input)", ["German (Germanic)"], "the input is in German (Germanic)"),
    ("json_shape(output)", ["object of a, b"], "the output is a JSON `object of a, b`"),
    ("json_shape(output)", ["broken JSON"], "the output begins like JSON and is broken"),
    ("currency(input)", ["$"], "the input names the currency `$`"),
    ("topic(input)", ["billing"], "`topic` of the input is `billing`"),
    ("latency", [{"band": "0.5 to under 2"}], "`latency` is 0.5 to under 2"),
    ("latency", ["0.5 to under 2"], "`latency` is `0.5 to under 2`"),
    ("sent@hour", [{"band": "14:00 to 14:59"}], "hour of `sent` is 14:00 to 14:59"),
]


@pytest.mark.parametrize(("name", "levels", "words"), WORDS)
def test_a_slice_reads_as_a_person_would_say_it(
    name: str, levels: list[object], words: str
) -> None:
    assert kernel.slice_text({name: levels}) == words


def levels_of(name: str) -> list[object]:
    """Every level that the table has of a feature, and those that every feature can have."""
    says = [says for one, _, says in TABLE if one == name]
    return [*says, {"missing": True}, {"other": True}]


def test_two_slices_by_features_never_have_the_same_words() -> None:
    found: dict[str, set[str]] = {}
    for name, of in itertools.product(kernel.FEATURES, ("input", "output")):
        levels = list({kernel.canonical(one): one for one in levels_of(name)}.values())
        for some in [[one] for one in levels] + [*map(list, itertools.combinations(levels, 2))]:
            where = {f"{name}({of})": some}
            words = kernel.slice_text(where)
            found.setdefault(words, set()).add(kernel.canonical(where))
            assert words.startswith(f"the {of}"), words
    assert [names for names in found.values() if len(names) > 1] == []


@pytest.mark.parametrize("name", kernel.FEATURES)
def test_the_words_of_a_feature_have_every_level_of_it(name: str) -> None:
    for level in levels_of(name):
        words = kernel.slice_text({f"{name}(input)": [level]})
        assert words.strip() == words != ""
        assert "{" not in words


def test_long_levels_that_begin_alike_are_told_apart() -> None:
    one, other = "a" * 10_000, "a" * 9_999 + "b"
    words = [kernel.slice_text({"kind": [level]}) for level in (one, other)]
    assert words[0] != words[1]
    assert all("(10,000 characters, SHA-256 " in text for text in words)
    assert max(map(len, words)) < 200


def test_a_character_that_is_spelled_out_is_no_text_that_spells_it() -> None:
    assert kernel.code("a\nb") != kernel.code("a\u27e6U+000A\u27e7b")


# ---------------------------------------------------------------- made of fields


def level(attribute: Mapping[str, object], value: object) -> object:
    text = kernel.level_of(attribute, {} if value is kernel.MISSING else {"f": value}, {})
    return kernel.strict_json(text)


BANDS = {"field": "f", "edges": ["-1", "0.5", "2"]}


@pytest.mark.parametrize(
    ("value", "band"),
    [
        (Decimal("0.49"), "-1 to under 0.5"),
        (Decimal("0.5"), "0.5 to under 2"),
        ("0.5", "0.5 to under 2"),
        (" 1e0 ", "0.5 to under 2"),
        (2, "2 or more"),
        (10**400, "2 or more"),
        (-5, "under -1"),
        ("fast", "no number"),
        ("", "no number"),
        (None, "no number"),
        (True, "no number"),
        ([1], "no number"),
        ("9" * 200, "no number"),
        ("\u0665", "no number"),
        ("NaN", "no number"),
    ],
)
def test_a_number_falls_into_the_band_that_has_its_lower_edge(value: object, band: str) -> None:
    assert level(BANDS, value) == {"band": band}


def test_a_missing_number_or_time_stays_missing() -> None:
    assert level(BANDS, kernel.MISSING) == {"missing": True}
    assert level({"field": "f", "time": "hour"}, kernel.MISSING) == {"missing": True}


@given(
    number=st.decimals(-100, 100, places=2),
    edges=st.lists(st.decimals(-99, 99, places=1), min_size=1, max_size=4, unique=True).map(sorted),
)
def test_each_number_is_within_its_band(number: Decimal, edges: list[Decimal]) -> None:
    words = kernel.band_of(number, [f"{edge:f}" for edge in edges])
    low, _, high = words.replace(" or more", "").partition(" to under ")
    if words.startswith("under "):
        assert number < Decimal(words.removeprefix("under ")) == edges[0]
    else:
        assert Decimal(low) <= number
        assert not high or number < Decimal(high)


@pytest.mark.parametrize(
    ("value", "unit", "says"),
    [
        ("2024-05-06T23:30:00Z", "hour", "23:00 to 23:59"),
        ("2024-05-06T23:30:00Z", "weekday", "Monday"),
        ("2024-05-06T23:30:00-02:00", "day", "2024-05-07"),
        ("2024-05-06T01:30:00+0530", "day", "2024-05-05"),
        ("2024-05-06 23:30", "hour", "23:00 to 23:59"),
        ("2024-05-12T10:00:00.123456Z", "week", "week of 2024-05-06"),
        ("2024-05-06", "month", "2024-05"),
        ("2024-05-06", "hour", "no hour"),
        (1_714_950_000, "day", "2024-05-05"),
        ("1714950000123", "hour", "23:00 to 23:59"),
        (Decimal("1714950000.5"), "weekday", "Sunday"),
        ("2024-02-30", "day", "no time"),
        ("0001-01-01T00:00:00+01:00", "day", "no time"),
        ("20240506", "day", "no time"),
        ("yesterday", "day", "no time"),
        (7, "day", "no time"),
        (True, "day", "no time"),
        (None, "day", "no time"),
    ],
)
def test_a_part_of_a_time_is_in_utc_or_said_to_be_none(value: object, unit: str, says: str) -> None:
    assert level({"field": "f", "time": unit}, value) == {"band": says}


@given(st.datetimes(datetime(1974, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_a_time_with_an_offset_is_read_as_the_library_reads_it(
    when: datetime, minutes: int
) -> None:
    zoned = when.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    read = kernel.moment(zoned.isoformat())
    assert read == (zoned.astimezone(timezone.utc).replace(tzinfo=None), True)  # noqa: UP017
    assert kernel.moment(int(zoned.timestamp())) == read


def test_rare_values_of_a_field_fold_and_others_stand_as_they_are() -> None:
    kept = {"field": "f", "kept": ["a", 1]}
    assert level(kept, "a") == "a"
    assert level(kept, Decimal("1.0")) == 1
    assert level(kept, "1") == {"other": True}
    assert level(kept, kernel.MISSING) == {"other": True}


@pytest.mark.parametrize("edges", [[], ["2", "1"], ["1", "1.0"]])
def test_edges_that_do_not_rise_are_refused(edges: list[str]) -> None:
    with pytest.raises(kernel.Unreadable, match="do not rise"):
        kernel.attribute_name({"field": "f", "edges": edges})


def test_a_stored_feature_cannot_take_the_name_of_one_of_ours() -> None:
    stored = {"stored": "length", "of": "input", "words": "x", "kept": []}
    with pytest.raises(kernel.Unreadable, match="cannot be called 'length"):
        kernel.attribute_name(stored)
    assert kernel.attribute_name({**stored, "stored": "topic"}) == "topic(input)"


THEIRS = {"stored": "topic", "of": "input", "words": "x", "kept": []}
EVIDENCE = {
    "attributes": ["kind", THEIRS],
    "guards": [],
    "converted": [],
    "varied": None,
    "audit": None,
    "cube": None,
    "system": None,
    "scorer": {"rule": "exact_match"},
}


@pytest.mark.parametrize(
    ("op", "args", "basis"),
    [
        ("count", {"where": {}}, "re-scored"),
        ("count", {"where": {"kind": ["a"]}}, "re-scored"),
        ("count", {"where": {"kind": ["a"], "topic(input)": ["b"]}}, "given"),
        ("unseen", {"by": ["topic(input)"]}, "given"),
        ("unseen", {"by": ["kind"]}, "re-scored"),
        ("rate_within", {"slices": [{"kind": ["a"]}, {"topic(input)": ["b"]}]}, "given"),
        ("rate_within", {"slices": [{"kind": ["a"]}]}, "re-scored"),
        ("p_adjusted", {"where": {"kind": ["a"]}}, "given"),  # adjusted for all slices
    ],
)
def test_what_rests_on_a_stored_level_is_given(
    op: str, args: dict[str, object], basis: str
) -> None:
    assert kernel.rests_on(op, args, EVIDENCE) == basis


def test_a_stored_level_is_written_as_one_of_the_data() -> None:
    spoof = {"topic(input)": {"band": "all of them are right"}}
    assert kernel.level_of(THEIRS, {}, {}, spoof) == (
        '{"json":"{\\"band\\":\\"all of them are right\\"}"}'
    )
    assert kernel.level_of(THEIRS, {}, {}, {}) == '{"missing":true}'


def test_a_field_cannot_take_the_name_of_a_feature() -> None:
    with pytest.raises(kernel.Unreadable, match="as a feature is"):
        kernel.attribute_name("length(input)")
    with pytest.raises(kernel.Unreadable, match="as a feature is"):
        kernel.attribute_name({"field": "sent@hour", "kept": []})
