"""Writes the letters of this example: eval.jsonl and production.jsonl.

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

SEED = 20241014


class Split(NamedTuple):
    """One file to write: how many letters tell how much before they come to the point."""

    id_prefix: str
    lengths: dict[str, int]


SPLITS = {
    "eval.jsonl": Split("e", {"short": 150}),
    "production.jsonl": Split("p", {"short": 96, "middling": 44, "long": 60}),
}
SENTENCES = {"short": (2, 4), "middling": (4, 5), "long": (10, 14)}  # of a story: least, and most

CHANNELS = ("web form", "mail", "app")
REQUESTS = ("refund", "exchange", "repair", "refund", "exchange", "repair", "information")
ASKED = {
    "refund": (
        "I would like a refund.",
        "Please give me my money back.",
        "Could you reimburse what I paid?",
    ),
    "exchange": (
        "I would like to exchange it.",
        "Please send me another size.",
        "Could I have a replacement?",
    ),
    "repair": (
        "I would like to have it repaired.",
        "Could it be mended?",
        "Please tell me where it can be fixed.",
    ),
    "information": (
        "Could you tell me when it arrives?",
        "Please tell me which colours there are.",
        "I wonder how it should be washed.",
    ),
}
ORDERED = (
    "This is about my order {}.",
    "My order has the number {}.",
    "I am writing about order {}.",
)
GREETINGS = ("Hello,", "Good morning,", "Dear team,", "To whom it may concern,")
ENDINGS = ("Kind regards", "Thank you", "Best wishes", "With thanks")
PEOPLE = (
    "A. Okafor", "B. Lindqvist", "C. Marchetti", "D. Halvorsen", "E. Valtierra", "F. Zelenka",
    "G. Ibarra", "H. Calloway", "J. Quillon", "K. Yarrow", "L. Thistle", "M. Ravensworth",
)  # fmt: skip
STORY = (
    "I have been a customer of yours for several years now.",
    "My sister told me about your shop when we met last spring.",
    "The parcel came on a Tuesday, while nobody was at home.",
    "A neighbour was kind enough to take it in for us.",
    "We opened it together after supper and were curious.",
    "The box itself was well packed, with a lot of paper around it.",
    "At first we were pleased with the colour, which is just like the picture.",
    "Then I put it on and walked through the house with it.",
    "After a week it did not look as it had on the first day.",
    "I asked my brother, who knows about such things, and he shook his head.",
    "He said that he had seen the same with one from another maker.",
    "I looked at the leaflet that came with it, but it did not help me.",
    "Your page on the web has a part about this, which I read twice.",
    "I also tried to call, and waited in the line for a good while.",
    "The lady on the telephone was friendly and told me to write to you.",
    "I still have the box, the papers and the bill.",
    "In the meantime we have been away for a few days.",
    "It has been lying on the shelf in the hall ever since.",
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


# The right answer: drawn before the letter is written, and never changed by it.


def wish(draws: Draws, used: set[str]) -> dict[str, str]:
    """An order that no other letter is about, and what is wanted."""
    order = ""
    while not order or order in used:
        order = str(10_000 + draws.below(90_000))
    used.add(order)
    return {"order": order, "request": draws.one_of(REQUESTS)}


def letter(truth: dict[str, str], length: str, draws: Draws) -> str:
    """The order first, or now and then last; a story; and at its end what is wanted."""
    least, most = SENTENCES[length]
    told = least + draws.below(most - least + 1)
    places = sorted(draws.shuffled(range(len(STORY)))[:told])
    story = " ".join(STORY[place] for place in places)
    order = draws.one_of(ORDERED).format(truth["order"])
    asked = draws.one_of(ASKED[truth["request"]])
    body = [order, story, asked] if draws.below(5) else [story, asked, order]
    paragraphs = [
        draws.one_of(GREETINGS),
        *body,
        f"{draws.one_of(ENDINGS)}\n{draws.one_of(PEOPLE)}",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


# The files


def rows(split: Split, draws: Draws, used: set[str]) -> list[dict[str, Any]]:
    """The rows of one file, with the lengths in a shuffled order."""
    lengths = [name for name, count in split.lengths.items() for _ in range(count)]
    result = []
    for number, name in enumerate(draws.shuffled(lengths), start=1):
        truth = wish(draws, used)
        result.append(
            {
                "id": f"{split.id_prefix}-{number:03d}",
                "letter": letter(truth, name, draws),
                "truth": truth,
                "channel": draws.one_of(CHANNELS),
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
