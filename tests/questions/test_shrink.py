from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.questions.shrink import likeness, shrunk_rates

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "oracles.json"
ORACLES = {entry["id"]: entry for entry in json.loads(VECTORS.read_text("utf-8"))["oracles"]}

counted = st.integers(0, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
some = st.lists(counted, min_size=1, max_size=8).filter(lambda all_: any(n for _, n in all_))


def inputs(name: str) -> list[tuple[int, int]]:
    return list(zip(ORACLES[name]["inputs"]["x"], ORACLES[name]["inputs"]["n"], strict=True))


@pytest.mark.parametrize("name", ["2.eb.betabinom_equal.py", "2.eb.betabinom_unequal.py"])
def test_shrunk_rates_agree_with_oracle(name: str) -> None:
    wanted = ORACLES[name]["values"]["mom"]
    assert likeness(inputs(name), wanted["mu"]) == pytest.approx(wanted["rho"], abs=1e-9)
    assert shrunk_rates(inputs(name)) == pytest.approx(wanted["shrunk"], abs=1e-9)


@pytest.mark.parametrize("name", ["2.eb.boundary.invoice", "2.eb.boundary.same_rate"])
def test_the_likeness_agrees_with_oracle_where_there_is_all_of_it_or_nothing(name: str) -> None:
    values = ORACLES[name]["values"]
    found = likeness(inputs(name), values["mom_mu"])
    assert found == pytest.approx(values["mom_rho"], abs=1.1e-9)


def test_slices_that_are_all_right_or_all_wrong_keep_their_rates() -> None:
    found = shrunk_rates(inputs("2.eb.boundary.invoice"))
    assert found == pytest.approx([1, 1, 0, 0, 0, 0], abs=1e-9)


def test_slices_that_differ_no_more_than_by_chance_have_the_rate_of_all() -> None:
    assert shrunk_rates([(5, 10), (6, 10), (10, 20)]) == [21 / 40] * 3


def test_the_smaller_of_two_slices_with_the_same_rate_is_drawn_further() -> None:
    rates = shrunk_rates([(95, 100), (0, 2), (0, 40), (90, 100)])
    assert 0 < rates[2] < rates[1] < rates[0]


def test_a_slice_of_no_records_has_the_rate_of_all() -> None:
    assert shrunk_rates([(9, 10), (1, 10), (0, 0)])[2] == pytest.approx(0.5)


def test_without_slices_there_is_nothing_and_without_records_no_rate() -> None:
    assert shrunk_rates([]) == []
    with pytest.raises(kernel.Undefined):
        shrunk_rates([(0, 0)])


@given(some)
def test_a_shrunk_rate_lies_between_the_slices_own_and_that_of_all(
    counts: list[tuple[int, int]],
) -> None:
    mean = sum(k for k, _ in counts) / sum(n for _, n in counts)
    for rate, (k, n) in zip(shrunk_rates(counts), counts, strict=True):
        own = k / n if n else mean
        assert min(own, mean) - 1e-12 <= rate <= max(own, mean) + 1e-12
