"""Rows at random with values of all kinds, in each engine, and counted one by one."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from eval_autopsy.cubes import blocks

Row = dict[str, Any]

TEXTS = [
    *("plain", "it's", '"quoted"', "back\\slash", "a\nb", "tab\t", " ", "", "null", "1", "true"),
    *("\u202eright to left", "caf\u00e9", "cafe\u0301", "\U0001f600", "\x1b[31m", "x" * 10_000),
    None,
]
WHOLE = [0, 1, -7, 2**60 + 1, None]
FRACTIONS = [0.5, 1.0, -2.0, 1e-7, 1e20, 0.1, None]
SCHEMA = pa.schema(
    {
        "split": pa.string(),
        "id": pa.int64(),
        "cluster": pa.string(),
        "score": pa.bool_(),
        "error": pa.string(),
        'text\'s "name".': pa.string(),
        "whole": pa.int64(),
        "truth": pa.bool_(),
        "fraction": pa.float64(),
        "price": pa.decimal128(12, 2),
        "tail": pa.string(),
    }
)
ATTRIBUTES = tuple(SCHEMA.names[5:])


def rows(n: int = 2000, seed: int = 1) -> list[Row]:
    """Rows of eval, of production and of neither; the tail has hundreds of values."""
    draw = random.Random(seed)
    return [
        {
            "split": draw.choice(["eval", "production", "production", "staging"]),
            "id": i,
            "cluster": f"c'{i // 3}\u20ac",
            "score": draw.choice([True, True, False, None]),
            "error": draw.choice([None, None, None, "", "TimeoutError: 30 s"]),
            ATTRIBUTES[0]: draw.choice(TEXTS),
            "whole": draw.choice(WHOLE),
            "truth": draw.choice([True, False, None]),
            "fraction": draw.choice(FRACTIONS),
            "price": draw.choice([Decimal("1.50"), Decimal("2.00"), Decimal("-0.05"), None]),
            "tail": draw.choice(["often", "usual\n", None, f"rare {draw.randrange(500)}"]),
        }
        for i in range(n)
    ]


def arrow(some: Sequence[Row], **types: pa.DataType) -> pa.Table:
    """The rows as a table; `types` are of columns that are not as in SCHEMA."""
    names = list(some[0])
    kinds = {name: types.get(name) or SCHEMA.field(name).type for name in names}
    return pa.Table.from_pylist(list(some), pa.schema(kinds))


def in_duckdb(table: pa.Table) -> Any:
    """The ibis table in a DuckDB of its own."""
    import ibis

    connection = ibis.duckdb.connect()
    connection.con.register("given", table)
    connection.raw_sql("CREATE TABLE runs AS SELECT * FROM given")
    connection.con.unregister("given")
    return connection.table("runs")


def in_spark(table: pa.Table, session: Any) -> Any:
    """The ibis table in Spark."""
    import ibis

    session.createDataFrame(table).createOrReplaceTempView("runs")
    return ibis.pyspark.connect(session).table("runs")


# The same, row by row


def text_of(value: Any) -> str:
    """The text of a level, by its definition in docs/receipt.md."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if number == int(number):
        return str(int(number))
    return json.dumps({"number": str(number.normalize())}, separators=(",", ":"))


class Plain(NamedTuple):
    """What the rows come to."""

    cube: blocks.BlockCube
    unscored: Counter[str]


def counted(some: Sequence[Row], key: str | None, seed: int, at_most: int, depth: int = 3) -> Plain:
    """The cube by the embedded counter, of codes that are made here row by row."""
    classes, scored, unscored = [], [], Counter[str]()
    for row in some:
        if row["split"] not in ("eval", "production"):
            continue
        outcome = outcome_of(row)
        if outcome:
            classes.append(blocks.class_of(part_of(row, key, seed), outcome))
            scored.append(row)
        else:
            unscored[row["split"]] += 1
    coded, codes = [], []
    for name in ATTRIBUTES:
        texts = [text_of(row[name]) for row in scored]
        levels, texts = folded(texts, at_most)
        coded.append(blocks.Coded(name, tuple(levels)))
        codes.append(np.array([levels.index(text) for text in texts], np.uint16))
    batch = blocks.Batch(codes, np.array(classes, np.uint8))
    return Plain(blocks.count(coded, depth, [batch]), unscored)


def outcome_of(row: Mapping[str, Any]) -> str:
    """ "" without a verdict."""
    if row["error"]:
        return "loud"
    if row["score"] is None:
        return ""
    return "right" if row["score"] else "silent"


def part_of(row: Mapping[str, Any], key: str | None, seed: int) -> str:
    if row["split"] == "eval":
        return "eval"
    if key is None:
        return "search"
    digest = hashlib.md5(f"{seed}:{row[key]}".encode(), usedforsecurity=False).hexdigest()
    return "search" if digest[0] in "01234567" else "confirm"


def folded(texts: Sequence[str], at_most: int) -> tuple[list[str], list[str]]:
    """The levels, and each row's: the commonest ones, fewer than `at_most`, and the rest."""
    counts = Counter(texts)
    if len(counts) <= at_most:
        return sorted(counts), list(texts)
    kept = {
        text
        for text, n in counts.items()
        if n >= 5 and sum(other >= n for other in counts.values()) < at_most
    }
    other = '{"other":true}'
    return [*sorted(kept), other], [text if text in kept else other for text in texts]


def margins(cube: blocks.BlockCube) -> Iterator[tuple[Any, list[Any]]]:
    """The counts of every set of attributes."""
    yield (), cube.totals.tolist()
    for positions, counts in cube.margins(cube.depth):
        yield positions, counts.tolist()
