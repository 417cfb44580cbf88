"""The table of verdicts: what each column says of records made by hand."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from eval_autopsy import verdicts
from eval_autopsy.attributes import chosen
from eval_autopsy.guards.checks import not_blank
from eval_autopsy.kernel import MISSING
from eval_autopsy.records import Record

SPEC: dict[str, Any] = {
    "attributes": [],
    "scorer": {"name": "exact_match", "rule": "exact_match", "fields": []},
}


def record(output: Any, expected: Any = MISSING, error: str | None = None, **levels: Any) -> Record:
    return Record(
        id="r",
        split="eval",
        where="data.jsonl:1",
        output=output,
        expected=expected,
        error=error,
        attributes=levels,
    )


def test_equal_looking_levels_stay_apart_and_equal_numbers_together() -> None:
    levels = [True, 1, Decimal("1.0"), "1", "true", None, "null", "", MISSING, False, 0, [1], {}]
    found = verdicts.levels_of("kind", [record("x", kind=level) for level in levels])
    assert list(found) == [
        *("true", "1", "1", '"1"', '"true"', "null", '"null"', '""', '{"missing":true}'),
        *("false", "0", '{"json":"[1]"}', '{"json":"{}"}'),
    ]


@pytest.mark.parametrize(
    "values",
    [
        [f"{number} {'a' * 2000}" for number in range(200)],
        [f"{'a' * 2000} {number}" for number in range(200)],
        ['\\"\n' * 500, "b" * 2000, "short"] * 70,
        [[number] * 1000 for number in range(200)],
        [{"a": "b" * 2000}] * 200,
        ["x" * 2000] * 200,
        ["en", "de"] * 100,
    ],
)
def test_long_levels_in_brief_are_as_many_and_as_fit_to_slice_by(values: list[Any]) -> None:
    levels = [*verdicts.levels_of("notes", [record("x", notes=value) for value in values])]
    whole, brief = Counter(levels), Counter(map(verdicts.briefly, levels))
    assert [*brief.values()] == [*whole.values()]
    assert max(map(len, brief)) < 1000
    assert chosen("notes", brief) == chosen("notes", whole)


def test_each_field_is_a_column_of_its_own() -> None:
    records = [
        record({"a": 1, "b": 2}, {"a": 1, "b": 3}),
        record({"a": 1, "c": 2}, {"a": 1}),
        record("x", "x"),
        record("x", "y"),
        record({"a": 1}, {"a": 1}, error="ValueError: no"),
        record(MISSING, {"a": 1}),
        record({"a": 1}, MISSING),
    ]
    table = verdicts.table_of(SPEC, records, {})
    assert table["field a"].to_list() == [True, True, None, None, None, None, None]
    assert table["field b"].to_list() == [False, None, None, None, None, None, None]
    # A field too many makes the whole output wrong; what was not compared has no score.
    assert table["score"].to_list() == [True, False, True, False, None, None, None]
    assert table["errored"].to_list() == [False, False, False, False, True, False, False]


def test_fields_that_are_named_are_all_that_counts() -> None:
    spec = {**SPEC, "scorer": {**SPEC["scorer"], "fields": ["a"]}}
    records = [record({"a": 1, "c": 2}, {"a": 1, "b": 3}), record({}, {}), record("x", "x")]
    table = verdicts.table_of(spec, records, {})
    assert table["field a"].to_list() == [True, False, None]
    assert table["score"].to_list() == [True, True, True]


def test_a_guard_is_not_asked_about_a_call_that_failed() -> None:
    records = [record("x"), record(""), record(MISSING), record("x", error="ValueError: no")]
    table = verdicts.table_of(SPEC, records, {"not_blank": not_blank()})
    assert table["guard not_blank"].to_list() == [True, False, False, None]


def test_no_records_make_a_table_with_the_same_columns() -> None:
    table = verdicts.table_of({**SPEC, "attributes": ["kind"]}, [], {"not_blank": not_blank()})
    wanted = ["split", "id", "unit", "level kind", "errored", "score", "moved", "guard not_blank"]
    assert table.columns == wanted
