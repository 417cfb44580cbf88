"""The cube counted by polars, in columns, where the kernel counts record by record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from eval_autopsy import kernel

_LEVEL = "level "  # the prefix of columns of levels; outcome columns have none


def frame_of(attributes: Sequence[str], records: Sequence[kernel.Record]) -> pl.DataFrame:
    """A row for each record: split, id, a column of level texts per attribute, and a column of
    true and false per outcome."""
    outcomes = sorted({outcome for record in records for outcome in record.outcomes})
    columns: dict[str, pl.Series] = {
        "split": pl.Series([record.split for record in records], dtype=pl.String),
        "id": pl.Series([record.id for record in records], dtype=pl.String),
    }
    for i, name in enumerate(attributes):
        columns[_LEVEL + name] = pl.Series([r.levels[i] for r in records], dtype=pl.String)
    for name in outcomes:
        columns[name] = pl.Series([name in r.outcomes for r in records], dtype=pl.Boolean)
    return pl.DataFrame(columns)


def count(attributes: Sequence[str], frame: pl.DataFrame) -> kernel.Cube:
    """The cube of a frame that `frame_of` made."""
    levels = [_LEVEL + name for name in attributes]
    outcomes = [name for name in frame.columns if name not in ("split", "id", *levels)]
    grouped = frame.group_by("split", *levels).agg(pl.col(outcomes).sum())
    cells = {
        (row["split"], tuple(row[name] for name in levels)): {o: row[o] for o in outcomes}
        for row in grouped.iter_rows(named=True)
    }

    def members(split: str, outcome: str, where: kernel.Where) -> Iterator[str]:
        if outcome not in outcomes:
            return iter(())
        inside = (pl.col("split") == split) & pl.col(outcome)
        for name, values in where.items():
            inside &= pl.col(_LEVEL + name).is_in([kernel.canonical(value) for value in values])
        return iter(frame.filter(inside)["id"])

    return kernel.Cube(attributes, cells, members)
