"""A prompt for Claude, against an endpoint on loopback that speaks as the real one does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import systems
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotRun

from .cases import case
from .faulty_endpoint import RETRY_AFTER, FaultyEndpoint, error

USAGE = {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 1000}


def said(body: dict[str, Any]) -> bytes:
    """The events of a message that gives the last message back; "use" calls the first tool."""
    text = body["messages"][-1]["content"]
    block: dict[str, Any] = {"type": "text", "text": ""}
    delta = {"type": "text_delta", "text": text}
    if text == "use":
        name = body["tools"][0]["name"]
        block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": '{"total": 1.50}'}
    return b"".join(map(event, events(body["model"], block, delta)))


def events(model: str, block: dict[str, Any], delta: dict[str, Any]) -> Iterator[dict[str, Any]]:
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**USAGE, "output_tokens": 1},
    }
    yield {"type": "message_start", "message": message}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    stop = "tool_use" if block["type"] == "tool_use" else "end_turn"
    usage = {"output_tokens": USAGE["output_tokens"]}
    stopped = {"stop_reason": stop, "stop_sequence": None}
    yield {"type": "message_delta", "delta": stopped, "usage": usage}
    yield {"type": "message_stop"}


def event(one: dict[str, Any]) -> bytes:
    return f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a key")


def endpoint_with(*faults: str) -> FaultyEndpoint:
    return FaultyEndpoint(said, faults, kind="text/event-stream")


def asking(folder: Path, url: str, more: str = "", claude: str = "") -> Case:
    return case(
        folder,
        f"""
        timeout = 3
        {more}
        [system.claude]
        model = "claude-test"
        system = "Answer {{input.kind}}."
        messages = [{{ role = "user", content = "{{input.text}}" }}]
        max_tokens = 50
        base_url = "{url}"
        allow_private = true
        {claude}
        """,
    )


def inputs(*texts: str) -> list[object]:
    return [{"kind": "shortly", "text": text} for text in texts]


def test_the_prompt_is_filled_and_the_text_is_the_output(tmp_path: Path) -> None:
    with endpoint_with() as endpoint:
        found = asking(tmp_path, endpoint.url, claude="options = { temperature = 0.5 }")
        with systems.opened(found, None) as runner:
            answers = runner.answers(inputs("one", "{input.kind}"))
    assert [answer.output for answer in answers] == ["one", "{input.kind}"]
    sent = endpoint.requests[0]
    assert sent.pop("stream") is True
    assert sent == {
        "model": "claude-test",
        "max_tokens": 50,
        "system": "Answer shortly.",
        "messages": [{"role": "user", "content": "one"}],
        "temperature": 0.5,
    }
    assert any("a key" in value for value in endpoint.headers[0].values())


TOOL = '{ name = "enter", input_schema = { type = "object" } }'


def test_what_a_tool_is_called_with_can_be_the_output(tmp_path: Path) -> None:
    with endpoint_with() as endpoint:
        found = asking(tmp_path, endpoint.url, claude=f'tools = [{TOOL}]\noutput = "tool"')
        with systems.opened(found, None) as runner:
            answers = runner.answers(inputs("use", "no"))
    assert answers[0].output == {"total": Decimal("1.5")}
    assert answers[1].error == "ValueError: an answer without tool call, ended by end_turn"


def test_json_in_the_text_can_be_the_output(tmp_path: Path) -> None:
    with endpoint_with() as endpoint:
        found = asking(tmp_path, endpoint.url, claude='output = "json"')
        with systems.opened(found, None) as runner:
            answers = runner.answers(inputs('{"a": 1}', "rubbish"))
    assert answers[0].output == {"a": 1}
    assert (answers[1].error or "").startswith("ValueError: not JSON")


@pytest.mark.parametrize("fault", ["busy", "overloaded", "stalled", "cut"])
def test_a_fault_on_the_way_is_tried_again(tmp_path: Path, fault: str) -> None:
    with endpoint_with(fault) as endpoint:
        with systems.opened(asking(tmp_path, endpoint.url), None) as runner:
            answers = runner.answers(inputs("one", "two"))
        assert [answer.output for answer in answers] == ["one", "two"]
        assert (runner.spent.calls, runner.spent.retries) == (2, 1)
        if fault == "busy":
            assert endpoint.times[1] - endpoint.times[0] >= RETRY_AFTER


def test_an_overload_in_the_midst_of_an_answer_is_tried_again(tmp_path: Path) -> None:
    broken = [True]

    def breaks_off(body: dict[str, Any]) -> bytes:
        whole = said(body)
        if not broken:
            return whole
        broken.clear()
        first = whole.partition(b"\n\n")[0] + b"\n\n"
        return first + b"event: error\ndata: " + error("overloaded_error") + b"\n\n"

    with (
        FaultyEndpoint(breaks_off, kind="text/event-stream") as endpoint,
        systems.opened(asking(tmp_path, endpoint.url), None) as runner,
    ):
        (answer,) = runner.answers(inputs("one"))
        assert answer.output == "one"
        assert runner.spent.retries == 1


def test_an_answer_that_ends_early_and_in_order_is_tried_again(tmp_path: Path) -> None:
    ends = [True]

    def early(body: dict[str, Any]) -> bytes:
        whole = said(body)
        return (
            whole if not ends or ends.pop() is None else whole[: whole.index(b"event: message_d")]
        )

    with (
        FaultyEndpoint(early, kind="text/event-stream") as endpoint,
        systems.opened(asking(tmp_path, endpoint.url), None) as runner,
    ):
        (answer,) = runner.answers(inputs("one"))
        assert answer.output == "one"
        assert runner.spent.retries == 1


PRICES = "prices = { input = 3, output = 15, cache_read = 0.3 }"


def test_tokens_and_cost_are_counted_by_the_prices_of_the_case(tmp_path: Path) -> None:
    with (
        endpoint_with() as endpoint,
        systems.opened(asking(tmp_path, endpoint.url, PRICES), None) as runner,
    ):
        runner.answers(inputs("one", "two"))
        assert runner.spent.tokens == {"input": 200, "output": 40, "cache_read": 2000}
        # (100 * 3 + 20 * 15 + 1000 * 0.3) / 1,000,000 for each
        assert runner.spent.cost == Decimal("0.0018")


def test_the_ceiling_of_cost_is_not_passed_and_holds_over_runs(tmp_path: Path) -> None:
    # One attempt can cost 0.008, of which a call leaves 0.0009 spent.
    with endpoint_with() as endpoint:
        limit = f"{PRICES}\ncost_limit = 0.011\nconcurrency = 2"
        found = asking(tmp_path, endpoint.url, limit)
        journal, texts = systems.journal_of(found), inputs(*map(str, range(20)))
        for _ in range(2):
            with (
                systems.opened(found, journal) as runner,
                pytest.raises(CannotRun, match=r"the next call can cost up to 0\.00") as caught,
            ):
                runner.answers(texts)
            assert "cost_limit" in str(caught.value)
        made = len(endpoint.requests)
        assert 2 <= made < 12
        assert made * Decimal("0.0009") <= Decimal("0.011")
        with systems.opened(found, journal) as runner:
            answers = runner.answers(texts[:2])
    assert [answer.output for answer in answers] == ["0", "1"]


def test_a_key_that_is_not_set_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    found = asking(tmp_path, "http://127.0.0.1:9")
    with (
        pytest.raises(CannotRun, match="variable ANTHROPIC_API_KEY is not set"),
        systems.opened(found, None),
    ):
        pass


def test_an_input_without_the_field_is_an_error_and_costs_nothing(tmp_path: Path) -> None:
    with (
        endpoint_with() as endpoint,
        systems.opened(asking(tmp_path, endpoint.url, PRICES), None) as runner,
    ):
        first, second = runner.answers([{"kind": "shortly"}, *inputs("one")])
        assert first.error == "ValueError: the input has no field 'text'"
        assert second.output == "one"
        assert runner.spent.cost == Decimal("0.0009")
    assert len(endpoint.requests) == 1
