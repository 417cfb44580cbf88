"""OpenAI Evals API: the output items of a run, as a list of the API, an array or JSON Lines.

1. An item passes when all its graders pass, as the API has it. So one that does not pass decides,
   also beside graders that failed; without such a one, a grader that failed leaves no verdict.
2. What was expected is somewhere in `datasource_item`, where each run has a name of its own for
   it. Its members become attributes, and none is taken for the expected value.

Known from the reference of the API alone; no file that it wrote was at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.exports import First, export
from eval_autopsy.readers.log_values import (
    Repeats,
    amount,
    attributes,
    inside,
    iso_time,
    mapping,
    sequence,
    text,
)
from eval_autopsy.readers.logs import Aside, Item, Sample
from eval_autopsy.readers.messages import are_messages, asked, last_answer

STATUS = {"pass": True, "passed": True, "fail": False, "failed": False}


def _are_items(first: First) -> bool:
    return first.get("object") == "eval.run.output_item"


@export("openai_evals_api", known=_are_items)
def openai_evals_api(rows: Iterator[kernel.Row], _: str) -> Iterator[Item]:
    """One sample for each output item of a run of the OpenAI Evals API."""
    ids = Repeats()
    for row in rows:
        item = row.fields
        task = text(item.get("datasource_item_id"))
        if not task or not isinstance(item.get("results"), list):
            yield Aside(row.line, "it has no datasource_item_id, or no array of results")
        else:
            yield _sample(row.line, item, task, ids.name(task))


def _sample(at: int, item: Mapping[str, Any], task: str, identity: str) -> Sample:
    sample = mapping(item.get("sample"))
    grader_errors = "; ".join(filter(None, map(_message, sequence(item["results"]))))
    error = _message(item)
    created = amount(item.get("created_at"), Decimal(1000))
    return Sample(
        at=at,
        id=identity,
        input=_said(sample.get("input"), asked),
        output=_said(sample.get("output"), last_answer),
        score=None if error else _verdict(item),
        scores=_scores(item),
        error=error,
        grader_error=grader_errors,
        timestamp=iso_time(created),
        cluster=task,
        attributes=_attributes(item, sample),
    )


def _message(holder: Any) -> str:
    """The error in the sample of an item or a grader's result; "" when there is none."""
    error = mapping(inside(holder, "sample", "error"))
    return text(error.get("message")) or text(error.get("code"))


def _said(messages: Any, taken: Any) -> Any:
    return taken(messages) if are_messages(messages) else MISSING


def _verdict(item: Mapping[str, Any]) -> bool | None:
    passed = [inside(result, "passed") for result in item["results"] if not _message(result)]
    if False in passed:
        return False
    if len(passed) == len(item["results"]) and passed and all(one is True for one in passed):
        return True
    return None if item["results"] else STATUS.get(text(item.get("status")))


def _scores(item: Mapping[str, Any]) -> dict[str, Any]:
    """The score of each grader, or whether it passed where it gives no score."""
    found: dict[str, Any] = {}
    for result in map(mapping, item["results"]):
        score = result.get("score")
        value = result.get("passed") if score is None else score
        if text(result.get("name")) and value is not None:
            found[text(result["name"])] = value
    return found


def _attributes(item: Mapping[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
    source = mapping(item.get("datasource_item"))
    about = {
        "model": text(sample.get("model")),
        "finish_reason": text(sample.get("finish_reason")),
        "input_tokens": amount(inside(sample, "usage", "prompt_tokens")),
        "output_tokens": amount(inside(sample, "usage", "completion_tokens")),
    }
    known = {name: value for name, value in about.items() if value not in (None, "")}
    return {**attributes(mapping(source.get("item")) or source), **known}
