"""The smallest part of something that still fails: delta debugging.

Source: Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input", IEEE TSE
28:183, algorithm ddmin. The result is 1-minimal: without any one of its items it does not fail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")
Fails = Callable[[list[T]], bool]


def ddmin(items: Sequence[T], fails: Fails[T]) -> list[T]:
    """A 1-minimal part of some items that fails, in their order; nothing when nothing fails too.

    All items together have to fail. `fails` is asked about parts of them, and has to say the same
    each time that it is asked about the same part.

    >>> ddmin(range(8), lambda part: {2, 5} <= set(part))
    [2, 5]
    """
    if not items or fails([]):
        return []
    kept, parts = list(items), 2
    while len(kept) > 1:
        chunks = split(kept, parts)
        smaller = next((chunk for chunk in chunks if fails(chunk)), None)
        if smaller is not None:
            kept, parts = smaller, 2
            continue
        # With two parts, each is what the other one leaves, and has been asked about.
        rests = (without(chunks, at) for at in range(parts)) if parts > 2 else iter(())
        rest = next((rest for rest in rests if fails(rest)), None)
        if rest is not None:
            kept, parts = rest, parts - 1
        elif parts < len(kept):
            parts = min(len(kept), 2 * parts)
        else:
            break
    return kept


def split(items: Sequence[T], parts: int) -> list[list[T]]:
    """The items in their order, in so many parts whose sizes differ by one at most."""
    ends = [len(items) * part // parts for part in range(parts + 1)]
    return [list(items[low:high]) for low, high in pairwise(ends)]


def without(chunks: Sequence[Sequence[T]], at: int) -> list[T]:
    """The items of all parts but one."""
    return [item for number, chunk in enumerate(chunks) if number != at for item in chunk]
