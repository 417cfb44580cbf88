"""Every backend's cube gives every claim the value that the kernel gives it."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy import cubes, kernel, verdicts
from eval_autopsy.evidence import judgeable
from eval_autopsy.guards.checks import Guard, matches, not_blank, parses
from eval_autopsy.kernel import MISSING
from eval_autopsy.records import SPLITS, Record

from . import at_random

MODULES = (one.name for one in pkgutil.iter_modules(cubes.__path__))
BACKENDS = [name for name in MODULES if name.endswith("_cube")]


def value_of(value: Any) -> Any:
    """A value as a reader gives it: numbers are int or Decimal."""
    return value if value is MISSING else kernel.strict_json(json.dumps(value))


def records_of(spec: dict[str, Any], rows: list[dict[str, Any]]) -> list[Record]:
    """Records in the order of the rows, by turns of both splits."""
    found = []
    for i, row in enumerate(rows):
        values = {name: value_of(value) for name, value in row.items()}
        if spec["output_format"] == "json":
            values = {
                **values,
                "output": texted(row["output"]),
                "expected": texted(row["expected"]),
            }
        levels = {name: values[name] for name in spec["attributes"]}
        parts = {name: values[name] for name in ("expected", "output", "error", "score")}
        parts |= {"where": f"data.jsonl:{i}", "cluster": row["cluster"]}
        found.append(Record(id=f"r{i}", split=SPLITS[i % 2], attributes=levels, **parts))
    return found


def texted(value: Any) -> Any:
    """A value as the output of a system that should write JSON; a text stands for itself."""
    return value if value is MISSING or isinstance(value, str) else json.dumps(value)


def checks_of(spec: dict[str, Any]) -> dict[str, Guard]:
    make: dict[str, Callable[[dict[str, Any]], Guard]] = {
        "parses": lambda guard: parses(),
        "not_blank": lambda guard: not_blank(guard["fields"]),
        "matches": lambda guard: matches(guard["patterns"]),
        "json_schema": lambda guard: lambda output: isinstance(output, dict),
    }
    return {g["name"]: make[g["name"]](g) for g in spec["guards"] if g["name"] in make}


def kernel_record(spec: dict[str, Any], record: Record) -> kernel.Record:
    """A record as the kernel judges it, one by one, from what the file says."""
    output, expected = record.output, record.expected
    if spec["output_format"] == "json":
        output, expected = kernel.parsed(output), kernel.parsed(expected)
    stored: dict[str, Any] = {"guards": {}, "right": None}
    if record.error is None:
        stored["guards"]["json_schema"] = isinstance(output, dict)
        if output is not MISSING:
            stored["right"] = at_random.as_long(output, expected)
    else:
        stored["guards"]["json_schema"] = None
    score = kernel.recorded_score(record.score, record.where)
    found = kernel.outcomes(spec, output, expected, record.error, score, stored)
    return kernel.Record(
        record.split,
        record.id,
        None,
        expected,
        output,
        record.error,
        tuple(
            kernel.canonical(kernel.level(record.attributes[name])) for name in spec["attributes"]
        ),
        found,
        kernel.unit_of(record.cluster, record.id, record.where),
    )


ROWS = at_random.rows().flatmap(
    lambda row: st.sampled_from(
        [row, row, row, {**row, "output": MISSING}, {**row, "expected": MISSING}]
    )
)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(deadline=None, max_examples=50)
@given(spec=at_random.specs(), rows=st.lists(ROWS, min_size=2, max_size=12))
def test_engine_and_kernel_give_every_claim_the_same_value(
    backend: str, spec: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    records = records_of(spec, rows)
    theirs = kernel.count_records(
        spec["attributes"], [kernel_record(spec, record) for record in records]
    )
    table = verdicts.table_of(spec, judgeable(spec, records, None), checks_of(spec))
    ours = importlib.import_module(f"eval_autopsy.cubes.{backend}").count(spec, table)
    for op, args in at_random.claims(spec, theirs):
        found, wanted = (at_random.derived(op, args, cube) for cube in (ours, theirs))
        assert found == wanted, kernel.spelled(op, args)


def test_there_is_a_backend() -> None:
    assert "polars_cube" in BACKENDS
