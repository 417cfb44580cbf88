"""Tables by their URL."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from eval_autopsy.cubes.connections import table_at
from eval_autopsy.errors import AutopsyError


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A DuckDB file with a table, one in a schema, and a view that reads another file."""
    path = tmp_path / "data.db"
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE runs AS SELECT 1 AS a")
        connection.execute("CREATE SCHEMA other; CREATE TABLE other.more AS SELECT 2 AS a")
        connection.execute(f"CREATE VIEW reaches AS SELECT * FROM read_csv('{outside}')")
    return path


@pytest.mark.parametrize(("name", "value"), [("runs", 1), ("main.runs", 1), ("other.more", 2)])
def test_a_table_is_named_by_a_url(database: Path, name: str, value: int) -> None:
    table = table_at(f"duckdb://{database}?table={name}")
    assert table.to_pyarrow().to_pydict() == {"a": [value]}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO runs VALUES (2)",
        "SELECT * FROM read_csv('outside.csv')",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_a_duckdb_file_can_neither_be_changed_nor_reach_beyond_itself(
    database: Path, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(database.parent)
    before = database.read_bytes()
    connection = table_at(f"duckdb://{database}?table=runs").get_backend()
    with pytest.raises(duckdb.Error):
        connection.raw_sql(statement)
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "duckdb://{}?table=rusn",
            "there is no table 'rusn' among: reaches, runs. Did you mean 'runs'",
        ),
        ("duckdb://{}?table=reaches", "the engine says: Permission Error"),
        ("duckdb://{}", "does not name a table, expected a URL such as"),
        ("{}", "does not name a table, expected a URL such as"),
        ("file://{}?table=runs", "does not name a table, expected a URL such as"),
        ("duckdb://{}?table=runs&read_only=false", "a DuckDB file takes none"),
        ("duckdb://{}.not-there?table=runs", "there is no such file"),
        ("sqlite://{}.not-there?table=runs", "there is no such file"),
        ("bigquery://project/set?table=runs", "driver is not installed.*ibis-framework.bigquery"),
        ("nosuch://me:secret@host/x?table=runs", "Don't know how to connect"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused(database: Path, url: str, said: str) -> None:
    before = sorted(database.parent.iterdir())
    with pytest.raises(AutopsyError, match=said) as raised:
        table_at(url.format(database))
    assert "secret" not in str(raised.value)
    assert sorted(database.parent.iterdir()) == before
