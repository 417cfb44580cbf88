"""Reports, predictions and trajectories of SWE-bench become samples, and are joined."""

from __future__ import annotations

import json
import random
import shutil
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

HERE = SAMPLES / "swe_bench"
REPORT, PREDS = HERE / "run" / "acme__coder-1.first.json", HERE / "run" / "preds.json"
INSTANCE = HERE / "instance" / "report.json"
ALONE = HERE / "predictions_alone.jsonl"
TRAJECTORY = HERE / "django__django-11099.traj.json"
KINDS = [
    (REPORT, "swe_bench"),
    (PREDS, "swe_bench_predictions"),
    (ALONE, "swe_bench_predictions"),
    (INSTANCE, "swe_bench_instance"),
    (TRAJECTORY, "mini_swe_agent"),
]


def loaded(path: Path) -> Any:
    return json.loads(path.read_text())


def written(tmp_path: Path, name: str, value: Any) -> Log:
    path = tmp_path / name
    path.write_text(json.dumps(value))
    return read_log(path)


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_one_particular_reader_claims_each_file(path: Path, kind: str) -> None:
    assert readers_that_claim(path) == [kind]


@pytest.mark.parametrize("path", [REPORT, PREDS])
def test_what_is_resolved_is_right_and_what_could_not_be_run_is_an_error(path: Path) -> None:
    log, counted = read_log(path), facts(HERE / "facts_run.json")
    assert right_of(log.rows) == [counted["resolved"], counted["n"]]
    assert len(log.where(score=False)) == counted["wrong"]
    assert by_value(log, "repo") == counted["repos"]
    assert statuses(log) == {
        "answered": counted["n"] - counted["errored"],
        "errored": counted["errored"],
    }
    assert log.needs == []


def test_a_report_and_the_predictions_beside_it_give_the_same_samples() -> None:
    def by_id(path: Path) -> dict[str, Any]:
        return {row["id"]: row for row in read_log(path).rows}

    assert by_id(REPORT) == by_id(PREDS)


def test_the_figures_of_a_report_are_those_of_its_samples() -> None:
    log = read_log(REPORT)
    stated = {one.name: (one.value, one.over) for one in log.reported}
    decided = [row for row in log.rows if row["score"] is not None]
    assert stated["samples"] == (Decimal(len(log.rows)), None)
    assert stated["errors"] == (Decimal(len(log.where(status="errored"))), None)
    right = Decimal(len(log.where(score=True)))
    assert stated["mean of resolved"] == (right / len(decided), len(decided))
    assert "1 instances of the data set have no prediction" in log.notes[0].text


def test_a_report_alone_has_verdicts_and_no_patches(tmp_path: Path) -> None:
    shutil.copy(REPORT, tmp_path)
    log = read_log(tmp_path / REPORT.name)
    assert right_of(log.rows) == [2, 6]
    assert not any("output" in row for row in log.rows)


def test_predictions_of_another_run_are_not_joined(tmp_path: Path) -> None:
    shutil.copy(REPORT, tmp_path)
    shutil.copy(ALONE, tmp_path)
    assert not any("output" in row for row in read_log(tmp_path / REPORT.name).rows)


def test_predictions_alone_say_which_file_has_the_scores() -> None:
    log = read_log(ALONE)
    assert statuses(log) == {"unscored": 3}
    (need,) = log.needs
    assert (need.what, "report" in need.where) == ("scores", True)


def test_of_several_reports_that_of_the_model_counts(tmp_path: Path) -> None:
    shutil.copy(REPORT, tmp_path)
    shutil.copy(PREDS, tmp_path)
    other = loaded(REPORT)
    other["unresolved_ids"] += other["resolved_ids"]
    other["resolved_ids"] = []
    (tmp_path / "other__model.first.json").write_text(json.dumps(other))
    assert right_of(read_log(tmp_path / PREDS.name).rows) == [2, 6]
    (tmp_path / "acme__coder-1.second.json").write_text(json.dumps(other))
    log = read_log(tmp_path / PREDS.name)
    assert statuses(log) == {"unscored": 6}  # two runs of one model: which is meant?
    assert [need.what for need in log.needs] == ["scores"]


def test_a_file_beside_that_cannot_be_read_is_named_and_passed_over(tmp_path: Path) -> None:
    shutil.copy(PREDS, tmp_path)
    (tmp_path / "acme__coder-1.first.json").write_text(REPORT.read_text()[:-5])
    log = read_log(tmp_path / PREDS.name)
    assert "acme__coder-1.first.json beside it cannot be read" in log.notes[0].text
    assert len(log.rows) == 6


def test_predictions_of_several_models_are_told_apart(tmp_path: Path) -> None:
    rows = [
        {"instance_id": "a__b-1", "model_name_or_path": model, "model_patch": "x"}
        for model in ("one", "two")
    ]
    log = written(tmp_path, "preds.json", rows)
    assert [(row["id"], row["cluster"], row["system"]) for row in log.rows] == [
        ("a__b-1", "a__b-1", "one"),
        ("a__b-1@two", "a__b-1", "two"),
    ]


def test_an_instances_report_has_its_tests_and_the_patch_beside_it(tmp_path: Path) -> None:
    shutil.copy(INSTANCE, tmp_path)
    (tmp_path / "patch.diff").write_text("diff --git a/src/m.py b/src/m.py\n")
    (row,) = read_log(tmp_path / INSTANCE.name).rows
    assert row["score"] is False
    assert row["scores"] == {
        "resolved": False,
        "patch_applied": True,
        "fail_to_pass": Decimal("0.5"),
        "pass_to_pass": 1,
    }
    assert (row["fail_to_pass_tests"], row["pass_to_pass_tests"]) == (2, 3)
    assert row["output"].startswith("diff --git")


def test_a_trajectory_has_its_task_cost_and_steps() -> None:
    log = read_log(TRAJECTORY)
    (row,) = log.rows
    assert row["input"].startswith("Please solve this issue")
    assert row["output"].startswith("diff --git")
    assert (row["cost"], row["api_calls"], row["model"]) == (Decimal("0.31"), 17, "acme/coder-1")
    assert len(row["steps"]) == 5
    assert (row["status"], [need.what for need in log.needs]) == ("unscored", ["scores"])


LIMIT = {"exit_status": "LimitsExceeded", "submission": ""}
RAISED = {"exit_status": "APIError", "traceback": "Traceback ...", "exception_str": "500"}


@pytest.mark.parametrize(("info", "status"), [(LIMIT, "unscored"), (RAISED, "errored")])
def test_a_limit_that_was_reached_is_no_error(
    info: dict[str, Any], status: str, tmp_path: Path
) -> None:
    trajectory = loaded(TRAJECTORY)
    trajectory["info"] |= info
    assert statuses(written(tmp_path, "x.traj.json", trajectory)) == {status: 1}


@pytest.mark.parametrize(("path", "n"), [(REPORT, 6), (PREDS, 6), (INSTANCE, 1), (TRAJECTORY, 1)])
def test_every_sample_becomes_a_record(path: Path, n: int, tmp_path: Path) -> None:
    assert records_of(path, tmp_path) == n


def test_a_prediction_that_is_none_is_set_aside(tmp_path: Path) -> None:
    good = loaded(PREDS)
    bad = {"x": {"model_patch": "x"}, "y": 7, "z": {"instance_id": "z-1", "model_patch": 7}}
    log = written(tmp_path, "preds.json", good | bad)
    assert len(log.rows) == 6
    assert [one.at for one in log.aside] == [7, 8, 9]


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_a_file_that_is_cut_off_is_refused_or_its_line_set_aside(
    path: Path, kind: str, tmp_path: Path
) -> None:
    cut = tmp_path / path.name
    cut.write_text(path.read_text()[:-20])
    if path == ALONE:
        assert len(read_log(cut).aside) == 1
    else:
        with pytest.raises(CannotRead, match="cut off"):
            read_log(cut)


@pytest.mark.parametrize(
    "text",
    [
        '{"resolved": 1, "unresolved": 2}',
        '{"instance_id": "a-1", "prediction": "x"}',
        '{"info": {"model_stats": {"api_calls": 1}}, "trajectory": []}',
        '{"a": {"resolved": true}}',
    ],
)
def test_a_users_own_files_are_not_claimed(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plain.json"
    path.write_text(text)
    assert readers_that_claim(path) == []


@pytest.mark.parametrize("path", [REPORT, PREDS, INSTANCE, TRAJECTORY])
@given(chance=st.randoms(use_true_random=False))
def test_damaged_files_are_read_or_refused(path: Path, chance: random.Random) -> None:
    is_read_or_refused(json.dumps(damaged(loaded(path), chance)), path.name)
