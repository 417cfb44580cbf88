"""What one record counts as: a truth table by hand, and what holds for every record."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING

GUARDS = ("one", "two", "three")
VERDICTS = st.sampled_from([True, False, None])


def outcomes(
    right: bool | None, guards: dict[str, bool | None], *, error: bool = False, apart: bool = False
) -> frozenset[str]:
    """What a record with these verdicts counts as."""
    spec = {
        "scorer": {"rule": "stored"},
        "errors": "apart" if apart else "wrong",
        "guards": [{"name": name, "rule": "stored"} for name in guards],
    }
    stored = {"right": right, "guards": guards}
    message = "ValueError: no" if error else None
    return kernel.outcomes(spec, {"a": 1}, {"a": 1}, message, None, stored)


@pytest.mark.parametrize(
    ("right", "guards", "options", "wanted"),
    [
        (True, {}, {}, "records counted right well_formed"),
        (False, {}, {}, "records counted wrong well_formed silent"),
        (None, {}, {}, "records unscored well_formed"),
        (None, {"g": False}, {}, "records unscored"),
        (True, {"g": True}, {}, "records counted right well_formed"),
        (True, {"g": False}, {}, "records counted right false_alarm false_alarm:g"),
        (False, {"g": True}, {}, "records counted wrong well_formed silent missed:g"),
        (False, {"g": False}, {}, "records counted wrong loud caught:g only:g"),
        (False, {"g": None}, {}, "records counted wrong well_formed silent"),
        (
            False,
            {"g": False, "h": True},
            {},
            "records counted wrong loud caught:g only:g missed:h",
        ),
        (False, {"g": False, "h": False}, {}, "records counted wrong loud caught:g caught:h"),
        (
            True,
            {"g": False, "h": False},
            {},
            "records counted right false_alarm false_alarm:g false_alarm:h",
        ),
        # A call that failed is wrong or apart, and never well-formed nor right.
        (True, {}, {"error": True}, "records errored counted wrong loud"),
        (None, {"g": False}, {"error": True}, "records errored counted wrong loud caught:g only:g"),
        (None, {"g": None}, {"error": True}, "records errored counted wrong loud"),
        (True, {"g": True}, {"error": True, "apart": True}, "records errored unscored"),
    ],
)
def test_a_record_counts_as(
    right: bool | None, guards: dict[str, bool | None], options: dict[str, bool], wanted: str
) -> None:
    assert outcomes(right, guards, **options) == set(wanted.split())


@given(
    st.lists(
        st.tuples(
            VERDICTS,
            st.fixed_dictionaries(dict.fromkeys(GUARDS, VERDICTS)),
            st.booleans(),
            st.booleans(),
        ),
        max_size=20,
    )
)
def test_the_counts_of_any_records_add_up(
    verdicts: list[tuple[bool | None, dict[str, bool | None], bool, bool]],
) -> None:
    found = [outcomes(v, guards, error=e, apart=a) for v, guards, e, a in verdicts]
    n = Counter(name for one in found for name in one)
    assert n["records"] == len(verdicts)
    assert n["records"] == n["counted"] + n["unscored"]
    assert n["counted"] == n["right"] + n["wrong"]
    assert n["wrong"] == n["silent"] + n["loud"]
    assert n["silent"] == sum({"wrong", "well_formed"} <= one for one in found)
    assert n["right"] == n["false_alarm"] + sum({"right", "well_formed"} <= one for one in found)
    for name in GUARDS:
        assert n[f"caught:{name}"] + n[f"missed:{name}"] <= n["wrong"]
        assert n[f"only:{name}"] <= n[f"caught:{name}"] <= n["loud"]
        assert n[f"false_alarm:{name}"] <= n["false_alarm"]
    assert sum(n[f"only:{name}"] for name in GUARDS) <= n["loud"]
    assert n["misplaced"] <= n["wrong"]


def spec(rule: str = "exact_match", *guards: str) -> dict[str, Any]:
    return {
        "scorer": {"rule": rule, "fields": [], "absolute": "0", "relative": "0"},
        "errors": "wrong",
        "guards": [{"name": g, "rule": g, "fields": [], "patterns": {}} for g in guards],
    }


def test_the_fields_that_are_right_are_named() -> None:
    found = kernel.outcomes(spec(), {"a": 1, "b": 2}, {"a": 1, "b": 3}, None, None, {})
    assert {name for name in found if name.startswith("right_field")} == {"right_field:a"}
    assert "wrong" in found


def test_a_wrong_value_of_another_field_is_misplaced_and_a_right_one_is_not() -> None:
    swapped = {"a": "x", "b": "y"}, {"a": "y", "b": "x"}
    assert "misplaced" in kernel.outcomes(spec(), *swapped, None, None, {})
    judged_right = kernel.outcomes(spec("stored"), *swapped, None, None, {"right": True})
    assert "misplaced" not in judged_right


@pytest.mark.parametrize(
    ("output", "expected"), [(MISSING, {"a": 1}), ({"a": 1}, MISSING), (MISSING, MISSING)]
)
def test_what_cannot_be_compared_is_not_scored(output: Any, expected: Any) -> None:
    found = kernel.outcomes(spec(), output, expected, None, None, {})
    assert "unscored" in found
    assert not found & {"right", "wrong", "counted"}


def test_a_recorded_score_needs_no_output() -> None:
    found = kernel.outcomes(spec("recorded"), MISSING, MISSING, None, True, {})
    assert found == {"records", "counted", "right", "well_formed"}
