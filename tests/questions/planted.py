"""Logs written by real tools, and the same logs with a fault of the scorer planted in them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

SAMPLES = Path(__file__).resolve().parents[1] / "samples"

Record = dict[str, Any]


class Tool(NamedTuple):
    """How a tool writes what a fault changes; a part that the tool has no place for is None."""

    name: str
    sample: str
    load: Callable[[bytes], tuple[Any, list[Record]]]  # the document, and its records inside it
    save: Callable[[Any, list[Record]], str]
    get: Callable[[Record, str], Any]
    put: Callable[[Record, str, Any], None]
    has_errors: bool = True
    first_line: int = 1  # that a record is on, or its position

    def records(self) -> tuple[Any, list[Record]]:
        """The document of the sample, and its records."""
        path = SAMPLES / self.sample
        raw = path.read_bytes()
        return self.load(gzip.decompress(raw) if path.suffix == ".gz" else raw)

    def write(self, folder: Path, document: Any, records: list[Record]) -> Path:
        """A log with these records in place of the sample's."""
        path = folder / Path(self.sample).name.removesuffix(".gz")
        path.write_text(self.save(document, records), encoding="utf-8")
        return path


# Inspect AI


def _inspect_load(raw: bytes) -> tuple[Any, list[Record]]:
    document = json.loads(raw)
    return document, document["samples"]


def _inspect_save(document: Any, records: list[Record]) -> str:
    return json.dumps({**document, "samples": records})


def _inspect_get(record: Record, part: str) -> Any:
    return {
        "id": record["id"],
        "input": record["input"],
        "expected": record["target"],
        "output": record["output"]["completion"],
        "right": record.get("scores", {}).get("match", {}).get("value") == "C",
        "error": record.get("error"),
    }[part]


def _inspect_put(record: Record, part: str, value: Any) -> None:
    if part in ("id", "input"):
        record[part] = value
    elif part == "expected":
        record["target"] = value
    elif part == "output":
        record["output"]["completion"] = value
        record["output"]["choices"][0]["message"]["content"] = value
        record["scores"]["match"]["answer"] = value
    elif part == "right":
        record["scores"]["match"]["value"] = "C" if value else "I"
    else:
        record["error"] = {"message": value, "traceback": "", "traceback_ansi": ""}


# lm-evaluation-harness


def _lm_eval_load(raw: bytes) -> tuple[Any, list[Record]]:
    """The lines of one filter alone: the file has one for each, of the same documents."""
    lines = [json.loads(line) for line in raw.splitlines()]
    return None, [one for one in lines if one["filter"] == "flexible-extract"]


def _lm_eval_save(document: Any, records: list[Record]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def _lm_eval_get(record: Record, part: str) -> Any:
    return {
        "id": record["doc_id"],
        "input": record["doc"]["question"],
        "expected": record["target"],
        "output": record["filtered_resps"][0],
        "right": record["exact_match"] == 1,
        "error": None,
    }[part]


def _lm_eval_put(record: Record, part: str, value: Any) -> None:
    if part == "id":
        record["doc_id"] = 1000 + int("".join(filter(str.isdigit, str(value))))
        record["doc"]["id"] = str(value)
    elif part == "expected":
        record["target"] = record["doc"]["answer"] = value
    elif part == "output":
        record["filtered_resps"], record["resps"] = [value], [[value]]
    else:
        record["exact_match"] = float(value)


# MLflow's result_df


def _mlflow_load(raw: bytes) -> tuple[Any, list[Record]]:
    return None, json.loads(raw)


def _mlflow_save(document: Any, records: list[Record]) -> str:
    return json.dumps(records)


def _mlflow_get(record: Record, part: str) -> Any:
    return {
        "id": record["request"]["id"],
        "input": record["request"]["question"],
        "expected": record["expected_response/value"],
        "output": record["response"],
        "right": record["exact/value"] is True,
        "error": None if record["state"] == "OK" else record["state"],
    }[part]


def _mlflow_put(record: Record, part: str, value: Any) -> None:
    if part == "id":
        record["request"]["id"], record["trace_id"] = value, f"tr-{value}"
    elif part == "expected":
        _assess(record, "expected_response", "expectation", value)
    elif part == "output":
        record["response"] = value
    elif part == "right":
        _assess(record, "exact", "feedback", value)
    else:
        record["state"] = "ERROR"


def _assess(record: Record, name: str, kind: str, value: Any) -> None:
    """MLflow has each assessment twice: in a column of its own, and in a list."""
    record[f"{name}/value"] = value
    for one in record["assessments"]:
        if one["assessment_name"] == name:
            one[kind]["value"] = value


# promptfoo


def _promptfoo_load(raw: bytes) -> tuple[Any, list[Record]]:
    document = json.loads(raw)
    return document, document["results"]["results"]


def _promptfoo_save(document: Any, records: list[Record]) -> str:
    return json.dumps({**document, "results": {**document["results"], "results": records}})


def _promptfoo_get(record: Record, part: str) -> Any:
    return {
        "id": record["testCase"]["metadata"]["record_id"],
        "input": record["prompt"]["raw"],
        "expected": record["testCase"]["assert"][0]["value"],
        "output": record["response"].get("output"),
        "right": record["success"],
        "error": record["error"] if record["failureReason"] == 2 else None,
    }[part]


def _promptfoo_put(record: Record, part: str, value: Any) -> None:
    if part == "id":
        record["testCase"]["metadata"]["record_id"] = record["testCase"]["description"] = value
        record["metadata"]["record_id"] = value
        record["testIdx"], record["id"] = 1000 + record["testIdx"], value
    elif part == "expected":
        record["testCase"]["assert"][0]["value"] = value
    elif part == "output":
        record["response"]["output"] = value
    elif part == "right":
        record["success"], record["failureReason"] = value, 0 if value else 1
    else:
        record["error"], record["failureReason"] = value, 2


# LangSmith


def _langsmith_load(raw: bytes) -> tuple[Any, list[Record]]:
    return None, [json.loads(line) for line in raw.splitlines()]


def _langsmith_get(record: Record, part: str) -> Any:
    return {
        "id": record["example"]["id"],
        "input": record["example"]["inputs"]["question"],
        "expected": record["example"]["outputs"]["answer"],
        "output": (record["run"]["outputs"] or {}).get("answer"),
        "right": _feedback(record)["score"] == 1,
        "error": record["run"]["error"],
    }[part]


def _langsmith_put(record: Record, part: str, value: Any) -> None:
    if part == "id":
        record["example"]["id"] = record["run"]["reference_example_id"] = value
        record["run"]["id"] = record["run"]["trace_id"] = f"run of {value}"
    elif part == "expected":
        record["example"]["outputs"]["answer"] = value
    elif part == "output":
        record["run"]["outputs"]["answer"] = value
    elif part == "right":
        _feedback(record)["score"] = int(value)
    else:
        record["run"]["error"], record["run"]["outputs"] = value, None


def _feedback(record: Record) -> Record:
    results = record["evaluation_results"]["results"]
    return next(one for one in results if one["key"] == "correct")


# A table of one's own, as many keep them: the parts of MLflow's records as CSV


def _plain_load(raw: bytes) -> tuple[Any, list[Record]]:
    rows = []
    for one in json.loads(raw):
        parts = ("id", "input", "expected", "output", "right", "error")
        said = {part: _mlflow_get(one, part) for part in parts}
        if said["error"] is None:
            rows.append({**said, "error": "", "right": str(said["right"]).lower()})
    return None, rows


def _plain_save(document: Any, records: list[Record]) -> str:
    text = io.StringIO()
    names = {"input": "question", "output": "answer", "right": "passed"}
    table = csv.writer(text)
    table.writerow([names.get(part, part) for part in records[0]])
    table.writerows(record.values() for record in records)
    return text.getvalue()


def _plain_get(record: Record, part: str) -> Any:
    return record[part] == "true" if part == "right" else record[part] or None


def _plain_put(record: Record, part: str, value: Any) -> None:
    record[part] = str(value).lower() if part == "right" else value


TOOLS = (
    Tool(
        "inspect_ai",
        "inspect_ai/support_prod.json.gz",
        _inspect_load,
        _inspect_save,
        _inspect_get,
        _inspect_put,
    ),
    Tool(
        "lm_eval",
        "lm_eval/samples_support_route_prod_2026-11-23T10-57-18.270558.jsonl.gz",
        _lm_eval_load,
        _lm_eval_save,
        _lm_eval_get,
        _lm_eval_put,
        has_errors=False,
    ),
    Tool(
        "mlflow",
        "mlflow/genai_result_df_prod.json.gz",
        _mlflow_load,
        _mlflow_save,
        _mlflow_get,
        _mlflow_put,
    ),
    Tool(
        "promptfoo",
        "promptfoo/routing_prod.json.gz",
        _promptfoo_load,
        _promptfoo_save,
        _promptfoo_get,
        _promptfoo_put,
    ),
    Tool(
        "langsmith",
        "langsmith/rows_prod.jsonl.gz",
        _langsmith_load,
        _lm_eval_save,
        _langsmith_get,
        _langsmith_put,
    ),
    Tool(
        "table",
        "mlflow/genai_result_df_prod.json.gz",
        _plain_load,
        _plain_save,
        _plain_get,
        _plain_put,
        first_line=2,
    ),
)


# The faults: each changes some records, and names the ids of those that show it.

LABELS = ("BILLING_TEAM", "LOGISTICS_TEAM", "REFUND_TEAM", "IDENTITY_TEAM")


def _chosen(tool: Tool, records: list[Record], right: bool, number: int = 3) -> list[Record]:
    """Some records that are right, or wrong, and have an answer."""
    fit = [
        record
        for record in records
        if tool.get(record, "right") is right
        and not tool.get(record, "error")
        and tool.get(record, "output")
    ]
    return fit[5 : 5 + 2 * number : 2]


def errored_as_pass(tool: Tool, records: list[Record]) -> list[Record]:
    """Calls that failed, and count as right."""
    chosen = _chosen(tool, records, right=True)
    for record in chosen:
        tool.put(record, "error", "Timeout: no answer after 30 seconds")
    return chosen


def missing_field_as_pass(tool: Tool, records: list[Record]) -> list[Record]:
    """Blank answers that count as right."""
    chosen = _chosen(tool, records, right=True)
    for record in chosen:
        tool.put(record, "output", "")
    return chosen


def unparsed_as_fail(tool: Tool, records: list[Record]) -> list[Record]:
    """The expected answer in a sentence, counted as wrong."""
    chosen = _chosen(tool, records, right=True)
    ways = ("The answer is **{}**.", "Answer: `{}`", "I would route this one to {}, as usual.")
    for record, way in zip(chosen, ways, strict=True):
        tool.put(record, "output", way.format(tool.get(record, "expected")))
        tool.put(record, "right", False)
    return chosen


def format_only(tool: Tool, records: list[Record]) -> list[Record]:
    """The expected answer in other letters, counted as wrong."""
    chosen = _chosen(tool, records, right=True)
    for record in chosen:
        tool.put(record, "output", f" {tool.get(record, 'expected').lower()}")
        tool.put(record, "right", False)
    return chosen


def silent_pass(tool: Tool, records: list[Record]) -> list[Record]:
    """Inputs that stand twice with two truths, each of which was answered as it says."""
    chosen = _chosen(tool, records, right=True)
    copies = [_copy(tool, record) for record in chosen]
    for copied in copies:
        other = next(one for one in LABELS if one != tool.get(copied, "expected"))
        tool.put(copied, "expected", other)
        tool.put(copied, "output", other)
    records += copies
    return chosen + copies


def repeats_as_independent(tool: Tool, records: list[Record]) -> list[Record]:
    """Records that stand twice under ids of their own."""
    copies = [_copy(tool, record) for record in _chosen(tool, records, right=True)]
    records += copies
    return copies


def label_suspect(tool: Tool, records: list[Record]) -> list[Record]:
    """A truth that is blank, where all others are names of teams."""
    chosen = _chosen(tool, records, right=False, number=1)
    for record in chosen:
        tool.put(record, "expected", "")
    return chosen


FAULTS = {
    "errored-as-pass": errored_as_pass,
    "missing-field-as-pass": missing_field_as_pass,
    "unparsed-as-fail": unparsed_as_fail,
    "format-only": format_only,
    "silent-pass": silent_pass,
    "repeats-as-independent": repeats_as_independent,
    "label-suspect": label_suspect,
}


def _copy(tool: Tool, record: Record) -> Record:
    copied = deepcopy(record)
    tool.put(copied, "id", f"{tool.get(record, 'id')}7")
    return copied
