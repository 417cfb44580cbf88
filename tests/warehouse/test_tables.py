"""What leaves a warehouse, what is folded or set aside there, and the slices that are found."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pytest
from ibis.backends.sql import SQLBackend
from ibis.backends.sql.compilers import BigQueryCompiler, SnowflakeCompiler

from eval_autopsy import kernel
from eval_autopsy.cli.main import main
from eval_autopsy.cubes.columns import digest
from eval_autopsy.cubes.plan import TablePlan
from eval_autopsy.cubes.warehouse import cube_of_table
from eval_autopsy.table_slices import study_of_table
from eval_autopsy.warehoused import NO_KEY

from .made import in_duckdb

PLAN = TablePlan(correct="score", split="split")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[pa.Table]:
    """All that an engine hands out, as it does."""
    found: list[pa.Table] = []
    hand_out = ibis.backends.duckdb.Backend.to_pyarrow

    def noted(self: Any, *arguments: Any, **options: Any) -> Any:
        found.append(hand_out(self, *arguments, **options))
        return found[-1]

    monkeypatch.setattr(ibis.backends.duckdb.Backend, "to_pyarrow", noted)
    return found


def table_of(n: int, **columns: list[Any]) -> Any:
    """Rows of both splits by turns, every fifth wrong, with some columns."""
    split = ["eval", "production"] * (n // 2)
    return in_duckdb(pa.table({"split": split, "score": [i % 5 > 0 for i in range(n)], **columns}))


def test_only_groups_with_their_counts_leave_the_warehouse(answers: list[pa.Table]) -> None:
    n = 100_000
    table = table_of(
        n,
        id=list(range(n)),
        region=[f"region {i % 7}" for i in range(n)],
        plan=[i % 3 for i in range(n)],
        note=[f"secret {i}" for i in range(n)],
    )
    found = cube_of_table(table, TablePlan(correct="score", split="split", id="id"))
    assert found.cube.totals.sum() == n
    # Of classes there are nine, and of cells 21: no answer can have more rows than that.
    assert max(answer.num_rows for answer in answers) <= 21 * 9
    assert not any("secret" in str(answer.to_pydict()) for answer in answers)
    assert found.set_aside == (("note", "100,000 different values in 100,000 records"),)


def test_a_million_different_values_are_set_aside_without_one_of_them_being_seen(
    answers: list[pa.Table],
) -> None:
    connection = ibis.duckdb.connect()
    connection.raw_sql(
        "CREATE TABLE runs AS SELECT 'user ' || i AS who, i % 2 AS plan, i % 3 > 0 AS score, "
        "CASE WHEN i % 4 = 0 THEN 'eval' ELSE 'production' END AS split "
        "FROM range(1000000) AS t(i)"
    )
    found = cube_of_table(connection.table("runs"), PLAN)
    assert found.set_aside == (("who", "1,000,000 different values in 1,000,000 records"),)
    assert max(answer.num_rows for answer in answers) <= PLAN.levels_at_most
    assert not any("user" in str(answer.to_pydict()) for answer in answers)


def test_a_long_tail_folds_into_one_level_and_is_said() -> None:
    # "a" 600 times, "b" 200, "c" and "d" 50 each, and a hundred values once.
    values = ["a"] * 600 + ["b"] * 200 + ["c"] * 50 + ["d"] * 50 + [f"x{i}" for i in range(100)]
    plan = TablePlan(correct="score", split="split", levels_at_most=4)
    found = cube_of_table(table_of(1000, kind=values), plan)
    # At most three may stand for themselves; "c" and "d" cannot be told apart by their counts.
    assert found.cube.attributes[0].levels == ('"a"', '"b"', kernel.OTHER)
    assert found.cube.margin((0,)).sum(axis=(1, 2)).tolist() == [600, 200, 200]
    assert found.notes == ("kind: 102 rarer values, in 200 records, stand together",)


def test_a_rare_null_folds_and_a_frequent_one_does_not() -> None:
    often = [None] * 500 + ["a"] * 400 + [f"x{i}" for i in range(100)]
    seldom = ["b"] * 500 + ["a"] * 400 + [None] * 6 + [f"x{i}" for i in range(94)]
    plan = TablePlan(correct="score", split="split", levels_at_most=3)
    found = cube_of_table(table_of(1000, often=often, seldom=seldom), plan)
    assert [one.levels for one in found.cube.attributes] == [
        ('"a"', "null", kernel.OTHER),
        ('"a"', '"b"', kernel.OTHER),
    ]
    sums = [found.cube.margin((i,)).sum(axis=(1, 2)).tolist() for i in (0, 1)]
    assert sums == [[400, 500, 100], [400, 500, 100]]


def test_columns_that_cannot_tell_anything_are_set_aside_with_the_reason() -> None:
    columns: dict[str, list[Any]] = {
        "kind": ["a", "b", "c", "d"] * 25,
        "nothing": [None] * 100,
        "same": ["x"] * 100,
        "long": ["y" * 61, "z"] * 50,
        "tags": [["a"], []] * 50,
        "day": [datetime.date(2026, 1, 1), None] * 50,
    }
    types = {"nothing": pa.array(columns["nothing"], pa.string())}
    found = cube_of_table(table_of(100, **{**columns, **types}), PLAN)
    assert [one.name for one in found.cube.attributes] == ["kind"]
    assert dict(found.set_aside) == {
        "tags": "it holds array<string>",
        "day": "it holds date",
        "nothing": "no record has a value",
        "same": "every record has the same value",
        "long": "it holds texts of more than 60 characters",
    }


@pytest.mark.parametrize(
    ("name", "compiler", "sql"),
    [
        ("bigquery", BigQueryCompiler(), "TO_HEX(MD5(`t0`.`key`))"),
        ("snowflake", SnowflakeCompiler(), 'MD5("t0"."key")'),
    ],
)
def test_md5_is_called_by_the_name_that_an_engine_has_for_it(
    name: str, compiler: Any, sql: str
) -> None:
    # The engine as far as it goes without a driver.
    engine = type(name, (SQLBackend,), {"name": name, "compiler": compiler})
    table = ibis.table({"key": "string"}, name="runs")
    query = compiler.to_sqlglot(table.select(half=digest(table.key, engine)))
    assert sql in query.sql(dialect=compiler.dialect)


def test_slices_are_found_and_their_held_out_half_is_counted_beside() -> None:
    n = 4000
    rows = [
        {
            "id": i,
            "from": "test set" if i % 2 else "live",
            "plan": "free" if i % 3 else "paid",
            "lang": "de" if i % 5 else "fr",
            "passed": bool(i % 2 or i % 3 == 0 or i % 5 > 0),
            "error": None,
        }
        for i in range(n)
    ]
    table = in_duckdb(pa.Table.from_pylist(rows, pa.schema({
        "id": pa.int64(), "from": pa.string(), "plan": pa.string(), "lang": pa.string(),
        "passed": pa.bool_(), "error": pa.string(),
    })))  # fmt: skip
    wrong = [row for row in rows if not row["passed"]]
    found = study_of_table(table, split="from", correct="passed", id="id").slices(seed=5)
    [best] = found.found
    assert best.where == {"plan": "free", "lang": "fr"}
    assert best.production == (0, len(wrong))
    assert best.silent == len(wrong)
    confirm = [row for row in wrong if kernel.half_of(5, str(row["id"])) == "confirm"]
    assert best.held_out == (0, len(confirm))
    assert found.eval == (2000, 2000)
    assert found.production == (2000 - len(wrong), 2000)
    assert found.notes == (
        "eval is where from is 'test set', production where it is 'live'",
        "a call failed where the column 'error' holds a text",
    )
    assert best.p_method == "held-out-fisher-holm"
    assert best.p_adjusted < 1e-20
    document = found.to_dict()
    assert document["rests_on"] == "given"
    assert (document["tested"], document["confirmed"]) == (1, 1)
    assert document["cover"] == [document["slices"][0]]
    assert document["covered"]["k"] == len(wrong)


def test_without_a_key_what_is_picked_is_not_tested_and_that_is_said() -> None:
    table = table_of(400, kind=["a", "b", "c", "d", "e"] * 80)  # every fifth is wrong
    found = study_of_table(table, split="split", correct="score").slices()
    assert (found.found, found.tested, found.not_tested) == ((), 0, NO_KEY)
    [one] = found.picked
    assert one.where == {"kind": "a"}
    assert (one.p_adjusted, one.p_method, one.confirmed) == (1.0, "not-tested", False)
    assert one.held_out is None
    document = found.to_dict()
    assert (document["confirmed"], document["not_tested"]) == (0, NO_KEY)
    assert document["slices"][0]["where"] == {"kind": "a"}


def test_fewer_than_thirty_records_are_counted_and_not_searched() -> None:
    table = table_of(58, id=list(range(58)), kind=["a", "b"] * 29)
    found = study_of_table(table, split="split", correct="score", id="id").slices()
    assert (found.plan, found.found, found.picked) == (None, (), ())
    assert found.production.n == 29


@pytest.mark.parametrize("as_json", [False, True])
def test_the_verb_shows_the_slices_of_a_table(
    as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.db"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE runs AS SELECT i AS id, "
            "CASE WHEN i % 2 = 0 THEN 'eval' ELSE 'production' END AS source, "
            "CASE WHEN i % 4 < 2 THEN 'a' ELSE 'b\n' END AS kind, "
            "i % 4 <> 3 AS passed FROM range(400) AS t(i)"
        )
    words = ["--table", f"duckdb://{path}?table=runs", "--split", "source", "--correct", "passed"]
    assert main(["slices", *words, "--id", "id", *["--json"] * as_json]) == 0
    shown = capsys.readouterr().out
    if as_json:
        # Of production, half has each kind; all of the second kind is wrong.
        document = json.loads(shown)
        first, second = document["slices"]
        assert first["where"] == {"kind": "b\n"}
        assert (first["n"], first["wrong"], first["silent"]) == (100, 100, 100)
        assert (first["found_as"], first["confirmed"]) == ("wrong", True)
        assert float(first["p_adjusted"]) < 1e-20
        assert second["where"] == {"kind": "a"}
        assert (document["searched"], document["confirmed"]) == (2, 1)
    else:
        assert "production  100 of 200" in shown
        assert "0 of 100" in shown


def test_the_verb_says_what_could_not_be_tested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.db"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE runs AS SELECT CASE WHEN i % 2 = 0 THEN 'eval' ELSE 'production' END "
            "AS source, i % 3 AS kind, i % 5 AS place, i % 3 > 0 AS passed FROM range(600) AS t(i)"
        )
    words = ["--table", f"duckdb://{path}?table=runs", "--split", "source", "--correct", "passed"]
    assert main(["slices", *words]) == 0
    shown = capsys.readouterr().out
    assert f"picked 1, tested none ({NO_KEY})" in shown
    row = next(line for line in shown.splitlines() if line.startswith("kind is 0 "))
    assert row.split()[-1] == "-"
