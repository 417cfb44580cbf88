"""What docs/ci.md shows does what the page says, on the invoice example."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^      - run: (.+)$", PAGE, re.MULTILINE)
(GATE,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with the case as the page has it, and the command on the path."""
    hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
    shutil.copytree(ROOT / "examples" / "invoice-extraction", tmp_path / "evals", ignore=hidden)
    (tmp_path / "evals" / "gate.py").write_text(GATE, encoding="utf-8")
    for name, arguments in (("autopsy", "-m eval_autopsy"), ("python", ""), ("python3", "")):
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        command.chmod(0o755)
    return tmp_path


def step(line: str, work: Path) -> subprocess.CompletedProcess[str]:
    """A step as the service runs it: a shell that ends at the first failure."""
    path = f"{work / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src")}
    command = ["sh", "-e", "-c", line]
    return subprocess.run(
        command, cwd=work, env=environment, capture_output=True, text=True, check=False
    )


def test_the_steps_of_the_page_end_as_it_says(work: Path) -> None:
    install, *steps = STEPS
    assert install.startswith("pip install git+https://github.com/agent-reliability/")
    run, verify, gate, committed = [step(line, work) for line in steps]
    assert (run.returncode, verify.returncode) == (0, 0), run.stderr + verify.stderr
    assert "The receipt holds" in verify.stdout
    assert gate.returncode == 1
    assert "`shift_type` is `reorder`: 0 of 36 right\n" in gate.stdout
    assert committed.returncode == 0


def test_a_receipt_that_does_not_hold_ends_the_step_for_committed_ones(work: Path) -> None:
    shutil.copytree(ROOT / "receipts" / "invoice-extraction", work / "receipts" / "a")
    shutil.copytree(ROOT / "receipts" / "invoice-extraction", work / "receipts" / "b")
    report = work / "receipts" / "a" / "REPORT.md"
    report.write_text(report.read_text("utf-8").replace("345", "395"), encoding="utf-8")
    done = step(STEPS[-1], work)
    assert done.returncode == 1
    assert "REPORT.md" in done.stdout


def test_a_gate_that_nothing_is_below_lets_it_pass(work: Path) -> None:
    (work / "evals" / "gate.py").write_text(GATE.replace("0.8", "0"), encoding="utf-8")
    done = step("python evals/gate.py", work)
    assert (done.returncode, done.stdout) == (0, "")
