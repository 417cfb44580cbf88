"""Messages to a model of Anthropic's in batches, at half the price of single ones."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import TimeoutError as NotYet
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import anthropic
import httpx2
from anthropic.types.messages import MessageBatchIndividualResponse

from eval_autopsy import kernel
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.batches import Call, Unreached
from eval_autopsy.systems.journal import Called, Reply
from eval_autopsy.systems.network import Loop, Refused, failed, refused, troubled
from eval_autopsy.systems.prompt import Prompt, cost_of, tokens_of
from eval_autopsy.systems.template import NoField

T = TypeVar("T")

PRICE = Decimal("0.5")  # of that of single messages
LARGE = 600.0  # seconds, for what has all inputs or all answers in it
WHERE = "[system.claude] batch"
MOST, LARGEST = 10_000, 100 * 10**6  # inputs of a batch, and bytes of their requests
RESULTS = 2**30  # bytes of all answers together


class PromptBatch:
    """The batches of one prompt."""

    def __init__(self, prompt: Prompt, loop: Loop, bounds: Bounds, wait: float) -> None:
        self.prompt, self.loop, self.timeout, self.wait = prompt, loop, bounds.timeout, wait
        self.client = prompt.client.messages.batches

    def split(self, calls: Sequence[Call]) -> tuple[list[list[Call]], list[Called]]:
        parts: list[list[Call]] = []
        without = []
        room = 0
        for key, value in calls:
            try:
                size = len(kernel.canonical(self.prompt.request(value)).encode("utf-8"))
            except NoField as error:
                reply = failed("ValueError", str(error))
                without.append(Called(key, reply, 1, Decimal(0), 0.0))
                continue
            if not parts or size > room or len(parts[-1]) == MOST:
                parts.append([])
                room = LARGEST
            parts[-1].append((key, value))
            room -= size
        return parts, without

    def most(self, value: object) -> Decimal:
        return PRICE * self.prompt.most(value)

    def send(self, calls: Sequence[Call]) -> str:
        requests: list[Any] = [
            {"custom_id": key, "params": self._params(value)} for key, value in calls
        ]
        return self._over(self.client.create(requests=requests), LARGE).id

    def has_ended(self, name: str) -> bool:
        async def read() -> bool:
            try:
                return (await self.client.retrieve(name)).processing_status == "ended"
            except anthropic.NotFoundError:
                return True

        return self._over(read(), self.timeout)

    def results(self, name: str) -> Mapping[str, Reply]:
        async def read() -> dict[str, Reply]:
            try:
                lines = await self.client.results(name)
            except anthropic.NotFoundError:
                return {}
            except anthropic.APIError:
                raise
            except anthropic.AnthropicError:  # its results were kept for a time, which is over
                return {}
            return {one.custom_id: self._reply(one) async for one in lines}

        return self._over(read(), LARGE)

    def since(self, when: datetime, size: int) -> Sequence[str]:
        async def read() -> list[str]:
            found = []
            async for one in self.client.list(limit=100):  # the latest first
                if one.created_at < when:
                    break
                counts = one.request_counts.to_dict().values()
                if sum(n for n in counts if isinstance(n, int)) == size:
                    found.append(one.id)
            return found

        return self._over(read(), LARGE)

    def _params(self, value: object) -> dict[str, Any]:
        request = self.prompt.request(value)
        options: dict[str, Any] = request.pop("options")
        return {**request, **options}

    def _reply(self, one: MessageBatchIndividualResponse) -> Reply:
        """What came of one input. One that failed, or was not come to, costs nothing."""
        result = one.result
        if result.type == "succeeded":
            message = result.message
            cost = PRICE * cost_of(message, self.prompt.prices)
            return Reply(self.prompt.answer(message), cost=cost, tokens=tokens_of(message))
        if result.type == "errored":
            error = result.error.error
            said = f"BatchError: {error.type}: {error.message[:200]}"
        else:
            said = f"BatchError: {result.type}"
        return Reply(kernel.Answer(kernel.MISSING, said), kept=False)

    def _over(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """What comes of a request. Raises Unreached; CannotRun for what would come again."""
        future = self.loop.begin(_bounded(work, seconds))
        while True:
            try:
                # In turns: Polars handles Ctrl-C so that a wait without an end would not see it.
                return future.result(timeout=0.2)
            except NotYet:
                if future.done() and isinstance(future.exception(), NotYet):
                    raise Unreached(f"no answer in {seconds:g} s") from None
            except anthropic.APIStatusError as error:
                raise self._status(error) from None
            except anthropic.APIConnectionError as error:
                raise _troubled(error.__cause__ or error) from None
            except httpx2.TransportError as error:
                raise _troubled(error) from None
            except BaseException:
                future.cancel()
                raise

    def _status(self, error: anthropic.APIStatusError) -> Exception:
        headers = {name.lower(): text for name, text in error.response.headers.items()}
        reply = refused(error.status_code, headers, error.message[:200], WHERE)
        if reply.retry:
            return Unreached(str(reply.answer.error), reply.wait)
        remedy = "look at the request, and at what the endpoint says of batches"
        return CannotRun(str(reply.answer.error), where=WHERE, remedy=remedy)


async def _bounded(work: Coroutine[Any, Any, T], seconds: float) -> T:
    async with asyncio.timeout(seconds):
        return await work


def _troubled(error: BaseException) -> Exception:
    if isinstance(error, Refused):
        troubled(error)  # raises what says how to allow it
    return Unreached(f"ConnectionError: {error or type(error).__name__}")
