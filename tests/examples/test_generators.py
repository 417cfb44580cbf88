"""Each example's generator writes its committed data, on every Python, and never over a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import EXAMPLES
from .test_invoice_generator import other_pythons

DATA = {
    "long-documents": ["eval.jsonl", "production.jsonl"],
    "number-formats": ["eval.jsonl", "production.jsonl"],
    "intent-router": ["attempts.jsonl", "eval.jsonl", "production.jsonl"],
}


def generate(
    name: str, *arguments: str | Path, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """The finished run of an example's generator."""
    program = EXAMPLES / name / "generate.py"
    command = [python, "-I", "-B", str(program), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")


@pytest.mark.parametrize("python", other_pythons())
@pytest.mark.parametrize("name", DATA)
def test_the_committed_data_are_what_the_generator_writes(name: str, python: str) -> None:
    done = generate(name, "--check", python=python)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", DATA)
def test_an_empty_folder_gets_the_committed_bytes(name: str, tmp_path: Path) -> None:
    assert generate(name, tmp_path).returncode == 0
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {file: (EXAMPLES / name / file).read_bytes() for file in DATA[name]}


@pytest.mark.parametrize(("name", "file"), [(name, file) for name in DATA for file in DATA[name]])
def test_a_file_that_is_there_is_not_overwritten(name: str, file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(b"mine\n")
    done = generate(name, tmp_path)
    assert done.returncode == 2
    assert f"{file}: is there already" in done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {file: b"mine\n"}


@pytest.mark.parametrize("name", DATA)
def test_check_tells_a_changed_byte(name: str, tmp_path: Path) -> None:
    generate(name, tmp_path)
    path = tmp_path / "production.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"p-001', b'"q-001', 1))
    done = generate(name, "--check", tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"{path}: is not what this program writes.\n"


@pytest.mark.parametrize("name", DATA)
def test_an_example_says_that_it_is_synthetic_names_its_files_and_is_small(name: str) -> None:
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    assert "**It is\nsynthetic.**" in text or "**It is synthetic.**" in text
    for path in (EXAMPLES / name).iterdir():
        if path.is_file():
            assert path.stat().st_size < 150_000
            assert f"`{path.name}`" in text or path.name == "README.md"
