"""The command, called here and in processes of its own, in folders that are thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from eval_autopsy.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "invoice-extraction"
COMMAND = [sys.executable, "-m", "eval_autopsy"]


class Said(NamedTuple):
    """What a call of the command came to."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


def environment(**more: str) -> dict[str, str]:
    """The environment of a process of its own: plain output, and this engine."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AUTOPSY_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm", "COLUMNS": "80", **more}


def process(*arguments: str, folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, to its end."""
    options = {"capture_output": True, **options}
    env = environment(**options.pop("env", {}))
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=env, text=True, check=False, timeout=120, **options
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("AUTOPSY_TRACEBACK", raising=False)
    return tmp_path


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the command in this process, in the empty folder."""

    def called(*arguments: str | Path) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    return called


@pytest.fixture
def case(folder: Path) -> Path:
    """The invoice case in the current folder, as a relative path."""
    hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
    shutil.copytree(EXAMPLE, folder / "case", ignore=hidden)
    return Path("case")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo was run; not to be changed."""
    made = tmp_path_factory.mktemp("demo")
    done = process("demo", "--quiet", folder=made)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return made
