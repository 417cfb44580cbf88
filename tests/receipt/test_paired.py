"""Two runs of the same tasks: each task is held against itself, on the page and by the kernel."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import api, kernel
from eval_autopsy.receipt.verify import verify

CASE = """
name = "runs"
[data]
eval = "first.jsonl"
production = "second.jsonl"
[fields]
input = "q"
output = "a"
expected = "truth"
[slices]
by = ["topic"]
"""


def rows(right: Iterable[bool], text: str = "what of {}") -> list[dict[str, Any]]:
    return [
        {
            "id": f"t{n}",
            "q": text.format(n),
            "a": "x" if is_right else "y",
            "truth": "x",
            "topic": "ab"[n % 2],
        }
        for n, is_right in enumerate(right)
    ]


def case(folder: Path, first: list[dict[str, Any]], second: list[dict[str, Any]]) -> api.Autopsy:
    for name, some in (("first", first), ("second", second)):
        lines = "".join(json.dumps(one) + "\n" for one in some)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "autopsy.toml").write_text(CASE, encoding="utf-8")
    return api.open(folder)


# Right in both, on eval alone, in production alone, in neither; the numbers of METHODS' table of
# Newcombe's paired interval: 36, 12, 2, 0 has (0.0569, 0.3404) for right before less right after.
FIRST = [True] * 48 + [False] * 2
SECOND = [True] * 36 + [False] * 12 + [True] * 2


def claims_of(folder: Path) -> dict[str, Any]:
    predicate = json.loads((folder / "receipt.json").read_bytes())["predicate"]
    return {one["id"]: one["value"] for one in predicate["claims"]}


def test_the_receipt_holds_each_task_against_itself(tmp_path: Path) -> None:
    done = case(tmp_path, rows(FIRST), rows(SECOND)).run(tmp_path)
    claims = claims_of(done.folder)
    assert [claims[f"paired.{name}"] for name in ("before", "after", "broken", "mended")] == [
        "48/50",
        "38/50",
        "12/48",
        "2/2",
    ]
    low, high = map(float, claims["paired_interval"])
    assert (low, high) == pytest.approx((-0.3404276030, -0.0569295840), abs=1e-9)
    assert float(claims["p_paired"]) == pytest.approx(0.012939453125)
    assert verify(done.folder).verdict == "holds"
    report = (done.folder / "REPORT.md").read_text(encoding="utf-8")
    assert "Of those right on eval 12 of 48 turned wrong, of those wrong 2 of 2 turned" in report


def test_the_slices_say_the_same_of_the_pairs(tmp_path: Path) -> None:
    found = case(tmp_path, rows(FIRST), rows(SECOND)).slices()
    assert found.paired == (36, 12, 2, 0)
    assert found.to_dict()["paired"]["p"] == "0.012939453125"


@pytest.mark.parametrize("why", ["other ids", "other inputs", "few in common"])
def test_what_are_not_the_same_tasks_is_not_paired(why: str, tmp_path: Path) -> None:
    second = rows(SECOND, text="and {}?" if why == "other inputs" else "what of {}")
    for n, row in enumerate(second):
        if why == "other ids" or (why == "few in common" and n >= 20):
            row["id"] = f"p{n}"
    done = case(tmp_path, rows(FIRST), second).run(tmp_path)
    assert not [name for name in claims_of(done.folder) if "paired" in name]
    assert "The same tasks are in both" not in (done.folder / "REPORT.md").read_text("utf-8")


def test_a_gap_that_only_pairs_show_is_measured_by_them(tmp_path: Path) -> None:
    first = [True] * 60 + [False] * 40
    second = [True] * 52 + [False] * 48
    done = case(tmp_path, rows(first), rows(second)).run(tmp_path)
    low, high = map(float, claims_of(done.folder)["difference_interval.right.counted"])
    assert low < 0 < high
    predicate = json.loads((done.folder / "receipt.json").read_bytes())["predicate"]
    (gap,) = (one for one in predicate["findings"] if one["kind"] == "gap")
    assert gap["strength"] == "measured"
    assert "These data do not show a difference" not in (done.folder / "REPORT.md").read_text()


def test_a_task_without_a_verdict_on_one_side_is_none() -> None:
    some = [("eval", "a", "q", True), ("eval", "b", "q", None), ("eval", "c", "q", False)]
    some += [("production", name, "q", True) for name in "abcd"]
    assert kernel.pairs_of(some) == (1, 0, 1, 0)
