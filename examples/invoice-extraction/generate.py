"""Writes the invoices of this example: eval.jsonl and production.jsonl.

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

SEED = 20240701

LABELS = {
    "vendor": "Vendor",
    "client": "Client",
    "invoice_number": "Invoice number",
    "date": "Date",
    "total": "Total",
}
FIELDS = tuple(LABELS)
CANONICAL_DELIMITER = ": "
OTHER_DELIMITERS = (" = ", "=", " - ", " -> ", "->", " => ", " | ", "|", "\t")


class Split(NamedTuple):
    """One file to write: how many invoices of each format, and when they were issued."""

    id_prefix: str
    first_day: date
    formats: dict[str, int]


SPLITS = {
    "eval.jsonl": Split("e", date(2024, 1, 2), {"canonical": 400}),
    "production.jsonl": Split(
        "p",
        date(2024, 7, 1),
        {
            "delimiter": 187,
            "whitespace": 158,
            "reorder": 36,
            "verbose": 8,
            "compact": 6,
            "mixed": 5,
        },
    ),
}
DAYS_IN_A_SPLIT = 180

NAMES = (
    "Alderbrook", "Ashcombe", "Bellweather", "Birchmoor", "Brackenridge", "Calloway", "Carrick Bay",
    "Cobalt Row", "Dunmere", "Eastlake", "Elmhurst", "Fairholm", "Farrow & Pike", "Glenhaven",
    "Greyfell", "Halvorsen", "Harrowgate", "Hartley-Moss", "Ibarra Hermanos", "Ivory Quay",
    "Juniper Hill", "Kestrel", "Kingsmere", "Lindqvist", "Lowther", "Marchetti", "Meridian Park",
    "Müllerhof", "Norrland", "Oakhaven", "Okafor", "Pellworth", "Pinecrest", "Quillon", "Ravenscar",
    "Rosedale", "Saint-Aubin", "Silverbeck", "Stonegate", "Tamsin Vale", "Thistledown",
    "Umberleigh", "Valtierra", "Westerly", "Wickham Lane", "Yarrow", "Zelenka", "Östervik",
)  # fmt: skip
TRADES = (
    "Analytics", "Architects", "Bakery Supply", "Catering", "Chemicals", "Cold Storage",
    "Components", "Consulting", "Couriers", "Electrical", "Engineering", "Facilities", "Foods",
    "Freight", "Furniture", "Glassworks", "Hardware", "Imports", "Instruments", "Joinery",
    "Laboratories", "Landscaping", "Legal Services", "Lighting", "Logistics", "Marine", "Media",
    "Medical", "Office Supply", "Packaging", "Paper", "Plumbing", "Printing", "Recruitment",
    "Robotics", "Security", "Software", "Steel", "Studios", "Textiles", "Tooling", "Translations",
)  # fmt: skip
LEGAL_FORMS = ("Ltd", "Ltd", "Inc.", "Inc.", "LLC", "LLC", "GmbH", "S.A.", "AB", "Co.", "Group")
CURRENCIES = ("$", "$", "$", "€", "£")

GREETINGS = (
    "Dear accounts team,",
    "Dear Ms. Hollis,",
    "Dear Mr. Abara,",
    "Hello,",
    "Good morning,",
)
OPENINGS = (
    "Please find the details of our latest invoice below.",
    "Thank you for your business. The invoice for last month follows.",
    "As agreed on the phone, here is the corrected invoice.",
    "We would be grateful for payment within the usual terms.",
)

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


# The right answer: drawn before any format is chosen, and never changed by one.


def company(draws: Draws) -> str:
    """The name of a company that does not exist."""
    return f"{draws.one_of(NAMES)} {draws.one_of(TRADES)} {draws.one_of(LEGAL_FORMS)}"


def amount(draws: Draws) -> str:
    """A total with cents; small ones are more frequent than large ones."""
    cents = 2_500 + draws.below(80_000) + draws.below(1 + draws.below(4_000_000))
    return f"{draws.one_of(CURRENCIES)}{cents // 100:,}.{cents % 100:02d}"


def unused_number(draws: Draws, used: set[str]) -> str:
    """An invoice number that no invoice has had so far."""
    while True:
        digits = 10_000 + draws.below(90_000)
        number = draws.one_of(("INV-{}", "INV-{}", "{}", "F{}", "2024/{}")).format(digits)
        if number not in used:
            used.add(number)
            return number


def invoice(draws: Draws, first_day: date, used: set[str]) -> dict[str, str]:
    """The true fields of one invoice; vendor and client are never the same."""
    vendor = client = company(draws)
    while client == vendor:
        client = company(draws)
    return {
        "vendor": vendor,
        "client": client,
        "invoice_number": unused_number(draws, used),
        "date": (first_day + timedelta(days=draws.below(DAYS_IN_A_SPLIT))).isoformat(),
        "total": amount(draws),
    }


# The formats: each writes the same fields in its own way.


def labelled(
    truth: dict[str, str],
    order: Sequence[str] = FIELDS,
    delimiter: str = CANONICAL_DELIMITER,
) -> list[str]:
    """The fields, one to a line."""
    return [f"{LABELS[field]}{delimiter}{truth[field]}" for field in order]


def other_order(draws: Draws) -> list[str]:
    """The fields in another order: two times in three, only vendor and client change places."""
    if draws.below(3) < 2:
        return ["client", "vendor", "invoice_number", "date", "total"]
    order = list(FIELDS)
    while order == list(FIELDS):
        order = draws.shuffled(FIELDS)
    return order


def canonical(truth: dict[str, str], draws: Draws) -> str:
    """One field to a line, in the usual order, with a colon."""
    return "\n".join(labelled(truth))


def delimiter(truth: dict[str, str], draws: Draws) -> str:
    """Something other than a colon between label and value."""
    return "\n".join(labelled(truth, delimiter=draws.one_of(OTHER_DELIMITERS)))


def whitespace(truth: dict[str, str], draws: Draws) -> str:
    """Indentation, blank lines, and more spaces around the delimiter and at the ends."""
    indent = draws.one_of(("  ", "    ", "\t", " "))
    between = draws.one_of(("\n", "\n\n", "\n \n", "\n\n\n"))
    lines = []
    for line in labelled(truth, delimiter=draws.one_of((":  ", " : ", ":\t", ":    "))):
        lines.append(indent + line + " " * draws.below(4))
    return draws.one_of(("", "\n")) + between.join(lines) + draws.one_of(("", "\n"))


def reorder(truth: dict[str, str], draws: Draws) -> str:
    """The labelled fields in another order."""
    return "\n".join(labelled(truth, order=other_order(draws)))


def verbose(truth: dict[str, str], draws: Draws) -> str:
    """A letter: one or more lines of prose, then the fields."""
    greeting = draws.one_of(GREETINGS)
    sentences = draws.shuffled(OPENINGS)[: draws.below(3)]
    return "\n".join([greeting, *sentences, *labelled(truth)])


def compact(truth: dict[str, str], draws: Draws) -> str:
    """Several fields on a line."""
    per_line = draws.one_of((2, 3, 5))
    between = draws.one_of(("; ", ", ", "   "))
    fields = labelled(truth)
    starts = range(0, len(fields), per_line)
    return "\n".join(between.join(fields[start : start + per_line]) for start in starts)


def mixed(truth: dict[str, str], draws: Draws) -> str:
    """Another order and another delimiter."""
    order = other_order(draws)
    return "\n".join(labelled(truth, order, draws.one_of(OTHER_DELIMITERS)))


FORMATS: dict[str, Callable[[dict[str, str], Draws], str]] = {
    "canonical": canonical,
    "delimiter": delimiter,
    "whitespace": whitespace,
    "reorder": reorder,
    "verbose": verbose,
    "compact": compact,
    "mixed": mixed,
}


# The files.


def rows(split: Split, draws: Draws, used: set[str]) -> list[dict[str, Any]]:
    """The rows of one file, with the formats in a shuffled order."""
    formats = [name for name, count in split.formats.items() for _ in range(count)]
    result = []
    for number, name in enumerate(draws.shuffled(formats), start=1):
        truth = invoice(draws, split.first_day, used)
        result.append(
            {
                "id": f"{split.id_prefix}-{number:04d}",
                "text": FORMATS[name](truth, draws),
                "truth": truth,
                "shift_type": name,
            }
        )
    return result


def files(seed: int = SEED) -> dict[str, bytes]:
    """The contents of every file, by name."""
    draws = Draws(seed)
    used: set[str] = set()
    contents = {}
    for name, split in SPLITS.items():
        lines = [json.dumps(row, ensure_ascii=False) for row in rows(split, draws, used)]
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
