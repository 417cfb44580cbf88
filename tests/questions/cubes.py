"""Cubes written by hand, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eval_autopsy import kernel

Counts = tuple[int, int, int]  # right, wrong and stopped, wrong and silent

RECORDED: dict[str, Any] = {  # what a description of evidence says at the least
    "attributes": [],
    "guards": [],
    "scorer": {"name": "exact_match", "rule": "exact_match"},
    "converted": [],
    "varied": None,
    "audit": None,
    "cube": None,
    "system": None,
}


def cube_of(
    attributes: Sequence[str],
    eval_: Mapping[tuple[Any, ...], Counts],
    production: Mapping[tuple[Any, ...], Counts],
) -> kernel.Cube:
    """A cube from counts by levels; the ids of a cell are its levels and a number."""
    cells: dict[tuple[str, kernel.Levels], dict[str, int]] = {}
    ids: dict[tuple[str, kernel.Levels, str], list[str]] = {}
    for split, counts in (("eval", eval_), ("production", production)):
        for levels, (right, loud, silent) in counts.items():
            texts = tuple(kernel.canonical(kernel.level(level)) for level in levels)
            n = right + loud + silent
            cells[split, texts] = {
                "records": n,
                "counted": n,
                "right": right,
                "wrong": loud + silent,
                "loud": loud,
                "silent": silent,
            }
            names = [f"{'-'.join(map(str, levels))}-{i}" for i in range(n)]
            ids[split, texts, "counted"] = names
            ids[split, texts, "loud"] = names[right : right + loud]
            ids[split, texts, "silent"] = names[right + loud :]

    def members(split: str, outcome: str, where: kernel.Where) -> Iterator[str]:
        wanted = [
            (attributes.index(name), set(map(kernel.canonical, where[name]))) for name in where
        ]
        for (at, texts, kind), names in ids.items():
            inside = all(texts[i] in allowed for i, allowed in wanted)
            if inside and at == split and kind == outcome:
                yield from names

    return kernel.Cube(attributes, cells, members)


def invoices() -> kernel.Cube:
    """The published counts of the invoice case."""
    production = {
        "delimiter": (187, 0, 0),
        "whitespace": (158, 0, 0),
        "reorder": (0, 0, 36),
        "verbose": (0, 0, 8),
        "compact": (0, 6, 0),
        "mixed": (0, 0, 5),
    }
    return cube_of(
        ["shift_type"],
        {("canonical",): (400, 0, 0)},
        {(name,): counts for name, counts in production.items()},
    )
