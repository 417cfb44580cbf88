"""Langfuse: observations, traces and scores, as its exports and its interface give them.

Written from its documentation ("Blob Storage Export Field Reference"), the types of its SDKs, and
the source of the export from its pages; no file of the tool was at hand. Names are in snake case
in exports to a bucket, in camel case elsewhere. The id of a sample is that of its trace.

1. A table of observations gives a sample for each trace, with the observations as its spans.
2. A table of traces gives a sample for each row. What such a table of the pages has beyond its own
   columns are scores, each a list of numbers or words.
3. Scores lie in a table of their own. Those of an observation count for its trace. A value of
   `CATEGORICAL` is the word and not its number; `TEXT` is a remark, and no score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.exports import First, cell, export
from eval_autopsy.readers.grades import Grade, Scores
from eval_autopsy.readers.log_values import Unfit, known
from eval_autopsy.readers.logs import Aside, Item
from eval_autopsy.readers.spans import Span, nanoseconds_of
from eval_autopsy.readers.traces import samples

UNSCORED = "the table of scores of the same export (`scores/` in a bucket; its own page otherwise)"

COLUMN_NAMES = """
    id name input output metadata version environment level tags session_id user_id release public
    bookmarked project_id usage usage_details cost_details total_cost latency created_at updated_at
    input_cost output_cost input_tokens output_tokens total_tokens scores comments trace_id type
    parent_observation_id start_time end_time status_message provided_model_name model
    model_parameters prompt_name prompt_version trace_name timestamp observations observation_count
    error_count warning_count default_count debug_count html_path observation_id value string_value
    data_type source comment
"""
COLUMNS = frozenset(COLUMN_NAMES.split())
PLAIN = ("environment", "release", "version", "user_id", "prompt_name", "trace_name")
INSTRUMENTS = ("attributes", "resourceAttributes", "scope")  # what an SDK adds to metadata


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


SNAKE = {_camel(name): name for name in COLUMNS}


def snake(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A row with the names of its known columns in snake case."""
    return {SNAKE.get(name, name): value for name, value in fields.items()}


def _with(*columns: str) -> Callable[[First], bool]:
    """What knows the tables that have all of these columns, in either case."""
    return lambda first: {*columns} <= snake(first).keys()


@export(
    "langfuse_observations",
    known=_with("id", "trace_id", "type", "start_time", "parent_observation_id"),
)
def langfuse_observations(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
    """One sample for each trace of a table of Langfuse observations."""
    aside: list[Aside] = []
    yield from samples(_observations(rows, aside), lambda trace, root: trace, UNSCORED)
    yield from aside


@export(
    "langfuse_traces",
    known=_with("id", "timestamp", "input", "output", "release", "tags", "session_id", "public"),
)
def langfuse_traces(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
    """One sample for each row of a table of Langfuse traces."""
    aside: list[Aside] = []
    yield from samples(_traces(rows, aside), lambda trace, root: trace, UNSCORED)
    yield from aside


@export(
    "langfuse_scores",
    known=_with("trace_id", "name", "value", "source", "data_type"),
    yields="scores",
)
def langfuse_scores(rows: Iterator[kernel.Row], name: str) -> Iterator[Item | kernel.Row]:
    """One row of scores for each trace that a table of Langfuse scores is about."""
    scores = Scores()
    for row in rows:
        fields = snake(row.fields)
        trace, grade = fields.get("trace_id"), _grade(fields)
        if isinstance(trace, str) and trace and grade is not None:
            scores.add(row.line, trace, grade)
        else:
            yield Aside(row.line, "the score has no trace or no name, or is a remark")
    yield from scores.rows()


def _grade(fields: Mapping[str, Any]) -> Grade | None:
    """A score; None when it has no name, or is no score."""
    name, kind, word = (fields.get(part) for part in ("name", "data_type", "string_value"))
    if not isinstance(name, str) or not name or kind == "TEXT":
        return None
    if kind == "CATEGORICAL":
        return Grade(name, None, word if isinstance(word, str) else None)
    return Grade(name, kernel.number_in(fields.get("value")))


def _observations(rows: Iterator[kernel.Row], aside: list[Aside]) -> Iterator[tuple[str, Span]]:
    for row in rows:
        fields = snake(row.fields)
        try:
            yield _identity(fields, "trace_id"), _observation(row.line, fields)
        except Unfit as unfit:
            aside.append(Aside(row.line, str(unfit)))


def _identity(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Unfit(f"its {name} is {str(value)[:40]!r}, expected text")
    return value


def _observation(at: int, fields: Mapping[str, Any]) -> Span:
    kind = str(fields.get("type") or "")
    message = fields.get("status_message")
    model = fields.get("provided_model_name") or fields.get("model")
    return Span(
        at=at,
        id=_identity(fields, "id"),
        parent=str(fields.get("parent_observation_id") or ""),
        name=str(fields.get("name") or ""),
        begins=nanoseconds_of(fields.get("start_time")),
        ends=nanoseconds_of(fields.get("end_time")),
        error=str(message or "") if fields.get("level") == "ERROR" else None,
        attributes=_attributes(fields, "LLM" if kind == "GENERATION" else kind)
        | ({"llm.model_name": model} if model else {}),
    )


def _traces(rows: Iterator[kernel.Row], aside: list[Aside]) -> Iterator[tuple[str, Span]]:
    for row in rows:
        fields = snake(row.fields)
        try:
            trace = _identity(fields, "id")
            yield trace, _trace(row.line, trace, fields)
            for one in _objects(fields.get("observations")):
                within = snake(one)
                parent = within.get("parent_observation_id") or trace
                yield trace, _observation(row.line, within | {"parent_observation_id": parent})
        except Unfit as unfit:
            aside.append(Aside(row.line, str(unfit)))


def _trace(at: int, identity: str, fields: Mapping[str, Any]) -> Span:
    begins = nanoseconds_of(fields.get("timestamp"))
    seconds = kernel.number_in(fields.get("latency"))
    # The level is that of the worst observation, and the trace may have got over it.
    failed = fields.get("level") == "ERROR" and fields.get("output") in (None, "")
    grades = [_grade(snake(one)) for one in _objects(fields.get("scores"))]
    return Span(
        at=at,
        id=identity,
        parent="",
        name=str(fields.get("name") or ""),
        begins=begins,
        ends=None if begins is None or seconds is None else begins + int(seconds.scaleb(9)),
        error="an observation of the trace failed" if failed else None,
        attributes=_attributes(fields, "CHAIN"),
        grades=[[*grade] for grade in (*grades, *_columns(fields)) if grade is not None],
    )


def _columns(fields: Mapping[str, Any]) -> Iterator[Grade]:
    """The scores in columns of their own: each has a list of numbers or of words."""
    for name, given in fields.items():
        value = cell(given)
        if name not in COLUMNS and isinstance(value, list):
            for one in value:
                number = kernel.number_in(one) if not isinstance(one, str) else None
                yield Grade(name, number, one if isinstance(one, str) else None)


def _attributes(fields: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The parts of a row under the names that OpenInference has for them."""
    usage = mapping(fields.get("usage_details")) or mapping(fields.get("usage"))
    metadata = mapping(fields.get("metadata"))
    costs = mapping(fields.get("cost_details"))
    found = {
        "openinference.span.kind": kind,
        "input.value": fields.get("input"),
        "output.value": fields.get("output"),
        "metadata": {key: metadata[key] for key in metadata if key not in INSTRUMENTS},
        "session.id": fields.get("session_id"),
        "tag.tags": fields.get("tags"),
        "llm.token_count.prompt": usage.get("input", usage.get("promptTokens")),
        "llm.token_count.completion": usage.get("output", usage.get("completionTokens")),
        "llm.cost.total": known((fields.get("total_cost"), costs.get("total"))),
        "llm.prompt_template.version": fields.get("prompt_version"),
    }
    found |= {name: fields.get(name) for name in PLAIN}
    return {name: value for name, value in found.items() if value not in (None, "", MISSING)}


def mapping(value: Any) -> dict[str, Any]:
    """A column with an object: as JSON has it, as text, or as pairs, which Parquet makes of it."""
    found = cell(value)
    if isinstance(found, list) and all(isinstance(one, dict) and "key" in one for one in found):
        return {str(one["key"]): one.get("value") for one in found}
    return found if isinstance(found, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; an interface that leaves details out has only their ids in it."""
    found = cell(value)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
