"""DeepEval's test runs come out as the facts about them say."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
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
)

FOLDER = SAMPLES / "deepeval"
RUNS = {"eval": FOLDER / "test_run_eval.json", "prod": FOLDER / "latest_test_run_prod.json"}


@pytest.fixture(params=["eval", "prod"])
def run(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def known(run: str) -> dict[str, Any]:
    return facts(FOLDER / f"facts_{run}.json")


@pytest.fixture
def log(run: str) -> Log:
    return read_log(RUNS[run])


def test_one_reader_claims_each_file(run: str) -> None:
    assert readers_that_claim(RUNS[run]) == ["deepeval"]


def test_counts_are_those_of_the_facts(log: Log, known: dict[str, Any]) -> None:
    assert right_of(log.rows) == [known["n_ok"], known["n"]]
    assert not log.aside


def test_the_planted_slice_has_the_counts_of_the_facts(log: Log, known: dict[str, Any]) -> None:
    inside = [row for row in log.rows if (row["topic"], row["lang"]) == ("account", "en")]
    assert right_of(inside) == [known["planted"]["ok"], known["planted"]["n"]]


@pytest.mark.parametrize("attribute", ["lang", "topic", "channel", "tier"])
def test_each_value_has_the_counts_of_the_facts(
    log: Log, known: dict[str, Any], attribute: str
) -> None:
    assert by_value(log, attribute) == known["by"][attribute]


def test_a_test_of_which_a_grader_raised_is_decided_by_the_other(
    log: Log, known: dict[str, Any]
) -> None:
    (row,) = [row for row in log.rows if "grader_error" in row]
    assert row["id"] == known["error_record"]
    assert row["score"] is known["error_planned_ok"]
    assert row["grader_error"] == "Helpfulness: ValueError: grader returned invalid JSON"
    assert list(row["scores"]) == ["Exact Match"]
    assert ["raised in 1 tests" in note.text for note in log.notes] == [True]


def test_what_the_run_states_follows_from_its_tests(log: Log) -> None:
    stated = {one.name: one for one in log.reported}
    assert stated.pop("samples").value == len(log.rows)
    assert set(stated) == {"mean of Exact Match", "mean of Helpfulness"}
    for name, one in stated.items():
        metric = name.removeprefix("mean of ")
        scores = [row["scores"][metric] for row in log.rows if metric in row["scores"]]
        assert (one.over, one.value) == (len(scores), sum(scores) / len(scores))


def test_a_test_has_all_that_it_says() -> None:
    row = read_log(RUNS["prod"]).rows[0]
    assert (row["id"], row["cluster"]) == ("T44552", "T44552")
    assert row["input"] == "[T44552] Refund for A25220 is short by 131 euros."
    assert (row["output"], row["expected"]) == ("REFUND_TEAM", "REFUND_TEAM")
    assert (row["latency"], row["cost"]) == (Decimal("0.603"), Decimal("0.003075"))
    assert (row["tags"], row["turns"]) == (["web", "prod"], 1)
    assert (row["model"], row["prompt"]) == ("router-v2", "v7")


def test_samples_become_records(run: str, tmp_path: Path, known: dict[str, Any]) -> None:
    assert records_of(RUNS[run], tmp_path) == known["n"]


# ---------------------------------------------------------------- written by hand, from the source


def metric(name: str = "m", success: bool | None = True, **members: Any) -> dict[str, Any]:
    return {"name": name, "success": success, "score": 1.0, "threshold": 0.5} | members


def case(name: str = "t", *metrics: dict[str, Any], **members: Any) -> dict[str, Any]:
    found = {"name": name, "input": "2+2?", "actualOutput": "4", "metricsData": list(metrics)}
    return found | members


TURNS = [
    {"role": "user", "content": "2+2?", "order": 0},
    {"role": "assistant", "content": "5", "order": 1},
    {"role": "assistant", "content": "No: 4", "order": 2},
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.json"


def written(path: Path, *cases: Any, **members: Any) -> Log:
    path.write_text(json.dumps({"testFile": "t.py", "testCases": list(cases), **members}))
    return read_log(path)


@pytest.mark.parametrize(
    ("metrics", "score", "status"),
    [
        ([metric(), metric("n", False)], False, "answered"),
        ([metric(), metric("n", False, flaky=True)], True, "answered"),
        ([metric(), metric("n", False, error="E")], True, "answered"),
        ([metric(success=False, error="E")], None, "grader failed"),
        ([metric(success=None)], None, "unscored"),
        ([], None, "unscored"),
    ],
)
def test_a_test_passes_when_all_metrics_that_decide_pass(
    path: Path, metrics: list[dict[str, Any]], score: bool | None, status: str
) -> None:
    (row,) = written(path, case("t", *metrics)).rows
    assert (row["score"], row["status"]) == (score, status)


def test_only_tests_of_one_name_and_input_are_repeats(path: Path) -> None:
    log = written(path, case(), case(input="3+3?"), case())
    assert [(row["id"], row["cluster"]) for row in log.rows] == [
        ("t", "t"),
        ("t#2", "t#2"),
        ("t#3", "t"),
    ]


def test_metrics_of_one_name_keep_their_scores(path: Path) -> None:
    (row,) = written(path, case("t", metric(), metric(score=0.5))).rows
    assert row["scores"] == {"m": 1, "m#2": Decimal("0.5")}


def test_the_turns_of_a_conversation_are_its_steps(path: Path) -> None:
    talk = case("c", metric(), turns=TURNS, scenario="sums", expectedOutcome="4")
    del talk["input"], talk["actualOutput"]
    (row,) = written(path, conversationalTestCases=[talk]).rows
    assert (row["input"], row["output"], row["expected"]) == ("2+2?", "No: 4", "4")
    assert row["steps"] == TURNS


def test_the_input_of_a_longer_conversation_is_its_scenario(path: Path) -> None:
    talk = case("c", metric(), turns=[*TURNS, TURNS[0]], scenario="sums")
    assert written(path, talk).rows[0]["input"] == "sums"


def test_the_tools_that_were_called_are_steps(path: Path) -> None:
    called = [{"name": "add", "inputParameters": {"a": 2}, "output": 4}]
    assert written(path, case(toolsCalled=called)).rows[0]["steps"] == called


@pytest.mark.parametrize("broken", [7, {"input": "2+2?"}, {"name": None}])
def test_a_test_without_a_name_is_set_aside(path: Path, broken: Any) -> None:
    log = written(path, case(), broken, case("u"))
    assert ([row["id"] for row in log.rows], [one.at for one in log.aside]) == (["t", "u"], [2])


@pytest.mark.parametrize("cut", [10, 40, 100])
def test_a_run_that_is_cut_off_is_one_error(path: Path, cut: int) -> None:
    path.write_text(json.dumps({"testCases": [case(), case("u")], "testPassed": 2})[:-cut])
    with pytest.raises(CannotRead, match=r"cut off|no JSON"):
        read_log(path)


@pytest.mark.parametrize(
    "text",
    [
        '{"testCases": []}',
        '{"testCases": [{"id": 1, "score": 2}]}',
        '{"testRunData": {}}',
        '{"name": "a", "metricsData": []}',
    ],
)
def test_other_json_is_not_claimed(path: Path, text: str) -> None:
    path.write_text(text)
    assert readers_that_claim(path) == []


DOCUMENT = {
    "testCases": [
        case("t", metric(), metric("n", False, error="E"), metadata={"lang": "en"}, tags=["a"]),
        case("c", metric(), turns=TURNS),
    ],
    "metricsScores": [{"metric": "m", "scores": [1.0, 1.0], "passes": 2}],
    "hyperparameters": {"model": "m"},
    "testPassed": 1,
    "testFailed": 1,
}


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(), wrapped=st.booleans())
def test_a_damaged_run_is_read_or_refused(seed: int, wrapped: bool) -> None:
    document = damaged(DOCUMENT, random.Random(seed))
    text = json.dumps({"testRunData": document} if wrapped else document)
    is_read_or_refused(text, "run.json")
