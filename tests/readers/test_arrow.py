"""Arrow files and streams: their values, and what is refused before it fills the machine."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy.errors import CannotRead
from eval_autopsy.readers import arrow_sizes
from eval_autopsy.readers.files import open_rows

ROWS: list[dict[str, Any]] = [
    {"id": 1, "text": "é", "of": {"lang": "de"}, "tags": ["x", "y"], "score": 0.1, "at": None},
    {"id": 2, "text": None, "of": {"lang": "en"}, "tags": [], "score": None, "at": None},
]
WRITERS = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}


def written(table: pa.Table, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    chosen = pa.ipc.IpcWriteOptions(**options)
    with WRITERS[kind](stream, table.schema, options=chosen) as writer:
        writer.write_table(table, max_chunksize=1)
    return stream.getvalue()


def read(tmp_path: Path, raw: bytes) -> list[dict[str, Any]]:
    path = tmp_path / "table.arrow"
    path.write_bytes(raw)
    return [row.fields for row in open_rows(path, path.name)[1]]


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("kind", WRITERS)
def test_the_rows_are_those_that_were_written(
    tmp_path: Path, kind: str, compression: str | None
) -> None:
    raw = written(pa.Table.from_pylist(ROWS), kind, compression=compression)
    assert read(tmp_path, raw) == [ROWS[0] | {"score": Decimal("0.1")}, ROWS[1]]


def test_values_are_as_those_of_parquet_are(tmp_path: Path) -> None:
    table = pa.table(
        {
            "moment": pa.array([datetime(2026, 1, 2, 3, tzinfo=UTC)], pa.timestamp("ns", "UTC")),
            "day": [date(2026, 1, 2)],
            "price": pa.array([Decimal("1.50")], pa.decimal128(9, 2)),
            "word": pa.array(["a"]).dictionary_encode(),
        }
    )
    assert read(tmp_path, written(table, "file")) == [
        {
            "moment": "2026-01-02T03:00:00+00:00",
            "day": "2026-01-02",
            "price": Decimal("1.50"),
            "word": "a",
        }
    ]


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_files_of_polars_are_read(tmp_path: Path, compression: Any) -> None:
    stream = io.BytesIO()
    pl.DataFrame({"id": [1, 2], "text": ["a", None]}).write_ipc(stream, compression=compression)
    assert read(tmp_path, stream.getvalue()) == [{"id": 1, "text": "a"}, {"id": 2, "text": None}]


def test_a_feather_file_of_version_2_is_an_arrow_file(tmp_path: Path) -> None:
    from pyarrow import feather

    path = tmp_path / "table.feather"
    feather.write_feather(pa.table({"id": [1]}), str(path))
    assert [row.fields for row in open_rows(path)[1]] == [{"id": 1}]


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("lost", [1, 8, 100])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, kind: str, lost: int) -> None:
    with pytest.raises(CannotRead, match="cut off"):
        read(tmp_path, written(pa.Table.from_pylist(ROWS), kind)[:-lost])


@pytest.mark.parametrize("kind", WRITERS)
def test_numbers_that_are_none_are_null_and_counted_over_all_batches(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "table.arrow"
    path.write_bytes(written(pa.table({"p": [0.5, float("nan"), float("-inf")]}), kind))
    _, found = open_rows(path)
    assert [row.fields["p"] for row in found] == [Decimal("0.5"), None, None]
    assert found.no_numbers == {"p": 2}


def test_bytes_that_are_no_text_are_refused_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match="1 bytes that are not UTF-8 text") as caught:
        read(tmp_path, written(pa.table({"id": [b"a", b"\xff"]}), "file"))
    assert caught.value.where == "table.arrow: row 2: id"


@pytest.mark.parametrize("kind", WRITERS)
def test_nulls_that_take_no_bytes_are_bounded(tmp_path: Path, kind: str) -> None:
    stream = io.BytesIO()
    many = pa.record_batch({"id": pa.nulls(300_000_000)})
    with WRITERS[kind](stream, many.schema) as writer:
        writer.write_batch(many)
    assert len(stream.getvalue()) < 2000
    with pytest.raises(CannotRead, match="300,000,000 rows of 1 columns, more than fit in memory"):
        read(tmp_path, stream.getvalue())


@pytest.mark.parametrize("kind", WRITERS)
def test_what_buffers_become_is_bounded_before_they_are_unpacked(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = pa.table({"id": ["x" * 1_000_000]})
    raw = written(text, kind, compression="zstd")
    assert len(raw) < 3000
    assert len(read(tmp_path, raw)) == 1
    monkeypatch.setattr(arrow_sizes, "UNPACKED_LIMIT", 1_000_000)
    with pytest.raises(CannotRead, match="more than fit in memory"):
        read(tmp_path, raw)


@pytest.mark.parametrize("kind", WRITERS)
@settings(max_examples=200)
@given(data=st.data())
def test_a_file_with_bytes_changed_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    raw = bytearray(written(pa.Table.from_pylist(ROWS), kind, compression="lz4"))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(8, len(raw) - 9))] = data.draw(st.integers(0, 255))
    with suppress(CannotRead):
        read(tmp_path_factory.mktemp("arrow"), bytes(raw))
