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
