"""The command line's verbs for Python."""

from __future__ import annotations

import doctest
import shutil
from pathlib import Path

import pytest

import eval_autopsy as autopsy
from eval_autopsy import api
from eval_autopsy.questions import rates

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the example in it."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=ignored)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_in_the_docstrings_run(folder: Path) -> None:
    for module, at_least in ((api, 6), (rates, 2)):
        found = doctest.testmod(module)
        assert found.attempted >= at_least
        assert found.failed == 0


def test_the_names_of_the_package_are_the_ones_it_lists() -> None:
    assert set(autopsy.__all__) <= set(dir(autopsy))
    assert autopsy.open is api.open


def test_attributes_can_be_asked_for_in_place_of_the_cases_own(folder: Path) -> None:
    case = autopsy.open("examples/invoice-extraction")
    found = case.slices(["truth.total", "shift_type"])
    assert {one.attribute for one in found.breakdowns + found.set_aside} == {
        "truth.total",
        "shift_type",
    }
    assert case.case.wanted.attributes == ("shift_type",)


def test_a_system_runs_once_for_slices_and_twice_for_a_receipt(folder: Path) -> None:
    seen: list[str] = []
    case = autopsy.open("examples/invoice-extraction")
    case.slices(progress=lambda what, done, total: seen.append(what))
    assert set(seen) == {"running the system", "judging"}
    case.run(progress=lambda what, done, total: seen.append(what))
    assert {"running the system", "running it again"} <= set(seen)


def test_paths_may_be_texts_or_paths_one_or_many(folder: Path) -> None:
    for name in ("a", "b", "c"):
        rows = [f"{name}{i},{i % 2},{str(i > 0).lower()}" for i in range(4)]
        (folder / f"{name}.csv").write_text("\n".join(["id,kind,ok", *rows]), encoding="utf-8")
    study = autopsy.open(eval="a.csv", production=[Path("b.csv"), "c.csv"], correct="ok")
    assert study.slices().production == (6, 8)


def test_a_receipt_of_data_without_a_case_rests_on_one_that_is_written(folder: Path) -> None:
    for name, ok in (("a", "true"), ("b", "false")):
        rows = [f"{i},{i % 2},{ok}" for i in range(40)]
        (folder / f"{name}.csv").write_text("\n".join(["id,kind,ok", *rows]), encoding="utf-8")
    study = autopsy.open(eval="a.csv", production="b.csv", correct="ok")
    done = study.run()
    assert done.verification.verdict == "holds"
    assert len([*(folder / ".autopsy").glob("*/autopsy.toml")]) == 1
