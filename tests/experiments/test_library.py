"""What `autopsy run` finds of a cause where nobody has said what to try."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import api
from eval_autopsy.case.load import load
from eval_autopsy.evidence import quiet
from eval_autopsy.experiments import library
from eval_autopsy.experiments.library import is_free
from eval_autopsy.receipt.certify import Certified

ROOT = Path(__file__).resolve().parents[2]
CASE = """
name = "made"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
id = "id"
input = "text"
expected = "truth"
[system]
python = "system.py:answer"
[slices]
by = ["kind"]
"""
PARITY = """
import re


def answer(text):
    code = int(re.search("[0-9]{4}", text)[0])
    return "neither" if code >= 60 else "odd" if code % 2 else "even"
"""
FIRST_LINE = """
def answer(text):
    return text.partition("\\n")[0].partition(": ")[2]
"""


def example(base: Path, name: str) -> Path:
    """A copy of an example whose own hypotheses are taken out of it."""
    folder = base / "examples" / name
    shutil.copytree(
        ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns(".autopsy", "__pycache__")
    )
    said, _, hypotheses = (folder / "autopsy.toml").read_text("utf-8").partition("[[hypothesis]]")
    assert hypotheses or name == "invoice-extraction"
    (folder / "autopsy.toml").write_text(said, encoding="utf-8")
    return folder


def written(base: Path, system: str, rows: Mapping[str, list[dict[str, Any]]]) -> Path:
    """A case of some rows and a system of one function."""
    for name, some in rows.items():
        lines = (json.dumps(row) + "\n" for row in some)
        (base / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    (base / "autopsy.toml").write_text(CASE, encoding="utf-8")
    (base / "system.py").write_text(system, encoding="utf-8")
    return base


def codes(first: int, n: int) -> list[dict[str, Any]]:
    """Requests about a number, of which it is asked whether it is even."""
    return [
        {"id": f"r{i}", "text": f"Code: {i:04}", "truth": "odd" if i % 2 else "even", "kind": "all"}
        for i in range(first, first + n)
    ]


def orders(n: int, before: str = "") -> list[dict[str, Any]]:
    """Orders of a vendor, who is asked for."""
    vendors = [f"Vendor {chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(n)]
    return [
        {"id": one, "text": f"{before}Vendor: {one}\nTotal: 5", "truth": one, "kind": "all"}
        for one in vendors
    ]


def measured(done: Certified) -> dict[str, list[str]]:
    """The changes of each statement that is measured."""
    claims = json.loads((done.folder / "receipt.json").read_bytes())["predicate"]["claims"]
    verdicts = {c["args"]["statement"]: c["value"] for c in claims if c["op"] == "hypothesis"}
    assert done.cube.varied is not None
    said = done.cube.varied.says["hypotheses"]
    return {h["statement"]: h["breaks"] for h in said if verdicts[h["statement"]] == "measured"}


def report_of(done: Certified) -> str:
    return " ".join((done.folder / "REPORT.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("name", "about", "change", "mends"),
    [
        ("invoice-extraction", "the order of labelled fields", "swap_first_fields", True),
        ("invoice-extraction", "what stands before the text", "add_preamble", True),
        ("invoice-extraction", "how fields are parted into lines", "join_lines", True),
        ("long-documents", "what stands before the text", "lengthen_before", False),
        ("number-formats", "how numbers are written", "number_format", True),
        ("intent-router", "what say_stop changes", "say_stop", False),
    ],
)
def test_the_planted_fault_of_each_example_is_found_unasked(
    name: str, about: str, change: str, mends: bool, tmp_path: Path
) -> None:
    done = api.open(example(tmp_path, name)).run(tmp_path)
    found = measured(done)
    assert change in found[f"The system goes wrong on a change of {about}."]
    assert len(found) <= 3
    said = "Kept are things of which a change mends" in report_of(done)
    assert said == mends


def test_what_a_change_was_looked_at_on_is_no_test_of_it(tmp_path: Path) -> None:
    folder = example(tmp_path, "number-formats")
    done = api.open(folder).run(tmp_path)
    case = load(folder)
    looked = library.suggested(case, done.evidence, quiet, case.file.seed)
    lines = (done.folder / "varied.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]
    assert [*looked.notes()] == [done.evidence.notes[-1]]
    assert not looked.held_out & {(row["split"], row["of"]) for row in asked}
    assert len({row["of"] for row in asked if row["split"] == "eval"}) == 100


def test_where_no_change_breaks_anything_the_report_says_so(tmp_path: Path) -> None:
    rows = {"eval": codes(0, 60), "production": codes(30, 60)}
    done = api.open(written(tmp_path, PARITY, rows)).run(tmp_path)
    assert done.cube.varied is None
    assert "none broke most" in done.evidence.notes[-1]
    assert "and did not break most of them" in report_of(done)


def test_where_eval_is_too_small_nothing_is_looked_at(tmp_path: Path) -> None:
    rows = {"eval": orders(16), "production": orders(40, "Hello,\n")}
    done = api.open(written(tmp_path, FIRST_LINE, rows)).run(tmp_path)
    assert done.evidence.notes[-1] == (
        "the library of changes was not tried: too few records of eval are answered right"
    )
    assert "Nothing has been varied" in report_of(done)


@pytest.mark.parametrize("before", ["", "Hello,\n"])
def test_a_system_is_varied_only_where_production_is_worse(before: str, tmp_path: Path) -> None:
    rows = {"eval": orders(60), "production": orders(60, before)}
    done = api.open(written(tmp_path, FIRST_LINE, rows)).run(tmp_path)
    assert (done.cube.varied is not None) == bool(before)


def test_a_case_with_hypotheses_of_its_own_is_left_alone(tmp_path: Path) -> None:
    rows = {"eval": orders(60), "production": orders(60, "Hello,\n")}
    folder = written(tmp_path, FIRST_LINE, rows)
    with open(folder / "autopsy.toml", "a", encoding="utf-8") as file:
        file.write('[[hypothesis]]\nstatement = "It trips."\nbreaks = ["add_closing"]\n')
    done = api.open(folder).run(tmp_path)
    assert done.cube.varied is not None
    assert [one["statement"] for one in done.cube.varied.says["hypotheses"]] == ["It trips."]
    assert "Nobody said what to try" not in report_of(done)


@pytest.mark.parametrize("asked", [{"hypotheses": False}, {"library": False}])
def test_it_can_be_left_out(asked: dict[str, Any], tmp_path: Path) -> None:
    rows = {"eval": orders(60), "production": orders(60, "Hello,\n")}
    done = api.open(written(tmp_path, FIRST_LINE, rows)).run(tmp_path, **asked)
    assert done.cube.varied is None


@pytest.mark.parametrize("asked", [None, True])
def test_a_system_that_takes_its_time_is_only_varied_when_asked(
    asked: bool | None, tmp_path: Path
) -> None:
    rows = {"eval": orders(48), "production": orders(48, "Hello,\n")}
    slow = "import time\n" + FIRST_LINE.replace("    return", "    time.sleep(0.15)\n    return")
    folder = written(tmp_path, slow, rows)
    said = (
        (folder / "autopsy.toml")
        .read_text("utf-8")
        .replace("[slices]", "concurrency = 8\n[slices]")
    )
    (folder / "autopsy.toml").write_text(said, encoding="utf-8")
    done = api.open(folder).run(tmp_path, library=asked)
    assert (done.cube.varied is not None) == bool(asked)
    if not asked:
        assert re.search(r"a call takes \d\.\d+ s; --library does", done.evidence.notes[-1])


@pytest.mark.parametrize(
    ("system", "free"),
    [
        ('python = "system.py:answer"', True),
        ('command = ["cat"]', True),
        ('command = ["cat"]\nprices = { call = 0.01 }', False),
        ('http = {url = "http://127.0.0.1:9/", body = "{input}"}', False),
    ],
)
def test_only_calls_that_cost_nothing_are_made_unasked(
    system: str, free: bool, tmp_path: Path
) -> None:
    folder = written(tmp_path, FIRST_LINE, {"eval": orders(3), "production": orders(3)})
    said = CASE.replace('python = "system.py:answer"', system)
    (folder / "autopsy.toml").write_text(said, encoding="utf-8")
    assert is_free(load(folder)) == free


COIN = """
import random


def answer(text):
    vendor = text.rpartition(": ")[2]
    return vendor if "Vendor: " in text and random.random() < {right} else "nobody"
"""
CHAOS = """
import hashlib


def answer(text):
    digest = hashlib.sha256(text.encode()).digest()
    right = text.startswith("Vendor: ") or (digest[0] < 160 and "Please" in text)
    return text.rpartition(": ")[2] if "Vendor: " in text and right else "nobody"
"""


@pytest.mark.parametrize(
    "system", [COIN.replace("{right}", '(0.6 if "Please" in text else 1)'), CHAOS]
)
def test_what_any_change_mends_is_not_said_to_be_mended_by_one(system: str, tmp_path: Path) -> None:
    vendors = [f"{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(200)]
    rows = {
        name: [
            {"id": one, "text": f"{polite}Vendor: {one}", "truth": one, "kind": "all"}
            for one in vendors
        ]
        for name, polite in (("eval", ""), ("production", "Please.\n"))
    }
    done = api.open(written(tmp_path, system, rows)).run(tmp_path)
    assert "changes of the library looked at" in done.evidence.notes[-1]
    assert "also mends" not in done.evidence.notes[-1]
    assert "mends wrong answers of production" not in report_of(done)


def test_a_change_that_makes_every_call_fail_is_evidence_and_no_end_of_the_run(
    tmp_path: Path,
) -> None:
    system = FIRST_LINE.replace("    return", "    assert text.startswith('Vendor')\n    return")
    rows = {"eval": orders(100), "production": orders(60, "Hello,\n")}
    done = api.open(written(tmp_path, system, rows)).run(tmp_path)
    statement = "The system goes wrong on a change of what stands before the text."
    assert "add_preamble" in measured(done)[statement]
