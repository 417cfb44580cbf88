"""White space and line ends. Every character that can be seen stays as it is."""

from __future__ import annotations

import re
from random import Random

from eval_autopsy.perturbations.answers import follows
from eval_autopsy.perturbations.draws import one_of
from eval_autopsy.perturbations.labelled import Line, lines_of, newline_of, text_of
from eval_autopsy.registry import perturbation

INK = "every character that can be seen, and their order"
INSIDE = "every line but for the white space at its ends"
SPACES = "white space"
NO_BREAK = "\u00a0"


@perturbation("indent_lines", varies=SPACES, holds=INSIDE)
def indent_lines(text: str, draw: Random) -> str | None:
    """Every line begins with white space: spaces, or a tab."""
    indent = one_of(draw, ("  ", "    ", "\t"))
    return text_of(line._replace(body=indent + line.body) for line in lines_of(text))


@perturbation("trailing_spaces", varies=SPACES, holds=INSIDE)
def trailing_spaces(text: str, draw: Random) -> str | None:
    """Every line ends with spaces."""
    end = one_of(draw, (" ", "  ", "   "))
    return text_of(line._replace(body=line.body + end) for line in lines_of(text))


@perturbation("blank_lines", varies=SPACES, holds="every line, and their order")
def blank_lines(text: str, draw: Random) -> str | None:
    """A blank line follows every line but the last."""
    lines = lines_of(text)
    gap = newline_of(lines)
    between = [Line(line.body, line.end + gap) for line in lines[:-1]]
    return text_of([*between, *lines[-1:]])


@perturbation("tidy_spaces", varies=SPACES, holds=INSIDE)
def tidy_spaces(text: str, draw: Random) -> str | None:
    """White space at the ends of lines is taken away, and so are blank lines."""
    kept = [line._replace(body=line.body.strip()) for line in lines_of(text)]
    return text_of(line for line in kept if line.body)


@perturbation("line_endings", varies=SPACES, holds="every line, and their order")
def line_endings(text: str, draw: Random) -> str | None:
    """Lines end as on another system: line feed with a carriage return, or without."""
    lines = lines_of(text)
    other = "\n" if newline_of(lines) == "\r\n" else "\r\n"
    return text_of(Line(line.body, other if line.end else "") for line in lines)


def doubled(text: str) -> str:
    """A text in which every space is two."""
    return text.replace(" ", "  ")


@perturbation("double_spaces", varies=SPACES, holds=INK, answers=follows(doubled))
def double_spaces(text: str, draw: Random) -> str | None:
    """Every space is two."""
    return doubled(text)


def single(text: str) -> str:
    """A text in which a run of spaces is one."""
    return re.sub(" +", " ", text)


@perturbation("single_spaces", varies=SPACES, holds=INK, answers=follows(single))
def single_spaces(text: str, draw: Random) -> str | None:
    """Spaces that follow each other are one."""
    return single(text)


def unbroken(text: str) -> str:
    """A text in which every space is a no-break space."""
    return text.replace(" ", NO_BREAK)


@perturbation("no_break_spaces", varies=SPACES, holds=INK, answers=follows(unbroken))
def no_break_spaces(text: str, draw: Random) -> str | None:
    """Every space is a no-break space, as word processors and web pages have them."""
    return unbroken(text)
