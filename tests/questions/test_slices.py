from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.questions.rates import Rate
from eval_autopsy.questions.slices import Marginal, Slices, slices_of

from .cubes import RECORDED, cube_of, invoices


def found_in(cube: kernel.Cube, levels_at_most: int = 1000) -> Slices:
    return slices_of(cube, RECORDED, levels_at_most=levels_at_most)


def levels(found: Slices) -> list[object]:
    return [next(iter(one.where.values())) for one in found.all]


def test_slices_come_in_the_order_of_what_they_lose() -> None:
    found = found_in(invoices())
    assert levels(found) == ["reorder", "verbose", "compact", "mixed", "delimiter", "whitespace"]
    losses = [one.contribution * 100 for one in found.all]
    assert losses == [-9, -2, Fraction(-3, 2), Fraction(-5, 4), 0, 0]


def test_two_of_two_wrong_do_not_stand_above_thirty_of_forty() -> None:
    eval_ = {("rest",): (300, 0, 0), ("few",): (2, 0, 0), ("many",): (40, 0, 0)}
    production = {("rest",): (258, 0, 0), ("few",): (0, 0, 2), ("many",): (10, 0, 30)}
    # By rates, of 0 and a quarter right, they would stand the other way round.
    assert levels(found_in(cube_of(["s"], eval_, production))) == ["many", "few", "rest"]


def test_a_slice_holds_the_published_counts() -> None:
    reorder = found_in(invoices()).all[0]
    assert reorder.production == Rate(0, 36)
    assert reorder.eval == Rate(0, 0)
    assert (reorder.wrong, reorder.silent) == (36, 36)
    assert reorder.gap_share == Fraction(36, 55)
    assert reorder.words == "`shift_type` is `reorder`"


def test_p_is_fishers_times_the_rank_from_holm() -> None:
    # All 55 wrong among 400: the chance that a slice of n takes in n of them, two-sided, is that
    # of the one table as extreme; the largest of six slices is the first in Holm's order.
    reorder = found_in(invoices()).all[0]
    assert reorder.p_adjusted == pytest.approx(6 * comb(55, 36) / comb(400, 36), rel=1e-6)


def test_a_slice_is_confirmed_only_when_it_is_worse() -> None:
    found = found_in(invoices())
    confirmed = [
        level for level, one in zip(levels(found), found.all, strict=True) if one.confirmed
    ]
    assert confirmed == ["reorder", "verbose", "compact", "mixed"]
    searched = {name: found.to_dict()[name] for name in ("searched", "confirmed", "search")}
    assert searched == {"searched": 0, "confirmed": 0, "search": None}  # these are only tables
    assert found.all[-1].p_adjusted < 0.05  # better than the rest, which is nothing to confirm


def test_a_slice_of_two_wrong_answers_is_not_confirmed() -> None:
    cube = cube_of(["s"], {("a",): (50, 0, 0)}, {("a",): (30, 25, 0), ("b",): (0, 2, 0)})
    assert [one.confirmed for one in found_in(cube).all if one.where == {"s": "b"}] == [False]


def test_the_smallest_set_carries_four_fifths_exactly() -> None:
    # 36 + 8 of 55 is 0.8 to the last digit, which a float would miss.
    assert [one.where["shift_type"] for one in found_in(invoices()).cover] == ["reorder", "verbose"]


def test_production_that_is_better_has_no_set_to_cover() -> None:
    cube = cube_of(["s"], {("a",): (5, 5, 0)}, {("a",): (9, 0, 0), ("b",): (0, 1, 0)})
    assert found_in(cube).gap.value > 0
    assert found_in(cube).cover == ()


def test_examples_are_wrong_and_silent_ones_come_first() -> None:
    cube = cube_of(["s"], {("a",): (3, 0, 0)}, {("a",): (2, 3, 2), ("b",): (4, 0, 0)})
    by_level = {one.where["s"]: one for one in found_in(cube).all}
    assert by_level["a"].examples == ("a-5", "a-6", "a-2")
    assert by_level["b"].examples == ()


def test_members_are_all_scored_records_and_only_on_request() -> None:
    cube = cube_of(["s"], {("a",): (3, 0, 0)}, {("a",): (1, 1, 1), ("b",): (1, 0, 0)})
    first = slices_of(cube, RECORDED, members=True).all[0]
    assert first.to_dict()["members"] == ["a-0", "a-1", "a-2"]
    assert "members" not in found_in(cube).all[0].to_dict()


def test_a_slice_that_only_eval_has_is_told_apart() -> None:
    found = found_in(invoices())
    only = found.breakdowns[0].eval_only
    assert [(one.where, one.rate) for one in only] == [
        ({"shift_type": "canonical"}, Rate(400, 400))
    ]


def test_the_attribute_that_explains_most_comes_first() -> None:
    cube = cube_of(
        ["noise", "cause"],
        {("x", "fine"): (10, 0, 0)},
        {
            ("x", "fine"): (10, 0, 0),
            ("y", "fine"): (10, 0, 0),
            ("x", "bad"): (0, 5, 0),
            ("y", "bad"): (0, 5, 0),
        },
    )
    found = found_in(cube)
    assert [one.attribute for one in found.breakdowns] == ["cause", "noise"]
    assert [one.explained for one in found.breakdowns] == [1, 0]
    assert [one.where for one in found.cover] == [{"cause": "bad"}]


def test_each_attribute_adds_the_others_up() -> None:
    cube = cube_of(
        ["a", "b"],
        {("x", "1"): (4, 0, 0)},
        {("x", "1"): (1, 2, 0), ("x", "2"): (3, 0, 4), ("y", "1"): (5, 0, 0)},
    )
    by_a = next(one for one in found_in(cube).breakdowns if one.attribute == "a")
    assert {one.where["a"]: (one.production, one.silent) for one in by_a.slices} == {
        "x": (Rate(4, 10), 4),
        "y": (Rate(5, 5), 0),
    }


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["same", "same", "same"], "every record has the same value"),
        (["one", "two", "three"], "every record has a value of its own"),
    ],
)
def test_an_attribute_that_can_say_nothing_is_set_aside(values: list[str], reason: str) -> None:
    cells = [(value, "yes" if i else "no") for i, value in enumerate(values)]
    cube = cube_of(["tried", "kept"], {cells[0]: (1, 0, 0)}, dict.fromkeys(cells[1:], (1, 0, 0)))
    if len(set(values)) == 1:
        cube = cube_of(["tried", "kept"], {cells[0]: (1, 0, 0)}, {cells[1]: (2, 0, 0)})
    assert [tuple(one) for one in found_in(cube).set_aside] == [("tried", reason)]
    assert [one.attribute for one in found_in(cube).breakdowns] == ["kept"]


def test_an_attribute_with_too_many_levels_is_set_aside_with_their_number() -> None:
    cube = cube_of(["s"], {("a",): (9, 0, 0)}, {(str(i),): (2, 0, 0) for i in range(5)})
    found = found_in(cube, levels_at_most=5)
    assert [one.reason for one in found.set_aside] == ["6 different values, more than 5"]
    assert found.to_dict()["slices"] == []
    assert found.to_dict()["waterfall"] is None
    assert found_in(cube, levels_at_most=6).set_aside == ()


def test_text_and_number_of_the_same_look_are_two_slices() -> None:
    cube = cube_of(["s"], {("1",): (2, 0, 0)}, {("1",): (2, 0, 0), (1,): (0, 3, 0)})
    assert levels(found_in(cube)) == [1, "1"]


def test_records_without_a_verdict_are_counted_apart() -> None:
    cube = cube_of(["s"], {("a",): (2, 0, 0)}, {("a",): (2, 0, 0), ("b",): (1, 0, 0)})
    cube.cells["production", ('"b"',)].update({"records": 4, "unscored": 3})  # type: ignore[attr-defined]
    assert found_in(cube).unscored == {"eval": 0, "production": 3}
    assert found_in(cube).production == Rate(3, 3)


def test_the_document_is_plain_json_with_the_promised_fields() -> None:
    document = json.loads(json.dumps(found_in(invoices()).to_dict()))
    assert {"searched", "confirmed", "slices", "cover", "set_aside", "waterfall", "silent"} <= set(
        document
    )
    first = document["slices"][0]
    assert first["where"] == {"shift_type": "reorder"}
    assert first["split"] == "production"
    assert (first["n"], first["wrong"], first["silent"]) == (36, 36, 36)
    assert first["rate"]["interval"] == ["0", "0.0964186285945"]
    assert first["gap_share"] == "0.654545454545"


def test_a_frame_has_a_row_for_each_slice() -> None:
    frame = found_in(invoices()).to_polars()
    assert frame["wrong"].sum() == 55
    assert frame["where"].to_list()[0] == '{"shift_type":"reorder"}'
    assert frame["slice"].to_list()[0] == "`shift_type` is `reorder`"


def test_a_frame_of_no_slice_has_the_columns_of_any_other() -> None:
    some = found_in(invoices())
    none = replace(some, found=(), picked=(), breakdowns=())
    assert none.to_polars().is_empty()
    assert none.to_polars().schema == some.to_polars().schema


def test_all_slices_show_themselves_on_one_line() -> None:
    shown = repr(found_in(invoices()))
    assert shown.startswith(
        "<Slices: eval 400 of 400 right, production 345 of 400 right; searched "
    )
    assert "\n" not in shown


def test_a_level_cannot_break_out_of_a_notebooks_table() -> None:
    cube = cube_of(["s"], {("a",): (2, 0, 0)}, {("a",): (2, 0, 0), ("<script>",): (0, 1, 0)})
    shown = found_in(cube)._repr_html_()
    assert "<script>" not in shown
    assert "<td>`s` is `&lt;script&gt;`</td><td>0</td><td>1</td><td>1</td><td>0</td>" in shown


counts = st.tuples(*[st.integers(0, 5)] * 3)
cells = st.dictionaries(st.sampled_from([("a",), ("b",), ("c",), ("d",)]), counts, min_size=2)


@given(cells, cells)
def test_what_the_slices_add_sums_to_the_gap(before: dict, after: dict) -> None:  # type: ignore[type-arg]
    if not any(map(sum, before.values())) or not any(map(sum, after.values())):
        return
    found = found_in(cube_of(["s"], before, after))
    for breakdown in found.breakdowns:
        assert sum(one.contribution for one in breakdown.slices) == found.gap.value
        assert sum(one.production.n for one in breakdown.slices) == found.production.n


two = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), counts, min_size=1)


@given(two, two, st.sets(st.sampled_from("abcd")), st.sampled_from(["right", "silent", "none"]))
def test_a_marginal_counts_as_the_kernel_does(
    before: dict,  # type: ignore[type-arg]
    after: dict,  # type: ignore[type-arg]
    levels: set[str],
    outcome: str,
) -> None:
    cube = cube_of(["s", "t"], before, after)
    marginal = Marginal(cube, "s")
    where = {"s": sorted(levels)} if levels else {}
    for split in kernel.SPLITS:
        assert marginal.count(split, outcome, where) == cube.count(split, outcome, where)
    with pytest.raises(kernel.Unreadable, match="no attribute 't'"):
        marginal.count("eval", outcome, {"t": ["x"]})


def test_what_a_slice_adds_has_an_interval() -> None:
    found = found_in(invoices())
    reorder = next(one for one in found.all if one.where == {"shift_type": "reorder"})
    low, high = reorder.contribution_interval
    assert low < reorder.contribution < high
    assert reorder.to_dict()["contribution_interval"] == [kernel.real(low), kernel.real(high)]


def test_what_nobody_has_seen_is_estimated_from_slices_with_a_single_record() -> None:
    cube = cube_of(
        ["s"],
        {("a",): (5, 0, 0)},
        {("a",): (5, 0, 0), ("b",): (2, 1, 0), ("c",): (1, 0, 0), ("d",): (0, 1, 0)},
    )
    (breakdown,) = found_in(cube).breakdowns
    assert breakdown.unseen_anywhere.share == Fraction(2, 10)
    assert breakdown.to_dict()["unseen_anywhere"]["value"] == "0.2"
