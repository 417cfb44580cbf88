"""How long the first screen takes, and how much memory a long log takes to read.

    python benchmarks/first_screen.py [screen] [log]

Each command is a process of its own, timed from its start to its end. Beside the first screen
stands the script that one would write instead: it reads the same lines with json.loads and counts
right and wrong by each field. Seconds differ from machine to machine; ratios differ less.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "tests" / "samples" / "promptfoo" / "routing_prod.json.gz"
RECORDS = (400, 100_000)
SAMPLES = 200_000
WORDS = [
    "refund",
    "invoice",
    "account",
    "login",
    "shipping",
    "delay",
    "order",
    "card",
    "payment",
    "reset",
    "address",
    "please",
]
PLACES = {"lang": ("en", "de", "fr"), "tier": ("free", "pro"), "channel": ("web", "email", "voice")}
SCRIPT = """
import json, sys
from collections import Counter
counts = Counter()
for name in sys.argv[1:]:
    for line in open(name, encoding="utf-8"):
        row = json.loads(line)
        right = row["output"] == row["expected"]
        for field in ("lang", "tier", "channel", "turns"):
            counts[name, field, row[field], right] += 1
for key, count in sorted(counts.items(), key=str):
    print(*key, count)
"""
READ = """
import sys
from pathlib import Path
from eval_autopsy.readers import open_rows
print(sum(1 for _ in open_rows(Path(sys.argv[1]))[1]))
"""


class Cost(NamedTuple):
    """What a process took: seconds, and the most memory in MB."""

    seconds: float
    memory: float


def cost_of(*command: str, times: int = 3) -> Cost:
    """The least of a few runs, after one that is not counted."""
    found = [_run(command) for _ in range(times + 1)][1:]
    return Cost(min(one.seconds for one in found), min(one.memory for one in found))


def _run(command: tuple[str, ...]) -> Cost:
    env = {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}
    env["PYTHONPATH"] = str(ROOT / "src")
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Cost(time.perf_counter() - began, usage.ru_maxrss / 1024)


def write_sets(folder: Path, records: int) -> list[str]:
    """Two files with as many records together; one slice fails in production."""
    names = []
    for split, failing in (("eval", 0.05), ("production", 0.7)):
        draw = random.Random(split)
        path = folder / f"{split}.jsonl"
        with path.open("w", encoding="utf-8") as lines:
            for number in range(records // 2):
                fields = {name: draw.choice(values) for name, values in PLACES.items()}
                slice_ = fields["lang"] == "de" and fields["channel"] == "voice"
                wrong = draw.random() < (failing if slice_ else 0.05)
                record = {
                    "id": f"{split}-{number}",
                    "input": " ".join(draw.choices(WORDS, k=20)),
                    "output": "no" if wrong else "yes",
                    "expected": "yes",
                    "turns": draw.randint(1, 9),
                    **fields,
                }
                lines.write(json.dumps(record) + "\n")
        names.append(str(path))
    return names


def write_log(path: Path, samples: int) -> None:
    """Results of promptfoo with as many tests, made of those of a sample."""
    document = json.loads(gzip.decompress(SAMPLE.read_bytes()))
    results = document["results"]["results"]
    document["results"]["results"] = ["here"]
    head, tail = json.dumps(document).split('"here"')
    with path.open("w", encoding="utf-8") as log:
        log.write(head)
        for number in range(samples):
            one = {**results[number % len(results)], "testIdx": number, "id": str(number)}
            log.write((", " if number else "") + json.dumps(one))
        log.write(tail)


def screen(folder: Path) -> None:
    """Prints the table of the first screen."""
    print(f"{'records':>9}  {'first screen':>12}  {'script':>7}  {'ratio':>6}  {'memory':>8}")
    for records in RECORDS:
        names = write_sets(folder, records)
        ours = cost_of(sys.executable, "-m", "eval_autopsy", "look", str(folder))
        script = cost_of(sys.executable, "-c", SCRIPT, *names)
        ratio = f"{ours.seconds / script.seconds:.1f}x"
        print(
            f"{records:>9,}  {ours.seconds:>10.2f} s  {script.seconds:>5.2f} s  {ratio:>6}"
            f"  {ours.memory:>5.0f} MB"
        )


def log(folder: Path) -> None:
    """Prints what reading a long log takes."""
    path = folder / "results.json"
    write_log(path, SAMPLES)
    size = path.stat().st_size / 2**20
    load = "import json, sys; json.load(open(sys.argv[1]))"
    commands = {
        "json.load": ("-c", load, str(path)),
        "read sample by sample": ("-c", READ, str(path)),
        "the first screen": ("-m", "eval_autopsy", "look", str(path)),
    }
    costs = {name: cost_of(sys.executable, *one, times=1) for name, one in commands.items()}
    whole = costs["json.load"].memory
    print(f"a promptfoo log of {SAMPLES:,} samples, {size:,.0f} MB")
    for name, cost in costs.items():
        ratio = f"{cost.memory / whole:.2f}x"
        print(f"  {name:<21}  {cost.seconds:>6.1f} s  {cost.memory:>6.0f} MB  {ratio:>6}")


def main(asked: list[str]) -> None:
    """The sections that are asked for, or all."""
    for section in (screen, log):
        if not asked or section.__name__ in asked:
            with tempfile.TemporaryDirectory() as folder:
                section(Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
