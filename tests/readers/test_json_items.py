"""JSON that is read item by item."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.readers.json_items import CHUNK, Line, Part, lines, objects, parts
from eval_autopsy.readers.logs import Aside

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)


def read(text: str | bytes, arrays: tuple[str, ...] = ()) -> list[Part]:
    raw = text.encode() if isinstance(text, str) else text
    return list(parts(io.BytesIO(raw), "log.json", arrays))


@given(st.dictionaries(st.text("xyz", min_size=1), VALUES), st.lists(VALUES))
def test_items_and_members_are_those_of_the_document(
    head: dict[str, Any], items: list[Any]
) -> None:
    document = {**head, "results": {"version": 3, "results": items, "end": None}}
    found = read(json.dumps(document), ("results.results",))
    assert [part.value for part in found if part.path == "results.results"] == items
    others = {part.path: part.value for part in found if part.path != "results.results"}
    assert others == {**head, "results.version": 3, "results.end": None}


def test_what_is_unwanted_is_passed_over_and_must_be_json() -> None:
    text = '{"a": [{"b": 1, "b": 2}, 3], "c": {"d": 4, "e": 5}, "f": 6}'
    found = list(parts(io.BytesIO(text.encode()), "log.json", ("a", "c.*"), ("a", "c.d")))
    assert found == [Part("c.e", 5), Part("f", 6)]
    with pytest.raises(kernel.Unreadable, match="no JSON"):
        list(parts(io.BytesIO(b'{"a": [{"b": x}]}'), "log.json", ("a",), ("a",)))


def test_objects_behind_one_another_are_read_where_they_are_expected() -> None:
    raw = b'{"a": [1, 2]}\n{\n"a": [3]}'
    found = parts(io.BytesIO(raw), "log.json", ["a"], several=True)
    assert [part.value for part in found] == [1, 2, 3]
    assert list(objects(io.BytesIO(raw), "x")) == [Line(1, {"a": [1, 2]}), Line(2, {"a": [3]})]
    with pytest.raises(kernel.Unreadable, match="item 2 is no object"):
        list(objects(io.BytesIO(b"{} 7"), "x"))


def test_a_number_that_a_chunk_cuts_is_whole() -> None:
    padding = " " * (CHUNK - len('{"a":[12') - 1)
    assert [part.value for part in read('{"a":[' + padding + "12345, 6]}", ("a",))] == [12345, 6]


def test_an_item_longer_than_a_chunk_is_whole() -> None:
    long = "x" * (3 * CHUNK)
    assert read(json.dumps([long, "y"]), ("",)) == [Part("", long, 1), Part("", "y", 2)]


def test_no_number_is_null_and_numbers_are_exact() -> None:
    (part,) = read('{"a": [NaN, -Infinity, 0.10]}')
    assert part.value == [None, None, Decimal("0.10")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": [1, 2', "cut off"),
        ('{"a": [1 2]}', "expected ','"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ('{"a": [{"b": 1, "b": 2}]}', "stands twice"),
        ('{"a": [' + "[" * 101 + "]" * 101 + "]}", "nested too deeply"),
        ('{"a": [' + "[" * 100_000, "nested too deeply"),
        ('{"a": ["\\ud800"]}', "lone surrogate"),
        ('{"a": []} x', "more after the end"),
        (b'{"a": ["\xff"]}', "not UTF-8"),
        ("7", "no JSON object"),
    ],
)
def test_a_damaged_document_is_one_error(text: str | bytes, says: str) -> None:
    with pytest.raises(kernel.Unreadable, match=says):
        read(text, ("a",))


def test_a_line_that_cannot_be_read_is_set_aside_with_its_byte() -> None:
    text = b'{"a": 1}\n{"a": \n\n[2]\n{"a": "\xff"}\n{"a": 3}\n'
    found = list(lines(io.BytesIO(text), "log.jsonl"))
    assert [one.at for one in found] == [1, 2, 4, 5, 6]
    assert [one.value for one in found if isinstance(one, Line)] == [{"a": 1}, {"a": 3}]
    aside = [one for one in found if isinstance(one, Aside)]
    assert [one.byte for one in aside] == [9, 17, 21]
    assert "UTF-8" in aside[2].what


def test_a_line_that_is_too_long_is_set_aside_and_the_next_one_read() -> None:
    long = b'{"a": "' + b"x" * (kernel.LINE_LIMIT + 10) + b'"}\n'
    found = list(lines(io.BytesIO(long + b'{"a": 1}\n'), "log.jsonl"))
    assert isinstance(found[0], Aside)
    assert found[1] == Line(2, {"a": 1})
