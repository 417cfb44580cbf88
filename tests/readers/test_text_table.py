"""Damaged rows of tables: set aside where the next row is certain, refused where it is not."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers import Rows, open_rows
from eval_autopsy.readers.logs import Aside
from eval_autopsy.readers.text_table import rows_of_table

BEFORE = b"id,text,lang\n1,one,en\n2,two,en\n"  # 31 bytes, 3 lines
AFTER = b"4,four,de\n5,five,de\n"


def read(path: Path, content: bytes) -> tuple[list[kernel.Row], Rows]:
    path.write_bytes(content)
    _, rows = open_rows(path, path.name, lenient=True)
    return list(rows), rows


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (b"3,three\n", "found 2 cells, expected 3"),
        (b"3,three, or so,en\n", "found 4 cells, expected 3"),
        (b"3,caf\xe9,en\n", "byte 6 is 0xe9, which is not UTF-8"),
        (b"3,th\0ree,en\n", "a NUL byte, which is not text"),
        (b'3,"three"s,en\n', "not a table: ',' expected after '\"'"),
    ],
    ids=["short", "long", "latin-1", "NUL", "quote"],
)
def test_a_damaged_line_is_set_aside_with_its_line_and_byte(
    tmp_path: Path, row: bytes, what: str
) -> None:
    found, rows = read(tmp_path / "x.csv", BEFORE + row + AFTER)
    assert [(one.line, one.fields["id"]) for one in found] == [
        (2, "1"),
        (3, "2"),
        (5, "4"),
        (6, "5"),
    ]
    assert rows.aside == [Aside(4, what, 31)]


@pytest.mark.parametrize("name", ["x.tsv", "x.csv.gz"])
def test_a_damaged_row_of_another_table_is_set_aside_too(tmp_path: Path, name: str) -> None:
    content = BEFORE + b"3,three\n" + AFTER
    content = content.replace(b",", b"\t") if name == "x.tsv" else gzip.compress(content)
    found, rows = read(tmp_path / name, content)
    assert len(found) == 4
    assert rows.aside == [Aside(4, "found 2 cells, expected 3", 31)]


def test_a_last_line_that_is_cut_off_inside_quotes_is_set_aside(tmp_path: Path) -> None:
    found, rows = read(tmp_path / "x.csv", BEFORE + AFTER + b'6,"si')
    assert [one.fields["id"] for one in found] == ["1", "2", "4", "5"]
    assert [one.at for one in rows.aside] == [6]


@pytest.mark.parametrize(
    ("content", "what", "line"),
    [
        (BEFORE + b'3,"three,en\n' + AFTER, "lines 4 to 6 are inside", 4),
        (BEFORE + b'3,"three,en\n' + AFTER + b'6,"six",de\n', "lines 4 to 7 are inside", 4),
        (BEFORE + b'3,"three,en\n4,four",de,x\n' + AFTER, "from line 4 to 5", 4),
        (BEFORE + b'3,"3" nails",en\n' + AFTER, "expected after", 4),
        (BEFORE + b"3,three,en\r4,four,de\n" + AFTER, "a carriage return", 4),
        (BEFORE + b"<<<<<<< HEAD\n" + AFTER, "the marker of a merge conflict", 4),
        (b"id,text,lang\n1,one\n2,two\n", "found 2 cells, expected 3", 2),
        (b"id,te\xffxt,lang\n1,one,en\n", "not UTF-8", 1),
    ],
    ids=["open", "open to a quote", "closed late", "odd", "CR", "merge", "none is right", "header"],
)
def test_damage_that_may_be_of_several_rows_is_refused_at_its_line(
    tmp_path: Path, content: bytes, what: str, line: int
) -> None:
    with pytest.raises(CannotRead) as caught:
        read(tmp_path / "x.csv", content)
    assert what in caught.value.what
    assert caught.value.where == f"x.csv:{line}"
    assert caught.value.remedy


def test_an_open_quote_is_refused_before_the_file_is_in_memory(tmp_path: Path) -> None:
    class Endless(io.RawIOBase):
        """A table whose third line opens a quote, and which goes on for ever."""

        lines_read = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            self.lines_read += 1
            return b'3,"three\n' if self.lines_read == 3 else b"%d,text\n" % self.lines_read

    stream: Any = Endless()
    with pytest.raises(kernel.Unreadable, match="a quote is opened and not closed"):
        list(rows_of_table(stream, "x.csv"))
    assert stream.lines_read < kernel.LINE_LIMIT / 8


def test_a_merge_conflict_in_json_lines_is_no_line_to_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id": 1}\n<<<<<<< HEAD\n{"id": 2}\n=======\n{"id": 3}\n>>>>>>> b\n')
    with pytest.raises(CannotRead, match="the marker of a merge conflict"):
        list(open_rows(path, lenient=True)[1])


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8))
def test_a_table_without_damage_has_the_rows_that_the_kernel_finds(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "b", "c"], *rows])
    raw = text.getvalue().encode()
    expected = list(kernel.read_rows(io.BytesIO(raw), "x.csv", "csv"))
    assert list(rows_of_table(io.BytesIO(raw), "x.csv")) == expected


@given(st.binary(max_size=60))
def test_whatever_the_bytes_each_row_found_has_every_column(raw: bytes) -> None:
    try:
        found = list(rows_of_table(io.BytesIO(b"a,b\n" + raw), "x.csv"))
    except kernel.Unreadable:
        return
    rows = [row for row in found if isinstance(row, kernel.Row)]
    assert all(row.fields.keys() == {"a", "b"} for row in rows)
