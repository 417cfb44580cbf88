"""Records of OpenAI evals come out as the facts about them say."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

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

FOLDER = SAMPLES / "openai_evals"


@pytest.fixture(params=["eval", "prod"])
def run(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def log(run: str) -> Log:
    return read_log(FOLDER / f"{run}_record.jsonl")


@pytest.fixture
def known(run: str) -> dict[str, Any]:
    return facts(FOLDER / f"facts_{run}.json")


def test_one_reader_claims_each_file(run: str) -> None:
    assert readers_that_claim(FOLDER / f"{run}_record.jsonl") == ["openai_evals"]


def test_counts_are_those_of_the_facts(log: Log, known: dict[str, Any]) -> None:
    assert len(log.rows) == known["n"]
    scored = [row for row in log.rows if row["score"] is not None]
    assert right_of(scored) == [known["ok_match_events"], known["n_match_events"]]
    assert not log.aside


def test_the_sample_that_failed_is_errored_and_not_wrong(log: Log) -> None:
    (row,) = log.where(status="errored")
    assert (row["error"], row["score"]) == ("TimeoutError: upstream timeout", None)


def test_the_planted_slice_has_the_counts_of_the_facts(log: Log, known: dict[str, Any]) -> None:
    inside = [row for row in log.rows if (row.get("topic"), row.get("tier")) == ("refund", "pro")]
    assert not known["error_in_slice"]
    assert right_of(inside) == [known["planted"]["ok"], known["planted"]["n"]]


@pytest.mark.parametrize("attribute", ["lang", "topic", "channel", "tier"])
def test_each_value_has_the_counts_of_the_facts(
    log: Log, known: dict[str, Any], attribute: str
) -> None:
    # The log says nothing of the sample that failed but its error, so one value lacks it.
    rows = [row for row in log.rows if row["status"] != "errored"]
    found = by_value(log._replace(rows=rows), attribute)
    lacking = {
        value: [planned - counted for planned, counted in zip(counts, found[value], strict=True)]
        for value, counts in known["by"][attribute].items()
    }
    one = [int(known["error_planned_ok"]), 1]
    assert sorted(lacking.values()) == sorted([one, *[[0, 0]] * (len(lacking) - 1)])


def test_the_accuracy_of_the_final_report_follows_from_the_samples(log: Log) -> None:
    (stated,) = log.reported
    scores = [row["scores"]["correct"] for row in log.rows if "scores" in row]
    assert stated.name == "mean of correct"
    assert float(stated.value) == pytest.approx(sum(scores) / len(scores), abs=1e-12)


def test_a_sample_has_all_that_its_events_say(log: Log) -> None:
    row = log.rows[0]
    assert row["id"] == "support.test.0"
    assert isinstance(row["input"], str)
    assert row["output"].endswith("_TEAM")
    assert row["expected"].endswith("_TEAM")
    assert row["timestamp"].startswith("2026-11-23T10:57:")
    assert (row["model"], row["task"]) == ("router", "support.test.v1")
    assert (row["input_tokens"], row["output_tokens"]) == (40, 6)


def test_samples_become_records(run: str, tmp_path: Path, known: dict[str, Any]) -> None:
    assert records_of(FOLDER / f"{run}_record.jsonl", tmp_path) == known["n"]


# ---------------------------------------------------------------- written by hand, from the source

SPEC = {"run_config": {}, "completion_fns": ["m"], "eval_name": "sums", "run_id": "r"}


def event(kind: str, sample: str = "s", run: str = "r", **data: Any) -> dict[str, Any]:
    return {
        "run_id": run,
        "sample_id": sample,
        "type": kind,
        "data": data,
        "created_at": "2026-01-01 00:00:00.5+00:00",
    }


def written(path: Path, *events: dict[str, Any], report: dict[str, Any] | None = None) -> Log:
    found = [{"spec": SPEC}, *events, {"final_report": report or {"accuracy": 1}}]
    path.write_text("".join(json.dumps(one) + "\n" for one in found))
    return read_log(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "record.jsonl"


def test_events_of_two_samples_may_be_mixed(path: Path) -> None:
    log = written(
        path,
        event("sampling", "a", prompt="1?", sampled=["one"]),
        event("sampling", "b", prompt="2?", sampled=["two"]),
        event("match", "b", correct=True, expected="two"),
        event("match", "a", correct=False, expected=["1", "I"]),
    )
    assert [(row["id"], row["input"], row["output"], row["score"]) for row in log.rows] == [
        ("b", "2?", "two", True),
        ("a", "1?", "one", False),
    ]
    assert log.row("a")["expected"] == ["1", "I"]


def test_each_match_of_a_sample_is_a_repeat_with_its_own_answer(path: Path) -> None:
    log = written(
        path,
        event("sampling", prompt="1?", sampled=["one"]),
        event("match", correct=True),
        event("sampling", prompt="2?", sampled=["two"]),
        event("match", correct=False),
    )
    assert [(row["id"], row["cluster"], row["output"]) for row in log.rows] == [
        ("s", "s", "one"),
        ("s#2", "s", "two"),
    ]


@pytest.mark.parametrize(
    ("metrics", "score"),
    [
        ({"accuracy": 1.0, "f1_score": 0.5}, True),
        ({"score": 0}, False),
        ({"accuracy": 0.5}, None),
        ({"f1_score": 1}, None),
    ],
)
def test_without_a_match_the_verdict_is_that_of_the_metrics(
    path: Path, metrics: dict[str, Any], score: bool | None
) -> None:
    (row,) = written(path, event("metrics", **metrics)).rows
    assert (row["score"], row["scores"]) == (score, metrics)


def test_a_model_that_grades_with_no_choice_is_a_grader_that_failed(path: Path) -> None:
    (row,) = written(path, event("metrics", choice="__invalid__", score=0)).rows
    assert (row["status"], row["score"]) == ("grader failed", None)


def test_a_verdict_in_spite_of_an_error_stands_and_is_counted(path: Path) -> None:
    error = event("error", type="TimeoutError", message="slow")
    log = written(path, error, event("match", correct=True))
    assert (log.rows[0]["score"], log.rows[0]["status"]) == (True, "answered")
    assert [note.text[-2:] for note in log.notes] == [" 1"]


def test_a_sample_that_nothing_was_measured_of_is_unscored(path: Path) -> None:
    row = event("raw_sample", input="1?", ideal="one", lang="en")
    log = written(path, row, event("match", "b", correct=True))
    assert log.row("s")["status"] == "unscored"
    assert (log.row("s")["expected"], log.row("s")["lang"]) == ("one", "en")


def test_runs_in_one_file_are_systems_of_their_own(path: Path) -> None:
    other = {"spec": {**SPEC, "run_id": "q", "completion_fns": ["n"]}}
    matches = event("match", correct=True), other, event("match", run="q", correct=True)
    log = written(path, *matches)
    found = [(row["id"], row["cluster"], row["system"]) for row in log.rows]
    assert found == [("s", "s", "m"), ("s#2", "s", "n")]


def test_figures_that_may_be_no_means_are_not_compared(path: Path) -> None:
    report = {"accuracy": 1, "counts/A": 3, "f1_score": 0.5}
    log = written(path, event("match", correct=True), report=report)
    assert [one.name for one in log.reported] == ["mean of correct"]


def test_a_run_that_was_cut_off_has_no_report_and_says_so(path: Path) -> None:
    path.write_text(json.dumps({"spec": SPEC}) + "\n" + json.dumps(event("match", correct=True)))
    log = read_log(path)
    assert (len(log.rows), ["0 final reports" in note.text for note in log.notes]) == (1, [True])


@pytest.mark.parametrize("broken", [{"type": "match"}, {"sample_id": "s"}, {"sample_id": ["s"]}])
def test_an_event_of_no_sample_is_set_aside(path: Path, broken: dict[str, Any]) -> None:
    log = written(path, broken, event("match", correct=True))
    assert ([one.at for one in log.aside], len(log.rows)) == ([2], 1)


def test_a_line_that_is_cut_off_is_set_aside(path: Path) -> None:
    found = [json.dumps(one) for one in ({"spec": SPEC}, event("match", correct=True))]
    path.write_text("\n".join([*found, json.dumps(event("match", "b"))[:-4]]))
    log = read_log(path)
    assert ([row["id"] for row in log.rows], [one.at for one in log.aside]) == (["s"], [3])


@pytest.mark.parametrize("text", ['{"spec": {"openapi": 3}}', '{"spec": 1}', '{"run_config": 1}'])
def test_other_json_is_not_claimed(path: Path, text: str) -> None:
    path.write_text(text)
    assert readers_that_claim(path) == []


EVENTS = [
    {"spec": SPEC},
    event("sampling", prompt=[{"role": "user", "content": "1?"}], sampled=["one"], usage={"a": 1}),
    event("match", correct=True, expected="one", metadata={"lang": "en"}),
    event("metrics", "b", accuracy=1.0, choice="A"),
    event("error", "c", type="E", message="no"),
    {"final_report": {"accuracy": 1.0}},
]


@settings(max_examples=200, deadline=None)
@given(seed=st.integers())
def test_a_damaged_record_is_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    lines = [json.dumps(damaged(one, chance) if chance.random() < 0.5 else one) for one in EVENTS]
    is_read_or_refused("\n".join(lines), "record.jsonl")
