"""What is committed is what the engine makes, to the letter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import make

RECEIPT = Path("receipts", "invoice-extraction")


def test_what_is_committed_is_what_is_made() -> None:
    says = make.difference(make.made())
    if says:
        pytest.fail(says, pytrace=False)


@pytest.mark.parametrize("place", make.CASES, ids=lambda place: place.name)
def test_a_committed_receipt_holds_by_its_own_script(place: Path) -> None:
    script = make.ROOT / place / "verify.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_difference_is_shown_with_the_command_that_accepts_it() -> None:
    report = RECEIPT / "REPORT.md"
    kept = (make.ROOT / report).read_bytes()
    says = make.difference({report: kept.replace(b"345", b"346", 1)})
    assert "346" in says
    assert says.endswith("python tests/golden/make.py --write")


def test_a_report_without_its_last_line_end_is_another() -> None:
    report = RECEIPT / "REPORT.md"
    assert make.difference({report: (make.ROOT / report).read_bytes().rstrip(b"\n")}) != ""


def test_the_maker_works_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-B", make.__file__],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_word_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert make.main(["invoice"]) == 2
    assert "usage" in capsys.readouterr().err
