"""[slices]: fields as they are, in bands, and by the parts of a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import api
from eval_autopsy.case.load import load
from eval_autopsy.errors import BadCase, CannotRead
from eval_autopsy.receipt.certify import certify
from eval_autopsy.receipt.verify import verify

CASE = """
name = "logged"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
score = "ok"
latency = "latency"
"""


def logged(folder: Path, slices: str = "", **changed: Any) -> Path:
    """Records with a latency, a time and a plan; production is wrong when it took long."""
    (folder / "autopsy.toml").write_text(CASE + slices)
    for split in ("eval", "production"):
        rows = []
        for n in range(120):
            slow = n % 40 / 10
            row = {
                "id": f"{split}{n}",
                "ok": split == "eval" or slow <= 2.95,
                "latency": slow,
                "sent": f"2024-05-{n % 28 + 1:02}T{n % 24:02}:00:00Z",
                "plan": ["free", "pro"][n % 2] if n % 5 else f"trial {n}",
                "user": f"{split} u{n}",
                "none": None,
            }
            rows.append(json.dumps({**row, **changed}) + "\n")
        (folder / f"{split}.jsonl").write_text("".join(rows))
    return folder


def attributes(folder: Path) -> list[Any]:
    done = certify(load(folder), folder)
    assert verify(done.folder).verdict == "holds"
    return list(done.evidence.spec["attributes"])


def test_bands_and_times_are_what_the_receipt_says(tmp_path: Path) -> None:
    tables = '[slices]\nby = ["plan"]\nbands = { latency = [0.50, 2] }\ntimes = { sent = "hour" }'
    assert attributes(logged(tmp_path, tables)) == [
        "plan",
        {"field": "latency", "edges": ["0.5", "2"]},
        {"field": "sent", "time": "hour"},
    ]
    report = (tmp_path / "receipts" / "logged" / "REPORT.md").read_text()
    assert "`latency` is 2 or more" in report
    assert "### hour of `sent`" in report


def test_quantiles_are_chosen_without_a_look_at_what_is_right(tmp_path: Path) -> None:
    tables = '[slices]\nbands = { latency = "quantiles" }'
    before = attributes(logged(tmp_path, tables))
    assert attributes(logged(tmp_path, tables, ok=True)) == before
    assert len(before[0]["edges"]) == 3


def test_supervised_edges_are_where_answers_turn_wrong_and_that_is_said(tmp_path: Path) -> None:
    tables = '[slices]\nbands = { latency = "supervised" }'
    [one] = attributes(logged(tmp_path, tables))
    assert [float(edge) for edge in one["edges"]] == pytest.approx([3], abs=0.2)
    found = api.open(tmp_path).slices()
    [note] = found.notes
    assert note.startswith("latency: its edges were chosen by what is right and wrong in ")
    assert int(note.split()[-4]) < 240 * 0.7


def test_what_nobody_asked_for_is_sliced_by_as_suits_it(tmp_path: Path) -> None:
    found = api.open(logged(tmp_path)).slices()
    names = {one.attribute for one in found.breakdowns}
    assert names == {"latency", "sent@hour", "sent@weekday", "sent@week", "plan"}
    aside = {one.attribute: one.reason for one in found.set_aside}
    assert aside.pop("none") == "no record has a value"
    assert aside.pop("user") == "240 different values in 240 records"
    assert set(aside.values()) == {"no record has an input", "no record has an output"}
    assert found.notes == ("plan: 24 rarer values, in 48 records, stand together",)
    [worst] = [one for one in found.all if one.wrong == 30]
    assert worst.words == "`latency` is 3 or more"


def test_a_receipt_of_it_holds_and_says_what_is_set_aside(tmp_path: Path) -> None:
    done = api.open(logged(tmp_path)).run(tmp_path)
    assert done.verification.verdict == "holds"
    assert ("none", "no record has a value") in done.evidence.set_aside


@pytest.mark.parametrize(
    ("tables", "what"),
    [
        ("bands = { latency = [2, 1] }", 'expected rising numbers like [0.5, 2], "quantiles"'),
        ("bands = { latency = [] }", "expected rising numbers"),
        ("bands = { latency = [1, true] }", "expected rising numbers"),
        ("bands = { latency = [nan] }", "expected rising numbers"),
        ('bands = { latency = "some" }', "expected rising numbers"),
        ('times = { sent = "year" }', "expected one or more of hour, weekday, day, week, month"),
        ('times = { sent = ["hour", "hour"] }', "expected one or more of hour"),
        (
            'by = ["latency"]\nbands = { latency = [1] }',
            "the field 'latency' is named in by and in bands",
        ),
        ('by = ["length(input)"]', "a field cannot be called 'length(input)'"),
        ('by = ["sent@hour"]', "a field cannot be called 'sent@hour'"),
        ('features_file = "nope.py"', "there is no file 'nope.py'"),
        ('features = ["lenght(input)"]', "there is no feature 'lenght(input)'"),
    ],
)
def test_a_table_that_cannot_be_used_is_an_error_with_its_line(
    tmp_path: Path, tables: str, what: str
) -> None:
    with pytest.raises(BadCase) as caught:
        load(logged(tmp_path, "[slices]\n" + tables))
    assert what in caught.value.what
    assert "autopsy.toml:1" in caught.value.where


def test_a_column_that_is_not_there_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    logged(tmp_path, "[slices]\nbands = { latancy = [1] }")
    with pytest.raises(CannotRead, match="there is no field 'latancy'") as caught:
        api.open(tmp_path).slices()
    assert "'latency'" in caught.value.remedy


HOSTILE = [
    "two\nlines",
    "\x1b[31mred",
    "\u202edlog",
    "a" * 10_000,
    "a" * 9_999 + "b",
    "|`<b>",
    "\x00",
]


def test_hostile_values_become_slices_of_a_receipt_that_holds(tmp_path: Path) -> None:
    folder = logged(tmp_path, '[slices]\nby = ["kind"]')
    for split in ("eval", "production"):
        path = folder / f"{split}.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        lines = [{**row, "kind": HOSTILE[n % len(HOSTILE)]} for n, row in enumerate(rows)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert attributes(folder) == ["kind"]
    report = (folder / "receipts" / "logged" / "REPORT.md").read_text()
    assert not set(report) & set("\x1b\u202e\x00")
    assert max(map(len, report.splitlines())) < 2000


def test_mixed_types_are_levels_of_their_own(tmp_path: Path) -> None:
    folder = logged(tmp_path, '[slices]\nby = ["kind"]')
    values: list[Any] = [1, "1", 1.0, True, None, "", "null", [1], {"a": 1}, 1.5]
    for split in ("eval", "production"):
        path = folder / f"{split}.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        lines = [{**row, "kind": values[n % len(values)]} for n, row in enumerate(rows)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = api.open(folder).slices()
    assert len(found.all) == 9  # 1 and 1.0 are the same
    assert len({one.words for one in found.all}) == 9
