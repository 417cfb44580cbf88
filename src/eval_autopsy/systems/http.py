"""An HTTP endpoint; what needs the extra `http` is in `endpoint.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from eval_autopsy import registry
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.kinds import System, bounds_of, cost_of_a_call, digests_of, installed


@registry.system("http")
@contextmanager
def http(case: Case) -> Iterator[System]:
    """An endpoint that takes JSON by POST, as [system.http] describes."""
    bounds = case.file.system
    if bounds is None or bounds.http is None:
        raise CannotRun("the case names no endpoint", where=str(case.path))
    installed("httpx2", "http")
    from eval_autopsy.systems.endpoint import Endpoint
    from eval_autopsy.systems.network import Line, connected

    says = bounds.http
    identity = {
        "kind": "http",
        "url": says.url,
        "body": says.body,
        "output": says.output,
        "headers": says.headers,  # and not those of the environment, which are secrets
        "files": digests_of(case),
        "bounds": bounds_of(bounds),
    }
    with connected(bounds, says.allow_private) as (loop, client):
        endpoint = Endpoint(says, bounds, client)
        most = cost_of_a_call(bounds)
        yield System(
            identity=identity,
            worker=lambda: Line(loop, endpoint.attempt, bounds),
            most=lambda _: most,
        )
