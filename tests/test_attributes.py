"""How a field is sliced by is told from how often each of its values stands."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.attributes import (
    asked,
    bands_of,
    chosen,
    edge_text,
    kept_of,
    leveller,
    shortest,
    supervised_bands,
    time_parts_of,
    told_apart,
)
from eval_autopsy.kernel import MISSING


def counts(*values: object) -> Counter[str]:
    """How often each level's text stands."""
    return Counter(kernel.canonical(kernel.level(value)) for value in values)


def reason(name: str, *values: object) -> str:
    """Why a field is set aside that nobody asked for."""
    choice = chosen(name, counts(*values))
    assert choice.attributes == ()
    [(aside, why)] = choice.set_aside
    assert aside == name
    return why


# ---------------------------------------------------------------- numbers

NUMBERS = st.dictionaries(
    st.decimals(-1000, 1000, places=2) | st.integers(-5, 5).map(Decimal),
    st.integers(1, 50),
    min_size=1,
    max_size=60,
)


@given(NUMBERS, st.integers(2, 6))
def test_no_band_is_empty_and_edges_rise(values: dict[Decimal, int], bands: int) -> None:
    edges = bands_of(values, bands)
    assert edges == sorted(set(edges))
    assert len(edges) < bands
    texts = [edge_text(edge) for edge in edges]
    kernel.conforms({"field": "f", "edges": texts}, kernel._ATTRIBUTES, "")
    if texts:
        assert len({kernel.band_of(value, texts) for value in values}) == len(edges) + 1
    else:
        assert max(values.values()) * bands > sum(values.values())


def test_quantiles_have_few_digits_and_about_as_many_records() -> None:
    draw = random.Random(7)
    values = Counter(Decimal(f"{draw.expovariate(1):.3f}") for _ in range(4000))
    edges = bands_of(values)
    # The quartiles of this distribution: -log(3/4), -log(1/2), -log(1/4).
    assert [float(edge) for edge in edges] == pytest.approx([0.288, 0.693, 1.386], rel=0.1)
    assert all(len(edge_text(edge)) <= 4 for edge in edges)
    shares = [sum(n for value, n in values.items() if value < edge) / 4000 for edge in edges]
    assert shares == pytest.approx([0.25, 0.5, 0.75], abs=0.03)


def test_a_number_that_most_records_have_leaves_fewer_bands() -> None:
    assert bands_of({Decimal(0): 90, Decimal(1): 5, Decimal(2): 5}) == [Decimal(1)]
    assert bands_of({Decimal(5): 7}) == []


@pytest.mark.parametrize(
    ("before", "number", "edge"),
    [
        ("0.283", "0.291", "0.29"),
        ("0.29", "1.7", "1"),
        ("99", "1234", "1000"),
        ("-2", "-1.5", "-1.5"),
    ],
)
def test_an_edge_has_the_fewest_digits_that_part_two_numbers(
    before: str, number: str, edge: str
) -> None:
    assert shortest(Decimal(before), Decimal(number)) == Decimal(edge)


def test_supervised_edges_are_where_right_turns_to_wrong() -> None:
    outcomes = {Decimal(n) / 10: (0, 3) if 30 <= n < 60 else (3, 0) for n in range(100)}
    assert supervised_bands(outcomes) == [Decimal(3), Decimal(6)]


def test_no_supervised_edge_is_found_in_noise() -> None:
    draw = random.Random(3)
    assert (
        supervised_bands({Decimal(n): (draw.randint(0, 3), draw.randint(0, 3)) for n in range(300)})
        == []
    )
    assert supervised_bands({}) == []
    assert supervised_bands({Decimal(1): (3, 4)}) == []


# ---------------------------------------------------------------- what nobody asked for


def test_a_measurement_is_put_into_bands() -> None:
    choice = chosen("latency", counts(*(Decimal(n) / 7 for n in range(400))))
    [attribute] = choice.attributes
    assert attribute["field"] == "latency"
    # Quarters of 400 are at 100, 200 and 300 sevenths, give or take a fortieth of the records.
    wanted = [100 / 7, 200 / 7, 300 / 7]
    assert [float(edge) for edge in attribute["edges"]] == pytest.approx(wanted, abs=11 / 7)


def test_numbers_of_a_few_kinds_stay_kinds() -> None:
    values = [Decimal("0.5"), Decimal("1.5"), 2] * 20
    assert chosen("temperature", counts(*values)).attributes == ("temperature",)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("turns", [n % 15 + 1 for n in range(90)]),  # 15 values, 6 records each
        ("tools called", [n % 8 for n in range(24)]),  # 8 values, 3 records each
        ("tokens", [n * n for n in range(21, 71)]),  # up to four digits, each once
        ("price", [10_000 + 500 * (n % 40) for n in range(400)]),  # five digits, but round
        ("temperature", [Decimal(n % 11) / 10 for n in range(1100)]),  # a scale of eleven
    ],
)
def test_numbers_that_are_many_or_stand_seldom_are_put_into_bands(
    name: str, values: list[object]
) -> None:
    [attribute] = chosen(name, counts(*values)).attributes
    assert 1 <= len(attribute["edges"]) <= 3


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rating", [n % 5 + 1 for n in range(25)]),
        ("level", [n % 4 for n in range(8)]),
        ("intent", [n % 16 for n in range(320)]),  # 16 values, 20 records each
        ("year", [2015 + n % 9 for n in range(90)]),
    ],
)
def test_numbers_that_are_few_and_stand_often_are_kinds(name: str, values: list[object]) -> None:
    assert chosen(name, counts(*values)).attributes == (name,)


def test_codes_are_kinds_of_which_the_rarer_fold() -> None:
    common = ["10115"] * 60 + ["80331"] * 40
    rare = [f"{50_000 + 37 * n}" for n in range(20)] * 2  # 22 codes, of 6 records on average
    for values in (common + rare, [*map(int, common + rare)]):
        [attribute] = chosen("zip", counts(*values)).attributes
        assert [str(level) for level in attribute["kept"]] == ["10115", "80331"]


def test_codes_that_are_all_rare_are_set_aside() -> None:
    assert reason("zip", *[f"0{1000 + 7 * n}" for n in range(100)] * 2) == (
        "100 different values in 200 records"
    )


def test_numbers_among_a_few_texts_are_put_into_bands_and_the_texts_into_one() -> None:
    [attribute] = chosen(
        "latency", counts(*(Decimal(n) / 7 for n in range(90)), "n/a", "?", MISSING)
    ).attributes
    level = leveller(attribute)
    assert level('"n/a"') == level('"?"') == '{"band":"no number"}'
    assert level('{"missing":true}') == '{"missing":true}'


def test_texts_among_which_a_few_are_numbers_stay_texts() -> None:
    values = ["red", "green", "blue", 1, Decimal("2.5")] * 9
    assert chosen("mixed", counts(*values)).attributes == ("mixed",)


def test_times_give_hour_weekday_and_period() -> None:
    times = [f"2024-05-{day:02}T{hour:02}:30:00Z" for day in range(1, 29) for hour in (3, 9, 17)]
    names = [kernel.attribute_name(one) for one in chosen("sent", counts(*times)).attributes]
    assert names == ["sent@hour", "sent@weekday", "sent@week"]


@pytest.mark.parametrize(("days", "period"), [(10, "day"), (100, "week"), (400, "month")])
def test_the_period_is_as_long_as_the_times_reach(days: int, period: str) -> None:
    first = 19_800 * 86_400  # in March 2024
    seconds = counts(*(first + day * 86_400 for day in range(days)))
    assert time_parts_of(seconds, numbers=True) == ["weekday", period]
    assert time_parts_of(seconds) == []  # for nothing says that these numbers are times


def days(month: int, first: int, last: int, hour: int = 9) -> list[str]:
    return [f"2024-{month:02}-{day:02}T{hour:02}:00:00Z" for day in range(first, last + 1)]


@pytest.mark.parametrize(
    ("before", "after", "kept", "aside"),
    [
        # Whole weeks, two months apart, at the same two hours.
        (
            days(4, 1, 14) + days(4, 1, 14, 17),
            days(6, 3, 16) + days(6, 3, 16, 17),
            ["sent@hour", "sent@weekday"],
            ["sent@week"],
        ),
        # The same week.
        (days(4, 1, 7), days(4, 1, 7), ["sent@weekday", "sent@day"], []),
        # One of 20 days of production is one of eval's, and one of 5.
        (days(4, 1, 3), days(4, 3, 3) + 19 * days(4, 5, 5), ["sent@weekday"], ["sent@day"]),
        (days(4, 1, 3), days(4, 3, 3) + 4 * days(4, 5, 5), ["sent@weekday", "sent@day"], []),
        # A Monday, and the Tuesday and Wednesday after it, at another hour.
        (days(4, 1, 1), days(4, 2, 3, 10), [], ["sent@hour", "sent@weekday", "sent@day"]),
        # Eval was made within an hour, of which production has hardly a record.
        (days(4, 1, 7), days(4, 1, 1) + 30 * days(4, 1, 7, 20), ["sent@hour"], []),
    ],
    ids=["two months apart", "the same week", "one in 20", "one in 5", "a day", "one hour"],
)
def test_parts_of_times_that_only_tell_production_from_eval_are_set_aside(
    before: list[str], after: list[str], kept: list[str], aside: list[str]
) -> None:
    found = told_apart(chosen("sent", counts(*before, *after)), counts(*before), counts(*after))
    names = [kernel.attribute_name(one) for one in found.attributes]
    assert names[: len(kept)] == kept
    assert [one.name for one in found.set_aside] == aside
    for one in found.set_aside:
        what = f"eval and production are of different {one.name.partition('@')[2]}s"
        assert one.reason == f"{what}, so that it only tells them apart"


def test_times_of_one_set_alone_are_not_set_aside() -> None:
    choice = chosen("sent", counts(*days(4, 1, 14)))
    assert told_apart(choice, counts(), counts(*days(4, 1, 14))) == choice


def test_dates_have_no_hour() -> None:
    dates = counts(*(f"2024-05-{day:02}" for day in range(1, 29)))
    assert time_parts_of(dates) == ["weekday", "week"]


def test_rare_values_fold_and_are_counted() -> None:
    values = ["free"] * 50 + ["pro"] * 30 + [f"trial {n}" for n in range(30)]
    choice = chosen("plan", counts(*values))
    assert choice.attributes == ({"field": "plan", "kept": ["free", "pro"]},)
    assert choice.notes == ("plan: 30 rarer values, in 30 records, stand together",)
    level = leveller(choice.attributes[0])
    assert (level('"free"'), level('"trial 3"')) == ('"free"', '{"other":true}')


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        (
            "user",
            [f"u{n}" for n in range(3812)] + ["u0"] * 188,
            "3,812 different values in 4,000 records",
        ),
        ("row", list(range(500)), "500 different values in 500 records"),
        ("user_id", [n * 7919 for n in range(500)], "500 different values in 500 records"),
        ("few", [f"k{n}" for n in range(8)], "8 different values in 8 records"),
        ("same", ["x"] * 9, "every record has the same value"),
        ("null", [None] * 9, "no record has a value"),
        ("empty", [None, "", MISSING] * 3, "no record has a value"),
        ("tags", [["a"], ["b"], "c"] * 3, "it holds lists or objects"),
        ("text", ["a" * 10_000, "b"] * 4, "it holds texts of more than 60 characters"),
    ],
)
def test_what_cannot_tell_is_set_aside_and_the_reason_counts(
    name: str, values: list[object], why: str
) -> None:
    assert reason(name, *values) == why


@pytest.mark.parametrize(
    "value", ["two\nlines", "\x1b[31mred", "\u202edlog", "a`b|c", " ", "null", "{", "\u200b"]
)
def test_a_hostile_value_is_a_level_like_any_other(value: str) -> None:
    choice = chosen("kind", counts(*[value, "plain"] * 6))
    assert choice.attributes == ("kind",)
    words = kernel.slice_text({"kind": [value]})
    assert words.startswith("`kind` is `")
    assert not set(words) & set("\n\x1b\u202e\u200b")


# ---------------------------------------------------------------- what somebody asked for


def test_what_was_asked_for_is_sliced_by_as_it_is_up_to_a_thousand_values() -> None:
    assert asked("k", Counter({f'"{n}"': 1 for n in range(1000)})).attributes == ("k",)


def test_a_million_different_values_are_set_aside_with_the_count() -> None:
    million = {f'"{n}"': 1 for n in range(1_000_000)}
    [(_, why)] = asked("k", million).set_aside
    assert why == "1,000,000 different values in 1,000,000 records"


def test_of_more_than_a_thousand_values_the_common_ones_stay() -> None:
    many = {**{f'"{n}"': 1 for n in range(2000)}, '"usual"': 5000}
    choice = asked("k", many)
    assert choice.attributes == ({"field": "k", "kept": ["usual"]},)
    assert "2,000 rarer values, in 2,000 records" in choice.notes[0]


@given(st.dictionaries(st.text(max_size=3).map(kernel.canonical), st.integers(1, 40), max_size=40))
def test_what_is_kept_and_what_folds_are_all_records(found: dict[str, int]) -> None:
    kept = kept_of(found, 10)
    if kept is None:
        return
    within = sum(found[text] for text in kept.levels) if kept.levels else sum(found.values())
    assert within + kept.records == sum(found.values())
    assert len(kept.levels) < 10
    assert 2 * within >= sum(found.values())


# ---------------------------------------------------------------- the same in kernel and engine

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**16), 10**16),
    st.decimals(-100, 10**12, places=3),
    st.text(max_size=12),
    st.datetimes().map(lambda when: when.isoformat()),
    st.sampled_from(["0.5", "1e3", "NaN", " 2 ", "1714950000", "2024-05-06T10:00:00+02:00"]),
    st.lists(st.integers(), max_size=2),
    st.just(MISSING),
)
ATTRIBUTES = st.sampled_from(
    [
        {"field": "f", "edges": ["0"]},
        {"field": "f", "edges": ["-1.5", "0.5", "1000"]},
        {"field": "f", "kept": ["", "a", None, 1, {"number": "0.5"}]},
        *({"field": "f", "time": unit} for unit in kernel.TIMES),
    ]
)


@given(ATTRIBUTES, VALUES)
def test_a_level_is_the_same_in_kernel_and_engine(
    attribute: dict[str, object], value: object
) -> None:
    fields = {} if value is MISSING else {"f": value}
    text = kernel.canonical(kernel.level(value))
    assert leveller(attribute)(text) == kernel.level_of(attribute, fields, {})
