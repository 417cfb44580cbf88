"""Langfuse's tables, written by hand from its documentation: no file of the tool was at hand.

Their content is that of the sample of Phoenix, so that the facts about it hold here as well.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.logs import Aside

from .log_facts import SAMPLES, Read, as_records, claimants, damage, facts, rates, read

PHOENIX = SAMPLES / "phoenix"
CALLS = [json.loads(line) for line in (PHOENIX / "spans_eval.jsonl").read_text().splitlines()]
ANNOTATED = gzip.decompress((PHOENIX / "span_annotations_eval.jsonl.gz").read_bytes())
MARKS = [json.loads(line) for line in ANNOTATED.splitlines()]
TRACES = {call["context.span_id"]: call["context.trace_id"] for call in CALLS}
Table = list[dict[str, Any]]


def moment(iso: str) -> str:
    """A time as the exports write it."""
    return iso.replace("T", " ").replace("Z", "000")


def observations(call: dict[str, Any]) -> Table:
    """The root of a trace and the call in it, as `observations_v2/` has them."""
    trace, metadata = call["context.trace_id"], call["attributes.metadata"]
    failed = call["status_code"] == "ERROR"
    of_both = {
        "trace_id": trace,
        "project_id": "p",
        "environment": "ci",
        "start_time": moment(call["start_time"]),
        "end_time": moment(call["end_time"]),
        "level": "ERROR" if failed else "DEFAULT",
        "status_message": call["status_message"],
        "version": "",
        "session_id": call["attributes.session.id"],
        "tags": call["attributes.tag.tags"],
    }
    spoken = {"input": call["attributes.input.value"], "output": call["attributes.output.value"]}
    root = {"id": f"{trace}-root", "type": "SPAN", "parent_observation_id": "", "name": "route"}
    inside = {"id": trace[:16], "type": "GENERATION", "parent_observation_id": root["id"]}
    model = {"provided_model_name": "router-v2", "name": "call", "total_cost": 0.25}
    usage = {"usage_details": {"input": 40, "output": 6, "total": 46}, "metadata": {}}
    no_model = {"provided_model_name": "", "total_cost": 0, "usage_details": {}}
    sent = {"attributes": {"k": "v"}, "resourceAttributes": {"k": "v"}, "scope": {"name": "s"}}
    return [
        {**of_both, **inside, **spoken, **model, **usage},
        {**of_both, **root, "input": "", "output": "", **no_model, "metadata": metadata | sent},
    ]


def trace_row(call: dict[str, Any]) -> dict[str, Any]:
    """A trace, as `traces/` has it."""
    return {
        "id": call["context.trace_id"],
        "timestamp": moment(call["start_time"]),
        "name": "route",
        "environment": "ci",
        "project_id": "p",
        "metadata": call["attributes.metadata"],
        "user_id": None,
        "session_id": call["attributes.session.id"],
        "release": None,
        "version": None,
        "public": False,
        "bookmarked": False,
        "tags": call["attributes.tag.tags"],
        "input": call["attributes.input.value"],
        "output": call["attributes.output.value"] or None,
    }


def score_row(mark: dict[str, Any]) -> dict[str, Any]:
    """A score, as `scores/` has it."""
    return {
        "id": mark["id"],
        "timestamp": "2026-11-23 10:58:26.000000",
        "project_id": "p",
        "environment": "ci",
        "trace_id": TRACES[mark["span_id"]],
        "observation_id": None,
        "session_id": None,
        "name": mark["annotation_name"],
        "value": mark["result.score"],
        "source": "API",
        "comment": None,
        "data_type": "BOOLEAN" if mark["annotation_name"] == "correctness" else "NUMERIC",
        "string_value": None,
    }


def camel(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the names that the interface has for its columns."""
    return {
        "".join(part.capitalize() if at else part for at, part in enumerate(name.split("_"))): value
        for name, value in row.items()
    }


OBSERVATIONS: Table = [one for call in CALLS for one in observations(call)]
TRACE_ROWS: Table = [trace_row(call) for call in CALLS]
SCORES: Table = [score_row(mark) for mark in MARKS]


def as_lines(table: Table) -> bytes:
    return "\n".join(json.dumps(row) for row in table).encode()


def as_csv(table: Table) -> bytes:
    """CSV by the documentation: null is empty, objects and arrays are JSON, truth in small."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table[0])
    for row in table:
        cells = ["" if row[name] is None else row[name] for name in table[0]]
        texts = [value if isinstance(value, str) else json.dumps(value) for value in cells]
        writer.writerow(texts)
    return text.getvalue().encode()


def as_parquet(table: Table) -> bytes:
    stream = io.BytesIO()
    pl.DataFrame(table, infer_schema_length=None).write_parquet(stream)
    return stream.getvalue()


KINDS: dict[str, Callable[[Table], bytes]] = {
    "jsonl": as_lines,
    "json": lambda table: json.dumps(table).encode(),
    "interface": lambda table: json.dumps(
        {"data": [camel(row) for row in table], "meta": {"page": 1}}
    ).encode(),
    "csv": as_csv,
    "parquet": as_parquet,
}


def written(tmp_path: Path, table: Table, kind: str = "jsonl") -> Read:
    path = tmp_path / f"table.{kind}"
    path.write_bytes(KINDS[kind](table))
    return read(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("table", [OBSERVATIONS, TRACE_ROWS], ids=["observations", "traces"])
def test_what_is_right_is_as_the_facts_say(tmp_path: Path, table: Table, kind: str) -> None:
    known = facts("phoenix", "eval")
    scores = {row["id"]: row for row in written(tmp_path, SCORES, kind).rows}
    rows = [row | scores.get(row["id"], {}) for row in written(tmp_path, table, kind).rows]
    assert (len(rows), len(scores)) == (known["n"], known["n"] - 1)
    assert sum(row["score"] is True for row in rows) + known["error_planned_ok"] == known["n_ok"]
    (failed,) = [row for row in rows if row["score"] is None]
    assert failed["record_id"] == known["error_record"]
    failed["status"] = "errored"  # a table of traces does not say so
    for attribute, by_value in known["by"].items():
        assert rates(rows, attribute, errors_right=known["error_planned_ok"]) == by_value


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_has_what_its_observations_have(tmp_path: Path, kind: str) -> None:
    row = written(tmp_path, OBSERVATIONS[:2], kind).rows[0]
    wanted = {
        "id": CALLS[0]["context.trace_id"],
        "input": CALLS[0]["attributes.input.value"],
        "output": "LOGISTICS_TEAM",
        "expected": "LOGISTICS_TEAM",
        "status": "unscored",
        "cluster": "s-T46799",
        "timestamp": "2026-05-04T19:03:00+00:00",
        "latency": Decimal("0.658"),
        "cost": Decimal("0.25"),
        "lang": "de",
        "channel": "email",
        "environment": "ci",
        "model": "router-v2",
        "tags": ["email", "eval"],
        "input_tokens": 40,
        "output_tokens": 6,
    }
    assert {name: row[name] for name in wanted} == wanted
    assert not [name for name in row if name.startswith(("attributes", "resource", "scope"))]
    assert [step["output"] for step in row["steps"]] == ["LOGISTICS_TEAM"]


def test_an_observation_that_failed_says_why(tmp_path: Path) -> None:
    (failed,) = [row for row in written(tmp_path, OBSERVATIONS).rows if row["status"] == "errored"]
    assert (failed["error"], failed["score"]) == ("upstream timeout", None)


def test_scores_are_asked_for(tmp_path: Path) -> None:
    for table in (OBSERVATIONS, TRACE_ROWS):
        (needed,) = written(tmp_path, table).log.needs
        assert needed.what == "scores"


def test_columns_beyond_those_of_a_trace_are_scores(tmp_path: Path) -> None:
    of_page = [
        {
            **camel(TRACE_ROWS[0]),
            "latency": 0.658,
            "totalCost": "0.5",
            "exact": [1],
            "tone": ["ok"],
        },
        {**camel(TRACE_ROWS[1]), "latency": None, "totalCost": None, "exact": [0], "tone": None},
        {**camel(TRACE_ROWS[2]), "latency": None, "totalCost": None, "exact": None, "tone": None},
    ]
    for kind in ("json", "csv"):
        rows, log = written(tmp_path, of_page, kind)
        assert [row["score"] for row in rows] == [True, False, None]
        assert rows[0]["scores"] == {"exact": 1, "tone": "ok"}
        assert (rows[0]["latency"], rows[0]["cost"]) == (Decimal("0.658"), Decimal("0.5"))
        assert not log.needs


def test_a_trace_with_its_details_has_steps_and_scores(tmp_path: Path) -> None:
    details = {
        **camel(TRACE_ROWS[0]),
        "observations": [camel(row) for row in OBSERVATIONS[:2]],
        "scores": [camel(SCORES[0]) | {"name": "exact", "value": 1, "dataType": "BOOLEAN"}],
    }
    (row,), _ = written(tmp_path, [details])
    assert (row["score"], row["scores"]) == (True, {"exact": 1})
    assert [step["name"] for step in row["steps"]] == ["call", "route"]


def test_a_category_is_its_word_and_a_remark_is_no_score(tmp_path: Path) -> None:
    word = SCORES[0] | {"data_type": "CATEGORICAL", "value": 3, "string_value": "polite"}
    remark = SCORES[0] | {"data_type": "TEXT", "value": 0, "string_value": "nice"}
    (row,), log = written(tmp_path, [word, remark])
    assert (row["scores"], row["score"]) == ({SCORES[0]["name"]: "polite"}, None)
    assert log.aside == [Aside(2, "the score has no trace or no name, or is a remark")]


@pytest.mark.parametrize("kind", ["jsonl", "json", "interface", "csv"])
@pytest.mark.parametrize(
    ("table", "reader"),
    [
        (OBSERVATIONS, "langfuse_observations"),
        (TRACE_ROWS, "langfuse_traces"),
        (SCORES, "langfuse_scores"),
    ],
)
def test_one_reader_claims_a_table(tmp_path: Path, table: Table, reader: str, kind: str) -> None:
    path = tmp_path / "table"
    path.write_bytes(KINDS[kind](table))
    assert claimants(path) == [reader]


def test_the_rows_are_records(tmp_path: Path) -> None:
    path = tmp_path / "observations.jsonl"
    path.write_bytes(as_lines(OBSERVATIONS))
    assert len(as_records(path)) == 2 * len(CALLS)


@pytest.mark.parametrize("lost", ["id", "trace_id"])
def test_an_observation_without_an_id_is_set_aside(tmp_path: Path, lost: str) -> None:
    rows, log = written(tmp_path, [*OBSERVATIONS[:2], OBSERVATIONS[2] | {lost: 7}])
    assert (len(rows), log.aside) == (1, [Aside(3, f"its {lost} is '7', expected text")])


@pytest.mark.parametrize("table", [OBSERVATIONS[:2], TRACE_ROWS[:2], SCORES[:2]])
@settings(max_examples=50)
@given(data=st.data())
def test_a_damaged_table_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, table: Table, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("langfuse") / "table.jsonl"
    path.write_bytes(as_lines([table[0], *damage(table, data)]))
    with suppress(CannotRead):
        read(path)
