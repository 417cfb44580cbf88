"""An endpoint that takes JSON by POST, and answers with JSON."""

from __future__ import annotations

import httpx2

from eval_autopsy import kernel
from eval_autopsy.case.model import Http
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.systems.journal import Reply
from eval_autopsy.systems.kinds import cost_of_a_call
from eval_autopsy.systems.network import failed, refused, secret
from eval_autopsy.systems.processes import value_of
from eval_autopsy.systems.template import filled, found_at

SAYS = 200  # characters of an answer that is an error


class Endpoint:
    """One endpoint, and how an input is put to it."""

    def __init__(self, says: Http, bounds: Bounds, client: httpx2.AsyncClient) -> None:
        self.says, self.client, self.cost = says, client, cost_of_a_call(bounds)
        secrets = {
            name: secret(variable, f"[system.http] headers_env {name}")
            for name, variable in says.headers_env.items()
        }
        self.headers = {"Content-Type": "application/json", **says.headers, **secrets}

    async def attempt(self, value: object, key: str) -> Reply:
        body = kernel.canonical(filled(self.says.body, value)).encode("utf-8")
        headers = dict(self.headers)
        if self.says.idempotency_header:
            headers[self.says.idempotency_header] = key
        request = self.client.stream("POST", self.says.url, content=body, headers=headers)
        async with request as response:
            raw = b"".join([piece async for piece in response.aiter_raw()])
        if not response.is_success:
            says = raw.decode("utf-8", "replace")[:SAYS].strip()
            return refused(response.status_code, response.headers, says, "[system.http] url")
        return self._reply(raw)

    def _reply(self, raw: bytes) -> Reply:
        answer = value_of(raw)
        path = self.says.output
        if answer.error is not None or path is None:
            return Reply(answer, cost=self.cost)
        output = found_at(answer.output, path)
        if output is kernel.MISSING:
            return failed("ValueError", f"the answer has nothing at {path!r}", self.cost)
        return Reply(kernel.Answer(output), cost=self.cost)
