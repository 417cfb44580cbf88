"""OpenTelemetry traces as OTLP JSON, in one document or JSON Lines, and as the SDK prints spans.

Ids are written in hexadecimal digits, in base64 (by `MessageToDict` of protobuf) or behind 0x (by
the SDK); all become small hexadecimal digits. Evaluations are the events `gen_ai.evaluation.result`
of spans. The id of a sample is that of its trace.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.readers.exports import export, is_spread
from eval_autopsy.readers.json_items import Part, lines, parts
from eval_autopsy.readers.log_values import Unfit
from eval_autopsy.readers.logs import Aside, Item
from eval_autopsy.readers.opened import Lines
from eval_autopsy.readers.spans import Span, nanoseconds_of
from eval_autopsy.readers.traces import samples
from eval_autopsy.registry import reader

EVALUATION = "gen_ai.evaluation.result"
DETAILS = "gen_ai.client.inference.operation.details"  # has the messages, when the span has not
OTLP = re.compile(rb'\{\s*"resourceSpans"\s*:\s*\[')
HEXADECIMAL = re.compile(r"(?:0x)?([0-9a-fA-F]{16}|[0-9a-fA-F]{32})")
FAILED = (2, "STATUS_CODE_ERROR", "ERROR")
UNSCORED = f"the spans have no event {EVALUATION!r}; name a file of scores by the ids of the traces"


@reader("otlp", sniff=lambda head: bool(OTLP.match(head)), yields="samples")
def otlp(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each trace of OTLP JSON that has a call of a model or an evaluation."""
    aside: list[Aside] = []
    yield from samples(_otlp_spans(stream, name, aside), lambda trace, root: trace, UNSCORED)
    yield from aside


def _otlp_spans(stream: Lines, name: str, aside: list[Aside]) -> Iterator[tuple[str, Span]]:
    for part in _resources(stream, name):
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


def _resources(stream: Lines, name: str) -> Iterator[Part | Aside]:
    """The items of all `resourceSpans`, with the number of the line, or of the item, they are."""
    array = "resourceSpans"
    if is_spread(stream.head()):
        yield from (part for part in parts(stream, name, [array]) if part.path == array)
        return
    for line in lines(stream, name):
        if isinstance(line, Aside):
            yield line
        elif not isinstance(line.value.get(array), list):
            yield Aside(line.at, f"there is no list {array!r}")
        else:
            yield from (Part(array, item, line.at) for item in line.value[array])


def _of_resource(item: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The attributes of a resource, and its spans."""
    (one,) = _objects([item], "resourceSpans")
    (resource,) = _objects([one.get("resource", {})], "resource")
    scopes = _objects(one.get("scopeSpans"), "scopeSpans")
    spans = [span for scope in scopes for span in _objects(scope.get("spans"), "spans")]
    return _attributes(resource.get("attributes")), spans


def _objects(value: Any, what: str) -> list[dict[str, Any]]:
    """A list of objects, empty when there is none; raises Unfit for anything else."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Unfit(f"{what} is {kernel.canonical(value)[:40]}, expected a list of objects")
    return value


def _attributes(pairs: Any) -> dict[str, Any]:
    """The attributes of a list of keys and typed values."""
    return {
        pair["key"]: _typed(pair.get("value"))
        for pair in _objects(pairs, "attributes")
        if isinstance(pair.get("key"), str)
    }


def _typed(value: Any) -> Any:
    """The value of an `AnyValue`: an object with one member, which is named after its type."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((kind, inner),) = value.items()
    if kind in ("intValue", "doubleValue"):
        return kernel.number_in(inner)
    if kind in ("arrayValue", "kvlistValue") and isinstance(inner, dict):
        items = _objects(inner.get("values"), kind)
        return _attributes(items) if kind == "kvlistValue" else [_typed(item) for item in items]
    return inner if isinstance(inner, (str, bool)) else None


def _otlp_span(span: dict[str, Any], resource: dict[str, Any], at: int) -> tuple[str, Span]:
    (status,) = _objects([span.get("status") or {}], "status")
    events = _objects(span.get("events"), "events")
    described = [(event.get("name"), _attributes(event.get("attributes"))) for event in events]
    found = Span(
        at=at,
        id=hexadecimal(span.get("spanId"), "spanId"),
        parent=hexadecimal(span.get("parentSpanId") or None, "parentSpanId", needed=False),
        name=str(span.get("name", "")),
        begins=nanoseconds_of(span.get("startTimeUnixNano")),
        ends=nanoseconds_of(span.get("endTimeUnixNano")),
        error=_failure(status.get("code"), status.get("message"), described),
        attributes=_attributes(span.get("attributes")),
        resource=resource,
    )
    return hexadecimal(span.get("traceId"), "traceId"), _with_events(found, described)


def hexadecimal(value: Any, what: str, *, needed: bool = True) -> str:
    """An id in small hexadecimal digits, "" for none; raises Unfit when it is no id."""
    if value is None and not needed:
        return ""
    if isinstance(value, str) and (found := HEXADECIMAL.fullmatch(value)):
        return found[1].lower()
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raw = b""
    if len(raw) not in (8, 16):
        raise Unfit(f"{what} is {kernel.canonical(value)[:40]}, expected 16 or 32 digits")
    return raw.hex()


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
    about = "gen_ai.evaluation."
    name, value = attributes.get(f"{about}name"), attributes.get(f"{about}score.value")
    label = attributes.get(f"{about}score.label")
    if not isinstance(name, str):
        raise Unfit("an evaluation has no name")
    if value is None and label is None:
        said = attributes.get("error.type") or "no score"
        span.grader_error = f"{name}: {said}"
    span.grades.append([name, value, label if isinstance(label, str) else None])


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
    given = [row.fields.get(name) or {} for name in names]
    context, status, attributes, resource = _objects(given, "context, status or attributes")
    (about,) = _objects([resource.get("attributes") or {}], "attributes of the resource")
    events = [
        (event.get("name"), _objects([event.get("attributes") or {}], "attributes of an event")[0])
        for event in _objects(row.fields.get("events"), "events")
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
        resource=about,
    )
    return hexadecimal(context.get("trace_id"), "trace_id"), _with_events(found, events)
