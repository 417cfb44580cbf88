"""Phoenix's spans and annotations come out as the facts about them say, in every kind of file."""

from __future__ import annotations

import csv
import gzip
import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy import registry
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.exports import beginning
from eval_autopsy.readers.files import KERNEL_LAYOUTS
from eval_autopsy.readers.logs import Aside, Note
from eval_autopsy.readers.opened import open_file

from .log_facts import SAMPLES, Read, as_records, damage, facts, rates, read

HERE = SAMPLES / "phoenix"
SPANS = {"eval": HERE / "spans_eval.jsonl", "prod": HERE / "spans_prod.jsonl.gz"}
ANNOTATIONS = {
    "eval": HERE / "span_annotations_eval.jsonl.gz",
    "prod": HERE / "span_annotations_prod.jsonl.gz",
}
ROWS = [json.loads(line) for line in SPANS["eval"].read_text().splitlines()]
SCORES = [
    json.loads(line) for line in gzip.decompress(ANNOTATIONS["eval"].read_bytes()).splitlines()
]


def parquet(path: Path) -> Path:
    return path.parent / f"{path.name.partition('.')[0]}.parquet"


def written(tmp_path: Path, *rows: dict[str, Any]) -> Read:
    path = tmp_path / "spans.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return read(path)


def joined(spans: Path, annotations: Path) -> list[dict[str, Any]]:
    """The spans' rows with the scores that the annotations have for their ids."""
    scores = {row["id"]: row for row in read(annotations).rows}
    return [row | scores.pop(row["id"], {}) for row in read(spans).rows]


@pytest.mark.parametrize("kind", ["as lines", "as Parquet"])
@pytest.mark.parametrize("name", ["eval", "prod"])
def test_what_is_right_is_as_the_facts_say(name: str, kind: str) -> None:
    found = [SPANS[name], ANNOTATIONS[name]]
    spans, annotations = found if kind == "as lines" else [parquet(path) for path in found]
    known, rows = facts("phoenix", name), joined(spans, annotations)
    (failed,) = [row for row in rows if row["status"] == "errored"]
    assert (failed["record_id"], failed["error"]) == (known["error_record"], "upstream timeout")
    assert (failed["score"], "output" in failed) == (None, False)
    planned = known["error_planned_ok"]
    assert sum(row["score"] is True for row in rows) + planned == known["n_ok"]
    assert len(rows) == known["n"]
    for attribute, by_value in known["by"].items():
        assert rates(rows, attribute, errors_right=planned) == by_value
    slice_ = [row for row in rows if (row["lang"], row["channel"]) == ("de", "voice")]
    planted = rates(slice_, "lang", errors_right=planned)["de"]
    assert planted == [known["planted"]["ok"], known["planted"]["n"]]


def test_a_row_has_what_its_span_has() -> None:
    wanted = {
        "id": "2904ba3e472b2bc8",
        "input": "[T46799] Bestellung A59974 sollte am 22.03. kommen, wo ist sie?",
        "output": "LOGISTICS_TEAM",
        "expected": "LOGISTICS_TEAM",
        "score": None,
        "status": "unscored",
        "cluster": "s-T46799",
        "timestamp": "2026-05-04T19:03:00+00:00",
        "latency": Decimal("0.658"),
        "record_id": "T46799",
        "lang": "de",
        "channel": "email",
        "topic": "shipping",
        "tier": "pro",
        "turns": 2,
        "model": "router-v2",
        "tags": ["email", "eval"],
        "input_tokens": 40,
        "output_tokens": 6,
    }
    assert read(SPANS["eval"]).rows[0] == wanted


def test_scores_that_are_in_another_file_are_asked_for() -> None:
    (needed,) = read(SPANS["eval"]).log.needs
    assert (needed.what, "get_span_annotations_dataframe" in needed.where) == ("scores", True)
    log = read(ANNOTATIONS["eval"]).log
    assert log.notes == [Note("the verdict is the score 'correctness', which is always yes or no")]


@pytest.mark.parametrize("path", sorted(HERE.glob("span*")), ids=lambda path: path.name)
def test_one_reader_claims_a_sample(path: Path) -> None:
    with open_file(path, path.name) as stream:
        head = beginning(stream)
    if path.suffix == ".gz":
        head = gzip.decompress(path.read_bytes())[: 2**16]
    claims = [
        entry.name
        for entry in registry.readers.describe()
        if entry.name not in (*KERNEL_LAYOUTS, "parquet") and entry.value.sniff(head)
    ]
    assert claims == ["phoenix_annotations" if "annotations" in path.name else "phoenix"]


def test_a_plain_table_of_parquet_is_still_one(tmp_path: Path) -> None:
    path = tmp_path / "plain.parquet"
    pl.DataFrame({"id": [1], "context": ["a"], "span_kind": ["b"]}).write_parquet(path)
    assert read(path).rows == [{"id": 1, "context": "a", "span_kind": "b"}]


@pytest.mark.parametrize("path", [SPANS["prod"], parquet(SPANS["prod"])], ids=["lines", "parquet"])
def test_the_rows_are_records(path: Path) -> None:
    assert len(as_records(path)) == 2 * facts("phoenix", "prod")["n"]


def test_a_table_of_text_gives_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "spans.csv"
    with path.open("w", newline="") as stream:
        table = csv.DictWriter(stream, list(ROWS[0]))
        table.writeheader()
        table.writerows(ROWS)  # dicts and lists as Python shows them, as pandas does
    for row, same in zip(read(path).rows, read(SPANS["eval"]).rows, strict=True):
        assert row | {"input_tokens": 40} == same | {"input_tokens": 40}


def test_spans_of_the_rest_interface_give_the_same_rows(tmp_path: Path) -> None:
    # Written by hand from the documentation of GET /v1/projects/{project}/spans.
    rows = []
    for row in ROWS:
        attributes = {
            name.removeprefix("attributes."): value
            for name, value in row.items()
            if name.startswith("attributes.")
        }
        context = {"span_id": row["context.span_id"], "trace_id": row["context.trace_id"]}
        others = {name: value for name, value in row.items() if "." not in name}
        rows.append({"id": "x", "context": context, **others, "attributes": attributes})
    path = tmp_path / "spans.json"
    path.write_text(json.dumps({"data": rows, "next_cursor": None}))
    assert read(path).rows == read(SPANS["eval"]).rows


def test_annotations_of_the_rest_interface_give_the_same_rows(tmp_path: Path) -> None:
    # Written by hand from the documentation of GET /v1/projects/{project}/span_annotations.
    rows = [
        {
            "id": row["id"],
            "span_id": row["span_id"],
            "name": row["annotation_name"],
            "annotator_kind": row["annotator_kind"],
            "result": {"score": row["result.score"], "label": row["result.label"]},
        }
        for row in SCORES
    ]
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps({"data": rows, "next_cursor": None}))
    wanted = read(ANNOTATIONS["eval"]).rows
    assert read(path).rows == wanted


def test_a_trace_of_several_spans_is_one_sample_under_its_root(tmp_path: Path) -> None:
    trace = {"context.trace_id": "t" * 32}
    root = ROWS[0] | trace | {"context.span_id": "r" * 16, "span_kind": "AGENT"}
    call = ROWS[1] | trace | {"parent_id": "r" * 16}
    (row,), _ = written(tmp_path, call, root)
    assert (row["id"], row["lang"], row["record_id"]) == ("r" * 16, "de", "T46799")
    assert [step["id"] for step in row["steps"]] == [call["context.span_id"]]


def test_calls_of_a_model_without_their_parents_are_samples_of_one_cluster(tmp_path: Path) -> None:
    trace = {"context.trace_id": "t" * 32, "parent_id": "gone", "attributes.session.id": None}
    rows = written(tmp_path, *(row | trace for row in ROWS[:3])).rows
    assert [(row["id"], row["cluster"]) for row in rows] == [
        (row["context.span_id"], "t" * 32)
        for row in sorted(ROWS[:3], key=lambda r: r["start_time"])
    ]


@pytest.mark.parametrize("lost", ["context.trace_id", "context.span_id"])
def test_a_span_without_an_id_is_set_aside(tmp_path: Path, lost: str) -> None:
    rows, log = written(tmp_path, ROWS[0], ROWS[1] | {lost: None})
    assert (len(rows), log.aside) == (1, [Aside(2, "the span has no id, or no trace")])


def test_an_annotation_without_a_name_is_set_aside(tmp_path: Path) -> None:
    rows, log = written(tmp_path, SCORES[0], SCORES[1] | {"annotation_name": None})
    assert (len(rows), log.aside) == (1, [Aside(2, "the annotation has no span, or no name")])


def test_two_annotations_of_a_name_are_both_kept(tmp_path: Path) -> None:
    (row,), _ = written(tmp_path, SCORES[0], SCORES[0] | {"result.score": 0.1})
    name = SCORES[0]["annotation_name"]
    assert row["scores"] == {name: Decimal("0.73"), f"{name}#2": Decimal("0.1")}
    assert row["score"] is None


def test_a_parquet_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.parquet"
    path.write_bytes(parquet(SPANS["eval"]).read_bytes()[:-100])
    with pytest.raises(CannotRead, match="cut off"):
        read(path)


@pytest.mark.parametrize("rows", [ROWS[:2], SCORES[:2]], ids=["spans", "annotations"])
@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_table_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("phoenix") / "table.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in (rows[0], *damage(rows, data))))
    with suppress(CannotRead):
        read(path)
