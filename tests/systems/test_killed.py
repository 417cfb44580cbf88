"""Nothing that was answered before a kill is lost, or called again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from .cases import case
from .killed import INPUTS
from .test_command import environment

# Says in a file that it was called, before it answers; a line is on the disk in one piece.
SYSTEM = """
import json, os, sys, time
log = os.open("calls.log", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
for line in sys.stdin:
    value = json.loads(line)
    os.write(log, (value + "\\n").encode())
    time.sleep(0.05)
    print(json.dumps(value), flush=True)
"""
COMMAND = f'command = ["{sys.executable}", "system.py"]'


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("mode", ["lines", "each"])
@pytest.mark.parametrize("seed", range(2))
def test_what_was_answered_before_a_kill_is_neither_lost_nor_called_again(
    tmp_path: Path, seed: int, mode: str, concurrency: int
) -> None:
    case(tmp_path, f'{COMMAND}\nmode = "{mode}"\nconcurrency = {concurrency}', SYSTEM)
    script = Path(__file__).with_name("killed.py")
    run = [sys.executable, str(script), str(tmp_path), str(seed)]
    done = subprocess.run(run, env=environment(), capture_output=True, text=True, check=True)
    before: list[dict[str, Any]] = json.loads(done.stdout)
    finished = json.loads((tmp_path / "finished.json").read_text(encoding="utf-8"))

    assert len(before) > 2  # it was killed, and more than once
    assert finished["outputs"] == INPUTS
    last = before[-1]
    calls = Counter(last["called"])
    for earlier, later in pairwise(before):
        assert set(earlier["done"]) <= set(later["done"])
        counts = Counter(earlier["called"])
        assert {one: calls[one] for one in earlier["done"]} == {
            one: counts[one] for one in earlier["done"]
        }
    # Each call was entered before it was made, and what was in flight is counted.
    assert set(calls) == set(INPUTS)
    assert calls.total() <= last["starts"]
    in_flight = before[-2]["started"] if len(before) > 1 else 0
    assert finished["interrupted"] == in_flight
    assert finished["calls"] + finished["journalled"] == len(INPUTS)
    assert last["starts"] <= len(INPUTS) + sum(one["started"] for one in before[:-1])
