"""Systems with a planted fault, and the records that it shows in.

    write(system, folder)    the case: autopsy.toml, the system, eval.jsonl, production.jsonl

What is planted stands in systems.jsonl, and nowhere in what is written. Eval has none of it; a part
of production has. `cause` names the changes of `autopsy perturbations` that show it in eval's own
inputs, `other` some that leave them right.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
EVAL, PRODUCTION = 200, 300  # records
SEED = 20240526

Row = dict[str, Any]


class Broken(NamedTuple):
    """A system, and what is wrong with it."""

    id: str
    planted: str  # in words
    cause: tuple[str, ...]  # changes, each of which shows it; none where nothing is planted
    other: tuple[str, ...]  # changes that should not


def systems() -> list[Broken]:
    """All of them, in the order of the file."""
    lines = (HERE / "systems.jsonl").read_text(encoding="utf-8").splitlines()
    said = map(json.loads, lines)
    return [
        Broken(one["id"], one["planted"], tuple(one["cause"]), tuple(one["other"])) for one in said
    ]


def write(system: Broken, folder: Path) -> Path:
    """The folder with the case in it, which must not be there before."""
    shutil.copytree(HERE / "systems" / system.id, folder)
    draw = Random(f"{SEED} {system.id}")
    for split, count in (("eval", EVAL), ("production", PRODUCTION)):
        rows = ROWS[system.id](draw, split == "production")
        lines = [
            json.dumps({"id": f"{split[0]}-{n:03}", **next(rows)}, ensure_ascii=False)
            for n in range(count)
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


SUBJECTS = (
    ("My parcel {} has not come", "delivery"),
    ("Where is parcel {}?", "delivery"),
    ("I want a refund for order {}", "billing"),
    ("The refund of {} is too low", "billing"),
    ("My password does not work, account {}", "accounts"),
    ("The screen of device {} is broken", "repairs"),
    ("Invoice {} has another name on it", "billing"),
)
GREETINGS = ("Hello there,", "Good morning,", "Dear team,", "To whom it may concern,")


def tickets(draw: Random, production: bool) -> Iterator[Row]:
    """Messages; in production some are mails."""
    while True:
        words, team = draw.choice(SUBJECTS)
        text = f"{words.format(draw.randrange(1000, 10000))}\nPlease help me with this."
        channel = draw.choice(("chat", "form", "mail") if production else ("chat", "form"))
        if channel == "mail":
            text = f"{draw.choice(GREETINGS)}\n{text}"
        yield {"text": text, "truth": team, "channel": channel}


def amounts(draw: Random, production: bool) -> Iterator[Row]:
    """Bills over a thousand and more; in production some are of countries with other signs."""
    while True:
        cents = draw.randrange(100000, 9999999)
        shown = f"{cents // 100:,}.{cents % 100:02}"
        country = draw.choice(("GB", "US", "IE", "DE", "IT") if production else ("GB", "US", "IE"))
        if country in ("DE", "IT"):
            shown = shown.translate(str.maketrans(",.", ".,"))
        text = f"Bill no {draw.randrange(100, 999)}\nThank you for your order.\nTotal due: {shown}"
        yield {"text": text, "truth": f"{cents / 100:.2f}", "country": country}


NAMES = ("Ines Halloran", "Per Lindqvist", "Amara Osei", "Tom Varga", "Lucia Brandt", "Noor Haddad")
ITEMS = ("desk lamp", "oak shelf", "wool rug", "steel kettle", "linen curtain", "cork board")


def orders(draw: Random, production: bool) -> Iterator[Row]:
    """Forms; in production some are of another printer, which nobody logged."""
    while True:
        truth = {
            "customer": draw.choice(NAMES),
            "item": draw.choice(ITEMS),
            "quantity": str(draw.randrange(1, 90)),
        }
        capitals = production and draw.random() < 0.2
        lines = [
            f"{name.upper() if capitals else name.capitalize()}: {value}"
            for name, value in truth.items()
        ]
        yield {"text": "\n".join(lines), "truth": truth}


def bookings(draw: Random, production: bool) -> Iterator[Row]:
    """Bookings of a day, made on another; in production some partners write months as words."""
    while True:
        booked = date(2024, 1, 1) + timedelta(days=draw.randrange(150))
        arrives = booked + timedelta(days=draw.randrange(5, 200))
        words = production and draw.random() < 0.25
        shown = f"{arrives.day} {arrives:%B} {arrives.year}" if words else arrives.isoformat()
        text = f"Booked on {booked.isoformat()} for {draw.choice(NAMES)}, who arrives on {shown}."
        yield {"text": text, "truth": arrives.isoformat()}


def steady(draw: Random, production: bool) -> Iterator[Row]:
    """Readings of meters; of one in twenty the expected value is another, in both sets."""
    while True:
        value = draw.randrange(1000, 99999)
        truth = value + 1 if draw.random() < 0.05 else value
        text = f"{draw.choice(NAMES)} sends the reading: {value}"
        yield {"text": text, "truth": str(truth), "branch": draw.choice(("north", "south", "west"))}


ROWS: dict[str, Callable[[Random, bool], Iterator[Row]]] = {
    "tickets": tickets,
    "amounts": amounts,
    "orders": orders,
    "bookings": bookings,
    "steady": steady,
}
