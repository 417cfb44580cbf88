"""Files of rows with one slice that is wrong more often, the same for the same arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20)  # values of each attribute
ROWS_AT_A_TIME = 1_000_000  # a row group; what is made depends on it
USUAL, PLANTED = 0.1, 0.3  # shares of wrong rows, without and within the planted slice


class Rows(NamedTuple):
    """What a file holds."""

    n: int
    sizes: tuple[int, ...] = SIZES
    seed: int = 1

    @property
    def name(self) -> str:
        return f"{self.n}-{'.'.join(map(str, self.sizes))}-{self.seed}"

    def planted(self) -> dict[int, int]:
        """The slice that is wrong more often: positions of three attributes, and their levels."""
        last = len(self.sizes) - 1
        return {at: min(1, self.sizes[at] - 1) for at in {min(1, last), last // 2, last}}


def batches(rows: Rows) -> Iterator[tuple[list[Any], Any]]:
    """Codes of each attribute, and whether a row is right, some rows at a time.

    Of an attribute's levels the first is the most frequent: code k has a weight of
    1 / sqrt(1 + k).
    """
    for start in range(0, rows.n, ROWS_AT_A_TIME):
        n = min(ROWS_AT_A_TIME, rows.n - start)
        chance = np.random.default_rng([rows.seed, start])
        codes = []
        for size in rows.sizes:
            weights = 1 / np.sqrt(1 + np.arange(size))
            bounds = np.cumsum(weights / weights.sum())[:-1]
            codes.append(np.searchsorted(bounds, chance.random(n), side="right"))
        inside = np.logical_and.reduce([codes[at] == code for at, code in rows.planted().items()])
        yield codes, chance.random(n) >= np.where(inside, PLANTED, USUAL)


def levels(size: int) -> list[str]:
    return [f"v{code:03}" for code in range(size)]


def write_parquet(path: Path, rows: Rows) -> None:
    """Text columns a0, a1, ... and a Boolean column `correct`."""
    texts = [pa.array(levels(size)) for size in rows.sizes]
    names = [f"a{i}" for i in range(len(texts))]
    # Made as dictionaries because that is quick, but the file says text, as most files do.
    kinds = [pa.field(name, pa.dictionary(pa.int32(), pa.string())) for name in names]
    schema = pa.schema([*kinds, pa.field("correct", pa.bool_())])
    with pq.ParquetWriter(path, schema, store_schema=False) as file:
        for codes, correct in batches(rows):
            columns: list[Any] = [
                pa.DictionaryArray.from_arrays(pa.array(column.astype(np.int32)), text)
                for column, text in zip(codes, texts, strict=True)
            ]
            file.write_table(pa.Table.from_arrays([*columns, pa.array(correct)], schema=schema))


def write_jsonl(path: Path, rows: Rows) -> None:
    """The same rows as lines of JSON, with an `id` and a `split`: every tenth row is of eval."""
    texts = [levels(size) for size in rows.sizes]
    number = 0
    with path.open("w", encoding="utf-8") as file:
        for codes, correct in batches(rows):
            columns = [column.tolist() for column in (*codes, correct)]
            for *of_row, right in zip(*columns, strict=True):
                row = {f"a{i}": texts[i][code] for i, code in enumerate(of_row)}
                split = "production" if number % 10 else "eval"
                line = {"id": str(number), "split": split, **row, "correct": right}
                file.write(json.dumps(line) + "\n")
                number += 1


def read_rows(path: Path) -> tuple[list[dict[str, str]], list[bool]]:
    """The rows of a small Parquet file: levels by attribute, and whether each is wrong."""
    rows: Sequence[dict[str, Any]] = pq.read_table(path).to_pylist()
    wrong = [not row.pop("correct") for row in rows]
    return list(rows), wrong
