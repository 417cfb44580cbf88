"""Evaluations that OpenTelemetry's GenAI conventions have as log records, in OTLP JSON.

Written from the conventions: no file of a collector was at hand. A record is an evaluation when
its event name, or the older attribute `event.name`, is `gen_ai.evaluation.result`; the others are
counted. The id that the scores are of is that of the trace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.readers.grades import Grade, Scores
from eval_autopsy.readers.log_values import Unfit
from eval_autopsy.readers.logs import Aside, Item, Note
from eval_autopsy.readers.opened import Lines
from eval_autopsy.readers.otlp_json import (
    EVALUATION,
    attributes_of,
    batches,
    grade_of,
    hexadecimal,
    objects_in,
)
from eval_autopsy.registry import reader

OTLP_LOGS = re.compile(rb'\{\s*"resourceLogs"\s*:\s*\[')


@reader(
    "otlp_logs",
    sniff=lambda head: bool(OTLP_LOGS.match(head)) and EVALUATION.encode() in head,
    yields="scores",
)
def otlp_logs(stream: Lines, name: str) -> Iterator[Item | kernel.Row]:
    """One row of scores for each trace that has evaluations among OTLP log records."""
    scores = Scores()
    others = 0
    for part in batches(stream, name, "resourceLogs"):
        if isinstance(part, Aside):
            yield part
            continue
        try:
            for record in _records(part.value):
                about = attributes_of(record.get("attributes"))
                if EVALUATION in (record.get("eventName"), about.get("event.name")):
                    trace = hexadecimal(record.get("traceId"), "traceId")
                    scores.add(part.at, trace, Grade(*grade_of(about)))
                else:
                    others += 1
        except Unfit as unfit:
            yield Aside(part.at, str(unfit))
    yield from scores.rows()
    if others:
        yield Note(f"passed over: {others:,} log records, which are no evaluations")


def _records(item: Any) -> Iterator[dict[str, Any]]:
    (one,) = objects_in([item], "resourceLogs")
    for scope in objects_in(one.get("scopeLogs"), "scopeLogs"):
        yield from objects_in(scope.get("logRecords"), "logRecords")
