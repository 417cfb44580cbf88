"""What stands before, after and between the lines that matter. These stay as they are."""

from __future__ import annotations

from random import Random

from eval_autopsy.perturbations.draws import one_of, shuffled
from eval_autopsy.perturbations.labelled import (
    Line,
    field_of,
    fields_of,
    lines_of,
    newline_of,
    parts_of,
    text_of,
)
from eval_autopsy.registry import perturbation

EVERYTHING = "every line of the text, and their order"
BEFORE = "what stands before the text"
AFTER = "what stands after the text"
BREAKS = "how fields are parted into lines"
PREAMBLES = (
    "Hello,",
    "Good morning,",
    "Please see below.",
    "Here is what you asked for.",
    "Thank you for your patience.",
)
CLOSINGS = ("Kind regards", "Thank you", "Sent from my phone", "Please keep this for your files.")
NEUTRAL = (
    "The office is open on weekdays.",
    "This message was written with care.",
    "The weather has been mild for the season.",
    "Our building has a new entrance on the east side.",
    "The canteen serves soup and bread.",
    "There is a bicycle stand behind the house.",
    "The corridor has been painted in a light colour.",
    "Visitors are asked to sign the guest book.",
)
LENGTHENED = 3  # times as long as it was, at least


@perturbation("add_preamble", varies=BEFORE, holds=EVERYTHING)
def add_preamble(text: str, draw: Random) -> str | None:
    """One neutral line comes before the text."""
    return one_of(draw, PREAMBLES) + newline_of(lines_of(text)) + text


@perturbation(
    "drop_preamble", varies=BEFORE, holds="every labelled field, and every line after the first one"
)
def drop_preamble(text: str, draw: Random) -> str | None:
    """The lines before the first labelled field are taken away."""
    lines = lines_of(text)
    first = next((at for at, line in enumerate(lines) if _labelled(line)), 0)
    return text_of(lines[first:]) if first else None


@perturbation("add_closing", varies=AFTER, holds=EVERYTHING)
def add_closing(text: str, draw: Random) -> str | None:
    """One neutral line comes after the text."""
    lines = lines_of(text)
    between = "" if lines and lines[-1].end else newline_of(lines)
    return text + between + one_of(draw, CLOSINGS)


@perturbation("lengthen", varies=AFTER, holds=EVERYTHING)
def lengthen(text: str, draw: Random) -> str | None:
    """Neutral sentences come after the text, until it is three times as long."""
    lines = lines_of(text)
    gap = newline_of(lines) * (1 if lines and lines[-1].end else 2)
    return text + gap + _neutral(text, draw)


@perturbation("lengthen_before", varies=BEFORE, holds=EVERYTHING)
def lengthen_before(text: str, draw: Random) -> str | None:
    """Neutral sentences come before the text, until it is three times as long."""
    return _neutral(text, draw) + newline_of(lines_of(text)) * 2 + text


def _neutral(text: str, draw: Random) -> str:
    """Neutral sentences that make a text LENGTHENED times as long as it was, at least."""
    sentences: list[str] = []
    missing = (LENGTHENED - 1) * len(text)
    while missing > 0:
        for sentence in shuffled(draw, NEUTRAL):
            sentences.append(sentence)
            missing -= len(sentence) + 1
    return " ".join(sentences)


@perturbation(
    "truncate",
    varies="where the text ends",
    holds="the first four fifths of the text",
    relation="changes",
)
def truncate(text: str, draw: Random) -> str | None:
    """The last fifth of the characters is cut off."""
    return text[: -(-len(text) * 4 // 5)] if len(text) > 4 else None


@perturbation("join_lines", varies=BREAKS, holds="every labelled field, and their order")
def join_lines(text: str, draw: Random) -> str | None:
    """Labelled fields that follow each other come on one line, with semicolons between them."""
    lines = lines_of(text)
    fields = fields_of(lines)
    joined: list[Line] = []
    for number, line in enumerate(lines):
        if number in fields and number - 1 in fields:
            body = joined[-1].body.rstrip() + "; " + line.body.lstrip()
            joined[-1] = Line(body, line.end)
        else:
            joined.append(line)
    return text_of(joined) if len(joined) < len(lines) else None


@perturbation("split_lines", varies=BREAKS, holds="every labelled field, and their order")
def split_lines(text: str, draw: Random) -> str | None:
    """Each labelled field has a line to itself, where several shared one."""
    lines = lines_of(text)
    between = newline_of(lines)
    parts = [Line(between.join(parts_of(line.body)), line.end) for line in lines]
    return text_of(parts) if parts != lines else None


def _labelled(line: Line) -> bool:
    """Whether a line has a labelled field, or several."""
    return field_of(line.body) is not None or len(parts_of(line.body)) > 1
