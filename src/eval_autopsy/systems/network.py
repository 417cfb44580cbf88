"""Calls over the network, within bounds that the client's library does not set by itself.

1. A deadline for the whole attempt: a client's own timeouts are for each read, so that an answer
   that drips never ends.
2. A limit of bytes on what is read, which is never unpacked: a packed answer can be of any size.
3. No redirects, and no proxies or passwords from the environment.
4. An address that is not public is refused, unless the case allows it; the address that was looked
   at is the one that is connected to.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx2

from eval_autopsy import kernel
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.journal import Reply
from eval_autopsy.systems.template import NoField

T = TypeVar("T")

BUSY = {408, 409, 425, 429, 500, 502, 503, 504, 529}  # answers that say: ask again
MISPLACED = {401, 403, 404, 405, 407}  # that no other input would change


class TooLong(httpx2.TransportError):
    """An answer of more bytes than allowed."""


class Refused(httpx2.TransportError):
    """An address that the case does not allow."""


class Bounded(httpx2.AsyncBaseTransport):
    """The library's transport, held to what stands at the top."""

    def __init__(self, bounds: Bounds, allow_private: bool) -> None:
        limits = httpx2.Limits(max_connections=bounds.concurrency)
        self.inner = httpx2.AsyncHTTPTransport(trust_env=False, limits=limits)
        self.limit, self.allow_private = bounds.output_limit, allow_private

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.headers["Accept-Encoding"] = "identity"
        response = await self._sent(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise TooLong("the answer is packed, though that was not asked for")
        stream = Capped(response.stream, self.limit)  # type: ignore[arg-type]
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=stream,
            extensions=response.extensions,
        )

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        """The answer from the first of the host's addresses that takes the connection."""
        url = request.url
        *others, last = await addresses_of(url.host, url.port, self.allow_private)
        for address in others:
            request.url = url.copy_with(host=address)  # the Host header keeps the name
            with suppress(httpx2.ConnectError):
                return await self.inner.handle_async_request(request)
        request.url = url.copy_with(host=last)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


class Capped(httpx2.AsyncByteStream):
    """A stream that ends with an error after so many bytes."""

    def __init__(self, inner: httpx2.AsyncByteStream, limit: int) -> None:
        self.inner, self.limit = inner, limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self.limit
        async for piece in self.inner:
            left -= len(piece)
            if left < 0:
                raise TooLong(f"the system gave more than {self.limit:,} bytes")
            yield piece

    async def aclose(self) -> None:
        await self.inner.aclose()


async def addresses_of(host: str, port: int | None, allow_private: bool) -> list[str]:
    """The addresses of a host. Raises Refused when one of them is not public."""
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpx2.ConnectError(f"{host} is not known: {error.strerror}") from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    for address in addresses:
        if not allow_private and not is_public(address):
            raise Refused(f"{host} is {address}, an address that is not public")
    return addresses


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, also when it is written as IPv6."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_global)


class Loop:
    """An event loop in a thread of its own, as callers may have one that runs already."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


@contextmanager
def connected(bounds: Bounds, allow_private: bool) -> Iterator[tuple[Loop, httpx2.AsyncClient]]:
    """A loop, and a client in it that is held to the bounds."""
    loop = Loop()
    client = httpx2.AsyncClient(
        transport=Bounded(bounds, allow_private),
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # the deadline is for the whole attempt
    )
    try:
        yield loop, client
    finally:
        loop.begin(client.aclose()).result()
        loop.close()


Attempt = Callable[[object, str], Awaitable[Reply]]  # at an input, under a key


class Line:
    """One call at a time over the network; what goes wrong on the way becomes a reply."""

    def __init__(self, loop: Loop, attempt: Attempt, bounds: Bounds) -> None:
        self.loop, self.attempt, self.bounds = loop, attempt, bounds
        self.under_way: Future[Reply] | None = None

    def ask(self, value: object, key: str) -> Reply:
        self.under_way = self.loop.begin(self._bounded(value, key))
        return self.under_way.result()

    async def _bounded(self, value: object, key: str) -> Reply:
        try:
            async with asyncio.timeout(self.bounds.timeout):
                return await self.attempt(value, key)
        except NoField as error:
            return failed("ValueError", str(error))
        except TimeoutError:
            return unreached("TimeoutError", f"no answer in {self.bounds.timeout:g} s")
        except httpx2.TransportError as error:
            return troubled(error)

    def stop(self) -> None:
        if self.under_way is not None:
            self.under_way.cancel()


def failed(kind: str, message: str, cost: Decimal | None = Decimal(0)) -> Reply:
    """The reply to an input that the system was given, and failed on."""
    return Reply(kernel.Answer(kernel.MISSING, f"{kind}: {message}"), cost=cost)


def unreached(kind: str, message: str, cost: Decimal | None = None) -> Reply:
    """The reply when the system may not have seen the input, or not to its end."""
    answer = kernel.Answer(kernel.MISSING, f"{kind}: {message}")
    return Reply(answer, kept=False, retry=True, cost=cost)


def troubled(error: BaseException) -> Reply:
    """The reply for an exception of the transport."""
    if isinstance(error, Refused):
        remedy = "say allow_private = true, if it is meant"
        raise CannotRun(str(error), where="[system]", remedy=remedy)
    if isinstance(error, TooLong):
        return failed("OutputLimit", str(error), cost=None)
    cost = Decimal(0) if isinstance(error, httpx2.ConnectError) else None
    words = str(error) or type(error).__name__
    return unreached("ConnectionError", words, cost)


def refused(status: int, headers: Mapping[str, str], says: str, where: str) -> Reply:
    """The reply to a status that is no answer. Raises CannotRun for what any input would get."""
    what = f"the endpoint says {status}{': ' if says else ''}{says}"
    if status in MISPLACED:
        raise CannotRun(what, where=where, remedy="check the URL, the model and the key")
    if 300 <= status < 400:
        to = headers.get("location", "nowhere")
        raise CannotRun(f"the endpoint redirects to {to}", where=where, remedy="name that URL")
    answer = kernel.Answer(kernel.MISSING, f"HTTPError: {what}")
    again = status in BUSY or status >= 500
    return Reply(answer, kept=False, retry=again, wait=asked_to_wait(headers) if again else None)


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds that an endpoint asks to wait; None when it does not say, or not clearly."""
    text = headers.get("retry-after", "")
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def secret(variable: str, where: str) -> str:
    """The value of an environment variable. Raises CannotRun when it is not set."""
    value = os.environ.get(variable, "")
    if not value:
        what = f"the environment variable {variable} is not set"
        raise CannotRun(what, where=where, remedy=f"set {variable}, and run it again")
    return value
