"""Right and wrong before and after a change."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.questions.ablation import Tried, effects_of
from eval_autopsy.questions.pairs import Pairs, mcnemar, paired_interval

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "oracles.json"
ORACLES = {entry["id"]: entry for entry in json.loads(VECTORS.read_text("utf-8"))["oracles"]}


counts = st.integers(0, 60)


@pytest.mark.parametrize("name", ["1.paired.mcnemar.R", "1.paired.mcnemar.py"])
def test_mcnemar_agrees_with_other_programs(name: str) -> None:
    oracle = ORACLES[name]
    cases, wanted = oracle["inputs"]["cases_b_c"], oracle["values"]["exact_p"]
    for (broken, mended), p in zip(cases, wanted, strict=True):
        assert mcnemar(broken, mended) == pytest.approx(p, rel=oracle["tol"], abs=0)


def test_the_paired_interval_agrees_with_other_programs() -> None:
    oracle = ORACLES["1.paired.newcombe10.R"]
    for (right, broken, mended, wrong), ends in zip(
        oracle["inputs"]["cases_a_b_c_d"], oracle["values"]["ci"], strict=True
    ):
        # The programs take the second from the first: before less after.
        low, high = paired_interval(Pairs(right, broken, mended, wrong))
        assert (-high, -low) == pytest.approx(tuple(ends), abs=oracle["tol"])


@given(counts, counts, counts, counts)
def test_the_interval_holds_the_difference_and_turns_with_it(
    right: int, broken: int, mended: int, wrong: int
) -> None:
    pairs = Pairs(right, broken, mended, wrong)
    low, high = paired_interval(pairs)
    assert -1 <= low <= high <= 1
    if pairs.n:
        assert low - 1e-12 <= (mended - broken) / pairs.n <= high + 1e-12
    turned = paired_interval(Pairs(right, mended, broken, wrong))
    assert turned == pytest.approx((-high, -low), abs=1e-12)


def tried(*pairs: int, name: str = "x") -> Tried:
    return Tried("all", (name,), Pairs(*pairs), {})


def test_every_trial_counts_in_the_adjustment_but_those_on_no_record() -> None:
    # 8 flips one way: 2/2**8 = 0.0078125, times the three trials that had records.
    effects = effects_of(
        [tried(0, 8, 0, 0), tried(9, 0, 0, 0), tried(0, 0, 0, 0), tried(5, 1, 0, 0)]
    )
    assert [one.p_adjusted for one in effects] == [0.0234375, 1.0, 1.0, 1.0]
    assert [one.breaks for one in effects] == [True, False, False, False]


def test_a_change_that_breaks_some_and_mends_as_many_has_no_effect() -> None:
    (effect,) = effects_of([tried(3, 20, 20, 3)])
    assert effect.difference == Fraction(0)
    assert (effect.p, effect.breaks, effect.mends) == (1.0, False, False)


def test_an_effect_says_how_many_were_right_before_and_after() -> None:
    (effect,) = effects_of([tried(4, 1, 9, 6)])
    shown = effect.to_dict()
    assert (shown["before"]["k"], shown["after"]["k"], shown["n"]) == (5, 13, 20)
    assert (shown["broken"], shown["mended"], shown["effect"]) == (1, 9, "0.4")
    assert effect.mends
