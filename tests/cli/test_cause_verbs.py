"""ablate, stress and perturbations, on the invoice case."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import registry
from eval_autopsy.cli import cause
from eval_autopsy.experiments import study

from .conftest import COMMAND, Call, environment

FIELDS = ["vendor", "client", "invoice_number", "date", "total"]


@pytest.fixture
def tested(case: Path, call: Call) -> dict[str, Any]:
    """What comes of the hypotheses of the invoice case."""
    said = call("ablate", case / "hypotheses.toml", "--declared", "--json")
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_that_it_reads_by_position_is_measured(tested: dict[str, Any]) -> None:
    position = tested["hypotheses"][0]
    assert position["verdict"] == "measured"
    parts = {one["change"]: one for one in position["parts"]}
    for name, fields in {
        "swap_first_fields": ["vendor", "client"],
        "add_preamble": FIELDS,
    }.items():
        assert (parts[name]["broken"]["k"], parts[name]["broken"]["n"]) == (100, 100)
        assert parts[name]["fields"] == fields
        assert parts[name]["exactly_these_fields"]["k"] == 100
    for name in ("change_delimiter", "indent_lines", "trailing_spaces", "blank_lines", "as it is"):
        assert (parts[name]["broken"]["k"], parts[name]["broken"]["n"]) == (0, 100)


def test_that_delimiters_confuse_it_is_refuted_and_kept(tested: dict[str, Any], case: Path) -> None:
    assert tested["hypotheses"][1]["verdict"] == "refuted"
    ledger = (case / ".autopsy" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    lines = [json.loads(line) for line in ledger]
    assert [line["kind"] for line in lines] == ["prediction", "prediction", "result", "result"]
    assert lines[3]["content"]["verdict"] == "refuted"
    assert lines[1]["digest"] == lines[3]["content"]["prediction"]["digest"]


def test_the_same_predictions_are_not_written_down_twice(case: Path, call: Call) -> None:
    call("ablate", case / "hypotheses.toml", "--declared")
    ledger = case / ".autopsy" / "predictions.jsonl"
    before = ledger.read_bytes()
    said = call("ablate", case / "hypotheses.toml", "--declared")
    assert ledger.read_bytes() == before
    assert "were known by then" not in said.out


def keep_answers(path: Path) -> None:
    """Lets the system of a case keep its answers, as one that is paid for does."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[system]\n", "[system]\nkeep_answers = true\n"), encoding="utf-8")


def test_answers_that_were_known_before_a_prediction_are_counted(case: Path, call: Call) -> None:
    keep_answers(case / "autopsy.toml")
    keep_answers(case / "hypotheses.toml")
    assert call("ablate", case, "--change", "swap_first_fields", "--calls", "100").code == 0
    said = call("ablate", case / "hypotheses.toml", "--declared", "--calls", "200")
    assert "answers were known by then: take another --seed" in said.out


def test_each_failing_slice_is_mended_by_the_change_that_undoes_it(case: Path, call: Call) -> None:
    changes = ("usual_order", "drop_preamble", "split_lines", "tidy_spaces")
    named = [word for name in changes for word in ("--change", name)]
    said = call("ablate", case, *named, "--json")
    effects = json.loads(said.out)["effects"]
    mended = {
        (one["group"], *one["changes"]): (one["mended"], one["n"])
        for one in effects
        if one["mended"]
    }
    assert mended == {
        ("shift_type is reorder", "usual_order"): (31, 31),
        ("shift_type is verbose", "drop_preamble"): (8, 8),
        ("shift_type is compact", "split_lines"): (6, 6),
        ("shift_type is mixed", "usual_order"): (5, 5),
    }


def test_the_calls_are_said_before_and_after_and_are_not_passed(case: Path, call: Call) -> None:
    said = call("ablate", case, "--change", "typo", "--change", "add_closing", "--calls", "60")
    assert said.err == "at most 60 calls are made to try 2 changes in 5 groups of records\n"
    last = said.out.splitlines()[-1]
    assert last.startswith("calls of changed inputs: ")
    assert last.endswith(", of at most 60")
    assert int(last.split(":")[1].split(",")[0]) <= 60


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--change", "tipo"], "there is no perturbation 'tipo'. Did you mean 'typo'?"),
        (["--calls", "3"], "the calls do not go far enough for a record of each of 5 trials"),
        (["--declared"], "the case has no hypothesis"),
        (["--changes-file", "none.py"], "there is no such file"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    case: Path, call: Call, arguments: list[str], what: str
) -> None:
    said = call("ablate", case, *arguments)
    assert (said.code, said.out) == (2, "")
    assert what in said.err


def test_a_change_of_ones_own_is_tried(case: Path, call: Call) -> None:
    own = case / "own.py"
    own.write_text(
        "from eval_autopsy import perturbation\n"
        '@perturbation("star", holds="every character")\n'
        "def star(text, draw):\n"
        '    """A line with a star comes first."""\n'
        '    return "*\\n" + text\n',
        encoding="utf-8",
    )
    said = call("ablate", case, "--changes-file", own, "--change", "star", "--json")
    broken = {one["group"]: one["broken"] for one in json.loads(said.out)["effects"]}
    assert broken["eval"] == 100
    assert "star" not in registry.perturbations.names()


def test_that_nobody_knows_the_answer_after_a_change_is_said(case: Path, call: Call) -> None:
    said = call("ablate", case, "--change", "truncate", "--change", "add_closing")
    assert "truncate: nobody knows the right answer then; right means still that" in said.out
    found = json.loads(call("ablate", case, "--change", "truncate", "--json").out)
    assert [one["answer_known"] for one in found["changes"]] == [False]
    every = json.loads(call("ablate", case, "--json").out)["changes"]
    assert all(one["answer_known"] for one in every)
    assert "truncate" not in {one["name"] for one in every}


def test_a_change_of_ones_own_can_be_in_a_hypothesis(case: Path, call: Call) -> None:
    (case / "own.py").write_text(
        "from eval_autopsy import perturbation\n"
        '@perturbation("star", holds="every character")\n'
        "def star(text, draw):\n"
        '    """A line with a star comes first."""\n'
        '    return "*\\n" + text\n',
        encoding="utf-8",
    )
    with open(case / "autopsy.toml", "a", encoding="utf-8") as file:
        file.write('\n[perturbations]\nfiles = "own.py"\n')
        file.write('\n[[hypothesis]]\nstatement = "A star confuses it."\nbreaks = "star"\n')
    found = json.loads(call("ablate", case, "--declared", "--json").out)
    assert [one["verdict"] for one in found["hypotheses"]] == ["measured"]


def test_a_failing_change_of_ones_own_is_named(case: Path, call: Call) -> None:
    own = case / "own.py"
    own.write_text(
        "from eval_autopsy import perturbation\n"
        '@perturbation("bad", holds="nothing")\n'
        "def bad(text, draw):\n"
        '    """Fails."""\n'
        "    return text[10**9]\n",
        encoding="utf-8",
    )
    said = call("ablate", case, "--changes-file", own, "--change", "bad")
    assert said.code == 2
    assert "the perturbation 'bad' of own.py failed on 'Vendor" in said.err
    assert "IndexError" in said.err


def test_a_hypothesis_about_a_change_that_nobody_has_is_an_error_of_the_case(
    case: Path, call: Call
) -> None:
    path = case / "hypotheses.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"blank_lines"', '"blank_line"'), encoding="utf-8")
    said = call("ablate", path)
    assert said.code == 2
    assert "there is no perturbation 'blank_line'. Did you mean 'blank_lines'?" in said.err


def test_stress_is_labelled_synthetic_wherever_it_is_shown(case: Path, call: Call) -> None:
    said = call("stress", case, "--change", "typo", "--change", "add_closing")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "invoice-extraction: a synthetic gap"
    heads = [line for line in lines if "right before" in line or line.startswith("eval changed")]
    assert heads
    assert all("synthetic" in line for line in heads)
    found = json.loads(call("stress", case, "--json").out)
    assert found["synthetic"] is True
    assert found["eval"]["k"] == 400


def test_stress_needs_no_production(case: Path, call: Call) -> None:
    (case / "production.jsonl").unlink()
    path = case / "autopsy.toml"
    text = path.read_text(encoding="utf-8").replace('production = "production.jsonl"\n', "")
    path.write_text(text, encoding="utf-8")
    found = json.loads(call("stress", case, "--change", "add_preamble", "--json").out)
    assert (found["eval"]["k"], found["synthetic_production"]["k"]) == (400, 0)
    assert call("slices", case).code == 2


def test_stress_takes_no_change_that_changes_the_answer(case: Path, call: Call) -> None:
    found = json.loads(call("stress", case, "--json").out)
    names = {name for one in found["effects"] for name in one["changes"]}
    assert "add_preamble" in names
    assert "swap_labels" not in names


def test_a_case_without_a_system_is_told_so(case: Path, call: Call) -> None:
    path = case / "autopsy.toml"
    text = path.read_text(encoding="utf-8")
    system = text[text.index("[system]") : text.index("[scorer]")]
    text = text.replace(system, "").replace("[fields]", '[fields]\noutput = "shift_type"')
    path.write_text(text, encoding="utf-8")
    for verb in ("ablate", "stress"):
        said = call(verb, case)
        assert (said.code, said.out) == (2, "")
        assert "the case names no system" in said.err


def test_perturbations_lists_what_each_changes_and_holds(call: Call) -> None:
    lines = call("perturbations").out.splitlines()
    assert [line.split()[0] for line in lines] == registry.perturbations.names()
    assert all("; holds " in line and line.endswith(".") for line in lines)
    found = json.loads(call("perturbations", "--json").out)["perturbations"]
    assert {one["relation"] for one in found} == {"same", "changes"}


def test_the_bound_in_the_help_is_the_bound(call: Call) -> None:
    assert cause.CALLS == study.CALLS


COUNTING = """
import pathlib, time

def counting(text):
    with open(pathlib.Path(__file__).with_name("asked"), "ab") as file:
        file.write(b".")
    time.sleep(0.004)
    return extract(text)
"""


def test_an_interrupted_ablation_asks_only_what_is_missing(case: Path) -> None:
    with open(case / "extractor.py", "a", encoding="utf-8") as file:
        file.write(COUNTING)
    path, asked = case / "autopsy.toml", case / "asked"
    text = path.read_text(encoding="utf-8").replace("extractor.py:extract", "extractor.py:counting")
    path.write_text(text, encoding="utf-8")
    keep_answers(path)
    arguments = [*COMMAND, "ablate", "case", "--calls", "600", "--json"]
    child = subprocess.Popen(arguments, env=environment(), stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while (
        not asked.exists() or asked.stat().st_size < 900
    ):  # of which 800 are the inputs as they are
        assert time.monotonic() < end, "no changed input was ever asked"
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    assert child.wait(30) == 130
    again = subprocess.run(arguments, env=environment(), capture_output=True, check=True)
    made = json.loads(again.stdout)["calls"]["made"]
    assert made > 300
    assert asked.stat().st_size <= 800 + made + 1  # one was under way
