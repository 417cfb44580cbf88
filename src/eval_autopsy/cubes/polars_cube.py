"""The cube counted by polars, in columns, where the kernel counts record by record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import polars as pl

from eval_autopsy import kernel
from eval_autopsy.verdicts import AUDIT, FIELD, GUARD, LEVEL

NO_CLUSTERS = kernel.Clusters(0, 0, 0, 0)


def count(spec: Mapping[str, Any], table: pl.DataFrame) -> kernel.Cube:
    """The cube of a table of verdicts (`verdicts.table_of`)."""
    names = [kernel.attribute_name(one) for one in spec["attributes"]]
    outcomes = outcomes_in(spec, table)
    levels = (LEVEL + name for name in names)
    of_records = ("split", "id", "unit", *levels)
    return FrameCube(names, table.lazy().select(*of_records, **outcomes).collect())


class FrameCube(kernel.Cube):
    """The cube of a frame with a column for each outcome, grouped by what is asked for.

    All combinations of many attributes are nearly as many as there are records, so that they are
    counted only when somebody looks at the cells.
    """

    def __init__(self, attributes: Sequence[str], frame: pl.DataFrame) -> None:
        self.frame = frame
        levels = {LEVEL + name for name in attributes}
        self.outcomes = [c for c in frame.columns if c not in {"split", "id", "unit", *levels}]
        self.clustered = len(frame.select("split", "unit").unique()) < len(frame)
        self.known: dict[tuple[Any, ...], dict[kernel.Levels, kernel.Clusters]] = {}
        super().__init__(attributes, {}, self._members, self._clusters)
        del self.cells  # so that the property below makes them when they are asked for

    @cached_property
    def cells(self) -> Mapping[tuple[str, kernel.Levels], Mapping[str, int]]:  # type: ignore[override]
        """The counts of each combination of levels of all attributes."""
        by_split = self.counted(self.attributes)
        return {
            (s, levels): counts for s, cells in by_split.items() for levels, counts in cells.items()
        }

    def counted(self, by: Sequence[str]) -> dict[str, dict[kernel.Levels, Counter[str]]]:
        """The cells of some attributes alone, by split; counted once for each choice of them."""
        for name in by:
            if name not in self.attributes:
                raise kernel.Unreadable(f"no attribute {name!r}", "claims")
        key = tuple(by)
        if key not in self.marginals:
            levels = [LEVEL + name for name in by]
            grouped = self.frame.group_by("split", *levels).agg(pl.col(self.outcomes).sum())
            found: dict[str, dict[kernel.Levels, Counter[str]]] = {}
            for split, *rest in grouped.iter_rows():
                one, counts = tuple(rest[: len(by)]), rest[len(by) :]
                cell = Counter(dict(zip(self.outcomes, counts, strict=True)))
                found.setdefault(split, {})[one] = cell
            self.marginals[key] = found
        return self.marginals[key]

    def _members(self, split: str, outcome: str, where: kernel.Where) -> Iterator[str]:
        if outcome not in self.outcomes:
            return iter(())
        return iter(self.frame.filter(_inside(split, where) & pl.col(outcome))["id"])

    def _clusters(
        self, split: str, outcome: str, of: str, where: kernel.Where
    ) -> kernel.Clusters | None:
        """As the kernel's; those of single levels are summed for all cells at a time, and kept."""
        if not self.clustered:
            return None
        if any(len(levels) > 1 for levels in where.values()):
            return self._summed((), outcome, of, _inside(split, where)).get((), NO_CLUSTERS)
        by = tuple(sorted(where))
        key = (split, outcome, of, by)
        if key not in self.known:
            self.known[key] = self._summed(by, outcome, of, _inside(split, {}))
        cell = tuple(kernel.canonical(where[name][0]) for name in by)
        return self.known[key].get(cell, NO_CLUSTERS)

    def _summed(
        self, by: Sequence[str], outcome: str, of: str, inside: pl.Expr
    ) -> dict[kernel.Levels, kernel.Clusters]:
        """The clusters of the records that are `of`, for each cell of some attributes."""
        levels = [LEVEL + name for name in by]
        there, had = (
            pl.col(name) if name in self.outcomes else pl.lit(False) for name in (of, outcome)
        )
        k, n = pl.col("k"), pl.col("n")
        found = (
            self.frame.lazy()
            .filter(inside & there)
            .group_by("unit", *levels)
            .agg(k=had.sum().cast(pl.Int64), n=pl.len().cast(pl.Int64))
            .group_by(levels or pl.lit(0))
            .agg(number=pl.len(), k_k=(k * k).sum(), k_n=(k * n).sum(), n_n=(n * n).sum())
            .select(*levels, "number", "k_k", "k_n", "n_n")
            .collect()
        )
        return {row[: len(by)]: kernel.Clusters(*row[len(by) :]) for row in found.iter_rows()}


def _inside(split: str, where: kernel.Where) -> pl.Expr:
    """Whether a record is in a slice of a split."""
    inside = pl.col("split") == split
    for name, values in where.items():
        inside &= pl.col(LEVEL + name).is_in([kernel.canonical(value) for value in values])
    return inside


def outcomes_in(spec: Mapping[str, Any], table: pl.DataFrame) -> dict[str, pl.Expr]:
    """Every outcome that a record of a table can have, as a column of true and false."""
    fields = [name.removeprefix(FIELD) for name in table.columns if name.startswith(FIELD)]
    audit = (name for name in table.columns if name.startswith(AUDIT))
    return outcomes_of(spec, fields) | {n.removeprefix(AUDIT): pl.col(n) for n in audit}


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
