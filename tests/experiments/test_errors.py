"""How often ablation says that a change did something, when chance did it."""

from __future__ import annotations

import re
from random import Random

from eval_autopsy.experiments.ablate import ablated
from eval_autopsy.experiments.trials import group_of

from .planted import Function, System, asking, changes, record, subjects

NEUTRAL = ("add_closing", "add_preamble", "lengthen", "indent_lines", "blank_lines", "upper_case")
RUNS = 40


def by_number(seed: int, wrong: float, when_long: float | None = None) -> System:
    """Goes by the number in the text, and is wrong at random; more often in long ones, if said."""
    draw = Random(seed)

    def system(text: str) -> dict[str, str]:
        share = wrong if when_long is None or len(text) < 60 else when_long
        found = re.search(r"\d+", text)
        if found is None or draw.random() < share:
            return {}
        return {"vendor": f"Okafor {found[0]}", "client": f"Steel {found[0]}"}

    return system


def found_in(seed: int, system: System) -> set[str]:
    """The changes that are said to have an effect on 150 records, or on those answered wrong."""
    some = subjects(system, [record(number) for number in range(150)])
    wrong = [one for one in some if not one.before.right]
    groups = [group_of("eval", None, some, seed), group_of("wrong", {}, wrong, seed)]
    ready = changes(*NEUTRAL).ready
    done = ablated(groups, ready, asking(Function(system)), 4000, lambda text: None)
    return {one.tried.changes[0] for one in done.effects if one.breaks or one.mends}


def test_where_nothing_has_an_effect_few_runs_say_so() -> None:
    # With one run in twenty, as p allows, more than six of forty have a chance below 0.004.
    said = sum(bool(found_in(seed, by_number(seed, 0.3))) for seed in range(RUNS))
    assert said <= 6


def test_a_change_that_breaks_two_thirds_is_nearly_always_found() -> None:
    found = [found_in(seed, by_number(seed, 0.05, 0.7)) for seed in range(RUNS)]
    assert sum("lengthen" in names for names in found) >= RUNS * 0.9
