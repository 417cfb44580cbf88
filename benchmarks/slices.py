"""How fast the worst slices are found, beside what else answers, or nearly answers, that.

    python benchmarks/slices.py [check] [peers] [growth] [embedded] [--rows N] [--depth N] ...

The question: of all conjunctions of one to `depth` attribute values that at least `min_support`
rows fit, the ten with the most errors beyond their share, wrong - n * wrong(all) / n(all), exactly.

1. Every contender runs in a process of its own, in an environment of pinned versions that is made
   in the cache folder when it is first needed. The peers' is large: one of them needs PyTorch.
2. Before anything is timed, every answer is held against counting row by row in plain Python.
3. Loading is what brings a file into the form that suits a contender best, searching is the rest;
   imports are neither. The ratio is a contender's search to the engine's whole way from the file.
4. At full size an answer with counts is held against that of the group-bys, and marked with a star
   when it is another one.
5. With --write what a section prints takes its place in README.md, under the command that made it.
6. What takes more seconds or memory than allowed is said to, and is tried with fewer rows.

Seconds differ from machine to machine; ratios, taken in the same run, differ less.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shlex
import statistics
import subprocess
import sys
import venv
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from contenders import (  # noqa: E402
    COMMAND,
    CONTENDERS,
    ENGINE,
    EXCESS,
    SCAN,
    SLICELINE,
    SLICELINE_ALPHA,
    Contender,
    Question,
)
from made_rows import SIZES, Rows, read_rows, write_jsonl, write_parquet  # noqa: E402
from tests.questions.brute import (  # noqa: E402
    Count,
    Where,
    all_of,
    every_slice,
    score,
)

SECTIONS = ("check", "peers", "growth", "embedded")
FLOORS = ("polars group-bys", "duckdb group-bys")
BEST_PEER = "pysubgroup DFS"  # of those that are exact, as the table of peers shows
SHARE_OF_ROWS = 1000  # a slice has at least one in so many rows
FEWEST_ROWS = 1000  # of a contender that is tried with fewer
LONG = 60  # seconds after which one run has to do, and growth is followed no further
CHECKED_AT_MOST = 10_000_000  # rows that group-bys still hold in the memory of a run
WIDEST = 24  # characters of a cell
PAGE = HERE / "README.md"
MEGABYTE, GIBIBYTE = 10**6, 2**30

SMALL = {  # the files of the check, and the support that is asked for
    "3,000 rows": (Rows(3000), 20),
    "ties": (Rows(200, (2, 2, 3, 3)), 1),
    "300 values": (Rows(4000, (300, 4, 3)), 4),
    "40,000 rows": (Rows(40_000, (4, 3, 5, 2)), 100),
}


class Limits(NamedTuple):
    seconds: float
    gibibytes: float
    repeats: int


class Run(NamedTuple):
    """What a run took, or why it came to nothing."""

    failed: str | None
    load: float = 0  # seconds
    search: float = 0
    peak: float = 0  # bytes
    slices: tuple[tuple[dict[str, str], int | None, int | None], ...] = ()
    runs: int = 1

    @property
    def whole(self) -> float:
        return self.load + self.search


# Environments and files -------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where the project keeps what can be made again."""
    named = os.environ.get("AUTOPSY_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(named) if named else Path(base, "agent-reliability")
    folder = folder / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def python_of(environment: str) -> str:
    """The Python of an environment, which is made if it is not there."""
    if environment == "project":
        return sys.executable
    pinned = HERE / f"{environment}.txt"
    folder = cache_folder() / f"{environment}-{zlib.crc32(pinned.read_bytes()):08x}"
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        print(f"Making {folder} from {pinned.name} ...", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(pinned)]
        subprocess.run(install, check=True)
        complete.touch()
    return str(python)


def file_of(rows: Rows, suffix: str = "parquet") -> Path:
    """A file of such rows, which is made if it is not there."""
    path = cache_folder() / f"{rows.name}.{suffix}"
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        {"parquet": write_parquet, "jsonl": write_jsonl}[suffix](unfinished, rows)
        unfinished.rename(path)
    return path


# Runs -------------------------------------------------------------------------------------------


def run(one: Contender, path: Path, question: Question, limits: Limits) -> Run:
    """One run of a contender in a process of its own."""
    asked = [str(round(limits.gibibytes * GIBIBYTE)), one.name, str(path), *map(str, question)]
    process = subprocess.Popen(
        [python_of(one.environment), "-W", "ignore", str(HERE / "contenders.py"), *asked],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = process.communicate(timeout=limits.seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Run(f"over {limits.seconds:.0f} s")
    if process.returncode:
        return Run(reason_of(process.returncode, err, limits))
    told = json.loads(out)
    slices = tuple((where, n, wrong) for where, n, wrong in told.pop("slices"))
    return Run(None, **told, slices=slices)


def reason_of(status: int, err: str, limits: Limits) -> str:
    """Why a run failed, in few words."""
    signs = ("MemoryError", "bad_alloc", "Unable to allocate", "OutOfMemory", "can't allocate")
    if status < 0 or any(sign in err for sign in signs):
        return f"over {limits.gibibytes:g} GiB"
    lines = err.strip().splitlines() or [f"status {status}"]
    return f"failed: {lines[-1]}"


def median_run(one: Contender, path: Path, question: Question, limits: Limits) -> Run:
    """The run of several that took the median time, or the first that failed."""
    runs: list[Run] = []
    while len(runs) < limits.repeats:
        runs.append(run(one, path, question, limits))
        if runs[-1].failed:
            return runs[-1]
        if runs[-1].whole > LONG:
            break
    middle = statistics.median_low(one.whole for one in runs)
    return next(one for one in runs if one.whole == middle)._replace(
        runs=len(runs), peak=statistics.median(one.peak for one in runs)
    )


# Check ------------------------------------------------------------------------------------------


class Truth(NamedTuple):
    """Every slice of a file, counted row by row."""

    slices: dict[Where, Count]
    total: Count
    question: Question

    def best(self, measure: Callable[[Count, Count], Any]) -> list[Any]:
        """The best values of a measure, those above 0."""
        large = (one for one in self.slices.values() if one.n >= self.question.min_support)
        values = (measure(one, self.total) for one in large)
        return sorted((one for one in values if one > 0), reverse=True)[: self.question.top]


def sliceline_score(count: Count, total: Count) -> float:
    """SliceLine's score of a slice, rounded to compare (Sagadeeva & Boehm 2021, equation 1)."""
    if not count.wrong:
        return 0
    rate = count.wrong / count.n / (total.wrong / total.n) - 1
    size = total.n / count.n - 1
    return round(SLICELINE_ALPHA * rate - (1 - SLICELINE_ALPHA) * size, 9)


def truth_of(rows: Rows, min_support: int, depth: int) -> Truth:
    table, wrong = read_rows(file_of(rows))
    question = Question(depth, min_support, 10)
    return Truth(every_slice(table, wrong, depth), all_of(wrong), question)


def agreement(one: Contender, truth: Truth, answer: Run) -> str:
    """How many of the best a contender found, such as 10/10, or what is wrong with its answer."""
    if answer.failed:
        return answer.failed
    measure = sliceline_score if one.asks == SLICELINE else score
    found = []
    for where, n, wrong in answer.slices:
        count = truth.slices.get(tuple(sorted(where.items())))
        if count is None:  # such as one of values that stand together
            continue
        if n is not None and (n, wrong) != count:
            return "miscounts"
        if count.n >= truth.question.min_support:
            found.append(measure(count, truth.total))
    expected = truth.best(measure)
    return f"{(Counter(expected) & Counter(found)).total()}/{len(expected)}"


def is_whole(agreed: str) -> bool:
    found, _, expected = agreed.partition("/")
    return found == expected


def check(names: Sequence[str], limits: Limits) -> dict[str, bool]:
    """Whether each contender is exact on every small file; prints what it found on each."""
    asked = [
        (file, rows, truth_of(rows, min_support, depth))
        for file, (rows, min_support) in SMALL.items()
        for depth in ((2, 3) if file == next(iter(SMALL)) else (3,))
    ]
    print("Answers held against counting row by row: how many of the ten best are among them\n")
    heads = [f"{file}, {truth.question.depth} deep" for file, _, truth in asked]
    lines, exact = [], {}
    for name in names:
        one = CONTENDERS[name]
        agreed = [
            agreement(one, truth, run(one, file_of(rows), truth.question, limits))
            for _, rows, truth in asked
        ]
        exact[name] = all(map(is_whole, agreed))
        lines.append([name, "yes" if exact[name] else "no", one.asks, *map(shortened, agreed)])
    show(["", "exact", "asked for", *heads], lines)
    return exact


# Peers ------------------------------------------------------------------------------------------


class Timing:
    """Runs of contenders, each measured once."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.known: dict[tuple[str, Rows, int], Run] = {}

    def of(self, name: str, rows: Rows, depth: int) -> Run:
        key = (name, rows, depth)
        if key not in self.known:
            question = Question(depth, max(1, rows.n // SHARE_OF_ROWS), 10)
            path = file_of(rows, CONTENDERS[name].reads)
            print(f"{name}, {path.name}, depth {depth}", file=sys.stderr, flush=True)
            self.known[key] = median_run(CONTENDERS[name], path, question, self.limits)
            if self.known[key].failed:
                print(self.known[key].failed, file=sys.stderr, flush=True)
        return self.known[key]

    def star(self, name: str, rows: Rows, depth: int) -> str:
        """A star for another answer than that of the group-bys, where both tell their counts."""
        if CONTENDERS[name].asks != EXCESS:
            return ""
        runs = self.of(FLOORS[0], rows, depth), self.of(name, rows, depth)
        first, second = (sorted(one[1:] for one in taken.slices) for taken in runs)
        if runs[0].failed or (None, None) in second:
            return ""
        return "" if first == second else "*"


def peers(
    names: Sequence[str], timing: Timing, rows: int, depth: int, exact: Mapping[str, bool]
) -> None:
    """Prints a line for each contender, and what the best of them come to."""
    print(f"\n{len(SIZES)} attributes of {min(SIZES)} to {max(SIZES)} values, depth {depth}\n")
    heads = ["", "exact", "rows", "runs", "load s", "search s", "peak MB"]
    lines = []
    for name in names:
        for count, taken in tries(timing, name, rows, depth):
            said = "?" if name not in exact else "yes" if exact[name] else "no"
            line = [name, said, f"{count:,}"]
            if taken.failed:
                lines.append([*line, "", "", shortened(taken.failed)])
                continue
            star = timing.star(name, Rows(count), depth)
            line += [str(taken.runs), f"{taken.load:.2f}", f"{taken.search:.2f}{star}"]
            line += [f"{taken.peak / MEGABYTE:,.0f}"]
            lines.append([*line, *ratios(taken, timing.of(ENGINE, Rows(count), depth))])
    show([*heads, "time", "memory"], lines)
    print("\ntime: its search to the engine's whole way from the file, at as many rows")
    print("*: another answer than the group-bys'\n")
    for name in names:
        print(f"{name}: {CONTENDERS[name].note}")


def tries(timing: Timing, name: str, rows: int, depth: int) -> Iterator[tuple[int, Run]]:
    """Runs of a contender with fewer and fewer rows, until one succeeds."""
    while rows >= FEWEST_ROWS:
        taken = timing.of(name, Rows(rows), depth)
        yield rows, taken
        # What breaks for another reason will break with fewer rows too.
        if not taken.failed or not taken.failed.startswith("over "):
            return
        rows //= 10


def ratios(taken: Run, engine: Run) -> list[str]:
    if engine.failed:
        return ["", ""]
    return [f"{taken.search / engine.whole:,.1f}x", f"{taken.peak / engine.peak:.1f}x"]


# Growth -----------------------------------------------------------------------------------------


def growth(names: Sequence[str], timing: Timing, rows: int, depth: int) -> None:
    """Prints how seconds grow with rows, attributes, values of each attribute, and depth."""
    many = {
        "rows": [(f"{n:,}", Rows(n), depth) for n in (rows // 100, rows // 10, rows, rows * 10)],
        "attributes": [
            (str(n), Rows(rows, (SIZES * 2)[:n]), depth) for n in (5, len(SIZES), 15, 20)
        ],
        "values of each of ten attributes": [
            (str(n), Rows(rows, (n,) * 10), depth) for n in (3, 10, 30, 100)
        ],
        "depth": [(str(n), Rows(rows), n) for n in (1, 2, 3, 4)],
    }
    shown = [name for name in (ENGINE, *FLOORS, BEST_PEER) if name in names]
    for what, cases in many.items():
        print(f"\nSeconds of search by {what}; the engine's are from the file\n")
        lines = []
        for label, made, deep in cases:
            lines.append([label, *(seconds_of(timing, name, made, deep) for name in shown)])
        show([what, *shown], lines)


def seconds_of(timing: Timing, name: str, rows: Rows, depth: int) -> str:
    taken = timing.of(name, rows, depth)
    if taken.failed:
        return shortened(taken.failed)
    seconds = taken.whole if name == ENGINE else taken.search
    return f"{seconds:.2f}{timing.star(name, rows, depth)}"


# Embedded ---------------------------------------------------------------------------------------


def embedded(timing: Timing, hundred_million: bool) -> None:
    """Prints what many rows take beside a plain scan of the same columns."""
    cases = [(ENGINE, 10_000_000), (COMMAND, 1_000_000)]
    if hundred_million:
        cases.insert(1, (ENGINE, 100_000_000))
    for ours, count in cases:
        suffix = CONTENDERS[ours].reads
        print(f"\n{count:,} rows of {suffix}, depth 3, from the file\n")
        scans = [
            name for name, one in CONTENDERS.items() if (one.asks, one.reads) == (SCAN, suffix)
        ]
        runs = {name: timing.of(name, Rows(count), 3) for name in (ours, *scans)}
        lines = []
        for name, taken in runs.items():
            line = [name, shortened(taken.failed or f"{taken.whole:.2f}")]
            if not taken.failed:
                line.append(f"{taken.peak / MEGABYTE:,.0f}")
            if not taken.failed and not runs[ours].failed:
                line.append(f"{runs[ours].whole / taken.whole:.2f}x")
            lines.append(line)
        show(["", "seconds", "peak MB", "of this, ours takes"], lines)
        if ours == ENGINE and count <= CHECKED_AT_MOST and not runs[ours].failed:
            another = timing.star(ours, Rows(count), 3)
            print("\nAnother answer than the group-bys'!" if another else "\nAnswer checked.")


# Output -----------------------------------------------------------------------------------------


def shortened(text: str) -> str:
    """A text that fits into a cell."""
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."


def show(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Prints a table: the first column to the left, the others to the right."""
    table = [list(heads), *([*line, *[""] * (len(heads) - len(line))] for line in lines)]
    widths = [max(len(line[i]) for line in table) for i in range(len(heads))]
    for line in table:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("  ".join(cells).rstrip(), flush=True)


class Heard(io.StringIO):
    """What is printed, which is shown as well."""

    def write(self, text: str) -> int:
        sys.__stdout__.write(text)  # type: ignore[union-attr]
        return super().write(text)


@contextmanager
def heard(section: str, command: str, wanted: bool) -> Iterator[None]:
    """Shows what a section prints; where it is wanted, it goes into the page when all is said."""
    told = Heard()
    with redirect_stdout(told):
        yield
    if wanted:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(placed(page, section, command, told.getvalue()), encoding="utf-8")


def placed(page: str, section: str, command: str, told: str) -> str:
    """The page with what a section printed between its marks. Raises ValueError without them."""
    begin, end = (f"<!-- {mark} slices.py {section} -->" for mark in ("begin", "end"))
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{PAGE.name} has no {begin} with its end")
    return f"{before}{begin}\n```text\n$ {command}\n{told.strip()}\n```\n{end}{after}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the table of peers")
    parser.add_argument("--depth", type=int, default=3, help="of the table of peers")
    parser.add_argument("--repeats", type=int, default=3, help="the median is shown")
    parser.add_argument("--limit", type=float, default=120, help="seconds of a run")
    parser.add_argument("--memory", type=float, default=8, help="GiB of a run")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders whose names begin so")
    parser.add_argument("--hundred-million", action="store_true", help="rows too, embedded")
    parser.add_argument("--write", action="store_true", help="the tables into README.md")
    asked = parser.parse_args()
    for section in asked.sections:
        if section not in SECTIONS:
            parser.error(f"{section!r} is no section, expected one of {', '.join(SECTIONS)}")
    return asked


def main() -> None:
    asked = arguments()
    limits = Limits(asked.limit, asked.memory, asked.repeats)
    names = [
        name
        for name in CONTENDERS
        if not asked.only or any(name.startswith(start) for start in asked.only)
    ]
    answering = [name for name in names if CONTENDERS[name].asks not in (SCAN, COMMAND)]
    sections = asked.sections or SECTIONS
    timing, exact = Timing(limits), dict[str, bool]()
    quick = Timing(limits._replace(seconds=min(limits.seconds, LONG)))
    work = {
        "check": lambda: exact.update(check(answering, limits)),
        "peers": lambda: peers(answering, timing, asked.rows, asked.depth, exact),
        "growth": lambda: growth(names, quick, asked.rows, asked.depth),
        "embedded": lambda: embedded(timing, asked.hundred_million),
    }
    words = [word for word in sys.argv[1:] if word != "--write"]
    for section in SECTIONS:
        if section in sections:
            command = shlex.join(["python", "benchmarks/slices.py", *words])
            with heard(section, command, asked.write):
                work[section]()


if __name__ == "__main__":
    main()
