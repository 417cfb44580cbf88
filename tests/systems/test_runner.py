"""What the journal keeps, who may use it, and where a run stops by itself."""

from __future__ import annotations

import os
import sqlite3
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from eval_autopsy import kernel, registry, systems
from eval_autopsy.case.load import Case, load
from eval_autopsy.errors import BadCase, CannotRun, CannotUse
from eval_autopsy.systems.journal import Reply
from eval_autopsy.systems.kinds import System

from .cases import case

ONCE = 'python = "system.py:answer"'
PYTHON = ONCE + "\nkeep_answers = true"

# Says in a file that it was called; "bad" is an error, and "die" the end of its process.
CODE = """
import os, pathlib
log = pathlib.Path(__file__).with_name("calls.log")

def answer(value):
    with log.open("a") as file:
        file.write(repr(value) + "\\n")
    if value == "bad":
        raise KeyError("no such thing")
    if value == "die":
        os._exit(7)
    return value
"""


def calls(found: Case) -> list[str]:
    log = found.folder / "calls.log"
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def asked(
    found: Case, *inputs: object, repeat: int = 0
) -> tuple[list[kernel.Answer], systems.Spent]:
    with systems.opened(found, systems.journal_of(found)) as runner:
        return runner.answers(inputs, repeat=repeat), runner.spent


def place(found: Case) -> Path:
    journal = systems.journal_of(found)
    assert journal is not None
    return journal


@pytest.fixture
def python_case(tmp_path: Path) -> Case:
    return case(tmp_path, PYTHON, CODE)


def test_an_answer_and_an_error_are_not_called_again(python_case: Case) -> None:
    first, spent = asked(python_case, "x", "bad", "die", 1)
    assert [answer.output for answer in first] == ["x", kernel.MISSING, kernel.MISSING, 1]
    assert first[1].error == "KeyError: 'no such thing'"
    assert first[2].error == "Crash: the system ended with status 7"
    assert (spent.calls, spent.journalled) == (4, 0)
    assert spent.errors == {"KeyError": 1, "Crash": 1}
    again, spent = asked(python_case, "x", "bad", "die", 1, "new")
    assert (again[:4], again[4].output) == (first, "new")
    assert (spent.calls, spent.journalled) == (1, 4)
    assert calls(python_case) == ["'x'", "'bad'", "'die'", "1", "'new'"]


def test_equal_inputs_and_repeats_are_calls_of_their_own(python_case: Case) -> None:
    asked(python_case, "x", "x")
    asked(python_case, "x", "x", repeat=1)
    assert len(calls(python_case)) == 4
    asked(python_case, "x", "x")
    assert len(calls(python_case)) == 4


def test_other_code_or_another_bound_is_called_anew(python_case: Case) -> None:
    asked(python_case, "x")
    (python_case.folder / "system.py").write_text(CODE + "\n# changed\n", encoding="utf-8")
    asked(python_case, "x")
    assert len(calls(python_case)) == 2
    toml = python_case.path.read_text(encoding="utf-8")
    python_case.path.write_text(toml.replace(PYTHON, PYTHON + "\ntimeout = 9"), encoding="utf-8")
    asked(load(python_case.folder), "x")
    assert len(calls(python_case)) == 3


def test_a_file_that_the_case_names_is_part_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("one", encoding="utf-8")
    found = case(tmp_path, PYTHON + '\nfiles = "prompt.txt"', CODE)
    asked(found, "x")
    asked(found, "x")
    assert len(calls(found)) == 1
    (tmp_path / "prompt.txt").write_text("two", encoding="utf-8")
    asked(found, "x")
    assert len(calls(found)) == 2


@pytest.mark.parametrize(
    "output", ["1.50", "[1.0, 2]", "'\\ud800'", "1 / 3", "{'b': 1, 'a': None}"]
)
def test_an_answer_is_the_same_fresh_and_from_the_journal(tmp_path: Path, output: str) -> None:
    found = case(tmp_path, PYTHON, f"def answer(value):\n    return {output}\n")
    (fresh,), spent = asked(found, "x")
    assert spent.calls == 1
    (again,), spent = asked(found, "x")
    assert spent.calls == 0
    assert repr(again) == repr(fresh)


def test_a_second_runner_is_refused_and_calls_nothing(python_case: Case) -> None:
    with systems.opened(python_case, place(python_case)) as runner:
        runner.answers(["x"])
        with pytest.raises(CannotRun, match="another run is calling this system"):
            asked(python_case, "y")
    assert calls(python_case) == ["'x'"]
    asked(python_case, "y")


def test_an_answer_that_was_edited_is_noticed(python_case: Case) -> None:
    asked(python_case, "right")
    journal = place(python_case)
    connection = sqlite3.connect(journal)
    with connection:
        connection.execute("UPDATE calls SET answer = replace(answer, 'right', 'wrong')")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    with pytest.raises(CannotUse, match=r"the answer under .* is not the one that was entered"):
        asked(python_case, "right")


def test_a_journal_that_is_none_is_an_error_and_stays_as_it_was(python_case: Case) -> None:
    journal = place(python_case)
    journal.parent.mkdir()
    journal.write_bytes(b"not a database" * 100)
    with pytest.raises(CannotUse, match="the journal of calls cannot be used: file is not a"):
        asked(python_case, "x")
    assert journal.read_bytes() == b"not a database" * 100


def test_the_answers_of_a_function_are_kept_until_its_run_has_ended(tmp_path: Path) -> None:
    found = case(tmp_path, ONCE, CODE)

    def run(fails: bool) -> int:
        with systems.opened(found, systems.journal_of(found)) as runner:
            runner.answers(["x", "y"])
            if fails:
                raise ConnectionError
            return runner.spent.calls

    with pytest.raises(ConnectionError):
        run(fails=True)
    assert run(fails=False) == 0
    assert not (tmp_path / ".autopsy").exists()
    assert run(fails=False) == 2


def test_forgetting_one_system_leaves_the_others(tmp_path: Path) -> None:
    kept = case(tmp_path, PYTHON, CODE)
    asked(kept, "x")
    once = case(tmp_path, ONCE + "\ntimeout = 9", CODE)
    asked(once, "x")
    assert len(calls(kept)) == 2
    asked(case(tmp_path, PYTHON, CODE), "x")
    assert len(calls(kept)) == 2


def test_without_a_journal_nothing_is_written(python_case: Case) -> None:
    with systems.opened(python_case, None) as runner:
        runner.answers(["x"])
        runner.answers(["x"])
    assert calls(python_case) == ["'x'"]
    assert not place(python_case).parent.exists()


def test_when_nothing_is_ever_answered_the_run_stops(tmp_path: Path) -> None:
    found = case(tmp_path, PYTHON + "\ngive_up = 3", CODE)
    with pytest.raises(CannotRun, match="3 calls in a row failed, the last with KeyError"):
        asked(found, *["bad"] * 400)
    assert len(calls(found)) < 400
    # Errors of its own do not stop a system that has answered.
    answers, _ = asked(found, "x", *["bad"] * 10)
    assert len(answers) == 11


def test_the_ceiling_of_cost_is_not_passed(tmp_path: Path) -> None:
    bounds = "prices = { call = 0.25 }\ncost_limit = 1"
    found = case(tmp_path, f"{PYTHON}\n{bounds}", CODE)
    with pytest.raises(CannotRun, match=r"cost up to 0\.25, and 1\.00 of the 1 allowed"):
        asked(found, *range(10))
    assert calls(found) == ["0", "1", "2", "3"]
    with pytest.raises(CannotRun, match="cost_limit"):
        asked(found, *range(10))
    assert len(calls(found)) == 4
    answers, spent = asked(found, *range(4))
    assert [answer.output for answer in answers] == [0, 1, 2, 3]
    assert spent.interrupted == 0


def test_a_call_that_a_kill_cut_off_counts_as_paid_for(tmp_path: Path) -> None:
    bounds = "prices = { call = 0.25 }\ncost_limit = 1\nconcurrency = 2"
    found = case(tmp_path, f"{PYTHON}\n{bounds}", CODE)
    with systems.opened(found, place(found)) as runner:
        keys = [runner.journal.key(value, 0, 0) for value in (0, 1)]
        runner.journal.write((), dict.fromkeys(keys, Decimal("0.25")))  # and is not heard of again
    with pytest.raises(CannotRun, match="cost_limit"):
        asked(found, *range(4))
    assert len(calls(found)) == 2


def test_several_processes_answer_in_order(tmp_path: Path) -> None:
    code = """
    import os, time
    def answer(n):
        time.sleep(0.02 * (n % 3))
        return [n, os.getpid()]
    """
    found = case(tmp_path, PYTHON + "\nconcurrency = 3", code)
    answers, _ = asked(found, *range(20))
    outputs = [answer.output for answer in answers]
    assert [n for n, _ in outputs] == list(range(20))
    assert len({pid for _, pid in outputs}) == 3


def test_the_function_runs_in_the_interpreter_that_the_case_names(tmp_path: Path) -> None:
    venv.create(tmp_path / "theirs", symlinks=os.name == "posix")
    code = "import sys\ndef answer(value):\n    return sys.prefix\n"
    found = case(tmp_path, PYTHON + '\ninterpreter = "theirs/bin/python"', code)
    (answer,), _ = asked(found, "x")
    assert answer.output == str(tmp_path / "theirs")
    assert answer.output != sys.prefix


def test_an_interpreter_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    found = case(tmp_path, PYTHON + '\ninterpreter = "./python"', CODE)
    with pytest.raises(CannotRun, match="the interpreter does not run"):
        asked(found, "x")


def test_a_kind_of_another_package_is_used_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Doubles:
        def ask(self, value: object, key: str) -> Reply:
            return Reply(kernel.Answer([value, value]))

        def stop(self) -> None: ...

    @contextmanager
    def doubling(found: Case) -> Iterator[System]:
        """Gives each input back in double."""
        assert found.file.system is not None
        yield System(identity=found.file.system.options, worker=Doubles)

    entry = registry.Entry("doubling", doubling, "Gives each input back in double.", "theirs")
    registry.systems.names()
    monkeypatch.setitem(registry.systems._entries, "doubling", entry)
    answers, _ = asked(case(tmp_path, 'use = "doubling"\noptions = { a = 1 }'), "x")
    assert answers[0].output == ["x", "x"]
    with pytest.raises(BadCase, match=r"there is no system 'dubling'\. Did you mean 'doubling'"):
        asked(case(tmp_path, 'use = "dubling"'), "x")


def test_every_kind_is_registered() -> None:
    assert {"python", "command", "http", "claude"} <= set(registry.systems.names())
