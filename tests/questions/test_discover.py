"""What the search confirms: what is there, once, in the fewest words, and by the kernel's own p."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cubes.tables import LEVELS, Row, Table, tables
from eval_autopsy import kernel
from eval_autopsy.questions.discover import (
    CHANCE,
    Discovery,
    Plan,
    by_turns,
    discover,
    plan_for,
)
from eval_autopsy.questions.search import Hit

Rate = Callable[[tuple[int, ...]], float]


def by_the_kernel(table: Table, found: Discovery) -> kernel.Search:
    """The same search, derived from the records."""
    return kernel.Search(
        table.names, table.of_the_kernel(), found.plan.spec(table.names, found.tested)
    )


@settings(max_examples=60)
@given(
    st.booleans().flatmap(lambda held_out: tables(held_out=held_out, most=60, seed=3)),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_engine_and_kernel_give_a_search_the_same_values(
    table: Table, depth: int, support: int
) -> None:
    held_out = any(row.part == "confirm" for row in table.rows)
    found = discover(table.records, Plan(depth, support, 3, held_out, 19))
    theirs = by_the_kernel(table, found)
    assert theirs.searched() == found.searched
    assert theirs.p_values() == [one.p_adjusted for one in found.tested]
    for one in found.tested:
        rate = theirs.held_out("right", "counted", one.where) if held_out else None
        assert one.held_out == rate


def made(
    rows: int,
    sizes: Sequence[int],
    rate: Rate,
    *,
    seed: int = 1,
    eval_rate: float = 0.0,
    silent: float = 1.0,
    cluster: int = 1,
) -> Table:
    """Production in which a record is wrong by a rate of its levels, and as much of eval."""
    rng = np.random.default_rng(seed)
    held_out = rows >= 1000
    found = []
    for number in range(2 * rows):
        levels = tuple(int(rng.integers(size)) for size in sizes)
        production = number >= rows
        unit = f"unit {number // cluster}"
        wrong = rng.random() < (rate(levels) if production else eval_rate)
        outcome = ("silent" if rng.random() < silent else "loud") if wrong else "right"
        part = kernel.half_of(0, unit) if held_out else "search"
        found.append(Row(levels, part if production else "eval", outcome, unit))
    return Table(tuple(sizes), tuple(found))


def found_in(table: Table) -> Discovery:
    records = sum(row.part != "eval" for row in table.rows)
    return discover(table.records, plan_for(records, len(table.sizes)))


def confirmed(found: Discovery) -> list[dict[str, Any]]:
    return [one.where for one in found.tested if one.p_adjusted <= CHANCE]


def where(**levels: str) -> dict[str, list[str]]:
    return {name: [level] for name, level in levels.items()}


SIZES = (3, 3, 3, 3, 4, 2)


@pytest.mark.parametrize("rows", [400, 3000])
@pytest.mark.parametrize(
    "planted", [where(s1="a"), where(s0="b", s2="a"), where(s0="b", s2="a", s3="c")], ids=len
)
def test_a_planted_conjunction_is_found_as_just_that(
    rows: int, planted: dict[str, list[str]]
) -> None:
    at = {int(name[1:]): "abcd".index(level) for name, (level,) in planted.items()}

    def rate(levels: tuple[int, ...]) -> float:
        return 0.9 if all(levels[i] == level for i, level in at.items()) else 0.03

    found = found_in(made(rows, SIZES, rate))
    assert confirmed(found) == [planted]
    assert found.cover == (0,)


def test_two_planted_slices_are_found_one_after_the_other() -> None:
    def rate(levels: tuple[int, ...]) -> float:
        return 0.9 if levels[0] == 1 else 0.5 if levels[2] == 0 and levels[4] == 1 else 0.02

    found = found_in(made(3000, SIZES, rate))
    assert confirmed(found) == [where(s0="b"), where(s2="a", s4="b")]


def test_what_an_earlier_slice_explains_is_not_found_again() -> None:
    def rate(levels: tuple[int, ...]) -> float:
        return 0.8 if levels[0] == 1 else 0.02

    table = made(3000, SIZES, rate)
    rng = np.random.default_rng(5)
    # The last attribute says little more than the first one, whose errors it shares.
    rows = [
        row._replace(levels=(*row.levels[:-1], int((row.levels[0] == 1) ^ (rng.random() < 0.2))))
        for row in table.rows
    ]
    assert confirmed(found_in(Table(SIZES, tuple(rows)))) == [where(s0="b")]


def test_a_column_that_stands_twice_gives_one_slice() -> None:
    def rate(levels: tuple[int, ...]) -> float:
        return 0.8 if levels[0] == 1 and levels[1] == 1 else 0.02

    table = made(3000, SIZES, rate)
    rows = [row._replace(levels=(*row.levels, row.levels[0])) for row in table.rows]
    found = found_in(Table((*SIZES, 3), tuple(rows)))
    assert confirmed(found) == [where(s0="b", s1="b")]


def test_a_simple_slice_stands_for_one_that_holds_the_same_errors() -> None:
    # Both levels of s5 go with the errors, but for a few records by chance.
    def rate(levels: tuple[int, ...]) -> float:
        return 0.95 if levels[0] == 1 else 0.02

    table = made(2000, (3, 3, 2), rate)
    rows = [
        row._replace(levels=(*row.levels[:2], int(row.levels[0] == 1 and i % 50 > 0)))
        for i, row in enumerate(table.rows)
    ]
    (one,) = confirmed(found_in(Table((3, 3, 2), tuple(rows))))
    assert len(one) == 1


@pytest.mark.parametrize("seed", [2, 3, 5])
def test_a_part_that_is_like_the_rest_of_a_slice_does_not_stand_for_it(seed: int) -> None:
    # Among some hundred parts of a slice one is worse than the others, by chance.
    def rate(levels: tuple[int, ...]) -> float:
        return 0.12 if levels[0] == 1 else 0.07

    table = made(8000, SIZES, rate, silent=0.5, seed=seed)
    found = [one for one in found_in(table).tested if one.p_adjusted <= CHANCE]
    assert [(one.outcome, one.where) for one in found] == [
        ("wrong", where(s0="b")),
        ("silent", where(s0="b")),
    ]


def test_what_only_silent_answers_have_too_many_of_is_found_apart() -> None:
    rng = np.random.default_rng(2)

    def rate(levels: tuple[int, ...]) -> float:
        return 0.3

    table = made(4000, SIZES, rate, silent=0.0)
    rows = [
        row._replace(outcome="silent")
        if row.outcome == "loud" and rng.random() < (0.9 if row.levels[1] == 0 else 0.1)
        else row
        for row in table.rows
    ]
    found = found_in(Table(SIZES, tuple(rows)))
    told = [(one.outcome, one.where) for one in found.tested if one.p_adjusted <= CHANCE]
    assert told == [("silent", where(s1="a"))]


def test_where_all_wrong_answers_are_silent_they_are_searched_for_once() -> None:
    found = found_in(made(400, SIZES, lambda levels: 0.9 if levels[0] == 1 else 0.03))
    assert {one.outcome for one in found.tested} == {"wrong"}


@pytest.mark.parametrize("rows", [400, 3000])
def test_one_bad_cluster_is_not_confirmed(rows: int) -> None:
    # Ten records of one conversation, all wrong and the only ones with their level of s0.
    table = made(rows, (2, 3, 3), lambda levels: 0.05, cluster=10)
    first = rows // 10
    while rows >= 1000 and kernel.half_of(0, f"unit {first}") != "confirm":
        first += 1

    def changed(row: Row) -> Row:
        bad = row.unit == f"unit {first}"
        outcome = "silent" if bad else row.outcome
        return row._replace(levels=(int(bad), *row.levels[1:]), outcome=outcome)

    bad = Table((2, 3, 3), tuple(changed(row) for row in table.rows))
    assert where(s0="b") not in confirmed(found_in(bad))
    alone = Table(bad.sizes, tuple(r._replace(unit=f"r{i}") for i, r in enumerate(bad.rows)))
    if rows < 1000:  # as records that have nothing to do with each other they would be
        assert where(s0="b") in confirmed(found_in(alone))


def test_clusters_of_eval_alone_are_none_of_production() -> None:
    table = made(2000, SIZES, lambda levels: 0.9 if levels[0] == 1 else 0.03)
    rows = [row._replace(unit="one") if row.part == "eval" else row for row in table.rows]
    found = found_in(Table(SIZES, tuple(rows)))
    assert {one.method for one in found.tested} == {"held-out-fisher-holm"}


@pytest.mark.parametrize("rows", [400, 3000])
def test_what_fails_at_one_place_in_each_cluster_is_confirmed(rows: int) -> None:
    table = made(rows, (5, 3, 3), lambda levels: 0.05, cluster=5)
    rng = np.random.default_rng(4)

    def changed(at: int, row: Row) -> Row:
        wrong = row.part != "eval" and at % 5 == 2 and rng.random() < 0.5
        outcome = "silent" if wrong else row.outcome
        return row._replace(levels=(at % 5, *row.levels[1:]), outcome=outcome)

    turns = Table(table.sizes, tuple(changed(at, row) for at, row in enumerate(table.rows)))
    assert confirmed(found_in(turns)) == [where(s0="c")]


@given(st.integers(0, 9), st.integers(1, 9))
@settings(max_examples=30)
def test_the_fewest_confirmed_slices_hold_nearly_all_their_errors(seed: int, level: int) -> None:
    def rate(levels: tuple[int, ...]) -> float:
        return 0.9 if levels[0] == 1 else level / 10 if levels[1] == 2 else 0.02

    table = made(400, (3, 3, 3), rate, seed=seed)
    found = found_in(table)
    slices = [one.where for one in found.tested]

    def holds(some: Sequence[int]) -> int:
        """Wrong records of production in any of some slices."""
        return sum(
            row.part != "eval"
            and row.outcome != "right"
            and any(
                all(levels[name] == kernel.canonical(slices[i][name][0]) for name in slices[i])
                for i in some
            )
            for levels, row in table.dictionaries("search", "eval")
        )

    everything = [i for i, one in enumerate(found.tested) if one.p_adjusted <= CHANCE]
    assert found.covered == holds(found.cover) >= 0.95 * holds(everything)
    for i in found.cover:
        rest = [other for other in found.cover if other != i]
        assert holds(rest) < 0.95 * holds(everything)


def test_no_more_than_seven_slices_are_picked_of_all_kinds_together() -> None:
    rng = np.random.default_rng(8)
    # Six levels are wrong and loud; six others are wrong as often as all are, and silent.
    wrong = [0.9] * 6 + [0.5] * 6 + [0.1] * 6
    rows = []
    for number in range(24_000):
        level, part = int(rng.integers(18)), "eval" if number % 2 else "search"
        if part == "search":
            part = kernel.half_of(0, f"r{number}")
        outcome = "silent" if 6 <= level < 12 else "loud"
        right = rng.random() >= (wrong[level] if part != "eval" else 0.5)
        rows.append(Row((level, number % 3), part, "right" if right else outcome, f"r{number}"))
    tested = found_in(Table((18, 3), tuple(rows))).tested
    told = {kernel.canonical(one.where) for one in tested}
    by_kind = Counter(one.outcome for one in tested)
    assert len(told) == 7
    assert by_kind == {"wrong": 4, "silent": 3}
    assert all(one.p_adjusted <= CHANCE for one in tested)


def hit(level: int) -> Hit:
    where = (("s0", LEVELS[level]),)
    return Hit(where, (0,), (level,), np.zeros((3, 3), np.int64), Fraction(0))


@pytest.mark.parametrize(
    ("wrong", "silent", "taken"),
    [
        ("abc", "", "abc/"),
        ("abcdefg", "abcdefg", "abcdefg/abcdefg"),  # each stands for both, and counts once
        ("abcdefg", "hijklmn", "abcd/hij"),
        ("a", "hijklmn", "a/hijklm"),
        ("abcdefg", "h", "abcdef/h"),
        ("abcdefg", "hbijkmc", "abcd/hbij"),  # c would come after one that was left out
    ],
)
def test_slices_are_taken_by_turns_until_there_are_seven_different_ones(
    wrong: str, silent: str, taken: str
) -> None:
    letters = [[hit("abcdefghijklmn".index(one)) for one in some] for some in (wrong, silent)]
    found = by_turns({"wrong": letters[0], "silent": letters[1]})
    texts = {
        name: "".join(one.where[0][1].strip('"') for kind, one in found if kind == name)
        for name in ("wrong", "silent")
    }
    assert "/".join(texts.values()) == taken


def test_a_search_that_picks_nothing_confirms_nothing() -> None:
    table = made(100, (2, 2), lambda levels: 0.0)
    found = found_in(table)
    assert (found.tested, found.cover, found.covered) == ((), (), 0)
    assert found.searched == 8


@pytest.mark.parametrize(
    ("records", "attributes", "plan"),
    [
        (400, 10, Plan(3, 5, 0, False, 999)),
        (999, 10, Plan(3, 5, 0, False, 999)),
        (1000, 10, Plan(3, 5, 0, True, 999)),
        (20_000, 2, Plan(2, 20, 0, True, 999)),
        (20_000, 100, Plan(2, 20, 0, True, 999)),
        (20_000, 1, Plan(1, 20, 0, True, 999)),
    ],
)
def test_a_plan_follows_from_the_numbers_of_records_and_attributes(
    records: int, attributes: int, plan: Plan
) -> None:
    assert plan_for(records, attributes) == plan


def test_a_plan_does_what_it_is_asked_for() -> None:
    assert plan_for(400, 10, depth=1, support=20, seed=4) == Plan(1, 20, 4, False, 999)
    assert plan_for(400, 2, depth=3).depth == 2


def test_fewer_draws_are_made_where_there_are_many_slices() -> None:
    found = found_in(made(900, (4,) * 9, lambda levels: 0.6 if levels[0] == 0 else 0.1))
    assert found.plan.draws in (99, 199)
    assert confirmed(found)[0] == where(s0="a")


def test_outcomes_are_dealt_out_only_where_all_records_are_at_hand() -> None:
    table = made(400, SIZES, lambda levels: 0.9 if levels[0] == 1 else 0.03)
    with pytest.raises(ValueError, match="where all records are at hand"):
        discover(table.records._replace(units=None), plan_for(400, len(SIZES)))


def test_a_tested_slice_says_how_its_p_was_adjusted() -> None:
    def methods(table: Table) -> set[str]:
        return {one.method for one in found_in(table).tested}

    def rate(levels: tuple[int, ...]) -> float:
        return 0.9 if levels[0] == 1 else 0.03

    assert methods(made(400, SIZES, rate)) == {"permutation-min-p"}
    assert methods(made(2000, SIZES, rate)) == {"held-out-fisher-holm"}
    assert methods(made(2000, SIZES, rate, cluster=4)) == {"held-out-min-p"}
    one = found_in(made(2000, SIZES, rate)).tested[0]
    assert one.held_out is not None
    assert one.held_out[0] < one.held_out[1]
