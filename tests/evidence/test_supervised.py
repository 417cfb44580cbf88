"""Bands that were chosen by what is right are tested in records that had no say in them."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import api, attributes, kernel
from eval_autopsy.case.load import load
from eval_autopsy.evidence import gather
from eval_autopsy.questions.discover import NOT_TESTED
from eval_autopsy.receipt.verify import verify

CASE = """
name = "timed"
[data]
file = "all.csv"
split = "set"
splits = { eval = "dev", production = "live" }
[fields]
score = "score"
[slices]
bands = { latency = "supervised" }
"""
Outcome = Callable[[str, float], bool]


def made(folder: Path, production: int, right: Outcome, seed: int = 0) -> Path:
    """A case with so many records of production, and 200 of eval; `right` of an id and latency."""
    chance = random.Random(seed)
    rows = ["id,set,score,latency"]
    for number in range(200 + production):
        latency = round(chance.uniform(0, 4), 2)
        split = "live" if number >= 200 else "dev"
        rows.append(f"r{number},{split},{int(right(f'r{number}', latency))},{latency}")
    folder.mkdir(exist_ok=True)
    (folder / "autopsy.toml").write_text(CASE, encoding="utf-8")
    (folder / "all.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def slow_ones_wrong(identity: str, latency: float) -> bool:
    return latency < 3 or int(identity[1:]) % 10 == 0


def edges(folder: Path, seed: int = 0) -> Any:
    [one] = gather(load(folder), folder, seed=seed).spec["attributes"]
    return one["edges"]


def test_edges_follow_from_the_half_that_is_searched_alone(tmp_path: Path) -> None:
    def only_searched(identity: str, latency: float) -> bool:
        if kernel.half_of(0, identity) == "search":
            return slow_ones_wrong(identity, latency)
        return latency > 1

    as_it_is = edges(made(tmp_path / "a", 1200, slow_ones_wrong))
    assert [float(edge) for edge in as_it_is] == pytest.approx([3], abs=0.1)
    assert edges(made(tmp_path / "b", 1200, only_searched)) == as_it_is


def test_a_band_is_confirmed_by_the_half_that_had_no_say_in_it(tmp_path: Path) -> None:
    found = api.open(made(tmp_path, 1200, slow_ones_wrong)).slices()
    [one] = found.found
    assert next(iter(one.where.values())).keys() == {"band"}
    assert (one.p_method, one.confirmed) == ("held-out-fisher-holm", True)
    [breakdown] = found.breakdowns
    assert breakdown.supervised
    table = {(row.p_adjusted, row.p_method, row.confirmed) for row in breakdown.slices}
    assert table == {(1.0, NOT_TESTED, False)}


def test_without_a_half_to_test_them_in_such_bands_are_not_searched_by(tmp_path: Path) -> None:
    found = api.open(made(tmp_path, 400, slow_ones_wrong)).slices()
    assert found.found == ()
    [reason] = [one.reason for one in found.set_aside if one.attribute == "latency"]
    assert reason == (
        "not searched: its bands were chosen by what is right, and 1,000 records are needed "
        "to test them in others"
    )


@pytest.mark.parametrize(("production", "confirmed"), [(400, False), (1200, True)])
def test_a_receipt_measures_such_a_band_only_where_it_could_be_tested(
    tmp_path: Path, production: int, confirmed: bool
) -> None:
    done = api.open(made(tmp_path, production, slow_ones_wrong)).run(tmp_path)
    kinds = {one["kind"] for one in done.verification.page.findings.values()}
    assert ("slice" in kinds) is confirmed
    report = (done.folder / "REPORT.md").read_text(encoding="utf-8")
    assert "These bands were chosen by what is right and wrong" in report
    assert verify(done.folder).verdict == "holds"


def greedy(outcomes: attributes.Outcomes) -> list[Decimal]:
    """The band of forty numbers in which the most answers are wrong."""
    numbers = sorted(outcomes)

    def wrong(at: int) -> float:
        k, n = (sum(outcomes[one][i] for one in numbers[at : at + 40]) for i in (0, 1))
        return n / (k + n)

    worst = max(range(1, len(numbers) - 40), key=wrong)
    return [numbers[worst], numbers[worst + 40]]


def test_bands_of_noise_are_confirmed_no_more_often_than_chance_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Noise gives no edge that pays, so that the worst bands there are stand in for them.
    monkeypatch.setattr(attributes, "supervised_bands", greedy)

    def confirms(seed: int) -> bool:
        chance = random.Random(f"outcomes {seed}")
        folder = made(tmp_path, 1000, lambda *_: chance.random() < 0.8, seed)
        return bool(api.open(folder).slices().found)

    # One run in twenty may; of sixty at most seven, but for one time in a hundred.
    assert sum(map(confirms, range(60))) <= 7
