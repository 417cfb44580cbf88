from __future__ import annotations

from collections import Counter

from eval_autopsy import kernel
from eval_autopsy.questions.silent import GuardCounts, silent_of


def test_the_ledger_of_a_guard_is_of_production_alone() -> None:
    production = {"wrong": 5, "silent": 2, "caught:g": 3, "missed:g": 2, "only:g": 1}
    cells: dict[tuple[str, kernel.Levels], Counter[str]] = {
        ("eval", ("1",)): Counter({"wrong": 100, "silent": 100, "caught:g": 100}),
        ("production", ("1",)): Counter(production),
        ("production", ("2",)): Counter({"false_alarm:g": 7, "false_alarm": 9}),
    }
    cube = kernel.Cube(["s"], cells, lambda split, outcome, where: ())
    found = silent_of(cube, ["g", "never"])
    assert (found.wrong, found.silent) == (5, 2)
    assert found.guards == (GuardCounts("g", 3, 2, 7, 1), GuardCounts("never", 0, 0, 0, 0))
    assert found.to_dict()["guards"][0] == {
        "name": "g",
        "caught": 3,
        "missed": 2,
        "false_alarm": 7,
        "only": 1,
    }
