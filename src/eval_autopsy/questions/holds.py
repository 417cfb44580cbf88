"""What a rule about an output asks, in plain Python that is pasted with the rule.

Only the standard library is used. Each function with a verdict is given the text of the input, the
output and what was learned, and says whether the output may pass.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

FIELD = re.compile(
    r"\s*([^\W\d_][\w .#/'&-]{0,38}?)\s*(?:->|=>|→|:|=|\||\t|\s[-\u2013](?=\s))(?!//)\s*(\S.*)"
)
BETWEEN = re.compile(r"[;,]\s+|(?<=\S)\s{3,}")
NUMBER = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[-+]?\d+(?:\.\d+)?")


def text_of(value: Any) -> str:
    """The texts of an input, on lines of their own, without what stands at an id."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = [part for name, part in value.items() if not re.search(r"(^|_)id$", name.lower())]
    return "\n".join(map(text_of, value)) if isinstance(value, list) else ""


def at(output: Any, name: str) -> Any:
    """The field of an output, or the whole of it for the name ""; None where there is none."""
    return output if not name else output.get(name) if isinstance(output, dict) else None


def labelled(text: str) -> dict[str, str]:
    """The value under each label of a text, by the label in small letters; the first one counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        # A line may have several fields, and a value may have what separates them.
        for part in [line, *BETWEEN.split(line)[1:]]:
            match = FIELD.match(part)
            if match:
                first = BETWEEN.split(match[2])
                value = first[0] if len(first) > 1 and FIELD.match(first[1]) else match[2]
                found.setdefault(" ".join(match[1].lower().split()), value.strip())
    return found


def plain(value: Any) -> str:
    """A value as it is compared: without regard to case and white space."""
    return " ".join(str(value).lower().split())


def amount(value: Any) -> Decimal | None:
    """The number of a value such as 12, "12.50" or "$1,200.00"; None unless it has one."""
    if isinstance(value, bool):
        return None
    found = NUMBER.findall(str(value))
    letters = sum(map(str.isalpha, str(value)))
    try:
        return Decimal(found[0].replace(",", "")) if len(found) == 1 and letters <= 3 else None
    except InvalidOperation:
        return None


def shape(value: Any) -> str:
    """A value with each run of letters as a, and each run of digits as 9."""
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "a", str(value)))


def is_there(text: str, output: Any, name: str) -> bool:
    """The field says something."""
    return at(output, name) is not None and str(at(output, name)).strip() != ""


def is_of_type(text: str, output: Any, name: str, kind: str) -> bool:
    """The field is a text, a number or a truth value."""
    kinds: dict[str, Any] = {"text": str, "truth value": bool, "number": (int, float, Decimal)}
    value = at(output, name)
    return isinstance(value, kinds[kind]) and (kind == "truth value" or not isinstance(value, bool))


def is_one_of(text: str, output: Any, name: str, values: list[Any]) -> bool:
    """The field has one of the values that are known."""
    return at(output, name) in values


def has_shape(text: str, output: Any, name: str, shapes: list[str]) -> bool:
    """The field is written in one of the ways that are known."""
    return shape(at(output, name)) in shapes


def is_between(text: str, output: Any, name: str, low: str, high: str) -> bool:
    """The field is a number between two others."""
    value = amount(at(output, name))
    return value is not None and Decimal(low) <= value <= Decimal(high)


def stands_in_input(text: str, output: Any, name: str) -> bool:
    """The value of the field stands in the input, as words of its own."""
    value = re.escape(plain(at(output, name)))
    return re.search(rf"(?<!\w){value}(?!\w)", plain(text)) is not None


def stands_under(text: str, output: Any, name: str, labels: list[str]) -> bool:
    """The value of the field is the one under its label, where the input has that label."""
    found = labelled(text)
    stated = [found[label] for label in labels if label in found]
    return not stated or plain(at(output, name)) in map(plain, stated)


def not_of_another(text: str, output: Any, name: str, labels: list[str], others: list[str]) -> bool:
    """The value of the field is not one that stands under the label of another field alone."""
    found, value = labelled(text), plain(at(output, name))
    own = any(plain(found[label]) == value for label in labels if label in found)
    return own or not any(plain(found[label]) == value for label in others if label in found)


def differ(text: str, output: Any, one: str, other: str) -> bool:
    """Two fields have different values."""
    return plain(at(output, one)) != plain(at(output, other))


def is_product(text: str, output: Any, total: str, one: str, other: str) -> bool:
    """A field is the product of two others, to the cent."""
    a, b, c = (amount(at(output, name)) for name in (one, other, total))
    return None not in (a, b, c) and abs(a * b - c) <= Decimal("0.01")  # type: ignore[operator]


def is_sum(text: str, output: Any, total: str, one: str, other: str) -> bool:
    """A field is the sum of two others, to the cent."""
    a, b, c = (amount(at(output, name)) for name in (one, other, total))
    return None not in (a, b, c) and abs(a + b - c) <= Decimal("0.01")  # type: ignore[operator]


def is_sum_of_items(text: str, output: Any, total: str, items: str, factors: list[str]) -> bool:
    """A field is the sum over a list of objects, of one field of theirs or the product of two."""
    wanted, listed = amount(at(output, total)), at(output, items)
    if wanted is None or not isinstance(listed, list):
        return False
    added = Decimal(0)
    for item in listed:
        product = Decimal(1)
        for factor in factors:
            value = amount(at(item, factor))
            if value is None:
                return False
            product *= value
        added += product
    return abs(added - wanted) <= Decimal("0.01")


def in_order(text: str, output: Any, first: str, last: str) -> bool:
    """A date is not after another one, both as 2024-05-26."""
    return str(at(output, first)) <= str(at(output, last))
