"""Nothing that weakens the kernel goes unnoticed, but for what is listed with a reason.

Some of those on file are tried, the same ones each time; with AUTOPSY_ALL_MUTANTS set, all of them.
"""

from __future__ import annotations

import ast
import os
import random
from collections import Counter

import pytest

from eval_autopsy import kernel

from . import battery, mutate, run
from .battery import Battery
from .expressions import EXPRESSIONS, values_of

SOME = 4
CHECKS = ["kernel", "layout", "subjects", "claims", "findings", "text", "report", "again"]
COMMAND = "from tests/: python -m kernel_mutants.run --write, and give each survivor a reason"


def test_most_of_what_was_tried_is_a_mutant_of_this_kernel() -> None:
    on_file = run.tried()
    names = {one.name for one in mutate.mutants(source())}
    assert {*on_file.alive} <= {*on_file.names}
    assert len(names & {*on_file.names}) > 0.9 * len(on_file.names), COMMAND


def source() -> ast.Module:
    return ast.parse(battery.SOURCE.read_text(encoding="utf-8"))


def test_each_expression_comes_to_a_value_or_to_a_refusal_that_the_kernel_has_a_name_for() -> None:
    # One that ends in another error has been left behind by the kernel, and tells mutants apart
    # by nothing.
    values = zip(["the way", *EXPRESSIONS], values_of(dict(vars(kernel))), strict=True)
    errors = ("NameError", "AttributeError", "TypeError", "KeyError", "IndexError", "ValueError")
    assert [text for text, value in values if value.startswith(errors)] == []


def test_each_mutant_has_a_name_of_its_own_and_can_be_taken_back() -> None:
    tree = source()
    before = ast.unparse(tree)
    mutants = mutate.mutants(tree)
    assert [n for n, times in Counter(one.name for one in mutants).items() if times > 1] == []
    for one in mutants[::397]:
        one.make()
        assert ast.unparse(tree) != before, one.name
        one.undo()
        assert ast.unparse(tree) == before, one.name


MUTATED = {
    "a < b": {"a <= b", "a >= b"},
    "a == b and c": {"a == b or c", "c", "a == b", "a != b and c"},
    "not a": {"a"},
    "a + 1": {"a - 1", "a + 2"},
    "any(a)": {"all(a)"},
    "True": {"False"},
    "a in b": {"a not in b"},
}


@pytest.mark.parametrize("expression", list(MUTATED))
def test_an_expression_is_mutated_in_each_of_these_ways(expression: str) -> None:
    tree = ast.parse(f"def one(a, b, c):\n    found = {expression}\n")
    found = set()
    for mutant in mutate.mutants(tree):
        mutant.make()
        found.add(ast.unparse(tree.body[0].body[-1]).partition(" = ")[2])  # type: ignore[attr-defined]
        mutant.undo()
    assert found - {expression} == MUTATED[expression]


def test_what_a_failure_says_is_not_mutated() -> None:
    tree = ast.parse(
        'def one(self, a):\n    self.fail("text", f"{a + 1}", "x", a > 2, cannot=True)'
    )
    assert [one.name for one in mutate.mutants(tree)] == [
        "one: def one -> return at once",
        "one: self.fail('text', f'{a + 1}', 'x', a > 2, cannot=True) -> pass",
    ]


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Battery:
    return Battery(battery.prepared(tmp_path_factory.mktemp("mutants").resolve()))


# One test, since each worker of a parallel run that takes a part of it prepares all trials.
def test_a_mutant_survives_only_if_it_is_on_file(trials: Battery) -> None:
    the_kernel_itself_passes(trials)
    for check in CHECKS:
        name = f"Verification.{check}: def {check} -> return at once"
        (mutant,) = [one for one in trials.mutants if one.name == name]
        assert trials.killer(mutant) != "", name
    on_file = run.tried()
    names = set(on_file.names)
    chosen = [one for one in trials.mutants if one.name in names]
    if "AUTOPSY_ALL_MUTANTS" not in os.environ:
        chosen = random.Random(len("kernel")).sample(chosen, SOME)
    killed = {one.name: trials.killer(one) for one in chosen}
    alive = [name for name, killer in killed.items() if not killer and name not in on_file.alive]
    dead = {name: killer for name, killer in killed.items() if killer and name in on_file.alive}
    assert (alive, dead) == ([], {}), COMMAND


def the_kernel_itself_passes(trials: Battery) -> None:
    """Compiled as its mutants are, the kernel says what it says; some trials stand for all."""
    module = mutate.compiled(trials.tree, "kernel_unmutated")
    some = trials.trials[::10]
    said = {one.name: battery.judged(module, one.folder, one.known, one.rerun) for one in some}
    assert said == {one.name: one.found for one in some}
