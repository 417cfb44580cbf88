"""Judged records as small integers: a code for each level, a class for what each record is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_autopsy import kernel
from eval_autopsy.cubes.blocks import Batch, Coded, class_of
from eval_autopsy.cubes.polars_cube import outcomes_in
from eval_autopsy.verdicts import LEVEL


class Rows(NamedTuple):
    """The scored records of both splits, in the order of the data."""

    attributes: tuple[Coded, ...]
    batch: Batch
    units: tuple[str, ...]  # what each belongs with: its cluster, or itself

    @property
    def clustered(self) -> bool:
        """Whether some records belong together."""
        return len(set(self.units)) < len(self.units)


def rows_of(
    spec: Mapping[str, Any],
    table: pl.DataFrame,
    by: Sequence[str],
    *,
    seed: int = 0,
    held_out: bool = False,
) -> Rows:
    """The scored records of a table of verdicts (`verdicts.table_of`), by some attributes.

    Without a held-out half all of production is in the part that is searched.
    """
    outcomes = outcomes_in(spec, table)
    wanted = {name: outcomes[name] for name in ("counted", "right", "silent")}
    frame = table.lazy().select("split", "unit", *(LEVEL + name for name in by), **wanted)
    scored = frame.filter("counted").collect()
    columns = [coded(name, scored[LEVEL + name]) for name in by]
    units = tuple(scored["unit"])
    return Rows(
        attributes=tuple(attribute for attribute, _ in columns),
        batch=Batch([codes for _, codes in columns], _classes(scored, units, seed, held_out)),
        units=units,
    )


def coded(name: str, levels: pl.Series) -> tuple[Coded, NDArray[np.unsignedinteger[Any]]]:
    """An attribute and the code of each level, in the order of the levels' texts."""
    texts = levels.unique().sort()
    codes = levels.cast(pl.Enum(texts)).to_physical().to_numpy()
    smallest = np.uint8 if len(texts) <= 2**8 else np.uint16 if len(texts) <= 2**16 else np.uint32
    return Coded(name, tuple(texts)), codes.astype(smallest)


def _classes(
    scored: pl.DataFrame, units: Sequence[str], seed: int, held_out: bool
) -> NDArray[np.uint8]:
    half = lru_cache(2**16)(lambda unit: kernel.half_of(seed, unit) if held_out else "search")
    parts = [
        "eval" if split == "eval" else half(unit)
        for split, unit in zip(scored["split"], units, strict=True)
    ]
    outcomes = [
        "right" if right else "silent" if silent else "loud"
        for right, silent in zip(scored["right"], scored["silent"], strict=True)
    ]
    classes = map(class_of, parts, outcomes)
    return np.fromiter(classes, np.uint8, len(parts))
