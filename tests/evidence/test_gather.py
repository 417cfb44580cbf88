"""From files to evidence: the kernel reads the same files and finds the same."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cubes import at_random
from eval_autopsy import kernel, registry
from eval_autopsy.case.load import load
from eval_autopsy.cubes import polars_cube
from eval_autopsy.errors import BadCase, CannotRead, CannotRun
from eval_autopsy.evidence import Evidence, gather
from eval_autopsy.kernel import MISSING

BOTH = {"eval": "eval.data", "production": "production.data"}


def written(folder: Path, case: str, files: Mapping[str, bytes | str]) -> Evidence:
    """The evidence of a case and its files, written to a folder."""
    for name, content in {**files, "autopsy.toml": case}.items():
        raw = content.encode("utf-8") if isinstance(content, str) else content
        (folder / name).write_bytes(raw)
    return gather(load(folder), folder)


def kernel_cube(evidence: Evidence) -> kernel.Cube:
    """The cube as a receipt's verification counts it: from the description and the files."""

    def opened(name: str) -> BinaryIO:
        raw = evidence.made.get(name)
        raw = evidence.subjects[name].read_bytes() if raw is None else raw
        return io.BytesIO(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)

    spec = kernel.strict_json(json.dumps(evidence.spec))
    names = list(map(kernel.attribute_name, spec["attributes"]))
    return kernel.count_records(names, kernel.load_records(spec, opened))


def check_both(evidence: Evidence) -> None:
    """Holds the engine to the kernel in every claim that could be made."""
    ours, theirs = polars_cube.count(evidence.spec, evidence.table), kernel_cube(evidence)
    ours.pairs = evidence.pairs
    for op, args in at_random.claims(dict(evidence.spec), theirs):
        found, wanted = (at_random.derived(op, args, cube) for cube in (ours, theirs))
        assert found == wanted, kernel.spelled(op, args)


# ---------------------------------------------------------------- files at random


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def array(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, indent=1)


def table(rows: list[dict[str, Any]]) -> str:
    """CSV, in which every value is text and every row has every column."""
    stream = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(stream, names)
    writer.writeheader()
    writer.writerows(
        {
            name: value if isinstance(value, str) else json.dumps(value).replace("null", "")
            for name, value in row.items()
        }
        for row in rows
    )
    return stream.getvalue()


LAYOUTS = {"jsonl": lines, "json": array, "csv": table}


def case_of(spec: Mapping[str, Any]) -> str:
    """The case file that describes evidence like a specification at random."""
    scorer, guards = spec["scorer"], spec["guards"]
    on = [g for g in guards if g["rule"] != "stored"]
    values: dict[str, Any] = {
        g["name"]: g["fields"] or g["patterns"] or True for g in on if g["name"] != "matches"
    }
    patterns = {name: p for g in on for name, p in g["patterns"].items() if name}
    tolerance = {part: float(scorer[part]) for part in ("absolute", "relative")}
    told = [
        'name = "random"',
        '[data]\neval = "eval.data"\nproduction = "production.data"',
        '[fields]\noutput = "output"\nerror = "error"\nscore = "score"',
        f'[scorer]\nname = "{scorer["name"]}"',
        f'errors = "{spec["errors"]}"\noutput_format = "{spec["output_format"]}"',
        f"fields = {json.dumps(scorer['fields'])}",
        "tolerance = {{ absolute = {absolute}, relative = {relative} }}".format(**tolerance)
        if scorer["rule"] == "numeric"
        else "",
        "[guards]",
        *(f"{name} = {json.dumps(value)}" for name, value in values.items()),
        "".join(f"\nmatches.{name} = {json.dumps(p)}" for name, p in patterns.items()),
        'json_schema = "schema.json"' if len(on) < len(guards) else "",
        f"[slices]\nby = {json.dumps(spec['attributes'])}",
    ]
    return "\n".join(told)


ROWS = at_random.rows().map(
    lambda row: {
        name: "" if name == "error" and value is None else value
        for name, value in row.items()
        if value is not MISSING
    }
)


@settings(deadline=None, max_examples=25)
@given(
    spec=at_random.specs(),
    layout=st.sampled_from(list(LAYOUTS)),
    packed=st.booleans(),
    eval_rows=st.lists(ROWS, min_size=1, max_size=5),
    production_rows=st.lists(ROWS, min_size=1, max_size=5),
)
def test_engine_and_kernel_read_the_same_claims_out_of_the_same_files(
    tmp_path_factory: pytest.TempPathFactory,
    spec: dict[str, Any],
    layout: str,
    packed: bool,
    eval_rows: list[dict[str, Any]],
    production_rows: list[dict[str, Any]],
) -> None:
    files: dict[str, bytes | str] = {"schema.json": '{"type": "object", "required": ["a"]}'}
    for name, rows in (("eval.data", eval_rows), ("production.data", production_rows)):
        # An attribute that no record has is a wrong name, so that the first record has each.
        full = [{"first": "x", **rows[0]}, *rows[1:]]
        text = LAYOUTS[layout]([{"id": f"r{i}", **row} for i, row in enumerate(full)])
        files[name] = gzip.compress(text.encode("utf-8")) if packed else text
    check_both(written(tmp_path_factory.mktemp("random"), case_of(spec), files))


# ---------------------------------------------------------------- what is stored


CASE = """
name = "small"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
output = "output"
[slices]
by = ["kind"]
"""


def row(identity: str, output: Any, expected: Any = "yes", **more: Any) -> dict[str, Any]:
    return {"id": identity, "kind": "a", "output": output, "expected": expected, **more}


def small(folder: Path, outputs: list[Any], case: str = CASE, **files: str) -> Evidence:
    """Evidence of an eval that is right, and these outputs of production, where "yes" is right."""
    production = [row(f"p{i}", output) for i, output in enumerate(outputs)]
    data = {"eval.jsonl": lines([row("e0", "yes")]), "production.jsonl": lines(production)}
    return written(folder, case, {**data, **files})


def verdicts_of(evidence: Evidence) -> list[dict[str, Any]]:
    return [json.loads(line) for line in evidence.made["verdicts.jsonl"].splitlines()]


def test_what_the_kernel_can_decide_is_not_stored(tmp_path: Path) -> None:
    evidence = small(tmp_path, ["yes", "no"], CASE + "[guards]\nnot_blank = true\n")
    assert evidence.made == {}
    assert evidence.spec["verdicts"] is None


def test_the_verdicts_of_a_json_schema_are_stored(tmp_path: Path) -> None:
    schema = json.dumps({"type": "string", "minLength": 3})
    case = CASE + '[guards]\njson_schema = "s.json"\n'
    evidence = small(tmp_path, ["yes", "no", None], case, **{"s.json": schema})
    assert verdicts_of(evidence) == [
        {"split": "eval", "id": "e0", "guards": {"json_schema": True}},
        {"split": "production", "id": "p0", "guards": {"json_schema": True}},
        {"split": "production", "id": "p1", "guards": {"json_schema": False}},
        {"split": "production", "id": "p2", "guards": {"json_schema": False}},
    ]
    check_both(evidence)


def test_a_json_schema_that_points_to_the_network_is_an_error_and_not_a_visit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def visited(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("urllib.request.urlopen", visited)
    schema = json.dumps({"$ref": "http://127.0.0.1:9/schema.json"})
    case = CASE + '[guards]\njson_schema = "s.json"\n'
    with pytest.raises(CannotRun, match="a guard failed on the record 'e0'"):
        small(tmp_path, ["yes"], case, **{"s.json": schema})


@pytest.mark.parametrize(
    ("schema", "reason"),
    [("{", "cannot be used"), ('{"type": "strong"}', "'strong' is not valid"), ("[]", "cannot be")],
)
def test_a_json_schema_that_is_none_is_an_error_that_names_the_file(
    tmp_path: Path, schema: str, reason: str
) -> None:
    case = CASE + '[guards]\njson_schema = "s.json"\n'
    with pytest.raises(BadCase, match=f"s.json: .*{reason}"):
        small(tmp_path, ["yes"], case, **{"s.json": schema})


MODEL = """
from pydantic import BaseModel

class Answer(BaseModel):
    total: float
"""


def test_the_verdicts_of_a_pydantic_model_are_stored(tmp_path: Path) -> None:
    case = CASE + '[guards]\npydantic = "json.py:Answer"\n'
    outputs = [{"total": 1.5}, {"total": "many"}, {}, "yes"]
    evidence = small(tmp_path, outputs, case, **{"json.py": MODEL})
    found = [line["guards"]["pydantic"] for line in verdicts_of(evidence)[1:]]
    assert found == [True, False, False, False]
    check_both(evidence)
    assert "loads" in dir(__import__("json"))  # which a guard in json.py must not replace


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("class Other: ...", "no attribute 'Answer'"),
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_model_that_does_not_load_is_an_error_that_names_the_file(
    tmp_path: Path, code: str, reason: str
) -> None:
    case = CASE + '[guards]\npydantic = "model.py:Answer"\n'
    with pytest.raises(BadCase, match=rf"model.py: Answer cannot be loaded: .*{reason}"):
        small(tmp_path, ["yes"], case, **{"model.py": code})


def test_a_scorer_of_another_package_is_stored_with_what_it_said(tmp_path: Path) -> None:
    evidence = small(tmp_path, ["yes", "yez", "no"], CASE + '[scorer]\nname = "as_long"\n')
    assert [line["right"] for line in verdicts_of(evidence)[1:]] == [True, True, False]
    check_both(evidence)


def test_a_scorer_that_fails_is_an_error_that_names_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_long(output: Any, expected: Any) -> bool:
        """A scorer that does not know null."""
        return bool(output[:1] == expected[:1])

    entry = registry.scorers.describe()[0]._replace(name="as_long", value=as_long)
    monkeypatch.setitem(registry.scorers._entries, "as_long", entry)
    place = "production.jsonl:2: a scorer failed on the record 'p1': TypeError: 'NoneType'"
    with pytest.raises(CannotRun, match=place):
        small(tmp_path, ["no", None], CASE + '[scorer]\nname = "as_long"\n')


def test_a_recorded_score_between_right_and_wrong_is_an_error_with_its_line(tmp_path: Path) -> None:
    case = CASE.replace("output =", "score =") + '[scorer]\nname = "recorded"\n'
    files = {"eval.jsonl": lines([row("e0", 1)]), "production.jsonl": lines([row("p0", 0.5)])}
    with pytest.raises(CannotRead, match=r"production.jsonl:1: the score is 0\.5, expected true"):
        written(tmp_path, case, files)


# ---------------------------------------------------------------- the system


SYSTEM = CASE.replace('output = "output"', 'input = "output"') + (
    '[system]\npython = "system.py:answer"\n[guards]\nno_exception = true\n'
)


def test_the_systems_answers_are_kept_and_judged(tmp_path: Path) -> None:
    code = "def answer(text):\n    return text.upper().lower()\n"
    evidence = small(tmp_path, ["yes", "YES", 5], SYSTEM, **{"system.py": code})
    kept = [json.loads(line) for line in evidence.made["outputs.jsonl"].splitlines()]
    assert [line.get("output") for line in kept] == ["yes", "yes", "yes", None]
    assert kept[3]["error"].startswith("AttributeError: ")
    assert evidence.spec["system"]["reproduced"] is True
    cube = polars_cube.count(evidence.spec, evidence.table)
    assert [cube.count("production", name, {}) for name in ("right", "wrong", "errored")] == [
        2,
        1,
        1,
    ]
    check_both(evidence)


def test_a_system_that_answers_otherwise_the_next_time_is_not_reproduced(tmp_path: Path) -> None:
    code = "import itertools\nn = itertools.count()\ndef answer(text):\n    return next(n)\n"
    evidence = small(tmp_path, ["yes"], SYSTEM, **{"system.py": code})
    assert evidence.spec["system"]["reproduced"] is False
    args = {"split": "production", "outcome": "right", "where": {}}
    assert kernel.rests_on("count", args, evidence.spec) == "re-scored"
