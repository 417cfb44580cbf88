"""Trajectories of tau-bench and tau2-bench become samples."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.errors import CannotRead

from .read_log import (
    SAMPLES,
    Log,
    damaged,
    facts,
    is_read_or_refused,
    read_log,
    readers_that_claim,
    records_of,
    right_of,
    statuses,
)

HERE = SAMPLES / "tau_bench"
RETAIL, TAU2 = HERE / "retail.json", HERE / "tau2_results.json"
RUNS: list[dict[str, Any]] = json.loads(RETAIL.read_text())
RESULTS: dict[str, Any] = json.loads(TAU2.read_text())


def written(tmp_path: Path, value: Any) -> Log:
    path = tmp_path / "log.json"
    path.write_text(json.dumps(value))
    return read_log(path)


@pytest.mark.parametrize(("path", "kind"), [(RETAIL, "tau_bench"), (TAU2, "tau2_bench")])
def test_one_particular_reader_claims_each_file(path: Path, kind: str) -> None:
    assert readers_that_claim(path) == [kind]


def test_trials_are_right_wrong_errored_or_without_a_verdict() -> None:
    log, counted = read_log(RETAIL), facts(HERE / "facts_retail.json")
    assert right_of(log.rows) == [counted["n_ok"], counted["n"]]
    assert len(log.where(score=False)) == counted["wrong"]
    assert statuses(log) == {
        "answered": counted["n_ok"] + counted["wrong"],
        "errored": counted["errored"],
        "unscored": counted["partial"],
    }
    finished = {"true": log.where(finished=True), "false": log.where(finished=False)}
    assert {name: right_of(rows) for name, rows in finished.items()} == counted["by_finished"]
    calling = [row for row in log.rows if row.get("expected_actions")]
    assert right_of(calling) == counted["needs_a_call"]


def test_trials_of_a_task_are_one_cluster() -> None:
    rows = read_log(RETAIL).rows
    assert [row["id"] for row in rows] == ["0", "1", "2", "0#2", "1#2", "2#2"]
    assert len({row["cluster"] for row in rows}) == facts(HERE / "facts_retail.json")["tasks"]


def test_a_run_that_raised_is_an_error_and_no_wrong_answer() -> None:
    row = read_log(RETAIL).row("1#2")
    assert (row["error"], row["score"]) == ("Rate limit reached", None)
    assert row["scores"] == {"reward": Decimal("0.0")}


def test_a_part_of_a_reward_is_a_score_and_no_verdict() -> None:
    row = read_log(RETAIL).row("2#2")
    assert row["score"] is None
    assert row["scores"] == {"reward": Decimal("0.5"), "r_actions": 1, "r_outputs": 0}


def test_a_trajectory_has_its_instruction_answer_and_steps() -> None:
    row = read_log(RETAIL).row("0")
    assert row["input"] == "Cancel order #W1, you ordered it by mistake."
    assert row["output"] == "Order #W1 is cancelled."
    assert row["expected"]["actions"][0]["name"] == "cancel_pending_order"
    assert [step["role"] for step in row["steps"]][2:4] == ["assistant", "tool"]
    assert row["expected_tools"] == ["cancel_pending_order"]


def test_simulations_are_counted_as_tau2_bench_means_them() -> None:
    log, counted = read_log(TAU2), facts(HERE / "facts_tau2.json")
    assert right_of(log.rows) == [counted["n_ok"], counted["n"]]
    assert len(log.where(score=False)) == counted["wrong"]
    assert statuses(log) == {
        "answered": counted["n_ok"] + counted["wrong"],
        "errored": counted["errored"],
        "unscored": counted["unscored"],
        "grader failed": counted["grader_failed"],
    }
    assert [(one.name, one.value) for one in log.reported] == [("samples", counted["n"])]


def test_a_simulation_has_its_parts() -> None:
    row = read_log(TAU2).row("roaming")
    assert row["scores"] == {"reward": 1, "DB": 1, "COMMUNICATE": 1}
    assert (row["latency"], row["cost"]) == (Decimal("8.5"), Decimal("0.021"))
    assert (row["model"], row["domain"]) == ("agent-model", "telecom")
    assert row["input"]["reason_for_call"] == "No data abroad."
    assert row["output"] == "Please turn roaming on."
    assert len(row["steps"]) == 3


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("infrastructure_error", "errored"),
        ("context_window_exceeded", "errored"),
        ("user_error", "errored"),
        ("unexpected_error", "errored"),
        ("agent_error", "answered"),
        ("too_many_errors", "answered"),
        ("timeout", "answered"),
    ],
)
def test_what_ended_a_simulation_says_whose_it_is(reason: str, status: str, tmp_path: Path) -> None:
    simulation = RESULTS["simulations"][1] | {"termination_reason": reason}
    assert statuses(written(tmp_path, RESULTS | {"simulations": [simulation]})) == {status: 1}


def test_results_whose_simulations_are_in_a_folder_are_read_from_their_index(
    tmp_path: Path,
) -> None:
    entry = {"id": "x", "task_id": "bill", "trial": 1, "reward": 1.0, "duration": 2.0}
    results = {k: v for k, v in RESULTS.items() if k != "simulations"}
    log = written(tmp_path, results | {"simulation_index": [entry]})
    assert [(row["id"], row["score"], row["latency"]) for row in log.rows] == [("bill#2", True, 2)]
    assert "simulations/" in log.notes[0].text


def test_a_null_index_is_no_simulation(tmp_path: Path) -> None:
    log = written(tmp_path, RESULTS | {"simulation_index": None})
    assert len(log.rows) == len(RESULTS["simulations"])


@pytest.mark.parametrize("path", [RETAIL, TAU2])
def test_every_run_becomes_a_record(path: Path, tmp_path: Path) -> None:
    assert records_of(path, tmp_path) == 6


def test_a_run_without_a_task_is_set_aside(tmp_path: Path) -> None:
    log = written(tmp_path, [RUNS[0], RUNS[1] | {"task_id": None}, 7])
    assert [one.at for one in log.aside] == [2, 3]
    assert len(log.rows) == 1


@pytest.mark.parametrize("path", [RETAIL, TAU2])
def test_a_file_that_is_cut_off_is_refused(path: Path, tmp_path: Path) -> None:
    cut = tmp_path / path.name
    cut.write_text(path.read_text()[:-60])
    with pytest.raises(CannotRead, match="cut off"):
        read_log(cut)


@pytest.mark.parametrize(
    "text",
    [
        '[{"task_id": 1, "reward": 1}]',
        '{"info": {"num_trials": 1}, "simulations": []}',
        '{"task_id": 1, "reward": 1, "output": "x"}',
    ],
)
def test_a_users_own_rewards_are_not_claimed(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plain.json"
    path.write_text(text)
    assert readers_that_claim(path) == []


@given(st.randoms(use_true_random=False))
def test_damaged_trajectories_are_read_or_refused(chance: random.Random) -> None:
    is_read_or_refused(json.dumps(damaged(RUNS, chance)), "log.json")


@given(st.randoms(use_true_random=False))
def test_damaged_results_are_read_or_refused(chance: random.Random) -> None:
    is_read_or_refused(json.dumps(damaged(RESULTS, chance)), "log.json")
