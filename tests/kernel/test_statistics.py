"""Intervals and tests of counts are what other programs give."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eval_autopsy import kernel

from .oracles import ORACLES

COUNTS = st.integers(0, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def cases(ids: list[str], inputs: str, values: str) -> list[Any]:
    """One parameter for each input of some oracles: the input, its value and the tolerance."""
    return [
        pytest.param(case, value, entry["tol"], id=f"{entry['id']}-{case}")
        for entry in (ORACLES[one] for one in ids)
        for case, value in zip(entry["inputs"][inputs], entry["values"][values], strict=True)
    ]


@pytest.mark.parametrize(
    ("case", "interval", "tolerance"), cases(["1.ci.wilson.R", "1.ci.wilson.py"], "cases", "ci")
)
def test_wilson_agrees_with_oracle(
    case: list[int], interval: list[float], tolerance: float
) -> None:
    assert kernel.wilson(*case) == pytest.approx(interval, abs=tolerance)


@pytest.mark.parametrize(
    ("case", "interval", "tolerance"),
    cases(["1.diff.newcombe.R", "1.diff.newcombe.py"], "cases_x1_n1_x2_n2", "ci"),
)
def test_newcombe_agrees_with_oracle(
    case: list[int], interval: list[float], tolerance: float
) -> None:
    assert kernel.newcombe(*case) == pytest.approx(interval, abs=tolerance)


def test_wilson_of_the_uncovered_mass_agrees_with_oracle() -> None:
    found = ORACLES["7.uncovered_mass"]
    assert kernel.wilson(12, 100) == pytest.approx(found["values"]["wilson"], abs=found["tol"])


def test_the_interval_of_no_records_is_everything() -> None:
    assert kernel.wilson(0, 0) == (0, 1)


@given(COUNTS)
@example((0, 10**9))
@example((1, 10**9))
@example((10**9 - 1, 10**9))
def test_wilson_holds_the_rate_and_stays_within_0_and_1(counted: tuple[int, int]) -> None:
    k, n = counted
    low, high = kernel.wilson(k, n)
    assert 0 <= low <= high <= 1
    assert low <= (k / n if n else 0.5) <= high


@given(st.integers(1, 10**9))
def test_wilson_ends_exactly_at_0_and_1(n: int) -> None:
    assert kernel.wilson(0, n)[0] == 0
    assert kernel.wilson(n, n)[1] == 1


@given(COUNTS)
def test_wilson_of_the_other_outcome_is_the_mirror(counted: tuple[int, int]) -> None:
    k, n = counted
    low, high = kernel.wilson(k, n)
    assert kernel.wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


SOME = st.integers(1, 10**5).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(SOME, SOME)
def test_newcombe_holds_the_difference_and_turns_around_with_it(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    low, high = kernel.newcombe(*one, *other)
    assert -1 <= low <= one[0] / one[1] - other[0] / other[1] <= high <= 1
    assert kernel.newcombe(*other, *one) == pytest.approx((-high, -low), abs=1e-12)


# ---------------------------------------------------------------- Fisher


def exact_fisher(a: int, b: int, c: int, d: int) -> Fraction:
    """The definition, in whole numbers: the weight of all tables that are no more likely."""
    row, column, total = a + b, a + c, a + b + c + d
    seen = everything = 0
    low = max(0, row + column - total)
    weight = math.comb(column, low) * math.comb(total - column, row - low)
    weights = {}
    for x in range(low, min(row, column) + 1):
        weights[x] = weight
        weight = weight * (column - x) * (row - x) // ((x + 1) * (total - column - row + x + 1))
    everything = sum(weights.values())
    limit = weights[a] * (10**7 + 1)  # a ten-millionth more is as likely, as R has it
    seen = sum(one for one in weights.values() if one * 10**7 <= limit)
    return Fraction(seen, everything)


@pytest.mark.parametrize("name", ["reorder", "verbose", "compact", "mixed", "delimiter"])
def test_fisher_agrees_with_oracle(name: str) -> None:
    entry = ORACLES["2.fisher.slice_vs_eval.invoice"]
    right, n = {
        "reorder": (0, 36),
        "verbose": (0, 8),
        "compact": (0, 6),
        "mixed": (0, 5),
        "delimiter": (187, 187),
    }[name]
    promised, counted = entry["inputs"]["eval"]
    found = kernel.fisher(right, n - right, promised, counted - promised)
    assert found == pytest.approx(entry["values"][name], rel=entry["tol"])


@given(st.tuples(*[st.integers(0, 60)] * 4))
def test_fisher_is_the_definition(cells: tuple[int, int, int, int]) -> None:
    assert kernel.fisher(*cells) == pytest.approx(float(exact_fisher(*cells)), rel=1e-9)


@pytest.mark.parametrize(
    "cells",
    [
        (500, 9_500, 600, 9_400),
        (5_000, 5_000, 5_050, 4_950),
        (3, 99_997, 15, 99_985),
        (10, 19_990, 0, 30_000),
        (1_375, 8_625, 0, 10_000),
    ],
)
def test_fisher_of_a_big_table_is_the_definition(cells: tuple[int, int, int, int]) -> None:
    assert kernel.fisher(*cells) == pytest.approx(float(exact_fisher(*cells)), rel=1e-6)


@given(st.tuples(*[st.integers(0, 10**4)] * 4))
def test_fisher_does_not_mind_which_way_the_table_lies(cells: tuple[int, int, int, int]) -> None:
    a, b, c, d = cells
    turned = [kernel.fisher(a, c, b, d), kernel.fisher(d, c, b, a), kernel.fisher(b, a, d, c)]
    assert turned == pytest.approx([kernel.fisher(*cells)] * 3, rel=1e-6, abs=1e-300)
    assert 0 <= kernel.fisher(*cells) <= 1


# ---------------------------------------------------------------- Holm


@pytest.mark.parametrize(
    ("name", "p", "adjusted"),
    [
        ("2.bh_by_holm.R", "p", "holm"),
        ("2.bh_by_holm.R", "p_ties", "holm_ties"),
        ("2.bh_by_holm.py", "p", "holm_sm"),
    ],
)
def test_holm_agrees_with_oracle(name: str, p: str, adjusted: str) -> None:
    entry = ORACLES[name]
    found = kernel.holm(entry["inputs"][p])
    assert found == pytest.approx(entry["values"][adjusted], abs=entry["tol"])


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_raises_no_p_above_1_and_lowers_none_and_keeps_their_order(p: list[float]) -> None:
    adjusted = kernel.holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, adjusted, strict=True))
    by_p = [after for _, after in sorted(zip(p, adjusted, strict=True))]
    assert by_p == sorted(by_p)
    assert all(min(1, len(p) * one) in adjusted for one in p if one == min(p))
