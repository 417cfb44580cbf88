"""Phoenix: tables of spans, and the tables of annotations that have their scores.

What `get_spans_dataframe` and `get_span_annotations_dataframe` give, in Parquet, JSON or CSV, and
the spans and annotations of the REST interface (those from its documentation). The id of a sample
is that of its root span, which is what annotations go by; those of other spans find it by `steps`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.exports import First, cell, export
from eval_autopsy.readers.log_values import flat
from eval_autopsy.readers.logs import Aside, Item
from eval_autopsy.readers.said import known
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
    """One sample for each trace of a table of Phoenix spans."""
    aside: list[Aside] = []
    yield from samples(_spans(rows, aside), lambda trace, root: root.id, UNSCORED)
    yield from aside


def _spans(rows: Iterator[kernel.Row], aside: list[Aside]) -> Iterator[tuple[str, Span]]:
    for row in rows:
        trace, identity = (
            kernel.field(row.fields, f"context.{one}_id") for one in ("trace", "span")
        )
        if isinstance(trace, str) and trace and isinstance(identity, str) and identity:
            yield trace, _span(row, identity)
        else:
            aside.append(Aside(row.line, "the span has no id, or no trace"))


def _span(row: kernel.Row, identity: str) -> Span:
    fields = row.fields
    attributes = _attributes(fields)
    attributes.setdefault("openinference.span.kind", fields.get("span_kind"))
    failed = fields.get("status_code") == "ERROR"
    message = known(
        fields.get("status_message") or None, _exception(cell(fields.get("events"))), ""
    )
    return Span(
        at=row.line,
        id=identity,
        parent=str(fields.get("parent_id") or ""),
        name=str(fields.get("name") or ""),
        begins=nanoseconds_of(fields.get("start_time")),
        ends=nanoseconds_of(fields.get("end_time")),
        error=str(message) if failed else None,
        attributes=attributes,
    )


def _attributes(fields: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a span, in columns of their own or inside one; the metadata in one piece."""
    inner = cell(fields.get("attributes"))
    found = (
        flat({key: value for key, value in inner.items() if key != "metadata"})
        if isinstance(inner, dict)
        else {}
    )
    return found


def _exception(events: Any) -> Any:
    """The message of the first exception among events, or MISSING."""
    found = (kernel.field(event, "attributes.exception.message") for event in events)
    return next((text for text in found if text), MISSING)
