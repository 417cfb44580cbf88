"""From a path to rows: what a file is, how many rows it has, and why it has none."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import kernel, registry
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.files import DataFile, open_rows

from . import hostile
from .hostile import Hostile


def read(path: Path) -> list[kernel.Row]:
    return list(open_rows(path, path.name)[1])


@pytest.mark.parametrize("case", hostile.CASES, ids=lambda case: case.name)
def test_a_hostile_file_gives_its_rows_or_its_reason(tmp_path: Path, case: Hostile) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.content)
    if case.rows is not None:
        assert len(read(path)) == case.rows
        return
    with pytest.raises(CannotRead) as caught:
        read(path)
    assert case.says in f"{caught.value.what} {caught.value.remedy}"
    assert caught.value.where == case.name + case.at
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "layout", "compression", "converted_from"),
    [
        ("good.jsonl", "jsonl", "", ""),
        ("array.json", "json", "", ""),
        ("lines.json", "jsonl", "", ""),
        ("good.csv", "csv", "", ""),
        ("table.csv.gz", "csv", "gzip", ""),
        ("unnamed", "jsonl", "gzip", ""),
        ("good.jsonl.zst", "jsonl", "", "zstd jsonl"),
    ],
)
def test_a_file_is_what_its_content_says(
    tmp_path: Path, name: str, layout: str, compression: str, converted_from: str
) -> None:
    path = tmp_path / name
    path.write_bytes(next(case.content for case in hostile.CASES if case.name == name))
    file, rows = open_rows(path)
    rows.close()
    assert file == DataFile(path, layout, compression, converted_from)


def test_each_line_is_a_record_or_blank(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'\xef\xbb\xbf\n{"id": 1}\n\n  \n{"id": 2}\n\t\n{"id": 3}')
    rows = open_rows(path)[1]
    assert [row.line for row in rows] == [2, 5, 7]
    assert (rows.records, rows.blank, rows.lines) == (3, 4, 7)


def test_a_row_that_goes_missing_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_rows = kernel.read_rows

    def forgetful(*given: Any) -> Iterator[kernel.Row]:
        return (row for row in read_rows(*given) if row.line != 4)

    monkeypatch.setattr(kernel, "read_rows", forgetful)
    path = tmp_path / "x.jsonl"
    path.write_bytes(hostile.lines(*hostile.TEN))
    with pytest.raises(CannotRead, match="1 of 10 lines hold neither a record nor nothing"):
        read(path)


def test_an_unbreakable_space_is_not_a_blank_line(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id": 1}\n\xc2\xa0\n')
    with pytest.raises(CannotRead):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("x.jsonl", b'\n{"id":1}\n', "x.jsonl:2"),
        ("x.json", b'[\n\n{"id":1}]', "x.json: item 1"),
        ("x.csv", b'id,text\n1,"a\nb"\n', "x.csv:2"),
    ],
)
def test_a_row_has_a_place(tmp_path: Path, name: str, content: bytes, where: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    rows = open_rows(path, name)[1]
    assert [rows.where(row) for row in rows] == [where]


def test_a_file_swapped_for_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRead) as caught:
        read(tmp_path)
    assert caught.value.what == "found a folder, expected a file"


if os.name == "posix":  # there is nothing of these elsewhere

    def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "x.jsonl")
        with pytest.raises(CannotRead) as caught:
            read(tmp_path / "x.jsonl")
        assert caught.value.what == "found a pipe, expected a file"

    def test_a_device_is_refused() -> None:
        with pytest.raises(CannotRead) as caught:
            read(Path("/dev/zero"))
        assert caught.value.what == "found a device, expected a file"

    def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)  # the path of a socket may not be long
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("x.jsonl")
            with pytest.raises(CannotRead, match="the file cannot be opened"):
                read(Path("x.jsonl"))


def test_a_missing_file_suggests_a_near_name(tmp_path: Path) -> None:
    (tmp_path / "production.jsonl").write_text("")
    with pytest.raises(CannotRead) as caught:
        read(tmp_path / "producton.jsonl")
    assert caught.value.what == "there is no such file"
    assert caught.value.remedy == "did you mean production.jsonl?"


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotRead) as caught:
        read(tmp_path / "nowhere" / "x.jsonl")
    assert caught.value.remedy == f"check the folder: {tmp_path / 'nowhere'} is not there"


@pytest.mark.parametrize("path", ["\0", "x" * 5000], ids=["NUL", "too long"])
def test_a_path_that_cannot_be_is_an_error_and_no_traceback(path: str) -> None:
    with pytest.raises(CannotRead, match="the file cannot be opened"):
        open_rows(Path(path))


def test_rows_that_nobody_takes_leave_no_file_open(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(hostile.lines(*hostile.TEN))
    rows = open_rows(path)[1]
    next(rows)
    del rows  # a ResourceWarning would be an error here
    again = open_rows(path)[1]
    next(again)
    again.close()
    assert list(again) == []


def test_a_reader_of_another_package_comes_before_the_plain_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def special(stream: Any, name: str) -> Iterator[kernel.Row]:
        """Rows of a tool's own log."""
        yield kernel.Row(1, {"id": stream.read().decode()})

    monkeypatch.setattr(registry.readers, "_entries", {**registry.readers._entries})
    registry.reader("special", sniff=lambda head: head.startswith(b'{"special"'))(special)
    path = tmp_path / "x.json"
    path.write_bytes(b'{"special": 1}')
    file, rows = open_rows(path)
    assert file == DataFile(path, "jsonl", "", "special")
    assert [row.fields for row in rows] == [{"id": '{"special": 1}'}]


def test_two_readers_that_claim_a_file_are_both_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def claim(stream: Any, name: str) -> Iterator[kernel.Row]:
        """Nothing."""
        return iter(())

    monkeypatch.setattr(registry.readers, "_entries", {**registry.readers._entries})
    for name in ("one", "two"):
        registry.reader(name, sniff=lambda head: True)(claim)
    (tmp_path / "x").write_bytes(b"{}")
    with pytest.raises(CannotRead, match="the readers one and two both claim the file"):
        read(tmp_path / "x")


@pytest.mark.parametrize("at", ["sniff", "read", "rows"])
def test_a_reader_of_another_package_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def broken(stream: Any, name: str) -> Iterator[kernel.Row]:
        """Nothing."""
        if at == "read":
            raise KeyError("boom")
        return (kernel.Row(1 // 0, {}) for _ in "x")

    def sniff(head: bytes) -> bool:
        return bool(1 // 0) if at == "sniff" else True

    monkeypatch.setattr(registry.readers, "_entries", {**registry.readers._entries})
    registry.reader("broken", sniff=sniff)(broken)
    (tmp_path / "x").write_bytes(b"{}")
    with pytest.raises(CannotRead) as caught:
        read(tmp_path / "x")
    package = __name__.partition(".")[0]
    assert caught.value.what.startswith(f"the reader 'broken' of the package {package} fails: ")
    assert caught.value.remedy == f"repair or uninstall {package}"


def test_every_format_is_listed_with_one_line_of_help() -> None:
    named = {entry.name for entry in registry.readers.describe()}
    assert {"csv", "delimited", "json", "jsonl", "parquet"} <= named
    assert all(entry.help for entry in registry.readers.describe())
    assert {entry.package for entry in registry.readers.describe()} == {"eval-autopsy"}


def test_a_line_that_cannot_be_read_is_set_aside_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"id": 1}\n{"id": 2\n\n{"id": 3}\n[4]\n')
    _, rows = open_rows(path, lenient=True)
    assert [(row.line, row.fields["id"]) for row in rows] == [(1, 1), (4, 3)]
    assert [(one.at, one.byte) for one in rows.aside] == [(2, 10), (5, 30)]
    assert (rows.lines, rows.records, rows.blank) == (5, 2, 1)


def test_a_file_in_which_no_line_can_be_read_is_an_error_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"{a}\n{b}\n")
    with pytest.raises(CannotRead, match="not JSON"):
        list(open_rows(path, lenient=True)[1])
