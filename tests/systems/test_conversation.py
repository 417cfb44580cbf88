"""A conversation with a model on loopback: what is sent, paid and waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from eval_autopsy.case.model import Prices
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems import conversation as under_test
from eval_autopsy.systems.conversation import Conversation, Terms, conversation
from eval_autopsy.systems.kinds import OutOfBounds

from .faulty_endpoint import RETRY_AFTER, FaultyEndpoint
from .scripted_model import model, say, use, use_with

TOLD = {"system": "Be brief.", "tools": [{"name": "next", "input_schema": {"type": "object"}}]}
HELLO = [{"role": "user", "content": [{"type": "text", "text": "Hello."}]}]
PRICES = Prices(input=Decimal(3), output=Decimal(15))
COST = Decimal("0.0045")  # of an answer: (1000 * 3 + 100 * 15) / 1,000,000


class Told(list[tuple[str, Mapping[str, Any]]]):
    """What is told of each attempt."""

    def __call__(self, kind: str, says: Mapping[str, Any]) -> None:
        self.append((kind, says))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self]


@pytest.fixture(autouse=True)
def _few_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a key")
    monkeypatch.setattr(under_test, "RETRIES", 2)


@contextmanager
def talking(endpoint: FaultyEndpoint, seconds: float = 60, **terms: Any) -> Iterator[Conversation]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTHROPIC_BASE_URL", endpoint.url)
        until = time.monotonic() + seconds
        said = Terms(model="claude-test", until=until, max_tokens=500, **terms)
        with conversation(said, TOLD) as talk:
            yield talk


def test_a_request_has_the_prompt_the_tools_and_the_key() -> None:
    with model([say("Hello.")]) as endpoint, talking(endpoint) as talk:
        answered = talk.reply(HELLO, Told())
    assert answered.content == [{"type": "text", "text": "Hello."}]
    assert answered.stop == "end_turn"
    sent = endpoint.requests[0]
    assert sent.pop("stream") is True
    caching = {"cache_control": {"type": "ephemeral"}}
    asked = {"model": "claude-test", "max_tokens": 500, "messages": HELLO}
    assert sent == {**asked, **TOLD, **caching}
    assert any("a key" in value for value in endpoint.headers[0].values())


def test_nothing_is_cached_whose_price_is_not_known() -> None:
    whole = PRICES.model_copy(update={"cache_read": Decimal("0.3"), "cache_write": Decimal(4)})
    with model([say("Hello.")]) as endpoint:
        for prices in (PRICES, whole):
            with talking(endpoint, prices=prices) as talk:
                talk.reply(HELLO, Told())
    assert ["cache_control" in one for one in endpoint.requests] == [False, True]


def test_an_attempt_is_told_of_before_it_is_made_and_so_is_what_it_came_to() -> None:
    told = Told()
    with model([say("Hello.")], ["busy"]) as endpoint, talking(endpoint, prices=PRICES) as talk:
        talk.reply(HELLO, told)
        assert (talk.taken.attempts, talk.cost) == (2, COST)
    assert told.kinds == ["asked", "failed", "asked"]
    assert "429" in told[1][1]["why"]
    assert endpoint.times[1] - endpoint.times[0] >= RETRY_AFTER


@pytest.mark.parametrize("fault", ["cut", "stalled", "dripping"])
def test_an_attempt_that_broke_off_is_paid_for_at_its_most(fault: str) -> None:
    told = Told()
    with (
        model([say("Hello.")], [fault]) as endpoint,
        talking(endpoint, prices=PRICES, patience=1.5) as talk,
    ):
        talk.reply(HELLO, told)
        most = Decimal(told[0][1]["most"])
        assert most > 10 * COST / 9
        assert talk.cost == most + COST


def test_the_limit_counts_attempts_that_broke_off() -> None:
    # One attempt can cost over 0.0135, for 500 tokens of 15 and 2000 of 3 are not to be excluded.
    terms: dict[str, Any] = {"prices": PRICES, "cost_limit": Decimal("0.02")}
    with (
        model([say("Hello.")], ["cut"] * 9) as endpoint,
        talking(endpoint, **terms) as talk,
        pytest.raises(OutOfBounds, match=r"the next answer can cost up to 0\.01.* of 0\.02"),
    ):
        talk.reply(HELLO, Told())
    assert len(endpoint.requests) == 1


def test_the_most_of_a_later_answer_goes_by_the_tokens_that_were_counted() -> None:
    told = Told()
    long = [{"role": "user", "content": [{"type": "text", "text": "a" * 50_000}]}]
    with model([say("Hello.")]) as endpoint, talking(endpoint, prices=PRICES) as talk:
        talk.reply(long, told)
        talk.reply([*long, {"role": "assistant", "content": "Hello."}, *HELLO], told)
    first, second = (Decimal(says["most"]) for kind, says in told if kind == "asked")
    assert first > Decimal("0.15")  # 50,000 bytes may be as many tokens
    assert second < Decimal("0.02")  # they were 1000


@pytest.mark.parametrize(
    "answer",
    [
        use("next")._replace(torn=True),
        use_with("next", {"skip": "\ud800"}),
        use_with("next", ["--skip"]),
        use_with("next", "skip"),
        say("\ud800"),
    ],
    ids=["torn", "half", "list", "text", "half said"],
)
def test_an_answer_that_could_not_be_sent_back_is_asked_for_again(answer: Any) -> None:
    with (
        model([answer]) as endpoint,
        talking(endpoint) as talk,
        pytest.raises(CannotRun, match="no answer in 3 attempts, the last with"),
    ):
        talk.reply(HELLO, Told())
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize("body", [b"", b"event: ping\ndata: {}\n\n", b"rubbish", b"data: [1\n\n"])
def test_events_that_make_no_message_are_asked_for_again(body: bytes) -> None:
    with (
        FaultyEndpoint(lambda _: body, kind="text/event-stream") as endpoint,
        talking(endpoint) as talk,
        pytest.raises(CannotRun, match="no answer in 3 attempts, the last with"),
    ):
        talk.reply(HELLO, Told())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("no_key", "the endpoint says 401: "),
        ("bad_request", "no answer in 1 attempts, the last with HTTPError: the endpoint says 400"),
        ("elsewhere", "the endpoint redirects to http://127.0.0.1:9/"),
        ("endless", "more than 16,777,216 bytes"),
    ],
)
def test_what_another_attempt_would_not_change_is_not_tried_again(fault: str, said: str) -> None:
    with (
        model([say("Hello.")], [fault] * 3) as endpoint,
        talking(endpoint) as talk,
        pytest.raises(CannotRun) as caught,
    ):
        talk.reply(HELLO, Told())
    assert said in str(caught.value)
    assert len(endpoint.requests) == 1


def test_the_time_ends_an_answer_that_is_under_way() -> None:
    began = time.monotonic()
    with (
        model([say("Hello.")], ["dripping"] * 9) as endpoint,
        talking(endpoint, seconds=1) as talk,
        pytest.raises(OutOfBounds),
    ):
        talk.reply(HELLO, Told())
    assert time.monotonic() - began < 2


def test_a_wait_beyond_the_time_is_not_begun() -> None:
    began = time.monotonic()
    with (
        model([say("Hello.")], ["busy"]) as endpoint,
        talking(endpoint, seconds=0.9 * RETRY_AFTER) as talk,
        pytest.raises(OutOfBounds, match="longer than the time allowed"),
    ):
        talk.reply(HELLO, Told())
    assert time.monotonic() - began < 0.9 * RETRY_AFTER


def test_without_a_key_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with (
        model([say("Hello.")]) as endpoint,
        pytest.raises(CannotRun, match="ANTHROPIC_API_KEY is not set"),
        talking(endpoint),
    ):
        pass
    assert endpoint.requests == []
