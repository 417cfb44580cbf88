"""Samples and results of lm-evaluation-harness come out as the facts about them say."""

from __future__ import annotations

import hashlib
import json
import math
import random
import tempfile
from decimal import Decimal
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

FOLDER = SAMPLES / "lm_eval"
ROUTE = FOLDER / "samples_support_route_eval_2026-11-23T10-57-02.491683.jsonl"
CHOICE = FOLDER / "samples_support_mc_eval_2026-11-23T10-57-02.491683.jsonl"
PROD = FOLDER / "samples_support_route_prod_2026-11-23T10-57-18.270558.jsonl.gz"
RESULTS = FOLDER / "results_2026-11-23T10-57-02.491683.json"
DATE = "2024-05-01T10-00-00.000001"


@pytest.fixture(params=[ROUTE, CHOICE, PROD], ids=["route", "choice", "production"])
def log(request: pytest.FixtureRequest) -> Log:
    return read_log(request.param)


def known(log: Log) -> dict[str, Any]:
    return facts(FOLDER / f"facts_{'eval' if len(log.rows) == 50 else 'prod'}.json")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json*")), ids=lambda path: path.name[:20])
def test_one_reader_claims_each_file(path: Path) -> None:
    if path.suffix != ".gz" and not path.name.startswith("facts"):
        wanted = "lm_eval" if path.name.startswith("samples") else "lm_eval_results"
        assert readers_that_claim(path) == [wanted]


def test_counts_are_those_of_the_facts(log: Log) -> None:
    assert right_of(log.rows) == [known(log)["n_ok"], known(log)["n"]]
    assert not log.aside


def test_the_planted_slice_has_the_counts_of_the_facts(log: Log) -> None:
    inside = [row for row in log.rows if row["tier"] == "pro" and row["turns"] >= 5]
    planted = known(log)["planted"]
    assert right_of(inside) == [planted["ok"], planted["n"]]


@pytest.mark.parametrize("attribute", ["lang", "topic", "channel", "tier"])
def test_each_value_has_the_counts_of_the_facts(log: Log, attribute: str) -> None:
    assert by_value(log, attribute) == known(log)["by"][attribute]


def test_the_filters_of_a_document_are_scores_of_one_sample() -> None:
    log = read_log(ROUTE)
    assert list(log.rows[0]["scores"]) == [
        "exact_match,flexible-extract",
        "exact_match,strict-match",
    ]
    strict = [row["scores"]["exact_match,strict-match"] for row in log.rows]
    assert sum(strict) == facts(FOLDER / "facts_eval.json")["n_strict_ok"]
    assert ["strict-match (11 unparsed)" in note.text for note in log.notes] == [True]


@pytest.mark.parametrize("path", [ROUTE, CHOICE], ids=["route", "choice"])
def test_figures_of_the_results_file_follow_from_the_samples(path: Path) -> None:
    log = read_log(path)
    stated = {one.name: one for one in log.reported}
    assert stated.pop("samples").value == len(log.rows)
    assert len(stated) == 2
    for name, one in stated.items():
        scores = [row["scores"][name.removeprefix("mean of ")] for row in log.rows]
        assert one.over == len(scores)
        assert float(one.value) == pytest.approx(float(sum(scores)) / len(scores), abs=1e-12)
        assert one.where.startswith(RESULTS.name)
    assert not log.needs
    assert {row["model"] for row in log.rows} == {json.loads(RESULTS.read_text())["model_name"]}


def test_the_answer_of_a_choice_is_a_choice_and_agrees_with_its_score() -> None:
    log = read_log(CHOICE)
    assert {row["output"] for row in log.rows} <= {
        f"{team}_TEAM" for team in ("BILLING", "LOGISTICS", "REFUND", "IDENTITY")
    }
    for row in log.rows:
        assert (row["output"] == row["expected"]) == row["score"]


def test_confidence_is_the_softmax_of_the_choice() -> None:
    lines = [json.loads(line) for line in CHOICE.read_text().splitlines()]
    for row, line in zip(read_log(CHOICE).rows, lines, strict=True):
        logs = [float(pair[0]) for pair in line["filtered_resps"]]
        share = math.exp(max(logs)) / sum(map(math.exp, logs))
        assert float(row["confidence"]) == pytest.approx(share, abs=1e-11)


def test_samples_that_were_unpacked_say_which_file_they_need() -> None:
    log = read_log(PROD)
    assert [("unpack" in one.where, one.what) for one in log.needs] == [(True, "header")]
    assert not log.reported
    assert "task" not in log.rows[0]


def test_a_results_file_states_its_figures_and_needs_the_samples() -> None:
    log = read_log(RESULTS)
    assert (log.kind, log.rows) == ("lm_eval_results", [])
    assert [one.what for one in log.needs] == ["samples"]
    right = Decimal(facts(FOLDER / "facts_eval.json")["n_ok"]) / 50
    tasks = {one.part: one.value for one in log.reported if one.name.endswith("flexible-extract")}
    assert tasks == {("task", "support_route_eval"): right}


@pytest.mark.parametrize("path", [ROUTE, CHOICE, PROD], ids=["route", "choice", "production"])
def test_samples_become_records(path: Path, tmp_path: Path) -> None:
    assert records_of(path, tmp_path) == len(read_log(path).rows)


# ---------------------------------------------------------------- written by hand, from the source


def line(doc_id: object = 0, **members: Any) -> dict[str, Any]:
    """A line of samples as the source writes it."""
    found = {
        "doc_id": doc_id,
        "doc": {"question": "2+2?", "of": {"kind": "sum"}},
        "target": "4",
        "arguments": {"gen_args_0": {"arg_0": "Q: 2+2?", "arg_1": {"until": ["\n"]}}},
        "resps": [["It is 4."]],
        "filtered_resps": ["4"],
        "filter": "none",
        "metrics": ["exact_match"],
        "doc_hash": "d",
        "prompt_hash": "p",
        "target_hash": "t",
        "exact_match": 1.0,
    }
    found |= members
    return {key: value for key, value in found.items() if value is not ...}


def choice(*likelihoods: str, **members: Any) -> dict[str, Any]:
    """A line of a multiple choice between a, b, c, ..."""
    ends = "abcdefgh"[: len(likelihoods)]
    arguments = {
        f"gen_args_{i}": {"arg_0": "Which?", "arg_1": f" {end}"} for i, end in enumerate(ends)
    }
    pairs = [[one, "False"] for one in likelihoods]
    found = {"arguments": arguments, "filtered_resps": pairs, "metrics": ["acc"], "acc": 1.0}
    return line(**found | {"exact_match": ..., "target": "0"} | members)


def written(path: Path, *found: dict[str, Any]) -> Log:
    path.write_text("".join(json.dumps(one) + "\n" for one in found))
    return read_log(path)


def results(*found: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The results file of some lines, of the task `sums`."""
    hashes = "".join(one["doc_hash"] + one["prompt_hash"] + one["target_hash"] for one in found)
    metric = {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}
    return {
        "results": {"sums": {"alias": "sums", "exact_match,none": 0.5}},
        "configs": {"sums": {"metric_list": [metric]}},
        "higher_is_better": {"sums": {"exact_match": True}},
        "n-samples": {"sums": {"original": len(found), "effective": len(found)}},
        "config": {"model": "hf"},
        "task_hashes": {"sums": hashlib.sha256(hashes.encode()).hexdigest()},
    } | members


def beside(folder: Path, header: dict[str, Any], *found: dict[str, Any], date: str = DATE) -> Log:
    """Samples of the task `sums`, read with a results file beside them."""
    (folder / f"results_{date}.json").write_text(json.dumps(header))
    return written(folder / f"samples_sums_{DATE}.jsonl", *found)


@pytest.mark.parametrize("strict_first", [True, False])
def test_the_filter_with_the_fewest_unparsed_answers_gives_the_verdict(
    tmp_path: Path, strict_first: bool
) -> None:
    strict = [line(n, filter="strict", filtered_resps=["[invalid]"], exact_match=0) for n in (0, 1)]
    loose = [line(n, filter="loose", exact_match=n) for n in (0, 1)]
    both = strict + loose if strict_first else loose + strict
    log = written(tmp_path / "s.jsonl", *both)
    assert [(row["id"], row["score"]) for row in log.rows] == [("0", False), ("1", True)]
    assert log.rows[1]["scores"] == {"exact_match,loose": 1, "exact_match,strict": 0}


def test_of_filters_with_as_many_unparsed_answers_the_first_gives_the_verdict(
    tmp_path: Path,
) -> None:
    log = written(tmp_path / "s.jsonl", line(filter="z"), line(filter="a", exact_match=0))
    assert [row["score"] for row in log.rows] == [True]


def test_an_answer_that_no_filter_finds_is_unparsed_and_shown_whole(tmp_path: Path) -> None:
    log = written(tmp_path / "s.jsonl", line(filtered_resps=["[invalid]"], exact_match=0.0))
    (row,) = log.rows
    assert (row["status"], row["score"], row["output"]) == ("unparsed", False, "It is 4.")


def test_older_lines_without_a_filter_are_told_apart_by_their_order(tmp_path: Path) -> None:
    older = {"filter": ..., "metrics": ..., "doc_hash": ..., "prompt_hash": ...}
    log = written(tmp_path / "s.jsonl", line(**older), line(**older, exact_match=0))
    (row,) = log.rows
    assert row["scores"] == {"exact_match,none": 1, "exact_match,filter 2": 0}


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_samples_is_read_as_lines_are(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps([line(0), line(1, filtered_resps="4")], indent=indent))
    assert readers_that_claim(path) == ["lm_eval"]
    found = read_log(path).rows
    assert [(row["id"], row["output"], row["score"]) for row in found] == [
        ("0", "4", True),
        ("1", "4", True),
    ]


def test_a_run_that_was_appended_is_a_repeat(tmp_path: Path) -> None:
    log = written(tmp_path / "s.jsonl", line(), line(exact_match=0))
    assert [(row["id"], row["cluster"]) for row in log.rows] == [("0", "0"), ("0#2", "0")]


def test_the_verdict_is_the_first_metric_that_is_never_between_right_and_wrong(
    tmp_path: Path,
) -> None:
    metrics = {"metrics": ["f1", "exact_match"]}
    lines = [line(0, **metrics, f1=1.0, exact_match=0), line(1, **metrics, f1=0.5, exact_match=1)]
    log = written(tmp_path / "s.jsonl", *lines)
    assert [row["score"] for row in log.rows] == [False, True]
    assert list(log.rows[0]["scores"]) == ["exact_match,none", "f1,none"]


def test_without_such_a_metric_samples_are_unscored_and_it_is_said(tmp_path: Path) -> None:
    log = written(tmp_path / "s.jsonl", line(metrics=["f1"], f1=0.5))
    assert (log.rows[0]["score"], log.rows[0]["status"]) == (None, "unscored")
    assert ["f1" in note.text for note in log.notes] == [True]


def test_where_less_is_better_zero_is_right(tmp_path: Path) -> None:
    header = results(line(), higher_is_better={"sums": {"exact_match": False}})
    log = beside(tmp_path, header, line())
    assert [row["score"] for row in log.rows] == [False]


@pytest.mark.parametrize(
    ("target", "expected"),
    [("4", "4"), ("['4', 'four']", ["4", "four"]), ("[4", "[4"), ("[None]", "[None]"), (4, 4)],
)
def test_several_references_are_a_list(tmp_path: Path, target: Any, expected: Any) -> None:
    assert written(tmp_path / "s.jsonl", line(target=target)).rows[0]["expected"] == expected


CHAT = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "2+2?"}]


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([["Q: 2+2?", {"until": []}]], "Q: 2+2?"),
        ({"gen_args_0": {"arg_0": json.dumps(CHAT), "arg_1": {}}}, "2+2?"),
        ({"gen_args_0": {"arg_0": [json.dumps(CHAT)], "arg_1": {}}}, "2+2?"),
        ([], {"question": "2+2?", "of": {"kind": "sum"}}),
    ],
    ids=["older", "chat", "chat in an array", "none"],
)
def test_the_input_is_what_the_model_was_asked(tmp_path: Path, arguments: Any, asked: Any) -> None:
    (row,) = written(tmp_path / "s.jsonl", line(arguments=arguments)).rows
    assert (row["input"], row["output"], row["of.kind"]) == (asked, "4", "sum")


def test_a_target_of_a_choice_is_its_text(tmp_path: Path) -> None:
    targets = ("1", "b", "[0, 1]", "7")
    lines = [choice("-1", "-2", target=one, doc_id=at) for at, one in enumerate(targets)]
    log = written(tmp_path / "s.jsonl", *lines)
    assert [row["expected"] for row in log.rows] == ["b", "b", ["a", "b"], "7"]


def test_choices_that_are_contexts_are_named_by_their_position(tmp_path: Path) -> None:
    arguments = {
        f"gen_args_{i}": {"arg_0": f"{who} ate", "arg_1": " it"} for i, who in enumerate("xy")
    }
    log = written(tmp_path / "s.jsonl", choice("-2", "-1", arguments=arguments, target="1"))
    assert (log.rows[0]["output"], log.rows[0]["expected"]) == ("1", "1")


def test_choices_that_stand_again_without_the_question_are_no_choices(tmp_path: Path) -> None:
    log = written(tmp_path / "s.jsonl", choice("-2", "-3", "-9", "-1", acc_mutual_info=1))
    assert log.rows[0]["output"] == "a"


@pytest.mark.parametrize("likelihoods", [("-1",), ("nan", "-1"), ("x", "-1")])
def test_without_likelihoods_to_compare_nothing_was_chosen(
    tmp_path: Path, likelihoods: tuple[str, ...]
) -> None:
    (row,) = written(tmp_path / "s.jsonl", choice(*likelihoods)).rows
    assert "confidence" not in row
    assert "output" not in row


def test_a_choice_that_is_impossible_has_no_share(tmp_path: Path) -> None:
    (row,) = written(tmp_path / "s.jsonl", choice("-inf", "-1", "-1e9")).rows
    assert (row["output"], row["confidence"]) == ("b", 1)


def test_the_likelihood_of_a_text_is_no_answer(tmp_path: Path) -> None:
    rolling = {"arguments": [["the text"]], "filtered_resps": [-12.5], "metrics": []}
    assert "output" not in written(tmp_path / "s.jsonl", line(**rolling)).rows[0]


# ---------------------------------------------------------------- the results file beside


def test_lines_that_were_lost_are_told_by_the_digest(tmp_path: Path) -> None:
    log = beside(tmp_path, results(line(0), line(1)), line(0))
    assert ["added, lost or changed" in note.text for note in log.notes] == [True]
    assert not log.reported


def test_a_results_file_without_digests_is_known_by_date_and_task(tmp_path: Path) -> None:
    log = beside(tmp_path, results(line(), task_hashes={}), line())
    assert {one.name for one in log.reported} == {"samples", "mean of exact_match,none"}
    assert (log.rows[0]["task"], log.rows[0]["model"]) == ("sums", "hf")


def test_two_runs_of_a_task_are_told_apart_by_their_date(tmp_path: Path) -> None:
    other = results(line(), config={"model": "other"})
    (tmp_path / "results_2024-01-01T00-00-00.1.json").write_text(json.dumps(other))
    assert beside(tmp_path, results(line()), line()).rows[0]["model"] == "hf"


def test_two_runs_of_a_task_that_nothing_tells_apart_give_no_header(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(results(line())))
    log = written(tmp_path / "renamed.jsonl", line())
    assert [("names tell apart" in one.where, one.what) for one in log.needs] == [(True, "header")]
    assert "model" not in log.rows[0]


def test_a_results_file_of_any_name_is_known_by_its_digest(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(results(line())))
    assert written(tmp_path / "renamed.jsonl", line()).rows[0]["model"] == "hf"


def test_a_results_file_that_is_damaged_does_not_keep_the_samples_from_being_read(
    tmp_path: Path,
) -> None:
    (tmp_path / f"results_{DATE}.json").write_text(json.dumps(results(line()))[:-9])
    log = written(tmp_path / f"samples_sums_{DATE}.jsonl", line())
    assert len(log.rows) == 1
    assert ["cannot be read" in note.text for note in log.notes] == [True]


@pytest.mark.parametrize("entry", [{"metric": "exact_match", "aggregation": "median"}, None])
def test_a_score_that_is_no_mean_is_not_held_against_one(
    tmp_path: Path, entry: dict[str, str] | None
) -> None:
    configs = {"sums": {"metric_list": [entry] if entry else []}}
    log = beside(tmp_path, results(line(), configs=configs), line())
    assert [one.name for one in log.reported] == ["samples"]
    assert ["not compared with their mean" in note.text for note in log.notes] == [True]


# ---------------------------------------------------------------- damaged and hostile


@pytest.mark.parametrize(
    "broken", [{"doc_id": None}, {"doc_id": True}, {"filtered_resps": 4}, {"filtered_resps": []}]
)
def test_a_line_that_cannot_be_used_is_set_aside(tmp_path: Path, broken: dict[str, Any]) -> None:
    log = written(tmp_path / "s.jsonl", line(0), line(1) | broken, line(2))
    assert [row["id"] for row in log.rows] == ["0", "2"]
    assert [one.at for one in log.aside] == [2]


def test_a_line_that_is_cut_off_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps(line(0)) + "\n" + json.dumps(line(1))[:-5])
    log = read_log(path)
    assert ([row["id"] for row in log.rows], [one.at for one in log.aside]) == (["0"], [2])


def test_a_document_without_a_line_of_the_primary_filter_is_set_aside_once(tmp_path: Path) -> None:
    lines = [line(0, filter="a"), line(0, filter="b"), line(1, filter="b"), line(1, filter="c")]
    log = written(tmp_path / "s.jsonl", *lines)
    assert ([row["id"] for row in log.rows], [one.at for one in log.aside]) == (["0"], [3])


def test_a_document_longer_than_what_is_looked_at_is_known(tmp_path: Path) -> None:
    long = line(doc={"context": "x" * 100_000})
    assert len(written(tmp_path / "s.jsonl", long).rows) == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"doc_id": 1, "doc": "text", "score": 1}',
        '{"doc_id": 1, "doc": "' + "x" * 100_000 + '"}',
        '{"results": {"results": [], "prompts": []}}',
        '{"results": {"a": {"b": 1}}, "configs": {}}',
        '{"id": 1, "resps": []}',
    ],
    ids=["corpus", "long corpus", "promptfoo", "no scores", "answers"],
)
def test_other_json_is_not_claimed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    assert not {"lm_eval", "lm_eval_results"} & set(readers_that_claim(path))


DOCUMENTS = [line(0), line(1, filter="b"), choice("-1", "-2", doc_id=2)]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers())
def test_damaged_samples_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    lines = [json.dumps(damaged(one, chance)) for one in DOCUMENTS]
    is_read_or_refused("\n".join(lines), "samples.jsonl")


@settings(max_examples=150, deadline=None)
@given(seed=st.integers())
def test_damaged_results_are_read_or_refused_and_leave_the_samples(seed: int) -> None:
    header = damaged(results(line(0)), random.Random(seed))
    is_read_or_refused(json.dumps(header), "results.json")
    with tempfile.TemporaryDirectory() as folder:
        assert len(beside(Path(folder), header, line(0)).rows) == 1
