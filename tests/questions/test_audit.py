"""The scores, the flips, the records in doubt, and what is left of a score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from eval_autopsy.kernel import MISSING
from eval_autopsy.questions.audit import Audit, audit_of
from eval_autopsy.questions.judged import Judged
from eval_autopsy.records import Record

WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty"]


def judged(number: int, **parts: Any) -> Judged:
    """A record that is right by all scores, but for what `parts` say."""
    of_record = {"input", "expected", "output", "error", "cluster", "split", "id"}
    word = WORDS[number % 10]
    record = Record(
        **{
            "id": f"r{number}",
            "split": "eval",
            "where": f"log:{number}",
            "input": f"question {number}",
            "expected": f"{word} {number}",
            "output": f"{word} {number}",
            **{name: value for name, value in parts.items() if name in of_record},
        }
    )
    verdicts = {"score": True, "recorded": True, "recomputed": True, "normalized": True}
    others = {name: value for name, value in parts.items() if name not in of_record}
    return Judged(record=record, **{**verdicts, **others})


def many(number: int = 100) -> list[Judged]:
    return [judged(i) for i in range(number)]


WRONG = {"score": False, "recorded": False, "recomputed": False, "normalized": False}


def audit(records: Sequence[Judged], **how: Any) -> Audit:
    return audit_of(records, scorer="exact_match", **how)


def kinds(found: Audit) -> dict[str, list[str]]:
    return {one.kind: list(one.ids) for one in found.findings}


def bounds(found: Audit) -> tuple[tuple[int, int], tuple[int, int]]:
    return found.corrected["eval"].lower, found.corrected["eval"].upper


def test_records_that_all_scores_agree_on_are_in_no_doubt() -> None:
    wrong = [judged(200 + i, output="something else", **WRONG) for i in range(20)]
    found = audit(many(80) + wrong)
    assert found.findings == ()
    assert [(one.before, one.after, one.changed) for one in found.flips] == [
        ("recorded", "recomputed", ()),
        ("recomputed", "normalized", ()),
        ("recorded", "normalized", ()),
    ]
    assert found.corrected["eval"].lower == found.corrected["eval"].upper == (80, 100)


def test_flips_name_the_records_of_each_pair_of_verdicts() -> None:
    records = [*many(2), judged(2, recomputed=False), judged(3, **{**WRONG, "recomputed": True})]
    cells = audit([*records, judged(4, recomputed=None)]).flips[0].to_dict()["cells"]
    assert cells == [
        {"from": "right", "to": "right", "count": 2, "ids": ["r0", "r1"]},
        {"from": "right", "to": "wrong", "count": 1, "ids": ["r2"]},
        {"from": "right", "to": "none", "count": 1, "ids": ["r4"]},
        {"from": "wrong", "to": "right", "count": 1, "ids": ["r3"]},
    ]


def test_a_failed_call_that_passes_is_no_answer_and_leaves_the_score() -> None:
    nothing = {"recomputed": None, "normalized": None, "output": MISSING, "error": "timeout"}
    failed = judged(100, **nothing)
    found = audit([*many(), failed, replace(failed, score=None, recorded=None)])
    assert kinds(found) == {"errored-as-pass": ["r100"]}
    assert found.errored == {"right": 1, "wrong": 0, "none": 1}
    corrected = found.corrected["eval"]
    assert (corrected.lower, corrected.upper, corrected.apart) == ((100, 100), (100, 100), 2)
    assert audit([*many(), failed], errors="wrong").corrected["eval"].lower == (100, 101)


def test_an_answer_whose_grader_failed_is_decided_by_its_value_or_not_at_all() -> None:
    right = judged(100, grader_error="no reply")
    open_ended = judged(101, grader_error="no reply", output="other", normalized=False)
    found = audit([*many(), right, open_ended])
    assert kinds(found) == {"errored-as-pass": ["r100", "r101"]}
    assert bounds(found) == ((101, 102), (102, 102))


@pytest.mark.parametrize("output", ["", "  ", None, {}, MISSING])
def test_a_blank_answer_that_passes_is_wrong(output: object) -> None:
    found = audit([*many(), judged(100, output=output)])
    assert kinds(found) == {"missing-field-as-pass": ["r100"]}
    assert found.corrected["eval"].upper == (100, 101)


def test_a_blank_answer_to_a_question_without_an_answer_is_right() -> None:
    blank = [judged(100 + i, output="", expected="") for i in range(30)]
    assert audit(many() + blank).findings == ()


def objects(number: int, **more: Any) -> list[Judged]:
    return [
        judged(i, expected={"a": f"a{i}", "b": "x", **more}, output={"a": f"a{i}", "b": "x"})
        for i in range(number)
    ]


def test_a_field_that_an_output_lacks_is_missed_only_when_outputs_have_it() -> None:
    lacking = [judged(90 + i, expected={"a": "a", "b": "x"}, output={"a": "a"}) for i in range(2)]
    assert kinds(audit(objects(50) + lacking)) == {"missing-field-as-pass": ["r90", "r91"]}
    assert audit(objects(50, note="for the grader")).findings == ()


def test_an_answer_that_passes_without_a_truth_is_not_decided() -> None:
    found = audit([*many(), judged(100, expected=MISSING)])
    assert kinds(found) == {"missing-field-as-pass": ["r100"]}
    assert bounds(found) == ((100, 101), (101, 101))
    assert audit([judged(i, expected=MISSING) for i in range(9)]).findings == ()


def test_a_file_without_truths_lacks_none_beside_another_that_has_them() -> None:
    scores_alone = [judged(100 + i, expected=MISSING, output=MISSING) for i in range(9)]
    other = [
        replace(one, record=replace(one.record, where=f"junit.xml:{i}"))
        for i, one in enumerate(scores_alone)
    ]
    assert audit(many() + other).findings == ()
    some = [judged(100 + i, expected=MISSING) for i in range(20)]
    assert audit(many() + some).findings == ()


def test_a_difference_of_format_alone_widens_the_bounds() -> None:
    strict = {**WRONG, "normalized": True}
    amount = judged(100, output="$11,614.72", expected="11614.72", **strict)
    found = audit([*many(), amount])
    assert kinds(found) == {"format-only": ["r100"]}
    assert found.findings[0].records[0].says == '"$11,614.72" for "11614.72"'
    assert bounds(found) == ((100, 101), (101, 101))
    assert found.corrected["eval"].undecided == 1


def test_a_lenient_scorer_that_passes_another_format_is_in_no_doubt() -> None:
    assert audit([*many(), judged(100, output="AMBER", expected="amber")]).findings == ()


def test_an_answer_in_its_wrapping_is_right_and_one_in_a_sentence_undecided() -> None:
    wrapped = judged(100, output="The answer is: heron 5", expected="heron 5", **WRONG)
    sentence = judged(101, output="We saw grove birds", expected="grove birds", **WRONG)
    found = audit([*many(), wrapped, sentence])
    assert kinds(found) == {"unparsed-as-fail": ["r100", "r101"]}
    assert bounds(found) == ((101, 102), (102, 102))


def test_one_input_with_two_truths_puts_both_in_doubt_by_how_they_count() -> None:
    same = {"input": "the same question"}
    passing = judged(100, **same)
    failing = judged(101, **same, output="amber 100", expected="another", **WRONG)
    found = audit([*many(), passing, failing])
    assert kinds(found) == {"silent-pass": ["r100"], "label-suspect": ["r101"]}


def test_inputs_that_do_not_determine_the_answer_contradict_nothing() -> None:
    assert audit([judged(i, input="Label it") for i in range(100)]).findings == ()


def test_repeats_count_once_unless_a_cluster_holds_them() -> None:
    copies = [judged(i, id=f"again {i}") for i in range(30)]
    found = audit(many() + copies)
    assert kinds(found) == {"repeats-as-independent": [f"again {i}" for i in range(30)]}
    corrected = found.corrected["eval"]
    assert (corrected.lower, corrected.independent) == ((130, 130), 100)
    alone = audit(many()).corrected["eval"]
    assert corrected.interval == pytest.approx(alone.interval)
    clustered = [judged(i, cluster=str(i)) for i in range(100)]
    again = [judged(i, cluster=str(i), id=f"again {i}") for i in range(30)]
    assert audit(clustered + again).findings == ()


def test_the_same_task_under_another_system_or_in_the_other_split_is_no_repeat() -> None:
    others = [judged(i, id=f"b{i}", system="b") for i in range(100)]
    live = [judged(i, split="production") for i in range(100)]
    assert audit(many() + others + live).findings == ()


def test_systems_that_agree_against_a_truth_make_it_suspect() -> None:
    agreed = {"output": "delta 8", **WRONG}
    two = [judged(100, id=f"{name}100", system=name, **agreed) for name in "ab"]
    assert kinds(audit(many() + two)) == {"label-suspect": ["a100", "b100"]}
    other = judged(100, id="c100", system="c", **{**agreed, "output": "fjord 1"})
    assert audit([*many(), two[0], other]).findings == ()


def test_two_systems_that_guess_alike_among_few_labels_say_nothing() -> None:
    labels = [judged(i, expected=one, output=one) for i, one in enumerate(["yes", "no"] * 50)]
    wrong = {"input": "q", "expected": "yes", "output": "no", **WRONG}
    systems = [judged(200, id=name, system=name, **wrong) for name in "abc"]
    assert audit(labels + systems[:2]).findings == ()
    assert kinds(audit(labels + systems)) == {"label-suspect": ["a", "b", "c"]}


def test_repeats_that_never_differ_are_no_agreement() -> None:
    same = {"cluster": "c", "output": "delta 8", **WRONG}
    repeats = [judged(100, id=f"{i}", **same) for i in range(3)]
    assert audit(many() + repeats).findings == ()
    varied = [judged(101, id=f"v{i}", cluster="v", output=f"amber {i}", **WRONG) for i in range(2)]
    assert kinds(audit(many() + repeats + varied)) == {"label-suspect": ["0", "1", "2"]}


@pytest.mark.parametrize(
    ("truth", "says"),
    [
        (42, "the truth is a number, all others are text"),
        (None, "the truth is null, all others are text"),
        ("", "the truth is blank, all others are text"),
        (["amber"], "the truth is a list, all others are text"),
    ],
)
def test_a_truth_of_another_kind_than_all_others_is_suspect(truth: object, says: str) -> None:
    found = audit([*many(), judged(100, expected=truth, output="amber", **WRONG)])
    assert [(one.kind, one.records[0].says) for one in found.findings] == [("label-suspect", says)]


def test_kinds_that_are_common_are_not_odd() -> None:
    numbers = [judged(100 + i, expected=i, output=i) for i in range(10)]
    assert audit(many() + numbers).findings == ()


def test_a_rare_spelling_of_a_frequent_label_is_suspect() -> None:
    labels = [judged(i, expected=o, output=o) for i, o in enumerate(["REFUND", "BILLING"] * 100)]
    odd = judged(300, expected="refund", output="refund")
    assert kinds(audit([*labels, odd])) == {"label-suspect": ["r300"]}


def test_answers_that_nobody_scored_are_decided_by_their_value_alone() -> None:
    none = {"score": None, "recorded": None}
    unscored = [judged(100, **none), judged(101, output="x", **{**WRONG, **none})]
    no_truth = judged(102, expected=MISSING, recomputed=None, normalized=None, **none)
    found = audit([*many(), *unscored, no_truth])
    assert found.findings == ()
    assert bounds(found) == ((101, 102), (102, 102))


def wilson(k: int, n: int, side: int) -> float:
    """An end of the 95% interval as Wilson (1927) has it."""
    z, p = 1.959963984540054, k / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle + side * half) / (1 + z * z / n)


def test_the_interval_goes_from_the_lower_bound_to_the_upper_one() -> None:
    strict = {**WRONG, "normalized": True, "output": "AMBER", "expected": "amber"}
    records = many(70) + [judged(200 + i, **strict, input=f"i{i}") for i in range(10)]
    records += [judged(300 + i, output="no", **WRONG) for i in range(20)]
    low, high = audit(records).corrected["eval"].interval
    assert (low, high) == pytest.approx((wilson(70, 100, -1), wilson(80, 100, +1)))


def test_each_split_has_scores_and_bounds_of_its_own() -> None:
    live = [judged(i, split="production") for i in range(8)]
    bad = [judged(20 + i, split="production", output="", expected="x y z") for i in range(2)]
    found = audit(many(5) + live + bad)
    assert {split: scores["recorded"].rate for split, scores in found.scores.items()} == {
        "eval": (5, 5),
        "production": (10, 10),
    }
    assert found.corrected["eval"].upper == (5, 5)
    assert found.corrected["production"].upper == (8, 10)
    assert found.to_dict()["audit"][0]["splits"] == {"production": 2}


def test_the_document_and_the_tables_hold_every_record() -> None:
    copies = [judged(i, id=f"<b>{i}") for i in range(7)]
    found = audit(many() + copies, sources=["log.json"], notes=["read by hand"])
    document = found.to_dict()
    assert document["audit"][0]["ids"] == [f"<b>{i}" for i in range(7)]
    assert len(document["audit"][0]["examples"]) == 3
    assert (document["sources"], document["notes"]) == (["log.json"], ["read by hand"])
    assert document["scores"]["eval"]["recorded"]["not_applicable"] == 0
    assert found.to_polars()["id"].to_list() == [f"<b>{i}" for i in range(7)]
    assert "&lt;b&gt;0" in found._repr_html_()
    assert "<b>" not in found._repr_html_()
    assert audit(many()).to_polars().is_empty()
