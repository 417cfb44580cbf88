"""How any verb ends: by its answer, by an error, by a signal, or when nobody reads it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from eval_autopsy import api, kernel

from .conftest import COMMAND, Call, environment, process

SLOW = """
import os, time
HERE = os.path.dirname(os.path.abspath(__file__))

def answer(text):
    if os.path.exists(os.path.join(HERE, "slow")):
        with open(os.path.join(HERE, "started"), "w") as file:
            file.write(str(os.getpid()))
        time.sleep(60)
    return text.upper()
"""
CASE = """
name = "small"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
input = "text"
expected = "label"
[system]
python = "system.py:answer"
timeout = 100
[slices]
by = ["kind"]
"""


@pytest.fixture
def small(folder: Path) -> Path:
    """A case with a system that is quick, or never ends while there is a file `slow`."""
    made = folder / "small"
    made.mkdir()
    for name, label in (("eval", "A"), ("production", "B")):
        rows = [{"id": i, "text": "a", "label": label, "kind": f"k{i % 2}"} for i in range(4)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (made / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (made / "system.py").write_text(SLOW, encoding="utf-8")
    (made / "autopsy.toml").write_text(CASE, encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {p.as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def started(folder: Path) -> int:
    """The process of the system, once it works on an input."""
    mark = folder / "small" / "started"
    for _ in range(600):
        if mark.exists() and mark.read_text():
            return int(mark.read_text())
        time.sleep(0.05)
    raise AssertionError("the system was not started")


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def assert_one_paragraph(text: str) -> None:
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert "Traceback" not in text


# Signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("verb", ["run", "slices"])
def test_an_interruption_loses_nothing_and_leaves_no_child(
    verb: str, number: signal.Signals, small: Path
) -> None:
    assert process("run", "small", "--quiet", folder=small).returncode == 0
    before = contents(small / "receipts")
    (small / "small" / "slow").touch()
    with subprocess.Popen(
        [*COMMAND, verb, "small"],
        cwd=small,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        child = started(small)
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert (out, err) == ("", "interrupted: what was there before is as it was.\n")
    assert contents(small / "receipts") == before
    assert os.listdir(small / "receipts") == ["small"]
    assert not is_alive(child)


def test_an_interruption_between_the_two_moves_puts_the_receipt_back(
    small: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("run", "small").code == 0
    before = contents(small / "receipts")
    rename, calls = Path.rename, []

    def interrupted(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    assert call("run", "small").code == 130
    assert contents(small / "receipts") == before


def test_a_run_that_was_killed_between_the_two_moves_is_healed_by_the_next(
    small: Path, call: Call
) -> None:
    assert call("run", "small").code == 0
    before = contents(small / "receipts")
    (small / "receipts" / "small").rename(small / "receipts" / ".small-before")
    (small / "small" / "eval.jsonl").write_text("{")
    assert call("run", "small").code == 2
    assert contents(small / "receipts") == before


def test_two_runs_at_the_same_time_leave_a_receipt_that_holds(small: Path) -> None:
    runs = [
        subprocess.Popen(
            [*COMMAND, "run", "small", "--quiet"],
            cwd=small,
            env=environment(),
            text=True,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    errors = [one.communicate(timeout=60)[1] for one in runs]
    assert 0 in [one.returncode for one in runs]
    for one, err in zip(runs, errors, strict=True):
        assert one.returncode in (0, 2)
        if err:
            assert_one_paragraph(err)
    assert process("verify", folder=small).returncode == 0
    assert os.listdir(small / "receipts") == ["small"]


# Nobody reads, or nothing can be written


def closed_pipe() -> int:
    """The end to write to of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return write


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["doctor"],
        ["formats", "--json"],
        ["claims"],
        ["slices", "examples/invoice-extraction"],
    ],
    ids=" ".join,
)
def test_a_reader_that_goes_away_is_no_error(arguments: list[str], demo: Path) -> None:
    done = process(*arguments, folder=demo, capture_output=False, stdout=closed_pipe(), stderr=-1)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_verdict_survives_a_reader_that_goes_away(demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "copy")
    report = tmp_path / "copy" / "receipts" / "invoice-extraction" / "REPORT.md"
    report.write_text(report.read_text(encoding="utf-8").replace("345", "395"), encoding="utf-8")
    done = process(
        "verify", folder=tmp_path / "copy", capture_output=False, stdout=closed_pipe(), stderr=-1
    )
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("stream", [1, 2], ids=["stdout", "stderr"])
def test_a_stream_that_is_closed_is_no_traceback(stream: int, folder: Path) -> None:
    line = f'exec "$@" {stream}>&-'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *COMMAND, "slices", "nope", "--json"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    if stream == 1:
        assert_one_paragraph(done.stderr)
    else:
        assert json.loads(done.stdout)["error"]["where"] == "nope"


def limited(folder: Path, blocks: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command where no file may become larger than so many blocks; it writes to `out`."""
    line = f'ulimit -f {blocks}; exec "$@" > out'
    return subprocess.run(
        ["sh", "-c", line, "sh", *COMMAND, *arguments],
        cwd=folder,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_output_that_cannot_be_written_is_one_paragraph(folder: Path) -> None:
    done = limited(folder, 0, "scorers")
    assert done.returncode == 2
    assert_one_paragraph(done.stderr)


def without_a_system(case: Path) -> None:
    """The same case, with the outputs in its records: then there is no journal, which has no size.

    How long one gets depends on how many answers come together, so on how busy the machine is.
    """
    text = CASE[: CASE.index("[system]")] + CASE[CASE.index("[slices]") :]
    given = text.replace("input = ", "output = ")
    (case / "autopsy.toml").write_text(given, encoding="utf-8")


def test_a_full_disk_is_one_paragraph_and_the_receipt_before_stays(small: Path) -> None:
    without_a_system(small / "small")
    assert process("run", "small", "--quiet", folder=small).returncode == 0
    before = contents(small / "receipts")
    # Just too little for verify.py, the largest file of a receipt.
    blocks = Path(kernel.__file__).stat().st_size // 512 - 1
    done = limited(small, blocks, "run", "small")
    assert done.returncode == 2
    assert_one_paragraph(done.stderr)
    assert os.strerror(errno.EFBIG) in done.stderr
    assert contents(small / "receipts") == before
    assert os.listdir(small / "receipts") == ["small"]


@pytest.mark.parametrize("verb", [["run", "small"], ["demo"]], ids=" ".join)
def test_a_place_that_cannot_be_written_to_is_one_paragraph(
    verb: list[str], small: Path, call: Call
) -> None:
    (small / "receipts").write_text("not a folder")
    said = call(*verb)
    assert said.code == 2
    assert_one_paragraph(said.err)
    assert "receipts" in said.err
    assert (small / "receipts").read_text() == "not a folder"


# Errors that nobody foresaw


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (OSError(errno.EIO, "Input/output error", "data.csv"), "data.csv: the system says: Input"),
        (OSError(errno.EXDEV, "Cross-device link", "a", None, "b"), "a -> b: the system says"),
        (MemoryError(), "there is not enough memory"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "UnicodeDecodeError: "),
        (RecursionError("maximum recursion depth exceeded"), "RecursionError: maximum"),
        (KeyError("lost"), "KeyError: 'lost'. This is a fault of autopsy: report it"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_that_nobody_foresaw_is_one_paragraph(
    error: Exception, what: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(api, "open", fail)
    said = call("slices", "x", "--json")
    assert said.code == 2
    assert_one_paragraph(said.err)
    assert said.err.startswith(what)
    assert json.loads(said.out)["error"]["kind"] == "cannot-use"


def test_the_traceback_is_shown_when_it_is_asked_for(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOPSY_TRACEBACK", "1")
    said = call("slices", "nope")
    assert said.code == 2
    assert said.err.startswith("Traceback (most recent call last):")
    assert said.err.endswith("nope: there is no such file. Check the name against what is in .\n")


def test_an_error_with_json_is_a_document_too(call: Call) -> None:
    said = call("verify", "nope", "--json")
    assert said.code == 2
    assert json.loads(said.out) == {
        "error": {
            "kind": "cannot-use",
            "message": "there is no such file or folder",
            "where": "nope",
            "remedy": "name the folder of a receipt, or write one with `autopsy run`",
        }
    }
    assert_one_paragraph(said.err)


def test_a_name_cannot_obey_the_terminal(call: Call) -> None:
    said = call("slices", "no\x1b[2Jsuch\nfile")
    assert "\x1b" not in said.err
    assert_one_paragraph(said.err)


def test_quiet_says_nothing_but_errors(call: Call, case: Path) -> None:
    assert call("slices", case, "--quiet") == (0, "", "")
    assert call("slices", "nope", "--quiet").err != ""
