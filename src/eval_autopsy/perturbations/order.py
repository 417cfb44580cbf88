"""The order of labelled fields. Each line stays as it is, and stands elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

from eval_autopsy.perturbations.draws import below, reordered
from eval_autopsy.perturbations.labelled import Field, fields_of, lines_of, replaced, text_of
from eval_autopsy.registry import perturbation

LINES = "every line, and the place of all others"
FIELDS = "the order of labelled fields"


@perturbation("swap_first_fields", varies=FIELDS, holds=LINES)
def swap_first_fields(text: str, draw: Random) -> str | None:
    """The first two labelled fields change places."""
    return _swapped(text, lambda pairs: 0)


@perturbation("swap_last_fields", varies=FIELDS, holds=LINES)
def swap_last_fields(text: str, draw: Random) -> str | None:
    """The last two labelled fields change places."""
    return _swapped(text, lambda pairs: pairs - 1)


@perturbation("swap_neighbours", varies=FIELDS, holds=LINES)
def swap_neighbours(text: str, draw: Random) -> str | None:
    """Two labelled fields that follow each other, drawn at random, change places."""
    return _swapped(text, lambda pairs: below(draw, pairs))


@perturbation(
    "permute_fields", varies=FIELDS, holds="every line, and the place of those without a label"
)
def permute_fields(text: str, draw: Random) -> str | None:
    """The labelled fields come in another order, drawn at random."""
    return _ordered(text, lambda fields: reordered(draw, fields))


@perturbation(
    "usual_order",
    varies=FIELDS,
    holds="every line, and the place of those without a label",
    learns=True,
)
def usual_order(texts: Sequence[str]) -> Callable[[str, Random], str | None] | None:
    """The labelled fields come in the order that is most common among right answers."""
    orders = Counter(tuple(_keys(text)) for text in texts)
    del orders[()]
    if not orders:
        return None
    first = min(orders, key=lambda one: (-orders[one], one))
    usual = {key: place for place, key in enumerate(first)}

    def change(text: str, draw: Random) -> str | None:
        keys = _keys(text)
        if len(set(keys)) < len(keys) or not set(keys) <= usual.keys():
            return None
        return _ordered(text, lambda fields: sorted(fields, key=lambda one: usual[one.key]))

    return change


def _keys(text: str) -> list[str]:
    return [field.key for field in fields_of(lines_of(text)).values()]


def _swapped(text: str, pick: Callable[[int], int]) -> str | None:
    """The text with one pair of fields swapped, which `pick` takes from a number of pairs."""

    def order(fields: Sequence[Field]) -> list[Field]:
        first = pick(len(fields) - 1)
        result = list(fields)
        result[first : first + 2] = reversed(result[first : first + 2])
        return result

    return _ordered(text, order)


def _ordered(text: str, order: Callable[[Sequence[Field]], list[Field]]) -> str | None:
    """The text with its fields in another order; None when it has fewer than two."""
    lines = lines_of(text)
    fields = fields_of(lines)
    if len(fields) < 2:
        return None
    moved = order(list(fields.values()))
    return text_of(replaced(lines, dict(zip(fields, moved, strict=True))))
