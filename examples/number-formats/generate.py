"""Writes the receipts of this example: eval.jsonl and production.jsonl.

    python3 generate.py             write both files beside this one; never over an existing file
    python3 generate.py --check     say whether the files are the ones this program writes

The committed files are fixture data: they are never regenerated. Every draw is one call of
`random.Random(seed).random()`, the only method whose values are the same on every Python.
Exit codes: 0 done, or the same; 1 a file is another; 2 nothing was written or compared.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

SEED = 20241104


class Split(NamedTuple):
    """One file to write: how many receipts come from each market."""

    id_prefix: str
    markets: dict[str, int]


SPLITS = {
    "eval.jsonl": Split("e", {"UK": 90, "US": 80, "IE": 30}),
    "production.jsonl": Split("p", {"UK": 84, "US": 72, "IE": 24, "DE": 76, "NL": 28, "CH": 16}),
}
SIGNS = {"UK": "£", "US": "$", "IE": "€", "DE": "€", "NL": "€", "CH": "CHF "}
CODES = {"£": "GBP", "$": "USD", "€": "EUR", "CHF ": "CHF"}
CONTINENTAL, SWISS = ("DE", "NL"), ("CH",)

NAMES = (
    "Alderbrook", "Birchmoor", "Calloway", "Dunmere", "Eastlake", "Fairholm", "Glenhaven",
    "Harrowgate", "Ivory Quay", "Juniper Hill", "Kingsmere", "Lowther", "Marchetti", "Norrland",
    "Oakhaven", "Pellworth", "Quillon", "Ravenscar", "Silverbeck", "Thistledown", "Umberleigh",
    "Valtierra", "Westerly", "Yarrow",
)  # fmt: skip
TRADES = (
    "Hotel",
    "Taxi",
    "Bistro",
    "Books",
    "Rail",
    "Parking",
    "Print Shop",
    "Pharmacy",
    "Flowers",
)
DAYS = 360

Choice = TypeVar("Choice")


class Draws:
    """A stream of choices that depends on the seed and on nothing else."""

    def __init__(self, seed: int) -> None:
        self._next: Callable[[], float] = random.Random(seed).random

    def below(self, limit: int) -> int:
        """A whole number from 0 up to, and without, the limit."""
        return int(self._next() * limit)

    def one_of(self, choices: Sequence[Choice]) -> Choice:
        """One of the choices."""
        return choices[self.below(len(choices))]

    def shuffled(self, items: Sequence[Choice]) -> list[Choice]:
        """The items in another order (Fisher and Yates)."""
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = self.below(last + 1)
            result[last], result[other] = result[other], result[last]
        return result


# The right answer: drawn before the receipt is written, and never changed by it.


def payment(sign: str, draws: Draws) -> dict[str, str]:
    """Who was paid, and how much: one amount in three has thousands."""
    small, large = 350 + draws.below(99_000), 100_000 + draws.below(900_000)
    cents = large if draws.below(3) == 0 else small
    return {
        "merchant": f"{draws.one_of(NAMES)} {draws.one_of(TRADES)}",
        "currency": CODES[sign],
        "amount": f"{cents // 100}.{cents % 100:02d}",
    }


# How a receipt writes it


def english(amount: str) -> str:
    """1,234.50"""
    whole, _, cents = amount.partition(".")
    return f"{int(whole):,}.{cents}"


def continental(amount: str) -> str:
    """1.234,50"""
    return english(amount).translate(str.maketrans(",.", ".,"))


def swiss(amount: str) -> str:
    """1'234.50"""
    return english(amount).replace(",", "'")


def written(amount: str, market: str, draws: Draws) -> str:
    """An amount as its market writes it; one receipt in five of the Continent is in English."""
    if market in CONTINENTAL and draws.below(5):
        return continental(amount)
    return swiss(amount) if market in SWISS else english(amount)


def receipt(truth: dict[str, str], market: str, draws: Draws) -> str:
    """The text of a receipt."""
    paid_on = date(2024, 1, 1) + timedelta(days=draws.below(DAYS))
    total = SIGNS[market] + written(truth["amount"], market, draws)
    return (
        f"Merchant: {truth['merchant']}\n"
        f"Date: {paid_on.isoformat()}\n"
        f"Receipt: {1_000 + draws.below(9_000)}\n"
        f"Total: {total}"
    )


# The files


def rows(split: Split, draws: Draws) -> list[dict[str, Any]]:
    """The rows of one file, with the markets in a shuffled order."""
    markets = [name for name, count in split.markets.items() for _ in range(count)]
    result = []
    for number, market in enumerate(draws.shuffled(markets), start=1):
        truth = payment(SIGNS[market], draws)
        result.append(
            {
                "id": f"{split.id_prefix}-{number:03d}",
                "receipt": receipt(truth, market, draws),
                "truth": truth,
                "market": market,
            }
        )
    return result


def files(seed: int = SEED) -> dict[str, bytes]:
    """The contents of every file, by name."""
    draws = Draws(seed)
    contents = {}
    for name, split in SPLITS.items():
        lines = [json.dumps(row, ensure_ascii=False) for row in rows(split, draws)]
        contents[name] = "".join(line + "\n" for line in lines).encode("utf-8")
    return contents


def write(folder: Path) -> int:
    """0 when both files were written, 2 when one of them was there already."""
    contents = files()
    there = [name for name in contents if (folder / name).exists()]
    if there:
        print(
            f"{folder / there[0]}: is there already, and committed data is never overwritten. "
            "Nothing was written. Name another folder, or use --check to compare.",
            file=sys.stderr,
        )
        return 2
    for name, content in contents.items():
        # "x" and not "w": a file that appeared since the look above is not overwritten either.
        with open(folder / name, "xb") as file:
            file.write(content)
        print(f"{folder / name}: written")
    return 0


def check(folder: Path) -> int:
    """0 when both files are what this program writes, 1 when one is not, 2 when one is missing."""
    worst = 0
    for name, content in files().items():
        path = folder / name
        if not path.is_file():
            print(f"{path}: is missing, so it cannot be compared.", file=sys.stderr)
            worst = 2
        elif path.read_bytes() == content:
            print(f"{path}: the same")
        else:
            print(f"{path}: is not what this program writes.", file=sys.stderr)
            worst = max(worst, 1)
    return worst


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description="Writes or checks the data of this example.")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    arguments = parser.parse_args()
    return check(arguments.folder) if arguments.check else write(arguments.folder)


if __name__ == "__main__":
    sys.exit(main())
