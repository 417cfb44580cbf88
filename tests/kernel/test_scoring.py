"""When an output is right: truth tables written by hand, and what holds for any two values.

The engine's scorers are held to the same tables, for they are other code with the same meaning.
"""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.scorers import amounts, exact, recorded

from .test_values import SCALARS, VALUES, same

# ---------------------------------------------------------------- amounts

AMOUNTS = [
    # plain numbers
    ("5", "", "5"),
    ("-3", "", "-3"),
    ("+3", "", "3"),
    ("0", "", "0"),
    ("0.50", "", "0.5"),
    ("0,5", "", "0.5"),
    (" 5 ", "", "5"),
    ("5.0", "", "5"),
    (5, "", "5"),
    (-3, "", "-3"),
    (Decimal("11614.720"), "", "11614.72"),
    # thousands and decimals, as they are written here and there
    ("1,234", "", "1234"),
    ("1.234", "", "1.234"),
    ("1,23", "", "1.23"),
    ("1,2345", "", "1.2345"),
    ("1234,567", "", "1234.567"),
    ("1234.567", "", "1234.567"),
    ("0,123", "", "0.123"),
    ("1 234,50", "", "1234.5"),
    ("1\u00a0234,50", "", "1234.5"),
    ("1\u202f234.50", "", "1234.5"),
    ("1'234.50", "", "1234.5"),
    ("1.234,50", "", "1234.5"),
    ("1,234.50", "", "1234.5"),
    ("1.234.567", "", "1234567"),
    ("1,234,567.891", "", "1234567.891"),
    ("12,345,678", "", "12345678"),
    ("1." + "0" * 40 + "1", "", "1." + "0" * 40 + "1"),
    # currencies and signs
    ("$5", "USD", "5"),
    ("$ 5", "USD", "5"),
    ("US$5", "USD", "5"),
    ("5 EUR", "EUR", "5"),
    ("eur 5", "EUR", "5"),
    ("5€", "EUR", "5"),
    ("£1,234.50", "GBP", "1234.5"),
    ("CHF 1'234.50", "CHF", "1234.5"),
    ("(5.00)", "", "-5"),
    ("($5.00)", "USD", "-5"),
    ("-$5.00", "USD", "-5"),
    ("$-5.00", "USD", "-5"),
    ("-5 EUR", "EUR", "-5"),
]
NOT_AMOUNTS = [
    *("", " ", "-", "$", "EUR", ".", ",", "()", "( )"),
    # codes, dates, versions, addresses, lists
    *("007", "00.5", "01,234", "12/03/2024", "2024-03-12", "12.03.2024", "12 03 2024"),
    *("1.2.3", "10.0.1", "192.168.1.1", "1,2,3", "1.234.5", "1,234,5", "1,23,456", "1 2"),
    *("A5", "5A", "F51041", "INV 100", "Total 100", "Qty 5", "5 kg", "5%", "#5", "5!"),
    # two signs or two currencies, and signs in the wrong place
    *("--5", "-$-5", "$5 EUR", "$$5", "5-", "(-5)", "(5", "5)", "1'234,567'890"),
    # other ways to write a number, which are compared as text
    *("٣", "\uff11\uff12", "1e5", "Infinity", "NaN", "½", "0x10", "1_000", ".5", "5."),
    "9" * 100,
    None,
    True,
    False,
    kernel.MISSING,
    ["5"],
    {"5": 5},
]


@pytest.mark.parametrize(("value", "currency", "number"), AMOUNTS)
def test_an_amount_is_its_currency_and_its_number(value: Any, currency: str, number: str) -> None:
    assert kernel.amount(value) == (currency, Decimal(number))


@pytest.mark.parametrize("value", NOT_AMOUNTS)
def test_what_is_no_amount(value: Any) -> None:
    assert kernel.amount(value) is None


# ---------------------------------------------------------------- scorers

PAIRS = [  # output, expected, exact_match, normalized, numeric within 0.5 or 1%
    ("a", "a", True, True, True),
    ("a", "A", False, True, False),
    ("a  b\n", " A B", False, True, False),
    ("straße", "STRASSE", False, True, False),
    ("a", "b", False, False, False),
    ("", "", True, True, True),
    ("", " ", False, True, False),
    ("1", 1, False, True, True),
    (1, Decimal("1.0"), True, True, True),
    ("1.0", "1", False, True, True),
    (True, 1, False, False, False),
    (False, 0, False, False, False),
    (True, True, True, True, True),
    (None, None, True, True, True),
    (None, "", False, False, False),
    (None, "null", False, False, False),
    ("$5", "5 usd", False, True, True),
    ("$5", "€5", False, False, False),
    ("$5", "5", False, True, True),
    ("007", "7", False, False, False),
    ("A5", "5", False, False, False),
    ("Total 100", "100", False, False, False),
    ("1.2.3", "123", False, False, False),
    ("10.4", "10", False, False, True),
    ("10.6", "10", False, False, False),
    ("10.5", "10", False, False, True),
    ("1009", "1000", False, False, True),
    ("-1009", "-1000", False, False, True),
    ("1010", "1000", False, False, True),
    ("1010.01", "1000", False, False, False),
    ("-5", "5", False, False, False),
    ([1, 2], [1, Decimal("2.0")], True, True, True),
    ([1, 2], [2, 1], False, False, False),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, True, True),
    ({"a": 1}, {"a": 1, "b": None}, False, False, False),
    (kernel.MISSING, "a", False, False, False),
    (kernel.MISSING, None, False, False, False),
    ("a", kernel.MISSING, False, False, False),
    ("5", kernel.MISSING, False, False, False),
    (kernel.MISSING, kernel.MISSING, False, False, False),
]
WITHIN = Decimal("0.5"), Decimal("0.01")

ENGINE = SimpleNamespace(
    exact_match=exact.exact_match, normalized=amounts.normalized, numeric=amounts.numeric
)
both = pytest.mark.parametrize("code", [kernel, ENGINE], ids=["kernel", "engine"])


@both
@pytest.mark.parametrize(("output", "expected", "same", "normal", "near"), PAIRS)
def test_an_output_is_right_when_the_scorer_says_so(
    code: Any, output: Any, expected: Any, same: bool, normal: bool, near: bool
) -> None:
    assert code.exact_match(output, expected) is same
    assert code.normalized(output, expected) is normal
    assert code.numeric(output, expected, *WITHIN) is near


SPOKEN = st.sampled_from(["a", "A ", "5", "5.0", "$5", "5 EUR", "1,234", "1.234", "007", ""])
ANYTHING = VALUES | SPOKEN


@both
@given(value=SCALARS | SPOKEN)
def test_every_value_equals_itself(code: Any, value: Any) -> None:
    assert code.exact_match(value, value)
    assert code.normalized(value, value)
    assert code.numeric(value, value, Decimal(0), Decimal(0))


@both
@given(one=ANYTHING, other=ANYTHING)
def test_scorers_do_not_mind_which_value_comes_first(code: Any, one: Any, other: Any) -> None:
    assert code.exact_match(one, other) == code.exact_match(other, one) == same(one, other)
    assert code.normalized(one, other) == code.normalized(other, one)
    near = code.numeric(one, other, Decimal("0.5"), Decimal(0))
    assert near == code.numeric(other, one, Decimal("0.5"), Decimal(0))


@both
@given(one=ANYTHING, other=ANYTHING)
@example(one="$5", other="5 USD")
def test_what_matches_exactly_matches_in_every_other_way(code: Any, one: Any, other: Any) -> None:
    normal = code.normalized(one, other)
    within_none = code.numeric(one, other, Decimal(0), Decimal(0))
    assert code.exact_match(one, other) <= within_none <= normal
    assert within_none <= code.numeric(one, other, Decimal(1), Decimal(0))


@given(st.decimals("-1e6", "1e6", places=3), st.decimals("-1e6", "1e6", places=3))
def test_numeric_without_tolerance_is_equality(one: Decimal, other: Decimal) -> None:
    assert kernel.numeric(one, other, Decimal(0), Decimal(0)) == (one == other)
    assert kernel.numeric(str(one), other, Decimal(0), Decimal(0)) == (one == other)


# ---------------------------------------------------------------- fields


def spec(rule: str = "exact_match", *fields: str) -> dict[str, Any]:
    return {"rule": rule, "fields": list(fields), "absolute": "0.5", "relative": "0"}


FIELDS = [
    (spec(), "a", "a", {"": True}),
    (spec(), {"a": 1}, "a", {"": False}),
    (spec(), {"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": True, "b": True}),
    (spec(), {"a": 1}, {"a": 1, "b": 2}, {"a": True, "b": False}),
    (spec(), {"a": 1, "c": 3}, {"a": 1}, {"a": True, "": False}),
    (spec(), "a", {"a": 1}, {"a": False}),
    (spec(), kernel.MISSING, {"a": None}, {"a": False}),
    (spec(), {"a": None}, {"a": None}, {"a": True}),
    (spec(), {}, {}, {"": True}),
    (spec(), "a", {}, {"": False}),
    (spec(), {"a": 1}, {}, {"": False}),
    (spec("exact_match", "a"), {"a": 1, "c": 3}, {"a": 1, "b": 2}, {"a": True}),
    (spec("exact_match", "a.b"), {"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, {"a.b": True}),
    (spec("exact_match", "a.b"), {"a.b": 1}, {"a": {"b": 1}}, {"a.b": True}),
    (spec("exact_match", "z"), {"a": 1}, {"a": 1}, {"z": False}),
    (spec("exact_match", "z"), {"z": 1}, {"a": 1}, {"z": False}),
    (spec("normalized"), {"a": "X ", "b": "$5"}, {"a": "x", "b": 5}, {"a": True, "b": True}),
    (spec("numeric"), {"a": 1, "b": "x"}, {"a": "1.5", "b": "X"}, {"a": True, "b": False}),
]


@pytest.mark.parametrize(("scorer", "output", "expected", "right"), FIELDS)
def test_each_field_is_right_or_wrong_by_itself(
    scorer: dict[str, Any], output: Any, expected: Any, right: dict[str, bool]
) -> None:
    assert kernel.right_fields(scorer, output, expected) == right


@given(VALUES, VALUES)
def test_all_fields_are_right_just_when_the_values_are_equal(one: Any, other: Any) -> None:
    right = kernel.right_fields(spec(), one, other)
    assert (all(right.values()) and bool(right)) == same(one, other)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        *((value, True) for value in (True, 1, "1", "true", " TRUE ", "1.0", Decimal("1.0"))),
        *((value, False) for value in (False, 0, "0", "False", "0.0", Decimal("0.0"))),
        *((value, None) for value in (None, "", kernel.MISSING)),
    ],
)
def test_a_recorded_score_is_right_wrong_or_not_there(value: Any, verdict: bool | None) -> None:
    assert kernel.recorded_score(value, "f.csv:2") is verdict
    assert recorded.recorded(value, "f.csv:2") is verdict


@pytest.mark.parametrize("value", ["yes", 2, Decimal("0.5"), -1, "C", [], {}])
def test_a_recorded_score_that_is_neither_is_an_error_with_its_place(value: Any) -> None:
    with pytest.raises(kernel.Unreadable, match=r"f\.csv:2: the score is "):
        kernel.recorded_score(value, "f.csv:2")
    with pytest.raises(CannotRead, match=r"^f\.csv:2: the score is "):
        recorded.recorded(value, "f.csv:2")
