"""Records to be long tables of, and the files that hold them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval_autopsy.readers.sources import SplitColumn

SPLITS = SplitColumn("set", {"eval": "dev", "production": "live"})
ODD = ["plain", 'a "quote"', "two\nlines", "\u202ereversed", "", "x" * 10_000, "7", "naïve 中文"]


def rows(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Records with values of every kind, of which those of one conjunction are mostly wrong."""
    chance = random.Random(seed)
    for number in range(count):
        plan, region = chance.choice(["free", "pro", "team"]), chance.choice(["eu", "us", None])
        bad = 0.6 if (plan, region) == ("pro", "eu") else 0.05
        yield {
            "id": f"r{number}",
            "set": "live" if chance.random() < 0.7 else "dev",
            "plan": plan,
            "region": region,
            "tries": chance.choice([0, 1, 2]),
            "odd": chance.choice(ODD),
            "beta": chance.random() < 0.5,
            "right": None if chance.random() < 0.02 else chance.random() >= bad,
            "failure": "timeout" if chance.random() < 0.01 else None,
        }


def written(folder: Path, form: str, records: list[dict[str, Any]]) -> Path:
    """The records as a file of a form."""
    path = folder / f"runs.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
        return path
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(records), path, row_group_size=700)
    return path
