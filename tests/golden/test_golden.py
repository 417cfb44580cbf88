"""Reports are the committed ones, to the letter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import make


@pytest.mark.parametrize("name", list(make.MAKERS))
def test_the_report_is_the_committed_one(name: str) -> None:
    says = make.difference(name, make.MAKERS[name]())
    if says:
        pytest.fail(says, pytrace=False)


def test_a_difference_is_shown_with_the_command_that_accepts_it() -> None:
    kept = make.place_of("invoice").read_text(encoding="utf-8")
    says = make.difference("invoice", kept.replace("345", "346", 1))
    assert "+" in says
    assert "346" in says
    assert says.endswith("python tests/golden/make.py invoice --write")


def test_a_report_without_its_last_line_end_is_another() -> None:
    kept = make.place_of("invoice").read_text(encoding="utf-8")
    assert make.difference("invoice", kept.rstrip("\n")) != ""


def test_the_maker_works_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-B", make.__file__, "invoice"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_is_refused_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert make.main(["invioce", "--write"]) == 2
    assert "invoice" in capsys.readouterr().err
