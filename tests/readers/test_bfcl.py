"""Answers of BFCL become samples, right where the score file does not list them as failures."""

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

from eval_autopsy.readers.bfcl import category_of

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

HERE = SAMPLES / "bfcl"
ANSWERS = HERE / "result" / "acme-1" / "non_live" / "BFCL_v4_simple_python_result.json"
SCORES = HERE / "score" / "acme-1" / "non_live" / "BFCL_v4_simple_python_score.json"
TURNS = HERE / "result" / "acme-1" / "multi_turn" / "BFCL_v4_multi_turn_base_result.json"


@pytest.mark.parametrize(
    ("path", "kind"), [(ANSWERS, "bfcl"), (TURNS, "bfcl"), (SCORES, "bfcl_scores")]
)
def test_one_particular_reader_claims_each_file(path: Path, kind: str) -> None:
    assert readers_that_claim(path) == [kind]


def check_joined(log: Log) -> None:
    counted = facts(HERE / "facts.json")
    assert right_of(log.rows) == [counted["right"], counted["n"]]
    assert len(log.where(score=False)) == counted["wrong"]
    assert statuses(log) == {
        "answered": counted["n"] - counted["unparsed"] - counted["errored"],
        "unparsed": counted["unparsed"],
        "errored": counted["errored"],
    }
    assert log.needs == []


def test_answers_that_the_score_file_does_not_list_are_right() -> None:
    check_joined(read_log(ANSWERS))


def test_a_score_file_beside_the_answers_is_found(tmp_path: Path) -> None:
    shutil.copy(ANSWERS, tmp_path)
    shutil.copy(SCORES, tmp_path)
    check_joined(read_log(tmp_path / ANSWERS.name))


def test_a_score_file_of_another_name_is_known_by_its_category(tmp_path: Path) -> None:
    shutil.copy(ANSWERS, tmp_path)
    shutil.copy(SCORES, tmp_path / "scores.jsonl")
    check_joined(read_log(tmp_path / ANSWERS.name))


def test_a_score_file_of_another_category_is_not_joined(tmp_path: Path) -> None:
    shutil.copy(TURNS, tmp_path)
    shutil.copy(SCORES, tmp_path)
    log = read_log(tmp_path / TURNS.name)
    assert statuses(log) == {"unscored": 3}
    assert "multi_turn_base_score.json" in log.needs[0].where


def test_a_failure_that_the_tool_lists_twice_is_one() -> None:
    assert right_of(read_log(TURNS).rows) == facts(HERE / "facts.json")["multi_turn"]


def test_the_figures_of_the_score_file_are_those_of_the_samples() -> None:
    log = read_log(ANSWERS)
    valid = [row["scores"]["valid"] for row in log.rows]
    stated = {one.name: (one.value, one.over) for one in log.reported}
    assert stated == {
        "samples": (Decimal(len(valid)), None),
        "mean of valid": (Decimal(sum(valid)) / len(valid), len(valid)),
    }


def test_a_call_that_failed_is_an_error_though_the_tool_counts_it_as_a_failure() -> None:
    row = read_log(ANSWERS).row("simple_python_2")
    assert row["error"] == "Error during inference: 429 Too Many Requests"
    assert (row["score"], row["scores"]["valid"]) == (None, False)
    assert "output" not in row


def test_nothing_but_the_verdict_tells_right_from_wrong() -> None:
    rows = read_log(ANSWERS).rows
    right = {name for row in rows if row["score"] is True for name in row}
    wrong = {name for row in rows if row["score"] is False for name in row}
    assert right == wrong


def test_an_answer_has_its_calls_and_what_they_took() -> None:
    row = read_log(ANSWERS).row("simple_python_1")
    assert row["output"] == [{"add": '{"a": 1, "b": 2}'}]
    assert (row["latency"], row["input_tokens"], row["output_tokens"]) == (Decimal("0.6"), 301, 21)
    assert (row["category"], row["model"], row["system"]) == ("simple_python", "acme-1", "acme-1")


def test_what_the_steps_of_turns_took_is_summed() -> None:
    row = read_log(TURNS).rows[0]
    assert (row["latency"], row["input_tokens"], row["output_tokens"]) == (Decimal("1.75"), 60, 6)


def test_answers_alone_say_which_file_has_the_scores(tmp_path: Path) -> None:
    shutil.copy(ANSWERS, tmp_path)
    log = read_log(tmp_path / ANSWERS.name)
    assert statuses(log) == {"unscored": 7, "errored": 1}
    assert [need.what for need in log.needs] == ["scores"]
    assert "BFCL_v*_simple_python_score.json" in log.needs[0].where


def test_scores_alone_say_which_file_has_the_answers(tmp_path: Path) -> None:
    shutil.copy(SCORES, tmp_path)
    log = read_log(tmp_path / SCORES.name)
    assert log.rows == []
    assert [need.what for need in log.needs] == ["samples"]
    assert "BFCL_v*_simple_python_result.json" in log.needs[0].where
    assert [one.value for one in log.reported] == [8, Decimal("0.625")]


def test_scores_whose_answers_are_in_their_place_need_nothing() -> None:
    log = read_log(SCORES)
    assert log.needs == []
    assert ANSWERS.name in log.notes[0].text


@pytest.mark.parametrize("lost", ["failure", "answer", "counts"])
def test_where_the_counts_do_not_fit_nothing_is_taken_for_right(lost: str, tmp_path: Path) -> None:
    answers, scores = ANSWERS.read_text().splitlines(), SCORES.read_text().splitlines()
    if lost == "failure":
        scores.pop()
    elif lost == "answer":
        answers.pop()
    else:
        scores[0] = scores[0][:-1] + ' "x"}'
    (tmp_path / ANSWERS.name).write_text("\n".join(answers))
    (tmp_path / SCORES.name).write_text("\n".join(scores))
    log = read_log(tmp_path / ANSWERS.name)
    assert not log.where(score=True)
    assert len(log.where(score=False)) == (1 if lost == "failure" else 2)
    assert "those that are no failures have no score" in log.notes[0].text


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    shutil.copytree(HERE / "result", tmp_path / "result")
    target = tmp_path / "score" / "acme-1" / "non_live"
    target.mkdir(parents=True)
    (target / SCORES.name).symlink_to(SCORES)
    answers = tmp_path / ANSWERS.relative_to(HERE)
    assert [need.what for need in read_log(answers).needs] == ["scores"]


@pytest.mark.parametrize(("path", "n"), [(ANSWERS, 8), (TURNS, 3)])
def test_every_answer_becomes_a_record(path: Path, n: int, tmp_path: Path) -> None:
    assert records_of(path, tmp_path) == n


def test_a_line_that_is_cut_off_and_one_without_an_id_are_set_aside(tmp_path: Path) -> None:
    path = tmp_path / ANSWERS.name
    path.write_text(ANSWERS.read_text() + '{"result": 1}\n{"id": "simple_python_9", "resu')
    log = read_log(path)
    assert [one.at for one in log.aside] == [9, 10]
    assert len(log.rows) == 8


@pytest.mark.parametrize(
    ("identity", "category"),
    [
        ("simple_0", "simple"),
        ("live_parallel_multiple_3-2-1", "live_parallel_multiple"),
        ("multi_turn_miss_func_12", "multi_turn_miss_func"),
        ("memory_kv_4-customer-4", "memory_kv"),
        ("web_search_base_7", "web_search_base"),
        ("question_7", ""),
        ("simple", ""),
    ],
)
def test_the_category_is_in_the_id(identity: str, category: str) -> None:
    assert category_of(identity) == category


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "q1", "result": "x"}',
        '{"id": "simple_1", "output": "x"}',
        '{"accuracy": 0.5, "n": 2}',
    ],
)
def test_a_users_own_results_are_not_claimed(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text(text)
    assert readers_that_claim(path) == []


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("path", [ANSWERS, SCORES])
@given(chance=st.randoms(use_true_random=False))
def test_damaged_files_are_read_or_refused(path: Path, chance: random.Random) -> None:
    rows = damaged(lines_of(path), chance)
    text = "\n".join(json.dumps(row) for row in rows) if isinstance(rows, list) else ""
    is_read_or_refused(text or "{}", path.name)
