"""The intervals of the gap's parts are what other programs give, or the definition written out."""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eval_autopsy import kernel

from .oracles import ORACLES, Slices, cube_of
from .test_gap import ORDERS, PAIRS, SLICES

Z = NormalDist().inv_cdf(0.975)
SHARED = st.dictionaries(st.sampled_from("abcd"), st.tuples(PAIRS, PAIRS), min_size=1)
EVAL = {"A": (18, 20), "B": (24, 30), "C": (45, 50), "Z": (10, 25)}
PRODUCTION = {"A": (28, 40), "B": (10, 20), "C": (20, 40), "D": (3, 15), "E": (9, 10)}

# ---------------------------------------------------------------- oracles


def test_mover_agrees_with_oracle() -> None:
    entry = ORACLES["3.mover.rate_term"]
    terms = entry["inputs"]["terms"]
    value = math.fsum(weight * k / n for weight, k, n in terms)
    found = (value, *kernel.mover(value, terms))
    assert found == pytest.approx(entry["values"]["est_lo_hi"], abs=entry["tol"])


def test_mover_of_a_difference_agrees_with_oracle() -> None:
    entry = ORACLES["3.mover.rate_term"]
    found = kernel.mover(345 / 400 - 1, [(1, 345, 400), (-1, 400, 400)])
    wanted = entry["values"]["single_slice_equals_newcombe"]
    assert found == pytest.approx(wanted[1:], abs=entry["tol"])


def test_the_contribution_of_all_records_has_the_interval_of_the_gap() -> None:
    entry = ORACLES["3.guard.shift_flag"]
    cube = cube_of(entry["inputs"]["eval"], entry["inputs"]["prod"])
    found = kernel.contribution_interval(cube, {})
    assert found == pytest.approx(entry["values"]["newcombe_gap"], abs=entry["tol"])
    both = kernel.contribution_interval(cube, {"s": ["shifted", "unshifted"]})
    assert both == found


@pytest.mark.parametrize("order", ORDERS)
def test_the_rate_of_a_single_slice_has_the_interval_of_a_difference(order: str) -> None:
    entry = ORACLES["3.guard.shift_flag"]
    cube = cube_of({"unshifted": (386, 500)}, {"unshifted": (229, 303)})
    found = kernel.gap_part_interval(cube, "rate", order, ["s"])
    assert found == pytest.approx(entry["values"]["newcombe_rate_unshifted"], abs=entry["tol"])
    assert kernel.gap_part_interval(cube, "mix", order, ["s"]) == pytest.approx((0, 0), abs=1e-12)


def test_good_turing_agrees_with_oracle() -> None:
    entry = ORACLES["7.good_turing"]
    counts = {str(i): (0, n) for i, n in enumerate(entry["inputs"]["counts"])}
    cube = cube_of({"elsewhere": (1, 1)}, counts)
    share, ends = entry["values"]["own"]
    k, n = kernel.unseen_anywhere(cube, ["s"])
    assert k / n == pytest.approx(share, abs=entry["tol"])
    assert kernel.unseen_anywhere_interval(cube, ["s"]) == pytest.approx(ends, abs=entry["tol"])


def test_the_tail_of_the_uncovered_mass_agrees_with_oracle() -> None:
    entry = ORACLES["7.uncovered_mass"]
    promised = dict.fromkeys(entry["inputs"]["eval_slices"], (1, 1))
    cube = cube_of(promised, {name: (0, n) for name, n in entry["inputs"]["prod"].items()})
    found = kernel.derive("unseen_anywhere", {"by": ["s"]}, cube)
    assert float(Fraction(found)) == pytest.approx(
        entry["values"]["tail_f1_over_n"], abs=entry["tol"]
    )


# ---------------------------------------------------------------- good and turing's edges


def test_where_every_slice_was_seen_once_all_of_production_may_be_new() -> None:
    cube = cube_of({"a": (1, 1)}, dict.fromkeys("bcde", (1, 1)))
    assert kernel.unseen_anywhere(cube, ["s"]) == (4, 4)
    assert kernel.unseen_anywhere_interval(cube, ["s"]) == kernel.wilson(4, 4)


def test_where_no_slice_was_seen_once_the_interval_is_not_empty() -> None:
    cube = cube_of({"a": (1, 1)}, {"a": (1, 1), "b": (9, 99)})
    assert kernel.unseen_anywhere(cube, ["s"]) == (0, 100)
    assert kernel.unseen_anywhere_interval(cube, ["s"]) == kernel.wilson(0, 100)


def test_what_is_unseen_anywhere_is_asked_of_combinations_too() -> None:
    cells: dict[tuple[str, kernel.Levels], dict[str, int]] = {
        ("eval", ("1", "1")): {"counted": 1, "right": 1},
        ("production", ("1", "1")): {"counted": 1, "right": 1},
        ("production", ("1", "2")): {"counted": 1, "right": 1},
        ("production", ("2", "1")): {"counted": 3, "right": 1},
    }
    cube = kernel.Cube(["x", "y"], cells, lambda split, outcome, where: ())
    assert kernel.unseen_anywhere(cube, ["x"]) == (0, 5)
    assert kernel.unseen_anywhere(cube, ["x", "y"]) == (1, 5)


# ---------------------------------------------------------------- the definition


def variance_by_definition(before: Slices, after: Slices, part: str, order: str) -> float:
    """The delta method with nothing solved: the part moved by a record more in each cell.

    A part depends on each split's cells (slice, right or wrong) as shares, which are multinomial:
    its variance is the sum over cells of share * slope squared / n, by central differences.
    """
    total = 0.0
    for at, slices in enumerate((before, after)):
        n = sum(counted for _, counted in slices.values())
        for name, (k, counted) in slices.items():
            for right, size in ((1, k), (0, counted - k)):
                step = n // 10**4
                moved = []
                for change in (step, -step):
                    sides: list[dict[str, tuple[int, int]]] = [
                        {s: (a, b) for s, (a, b) in side.items()} for side in (before, after)
                    ]
                    sides[at][name] = (k + right * change, counted + change)
                    parts = kernel.gap_parts(cube_of(*sides), ["s"], order)
                    moved.append(float(parts[part]))
                slope = n * (moved[0] - moved[1]) / (2 * step)
                total += size / n * slope**2 / n
    return total


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("part", kernel.GAP_PARTS)
def test_the_interval_of_a_part_is_the_delta_methods_when_there_are_many_records(
    part: str, order: str
) -> None:
    before, after = (
        {name: (k * 10**7, n * 10**7) for name, (k, n) in side.items()}
        for side in (EVAL, PRODUCTION)
    )
    cube = cube_of(before, after)
    low, high = kernel.gap_part_interval(cube, part, order, ["s"])
    reach = Z * math.sqrt(variance_by_definition(before, after, part, order))
    value = float(kernel.gap_parts(cube, ["s"], order)[part])
    assert (value - low, high - value) == pytest.approx((reach, reach), rel=1e-3)


@pytest.mark.parametrize("part", ["rate", "mix"])
@pytest.mark.parametrize("name", "ABC")
def test_the_interval_of_a_slices_part_holds_what_it_is_of(part: str, name: str) -> None:
    sides = kernel.sides_of(cube_of(EVAL, PRODUCTION), ["s"])
    levels = (f'"{name}"',)
    value = kernel.slice_parts(sides, "symmetric")[levels][part]
    low, high = kernel.split_interval(sides, part, "symmetric", [levels])
    assert low < value < high


# ---------------------------------------------------------------- for any slices


@given(SLICES, SLICES, st.sampled_from(ORDERS), st.sampled_from(kernel.GAP_PARTS))
def test_the_interval_of_a_part_holds_the_part(
    before: Slices, after: Slices, order: str, part: str
) -> None:
    assume(set(before) & set(after))
    cube = cube_of(before, after)
    low, high = kernel.gap_part_interval(cube, part, order, ["s"])
    assert -1 <= low <= high <= 1
    value = float(kernel.gap_parts(cube, ["s"], order)[part])
    assert low - 1e-12 <= value <= high + 1e-12


@given(SLICES, SLICES)
def test_the_interval_of_a_contribution_holds_it(before: Slices, after: Slices) -> None:
    cube = cube_of(before, after)
    for name in after:
        low, high = kernel.contribution_interval(cube, {"s": [name]})
        assert -1 <= low <= high <= 1
        assert low - 1e-12 <= kernel.contribution(cube, {"s": [name]}) <= high + 1e-12


@given(SLICES, SLICES, st.sampled_from(ORDERS))
def test_the_parts_of_a_slice_sum_to_its_contribution_and_those_of_all_to_the_parts(
    before: Slices, after: Slices, order: str
) -> None:
    cube = cube_of(before, after)
    rows = kernel.slice_parts(kernel.sides_of(cube, ["s"]), order)
    assert set(rows) == {(f'"{name}"',) for name in after}
    for name in after:
        row = rows[f'"{name}"',]
        assert sum(row.values()) == kernel.contribution(cube, {"s": [name]})
        assert row["uncovered"] == 0 if name in before else row["rate"] == row["mix"] == 0
    parts = kernel.gap_parts(cube, ["s"], order)
    assert {part: sum(row[part] for row in rows.values()) for part in parts} == parts
    as_floats = [float(value) for row in rows.values() for value in row.values()]
    assert math.fsum(as_floats) == pytest.approx(float(kernel.contribution(cube, {})), abs=1e-9)


@given(SHARED, st.sampled_from(["rate", "mix"]))
def test_eval_and_production_in_each_others_place_turn_the_signs(
    both: dict[str, tuple[tuple[int, int], tuple[int, int]]], part: str
) -> None:
    one, other = ({name: pairs[i] for name, pairs in both.items()} for i in (0, 1))
    parts, turned = (
        kernel.gap_parts(cube_of(*sides), ["s"], "symmetric")
        for sides in ((one, other), (other, one))
    )
    assert parts[part] == -turned[part]
    low, high = kernel.gap_part_interval(cube_of(one, other), part, "symmetric", ["s"])
    found = kernel.gap_part_interval(cube_of(other, one), part, "symmetric", ["s"])
    assert found == pytest.approx((-high, -low), abs=1e-9)


@given(st.dictionaries(st.sampled_from("abc"), PAIRS, min_size=1), st.sampled_from(ORDERS))
def test_a_gap_without_overlap_is_uncovered_and_cannot_be_split(after: Slices, order: str) -> None:
    cube = cube_of({"other": (7, 9)}, after)
    for part in ("rate", "mix"):
        for op in ("gap_part", "gap_part_interval"):
            with pytest.raises(kernel.Undefined, match="cannot be split: no overlap"):
                kernel.derive(op, {"part": part, "order": order, "by": ["s"]}, cube)
    parts = kernel.gap_parts(cube, ["s"], order)
    assert parts["uncovered"] == kernel.contribution(cube, {})
    assert parts["rate"] == parts["mix"] == parts["eval_only"] == 0
    found = kernel.gap_part_interval(cube, "uncovered", order, ["s"])
    assert found == kernel.contribution_interval(cube, {})


def test_what_is_not_there_has_no_width() -> None:
    cube = cube_of({"a": (7, 9), "b": (2, 3)}, {"a": (5, 9), "b": (1, 4)})
    for part in ("uncovered", "eval_only"):
        assert kernel.gap_part_interval(cube, part, "symmetric", ["s"]) == (0, 0)


def test_a_slice_that_production_does_not_have_has_no_interval() -> None:
    cube = cube_of({"a": (7, 9), "b": (2, 3)}, {"a": (5, 9)})
    with pytest.raises(kernel.Undefined, match="no records"):
        kernel.contribution_interval(cube, {"s": ["b"]})


def test_new_slices_that_are_all_wrong_are_as_uncertain_as_their_share() -> None:
    # All right on eval: what is uncovered is the share of new slices, but for eval's own chance.
    cube = cube_of({"a": (10**8, 10**8)}, {"a": (345, 345), "b": (0, 55)})
    low, high = kernel.gap_part_interval(cube, "uncovered", "symmetric", ["s"])
    share = kernel.wilson(55, 400)
    within = kernel.wilson(0, 55)[1] * 55 / 400  # wrong throughout, as far as so few can show
    assert low == pytest.approx(-share[1], abs=1e-6)
    assert -55 / 400 + math.hypot(55 / 400 - share[0], within) == pytest.approx(high, abs=1e-6)
