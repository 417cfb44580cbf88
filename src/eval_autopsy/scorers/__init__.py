"""Whether an output is right. Ours are the kernel's own, so that a receipt can apply them again."""

from __future__ import annotations

from decimal import Decimal

from eval_autopsy import kernel
from eval_autopsy.registry import scorer


@scorer("exact_match")
def exact_match(output: object, expected: object) -> bool:
    """The output is the expected value, field by field; 1 and 1.0 are equal, true and 1 are not."""
    return kernel.exact_match(output, expected)


@scorer("normalized")
def normalized(output: object, expected: object) -> bool:
    """As exact_match, but for case, white space, and the format of numbers and currencies."""
    return kernel.normalized(output, expected)


@scorer("numeric")
def numeric(
    output: object,
    expected: object,
    absolute: Decimal = Decimal(0),
    relative: Decimal = Decimal(0),
) -> bool:
    """Amounts differ by no more than an absolute or relative tolerance; other values are equal."""
    return kernel.numeric(output, expected, absolute, relative)


@scorer("recorded")
def recorded(score: object) -> bool | None:
    """The score that the data hold (true, false, 1 or 0); its claims say `given`."""
    return kernel.recorded_score(score, "")
