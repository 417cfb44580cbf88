"""A cell that shows an object as Python does is read, and nothing in it is run."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.readers.json_items import DEEPEST
from eval_autopsy.readers.mlflow_cells import LONGEST, literal, typed

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text("xy'\"\\"), VALUES) | st.lists(VALUES))
def test_what_python_shows_of_an_object_is_the_object(value: Any) -> None:
    assert literal(repr(value)) == value


def test_numbers_are_exact_and_no_number_is_null() -> None:
    assert literal("{'a': 0.1, 'b': [nan, -inf], 'c': 'nan is nan'}") == {
        "a": Decimal("0.1"),
        "b": [None, None],
        "c": "nan is nan",
    }


@pytest.mark.parametrize(
    "cell",
    [
        "{'a': __import__('os').system('true')}",
        "[x for x in ()]",
        "{'a': f'{1}'}",
        "[1, 2",
        "[1]]",
        "[b'bytes']",
        "{'a': {1, 2}}",
        "['\\ud800']",
        "[1-1]",
        "[1()]",
        "[()[0]]",
        "['a' 'b']",
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        "plain",
        "{not python}",
    ],
)
def test_anything_else_stays_text(cell: str) -> None:
    assert literal(cell) == cell


@pytest.mark.parametrize(
    "part",
    ["-", "not ", "1+", "a.", "(", "x if x else ", "lambda:", "1-", "'' ", "()", "[0]", "[:]"],
)
def test_what_would_nest_without_end_stays_text(part: str) -> None:
    cell = "[" + part * 100_000 + "1]"
    assert literal(cell) == cell


def test_a_cell_that_is_too_long_stays_text() -> None:
    cell = "['" + "x" * LONGEST + "']"
    assert literal(cell) == cell


@given(st.text("[]{}()'\"\\,:-1.e nanNoeTru"))
def test_any_text_is_read_or_left(cell: str) -> None:
    found = literal(f"[{cell}]")
    assert isinstance(found, list) or found == f"[{cell}]"
    json.dumps(found, default=str)


def test_a_long_cell_is_read_where_it_says_more_than_the_columns() -> None:
    row = {"x/value": "True", "assessments": "[{'a': 1}]", "trace_metadata": "{'tokenUsage': 1}"}
    assert typed(row, whole=False) == {
        "x/value": True,
        "assessments": None,
        "trace_metadata": {"tokenUsage": 1},
    }
    assert typed(row, whole=True)["assessments"] == [{"a": 1}]
