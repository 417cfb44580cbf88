"""Long tables of clustered records: halves by cluster, and one record of each that tests."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eval_autopsy as autopsy
from eval_autopsy import columnar, kernel
from eval_autopsy.case.load import load
from eval_autopsy.cubes import tables
from eval_autopsy.errors import CannotRead
from eval_autopsy.questions.counted import ALONE
from eval_autopsy.questions.slices import Slices
from eval_autopsy.receipt.certify import certify
from eval_autopsy.receipt.recount import recount
from eval_autopsy.receipt.verify import verify

from .long_tables import rows, written

CASE = """
name = "nightly"
[data]
file = "runs.{}"
split = "set"
splits = {{ eval = "dev", production = "live" }}
[fields]
id = "id"
score = "right"
cluster = "session"
[slices]
by = ["plan", "region"]
"""


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table counts as a long one."""
    monkeypatch.setattr(columnar, "LONG_CLUSTERED", 1)
    monkeypatch.setattr(columnar, "LARGE_CLUSTERED", 1)


def clustered(count: int, size: int = 4, seed: int = 0) -> list[dict[str, Any]]:
    """Records of sessions, each of `size` of them in a row."""
    return [{**one, "session": f"s{i // size}"} for i, one in enumerate(rows(count, seed))]


def alike(count: int, size: int, seed: int) -> list[dict[str, Any]]:
    """The same where a whole session has one plan and one outcome, which have nothing in common."""
    chance = random.Random(seed)
    found = []
    for session in range(count // size):
        plan, right = chance.choice("abcdef"), chance.random() < 0.7
        side = chance.choice(["dev", "live"])
        for i in range(size):
            one = {"id": f"{session}-{i}", "session": session, "set": side, "plan": plan}
            found.append({**one, "region": chance.choice(["eu", "us"]), "right": right})
    return found


def slices(path: Path, **named: Any) -> Slices:
    named = {"split": "set", "id": "id", "correct": "right", "cluster": "session", **named}
    return autopsy.open(path, **named).slices(["plan", "region"])


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_long_table_is_counted_and_halved_by_cluster_as_its_records_are_one_by_one(
    tmp_path: Path, form: str, request: pytest.FixtureRequest
) -> None:
    path = written(tmp_path, form, clustered(6000))
    one_by_one = slices(path)
    request.getfixturevalue("long")
    in_columns = slices(path)
    assert (in_columns.eval, in_columns.production) == (one_by_one.eval, one_by_one.production)
    assert in_columns.searched == one_by_one.searched
    (first, *_), (same, *_) = in_columns.found, one_by_one.found
    assert first.where == same.where == {"plan": "pro", "region": "eu"}
    assert first.held_out == same.held_out  # the same half tests
    assert {one.p_method for one in in_columns.found} == {"held-out-drawn-fisher-holm"}
    assert {one.p_method for one in one_by_one.found} == {"held-out-min-p"}
    assert any("of each cluster one record tests" in note for note in in_columns.notes)
    assert ALONE in in_columns.notes
    assert in_columns.production.clusters is None  # counts do not tell
    assert one_by_one.production.clusters is not None
    assert ALONE not in one_by_one.notes


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_one_record_of_each_cluster_of_the_half_tests(tmp_path: Path, form: str) -> None:
    records = clustered(6000)
    written(tmp_path, form, records)
    (tmp_path / "autopsy.toml").write_text(CASE.format(form))
    done = certify(load(tmp_path), tmp_path)
    assert done.verification.verdict == "holds"
    counts = json.loads((done.folder / "cube.json").read_bytes())
    scored = [one for one in records if one["set"] == "live" and one["right"] is not None]
    sessions = {one["session"] for one in scored}
    testing = {one for one in sessions if kernel.half_of(0, one) == "confirm"}
    assert sum(n for _, _, n in counts["drawn"]) == len(testing)
    assert recount(verify(done.folder)).differences == ()
    report = (done.folder / "REPORT.md").read_text()
    assert "a single record tests, drawn by lot" in report
    assert "Every interval takes records as independent" in report


@pytest.mark.usefixtures("long")
def test_what_is_drawn_follows_from_the_seed_whatever_the_size_of_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "parquet", clustered(6000))
    first = [(one.where, one.p_adjusted) for one in slices(path).found]
    monkeypatch.setattr(tables, "BATCH", 333)
    monkeypatch.setattr("eval_autopsy.cubes.clusters.KEPT", 50)
    assert [(one.where, one.p_adjusted) for one in slices(path).found] == first


@pytest.mark.usefixtures("long")
def test_records_without_a_cluster_test_by_themselves(tmp_path: Path) -> None:
    records = [{**one, "session": None} for one in clustered(6000)]
    written(tmp_path, "parquet", records)
    (tmp_path / "autopsy.toml").write_text(CASE.format("parquet"))
    done = certify(load(tmp_path), tmp_path)
    counts = json.loads((done.folder / "cube.json").read_bytes())
    confirm = {i for i, (part, _) in enumerate(kernel._CLASSES) if part == "confirm"}
    held = sum(n for _, kind, n in counts["overlaps"] if kind in confirm)
    assert sum(n for _, _, n in counts["drawn"]) == held > 1500


@pytest.mark.usefixtures("long")
def test_a_cluster_that_is_neither_text_nor_a_whole_number_is_refused(tmp_path: Path) -> None:
    records = [{**one, "session": i / 4} for i, one in enumerate(rows(2000))]
    with pytest.raises(CannotRead, match="expected text or a whole number"):
        slices(written(tmp_path, "parquet", records))


@pytest.mark.usefixtures("long")
def test_sessions_that_are_alike_confirm_hardly_anything_where_there_is_nothing(
    tmp_path: Path,
) -> None:
    """Forty runs: at a chance of 0.05 each, 7 or more confirm something in 3 of 1000 such tests.

    Taken as independent, the same records confirm something in most of them.
    """
    drawn, naive = 0, 0
    for seed in range(40):
        path = written(tmp_path, "parquet", alike(8000, 20, seed))
        drawn += bool(slices(path).found)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(columnar, "LONG", 1)
            naive += bool(slices(path, cluster="").found)
    assert drawn < 7
    assert naive > 20


def test_fewer_records_are_dealt_out_anew_by_cluster(tmp_path: Path) -> None:
    records = clustered(2000)
    path = written(tmp_path, "parquet", records)
    case = autopsy.open(path, split="set", id="id", correct="right", cluster="session").case
    assert len(records) < columnar.LONG_CLUSTERED
    assert not columnar.fits(case)


def test_the_lowest_lot_of_each_cluster_is_drawn() -> None:
    from eval_autopsy.cubes.blocks import CONFIRM, Batch
    from eval_autopsy.cubes.clusters import Members, _one_of_each

    half = np.ones(6, np.uint8)
    cluster, lot = np.array([7, 7, 3, 3, 3, 9], np.uint64), np.array([5, 2, 8, 1, 4, 6], np.uint64)
    classes = np.array([CONFIRM, CONFIRM + 2, CONFIRM, 0, CONFIRM + 1, 4], np.uint8)
    codes = [np.arange(6, dtype=np.uint8)]
    members, batch = _one_of_each(Members(half, cluster, lot), Batch(codes, classes))
    # The row with the lowest lot of cluster 3 is of eval, and the only one of 9 is searched.
    assert batch.codes[0].tolist() == [4, 1]
    assert members.cluster.tolist() == [3, 7]
