"""The runner of evals/ in the real client, with a scripted model in place of a real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from evals.broken import GREETINGS, systems
from evals.run import Model, fresh_client, investigated, prompts, started

from .literal_model import Judgement, LiteralModel
from .real_client import PLUGIN, Client
from .scripted_endpoint import Say, ScriptedEndpoint, Use


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    return fresh_client(tmp_path_factory.mktemp("evals"))


class Greeted(LiteralModel):
    """Follows the prompts, and shrinks the first message of production that has a greeting."""

    def __init__(self, work: Path, hypothesis: str) -> None:
        super().__init__(work, Judgement(hypothesis=hypothesis, record=""))

    def __call__(self, request: dict[str, object]) -> Say | Use:
        lines = (self.work / "tickets" / "production.jsonl").read_text().splitlines()
        rows = map(json.loads, lines)
        first = next(row["id"] for row in rows if row["text"].startswith(GREETINGS))
        self.judgement = self.judgement._replace(record=first)
        return super().__call__(request)


def test_an_investigation_is_graded_by_what_was_planted(client: Client) -> None:
    (tickets,) = (one for one in systems() if one.id == "tickets")
    model = Greeted(client.work, "--statement 'It reads the first line.' --breaks add_preamble")
    with ScriptedEndpoint(model) as endpoint:
        grade = investigated(client, tickets, Model(endpoint.url, "test", None))
    assert endpoint.troubles == []
    assert (grade.found, grade.certified) == (True, True)
    assert grade.cost is not None


def test_what_a_prompt_starts_is_what_the_client_was_asked_to_start(client: Client) -> None:
    (prompt,) = (one for one in prompts() if one.id == "graders-disagree")
    script: Iterator[Say | Use] = iter(
        [
            Use("Bash", {"command": "ls logs", "description": "Look around"}),
            Use("Skill", {"skill": f"{PLUGIN}:tool-eval"}),
            Say("done"),
        ]
    )
    with ScriptedEndpoint(lambda request: next(script)) as endpoint:
        result = started(client, prompt, Model(endpoint.url, "test", None))
    assert (result.names, result.right) == (("tool-eval",), True)


def test_a_prompt_that_never_comes_to_an_end_is_cut_off_and_counts_as_it_is(client: Client) -> None:
    (prompt,) = (one for one in prompts() if one.id == "graders-disagree")
    endless = Use("Bash", {"command": "ls logs", "description": "Look around"})
    with ScriptedEndpoint(lambda request: endless) as endpoint:
        result = started(client, prompt, Model(endpoint.url, "test", None))
    assert (result.names, result.right) == ((), False)
    assert len(endpoint.requests) < 10


def test_the_model_cannot_read_what_was_planted(client: Client) -> None:
    assert list(client.copy.rglob("systems.jsonl")) == []
