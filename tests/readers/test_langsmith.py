"""LangSmith's rows, tables and runs come out as the facts about them say."""

from __future__ import annotations

import csv
import io
import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .read_log import (
    SAMPLES,
    Log,
    by_value,
    damaged,
    facts,
    is_read_or_refused,
    read_log,
    readers_that_claim,
    records_of,
    right_of,
)

FOLDER = SAMPLES / "langsmith"
ROWS = {"eval": FOLDER / "rows_eval.jsonl", "prod": FOLDER / "rows_prod.jsonl.gz"}
TABLES = sorted(FOLDER.glob("experiment_to_pandas_*"))


@pytest.fixture(params=["eval", "prod"])
def run(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def known(run: str) -> dict[str, Any]:
    return facts(FOLDER / f"facts_{run}.json")


@pytest.fixture
def log(run: str) -> Log:
    return read_log(ROWS[run])


def errored(log: Log, known: dict[str, Any]) -> dict[str, Any]:
    """The one run that failed."""
    (row,) = log.where(status="errored")
    assert row["input"]["id"] == known["error_record"]
    return row


def without_error(counts: list[int], known: dict[str, Any], inside: bool) -> list[int]:
    """Planned counts as they are when the run that failed counts as neither right nor wrong."""
    return [counts[0] - (inside and known["error_planned_ok"]), counts[1]]


@pytest.mark.parametrize("path", [ROWS["eval"], *TABLES], ids=lambda path: path.name)
def test_one_reader_claims_each_file(path: Path) -> None:
    wanted = "langsmith" if path == ROWS["eval"] else "langsmith_table"
    assert readers_that_claim(path) == [wanted]


def test_counts_are_those_of_the_facts(log: Log, known: dict[str, Any]) -> None:
    planned = [known["n_ok"], known["n"]]
    assert right_of(log.rows) == without_error(planned, known, inside=True)
    assert not log.aside


def test_the_run_that_failed_is_errored_though_its_feedback_says_wrong(
    log: Log, known: dict[str, Any]
) -> None:
    row = errored(log, known)
    assert row["error"].startswith("TimeoutError('upstream timeout')")
    assert (row["score"], row["scores"]["correct"]) == (None, 0)
    assert "output" not in row


def test_what_the_tools_mean_counts_is_said(log: Log, known: dict[str, Any]) -> None:
    (note,) = (note.text for note in log.notes if "failed" in note.text)
    right = known["n_ok"] - known["error_planned_ok"]
    assert f"{right} of {known['n']}, and without them it is {right} of {known['n'] - 1}" in note


def test_the_planted_slice_has_the_counts_of_the_facts(log: Log, known: dict[str, Any]) -> None:
    inside = [row for row in log.rows if (row["tier"], row["topic"]) == ("free", "shipping")]
    planned = [known["planted"]["ok"], known["planted"]["n"]]
    assert right_of(inside) == without_error(planned, known, known["error_in_slice"])


@pytest.mark.parametrize("attribute", ["lang", "topic", "channel", "tier"])
def test_each_value_has_the_counts_of_the_facts(
    log: Log, known: dict[str, Any], attribute: str
) -> None:
    of_error = errored(log, known)[attribute]
    assert by_value(log, attribute) == {
        value: without_error(counts, known, value == of_error)
        for value, counts in known["by"][attribute].items()
    }


def test_a_row_has_all_that_run_and_example_say(log: Log) -> None:
    row = log.rows[0]
    assert sorted(row["input"]) == ["id", "question"]
    assert {row["output"], row["expected"]} <= {
        f"{team}_TEAM" for team in ("BILLING", "LOGISTICS", "REFUND", "IDENTITY")
    }
    assert 0 < row["latency"] < 1
    assert row["timestamp"].startswith("2026-11-23T10:57:3")
    assert row["experiment"]
    assert not {"revision_id", "ls_method", "num_repetitions"} & row.keys()
    assert list(row["scores"]) == ["correct", "helpfulness"]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_a_table_says_the_same_as_the_rows_it_is_made_of(path: Path) -> None:
    of_rows = read_log(ROWS["eval" if "_eval." in path.name else "prod"])
    for one, other in zip(read_log(path).rows, of_rows.rows, strict=True):
        for part in ("id", "cluster", "input", "output", "expected", "score", "status"):
            assert one.get(part) == other.get(part)
        assert {name: Decimal(value) for name, value in one["scores"].items()} == other["scores"]
        assert Decimal(one["latency"]) == other["latency"]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_a_table_says_that_it_lacks_the_examples(path: Path) -> None:
    assert [one.what for one in read_log(path).needs] == ["attributes"]


@pytest.mark.parametrize("path", [*ROWS.values(), *TABLES], ids=lambda path: path.name)
def test_samples_become_records(path: Path, tmp_path: Path) -> None:
    assert records_of(path, tmp_path) == len(read_log(path).rows)


# ---------------------------------------------------------------- rows, written by hand


def row(example: str = "e", **run: Any) -> dict[str, Any]:
    """A row of an experiment with one feedback score."""
    given = {
        "id": "r",
        "inputs": {"question": "2+2?"},
        "outputs": {"answer": "4"},
        "start_time": "2026-01-01T00:00:00",
        "end_time": "2026-01-01T00:00:01.5",
        "extra": {"metadata": {"ls_model_name": "m", "ls_provider": "p", "variant": "b"}},
        "reference_example_id": example,
        "tags": ["t"],
    }
    return {
        "run": given | run,
        "example": {"id": example, "outputs": {"answer": "4", "why": "sum"}, "metadata": {}},
        "evaluation_results": {"results": [{"key": "correct", "score": 1}]},
    }


def judged(example: str, *results: dict[str, Any]) -> dict[str, Any]:
    return row(example) | {"evaluation_results": {"results": list(results)}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export.jsonl"


def written(path: Path, *found: Any) -> Log:
    path.write_text("".join(json.dumps(one) + "\n" for one in found))
    return read_log(path)


def test_parts_of_a_run_are_in_the_units_of_a_sample(path: Path) -> None:
    (found,) = written(path, row()).rows
    assert (found["input"], found["output"], found["expected"]) == ("2+2?", "4", "4")
    assert (found["timestamp"], found["latency"]) == ("2026-01-01T00:00:00+00:00", Decimal("1.5"))
    assert (found["model"], found["variant"], found["tags"]) == ("m", "b", ["t"])
    assert "ls_provider" not in found


def test_a_repetition_of_an_example_is_a_repeat(path: Path) -> None:
    found = written(path, row("e"), row("f"), row("e")).rows
    assert [(one["id"], one["cluster"]) for one in found] == [("e", "e"), ("f", "f"), ("e#2", "e")]


def test_an_evaluator_that_raised_is_a_grader_that_failed(path: Path) -> None:
    raised = {"key": "correct", "score": None, "comment": "KeyError('x')", "extra": {"error": True}}
    log = written(path, row("e"), judged("f", raised))
    found = log.row("f")
    assert (found["status"], found["score"]) == ("grader failed", None)
    assert found["grader_error"] == "correct: KeyError('x')"


def test_a_score_that_is_sometimes_between_is_no_verdict(path: Path) -> None:
    close, right = {"key": "close", "score": 1}, {"key": "right", "score": 0}
    log = written(path, judged("e", close, right), judged("f", close | {"score": 0.5}, right))
    assert [one["score"] for one in log.rows] == [False, False]


def test_a_verdict_in_words_is_one(path: Path) -> None:
    log = written(path, judged("e", {"key": "k", "value": "correct"}))
    assert (log.rows[0]["score"], log.rows[0]["scores"]) == (True, {"k": "correct"})


def test_rows_that_nobody_evaluated_need_scores(path: Path) -> None:
    log = written(path, judged("e"))
    assert ([one.what for one in log.needs], log.rows[0]["status"]) == (["scores"], "unscored")


def test_chat_messages_are_their_text(path: Path) -> None:
    asked = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "2+2?"}]}
    said = {
        "messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]
    }
    (found,) = written(path, row(inputs=asked, outputs=said)).rows
    assert (found["input"], found["output"]) == ("2+2?", "4")


@pytest.mark.parametrize("broken", [{"run": None}, {"run": []}])
def test_a_row_without_a_run_is_set_aside(path: Path, broken: dict[str, Any]) -> None:
    log = written(path, row("e"), row("f") | broken)
    assert ([one["id"] for one in log.rows], [one.at for one in log.aside]) == (["e"], [2])


def test_a_table_keeps_the_columns_that_were_added_to_it(path: Path) -> None:
    cells = {"inputs.q": "2+2?", "outputs.a": "4", "example_id": "e", "execution_time": "0.5"}
    cells |= {"feedback.right": "True", "lang": "en", "error": ""}
    text = io.StringIO()
    table = csv.DictWriter(text, list(cells))
    table.writeheader()
    table.writerow(cells)
    path.write_text(text.getvalue())
    (found,) = read_log(path).rows
    assert (found["lang"], found["score"], found["status"]) == ("en", True, "answered")


# ---------------------------------------------------------------- runs, after the documentation


def exported(order: str, **members: Any) -> dict[str, Any]:
    """A run of the export, whose objects are JSON in text as the Parquet files have them."""
    run = {
        "id": order.rpartition(".")[2],
        "trace_id": order.partition(".")[0],
        "name": "agent",
        "run_type": "chain",
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-01-01T00:00:02Z",
        "inputs": '{"question": "2+2?"}',
        "outputs": '{"answer": "4"}',
        "extra": '{"metadata": {"thread_id": "t1", "lang": "en"}}',
        "error": None,
        "dotted_order": order,
        "prompt_tokens": 7,
        "completion_tokens": 2,
        "total_cost": "0.01",
        "feedback_stats": '{"user_score": {"n": 1, "avg": 1}}',
    }
    return run | members


def test_a_run_of_production_has_its_own_id_and_belongs_to_its_conversation(path: Path) -> None:
    log = written(path, exported("a"))
    assert (log.kind, len(log.rows)) == ("langsmith_runs", 1)
    found = log.rows[0]
    assert (found["id"], found["cluster"], found["score"]) == ("a", "t1", True)
    assert (found["cost"], found["latency"], found["name"]) == (Decimal("0.01"), 2, "agent")
    assert (found["input_tokens"], found["output_tokens"], found["lang"]) == (7, 2, "en")


def test_a_run_of_an_experiment_has_the_id_of_its_example(path: Path) -> None:
    runs = [exported(order, reference_example_id="e") for order in ("a", "b")]
    found = written(path, *runs).rows
    assert [(one["id"], one["cluster"]) for one in found] == [("e", "e"), ("e#2", "e")]


def test_runs_below_another_are_its_steps_in_their_order(path: Path) -> None:
    tool = exported("a.2", run_type="tool", name="add", outputs='{"output": 4}')
    model = exported("a.1.1", run_type="llm", name="m")
    log = written(path, tool, exported("b"), model, exported("a.1"), exported("a"))
    assert [one["id"] for one in log.rows] == ["a", "b"]
    steps = log.row("a")["steps"]
    assert [(one["type"], one["name"], one["output"]) for one in steps] == [
        ("llm", "m", "4"),
        ("tool", "add", 4),
    ]


def test_runs_whose_parents_were_not_exported_are_samples(path: Path) -> None:
    metadata = '{"metadata": {}}'
    runs = [exported(order, run_type="llm", extra=metadata) for order in ("a.1", "a.2")]
    found = written(path, *runs).rows
    assert [(one["id"], one["cluster"]) for one in found] == [("1", "a"), ("2", "a")]


def test_a_bulk_export_in_parquet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "runs.parquet"
    polars.DataFrame([exported("a"), exported("b", error="Timeout")]).write_parquet(path)
    log = read_log(path)
    assert log.kind == "langsmith_runs"
    assert [(row["id"], row["input"], row["status"]) for row in log.rows] == [
        ("a", "2+2?", "answered"),
        ("b", "2+2?", "errored"),
    ]


def test_runs_without_feedback_need_scores(path: Path) -> None:
    log = written(path, exported("a", feedback_stats=None))
    assert [one.what for one in log.needs] == ["scores"]


def test_a_run_without_its_place_is_set_aside(path: Path) -> None:
    log = written(path, exported("a"), exported("b", dotted_order=None))
    assert ([one["id"] for one in log.rows], [one.at for one in log.aside]) == (["a"], [2])


@pytest.mark.parametrize(
    "text",
    [
        '{"run": 1, "example": 2, "score": 1}',
        '{"inputs.x": 1, "outputs.y": 2, "score": 1}',
        '{"run_type": "a", "inputs": {}}',
        "inputs.x,example_id\n1,2\n",
    ],
)
def test_other_data_are_not_claimed(path: Path, text: str) -> None:
    path.write_text(text)
    assert readers_that_claim(path) == []


TABLE: dict[str, Any] = {
    "inputs.q": "2+2?",
    "outputs.a": "4",
    "reference.a": "4",
    "example_id": "e",
}
TABLE |= {"execution_time": 0.5, "feedback.right": 1, "error": None}


@settings(max_examples=200, deadline=None)
@given(seed=st.integers())
def test_damaged_exports_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    for good in (row(), exported("a"), TABLE):
        lines = [json.dumps(good), json.dumps(damaged(good, chance))]
        is_read_or_refused("\n".join(lines), "export.jsonl")
