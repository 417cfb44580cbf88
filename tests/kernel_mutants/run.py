"""Tries mutants of the kernel, and keeps what came of a sample of them.

    python -m kernel_mutants.run                     from tests/: a sample, the same one each time
    python -m kernel_mutants.run --sample 600        a larger one
    python -m kernel_mutants.run --all               every mutant, which takes hours
    python -m kernel_mutants.run --write             and writes tried.json, keeping the reasons

A survivor without a reason fails the tests, and so does one that is killed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from . import battery
from .battery import Battery, Trial

TRIED = Path(__file__).with_name("tried.json")
SAMPLE, SEED = 300, 20261125
UNEXPLAINED = "no trial tells it from the kernel; not looked into yet"
_mine: list[Battery] = []  # of a process of its own


class Tried(NamedTuple):
    """The mutants of a kernel that were tried, and the survivors by the reason for it."""

    kernel: str  # its SHA-256
    of: int  # all its mutants
    names: tuple[str, ...]
    survivors: dict[str, list[str]]

    @property
    def alive(self) -> dict[str, str]:
        """The survivors, each with its reason."""
        return {name: reason for reason, names in self.survivors.items() for name in names}


def tried() -> Tried:
    """What is on file."""
    found = json.loads(TRIED.read_text(encoding="utf-8"))
    return Tried(found["kernel"], found["of"], tuple(found["tried"]), found["survivors"])


def _begin(trials: list[Trial]) -> None:
    _mine.append(Battery(trials))


def _killer(number: int) -> tuple[str, str]:
    mutant = _mine[0].mutants[number]
    return mutant.name, _mine[0].killer(mutant)


def killers(trials: list[Trial], numbers: list[int], processes: int) -> Iterator[tuple[str, str]]:
    """The name and the killer of each mutant, as they become known."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _begin, (trials,)) as pool:
        yield from pool.imap_unordered(_killer, numbers)


def main(arguments: list[str] | None = None) -> int:
    """Tries mutants; returns 1 when what is on file is not what came of those."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="kernel-mutants-") as temporary:
        started = time.monotonic()
        trials = battery.prepared(Path(temporary).resolve())
        print(f"{len(trials)} trials made in {time.monotonic() - started:.0f} s", flush=True)
        every = [one.name for one in Battery(trials).mutants]
        numbers = [n for n, name in enumerate(every) if options.only in name]
        if not options.all and options.sample < len(numbers):
            numbers = sorted(random.Random(SEED).sample(numbers, options.sample))
        found = {}
        for name, killer in killers(trials, numbers, options.processes):
            found[name] = killer
            if options.verbose or not killer:
                print(f"{len(found):5} {name}: {killer or 'SURVIVES'}", flush=True)
    names = [every[n] for n in numbers]
    alive = [name for name in names if not found[name]]
    seconds = time.monotonic() - started
    print(f"{len(names) - len(alive)} of {len(names)} mutants killed in {seconds:.0f} s")
    if options.write:
        _write(names, alive, len(every))
        return 0
    return _compared(alive, names)


def _write(names: list[str], alive: list[str], of: int) -> None:
    known = tried().alive if TRIED.exists() else {}
    survivors: dict[str, list[str]] = {}
    for name in alive:
        survivors.setdefault(known.get(name, UNEXPLAINED), []).append(name)
    found = {
        "kernel": hashlib.sha256(battery.SOURCE.read_bytes()).hexdigest(),
        "of": of,
        "tried": names,
        "survivors": dict(sorted(survivors.items())),
    }
    TRIED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _compared(alive: list[str], names: list[str]) -> int:
    known = tried().alive
    new = [name for name in alive if name not in known]
    dead = [name for name in known if name in set(names) and name not in set(alive)]
    for words, those in (("survives and is not listed", new), ("is listed and is killed", dead)):
        for name in those:
            print(f"{words}: {name}")
    return 1 if new or dead else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every mutant, not a sample")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="how many are drawn")
    parser.add_argument("--write", action="store_true", help="write tried.json")
    parser.add_argument("--only", default="", help="mutants whose name holds this")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="say what killed each")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
