"""Reads a receipt: who was paid, in which currency, and how much.

Amounts come out in one form, with a point and two decimals, whatever separates the thousands.
"""

import re
from decimal import Decimal

CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP"}
CODE = re.compile(r"\b(USD|EUR|GBP|CHF)\b")


def amount(text: str) -> str:
    """The number in a text, without what separates thousands. Raises where it is none."""
    digits = re.sub(r"[^\d.,'-]", "", text)
    return f"{Decimal(digits.replace(',', '')):.2f}"


def currency(text: str) -> str:
    """The code of the currency that a text names or signs; blank when there is none."""
    code = CODE.search(text)
    return code.group() if code else next((CURRENCIES[s] for s in CURRENCIES if s in text), "")


def read(receipt: str) -> dict[str, str]:
    """The fields of a receipt, each found by its label."""
    lines = (line.partition(":") for line in receipt.splitlines())
    said = {label.strip().casefold(): value.strip() for label, _, value in lines}
    total = said["total"]
    return {"merchant": said["merchant"], "currency": currency(total), "amount": amount(total)}
