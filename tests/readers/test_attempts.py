"""Ids that stand in several records: numbered, in one cluster, and as a receipt keeps them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import api, kernel
from eval_autopsy.case.load import load
from eval_autopsy.errors import CannotRead
from eval_autopsy.evidence import Evidence, gather
from eval_autopsy.receipt.verify import verify

CASE = """
name = "made"
[data]
{data}
attempts = true
[fields]
id = "task"
input = "q"
output = "a"
expected = "truth"
"""
TWO = 'eval = "eval.jsonl"\nproduction = "production.jsonl"'
ONE = 'file = "all.jsonl"\nsplit = "set"'


def row(task: Any, right: bool = True, **more: Any) -> dict[str, Any]:
    return {"task": task, "q": f"what of {task}", "a": "x" if right else "y", "truth": "x", **more}


def written(folder: Path, data: str = TWO, **files: Iterable[dict[str, Any]]) -> Path:
    """A case of some rows."""
    for name, rows in files.items():
        lines = "".join(json.dumps(one) + "\n" for one in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "autopsy.toml").write_text(CASE.format(data=data), encoding="utf-8")
    return folder


def ids(evidence: Evidence, split: str) -> list[str]:
    return [one.id for one in evidence.records if one.split == split]


def test_an_id_that_stands_again_is_numbered_within_its_set(tmp_path: Path) -> None:
    again = [row("a"), row("b"), row("a"), row("a", right=False)]
    folder = written(tmp_path, eval=again, production=[row("b"), row("a")])
    evidence = gather(load(folder), folder)
    assert ids(evidence, "eval") == ["a", "b", "a (2)", "a (3)"]
    assert ids(evidence, "production") == ["b", "a"]
    assert evidence.notes == (
        "2 records of eval.jsonl have an id that stood before; they are numbered, and one cluster "
        "with it, as attempts at one input are",
    )


def test_the_two_sets_of_one_file_are_numbered_apart(tmp_path: Path) -> None:
    rows = [row(task, set=name) for name in ("eval", "production") for task in (1, 2, 1)]
    folder = written(tmp_path, ONE, all=rows)
    evidence = gather(load(folder), folder)
    assert ids(evidence, "eval") == ids(evidence, "production") == ["1", "2", "1 (2)"]


@pytest.mark.parametrize(("data", "numbered"), [(TWO, 40), (ONE, 80)])
def test_a_receipt_of_attempts_holds_and_has_them_in_one_cluster(
    data: str, numbered: int, tmp_path: Path
) -> None:
    rows = [row(f"t{n}", n % 3 > 0) for n in range(40) for _ in range(2)]
    files = {"eval": rows, "production": rows}
    files["all"] = [{**one, "set": name} for name in ("eval", "production") for one in rows]
    done = api.open(written(tmp_path, data, **files)).run(tmp_path)
    assert verify(done.folder).verdict == "holds"
    spec = done.evidence.spec
    assert spec["fields"]["cluster"] == "attempt of"
    assert f"({numbered} attempts numbered)" in spec["converted"][0]
    # The kernel reads the same units out of the receipt's own file.
    read = kernel.load_records(spec, lambda name: io.BytesIO((done.folder / name).read_bytes()))
    units = {one.unit for one in read}
    assert units == {f"t{n}" for n in range(40)}


def test_where_no_id_stands_again_a_receipt_rests_on_the_file_itself(tmp_path: Path) -> None:
    rows = [row(f"t{n}", n % 3 > 0) for n in range(40)]
    done = api.open(written(tmp_path, eval=rows, production=rows)).run(tmp_path)
    assert done.evidence.spec["converted"] == []
    assert "cluster" not in done.evidence.spec["fields"]


def test_a_cluster_that_the_case_names_stays_the_cluster(tmp_path: Path) -> None:
    rows = [row(task, session=f"s{n % 2}") for n, task in enumerate(["a", "a", "b"])]
    folder = written(tmp_path, eval=rows, production=rows)
    with open(folder / "autopsy.toml", "a", encoding="utf-8") as file:
        file.write('cluster = "session"\n')
    evidence = gather(load(folder), folder)
    assert [one.cluster for one in evidence.records if one.split == "eval"] == ["s0", "s1", "s0"]


def test_a_message_offers_no_field_that_the_data_do_not_have(tmp_path: Path) -> None:
    folder = written(tmp_path, eval=[row("a")], production=[row("b")])
    case = load(folder)
    asked = case.wanted._replace(attributes=("lang",))
    with pytest.raises(CannotRead, match=r"among: task, q, a, truth\."):
        gather(replace(case, wanted=asked), folder)


def test_an_id_that_is_another_s_number_is_an_error(tmp_path: Path) -> None:
    rows = [row("a"), row("a (2)"), row("a")]
    folder = written(tmp_path, eval=rows, production=rows)
    with pytest.raises(
        CannotRead, match=r'the id "a \(2\)" stands twice.* Give each record an id of its own.$'
    ):
        gather(load(folder), folder)
