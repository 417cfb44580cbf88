"""Tries mutants of the kernel, and keeps the list of those that nothing kills.

    python -m kernel_mutants.run --all            from tests/: every mutant
    python -m kernel_mutants.run --all --write    and writes survivors.json, keeping the reasons

A survivor without a reason fails the tests, and so does one that is killed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from . import battery
from .battery import Battery, Trial

SURVIVORS = Path(__file__).with_name("survivors.json")
_mine: list[Battery] = []  # of a process of its own


def reasons() -> dict[str, list[str]]:
    """The survivors by the reason that nothing kills them."""
    found: dict[str, list[str]] = json.loads(SURVIVORS.read_text(encoding="utf-8"))
    return found


def listed() -> dict[str, str]:
    """The survivors, each with its reason."""
    return {name: reason for reason, names in reasons().items() for name in names}


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
    """Tries all mutants, or every nth; returns 1 when the list of survivors is not right."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="kernel-mutants-") as temporary:
        started = time.monotonic()
        trials = battery.prepared(Path(temporary).resolve())
        print(f"{len(trials)} trials made in {time.monotonic() - started:.0f} s", flush=True)
        names = [one.name for one in Battery(trials).mutants]
        numbers = [n for n, name in enumerate(names) if options.only in name]
        numbers = numbers[:: 1 if options.all else 20]
        found = {}
        for name, killer in killers(trials, numbers, options.processes):
            found[name] = killer
            if options.verbose or not killer:
                print(f"{len(found):5} {name}: {killer or 'SURVIVES'}", flush=True)
    alive = [names[n] for n in numbers if not found[names[n]]]
    seconds = time.monotonic() - started
    print(f"{len(numbers) - len(alive)} of {len(numbers)} mutants killed in {seconds:.0f} s")
    return _compared(alive, [names[n] for n in numbers], options.write and options.all)


def _compared(alive: list[str], tried: list[str], write: bool) -> int:
    known = listed() if SURVIVORS.exists() else {}
    if write:
        kept: dict[str, list[str]] = {}
        for name in alive:
            kept.setdefault(known.get(name, ""), []).append(name)
        text = json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False)
        SURVIVORS.write_text(text + "\n", "utf-8")
        return 0
    new = [name for name in alive if name not in known]
    dead = [name for name in known if name in set(tried) and name not in set(alive)]
    for words, those in (("survives and is not listed", new), ("is listed and is killed", dead)):
        for name in those:
            print(f"{words}: {name}")
    return 1 if new or dead else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every mutant, not every twentieth")
    parser.add_argument("--write", action="store_true", help="write the list of survivors")
    parser.add_argument("--only", default="", help="mutants whose name holds this")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="say what killed each")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
