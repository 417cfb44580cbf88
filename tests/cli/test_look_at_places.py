"""What `autopsy look` says of places that hold no records: one clear answer each."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from eval_autopsy.errors import CannotRead
from eval_autopsy.first_screen import look

LINES = "".join(
    json.dumps({"id": f"r{n}", "output": "yes", "label": "yes"}) + "\n" for n in range(40)
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with logs/eval.jsonl in it."""
    (tmp_path / "logs" / "sub").mkdir(parents=True)
    (tmp_path / "logs" / "eval.jsonl").write_text(LINES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("empty.jsonl", b"", "the file is empty"),
        ("empty.csv", b"", "the file is empty"),
        ("blank.jsonl", b"\n \n", "there are no records in the file, only white space"),
        ("header.csv", b"id,output\n", "only the line with the names of the columns"),
        ("header.tsv", b"id\toutput\n", "only the line with the names of the columns"),
        ("blank-first.csv", b"\nid,output\nr1,yes\n", "the first line is blank"),
        ("array.json", b"[]", "there are no records in the file"),
        ("random.jsonl", random.Random(5).randbytes(3000), "found binary data"),
        ("random.dat", random.Random(6).randbytes(3000), "found binary data"),
        ("strings.bin", b"\x01\x02|\x03abc|\x04\n" * 50, "found binary data"),
        ("utf-16.tsv", "id\toutput\n".encode("utf-16-le"), "found text in UTF-16"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_a_file_without_records_says_what_it_is(name: str, content: bytes, what: str) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(CannotRead) as caught:
        look(name)
    assert what in caught.value.what
    assert caught.value.where.startswith(name)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("loggs", "did you mean logs?"),
        ("logs/evl.jsonl", "did you mean eval.jsonl?"),
        ("nowhere/eval.jsonl", "check the folder: nowhere is not there"),
    ],
)
def test_a_path_that_is_not_there_names_the_nearest(path: str, remedy: str) -> None:
    with pytest.raises(CannotRead, match="there is no such file") as caught:
        look(path)
    assert caught.value.remedy == remedy


@pytest.mark.parametrize("path", ["..", "../eval.jsonl", "../*.jsonl", "../../logs/sub/.."])
def test_a_path_may_lead_upwards(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("logs/sub")
    assert look(path).eval == (40, 40)


@pytest.mark.parametrize("paths", [("logs", "logs"), ("logs", "logs/eval.jsonl"), (".", "./logs")])
def test_what_two_paths_lead_to_is_looked_at_once(paths: tuple[str, str]) -> None:
    screen = look(*paths)
    assert (screen.eval, len(screen.files)) == ((40, 40), 1)


def test_a_folder_that_is_empty_says_so() -> None:
    with pytest.raises(CannotRead, match="no data that can be read: there are no files"):
        look("logs/sub")


@pytest.mark.parametrize("below", [".cache", "node_modules", "a/b/c/d/e/f/g"])
def test_a_folder_that_was_not_gone_into_is_named(below: str) -> None:
    place = Path("logs/sub", below)
    place.mkdir(parents=True)
    (place / "eval.jsonl").write_text(LINES, encoding="utf-8")
    with pytest.raises(CannotRead) as caught:
        look("logs/sub")
    assert caught.value.what.endswith(f"not gone into: {below}")
    assert look(place).eval == (40, 40)  # as the remedy says


def test_a_folder_that_may_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refusing(path: str | Path) -> object:
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)  # a test that is run by root may read all
    assert look("logs").eval == (40, 40)
    with pytest.raises(CannotRead, match="not gone into: "):
        look("logs/sub")


def test_a_file_that_a_pattern_leads_to_need_not_be_data() -> None:
    Path("logs/broken.jsonl").write_text("{\n", encoding="utf-8")
    screen = look("logs/*.jsonl")
    assert screen.eval == (40, 40)
    assert [one.role for one in screen.files] == ["not readable", "eval"]


def test_a_name_that_is_no_utf8_is_shown_with_its_bytes() -> None:
    try:
        os.rename("logs/eval.jsonl", b"logs/caf\xe9.jsonl")
    except OSError:
        pytest.skip("names of files are UTF-8 here")
    assert look("logs").eval == (40, 40)
