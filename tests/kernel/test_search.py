"""The kernel derives what a search looked at, and how likely what it found is by chance."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from math import comb
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cubes.tables import LEVELS, Row, Table, tables
from eval_autopsy import kernel
from eval_autopsy.kernel import Search, fisher_greater, half_of, least_wrong, shuffles
from questions.brute import every_slice

from .test_every_python import GOOD

# ---------------------------------------------------------------- Fisher's exact test, one-sided


def hypergeometric_tail(k: int, n: int, wrong: int, total: int) -> Fraction:
    """The definition: of all ways to draw n, those that take in k or more that are wrong."""
    ways = sum(comb(wrong, x) * comb(total - wrong, n - x) for x in range(k, n + 1))
    return Fraction(ways, comb(total, n))


@st.composite
def draws(draw: st.DrawFn) -> tuple[int, int, int, int]:
    total = draw(st.integers(1, 60))
    n, wrong = draw(st.integers(0, total)), draw(st.integers(0, total))
    return draw(st.integers(0, n)), n, wrong, total


@given(draws())
def test_fisher_is_the_share_of_all_draws_with_as_many_wrong(
    one: tuple[int, int, int, int],
) -> None:
    assert fisher_greater(*one) == pytest.approx(float(hypergeometric_tail(*one)), rel=1e-9)


@pytest.mark.parametrize(
    ("one", "p"),
    [
        ((0, 0, 0, 0), 1),
        ((0, 5, 3, 10), 1),
        ((1, 5, 0, 10), 0),
        ((4, 5, 3, 10), 0),
        ((5, 5, 10, 10), 1),
        ((3, 3, 3, 10), Fraction(1, comb(10, 3))),
        ((8, 10, 8, 10), 1),
    ],
)
def test_fisher_is_exact_at_its_ends(one: tuple[int, int, int, int], p: Fraction) -> None:
    assert fisher_greater(*one) == pytest.approx(float(p), rel=1e-12)


@pytest.mark.parametrize(
    "one", [(300, 2000, 2500, 20_000), (180, 2000, 2000, 20_000), (36, 36, 55, 400)]
)
def test_fisher_keeps_its_digits_where_numbers_are_large(one: tuple[int, int, int, int]) -> None:
    assert fisher_greater(*one) == pytest.approx(float(hypergeometric_tail(*one)), rel=1e-8)


@given(
    st.lists(st.floats(1e-9, 1), min_size=1, max_size=4),
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.integers(0, 40),
)
def test_least_wrong_is_the_first_count_whose_p_is_as_small(
    p_values: list[float], sizes: list[int], wrong: int
) -> None:
    found = least_wrong(p_values, sizes, wrong, 40)
    assert list(found) == sorted(set(sizes))
    for n, needed in found.items():
        for p, k in zip(p_values, needed, strict=True):
            at = {x: fisher_greater(x, n, wrong, 40) for x in range(min(n, wrong) + 1)}
            enough = [[x for x in at if at[x] <= p * slack] for slack in (1, 1 + 1e-8)]
            assert k in [min(one, default=n + 1) for one in enough]


# ---------------------------------------------------------------- drawing lots


@given(st.integers(), st.text())
def test_a_unit_is_in_the_same_half_every_time(seed: int, unit: str) -> None:
    assert half_of(seed, unit) == half_of(seed, unit)
    assert half_of(seed, unit) in ("search", "confirm")


def test_halves_are_of_about_the_same_size_and_differ_by_seed() -> None:
    halves = [[half_of(seed, f"record {i}") for i in range(4000)] for seed in (0, 1)]
    for half in halves:
        assert abs(half.count("search") - 2000) < 4 * 1000**0.5  # four standard deviations
    same = sum(a == b for a, b in zip(*halves, strict=True))
    assert abs(same - 2000) < 4 * 1000**0.5


def test_the_half_of_a_record_was_written_down() -> None:
    # By `printf 0:p-0001 | md5sum`, whose first digit is f; of p-0003 it is 4.
    assert [half_of(0, "p-0001"), half_of(0, "p-0003")] == ["confirm", "search"]


UNITS = st.lists(st.sampled_from("abcdef"), max_size=14)


@given(UNITS, st.integers(0, 99))
def test_each_row_is_given_the_outcome_of_one_row(units: list[str], seed: int) -> None:
    for given_rows in shuffles(units, seed, 5):
        assert sorted(given_rows) == list(range(len(units)))


@given(UNITS, st.integers(0, 99))
def test_a_unit_is_given_the_outcomes_of_one_unit_in_their_order(
    units: list[str], seed: int
) -> None:
    rows: dict[str, list[int]] = {}
    for row, unit in enumerate(units):
        rows.setdefault(unit, []).append(row)
    for dealt in shuffles(units, seed, 5):
        for own in rows.values():
            found = [dealt[row] for row in own]
            source = rows[units[found[0]]]
            first = source.index(found[0])
            assert found == source[first:] + source[:first]


def test_every_order_of_records_is_about_as_frequent() -> None:
    found = Counter(map(tuple, shuffles(list("abcd"), 7, 4800)))
    assert set(found) == set(permutations(range(4)))
    # 23 degrees of freedom: a chi-square of more than 49.7 has a chance of 0.001.
    assert sum((n - 200) ** 2 / 200 for n in found.values()) < 49.7


def test_units_and_where_in_them_outcomes_begin_are_drawn_as_often() -> None:
    found = Counter(map(tuple, shuffles(list("aabb"), 7, 1600)))
    assert len(found) == 8  # two orders of the units, two beginnings in each
    assert sum((n - 200) ** 2 / 200 for n in found.values()) < 24.4  # 7 degrees, 0.001


@pytest.mark.parametrize("version", list(GOOD))
def test_each_python_draws_the_same_lots(version: str) -> None:
    units = [*"aabbbcdefgh", "é"]
    told = (
        "import importlib.util as u, sys; s = u.spec_from_file_location('kernel', sys.argv[1]); "
        "k = u.module_from_spec(s); sys.modules['kernel'] = k; s.loader.exec_module(k); "
        f"print(list(k.shuffles({units!a}, 3, 20)), [k.half_of(3, x) for x in {units!a}])"
    )
    command = [GOOD[version], "-I", "-B", "-c", told, str(Path(kernel.__file__))]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    ours = list(shuffles(units, 3, 20)), [half_of(3, one) for one in units]
    assert done.stdout.strip() == f"{ours[0]} {ours[1]}"


# ---------------------------------------------------------------- the search itself


def searched(table: Table, **said: Any) -> Search:
    """A search of a table, described as in a receipt."""
    spec = {"depth": 2, "support": 1, "seed": 0, "draws": 19, "held_out": False, "tested": []}
    return Search(table.names, table.of_the_kernel(), {**spec, "by": table.names, **said})


def of_level(attribute: str, level: int = 0) -> dict[str, list[Any]]:
    return {attribute: [kernel.strict_json(LEVELS[level])]}


@given(tables(held_out=False), st.integers(1, 4), st.integers(1, 6))
def test_what_was_looked_at_is_every_slice_with_the_support(
    table: Table, depth: int, support: int
) -> None:
    rows = [levels for levels, _ in table.dictionaries("search")]
    slices = every_slice(rows, [False] * len(rows), depth)
    large = [one for one in slices.values() if one.n >= support]
    found = searched(table, depth=depth, support=support)
    assert found.searched() == len(large)
    assert sorted(rows.bit_count() for rows in found.conjunctions()) == sorted(n for n, _ in large)


def table_of(*cells: tuple[int, int, int, int]) -> Table:
    """Production by one attribute: for each level how many are right, loud and silent, and eval."""
    rows = []
    for level, counts in enumerate(cells):
        kinds = zip(("right", "loud", "silent", "right"), counts, strict=True)
        for position, (outcome, n) in enumerate(kinds):
            part = "eval" if position == 3 else "search"
            rows += [(level, part, outcome)] * n
    found = [Row((at,), part, what, f"r{i}") for i, (at, part, what) in enumerate(rows)]
    return Table((len(cells),), tuple(found))


def p_of(table: Table, *tested: tuple[str, dict[str, list[Any]]], **said: Any) -> list[float]:
    picked = [{"outcome": outcome, "where": where} for outcome, where in tested]
    return searched(table, tested=picked, **said).p_values()


def test_p_is_the_share_of_all_ways_to_deal_outcomes_that_look_as_bad() -> None:
    # Six records, three of them wrong, and a slice of three that holds all three. Of 20 ways to
    # deal them out one puts them there, and one into the other three, which are a slice as well.
    table = table_of((0, 3, 0, 1), (3, 0, 0, 1))
    (p,) = p_of(table, ("wrong", of_level("s0")), draws=4000, depth=1)
    assert p == pytest.approx(2 / 20, abs=4 * (0.1 * 0.9 / 4000) ** 0.5)


def test_silent_answers_alone_are_looked_at_as_well_whatever_was_picked() -> None:
    # Two silent of three wrong among six. By wrong alone, 2 in 20; both silent ones in a slice of
    # two as well, C(2,2)/C(6,2) = 1/15 for each such slice, is not as small as 1/20.
    loud = table_of((0, 3, 0, 1), (3, 0, 0, 1))
    mixed = table_of((0, 1, 2, 1), (3, 0, 0, 1))
    (p,) = p_of(mixed, ("silent", of_level("s0")), draws=4000, depth=1)
    # 1/5 that both silent ones are in a given half of three: in either half, 2/5. All wrong ones in
    # one half includes both silent ones.
    assert p == pytest.approx(2 / 5, abs=4 * (0.24 / 4000) ** 0.5)
    assert p_of(loud, ("silent", of_level("s0"))) == [1.0]


def test_a_p_is_never_less_than_one_in_the_draws_and_the_data() -> None:
    table = table_of((0, 20, 0, 1), (60, 0, 0, 1))
    assert p_of(table, ("wrong", of_level("s0")), draws=99) == [1 / 100]


def test_a_slice_is_tested_on_what_those_before_it_leave() -> None:
    # The second holds errors only where the first does.
    both, one, rest = ((0, 0), 12, "silent"), ((1, 0), 12, "right"), ((1, 1), 40, "right")
    rows = [(at, what) for at, n, what in (both, one, rest) for _ in range(n)]
    table = Table((2, 2), tuple(Row(at, "search", w, f"r{i}") for i, (at, w) in enumerate(rows)))
    first, second = ("wrong", of_level("s0")), ("wrong", of_level("s1"))
    assert p_of(table, first, second)[1] == 1
    assert p_of(table, second)[0] < 0.06
    assert p_of(table, ("silent", of_level("s0")), second)[1] < 0.06  # of another kind


@pytest.mark.parametrize("held_out", [False, True])
def test_errors_of_one_cluster_alone_have_a_p_of_one(held_out: bool) -> None:
    clusters = [one for one in map(str, range(900)) if half_of(0, one) == "confirm"][:40]
    rows = []
    for at, unit in enumerate(clusters):
        outcome = "silent" if at < 2 else "right"
        rows += [Row((at // 2,), "confirm", outcome, unit)] * 4
    # Two clusters that are wrong: both in the slice, or one of them elsewhere.
    both = Table((20,), tuple(rows))
    one = Table((20,), tuple(row._replace(levels=(int(row.unit != clusters[0]),)) for row in rows))
    tested = ("wrong", of_level("s0"))
    assert p_of(both, tested, held_out=held_out, draws=99)[0] < 0.05
    assert p_of(one, tested, held_out=held_out, draws=99) == [1.0]


def held_out_table(rate: Sequence[int]) -> Table:
    """300 records by one attribute of three levels; of each level's tenth, so many are wrong."""
    rows = []
    for i in range(300):
        outcome = "silent" if i // 3 % 10 < rate[i % 3] else "right"
        rows.append(Row((i % 3,), half_of(0, f"r{i}"), outcome, f"r{i}"))
    return Table((3,), tuple(rows))


def test_held_out_p_is_fishers_of_the_other_half_adjusted_by_holm() -> None:
    table = held_out_table([6, 2, 2])
    half = [row for row in table.rows if row.part == "confirm"]
    bad = [row.levels[0] for row in half if row.outcome != "right"]
    inside = [row.levels[0] for row in half]
    one = hypergeometric_tail(bad.count(0), inside.count(0), len(bad), len(half))
    left = [level for level in inside if level != 0], [level for level in bad if level != 0]
    two = hypergeometric_tail(left[1].count(1), left[0].count(1), len(left[1]), len(left[0]))
    tested = ("wrong", of_level("s0")), ("wrong", of_level("s0", 1))
    found = p_of(table, *tested, held_out=True)
    assert found == pytest.approx([float(2 * one), float(two)], rel=1e-9)
    assert two > 2 * one
    rate = searched(table, held_out=True).held_out("right", "counted", of_level("s0"))
    assert rate == (inside.count(0) - bad.count(0), inside.count(0))


@pytest.mark.parametrize("wanted", [{"s0": ["b"]}, {"s1": ["a"]}])
def test_a_claim_of_a_slice_that_was_not_tested_has_no_value(wanted: dict[str, Any]) -> None:
    table = table_of((0, 3, 0, 1), (3, 0, 0, 1))
    tested = [{"outcome": "wrong", "where": of_level("s0")}]
    cube = kernel.count_records(
        ["s0", "s1"], [r._replace(levels=(*r.levels, '"a"')) for r in table.of_the_kernel()]
    )
    cube.search = searched(table, tested=tested)
    args = {"outcome": "wrong", "where": wanted}
    with pytest.raises(kernel.Undefined, match="not a slice that was tested"):
        kernel.derive("p_discovered", args, cube)
    cube.search = None
    with pytest.raises(kernel.Undefined, match="no search for slices"):
        kernel.derive("searched", {}, cube)


@settings(max_examples=60)
@given(tables(held_out=False), st.integers(0, 3), st.booleans())
def test_counting_in_large_numbers_is_counting_one_by_one(
    table: Table, seed: int, silent: bool
) -> None:
    """Each p against the definition: the smallest p of each draw, slice by slice."""
    rows = list(table.dictionaries("search"))
    units = [row.unit for _, row in rows]
    kinds = {
        "wrong": [row.outcome != "right" for _, row in rows],
        "silent": [row.outcome == "silent" for _, row in rows],
    }
    slices = every_slice([levels for levels, _ in rows], kinds["wrong"], 2)
    where = of_level("s0", rows[0][1].levels[0] if rows else 0)
    kind = "silent" if silent else "wrong"
    if not rows:
        return
    (found,) = p_of(table, (kind, where), seed=seed)
    mine = [levels["s0"] == kernel.canonical(where["s0"][0]) for levels, _ in rows]
    k = sum(a and b for a, b in zip(mine, kinds[kind], strict=True))
    raw = fisher_greater(k, sum(mine), sum(kinds[kind]), len(rows))
    reached = 0
    for dealt in shuffles(units, seed, 19):
        smallest = min(
            fisher_greater(
                sum(
                    bad[source] and all(levels[name] == text for name, text in one)
                    for (levels, _), source in zip(rows, dealt, strict=True)
                ),
                count.n,
                sum(bad),
                len(rows),
            )
            for bad in kinds.values()
            for one, count in slices.items()
        )
        reached += smallest <= raw * (1 + 1e-9)
    assert found == (1 + reached) / 20


GOOD_SEARCH: dict[str, Any] = {
    "depth": 2,
    "support": 5,
    "seed": 0,
    "draws": 99,
    "held_out": False,
    "by": ["s0"],
    "tested": [{"outcome": "wrong", "where": {"s0": ["a"]}}],
}


@pytest.mark.parametrize(
    "change",
    [
        {"by": []},
        {"by": ["s0", "s0"]},
        {"by": ["s0", "unknown"]},
        {"depth": 0},
        {"support": 0},
        {"draws": 0},
        {"tested": [{"outcome": "wrong", "where": {}}]},
        {"tested": [{"outcome": "wrong", "where": {"s1": ["a"]}}]},
    ],
    ids=str,
)
def test_a_search_that_cannot_have_been_made_cannot_be_checked(change: dict[str, Any]) -> None:
    kernel.check_search(GOOD_SEARCH, ["s0", "s1"])
    with pytest.raises(kernel.Unreadable, match="cannot have been made"):
        kernel.check_search({**GOOD_SEARCH, **change}, ["s0", "s1"])


def test_there_is_more_than_this_python_to_draw_with() -> None:
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in GOOD
