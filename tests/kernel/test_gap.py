"""The gap is the exact sum of its parts, and of what each slice adds."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eval_autopsy import kernel

from .oracles import ORACLES, Slices, cube_of

ORDERS = ("symmetric", "production", "eval")
FOUR_TERMS = [
    "3.four_term_identity.absent_slices",
    "3.invoice.six_slices",
    "3.invoice.two_slices",
    "3.guard.shift_flag",
    "3.guard.confidence_bins",
]


def exactly(values: dict[str, Any], name: str) -> Fraction:
    """A value of an oracle as the fraction that it gives, or as near as its decimals are."""
    return Fraction(values.get("exact", {}).get(name, str(values[name])))


def expected_parts(values: dict[str, Any], order: str) -> dict[str, Fraction]:
    """An oracle's four parts. It gives two orders; the third is their mirror, 2 * mean - other."""
    parts = {"uncovered": exactly(values, "uncovered"), "eval_only": exactly(values, "eval_only")}
    for name in ("rate", "mix"):
        mean, weighted = (exactly(values, f"{name}_{which}") for which in ("sym", "prodweighted"))
        other = {"symmetric": mean, "production": weighted, "eval": 2 * mean - weighted}
        parts[name] = other[order]
    return parts


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", FOUR_TERMS)
def test_the_parts_of_the_gap_agree_with_oracle(name: str, order: str) -> None:
    entry = ORACLES[name]
    cube = cube_of(entry["inputs"]["eval"], entry["inputs"]["prod"])
    found = kernel.gap_parts(cube, ["s"], order)
    wanted = expected_parts(entry["values"], order)
    assert set(found) == set(wanted)
    for part, value in wanted.items():
        assert found[part] == pytest.approx(value, abs=entry["tol"]), part
    if "exact" in entry["values"]:
        assert found == wanted


def test_kitagawa_agrees_with_oracle_in_all_three_orders() -> None:
    entry = ORACLES["3.kitagawa_oaxaca.shared"]
    cube = cube_of(entry["inputs"]["eval"], entry["inputs"]["prod"])
    mean = kernel.gap_parts(cube, ["s"], "symmetric")
    exact = {name: Fraction(text) for name, text in entry["values"]["exact"].items()}
    assert (mean["mix"], mean["rate"]) == (exact["mix"], exact["rate"])
    # Threefold, from eval: what the mix does at eval's rates, the rates at eval's mix, and both.
    threefold = entry["values"]["threefold_base_eval"]
    from_eval = kernel.gap_parts(cube, ["s"], "eval")
    from_production = kernel.gap_parts(cube, ["s"], "production")
    assert from_production["mix"] == pytest.approx(threefold["endowments"], abs=entry["tol"])
    assert from_eval["rate"] == pytest.approx(threefold["coefficients"], abs=entry["tol"])
    both = from_eval["mix"] - from_production["mix"]
    assert both == pytest.approx(threefold["interaction"], abs=entry["tol"])


@pytest.mark.parametrize(
    "name", ["3.four_term_identity.absent_slices", "3.invoice.six_slices", "3.guard.shift_flag"]
)
def test_contributions_agree_with_oracle(name: str) -> None:
    entry = ORACLES[name]
    cube = cube_of(entry["inputs"]["eval"], entry["inputs"]["prod"])
    for one, value in entry["values"]["contrib"].items():
        found = kernel.contribution(cube, {"s": [one]})
        assert found == pytest.approx(value, abs=entry["tol"]), one


@pytest.mark.parametrize("share", ["0.5", "0.8", "0.9", "0.95", "1"])
def test_the_smallest_set_agrees_with_oracle(share: str) -> None:
    entry = ORACLES["4.smallest_set.invoice"]
    data = ORACLES["3.invoice.six_slices"]["inputs"]
    found = kernel.smallest_set(cube_of(data["eval"], data["prod"]), ["s"], share)
    wanted = entry["values"][{"1": "1.0"}.get(share, share)]["set"]
    assert found == [(f'"{name}"',) for name in wanted]


HOMOGENEITY = ORACLES["4.homogeneity.py"]


@pytest.mark.parametrize("name", list(HOMOGENEITY["inputs"]["data"]))
def test_eta_squared_agrees_with_oracle(name: str) -> None:
    right, n = HOMOGENEITY["inputs"]["data"][name]
    slices = {str(i): pair for i, pair in enumerate(zip(right, n, strict=True))}
    found = kernel.eta_squared(cube_of({}, slices), "production", ["s"])
    assert found == pytest.approx(HOMOGENEITY["values"][name]["eta2"], abs=HOMOGENEITY["tol"])


def test_eta_squared_is_chi_square_over_n() -> None:
    entry = ORACLES["4.homogeneity.R"]["values"]["uneq"]
    right, n = HOMOGENEITY["inputs"]["data"]["uneq"]
    slices = {str(i): pair for i, pair in enumerate(zip(right, n, strict=True))}
    found = kernel.eta_squared(cube_of({}, slices), "production", ["s"])
    assert found * sum(n) == pytest.approx(entry["X2"], rel=1e-9)


def test_the_uncovered_mass_agrees_with_oracle() -> None:
    entry = ORACLES["7.uncovered_mass"]
    promised = dict.fromkeys(entry["inputs"]["eval_slices"], (1, 1))
    production = {name: (0, n) for name, n in entry["inputs"]["prod"].items()}
    k, n = kernel.derive("unseen", {"by": ["s"]}, cube_of(promised, production)).split("/")
    assert int(k) / int(n) == pytest.approx(entry["values"]["u"], abs=entry["tol"])


# ---------------------------------------------------------------- for any slices

PAIRS = st.integers(1, 50).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
SLICES = st.dictionaries(st.sampled_from("abcdef"), PAIRS, min_size=1)


def gap_of(promised: Slices, production: Slices) -> Fraction:
    """Production's rate less eval's, from the numbers of the slices."""
    before, after = (
        Fraction(sum(k for k, _ in slices.values()), sum(n for _, n in slices.values()))
        for slices in (promised, production)
    )
    return after - before


@given(SLICES, SLICES, st.sampled_from(ORDERS))
def test_the_parts_of_the_gap_sum_to_the_gap(promised: Slices, after: Slices, order: str) -> None:
    parts = kernel.gap_parts(cube_of(promised, after), ["s"], order)
    assert sum(parts.values()) == gap_of(promised, after)


@given(SLICES, SLICES)
def test_the_symmetric_parts_are_the_mean_of_both_orders(promised: Slices, after: Slices) -> None:
    cube = cube_of(promised, after)
    mean, one, other = (kernel.gap_parts(cube, ["s"], order) for order in ORDERS)
    assert {name: (one[name] + other[name]) / 2 for name in mean} == mean
    assert one["uncovered"] == other["uncovered"]
    assert one["eval_only"] == other["eval_only"]


@given(SLICES, SLICES)
def test_contributions_of_all_slices_sum_to_the_gap(promised: Slices, after: Slices) -> None:
    cube = cube_of(promised, after)
    pieces = [kernel.contribution(cube, {"s": [name]}) for name in after]
    assert sum(pieces) == kernel.contribution(cube, {}) == gap_of(promised, after)
    unseen = [name for name in after if name not in promised]
    uncovered = kernel.gap_parts(cube, ["s"], "symmetric")["uncovered"]
    assert uncovered == sum(kernel.contribution(cube, {"s": [name]}) for name in unseen)


@given(SLICES, SLICES)
def test_nothing_is_uncovered_and_nothing_eval_only_where_all_is_shared(
    promised: Slices, after: Slices
) -> None:
    shared = set(promised) & set(after)
    assume(shared)
    parts = kernel.gap_parts(
        cube_of({s: promised[s] for s in shared}, {s: after[s] for s in shared}), ["s"], "eval"
    )
    assert parts["uncovered"] == parts["eval_only"] == 0


@given(SLICES, SLICES, st.sampled_from(["0.25", "0.5", "0.8", "0.9999", "1"]))
def test_no_smaller_set_carries_the_share_of_the_loss(
    promised: Slices, after: Slices, share: str
) -> None:
    cube = cube_of(promised, after)
    losses: dict[kernel.Levels, Fraction] = {
        (f'"{name}"',): min(Fraction(0), kernel.contribution(cube, {"s": [name]})) for name in after
    }
    wanted = Fraction(share) * sum(losses.values())
    found = kernel.smallest_set(cube, ["s"], share)
    assert sum(losses[one] for one in found) <= wanted
    assert all(losses[one] < 0 for one in found)
    for fewer in combinations(losses, max(0, len(found) - 1)):
        assert wanted == 0 or sum(losses[one] for one in fewer) > wanted


@given(SLICES)
def test_eta_squared_lies_between_0_and_1_and_is_1_for_pure_slices(slices: Slices) -> None:
    k, n = (sum(pair[i] for pair in slices.values()) for i in (0, 1))
    cube = cube_of({}, slices)
    if k in (0, n):
        with pytest.raises(kernel.Undefined):
            kernel.eta_squared(cube, "production", ["s"])
        return
    found = kernel.eta_squared(cube, "production", ["s"])
    assert 0 <= found <= 1
    assert (found == 1) == all(right in (0, counted) for right, counted in slices.values())


@given(SLICES)
def test_eta_squared_is_the_variance_between_over_the_variance(slices: Slices) -> None:
    marks = [(name, mark) for name, (k, n) in slices.items() for mark in [1] * k + [0] * (n - k)]
    mean = Fraction(sum(mark for _, mark in marks), len(marks))
    assume(mean not in (0, 1))
    whole = sum((mark - mean) ** 2 for _, mark in marks)
    between = sum((Fraction(*slices[name]) - mean) ** 2 for name, _ in marks)
    assert kernel.eta_squared(cube_of({}, slices), "production", ["s"]) == between / whole


# ---------------------------------------------------------------- one slice against the rest


def test_the_p_of_a_slice_is_fisher_against_the_rest_by_holm() -> None:
    # Two slices have one test twice over, so that Holm doubles it.
    cube = cube_of({"a": (9, 10)}, {"a": (9, 10), "b": (1, 10)})
    once = kernel.fisher(1, 9, 9, 1)
    assert kernel.p_adjusted(cube, {"s": ["a"]}) == pytest.approx(2 * once)
    assert kernel.p_adjusted(cube, {"s": ["b"]}) == pytest.approx(2 * once)


@pytest.mark.parametrize("levels", [["a", "b"], ["c"]])
def test_what_is_not_one_slice_of_production_has_no_p(levels: list[str]) -> None:
    cube = cube_of({"a": (9, 10), "c": (1, 1)}, {"a": (9, 10), "b": (1, 10)})
    with pytest.raises(kernel.Undefined):
        kernel.p_adjusted(cube, {"s": levels})


def test_a_rate_of_no_records_is_undefined() -> None:
    with pytest.raises(kernel.Undefined, match="no records"):
        kernel.ratio(0, 0)


def test_a_share_of_no_gap_is_undefined() -> None:
    cube = cube_of({"a": (1, 2)}, {"a": (1, 2)})
    with pytest.raises(kernel.Undefined, match="no gap"):
        kernel.derive("gap_share", {"where": {}}, cube)
