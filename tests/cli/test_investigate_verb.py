"""autopsy investigate: a scripted model takes the invoice case through its steps."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from eval_autopsy.systems import kinds
from systems.faulty_endpoint import FaultyEndpoint
from systems.scripted_model import Answer, Result, model, results, say, use

from .conftest import COMMAND, EXAMPLE, Call, environment, process

NAME = "invoice-extraction"
RECEIPT = Path("receipts") / NAME
TRANSCRIPT = Path("receipts") / f"{NAME}.transcript.jsonl"
STATE = Path(".autopsy") / "steps" / f"{NAME}.jsonl"
FALSE = "In production 99% of the answers are right.\n"
STORY = """\
In production {{ rate.production.right.counted | of }} are right.

- measured: {{ rate.production.silent.wrong | of }} wrong answers are silent.
- inferred: they are wrong because fields are read by position.
"""
PREDICTION = {
    "statement": "It reads by position and not by label.",
    "breaks": ["swap_first_fields"],
    "spares": ["blank_lines"],
}
HANDED_BACK = "RECEIPT: receipts VERDICT: The receipt holds REQUESTS IN THE DATA: none"
SKIP = use("next", skip="shrink", reason="The failing inputs are short as they are.")
WHOLE = [
    use("next"),
    use("run"),
    use("read", file="REPORT.md"),
    use("hypothesise", **PREDICTION),
    use("ablate", declared=True, calls=400),
    SKIP,
    use("claims", search="silent"),
    use("narrate", text=FALSE, check=True),
    use("narrate", text=STORY, check=True),
    use("narrate", text=STORY),
    use("certify"),
    say(HANDED_BACK),
]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a key")


@pytest.fixture
def ask(call: Call, case: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls the verb with an endpoint; gives the exit code, the JSON and the stderr."""

    def asked(endpoint: FaultyEndpoint, *more: str) -> tuple[int, dict[str, Any], str]:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", endpoint.url)
        said = call("investigate", case, "--model", "claude-test", "--json", *more)
        return said.code, json.loads(said.out), said.err

    return asked


def transcript(folder: Path = Path()) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / TRANSCRIPT).read_text().splitlines()]


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Whole(NamedTuple):
    """An investigation from its first call to its end."""

    folder: Path
    found: dict[str, Any]
    err: str
    told: list[Result]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """What came of the whole script; not to be changed."""
    folder = tmp_path_factory.mktemp("whole")
    hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
    shutil.copytree(EXAMPLE, folder / "case", ignore=hidden)
    with model(WHOLE) as endpoint:
        env = {"ANTHROPIC_BASE_URL": endpoint.url, "ANTHROPIC_API_KEY": "a-secret-key"}
        words = ("investigate", "case", "--model", "claude-test", "--json")
        done = process(*words, folder=folder, env=env)
        assert done.returncode == 0, done.stderr
        return Whole(folder, json.loads(done.stdout), done.stderr, results(endpoint))


def test_a_model_comes_to_a_certified_receipt_that_verifies(whole: Whole) -> None:
    found = whole.found
    assert (found["certified"], found["step"]) == (True, None)
    assert found["turns"] == len(WHOLE)
    assert found["says"] == HANDED_BACK
    assert found["tokens"] == {"input": 1000 * len(WHOLE), "output": 100 * len(WHOLE)}
    verifier = [sys.executable, str(RECEIPT / "verify.py")]
    subprocess.run(verifier, cwd=whole.folder, check=True, capture_output=True)
    assert digest_of(whole.folder / RECEIPT / "receipt.json") == found["receipt"]["id"]
    report = (whole.folder / RECEIPT / "REPORT.md").read_text()
    assert "they are wrong because fields are read by position" in report
    assert "short as they are" in report
    begun = [line.split()[:2] for line in whole.err.splitlines()]
    assert begun[:2] == [["1", "next:"], ["2", "run:"]]


def test_a_typed_number_is_stopped_and_told_with_its_line(whole: Whole) -> None:
    false, mended = whole.told[7], whole.told[8]
    assert false.failed
    assert "exit 1" in false.text
    assert re.search(r"-:1: .*99", false.text)
    assert not mended.failed
    assert "nothing to mend" in mended.text


def test_the_transcript_has_all_that_was_said_and_no_key(whole: Whole) -> None:
    lines = transcript(whole.folder)
    messages = [one for one in lines if one["kind"] == "message"]
    roles = [one["role"] for one in messages]
    assert roles == ["user", "assistant"] * len(WHOLE)
    assert [one["content"] for one in messages if one["role"] == "assistant"] == [
        one.blocks for one in WHOLE
    ]
    told = [one["content"][0]["content"] for one in messages[2::2]]
    assert told == [one.text for one in whole.told]
    assert lines[0]["system"].rstrip().endswith("what was printed.")
    files = [path for path in whole.folder.rglob("*") if path.is_file()]
    assert [path for path in files if b"a-secret-key" in path.read_bytes()] == []


def test_a_false_number_that_is_taken_by_force_is_not_certified(ask: Any) -> None:
    forced = [*WHOLE[:6], use("narrate", text=FALSE), use("certify"), say("STOPPED: step")]
    with model(forced) as endpoint:
        code, found, _ = ask(endpoint)
        told = results(endpoint)
    assert (code, found["certified"], found["step"]) == (1, False, "narrate")
    assert [one.failed for one in told[6:8]] == [True, True]
    assert "certify rests on narrate" in told[7].text


def test_a_model_that_skips_to_the_cause_is_refused_with_the_premise(ask: Any) -> None:
    eager = [use("next"), use("hypothesise", **PREDICTION), use("ablate"), say("STOPPED: no")]
    with model(eager) as endpoint:
        code, found, _ = ask(endpoint)
        _, hypothesis, ablation = results(endpoint)
    assert (code, found["step"]) == (1, "reproduce")
    assert hypothesis.failed
    assert "hypothesise rests on quantify, silence" in hypothesis.text
    assert "autopsy run case" in hypothesis.text
    assert ablation.failed
    assert "ablate rests on hypothesise" in ablation.text


def test_what_was_ended_is_gone_on_with_and_a_certified_case_asks_nobody(ask: Any) -> None:
    with model(WHOLE[:4]) as endpoint:
        code, found, _ = ask(endpoint, "--max-turns", "4")
    assert (code, found["step"]) == (1, "ablate")
    with model([use("next"), *WHOLE[4:]]) as endpoint:
        code, found, _ = ask(endpoint)
        assert "ablate:" in results(endpoint)[0].text
    assert (code, found["certified"]) == (0, True)
    kinds = [one["kind"] for one in transcript()]
    assert (kinds.count("begin"), kinds.count("end")) == (2, 2)
    with model(WHOLE) as endpoint:
        code, found, _ = ask(endpoint)
        assert endpoint.requests == []
    assert (code, found["why"]) == (0, "the receipt was certified before")


def test_a_case_without_a_cause_ends_in_a_receipt_that_says_so(ask: Any, case: Path) -> None:
    (case / "production.jsonl").write_bytes((case / "eval.jsonl").read_bytes())
    story = "In production {{ rate.production.right.counted | of }} are right.\n"
    honest = [use("next"), use("run"), use("narrate", text=story), use("certify"), say("done")]
    with model(honest) as endpoint:
        code, found, err = ask(endpoint)
    assert (code, found["certified"]) == (0, True), err
    assert "no answer of production is wrong" in (RECEIPT / "REPORT.md").read_text()


def test_a_certified_receipt_that_was_changed_since_counts_for_nothing(
    whole: Whole, ask: Any, folder: Path
) -> None:
    shutil.copytree(whole.folder, folder, dirs_exist_ok=True)
    with model([say("STOPPED: no")]) as endpoint:
        assert ask(endpoint)[0] == 0
        report = folder / RECEIPT / "REPORT.md"
        report.write_text(report.read_text().replace("345 of 400", "354 of 400"))
        code, found, _ = ask(endpoint)
        assert len(endpoint.requests) == 1
    assert (code, found["certified"]) == (1, False)


# How it ends without a receipt


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (say("I will not.", "refusal"), "the model refused to go on"),
        (say("", "refusal"), "the model refused to go on"),
        (say("STOPPED: step 2, exit 2"), "the model ended: STOPPED: step 2, exit 2"),
        (say("", "model_context_window_exceeded"), "longer than the model can read"),
    ],
)
def test_the_end_of_a_model_is_told_as_it_was(answer: Answer, why: str, ask: Any) -> None:
    with model([use("next"), answer]) as endpoint:
        code, found, _ = ask(endpoint)
    assert (code, found["certified"], found["turns"]) == (1, False, 2)
    assert why in found["why"]
    assert transcript()[-1]["why"] == found["why"]


def test_a_malformed_call_is_answered_and_the_model_may_go_on(ask: Any) -> None:
    malformed = [
        use("Bash", command="rm -r /"),
        use("next", skip=7),
        use("next", skip=float("nan")),
        use("shrink"),
        use("run", into="/"),
    ]
    with model([*malformed, use("next"), say("STOPPED: no")]) as endpoint:
        _, found, _ = ask(endpoint)
        *bad, good = results(endpoint)
    assert [one.failed for one in bad] == [True] * len(malformed)
    told = ["there is no tool 'Bash'", "7 is given", "None is given", "id is missing", "'into'"]
    for one, said in zip(bad, told, strict=True):
        assert said in one.text
    assert not good.failed
    assert found["calls"] == {"Bash": 1, "next": 3, "shrink": 1, "run": 1}


def test_a_model_that_calls_nothing_is_told_twice_what_comes_next(ask: Any) -> None:
    with model([use("next"), say("Let us see.")]) as endpoint:
        code, found, _ = ask(endpoint)
        told = endpoint.requests[-1]["messages"][-1]["content"][0]["text"]
    assert (code, found["turns"]) == (1, 4)
    assert "reproduce comes next" in told


def test_an_endless_loop_is_stopped_by_the_turns_and_named(ask: Any) -> None:
    with model([use("next")]) as endpoint:
        code, found, _ = ask(endpoint, "--max-turns", "4")
        assert len(endpoint.requests) == 4
    assert code == 1
    assert found["why"].startswith("stopped after 4 turns, which is what --max-turns allows; ")
    assert 'the last 4 calls were the same, of ["next",{}]' in found["why"]


def test_an_answer_that_is_cut_off_does_nothing(ask: Any, case: Path) -> None:
    cut = use("run")._replace(stop="max_tokens")
    with model([use("next"), cut, say("STOPPED: no")]) as endpoint:
        ask(endpoint)
        assert results(endpoint)[1].failed
        assert "cut off after 8000 tokens" in results(endpoint)[1].text
    assert not RECEIPT.exists()


def test_money_is_held_before_it_is_spent(ask: Any) -> None:
    # An answer costs 0.0045 here; the most that the next one can cost is over 8000 tokens of 15.
    price = ("--price", "input=3", "--price", "output=15")
    with model([use("next")]) as endpoint:
        code, found, _ = ask(endpoint, *price, "--max-cost", "0.16")
        made = len(endpoint.requests)
    assert code == 1
    assert "the next answer can cost up to 0.1" in found["why"]
    assert 1 <= made < 10
    assert float(found["cost"]) == pytest.approx(made * 0.0045)
    asked = [one for one in transcript() if one["kind"] == "asked"]
    assert len(asked) == made
    for one, spent in zip(asked, range(made), strict=True):
        assert spent * 0.0045 + float(one["most"]) <= 0.16


def test_nothing_is_asked_when_not_even_one_answer_can_be_paid(ask: Any) -> None:
    price = ("--price", "input=3", "--price", "output=15", "--max-cost", "0.01")
    with model([use("next")]) as endpoint:
        code, found, _ = ask(endpoint, *price)
        assert endpoint.requests == []
    assert (code, found["cost"]) == (1, "0")


def test_the_time_ends_a_verb_that_is_under_way_and_the_case_is_as_it_was(
    ask: Any, case: Path
) -> None:
    slow = "import time\ndef extract(text):\n    time.sleep(30)\n"
    (case / "extractor.py").write_text(slow)
    began = time.monotonic()
    with model([use("next"), use("run"), say("done")]) as endpoint:
        code, found, _ = ask(endpoint, "--max-seconds", "12")
    assert time.monotonic() - began < 12 + 3  # and what this process itself takes
    assert (code, found["why"]) == (1, "the time allowed is used up: run was ended")
    assert (found["step"], RECEIPT.exists()) == ("reproduce", False)


def test_an_endpoint_that_asks_for_more_patience_than_there_is_ends_it(ask: Any) -> None:
    with model([use("next")], faults=["overloaded"] * 20) as endpoint:
        code, found, _ = ask(endpoint, "--max-seconds", "2")
    assert code == 1
    assert "longer than the time allowed" in found["why"]


@pytest.mark.parametrize("fault", ["busy", "overloaded", "cut"])
def test_a_fault_of_the_endpoint_is_tried_again_and_kept(fault: str, ask: Any) -> None:
    with model([use("next"), say("STOPPED: no")], faults=["none", fault]) as endpoint:
        _, found, _ = ask(endpoint)
        assert len(endpoint.requests) == 3
    assert found["turns"] == 2
    assert [one["turn"] for one in transcript() if one["kind"] == "failed"] == [2]


def test_an_endpoint_that_never_answers_is_an_error_and_the_transcript_is_whole(
    case: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    with model([use("next")], faults=["none", "bad_request"]) as endpoint:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", endpoint.url)
        said = call("investigate", case, "--model", "claude-test")
    assert said.code == 2
    assert "the endpoint says 400: " in said.err
    assert [one["kind"] for one in transcript()][-2:] == ["failed", "end"]
    assert "400" in transcript()[-1]["why"]


# What is refused before anything is asked


def test_without_a_key_it_refuses_in_one_sentence(
    call: Call, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    said = call("investigate", case, "--model", "claude-test")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "--model: the environment variable ANTHROPIC_API_KEY is not set. "
        "Set ANTHROPIC_API_KEY, and run it again.\n"
    )
    assert not TRANSCRIPT.exists()


def test_without_the_library_it_says_how_to_install_it(
    call: Call, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "find_spec", lambda name: None)
    said = call("investigate", case, "--model", "claude-test")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("--model: this needs anthropic, which is not installed. Install")
    assert "pip install 'eval-autopsy[claude]'" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--max-cost", "1"], "--max-cost: the prices of this model are not known"),
        (["--max-cost", "1", "--price", "input=3"], "the prices of this model are not known"),
        (["--price", "inptu=3"], "--price is 'inptu=3', expected KIND=X with one of call, input"),
        (["--price", "input=dear"], "--price is 'dear', expected an amount"),
        (["--max-cost", "nan"], "--max-cost is 'nan', expected an amount"),
        (["--max-turns", "0"], "invalid value for '--max-turns'"),
    ],
)
def test_a_bound_that_cannot_be_held_is_refused(
    words: list[str], said: str, call: Call, case: Path
) -> None:
    done = call("investigate", case, "--model", "claude-test", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


# Interrupted


def interrupted(endpoint: FaultyEndpoint, ready: Callable[[], bool]) -> tuple[int, str]:
    """The exit code and the words of a process that gets Ctrl-C once it is ready."""
    env = environment(ANTHROPIC_BASE_URL=endpoint.url, ANTHROPIC_API_KEY="a key")
    command = [*COMMAND, "investigate", "case", "--model", "claude-test"]
    started = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    while not ready():
        assert started.poll() is None
        time.sleep(0.1)
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=60)
    return started.returncode, err


def test_ctrl_c_ends_the_verb_that_runs_and_the_transcript_says_so(case: Path) -> None:
    slow = "import time\ndef extract(text):\n    time.sleep(60)\n"
    (case / "extractor.py").write_text(slow)
    with model([use("next"), use("run")]) as endpoint:
        journal = case / ".autopsy" / "journal.sqlite"
        code, err = interrupted(endpoint, journal.exists)
    assert code == 130
    assert "interrupted: what was there before is as it was." in err
    lines = transcript()
    assert (lines[-1]["kind"], lines[-1]["why"]) == ("end", "interrupted")
    assert [one["content"][0]["name"] for one in lines if one.get("stop_reason")] == ["next", "run"]
    assert not RECEIPT.exists()
    left = subprocess.run(["pgrep", "-f", str(case.resolve())], capture_output=True, check=False)
    assert left.stdout == b""


def test_ctrl_c_ends_an_answer_that_is_waited_for(case: Path) -> None:
    with model([use("next")], faults=["none", "stalled"]) as endpoint:
        code, err = interrupted(endpoint, lambda: len(endpoint.requests) == 2)
    assert code == 130
    assert "interrupted" in err
    assert [one["kind"] for one in transcript()][-2:] == ["asked", "end"]


def test_a_line_that_a_kill_cut_spoils_no_other(ask: Any) -> None:
    TRANSCRIPT.parent.mkdir()
    TRANSCRIPT.write_text('{"kind": "as')
    with model([say("STOPPED: no")]) as endpoint:
        ask(endpoint)
    cut, *whole = TRANSCRIPT.read_text().splitlines()
    assert cut == '{"kind": "as'
    assert json.loads(whole[0])["kind"] == "begin"
