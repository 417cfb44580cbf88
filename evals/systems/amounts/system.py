"""The total that a bill states, with two decimals."""

import re

AMOUNT = re.compile(r"\d[\d.,]*\d")


def total(text: str) -> str:
    stated = AMOUNT.findall(text)[-1]
    whole, _, cents = stated.replace(",", "").partition(".")
    return f"{whole}.{cents[:2]:0<2}"
