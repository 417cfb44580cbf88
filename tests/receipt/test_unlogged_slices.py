"""Without the column that says what was shifted, the formats that move fields are found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval_autopsy.case.load import load
from eval_autopsy.receipt.certify import certify
from eval_autopsy.receipt.verify import verify

EXAMPLE = Path(__file__).parents[2] / "examples" / "invoice-extraction"
MOVED = {"reorder", "verbose", "compact", "mixed"}  # what shift_type would have said


@pytest.fixture(scope="module")
def shift_types() -> dict[str, str]:
    lines = (EXAMPLE / "production.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row["shift_type"] for row in map(json.loads, lines)}


@pytest.fixture(scope="module")
def receipt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The receipt of the invoice case, from data that has no shift_type."""
    base = tmp_path_factory.mktemp("unlogged")
    (base / "autopsy.toml").write_text(
        (EXAMPLE / "autopsy.toml").read_text().replace('by = ["shift_type"]', "")
    )
    (base / "extractor.py").write_bytes((EXAMPLE / "extractor.py").read_bytes())
    for name in ("eval.jsonl", "production.jsonl"):
        rows = map(json.loads, (EXAMPLE / name).read_text(encoding="utf-8").splitlines())
        kept = ({k: v for k, v in row.items() if k != "shift_type"} for row in rows)
        (base / name).write_text("".join(json.dumps(row) + "\n" for row in kept))
    return certify(load(base), base).folder


def test_the_slices_found_are_the_formats_that_move_fields(
    receipt: Path, shift_types: dict[str, str]
) -> None:
    done = verify(receipt)
    assert done.verdict == "holds"
    claims = done.predicate["claims"]
    [inside] = [
        claim for claim in claims if claim["op"] == "rate_within" and "right" in claim["id"]
    ]
    found = {
        identity
        for where in inside["args"]["slices"]
        for identity in done.cube.members("production", "records", where)
    }
    moved = {identity for identity, shift in shift_types.items() if shift in MOVED}
    assert len(found & moved) / len(found) >= 0.95  # precision
    assert len(found & moved) / len(moved) >= 0.95  # recall


def test_the_report_says_so_in_words(receipt: Path) -> None:
    report = (receipt / "REPORT.md").read_text(encoding="utf-8")
    summary = report.split("## Findings")[0]
    assert "the input's labelled fields come in the order `client, vendor, " in summary
    assert "the input has another order of labelled fields than the usual ones" in summary
    assert "the input has text before its first labelled field" in summary
    assert "the input puts 2 or more labelled fields on a line" in summary
    assert "345 of 345 elsewhere" in summary
    assert "(input)" not in report
    assert "chosen without a look at what is right" in report


def test_a_feature_that_is_the_only_attribute_is_searched(tmp_path: Path) -> None:
    for one in ("eval.jsonl", "production.jsonl", "extractor.py"):
        (tmp_path / one).write_bytes((EXAMPLE / one).read_bytes())
    named = 'features = ["field_order(input)"]'
    case = (EXAMPLE / "autopsy.toml").read_text().replace('by = ["shift_type"]', named)
    (tmp_path / "autopsy.toml").write_text(case)
    report = (certify(load(tmp_path), tmp_path).folder / "REPORT.md").read_text(encoding="utf-8")
    assert "### Searched for" in report
    assert "the input has another order of labelled fields than the usual ones" in report
