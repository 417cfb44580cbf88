"""Exports of tools: one table, known and read alike in every kind of file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from eval_autopsy import kernel, registry
from eval_autopsy.errors import CannotRead
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.exports import beginning, cell, export, first_row, rows_of
from eval_autopsy.readers.files import open_rows
from eval_autopsy.readers.logs import Aside, Item, Sample
from eval_autopsy.readers.opened import open_file

TABLE = [
    {"toy.id": "a", "toy.text": "one, two", "toy.more": {"lang": "de"}},
    {"toy.id": "b", "toy.text": "x" * 200_000, "toy.more": {"lang": "en"}},
]
IDS = ["a", "b"]


def as_lines(table: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in table).encode()


def as_cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def as_text(table: list[dict[str, Any]], sign: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]), delimiter=sign)
    writer.writeheader()
    for row in table:
        writer.writerow(
            {
                key: value if isinstance(value, str) else json.dumps(value)
                for key, value in row.items()
            }
        )
    return text.getvalue().encode()


def as_parquet(table: list[dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    pl.DataFrame(table).write_parquet(stream)
    return stream.getvalue()


def as_arrow(open_writer: Any) -> Callable[[list[dict[str, Any]]], bytes]:
    def write(rows: list[dict[str, Any]]) -> bytes:
        stream = io.BytesIO()
        table = pa.Table.from_pylist(rows)
        with open_writer(stream, table.schema) as writer:
            writer.write_table(table)
        return stream.getvalue()

    return write


def as_polars_arrow(table: list[dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    pl.DataFrame(table).write_ipc(stream, compression="zstd")
    return stream.getvalue()


KINDS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "jsonl": as_lines,
    "json": lambda table: json.dumps(table, indent=1).encode(),
    "json in data": lambda table: json.dumps({"meta": {"page": 1}, "data": table}).encode(),
    "csv": lambda table: as_text(table, ","),
    "semicolons": lambda table: as_text(table, ";"),
    "parquet": as_parquet,
    "arrow file": as_arrow(pa.ipc.new_file),
    "arrow stream": as_arrow(pa.ipc.new_stream),
    "arrow of polars": as_polars_arrow,
}


@pytest.fixture(params=KINDS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    found = tmp_path / "table"
    found.write_bytes(KINDS[request.param](TABLE))
    return found


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that lives as long as a test."""
    monkeypatch.setattr(registry.readers, "_entries", dict(registry.readers._entries))

    @export("toys", known=lambda first: {"toy.id", "toy.text"} <= first.keys())
    def toys(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
        """One sample for each toy."""
        for row in rows:
            more = cell(row.fields["toy.more"])
            if row.fields["toy.text"]:
                yield Sample(at=row.line, id=row.fields["toy.id"], attributes=more)


@pytest.mark.usefixtures("toys")
def test_an_export_is_known_by_its_columns_in_every_kind_of_file(path: Path) -> None:
    file, rows = open_rows(path)
    assert (file.converted_from, file.yields) == ("toys", "samples")
    assert [(row.fields["id"], row.fields["lang"]) for row in rows] == [("a", "de"), ("b", "en")]


def test_the_columns_are_seen_before_the_rows_are_read(path: Path) -> None:
    with open_file(path, "table") as stream:
        first = first_row(beginning(stream))
        assert list(first) == ["toy.id", "toy.text", "toy.more"]
        assert first["toy.id"] in ("a", MISSING)
        assert [row.line for row in rows_of(stream, "table") if isinstance(row, kernel.Row)]


def test_the_columns_of_a_record_longer_than_the_head_are_those_before_it_is_cut() -> None:
    head = json.dumps({"id": 1, "text": "x" * 100, "late": 2}).encode()[:40]
    assert first_row(head) == {"id": 1, "text": MISSING}


def test_a_record_that_has_events_of_its_own_is_no_envelope() -> None:
    assert list(first_row(b'{"id": 1, "events": [{"name": "x"}]}')) == ["id", "events"]
    assert list(first_row(b'{"events": [{"name": "x"}], "cursor": null}')) == ["name"]


@pytest.mark.parametrize("head", [b"", b"{", b'{"a"', b"{1", b"[" * 9000, b"PAR1\xff\xff", b"\0\1"])
def test_what_begins_as_no_table_has_no_columns(head: bytes) -> None:
    assert first_row(head) == {}


@pytest.mark.usefixtures("toys")
def test_a_line_that_is_damaged_and_an_item_that_is_no_object_are_set_aside(
    tmp_path: Path,
) -> None:
    path = tmp_path / "toys.jsonl"
    path.write_bytes(as_lines(TABLE[:1]) + b'{"toy.id": \n' + as_lines(TABLE[1:]))
    rows = open_rows(path)[1]
    assert [row.fields["id"] for row in rows] == IDS
    assert [aside.at for aside in rows.aside] == [2]
    path.write_bytes(json.dumps([TABLE[0], 7, TABLE[1]]).encode())
    rows = open_rows(path)[1]
    assert [row.fields["id"] for row in rows] == IDS
    assert rows.aside == [Aside(2, "found '7', expected an object")]


@pytest.mark.usefixtures("toys")
def test_two_exports_that_claim_one_table_are_an_error(tmp_path: Path) -> None:
    @export("dolls", known=lambda first: "toy.id" in first)
    def dolls(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
        """One sample for each doll."""
        yield from ()

    path = tmp_path / "toys.parquet"
    path.write_bytes(as_parquet(TABLE))
    with pytest.raises(CannotRead, match="the readers dolls and toys both claim the file"):
        open_rows(path)


def test_a_cell_that_is_json_or_python_is_read_and_any_other_stays_text() -> None:
    assert cell('{"a": [1]}') == {"a": [1]}
    assert cell("{'a': (None, True, 0.5)}") == {"a": [None, True, Decimal("0.5")]}
    others = [
        "1",
        "true",
        "[T1] text",
        "{broken}",
        "",
        "{'a', 'b'}",
        "[open('x')]",
        "[" * 999 + "]",
    ]
    assert [cell(text) for text in others] == others
