"""Long values of records lie on the disk, and everything that is asked of them is as before."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.first_screen import look
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers import Source, Wanted, read_sources, shelf
from eval_autopsy.readers.shelf import Attributes, Shelf, Shelved
from eval_autopsy.records import Record

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
LONG = "é" * 100


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every long value goes to the disk."""
    monkeypatch.setattr(shelf, "IN_MEMORY", 0)


@given(st.lists(VALUES))
def test_what_is_kept_comes_back_as_it_was_in_any_order(values: list[Any]) -> None:
    held = Shelf()
    held._room = 0
    kept = [held.kept(value) for value in values]
    found = [one.read() if isinstance(one, Shelved) else one for one in reversed(kept)]
    assert repr(found[::-1]) == repr(values)  # 1.0 is not 1, and true is not 1


def test_values_that_are_read_between_two_others_do_no_harm(no_room: None) -> None:
    held = Shelf()
    kept = []
    for number in range(50):
        kept.append(held.kept([number, LONG]))
        middle = kept[number // 2]
        assert isinstance(middle, Shelved)
        assert middle.read() == [number // 2, LONG]


def test_equal_short_values_are_one() -> None:
    held = Shelf()
    one, other = held.kept("".join(["sa", "me"])), held.kept("".join(["sam", "e"]))
    assert one is other
    assert held.kept(Decimal("1.0")) is held.kept(Decimal("1.0"))
    assert str(held.kept(Decimal("1"))) == "1"  # which equals 1.0


def test_memory_is_filled_before_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "IN_MEMORY", 1000)
    held = Shelf()
    kept = [held.kept(LONG + str(number)) for number in range(10)]
    assert not isinstance(kept[0], Shelved)
    assert isinstance(kept[-1], Shelved)


def test_a_record_gives_what_lies_on_the_disk(no_room: None) -> None:
    held = Shelf()
    parts = {part: held.kept(LONG + part) for part in ("input", "expected", "output", "error")}
    values = Attributes({"note": 0, "gone": 1}, (held.kept(LONG), MISSING))
    record = held.record(id="1", split="eval", where="x:1", attributes=values, **parts)
    assert (record.input, record.error) == (f"{LONG}input", f"{LONG}error")
    assert record.attributes == {"note": LONG, "gone": MISSING}
    with pytest.raises(AttributeError):
        record.output = "other"  # type: ignore[misc]


def test_a_changed_record_leaves_its_other_parts_where_they_are(no_room: None) -> None:
    held = Shelf()
    record = held.record(id="1", split="eval", where="x:1", input=held.kept(LONG), output="a")
    changed = Shelf().changed(record, output={"b": LONG})
    assert (record.output, changed.output) == ("a", {"b": LONG})
    assert changed.input == LONG
    for part in ("input", "output"):
        assert isinstance(vars(Record)[part].__get__(changed), Shelved)


def test_nothing_has_a_name_in_the_temporary_folder(
    tmp_path: Path, no_room: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    held = Shelf()
    kept = held.kept(LONG)
    assert list(tmp_path.iterdir()) == []
    assert isinstance(kept, Shelved)
    assert kept.read() == LONG


def test_a_folder_that_cannot_be_written_is_one_error(
    tmp_path: Path, no_room: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(kernel.Unreadable, match="a temporary file cannot be written") as caught:
        Shelf().kept(LONG)
    assert "TMPDIR" in caught.value.remedy


def test_records_read_from_the_disk_are_those_read_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.jsonl"
    rows = [
        {"id": number, "in": {"q": f"{number} {LONG}"}, "out": LONG, "note": f"{LONG}{number}"}
        for number in range(20)
    ]
    rows[3]["some"] = {"deep": [LONG]}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    wanted = Wanted({"id": "id", "input": "in.q", "output": "out"}, ("note", "some"))
    sources = [Source(path, "eval", "x.jsonl")]
    in_memory = read_sources(sources, wanted, splits=("eval",)).records
    monkeypatch.setattr(shelf, "IN_MEMORY", 0)
    on_disk = read_sources(sources, wanted, splits=("eval",)).records
    for part in shelf.SLOTS:
        assert [getattr(one, part) for one in on_disk] == [getattr(one, part) for one in in_memory]
    assert on_disk[7].input == f"7 {LONG}"


@pytest.mark.parametrize("tool", sorted(one.name for one in SAMPLES.iterdir() if one.is_dir()))
def test_a_screen_says_the_same_with_every_long_value_on_the_disk(
    tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = look(SAMPLES / tool).to_dict()
    monkeypatch.setattr(shelf, "IN_MEMORY", 0)
    monkeypatch.setattr(shelf, "SHORT", 0)
    put: list[Shelved] = []
    make = Shelf._put

    def counted(self: Shelf, packed: bytes) -> Shelved:
        put.append(make(self, packed))
        return put[-1]

    monkeypatch.setattr(Shelf, "_put", counted)
    assert look(SAMPLES / tool).to_dict() == before
    assert put  # there are long values
