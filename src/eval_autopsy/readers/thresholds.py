"""Graded scores read as right and wrong, by a threshold that the user gives.

1. A score that is a number is right where it is the threshold or more. One that is absent, null or
   blank stays so, and its record is not scored; any other value stays as it is.
2. The verdict is a field of its own, named after both, such as `score >= 0.5`: the score stands
   beside it as it was, and whoever reads the name knows what the verdict means.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from eval_autopsy import kernel


class Threshold(NamedTuple):
    """From where on a graded score says that an answer is right."""

    score: str  # the field, dotted when it is inside an object
    least: Decimal

    @property
    def field(self) -> str:
        """The field of the verdict."""
        return f"{self.score} >= {self.digits}"

    @property
    def digits(self) -> str:
        """The threshold without an exponent, and without zeros at its end."""
        text = f"{self.least:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    @property
    def words(self) -> str:
        """What makes an answer right."""
        return f"{self.digits} or more of {self.score}"

    def verdict(self, value: Any) -> Any:
        """Whether a score is right; a value that is no number, as it is."""
        number = kernel.number_in(value)
        return value if number is None else number >= self.least

    def added(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a row with the verdict, where the row has the score."""
        value = kernel.field(fields, self.score)
        if value is kernel.MISSING:
            return dict(fields)
        return {**fields, self.field: self.verdict(value)}
