"""Logs that are longer than the memory they may have, and files that do not hold still."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from eval_autopsy.readers import intake, shelf

from .conftest import COMMAND, Call, environment

WORDS = [
    "refund",
    "invoice",
    "account",
    "login",
    "shipping",
    "delay",
    "order",
    "card",
    "payment",
    "reset",
    "address",
    "please",
]
LONG = 1_300  # characters of a text
ALLOWED = 100  # MB over what a log of 400 records takes: 66 to 75, and with the texts 134 to 184
COST = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss // 1024)
"""


def write_log(path: Path, records: int) -> Path:
    """Lines with three texts of a kilobyte each, no two alike; every tenth answer is wrong."""
    text = " ".join(WORDS * (LONG // len(" ".join(WORDS))))
    with path.open("w", encoding="utf-8") as lines:
        for number in range(records):
            answer = f"{'yes' if number % 10 else 'no'} {number} {text}"
            texts = {"input": f"{number} {text}", "output": answer}
            texts["expected"] = f"yes {number} {text}"
            record = {"id": number, "lang": ("en", "de")[number % 2], **texts}
            lines.write(json.dumps(record) + "\n")
    return path


def everything(folder: Path) -> dict[str, float]:
    """All files below a folder, hidden ones too, with when they were written."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def peak(*arguments: str, folder: Path) -> int:
    """The most memory that the command takes, in MB."""
    command = [sys.executable, "-c", COST, *COMMAND, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    code, memory = map(int, done.stdout.split())
    assert (code, done.stderr) == (0, "")
    return memory


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units elsewhere")
@pytest.mark.parametrize("verb", ["look", "audit"])
def test_a_log_does_not_need_its_size_in_memory(verb: str, folder: Path) -> None:
    write_log(folder / "short.jsonl", 400)
    assert write_log(folder / "long.jsonl", 35_000).stat().st_size > 120e6
    more = peak(verb, "long.jsonl", folder=folder) - peak(verb, "short.jsonl", folder=folder)
    assert more < ALLOWED


# Interruptions


def spooling(process_id: int, folder: Path) -> bool:
    """Whether a process has a temporary file in a folder open."""
    for place in Path(f"/proc/{process_id}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed since
            if os.readlink(place).startswith(str(folder)):
                return True
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which files are open")
@pytest.mark.parametrize(
    ("verb", "number"),
    [
        ("look", signal.SIGINT),
        ("slices", signal.SIGTERM),
        ("audit", signal.SIGINT),
        ("run", signal.SIGTERM),
    ],
)
def test_an_interruption_in_the_middle_of_reading_leaves_nothing(
    verb: str, number: signal.Signals, folder: Path
) -> None:
    temporary = folder / "temporary"
    temporary.mkdir()
    data = folder / "data"
    data.mkdir()
    for name in ("eval", "production"):
        write_log(data / f"{name}.jsonl", 5_000)
    before = everything(data)
    with subprocess.Popen(
        [*COMMAND, verb, str(data)],
        cwd=folder,
        env=environment(TMPDIR=str(temporary)),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        while running.poll() is None and not spooling(running.pid, temporary):
            time.sleep(0.01)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, "")
    assert err == "interrupted: what was there before is as it was.\n"
    assert list(temporary.iterdir()) == []
    assert everything(data) == before
    assert not (folder / "receipts").exists()


# Files and folders


@pytest.fixture
def growing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two sets, of which production gets another line while it is read."""
    data = folder / "data"
    data.mkdir()
    for name in ("eval", "production"):
        write_log(data / f"{name}.jsonl", 50)
    records = intake.Intake.records

    def grows(self: intake.Intake, rows: object, *others: object) -> Iterator[object]:
        for number, record in enumerate(records(self, rows, *others)):  # type: ignore[arg-type]
            if number == 20 and "production" in record.where:
                with (data / "production.jsonl").open("a") as lines:
                    lines.write('{"id": "new", "input": "a", "output": "b", "expected": "b"}\n')
            yield record

    monkeypatch.setattr(intake.Intake, "records", grows)
    return data


def test_the_screen_says_which_file_changed_while_it_was_read(call: Call, growing: Path) -> None:
    said = call("look", growing)
    assert (said.code, said.err) == (0, "")
    line = next(line for line in said.out.splitlines() if line.startswith("unknown"))
    assert "production.jsonl holds by now: it changed while it was read" in line


def test_no_receipt_is_made_of_a_file_that_changes(call: Call, growing: Path, folder: Path) -> None:
    said = call("run", growing)
    assert said.code == 2
    assert "the file changed while it was read" in said.err
    assert "production.jsonl" in said.err
    assert not (folder / "receipts").exists()


@pytest.fixture
def locked(folder: Path) -> Iterator[Path]:
    """A folder with two sets that nobody may write to."""
    data = folder / "data"
    data.mkdir()
    for name in ("eval", "production"):
        write_log(data / f"{name}.jsonl", 50)
    data.chmod(0o555)
    yield data
    data.chmod(0o755)


def within(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command where it may not write; root may write anywhere, until that right is taken."""
    bound = ["setpriv", "--bounding-set", "-dac_override"] if os.access(folder, os.W_OK) else []
    return subprocess.run(
        [*bound, *COMMAND, *arguments],
        cwd=folder,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_folder_that_cannot_be_written_to_is_looked_at(locked: Path) -> None:
    done = within(locked, "look", ".")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 files · 100 records · 0 set aside\n")


def test_a_receipt_says_where_it_cannot_be_written(locked: Path) -> None:
    done = within(locked, "run", ".")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Permission denied" in done.stderr
    assert str(locked.name) in done.stderr or ".autopsy" in done.stderr


def test_a_temporary_folder_that_is_full_or_gone_is_one_error(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(folder / "eval.jsonl", 50)
    monkeypatch.setattr(shelf, "IN_MEMORY", 0)
    monkeypatch.setattr("tempfile.tempdir", str(folder / "gone"))
    said = call("look", "eval.jsonl")
    assert said.code == 2
    assert "a temporary file cannot be written" in said.err
    assert "TMPDIR" in said.err
