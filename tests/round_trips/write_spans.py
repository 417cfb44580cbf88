"""Traces calls of a model with OpenInference and the SDK of OpenTelemetry; prints what was traced.

python write_spans.py FOLDER writes the spans as the SDK's console exporter prints them. Run by
test_round_trips.py in an environment that has both.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from openinference.instrumentation import OITracer, TraceConfig, using_session
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode

RECORDS = 15
BROKEN = 4


def trace(tracer: OITracer, number: int) -> bool | None:
    """One call of a model with its evaluation: whether it was right; None when it failed."""
    with tracer.start_as_current_span("answer", openinference_span_kind="chain") as chain:
        chain.set_input(f"Twice {number}")
        chain.set_attribute("app.lang", "de" if number % 3 == 0 else "en")
        with tracer.start_as_current_span("model", openinference_span_kind="llm") as span:
            if number == BROKEN:
                for one in (span, chain):
                    one.set_status(Status(StatusCode.ERROR, "the model cannot be reached"))
                return None
            right = number % 5 != 0
            answer = str(2 * number) if right else "wrong"
            span.set_input(f"Twice {number}")
            span.set_output(answer)
        chain.set_output(answer)
        label = {"gen_ai.evaluation.name": "same", "gen_ai.evaluation.score.value": float(right)}
        chain.add_event("gen_ai.evaluation.result", label)
        return right


def main(folder: str) -> None:
    path = Path(folder) / "spans.jsonl"
    provider = TracerProvider()
    with path.open("w", encoding="utf-8") as out:
        one_a_line = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(None) + "\n")
        provider.add_span_processor(SimpleSpanProcessor(one_a_line))
        tracer = OITracer(provider.get_tracer("round trip"), config=TraceConfig())
        with using_session("s1"):
            found = [trace(tracer, number) for number in range(RECORDS)]
        provider.shutdown()
    print(
        json.dumps(
            {
                "location": str(path),
                "samples": len(found),
                "errors": found.count(None),
                "right": found.count(True),
                "wrong": found.count(False),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
