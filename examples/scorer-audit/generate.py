"""Writes the logged answers of this example: eval.jsonl and production.jsonl.

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
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

SEED = 20240923


class Split(NamedTuple):
    """One file to write: how many bills were answered in each way."""

    id_prefix: str
    answers: dict[str, int]


# In each file, formatted and fenced together are as many as lacking and agreeing: that is why the
# recorded score and the score from the text are the same number.
SPLITS = {
    "eval.jsonl": Split(
        "e",
        {"good": 136, "previous": 4, "formatted": 3, "fenced": 2, "lacking": 3, "agreeing": 2},
    ),
    "production.jsonl": Split(
        "p",
        {"good": 198, "previous": 12, "formatted": 14, "fenced": 6, "lacking": 9, "agreeing": 11},
    ),
}

PLACES = (
    "Alderbrook", "Birchmoor", "Calloway", "Dunmere", "Eastlake", "Fairholm", "Glenhaven",
    "Harrowgate", "Ivory Quay", "Juniper Hill", "Kingsmere", "Lowther", "Marchetti", "Norrland",
    "Oakhaven", "Pellworth", "Quillon", "Ravenscar", "Silverbeck", "Thistledown", "Umberleigh",
    "Valtierra", "Westerly", "Yarrow",
)  # fmt: skip
UTILITIES = ("Energy", "Gas", "Grid", "Heat", "Power", "Telecom", "Waste", "Water")
LEGAL_FORMS = ("Ltd", "Inc.", "LLC", "AB", "Co.")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August")

Choice = TypeVar("Choice")
Bill = dict[str, str]


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


# A bill, and what it says


def money(draws: Draws) -> str:
    """An amount of dollars with cents, of four to five digits before the point."""
    cents = 100_000 + draws.below(2_900_000)
    return f"${cents // 100:,}.{cents % 100:02d}"


def bill(draws: Draws, used: set[str]) -> Bill:
    """What one bill says; the two amounts and the account are never those of another one."""
    account = previous = due = ""
    while not account or account in used:
        account = f"{draws.one_of('ABCDEF')}{10_000 + draws.below(90_000)}"
    while not due or due in used or previous in used or previous == due:
        previous, due = money(draws), money(draws)
    used.update((account, previous, due))
    return {
        "supplier": " ".join(map(draws.one_of, (PLACES, UTILITIES, LEGAL_FORMS))),
        "account": account,
        "period": f"{draws.one_of(MONTHS)} 2024",
        "previous": previous,
        "amount_due": due,
    }


def text_of(one: Bill) -> str:
    """The text of a bill, which states each value after its label."""
    return (
        f"Supplier: {one['supplier']}\n"
        f"Account number: {one['account']}\n"
        f"Billing period: {one['period']}\n"
        f"Previous balance: {one['previous']}\n"
        f"Amount due: {one['amount_due']}"
    )


def asked(one: Bill) -> dict[str, str]:
    """The fields that are asked for, as the bill states them."""
    return {name: one[name] for name in ("supplier", "account", "amount_due")}


# The ways of answering: each gives the answer, and the truth that it is held against.


def good(one: Bill, draws: Draws) -> tuple[object, dict[str, str]]:
    """What the bill says."""
    return asked(one), asked(one)


def previous(one: Bill, draws: Draws) -> tuple[object, dict[str, str]]:
    """The previous balance in place of the amount that is due."""
    return {**asked(one), "amount_due": one["previous"]}, asked(one)


def formatted(one: Bill, draws: Draws) -> tuple[object, dict[str, str]]:
    """The right amount in another format."""
    plain = one["amount_due"].replace("$", "").replace(",", "")
    written = draws.one_of((plain, f"USD {plain}", f"{plain} USD"))
    return {**asked(one), "amount_due": written}, asked(one)


def fenced(one: Bill, draws: Draws) -> tuple[object, dict[str, str]]:
    """The right object inside a code fence, which is text and no object."""
    return f"```json\n{json.dumps(asked(one))}\n```", asked(one)


def lacking(one: Bill, draws: Draws) -> tuple[object, dict[str, str]]:
    """No amount, or none that says anything."""
    empty: tuple[dict[str, Any], ...] = ({}, {"amount_due": None}, {"amount_due": ""})
    rest = {"supplier": one["supplier"], "account": one["account"]}
    return {**rest, **draws.one_of(empty)}, asked(one)


def agreeing(one: Bill, draws: Draws) -> tuple[object, dict[str, str]]:
    """The previous balance, and so says the truth: it was filled in by the same program."""
    mistaken = {**asked(one), "amount_due": one["previous"]}
    return mistaken, dict(mistaken)


ANSWERS: dict[str, Callable[[Bill, Draws], tuple[object, dict[str, str]]]] = {
    "good": good,
    "previous": previous,
    "formatted": formatted,
    "fenced": fenced,
    "lacking": lacking,
    "agreeing": agreeing,
}


def passed(output: object, truth: dict[str, str]) -> bool:
    """The naive scorer, whose verdicts are logged: the texts of the fields that the output has.

    It takes another format for another value, an object in a fence for no answer, and a field
    that is not there for one that need not be compared.
    """
    if not isinstance(output, dict):
        return False
    return all(str(value) == truth.get(name) for name, value in output.items() if value)


# The files


def rows(split: Split, draws: Draws, used: set[str]) -> list[dict[str, Any]]:
    """The rows of one file, with the ways of answering in a shuffled order."""
    ways = [name for name, count in split.answers.items() for _ in range(count)]
    result = []
    for number, name in enumerate(draws.shuffled(ways), start=1):
        one = bill(draws, used)
        output, truth = ANSWERS[name](one, draws)
        result.append(
            {
                "id": f"{split.id_prefix}-{number:03d}",
                "text": text_of(one),
                "truth": truth,
                "output": output,
                "passed": passed(output, truth),
                "supplier_kind": one["supplier"].split()[-2].lower(),
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
