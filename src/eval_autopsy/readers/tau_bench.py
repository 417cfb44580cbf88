"""tau-bench: trajectories of an agent that serves a simulated user, and those of its successor.

1. The trials of a task are records of their own that share a cluster.
2. A reward of 1 is right, one of 0 is wrong. Forks give parts of it: these stay a score, and are
   no verdict.
3. tau-bench writes a run that raised as a reward of 0 with the error in `info`: it is an error. A
   conversation that did not come to its end has a reward of 0 as well, and no `reward_info`; that
   is the agent's and is wrong, and `finished` tells it from the rest.
4. tau2-bench leaves runs that infrastructure or a full context ended out of its means; they are
   errors, and so are those that the simulated user or the harness broke off, which it counts as 0.
   Where its grader raised it writes a reward of 0 too: the grader has failed. Where a task has no
   criteria it writes 1 for nothing: nobody has scored it.

What is said of tau2-bench is from its source (`data_model/simulation.py`, `evaluator/evaluator.py`)
and not from files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers import json_items, messages
from eval_autopsy.readers.exports import First, export
from eval_autopsy.readers.heads import first_object
from eval_autopsy.readers.log_values import (
    Repeats,
    amount,
    attributes,
    mapping,
    number,
    sequence,
    text,
    verdict,
)
from eval_autopsy.readers.logs import Aside, Item, Needs, Note, Reported, Sample
from eval_autopsy.readers.opened import Lines
from eval_autopsy.registry import reader

NOT_THE_AGENTS = (
    "infrastructure_error",
    "context_window_exceeded",
    "user_error",
    "unexpected_error",
)
NO_CRITERIA = "No evaluation criteria"


def _trial(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _said(trajectory: list[Any]) -> Any:
    return messages.last_answer(trajectory) or MISSING


# ---------------------------------------------------------------- tau-bench


def _is_tau(first: First) -> bool:
    return {"task_id", "reward", "traj"} <= first.keys()


@export("tau_bench", known=_is_tau)
def tau_bench(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
    """One sample for each trial of a task of tau-bench, with the messages as steps."""
    repeats = Repeats()
    for row in rows:
        task = text(row.fields.get("task_id"))
        if task.strip():
            yield _run(row, task, repeats)
        else:
            yield Aside(row.line, "it has no task_id")


def _run(row: kernel.Row, task: str, repeats: Repeats) -> Sample:
    run = row.fields
    info, trajectory = mapping(run.get("info")), sequence(run.get("traj"))
    wanted, error = mapping(info.get("task")), text(info.get("error"))
    parts = mapping(mapping(info.get("reward_info")).get("info"))
    return Sample(
        at=row.line,
        id=repeats.name(task, _trial(run.get("trial"))),
        cluster=task,
        input=wanted.get("instruction", MISSING),
        expected={key: wanted[key] for key in ("actions", "outputs") if key in wanted} or MISSING,
        output=_said(trajectory),
        score=None if error else verdict(run.get("reward")),
        scores=_rewards(run.get("reward"), parts),
        error=error,
        steps=trajectory,
        attributes=attributes(
            {
                "trial": run.get("trial"),
                "finished": isinstance(info.get("reward_info"), dict),
                "messages": len(trajectory),
                "user_cost": info.get("user_cost"),
                **_gold(wanted.get("actions")),
            }
        ),
    )


def _rewards(reward: Any, parts: dict[str, Any]) -> dict[str, Any]:
    """The reward, and the parts that it was made of, such as `r_actions`."""
    found = {"reward": reward} if number(reward) is not None else {}
    return found | {key: part for key, part in parts.items() if _is_score(part)}


def _is_score(value: Any) -> bool:
    return isinstance(value, bool) or number(value) is not None


def _gold(actions: Any) -> dict[str, Any]:
    """How many calls a task takes, and of which tools."""
    if not isinstance(actions, list):
        return {}
    names = [text(mapping(action).get("name")) for action in actions]
    return {"expected_actions": len(names), "expected_tools": sorted({*names})}


# ---------------------------------------------------------------- tau2-bench


class Run(NamedTuple):
    """What is known of all simulations of a tau2-bench file."""

    info: dict[str, Any]
    tasks: dict[str, dict[str, Any]]  # kept whole, by id


def _is_tau2(head: bytes) -> bool:
    info = first_object(head, "info")
    known = {"git_commit", "num_trials", "user_info", "agent_info"} <= info.keys()
    return known and head[:1] == b"{"


@reader("tau2_bench", sniff=_is_tau2, yields="samples")
def tau2_bench(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each simulation of a results file of tau2-bench; it keeps the tasks."""
    run = Run({}, {})
    repeats = Repeats()
    found = 0
    arrays = ("tasks", "simulations", "simulation_index")
    for part in json_items.parts(stream, name, arrays):
        if part.path == "info":
            run.info.update(mapping(part.value))
        elif part.path == "tasks":
            run.tasks[text(mapping(part.value).get("id"))] = mapping(part.value)
        elif part.path == "simulations" or (part.path == "simulation_index" and part.at):
            item = _simulation(part, run, repeats)
            found += isinstance(item, Sample)
            yield item
        if part.path == "simulation_index" and part.at == 1:
            yield Note("the messages of each simulation are in the folder simulations/")
    yield from _counted(run)
    if not found:
        yield Needs("samples", "the run's results.json with its simulations, or simulation_index")


def _counted(run: Run) -> Iterator[Reported]:
    trials = number(run.info.get("num_trials"))
    if trials is not None and run.tasks:
        yield Reported("samples", trials * len(run.tasks), "info.num_trials, for each of the tasks")


def _simulation(part: json_items.Part, run: Run, repeats: Repeats) -> Sample | Aside:
    simulation = mapping(part.value)
    name = text(simulation.get("task_id"))
    if not name.strip():
        return Aside(part.at, "it has no task_id")
    task = run.tasks.get(name, {})
    criteria = mapping(task.get("evaluation_criteria"))
    graded = mapping(simulation.get("reward_info"))
    reward = graded.get("reward", simulation.get("reward"))  # in the index it stands alone
    error, grader_error = _error(simulation), text(mapping(graded.get("info")).get("error"))
    scored = not error and not grader_error and _note(graded) != NO_CRITERIA
    trajectory = sequence(simulation.get("messages"))
    return Sample(
        at=part.at,
        id=repeats.name(name, _trial(simulation.get("trial"))),
        cluster=name,
        input=_asked(task),
        expected={key: value for key, value in criteria.items() if value} or MISSING,
        output=_said(trajectory),
        score=verdict(reward) if scored else None,
        scores=_rewards(reward, mapping(graded.get("reward_breakdown"))),
        error=error,
        grader_error=grader_error,
        timestamp=text(simulation.get("start_time") or simulation.get("timestamp")) or None,
        latency=amount(simulation.get("duration")),
        cost=amount(simulation.get("agent_cost")),
        steps=trajectory,
        attributes=_described(simulation, run, criteria),
    )


def _error(simulation: dict[str, Any]) -> str:
    reason = simulation.get("termination_reason")
    if reason not in NOT_THE_AGENTS:
        return ""
    said = text(mapping(simulation.get("info")).get("error"))
    return f"{reason}: {said}" if said else str(reason)


def _note(graded: dict[str, Any]) -> Any:
    return mapping(graded.get("info")).get("note")


def _asked(task: dict[str, Any]) -> Any:
    scenario = mapping(task.get("user_scenario"))
    return scenario.get("instructions") or task.get("ticket") or MISSING


def _described(simulation: dict[str, Any], run: Run, criteria: dict[str, Any]) -> dict[str, Any]:
    agent, user = mapping(run.info.get("agent_info")), mapping(run.info.get("user_info"))
    return attributes(
        {
            "model": agent.get("llm"),
            "user_model": user.get("llm"),
            "domain": mapping(run.info.get("environment_info")).get("domain_name"),
            "trial": simulation.get("trial"),
            "mode": simulation.get("mode"),
            "termination_reason": simulation.get("termination_reason"),
            "user_cost": simulation.get("user_cost"),
            "reward_basis": criteria.get("reward_basis"),
            **_gold(criteria.get("actions")),
        }
    )
