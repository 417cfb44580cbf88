"""MLflow's tables and traces become samples, whatever they were written as."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.errors import CannotRead

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
    statuses,
)

HERE = SAMPLES / "mlflow"
TABLES = [
    ("genai_result_df_eval.csv.gz", "eval"),
    ("genai_result_df_prod.csv.gz", "prod"),
    ("genai_result_df_eval.json", "eval"),
    ("genai_result_df_prod.json.gz", "prod"),
    ("eval_results_table_eval.json", "eval"),
    ("eval_results_table_prod.json", "prod"),
]
RECORDS: list[dict[str, Any]] = json.loads((HERE / "genai_result_df_eval.json").read_text())
TRACES: list[dict[str, Any]] = json.loads((HERE / "traces_prod_first8.json").read_text())


def row(**changes: Any) -> dict[str, Any]:
    """A row of the table with some cells changed."""
    return RECORDS[0] | changes


def written(tmp_path: Path, value: Any) -> Log:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(value))
    return read_log(path)


@pytest.mark.parametrize(("file", "run"), TABLES)
def test_what_is_right_is_what_the_plan_says(file: str, run: str) -> None:
    log, plan = read_log(HERE / file), facts(HERE / f"facts_{run}.json")
    assert right_of(log.rows) == [plan["n_ok"], plan["n"]]
    planted = log.where(channel="web", topic="billing")
    assert right_of(planted) == [plan["planted"]["ok"], plan["planted"]["n"]]
    assert {name: by_value(log, name) for name in plan["by"]} == plan["by"]
    assert statuses(log) == {"answered": plan["n"]}


@pytest.mark.parametrize(("file", "run"), TABLES)
def test_every_row_becomes_a_record(file: str, run: str, tmp_path: Path) -> None:
    assert records_of(HERE / file, tmp_path) == facts(HERE / f"facts_{run}.json")["n"]


@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("*.json")))
def test_one_particular_reader_claims_each_file(file: str) -> None:
    kinds = {"genai": "mlflow", "eval": "mlflow_table", "traces": "mlflow_traces"}
    kind = kinds.get(file.partition("_")[0])
    assert readers_that_claim(HERE / file) == ([kind] if kind else [])


def test_a_row_has_its_parts_and_the_users_own_attributes() -> None:
    first = read_log(HERE / "genai_result_df_eval.json").rows[0]
    assert first == {
        "id": "T24291",
        "cluster": "T24291",
        "input": "[T24291] My invoice A16710 shows a fee of 219 that I do not recognise.",
        "output": "BILLING_TEAM",
        "expected": "BILLING_TEAM",
        "score": True,
        "scores": {"exact": True, "helpfulness": Decimal("0.749")},
        "status": "answered",
        "latency": Decimal("0.001"),
        "timestamp": "2026-11-23T10:59:16.245+00:00",
        "lang": "en",
        "topic": "billing",
        "channel": "web",
        "tier": "pro",
        "turns": 2,
    }


def test_a_row_that_no_scorer_reached_is_unscored_and_not_wrong() -> None:
    log, counted = (
        read_log(HERE / "genai_result_df_prod_lossy.json.gz"),
        facts(HERE / "facts_lossy.json"),
    )
    assert len(log.rows) == counted["n"]
    assert sum(row["score"] is True for row in log.rows) == counted["n_ok"]
    assert statuses(log) == {
        "answered": counted["n"] - counted["unscored"],
        "unscored": counted["unscored"],
    }


def test_a_table_says_where_the_means_over_all_rows_stand() -> None:
    (note,) = read_log(HERE / "genai_result_df_prod_lossy.json.gz").notes
    assert "mlflow runs describe --run-id 984a395b3cc94e36a0aac0b6729e9acd" in note.text


@pytest.mark.parametrize("written_as", ["lines", "columns", "split"])
def test_other_ways_of_pandas_to_write_a_table_give_the_same_rows(
    written_as: str, tmp_path: Path
) -> None:
    path = tmp_path / "table.json"
    if written_as == "lines":
        path.write_text("\n".join(json.dumps(record) for record in RECORDS))
    elif written_as == "columns":
        numbered = [str(number) for number in range(len(RECORDS))]
        path.write_text(
            json.dumps(
                {
                    name: {at: record[name] for at, record in zip(numbered, RECORDS, strict=True)}
                    for name in RECORDS[0]
                }
            )
        )
    else:
        cells = [list(record.values()) for record in RECORDS]
        path.write_text(json.dumps({"columns": list(RECORDS[0]), "data": cells}))
    log = read_log(path)
    assert log.kind == ("mlflow" if written_as == "lines" else "mlflow_table")
    assert log.rows == read_log(HERE / "genai_result_df_eval.json").rows


def test_a_table_in_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    heavy = {"assessments", "trace_metadata", "client_request_id"}
    light = [{k: v for k, v in record.items() if k not in heavy} for record in RECORDS]
    path = tmp_path / "table.parquet"
    polars.DataFrame(light, infer_schema_length=None).write_parquet(path)
    log = read_log(path)
    assert log.kind == "mlflow"
    assert log.rows == read_log(HERE / "genai_result_df_eval.json").rows


def test_traces_are_rows_as_in_the_table_of_their_run() -> None:
    table = {row["id"]: row for row in read_log(HERE / "genai_result_df_prod.json.gz").rows}
    traces = read_log(HERE / "traces_prod_first8.json").rows
    assert len(traces) == 8
    for trace in traces:
        assert {
            name: trace[name] for name in ("input", "output", "expected", "score", "topic")
        } == {
            name: table[trace["id"]][name]
            for name in ("input", "output", "expected", "score", "topic")
        }


def test_the_spans_of_an_agent_are_its_steps(tmp_path: Path) -> None:
    trace = json.loads(json.dumps(TRACES[0]))
    (root,) = trace["data"]["spans"]
    tool = {
        "parent_span_id": root["span_id"],
        "name": "look_up",
        "attributes": {
            "mlflow.spanType": '"TOOL"',
            "mlflow.spanInputs": '{"order": "A1"}',
            "mlflow.spanOutputs": '"found"',
        },
    }
    trace["data"]["spans"].append(tool)
    (sample,) = written(tmp_path, [trace]).rows
    assert sample["steps"][1] == {
        "name": "look_up",
        "type": "TOOL",
        "input": {"order": "A1"},
        "output": "found",
    }


def test_a_trace_that_failed_has_the_message_of_its_span_and_no_score(tmp_path: Path) -> None:
    trace = json.loads(json.dumps(TRACES[0]))
    trace["info"]["state"] = "ERROR"
    trace["data"]["spans"][0]["status"] = {"code": "STATUS_CODE_ERROR", "message": "timed out"}
    (sample,) = written(tmp_path, [trace]).rows
    assert (sample["error"], sample["score"], sample["status"]) == ("timed out", None, "errored")


def test_a_row_whose_call_failed_has_no_score_though_a_scorer_said_no(tmp_path: Path) -> None:
    log = written(tmp_path, [row(), row(state="ERROR", **{"exact/value": False})])
    assert (log.rows[1]["score"], log.rows[1]["status"]) == (None, "errored")
    assert log.rows[1]["scores"]["exact"] is False


# A scorer's error is known from MLflow's source; this sample is written by hand.
BROKEN = {
    "assessment_name": "exact",
    "feedback": {"value": None, "error": {"error_code": "E", "error_message": "no judge"}},
}


def test_a_scorer_that_failed_leaves_no_verdict(tmp_path: Path) -> None:
    failed = row(**{"exact/value": None, "assessments": [BROKEN]})
    sample = written(tmp_path, [row(), failed]).rows[1]
    assert (sample["score"], sample["status"]) == (None, "grader failed")
    assert sample["grader_error"] == "exact: no judge"


def test_another_scorer_that_failed_leaves_the_verdict(tmp_path: Path) -> None:
    failed = row(assessments=[BROKEN | {"assessment_name": "tone"}])
    sample = written(tmp_path, [row(), failed]).rows[1]
    assert (sample["score"], sample["grader_error"]) == (True, "tone: no judge")


def test_the_verdict_is_the_same_scorers_whatever_the_order_of_the_columns(tmp_path: Path) -> None:
    second = {"safety/value": "no"}
    one = written(tmp_path, [second | row()])
    other = written(tmp_path, [row() | second])
    assert one.rows[0]["score"] is other.rows[0]["score"] is True
    assert "the score is exact; these say yes or no as well: safety" in one.notes[0].text


def test_a_scorer_that_counts_is_no_verdict_where_another_says_yes_or_no(tmp_path: Path) -> None:
    log = written(tmp_path, [row(**{"calls/value": 1, "exact/value": "no"})])
    assert log.rows[0]["score"] is False


def test_a_judge_that_cannot_say_leaves_a_row_unscored(tmp_path: Path) -> None:
    rows = [row(**{"exact/value": value}) for value in ("yes", "unknown", "no")]
    log = written(tmp_path, [{k: v for k, v in one.items() if k != "assessments"} for one in rows])
    assert [row["score"] for row in log.rows] == [True, None, False]


def test_a_table_without_a_score_says_what_it_needs(tmp_path: Path) -> None:
    bare = {name: value for name, value in RECORDS[0].items() if "/" not in name}
    log = written(tmp_path, [bare | {"assessments": []}])
    assert statuses(log) == {"unscored": 1}
    assert [need.what for need in log.needs] == ["scores"]


def test_repeats_of_an_input_are_one_cluster(tmp_path: Path) -> None:
    log = written(tmp_path, [row(), row()])
    assert [row["id"] for row in log.rows] == ["T24291", "T24291#2"]
    assert {row["cluster"] for row in log.rows} == {"T24291"}


def test_an_answer_in_a_chat_completion_is_its_text(tmp_path: Path) -> None:
    response = {"choices": [{"message": {"role": "assistant", "content": "Hello"}}]}
    asked = {"messages": [{"role": "user", "content": "Hi"}]}
    log = written(tmp_path, [row(response=response, request=asked)])
    assert (log.rows[0]["output"], log.rows[0]["input"]) == ("Hello", "Hi")


def test_tokens_are_kept(tmp_path: Path) -> None:
    metadata = {"mlflow.trace.tokenUsage": '{"input_tokens": 7, "output_tokens": 2}'}
    sample = written(tmp_path, [row(trace_metadata=metadata)]).rows[0]
    assert (sample["input_tokens"], sample["output_tokens"]) == (7, 2)


def test_an_item_that_is_no_row_is_set_aside(tmp_path: Path) -> None:
    log = written(tmp_path, [row(), 7, row()])
    assert [one.at for one in log.aside] == [2]
    assert len(log.rows) == 2


def test_a_row_with_too_few_cells_is_set_aside(tmp_path: Path) -> None:
    table = {"columns": ["inputs", "exact/score"], "data": [["a", 1], ["b"], ["c", 0]]}
    log = written(tmp_path, table)
    assert [one.what for one in log.aside] == ["found 1 cells, expected 2"]
    assert [row["score"] for row in log.rows] == [True, False]


@pytest.mark.parametrize("file", ["genai_result_df_eval.json", "eval_results_table_eval.json"])
def test_a_table_that_is_cut_off_is_refused(file: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_text((HERE / file).read_text()[:-40])
    with pytest.raises(CannotRead, match="cut off"):
        read_log(path)


def test_no_number_is_no_score(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    nothing = row(**{"exact/value": float("nan"), "assessments": []})
    path.write_text(json.dumps([row(), nothing]))
    assert [row["status"] for row in read_log(path).rows] == ["answered", "unscored"]


def test_a_plain_table_of_a_users_is_not_claimed(tmp_path: Path) -> None:
    for text in (
        '{"columns": ["id", "score"], "data": [[1, 2]]}',
        '[{"id": 1, "trace_id": "t", "exact/value": 1}]',
        '{"trace_id": "t", "request": "x", "response": "y"}',
    ):
        path = tmp_path / "plain.json"
        path.write_text(text)
        assert readers_that_claim(path) == []


@given(st.randoms(use_true_random=False))
def test_a_damaged_table_is_read_or_refused(chance: random.Random) -> None:
    is_read_or_refused(json.dumps(damaged(RECORDS[:3], chance)), "table.json")


@given(st.randoms(use_true_random=False))
def test_damaged_traces_are_read_or_refused(chance: random.Random) -> None:
    is_read_or_refused(json.dumps(damaged(TRACES[:2], chance)), "traces.json")
