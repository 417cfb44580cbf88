"""OpenTelemetry traces as OTLP JSON, in one document or JSON Lines, and as the SDK prints spans.

Evaluations are the events `gen_ai.evaluation.result` of spans; where they are log records instead,
`otel_logs` reads them. The id of a sample is that of its trace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.readers.exports import export
from eval_autopsy.readers.log_values import Unfit
from eval_autopsy.readers.logs import Aside, Item
from eval_autopsy.readers.opened import Lines
from eval_autopsy.readers.otlp_json import (
    EVALUATION,
    attributes_of,
    batches,
    grade_of,
    hexadecimal,
    objects_in,
)
from eval_autopsy.readers.spans import Span, nanoseconds_of
from eval_autopsy.readers.traces import samples
from eval_autopsy.registry import reader

DETAILS = "gen_ai.client.inference.operation.details"  # has the messages, when the span has not
OTLP = re.compile(rb'\{\s*"resourceSpans"\s*:\s*\[')
FAILED = (2, "STATUS_CODE_ERROR", "ERROR")
UNSCORED = f"the spans have no event {EVALUATION!r}; name a file of scores by the ids of the traces"


@reader("otlp", sniff=lambda head: bool(OTLP.match(head)), yields="samples")
def otlp(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each trace of OTLP JSON that has a call of a model or an evaluation."""
    aside: list[Aside] = []
    yield from samples(_otlp_spans(stream, name, aside), lambda trace, root: trace, UNSCORED)
    yield from aside


def _otlp_spans(stream: Lines, name: str, aside: list[Aside]) -> Iterator[tuple[str, Span]]:
    for part in batches(stream, name, "resourceSpans"):
        if isinstance(part, Aside):
            aside.append(part)
            continue
        try:
            resource, spans = _of_resource(part.value)
        except Unfit as unfit:
            aside.append(Aside(part.at, str(unfit)))
            continue
        for span in spans:
            try:
                yield _otlp_span(span, resource, part.at)
            except Unfit as unfit:
                aside.append(Aside(part.at, str(unfit)))


def _of_resource(item: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The attributes of a resource, and its spans."""
    (one,) = objects_in([item], "resourceSpans")
    (resource,) = objects_in([one.get("resource", {})], "resource")
    scopes = objects_in(one.get("scopeSpans"), "scopeSpans")
    spans = [span for scope in scopes for span in objects_in(scope.get("spans"), "spans")]
    return attributes_of(resource.get("attributes")), spans


def _otlp_span(span: dict[str, Any], resource: dict[str, Any], at: int) -> tuple[str, Span]:
    (status,) = objects_in([span.get("status") or {}], "status")
    events = objects_in(span.get("events"), "events")
    described = [(event.get("name"), attributes_of(event.get("attributes"))) for event in events]
    found = Span(
        at=at,
        id=hexadecimal(span.get("spanId"), "spanId"),
        parent=hexadecimal(span.get("parentSpanId") or None, "parentSpanId", needed=False),
        name=str(span.get("name", "")),
        begins=nanoseconds_of(span.get("startTimeUnixNano")),
        ends=nanoseconds_of(span.get("endTimeUnixNano")),
        error=_failure(status.get("code"), status.get("message"), described),
        attributes=attributes_of(span.get("attributes")),
        resource=resource,
    )
    return hexadecimal(span.get("traceId"), "traceId"), _with_events(found, described)


Events = list[tuple[Any, dict[str, Any]]]


def _failure(code: Any, message: Any, events: Events) -> str | None:
    """The message of a span that failed, of its status or else of its exception."""
    if code not in FAILED:
        return None
    said = (attributes.get("exception.message") for _, attributes in events)
    return next((text for text in (message, *said) if isinstance(text, str) and text), "")


def _with_events(span: Span, events: Events) -> Span:
    """The span with the evaluations and messages that stand in its events."""
    for name, attributes in events:
        if name == EVALUATION:
            _grade(span, attributes)
        elif name == DETAILS:
            span.attributes = attributes | span.attributes
    return span


def _grade(span: Span, attributes: dict[str, Any]) -> None:
    name, value, label = grade_of(attributes)
    if value is None and label is None:
        span.grader_error = f"{name}: {attributes.get('error.type') or 'no score'}"
    span.grades.append([name, value, label])


@export(
    "otel_console",
    known=lambda first: (
        {"context", "attributes", "start_time", "parent_id", "links"} <= first.keys()
        and isinstance(first["context"], dict)
        and "trace_id" in first["context"]
    ),
)
def otel_console(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
    """One sample for each trace of the spans that OpenTelemetry's SDK prints."""
    aside: list[Aside] = []
    yield from samples(_printed_spans(rows, aside), lambda trace, root: trace, UNSCORED)
    yield from aside


def _printed_spans(rows: Iterator[kernel.Row], aside: list[Aside]) -> Iterator[tuple[str, Span]]:
    for row in rows:
        try:
            yield _printed_span(row)
        except Unfit as unfit:
            aside.append(Aside(row.line, str(unfit)))


def _printed_span(row: kernel.Row) -> tuple[str, Span]:
    names = ("context", "status", "attributes", "resource")
    parts = [row.fields.get(name) or {} for name in names]
    context, status, attributes, resource = objects_in(parts, "context, status or attributes")
    (of_all,) = objects_in([resource.get("attributes") or {}], "attributes of the resource")
    events = [
        (
            event.get("name"),
            objects_in([event.get("attributes") or {}], "attributes of an event")[0],
        )
        for event in objects_in(row.fields.get("events"), "events")
    ]
    found = Span(
        at=row.line,
        id=hexadecimal(context.get("span_id"), "span_id"),
        parent=hexadecimal(row.fields.get("parent_id"), "parent_id", needed=False),
        name=str(row.fields.get("name", "")),
        begins=nanoseconds_of(row.fields.get("start_time")),
        ends=nanoseconds_of(row.fields.get("end_time")),
        error=_failure(status.get("status_code"), status.get("description"), events),
        attributes=attributes,
        resource=of_all,
    )
    return hexadecimal(context.get("trace_id"), "trace_id"), _with_events(found, events)
