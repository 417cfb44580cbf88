"""MLflow: the files that its evaluations and traces are written to.

The table of `mlflow.genai.evaluate` (its `result_df`) and of `mlflow.search_traces`, as pandas
writes it: records, JSON Lines, columns, split, CSV or Parquet. The older `eval_results_table.json`
of `mlflow.evaluate`. Whole traces in JSON. What their rows mean stands in `mlflow_samples`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from eval_autopsy import kernel
from eval_autopsy.readers import json_items
from eval_autopsy.readers.exports import First, export
from eval_autopsy.readers.log_values import mapping, sequence, text
from eval_autopsy.readers.logs import Aside, Item
from eval_autopsy.readers.mlflow_samples import samples
from eval_autopsy.readers.opened import Lines
from eval_autopsy.registry import reader

_SPLIT = re.compile(rb'\{\s*"columns"\s*:\s*(?=\[)')
_BY_COLUMN = re.compile(rb'\{\s*"trace_id"\s*:\s*\{\s*"0"\s*:\s*"tr-')


def _are_columns(names: Iterable[str]) -> bool:
    known = set(names)
    scored = any(name.endswith("/value") for name in known)
    timed = known & {"execution_duration", "request_time", "assessments"}
    return "trace_id" in known and bool(timed) and (scored or "trace_metadata" in known)


def _is_table(first: First) -> bool:
    if isinstance(first.get("trace_id"), dict):
        return False  # column by column
    # A trace in the second column can be longer than what a file is known by.
    traced = str(first.get("trace_id")).startswith("tr-") and "trace" in first
    return traced or _are_columns(first)


@export("mlflow", known=_is_table)
def mlflow(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
    """One sample for each row of the table that MLflow's evaluation gives."""
    yield from samples(rows)


def _is_trace(first: First) -> bool:
    info = mapping(first.get("info"))
    return {"trace_id", "trace_location"} <= info.keys() and "data" in first


@export("mlflow_traces", known=_is_trace)
def mlflow_traces(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
    """One sample for each trace of MLflow in JSON, with its spans as steps."""
    yield from samples(rows)


def _is_turned(head: bytes) -> bool:
    split = _SPLIT.match(head)
    names = _names(head[split.end() :]) if split else []
    older = any(name.endswith("/score") for name in names)
    return older or _are_columns(names) or bool(_BY_COLUMN.match(head))


def _names(raw: bytes) -> list[str]:
    """The names in the array that a text begins with; none when it has no such array."""
    try:
        found = json.JSONDecoder().raw_decode(raw.decode("utf-8", "ignore"))[0]
    except (ValueError, RecursionError):
        return []
    return [name for name in found if isinstance(name, str)]


@reader("mlflow_table", sniff=_is_turned, yields="samples")
def mlflow_table(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each row of an MLflow table whose JSON has the columns apart from the rows."""
    yield from samples(_columns(stream, name) if _by_column(stream) else _split(stream, name))


def _by_column(stream: Lines) -> bool:
    return bool(_BY_COLUMN.match(stream.head().removeprefix(b"\xef\xbb\xbf").lstrip()))


def _split(stream: Lines, name: str) -> Iterator[kernel.Row | Aside]:
    columns: list[str] = []
    for part in json_items.parts(stream, name, ("data",)):
        if part.path == "columns":
            columns = [text(column) for column in sequence(part.value)]
        elif part.path == "data":
            cells = sequence(part.value)
            if len(cells) == len(columns):
                yield kernel.Row(part.at, dict(zip(columns, cells, strict=True)))
            else:
                yield Aside(part.at, f"found {len(cells)} cells, expected {len(columns)}")


def _columns(stream: Lines, name: str) -> Iterator[kernel.Row]:
    """The rows of a table that is written column by column, which has to be held whole."""
    columns = {part.path: mapping(part.value) for part in json_items.parts(stream, name)}
    for at, key in enumerate(columns.get("trace_id", ()), 1):
        yield kernel.Row(at, {column: cells.get(key) for column, cells in columns.items()})
