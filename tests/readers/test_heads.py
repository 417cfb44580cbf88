"""The first object of a file, as far as its first bytes hold it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.heads import first_object

OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)
)


@given(OBJECTS, st.binary())
def test_an_object_that_is_whole_is_given_whole(value: dict[str, Any], more: bytes) -> None:
    assert first_object(json.dumps(value, indent=1).encode() + b"\n" + more) == value


@given(OBJECTS, st.data())
def test_of_one_that_is_cut_off_what_is_given_is_its_own(
    value: dict[str, Any], data: st.DataObject
) -> None:
    raw = json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace")
    head = raw[: data.draw(st.integers(0, len(raw)))]
    found = first_object(head)
    assert list(found) == list(json.loads(raw))[: len(found)]
    assert MISSING not in list(found.values())[:-1]


@pytest.mark.parametrize(
    ("head", "inside", "found"),
    [
        (b'{"data": [{"a": 1}, {"b": 2}]}', ["data"], {"a": 1}),
        (b'{"run": {"cases": [{"a": [1, 2', ["run", "cases"], {"a": MISSING}),
        (b'[{"a": 1}]', [], {"a": 1}),
        (b'{"run": {"a": 1}}', ["other"], {}),
        (b'{"run": 7, "a": 1}', ["run"], {}),
        (b"id,name\n", [], {}),
        (b'{"a": ' + b"[" * 60_000, [], {"a": MISSING}),
        (b"", [], {}),
    ],
)
def test_an_object_further_in_is_found(
    head: bytes, inside: list[str], found: dict[str, Any]
) -> None:
    assert first_object(head, *inside) == found
