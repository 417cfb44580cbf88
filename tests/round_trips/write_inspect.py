"""Runs an eval with Inspect AI on a model that answers from a list; prints its own figures.

python write_inspect.py FOLDER writes the same log in both of its formats, and prints a line for
each. Run by test_round_trips.py in an environment that has Inspect AI.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver

RECORDS, EPOCHS = 12, 2
BROKEN = "T7"


@solver
def failing() -> Solver:
    """Raises on one sample, as a tool that cannot be reached does."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id == BROKEN:
            raise RuntimeError("the tool cannot be reached")
        return state

    return solve


def answer(number: int) -> str:
    return "wrong" if number % 4 == 0 else str(2 * number)


def answers(messages: list[Any], *_settings: Any) -> ModelOutput:
    """The answer to the last message, whichever sample is asked first."""
    number = int(messages[-1].text.split()[-1])
    output = ModelOutput.from_content("mockllm/model", answer(number))
    output.usage = ModelUsage(input_tokens=3, output_tokens=1)  # else they are counted, by network
    return output


def task() -> Task:
    samples = [
        Sample(
            input=f"Twice {n}",
            target=str(2 * n),
            id=f"T{n}",
            metadata={"lang": "de" if n % 3 == 0 else "en"},
        )
        for n in range(RECORDS)
    ]
    return Task(
        dataset=samples,
        solver=[failing(), generate()],
        scorer=match(location="exact"),
        epochs=EPOCHS,
        fail_on_error=False,
    )


def main(folder: str) -> None:
    model = get_model("mockllm/model", custom_outputs=answers)
    for form in ("eval", "json"):
        (log,) = evaluate(task(), model=model, log_dir=folder, log_format=form, display="none")
        scored = [one for one in log.samples if one.scores]
        figures = {
            "location": log.location,
            "samples": len(log.samples),
            "errors": sum(one.error is not None for one in log.samples),
            "right": sum(one.scores["match"].value == "C" for one in scored),
            "scored": len(scored),
            "accuracy": log.results.scores[0].metrics["accuracy"].value,
            "tasks": sorted({one.id for one in log.samples}),
        }
        print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
