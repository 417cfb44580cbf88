"""docs/python.md names all there is, and its code and that of the notebook run."""

from __future__ import annotations

import doctest
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import eval_autopsy as autopsy
from eval_autopsy import errors

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "python.md").read_text(encoding="utf-8")


def test_the_outputs_of_the_notebook_are_those_of_a_fresh_run() -> None:
    made = DOCS / "make_notebook.py"
    done = subprocess.run([sys.executable, made], capture_output=True, text=True, check=False)
    remedy = "python docs/make_notebook.py --write"
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{remedy}"


def test_the_notebook_shows_a_receipt_that_holds_and_a_forged_one_that_does_not() -> None:
    cells = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    results = [one for cell in cells for one in cell.get("outputs", ()) if "data" in one]
    last_two = ["".join(one["data"]["text/plain"]) for one in results[-2:]]
    assert last_two == ["'holds'", "('does-not-hold', ['subjects', 'report'])"]


def test_the_code_of_the_page_gives_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=hidden)
    monkeypatch.chdir(tmp_path)
    found = doctest.testfile(str(DOCS / "python.md"), module_relative=False)
    assert (found.attempted, found.failed) == (5, 0)


@pytest.mark.parametrize("name", sorted({*autopsy.__all__} - {"Autopsy", "__version__"}))
def test_the_page_names_each_function(name: str) -> None:
    assert f"`autopsy.{name}" in PAGE or f"`@autopsy.{name}`" in PAGE


def test_the_page_names_each_method_and_property() -> None:
    both = {**vars(autopsy.Autopsy), **vars(autopsy.Investigation)}
    public = [name for name in both if not name.startswith("_")]
    assert [name for name in public if f"`.{name}" not in PAGE] == []
    attributes = {*public, *vars(autopsy.open(ROOT / "examples" / "invoice-extraction"))}
    named = {*re.findall(r"`\.(\w+)", PAGE)} - {"autopsy"}  # which is the name of a folder
    assert named <= attributes


def test_the_errors_that_the_page_names_exist() -> None:
    named = re.findall(r"`((?:Cannot|Bad|Does)\w+)`", PAGE)
    assert named
    assert all(issubclass(getattr(errors, name), errors.AutopsyError) for name in named)


def test_the_feature_that_the_page_shows_can_be_sliced_by(tmp_path: Path) -> None:
    page = (DOCS / "features.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    rows = [
        {"id": str(n), "input": text, "right": right}
        for n, (text, right) in enumerate([("my money", False), ("open?", True)] * 10)
    ]
    for name in ("eval", "production"):
        lines = [json.dumps({**row, "right": row["right"] or name == "eval"}) for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    study = autopsy.open(
        eval=tmp_path / "eval.jsonl", production=tmp_path / "production.jsonl", correct="right"
    )
    found = study.slices(features=[tmp_path / "mine.py"])
    rows_by_topic = next(one for one in found.breakdowns if one.attribute == "topic(input)")
    words = {one.words: one.production for one in rows_by_topic.slices}
    assert words["`topic` of the input is `refund`"] == (0, 10)
