"""A tool writes a log, and says what it counted; read without the tool, the log gives the same.

The tools are pinned by requirements-round-trips.lock and installed once, in an environment of their
own. Where they cannot be, the tests are passed over with the reason; in CI that is a failure.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy.readers import open_rows
from eval_autopsy.readers.intake import said_by
from readers.read_log import read_log
from warehouse.environment import ROOT, NoEnvironmentError, python

LOCK = ROOT / "requirements-round-trips.lock"
HERE = Path(__file__).parent
SECONDS = 240  # for an import of Inspect AI on a busy machine


@pytest.fixture(scope="module")
def tools() -> Path:
    """The Python that has the tools."""
    try:
        return python(LOCK)
    except NoEnvironmentError as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"the tools cannot be installed: {reason}")


def written(tools: Path, script: str, folder: Path) -> list[dict[str, Any]]:
    """What a tool said of each log that it wrote into a folder."""
    home = folder / "home"
    home.mkdir()
    logs = folder / "logs"
    logs.mkdir()
    done = subprocess.run(
        [str(tools), str(HERE / script), str(logs)],
        check=False,
        capture_output=True,
        text=True,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def differing(path: Path) -> list[str]:
    """The figures that a log states and its samples do not give, in words."""
    _, rows = open_rows(path)
    for _ in rows:
        pass  # all are counted as they go by
    figures = said_by(rows).reconciled
    assert figures
    return [one.words() for one in figures if not one.same]


def test_inspect_ai_counts_as_its_log_is_read(tools: Path, tmp_path: Path) -> None:
    of_eval, of_json = written(tools, "write_inspect.py", tmp_path)
    for figures, kind in ((of_eval, "inspect_eval"), (of_json, "inspect_json")):
        log = read_log(Path(figures["location"]))
        assert log.kind == kind
        assert len(log.rows) == figures["samples"] == 24
        assert len(log.where(status="errored")) == figures["errors"] == 2
        assert len(log.where(score=True)) == figures["right"]
        assert len(log.where(score=False)) == figures["scored"] - figures["right"]
        assert {row["cluster"] for row in log.rows} == {*figures["tasks"]}
        assert {row["lang"] for row in log.where(cluster="T3")} == {"de"}
        (accuracy,) = (one for one in log.reported if one.name == "mean of match")
        assert float(accuracy.value) == pytest.approx(figures["accuracy"])
        assert differing(Path(figures["location"])) == []


def test_deepeval_counts_as_its_test_run_is_read(tools: Path, tmp_path: Path) -> None:
    (figures,) = written(tools, "write_deepeval.py", tmp_path)
    log = read_log(Path(figures["location"]))
    assert log.kind == "deepeval"
    assert len(log.rows) == figures["samples"] == 20
    assert len(log.where(score=True)) == figures["right"]
    assert sorted(row["input"] for row in log.where(score=False)) == figures["wrong"]
    assert differing(Path(figures["location"])) == []


def test_spans_of_openinference_are_read_as_they_were_traced(tools: Path, tmp_path: Path) -> None:
    (figures,) = written(tools, "write_spans.py", tmp_path)
    log = read_log(Path(figures["location"]))
    assert log.kind == "otel_console"
    assert len(log.rows) == figures["samples"] == 15
    assert len(log.where(status="errored")) == figures["errors"]
    assert len(log.where(score=True)) == figures["right"]
    assert len(log.where(score=False)) == figures["wrong"]
    assert [row["output"] for row in log.rows if row["input"] == "Twice 3"] == ["6"]
