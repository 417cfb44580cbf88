"""The search finds what counting every slice by hand finds, and counts what it looked at."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cubes.tables import Row, Table, tables
from eval_autopsy.cubes.blocks import count
from eval_autopsy.questions.search import Hit, Target, top_slices

from .brute import Count, all_of, every_slice, score, top_scores

DEPTHS, SUPPORTS = st.integers(1, 3), st.integers(1, 6)


@given(tables(), DEPTHS, SUPPORTS, st.integers(1, 12))
def test_the_best_slices_have_the_scores_of_counting_each_slice_by_hand(
    table: Table, depth: int, support: int, top: int
) -> None:
    rows = list(table.dictionaries("search", "confirm"))
    wrong = [row.outcome != "right" for _, row in rows]
    slices, total = every_slice([levels for levels, _ in rows], wrong, depth), all_of(wrong)
    cube = count(table.coded, 3, [table.batch()])
    found = top_slices(cube, depth=depth, min_support=support, top=top)
    assert found.searched == sum(one.n >= support for one in slices.values())
    scores = [hit.excess * total.n for hit in found.hits]
    assert scores == top_scores(slices, total, min_support=support, top=top)
    for hit in found.hits:
        counted = slices[tuple(sorted(hit.where))]
        assert hit.excess == counted.wrong - Fraction(counted.n * total.wrong, total.n)
    assert len({hit.where for hit in found.hits}) == len(found.hits)


@given(tables(), DEPTHS, SUPPORTS, st.sampled_from(["wrong", "silent"]))
def test_errors_of_one_half_are_held_against_a_share_of_it_and_of_eval(
    table: Table, depth: int, support: int, kind: str
) -> None:
    outcomes = ("loud", "silent") if kind == "wrong" else ("silent",)

    def counted(*parts: str) -> tuple[dict[tuple[tuple[str, str], ...], Count], Count]:
        rows = list(table.dictionaries(*parts))
        wrong = [row.outcome in outcomes and row.part != "eval" for _, row in rows]
        return every_slice([levels for levels, _ in rows], wrong, depth), all_of(wrong)

    slices, total = counted("eval", "search")
    whole, _ = counted("search", "confirm")
    large = {where: one for where, one in whole.items() if one.n >= support}
    cube = count(table.coded, depth, [table.batch()])
    target = Target(outcomes, ("search",), ("eval", "search"))
    found = top_slices(cube, depth=depth, min_support=support, target=target, top=1000)
    scores = sorted((score(slices.get(one, Count(0, 0)), total) for one in large), reverse=True)
    assert found.searched == len(large)
    assert [hit.excess * total.n for hit in found.hits] == [one for one in scores if one > 0]


@given(tables(), DEPTHS, st.integers(1, 3))
def test_no_set_of_attributes_has_more_slices_than_it_may(
    table: Table, depth: int, each: int
) -> None:
    cube = count(table.coded, depth, [table.batch()])
    everything = top_slices(cube, depth=depth, top=1000)
    found = top_slices(cube, depth=depth, top=1000, each=each)
    wanted: list[Hit] = []
    for hit in everything.hits:
        if sum(one.positions == hit.positions for one in wanted) < each:
            wanted.append(hit)
    assert [hit.where for hit in found.hits] == [hit.where for hit in wanted]


def test_of_equals_the_slice_with_fewer_attributes_comes_first() -> None:
    rows = [((0, 0), "silent")] * 3 + [((1, 1), "right")] * 5
    table = Table(
        (2, 2), tuple(Row(at, "search", what, str(i)) for i, (at, what) in enumerate(rows))
    )
    found = top_slices(count(table.coded, 2, [table.batch()]), depth=2)
    assert [dict(hit.where) for hit in found.hits] == [
        {"s0": '"a"'},
        {"s1": '"a"'},
        {"s0": '"a"', "s1": '"a"'},
    ]


def test_two_of_two_wrong_are_found_after_thirty_of_forty() -> None:
    made = [((0,), "right", 258), ((1,), "silent", 2), ((2,), "right", 10), ((2,), "silent", 30)]
    rows = [Row(at, "search", what, f"{at}{what}{i}") for at, what, n in made for i in range(n)]
    cube = count(Table((3,), tuple(rows)).coded, 1, [Table((3,), tuple(rows)).batch()])
    found = top_slices(cube, depth=1)
    assert [dict(hit.where) for hit in found.hits] == [{"s0": '"c"'}, {"s0": '"b"'}]
    # 32 of 300 are wrong: of 40 that would be 64 in 15, and of 2 16 in 75.
    assert [hit.excess for hit in found.hits] == [30 - Fraction(64, 15), 2 - Fraction(16, 75)]


def test_a_cube_of_pairs_is_not_searched_for_triples() -> None:
    table = Table((2, 2, 2), (Row((0, 0, 0), "search", "silent", "a"),))
    with pytest.raises(ValueError, match="conjunctions of 2, not of 3"):
        top_slices(count(table.coded, 2, [table.batch()]), depth=3)
