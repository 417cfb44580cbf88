"""What is planted in the broken systems of evals/ is there, and shows where it is said to."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evals.broken import GREETINGS, Broken, systems, write
from evals.run import Grade, graded, tally_of_systems

import eval_autopsy as autopsy
from eval_autopsy.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = {system.id: system for system in systems()}
PLANTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "tickets": lambda row: row["text"].splitlines()[0] in GREETINGS,
    "amounts": lambda row: row["country"] in ("DE", "IT"),
    "orders": lambda row: row["text"].startswith("CUSTOMER"),
    "bookings": lambda row: re.search(r"arrives on \d+ [A-Z]", row["text"]) is not None,
}


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> Broken:
    return SYSTEMS[request.param]


@pytest.fixture
def case(system: Broken, tmp_path: Path) -> Path:
    return write(system, tmp_path / system.id)


def rows(case: Path, split: str) -> list[dict[str, Any]]:
    lines = (case / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def function_of(case: Path) -> Callable[[str], Any]:
    """The system, called here and not by the engine."""
    (name,) = re.findall(
        r'^python = "system\.py:(\w+)"$', (case / "autopsy.toml").read_text(), re.M
    )
    spec = importlib.util.spec_from_file_location(f"system_{case.name}", case / "system.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[str], Any] = getattr(module, name)
    return found


def test_production_is_wrong_where_it_was_planted_and_nowhere_else(
    system: Broken, case: Path
) -> None:
    answer, planted = function_of(case), PLANTED.get(system.id)
    wrong = {
        split: [row["id"] for row in rows(case, split) if answer(row["text"]) != row["truth"]]
        for split in ("eval", "production")
    }
    if planted is None:
        shares = [len(wrong[split]) / len(rows(case, split)) for split in wrong]
        assert all(0.02 < share < 0.1 for share in shares)
        return
    assert wrong["eval"] == []
    assert wrong["production"] == [row["id"] for row in rows(case, "production") if planted(row)]
    assert 0.1 < len(wrong["production"]) / len(rows(case, "production")) < 0.5


def test_the_changes_of_its_cause_break_eval_and_the_others_do_not(
    system: Broken, case: Path
) -> None:
    found = autopsy.open(case).ablate([*system.cause, *system.other]).to_dict()
    tried = {one["changes"][0]: one for one in found["effects"] if one["group"] == "eval"}
    assert {*tried} == {*system.cause}
    assert all(one["after"]["k"] == 0 < one["before"]["n"] for one in tried.values())
    looked = [one for one in found["looked_at"] if one["group"] == "eval"]
    assert {name for one in looked for name in one["changes"]} == {*system.other}


def test_the_folder_does_not_say_what_is_planted(system: Broken, case: Path) -> None:
    assert {path.name for path in case.iterdir()} == {
        "autopsy.toml",
        "system.py",
        "eval.jsonl",
        "production.jsonl",
    }
    written = " ".join(path.read_text(encoding="utf-8") for path in case.iterdir())
    assert system.planted not in written
    assert [name for name in system.cause if name in written] == []


def test_the_same_records_are_made_each_time(system: Broken, case: Path, tmp_path: Path) -> None:
    again = write(system, tmp_path / "again")
    for name in ("eval.jsonl", "production.jsonl"):
        assert (again / name).read_bytes() == (case / name).read_bytes()


def test_the_readme_has_the_row_of_each_system() -> None:
    page = (ROOT / "evals" / "README.md").read_text(encoding="utf-8")
    for system in SYSTEMS.values():
        assert f"| {system.id} | {system.planted} |" in page


STORY = "In production {{ rate.production.right.counted | of }} are right.\n"


def investigate(system: Broken, folder: Path, breaks: str) -> Grade:
    """The grade of an investigation that predicts one change."""
    name, case = system.id, write(system, folder / system.id)
    story = folder / "story.md"
    story.write_text(STORY, encoding="utf-8")
    predicted = ["--statement", "The inputs differ.", "--breaks", breaks]
    steps = [
        ["next", name],
        ["run", name],
        ["hypothesise", name, *predicted],
        ["ablate", name, "--declared"],
        ["next", name, "--skip", "shrink", "--reason", "The inputs are short."],
        ["narrate", name, "story.md"],
        ["certify", name],
    ]
    for step in steps:
        assert main([*step, "--quiet"]) == 0, step
    return graded(system, case, folder / "receipts" / name, 1.5)


@pytest.mark.parametrize(("breaks", "found"), [("date_format", True), ("double_spaces", False)])
def test_a_grade_is_by_what_was_predicted_and_then_measured(
    breaks: str, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    grade = investigate(SYSTEMS["bookings"], tmp_path, breaks)
    assert (grade.found, grade.certified) == (found, True)
    assert grade.predicted == (("date_format",) if found else ())
    assert grade.done[-1] == "certify"
    assert f"{int(found)} of 1 were found and certified." in tally_of_systems([grade])


def test_a_receipt_that_was_changed_afterwards_is_not_certified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    system = SYSTEMS["bookings"]
    assert investigate(system, tmp_path, "date_format").certified
    receipt = tmp_path / "receipts" / system.id
    report = receipt / "REPORT.md"
    report.write_text(report.read_text(encoding="utf-8") + "More.\n", encoding="utf-8")
    assert not graded(system, tmp_path / system.id, receipt).certified


def test_a_case_that_nobody_touched_is_neither_found_nor_certified(tmp_path: Path) -> None:
    system = SYSTEMS["tickets"]
    grade = graded(system, write(system, tmp_path / "tickets"), tmp_path / "receipts" / "tickets")
    assert (grade.done, grade.found, grade.certified) == ((), False, False)


def test_without_a_key_it_says_so_and_ends_with_exit_code_2() -> None:
    environment = {name: value for name, value in os.environ.items() if "ANTHROPIC" not in name}
    command = [sys.executable, str(ROOT / "evals" / "run.py"), "prompts"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "ANTHROPIC_API_KEY is not set, so no model was asked" in done.stderr
