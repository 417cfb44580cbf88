"""OpenTelemetry's traces come out as the facts about them say, however they are written."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.logs import Aside, Needs, Note

from .log_facts import SAMPLES, Read, as_records, claimants, damage, facts, rates, read

HERE = SAMPLES / "otel"
EVAL, PROD = HERE / "otlp_eval.jsonl", HERE / "otlp_prod.jsonl.gz"
PRINTED, BASE64 = HERE / "console_spans_eval.jsonl", HERE / "otlp_eval_base64ids_first10.json"
TRACE, ROOT, CALL, TOOL = "0af7651916cd43dd8448eb211c80319c", "b7" * 8, "c8" * 8, "d9" * 8
EVALUATED = "gen_ai.evaluation"


def typed(value: Any) -> dict[str, Any]:
    """A value as OTLP has it, by the protocol's own rules: whole numbers are text."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [typed(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    return {"stringValue": value}


def pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": typed(value)} for key, value in values.items()]


def span(identity: str, parent: str = "", at: int = 0, **more: Any) -> dict[str, Any]:
    """A span of half a second that begins `at` seconds after the trace."""
    begins = 1_700_000_000 + at
    return {
        "traceId": more.pop("trace", TRACE),
        "spanId": identity,
        "parentSpanId": parent,
        "name": more.pop("name", "a span"),
        "startTimeUnixNano": f"{begins}000000000",
        "endTimeUnixNano": f"{begins}500000000",
        "status": more.pop("status", {}),
        "events": [
            {"name": name, "attributes": pairs(values)} for name, values in more.pop("events", [])
        ],
        "attributes": pairs(more.pop("attributes", {})),
    }


def grade(name: str, **score: Any) -> tuple[str, dict[str, Any]]:
    """An evaluation, as an event."""
    values = {f"{EVALUATED}.score.{key}": value for key, value in score.items()}
    return f"{EVALUATED}.result", {f"{EVALUATED}.name": name} | values


def chat(role: str, *texts: str) -> str:
    parts = [{"type": "text", "content": text} for text in texts]
    return json.dumps([{"role": role, "parts": parts}])


def otlp(*spans: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, Any]:
    about = {"attributes": pairs(resource or {})}
    return {"resourceSpans": [{"resource": about, "scopeSpans": [{"spans": list(spans)}]}]}


def written(tmp_path: Path, *batches: dict[str, Any], indent: int | None = None) -> Read:
    path = tmp_path / "spans.json"
    path.write_text("\n".join(json.dumps(batch, indent=indent) for batch in batches))
    return read(path)


AGENT = [
    span(
        CALL,
        ROOT,
        at=1,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.response.model": "m-1",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 2,
            "gen_ai.input.messages": chat("user", "What is 2+2?"),
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": [{"type": "tool_call", "name": "sum"}]}]
            ),
        },
    ),
    span(
        TOOL,
        ROOT,
        at=2,
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "sum",
            "gen_ai.tool.call.arguments": '{"of": [2, 2]}',
            "gen_ai.tool.call.result": "4",
        },
    ),
    span(
        "e1" * 8,
        ROOT,
        at=3,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.response.model": "m-2",
            "gen_ai.usage.input_tokens": 20,
            "gen_ai.usage.output_tokens": 3,
            "gen_ai.output.messages": chat("assistant", "It is", "4"),
        },
        events=[grade("exact", value=1.0), grade("tone", label="warm")],
    ),
    span(
        ROOT,
        attributes={"gen_ai.operation.name": "invoke_agent", "app.lang": "en", "app.turns": 2},
    ),
]


@pytest.mark.parametrize(("path", "name"), [(EVAL, "eval"), (PRINTED, "eval"), (PROD, "prod")])
def test_what_is_right_is_as_the_facts_say(path: Path, name: str) -> None:
    known, (rows, log) = facts("otel", name), read(path)
    assert (len(rows), log.aside) == (known["n"], [])
    (failed,) = [row for row in rows if row["status"] == "errored"]
    assert failed["app.record_id"] == known["error_record"]
    assert (failed["error"], failed["score"]) == ("upstream timeout", None)
    assert "output" not in failed
    right = sum(row["score"] is True for row in rows) + known["error_planned_ok"]
    wrong = sum(row["score"] is False for row in rows)
    assert (right, right + wrong) == (known["n_ok"], known["n"])
    planned = known["error_planned_ok"]
    for attribute, by_value in known["by"].items():
        assert rates(rows, f"app.{attribute}", errors_right=planned) == by_value
    slice_ = [row for row in rows if (row["app.lang"], row["app.channel"]) == ("de", "voice")]
    planted = rates(slice_, "app.lang", errors_right=planned)["de"]
    assert planted == [known["planted"]["ok"], known["planted"]["n"]]


def test_a_row_has_what_the_spans_of_its_trace_have() -> None:
    row = next(row for row in read(EVAL).rows if row["app.record_id"] == "T44192")
    text = "[T44192] Seit 03.03. kann ich mich nicht anmelden, der Code kommt nicht."
    wanted = {
        "id": "dcad3fd3574d178716b96746b0d01bcd",
        "input": text,
        "output": "IDENTITY_TEAM",
        "score": True,
        "scores": {"exact": 1},
        "cluster": "c-T44192",
        "timestamp": "2026-05-04T08:00:00+00:00",
        "latency": Decimal("0.731"),
        "model": "router-v2-0401",
        "input_tokens": 40,
        "app.turns": 6,
        "service.name": "support-router",
        "deployment.environment.name": "ci",
    }
    assert wanted.items() <= row.items()
    assert not [name for name in row if name.startswith("gen_ai")]


def test_ids_in_base64_behind_0x_and_in_digits_are_the_same_ids() -> None:
    ids = [row["id"] for row in read(EVAL).rows]
    assert [row["id"] for row in read(PRINTED).rows] == ids
    assert [row["id"] for row in read(BASE64).rows] == ids[:10]


@pytest.mark.parametrize(
    ("path", "reader"),
    [(EVAL, "otlp"), (BASE64, "otlp"), (PRINTED, "otel_console")],
)
def test_one_reader_claims_a_sample(path: Path, reader: str) -> None:
    assert claimants(path) == [reader]


@pytest.mark.parametrize("path", [EVAL, PRINTED, PROD])
def test_the_rows_are_records(path: Path) -> None:
    assert len(as_records(path)) == 2 * len(read(path).rows)


def test_an_agent_has_its_spans_as_steps_and_the_last_answer(tmp_path: Path) -> None:
    (row,), log = written(tmp_path, otlp(*AGENT))
    assert (row["input"], row["output"]) == ("What is 2+2?", "It is\n4")
    assert [(step["kind"], step["name"]) for step in row["steps"]] == [
        ("chat", "a span"),
        ("execute_tool", "sum"),
        ("chat", "a span"),
    ]
    assert (row["steps"][1]["input"], row["steps"][1]["output"]) == ({"of": [2, 2]}, "4")
    assert (row["input_tokens"], row["output_tokens"], row["model"]) == (30, 5, "m-2")
    assert (row["latency"], row["score"]) == (Decimal("0.5"), True)
    assert row["scores"] == {"exact": 1, "tone": "warm"}
    assert log.notes == [Note("the verdict is the score 'exact', which is always yes or no")]


def test_spans_of_a_trace_may_lie_in_different_lines_and_in_any_order(tmp_path: Path) -> None:
    together = written(tmp_path, otlp(*AGENT)).rows
    apart = written(tmp_path, *(otlp(one) for one in reversed(AGENT))).rows
    assert apart == together


def test_a_document_over_several_lines_is_read(tmp_path: Path) -> None:
    assert len(written(tmp_path, otlp(*AGENT), indent=2).rows) == 1
    printed = [json.loads(line) for line in PRINTED.read_text().splitlines()]
    assert written(tmp_path, *printed, indent=4).rows == read(PRINTED).rows


def test_lines_longer_than_the_head_are_read(tmp_path: Path) -> None:
    padded = [otlp(one, resource={"pad": "x" * 70_000}) for one in AGENT]
    assert written(tmp_path, *padded).rows[0]["output"] == "It is\n4"


def test_messages_of_openinference_and_of_openllmetry_are_read(tmp_path: Path) -> None:
    openinference = {
        "openinference.span.kind": "LLM",
        "input.value": '{"messages": [], "temperature": 0}',
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "Be short.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": "2+2?",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "4",
        "metadata": '{"lang": "en", "expected": "4"}',
        "session.id": "s-1",
        "llm.cost.total": 0.25,
    }
    openllmetry = {
        "llm.request.type": "chat",
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "2+2?",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "4",
    }
    for attributes in (openinference, openllmetry):
        ((row,), log) = written(tmp_path, otlp(span(ROOT, attributes=attributes)))
        assert (row["input"], row["output"]) == ("2+2?", "4")
        (needed,) = log.needs
        assert needed.what == "scores"
    ((row,), _) = written(tmp_path, otlp(span(ROOT, attributes=openinference)))
    assert (row["expected"], row["lang"], row["cluster"]) == ("4", "en", "s-1")
    assert row["cost"] == Decimal("0.25")


def test_a_trace_fails_with_its_root_and_not_with_a_step_that_was_made_good(
    tmp_path: Path,
) -> None:
    failed = {"code": 2, "message": "no such tool"}
    tool = {**AGENT[1], "status": failed}
    assert written(tmp_path, otlp(AGENT[0], tool, *AGENT[2:])).rows[0]["status"] == "answered"
    root = {**AGENT[3], "status": {"code": 2}}
    (row,), _ = written(tmp_path, otlp(AGENT[0], tool, root))
    assert (row["status"], row["error"], row["score"]) == ("errored", "no such tool", None)
    exception = ("exception", {"exception.message": "timed out"})
    attributes = {"gen_ai.operation.name": "chat"}
    alone = span(ROOT, status={"code": 2}, events=[exception], attributes=attributes)
    assert written(tmp_path, otlp(alone)).rows[0]["error"] == "timed out"


def test_an_evaluation_that_failed_is_no_wrong_answer(tmp_path: Path) -> None:
    name, values = grade("exact")
    graded = span(ROOT, events=[(name, values | {"error.type": "timeout"})])
    (row,), _ = written(tmp_path, otlp(graded, *AGENT[:1]))
    assert (row["status"], row["grader_error"]) == ("grader failed", "exact: timeout")


def test_traces_without_a_model_are_passed_over_and_counted(tmp_path: Path) -> None:
    other = span(ROOT, trace="1" * 32, attributes={"http.request.method": "GET"})
    rows, log = written(tmp_path, otlp(*AGENT, other))
    assert len(rows) == 1
    assert Note("passed over: 1 traces, which have nothing of a model") in log.notes


def test_evaluations_among_log_records_are_scores_of_traces(tmp_path: Path) -> None:
    # Written by hand from the conventions: the event is a log record there.
    def record(trace: str, name: str | None, **about: Any) -> dict[str, Any]:
        found = {"traceId": trace, "spanId": CALL, "attributes": pairs(about)}
        return found | ({"eventName": name} if name else {})

    _, right = grade("exact", value=1, label="pass")
    _, wrong = grade("exact", value=0, label="fail")
    old = {"event.name": f"{EVALUATED}.result"}
    records = [
        record(TRACE, f"{EVALUATED}.result", **right),
        record("1" * 32, None, **wrong, **old),
        record(TRACE, "gen_ai.choice"),
    ]
    path = tmp_path / "logs.jsonl"
    batch = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    bad = {"resourceLogs": [{"scopeLogs": 7}]}
    path.write_text(f"{json.dumps(batch)}\n{json.dumps(bad)}\n")
    rows, log = read(path)
    assert claimants(path) == ["otlp_logs"]
    assert rows == [
        {"id": TRACE, "score": True, "scores": {"exact": 1}},
        {"id": "1" * 32, "score": False, "scores": {"exact": 0}},
    ]
    assert log.aside == [Aside(2, "scopeLogs is 7, expected a list of objects")]
    assert Note("passed over: 1 log records, which are no evaluations") in log.notes


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"traceId": "xyz"}, 'traceId is "xyz", expected 16 or 32 digits'),
        ({"spanId": None}, "spanId is null, expected 16 or 32 digits"),
        ({"attributes": 7}, "attributes is 7, expected a list of objects"),
        ({"events": ["x"]}, 'events is ["x"], expected a list of objects'),
        ({"status": "OK"}, 'status is ["OK"], expected a list of objects'),
    ],
)
def test_a_damaged_span_is_set_aside(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    _, log = written(tmp_path, otlp(*AGENT), otlp({**AGENT[1], **changes}))
    assert log.aside == [Aside(2, says)]
    assert log.records == 1


def test_a_line_that_is_cut_off_is_set_aside(tmp_path: Path) -> None:
    whole = EVAL.read_bytes()
    path = tmp_path / "cut.jsonl"
    path.write_bytes(whole[:-500])
    (aside,) = read(path).log.aside
    assert aside.at == whole.count(b"\n") + (not whole.endswith(b"\n"))


def test_a_document_and_an_archive_that_are_cut_off_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_bytes(BASE64.read_bytes()[:-500])
    with pytest.raises(CannotRead, match="cut off"):
        read(path)
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(PROD.read_bytes()[:-500])
    with pytest.raises(CannotRead, match="cut off"):
        read(path)


def test_no_number_is_no_score(tmp_path: Path) -> None:
    nan = [{"key": f"{EVALUATED}.name", "value": {"stringValue": "exact"}}]
    nan += [{"key": f"{EVALUATED}.score.value", "value": {"doubleValue": float("nan")}}]
    one = {**AGENT[0], "events": [{"name": f"{EVALUATED}.result", "attributes": nan}]}
    (row,), log = written(tmp_path, otlp(one))
    assert (row["status"], row["scores"]) == ("grader failed", {"exact": None})
    assert isinstance(log.needs[0], Needs)


BATCH = otlp(*AGENT, resource={"service.name": "x"})
SPANS = [json.loads(line) for line in PRINTED.read_text().splitlines()[:2]]


@pytest.mark.parametrize("batch", [[BATCH], SPANS], ids=["otlp", "printed"])
@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_log_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, batch: list[Any], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("otel") / "spans.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in (damage(batch, data), *batch)))
    with suppress(CannotRead):
        as_records(path)
