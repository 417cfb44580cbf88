"""Batches of messages: sent once, waited for across kills, and paid for at half the price."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from eval_autopsy import kernel, systems
from eval_autopsy.case.load import Case, load
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems import batches, prompt_batch

from .batch_endpoint import RETRY_AFTER, BatchEndpoint
from .cases import case

PRICES = "prices = { input = 3, output = 15 }"
EACH = Decimal("0.0003")  # half of (100 * 3 + 20 * 15) / 1,000,000


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a key")
    monkeypatch.setattr(batches, "FIRST", 0.01)


def batched(folder: Path, url: str, more: str = PRICES, claude: str = "") -> Case:
    return case(
        folder,
        f"""
        timeout = 5
        {more}
        [system.claude]
        model = "claude-test"
        messages = [{{ role = "user", content = "{{input}}" }}]
        max_tokens = 50
        base_url = "{url}"
        allow_private = true
        batch = true
        {claude}
        """,
    )


def texts(n: int = 12) -> list[object]:
    return [f"text {number}" for number in range(n)]


def outputs(answers: list[kernel.Answer]) -> list[object]:
    return [answer.output for answer in answers]


def test_all_inputs_go_in_one_batch_and_answers_come_back_in_order(tmp_path: Path) -> None:
    with BatchEndpoint() as endpoint:
        found = batched(tmp_path, endpoint.url, claude="options = { temperature = 0.5 }")
        with systems.opened(found, None) as runner:
            assert outputs(runner.answers(texts())) == texts()
        (sent,) = endpoint.batches.values()
    assert len({one["custom_id"] for one in sent}) == 12
    assert sent[0]["params"] == {
        "model": "claude-test",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "text 0"}],
        "temperature": 0.5,
    }


def test_a_batch_costs_half_of_what_its_messages_cost(tmp_path: Path) -> None:
    with (
        BatchEndpoint() as endpoint,
        systems.opened(batched(tmp_path, endpoint.url), None) as runner,
    ):
        runner.answers(texts())
        assert runner.spent.cost == 12 * EACH
        assert runner.spent.tokens == {"input": 1200, "output": 240}
        assert runner.journal.cost() == 12 * EACH


def test_what_was_answered_is_not_sent_again_and_repeats_are_a_batch_of_their_own(
    tmp_path: Path,
) -> None:
    with BatchEndpoint() as endpoint:
        found = batched(tmp_path, endpoint.url)
        journal = systems.journal_of(found)
        for _ in range(2):
            with systems.opened(found, journal) as runner:
                assert outputs(runner.answers(texts())) == texts()
        assert len(endpoint.batches) == 1
        with systems.opened(found, journal) as runner:
            runner.answers(texts(), repeat=1)
        first, second = endpoint.batches.values()
    assert {one["custom_id"] for one in first}.isdisjoint(one["custom_id"] for one in second)


def test_what_a_batch_did_not_answer_is_the_error_of_its_input_and_is_sent_again_later(
    tmp_path: Path,
) -> None:
    bad: list[object] = ["errored", "canceled", "expired", "silent"]
    with BatchEndpoint() as endpoint:
        found = batched(tmp_path, endpoint.url)
        journal = systems.journal_of(found)
        with systems.opened(found, journal) as runner:
            answers = runner.answers([*texts(8), *bad])
            assert outputs(answers[:8]) == texts(8)
            assert [answer.error for answer in answers[8:]] == [
                "BatchError: invalid_request_error: no such thing",
                "BatchError: canceled",
                "BatchError: expired",
                "BatchError: the batch msgbatch_0 has no result for it",
            ]
            assert runner.spent.errors == {"BatchError": 4}
        assert len(endpoint.batches) == 1
        with systems.opened(found, journal) as runner:
            runner.answers([*texts(14), *bad])
        again = [one["params"]["messages"][0]["content"] for one in endpoint.batches["msgbatch_1"]]
    assert again == [*texts(14)[8:], *bad]


def test_an_input_without_the_field_is_not_sent(tmp_path: Path) -> None:
    with BatchEndpoint() as endpoint:
        batched(tmp_path, endpoint.url)
        place = tmp_path / "autopsy.toml"
        place.write_text(place.read_text().replace("{input}", "{input.text}"))
        with systems.opened(load(tmp_path), None) as runner:
            answers = runner.answers([{"other": 1}, *({"text": one} for one in texts())])
        assert answers[0].error == "ValueError: the input has no field 'text'"
        assert outputs(answers[1:]) == texts()
        assert [len(sent) for sent in endpoint.batches.values()] == [12]


def test_few_inputs_are_asked_one_by_one(tmp_path: Path) -> None:
    with BatchEndpoint() as endpoint:
        more = f"{PRICES}\nretries = 0"
        with systems.opened(batched(tmp_path, endpoint.url, more), None) as runner:
            with pytest.raises(CannotRun, match="the endpoint says 404"):
                runner.answers(texts(batches.FEWEST - 1))
            assert outputs(runner.answers(texts(batches.FEWEST))) == texts(batches.FEWEST)
        assert endpoint.asked[0] == ("POST", "/v1/messages")


def test_the_ceiling_of_cost_is_looked_at_before_a_batch_is_sent(tmp_path: Path) -> None:
    with BatchEndpoint() as endpoint:
        found = batched(tmp_path, endpoint.url, f"{PRICES}\ncost_limit = 0.01")
        with (
            systems.opened(found, None) as runner,
            pytest.raises(CannotRun, match=r"can cost up to 0\.\d+, and 0 of the 0\.01 allowed"),
        ):
            runner.answers(texts())
        assert endpoint.asked == []
        # Each can cost up to half of 0.0072: 12 of them 0.0429, and 0.0036 is spent in the end.
        found = batched(tmp_path, endpoint.url, f"{PRICES}\ncost_limit = 0.045")
        with systems.opened(found, None) as runner:
            assert outputs(runner.answers(texts())) == texts()
            with pytest.raises(CannotRun, match="allowed is spent or set aside"):
                runner.answers(texts(), repeat=1)
        assert len(endpoint.batches) == 1


def test_the_wait_has_an_end_and_the_next_run_goes_on_with_it(tmp_path: Path) -> None:
    with BatchEndpoint() as endpoint:
        endpoint.ends = False
        found = batched(tmp_path, endpoint.url, claude="batch_wait = 0.2")
        journal = systems.journal_of(found)
        with (
            systems.opened(found, journal) as runner,
            pytest.raises(CannotRun, match="the batch msgbatch_0 has not ended within"),
        ):
            runner.answers(texts())
        endpoint.ends = True
        with systems.opened(found, journal) as runner:
            assert outputs(runner.answers(texts())) == texts()
            assert runner.spent.cost == 12 * EACH
        assert len(endpoint.batches) == 1


@pytest.mark.parametrize("kind", ["create", "retrieve", "results"])
@pytest.mark.parametrize("fault", ["busy", "overloaded"])
def test_a_busy_endpoint_is_asked_again(tmp_path: Path, kind: str, fault: str) -> None:
    with BatchEndpoint() as endpoint:
        endpoint.faults = {kind: [fault]}
        before = time.monotonic()
        with systems.opened(batched(tmp_path, endpoint.url), None) as runner:
            assert outputs(runner.answers(texts())) == texts()
        assert len(endpoint.batches) == 1
        assert fault != "busy" or time.monotonic() - before >= RETRY_AFTER


def test_the_inputs_of_a_batch_that_is_not_there_any_more_fail_and_are_sent_by_a_later_run(
    tmp_path: Path,
) -> None:
    with BatchEndpoint() as endpoint:
        endpoint.ends = False
        found = batched(tmp_path, endpoint.url, claude="batch_wait = 0.1")
        journal = systems.journal_of(found)
        with (
            systems.opened(found, journal) as runner,
            pytest.raises(CannotRun, match="has not ended within"),
        ):
            runner.answers(texts())
        endpoint.faults = {"retrieve": ["gone", "gone"]}  # also asked before results
        with systems.opened(found, journal) as runner:
            errors = {answer.error for answer in runner.answers(texts())}
        assert errors == {"BatchError: the batch msgbatch_0 has no result for it"}
        endpoint.ends = True
        with systems.opened(found, journal) as runner:
            assert outputs(runner.answers(texts())) == texts()
            # The batch that is gone may have been paid for: 12 times up to half of 0.0072.
            assert Decimal("0.04") < runner.journal.cost() < Decimal("0.05")
        assert len(endpoint.batches) == 2


def test_what_is_too_much_for_one_batch_goes_in_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_batch, "MOST", 5)
    with BatchEndpoint() as endpoint:
        with systems.opened(batched(tmp_path, endpoint.url), None) as runner:
            assert outputs(runner.answers(texts())) == texts()
        assert [len(sent) for sent in endpoint.batches.values()] == [5, 5, 2]
        monkeypatch.setattr(prompt_batch, "LARGEST", 250)  # bytes; a request is about 110
        with systems.opened(batched(tmp_path, endpoint.url), None) as runner:
            assert outputs(runner.answers(texts())) == texts()
        assert [len(sent) for sent in endpoint.batches.values()][3:] == [2] * 6


def test_a_batch_that_was_taken_while_the_line_was_cut_is_found_and_not_sent_again(
    tmp_path: Path,
) -> None:
    with BatchEndpoint() as endpoint:
        endpoint.create([{"custom_id": "another's", "params": {}}] * 12)
        endpoint.batches["msgbatch_0"] = [
            {"custom_id": f"other-{n}", "params": {"messages": [{"content": "x"}]}}
            for n in range(12)
        ]
        endpoint.faults = {"create": ["lost"]}
        with systems.opened(batched(tmp_path, endpoint.url), None) as runner:
            assert outputs(runner.answers(texts())) == texts()
        assert list(endpoint.batches) == ["msgbatch_0", "msgbatch_1"]


def test_a_batch_that_is_refused_ends_the_run_and_is_not_sent_five_times(tmp_path: Path) -> None:
    with BatchEndpoint() as endpoint:
        endpoint.faults = {"create": ["bad"] * 5}
        with (
            systems.opened(batched(tmp_path, endpoint.url), None) as runner,
            pytest.raises(CannotRun, match="the endpoint says 400"),
        ):
            runner.answers(texts())
        assert endpoint.asked == [("POST", "/v1/messages/batches")]


RUN = """
import os, sys
from pathlib import Path
from eval_autopsy import systems
from eval_autopsy.case.load import load
from eval_autopsy.systems import batches, prompt_batch

batches.FIRST = 0.01
case = load(Path(sys.argv[1]))
(case.folder / "pid").write_text(str(os.getpid()))
with systems.opened(case, systems.journal_of(case)) as runner:
    runner.answers([f"text {number}" for number in range(12)])
"""


@pytest.mark.parametrize(
    "moment",
    [
        "before it is sent",
        "before its name is heard",
        "while it is waited for",
        "before its results are read",
    ],
)
def test_a_run_that_is_killed_goes_on_with_its_batch_and_sends_no_second_one(
    tmp_path: Path, moment: str
) -> None:
    with BatchEndpoint() as endpoint:
        found = batched(tmp_path, endpoint.url)
        endpoint.kills = (moment, tmp_path / "pid")
        source = Path(systems.__file__).parents[2]
        child = subprocess.run(
            [sys.executable, "-c", RUN, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(source)},
            check=False,
        )
        assert child.returncode == -signal.SIGKILL
        with systems.opened(found, systems.journal_of(found)) as runner:
            assert outputs(runner.answers(texts())) == texts()
            assert runner.journal.cost() == 12 * EACH
        assert len(endpoint.batches) == 1
