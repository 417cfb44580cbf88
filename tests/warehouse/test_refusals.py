"""What cannot be counted gets one error that says what, where, what was expected and what to do."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from eval_autopsy.cubes.plan import TablePlan
from eval_autopsy.cubes.warehouse import cube_of_table
from eval_autopsy.errors import AutopsyError, BadCase, CannotRead, CannotUse
from eval_autopsy.table_slices import study_of_table

from .made import in_duckdb

N = 40
COLUMNS: dict[str, Any] = {
    "split": ["eval", "production"] * (N // 2),
    "score": [True, True, True, False] * (N // 4),
    "region": ["north", "south", "south", None] * (N // 4),
    "id": [f"r{i}" for i in range(N)],
}
PLAN: dict[str, Any] = {"attributes": ("region",), "correct": "score", "split": "split"}


def refused(columns: dict[str, Any] | None = None, **plan: Any) -> AutopsyError:
    """The error that a table and a plan are answered with."""
    table = in_duckdb(pa.table({**COLUMNS, **(columns or {})}))
    with pytest.raises(AutopsyError) as raised:
        cube_of_table(table, TablePlan(**{**PLAN, **plan}))
    assert "\n" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize("part", ["attributes", "correct", "split", "error", "id", "cluster"])
def test_a_column_that_is_not_there_is_named_with_the_nearest_that_is(part: str) -> None:
    changes: dict[str, Any] = {part: ("regoin",) if part == "attributes" else "regoin"}
    error = refused(**changes)
    assert isinstance(error, CannotRead)
    assert str(error) == (
        "runs: there is no column 'regoin' among: split, score, region, id. Did you mean 'region'?"
    )


@pytest.mark.parametrize(
    ("scores", "shown", "rows"),
    [
        (pa.array([1, 0, 1, -1] * (N // 4)), "-1", 10),
        (pa.array([1.0, 0.0, 1.0, 0.5] * (N // 4)), '{"number":"0.5"}', 10),
        (pa.array(["true", "0", " TRUE ", "maybe\n\x1b[31m"] * (N // 4)), "maybe", 10),
        (pa.array([Decimal("0.75"), Decimal("0.10")] * (N // 2)), "0.75", 20),
    ],
)
def test_a_score_that_says_neither_is_shown_with_how_many_rows_have_it(
    scores: pa.Array, shown: str, rows: int
) -> None:
    error = refused({"score": scores})
    assert isinstance(error, CannotRead)
    assert shown in error.what
    assert f"in {rows} rows of" in error.what
    assert "expected true, false, 1, 0 or null" in error.what
    assert error.where == "runs:score"
    assert "\x1b" not in str(error)


@pytest.mark.parametrize(
    "scores",
    [
        [True, True, True, False],
        [1, 1, 1, 0],
        [1.0, 1.0, 1.0, 0.0],
        ["true", " True", "1", "FALSE"],
        ["1.0", "1", "true\t", "0.0"],
    ],
)
def test_scores_are_read_as_the_kernel_reads_them(scores: list[Any]) -> None:
    table = in_duckdb(pa.table({**COLUMNS, "score": scores * (N // 4)}))
    found = cube_of_table(table, TablePlan(**PLAN))
    # Rows of production are every second: of 20 each, the fourth of four is wrong.
    assert found.cube.totals.tolist() == [[20, 0, 0], [10, 0, 10], [0, 0, 0]]


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", ["score", "region"])
def test_what_is_no_number_is_refused_with_its_rows(odd: float, column: str) -> None:
    error = refused({column: [1.0, 0.0, odd, None] * (N // 4)})
    assert str(error) == (
        f"runs:{column}: 10 rows hold NaN or infinity, expected a number or null. "
        "Make them null in a view."
    )


def test_a_split_that_no_row_has_is_refused_with_those_there_are() -> None:
    error = refused(production="live")
    assert str(error) == (
        "runs:split: no row has the value 'live', for production, but "
        '"eval", "production". Name the values that stand for eval and for production.'
    )


def test_a_split_without_a_verdict_is_refused() -> None:
    error = refused({"score": [True, None] * (N // 2)})
    assert str(error).startswith("runs:score: no record of production has a verdict.")


def test_a_column_of_objects_is_refused_with_its_type() -> None:
    error = refused({"region": [["a"], []] * (N // 2)})
    assert "the column 'region' holds array<string>, expected text, numbers or truth" in str(error)


def test_a_key_that_some_rows_of_production_lack_is_refused() -> None:
    error = refused({"id": ["a", None] * (N // 2)}, id="id")
    assert str(error).startswith("runs:id: 20 rows of production have no key.")


def test_nothing_to_slice_by_is_said_with_the_reasons() -> None:
    error = refused({"region": pa.array([None] * N, pa.string())})
    assert isinstance(error, CannotUse)
    assert "there is nothing to slice by (region: no record has a value)" in str(error)


def test_more_combinations_than_can_be_counted_at_once_are_refused() -> None:
    many = {f"c{i}": [f"v{(j * (i + 1)) % 400}" for j in range(N * 100)] for i in range(3)}
    some = {name: values * 100 for name, values in COLUMNS.items()}
    error = refused({**some, **many}, attributes=tuple(many), levels_at_most=400)
    assert "more combinations than can be counted at once" in str(error)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"attributes": ("region", "region")}, "named twice"),
        ({"attributes": ("score",)}, "says what a record is as well"),
        ({"split": "score"}, "one column plays two parts"),
        ({"eval": "x", "production": "x"}, "stands for eval and for production"),
        ({"depth": 0}, "expected 1 and 2 at least"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadCase, match=said):
        TablePlan(**{**PLAN, **changes})


def test_what_the_engine_says_is_passed_on_in_one_line() -> None:
    table = in_duckdb(pa.table(COLUMNS))
    table.get_backend().raw_sql("DROP TABLE runs")
    with pytest.raises(CannotRead, match="the engine that holds the table says: Catalog Error"):
        cube_of_table(table, TablePlan(**PLAN))


def test_splits_that_cannot_be_guessed_are_refused() -> None:
    table = in_duckdb(pa.table({**COLUMNS, "split": ["a", "b"] * (N // 2)}))
    with pytest.raises(BadCase, match="expected one that names eval and one production"):
        study_of_table(table, split="split", correct="score")


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"plan": "pro"}, lambda row: row["plan"] == "pro"),
        ({"tries": "7"}, lambda row: row["tries"] == 7),
        ({"plan": "7"}, lambda row: row["plan"] == "7"),
        ({"plan": "null"}, lambda row: row["plan"] in (None, "null")),
        ({"beta": "true"}, lambda row: row["beta"] is True),
        ({"share": "0.5"}, lambda row: row["share"] == 0.5),
        ({"plan": "pro", "tries": "7"}, lambda row: (row["plan"], row["tries"]) == ("pro", 7)),
    ],
)
def test_where_keeps_the_rows_that_have_a_value(
    where: dict[str, str], kept: Callable[[dict[str, Any]], bool]
) -> None:
    draw = random.Random(2)
    some = [
        {
            "split": draw.choice(["eval", "production"]),
            "score": draw.random() < 0.8,
            "plan": draw.choice(["pro", "7", "null", None]),
            "tries": draw.choice([7, 8, None]),
            "beta": draw.choice([True, False, None]),
            "share": draw.choice([0.5, 1.5, None]),
            "region": draw.choice(["eu", "us"]),
        }
        for _ in range(1500)
    ]
    study = study_of_table(in_duckdb(pa.Table.from_pylist(some)), split="split", correct="score")
    found = study.slices(["region"], where=where)
    left = [row for row in some if kept(row)]
    assert (found.eval.n, found.production.n) == tuple(
        sum(row["split"] == split for row in left) for split in ("eval", "production")
    )


@pytest.mark.parametrize("where", [{"plan": "gold"}, {"tries": "many"}])
def test_a_value_that_no_row_has_is_refused_without_asking_for_those_there_are(
    where: dict[str, str],
) -> None:
    rows = [{"split": "eval", "score": True, "plan": "pro", "tries": 1}] * 50
    rows += [{"split": "production", "score": False, "plan": "free", "tries": 2}] * 50
    study = study_of_table(in_duckdb(pa.Table.from_pylist(rows)), split="split", correct="score")
    with pytest.raises(CannotRead, match=f"no row has {next(iter(where))} = "):
        study.slices(where=where)
