"""What the pages say was measured follows from what they say was counted.

A measurement takes minutes to hours, and cannot be made again by a test. What can: every interval
from its count, by the kernel; every summary from the scenarios; every ratio from its seconds. A
block of measurements that no rule here reads is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from eval_autopsy import kernel

ROOT = Path(__file__).resolve().parents[2]
SEARCH = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
BENCHMARKS = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
CLUSTERS = (ROOT / "benchmarks" / "clusters.txt").read_text(encoding="utf-8")
SCENARIOS = (ROOT / "benchmarks" / "intervals.txt").read_text(encoding="utf-8")

RATE = re.compile(r"(\d+\.\d)%? \[ ?(\d+\.\d),\s+(\d+\.\d)\]")
BLOCK = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
Rate = tuple[Decimal, ...]  # in per cent: the rate, and the ends of its interval


def rates(text: str) -> list[Rate]:
    return [tuple(map(Decimal, found)) for found in RATE.findall(text)]


def of_counts(runs: int) -> set[Rate]:
    """Every rate that so many runs can have, with its interval, as the pages write them."""
    tenth = Decimal("0.1")
    found = set()
    for k in range(runs + 1):
        low, high = kernel.wilson(k, runs)
        found.add(tuple(Decimal(100 * x).quantize(tenth) for x in (k / runs, low, high)))
    return found


def counted() -> Iterator[tuple[str, list[int], list[Rate]]]:
    """Where docs/search.md states rates, the runs that it names there, and the rates."""
    for block in BLOCK.findall(SEARCH):
        for line in block.splitlines()[1:]:
            name, runs = re.findall(r"^(.+?) {2,}(\d+) {2,}", line)[0]
            yield name, [int(runs)], rates(line)
    for sentence in re.split(r"(?<=[;.])\s", BLOCK.sub("", SEARCH)):
        runs = re.findall(r"(?<![\d.,\[])\d{2,3}(?![\d%]|[.,]\d)", sentence)
        yield sentence, [int(one) for one in runs], rates(sentence)


def test_every_interval_of_the_search_follows_from_a_count_beside_it() -> None:
    for where, runs, found in counted():
        possible = {rate for one in runs for rate in of_counts(one)} if found else set()
        assert [one for one in found if one not in possible] == [], where


def test_no_rate_of_the_search_is_left_out_here() -> None:
    assert sum(len(found) for _, _, found in counted()) == len(rates(SEARCH)) > 100


def columns(kind: str) -> list[Decimal]:
    """The coverage of each scenario of one kind of interval, in per cent."""
    (part,) = re.findall(rf"(?ms)^{kind} +coverage .*?\n(.*?)^mean of", SCENARIOS)
    return [Decimal(line[46:56].strip()) for line in part.splitlines()]


KINDS = {
    "the gap": "gap",
    "uncovered": "uncovered",
    "rate, mean of both orders": "rate",
    "mix, mean of both orders": "mix",
    "eval only": "eval_only",
    "a slice's contribution": "contribution",
    "a slice's rate": "slice rate",
    "a slice's mix": "slice mix",
    "unseen anywhere (Good-Turing)": "unseen anywhere",
}


@pytest.mark.parametrize("words", KINDS)
def test_the_summary_of_intervals_is_that_of_the_scenarios(words: str) -> None:
    cover = columns(KINDS[words])
    within = sum(94 <= one <= 96 for one in cover)
    row = re.search(rf"^\| {re.escape(words)} \| (.*) \|$", BENCHMARKS, re.MULTILINE)
    assert row is not None
    mean, lowest, highest, share = row[1].split(" | ")
    assert (Decimal(lowest), Decimal(highest)) == (min(cover), max(cover))
    assert abs(Decimal(mean) * len(cover) - sum(cover)) <= Decimal("0.1") * len(cover)
    # A coverage that prints as 94.0 or 96.0 may lie on either side.
    edges = sum(one in (Decimal("94.0"), Decimal("96.0")) for one in cover)
    assert abs(int(share.split()[0]) - within) <= edges
    assert int(share.split()[2]) == len(cover)


OF_CLUSTERS = re.compile(r"^\| (\d+ clusters of .*?) \| (\d+\.\d) \| (\d+\.\d) \|$", re.MULTILINE)


def test_every_coverage_of_clusters_is_that_of_its_scenario() -> None:
    measured = re.findall(r"^(\d+ clusters of .*?) {2,}([\d.]+) +[\d.]+ +([\d.]+)", CLUSTERS, re.M)
    written = OF_CLUSTERS.findall(BENCHMARKS)
    assert len(written) > 10
    assert [row for row in written if row not in measured] == []


NUMBER = r"[\d,]+(?:\.\d+)?"
OF_A_SCREEN = re.compile(rf"^ +{NUMBER} +({NUMBER}) s +({NUMBER}) s +({NUMBER})x", re.MULTILINE)
TIMED = re.compile(rf"^(\S.*?) {{2,}}({NUMBER})  .*?({NUMBER})x$", re.MULTILINE)


PEER = re.compile(
    rf"^(\S.*?) {{2,}}(?:yes|no) +({NUMBER}) +\d+ +({NUMBER}) +({NUMBER}) +({NUMBER})"
    rf" +({NUMBER})x\*? +({NUMBER})x$",
    re.MULTILINE,
)
OF_MEMORY = re.compile(rf"^ +\S.*? {{2,}}{NUMBER} s +({NUMBER}) MB +({NUMBER})x$", re.MULTILINE)


def plain(number: str) -> Decimal:
    return Decimal(number.replace(",", ""))


def rounded(number: str) -> tuple[Decimal, Decimal]:
    """What a number may have been before it was rounded as it is written."""
    half = Decimal(1).scaleb(-len(number.partition(".")[2])) / 2
    return plain(number) - half, plain(number) + half


def may_be(ratio: str, top: str, below: str) -> bool:
    """Whether a ratio is that of two numbers which were rounded, too."""
    (low, high), (a, more), (b, most) = map(rounded, (ratio, top, below))
    return a / most <= high and low <= more / b


def timed() -> dict[str, list[tuple[str, str, str]]]:
    """Blocks of benchmarks/README.md whose lines are a name, seconds and a ratio, by their head."""
    return {block: TIMED.findall(block) for block in BLOCK.findall(BENCHMARKS)}


def ratios() -> Iterator[tuple[str, str, str, str]]:
    """Every ratio of two times or sizes: its name, itself, and those above and below."""
    for block, lines in timed().items():
        if "of the loop" in block:
            for name, seconds, ratio in lines:
                yield name, ratio, seconds, lines[0][1]
        elif "of this, ours takes" in block:
            for part in block.split("\n\n"):
                rows = TIMED.findall(part)
                for name, seconds, ratio in rows:
                    yield name, ratio, rows[0][1], seconds
        for long, short, ratio in OF_A_SCREEN.findall(block):
            yield "first screen", ratio, long, short
        yield from of_peers(block)
        held = OF_MEMORY.findall(block)
        for size, ratio in held:
            yield "memory", ratio, size, held[0][0]


def of_peers(block: str) -> Iterator[tuple[str, str, str, str]]:
    """The ratios of those contenders that had as many rows as the engine, which is the first."""
    lines = PEER.findall(block)
    for name, rows, _, search, peak, time, memory in lines:
        if rows == lines[0][1]:
            yield name, time, search, lines[0][3]
            yield name, memory, peak, lines[0][4]


def with_fewer_rows(block: str) -> int:
    """How many ratios are to a time of the engine that its line does not show."""
    lines = PEER.findall(block)
    return sum(2 for one in lines if one[1] != lines[0][1])


def test_every_ratio_follows_from_what_it_is_of() -> None:
    found = list(ratios())
    assert [one for one in found if not may_be(*one[1:])] == []
    written = [ratio for block in timed() for ratio in re.findall(rf"{NUMBER}x", block)]
    assert len(found) == len(written) - sum(map(with_fewer_rows, timed()))


def test_records_in_a_second_follow_from_the_seconds() -> None:
    (block,) = (one for one in timed() if "records/s" in one)
    rows = re.findall(rf"^\S.*? {{2,}}({NUMBER}) +({NUMBER}) +{NUMBER}x$", block, re.MULTILINE)
    assert len(rows) == len(block.splitlines()) - 2
    records = block.split()[0]
    assert [row for row in rows if not may_be(row[1], records, row[0])] == []
