"""What a row of MLflow's evaluation table says of a sample, however it was written.

1. MLflow has no verdict of its own, only scorers. The verdict is that of the first scorer by name
   which says true or false, yes or no, or else 1 or 0, in the first rows; a Note names the others.
   The order of the columns is no guide: it is the order in which the scorers happened to finish.
2. A scorer that failed leaves its sample without a score, unless it is not the one of the verdict.
3. The table does not say how many rows were evaluated, and rows have been lost on the way to it.
   The run's own means are over all of them; a Note says where they stand.
4. An id is the one that the inputs have, so that it is the same in another run; else the trace's.

A scorer's error, the column `trace` and columns of tokens are known from MLflow's source alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import chain, islice
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers import messages
from eval_autopsy.readers.log_values import (
    Repeats,
    amount,
    attributes,
    inner,
    iso_time,
    mapping,
    sequence,
    text,
    verdict,
)
from eval_autopsy.readers.logs import Aside, Item, Needs, Note, Sample
from eval_autopsy.readers.mlflow_cells import is_text, typed

AHEAD = 100  # rows that the verdict's scorer is chosen by
MILLISECOND = Decimal("0.001")
INPUTS = ("inputs", "input", "question", "query", "prompt", "messages", "text", "instruction")
OUTPUTS = ("predictions", "outputs", "output", "prediction", "response", "answer")
EXPECTED = ("ground_truth", "targets", "target", "expected", "reference", "label")
IDS = ("id", "uid", "example_id", "sample_id", "doc_id", "question_id", "task_id")
UNDECIDED = "unknown"  # a judge's third answer beside yes and no
WHERE_SCORES = "score the traces with mlflow.genai.evaluate, and write its result_df"

Record = dict[str, Any]


class Scorers(NamedTuple):
    """What the first rows say of the scorers: whose verdict counts, and what is no score."""

    verdict: str  # "" when none says yes or no
    others: tuple[str, ...]  # that say yes or no as well
    expectations: frozenset[str]


class Assessed(NamedTuple):
    """What was said of one row, by the name of who said it."""

    scores: dict[str, Any]
    expectations: dict[str, Any]
    failed: dict[str, str]


def samples(rows: Iterable[kernel.Row | Aside]) -> Iterator[Item]:
    """The samples of rows, each an object of columns, whatever they were written as."""
    found = _typed(rows)
    ahead = list(islice(found, AHEAD))
    scorers = _scorers([row.fields for row in ahead if isinstance(row, kernel.Row)])
    yield from _notes(scorers, ahead)
    repeats = Repeats()
    scored = False
    for row in chain(ahead, found):
        if isinstance(row, Aside):
            yield row
            continue
        sample = _sample(row, scorers, repeats)
        scored = scored or bool(sample.scores)
        yield sample
    if not scored:
        yield Needs("scores", WHERE_SCORES)


def _typed(rows: Iterable[kernel.Row | Aside]) -> Iterator[kernel.Row | Aside]:
    """The rows with the values that the cells of a table of text stand for."""
    for number, row in enumerate(rows):
        if isinstance(row, kernel.Row) and is_text(row.fields):
            yield row._replace(fields=typed(row.fields, whole=number < AHEAD))
        else:
            yield row


def _notes(scorers: Scorers, ahead: Iterable[kernel.Row | Aside]) -> Iterator[Note]:
    if scorers.others:
        others = ", ".join(scorers.others)
        yield Note(f"the score is {scorers.verdict}; these say yes or no as well: {others}")
    runs = (_run(row.fields) for row in ahead if isinstance(row, kernel.Row))
    run = next(filter(None, runs), "")
    if run:
        yield Note(
            "MLflow keeps the means over all rows that it evaluated in the run, not in the table: "
            f"hold them against it with `mlflow runs describe --run-id {run}`"
        )


def _run(record: Record) -> str:
    return text(mapping(_unwrapped(record).get("trace_metadata")).get("mlflow.sourceRun"))


def _scorers(records: list[Record]) -> Scorers:
    assessed = [_assessed(_unwrapped(record), frozenset()) for record in records]
    expectations = frozenset(name for row in assessed for name in row.expectations)
    values: dict[str, list[Any]] = {}
    for row in assessed:
        for scorer, value in row.scores.items():
            if scorer not in expectations and value != UNDECIDED:
                values.setdefault(scorer, []).append(value)
    deciding = [name for name, given in values.items() if None not in map(_says, given)]
    # 1 and 0 may also count something; true and false, yes and no do not.
    numeric = {name for name in deciding if not all(map(_in_words, values[name]))}
    ranked = sorted(deciding, key=lambda name: (name in numeric, name))
    return Scorers(ranked[0] if ranked else "", tuple(ranked[1:]), expectations)


def _in_words(value: Any) -> bool:
    return isinstance(value, (bool, str))


def _says(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"yes": True, "true": True, "no": False, "false": False}.get(value.strip().lower())
    return verdict(value)


def _unwrapped(record: Record) -> Record:
    """A record under the names of the table: of a trace, or of a table of an older release."""
    if isinstance(record.get("info"), dict):
        return _of_trace(record["info"], mapping(record.get("data")))
    return record if "trace_id" in record else _of_older_table(record)


def _of_older_table(record: Record) -> Record:
    """The row of an `eval_results_table.json`, whose columns are named as the user likes."""
    output = next((name for name in OUTPUTS if name in record), "")
    expected = next((name for name in EXPECTED if name in record), "")
    scores = {name: value for name, value in record.items() if name.endswith("/score")}
    taken = {output, expected}
    found = scores | {
        "request": {k: v for k, v in record.items() if "/" not in k and k not in taken}
    }
    if output:
        found["response"] = record[output]
    if expected:
        found["expected_response/value"] = record[expected]
    return found


def _of_trace(info: Record, data: Record) -> Record:
    root = next(
        (span for span in sequence(data.get("spans")) if not mapping(span).get("parent_span_id")),
        None,
    )
    said = mapping(mapping(root).get("attributes"))
    return {
        **info,
        "execution_duration": info.get("execution_duration_ms"),
        # The previews are cut after a thousand characters.
        "request": inner(said.get("mlflow.spanInputs", info.get("request_preview"))),
        "response": inner(said.get("mlflow.spanOutputs", info.get("response_preview"))),
        "spans": data.get("spans"),
    }


def _assessed(record: Record, expectations: frozenset[str]) -> Assessed:
    said = Assessed({}, {}, {})
    for assessment in map(mapping, sequence(record.get("assessments"))):
        name = text(assessment.get("assessment_name", assessment.get("name")))
        if assessment.get("valid") is not False:
            _assess(said, name, assessment)
    for column, value in record.items():
        name, _, part = column.rpartition("/")
        if part in ("value", "score") and name and value is not None:
            named = name in said.expectations or name in expectations
            expected = named or name.startswith("expected_")
            kept = said.expectations if expected else said.scores
            kept[re.sub(r"/v\d+$", "", name)] = value
    return said


def _assess(said: Assessed, name: str, assessment: Record) -> None:
    if isinstance(assessment.get("expectation"), dict):
        given = assessment["expectation"]
        serialized = mapping(given.get("serialized_value")).get("value")
        said.expectations[name] = given.get("value", inner(serialized))
        return
    feedback = mapping(assessment.get("feedback"))
    error = feedback.get("error", assessment.get("error"))
    if error:
        shown = mapping(error).get("error_message") or mapping(error).get("error_code") or error
        said.failed[name] = shown if isinstance(shown, str) else kernel.canonical(shown)
    elif feedback.get("value") is not None:
        said.scores[name] = feedback["value"]


def _sample(row: kernel.Row, scorers: Scorers, repeats: Repeats) -> Sample:
    record = _unwrapped(row.fields)
    said = _assessed(record, scorers.expectations)
    request = inner(record.get("request", MISSING))
    error = _error(record)
    task = _task(record, mapping(request), row.line)
    score = None if error else _says(said.scores.get(scorers.verdict))
    failed = "; ".join(f"{name}: {what}" for name, what in said.failed.items())
    first = {name: said.scores[name] for name in (scorers.verdict,) if name in said.scores}
    return Sample(
        at=row.line,
        id=repeats.name(task),
        cluster=task,
        input=_input(request),
        output=_output(record),
        expected=_expected(said.expectations),
        score=score,
        scores=first | said.scores,
        error=error,
        grader_error=failed,
        latency=amount(record.get("execution_duration"), MILLISECOND),
        timestamp=_time(record.get("request_time")),
        steps=_steps(record),
        attributes=_attributes(record, request),
    )


def _task(record: Record, request: Mapping[str, Any], at: int) -> str:
    """What the evaluation set calls the row, so that it has the same id in another run."""
    names = [text(request.get(name)) for name in IDS]
    names += [text(record.get("client_request_id")), text(record.get("trace_id"))]
    return next((name for name in names if name.strip()), str(at))


def _input(request: Any) -> Any:
    if isinstance(request, dict):
        named = [request[name] for name in INPUTS if request.get(name) is not None]
        request = named[0] if named else request
    return messages.asked(request) if messages.are_messages(request) else request


def _output(record: Record) -> Any:
    """The answer: the last message of a chat completion or of an agent, or the value as it is."""
    response = record.get("response", MISSING)
    said: Any = response
    if isinstance(response, dict):
        choices = [mapping(choice).get("message") for choice in sequence(response.get("choices"))]
        said = choices or response.get("messages") or response.get("output")
    if messages.are_messages(said):
        return messages.last_answer(said) or response
    return response


def _expected(expectations: Record) -> Any:
    """The expected response, or the one expectation, or all of them by name."""
    if "expected_response" in expectations or not expectations:
        return expectations.get("expected_response", MISSING)
    return next(iter(expectations.values())) if len(expectations) == 1 else expectations


def _error(record: Record) -> str:
    if record.get("state") != "ERROR":
        return ""
    told = (mapping(mapping(span).get("status")).get("message") for span in _spans(record))
    return next((what for what in told if isinstance(what, str) and what), "the trace has failed")


def _time(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    return iso_time(value)


def _spans(record: Record) -> list[Any]:
    trace = mapping(inner(record.get("trace")))
    return sequence(record.get("spans") or mapping(trace.get("data")).get("spans"))


def _steps(record: Record) -> list[Any]:
    """The spans in their order; a lone one says nothing that the sample does not."""
    spans = [mapping(span) for span in _spans(record)]
    return [_step(span) for span in spans] if len(spans) > 1 else []


def _step(span: Record) -> Record:
    said = mapping(span.get("attributes"))
    step = {
        "name": span.get("name"),
        "type": inner(said.get("mlflow.spanType")),
        "input": inner(said.get("mlflow.spanInputs")),
        "output": inner(said.get("mlflow.spanOutputs")),
    }
    return {name: value for name, value in step.items() if value is not None}


def _attributes(record: Record, request: Any) -> dict[str, Any]:
    metadata = mapping(record.get("trace_metadata"))
    tokens = mapping(inner(metadata.get("mlflow.trace.tokenUsage")))
    counted = {name: tokens.get(name) for name in ("input_tokens", "output_tokens")}
    session = {"session": metadata.get("mlflow.trace.session")}
    return (
        attributes(counted | session)
        | _own(metadata)
        | _own(mapping(record.get("tags")))
        | attributes(mapping(request), without=(*IDS, *INPUTS))
    )


def _own(tags: Mapping[str, Any]) -> dict[str, Any]:
    """The tags that are the user's, and not MLflow's own."""
    return attributes({k: v for k, v in tags.items() if not k.startswith("mlflow.")})
