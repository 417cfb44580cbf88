"""What a guard lets through: truth tables written by hand, for the kernel and for the engine."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from eval_autopsy import kernel, verdicts
from eval_autopsy.guards import checks
from eval_autopsy.kernel import MISSING

ERROR = "ValueError: no total"


def guard(rule: str, *fields: str, **patterns: str) -> dict[str, Any]:
    return {"name": rule, "rule": rule, "fields": list(fields), "patterns": patterns}


FILLED: list[Any] = ["a", " a ", "0", 0, Decimal(0), False, ["a"], {"a": 0}, {"a": {"b": ["x"]}}]
FILLED += ["\u200b"]  # which has no ink, and is no white space
EMPTY: list[Any] = ["", " ", "\n\t", "\u3000", "\u00a0", None, MISSING, [], {}, [[]]]
EMPTY += [{"a": "x", "b": ""}, {"a": None}, ["x", " "], {"a": {"b": None}}, {"a": []}]
BLANKS = [(value, True) for value in FILLED] + [(value, False) for value in EMPTY]


@pytest.mark.parametrize(("value", "through"), BLANKS)
def test_not_blank_stops_what_has_an_empty_part(value: Any, through: bool) -> None:
    assert kernel.not_blank(value) is through
    assert kernel.lets_through(guard("not_blank"), value, None) is through
    assert checks.not_blank()(value) is through


@pytest.mark.parametrize(
    ("fields", "output", "through"),
    [
        (["a"], {"a": "x", "b": ""}, True),
        (["b"], {"a": "x", "b": ""}, False),
        (["a", "b"], {"a": "x", "b": "y"}, True),
        (["c"], {"a": "x"}, False),
        (["a.b"], {"a": {"b": "x", "c": ""}}, True),
        (["a.b"], {"a": "x"}, False),
        (["a"], "text", False),
        (["a"], MISSING, False),
        (["a"], ["x"], False),
    ],
)
def test_not_blank_looks_at_the_fields_it_names(
    fields: list[str], output: Any, through: bool
) -> None:
    assert kernel.lets_through(guard("not_blank", *fields), output, None) is through
    assert checks.not_blank(fields)(output) is through


@pytest.mark.parametrize(
    ("patterns", "output", "through"),
    [
        ({"": r"\d+"}, "123", True),
        ({"": r"\d+"}, "123\n", False),
        ({"": r"\d+"}, "a123", False),
        ({"": r"\d+"}, 123, True),
        ({"": r"\[1,2\]"}, [1, 2], True),
        ({"": r"null"}, None, True),
        ({"": r""}, MISSING, True),
        ({"": r".+"}, MISSING, False),
        ({"a": r"\d+"}, {"a": "1"}, True),
        ({"a": r"\d+", "b": "x"}, {"a": "1", "b": "y"}, False),
        ({"a": r"\d+", "b": "x"}, {"a": "1", "b": "x"}, True),
        ({"a.b": r"\d+"}, {"a": {"b": 7}}, True),
        ({"a": r".+"}, {"b": "x"}, False),
        ({"a": r".*"}, {"b": "x"}, True),
        ({"a": r".+"}, "text", False),
    ],
)
def test_matches_wants_the_whole_text(patterns: dict[str, str], output: Any, through: bool) -> None:
    rule = {**guard("matches"), "patterns": patterns}
    assert kernel.lets_through(rule, output, None) is through
    assert checks.matches(patterns)(output) is through


@pytest.mark.parametrize(
    ("text", "through"),
    [
        ("{}", True),
        ('{"a": 1}', True),
        ("null", True),
        (" 5 ", True),
        ("", False),
        ("{", False),
        ("{'a': 1}", False),
        ('{"a": 1, "a": 2}', False),
        ("NaN", False),
        ("```json\n{}\n```", False),
        (MISSING, False),
        (5, True),
    ],
)
def test_parses_stops_what_is_not_json(text: Any, through: bool) -> None:
    assert kernel.lets_through(guard("parses"), kernel.parsed(text), None) is through
    assert checks.parses()(checks.parsed(text)) is through


def test_an_output_that_is_not_meant_to_be_json_parses() -> None:
    assert kernel.lets_through(guard("parses"), "{", None) is True
    assert checks.parses()("{") is True


@pytest.mark.parametrize("rule", ["parses", "not_blank", "matches"])
def test_only_no_exception_looks_at_a_call_that_failed(rule: str) -> None:
    assert kernel.lets_through(guard(rule), MISSING, ERROR) is None
    assert kernel.lets_through(guard("no_exception"), MISSING, ERROR) is False
    assert kernel.lets_through(guard("no_exception"), MISSING, None) is True


@pytest.mark.parametrize(
    ("output", "expected", "moved"),
    [
        ({"a": "x", "b": "y"}, {"a": "y", "b": "x"}, True),
        ({"a": "x", "b": "y"}, {"a": "x", "b": "y"}, False),
        ({"a": "z"}, {"a": "y", "b": "x"}, False),
        ({"c": "x"}, {"a": "x"}, True),
        ({"a": "x", "b": "z"}, {"a": "x", "b": "x"}, False),
        ({"a": "x", "b": "x"}, {"a": "x", "b": "y"}, True),
        ({"a": "x", "b": "x"}, {"a": "x", "b": "x"}, False),
        ({"a": "", "b": "y"}, {"a": "y", "b": ""}, True),  # b's y, at a's place
        ({"a": "", "b": "z"}, {"a": "y", "b": ""}, False),  # an empty value has no home
        ({"a": None}, {"b": None}, False),
        ({"a": 1}, {"a": 2, "b": Decimal("1.0")}, True),
        ({"a": True}, {"a": 2, "b": 1}, False),
        ("x", {"a": "x"}, False),
        ({"a": "x"}, "x", False),
        (MISSING, MISSING, False),
    ],
)
def test_a_value_in_another_fields_place_is_misplaced(
    output: Any, expected: Any, moved: bool
) -> None:
    assert kernel.misplaced(output, expected) is moved
    assert verdicts.moved(output, expected) is moved
