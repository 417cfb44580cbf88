"""The simulation of the search runs, and does not find what is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "honesty.py"


def test_a_quick_simulation_confirms_little_where_there_is_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--quick"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    nulls, planted, end = done.stdout.strip().split("\n\n")
    rows = [re.findall(r"\s(\d+\.\d) \[", line) for line in nulls.splitlines()[1:]]
    assert len(rows) == 8
    runs = 6
    confirmed = round(sum(float(row[0]) / 100 * runs for row in rows))
    naive = round(sum(float(row[1]) / 100 * runs for row in rows))
    # Of 48 runs, at a chance of 0.05 each, 8 or more are confirmed in 3 of 1000 such tests.
    assert confirmed < 8
    assert naive > 40
    assert len(planted.splitlines()) == 13
    assert end.endswith("the seed of a run is its number")
