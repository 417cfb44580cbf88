"""Failing records of systems whose fault is known, shrunk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import api, systems
from eval_autopsy.errors import CannotRun, CannotUse
from eval_autopsy.experiments.failures import Failure, OutOfCalls, Search, Trial
from eval_autopsy.experiments.pytests import write
from eval_autopsy.experiments.reduce import Whole, evidence, turns
from eval_autopsy.experiments.shrink import Shrunk

from .planted import SCORING, Function, record

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "invoice-extraction"
CASE = """\
name = "small"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
input = "input"
[system]
{system}
[scorer]
name = "{scorer}"
[slices]
by = ["kind"]
"""


@pytest.fixture(scope="module")
def invoices(tmp_path_factory: pytest.TempPathFactory) -> api.Autopsy:
    folder = tmp_path_factory.mktemp("invoices") / "case"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".autopsy"))
    return api.open(folder)


def case(
    folder: Path,
    rows: Mapping[str, tuple[Any, Any]],
    code: str,
    system: str = 'python = "system.py:answer"',
    scorer: str = "exact_match",
) -> api.Autopsy:
    """A case of production records by id, each an input and an expected value."""
    lines = [
        json.dumps({"id": name, "kind": "a", "input": value, "expected": expected})
        for name, (value, expected) in rows.items()
    ]
    (folder / "eval.jsonl").write_text(lines[0] + "\n", encoding="utf-8")
    (folder / "production.jsonl").write_text("\n".join(lines[1:]) + "\n", encoding="utf-8")
    (folder / "system.py").write_text(code, encoding="utf-8")
    (folder / "autopsy.toml").write_text(CASE.format(system=system, scorer=scorer), "utf-8")
    return api.open(folder)


def ends(found: Shrunk) -> tuple[Any, Any]:
    """The inputs that fail and pass."""
    assert found.passing is not None
    return found.failing.trial.input, found.passing.trial.input


# The invoice example


def test_a_swapped_invoice_is_two_lines_and_its_twin_has_them_the_other_way(
    invoices: api.Autopsy,
) -> None:
    found = invoices.shrink("p-0030")
    failing, passing = ends(found)
    assert failing.splitlines() == [
        "Client: Zelenka Landscaping GmbH",
        "Vendor: Tamsin Vale Chemicals Ltd",
    ]
    assert passing.splitlines() == failing.splitlines()[::-1]
    assert found.difference == ("client stands before vendor",)
    assert found.failing.trial.expected == {
        "client": "Zelenka Landscaping GmbH",
        "vendor": "Tamsin Vale Chemicals Ltd",
    }
    assert found.passing is not None
    assert found.passing.told.right
    assert found.complete
    assert found.again == 2


def test_of_a_record_with_several_changes_the_one_adjacent_swap_is_left(
    invoices: api.Autopsy,
) -> None:
    found = invoices.shrink("p-0080", against="e-0001")  # another delimiter, all fields moved
    assert found.edits > 5
    assert found.difference == ("invoice_number stands before client",)
    failing, passing = ends(found)
    assert sorted(failing.splitlines()) == sorted(passing.splitlines())


def test_of_four_changes_of_a_right_record_the_swap_alone_matters(invoices: api.Autopsy) -> None:
    four = ("swap_first_fields", "change_delimiter", "add_closing", "indent_lines")
    found = invoices.shrink("e-0003", changes=four)
    assert found.changes == ("swap_first_fields",)
    assert found.difference == ("client stands before vendor",)


def test_a_line_in_front_is_a_character_in_front(invoices: api.Autopsy) -> None:
    failing, passing = ends(invoices.shrink("p-0053"))
    assert failing.splitlines() == ["D", passing]
    assert passing == "Vendor: Calloway Imports S.A."


def test_every_wrong_invoice_has_a_twin_that_is_right(invoices: api.Autopsy) -> None:
    rows = [json.loads(line) for line in (EXAMPLE / "production.jsonl").read_text().splitlines()]
    kinds = ("reorder", "verbose", "compact", "mixed")
    wrong = [row["id"] for row in rows if row["shift_type"] in kinds][::6]
    assert len(wrong) == 10
    for name in wrong:
        found = invoices.shrink(name)
        assert found.passing is not None
        assert found.passing.told.right
        assert found.failing.told.failure.part_of(found.before.told.failure)
        assert len(found.failing.trial.input) <= len(found.before.trial.input)
        assert len(found.difference) in (1, 3)  # three swaps of neighbours where two far ones moved


def test_alone_an_invoice_is_reduced_and_fails_in_the_same_way(invoices: api.Autopsy) -> None:
    found = invoices.shrink("p-0032", alone=True)
    assert found.passing is None
    assert found.failing.told.failure.same_as(found.before.told.failure)
    assert "Total" not in found.failing.trial.input  # it was right
    assert len(found.failing.trial.input.splitlines()) == 3


def test_a_second_run_of_a_system_whose_answers_are_kept_calls_nothing_again(
    tmp_path: Path,
) -> None:
    text = "Dear all,\nMy order 17 came on time, thank you!\nBest\n"
    rows = {"e": (KEPT, "on time"), "p": (text, "on time")}
    system = 'python = "system.py:answer"\nkeep_answers = true'
    study = case(tmp_path, rows, SHOUTS, system)
    first, second = study.shrink("p"), study.shrink("p")
    assert first.made > 10
    assert second.made == 0
    assert second.to_dict() | {"calls": None} == first.to_dict() | {"calls": None}


@pytest.mark.parametrize("calls", range(5, 14, 2))
def test_no_more_inputs_are_asked_than_are_allowed_and_what_was_reached_stands(
    invoices: api.Autopsy, calls: int
) -> None:
    found = invoices.shrink("p-0080", against="e-0001", calls=calls)
    assert found.asked <= calls
    assert not found.complete
    assert found.failing.told.failure.part_of(found.before.told.failure)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"id": "x"}, "there is no record 'x'"),
        ({"id": "e-0001"}, "the record 'e-0001' of eval is right"),
        ({"id": "p-0030", "against": "p-0032"}, "the record 'p-0032' is not right"),
        ({"id": "p-0030", "against": "x"}, "the record 'x' is not there"),
        ({"id": "p-0030", "changes": ("typo",)}, "is wrong, and not right with typo"),
        ({"id": "e-0001", "changes": ("add_closing",)}, "'e-0001' stays right with add_closing"),
    ],
)
def test_what_cannot_be_shrunk_is_an_error_that_says_why(
    invoices: api.Autopsy, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(CannotUse, match=said):
        invoices.shrink(**asked)


# Other inputs

SHOUTS = """
def answer(value):
    return "late" if "!" in value and "order" in value else "on time"
"""
KEPT = "My order 17 is on time, is it not?"


def test_a_text_is_reduced_to_what_the_failure_and_the_answer_need(tmp_path: Path) -> None:
    text = "Dear all,\nMy order 17 came on time, thank you!\nBest\n"
    study = case(tmp_path, {"e": (KEPT, "on time"), "p": (text, "on time")}, SHOUTS)
    found = study.shrink("p")
    assert found.failing.trial.input in ("orderon time!", "order on time!")
    assert "'on time'" in found.rule


def test_an_answer_that_does_not_stand_in_the_input_needs_a_text_to_keep(tmp_path: Path) -> None:
    code = "def answer(value):\n    return 'no' if 'really' in value else 'yes'\n"
    rows = {"e": ("Is it so?", "yes"), "p": ("Is it really, really so, I ask?", "yes")}
    study = case(tmp_path, rows, code)
    with pytest.raises(CannotRun, match="'yes' of the right answer does not stand in the"):
        study.shrink("p")
    with pytest.raises(CannotUse, match="'sow' is to be kept, and does not stand in the input"):
        study.shrink("p", keep=("sow",))
    assert study.shrink("p", keep=("so",)).failing.trial.input == "reallyso"


def test_against_a_text_with_the_same_answer_the_run_that_matters_is_found(tmp_path: Path) -> None:
    rows = {
        "e": ("Is order 17 on time today? Thanks.", "on time"),
        "p": ("Is my order 17 on time today! Thanks a lot.", "on time"),
    }
    found = case(tmp_path, rows, SHOUTS).shrink("p", against="e")
    assert ends(found) == (
        "Is order 17 on time today! Thanks.",
        "Is order 17 on time today? Thanks.",
    )
    assert found.difference == ("'!' in place of '?'",)


def test_an_answer_of_which_a_part_stands_in_the_input_needs_a_text_to_keep(tmp_path: Path) -> None:
    code = """
def answer(value):
    return {"order": "17", "wants": "refund" if "back" in value[:20] else "nothing"}
"""
    wanted = {"order": "17", "wants": "refund"}
    rows = {
        "e": ("17: money back", wanted),
        "p": ("This is about order 17. Give me my money back.", wanted),
    }
    study = case(tmp_path, rows, code)
    with pytest.raises(CannotRun, match="'refund' of the right answer does not stand"):
        study.shrink("p")
    found = study.shrink("p", keep=("money back",))
    assert len(found.failing.trial.input) == 21
    assert found.failing.trial.input.endswith("money back")


def test_of_what_was_added_in_front_no_sentence_can_go(tmp_path: Path) -> None:
    code = "def answer(value):\n    return 'yes' if 'it is' in value[:60] else 'no'\n"
    study = case(tmp_path, {"e": ("I think it is.", "yes"), "p": ("it is", "yes")}, code)
    found = study.shrink("e", changes=("lengthen_before",))
    added = found.failing.trial.input.removesuffix("I think it is.")
    sentences = added.split(". ")
    # "it is" ends 13 characters after what was added, and is not seen beyond 60 of them
    assert len(added) > 47 >= len(added) - min(len(one) + 2 for one in sentences if one.strip())


def test_the_turns_of_a_conversation_go_with_the_responses_to_their_calls(tmp_path: Path) -> None:
    code = """
def answer(messages):
    for before, one in zip(messages, messages[1:]):
        assert one["role"] != "tool" or "call" in str(before)
    told = [m["content"] for m in messages if m["role"] == "tool"]
    return told[-1] if len(told) < 2 else told[0]
"""

    def call(said: str) -> list[dict[str, str]]:
        asks = {"role": "assistant", "content": f"call {said}"}
        return [asks, {"role": "tool", "content": said}]

    user = {"role": "user", "content": "Where is it, please?"}
    long = [user, *call("Paris"), *call("Rome"), user, *call("Oslo now")]
    rows = {"e": ([user, *call("Oslo")], "Oslo"), "p": (long, "Oslo now")}
    found = case(tmp_path, rows, code).shrink("p")
    assert [one["role"] for one in found.failing.trial.input] == ["assistant", "tool"] * 2
    assert found.failing.trial.input[-1]["content"] == "Oslo now"
    assert turns(long)[1] == call("Paris")


def test_a_crash_stays_a_crash_of_its_kind(tmp_path: Path) -> None:
    code = """
def answer(value):
    if "%" in value:
        raise KeyError("percent")
    if len(value) < 12:
        raise IndexError("short")
    return value.split()[0]
"""
    rows = {"e": ("alpha and more of it", "alpha"), "p": ("alpha is 7 % of the whole", "alpha")}
    found = case(tmp_path, rows, code).shrink("p")
    assert found.failing.told.failure == Failure("KeyError")
    assert "alpha" in found.failing.trial.input
    assert "%" in found.failing.trial.input
    assert len(found.failing.trial.input) <= 7


@pytest.mark.parametrize("said", ["nobody", ""])
def test_a_wrong_answer_stays_blank_or_does_not_become_it(said: str, tmp_path: Path) -> None:
    code = f"""
def answer(value):
    if "%" not in value:
        return "alpha"
    return {said!r} if "whole" in value else {"" if said else "nobody"!r}
"""
    rows = {"e": ("alpha and more of it", "alpha"), "p": ("alpha is 7 % of the whole", "alpha")}
    found = case(tmp_path, rows, code).shrink("p")
    assert found.failing.told.answer.output == said
    assert "whole" in found.failing.trial.input


letters = st.text("abcdef ", min_size=1, max_size=30)


@given(letters, letters, letters)
def test_a_planted_text_is_all_that_is_left_beside_the_answer(
    before: str, between: str, after: str
) -> None:
    value = f"{before}XY{between}right{after}"
    asker = Function(lambda text: "wrong" if "X" in text and "Y" in text else "right")
    search = Search(asker, SCORING, record(0), 10_000)
    trial = Trial(value, "right")
    whole = Whole(search, trial, evidence(value, "right"))
    whole.reduce()
    assert whole.trial.input == "XYright"
    assert len(asker.asked) == search.asked


def test_a_search_asks_each_input_once_and_stops_at_its_bound() -> None:
    asker = Function(lambda text: text)
    search = Search(asker, SCORING, record(0), 2)
    for text in ("a", "b", "a"):
        search.told(Trial(text, "a"))
    assert asker.asked == ["a", "b"]
    with pytest.raises(OutOfCalls):
        search.told(Trial("c", "a"))
    assert asker.asked == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other", "same", "part"),
    [
        ({"a": "blank"}, {"a": "blank", "b": "other"}, False, True),
        ({"a": "other"}, {"a": "blank", "b": "other"}, False, True),
        ({"a": "missing"}, {"a": "blank"}, False, False),
        ({"c": "blank"}, {"a": "blank"}, False, False),
        ({}, {"a": "blank"}, False, False),
        ({"a": "blank"}, {"a": "blank"}, True, True),
    ],
)
def test_a_failure_is_the_same_or_a_part_by_its_fields_and_ways(
    one: dict[str, str], other: dict[str, str], same: bool, part: bool
) -> None:
    asked = frozenset({"a", "b", "c"} - set(one))
    found = Failure("", one, asked)
    assert (found.same_as(Failure("", other)), found.part_of(Failure("", other))) == (same, part)


def test_a_failure_is_the_same_when_a_wrong_field_is_no_longer_asked_for() -> None:
    assert Failure("", {"a": "blank"}).same_as(Failure("", {"a": "blank", "b": "blank"}))
    assert not Failure("", {"a": "blank"}, frozenset("b")).same_as(
        Failure("", {"a": "blank", "b": "blank"})
    )


# What is written, and what a kill leaves


def outcomes_of(test: Path, folder: Path) -> dict[str, str]:
    """What pytest says of each test in a file, in a process that cannot import this package."""
    blocked = folder / "blocked" / "eval_autopsy.py"
    blocked.parent.mkdir()
    blocked.write_text("raise ImportError('this package is not there')", encoding="utf-8")
    kept = {**os.environ, "PYTHONPATH": str(blocked.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-q", "-p", "no:cacheprovider", str(test)],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split() for line in done.stdout.splitlines() if "::" in line]
    return {words[1].rpartition("::")[2]: words[0] for words in lines if words[0].isupper()}


def test_the_tests_fail_and_pass_without_this_package_and_nothing_is_overwritten(
    invoices: api.Autopsy, tmp_path: Path
) -> None:
    path = tmp_path / "test_p_0030.py"
    write(invoices.case, invoices.shrink("p-0030"), path)
    text = path.read_text("utf-8")
    assert "eval_autopsy" not in text
    assert outcomes_of(path, tmp_path) == {
        "test_the_smallest_input_of_p_0030_is_answered_right": "FAILED",
        "test_the_twin_of_p_0030_is_answered_right": "PASSED",
    }
    with pytest.raises(CannotUse, match="the file is there already"):
        write(invoices.case, invoices.shrink("p-0032"), path)
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize("mode", ["lines", "each"])
def test_the_tests_of_a_command_run_it(tmp_path: Path, mode: str) -> None:
    code = """
import json, sys
for line in sys.stdin:
    lines = [one.split(": ")[1] for one in json.loads(line).splitlines()]
    print(json.dumps({"vendor": lines[0], "client": lines[1]}), flush=True)
"""
    answer = {"vendor": "Okafor", "client": "Steel"}
    rows = {
        "e": ("Vendor: Okafor\nClient: Steel", answer),
        "p '''\"": ("Client: Steel\nVendor: Okafor\nNote: '''\nimport os\n\"\"\"", answer),
    }
    system = f'command = ["{sys.executable}", "system.py"]\nmode = "{mode}"'
    study = case(tmp_path, rows, code, system)
    found = study.shrink("p '''\"")
    (tmp_path / "tests").mkdir()
    write(study.case, found, tmp_path / "tests" / "test_it.py")
    assert outcomes_of(tmp_path / "tests" / "test_it.py", tmp_path) == {
        "test_the_smallest_input_of_p_is_answered_right": "FAILED",
        "test_the_twin_of_p_is_answered_right": "PASSED",
    }


def test_no_test_is_written_of_a_scorer_that_it_could_not_apply(tmp_path: Path) -> None:
    rows = {"e": ("a b", "a"), "p": ("a !", "a")}
    code = "def answer(value):\n    return 'b' if '!' in value else 'a'\n"
    study = case(tmp_path, rows, code, scorer="normalized")
    with pytest.raises(CannotRun, match="the scorer is 'normalized'"):
        write(study.case, study.shrink("p"), tmp_path / "test_it.py")
    assert not (tmp_path / "test_it.py").exists()


def test_after_a_kill_no_call_that_was_answered_is_made_again(tmp_path: Path) -> None:
    code = """
import os, time
HERE = os.path.dirname(__file__)
log = os.open(os.path.join(HERE, "calls.log"), os.O_APPEND | os.O_CREAT | os.O_WRONLY)

def answer(value):
    os.write(log, (repr(value) + "\\n").encode())
    if os.path.exists(os.path.join(HERE, "slow")):
        time.sleep(0.1)
    return "late" if "!" in value and "order" in value else "on time"
"""
    text = "Dear all,\nMy order 17 came on time, thank you!\nBest\n"
    study = case(tmp_path, {"e": (KEPT, "on time"), "p": (text, "on time")}, code)
    log = tmp_path / "calls.log"
    (tmp_path / "slow").touch()
    run = "import sys; from eval_autopsy import api; api.open(sys.argv[1]).shrink('p')"
    child = subprocess.Popen(
        [sys.executable, "-c", run, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    until = time.monotonic() + 60
    while time.monotonic() < until and not (log.exists() and log.read_text().count("\n") >= 8):
        time.sleep(0.01)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    time.sleep(0.3)  # the system itself ends with its keeper
    (tmp_path / "slow").unlink()

    journal = systems.journal_of(study.case)
    assert journal is not None
    connection = sqlite3.connect(journal)
    states = connection.execute("SELECT state FROM calls").fetchall()
    connection.close()
    answered = sum(state == "done" for (state,) in states)
    called = log.read_text("utf-8").splitlines()
    assert 7 <= answered <= len(called) <= answered + 1
    found = study.shrink("p")
    assert found.failing.trial.input in ("orderon time!", "order on time!")
    assert found.journalled == answered + 1  # the record as it is stands in the search as well
    *again, last = log.read_text("utf-8").splitlines()[len(called) :]
    assert last == repr(found.failing.trial.input)  # asked again on purpose
    assert not {*again} & {*called[:answered]}
