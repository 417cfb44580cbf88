"""The function that is the system stands out by being alone, or by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval_autopsy.case.functions import functions_in, guess_system


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def run(x): ...", ["run"]),
        ("def run(x, temperature=0): ...", ["run"]),
        ("def run(x, *, seed=0): ...", ["run"]),
        ("def run(x, /): ...", ["run"]),
        ("def run(*, x): ...", []),
        ("def run(x, *, y): ...", []),
        ("def run(): ...", []),
        ("def run(x, y): ...", []),
        ("def run(*all): ...", []),
        ("def _run(x): ...", []),
        ("async def run(x): ...", []),
        ("class Model:\n    def run(self): ...", []),
        ("def broken(:", []),
        ("\0", []),
    ],
)
def test_a_system_is_a_public_function_of_one_value(
    tmp_path: Path, code: str, names: list[str]
) -> None:
    (tmp_path / "app.py").write_text(code)
    assert [function.name for function in functions_in(tmp_path / "app.py")] == names


def guess(tmp_path: Path, files: dict[str, str]) -> tuple[str, str]:
    for name, code in files.items():
        (tmp_path / name).write_text(code)
    found = guess_system([tmp_path / name for name in files], "text")
    function = found.function
    return (f"{function.file.name}:{function.name}" if function else ""), found.why


def test_the_only_function_is_the_system(tmp_path: Path) -> None:
    assert guess(tmp_path, {"a.py": "def zork(y): ..."})[0] == "a.py:zork"


def test_a_verb_stands_out_among_helpers(tmp_path: Path) -> None:
    code = "def strip(line): ...\ndef extract(text): ..."
    assert guess(tmp_path, {"extractor.py": code})[0] == "extractor.py:extract"


def test_two_that_are_alike_are_not_chosen_between(tmp_path: Path) -> None:
    named, why = guess(tmp_path, {"a.py": "def predict(x): ...", "b.py": "def predict(x): ..."})
    assert named == ""
    assert why == "several functions could be it: a.py:predict, b.py:predict"


def test_tests_and_makers_of_data_are_not_systems(tmp_path: Path) -> None:
    files = {"test_app.py": "def run(x): ...", "generate.py": "def write(folder): ..."}
    assert guess(tmp_path, files)[0] == ""
