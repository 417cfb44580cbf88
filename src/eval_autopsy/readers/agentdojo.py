"""AgentDojo: the log of one user task, alone or with an attack; the files of a folder are a run.

1. The verdict is `utility`, whether the user's task was solved. `security` is true where the goal
   of the attack was reached. Without an attack the tool always writes true: it is then no score.
2. A task that was skipped because the context was full or the server failed has its error, and no
   verdict, though the tool writes that the task was not solved.
3. The attacks on a user task are a cluster.

Errors and attacks are known from the tool's source alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eval_autopsy.kernel import MISSING
from eval_autopsy.readers import json_items, messages
from eval_autopsy.readers.heads import first_object
from eval_autopsy.readers.log_values import amount, attributes, text
from eval_autopsy.readers.logs import Aside, Item, Sample
from eval_autopsy.readers.opened import Lines
from eval_autopsy.registry import reader

ITS_OWN = {"suite_name", "pipeline_name", "user_task_id", "injection_task_id", "attack_type"}


def _is_task(head: bytes) -> bool:
    return head[:1] == b"{" and first_object(head).keys() >= ITS_OWN


@reader("agentdojo", sniff=_is_task, yields="samples")
def agentdojo(stream: Lines, name: str) -> Iterator[Item]:
    """The sample of one task of AgentDojo, with its messages as steps."""
    task: dict[str, Any] = {}
    steps: list[Any] = []
    for part in json_items.parts(stream, name, ("messages",)):
        if part.at:
            steps.append(part.value)
        else:
            task[part.path] = part.value
    if text(task.get("user_task_id")).strip():
        yield _sample(task, steps)
    else:
        yield Aside(1, "it has no user_task_id")


def _sample(task: dict[str, Any], steps: list[Any]) -> Sample:
    error, utility = text(task.get("error")), task.get("utility")
    user_task = f"{text(task.get('suite_name'))}/{text(task.get('user_task_id'))}"
    attack = [text(task.get(key)) for key in ("attack_type", "injection_task_id")]
    verdicts = {"utility": utility}
    if attack[1]:
        verdicts["security"] = task.get("security")
    return Sample(
        at=1,
        id="/".join([user_task, *filter(None, attack)]),
        cluster=user_task,
        input=messages.asked(steps) if steps else MISSING,
        output=messages.last_answer(steps) or MISSING,
        score=utility if isinstance(utility, bool) and not error else None,
        scores={name: value for name, value in verdicts.items() if isinstance(value, bool)},
        error=error,
        timestamp=text(task.get("evaluation_timestamp")) or None,
        latency=amount(task.get("duration")),
        system=text(task.get("pipeline_name")) or None,
        steps=steps,
        attributes=attributes(
            {
                "task": task.get("suite_name"),
                "attack": task.get("attack_type"),
                "injection_task": task.get("injection_task_id"),
                "model": task.get("pipeline_name"),
                "benchmark_version": task.get("benchmark_version"),
            }
        ),
    )
