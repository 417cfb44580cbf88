"""`autopsy PATH`, as a person and as a program reads it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from eval_autopsy.receipt.verify import verify

from .conftest import ROOT, Call, process

SAMPLES = ROOT / "tests" / "samples"


@pytest.fixture
def logs(folder: Path) -> Path:
    """A folder with two logs of Inspect."""
    shutil.copytree(SAMPLES / "inspect_ai", folder / "logs")
    return folder / "logs"


def everything(folder: Path) -> dict[str, bytes]:
    """All files below a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_screen_has_at_most_a_dozen_lines_with_counts_in_them(call: Call, logs: Path) -> None:
    said = call("logs")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert len(lines) <= 12
    assert lines[0] == "2 files · 196 records · 0 set aside"
    assert "86 of 94 right  91.49% [79.99, 96.66] over 47 clusters" in lines[1]  # two epochs
    assert "75 of 99 right  75.76% [66.46, 83.13]" in lines[2]
    assert "lang is de and topic is refund: 6 of 24 right" in lines[4]


def test_every_file_is_shown_with_its_role_and_the_reason(call: Call, logs: Path) -> None:
    said = call("logs", "--files").out
    assert "support_eval.eval" in said
    assert "its name says so" in said


def test_a_file_that_cannot_be_read_is_named_with_the_reason(call: Call, logs: Path) -> None:
    (logs / "production.csv").write_bytes(b"id,output\n1,a,b\n")
    unread = next(line for line in call("logs").out.splitlines() if line.startswith("unread"))
    assert "production.csv: found 3 cells, expected 2" in unread


def test_json_is_one_document_with_the_promised_keys(call: Call, logs: Path) -> None:
    said = call("logs", "--json")
    assert said.err == ""
    found = json.loads(said.out)
    assert found["comparison"] == "two-sets"
    assert {one["role"] for one in found["files"]} == {"eval", "production"}
    assert {"path", "format", "role", "records", "set_aside", "why"} < set(found["files"][0])
    assert (found["production"]["k"], found["production"]["n"]) == (75, 99)
    assert set(found["gap"]) == {"value", "interval"}
    assert found["slices"][0]["where"] == {"lang": "de", "topic": "refund"}
    assert found["silent"]["wrong"] == 24


def test_nothing_is_written_unless_a_receipt_is_asked_for(call: Call, logs: Path) -> None:
    before = everything(logs.parent)
    call("logs")
    call("logs", "--json")
    assert everything(logs.parent) == before


def test_a_receipt_of_data_alone_holds_and_stays_in_its_folders(call: Call, logs: Path) -> None:
    before = everything(logs.parent)
    assert call("run", "logs").code == 0
    new = everything(logs.parent).keys() - before.keys()
    assert {Path(name).parts[0] for name in new} == {".autopsy", "receipts"}
    done = verify(Path("receipts/logs"))
    assert done.verdict == "holds"
    # Twice gives the same case, and the same receipt again.
    assert call("run", "logs").code == 0


def test_verdicts_in_words_are_counted_and_a_receipt_of_them_holds(
    call: Call, folder: Path
) -> None:
    for name, failing in (("eval", 4), ("production", 30)):
        rows = (f"{name}{n},{'FAIL' if n < failing else 'Pass'}\n" for n in range(60))
        (folder / f"{name}.csv").write_text(f"id,result\n{''.join(rows)}{name}x,\n")
    assert "56 of 60 right" in call(".").out
    assert call("run", ".").code == 0
    (receipt,) = Path("receipts").iterdir()
    assert verify(receipt).verdict == "holds"
    assert "30 of 60" in (receipt / "REPORT.md").read_text(encoding="utf-8")
    assert "56 of 60" in call("audit", ".").out


@pytest.mark.parametrize("unfit", ["\n", "\x1b", ":", "\\"])
@pytest.mark.skipif(os.name == "nt", reason="there are no such names there")
def test_a_name_that_a_receipt_cannot_hold_is_said_with_what_to_do(
    call: Call, folder: Path, unfit: str
) -> None:
    for name in ("eval", "production"):
        rows = "".join(f"{name}{n},{n % 2}\n" for n in range(40))
        (folder / f"{name}{unfit}x.csv").write_text(f"id,score\n{rows}")
    assert call(".").code == 0
    said = call("run", ".")
    assert (said.code, said.out) == (2, "")
    assert f"a receipt names this file, and its path has {unfit!r} in it" in said.err
    assert repr(f"eval{unfit}x.csv") in said.err
    assert "Rename it" in said.err
    assert not Path("receipts").exists()


def test_the_current_folder_is_looked_at_when_it_is_named(call: Call, logs: Path) -> None:
    os.chdir(logs)
    assert call(".").out.startswith("2 files")


def test_a_folder_without_data_says_what_is_read(call: Call, folder: Path) -> None:
    said = call(".")
    assert said.code == 2
    assert "there is no data that can be read" in said.err
    assert "autopsy formats" in said.err


def test_a_reader_that_goes_away_is_no_crash(folder: Path, logs: Path) -> None:
    done = process("logs", folder=folder)
    assert done.returncode == 0
    assert done.stderr == ""


def test_one_set_cannot_have_a_receipt_and_is_told_why(call: Call, logs: Path) -> None:
    (logs / "support_prod.json.gz").unlink()
    said = call("run", "logs")
    assert said.code == 2
    assert "there is one set of records" in said.err
    assert not Path("receipts").exists()
