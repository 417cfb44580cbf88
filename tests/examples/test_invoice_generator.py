"""The generator writes the committed invoices, on every Python, and never over a file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .test_invoice_data import EXAMPLE, load

GENERATOR = EXAMPLE / "generate.py"
DATA = ["eval.jsonl", "production.jsonl"]


def other_pythons() -> list[str]:
    """Every python3.x on the path or beside this one under pyenv, 3.9 and later."""
    names = [f"python3.{minor}" for minor in range(9, 20)]
    on_path = {found for name in names if (found := shutil.which(name))}
    under_pyenv = {str(path) for path in Path.home().glob(".pyenv/versions/3.*/bin/python3")}
    return sorted({sys.executable} | {path for path in on_path | under_pyenv if runs(path)})


def runs(python: str) -> bool:
    """Whether it starts and is new enough: pyenv leaves names that lead to no interpreter."""
    code = "import sys; sys.exit(sys.version_info < (3, 9))"
    return (
        subprocess.run([python, "-I", "-c", code], check=False, capture_output=True).returncode == 0
    )


def generate(
    *arguments: str | Path, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """The finished run of the generator."""
    command = [python, "-I", "-B", str(GENERATOR), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")


@pytest.mark.parametrize("python", other_pythons())
def test_the_committed_data_are_what_the_generator_writes(python: str) -> None:
    done = generate("--check", python=python)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_empty_folder_gets_the_committed_bytes(tmp_path: Path) -> None:
    assert generate(tmp_path).returncode == 0
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {name: (EXAMPLE / name).read_bytes() for name in DATA}


@pytest.mark.parametrize("present", DATA)
def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path, present: str) -> None:
    (tmp_path / present).write_bytes(b"mine\n")
    done = generate(tmp_path)
    assert done.returncode == 2
    assert f"{present}: is there already" in done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {present: b"mine\n"}


def test_check_tells_a_changed_byte(tmp_path: Path) -> None:
    generate(tmp_path)
    path = tmp_path / "eval.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Vendor", b"vendor", 1))
    done = generate("--check", tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"{path}: is not what this program writes.\n"


def test_check_tells_a_missing_file(tmp_path: Path) -> None:
    done = generate("--check", tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("is missing") == 2


def test_the_seed_decides_every_byte() -> None:
    files = load("generate").files
    assert files(7) == files(7)
    assert files(7)["eval.jsonl"] != files(8)["eval.jsonl"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "name", ["canonical", "delimiter", "whitespace", "reorder", "verbose", "compact", "mixed"]
)
def test_no_format_changes_the_truth_it_writes(name: str, seed: int) -> None:
    module = load("generate")
    draws = module.Draws(seed)
    truth = module.invoice(draws, module.SPLITS["eval.jsonl"].first_day, set())
    before = dict(truth)
    text = module.FORMATS[name](truth, draws)
    assert truth == before
    assert all(text.count(value) >= 1 for value in truth.values())


@pytest.mark.parametrize("seed", range(40))
def test_another_order_is_never_the_usual_one(seed: int) -> None:
    module = load("generate")
    order = module.other_order(module.Draws(seed))
    assert sorted(order) == sorted(module.FIELDS)
    assert order != list(module.FIELDS)
