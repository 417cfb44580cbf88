"""One message to a model of Anthropic's, through its own library."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import anthropic
import httpx2
from anthropic.types import Message

from eval_autopsy import kernel
from eval_autopsy.case.model import Claude, Prices
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.systems.journal import Reply
from eval_autopsy.systems.network import refused, secret, troubled, unreached
from eval_autopsy.systems.processes import value_of
from eval_autopsy.systems.template import NoField, as_text, filled

MILLION = 10**6
HIDDEN = 2000  # tokens, more than the service adds to a request of its own accord


class Prompt:
    """What the case says of the prompt, and how an input is put to it."""

    def __init__(self, says: Claude, bounds: Bounds, client: httpx2.AsyncClient) -> None:
        self.says, self.prices = says, bounds.prices or Prices()
        self.client = anthropic.AsyncAnthropic(
            api_key=secret(says.api_key_env, "[system.claude] api_key_env"),
            base_url=says.base_url,
            http_client=client,
            max_retries=0,  # the runner's, which counts them and holds the other calls back
            timeout=bounds.timeout,
        )

    async def attempt(self, value: object, key: str) -> Reply:
        request = self.request(value)
        options = request.pop("options")
        try:
            async with self.client.messages.stream(**request, extra_body=options) as stream:
                message = await stream.get_final_message()
        except anthropic.APIStatusError as error:
            return self._status(error)
        except anthropic.APIConnectionError as error:
            return troubled(error.__cause__ or error)
        if message.stop_reason is None:  # a connection that was closed in time, so to say
            return unreached("ConnectionError", "the answer ended before its end")
        cost, tokens = cost_of(message, self.prices), tokens_of(message)
        return Reply(self.answer(message), cost=cost, tokens=tokens)

    def request(self, value: object) -> dict[str, Any]:
        """The request for an input, with what else the body has under `options`."""
        says = self.says
        messages = [
            {"role": one["role"], "content": content(filled(one["content"], value))}
            for one in says.messages
        ]
        found: dict[str, Any] = {
            "model": says.model,
            "max_tokens": says.max_tokens,
            "messages": messages,
            "options": says.options,
        }
        if says.system is not None:
            found["system"] = as_text(filled(says.system, value))
        if says.tools:
            found["tools"] = list(says.tools)
        plain: dict[str, Any] = json.loads(kernel.canonical(found))
        return plain

    def answer(self, message: Message) -> kernel.Answer:
        """What the case takes as the output of a message, or why it has none."""
        if self.says.output == "tool":
            for block in message.content:
                if block.type == "tool_use":
                    return kernel.Answer(kernel.strict_json(json.dumps(block.input)))
            return without("tool call", message)
        texts = [block.text for block in message.content if block.type == "text"]
        if not texts:
            return without("text", message)
        text = "".join(texts)
        return value_of(text.encode("utf-8")) if self.says.output == "json" else kernel.Answer(text)

    def most(self, value: object) -> Decimal:
        """What an attempt at an input can cost: a token is at least one byte of the request."""
        try:
            size = len(kernel.canonical(self.request(value)).encode("utf-8"))
        except NoField:
            return Decimal(0)  # it will not be sent
        return most_of(size + HIDDEN, self.says.max_tokens, self.prices)

    def _status(self, error: anthropic.APIStatusError) -> Reply:
        """The reply for an answer that is an error, also when it came in the midst of another."""
        if error.status_code < 300:
            return unreached("HTTPError", f"the endpoint broke off: {error.message}")
        headers = {name.lower(): text for name, text in error.response.headers.items()}
        return refused(error.status_code, headers, error.message[:200], "[system.claude]")


def content(value: Any) -> Any:
    """The content of a message: text, or a list of blocks as the case wrote it."""
    blocks = isinstance(value, list) and all(isinstance(one, dict) for one in value) and value
    return value if blocks else as_text(value)


def tokens_of(message: Message) -> dict[str, int]:
    """The tokens that a message took, by what is paid for them."""
    usage = message.usage
    found = {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cache_read": usage.cache_read_input_tokens,
        "cache_write": usage.cache_creation_input_tokens,
    }
    return {kind: n for kind, n in found.items() if n}


def cost_of(message: Message, prices: Prices) -> Decimal:
    """What a message cost, in the currency of the prices."""
    read = prices.input if prices.cache_read is None else prices.cache_read
    write = prices.input if prices.cache_write is None else prices.cache_write
    each = {
        "input": prices.input,
        "output": prices.output,
        "cache_read": read,
        "cache_write": write,
    }
    tokens = tokens_of(message)
    return prices.call + sum((each[kind] * n for kind, n in tokens.items()), Decimal(0)) / MILLION


def most_of(tokens: int, answer: int, prices: Prices) -> Decimal:
    """What a request of so many tokens, with an answer of at most so many, can cost."""
    dearest = max(prices.input, prices.cache_read or 0, prices.cache_write or 0)
    return prices.call + (tokens * dearest + answer * prices.output) / MILLION


def without(what: str, message: Message) -> kernel.Answer:
    """The error of a message that lacks what the case takes."""
    return kernel.Answer(
        kernel.MISSING, f"ValueError: an answer without {what}, ended by {message.stop_reason}"
    )
