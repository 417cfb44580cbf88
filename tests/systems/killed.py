"""Runs a case, kills the run, and runs it again, until it is done; prints what was there each time.

    python killed.py FOLDER SEED

A process of its own, because it forks: each run starts from here with all modules loaded.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path

from eval_autopsy import systems
from eval_autopsy.case.load import Case, load

INPUTS = [f"input {i}" for i in range(40)]


def run(case: Case) -> None:
    """One run to its end."""
    with systems.opened(case, systems.journal_of(case)) as runner:
        answers = runner.answers(INPUTS)
        spent = runner.spent
        done = {
            "outputs": [answer.output for answer in answers],
            "calls": spent.calls,
            "journalled": spent.journalled,
            "interrupted": spent.interrupted,
        }
    written = case.folder / "finished.json.new"
    written.write_text(json.dumps(done), encoding="utf-8")
    written.rename(case.folder / "finished.json")  # which is there whole, or not at all


def snapshot(case: Case) -> dict[str, object]:
    """What the journal holds, and how often each input was called."""
    rows = []
    journal = case.folder / ".autopsy" / "journal.sqlite"
    if journal.exists():
        connection = sqlite3.connect(journal)
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
        if "calls" in tables:
            rows = connection.execute("SELECT state, starts, answer FROM calls").fetchall()
        connection.close()
    log = case.folder / "calls.log"
    return {
        "done": [json.loads(answer)["output"] for state, _, answer in rows if state == "done"],
        "started": sum(state == "started" for state, _, _ in rows),
        "starts": sum(starts for _, starts, _ in rows),
        "called": log.read_text(encoding="utf-8").splitlines() if log.exists() else [],
    }


ROUNDS = 4  # kills, at the least


def main(folder: Path, seed: int) -> None:
    case, rng = load(folder), random.Random(seed)
    snapshots: list[dict[str, object]] = []
    while not (folder / "finished.json").exists():
        child = os.fork()
        if child == 0:
            run(case)
            os._exit(0)
        # The first ones are short, so that a fast machine is killed a few times as well.
        until = time.monotonic() + rng.uniform(0, 0.6 if len(snapshots) > ROUNDS else 0.2)
        while time.monotonic() < until and not (folder / "finished.json").exists():
            time.sleep(0.005)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        snapshots.append(snapshot(case))
    print(json.dumps(snapshots))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
