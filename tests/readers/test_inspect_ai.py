"""Inspect AI's logs come out as the facts about them say, and damaged ones are told."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers import inspect_ai
from eval_autopsy.readers.compressed import zstd_module
from eval_autopsy.readers.logs import Aside, Note, Reported, Sample

from .log_facts import SAMPLES, as_records, claimants, damage, facts, rates, read, reconciled

EVAL = SAMPLES / "inspect_ai" / "support_eval.eval"
PROD = SAMPLES / "inspect_ai" / "support_prod.json.gz"

SAMPLE: dict[str, Any] = {
    "id": "a",
    "epoch": 1,
    "input": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "2+2?"}],
    "target": ["4", "four"],
    "messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}],
    "output": {"choices": [{"message": {"content": "4"}, "stop_reason": "stop"}]},
    "scores": {"match": {"value": "C", "answer": "4"}},
    "metadata": {"lang": "en", "of": {"kind": "sum"}},
    "model_usage": {"m": {"input_tokens": 3, "output_tokens": 1}, "n": {"input_tokens": 2}},
    "started_at": "2026-01-01T00:00:00+00:00",
    "total_time": 1.5,
}
HEADER: dict[str, Any] = {
    "version": 2,
    "status": "success",
    "eval": {"task": "sums", "model": "m", "config": {"epochs": 1}},
    "results": {
        "total_samples": 1,
        "completed_samples": 1,
        "scores": [
            {
                "name": "match",
                "scorer": "match",
                "scored_samples": 1,
                "metrics": {"accuracy": {"name": "accuracy", "value": 1}},
            }
        ],
    },
}


def archive(path: Path, entries: dict[str, Any], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """An archive of JSON values, or of bytes as they are."""
    with zipfile.ZipFile(path, "w", method) as out:
        for name, value in entries.items():
            out.writestr(name, value if isinstance(value, bytes) else json.dumps(value))
    return path


def log_of(folder: Path, *samples: dict[str, Any], header: dict[str, Any] = HEADER) -> Path:
    """A log in the `.eval` form, written by hand."""
    entries: dict[str, Any] = {inspect_ai.START: {key: header[key] for key in ("version", "eval")}}
    for one in samples:
        entries[f"samples/{one['id']}_epoch_{one['epoch']}.json"] = one
    entries["summaries.json"] = list(samples)
    return archive(folder / "log.eval", {**entries, "header.json": header})


def scored(folder: Path, *values: Any) -> list[dict[str, Any]]:
    """The rows of samples with these values of the score `match`."""
    samples = [
        SAMPLE | {"id": str(at), "scores": {"match": {"value": value}}}
        for at, value in enumerate(values)
    ]
    return read(log_of(folder, *samples)).rows


@pytest.mark.parametrize(("path", "reader"), [(EVAL, "inspect_eval"), (PROD, "inspect_json")])
def test_one_reader_claims_each_log(path: Path, reader: str) -> None:
    assert claimants(path) == [reader]


@pytest.mark.parametrize("epoch", [1, 2])
def test_each_epoch_of_an_archive_counts_as_the_facts_say(epoch: int) -> None:
    known = facts("inspect_ai", "eval")
    rows = [row for row in read(EVAL).rows if ("#" in row["id"]) == (epoch == 2)]
    assert len(rows) == known["n"]
    errored = [row for row in rows if row["status"] == "errored"]
    assert [row["cluster"] for row in errored] == [known["error_sample"]]
    assert errored[0]["score"] is None
    assert "upstream timeout" in errored[0]["error"]
    right = known["n_ok"] - known["error_planned_ok"]
    assert Counter(row["score"] for row in rows) == {
        True: right,
        False: known["n"] - right - 1,
        None: 1,
    }
    for attribute, expected in known["by"].items():
        assert rates(rows, attribute, errors_right=known["error_planned_ok"]) == expected


def test_a_json_log_counts_as_the_facts_say() -> None:
    known = facts("inspect_ai", "prod")
    rows = read(PROD).rows
    assert len(rows) == known["n"]
    assert [row["id"] for row in rows if row["status"] == "errored"] == [known["error_sample"]]
    for attribute, expected in known["by"].items():
        assert rates(rows, attribute, errors_right=known["error_planned_ok"]) == expected


@pytest.mark.parametrize(("path", "name"), [(EVAL, "eval"), (PROD, "prod")])
def test_the_planted_slice_fails_as_planted(path: Path, name: str) -> None:
    known = facts("inspect_ai", name)
    rows = [row for row in read(path).rows if "#" not in row["id"]]
    inside = [row for row in rows if (row["lang"], row["topic"]) == ("de", "refund")]
    assert len(inside) == known["planted"]["n"]
    assert sum(row["score"] is True for row in inside) == known["planted"]["ok"]


def test_epochs_share_a_cluster_and_have_ids_of_their_own() -> None:
    rows = read(EVAL).rows
    assert len({row["id"] for row in rows}) == len(rows)
    assert set(Counter(row["cluster"] for row in rows).values()) == {2}


@pytest.mark.parametrize("path", [EVAL, PROD])
def test_what_the_header_states_follows_from_the_samples(path: Path) -> None:
    found = read(path)
    stated = {one.name for one in found.log.reported}
    assert stated == {"samples", "errors", "mean of match", "mean of brevity"}
    assert [one.words() for one in reconciled(found) if not one.same] == []


def test_means_over_epochs_that_were_reduced_first_say_so() -> None:
    found = read(EVAL)
    assert any("over tasks" in note.text for note in found.log.notes)
    assert {one.over for one in found.log.reported} == {None}


@pytest.mark.parametrize("path", [EVAL, PROD])
def test_a_log_passes_the_intake(path: Path) -> None:
    records = as_records(path)
    assert len(records) == 2 * len(read(path).rows)
    assert records[0].latency is not None
    teams = {"REFUND_TEAM", "BILLING_TEAM", "LOGISTICS_TEAM", "IDENTITY_TEAM"}
    assert {record.expected for record in records} == teams


def test_a_sample_has_its_parts_and_attributes(tmp_path: Path) -> None:
    (row,) = read(log_of(tmp_path, SAMPLE)).rows
    assert row == {
        "id": "a",
        "input": "2+2?",
        "expected": ["4", "four"],
        "output": "4",
        "score": True,
        "scores": {"match": True},
        "status": "answered",
        "timestamp": "2026-01-01T00:00:00+00:00",
        "latency": Decimal("1.5"),
        "model": "m",
        "task": "sums",
        "stop_reason": "stop",
        "input_tokens": 5,
        "output_tokens": 1,
        "lang": "en",
        "of.kind": "sum",
    }


# What follows is read as the source of Inspect has it: no tool wrote these logs.


@pytest.mark.parametrize(
    ("value", "score", "number", "status"),
    [
        ("C", True, True, "answered"),
        ("I", False, False, "answered"),
        ("P", False, Decimal("0.5"), "answered"),
        ("N", None, False, "unparsed"),
        (True, True, True, "answered"),
        (False, False, False, "answered"),
        (1, True, 1, "answered"),
        (0.0, False, 0, "answered"),
        ("high", None, "high", "answered"),
        ([1, 0], None, [1, 0], "answered"),
        (None, None, None, "unscored"),
        (float("nan"), None, None, "unscored"),
    ],
)
def test_a_score_is_a_verdict_or_says_why_not(
    tmp_path: Path, value: Any, score: Any, number: Any, status: str
) -> None:
    (row,) = scored(tmp_path, value)
    assert (row["score"], row["scores"]["match"], row["status"]) == (score, number, status)


def test_one_number_that_is_no_verdict_makes_the_score_a_grade(tmp_path: Path) -> None:
    assert [row["score"] for row in scored(tmp_path, 1, 0, 0.4)] == [None, None, None]
    assert [row["score"] for row in scored(tmp_path, 1, 0, 1)] == [True, False, True]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_json_log_is_looked_through_for_grades_before_it_is_read(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    samples = [SAMPLE | {"id": at, "scores": {"match": {"value": at / 2}}} for at in range(3)]
    path = tmp_path / "log.json"
    path.write_text(json.dumps({**HEADER, "samples": samples}))
    found = read(path)
    assert [(row["id"], row["score"]) for row in found.rows] == [
        ("0", None),
        ("1", None),
        ("2", None),
    ]
    assert "3 samples have a grade" in found.log.notes[-1].text


def test_partial_and_missing_answers_are_noted(tmp_path: Path) -> None:
    samples = [
        SAMPLE | {"id": f"{value}{at}", "scores": {"match": {"value": value}}}
        for at, value in enumerate("PPN")
    ]
    notes = [note.text for note in read(log_of(tmp_path, *samples)).log.notes]
    assert [note.partition(" (")[0] for note in notes] == [
        "2 samples are right in part",
        "1 samples have no answer",
    ]


def test_members_of_a_score_are_scores_and_the_headline_decides(tmp_path: Path) -> None:
    results = {"headline": {"scorer": "rubric", "score": "right", "metric": "mean"}}
    value = {"tone": 0.7, "right": 1}
    sample = SAMPLE | {"scores": {"other": {"value": "I"}, "rubric": {"value": value}}}
    (row,) = read(log_of(tmp_path, sample, header=HEADER | {"results": results})).rows
    assert list(row["scores"].items()) == [
        ("rubric.right", 1),
        ("other", False),
        ("rubric.tone", Decimal("0.7")),
    ]
    assert row["score"] is True


def test_a_log_of_version_1_has_its_only_score(tmp_path: Path) -> None:
    old = {key: value for key, value in SAMPLE.items() if key != "scores"}
    (row,) = read(log_of(tmp_path, old | {"score": {"value": "I", "answer": "5"}})).rows
    assert (row["score"], row["scores"]) == (False, {"match": False})
    grades = [old | {"id": str(at), "score": {"value": at / 2}} for at in range(3)]
    assert [row["score"] for row in read(log_of(tmp_path, *grades)).rows] == [None] * 3


def test_a_scored_error_has_scores_and_no_verdict(tmp_path: Path) -> None:
    found = read(log_of(tmp_path, SAMPLE | {"error": {"message": "timeout"}}))
    (row,) = found.rows
    assert (row["score"], row["status"], row["error"]) == (None, "errored", "timeout")
    assert row["scores"] == {"match": True}
    assert "an error and scores" in found.log.notes[-1].text


def test_a_filtered_answer_is_a_refusal(tmp_path: Path) -> None:
    output = {"choices": [{"message": {"content": ""}, "stop_reason": "content_filter"}]}
    (row,) = read(log_of(tmp_path, SAMPLE | {"output": output})).rows
    assert (row["score"], row["status"]) == (None, "refused")


def test_messages_with_tools_are_steps_with_their_attachments(tmp_path: Path) -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "attachment://f00d"},
        {"role": "assistant", "content": "", "tool_calls": [{"function": "add"}]},
        {"role": "tool", "content": "4"},
    ]
    sample = SAMPLE | {"messages": messages, "attachments": {"f00d": "2+2?"}}
    (row,) = read(log_of(tmp_path, sample | {"input": messages[:1]})).rows
    assert row["input"] == "2+2?"
    assert row["steps"] == [messages[0] | {"content": "2+2?"}, *messages[1:]]


def test_other_reducers_than_the_mean_are_not_held_against_the_samples(tmp_path: Path) -> None:
    score = HEADER["results"]["scores"][0] | {"reducer": "pass_at_2"}
    header = HEADER | {
        "eval": {"config": {"epochs": 2}},
        "results": HEADER["results"] | {"scores": [score]},
    }
    found = read(log_of(tmp_path, SAMPLE, header=header))
    assert [one.name for one in found.log.reported] == ["samples", "errors"]
    assert any("reduced by pass_at_2" in note.text for note in found.log.notes)


def test_a_crashed_run_is_read_from_its_journal(tmp_path: Path) -> None:
    lost = SAMPLE | {"id": "b"}
    path = archive(
        tmp_path / "log.eval",
        {
            inspect_ai.START: {"version": 2, "eval": HEADER["eval"]},
            "samples/a_epoch_1.json": SAMPLE,
            "_journal/summaries/1.json": [SAMPLE, lost],
        },
    )
    found = read(path)
    assert [(row["id"], row["model"], row["score"]) for row in found.rows] == [("a", "m", True)]
    assert "did not finish" in found.log.notes[0].text
    assert [one.what.partition(" is in")[0] for one in found.log.aside] == [
        "samples/b_epoch_1.json"
    ]
    assert found.log.reported == []


def test_an_entry_of_several_zstandard_frames_is_whole(tmp_path: Path) -> None:
    zstd = zstd_module()
    raw = json.dumps(SAMPLE).encode()
    packed = zstd.compress(raw[:100]) + zstd.compress(raw[100:])
    path = archive(
        tmp_path / "log.eval",
        {"header.json": HEADER, "samples/a_epoch_1.json": packed},
        zipfile.ZIP_STORED,
    )
    say_zstandard(path, "samples/a_epoch_1.json", raw)
    assert [row["id"] for row in read(path).rows] == ["a"]


def say_zstandard(path: Path, entry: str, raw: bytes) -> None:
    """Makes the list say of a stored entry that it is packed by Zstandard, and holds `raw`."""
    content = bytearray(path.read_bytes())
    at = content.rindex(entry.encode()) - 46  # the last time is in the list
    content[at + 10 : at + 12] = struct.pack("<H", 93)
    content[at + 16 : at + 20] = struct.pack("<I", zipfile.crc32(raw))  # type: ignore[attr-defined]
    content[at + 24 : at + 28] = struct.pack("<I", len(raw))
    path.write_bytes(content)


# Hostile logs.


def test_a_log_that_is_cut_off_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.eval"
    path.write_bytes(EVAL.read_bytes()[:-1000])
    with pytest.raises(CannotRead, match="cut off or damaged"):
        read(path)


def test_a_json_log_that_is_cut_off_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_bytes(gzip.decompress(PROD.read_bytes())[:-100])
    with pytest.raises(CannotRead, match="cut off"):
        read(path)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("../a.json", "leads out of it"),
        ("/etc/passwd", "leads out of it"),
        ("samples\\..\\..\\a.json", "leads out of it"),
        ("C:/a.json", "leads out of it"),
        ("header.json", "stands twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_tricky_entry_is_refused(tmp_path: Path, entry: str, says: str) -> None:
    path = log_of(tmp_path, SAMPLE)
    with zipfile.ZipFile(path, "a") as out:
        out.writestr(zipfile.ZipInfo(entry), "{}")
    with pytest.raises(CannotRead, match=says):
        read(path)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = log_of(tmp_path, SAMPLE)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"header.json") - 46 + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(CannotRead, match="which is encrypted"):
        read(path)


@pytest.mark.parametrize("method", ["deflate", "zstd"])
def test_a_bomb_is_refused_before_it_fills_the_machine(tmp_path: Path, method: str) -> None:
    events = json.dumps(SAMPLE | {"events": ["a" * 2**20] * 100}).encode()
    entries = {"header.json": HEADER, "samples/a_epoch_1.json": events}
    path = tmp_path / "log.eval"
    if method == "deflate":
        archive(path, entries)
    else:
        packed = zstd_module().compress(events)
        archive(path, entries | {"samples/a_epoch_1.json": packed}, zipfile.ZIP_STORED)
        say_zstandard(path, "samples/a_epoch_1.json", events)
    with pytest.raises(CannotRead, match="looks like a trap"):
        read(path)


def test_a_damaged_entry_is_set_aside_and_the_others_are_read(tmp_path: Path) -> None:
    path = log_of(tmp_path, SAMPLE, SAMPLE | {"id": "b", "epoch": "two"}, SAMPLE | {"id": "c"})
    content = bytearray(path.read_bytes())
    content[content.index(b"samples/a_epoch_1.json") + 60] ^= 0xFF
    path.write_bytes(content)
    found = read(path)
    assert [row["id"] for row in found.rows] == ["c"]
    assert [one.at for one in found.log.aside] == [1, 2]
    assert "its epoch is 'two'" in found.log.aside[1].what


def test_a_log_without_samples_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match="holds no samples") as caught:
        read(log_of(tmp_path))
    assert "samples logged" in caught.value.remedy


@settings(max_examples=60)
@given(st.data())
def test_no_damaged_value_breaks_the_reader(data: st.DataObject) -> None:
    document = damage({**HEADER, "samples": [SAMPLE, SAMPLE | {"id": "b"}]}, data)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("header.json", json.dumps(HEADER | {"eval": document.get("eval")}))
        out.writestr("samples/a_epoch_1.json", json.dumps(document.get("samples")))
        samples = document.get("samples")
        for at, sample in enumerate(samples if isinstance(samples, list) else []):
            out.writestr(f"samples/{at}_epoch_1.json", json.dumps(sample))
    streams = (
        (inspect_ai.inspect_json, io.BytesIO(json.dumps(document).encode())),
        (inspect_ai.inspect_eval, packed),
    )
    for reader, stream in streams:
        try:
            items = list(reader.read(stream, "log"))
        except kernel.Unreadable:
            continue
        assert all(isinstance(item, (Sample, Aside, Reported, Note)) for item in items)
        ids = [item.row().fields["id"] for item in items if isinstance(item, Sample)]
        assert all(ids)
