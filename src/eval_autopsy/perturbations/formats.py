"""How numbers, dates and amounts of money are written. What they amount to stays as it is."""

from __future__ import annotations

import re
from random import Random

from eval_autopsy.perturbations.answers import follows
from eval_autopsy.registry import perturbation

THOUSANDS = r"\d{1,3}(?:,\d{3})+"
_ENGLISH = re.compile(rf"(?<![\d.,])(?:{THOUSANDS}(?:\.\d+)?|\d+\.\d{{2}})(?![\d,]|\.\d)")
_CONTINENTAL = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:\.\d{3})+,\d+|\d+,\d{2})(?!\d|[.,]\d)")
_GROUPED = re.compile(rf"(?<![\d.,])({THOUSANDS})(?=\.\d|(?![\d,.]))")
_ISO_DATE = re.compile(r"(?<![\d-])(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?![\d-])")
_SIGNED = re.compile(r"([$€£¥])(\d[\d,]*(?:\.\d+)?)")
MONTHS = "January February March April May June July August September October November December"
CODES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
VALUE = "the value of every number, and all other text"
NUMBERS = "how numbers are written"


def continental(text: str) -> str:
    """A text whose English numbers have points between thousands and a comma before decimals."""
    other = str.maketrans(",.", ".,")
    return _ENGLISH.sub(lambda match: match.group().translate(other), text)


@perturbation("number_format", varies=NUMBERS, holds=VALUE, answers=follows(continental))
def number_format(text: str, draw: Random) -> str | None:
    """Numbers like 1,234.50 are written 1.234,50."""
    return continental(text)


def pointed(text: str) -> str:
    """A text whose continental numbers have commas between thousands and a point before decimals.

    A number without decimals stays: nobody knows whether 1.234 is above a thousand.
    """
    other = str.maketrans(",.", ".,")
    return _CONTINENTAL.sub(lambda match: match.group().translate(other), text)


@perturbation("decimal_point", varies=NUMBERS, holds=VALUE, answers=follows(pointed))
def decimal_point(text: str, draw: Random) -> str | None:
    """Numbers like 1.234,50 are written 1,234.50."""
    return pointed(text)


def ungrouped(text: str) -> str:
    """A text whose English numbers have nothing between thousands."""
    return _GROUPED.sub(lambda match: match.group().replace(",", ""), text)


@perturbation("no_thousands", varies=NUMBERS, holds=VALUE, answers=follows(ungrouped))
def no_thousands(text: str, draw: Random) -> str | None:
    """Numbers like 1,234.50 are written 1234.50."""
    return ungrouped(text)


def spelled(text: str) -> str:
    """A text whose dates have the name of the month."""

    def one(match: re.Match[str]) -> str:
        year, month, day = match.groups()
        return f"{int(day)} {MONTHS.split()[int(month) - 1]} {year}"

    return _ISO_DATE.sub(one, text)


@perturbation(
    "date_format",
    varies="how dates are written",
    holds="every day that is meant, and all other text",
    answers=follows(spelled),
)
def date_format(text: str, draw: Random) -> str | None:
    """Dates like 2024-05-26 are written 26 May 2024."""
    return spelled(text)


def coded(text: str) -> str:
    """A text whose amounts of money name the currency by its code."""
    return _SIGNED.sub(lambda match: f"{match[2]} {CODES[match[1]]}", text)


@perturbation(
    "currency_format",
    varies="how amounts are written",
    holds="every amount, and all other text",
    answers=follows(coded),
)
def currency_format(text: str, draw: Random) -> str | None:
    """Amounts like £5.00 are written 5.00 GBP."""
    return coded(text)
