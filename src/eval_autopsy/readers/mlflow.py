"""MLflow: the files that its evaluations and traces are written to.

The table of `mlflow.genai.evaluate` (its `result_df`) and of `mlflow.search_traces`, as pandas
writes it: records, JSON Lines, columns or split. The older `eval_results_table.json` of
`mlflow.evaluate`. A JSON array of whole traces. What their rows mean stands in `mlflow_samples`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from eval_autopsy import kernel
from eval_autopsy.readers import json_items
from eval_autopsy.readers.json_items import Line
from eval_autopsy.readers.log_values import mapping, sequence, text
from eval_autopsy.readers.logs import Aside, Item
from eval_autopsy.readers.mlflow_samples import Numbered, samples
from eval_autopsy.readers.opened import Lines
from eval_autopsy.registry import reader

_TRACE = re.compile(rb'\[?\s*\{\s*"(info|data)"\s*:\s*\{')
_BY_COLUMN = re.compile(rb'\{\s*"trace_id"\s*:\s*\{\s*"0"\s*:\s*"tr-')
_SPLIT = re.compile(rb'\{\s*"columns"\s*:\s*(?=\[)')
_COLUMNS = (
    re.compile(rb'"trace_id"\s*:'),
    re.compile(rb'(\\?/value|"trace_metadata)"\s*:'),
    re.compile(rb'"(execution_duration|request_time|assessments)"\s*:'),
)


def are_columns(names: Iterable[str]) -> bool:
    """Whether a table with these columns is the `result_df` of an evaluation, or traces."""
    known = set(names)
    scored = any(name.endswith("/value") for name in known)
    timed = known & {"execution_duration", "request_time", "assessments"}
    return "trace_id" in known and bool(timed) and (scored or "trace_metadata" in known)


def _is_table(head: bytes) -> bool:
    if split := _SPLIT.match(head):
        names = _names(head[split.end() :])
        return are_columns(names) or _are_older_columns(names)
    if head[:1] not in (b"{", b"[") or _TRACE.match(head):
        return False
    return bool(_BY_COLUMN.match(head)) or all(column.search(head) for column in _COLUMNS)


def _are_older_columns(names: Iterable[str]) -> bool:
    return any(name.endswith("/score") for name in names)


def _names(raw: bytes) -> list[str]:
    """The names in the array that a text begins with; none when it has no such array."""
    try:
        found = json.JSONDecoder().raw_decode(raw.decode("utf-8", "ignore"))[0]
    except (ValueError, RecursionError):
        return []
    return [name for name in found if isinstance(name, str)]


def _are_traces(head: bytes) -> bool:
    keys = (b'"trace_id"', b'"trace_metadata"', b'"trace_location"')
    return bool(_TRACE.match(head)) and all(key in head for key in keys)


@reader("mlflow", sniff=_is_table, yields="samples")
def mlflow(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each row of MLflow's evaluation table, in JSON."""
    yield from samples(_rows(stream, name))


@reader("mlflow_traces", sniff=_are_traces, yields="samples")
def mlflow_traces(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each trace of a JSON array of MLflow traces, with its spans as steps."""
    yield from samples(_records(stream, name))


def _rows(stream: Lines, name: str) -> Iterator[Numbered | Aside]:
    head = stream.head().removeprefix(b"\xef\xbb\xbf").lstrip()
    if _SPLIT.match(head):
        yield from _split_rows(stream, name)
    elif _BY_COLUMN.match(head):
        yield from _column_rows(stream, name)
    else:
        yield from _records(stream, name)


def _records(stream: Lines, name: str) -> Iterator[Numbered | Aside]:
    """The objects of a JSON array, or of JSON Lines."""
    if not stream.head().removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        for line in json_items.lines(stream, name):
            yield (line.at, line.value) if isinstance(line, Line) else line
        return
    for part in json_items.parts(stream, name, ("",)):
        if isinstance(part.value, dict):
            yield part.at, part.value
        else:
            yield Aside(part.at, "found no object, expected a row")


def _split_rows(stream: Lines, name: str) -> Iterator[Numbered | Aside]:
    columns: list[str] | None = None
    for part in json_items.parts(stream, name, ("data",)):
        if part.path == "columns":
            columns = [text(column) for column in sequence(part.value)]
        elif part.path == "data" and columns is None:
            raise kernel.Unreadable("the data come before the columns", name, "write it again")
        elif part.path == "data" and columns is not None:
            cells = sequence(part.value)
            if len(cells) == len(columns):
                yield part.at, dict(zip(columns, cells, strict=True))
            else:
                yield Aside(part.at, f"found {len(cells)} cells, expected {len(columns)}")


def _column_rows(stream: Lines, name: str) -> Iterator[Numbered | Aside]:
    """The rows of a table that is written column by column, which has to be held whole."""
    columns = {part.path: mapping(part.value) for part in json_items.parts(stream, name)}
    for at, key in enumerate(columns.get("trace_id", ()), 1):
        yield at, {column: cells.get(key) for column, cells in columns.items()}
