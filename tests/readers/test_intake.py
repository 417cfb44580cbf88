"""From rows to records: ids, splits, missing fields, and numbers that are none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy.errors import CannotRead
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers import (
    Source,
    SplitColumn,
    Wanted,
    open_rows,
    read_sources,
    records,
)
from eval_autopsy.records import Record, Split

BY_SET = SplitColumn("set", {"eval": "dev", "production": "prod"})


def write(folder: Path, name: str, *rows: dict[str, Any]) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def wanted(attributes: Sequence[str] = (), required: str = "", **fields: Any) -> Wanted:
    return Wanted({"id": "id"} | fields, attributes, frozenset({"id", *required.split()}))


def taken(path: Path, want: Wanted, split: Split | SplitColumn = "eval") -> list[Record]:
    return list(records(open_rows(path, path.name)[1], want, split))


def refusal(path: Path, want: Wanted, split: Split | SplitColumn = "eval") -> str:
    with pytest.raises(CannotRead) as caught:
        taken(path, want, split)
    return str(caught.value).replace("?.", "?")


def test_every_part_is_taken_from_its_field(tmp_path: Path) -> None:
    row = {"id": 7, "in": {"q": "?"}, "truth": None, "out": [1], "err": "", "ok": True}
    row |= {"p": 0.25, "at": 1710066600, "ms": 12, "usd": "0.5", "session": 3, "lang": "de"}
    path = write(tmp_path, "x.jsonl", row, {"id": "8", "tier": 1})
    want = wanted(
        attributes=("lang", "tier"),
        input="in.q",
        expected="truth",
        output="out",
        error="err",
        score="ok",
        confidence="p",
        timestamp="at",
        latency="ms",
        cost="usd",
        cluster="session",
    )
    assert taken(path, want) == [
        Record(
            id="7",
            split="eval",
            where="x.jsonl:1",
            input="?",
            expected=None,
            output=[1],
            error=None,
            score=True,
            confidence=Decimal("0.25"),
            timestamp="1710066600",
            latency=Decimal(12),
            cost=Decimal("0.5"),
            cluster="3",
            attributes={"lang": "de", "tier": MISSING},
        ),
        Record(
            id="8",
            split="eval",
            where="x.jsonl:2",
            attributes={"lang": MISSING, "tier": 1},
        ),
    ]


@pytest.mark.parametrize("text", ["007", " 7", "7.0", "1e3", "é", "e\u0301", "NA", "null"])
def test_an_id_is_kept_letter_by_letter(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "x.jsonl", {"id": text})
    assert [record.id for record in taken(path, wanted())] == [text]


def test_whole_numbers_are_ids_of_any_size(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 2**64}, {"id": 2**64 + 1}, {"id": -1})
    assert [record.id for record in taken(path, wanted())] == [
        "18446744073709551616",
        "18446744073709551617",
        "-1",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), (True, "true"), (1.5, "1.5"), ("", '""'), (" \t", '" \\t"'), ([1], "[1]")],
)
def test_what_is_no_id_is_shown(tmp_path: Path, value: Any, shown: str) -> None:
    path = write(tmp_path, "x.jsonl", {"id": "a"}, {"id": value})
    assert refusal(path, wanted()) == (
        f"x.jsonl:2:id: the id is {shown}, expected text or a whole number. Name another field as "
        "id, or give the record one."
    )


@pytest.mark.parametrize("again", ["1", 1])
def test_an_id_that_stands_twice_names_both_lines(tmp_path: Path, again: Any) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1}, {"id": 2}, {"id": again})
    assert refusal(path, wanted()) == (
        'x.jsonl:3: the id "1" stands twice in eval; first at x.jsonl:1. Give each record an id of '
        "its own, or write attempts = true under [data]."
    )


def test_an_id_may_stand_once_in_each_split(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "set": "dev"}, {"id": 1, "set": "prod"})
    assert [(r.id, r.split) for r in taken(path, wanted(), BY_SET)] == [
        ("1", "eval"),
        ("1", "production"),
    ]


def test_an_id_that_stands_in_two_files_of_a_split_is_noticed(tmp_path: Path) -> None:
    first = write(tmp_path, "a.jsonl", {"id": 1})
    second = write(tmp_path, "b.jsonl", {"id": 1})
    sources = [Source(first, "eval", "a.jsonl"), Source(second, "eval", "b.jsonl")]
    with pytest.raises(CannotRead, match=r'"1" stands twice in eval; first at a\.jsonl:1'):
        read_sources(sources, wanted())


def test_a_split_that_has_no_name_is_shown(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "set": "train"})
    assert refusal(path, wanted(), BY_SET) == (
        'x.jsonl:1:set: the split is "train", expected "dev" or "prod". Name the two values under '
        "[data] splits, or take the record out."
    )


@pytest.mark.parametrize(("value", "split"), [(1, "production"), (True, None), ("1", None)])
def test_split_values_are_told_apart_by_kind(tmp_path: Path, value: Any, split: str | None) -> None:
    path = write(tmp_path, "x.jsonl", {"id": "a", "live": value})
    by_live = SplitColumn("live", {"eval": 0, "production": 1})
    if split is None:
        assert "the split is" in refusal(path, wanted(), by_live)
    else:
        assert [record.split for record in taken(path, wanted(), by_live)] == [split]


def test_a_split_without_records_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "set": "dev"})
    with pytest.raises(CannotRead) as caught:
        read_sources([Source(path, BY_SET)], wanted())
    assert caught.value.what == "no record belongs to production"


def test_missing_truth_is_counted_and_placed(tmp_path: Path) -> None:
    rows = [{"id": n} | ({} if n in (3, 5) else {"truth": "a"}) for n in range(1, 8)]
    path = write(tmp_path, "x.jsonl", *rows)
    assert refusal(path, wanted(expected="truth", required="expected")) == (
        "x.jsonl:3: 2 of 7 records have no expected (field 'truth'): x.jsonl:3, x.jsonl:5. Add it "
        "to them, or take them out of the file."
    )


def test_many_missing_truths_are_counted_and_five_are_named(tmp_path: Path) -> None:
    rows = [{"id": n, **({"truth": 1} if n == 9 else {})} for n in range(1, 10)]
    message = refusal(
        write(tmp_path, "x.jsonl", *rows), wanted(expected="truth", required="expected")
    )
    assert "8 of 9 records" in message
    assert "x.jsonl:5 and 3 more." in message


def test_a_null_truth_is_there(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "truth": None})
    (record,) = taken(path, wanted(expected="truth", required="expected"))
    assert record.expected is None


@pytest.mark.parametrize(
    ("name", "near"), [("truht", "truth"), ("Truth", "truth"), ("meta.lnag", "meta.lang")]
)
def test_a_field_that_no_record_has_suggests_the_nearest(
    tmp_path: Path, name: str, near: str
) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "truth": 1, "meta": {"lang": "de"}})
    assert refusal(path, wanted(expected=name)) == (
        f"x.jsonl:1: there is no field {name!r}, named for expected, among: id, truth, meta, "
        f"meta.lang. Did you mean {near!r}? Name it in the case."
    )


def test_a_field_that_is_like_no_other_lists_what_there_is(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1} | {f"c{n}": n for n in range(30)})
    message = refusal(path, wanted(output="zzzz"))
    assert "among: id, c0, c1," in message
    assert message.endswith("c18 and 11 more. Name one of them.")


def test_a_field_that_first_appears_late_is_known(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": n} for n in range(2000)]
    path = write(tmp_path, "x.jsonl", *rows, {"id": "late", "region": "eu"})
    found = taken(path, wanted(attributes=("region",)))
    assert found[-1].attributes == {"region": "eu"}
    assert found[0].attributes == {"region": MISSING}


def test_a_record_without_an_id_suggests_the_nearest_field(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", {"ID": 1, "text": "a"})
    assert refusal(path, wanted()) == (
        "x.jsonl:1: there is no field 'id' among: ID, text. Did you mean 'ID'? Name it in the case."
    )


def test_an_attribute_that_one_split_lacks_is_an_error(tmp_path: Path) -> None:
    rows = [{"id": 1, "set": "dev"}, {"id": 2, "set": "prod", "region": "eu"}]
    path = write(tmp_path, "x.jsonl", *rows)
    assert refusal(path, wanted(attributes=("region",)), BY_SET) == (
        "x.jsonl:1: no record of eval has the field 'region', which is to slice by. Add it to "
        "them, or take it out of [slices]."
    )


def test_a_failed_call_needs_no_output(tmp_path: Path) -> None:
    want = wanted(output="out", error="err", required="output")
    path = write(tmp_path, "x.jsonl", {"id": 1, "out": "a"}, {"id": 2, "err": "boom"})
    assert [(r.output, r.error) for r in taken(path, want)] == [("a", None), (MISSING, "boom")]


def test_a_call_without_output_and_error_is_an_error(tmp_path: Path) -> None:
    want = wanted(output="out", error="err", required="output")
    rows: list[dict[str, Any]] = [{"id": 1, "out": "a"}, {"id": 2, "err": None}]
    rows.append({"id": 3, "err": "boom"})
    message = refusal(write(tmp_path, "x.jsonl", *rows), want)
    assert message.startswith(
        "x.jsonl:2: 1 of 3 records have no output (field 'out') and no error: x.jsonl:2."
    )


@pytest.mark.parametrize("value", [True, False, "True", "false"])
def test_a_column_of_yes_and_no_is_not_taken_for_errors(tmp_path: Path, value: Any) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "err": value})
    assert "expected the message of a failed call, or nothing" in refusal(path, wanted(error="err"))


def test_an_error_that_is_an_object_is_its_json(tmp_path: Path) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "err": {"b": 1.50, "a": None}})
    (record,) = taken(path, wanted(error="err"))
    assert record.error == '{"a":null,"b":1.5}'


@pytest.mark.parametrize(
    "value",
    ["nan", "NaN", "inf", "high", "0,9", "\u0661", "1_0", " 1", True, -0.1, 1.1, "1e9", [1]],
)
def test_confidence_that_is_no_number_from_0_to_1_is_refused(tmp_path: Path, value: Any) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "p": value})
    message = refusal(path, wanted(confidence="p"))
    assert message.startswith("x.jsonl:1:p: the confidence is ")
    assert "expected a number from 0 to 1." in message


@pytest.mark.parametrize(
    ("value", "found"),
    [(0, "0"), (1, "1"), (0.5, "0.5"), ("0.50", "0.50"), (".5", "0.5"), ("5E-1", "0.5")],
)
def test_confidence_is_exact(tmp_path: Path, value: Any, found: str) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "p": value})
    assert [r.confidence for r in taken(path, wanted(confidence="p"))] == [Decimal(found)]


@pytest.mark.parametrize("absent", [{}, {"p": None}, {"p": ""}])
def test_confidence_that_is_not_known_is_none(tmp_path: Path, absent: dict[str, Any]) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "p": 1}, {"id": 2} | absent)
    assert taken(path, wanted(confidence="p"))[1].confidence is None


@pytest.mark.parametrize("part", ["latency", "cost"])
def test_what_is_measured_is_not_negative(tmp_path: Path, part: str) -> None:
    path = write(tmp_path, "x.jsonl", {"id": 1, "n": -0.5})
    assert f"the {part} is -0.5, expected a number that is not negative" in refusal(
        path, wanted(**{part: "n"})
    )


def test_values_of_csv_are_text_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,out,slice\n007,NA,\n7,, x \n")
    found = taken(path, wanted(output="out", attributes=("slice",)))
    assert [(r.id, r.output, r.attributes["slice"]) for r in found] == [
        ("007", "NA", ""),
        ("7", "", " x "),
    ]


def test_reading_counts_what_it_read(tmp_path: Path) -> None:
    first = tmp_path / "a.jsonl"
    first.write_text('{"id": 1}\n\n{"id": 2}\n')
    second = tmp_path / "b.csv"
    second.write_text("id\n")
    second.write_text("id,x\n1,a\n")
    reading = read_sources([Source(first, "eval"), Source(second, "production")], wanted())
    assert [(r.split, r.id) for r in reading.records] == [
        ("eval", "1"),
        ("eval", "2"),
        ("production", "1"),
    ]
    assert [(f.file.layout, f.records, f.blank, f.lines) for f in reading.files] == [
        ("jsonl", 2, 1, 3),
        ("csv", 1, 0, 2),
    ]
    assert [f.kept for f in reading.files] == [(), ()]
