"""What changes do to systems whose fault is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.errors import CannotUse
from eval_autopsy.experiments.ablate import Ablation, ablated, unchanged
from eval_autopsy.experiments.trials import (
    Group,
    carried_out,
    group_of,
    held_against,
    share,
    trial_of,
    tried,
)

from .planted import (
    SCORING,
    Function,
    System,
    asking,
    by_label,
    by_position,
    changes,
    group,
    noisy,
    record,
    subjects,
)

SWAPPED = "Client: {1}\nVendor: {0}"
ORDER = ("swap_first_fields", "usual_order", "change_delimiter", "indent_lines", "add_closing")


def done(system: System, groups: list[Group], *names: str, calls: int = 1000) -> Ablation:
    right = [one for each in groups for one in each.subjects if one.before.right]
    found = changes(*names, right=right)
    return ablated(groups, found.ready, asking(Function(system)), calls, lambda text: None)


def effects(found: Ablation, group: str) -> dict[tuple[str, ...], tuple[int, int, int]]:
    """n, broken and mended of each change that flips an answer."""
    return {
        one.tried.changes: (one.tried.pairs.n, one.tried.pairs.broken, one.tried.pairs.mended)
        for one in found.of(group)
        if one.tried.pairs.broken + one.tried.pairs.mended
    }


def test_a_system_that_reads_by_position_breaks_when_fields_move_and_by_nothing_else() -> None:
    found = done(
        by_position, [group(by_position, 40)], "swap_first_fields", "indent_lines", "add_closing"
    )
    assert effects(found, "eval") == {("swap_first_fields",): (35, 35, 0)}
    (effect,) = [one for one in found.effects if one.breaks]
    assert dict(effect.tried.flipped) == {"vendor": 35, "client": 35}


def test_a_system_that_reads_by_label_breaks_by_another_delimiter_alone() -> None:
    found = done(
        by_label, [group(by_label, 40)], "swap_first_fields", "change_delimiter", "add_closing"
    )
    assert effects(found, "eval") == {("change_delimiter",): (35, 35, 0)}


def test_the_usual_order_mends_what_another_order_broke() -> None:
    failing = group(by_position, 30, "failing", "Client: {1}\nVendor: {0}")
    found = done(by_position, [group(by_position, 30), failing], *ORDER)
    assert effects(found, "failing") == {
        ("swap_first_fields",): (25, 0, 25),
        ("usual_order",): (25, 0, 25),
    }
    assert {one.tried.changes for one in found.effects if one.mends} == {
        ("swap_first_fields",),
        ("usual_order",),
    }


def test_changes_in_turn_are_each_made_where_they_apply() -> None:
    right = subjects(by_label, [record(number) for number in range(9)])
    forms = ("Hello\nVendor: {}\nClient: {}", SWAPPED, "Vendor: {}\nClient: {}")
    some = subjects(by_position, [record(n, "production", form) for n, form in enumerate(forms)])
    apart = group_of("production", {}, some, 0)
    ready = changes("drop_preamble", "usual_order", right=right).ready
    trial = trial_of(apart, ready, 0, in_turn=True)
    made = {one.subject.record.id: one.changed.input for one in trial.variants}
    usual = "Vendor: Okafor {0}\nClient: Steel {0}"
    assert made == {"r-0": usual.format(0), "r-1": usual.format(1)}
    assert trial.set_aside == {"does not apply": 1}
    # Of changes that are not made in turn, all have to apply.
    assert trial_of(apart, ready, 0).variants == []


def test_what_comes_out_right_when_asked_again_is_not_mended() -> None:
    apart = group_of("production", {}, subjects(by_position, [record(1, "production", SWAPPED)]), 0)
    ready = changes("blank_lines").ready
    trials = [unchanged(apart), trial_of(apart, ready, 0)]
    before, after = carried_out(trials, Function(by_label), SCORING)
    assert tried(after).pairs.mended == 1
    assert tried(held_against(after, before)).pairs == (1, 0, 0, 0)


def test_an_effect_that_needs_two_changes_is_found_and_said() -> None:
    def strict(text: str) -> dict[str, str]:
        return by_label(text) if text.startswith("Vendor: ") else {}

    failing = group(strict, 30, "failing", "Hello,\nVendor = {}\nClient = {}")
    names = ("drop_preamble", "usual_delimiter", "indent_lines", "add_closing")
    found = done(strict, [group(strict, 10), failing], *names)
    pairs = [(one.tried.changes, one.mends) for one in found.effects if len(one.tried.changes) == 2]
    assert pairs == [(("drop_preamble", "usual_delimiter"), True)]
    assert (found.pairs_tried, found.pairs_in_all) == (6, 6)


def test_two_changes_are_tried_where_single_ones_only_break_what_was_right() -> None:
    def strict(text: str) -> dict[str, str]:
        return by_label(text) if text.startswith(("Vendor: ", "Hello,\nVendor: ")) else {}

    right = subjects(strict, [record(number) for number in range(20)])
    some = [record(number, form="Hi,\nVendor = {}\nClient = {}") for number in range(20, 60)]
    mixed = group_of("failing", {"of": "failing"}, [*right, *subjects(strict, some)], 0)
    found = done(strict, [mixed], "drop_preamble", "usual_delimiter", "swap_first_fields")
    assert found.pairs_in_all == 3
    assert {one.tried.changes for one in found.effects if one.mends} == {
        ("drop_preamble", "usual_delimiter")
    }


def test_pairs_are_not_tried_where_a_single_change_flips_an_answer() -> None:
    found = done(by_position, [group(by_position, 40)], *ORDER)
    assert found.pairs_in_all == 0


def test_what_a_noisy_system_does_by_itself_is_shown_by_the_control() -> None:
    system = noisy(7, 0.5)
    found = done(system, [group(system, 60)], "add_closing")
    (control,) = found.controls
    assert control.tried.pairs.broken + control.tried.pairs.mended > 0
    assert not any(one.breaks or one.mends for one in found.effects)


@pytest.mark.parametrize("calls", [20, 57, 300])
def test_no_more_inputs_are_asked_than_are_allowed(calls: int) -> None:
    asker = Function(by_position)
    ready = changes(*ORDER, right=subjects(by_position, [record(0)])).ready
    told: list[str] = []
    found = ablated([group(by_position, 100)], ready, asking(asker), calls, told.append)
    assert len(asker.asked) <= found.calls <= calls
    assert told == [f"at most {calls} calls are made to try 5 changes in 1 groups of records"]


def test_too_few_calls_for_a_record_each_are_an_error_before_any_is_made() -> None:
    asker = Function(by_position)
    ready = changes("swap_first_fields", "indent_lines", "add_closing").ready
    groups = [group(by_position, 100, str(number)) for number in range(3)]
    with pytest.raises(
        CannotUse, match="the calls do not go far enough for a record of each of 3 trials"
    ):
        ablated(groups, ready, asking(asker), 2, lambda text: None)
    assert asker.asked == []


def test_a_failed_call_is_a_wrong_answer_in_every_field() -> None:
    def fails(text: str) -> Any:
        if text.startswith("Client"):
            raise ValueError("no vendor")
        return by_label(text)

    found = done(fails, [group(fails, 40)], "swap_first_fields")
    assert effects(found, "eval") == {("swap_first_fields",): (35, 35, 0)}
    assert dict(found.effects[0].tried.flipped) == {"vendor": 35, "client": 35}


@given(st.lists(st.integers(0, 50), max_size=8), st.integers(0, 200))
def test_the_share_of_each_trial_is_the_largest_that_fits(sizes: list[int], calls: int) -> None:
    most = share(sizes, calls)
    assert sum(min(size, most) for size in sizes) <= calls
    if most < max(sizes, default=0):
        assert sum(min(size, most + 1) for size in sizes) > calls


def test_of_a_large_group_no_more_is_changed_than_can_be_asked() -> None:
    asker = Function(by_position)
    ready = changes("swap_first_fields").ready
    found = ablated([group(by_position, 3000)], ready, asking(asker), 10_000, lambda text: None)
    (effect,) = found.effects
    assert effect.tried.pairs.n == 100
    assert len(asker.asked) == found.calls == 105 + 105


@pytest.mark.parametrize("seed", range(5))
def test_wrong_answers_of_a_noisy_system_are_not_mended_by_asking_again(seed: int) -> None:
    system = noisy(seed, 0.5)
    some = subjects(system, [record(number) for number in range(300)])
    wrong = group_of("wrong", {}, [one for one in some if not one.before.right], 0)
    ready = changes("add_closing", "add_preamble", "lengthen").ready
    found = ablated([wrong], ready, asking(Function(system)), 2000, lambda text: None)
    assert not any(one.mends or one.breaks for one in found.effects)
    assert found.controls[0].mends  # which is what a change would have been taken for


def test_of_several_attempts_at_one_input_one_is_tried() -> None:
    tries = [
        replace(record(number), id=f"r-{number}-{attempt}", cluster=f"r-{number}")
        for number in range(10)
        for attempt in range(4)
    ]
    found = group_of("eval", None, subjects(by_position, [*tries, record(10), record(11)]), 0)
    assert (len(found.subjects), found.alike) == (12, 30)
    assert len({one.record.cluster or one.record.id for one in found.subjects}) == 12
    effect = done(by_position, [found], "swap_first_fields").effects[0]
    assert effect.tried.pairs.n == 12


def test_two_changes_that_only_break_what_is_right_in_a_failing_slice_are_not_tested() -> None:
    def strict(text: str) -> dict[str, str]:
        return by_label(text) if text.startswith("Vendor: ") else {}

    right = subjects(strict, [record(number) for number in range(30)])
    some = [record(number, form="Hi,\nVendor = {}\nClient = {}") for number in range(30, 60)]
    mixed = group_of("failing", {"of": "failing"}, [*right, *subjects(strict, some)], 0)
    found = done(strict, [mixed], "add_preamble", "add_closing", "indent_lines")
    assert found.pairs_tried == 3
    assert [one.tried.changes for one in found.effects if len(one.tried.changes) == 2] == []
