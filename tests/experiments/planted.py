"""Systems with a fault that is known, and records to try them on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from eval_autopsy import kernel, registry
from eval_autopsy.evidence import judgeable
from eval_autopsy.experiments.ablate import Asking
from eval_autopsy.experiments.asking import Scoring
from eval_autopsy.experiments.groups import Changes, changes_of, subjects_of
from eval_autopsy.experiments.trials import Group, Subject, group_of
from eval_autopsy.records import Record, Split

SPEC: dict[str, Any] = {
    "scorer": {
        "rule": "exact_match",
        "name": "exact_match",
        "fields": [],
        "absolute": "0",
        "relative": "0",
    },
    "errors": "wrong",
    "output_format": "value",
}
SCORING = Scoring(SPEC)

System = Callable[[Any], Any]


class Function:
    """A Python function to ask, with every input that it was asked."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.asked: list[Any] = []

    def answers(
        self, inputs: Sequence[object], *, repeat: int = 0, what: str = ""
    ) -> list[kernel.Answer]:
        self.asked += inputs
        return [self.answer(one) for one in inputs]

    def answer(self, value: Any) -> kernel.Answer:
        try:
            return kernel.Answer(self.system(value))
        except ValueError as error:
            return kernel.Answer(kernel.MISSING, f"ValueError: {error}")


def by_position(text: str) -> dict[str, str]:
    """Takes the first line for the vendor and the second one for the client."""
    values = [line.split(":", 1)[-1].strip() for line in text.split("\n")]
    return {"vendor": values[0], "client": values[1]}


def by_label(text: str) -> dict[str, str]:
    """Goes by the label, where a colon follows it."""
    found = dict(line.split(": ", 1) for line in text.split("\n") if ": " in line)
    return {"vendor": found.get("Vendor", ""), "client": found.get("Client", "")}


def record(number: int, split: Split = "eval", form: str = "Vendor: {}\nClient: {}") -> Record:
    vendor, client = f"Okafor {number}", f"Steel {number}"
    return Record(
        id=f"r-{number}",
        split=split,
        where=f"data.jsonl:{number}",
        input=form.format(vendor, client),
        expected={"vendor": vendor, "client": client},
    )


def subjects(system: System, records: Sequence[Record]) -> list[Subject]:
    """The records as the system answers them."""
    answers = Function(system).answers([one.input for one in records])
    return subjects_of(judgeable(SPEC, records, answers), SCORING)


def group(
    system: System, n: int, name: str = "eval", form: str = "Vendor: {}\nClient: {}"
) -> Group:
    some = subjects(system, [record(number, form=form) for number in range(n)])
    return group_of(name, None if name == "eval" else {"of": name}, some, 0)


def changes(*names: str, right: Sequence[Subject] = ()) -> Changes:
    return changes_of([registry.perturbations.entry(name) for name in names], right)


def asking(asker: Function) -> Asking:
    return Asking(asker, SCORING, 0)


def noisy(seed: int, wrong: float) -> System:
    """Right by label, but for a share of its answers."""
    draw = Random(seed)
    return lambda text: by_label(text) if draw.random() >= wrong else {}
