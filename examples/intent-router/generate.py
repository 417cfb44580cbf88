"""Writes the messages of this example: eval.jsonl, production.jsonl and attempts.jsonl.

    python3 generate.py             write the files beside this one; never over an existing file
    python3 generate.py --check     say whether the files are the ones this program writes

The committed files are fixture data: they are never regenerated. Every draw is one call of
`random.Random(seed).random()`, the only method whose values are the same on every Python.
Exit codes: 0 done, or the same; 1 a file is another; 2 nothing was written or compared.
"""

import argparse
import json
import random
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

SEED = 20241209
ROUTER = Path(__file__).resolve().parent / "router.py"


class Split(NamedTuple):
    """One file to write: how many messages have each intent, and what pauses are called."""

    id_prefix: str
    intents: dict[str, int]
    pauses: tuple[str, ...]


SPLITS = {
    "eval.jsonl": Split(
        "e",
        {"pause": 90, "cancel": 35, "address": 25, "payment": 25, "delivery": 25},
        ("pause", "put on hold"),
    ),
    "production.jsonl": Split(
        "p",
        {"pause": 50, "cancel": 60, "address": 50, "payment": 70, "delivery": 70},
        ("stop",),
    ),
}
ATTEMPTS = {"eval.jsonl": 40, "production.jsonl": 80}  # the first messages, each tried three times
TIMES = 3

PLANS = ("basic", "family", "premium")
CHANNELS = ("chat", "mail")
THINGS = (
    "my subscription", "the weekly box", "my deliveries", "the newspaper", "the flowers",
    "the coffee", "my box of fruit", "the vegetable box", "the magazine", "our bread",
    "the milk", "the meal kits", "the razors", "our wine", "the cat food", "the nappies",
)  # fmt: skip
UNTIL = (
    "until June", "until the end of the month", "until we are back", "until next spring",
    "until Monday week", "until my leg is better", "until the school term begins",
)  # fmt: skip
ASKED = {
    "cancel": (
        "Please cancel {thing}.",
        "I want to terminate my contract for {thing}.",
        "How do I cancel {thing}?",
    ),
    "address": (
        "We have moved, and {thing} still goes to the old flat.",
        "My address is another one now, please mind it for {thing}.",
    ),
    "payment": (
        "I was charged twice for {thing}.",
        "My card is a new one, will {thing} go on?",
        "I cannot find the invoice for {thing}.",
    ),
    "delivery": (
        "This week's parcel has not come, which is about {thing}.",
        "There is no tracking number for {thing}.",
    ),
}
PAUSED = {
    "pause": ("Please pause {thing} {until}.", "I would like to pause {thing} {until}."),
    "put on hold": ("Please put {thing} on hold {until}.",),
    "stop": (
        "Please stop {thing} {until}.",
        "Could you stop {thing} {until}?",
        "We are away: stop {thing} {until}, please.",
    ),
}
OPENINGS = ("", "", "Hello! ", "Good morning. ", "Hello again, ", "Dear team, ", "Hi, ")
CLOSINGS = ("", "", " Thanks.", " Thank you and goodbye.", " Many thanks!")

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


# The right answer comes first, and the message is written for it.


def message(intent: str, pauses: Sequence[str], draws: Draws, used: set[str]) -> str:
    """A message with an intent, unlike all others; a pause is always until some time."""
    text = ""
    while not text or text in used:
        forms = PAUSED[draws.one_of(pauses)] if intent == "pause" else ASKED[intent]
        asked = draws.one_of(forms).format(thing=draws.one_of(THINGS), until=draws.one_of(UNTIL))
        text = draws.one_of(OPENINGS) + asked + draws.one_of(CLOSINGS)
    used.add(text)
    return text


# The files


def rows(split: Split, draws: Draws, used: set[str]) -> list[dict[str, Any]]:
    """The rows of one file, with the intents in a shuffled order."""
    intents = [name for name, count in split.intents.items() for _ in range(count)]
    return [
        {
            "id": f"{split.id_prefix}-{number:03d}",
            "message": message(intent, split.pauses, draws, used),
            "intent": intent,
            "plan": draws.one_of(PLANS),
            "channel": draws.one_of(CHANNELS),
        }
        for number, intent in enumerate(draws.shuffled(intents), start=1)
    ]


def attempts(written: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What the router said to some messages, each asked three times; the message is the cluster."""
    route = runpy.run_path(str(ROUTER))["route"]
    return [
        {
            "id": f"{row['id']}#{time}",
            "source": name.partition(".")[0],
            "message_id": row["id"],
            "message": row["message"],
            "intent": row["intent"],
            "output": route(row["message"]),
        }
        for name, count in ATTEMPTS.items()
        for row in written[name][:count]
        for time in range(1, TIMES + 1)
    ]


def files(seed: int = SEED) -> dict[str, bytes]:
    """The contents of every file, by name."""
    draws = Draws(seed)
    used: set[str] = set()
    written = {name: rows(split, draws, used) for name, split in SPLITS.items()}
    written["attempts.jsonl"] = attempts(written)
    return {name: lines_of(found) for name, found in written.items()}


def lines_of(found: list[dict[str, Any]]) -> bytes:
    """Rows as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found).encode("utf-8")


def write(folder: Path) -> int:
    """0 when the files were written, 2 when one of them was there already."""
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
    """0 when the files are what this program writes, 1 when one is not, 2 when one is missing."""
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
