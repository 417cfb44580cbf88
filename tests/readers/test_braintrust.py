"""Braintrust's results come out as the facts say, its spans as the documentation does."""

from __future__ import annotations

import csv
import hashlib
import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.logs import Aside, Note, Reported

from .log_facts import SAMPLES, Read, as_records, claimants, damage, facts, rates, read

HERE = SAMPLES / "braintrust"
RESULTS = [json.loads(line) for line in (HERE / "evalresults_eval.jsonl").read_text().splitlines()]
SUMMARY = {"project_name": "p", "experiment_name": "e", "scores": {}, "metrics": {}}

SUMMED = {"summary": SUMMARY, "results": RESULTS[:2]}


def written(tmp_path: Path, *rows: Any) -> Read:
    path = tmp_path / "results.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return read(path)


def span(identity: str, parent: str | None, kind: str, **more: Any) -> dict[str, Any]:
    """A span as the interface describes an `ExperimentEvent`; written by hand."""
    return {
        "id": f"row-{identity}",
        "_xact_id": "1",
        "created": "2026-05-04T08:00:00.000Z",
        "span_id": identity,
        "root_span_id": more.pop("root", "root"),
        "span_parents": [parent] if parent else None,
        "span_attributes": {"type": kind, "name": kind},
        "input": None,
        "output": None,
        "expected": None,
        "error": None,
        "scores": None,
        "metadata": None,
        "tags": None,
        "metrics": {"start": 1777881600, "end": 1777881602.5},
    } | more


TRACE = [
    span("call", "task", "llm", output=[{"message": {"role": "assistant", "content": "LATER"}}])
    | {"metadata": {"model": "m", "temperature": 0}, "metrics": {"prompt_tokens": 4}},
    span("task", "root", "task", output="LATER"),
    span("grade", "root", "score", scores={"exact": 0}),
    span(
        "root",
        None,
        "eval",
        input="When?",
        output="LATER",
        expected={"answer": "NOW"},
        scores={"exact": 0, "tone": 0.5},
        metadata={"lang": "en"},
        tags=["web"],
        origin={"object_type": "dataset", "object_id": "d", "id": "T1"},
    ),
]


@pytest.mark.parametrize("name", ["eval", "prod"])
def test_what_is_right_is_as_the_facts_say(name: str) -> None:
    known, (rows, log) = facts("braintrust", name), read(HERE / f"evalresults_{name}.jsonl")
    assert (len(rows), log.aside) == (known["n"], [])
    (failed,) = [row for row in rows if row["status"] == "errored"]
    assert known["error_record"] in failed["input"]
    assert failed["score"] is None
    assert failed["error"] == "TimeoutError('upstream timeout')"
    planned = known["error_planned_ok"]
    assert sum(row["score"] is True for row in rows) + planned == known["n_ok"]
    for attribute, by_value in known["by"].items():
        assert rates(rows, attribute, errors_right=planned) == by_value
    slice_ = [row for row in rows if (row["lang"], row["topic"]) == ("de", "account")]
    planted = rates(slice_, "lang", errors_right=planned)["de"]
    assert planted == [known["planted"]["ok"], known["planted"]["n"]]


def test_a_row_has_what_its_result_has() -> None:
    rows, log = read(HERE / "evalresults_eval.jsonl")
    digest = hashlib.sha256(json.dumps(RESULTS[0]["input"]).encode()).hexdigest()
    assert rows[0] == {
        "id": digest[:16],
        "input": "[T45790] Bestellung A12611 sollte am 28.02. kommen, wo ist sie?",
        "output": "LOGISTICS_TEAM",
        "expected": "LOGISTICS_TEAM",
        "score": True,
        "scores": {"exact": 1, "helpfulness": Decimal("0.707")},
        "status": "answered",
        "lang": "de",
        "topic": "shipping",
        "channel": "voice",
        "tier": "pro",
        "turns": 2,
        "record_id": "T45790",
        "tags": ["voice"],
    }
    assert log.notes == [Note("the verdict is the score 'exact', which is always yes or no")]


@pytest.mark.parametrize("name", ["eval", "prod"])
def test_one_reader_claims_a_sample_and_its_rows_are_records(name: str) -> None:
    path = HERE / f"evalresults_{name}.jsonl"
    assert claimants(path) == ["braintrust"]
    assert len(as_records(path)) == 2 * facts("braintrust", name)["n"]


def test_results_with_their_summary_give_the_same_rows_and_its_means(tmp_path: Path) -> None:
    # Written by hand after the SDK's EvalResultWithSummary.
    right = sum(result["scores"].get("exact", 0) for result in RESULTS)
    mean = {"name": "exact", "score": right / 39, "improvements": 0, "regressions": 0}
    document = {"summary": SUMMARY | {"scores": {"exact": mean}}, "results": RESULTS}
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document, indent=1))
    rows, log = read(path)
    assert claimants(path) == ["braintrust_summary"]
    assert rows == read(HERE / "evalresults_eval.jsonl").rows
    number = Decimal(str(right / 39))
    assert log.reported == [Reported("mean of exact", number, "summary.scores.exact.score")]
    (held,) = log.tally.against(log.reported)
    assert held.found is not None
    assert round(held.found, 12) == round(number, 12)


def test_an_id_that_all_results_have_is_theirs(tmp_path: Path) -> None:
    with_id = [result for result in RESULTS if "record_id" in result["metadata"]]
    assert len(with_id) == len(RESULTS) - 1  # the call that failed came to no metadata
    rows = written(tmp_path, *with_id).rows
    assert [row["id"] for row in rows] == [row["record_id"] for row in rows]
    ids = {row["id"] for row in written(tmp_path, *RESULTS).rows}
    assert ids.isdisjoint(row["record_id"] for row in rows)


def test_results_without_an_id_are_told_by_their_input(tmp_path: Path) -> None:
    plain = [{**result, "metadata": {}} for result in RESULTS[:2]]
    rows = written(tmp_path, *plain, plain[0]).rows
    first = [row for row in rows if row["input"] == plain[0]["input"]]
    assert [row["id"] for row in first] == [first[0]["id"], first[0]["id"] + "#2"]
    assert {row["cluster"] for row in first} == {first[0]["id"]}
    assert len({row["id"] for row in rows}) == 3
    again = written(tmp_path, *reversed(plain)).rows
    assert {row["id"] for row in again} < {row["id"] for row in rows}


def test_a_scorer_that_failed_is_told_and_is_no_wrong_answer(tmp_path: Path) -> None:
    errors = {"scorer_errors": {"exact": "Traceback:\n  x\nTypeError: no text"}}
    result = RESULTS[0] | {"scores": {"exact": None}, "metadata": errors}
    rows = written(tmp_path, *RESULTS[1:3], result).rows
    (row,) = [row for row in rows if row["status"] == "grader failed"]
    assert (row["grader_error"], row["score"]) == ("exact: TypeError: no text", None)


def test_graded_scores_alone_give_no_verdict(tmp_path: Path) -> None:
    graded = [result | {"scores": {"tone": 0.4}} for result in RESULTS[:3]]
    rows, log = written(tmp_path, *graded, graded[0] | {"scores": {"tone": 1}})
    assert {row["score"] for row in rows} == {None}
    assert log.notes == [Note("no score is taken for a verdict among 'tone'")]


def test_one_for_something_unwanted_is_no_right_answer(tmp_path: Path) -> None:
    marked = [result | {"scores": {"hallucination": 1}} for result in RESULTS[:2]]
    assert {row["score"] for row in written(tmp_path, *marked).rows} == {None}


@pytest.mark.parametrize("kind", ["lines", "events", "csv", "parquet"])
def test_a_trace_of_spans_is_a_sample(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "spans"
    if kind == "lines":
        path.write_text("\n".join(json.dumps(one) for one in TRACE))
    elif kind == "events":
        path.write_text(json.dumps({"events": TRACE, "cursor": "x"}))
    elif kind == "csv":
        columns = list(TRACE[-1])
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            for one in TRACE:
                cells = {
                    name: json.dumps(value) if isinstance(value, (dict, list)) else value
                    for name, value in one.items()
                }
                writer.writerow(cells)
    else:
        texts = [one | {"output": one["output"] and "LATER"} for one in TRACE]
        pl.DataFrame(texts, infer_schema_length=None).write_parquet(path)
    (row,), log = read(path)
    assert (row["id"], row["output"], row["expected"]) == ("T1", "LATER", {"answer": "NOW"})
    assert row["scores"] == {"exact": 0, "tone": Decimal("0.5")}
    assert (row["score"], row["lang"], row["model"], row["tags"]) == (False, "en", "m", ["web"])
    assert (row["latency"], row["timestamp"]) == (Decimal("2.5"), "2026-05-04T08:00:00+00:00")
    assert [step["id"] for step in row["steps"]] == ["call", "task", "grade"]
    assert (row["input_tokens"], log.aside) == (4, [])


def test_trials_of_a_record_share_a_cluster(tmp_path: Path) -> None:
    again = [one | {"root_span_id": "again"} for one in TRACE]
    rows = written(tmp_path, *TRACE, *again).rows
    assert [(row["id"], row["cluster"]) for row in rows] == [("T1", "T1"), ("T1#2", "T1")]


def test_a_trace_that_failed_is_no_wrong_answer(tmp_path: Path) -> None:
    root = TRACE[-1] | {"error": "Traceback:\n x\nTimeoutError: late", "output": None}
    (row,), _ = written(tmp_path, TRACE[2], root)
    assert (row["status"], row["error"], row["score"]) == ("errored", "TimeoutError: late", None)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scores": [1]}, "its scores is '[1]', expected an object"),
        ({"metadata": "x"}, "its metadata is 'x', expected an object"),
    ],
)
def test_a_damaged_result_or_span_is_set_aside(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    for good, bad in ((RESULTS[:1], RESULTS[1]), (TRACE, TRACE[0])):
        rows, log = written(tmp_path, *good, bad | changes)
        assert (len(rows), log.aside) == (1, [Aside(len(good) + 1, says)])


@pytest.mark.parametrize(
    "rows", [RESULTS[:2], TRACE, [{"summary": SUMMARY, "results": RESULTS[:2]}]]
)
@settings(max_examples=50)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("braintrust") / "results.jsonl"
    damaged = damage(rows, data)
    kept = rows[:1] if len(rows) > 1 else []
    path.write_text("\n".join(json.dumps(row) for row in [*kept, *damaged]))
    with suppress(CannotRead):
        read(path)
