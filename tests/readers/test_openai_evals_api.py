"""Output items of the OpenAI Evals API, written by hand after its reference."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .read_log import Log, damaged, is_read_or_refused, read_log, readers_that_claim, records_of

ITEM: dict[str, Any] = {
    "object": "eval.run.output_item",
    "id": "outputitem_1",
    "created_at": 1_743_092_076,
    "run_id": "evalrun_1",
    "eval_id": "eval_1",
    "status": "pass",
    "datasource_item_id": 5,
    "datasource_item": {"input": "Stock Markets Rally", "ground_truth": "Markets", "lang": "en"},
    "results": [{"name": "String check-1", "sample": None, "passed": True, "score": 1.0}],
    "sample": {
        "input": [
            {"role": "developer", "content": "Categorize."},
            {"role": "user", "content": "Stock Markets Rally"},
        ],
        "output": [{"role": "assistant", "content": "Markets"}],
        "finish_reason": "stop",
        "model": "gpt-4o-mini",
        "usage": {"total_tokens": 325, "completion_tokens": 2, "prompt_tokens": 323},
        "error": None,
    },
}
FAILED = {"name": "judge", "passed": False, "score": 0, "sample": {"error": {"message": "no"}}}


def grader(passed: bool | None, name: str = "check") -> dict[str, Any]:
    return {"name": name, "passed": passed, "score": None}


def page(*items: Any) -> str:
    return json.dumps({"object": "list", "data": list(items), "has_more": False})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "items.json"


def of(path: Path, **members: Any) -> dict[str, Any]:
    """The row of an item with other members."""
    path.write_text(json.dumps([ITEM | members]))
    return read_log(path).rows[0]


@pytest.mark.parametrize(
    "text",
    [page(ITEM, ITEM), json.dumps([ITEM, ITEM]), f"{json.dumps(ITEM)}\n{json.dumps(ITEM)}\n"],
    ids=["page", "array", "lines"],
)
def test_one_reader_reads_items_in_each_form(path: Path, text: str, tmp_path: Path) -> None:
    path.write_text(text)
    assert readers_that_claim(path) == ["openai_evals_api"]
    found = [(row["id"], row["cluster"], row["score"]) for row in read_log(path).rows]
    assert found == [("5", "5", True), ("5#2", "5", True)]
    assert records_of(path, tmp_path) == 2


def test_an_item_has_all_that_it_says(path: Path) -> None:
    row = of(path)
    assert (row["attribute.input"], row["output"]) == ("Stock Markets Rally", "Markets")
    assert row["input"] == "Stock Markets Rally"
    assert row["scores"] == {"String check-1": 1}
    assert row["timestamp"] == "2025-03-27T16:14:36.000+00:00"
    assert (row["ground_truth"], row["lang"], row["model"]) == ("Markets", "en", "gpt-4o-mini")
    assert (row["input_tokens"], row["output_tokens"]) == (323, 2)
    assert "expected" not in row


@pytest.mark.parametrize(
    ("results", "score", "status"),
    [
        ([grader(True), grader(True)], True, "answered"),
        ([grader(True), grader(False)], False, "answered"),
        ([grader(False), FAILED], False, "answered"),
        ([grader(True), FAILED], None, "grader failed"),
        ([FAILED], None, "grader failed"),
        ([grader(True), grader(None)], None, "unscored"),
    ],
)
def test_an_item_passes_when_all_its_graders_pass(
    path: Path, results: list[dict[str, Any]], score: bool | None, status: str
) -> None:
    row = of(path, results=results)
    assert (row["score"], row["status"]) == (score, status)


@pytest.mark.parametrize(("status", "score"), [("pass", True), ("fail", False), ("queued", None)])
def test_without_results_the_status_is_the_verdict(
    path: Path, status: str, score: bool | None
) -> None:
    assert of(path, results=[], status=status)["score"] is score


def test_an_item_whose_call_failed_is_errored_and_not_wrong(path: Path) -> None:
    sample = ITEM["sample"] | {"error": {"code": "rate_limit", "message": "slow down"}}
    row = of(path, sample=sample, status="fail", results=[grader(False)])
    assert (row["status"], row["error"], row["score"]) == ("errored", "slow down", None)


@pytest.mark.parametrize("broken", [{"datasource_item_id": None}, {"results": {}}])
def test_an_item_that_cannot_be_used_is_set_aside(path: Path, broken: dict[str, Any]) -> None:
    path.write_text(page(ITEM, ITEM | broken, 7))
    log: Log = read_log(path)
    assert (len(log.rows), sorted(one.at for one in log.aside)) == (1, [2, 3])


@settings(max_examples=200, deadline=None)
@given(seed=st.integers())
def test_damaged_items_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    is_read_or_refused(page(ITEM, damaged(ITEM | {"results": [FAILED]}, chance)), "items.json")
