"""Long tables counted in columns, held to the same records judged one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import eval_autopsy as autopsy
from eval_autopsy import columnar
from eval_autopsy.cubes import blocks
from eval_autopsy.cubes.tables import Columns, Table
from eval_autopsy.errors import CannotUse
from eval_autopsy.questions.slices import Slices
from eval_autopsy.readers.sources import Source

from .long_tables import SPLITS, rows, written


def slices(path: Path, **asked: Any) -> Slices:
    return autopsy.open(path, split="set", id="id", correct="right").slices(
        ["plan", "region", "tries", "odd", "beta"], **asked
    )


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table counts as a long one."""
    monkeypatch.setattr(columnar, "LONG", 1)
    monkeypatch.setattr(columnar, "LARGE", 1)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_long_table_has_the_rates_and_rows_of_the_same_records_one_by_one(
    tmp_path: Path, form: str, request: pytest.FixtureRequest
) -> None:
    path = written(tmp_path, form, list(rows(3000)))
    one_by_one = slices(path)
    request.getfixturevalue("long")
    in_columns = slices(path)
    assert in_columns.eval == one_by_one.eval
    assert in_columns.production == one_by_one.production
    assert in_columns.unscored == one_by_one.unscored
    assert in_columns.searched == one_by_one.searched
    counted = ("n", "wrong", "silent", "eval", "contribution")
    tables = [
        {
            one.words: [one.to_dict()[name] for name in counted]
            for breakdown in found.breakdowns
            for one in breakdown.slices
        }
        for found in (in_columns, one_by_one)
    ]
    assert tables[0] == tables[1]


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_the_planted_conjunction_is_what_is_found_in_a_long_table(
    tmp_path: Path, form: str
) -> None:
    path = written(tmp_path, form, list(rows(6000)))
    found = slices(path)
    assert [one.where for one in found.found] == [{"plan": "pro", "region": "eu"}]
    planted = [one for one in rows(6000) if (one["plan"], one["region"]) == ("pro", "eu")]
    live = [one for one in planted if one["set"] == "live"]
    wrong = [one for one in live if one["failure"] or one["right"] is False]
    assert found.found[0].wrong == len(wrong)
    assert set(found.found[0].examples) <= {one["id"] for one in wrong}


@pytest.mark.usefixtures("long")
def test_a_filter_keeps_the_same_rows_of_a_long_table(tmp_path: Path) -> None:
    path = written(tmp_path, "parquet", list(rows(3000)))
    kept = slices(path, where={"plan": "free"})
    live = [one for one in rows(3000) if one["set"] == "live" and one["plan"] == "free"]
    scored = [one for one in live if one["failure"] or one["right"] is not None]
    assert kept.production.n == len(scored)


@pytest.mark.usefixtures("long")
def test_a_level_that_the_sample_missed_gets_a_code_of_its_own_when_it_has_the_support(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = list(rows(4000))
    for one in records[3000:]:
        one["plan"] = "new"
    path = written(tmp_path, "jsonl", records)
    monkeypatch.setattr("eval_autopsy.cubes.tables.SAMPLED", 1000)
    found = slices(path)
    levels = {one.where["plan"] for one in found.all if set(one.where) == {"plan"}}
    assert levels == {"free", "pro", "team", "new"}


@pytest.mark.usefixtures("long")
def test_rare_levels_that_the_sample_missed_stand_together_and_this_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = list(rows(4000))
    for one in records[-3:]:
        one["plan"] = "late"
    path = written(tmp_path, "jsonl", records)
    monkeypatch.setattr("eval_autopsy.cubes.tables.SAMPLED", 1000)
    assert any("plan: 1 values" in note and "3 records" in note for note in slices(path).notes)


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("wrong", ["plam", "PLAN"])
def test_a_column_that_is_not_there_is_named_with_the_nearest(
    tmp_path: Path, form: str, wrong: str
) -> None:
    path = written(tmp_path, form, list(rows(2000)))
    with pytest.raises(CannotUse, match=f"no column '{wrong}'") as error:
        autopsy.open(path, split="set", id="id", correct="right").slices([wrong])
    assert error.value.remedy == "did you mean 'plan'?"


@pytest.mark.usefixtures("long")
def test_a_score_that_is_none_is_an_error_that_shows_it(tmp_path: Path) -> None:
    records = list(rows(2000))
    for one in records:
        one["right"] = "maybe" if one["id"] == "r1500" else str(one["right"] is not False).lower()
    path = written(tmp_path, "jsonl", records)
    with pytest.raises(CannotUse, match="'maybe', expected true, false, 1 or 0"):
        slices(path)


@pytest.mark.usefixtures("long")
def test_an_id_that_stands_twice_is_an_error_in_a_long_file_of_rows(tmp_path: Path) -> None:
    records = list(rows(2000))
    records[1900]["id"], records[1900]["set"] = "r10", records[10]["set"]
    path = written(tmp_path, "jsonl", records)
    with pytest.raises(CannotUse, match="'r10' stands twice"):
        slices(path)


@pytest.mark.usefixtures("long")
def test_a_damaged_line_of_a_long_file_is_set_aside_and_said(tmp_path: Path) -> None:
    path = written(tmp_path, "jsonl", list(rows(2000)))
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(1900, b"x\n")
    path.write_bytes(b"".join(lines))
    notes = autopsy.open(path, split="set", id="id", correct="right").slices().notes
    (said,) = (note for note in notes if "set aside" in note)
    begins = sum(map(len, lines[:1900]))
    where = f"the first at line 1,901, byte {begins:,}: "
    assert said.startswith(f"1 record is set aside in {path}, {where}")


@pytest.mark.usefixtures("long")
def test_a_million_different_values_are_set_aside_with_their_number(tmp_path: Path) -> None:
    records = [{**one, "trace": f"t{number}"} for number, one in enumerate(rows(3000))]
    path = written(tmp_path, "parquet", records)
    found = autopsy.open(path, split="set", id="id", correct="right").slices()
    reasons = {one.attribute: one.reason for one in found.set_aside}
    assert "3,000 different values in 3,000 records" in reasons["trace"]


def test_the_halves_follow_from_the_seed_whatever_the_size_of_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "parquet", list(rows(2000)))
    source = Source(path, SPLITS, "runs")

    def classes(batch: int) -> list[int]:
        from eval_autopsy.cubes import scan, tables

        monkeypatch.setattr(tables, "BATCH", batch)
        table = Table(sources=[source], columns=Columns("right", "failure", "id"), seed=5)
        coded = scan.Scan(table, [scan.Attribute("plan", "plan")])
        return [int(n) for one in coded.batches() for n in one.classes]

    assert classes(64) == classes(700) == classes(10_000)


def test_attributes_fold_further_the_more_of_them_there_are() -> None:
    from collections import Counter

    counts = {f"a{i}": Counter({f'"v{k}"': 1000 - k for k in range(60)}) for i in range(8)}
    few = columnar.choose({"a0": counts["a0"]}, asked=True, depth=None)
    assert few["a0"].attributes == ("a0",)
    many = columnar.choose(counts, asked=True, depth=None)
    kept = [len(one.attributes[0]["kept"]) for one in many.values()]
    assert len(set(kept)) == 1
    sizes = [n + 2 for n in kept]
    cells = sum(blocks.CLASSES * sizes[0] ** len(block) for block in blocks.covering(sizes, 3))
    assert cells <= columnar.COUNTERS_AT_MOST * 2
    assert all("rarer values" in note for one in many.values() for note in one.notes)


@pytest.mark.usefixtures("long")
def test_columns_of_lists_are_set_aside_and_can_be_asked_for(tmp_path: Path) -> None:
    records = [
        {**one, "tags": ["a"] if i % 2 else ["b", "c"], "meta": {"n": i % 3}}
        for i, one in enumerate(rows(2000))
    ]
    study = autopsy.open(written(tmp_path, "parquet", records), split="set", correct="right")
    aside = {one.attribute: one.reason for one in study.slices().set_aside}
    assert aside["tags"] == "it holds lists"
    assert "meta" not in aside
    (table,) = study.slices(["tags"]).breakdowns
    assert {one.where["tags"]["json"] for one in table.slices} == {'["a"]', '["b","c"]'}
    assert sum(one.eval.n for one in table.slices) == sum(
        one["set"] == "dev" and one["right"] is not None for one in records
    )


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_the_fields_of_objects_in_a_long_table_are_sliced_by_as_one_by_one(
    tmp_path: Path, form: str, request: pytest.FixtureRequest
) -> None:
    records = [
        {**one, "about": {"form": i % 3, "of": {"size": "sml"[i % 2]}}, "output": {"kind": i % 2}}
        for i, one in enumerate(rows(2000))
    ]
    path = written(tmp_path, form, records)
    study = autopsy.open(path, split="set", id="id", correct="right")
    one_by_one = study.slices()
    request.getfixturevalue("long")
    assert columnar.fits(study.case)
    in_columns = study.slices()
    by = {one.attribute for one in in_columns.breakdowns}
    assert {"about.form", "about.of.size"} <= by
    assert "output.kind" not in by
    for name in ("about.form", "about.of.size"):
        (ours,), (theirs,) = (
            [one.slices for one in found.breakdowns if one.attribute == name]
            for found in (in_columns, one_by_one)
        )
        assert {(str(one.where), one.production) for one in ours} == {
            (str(one.where), one.production) for one in theirs
        }


def measured(folder: Path, *, no_numbers: bool) -> Slices:
    """Slices by a load that 2 of 3 records lack: with null, or with what is no number."""
    nothing = (float("nan"), float("inf"), float("-inf")) if no_numbers else (None,)
    records = list(rows(3000))
    for n, one in enumerate(records):
        right, odd = one["right"], nothing[n % len(nothing)]
        one["right"] = odd if right is None else float(right)
        one["load"] = 0.5 * (n % 2) if n % 3 == 0 else odd
    folder.mkdir()
    path = written(folder, "parquet", records)
    return autopsy.open(path, split="set", id="id", correct="right").slices(["plan", "load"])


@pytest.mark.parametrize("length", ["short", "long"])
def test_a_number_that_is_none_is_no_value_in_tables_of_any_length(
    tmp_path: Path, length: str, request: pytest.FixtureRequest
) -> None:
    if length == "long":
        request.getfixturevalue("long")
    nulls = measured(tmp_path / "nulls", no_numbers=False)
    found = measured(tmp_path / "odd", no_numbers=True)
    assert found.unscored == nulls.unscored
    assert [one.to_dict() for one in found.all] == [one.to_dict() for one in nulls.all]
    unscored = sum(one["right"] is None for one in rows(3000))
    (said,) = {*found.notes} - {*nulls.notes}
    assert said.startswith("NaN or infinite in ")
    assert f"{unscored} of right" in said
    assert "2,000 of load" in said


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_graded_score_of_a_long_table_is_right_from_the_threshold_on(
    tmp_path: Path, form: str
) -> None:
    records = list(rows(3000))
    for n, one in enumerate(records):
        one["failure"] = None
        one["right"] = None if one["right"] is None else n % 10 / 10
    path = written(tmp_path, form, records)
    graded = autopsy.open(path, split="set", id="id", correct="right", threshold="0.7")
    assert columnar.fits(graded.case)
    live = [one["right"] for one in records if one["set"] == "live" and one["right"] is not None]
    assert graded.slices().production == (sum(right >= 0.7 for right in live), len(live))


@pytest.mark.usefixtures("long")
def test_a_receipt_of_a_long_table_made_of_data_alone_rests_on_counts(tmp_path: Path) -> None:
    records = [{**one, "right": n % 10 / 10} for n, one in enumerate(rows(2000))]
    path = written(tmp_path, "parquet", records)
    graded = autopsy.open(path, split="set", id="id", correct="right", threshold="0.7")
    done = graded.run(tmp_path)
    assert (done.folder / "cube.json").exists()
    assert "score `right >= 0.7`" in (done.folder / "REPORT.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("long")
def test_nothing_to_slice_a_long_table_by_is_said_with_the_reasons(tmp_path: Path) -> None:
    path = written(tmp_path, "parquet", list(rows(2000)))
    with pytest.raises(CannotUse, match=r"nothing to slice by \(id: 2,000 different values"):
        autopsy.open(path, split="set", correct="right").slices(["id"])


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_value_that_no_row_of_a_long_table_has_is_told_with_those_there_are(
    tmp_path: Path, form: str
) -> None:
    path = written(tmp_path, form, list(rows(2000)))
    with pytest.raises(CannotUse, match="no scored record of eval has plan = 'gold'") as raised:
        slices(path, where={"plan": "gold"})
    assert {'"free"', '"pro"', '"team"'} <= set(raised.value.remedy.replace(",", "").split())
