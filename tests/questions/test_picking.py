"""The slices that are worth a test are the same, by records and by counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cubes.tables import Row, Table, tables
from eval_autopsy import kernel
from eval_autopsy.cubes import blocks
from eval_autopsy.questions.discover import (
    NOT_TESTED,
    Discovery,
    Overlaps,
    Plan,
    discover,
    discover_in_counts,
    overlaps_of,
    plan_for,
)
from eval_autopsy.questions.picking import has, only
from eval_autopsy.questions.search import Hit


def by_counts(table: Table, plan: Plan, clustered: bool = False) -> Discovery:
    """The search of a table of which counts alone are had, when asked for."""
    batch, coded = table.batch(), table.coded

    def recount(inside: Hit, outside: Sequence[Hit]) -> blocks.BlockCube:
        kept = has(batch, inside)
        for one in outside:
            kept &= ~has(batch, one)
        return blocks.count(coded, plan.depth, [only(batch, kept)])

    def overlaps(hits: Sequence[Hit]) -> Overlaps:
        return overlaps_of([("wrong", one) for one in hits], [batch])

    cube = blocks.count(coded, plan.depth, [batch])
    return discover_in_counts(cube, plan, recount, overlaps, clustered=clustered)


@settings(max_examples=80)
@given(tables(most=60, held_out=True, seed=3), st.integers(1, 3), st.integers(1, 4))
def test_a_search_of_counts_picks_what_a_search_of_the_records_does(
    table: Table, depth: int, support: int
) -> None:
    plan = Plan(depth, support, 3, True, 19)
    alone = Table(table.sizes, tuple(r._replace(unit=f"r{i}") for i, r in enumerate(table.rows)))
    theirs, ours = discover(alone.records, plan), by_counts(alone, plan)
    assert ours.searched == theirs.searched
    assert ours.tested == theirs.tested
    assert (ours.cover, ours.covered) == (theirs.cover, theirs.covered)


def planted(rows: int) -> Table:
    """Records of which those at two places are wrong, one in two and nine in ten."""
    rng = np.random.default_rng(4)
    found = []
    for number in range(rows):
        levels = tuple(int(rng.integers(size)) for size in (3, 3, 4))
        rate = 0.9 if levels[0] == 1 else 0.5 if levels[1:] == (2, 3) else 0.03
        part = "eval" if number % 2 else kernel.half_of(0, f"r{number}")
        wrong = part != "eval" and rng.random() < rate
        found.append(Row(levels, part, "silent" if wrong else "right", f"r{number}"))
    return Table((3, 3, 4), tuple(found))


def test_slices_of_counts_are_confirmed_in_the_half_that_was_held_out() -> None:
    found = by_counts(planted(6000), plan_for(3000, 3))
    assert [one.where for one in found.tested] == [{"s0": ["b"]}, {"s1": ["c"], "s2": ["d"]}]
    assert all(one.p_adjusted < 1e-6 for one in found.tested)
    assert {one.method for one in found.tested} == {"held-out-fisher-holm"}
    assert found.cover == (0, 1)


def test_counts_of_clusters_are_not_tested_and_say_so() -> None:
    found = by_counts(planted(6000), plan_for(3000, 3), clustered=True)
    assert [one.where for one in found.tested] == [{"s0": ["b"]}, {"s1": ["c"], "s2": ["d"]}]
    assert {(one.p_adjusted, one.method) for one in found.tested} == {(1.0, NOT_TESTED)}
    assert found.cover == ()
