"""Receipts of tables in their warehouse: what they hold, and what counting again finds."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from eval_autopsy import api, kernel
from eval_autopsy.case.load import load, parse
from eval_autopsy.cli.main import main
from eval_autopsy.cubes.connections import name_of, no_secrets
from eval_autopsy.errors import AutopsyError, BadCase, CannotRead
from eval_autopsy.questions.counted import ALONE
from eval_autopsy.receipt.certify import certify
from eval_autopsy.receipt.recount import recount
from eval_autopsy.receipt.verify import verify

CASE = """
name = "nightly"
[data]
table = "duckdb://runs.db?table=runs"
split = "split"
[fields]
id = "id"
score = "score"
[slices]
by = ["plan", "region"]
"""
SECRET = "hunter2hunter2"


def planted(n: int = 4000) -> pa.Table:
    """Rows of which those of one plan in one region are mostly wrong."""
    draw = random.Random(5)
    rows = []
    for i in range(n):
        plan, region = draw.choice(["free", "pro", "team"]), draw.choice(["eu", "us"])
        bad = 0.7 if (plan, region) == ("pro", "eu") else 0.05
        split = "production" if i % 3 else "eval"
        row = {"id": f"row-{i:05}", "split": split, "plan": plan, "region": region}
        rows.append({**row, "score": draw.random() >= bad})
    return pa.Table.from_pylist(rows)


def folder_of(base: Path, table: pa.Table, case: str = CASE) -> Path:
    """A case and the DuckDB file that it names."""
    (base / "autopsy.toml").write_text(case)
    with duckdb.connect(str(base / "runs.db")) as connection:
        connection.register("given", table)
        connection.execute("CREATE TABLE runs AS SELECT * FROM given")
    return base


@pytest.fixture(scope="module")
def receipt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A receipt of a table; it is only read."""
    base = folder_of(tmp_path_factory.mktemp("table"), planted())
    return certify(load(base, tables=True), base).folder


@pytest.fixture
def copy(receipt: Path, tmp_path: Path) -> Path:
    """A copy of it, with its case and its table, to tamper with."""
    shutil.copytree(receipt.parents[1], tmp_path / "base")
    return tmp_path / "base" / "receipts" / "nightly"


def said(receipt: Path) -> dict[str, Any]:
    predicate: dict[str, Any] = json.loads((receipt / "receipt.json").read_text())["predicate"]
    return predicate


def changed(receipt: Path, statement: str) -> None:
    with duckdb.connect(str(receipt.parents[1] / "runs.db")) as connection:
        connection.execute(statement)


def test_a_bare_python_derives_every_claim_from_the_counts(receipt: Path) -> None:
    command = [sys.executable, "-I", str(receipt / "verify.py")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "follows from the counts" in done.stdout
    assert set(verify(receipt).bases()) == {"given"}


def test_the_report_states_the_slice_that_was_planted(receipt: Path) -> None:
    assert "`plan` is `pro` and `region` is `eu`" in (receipt / "REPORT.md").read_text()


def test_no_id_of_a_row_is_in_the_receipt(receipt: Path) -> None:
    written = b"".join(path.read_bytes() for path in receipt.iterdir() if path.name != "verify.py")
    assert not [one for one in planted()["id"].to_pylist() if one.encode() in written]


def test_the_query_that_made_the_counts_gives_them_again(receipt: Path) -> None:
    (origin,) = said(receipt)["evidence"]["cube"]["counted_from"].items()
    assert origin[0] == "duckdb://runs.db?table=runs"
    cube = json.loads((receipt / "cube.json").read_text())
    block, query = cube["blocks"][0], origin[1]["queries"][0]
    with duckdb.connect(str(receipt.parents[1] / "runs.db"), read_only=True) as connection:
        groups = connection.execute(query).fetchall()
    assert len(origin[1]["queries"]) == len(cube["blocks"])
    assert sorted(row[-1] for row in groups) == sorted(n for n in block["counts"] if n)


def test_counting_again_gives_the_same_counts(receipt: Path) -> None:
    counted = recount(verify(receipt))
    assert counted.differences == ()
    assert counted.records == len(planted())


def test_counting_again_names_the_cell_of_a_row_that_changed(copy: Path) -> None:
    row = next(
        one
        for one in planted().to_pylist()
        if one["split"] == "eval" and one["score"] and (one["plan"], one["region"]) == ("pro", "us")
    )
    changed(copy, f"UPDATE runs SET score = false WHERE id = '{row['id']}'")
    done = verify(copy)
    assert done.verdict == "holds"  # the table is no subject of the receipt
    first, second, *others = recount(done).differences
    where = 'where plan is "pro" and region is "us": '
    assert first.startswith(where)
    assert "right of eval, the receipt says" in first
    assert second.startswith(where)
    assert "silent of eval, the receipt says" in second
    assert all("overlap" in one for one in others)


def test_counting_again_names_a_value_that_is_new(copy: Path) -> None:
    changed(copy, "UPDATE runs SET plan = 'gold' WHERE plan = 'pro'")
    (difference,) = recount(verify(copy)).differences
    assert difference == 'the values of plan differ: "gold" is new, "pro" is gone'


def test_the_command_says_that_the_counts_differ(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(copy), "--recount"]) == 0
    changed(copy, "DELETE FROM runs WHERE id = (SELECT min(id) FROM runs WHERE score)")
    assert main(["verify", str(copy), "--recount"]) == 1
    assert "Counted again, and not the same: where plan is" in capsys.readouterr().out


def test_without_a_key_a_receipt_states_no_search_and_can_be_counted_again(tmp_path: Path) -> None:
    table = planted().drop_columns(["id"])
    case = CASE.replace('id = "id"\n', "")
    done = certify(load(folder_of(tmp_path, table, case), tables=True), tmp_path)
    assert said(done.folder)["evidence"]["search"] is None
    assert any("no key is named" in note for note in done.evidence.notes)
    assert recount(verify(done.folder)).differences == ()


def test_of_each_cluster_one_record_tests_and_the_kernel_derives_the_same_p(tmp_path: Path) -> None:
    table = planted()
    clusters = pa.array([f"c{i // 3}" for i in range(len(table))])
    case = CASE.replace("[slices]", 'cluster = "cluster"\n[slices]')
    base = folder_of(tmp_path, table.append_column("cluster", clusters), case)
    done = certify(load(base, tables=True), base)
    assert done.verification.verdict == "holds"
    cube = json.loads((done.folder / "cube.json").read_text())
    in_half = {
        f"c{i // 3}"
        for i, split in enumerate(table["split"].to_pylist())
        if split == "production" and kernel.half_of(0, f"c{i // 3}") == "confirm"
    }
    assert sum(n for _, _, n in cube["drawn"]) == len(in_half)
    report = (done.folder / "REPORT.md").read_text()
    assert "a single record tests, drawn by lot" in report
    assert "Every interval takes records as independent" in report
    assert ALONE in done.evidence.notes
    assert recount(verify(done.folder)).differences == ()


def test_spark_and_duckdb_give_the_same_counts(tmp_path: Path, receipt: Path, spark: Any) -> None:
    spark.createDataFrame(planted()).createOrReplaceTempView("runs")
    case = CASE.replace("duckdb://runs.db?table=runs", "pyspark://?table=runs")
    (tmp_path / "autopsy.toml").write_text(case)
    done = certify(load(tmp_path, tables=True), tmp_path)
    assert (done.folder / "cube.json").read_bytes() == (receipt / "cube.json").read_bytes()
    assert recount(verify(done.folder)).differences == ()


# Secrets


@pytest.mark.parametrize(
    "url",
    [
        f"snowflake://me:{SECRET}@account/db?table=runs",
        f"snowflake://me@account/db?table=runs&password={SECRET}",
        f"databricks://host?access_token={SECRET}&table=runs",
    ],
)
def test_a_case_with_a_password_in_it_is_refused_and_the_password_not_shown(url: str) -> None:
    with pytest.raises(BadCase, match="environment variable") as raised:
        parse(CASE.replace("duckdb://runs.db?table=runs", url), Path("autopsy.toml"))
    assert SECRET not in str(raised.value)


def test_a_url_of_the_environment_leaves_no_secret_in_a_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user is one that DuckDB has no use for: it is taken for a part of the file's name."""
    case = CASE.replace('table = "duckdb://runs.db?table=runs"', 'table_env = "RUNS_URL"')
    base = folder_of(tmp_path, planted(), case)
    (base / "runs.db").rename(base / f"me:{SECRET}@runs.db")
    monkeypatch.setenv("RUNS_URL", f"duckdb://me:{SECRET}@runs.db?table=runs")
    done = certify(load(base, tables=True), base)
    assert list(said(done.folder)["evidence"]["cube"]["counted_from"]) == [
        "duckdb://runs.db?table=runs"
    ]
    assert recount(verify(done.folder)).differences == ()
    for path in done.folder.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name


def test_an_unset_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASE.replace('table = "duckdb://runs.db?table=runs"', 'table_env = "RUNS_URL"')
    monkeypatch.delenv("RUNS_URL", raising=False)
    base = folder_of(tmp_path, planted(), case)
    with pytest.raises(BadCase, match="RUNS_URL is not set"):
        certify(load(base, tables=True), base)


@pytest.mark.parametrize(
    "error",
    [
        CannotRead(f"no route for me:{SECRET}", where=SECRET, remedy=f"try {SECRET}"),
        RuntimeError(f"connection string: me:{SECRET}@account"),
    ],
)
def test_no_error_of_an_engine_shows_what_the_url_keeps_secret(error: Exception) -> None:
    url = f"snowflake://me:{SECRET}@account/db?warehouse=w&table=runs"
    with pytest.raises(AutopsyError) as raised, no_secrets(url):
        raise CannotRead("it does not answer", where="runs") from error
    shown = [str(raised.value), repr(raised.value.__cause__), *raised.value.to_dict().values()]
    assert not [one for one in shown if SECRET in one]
    assert raised.value.__suppress_context__


def test_a_table_is_named_without_user_password_and_options() -> None:
    url = f"snowflake://me:{SECRET}@account/db/public?warehouse=w&token={SECRET}&table=s.runs"
    assert name_of(url) == "snowflake://account/db/public?table=s.runs"


# What a table cannot be asked


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[slices]", "[guards]\nparses = true\n[slices]", "'parses' in guards goes with files"),
        ("[slices]", "[slices]\nbands = { a = [1] }", "'bands' in slices goes with files"),
        ('score = "score"', 'score = "score"\ninput = "q"', "'input' in fields goes with files"),
        ('split = "split"', 'split = "split"\nfile = "a.csv"', "'file' in data goes with files"),
        ('split = "split"', "", "not the column that says which set a row is of"),
        (
            "[slices]",
            '[scorer]\nname = "exact_match"\n[slices]',
            "needs outputs, and only scores are named",
        ),
        ('score = "score"', "", "nothing says what the outputs are"),
    ],
)
def test_what_only_goes_with_files_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(BadCase, match=said):
        parse(CASE.replace(old, new), Path("autopsy.toml"))


@pytest.mark.parametrize("verb", ["audit", "guards", "ablate", "stress", "look", "next"])
def test_a_verb_that_needs_records_says_so(
    receipt: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    base = receipt.parents[1]
    assert main([verb, str(base)]) == 2
    assert "of a table that stays in its warehouse" in capsys.readouterr().err


def test_slices_of_such_a_case_are_those_of_the_table(receipt: Path) -> None:
    base = receipt.parents[1]
    url = f"duckdb://{base / 'runs.db'}?table=runs"
    alone = api.open(table=url, split="split", correct="score", id="id")
    found = api.open(base).slices()
    assert found.to_dict()["slices"] == alone.slices(["plan", "region"]).to_dict()["slices"]
    assert found.found
