"""Results of promptfoo come out as the facts about them say, whichever export they are in."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.logs import Aside, Note, Reported, Sample
from eval_autopsy.readers.promptfoo import filled, promptfoo

from .log_facts import SAMPLES, as_records, claimants, damage, facts, rates, read, reconciled

FOLDER = SAMPLES / "promptfoo"
EVAL, EVAL_CSV = FOLDER / "routing_eval.json.gz", FOLDER / "routing_eval.csv"
PROD, PROD_LINES = FOLDER / "routing_prod.json.gz", FOLDER / "routing_prod.jsonl.gz"
STORE = FOLDER / "store.db.gz"
KINDS = {
    EVAL: "promptfoo",
    EVAL_CSV: "promptfoo_csv",
    PROD: "promptfoo",
    PROD_LINES: "promptfoo_lines",
    STORE: "promptfoo_store",
}

RESULT: dict[str, Any] = {
    "testIdx": 0,
    "promptIdx": 0,
    "provider": {"id": "openai:m", "label": "m"},
    "prompt": {"raw": "2+2?", "label": "{{q}}"},
    "vars": {"q": "2+2?", "lang": "en"},
    "response": {"output": "4", "cost": 0.5, "tokenUsage": {"prompt": 3, "completion": 1}},
    "success": True,
    "score": 1,
    "latencyMs": 1500,
    "failureReason": 0,
    "namedScores": {"exact": 1},
    "gradingResult": {
        "pass": True,
        "reason": "All assertions passed",
        "componentResults": [
            {"score": 1, "assertion": {"type": "equals", "metric": "exact"}},
            {"score": 0.5, "assertion": {"type": "similar"}},
        ],
    },
    "testCase": {
        "description": "sum",
        "vars": {"q": "2+2?", "lang": "en"},
        "metadata": {"kind": {"of": "sum"}},
        "assert": [{"type": "equals", "value": "4"}, {"type": "javascript", "value": "x"}],
    },
    "metadata": {"_promptfooFileMetadata": {"x": 1}},
}


def results_file(folder: Path, *results: dict[str, Any]) -> Path:
    """A results file, written by hand."""
    path = folder / "results.json"
    document = {"evalId": "e", "results": {"version": 3, "results": list(results)}}
    path.write_text(json.dumps(document))
    return path


def changed(**members: Any) -> dict[str, Any]:
    return RESULT | members


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.name)
def test_one_reader_claims_each_file(path: Path) -> None:
    assert claimants(path) == [KINDS[path]]


@pytest.mark.parametrize("path", [PROD, PROD_LINES], ids=lambda path: path.name)
def test_production_counts_as_the_facts_say(path: Path) -> None:
    known = facts("promptfoo", "prod")
    rows = read(path).rows
    assert len(rows) == known["n"]
    (errored,) = (row for row in rows if row["status"] == "errored")
    assert (errored["id"], errored["score"]) == (known["error_record"], None)
    assert errored["error"] == "API error: 503 Service Unavailable"
    assert "scores" not in errored
    right = known["n_ok"] - known["error_planned_ok"]
    wrong = known["n"] - known["n_ok"]
    assert Counter(row["score"] for row in rows) == {True: right, False: wrong, None: 1}
    for attribute, expected in known["by"].items():
        assert rates(rows, attribute, errors_right=known["error_planned_ok"]) == expected
    assert rates(rows, "channel", errors_right=True)["voice"] == [
        known["planted"]["ok"],
        known["planted"]["n"],
    ]


@pytest.mark.parametrize("path", [EVAL, EVAL_CSV], ids=lambda path: path.name)
def test_the_first_system_of_eval_counts_as_the_facts_say(path: Path) -> None:
    known = facts("promptfoo", "eval")
    rows = [row for row in read(path).rows if row["system"] == "router-v1"]
    assert len(rows) == known["n"]
    assert sum(row["score"] for row in rows) == known["n_ok"]
    for attribute in known["by"].keys() & rows[0].keys():
        assert rates(rows, attribute, errors_right=False) == known["by"][attribute]


def test_systems_of_a_test_share_its_cluster() -> None:
    rows = read(EVAL).rows
    assert Counter(row["system"] for row in rows) == {"router-v1": 30, "router-v2": 30}
    assert set(Counter(row["cluster"] for row in rows).values()) == {2}
    assert {row["id"] for row in rows if row["cluster"] == "T75012"} == {
        "T75012",
        "T75012@router-v2",
    }


def test_csv_gives_what_json_gives_as_far_as_it_goes() -> None:
    def seen(path: Path) -> dict[str, tuple[Any, ...]]:
        parts = ("cluster", "system", "input", "output", "score", "lang")
        return {row["id"]: tuple(row[part] for part in parts) for row in read(path).rows}

    assert seen(EVAL_CSV) == seen(EVAL)


@pytest.mark.parametrize("path", [EVAL, PROD], ids=lambda path: path.name)
def test_what_the_file_states_follows_from_its_results(path: Path) -> None:
    found = reconciled(read(path))
    assert {one.reported.name for one in found} == {
        "samples",
        "errors",
        "mean of pass",
        "mean of exact",
        "mean of helpfulness",
    }
    assert [one.words() for one in found if not one.same] == []


def test_the_store_keeps_its_evals_apart() -> None:
    found = read(STORE)
    # As its README says: 16 of production, of which 11 pass and one errs; and 8 by two systems.
    by_eval = Counter((row["eval_description"], row["score"]) for row in found.rows)
    assert by_eval == {
        ("prod replay", True): 11,
        ("prod replay", False): 4,
        ("prod replay", None): 1,
        ("eval nightly", True): 15,
        ("eval nightly", False): 1,
    }
    assert len({row["id"] for row in found.rows}) == 32
    assert "2 evals" in found.log.notes[0].text


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.name)
def test_every_export_passes_the_intake(path: Path) -> None:
    assert len(as_records(path)) == 2 * len(read(path).rows)


def test_a_result_has_its_parts_and_attributes(tmp_path: Path) -> None:
    (row,) = read(results_file(tmp_path, RESULT)).rows
    assert row == {
        "id": "sum",
        "cluster": "sum",
        "system": "m",
        "input": "2+2?",
        "expected": "4",
        "output": "4",
        "score": True,
        "scores": {"pass": True, "score": 1, "exact": 1, "similar": Decimal("0.5")},
        "status": "answered",
        "latency": Decimal("1.5"),
        "cost": Decimal("0.5"),
        "provider": "m",
        "prompt": "{{q}}",
        "input_tokens": 3,
        "output_tokens": 1,
        "kind.of": "sum",
        "q": "2+2?",
        "lang": "en",
    }


def test_repeats_and_tests_of_one_name_are_told_apart(tmp_path: Path) -> None:
    other = changed(vars={"q": "3+3?"}, testIdx=2)
    rows = read(results_file(tmp_path, RESULT, changed(testIdx=1), other)).rows
    assert [(row["id"], row["cluster"]) for row in rows] == [
        ("sum", "sum"),
        ("sum#2", "sum"),
        ("sum (2)", "sum (2)"),
    ]


def test_no_description_takes_the_id_of_a_repeat(tmp_path: Path) -> None:
    named = changed(testCase=RESULT["testCase"] | {"description": "sum#2"})
    rows = read(results_file(tmp_path, RESULT, named, RESULT, RESULT)).rows
    assert [row["id"] for row in rows] == ["sum", "sum#2", "sum#3", "sum#4"]


def test_two_prompts_of_a_provider_are_two_systems(tmp_path: Path) -> None:
    rows = read(results_file(tmp_path, RESULT, changed(promptIdx=1))).rows
    assert [(row["id"], row["system"]) for row in rows] == [
        ("sum", "m"),
        ("sum@m, prompt 2", "m, prompt 2"),
    ]


def test_a_failed_assertion_is_no_error_of_the_call(tmp_path: Path) -> None:
    failed = changed(success=False, score=0.4, failureReason=1, error="Expected 4")
    (row,) = read(results_file(tmp_path, failed)).rows
    assert (row["score"], row["status"], "error" in row) == (False, "answered", False)


# What follows is read as promptfoo's documentation and source have it: no tool wrote these results.


def test_a_test_without_assertions_has_no_verdict(tmp_path: Path) -> None:
    grading = {"pass": True, "score": 1, "reason": "No assertions"}
    found = read(results_file(tmp_path, changed(gradingResult=grading)))
    assert (found.rows[0]["score"], found.rows[0]["status"]) == (None, "unscored")
    assert "scores" not in found.rows[0]
    assert "1 samples have no assertions" in found.log.notes[0].text


@pytest.mark.parametrize(
    ("success", "score", "status"), [(False, None, "refused"), (True, True, "answered")]
)
def test_a_refusal_is_wrong_only_where_it_was_not_wanted(
    tmp_path: Path, success: bool, score: bool | None, status: str
) -> None:
    response = RESULT["response"] | {"isRefusal": True}
    (row,) = read(results_file(tmp_path, changed(response=response, success=success))).rows
    assert (row["score"], row["status"]) == (score, status)


def test_a_result_of_an_older_version_that_was_not_graded_is_an_error(tmp_path: Path) -> None:
    old = changed(gradingResult=None, error="timeout", success=False)
    del old["failureReason"]
    (row,) = read(results_file(tmp_path, old)).rows
    assert (row["score"], row["error"]) == (None, "timeout")


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ a }}", 4),
        ("is {{a}}!", "is 4!"),
        ("{{b}}", kernel.MISSING),
        ("{{ a | upper }}", kernel.MISSING),
        ("{% if a %}4{% endif %}", kernel.MISSING),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_only_templates_of_variables_are_filled_in(template: Any, value: Any) -> None:
    assert filled(template, {"a": 4}) == value


# The store.


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "promptfoo.db"
    with gzip.open(STORE) as packed, path.open("wb") as out:
        shutil.copyfileobj(packed, out)
    return path


def test_reading_the_store_leaves_its_folder_as_it_was(store: Path) -> None:
    before = store.read_bytes(), store.stat().st_mtime_ns
    assert len(read(store).rows) == 32
    assert (store.read_bytes(), store.stat().st_mtime_ns) == before
    assert list(store.parent.iterdir()) == [store]


@pytest.fixture
def writing(store: Path) -> Iterator[Path]:
    """A store whose last change is still in the file `-wal`, as while promptfoo runs."""
    connection = sqlite3.connect(store)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("DELETE FROM eval_results WHERE rowid > 20")
    connection.commit()
    yield store
    connection.close()


def test_what_is_not_yet_in_the_store_itself_is_read_too(writing: Path) -> None:
    beside = sorted(path.name for path in writing.parent.iterdir())
    assert "promptfoo.db-wal" in beside
    found = read(writing)
    assert len(found.rows) == 20
    assert "promptfoo.db-wal" in found.log.notes[0].text
    assert sorted(path.name for path in writing.parent.iterdir()) == beside


def test_a_view_in_place_of_the_results_is_refused(store: Path) -> None:
    connection = sqlite3.connect(store)
    connection.execute("ALTER TABLE eval_results RENAME TO others")
    connection.execute("CREATE VIEW eval_results AS SELECT * FROM others")
    connection.commit()
    connection.close()
    with pytest.raises(CannotRead, match="no plain tables"):
        read(store)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE things (id)")
    connection.commit()
    connection.close()
    with pytest.raises(CannotRead, match="an SQLite database that cannot be read as promptfoo's"):
        read(path)


def test_a_store_that_is_cut_off_is_one_error(store: Path) -> None:
    store.write_bytes(store.read_bytes()[:200_000])
    with pytest.raises(CannotRead, match="damaged"):
        read(store)


def test_a_result_whose_json_is_damaged_is_set_aside(store: Path) -> None:
    connection = sqlite3.connect(store)
    connection.execute("UPDATE eval_results SET response = '{' WHERE rowid = 3")
    connection.execute("UPDATE eval_results SET success = 'yes' WHERE rowid = 4")
    connection.commit()
    connection.close()
    found = read(store)
    assert len(found.rows) == 30
    assert [one.at for one in found.log.aside] == [3, 4]


# Hostile files.


def test_a_file_that_is_cut_off_is_one_error(tmp_path: Path) -> None:
    raw = gzip.decompress(PROD.read_bytes())
    cut = tmp_path / "cut"
    cut.write_bytes(raw[: raw.rindex(b'"', 0, len(raw) - 700) + 1])
    with pytest.raises(CannotRead):
        read(cut)


def test_a_table_that_is_cut_off_lacks_its_last_row(tmp_path: Path) -> None:
    *rows, _ = csv.reader(io.StringIO(EVAL_CSV.read_text()))
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    cut = tmp_path / "cut.csv"
    cut.write_text(text.getvalue() + 'how do I,"hel')
    found = read(cut)
    assert len(found.rows) == 2 * (len(rows) - 1)  # there are two systems, and a header
    assert [one.what.partition(":")[0] for one in found.log.aside] == ["not a table"]


def test_a_line_of_csv_with_too_few_cells_is_set_aside(tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(EVAL_CSV.read_text())))
    rows[3] = rows[3][:-1]
    rows[4][rows[0].index("Status")] = "MAYBE"
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path = tmp_path / "results.csv"
    path.write_text(text.getvalue())
    found = read(path)
    assert len(found.rows) == 57
    assert [one.what.partition(",")[0] for one in found.log.aside] == [
        f"found {len(rows[0]) - 1} cells",
        "its Status is 'MAYBE'",
    ]


def test_results_of_other_kinds_are_set_aside(tmp_path: Path) -> None:
    bad: list[Any] = [None, changed(success="yes"), changed(testCase=[]), changed(vars=7)]
    found = read(results_file(tmp_path, RESULT, *bad))
    assert len(found.rows) == 1
    assert [one.at for one in found.log.aside] == [2, 3, 4, 5]


@settings(max_examples=60)
@given(st.data())
def test_no_damaged_value_breaks_the_reader(data: st.DataObject) -> None:
    metrics = {"testPassCount": 2, "testFailCount": 0, "testErrorCount": 0, "namedScores": {"a": 1}}
    run = {
        "version": 3,
        "prompts": [{"provider": "m", "metrics": metrics | {"namedScoresCount": {"a": 1}}}],
        "results": [RESULT, changed(testIdx=1)],
        "stats": {"successes": 2, "failures": 0, "errors": 0},
    }
    document = damage({"results": run}, data)
    try:
        items = list(promptfoo.read(io.BytesIO(json.dumps(document).encode()), "log"))
    except kernel.Unreadable:
        return
    assert all(isinstance(item, (Sample, Aside, Reported, Note)) for item in items)
    ids = [item.row().fields["id"] for item in items if isinstance(item, Sample)]
    assert len(ids) == len(set(ids))
