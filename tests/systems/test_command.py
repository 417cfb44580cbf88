"""A program that is well, and each way in which one can go wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from eval_autopsy import kernel, systems
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotRun

from .cases import case

LINES = f'command = ["{sys.executable}", "system.py"]'
EACH = LINES + '\nmode = "each"'

SERVER = """
import contextlib, json, os, signal, subprocess, sys, time

def bad():
{bad}

for line in sys.stdin:
    value = json.loads(line)
    if value == "bad":
        bad()
    print(json.dumps(value), flush=True)
"""


def server(bad: str = "pass") -> str:
    """A program that gives each input back, and for "bad" does something else first."""
    return SERVER.format(bad=textwrap.indent(textwrap.dedent(bad), "    "))


FAULTS = {
    "hang": ("time.sleep(60)", "TimeoutError: no answer in 1 s"),
    "segfault": (
        "os.kill(os.getpid(), signal.SIGSEGV)",
        f"Crash: the system ended with status -{signal.SIGSEGV.value}",
    ),
    "a status": (
        r"sys.stderr.write('out of luck\n'); sys.exit(3)",
        "Crash: the system ended with status 3: out of luck",
    ),
    "a gigabyte": (
        "for _ in range(1024): os.write(1, b'x' * 2**20)",
        "OutputLimit: the system gave more than 16,777,216 bytes",
    ),
    "memory": (
        "kept = b'x' * (300 * 10**6); time.sleep(60)",
        "MemoryLimit: the system took more than 200,000,000 bytes",
    ),
    "exit 0 with rubbish": (
        "print('rubbish', flush=True); os._exit(0)",
        "ValueError: not JSON: Expecting value, found 'rubbish' at column 1",
    ),
    "not UTF-8": (
        r"""os.write(1, b'"\xff"\n'); os._exit(0)""",
        "ValueError: byte 0xff is not UTF-8",
    ),
    # 512 processes if it is left alone, each of which has left the group of the first.
    "a fork bomb": (
        """
        for _ in range(9):
            if os.fork() == 0:
                os.setsid()
        time.sleep(60)
        """,
        "ProcessLimit: the system had more than 256 processes",
    ),
}


def asked(found: Case, *inputs: object) -> list[kernel.Answer]:
    with systems.opened(found, None) as runner:
        return runner.answers(inputs)


@pytest.mark.parametrize("mode", [LINES, EACH], ids=["lines", "each"])
def test_a_program_gives_json_for_json(tmp_path: Path, mode: str) -> None:
    inputs = ["ä\n", 1, None, {"a": [True, "1.50"]}, ""]
    answers = asked(case(tmp_path, mode, server()), *inputs)
    assert [answer.output for answer in answers] == inputs


@pytest.mark.parametrize("mode", [LINES, EACH], ids=["lines", "each"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_its_own_record_and_nothing_is_left_of_it(
    tmp_path: Path, mode: str, fault: str
) -> None:
    bad, expected = FAULTS[fault]
    seconds = 1 if fault == "hang" else 20
    memory = "100 GB" if fault == "a fork bomb" else "200 MB"
    bounds = f'{mode}\ntimeout = {seconds}\nmemory = "{memory}"'
    mine = psutil.Process()
    before = set(mine.children(recursive=True))
    answers = asked(case(tmp_path, bounds, server(bad)), "one", "bad", "two")
    assert [answers[0].output, answers[2].output] == ["one", "two"]
    assert answers[1] == kernel.Answer(kernel.MISSING, expected)
    assert left_of(tmp_path) == []
    assert set(mine.children(recursive=True)) <= before


def left_of(folder: Path) -> list[int]:
    """The processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


DAEMON = """
import json, os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(1); os.close(2)
        time.sleep(60)
    os._exit(0)
os.wait()
print(json.dumps(json.load(sys.stdin)))
"""


def test_a_gigabyte_of_output_does_not_fill_the_memory(tmp_path: Path) -> None:
    found = case(tmp_path, EACH, server(FAULTS["a gigabyte"][0]))
    code = (
        "import resource, sys; from pathlib import Path; from eval_autopsy import systems\n"
        "from eval_autopsy.case.load import load\n"
        "with systems.opened(load(Path(sys.argv[1])), None) as runner:\n"
        "    runner.answers(['bad', 'x'])\n"
        # Of the process itself not ru_maxrss on Linux: that has what started it in it.
        "status = Path('/proc/self/status')\n"
        "peak = [line.split()[1] for line in open(status) if line[:6] == 'VmHWM:'] "
        "if status.exists() else [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]\n"
        "print(peak[0], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    run = [sys.executable, "-c", code, str(found.folder)]
    done = subprocess.run(run, env=environment(), capture_output=True, text=True, check=True)
    ours, keepers = map(int, done.stdout.split())  # KiB on Linux, bytes on macOS
    assert max(ours, keepers) < 300 * 2**10 * (2**10 if sys.platform == "darwin" else 1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
def test_a_daemon_does_not_outlive_its_call(tmp_path: Path) -> None:
    (answer,) = asked(case(tmp_path, EACH, DAEMON), "x")
    assert answer == kernel.Answer("x")
    assert left_of(tmp_path) == []


def test_a_second_line_for_an_input_is_an_error_and_the_next_answers_are_in_step(
    tmp_path: Path,
) -> None:
    code = server(r"os.write(1, b'1\n2\n')")
    answers = asked(case(tmp_path, LINES, code), "bad", "two", "three")
    assert answers[0].error == "ValueError: more than one line for one input"
    assert [answer.output for answer in answers[1:]] == ["two", "three"]


def test_a_program_that_ends_after_each_answer_is_started_again(tmp_path: Path) -> None:
    code = "import sys\nprint(sys.stdin.readline(), end='')\n"
    answers = asked(case(tmp_path, LINES, code), "one", "two", "three")
    assert [answer.output for answer in answers] == ["one", "two", "three"]


def test_a_program_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="there is no program 'no-such-program'"):
        asked(case(tmp_path, 'command = ["no-such-program"]'), "x")


def test_a_killed_run_leaves_no_process(tmp_path: Path) -> None:
    found = case(tmp_path, LINES + "\ntimeout = 60", server("time.sleep(60)"))
    code = (
        "import sys; from pathlib import Path; from eval_autopsy import systems\n"
        "from eval_autopsy.case.load import load\n"
        "with systems.opened(load(Path(sys.argv[1])), None) as runner: runner.answers(['bad'])\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(found.folder)], env=environment())
    wait_until(lambda: len(left_of(tmp_path)) == 2)  # the keeper, and the system
    run.kill()
    run.wait()
    wait_until(lambda: left_of(tmp_path) == [])


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(systems.__file__).parents[2])}


def wait_until(holds: object, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.05)
