"""What a terminal gets, and what a pipe gets in its place."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from .conftest import COMMAND, environment, process

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOR = re.compile(r"\x1b\[[0-9;]*(3[0-7]|4[0-7]|9[0-7])(;|m)")


def everything_from(terminal: int) -> str:
    """What is written to a terminal until its other end is closed."""
    parts = []
    try:
        while part := os.read(terminal, 65536):
            parts.append(part)
    except OSError:  # how Linux says that the other end is closed
        os.close(terminal)
    return b"".join(parts).decode("utf-8")


def on_terminal(*arguments: str, folder: Path, **variables: str) -> str:
    """What the command prints when stdout is a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(**variables),
        stdout=theirs,
        stderr=subprocess.PIPE,
    ) as running:
        os.close(theirs)
        shown = everything_from(ours)
        _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (0, b"")
    return shown.replace("\r\n", "\n")


def progress_on_terminal(*arguments: str, folder: Path, **variables: str) -> str:
    """What the command writes to stderr when that is a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(**variables),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        shown = everything_from(ours)
    assert running.returncode == 0
    return shown


def words(text: str) -> list[str]:
    """The words of a text without its formatting, in order."""
    return ESCAPE.sub("", text).split()


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small sets that need no case."""
    folder = tmp_path_factory.mktemp("sets")
    for name, wrong in (("test", 0), ("live", 5)):
        rows = [f"{i},{'a' if i % 2 else 'b'},{str(i >= wrong).lower()}" for i in range(20)]
        (folder / f"{name}.csv").write_text("\n".join(["id,kind,passed", *rows]) + "\n")
    return folder


def test_a_terminal_gets_the_same_words_as_a_pipe(sets: Path) -> None:
    command = ["slices", "test.csv", "live.csv"]
    shown = on_terminal(*command, folder=sets)
    piped = process(*command, folder=sets).stdout
    assert words(shown) == piped.split()
    assert "\x1b[1m" in shown
    assert "\x1b" not in piped


def test_the_first_screen_is_folded_beside_its_heads_and_its_commands_are_not(sets: Path) -> None:
    shown = ESCAPE.sub("", on_terminal("look", "test.csv", "live.csv", folder=sets))
    piped = process("look", "test.csv", "live.csv", folder=sets).stdout
    assert [word for word in shown.split() if word != "s"][:3] == piped.split()[:3]
    lines = {line[:12].strip(): line for line in shown.splitlines()}
    assert all(len(line) <= 80 for head, line in lines.items() if head != "next")
    assert lines["next"] in piped.splitlines()
    folded = [line for line in shown.splitlines() if line.startswith(" " * 13)]
    assert folded
    assert len(max(piped.splitlines(), key=len)) > 80


def test_a_terminal_that_cannot_format_gets_plain_text(sets: Path) -> None:
    command = ["slices", "test.csv", "live.csv"]
    assert "\x1b" not in on_terminal(*command, folder=sets, TERM="dumb")


def test_the_report_is_rendered_on_a_terminal_and_markdown_in_a_pipe(demo: Path) -> None:
    command = ["run", "examples/invoice-extraction"]
    shown = on_terminal(*command, folder=demo)
    assert "# Autopsy" not in shown
    assert "**high" not in shown
    assert COLOR.search(shown)
    assert process(*command, folder=demo).stdout.startswith("# Autopsy of `invoice-extraction`")


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}], ids=["--no-color", "NO_COLOR"])
def test_colors_can_be_turned_off(variables: dict[str, str], demo: Path) -> None:
    options = [] if variables else ["--no-color"]
    shown = on_terminal("run", "examples/invoice-extraction", *options, folder=demo, **variables)
    assert not COLOR.search(shown)


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_takes_no_codes_gets_no_progress(term: str, sets: Path) -> None:
    command = ["slices", "test.csv", "live.csv"]
    assert progress_on_terminal(*command, folder=sets, TERM=term) == ""


def test_progress_has_colors_unless_they_are_turned_off(sets: Path) -> None:
    command = ["slices", "test.csv", "live.csv"]
    shown = progress_on_terminal(*command, folder=sets, TERM="xterm")
    plain = progress_on_terminal(*command, folder=sets, TERM="xterm", NO_COLOR="1")
    assert COLOR.search(shown)
    assert not COLOR.search(plain)
    assert "judging" in plain  # the bar is there all the same


def test_json_is_the_same_on_a_terminal(sets: Path) -> None:
    command = ["slices", "test.csv", "live.csv", "--json"]
    assert on_terminal(*command, folder=sets) == process(*command, folder=sets).stdout


def test_a_stream_that_cannot_write_a_character_gets_its_code(sets: Path) -> None:
    (sets / "other.csv").write_text("id,kind,passed\n1,ł,true\n2,é,false\n3,é,true\n", "utf-8")
    command = ["slices", "--eval", "other.csv", "--production", "live.csv", "--by", "kind"]
    narrow = environment(PYTHONIOENCODING="latin-1")
    for options, wanted in (([], b"only in eval: \xe9, \\u0142\n"), (["--json"], b'"\\u0142"')):
        done = subprocess.run(
            [*COMMAND, *command, *options], cwd=sets, env=narrow, capture_output=True, check=True
        )
        assert wanted in done.stdout
