"""mini-swe-agent: the trajectory of one instance, whose patch SWE-bench's harness evaluates.

A trajectory has no verdict: it is in the report of the run, which is written to another folder. A
run that raised is an error; one that came to its limit of steps or cost is not, and has no patch.

Known from mini-swe-agent's documentation and source (`trajectory_format` 1 and 1.1), not from a
file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy.kernel import MISSING
from eval_autopsy.readers import json_items, messages
from eval_autopsy.readers.heads import first_object
from eval_autopsy.readers.log_values import amount, attributes, mapping, text
from eval_autopsy.readers.logs import Item, Needs, Sample
from eval_autopsy.readers.opened import Lines
from eval_autopsy.readers.swe_bench import WHERE_SCORES, repository
from eval_autopsy.registry import reader


class Run(NamedTuple):
    """What a trajectory holds."""

    instance: str
    model: str  # "" when it does not say
    info: dict[str, Any]
    steps: list[Any]


def _is_trajectory(head: bytes) -> bool:
    info = first_object(head, "info") if head[:1] == b"{" else {}
    stats = mapping(info.get("model_stats"))
    own = "mini_version" in info or "config" in info
    return own and {"instance_cost", "api_calls"} <= stats.keys()


@reader("mini_swe_agent", sniff=_is_trajectory, yields="samples")
def mini_swe_agent(stream: Lines, name: str) -> Iterator[Item]:
    """The sample of one trajectory of mini-swe-agent, which the report of its run scores."""
    members: dict[str, Any] = {}
    steps: list[Any] = []
    for part in json_items.parts(stream, name, ("messages",)):
        if part.at:
            steps.append(part.value)
        else:
            members[part.path] = part.value
    instance = text(members.get("instance_id")) or Path(name).name.removesuffix(".traj.json")
    info = mapping(members.get("info"))
    model = text(mapping(mapping(info.get("config")).get("model")).get("model_name"))
    yield _sample(Run(instance, model, info, steps))
    yield Needs("scores", WHERE_SCORES)


def _sample(run: Run) -> Sample:
    stats = mapping(run.info.get("model_stats"))
    submission = run.info.get("submission")
    return Sample(
        at=1,
        id=run.instance,
        input=_task(run.steps),
        output=submission if isinstance(submission, str) else MISSING,
        error=_error(run.info),
        cost=amount(stats.get("instance_cost")),
        system=run.model or None,
        steps=run.steps,
        attributes=attributes(
            {
                "repo": repository(run.instance) or None,
                "model": run.model or None,
                "exit_status": run.info.get("exit_status"),
                "api_calls": stats.get("api_calls"),
            }
        ),
    )


def _error(info: dict[str, Any]) -> str:
    """What a run raised. It is told by its traceback: a limit that was reached leaves none."""
    if not text(info.get("traceback")):
        return ""
    return text(info.get("exception_str")) or text(info.get("exit_status")) or "the run raised"


def _task(steps: list[Any]) -> Any:
    asked = (
        messages.words(mapping(step).get("content"))
        for step in steps
        if messages.is_from_user(step)
    )
    return next((task for task in asked if task), MISSING)
