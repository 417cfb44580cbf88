"""The cube of a table in a warehouse is the one that the rows give when they are counted here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from eval_autopsy.cubes.plan import TablePlan
from eval_autopsy.cubes.warehouse import cube_of_table

from .made import ATTRIBUTES, arrow, counted, in_duckdb, in_spark, margins, rows

Load = Callable[[pa.Table], Any]


@pytest.fixture(params=["duckdb", "spark"])
def load(request: pytest.FixtureRequest) -> Load:
    """From rows to an ibis table, in each engine."""
    if request.param == "duckdb":
        return in_duckdb
    session = request.getfixturevalue("spark")
    return lambda table: in_spark(table, session)


def plan(**changes: Any) -> TablePlan:
    given: dict[str, Any] = {"attributes": ATTRIBUTES, "correct": "score", "split": "split"}
    return TablePlan(**{**given, "error": "error", "levels_at_most": 30, **changes})


@pytest.mark.parametrize(("key", "seed", "depth"), [("cluster", 0, 3), ("id", 7, 1), (None, 0, 1)])
def test_an_engine_counts_as_the_embedded_counter_does(
    load: Load, key: str | None, seed: int, depth: int
) -> None:
    some = rows()
    found = cube_of_table(load(arrow(some)), plan(key=key, seed=seed, depth=depth))
    wanted = counted(some, key, seed, at_most=30, depth=depth)
    assert found.cube.attributes == wanted.cube.attributes
    assert dict(margins(found.cube)) == dict(margins(wanted.cube))
    assert found.cube.unscored == dict(wanted.unscored)
    assert found.held_out is (key is not None)
    assert found.cube.totals[2].any() == found.held_out
    assert found.set_aside == ()
