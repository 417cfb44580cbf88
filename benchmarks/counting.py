"""How fast records are read, judged, counted and verified, beside what others take to read them.

    python benchmarks/counting.py [RECORDS]

Seconds differ from machine to machine; the ratio to the loop over json.loads, taken in the same
run, differs less. Each time is the best of three, the verification's the only one.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from eval_autopsy import verdicts  # noqa: E402
from eval_autopsy.case.load import load  # noqa: E402
from eval_autopsy.cubes import polars_cube  # noqa: E402
from eval_autopsy.guards.checks import not_blank  # noqa: E402
from eval_autopsy.readers import read_sources  # noqa: E402
from eval_autopsy.receipt.certify import certify  # noqa: E402

CASE = """
name = "benchmark"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
output = "output"
[guards]
not_blank = true
[slices]
by = ["language", "length"]
"""
LOOP = "json.loads, line by line"
FIELDS = ("vendor", "number", "total")


def rows(split: str, count: int) -> Iterator[str]:
    """Lines of records with three fields, of which a few are wrong or blank."""
    chance = random.Random(split).random
    for i in range(count):
        expected = {name: f"{name} {int(chance() * 1000)}" for name in FIELDS}
        output = dict(expected)
        if chance() < (0.02 if split == "eval" else 0.1):
            output["total"] = "" if chance() < 0.3 else expected["number"]
        levels = {"language": f"l{int(chance() * 8)}", "length": int(chance() * 5)}
        record = {"id": f"{split}-{i}", **levels, "expected": expected, "output": output}
        yield json.dumps(record) + "\n"


def timed(work: Callable[[], object], times: int = 3) -> float:
    """The least number of seconds that a piece of work took."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


def parse_all(files: list[Path]) -> None:
    for path in files:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                json.loads(line)


def verify(receipt: Path) -> None:
    command = [sys.executable, str(receipt / "verify.py")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def measure(folder: Path) -> dict[str, float]:
    """The seconds of each kind of work on the records of a folder."""
    case, files = load(folder), [folder / "eval.jsonl", folder / "production.jsonl"]
    done = certify(case, folder)
    spec, records, table = done.evidence.spec, done.evidence.records, done.evidence.table
    checks = {"not_blank": not_blank()}
    return {
        LOOP: timed(lambda: parse_all(files)),
        "polars.read_ndjson": timed(lambda: [pl.read_ndjson(path) for path in files]),
        "read into records": timed(lambda: read_sources(case.sources, case.wanted)),
        "scored and guarded": timed(lambda: verdicts.table_of(spec, records, checks)),
        "counted": timed(lambda: polars_cube.count(spec, table)),
        "verify.py, all checks": timed(lambda: verify(done.folder), 1),
    }


def main(count: int) -> None:
    """Prints a line for each kind of work."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "autopsy.toml").write_text(CASE)
        for split in ("eval", "production"):
            lines = "".join(rows(split, count // 2))
            Path(folder, f"{split}.jsonl").write_text(lines)
        taken = measure(Path(folder))
    print(f"{count:,} records")
    print(f"{'':26}{'seconds':>9}{'records/s':>12}{'of the loop':>13}")
    for name, seconds in taken.items():
        share = seconds / taken[LOOP]
        print(f"{name:26}{seconds:9.2f}{count / seconds:12,.0f}{share:12.2f}x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
