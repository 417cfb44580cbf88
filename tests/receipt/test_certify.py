"""A receipt takes its place only when it holds, and nothing that was there is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eval_autopsy import kernel
from eval_autopsy.case.load import load
from eval_autopsy.cubes import polars_cube
from eval_autopsy.errors import AutopsyError, CannotUse, DoesNotHold
from eval_autopsy.receipt.certify import certify
from eval_autopsy.receipt.verify import verify

Maker = Callable[..., Path]

CASE = """
name = "small"
[data]
eval = "data/eval.jsonl"
production = "data/production.jsonl"
[fields]
output = "output"
[slices]
by = ["kind"]
[guards]
no_exception = true
not_blank = true
"""


def rows(split: str, *records: tuple[str, str]) -> str:
    """A line for each (kind, output); the expected output is always "yes"."""
    lines = (
        {"id": f"{split}-{i}", "kind": kind, "output": output, "expected": "yes"}
        for i, (kind, output) in enumerate(records)
    )
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with a case: eval all right; production right for `a`, wrong for `b`."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "eval.jsonl").write_text(rows("e", *[("a", "yes")] * 20))
    production = [("a", "yes")] * 15 + [("b", "no")] * 4 + [("b", " ")]
    (tmp_path / "data" / "production.jsonl").write_text(rows("p", *production))
    (tmp_path / "autopsy.toml").write_text(CASE)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_the_receipt_holds_and_says_what_was_counted(base: Path) -> None:
    done = certify(load(base), base)
    assert verify(done.folder).verdict == "holds"
    report = (done.folder / "REPORT.md").read_text()
    assert (
        "Right on eval: 20 of 20 (100%). In production: 15 of 20 (75%), a fall of 25 points"
        in report
    )
    assert "0 of 5 where `kind` is `b`" in report
    assert "Of the wrong answers 4 of 5 are silent" in report


def test_nothing_is_left_beside_the_receipt(base: Path) -> None:
    certify(load(base), base)
    certify(load(base), base)
    assert [path.name for path in (base / "receipts").iterdir()] == ["small"]


def test_a_count_of_the_engine_that_is_wrong_is_refused_and_the_old_receipt_stays(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(certify(load(base), base).folder)
    honest = polars_cube.count

    def off_by_one(*args: object) -> kernel.Cube:
        cube = honest(*args)  # type: ignore[arg-type]
        cells = {at: dict(counts) for at, counts in cube.cells.items()}
        at = ("production", ('"b"',))
        cells[at]["wrong"] -= 1
        return kernel.Cube(cube.attributes, cells, cube.members)

    # The engine's own count cannot be made wrong from outside.
    monkeypatch.setattr(polars_cube, "count", off_by_one)
    with pytest.raises(DoesNotHold, match="does not verify, and was not kept"):
        certify(load(base), base)
    assert contents(base / "receipts" / "small") == before
    assert [path.name for path in (base / "receipts").iterdir()] == ["small"]


@pytest.mark.parametrize("stranger", ["notes.md", "deep/notes.md"])
def test_a_folder_with_a_file_of_somebody_else_is_left_alone(base: Path, stranger: str) -> None:
    place = certify(load(base), base).folder
    (place / stranger).parent.mkdir(exist_ok=True)
    (place / stranger).write_text("mine")
    before = contents(place)
    with pytest.raises(CannotUse, match="a file that is not of the receipt"):
        certify(load(base), base)
    assert contents(place) == before


def test_a_link_in_the_place_of_the_receipt_is_left_alone(base: Path, tmp_path: Path) -> None:
    (base / "receipts").mkdir()
    (base / "receipts" / "small").symlink_to(base / "data")
    before = contents(base / "data")
    with pytest.raises(CannotUse, match="not a folder"):
        certify(load(base), base)
    assert contents(base / "data") == before


def test_data_outside_the_folder_of_the_receipts_is_refused(base: Path) -> None:
    inside = base / "inside"
    inside.mkdir()
    with pytest.raises(CannotUse, match="is not below"):
        certify(load(base), inside)
    assert contents(inside) == {}


def test_data_behind_a_link_out_of_the_folder_is_refused(base: Path) -> None:
    inside = base / "inside"
    inside.mkdir()
    shutil.copy(base / "autopsy.toml", inside)
    (inside / "data").symlink_to(base / "data")
    with pytest.raises(CannotUse, match="is not below"):
        certify(load(inside), inside)


@pytest.mark.parametrize("split", ["eval", "production"])
def test_a_split_without_a_verdict_is_refused(base: Path, split: str) -> None:
    case = CASE.replace("[slices]", '[scorer]\nname = "recorded"\n[slices]')
    (base / "autopsy.toml").write_text(case.replace('output = "output"', 'score = "score"'))
    for name in kernel.SPLITS:
        score = None if name == split else 1
        line = {"id": "x", "kind": "a", "score": score}
        (base / "data" / f"{name}.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(CannotUse, match=f"no record of {split} has a verdict"):
        certify(load(base), base)


def test_a_receipt_that_was_moved_with_its_data_still_holds(base: Path, tmp_path: Path) -> None:
    certify(load(base), base)
    moved = tmp_path / "elsewhere with space"
    moved.mkdir()
    for name in ("data", "receipts", "autopsy.toml"):
        shutil.move(base / name, moved / name)
    assert verify(moved / "receipts" / "small").verdict == "holds"


@pytest.mark.parametrize(
    "hostile", ["`a` | b", "[x](javascript:y)", "a\u202eb", "<!-- -->", "\n# H"]
)
def test_a_hostile_level_stays_data(base: Path, hostile: str) -> None:
    text = rows("p", ("a", "yes"), *[(hostile, "no")] * 5)
    (base / "data" / "production.jsonl").write_text(text)
    done = certify(load(base), base)
    assert verify(done.folder).verdict == "holds"
    report = (done.folder / "REPORT.md").read_text()
    assert "\u202e" not in report
    assert "\n# H" not in report
    assert hostile not in report.replace(kernel.code(hostile), "")


def test_the_same_data_gives_the_same_receipt(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = contents(certify(load(base), base).folder)
    assert contents(certify(load(base), base).folder) == first


def test_a_problem_is_one_of_our_errors(base: Path) -> None:
    (base / "data" / "production.jsonl").write_text("{}\n")
    with pytest.raises(AutopsyError):
        certify(load(base), base)
