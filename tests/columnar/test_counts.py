"""Receipts that rest on counts: what a bare Python tells of them, and what counting again does."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import api, columnar, kernel
from eval_autopsy.case.load import load
from eval_autopsy.errors import CannotUse
from eval_autopsy.receipt.certify import certify
from eval_autopsy.receipt.recount import recount
from eval_autopsy.receipt.verify import verify

from .long_tables import rows, written

CASE = """
name = "nightly"
[data]
file = "runs.parquet"
split = "set"
splits = { eval = "dev", production = "live" }
[fields]
score = "right"
error = "failure"
[slices]
by = ["plan", "region", "tries", "beta"]
"""


@pytest.fixture(scope="module")
def receipt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A receipt of six thousand records that rests on their counts; it is only read."""
    base = tmp_path_factory.mktemp("counts")
    (base / "autopsy.toml").write_text(CASE)
    written(base, "parquet", list(rows(6000)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(columnar, "LONG", 1)
        return certify(load(base), base).folder


@pytest.fixture
def copy(receipt: Path, tmp_path: Path) -> Path:
    """A copy of it, with its case and its data, to tamper with."""
    import shutil

    shutil.copytree(receipt.parents[1], tmp_path / "base")
    return tmp_path / "base" / "receipts" / "nightly"


def rewritten(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the counts and makes the digest of the file right again."""
    path = folder / "cube.json"
    counts = json.loads(path.read_bytes())
    change(counts)
    path.write_text(json.dumps(counts))
    statement = json.loads((folder / "receipt.json").read_bytes())
    for subject in statement["subject"]:
        if subject["name"] == "cube.json":
            subject["digest"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
            subject["annotations"]["size"] = path.stat().st_size
    (folder / "receipt.json").write_text(json.dumps(statement))


def fired(done: kernel.Verification) -> set[str]:
    return {one.check for one in done.failures}


def test_a_bare_python_derives_every_claim_from_the_counts(receipt: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(receipt / "verify.py")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "follows from the counts" in done.stdout


def test_every_claim_says_that_it_rests_on_what_was_given(receipt: Path) -> None:
    assert set(verify(receipt).bases()) == {"given"}


def test_the_report_says_that_it_rests_on_counts_and_names_the_planted_slice(receipt: Path) -> None:
    report = (receipt / "REPORT.md").read_text()
    assert "rests on counts of its recorded scores, not on the records" in report
    assert "`plan` is `pro` and `region` is `eu`" in report


def test_counting_again_gives_the_same_counts(receipt: Path) -> None:
    counted = recount(verify(receipt))
    assert counted.differences == ()
    assert counted.records == 6000


def test_a_score_that_was_changed_since_is_seen_by_counting_again_alone(copy: Path) -> None:
    records = list(rows(6000))
    at = next(i for i, one in enumerate(records) if one["right"] is True)
    records[at]["right"] = False
    written(copy.parents[1], "parquet", records)
    done = verify(copy)
    assert done.verdict == "holds"  # the data are no subject of the receipt
    words = {name: json.dumps(records[at][name]) for name in ("plan", "region", "tries", "beta")}
    where = "where " + " and ".join(f"{name} is {text}" for name, text in words.items())
    told = [one for one in recount(done).differences if one.startswith(where)]
    assert [one.split(": ")[1].split()[1] for one in told] == ["right", "silent"]


def test_a_count_that_contradicts_the_others_cannot_be_checked(copy: Path) -> None:
    def change(counts: dict[str, Any]) -> None:
        counts["blocks"][0]["counts"][0] += 1

    rewritten(copy, change)
    done = verify(copy)
    assert (done.verdict, fired(done)) == ("cannot-check", {"records"})


def test_counts_that_agree_with_each_other_and_not_with_the_claims_do_not_hold(copy: Path) -> None:
    """An eval record that was right becomes wrong, in every block and in the overlaps."""

    def change(counts: dict[str, Any]) -> None:
        right, silent = (kernel._CLASSES.index(("eval", one)) for one in ("right", "silent"))
        for block in counts["blocks"]:
            cells = range(0, len(block["counts"]), len(kernel._CLASSES))
            cell = next(at for at in cells if block["counts"][at + right])
            block["counts"][cell + right] -= 1
            block["counts"][cell + silent] += 1
        row = next(one for one in counts["overlaps"] if one[1] == right and one[2] > 1)
        row[2] -= 1
        counts["overlaps"].append([row[0], silent, 1])

    rewritten(copy, change)
    done = verify(copy)
    assert done.verdict == "does-not-hold"
    assert fired(done) <= {"claims", "report", "findings"}
    assert "claims" in fired(done)


def test_an_overlap_moved_to_another_slice_changes_what_is_claimed_of_the_search(
    copy: Path,
) -> None:
    def change(counts: dict[str, Any]) -> None:
        wrong = [
            one
            for one in counts["overlaps"]
            if one[0] & 1 and kernel._CLASSES[one[1]] == ("confirm", "silent")
        ]
        for one in wrong:
            one[0] ^= 1

    rewritten(copy, change)
    done = verify(copy)
    assert done.verdict == "does-not-hold"
    assert {"claims"} <= fired(done) <= {"claims", "findings", "report"}


@pytest.mark.parametrize("drawn", [[[0, 6, 10**6]], [[0, 6, -1]], [[2**20, 6, 1]], [[0, 6]]])
def test_records_drawn_that_are_none_of_those_counted_cannot_be_checked(
    copy: Path, drawn: list[list[int]]
) -> None:
    rewritten(copy, lambda counts: counts.update(drawn=drawn))
    done = verify(copy)
    assert (done.verdict, fired(done)) == ("cannot-check", {"records"})


def test_of_records_that_were_drawn_the_kernel_tests_these_alone(copy: Path) -> None:
    """With the same errors among fewer records p is another; with a single error it is 1."""
    counts = json.loads((copy / "cube.json").read_bytes())
    search = json.loads((copy / "receipt.json").read_bytes())["predicate"]["evidence"]["search"]
    names = ["plan", "region", "tries", "beta"]
    held = [one for one in counts["overlaps"] if kernel._CLASSES[one[1]][0] == "confirm"]
    assert any(pattern & 1 for pattern, _, _ in held)

    def p_of(drawn: list[list[int]] | None) -> float:
        cube = kernel.GivenCube(names, {**counts, "drawn": drawn, "name": "cube.json"})
        return kernel.GivenSearch(cube, {**search, "tested": search["tested"][:1]}).p_values()[0]

    silent, right = (kernel._CLASSES.index(("confirm", one)) for one in ("silent", "right"))
    assert p_of(held) == p_of(None) < 1e-9
    # 3 of 4 wrong inside, 0 of 6 outside: the one-sided p is C(4,3) / C(10,3).
    inside = next(pattern for pattern, kind, n in held if pattern & 1 and kind == silent and n > 2)
    assert p_of([[inside, silent, 3], [inside, right, 1], [0, right, 6]]) == pytest.approx(4 / 120)
    assert p_of([[inside, silent, 1], [0, right, 200]]) == 1.0


@pytest.mark.parametrize(
    ("part", "to"),
    [("levels", [["1"]]), ("overlaps", []), ("blocks", []), ("unscored", {"eval": 0})],
)
def test_a_part_of_the_counts_that_is_gone_cannot_be_checked(
    copy: Path, part: str, to: object
) -> None:
    rewritten(copy, lambda counts: counts.update({part: to}))
    assert verify(copy).verdict != "holds"
    assert "records" in fired(verify(copy)) or "claims" in fired(verify(copy))


def test_a_receipt_that_rests_on_records_is_not_counted_again(tmp_path: Path) -> None:
    (tmp_path / "autopsy.toml").write_text(CASE.replace("parquet", "jsonl"))
    written(tmp_path, "jsonl", list(rows(200)))
    with pytest.raises(CannotUse, match="rests on records"):
        recount(verify(certify(load(tmp_path), tmp_path).folder))


def test_the_guard_for_failed_calls_is_counted_as_record_by_record(tmp_path: Path) -> None:
    case = CASE + "[scorer]\nname = 'recorded'\n[guards]\nno_exception = true\n"
    (tmp_path / "autopsy.toml").write_text(case)
    written(tmp_path, "parquet", list(rows(3000)))
    one_by_one = api.open(tmp_path).slices().silent
    (guard,) = one_by_one.guards
    assert guard.caught > 0 < guard.missed  # the data have failed calls, and other wrong answers
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(columnar, "LONG", 1)
        assert api.open(tmp_path).slices().silent == one_by_one
        folder = certify(load(tmp_path), tmp_path).folder
    assert verify(folder).verdict == "holds"
    claims = json.loads((folder / "receipt.json").read_text())["predicate"]["claims"]
    stated = {
        one["args"]["outcome"]: one["value"]
        for one in claims
        if one["op"] == "count" and "no_exception" in str(one["args"].get("outcome"))
    }
    assert stated["caught:no_exception"] == str(guard.caught)
    assert stated["missed:no_exception"] == str(guard.missed)
