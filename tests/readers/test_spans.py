"""Times of spans, in the forms that they are written in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from eval_autopsy.readers.spans import nanoseconds_of


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2026-05-04T08:00:00Z", 1777881600),
        ("2026-05-04 10:00:00+02:00", 1777881600),
        ("2026-05-04 08:00:00", 1777881600),
        (1777881600, 1777881600),
        (Decimal("1777881600.5"), 1777881600.5),
        (1777881600000, 1777881600),
        ("1777881600000000000", 1777881600),
        ("yesterday", None),
        ("-1", None),
        (10**30, None),
        (None, None),
        (True, None),
    ],
)
def test_a_time_is_told_by_its_form_and_size(value: Any, seconds: float | None) -> None:
    assert nanoseconds_of(value) == (None if seconds is None else seconds * 10**9)
