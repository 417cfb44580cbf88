"""The cube of a table in a warehouse is the one that the rows give when they are counted here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from eval_autopsy.cubes.blocks import OUTCOMES, PARTS
from eval_autopsy.cubes.plan import TablePlan
from eval_autopsy.cubes.warehouse import cube_of_table

from .made import (
    ATTRIBUTES,
    arrow,
    counted,
    in_duckdb,
    in_spark,
    margins,
    outcome_of,
    part_of,
    rows,
    text_of,
)

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
    found = cube_of_table(
        load(arrow(some)), plan(**({key: key} if key else {}), seed=seed, depth=depth)
    )
    wanted = counted(some, key, seed, at_most=30, depth=depth)
    assert found.cube.attributes == wanted.cube.attributes
    assert dict(margins(found.cube)) == dict(margins(wanted.cube))
    assert found.cube.unscored == dict(wanted.unscored)
    assert found.held_out is (key is not None)
    assert found.clustered is (key == "cluster")
    assert found.cube.totals[2].any() == found.held_out
    assert found.set_aside == ()


def test_the_records_of_every_level_are_told_by_its_values(load: Load) -> None:
    some = rows()
    found = cube_of_table(load(arrow(some)), plan(id="id", depth=1))
    wanted = counted(some, "id", 0, at_most=30, depth=1).cube
    levels = [
        (i, code) for i, one in enumerate(wanted.attributes) for code in range(len(one.levels))
    ]
    for start in range(0, len(levels), 20):
        slices = levels[start : start + 20]
        overlaps = found.records.overlaps([{i: code} for i, code in slices])
        for bit, (i, code) in enumerate(slices):
            counts = np.zeros((3, 3), np.int64)
            for one in overlaps:
                counts[one.part, one.outcome] += one.records * (one.pattern >> bit & 1)
            assert counts.tolist() == wanted.margin((i,))[code].tolist(), (i, code)


def test_what_some_slices_hold_and_others_do_not_is_counted_again(load: Load) -> None:
    some = rows()
    found = cube_of_table(load(arrow(some)), plan(id="id", depth=2))
    attributes = [one.name for one in found.cube.attributes]
    truth, whole = attributes.index("truth"), attributes.index("whole")
    levels = found.cube.attributes[truth].levels, found.cube.attributes[whole].levels
    inside = {truth: levels[0].index("true")}
    outside = {whole: levels[1].index("null")}
    cube = found.records.within(inside, [outside], lambda what, done, total: None)
    kept = [row for row in some if row["truth"] is True and row["whole"] is not None]
    wanted = Counter(
        (part_of(row, "id", 0), outcome_of(row), text_of(row["whole"]))
        for row in kept
        if row["split"] != "staging" and outcome_of(row)
    )
    for code, text in enumerate(levels[1]):
        for part in ("eval", "search"):
            for outcome in OUTCOMES:
                n = cube.margin((whole,))[code, PARTS.index(part), OUTCOMES.index(outcome)]
                assert n == wanted[part, outcome, text]
    assert not cube.totals[PARTS.index("confirm")].any()
