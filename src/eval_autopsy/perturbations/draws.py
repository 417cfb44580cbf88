"""Draws that every version of Python makes alike: they rest on `Random.random` alone."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def below(draw: Random, limit: int) -> int:
    """A whole number from 0 up to, and without, the limit."""
    return int(draw.random() * limit)


def one_of(draw: Random, choices: Sequence[T]) -> T:
    """One of the choices, of which there is at least one."""
    return choices[below(draw, len(choices))]


def shuffled(draw: Random, items: Sequence[T]) -> list[T]:
    """The items in a random order. Source: Fisher and Yates."""
    result = list(items)
    for last in range(len(result) - 1, 0, -1):
        other = below(draw, last + 1)
        result[last], result[other] = result[other], result[last]
    return result


def reordered(draw: Random, items: Sequence[T]) -> list[T]:
    """The items in another order than theirs; as they are when no two of them differ."""
    result = shuffled(draw, items)
    if result != list(items):
        return result
    return [*result[1:], *result[:1]]  # the same again only when all are equal
