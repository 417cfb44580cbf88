"""Where records share a cluster, every output has the interval over clusters, and says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import kernel

from .conftest import ROOT, Call

TASKS = {"eval": (100, 80), "production": (100, 60)}  # and how many of them come out right
TIMES = 5


def attempts(tasks: dict[str, tuple[int, int]], times: int = TIMES) -> None:
    """A file for each set: some attempts at each task, all with the same outcome."""
    for name, (number, right) in tasks.items():
        rows = [
            {"id": f"{task}-{time}", "task": f"t{task}", "lang": "de" if task % 3 else "en"}
            | {"output": "yes" if task < right else "no", "expected": "yes"}
            for task in range(number)
            for time in range(times)
        ]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def document(call: Call, *arguments: str) -> dict[str, Any]:
    said = call(*arguments, "--cluster", "task", "--json")
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_five_attempts_at_a_hundred_tasks_have_the_interval_of_a_hundred(call: Call) -> None:
    attempts(TASKS)
    found = document(call, "slices", ".")
    for split, (number, right) in TASKS.items():
        rate = found[split]
        assert (rate["k"], rate["n"]) == (right * TIMES, number * TIMES)
        wanted = kernel.wilson(right, number)
        assert [float(end) for end in rate["interval"]] == pytest.approx(wanted, abs=0.001)
    gap = [float(end) for end in found["gap"]["interval"]]
    assert gap == pytest.approx(kernel.newcombe(60, 100, 80, 100), abs=0.002)


def test_screens_documents_and_the_receipt_have_the_same_intervals(call: Call) -> None:
    attempts(TASKS)
    looked, sliced, run = (document(call, verb, ".") for verb in ("look", "slices", "run"))
    for part in ("eval", "production", "gap"):
        assert looked[part] == sliced[part] == run[part]
    (scores,) = document(call, "audit", "production.jsonl")["scores"].values()
    assert scores["recomputed"].items() >= run["production"].items()
    statement = json.loads(Path(run["receipt"], "receipt.json").read_text(encoding="utf-8"))
    claims = {one["id"]: one["value"] for one in statement["predicate"]["claims"]}
    assert claims["interval.production.right.counted"] == run["production"]["interval"]
    assert claims["difference_interval.right.counted"] == run["gap"]["interval"]
    assert claims["clusters.production.counted"] == "100"
    (de,) = (one for one in sliced["slices"] if one["where"] == {"lang": "de"})
    assert claims['interval.production.right.counted[lang="de"]'] == de["rate"]["interval"]
    assert de["rate"]["clusters"] == 66


def test_the_words_say_that_intervals_are_over_clusters(call: Call) -> None:
    attempts(TASKS)
    asked = ("--cluster", "task")
    assert "[50.16, 69.09] over 100 clusters" in call("look", ".", *asked).out
    said = call("slices", ".", *asked).out
    assert "eval: interval over 100 clusters\nproduction: interval over 100 clusters\n" in said
    assert "95% interval: over clusters; those of the parts of the change take records" in said
    assert "over 100 clusters" in call("audit", "eval.jsonl", *asked).out
    report = Path(json.loads(call("run", ".", *asked, "--json").out)["receipt"], "REPORT.md")
    words = "those scored of eval are of 100 clusters and those scored of production are of 100"
    assert words in report.read_text(encoding="utf-8")


def test_the_page_on_clusters_shows_what_is_printed(call: Call) -> None:
    attempts(TASKS)
    page = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
    command, *lines = page.partition("```console\n")[2].partition("```")[0].splitlines()
    printed = call(*command.removeprefix("$ autopsy ").split()).out.splitlines()
    assert lines == printed[: len(lines)]
    assert len(lines) == 4


def test_nothing_is_said_of_clusters_that_no_records_share(call: Call) -> None:
    attempts(TASKS, times=1)
    with_clusters = call("slices", ".", "--cluster", "task")
    assert "over clusters" not in with_clusters.out
    found = document(call, "slices", ".")
    alone = json.loads(call("slices", ".", "--json").out)
    assert "clusters" not in found["production"]
    assert (found["production"], found["gap"]) == (alone["production"], alone["gap"])


def test_few_clusters_are_said_to_be_few(call: Call) -> None:
    attempts({"eval": (100, 80), "production": (9, 5)}, times=10)
    asked = ("--cluster", "task")
    assert "over 9 clusters, so few that it is rough" in call("look", ".", *asked).out
    said = call("slices", ".", *asked).out
    assert "* over fewer than 10, so that it is rough" in said
    (line,) = (line for line in said.splitlines() if line.startswith("de "))
    assert "]*" in line
    report = Path(json.loads(call("run", ".", *asked, "--json").out)["receipt"], "REPORT.md")
    assert "over few it is rough, as here," in report.read_text(encoding="utf-8")


def test_the_interval_of_a_single_cluster_is_not_known_to_anybody(call: Call) -> None:
    attempts({"eval": (20, 16), "production": (1, 1)}, times=30)
    asked = ("--cluster", "task")
    assert "100% not known (all are of 1 cluster)" in call("look", ".", *asked).out
    found = document(call, "run", ".")
    assert found["production"]["interval"] is None
    assert found["gap"]["interval"] != [None, None]
    report = Path(found["receipt"], "REPORT.md").read_text(encoding="utf-8")
    assert "| production | 30 of 30 | 100% | not known |" in report
