"""The cube counted by polars, in columns, where the kernel counts record by record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from eval_autopsy import kernel
from eval_autopsy.verdicts import FIELD, GUARD, LEVEL


def count(spec: Mapping[str, Any], table: pl.DataFrame) -> kernel.Cube:
    """The cube of a table of verdicts (`verdicts.table_of`)."""
    attributes = [kernel.attribute_name(one) for one in spec["attributes"]]
    levels = [LEVEL + name for name in attributes]
    fields = [name.removeprefix(FIELD) for name in table.columns if name.startswith(FIELD)]
    outcomes = outcomes_of(spec, fields)
    frame = table.lazy().select("split", "id", *levels, **outcomes).collect()
    counted = frame.group_by("split", *levels).agg(pl.col(list(outcomes)).sum())
    cells = {
        (row["split"], tuple(row[name] for name in levels)): {name: row[name] for name in outcomes}
        for row in counted.iter_rows(named=True)
    }

    def members(split: str, outcome: str, where: kernel.Where) -> Iterator[str]:
        if outcome not in outcomes:
            return iter(())
        inside = (pl.col("split") == split) & pl.col(outcome)
        for name, values in where.items():
            inside &= pl.col(LEVEL + name).is_in([kernel.canonical(value) for value in values])
        return iter(frame.filter(inside)["id"])

    return kernel.Cube(attributes, cells, members)


def outcomes_of(spec: Mapping[str, Any], fields: Sequence[str]) -> dict[str, pl.Expr]:
    """Every outcome that a record can have, as a column of true and false."""
    errored = pl.col("errored")
    compared = {name: pl.col(FIELD + name) for name in fields}
    score = pl.all_horizontal("score", *(right.fill_null(True) for right in compared.values()))
    failed = pl.lit(False if spec["errors"] == "wrong" else None, dtype=pl.Boolean)
    verdict = pl.when(errored).then(failed).otherwise(score)
    right, wrong = verdict.fill_null(False), (~verdict).fill_null(False)
    passes = {
        guard["name"]: ~errored
        if guard["rule"] == "no_exception"
        else pl.col(GUARD + guard["name"])
        for guard in spec["guards"]
    }
    stops = {name: (~through).fill_null(False) for name, through in passes.items()}
    stopped = pl.sum_horizontal(pl.lit(0), *stops.values())
    well_formed = ~errored & (stopped == 0)
    found = {
        "records": pl.lit(True),
        "counted": verdict.is_not_null(),
        "unscored": verdict.is_null(),
        "right": right,
        "wrong": wrong,
        "errored": errored,
        "well_formed": well_formed,
        "silent": wrong & well_formed,
        "loud": wrong & ~well_formed,
        "false_alarm": right & (stopped > 0),
        "misplaced": wrong & pl.col("moved"),
    }
    for name, through in passes.items():
        found["caught:" + name] = wrong & stops[name]
        found["missed:" + name] = wrong & through.fill_null(False)
        found["only:" + name] = wrong & stops[name] & (stopped == 1)
        found["false_alarm:" + name] = right & stops[name]
    found.update(
        ("right_field:" + name, compared[name].fill_null(False)) for name in fields if name
    )
    return found
