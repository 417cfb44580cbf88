"""Parquet comes out as the values that JSON has, or is refused."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pytest

from eval_autopsy.errors import CannotRead
from eval_autopsy.kernel import Row, Unreadable
from eval_autopsy.readers import parquet as reader
from eval_autopsy.readers.files import DataFile, open_rows
from eval_autopsy.readers.intake import read_sources
from eval_autopsy.readers.parquet import plain
from eval_autopsy.readers.sources import Source, Wanted

from .parquet_maker import Maker


def rows(tmp_path: Path, frame: polars.DataFrame) -> list[Row]:
    path = tmp_path / "x.parquet"
    frame.write_parquet(path)
    return list(open_rows(path, path.name)[1])


def test_rows_come_in_order_with_their_numbers(tmp_path: Path) -> None:
    found = rows(tmp_path, polars.DataFrame({"id": ["a", "b"], "n": [1, None]}))
    assert found == [Row(1, {"id": "a", "n": 1}), Row(2, {"id": "b", "n": None})]


def test_a_parquet_file_is_converted_and_its_rows_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    polars.DataFrame({"id": ["a", "b"], "set": ["e", "p"]}).write_parquet(path)
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_bytes(path.read_bytes())
    second.write_bytes(path.read_bytes())
    reading = read_sources(
        [Source(first, "eval"), Source(second, "production")], Wanted({"id": "id"})
    )
    assert reading.files[0].file == DataFile(first, "jsonl", "", "parquet")
    assert reading.files[0].kept == (
        Row(1, {"id": "a", "set": "e"}),
        Row(2, {"id": "b", "set": "p"}),
    )
    assert reading.records[1].where == f"{first}: row 2"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (True, True),
        (2**63, 2**63),
        (0.1, Decimal("0.1")),
        (-0.0, Decimal("-0.0")),
        (Decimal("1.50"), Decimal("1.50")),
        (date(2024, 2, 29), "2024-02-29"),
        (time(1, 2, 3), "01:02:03"),
        (datetime(2024, 3, 10, 2, 30), "2024-03-10T02:30:00"),
        (datetime(2024, 3, 10, 2, 30, tzinfo=UTC), "2024-03-10T02:30:00+00:00"),
        (timedelta(milliseconds=1500), Decimal("1.500000")),
        ("é", "é"),
        (b"caf\xc3\xa9", "café"),
        ([1, None, [0.5]], [1, None, [Decimal("0.5")]]),
        ({"a": {"b": 0.5}}, {"a": {"b": Decimal("0.5")}}),
    ],
)
def test_a_value_becomes_what_json_has(value: Any, found: Any) -> None:
    assert plain(value) == found
    assert type(plain(value)) is type(found)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "nan is not a number"),
        (float("-inf"), "-inf is not a number"),
        (Decimal("NaN"), "NaN is not a number"),
        (b"\xff", "1 bytes that are not UTF-8 text"),
        ([{"a": float("nan")}], "nan is not a number"),
        (object(), "a value of the type object"),
    ],
)
def test_what_json_has_no_value_for_is_refused(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        plain(value)


def test_what_cannot_be_read_names_its_row_and_column(tmp_path: Path) -> None:
    frame = polars.DataFrame({"id": ["a", "b"], "p": [b"text", b"\xff"]})
    with pytest.raises(CannotRead) as caught:
        rows(tmp_path, frame)
    assert caught.value.where == "x.parquet: row 2: p"


def test_a_number_that_is_none_is_null_and_counted_by_column(tmp_path: Path) -> None:
    nan, infinite = float("nan"), float("inf")
    path = tmp_path / "x.parquet"
    polars.DataFrame(
        {
            "id": ["a", "b", "c"],
            "p": [0.5, nan, None],
            "q": [infinite, -infinite, 2.0],
            "of": [{"r": [1.0, nan]}, {"r": [nan]}, None],
        }
    ).write_parquet(path)
    _, found = open_rows(path)
    assert [[row.fields[name] for name in ("p", "q", "of")] for row in found] == [
        [Decimal("0.5"), None, {"r": [Decimal("1.0"), None]}],
        [None, None, {"r": [None]}],
        [None, Decimal("2.0"), None],
    ]
    assert found.no_numbers == {"p": 1, "q": 2, "of": 2}


def test_an_empty_table_has_no_records(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match="there are no records in the file"):
        rows(tmp_path, polars.DataFrame({"id": []}))


def test_a_table_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "CELL_LIMIT", 5)
    with pytest.raises(CannotRead, match="3 rows of 2 columns, more than fit in memory"):
        rows(tmp_path, polars.DataFrame({"id": ["a", "b", "c"], "n": [1, 2, 3]}))


def test_a_name_that_is_a_pattern_is_the_file_of_that_name(tmp_path: Path) -> None:
    for name, text in (("data[1].parquet", "right"), ("data1.parquet", "wrong")):
        polars.DataFrame({"id": [text]}).write_parquet(tmp_path / name)
    (row,) = open_rows(tmp_path / "data[1].parquet")[1]
    assert row.fields == {"id": "right"}


def test_a_list_that_lost_its_first_item_is_noticed() -> None:
    frame = polars.DataFrame({"x": [[1, 2], [3]], "y": [{"z": [1]}, {"z": []}], "n": [1, 2]})
    reader._check_nothing_lost(frame, [3, 2, 2], "x.parquet")
    for wrong in ([4, 2, 2], [3, 3, 2], [3, 2, 3]):
        with pytest.raises(Unreadable, match="a list has lost items"):
            reader._check_nothing_lost(frame, wrong, "x.parquet")


def test_damage_that_breaks_the_reader_is_an_error_and_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.parquet"
    # A type that the format does not have: the number of the column's kind is changed.
    good = Maker(checksum=False).file()
    schema = good.index(b"\x02id") - 4
    for at in range(schema, schema + 4):
        bad = bytearray(good)
        bad[at] ^= 0x1E
        path.write_bytes(bytes(bad))
        with pytest.raises(CannotRead):
            list(open_rows(path, path.name)[1])
    assert capfd.readouterr() == ("", "")


def test_bytes_are_read_and_never_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    scan = polars.scan_parquet

    def watched(source: Any, **options: Any) -> polars.LazyFrame:
        given.append(source)
        return scan(source, **options)

    monkeypatch.setattr(polars, "scan_parquet", watched)
    list(reader.parquet.read(io.BytesIO(Maker().file()), "http://example.invalid/x.parquet"))
    assert [type(source) for source in given] == [io.BytesIO]
