"""Graded scores are usable as right and wrong, at a threshold that somebody states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import eval_autopsy as autopsy
from eval_autopsy.case.load import load
from eval_autopsy.case.propose import propose
from eval_autopsy.case.unwritten import Said
from eval_autopsy.errors import AutopsyError, BadCase, CannotRead
from eval_autopsy.first_screen import look
from eval_autopsy.receipt.verify import verify

# Of each set ten records have each of these scores; production has the lower ones in German.
SCORES: dict[str, dict[str, list[float | None]]] = {
    "eval": {"de": [0.9, 0.8, None], "en": [0.9, 0.7, 0.4]},
    "production": {"de": [0.1, 0.3, None], "en": [0.9, 0.7, 0.5]},
}
AT_A_HALF = {"eval": (40, 50), "production": (30, 50)}  # right of scored at 0.5 or more
CASE = """
name = "graded"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
score = "rating"
[scorer]
name = "recorded"
threshold = {}
"""


def graded(folder: Path, name: str = "rating") -> Path:
    for split, of in SCORES.items():
        records = (
            {"id": f"{split}{lang}{n}{at}", "lang": lang, name: score}
            for lang, scores in of.items()
            for at, score in enumerate(scores)
            for n in range(10)
        )
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    return folder


def rates(found: Any) -> dict[str, tuple[int, int]]:
    return {"eval": found.eval, "production": found.production}


@pytest.mark.parametrize("correct", ["rating", ""])
def test_the_first_screen_counts_at_the_threshold_and_says_it(tmp_path: Path, correct: str) -> None:
    screen = look(graded(tmp_path), said=Said(correct=correct, threshold="0.5"))
    assert rates(screen) == AT_A_HALF
    assert screen.threshold == "0.5 or more of rating"
    assert screen.unscored == {"eval": {"unscored": 10}, "production": {"unscored": 10}}


def test_slices_count_at_the_threshold(tmp_path: Path) -> None:
    found = autopsy.open(graded(tmp_path), correct="rating", threshold=0.5).slices()
    assert rates(found) == AT_A_HALF
    assert [breakdown.attribute for breakdown in found.breakdowns] == ["lang"]


def test_a_receipt_of_graded_scores_says_the_threshold_and_holds_both(tmp_path: Path) -> None:
    done = autopsy.open(graded(tmp_path), correct="rating", threshold="0.50").run(tmp_path)
    assert verify(done.folder).verdict == "holds"
    assert "`rating >= 0.5`" in (done.folder / "REPORT.md").read_text(encoding="utf-8")
    converted = done.evidence.spec["converted"]
    assert all("right at 0.5 or more of rating" in one for one in converted)
    first = json.loads((done.folder / "records-1.jsonl").read_text().splitlines()[0])
    assert (first["rating"], first["rating >= 0.5"]) == (0.9, True)


def test_a_case_states_the_threshold(tmp_path: Path) -> None:
    (graded(tmp_path) / "autopsy.toml").write_text(CASE.format("0.7"))
    assert rates(autopsy.open(tmp_path).slices()) == {"eval": (40, 50), "production": (20, 50)}
    assert look(tmp_path).threshold == "0.7 or more of rating"


@pytest.mark.parametrize("least", ["true", '"0.5"', "inf", "nan"])
def test_a_threshold_of_a_case_is_a_number(tmp_path: Path, least: str) -> None:
    (graded(tmp_path) / "autopsy.toml").write_text(CASE.format(least))
    with pytest.raises(BadCase, match="expected a number, from which on") as caught:
        load(tmp_path)
    assert caught.value.where == f"{tmp_path / 'autopsy.toml'}:10"


def test_a_scorer_that_compares_takes_no_threshold(tmp_path: Path) -> None:
    text = CASE.format("0.5").replace("recorded", "numeric").replace("score =", "output =")
    (graded(tmp_path) / "autopsy.toml").write_text(text)
    with pytest.raises(BadCase, match="the scorer 'numeric' takes no threshold"):
        load(tmp_path)


def test_graded_scores_without_a_threshold_are_told_with_what_to_say(tmp_path: Path) -> None:
    with pytest.raises(BadCase, match="'rating' may be a graded score") as caught:
        autopsy.open(graded(tmp_path)).slices()
    assert "its numbers are from 0.1 to 0.9" in caught.value.what
    assert "--correct rating --threshold" in caught.value.remedy
    with pytest.raises(CannotRead, match=r"the score is 0\.9, expected true") as seen:
        autopsy.open(graded(tmp_path), correct="rating").slices()
    assert "--threshold" in seen.value.remedy


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"threshold": "half"}, "--threshold is 'half', expected a number"),
        ({"threshold": "nan"}, "--threshold is 'nan', expected a number"),
        ({"threshold": 0.5, "scorer": "numeric"}, "--threshold says which answers are right, and"),
        ({"threshold": 0.5, "correct": "ratign"}, "there is no field 'ratign', named for score"),
        ({"threshold": 0.5, "correct": "lang"}, 'the score is "de", expected true'),
    ],
    ids=str,
)
def test_a_threshold_that_cannot_be_used_is_an_error(
    tmp_path: Path, options: dict[str, Any], what: str
) -> None:
    with pytest.raises(AutopsyError) as caught:
        autopsy.open(graded(tmp_path), **options).slices()
    assert what in caught.value.what


def test_a_proposal_names_the_graded_score_and_asks_for_its_threshold(tmp_path: Path) -> None:
    proposal = propose([graded(tmp_path)])
    assert proposal.missing == ("threshold: from where on 'rating' is right",)
    assert 'by = ["lang"]' in proposal.text
    written = proposal.text.replace("# Write: threshold = NUMBER", "threshold = 0.7")
    proposal.path.write_text(written, encoding="utf-8")
    assert rates(autopsy.open(tmp_path).slices()) == {"eval": (40, 50), "production": (20, 50)}


def test_an_audit_takes_the_score_at_the_threshold(tmp_path: Path) -> None:
    found = autopsy.open(graded(tmp_path), threshold=0.5).audit()
    assert "an answer is right at 0.5 or more of rating" in found.notes
    recorded = {split: scores["recorded"].rate for split, scores in found.scores.items()}
    assert recorded == AT_A_HALF


def test_of_several_scores_the_user_names_one(tmp_path: Path) -> None:
    for split in ("eval", "production"):
        rows = ({"id": n, "scores": {"help": n / 20, "tone": n / 30}} for n in range(20))
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{split}.jsonl").write_text(text)
    with pytest.raises(BadCase, match=r"may be graded scores are scores\.help, scores\.tone"):
        autopsy.open(tmp_path, threshold=0.5).slices()
    found = autopsy.open(tmp_path, threshold=0.5, correct="scores.tone").slices()
    assert found.production == (5, 20)
