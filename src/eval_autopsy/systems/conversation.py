"""A conversation with a model of Anthropic's that stops before it takes too long or costs too much.

1. An attempt is made only when the most that it can cost still fits under the limit, and it is
   over before the time is.
2. An answer that did not come, or not to its end, is asked for again, RETRIES times. Each attempt
   is paid for: the endpoint may have counted it.
3. A wait that would outlast the time is not begun.
4. Every attempt is told of before it is made, and what came of it before anything follows from it.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import anthropic
import httpx2
from anthropic.types import Message

from eval_autopsy import kernel
from eval_autopsy.case.model import Prices
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.journal import Reply
from eval_autopsy.systems.kinds import OutOfBounds
from eval_autopsy.systems.network import Loop, connected, refused, secret, troubled, unreached
from eval_autopsy.systems.prompt import HIDDEN, cost_of, most_of, tokens_of
from eval_autopsy.systems.runner import Purse

KEY = "ANTHROPIC_API_KEY"
WHERE = "the Messages endpoint"
RETRIES = 5
PATIENCE = 300.0  # seconds that one answer may take
UNSENT = {"parsed_output"}  # of a text, which is the library's own
TURN = 0.2  # seconds between two looks at whether there was an interruption

Json = dict[str, Any]
Tell = Callable[[str, Mapping[str, Any]], None]  # of what kind, and what


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Whom to ask, and within which bounds."""

    model: str
    until: float  # as time.monotonic() counts
    max_tokens: int  # of one answer
    prices: Prices | None = None
    cost_limit: Decimal | None = None  # in the currency of the prices
    patience: float = PATIENCE


@dataclass(slots=True)
class Taken:
    """What a conversation took so far."""

    attempts: int = 0
    tokens: Counter[str] = field(default_factory=Counter)


class Answered(NamedTuple):
    """A message of the model."""

    content: list[Json]  # its parts, as they are sent back
    stop: str | None  # why it stopped, as the endpoint names it
    usage: Json  # the tokens, as the endpoint counted them


class Conversation:
    """Messages to one model, one after the other. `taken` says what they took."""

    def __init__(
        self, terms: Terms, fixed: Mapping[str, Any], loop: Loop, client: httpx2.AsyncClient
    ) -> None:
        self.terms, self.fixed, self.loop = terms, fixed, loop
        self.prices = terms.prices or Prices()
        self.purse = Purse(terms.cost_limit, Decimal(0))
        self.taken = Taken()
        self.counted, self.size = HIDDEN, 0  # tokens of the last request, and its bytes
        self.client = anthropic.AsyncAnthropic(
            api_key=secret(KEY, "--model"), http_client=client, max_retries=0, timeout=None
        )

    @property
    def cost(self) -> Decimal:
        """What it cost so far, at most: an attempt that is under way counts as its most."""
        return self.purse.spent

    def reply(self, messages: Sequence[Json], tell: Tell) -> Answered:
        """The model's next message.

        Raises OutOfBounds when an attempt could pass a bound, and CannotRun when the endpoint does
        not give an answer.
        """
        request = {**self.fixed, "messages": list(messages)}
        size = len(kernel.canonical(request).encode("utf-8"))
        # The endpoint has said how many tokens the part was that it knows; of the rest, a token is
        # at least one byte.
        tokens = self.counted + size - self.size
        most = most_of(tokens, self.terms.max_tokens, self.prices)
        attempt = 1
        while not isinstance(found := self._attempt(request, most, attempt, tell), Message):
            if not found.retry or attempt > RETRIES:
                what = f"no answer in {attempt} attempts, the last with {found.answer.error}"
                remedy = "run it again: it goes on where it stopped"
                raise CannotRun(what, where=WHERE, remedy=remedy)
            self._back_off(found, attempt)
            attempt += 1
        self.counted, self.size = sum(tokens_of(found).values()), size
        return Answered(said_by(found), found.stop_reason, found.usage.to_dict())

    def _attempt(
        self, request: Mapping[str, Any], most: Decimal, attempt: int, tell: Tell
    ) -> Message | Reply:
        """One attempt, paid for and told of before and after."""
        left = self.terms.until - time.monotonic()
        if left <= 0:
            raise OutOfBounds("the time allowed is used up", where="--max-seconds")
        self._reserve(most)
        tell("asked", {"attempt": attempt, "most": f"{most:f}"} if self.terms.prices else {})
        self.taken.attempts += 1
        found = self._waited(request, min(left, self.terms.patience))
        cost = cost_of(found, self.prices) if isinstance(found, Message) else found.cost
        cost = most if cost is None else cost
        self.purse.settle(most, cost)
        if isinstance(found, Message):
            self.taken.tokens.update(tokens_of(found))
        else:
            tell("failed", {"attempt": attempt, "why": found.answer.error, "cost": f"{cost:f}"})
        return found

    def _reserve(self, most: Decimal) -> None:
        if not self.purse.reserve(most):
            what = f"the next answer can cost up to {most:f}, and {self.purse.spent:f} is spent"
            raise OutOfBounds(f"{what} of {self.purse.limit:f}", where="--max-cost")

    def _waited(self, request: Mapping[str, Any], seconds: float) -> Message | Reply:
        """What an attempt came to. In turns, so that an interruption is seen; it ends the call."""
        under_way = self.loop.begin(self._bounded(request, seconds))
        try:
            while True:
                with suppress(TimeoutError):
                    return under_way.result(TURN)
        finally:
            under_way.cancel()

    async def _bounded(self, request: Mapping[str, Any], seconds: float) -> Message | Reply:
        try:
            async with asyncio.timeout(seconds), self.client.messages.stream(**request) as stream:
                message = await stream.get_final_message()
            _check_sendable(said_by(message))
        except TimeoutError:
            return unreached("TimeoutError", f"no answer in {seconds:.3g} s")
        except anthropic.APIStatusError as error:
            return _status(error)
        except anthropic.APIConnectionError as error:
            return troubled(error.__cause__ or error)
        except httpx2.TransportError as error:
            return troubled(error)
        except (AssertionError, RuntimeError, ValueError) as error:
            # What makes no message, or none that could be sent back: events that are missing or in
            # another order, arguments of a tool that are no object, half a character.
            return unreached(type(error).__name__, str(error)[:200] or "no message")
        if message.stop_reason is None:
            return unreached("ConnectionError", "the answer ended before its end")
        return message

    def _back_off(self, reply: Reply, attempts: int) -> None:
        """Waits as the endpoint asks, or twice as long each time; not beyond the time."""
        pause = min(0.5 * 2 ** (attempts - 1), 30) * random.uniform(0.5, 1)
        pause = pause if reply.wait is None else reply.wait
        if time.monotonic() + pause >= self.terms.until:
            what = f"the endpoint has to be waited for ({reply.answer.error})"
            raise OutOfBounds(f"{what}, longer than the time allowed", where="--max-seconds")
        time.sleep(pause)


def said_by(message: Message) -> list[Json]:
    """The content of a message as it is sent back, and kept."""
    return [
        block.model_dump(mode="json", exclude_none=True, exclude=UNSENT, warnings=False)
        for block in message.content
        if block.type != "text" or block.text.strip()  # which the endpoint would not take back
    ]


def _check_sendable(content: Sequence[Json]) -> None:
    """Raises ValueError for content that the endpoint would not take back."""
    json.dumps(content, allow_nan=False, ensure_ascii=False).encode("utf-8")
    for part in content:
        if part["type"] == "tool_use" and not isinstance(part["input"], dict):
            raise ValueError("a tool is called with what is no object")


def _status(error: anthropic.APIStatusError) -> Reply:
    """What an answer that is an error comes to, also one in the midst of another."""
    if error.status_code < 300:
        return unreached("HTTPError", f"the endpoint broke off: {error.message}")
    headers = {name.lower(): text for name, text in error.response.headers.items()}
    return refused(error.status_code, headers, error.message[:200], WHERE)


@contextmanager
def conversation(terms: Terms, told: Mapping[str, Any]) -> Iterator[Conversation]:
    """A conversation in which the model is `told` a `system` prompt, and of its `tools`.

    The key is ANTHROPIC_API_KEY, and the endpoint ANTHROPIC_BASE_URL where that is set. What was
    said before is cached at the endpoint, unless the cost is bounded and the price of that is not
    named. Raises CannotRun without a key.
    """
    known = terms.prices is None or None not in (terms.prices.cache_read, terms.prices.cache_write)
    caching = {"cache_control": {"type": "ephemeral"}} if known else {}
    fixed = {"model": terms.model, "max_tokens": terms.max_tokens, **told, **caching}
    with connected(Bounds(), allow_private=True) as (loop, client):
        yield Conversation(terms, fixed, loop, client)
