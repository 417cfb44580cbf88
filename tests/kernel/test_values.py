"""One JSON text for one value: what canonical texts and levels promise."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eval_autopsy import kernel

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False).filter(
    lambda number: abs(number.adjusted()) < 400
)
SCALARS = st.none() | st.booleans() | st.integers() | DECIMALS | TEXTS
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(TEXTS, inside, max_size=3),
    max_leaves=6,
)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: as Python has it, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


@given(VALUES)
@example(Decimal("1e-300"))
@example({"": [None, True, "", {}, []]})
@example('\x00\x1f\x7f"\\/\u2028')
def test_a_canonical_text_reads_back_as_the_value(value: Any) -> None:
    text = kernel.canonical(value)
    assert same(kernel.strict_json(text), value)
    assert kernel.canonical(kernel.strict_json(text)) == text


@given(VALUES, VALUES)
@example(1, True)
@example(0, False)
@example("1", 1)
@example(None, "null")
@example([], {})
@example(Decimal("0.1"), Decimal("0.10"))
@example(Decimal("1e3"), 1000)
@example(Decimal("-0.0"), 0)
@example(Decimal("1." + "0" * 40 + "1"), 1)
@example(Decimal("0." + "1" * 40), Decimal("0." + "1" * 41))
@example({"a": 1, "b": 2}, {"b": Decimal("2.0"), "a": Decimal(1)})
def test_values_share_a_canonical_text_just_when_they_are_equal(one: Any, other: Any) -> None:
    assert (kernel.canonical(one) == kernel.canonical(other)) == same(one, other)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.50"), "1.5"),
        (Decimal("1E+2"), "100"),
        (Decimal("-0.00"), "0"),
        (Decimal("1e400"), "1" + "0" * 400),
        ("é\n", '"é\\n"'),
        ({"b": [1, None], "a": True}, '{"a":true,"b":[1,null]}'),
    ],
)
def test_the_canonical_text_of(value: Any, text: str) -> None:
    assert kernel.canonical(value) == text


@given(VALUES)
def test_a_level_in_a_receipt_reads_back_as_itself(value: Any) -> None:
    level = kernel.level(value)
    text = kernel.canonical(level)
    assert kernel.canonical(kernel.strict_json(json.dumps(level))) == text
    where = kernel.as_where(["s"], (text,))
    assert kernel.canonical(where["s"][0]) == text


@given(VALUES | st.just(kernel.MISSING), VALUES | st.just(kernel.MISSING))
@example(kernel.MISSING, {"missing": True})
@example(kernel.MISSING, None)
@example(None, "")
@example({"json": "[]"}, [])
@example({"number": "0.5"}, Decimal("0.5"))
@example("0.5", Decimal("0.5"))
@example(Decimal("2.0"), 2)
def test_levels_are_the_same_just_when_the_values_are(one: Any, other: Any) -> None:
    texts = [kernel.canonical(kernel.level(value)) for value in (one, other)]
    if kernel.MISSING in (one, other):
        assert (texts[0] == texts[1]) == (one is other)
    else:
        assert (texts[0] == texts[1]) == same(one, other)


@given(VALUES)
def test_a_level_has_no_number_that_json_readers_differ_about(value: Any) -> None:
    level = kernel.level(value)
    assert isinstance(level, (str, int, dict, type(None)))
    assert not isinstance(level, dict) or set(level) in ({"missing"}, {"json"}, {"number"})
