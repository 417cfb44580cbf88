"""Text in UTF-16 is read as the same text in UTF-8 is."""

from __future__ import annotations

import codecs
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.errors import CannotRead
from eval_autopsy.readers import utf16
from eval_autopsy.readers.files import DataFile, open_rows
from eval_autopsy.readers.opened import HEAD, Lines, open_file

MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
TABLE = "id,text\r\nr1,Größe\r\nr2,😀\r\n"


@pytest.fixture(params=list(MARKS))
def encoding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read(path: Path) -> tuple[DataFile, list[dict[str, object]]]:
    file, rows = open_rows(path, path.name)
    with rows:
        return file, [dict(row.fields) for row in rows]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", TABLE),
        ("a.tsv", TABLE.replace(",", "\t")),
        ("a.jsonl", '{"id": "r1", "text": "Größe"}\r\n{"id": "r2", "text": "😀"}\n'),
        ("a.json", '[{"id": "r1", "text": "Größe"}, {"id": "r2", "text": "😀"}]'),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_rows_are_those_of_the_text(
    tmp_path: Path, encoding: str, name: str, text: str, packed: bool
) -> None:
    content = MARKS[encoding] + text.encode(encoding)
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content) if packed else content)
    _, rows = read(path)
    assert rows == [{"id": "r1", "text": "Größe"}, {"id": "r2", "text": "😀"}]


def test_a_receipt_rests_on_the_converted_rows(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(MARKS[encoding] + TABLE.encode(encoding))
    file, _ = read(path)
    assert (file.layout, file.compression, file.converted_from) == ("jsonl", "", f"{encoding} csv")


def test_an_error_names_the_line_of_the_file(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.jsonl"
    good = "".join(json.dumps({"id": number}) + "\r\n" for number in range(6))
    path.write_bytes(MARKS[encoding] + f"{good}oops\r\n".encode(encoding))
    with pytest.raises(CannotRead) as caught:
        read(path)
    assert caught.value.where == "a.jsonl:7"


LONE = "\ud800".encode("utf-16-le", "surrogatepass")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(LONE + "x".encode("utf-16-le"), "illegal UTF-16 surrogate"), (b"\x0a", "truncated data")],
)
@pytest.mark.parametrize("before", [3, 40_000])  # lines, which are one piece of the file or several
def test_bytes_that_are_no_utf_16_are_an_error_with_its_line(
    tmp_path: Path, damage: bytes, reason: str, before: int
) -> None:
    path = tmp_path / "a.csv"
    text = "id,text\n" + "r,a\n" * (before - 1)
    path.write_bytes(codecs.BOM_UTF16_LE + text.encode("utf-16-le") + damage)
    with pytest.raises(CannotRead) as caught:
        read(path)
    what = f"the text is not UTF-16-LE, which its first bytes say: {reason}"
    assert (caught.value.what, caught.value.where) == (what, f"a.csv:{before + 1}")


def test_without_a_mark_the_error_says_how_to_convert_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "two words.csv"
    path.write_bytes("id,text\nr1,yes\n".encode(encoding))
    with pytest.raises(CannotRead) as caught:
        read(path)
    order = encoding.upper().replace("UTF-16-", "UTF-16")
    assert caught.value.what == f"found text in {order} without a byte order mark"
    assert (
        caught.value.remedy == f"convert it: iconv -f {order} -t UTF-8 'two words.csv' > NEW_FILE"
    )


def test_utf_32_is_not_taken_for_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TABLE.encode("utf-32"))
    with pytest.raises(CannotRead, match="found text in UTF-32"):
        read(path)


def recoded(path: Path, text: str) -> Lines:
    path.write_bytes(text.encode("utf-16"))
    stream = open_file(path, path.name)
    return utf16.as_utf8(stream, utf16.encoding_of(stream.head()), path.name)


# Without NUL, for UTF-16 that begins with one has the same first bytes as UTF-32.
@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
    at=st.integers(0, 50),
)
def test_what_is_read_from_a_byte_on_is_the_rest_of_the_utf_8(
    tmp_path_factory: pytest.TempPathFactory, text: str, at: int
) -> None:
    plain = text.encode("utf-8")
    with recoded(tmp_path_factory.getbasetemp() / "x", text) as stream:
        assert stream.read() == plain
        assert stream.seek(min(at, len(plain))) == min(at, len(plain))
        assert stream.read() == plain[at:]


def test_a_character_may_lie_across_two_pieces_of_the_file(tmp_path: Path) -> None:
    text = "a" + "😀" * HEAD
    with recoded(tmp_path / "x", text) as stream:
        assert stream.read() == text.encode("utf-8")
