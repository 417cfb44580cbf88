"""The same value, whatever its format.

What an amount is, the kernel defines, and is asked: a second reading of "1,234" could only differ
by mistake. What follows from two amounts is derived here.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from eval_autopsy.kernel import amount
from eval_autopsy.registry import scorer
from eval_autopsy.scorers.exact import exact_match

NOTHING = Decimal(0)


@scorer("normalized")
def normalized(output: object, expected: object) -> bool:
    """As exact_match, but for case, white space, and the format of numbers and currencies."""
    apart = distance(output, expected)
    if apart is not None:
        return apart == 0
    if isinstance(output, str) and isinstance(expected, str):
        return output.casefold().split() == expected.casefold().split()
    return bool(exact_match(output, expected))


@scorer("numeric")
def numeric(
    output: object, expected: object, absolute: Decimal = NOTHING, relative: Decimal = NOTHING
) -> bool:
    """Amounts differ by no more than an absolute or relative tolerance; other values are equal."""
    apart = distance(output, expected)
    wanted = amount(expected)
    if apart is None or wanted is None:
        return bool(exact_match(output, expected))
    return apart <= Fraction(absolute) or apart <= Fraction(relative) * abs(Fraction(wanted[1]))


def distance(one: object, other: object) -> Fraction | None:
    """How far two amounts are apart; None when one is none, or their currencies differ."""
    left, right = amount(one), amount(other)
    if left is None or right is None or len({left[0], right[0]} - {""}) > 1:
        return None
    return abs(Fraction(left[1]) - Fraction(right[1]))
