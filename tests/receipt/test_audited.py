"""The audit of the scorer in a receipt: its counts, ids and bounds, and the first lines."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import eval_autopsy as autopsy
from eval_autopsy.receipt.verify import verify

from . import made
from .conftest import Benches

CASE = """
name = "beside"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
output = "reply"
expected = "wanted"
score = "passed"
[slices]
by = ["kind"]
"""


def rows(split: str, number: int) -> list[dict[str, Any]]:
    """Rows whose recorded score follows a rhythm of its own."""
    return [
        {
            "id": f"{split}{i}",
            "reply": "yes" if i % 3 else "no",
            "wanted": "yes",
            "passed": None if i % 7 == 0 else i % 5 != 0,
            "kind": "ab"[i % 2],
        }
        for i in range(number)
    ]


def receipt(base: Path, **changes: Any) -> Path:
    files = {
        f"{name}.jsonl": made.lines([{**row, **changes} for row in rows(name[0], number)])
        for name, number in (("eval", 30), ("production", 70))
    }
    return made.written(base, CASE, files)


def claims_of(folder: Path) -> dict[str, dict[str, Any]]:
    statement = json.loads((folder / "receipt.json").read_text(encoding="utf-8"))
    return {claim["id"]: claim for claim in statement["predicate"]["claims"]}


def claims_in(bench: Benches, name: str) -> dict[str, Any]:
    return {claim["id"]: claim for claim in bench(name).original.claims}


@pytest.mark.parametrize("kind", made.DOUBTS)
def test_each_kind_has_a_claim_of_its_count_and_of_its_ids(kind: str, bench: Benches) -> None:
    claims, planted = claims_in(bench, "audited"), [f"p{row}" for row, _ in made.DOUBTS[kind]]
    assert claims[f"count.production.suspect:{kind}"]["value"] == str(len(planted))
    assert claims[f"count.eval.suspect:{kind}"]["value"] == "0"
    assert claims[f"members.production.suspect:{kind}.100"]["value"] == planted


def test_the_scores_the_flips_and_the_bounds_are_claims(bench: Benches) -> None:
    claims = claims_in(bench, "audited")
    # Of 56: 11 are wrong by all scores. An error, two blanks and two bills whose truth is wrong
    # pass; one in a sentence, three of another format and one with a blank truth fail.
    rates = {
        "judged_right:recorded.judged:recorded": "43/56",
        "judged_right:recomputed.judged:recomputed": "40/55",
        "judged_right:normalized.judged:normalized": "43/55",
        "judged_right:from_input.judged:from_input": "41/54",
        "corrected_least.corrected": "39/55",
        "corrected_most.corrected": "45/55",
    }
    assert {name: claims[f"rate.production.{name}"]["value"] for name in rates} == rates
    turned = claims["members.production.flip:recorded right, from_input wrong.100"]
    assert turned["value"] == ["p41", "p42", "p47", "p48"]
    counts = {"undecided": "6", "apart": "1", "independent": "54"}
    assert {name: claims[f"count.production.{name}"]["value"] for name in counts} == counts
    low, high = map(float, claims["corrected_interval.production"]["value"])
    assert (low, high) == pytest.approx((wilson(39, -1), wilson(45, +1)))


def wilson(k: int, side: int) -> float:
    """An end of the 95% interval of k of 55, as Wilson (1927) has it, with 54 that repeat none."""
    z, n, p = 1.959963984540054, 54, k / 55
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle + side * half) / (1 + z * z / n)


def test_intervals_over_clusters_are_those_of_the_audit_verb(tmp_path: Path) -> None:
    case = CASE.replace('score = "passed"', 'score = "passed"\ncluster = "task"')
    live = rows("p", 70)
    for number, row in enumerate(live):
        row |= {"task": f"t{number // 5}", "passed": number % 25 < 15, "reply": "yes"}
    live[3]["reply"] = " YES"
    files = {"eval.jsonl": made.lines([{**row, "task": row["id"]} for row in rows("e", 30)])}
    folder = made.written(tmp_path, case, {**files, "production.jsonl": made.lines(live)})
    claims = claims_of(folder)
    audit = autopsy.open(tmp_path / "case").audit().to_dict()
    of_split = audit["corrected"]["production"]
    assert claims["corrected_interval.production"]["value"] == of_split["interval"]
    assert of_split["lower"]["clusters"] == 14
    for name in ("recorded", "recomputed", "normalized"):
        claimed = claims[f"interval.production.judged_right:{name}.judged:{name}"]["value"]
        assert claimed == audit["scores"]["production"][name]["interval"]


def test_the_first_lines_say_what_the_audit_moves_beyond_chance(tmp_path: Path) -> None:
    blank = {"reply": "", "wanted": "yes", "kind": "a", "passed": True}
    live = [*rows("p", 70), *({"id": f"x{n}", **blank} for n in range(30))]
    files = {"eval.jsonl": made.lines(rows("e", 30)), "production.jsonl": made.lines(live)}
    report = (made.written(tmp_path, CASE, files) / "REPORT.md").read_text(encoding="utf-8")
    opening = report.partition("## Findings")[0]
    # Scored are 60 of the 70, of which 48 pass, and 30 blank ones. Of the 10 others 6 are right.
    assert "**The score itself is in doubt.**" in opening
    said = "In production 78 of 90 are right as recorded; counted as far as the data decide it, "
    assert f"{said}between 54 of 100 and 58 of 100" in opening


def test_what_the_audit_moves_within_chance_is_said_among_the_findings(bench: Benches) -> None:
    report = bench("audited").original.files["REPORT.md"].decode()
    opening, _, findings = report.partition("## Findings")
    assert "in doubt" not in opening
    # Of 43 of 56 the 95% interval is [64.2%, 86%]: 39 of 55 and 45 of 55 are 70.9% and 81.8%.
    assert "by no more than chance does. In production 43 of 56 are right as recorded" in findings
    assert "between 39 of 55 and 45 of 55 [57.73%, 89.87%]" in findings


def test_a_score_in_no_doubt_is_not_called_in_doubt(tmp_path: Path) -> None:
    report = (receipt(tmp_path) / "REPORT.md").read_text(encoding="utf-8")
    assert "The score itself is in doubt" not in report
    assert "No answer has a score that is in doubt" in report


def test_what_rests_on_a_recorded_or_stored_verdict_is_given(bench: Benches) -> None:
    claims = claims_in(bench, "audited")
    for name in (
        "rate.production.judged_right:recorded.judged:recorded",
        "count.production.flip:recorded right, from_input wrong",
        "count.production.suspect:format-only",
        "rate.production.corrected_least.corrected",
        "corrected_interval.production",
    ):
        assert claims[name]["rests_on"] == "given"
    for name in ("recomputed", "normalized", "from_input"):
        assert (
            claims[f"rate.production.judged_right:{name}.judged:{name}"]["rests_on"] == "re-scored"
        )


def test_without_a_recorded_score_the_verdict_made_here_is_audited(tmp_path: Path) -> None:
    case = CASE.replace('score = "passed"\n', "")
    live = [
        *rows("p", 70),
        {"id": "x", "reply": " YES", "wanted": "yes", "kind": "a"},
        {"id": "y", "reply": "```\nyes\n```", "wanted": "yes", "kind": "a"},
    ]
    files = {"eval.jsonl": made.lines(rows("e", 30)), "production.jsonl": made.lines(live)}
    folder = made.written(tmp_path, case, files)
    claims = claims_of(folder)
    for kind, one in (("format-only", "x"), ("unparsed-as-fail", "y")):
        assert claims[f"members.production.suspect:{kind}.100"]["value"] == [one]
        assert claims[f"count.production.suspect:{kind}"]["rests_on"] == "re-scored"
    assert not any("recorded" in name for name in claims)
    report = (folder / "REPORT.md").read_text(encoding="utf-8")
    assert "In production 46 of 72 are right as scored" in report
    assert "between 47 of 72 and 48 of 72" in report


def test_verdicts_made_here_that_are_in_no_doubt_need_no_audit(bench: Benches) -> None:
    assert b"The scorer audit" not in bench("invoice").original.files["REPORT.md"]
    assert bench("invoice").original.evidence["audit"] is None


@pytest.mark.parametrize("score", ["0.7", 3, [True]])
def test_a_score_that_is_no_verdict_is_left_out_of_the_receipt(
    score: object, tmp_path: Path
) -> None:
    folder = receipt(tmp_path, passed=score)
    assert not any("recorded" in name for name in claims_of(folder))
    assert verify(folder).verdict == "holds"


def test_a_bare_python_audits_the_scorer_again(made_receipt: Any) -> None:
    script = made_receipt("audited") / "verify.py"
    command = [sys.executable, "-I", "-B", str(script), "-v"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert 'members.production.suspect:errored-as-pass.100 = ["p40"]  (given)' in done.stdout
