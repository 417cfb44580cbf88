"""Phoenix: tables of spans, and the tables of annotations that have their scores.

What `get_spans_dataframe` and `get_span_annotations_dataframe` give, in Parquet, JSON or CSV, and
the spans and annotations of the REST interface (those from its documentation). The id of a sample
is that of its root span, which is what annotations go by; those of other spans find it by `steps`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.readers.exports import First, cell, export
from eval_autopsy.readers.grades import Grade, Scores
from eval_autopsy.readers.log_values import flat
from eval_autopsy.readers.logs import Aside, Item
from eval_autopsy.readers.spans import Span, nanoseconds_of
from eval_autopsy.readers.traces import samples

UNSCORED = (
    "the annotations of these spans: save what "
    "`client.spans.get_span_annotations_dataframe(spans_dataframe=...)` gives beside them"
)
PREFIX = "attributes."


def _are_spans(first: First) -> bool:
    inner = first.get("context")
    has_ids = {"context.span_id", "context.trace_id"} <= first.keys() or (
        isinstance(inner, dict) and {"span_id", "trace_id"} <= inner.keys()
    )
    return has_ids and {"span_kind", "parent_id", "status_code"} <= first.keys()


@export("phoenix", known=_are_spans)
def phoenix(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
    """One sample for each trace of a table of Phoenix spans, or for each call of a model alone."""
    aside: list[Aside] = []
    spans = _spans(rows, aside)
    yield from samples(spans, lambda trace, root: root.id, UNSCORED, calls_apart=True)
    yield from aside


def _spans(rows: Iterator[kernel.Row], aside: list[Aside]) -> Iterator[tuple[str, Span]]:
    for row in rows:
        trace = kernel.field(row.fields, "context.trace_id")
        identity = kernel.field(row.fields, "context.span_id")
        if isinstance(trace, str) and trace and isinstance(identity, str) and identity:
            yield trace, _span(row, identity)
        else:
            aside.append(Aside(row.line, "the span has no id, or no trace"))


def _span(row: kernel.Row, identity: str) -> Span:
    fields = row.fields
    message = fields.get("status_message") or _exception(cell(fields.get("events")))
    attributes = _attributes(fields)
    attributes.setdefault("openinference.span.kind", fields.get("span_kind"))
    return Span(
        at=row.line,
        id=identity,
        parent=str(fields.get("parent_id") or ""),
        name=str(fields.get("name") or ""),
        begins=nanoseconds_of(fields.get("start_time")),
        ends=nanoseconds_of(fields.get("end_time")),
        error=str(message) if fields.get("status_code") == "ERROR" else None,
        attributes=attributes,
    )


def _attributes(fields: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a span, in columns of their own or in one; metadata stays in one piece."""
    inside = cell(fields.get("attributes"))
    given = inside if isinstance(inside, dict) else {}
    metadata = {name: value for name, value in given.items() if name == "metadata"}
    found = flat({name: value for name, value in given.items() if name != "metadata"}) | metadata
    for name, value in fields.items():
        if name.startswith(PREFIX) and value not in (None, ""):
            found[name.removeprefix(PREFIX)] = value
    return found


def _exception(events: Any) -> str:
    """The message of the first exception among events, "" when there is none."""
    for event in events if isinstance(events, list) else []:
        about = event.get("attributes") if isinstance(event, dict) else None
        text = kernel.field(about, "exception.message") if isinstance(about, dict) else None
        if isinstance(text, str) and text:
            return text
    return ""


def _are_annotations(first: First) -> bool:
    named = {"annotation_name", "result.score"} <= first.keys() or "result" in first
    return named and {"span_id", "annotator_kind"} <= first.keys()


@export("phoenix_annotations", known=_are_annotations, yields="scores")
def phoenix_annotations(rows: Iterator[kernel.Row], name: str) -> Iterator[Item | kernel.Row]:
    """One row of scores for each span that a table of Phoenix annotations is about."""
    scores = Scores()
    for row in rows:
        span, grade = row.fields.get("span_id"), _grade(row.fields)
        if isinstance(span, str) and span and grade is not None:
            scores.add(row.line, span, grade)
        else:
            yield Aside(row.line, "the annotation has no span, or no name")
    yield from scores.rows()


def _grade(fields: dict[str, Any]) -> Grade | None:
    """The score and label of an annotation; None when it has no name."""
    fields = fields | {"result": cell(fields.get("result"))}
    name = fields.get("annotation_name") or fields.get("name")
    score, label = (kernel.field(fields, f"result.{part}") for part in ("score", "label"))
    number = kernel.number_in(score)
    text = label if isinstance(label, str) and label else None
    return Grade(name, number, text) if isinstance(name, str) and name else None
