"""Delta debugging against the definition of 1-minimal, and against every part of small inputs."""

from __future__ import annotations

from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.questions.minimal import ddmin


def parts_of(items: range) -> list[frozenset[int]]:
    """Every part, the smallest first."""
    sizes = (combinations(items, size) for size in range(len(items) + 1))
    return [frozenset(part) for part in chain.from_iterable(sizes)]


@given(st.integers(1, 60), st.data())
def test_the_planted_items_are_found_whatever_is_around_them(
    size: int, data: st.DataObject
) -> None:
    planted = data.draw(st.sets(st.integers(0, size - 1)))
    assert ddmin(range(size), lambda part: planted <= set(part)) == sorted(planted)


@given(st.integers(1, 7), st.data())
def test_any_failure_is_reduced_to_a_part_of_which_no_item_can_go(
    size: int, data: st.DataObject
) -> None:
    every = parts_of(range(size))
    failing = {*data.draw(st.lists(st.sampled_from(every), max_size=40)), every[-1]}
    found = ddmin(range(size), lambda part: frozenset(part) in failing)
    assert frozenset(found) in failing
    assert found == sorted(found)
    if found:
        assert not any(frozenset(found) - {one} in failing for one in found)


@given(st.integers(1, 7), st.data())
def test_where_more_items_never_mend_a_failure_the_result_is_one_of_the_smallest_by_inclusion(
    size: int, data: st.DataObject
) -> None:
    every = parts_of(range(size))
    causes = data.draw(st.lists(st.sampled_from(every[1:]), min_size=1, max_size=4))
    found = ddmin(range(size), lambda part: any(cause <= set(part) for cause in causes))
    smallest = [one for one in causes if not any(other < one for other in causes)]
    assert frozenset(found) in smallest


def test_a_failure_that_needs_nothing_is_nothing() -> None:
    assert ddmin("abc", lambda part: True) == []
    assert ddmin([], lambda part: True) == []


def test_equal_items_are_told_apart_by_their_places() -> None:
    assert ddmin("aXaXa", lambda part: "".join(part).count("X") == 2) == ["X", "X"]


@given(st.integers(2, 200), st.data())
def test_one_item_among_many_takes_no_more_than_two_questions_for_each_halving(
    size: int, data: st.DataObject
) -> None:
    planted = data.draw(st.integers(0, size - 1))
    asked: list[list[int]] = []

    def fails(part: list[int]) -> bool:
        asked.append(part)
        return planted in part

    assert ddmin(range(size), fails) == [planted]
    assert len(asked) <= 2 * (size - 1).bit_length() + 1
