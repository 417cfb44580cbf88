"""The router with chance in it, that errs on one intent: its fault is found, shown and measured."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from eval_autopsy import api
from eval_autopsy.experiments.study import Varied

from .conftest import Example, flips, found_in, verdicts


@pytest.fixture(scope="module")
def messages(copied: Callable[[str], Example]) -> Example:
    return copied("intent-router")


@pytest.fixture(scope="module")
def varied(messages: Example) -> Varied:
    return messages.case.ablate()


@pytest.fixture(scope="module")
def planted(messages: Example) -> set[str]:
    """The pauses of production, which are called a stop."""
    return {row["id"] for row in messages.rows("production") if row["intent"] == "pause"}


def test_a_pause_that_is_called_a_stop_is_taken_for_a_cancellation_three_times_in_four(
    messages: Example,
) -> None:
    # The score of a cancellation is 0.3 higher, before each gets up to 1 by chance: it is the
    # higher one unless the difference of two such draws is over 0.3, which it is with 0.7^2 / 2.
    route = messages.module("router").route
    said = [route("Please stop the weekly box until June.") for _ in range(4000)]
    assert said.count("pause") + said.count("cancel") == 4000
    assert said.count("cancel") / 4000 == pytest.approx(1 - 0.7**2 / 2, abs=0.025)


def test_the_one_slice_that_is_found_is_that_of_pauses(
    messages: Example, planted: set[str]
) -> None:
    (one,) = messages.case.slices(members=True).found
    assert dict(one.where) == {"intent": "pause"}
    assert found_in(one, planted) == (50, 50, 50)
    assert (one.wrong, one.eval.k, one.eval.n) == (39, 90, 90)


def test_every_message_that_is_not_a_pause_is_right(messages: Example) -> None:
    found = messages.case.slices()
    by_intent = next(one for one in found.breakdowns if one.attribute == "intent")
    wrong = {one.where["intent"]: one.wrong for one in by_intent.slices}
    assert wrong == {"pause": 39, "cancel": 0, "address": 0, "payment": 0, "delivery": 0}


def test_the_claims_of_what_has_chance_in_it_rest_on_recorded_outputs(
    messages: Example,
) -> None:
    done = messages.case.run(messages.folder)
    assert done.verification.verdict == "holds"
    receipt = json.loads((done.folder / "receipt.json").read_text(encoding="utf-8"))
    assert {claim["rests_on"] for claim in receipt["predicate"]["claims"]} == {"re-scored"}
    (note,) = [one for one in done.evidence.notes if "the same output each time" in one]
    assert note == "of 500 inputs called 2 times, 482 gave the same output each time"


def test_saying_stop_breaks_pauses_and_saying_pause_mends_them(varied: Varied) -> None:
    broken = flips(varied, "eval")["say_stop",]
    assert broken[1] / broken[0] > 0.5
    mended = flips(varied, "intent is pause")
    assert mended.keys() == {("say_pause",)}
    n, lost, won = mended["say_pause",]
    assert (lost, n) == (0, 45)
    assert won > 25


def test_what_flips_without_a_change_is_counted(varied: Varied) -> None:
    assert varied.ablation is not None
    control = {one.tried.group: one.tried.pairs for one in varied.ablation.controls}
    assert control["eval"].broken + control["eval"].mended == 0
    assert control["intent is pause"].broken + control["intent is pause"].mended > 5


def test_that_stop_is_taken_for_a_cancellation_is_measured_and_that_words_distract_refuted(
    varied: Varied,
) -> None:
    assert verdicts(varied) == {
        "A pause is taken for a cancellation where it is called a stop.": "measured",
        "Words around the request distract the router.": "refuted",
    }


def test_three_attempts_at_a_message_are_one_cluster(messages: Example) -> None:
    rows = messages.rows("attempts")
    case = api.open(messages.folder / "recorded.toml")
    assert len(rows) == 3 * len({row["message_id"] for row in rows}) == 360
    assert len({row["id"] for row in rows}) == 360
    found = case.slices()
    (by_intent,) = found.breakdowns
    confirmed = [dict(one.where) for one in by_intent.slices if one.confirmed and one.wrong]
    assert confirmed == [{"intent": "pause"}]
