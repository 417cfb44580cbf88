"""Values of logs are taken for what they are, and for nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from eval_autopsy.readers.log_values import Unfit, amount, flat, iso_time, taken


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        ({}, dict, True),
        (None, dict, True),
        ([], dict, False),
        (1, int, True),
        (True, int, False),
        (True, bool, True),
        (1, bool, False),
        ("", str, True),
    ],
)
def test_a_value_of_another_kind_is_unfit(value: Any, kind: type, fits: bool) -> None:
    if fits:
        assert taken({"a": value}, "a", kind) is value
    else:
        with pytest.raises(Unfit, match="its a is "):
            taken({"a": value}, "a", kind)


@pytest.mark.parametrize(
    ("value", "found"), [(0, 0), (Decimal("0.5"), Decimal("0.5")), (-1, None), (True, None)]
)
def test_only_a_number_that_is_not_negative_is_an_amount(value: Any, found: Any) -> None:
    assert amount(value) == found


def test_objects_become_dotted_names_and_lists_stay() -> None:
    assert flat({"a": {"b": {"c": 1}, "d": [1, 2]}, "e": None}) == {
        "a.b.c": 1,
        "a.d": [1, 2],
        "e": None,
    }


@pytest.mark.parametrize(
    ("milliseconds", "time"),
    [
        (0, "1970-01-01T00:00:00.000+00:00"),
        (1_795_431_395_950, "2026-11-23T10:56:35.950+00:00"),  # by `date -u -d @1795431395.950`
        (10**18, None),
        ("0", None),
    ],
)
def test_milliseconds_are_a_time_in_utc(milliseconds: Any, time: str | None) -> None:
    assert iso_time(milliseconds) == time
