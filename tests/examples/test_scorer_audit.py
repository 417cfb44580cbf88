"""The example whose recorded score and score from the text are one number, of other failures."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import api

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "scorer-audit"
SPLITS = {"eval": "eval.jsonl", "production": "production.jsonl"}


def rows(split: str) -> list[dict[str, Any]]:
    lines = (EXAMPLE / SPLITS[split]).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def stated(row: dict[str, Any]) -> dict[str, str]:
    """What the text of a bill says, read by its labels."""
    said = dict(re.findall(r"(?m)^([^:]+): (.*)$", row["text"]))
    labels = {"supplier": "Supplier", "account": "Account number", "amount_due": "Amount due"}
    return {name: said[label] for name, label in labels.items()}


def value(amount: object) -> str:
    return re.sub(r"[$,]|USD", "", str(amount or "")).strip()


def right(row: dict[str, Any]) -> bool:
    """Whether the answer is what the bill says, by hand: the format of the amount is no matter."""
    output = row["output"]
    if isinstance(output, str):
        output = json.loads(output.removeprefix("```json\n").removesuffix("\n```"))
    wanted = stated(row)
    same = all(output.get(name) == wanted[name] for name in ("supplier", "account"))
    return same and value(output.get("amount_due")) == value(wanted["amount_due"])


@pytest.mark.parametrize(("split", "k", "n"), [("eval", 141, 150), ("production", 218, 250)])
def test_both_scores_are_the_same_number_of_different_failures(split: str, k: int, n: int) -> None:
    found = rows(split)
    passed = {row["id"] for row in found if row["passed"]}
    good = {row["id"] for row in found if right(row)}
    assert (len(passed), len(good), len(found)) == (k, k, n)
    assert len(passed - good) == len(good - passed) == {"eval": 5, "production": 20}[split]


def test_the_audit_finds_what_was_planted_and_nothing_else() -> None:
    found = api.open(EXAMPLE).audit()
    assert {one.kind: one.count for one in found.findings} == {
        "missing-field-as-pass": 3 + 9,
        "unparsed-as-fail": 2 + 6,
        "format-only": 3 + 14,
        "silent-pass": 2 + 11,
    }
    for split, scores in found.scores.items():
        good = [row["id"] for row in rows(split) if right(row)]
        assert scores["recorded"].rate.k == scores["from_input"].rate.k == len(good)
        lower, upper = found.corrected[split].lower.k, found.corrected[split].upper.k
        assert lower <= len(good) <= upper
    last = found.flips[-1]
    assert (last.before, last.after) == ("recorded", "from_input")
    assert [(one.before, len(one.ids)) for one in last.changed] == [(True, 25), (False, 25)]


def test_the_committed_data_are_what_the_generator_writes() -> None:
    command = [sys.executable, "-I", "-B", str(EXAMPLE / "generate.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_generator_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "eval.jsonl").write_bytes(b"mine\n")
    command = [sys.executable, "-I", "-B", str(EXAMPLE / "generate.py"), str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 2
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine\n"]
