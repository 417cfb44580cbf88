"""The blocks hold the count of every conjunction, whatever they are made of."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import prod

from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.cubes.blocks import CLASSES, OUTCOMES, PARTS, class_of, count, covering

from .tables import Table, tables

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=9)


@given(SIZES, st.integers(1, 4), st.integers(1, 2000))
def test_every_set_of_attributes_is_in_some_block(sizes: list[int], depth: int, cells: int) -> None:
    blocks = covering(sizes, depth, cells)
    for wanted in combinations(range(len(sizes)), min(depth, len(sizes))):
        assert any(set(wanted) <= set(block) for block in blocks)


@given(SIZES, st.integers(1, 4), st.integers(1, 2000))
def test_a_block_has_no_more_cells_than_allowed_unless_it_is_one_set_alone(
    sizes: list[int], depth: int, cells: int
) -> None:
    for block in covering(sizes, depth, cells):
        assert prod(sizes[i] for i in block) <= cells or len(block) == min(depth, len(sizes))
        assert list(block) == sorted(set(block))


def test_few_blocks_hold_all_the_triples_of_ten_attributes() -> None:
    assert len(covering([4] * 10, 3, 4**6)) <= 12  # of 120 triples


def test_one_block_holds_everything_where_it_fits() -> None:
    assert covering([2, 3, 4], 2, 24) == [(0, 1, 2)]


@given(tables(), st.integers(1, 4), st.integers(1, 400))
def test_every_margin_is_what_counting_row_by_row_gives(
    table: Table, depth: int, rows: int
) -> None:
    cube = count(table.coded, depth, [table.batch()], rows=rows)
    seen = 0
    for positions, counts in cube.margins(depth):
        wanted = Counter(
            (
                *(row.levels[i] for i in positions),
                PARTS.index(row.part),
                OUTCOMES.index(row.outcome),
            )
            for row in table.rows
        )
        cells = {at: int(counts[at]) for at in zip(*counts.nonzero(), strict=True)}
        assert cells == wanted
        assert counts.shape == (*(table.sizes[i] for i in positions), len(PARTS), len(OUTCOMES))
        seen += 1
    attributes = range(len(table.sizes))
    sets = [one for size in range(1, depth + 1) for one in combinations(attributes, size)]
    assert seen == len(sets)


@given(tables(), st.integers(0, 40))
def test_records_count_the_same_in_one_batch_and_in_two(table: Table, cut: int) -> None:
    whole = count(table.coded, 2, [table.batch()])
    parts = count(table.coded, 2, [table.batch(0, cut), table.batch(cut)])
    assert (whole.totals == parts.totals).all()
    for (one, counts), (other, found) in zip(whole.margins(2), parts.margins(2), strict=True):
        assert one == other
        assert (counts == found).all()


@given(tables())
def test_totals_are_the_counts_of_all_records(table: Table) -> None:
    totals = count(table.coded, 1, [table.batch()]).totals
    for part in PARTS:
        for outcome in OUTCOMES:
            wanted = sum((row.part, row.outcome) == (part, outcome) for row in table.rows)
            assert totals[PARTS.index(part), OUTCOMES.index(outcome)] == wanted


def test_a_class_is_a_part_and_an_outcome() -> None:
    classes = [class_of(part, outcome) for part in PARTS for outcome in OUTCOMES]
    assert classes == list(range(CLASSES))
