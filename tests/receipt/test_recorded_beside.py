"""A score that the data hold beside the verdict that is made again, and how the two fall."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

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
SAID = {True: "recorded right", False: "recorded wrong", None: "no recorded score"}


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


def test_each_pair_of_verdicts_is_a_claim_that_rests_on_a_given_score(tmp_path: Path) -> None:
    folder = receipt(tmp_path)
    claims = claims_of(folder)
    for split, number in (("eval", 30), ("production", 70)):
        pairs = Counter(
            ("right" if row["reply"] == row["wanted"] else "wrong", SAID[row["passed"]])
            for row in rows(split[0], number)
        )
        for (word, said), n in pairs.items():
            claim = claims[f"count.{split}.{word}_again:{said}"]
            assert (claim["value"], claim["rests_on"]) == (str(n), "given")
        recorded = sum(n for (_, said), n in pairs.items() if said != "no recorded score")
        right = sum(n for (_, said), n in pairs.items() if said == "recorded right")
        assert claims[f"rate.{split}.recorded_right.recorded"]["value"] == f"{right}/{recorded}"
        assert claims[f"rate.{split}.right.counted"]["rests_on"] == "re-scored"
    assert verify(folder).verdict == "holds"


def test_the_report_shows_a_table_for_each_split(tmp_path: Path) -> None:
    report = (receipt(tmp_path) / "REPORT.md").read_text(encoding="utf-8")
    assert "## The recorded score" in report
    heads = "right when scored again | wrong when scored again | not scored again |"
    assert [f"| {split} | {heads}" in report for split in ("eval", "production")] == [True, True]


@pytest.mark.parametrize("score", ["0.7", 3, [True]])
def test_a_score_that_is_no_verdict_is_left_out_of_the_receipt(
    score: object, tmp_path: Path
) -> None:
    folder = receipt(tmp_path, passed=score)
    assert "The recorded score" not in (folder / "REPORT.md").read_text(encoding="utf-8")
    assert not any("recorded" in name or "_again" in name for name in claims_of(folder))


def test_without_a_score_the_report_is_silent_about_it(bench: Benches) -> None:
    assert b"The recorded score" not in bench("answers").original.files["REPORT.md"]
    assert b"The recorded score" in bench("texts").original.files["REPORT.md"]
