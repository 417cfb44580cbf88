"""What an audit says of each record: the engine and the kernel, each on its own, say the same."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.auditing import OF_LOGS, for_receipt, judged_of
from eval_autopsy.case.load import load
from eval_autopsy.case.unwritten import Said, unwritten
from eval_autopsy.cubes import polars_cube
from eval_autopsy.evidence import Evidence, gather
from eval_autopsy.kernel import MISSING
from eval_autopsy.questions.audit import outcome_rows, rows_of
from eval_autopsy.questions.suspects import KINDS
from eval_autopsy.records import Record
from questions.planted import FAULTS, SAMPLES, TOOLS, Tool

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "scorer-audit" / "autopsy.toml"
Outcomes = dict[str, list[tuple[str, str]]]  # by name, the splits and ids of the records


def by_the_engine(found: Evidence) -> Outcomes:
    """The outcomes of an audit as the engine's columns have them."""
    cube = polars_cube.count(found.spec, found.table)
    assert isinstance(cube, polars_cube.FrameCube)
    frame = cube.frame
    rows = list(zip(frame["split"], frame["id"], strict=True))
    return {
        name: [row for row, has in zip(rows, frame[name], strict=True) if has]
        for name in frame.columns
        if name in kernel.OF_AUDIT
    }


def by_the_kernel(found: Evidence) -> Outcomes:
    """The same as the kernel finds them in the files."""

    def opened(name: str) -> io.BytesIO:
        content = found.made.get(name)
        return io.BytesIO(found.subjects[name].read_bytes() if content is None else content)

    outcomes: Outcomes = {}
    for record in kernel.load_records(found.spec, opened):
        for name in record.outcomes & kernel.OF_AUDIT:
            outcomes.setdefault(name, []).append((record.split, record.id))
    return outcomes


def same(engine: Outcomes, outcomes: Outcomes) -> None:
    """Asserts that both found the same, as far as the engine looked."""
    engine = {name: rows for name, rows in engine.items() if rows}
    assert engine == {name: rows for name, rows in outcomes.items() if name in engine}
    missed = {name for name in outcomes if name not in engine}
    assert all(name.startswith("flip:") for name in missed)  # with a score that nobody has


def test_the_example_of_a_scorer_is_audited_alike() -> None:
    found = for_receipt(*_gathered(load(EXAMPLE)))
    engine = by_the_engine(found)
    same(engine, by_the_kernel(found))
    assert len(engine["flip:recorded right, from_input wrong"]) == 25


def _gathered(case: Any) -> tuple[Any, Evidence]:
    return case, gather(case, Path(Path.cwd().anchor), beside=OF_LOGS)


EVALS = {
    "inspect_ai": "inspect_ai/support_eval.eval",
    "lm_eval": "lm_eval/samples_support_route_eval_2026-11-23T10-57-02.491683.jsonl",
    "mlflow": "mlflow/genai_result_df_eval.json",
    "promptfoo": "promptfoo/routing_eval.json.gz",
    "langsmith": "langsmith/rows_eval.jsonl",
}
LOGS = [tool for tool in TOOLS if tool.name in EVALS]
PLANTED = [
    pytest.param(tool, kind, id=f"{tool.name}-{kind}")
    for tool in LOGS
    for kind in FAULTS
    if kind != "errored-as-pass" or tool.has_errors
]


def of_logs(tool: Tool, production: Path) -> Evidence:
    said = Said(eval=(SAMPLES / EVALS[tool.name],), production=(production,))
    return for_receipt(*_gathered(unwritten(said).case))


@pytest.mark.parametrize(("tool", "kind"), PLANTED)
def test_a_fault_in_a_log_is_found_by_the_kernel_and_no_other(
    tool: Tool, kind: str, tmp_path: Path
) -> None:
    document, records = tool.records()
    planted = FAULTS[kind](tool, records)
    found = of_logs(tool, tool.write(tmp_path, document, records))
    outcomes = by_the_kernel(found)
    suspects = {name: rows for name, rows in outcomes.items() if name.startswith("suspect:")}
    assert {name: len(rows) for name, rows in suspects.items()} == {f"suspect:{kind}": len(planted)}
    assert {split for split, _ in suspects[f"suspect:{kind}"]} == {"production"}
    same(by_the_engine(found), outcomes)


@pytest.mark.parametrize("tool", LOGS, ids=lambda tool: tool.name)
def test_a_log_without_a_fault_has_no_suspect(tool: Tool, tmp_path: Path) -> None:
    found = of_logs(tool, tool.write(tmp_path, *tool.records()))
    assert found.spec["audit"] == "samples"
    outcomes = by_the_kernel(found)
    assert [name for name in outcomes if name.startswith("suspect:")] == []
    assert outcomes["corrected_least"] == outcomes["corrected_most"]
    same(by_the_engine(found), outcomes)


# Records at random: few values of each part, so that they meet

WORDS = ["amber 1", "AMBER  1", "birch", "cedar", "$1,234.50", "1234.5", 7, None, "", MISSING]
BILLS = [{"due": "1.50", "name": "Ada"}, {"due": "$1.50", "name": "ada"}, {"due": "9", "name": ""}]
WRAPPED = [
    *("It is birch.", "not birch", "The answer is cedar", "\\boxed{birch}", "1,234.50 of it"),
    *('{"due": "1.50", "name": "Ada"', "{'due': '9', 'name': ''}"),
    '```json\n{"due": "1.50", "name": "Ada"}\n```',
]
ODD = st.fixed_dictionaries(
    {},
    optional={
        "input": st.sampled_from(
            ["Due: 1.50\nName: Ada", "Due: 9\nName: Bo", "Word: birch", "Word: cedar", "", None]
        ),
        "expected": st.sampled_from([*WORDS, *BILLS, ["birch", "cedar"], [], True]),
        "output": st.sampled_from([*WORDS, *BILLS, *WRAPPED, {}, {"due": "1.50"}]),
        "score": st.sampled_from([True, False, None, 1]),
        "error": st.sampled_from(["", "", "", "timeout"]),
        "talk": st.sampled_from(["a", "b", 1, None]),
        "status": st.sampled_from(["errored", "grader failed", "scored"]),
        "scores": st.sampled_from([{}, {"a": True, "b": 0.5}, {"a": 1, "b": 0}, {"a": False}]),
        "grader_error": st.sampled_from(["", "no reply"]),
        "system": st.sampled_from(["one", "two"]),
    },
)
TASKS = [
    ("Due: 1.50\nName: Ada", BILLS[0]),
    ("Due: 9\nName: Bo", {"due": "9", "name": "Bo"}),
    ("Due: 7.25\nName: Cy", {"due": "7.25", "name": "Cy"}),
    ("Word: birch", "birch"),
    ("Word: cedar", "cedar"),
]
GOOD = [{"input": i, "expected": one, "output": one, "score": True} for i, one in TASKS]
BAD = [
    {**row, "output": output, "score": score}
    for row in GOOD
    for output in (BILLS[1], *WRAPPED)
    for score in (True, False)
]
ROWS = st.one_of(
    *[st.sampled_from(GOOD)] * 14,
    st.sampled_from(BAD),
    st.builds(lambda usual, odd: {**usual, **odd}, st.sampled_from(GOOD), ODD),
    st.sampled_from([{**row, "expected": "another", "output": "another"} for row in GOOD]),
)
FIELDS = ["id", "input", "expected", "output", "error"]


@given(
    rows=st.lists(ROWS, max_size=60),
    copies=st.integers(1, 4),
    rule=st.sampled_from(["exact_match", "normalized", "recorded"]),
    compared=st.sampled_from([[], ["due"]]),
    errors=st.sampled_from(["wrong", "apart"]),
    parts=st.sampled_from([[], ["score"], ["score", "cluster"]]),
    log=st.booleans(),
    apart=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_records_at_random_are_audited_alike(
    rows: list[dict[str, Any]],
    copies: int,
    rule: str,
    compared: list[str],
    errors: str,
    parts: list[str],
    log: bool,
    apart: bool,
) -> None:
    rows = [{name: v for name, v in row.items() if v is not MISSING} for row in rows * copies]
    for number, row in enumerate(rows):
        if apart and isinstance(row.get("input"), str):
            row["input"] += f"\nNo: {number}"  # so that no input stands twice
    scorer = {"name": rule, "rule": rule, "fields": compared, "absolute": "0", "relative": "0"}
    again = {**scorer, "name": "exact_match", "rule": "exact_match"}
    used = scorer if rule != "recorded" else again
    records = [record(number, row, parts) for number, row in enumerate(rows)]
    judged = judged_of(records, used, "score" in parts, choices=False, log=log)
    audit = rows_of(judged, errors)
    names = {name: name for name in FIELDS} | {part: FIELD_OF.get(part, part) for part in parts}
    evidence = {"fields": names, "scorer": scorer, "errors": errors, "audit": "table"}
    evidence["audit"] = "samples" if log else "table"
    doubted = {one.row for one in audit.suspects["label-suspect"]}
    asked = []
    for one, fields, number in zip(records, map(fields_of, rows), range(len(rows)), strict=True):
        stored = {"suspect": ["label-suspect"]} if number in doubted else {}
        line = kernel.Row(number, fields)
        asked.append(kernel.asked_of(evidence, judged_here(one), line, "log", stored))
    found = kernel.audited(evidence, asked)
    engine = {name: some for name, some in outcome_rows(audit).items() if some}
    outcomes: dict[str, list[int]] = {}
    for number, audited in enumerate(found):
        for name in audited.outcomes:
            outcomes.setdefault(name, []).append(number)
    assert engine == {name: some for name, some in outcomes.items() if name in engine}
    assert all(name.startswith("flip:") for name in outcomes if name not in engine)


FIELD_OF = {"cluster": "talk"}


def fields_of(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the kernel reads it: numbers that are not whole as decimals."""
    found: dict[str, Any] = kernel.strict_json(json.dumps(row))
    return found


def record(number: int, row: dict[str, Any], parts: Iterable[str]) -> Record:
    """A row as the reader of a file gives it."""
    fields = fields_of(row)
    talk = fields.get("talk") if "cluster" in parts else None
    return Record(
        id=f"r{number}",
        split="eval" if number % 3 else "production",
        where=f"log:{number}",
        input=fields.get("input", MISSING),
        expected=fields.get("expected", MISSING),
        output=fields.get("output", MISSING),
        error=fields.get("error") or None,
        score=fields.get("score", MISSING),
        cluster=None if talk is None else str(talk),
        attributes={name: fields.get(name, MISSING) for name in OF_LOGS},
    )


def judged_here(one: Record) -> kernel.Record:
    """The same as the kernel has it, counted as nothing yet."""
    parts = one.input, one.expected, one.output, one.error
    return kernel.Record(one.split, one.id, *parts, (), frozenset())


def test_the_kernel_knows_the_kinds_of_doubt_that_there_are() -> None:
    assert set(kernel.SUSPECTS) == set(KINDS)
