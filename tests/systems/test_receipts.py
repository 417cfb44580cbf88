"""What a receipt says of a system that the kernel cannot run again."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval_autopsy import kernel, systems
from eval_autopsy.case.load import Case, load
from eval_autopsy.evidence import gather
from eval_autopsy.receipt.certify import Certified, certify
from eval_autopsy.records import Record
from eval_autopsy.systems import stability

from .cases import case

COMMAND = f'command = ["{sys.executable}", "system.py"]'

# Right on all but every third input; the last part of it is another each time.
SYSTEM = """
import itertools, json, sys
for n in itertools.count():
    line = sys.stdin.readline()
    if not line:
        break
    value = json.loads(line)
    print(json.dumps({output}), flush=True)
"""


def certified(folder: Path, output: str, system: str = COMMAND, size: int = 40) -> Certified:
    values = [f"v{i}" for i in range(size)]
    return certify(case(folder, system, SYSTEM.format(output=output), values), folder)


def test_the_claims_about_a_command_rest_on_its_recorded_outputs(tmp_path: Path) -> None:
    done = certified(tmp_path, 'value if value[-1] != "3" else "wrong"')
    assert done.verification.verdict == "holds"
    assert set(done.verification.bases()) == {"re-scored"}
    lines = (done.folder / "outputs.jsonl").read_text(encoding="utf-8").splitlines()
    wrong = [json.loads(line)["id"] for line in lines if json.loads(line)["output"] == "wrong"]
    assert wrong == ["r3", "r13", "r23", "r33"]
    statement = json.loads((done.folder / "receipt.json").read_bytes())
    assert statement["predicate"]["evidence"]["system"] is None


def test_how_often_an_output_was_the_same_is_measured_on_a_sample(tmp_path: Path) -> None:
    done = certified(tmp_path / "steady", "value")
    assert done.evidence.notes == (
        "of 20 inputs called 2 times, 20 gave the same output each time",
    )
    done = certified(tmp_path / "unsteady", "n", COMMAND + "\nsample = 5")
    assert done.evidence.notes == ("of 5 inputs called 2 times, 0 gave the same output each time",)


def test_repeats_call_every_input_as_often(tmp_path: Path) -> None:
    done = certified(tmp_path, "value", COMMAND + "\nrepeats = 3", size=4)
    assert done.evidence.notes == ("of 4 inputs called 3 times, 4 gave the same output each time",)
    with systems.opened(load(tmp_path), systems.journal_of(load(tmp_path))) as runner:
        for repeat in range(3):
            runner.answers([f"v{i}" for i in range(4)], repeat=repeat)
        assert (runner.spent.calls, runner.spent.journalled) == (0, 12)


def test_each_answer_to_an_input_is_a_record_and_those_of_one_input_are_a_cluster(
    tmp_path: Path,
) -> None:
    # The three calls of an input follow one another only where each round asks all inputs.
    output = 'value if n >= 4 else "wrong"'
    done = certified(tmp_path, output, COMMAND + "\nrepeats = 3", size=4)
    assert [one.id for one in done.evidence.records[:4]] == ["r0", "r0 (2)", "r0 (3)", "r1"]
    assert {one.cluster for one in done.evidence.records} == {"r0", "r1", "r2", "r3"}
    wrong = [one.id for one in done.evidence.records if one.output == "wrong"]
    assert wrong == ["r0", "r1", "r2", "r3"]  # the first answer to each, and no other
    assert done.verification.verdict == "holds"
    units = [one.unit for one in done.verification.records]
    assert sorted(set(units)) == ["r0", "r1", "r2", "r3"]


def test_the_second_run_says_what_it_took_from_the_journal(tmp_path: Path) -> None:
    first = certified(tmp_path, "value")
    second = certify(load(tmp_path), tmp_path)
    assert second.evidence.notes[0] == (
        "60 answers are from the journal of an earlier run, 0 inputs were called"
    )
    assert second.evidence.made == first.evidence.made


def test_a_function_in_another_interpreter_is_not_said_to_be_run_again(tmp_path: Path) -> None:
    code = "def answer(value):\n    return value\n"
    own = case(tmp_path / "own", 'python = "system.py:answer"', code)
    named = f'python = "system.py:answer"\ninterpreter = "{sys.executable}"'
    other = case(tmp_path / "other", named, code)
    assert gather(own, own.folder).spec["system"]["reproduced"] is True
    evidence = gather(other, other.folder)
    assert evidence.spec["system"] is None
    args = {"split": "production", "outcome": "right", "where": {}}
    assert kernel.rests_on("count", args, evidence.spec) == "re-scored"


def test_errors_are_counted_by_their_kind(tmp_path: Path) -> None:
    done = certified(tmp_path, "int(value[1:]) // (int(value[1:]) % 10) * 0")
    assert "calls that failed: Crash 4" in done.evidence.notes


def records(ids: Sequence[str]) -> list[Record]:
    return [Record(id=one, split="eval", where="x:1") for one in ids]


def test_the_sample_is_of_the_records_and_not_of_their_order() -> None:
    ids = [f"r{i}" for i in range(100)]
    one = {ids[i] for i in stability.sample(records(ids), 20)}
    other = {ids[::-1][i] for i in stability.sample(records(ids[::-1]), 20)}
    assert one == other
    assert len(one) == 20
    assert stability.sample(records(ids[:3]), 20) == [0, 1, 2]


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")


def test_slices_use_the_journal_too(tmp_path: Path) -> None:
    import eval_autopsy as autopsy

    found: Case = case(tmp_path, COMMAND, SYSTEM.format(output="value"), [f"v{i}" for i in "12345"])
    autopsy.open(found.folder).slices()
    with systems.opened(found, systems.journal_of(found)) as runner:
        runner.answers([f"v{i}" for i in "12345"])
        assert runner.spent.calls == 0
