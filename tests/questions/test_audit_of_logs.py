"""Faults of a scorer planted in logs of real tools are found, and those without any raise none."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval_autopsy import api
from eval_autopsy.errors import CannotUse
from eval_autopsy.questions.suspects import KINDS

from .planted import FAULTS, SAMPLES, TOOLS, Tool

CLEAN = sorted(
    path
    for path in SAMPLES.rglob("*")
    if path.is_file() and not path.name.startswith(("README", "facts", "results_", "expected"))
)


# Files that have scores without records, or records without scores: the rest is in another file.
PARTS = (
    "bfcl/score/*/*/*",
    "phoenix/span_annotations_*",
    "swe_bench/*.traj.json",
    "swe_bench/predictions_alone.jsonl",
    "swe_bench/instance/patch.diff",
)
APART = [path for path in CLEAN if any(path.match(part) for part in PARTS)]
AUDITED = [path for path in CLEAN if path not in APART]
# A tool that has no place for an error cannot count one as a pass.
PLANTED = [
    pytest.param(tool, kind, id=f"{tool.name}-{kind}")
    for tool in TOOLS
    for kind in FAULTS
    if kind != "errored-as-pass" or tool.has_errors
]


@pytest.mark.parametrize(("tool", "kind"), PLANTED)
def test_a_planted_fault_is_found_and_no_other(tool: Tool, kind: str, tmp_path: Path) -> None:
    document, records = tool.records()
    planted = FAULTS[kind](tool, records)
    assert planted
    found = api.open(tool.write(tmp_path, document, records)).audit()
    assert {one.kind: one.count for one in found.findings} == {kind: len(planted)}
    where = {one.where.rpartition(" ")[2].rpartition(":")[2] for one in found.findings[0].records}
    lines = [str(line) for line, one in enumerate(records, tool.first_line) if one in planted]
    assert where == set(lines)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_log_without_a_fault_has_no_finding(tool: Tool, tmp_path: Path) -> None:
    found = api.open(tool.write(tmp_path, *tool.records())).audit()
    assert found.findings == ()
    assert all(not flips.changed for flips in found.flips)
    rate, corrected = found.scores["eval"]["recorded"].rate, found.corrected["eval"]
    failed_as_wrong = found.errored["wrong"]  # LangSmith counts them, and no other of these tools
    assert (failed_as_wrong, tool.name) in ((1, "langsmith"), (0, tool.name))
    assert corrected.lower == corrected.upper == (rate.k, rate.n - failed_as_wrong)
    assert rate.n >= 89


@pytest.mark.parametrize("path", AUDITED, ids=lambda path: str(path.relative_to(SAMPLES)))
def test_a_sample_as_its_tool_wrote_it_has_no_finding(path: Path) -> None:
    assert api.open(path).audit().findings == ()


@pytest.mark.parametrize("path", APART, ids=lambda path: str(path.relative_to(SAMPLES)))
def test_a_file_whose_other_half_is_elsewhere_is_refused(path: Path) -> None:
    with pytest.raises(CannotUse):
        api.open(path).audit()


def test_every_kind_is_planted() -> None:
    assert set(FAULTS) == set(KINDS)
