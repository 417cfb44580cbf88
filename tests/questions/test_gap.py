from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.questions.gap import gap_of, waterfall_of

from .cubes import cube_of, invoices


def test_the_gap_of_the_invoices_is_the_published_one() -> None:
    gap = gap_of(invoices())
    assert gap.value == Fraction(-55, 400)
    # Newcombe's interval by statsmodels' confint_proportions_2indep.
    assert gap.interval == pytest.approx((-0.1747119267, -0.1057271486), abs=1e-9)
    assert gap.to_dict()["value"] == "-0.1375"


def test_all_of_the_invoices_gap_is_uncovered() -> None:
    parts = waterfall_of(invoices(), ["shift_type"]).parts
    assert parts == {"uncovered": Fraction(-11, 80), "rate": 0, "mix": 0, "eval_only": 0}


def test_a_waterfall_by_hand() -> None:
    # Eval: 8/10 of a, 5/10 of b, 10/10 of c. Production: 4/10 of a, 15/30 of b, 0/10 of d.
    cube = cube_of(
        ["s"],
        {("a",): (8, 2, 0), ("b",): (5, 5, 0), ("c",): (10, 0, 0)},
        {("a",): (4, 6, 0), ("b",): (15, 15, 0), ("d",): (0, 10, 0)},
    )
    waterfall = waterfall_of(cube, ["s"])
    promised = Fraction(23, 30)
    assert waterfall.parts["uncovered"] == Fraction(1, 5) * (0 - promised)
    # Of the four fifths that are covered, a has gone from 1/2 to 1/4, and from 4/5 to 2/5.
    assert waterfall.orders["production"]["rate"] == Fraction(4, 5) * Fraction(1, 4) * Fraction(
        -2, 5
    )
    assert waterfall.orders["eval"]["rate"] == Fraction(4, 5) * Fraction(1, 2) * Fraction(-2, 5)
    assert waterfall.parts["rate"] == Fraction(4, 5) * Fraction(3, 8) * Fraction(-2, 5)
    assert waterfall.parts["eval_only"] == Fraction(4, 5) * (Fraction(13, 20) - promised)
    assert waterfall.to_dict()["orders"]["eval"]["rate"] == "-0.16"


def test_without_overlap_there_is_no_rate_and_no_mix() -> None:
    waterfall = waterfall_of(invoices(), ["shift_type"])
    assert not waterfall.overlap
    found = waterfall.to_dict()
    assert found["overlap"] is False
    assert (found["rate"], found["mix"]) == (None, None)
    assert (found["orders"]["eval"]["rate"], found["orders"]["production"]["mix"]) == (None, None)
    assert (found["uncovered"], found["eval_only"]) == ("-0.1375", "0")
    # All of production is uncovered, so that its interval is the gap's.
    ends = [float(end) for end in found["intervals"]["uncovered"]]
    assert ends == pytest.approx(gap_of(invoices()).interval)
    assert (found["intervals"]["rate"], found["intervals"]["mix"]) == (None, None)


def test_the_rows_of_a_waterfall_by_hand() -> None:
    # As above, but for c: eval 13/20, 8/10 of a and 5/10 of b; production a fifth of each and d.
    cube = cube_of(
        ["s"],
        {("a",): (8, 2, 0), ("b",): (5, 5, 0)},
        {("a",): (4, 6, 0), ("b",): (15, 15, 0), ("d",): (0, 10, 0)},
    )
    waterfall = waterfall_of(cube, ["s"])
    rows = {one.where["s"]: one for one in waterfall.slices}
    promised = Fraction(13, 20)
    assert rows["a"].parts["rate"] == Fraction(4, 5) * Fraction(3, 8) * Fraction(-2, 5)
    assert rows["a"].parts["mix"] == Fraction(4, 5) * Fraction(-1, 4) * (Fraction(3, 5) - promised)
    assert rows["b"].parts["rate"] == 0
    assert rows["d"].parts["uncovered"] == Fraction(-1, 5) * promised
    assert set(rows["a"].intervals) == {"rate", "mix"}
    assert set(rows["d"].intervals) == {"uncovered"}
    assert waterfall.to_dict()["slices"][2]["uncovered"] == "-0.13"


counts = st.tuples(*[st.integers(0, 6)] * 3)
cells = st.dictionaries(st.sampled_from([("a",), ("b",), ("c",), ("d",)]), counts, min_size=1)


@given(cells, cells)
def test_the_parts_sum_to_the_gap_in_every_order(before: dict, after: dict) -> None:  # type: ignore[type-arg]
    if not any(map(sum, before.values())) or not any(map(sum, after.values())):
        return
    cube = cube_of(["s"], before, after)
    waterfall = waterfall_of(cube, ["s"])
    for parts in (waterfall.parts, *waterfall.orders.values()):
        assert sum(parts.values()) == gap_of(cube).value
    for part, value in waterfall.parts.items():
        assert sum(one.parts[part] for one in waterfall.slices) == value
    shown = waterfall.to_dict()
    summed = sum(float(shown[part] or 0) for part in waterfall.parts)
    assert summed == pytest.approx(float(gap_of(cube).value), abs=1e-9)
