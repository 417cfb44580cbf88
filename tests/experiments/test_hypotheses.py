"""Predictions are written down before they are tried, and judged by rules that stand beforehand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy.case.model import Hypothesis
from eval_autopsy.errors import CannotUse
from eval_autopsy.experiments.ablate import unchanged
from eval_autopsy.experiments.hypotheses import Outcome, outcomes, predicted
from eval_autopsy.experiments.ledger import Ledger
from eval_autopsy.experiments.trials import carried_out, first, trial_of

from .planted import SCORING, Function, System, by_label, by_position, changes, group, noisy

POSITION = {
    "statement": "It reads by position.",
    "breaks": ["swap_first_fields"],
    "spares": ["indent_lines"],
    "fields": {"swap_first_fields": ["vendor", "client"]},
}


def come_of(system: System, said: dict[str, Any], folder: Path, n: int = 60) -> Outcome:
    """What comes of one hypothesis about a system, on `n` records."""
    hypothesis = Hypothesis.model_validate(said)
    some = group(system, n)
    ready = changes(*hypothesis.breaks, *hypothesis.spares).ready
    trials = {("eval", one.name): trial_of(some, (one,), 0) for one in ready}
    entries = predicted([hypothesis], trials, "ab", Ledger(folder), "2024-05-26")
    asker = Function(system)
    done = carried_out([*trials.values(), first(unchanged(some), n)], asker, SCORING)
    (found,) = outcomes([hypothesis], entries, dict(zip(trials, done, strict=False)), done[-1])
    return found


def test_a_hypothesis_that_is_so_is_measured(tmp_path: Path) -> None:
    found = come_of(by_position, POSITION, tmp_path)
    assert found.verdict == "measured"
    assert [(one.change, one.verdict) for one in found.parts] == [
        ("swap_first_fields", "holds"),
        ("indent_lines", "holds"),
        ("as it is", "holds"),
    ]
    assert found.parts[0].exactly == (60, 60)


def test_a_hypothesis_that_is_not_so_is_refuted(tmp_path: Path) -> None:
    assert come_of(by_label, POSITION, tmp_path).verdict == "refuted"


def test_a_change_that_should_spare_and_breaks_refutes(tmp_path: Path) -> None:
    said = {"statement": "Labels.", "breaks": ["change_delimiter"], "spares": ["indent_lines"]}
    found = come_of(by_label, said, tmp_path)  # an indented label is not found either
    assert [one.verdict for one in found.parts] == ["holds", "refuted", "holds"]
    assert found.verdict == "refuted"


def test_other_fields_than_predicted_refute(tmp_path: Path) -> None:
    fields = {"swap_first_fields": ["vendor"]}
    assert come_of(by_position, POSITION | {"fields": fields}, tmp_path).verdict == "refuted"


def test_too_few_records_leave_a_hypothesis_inferred(tmp_path: Path) -> None:
    found = come_of(by_position, POSITION, tmp_path, n=4)
    assert found.verdict == "inferred"
    assert {one.verdict for one in found.parts} == {"not shown"}


def test_a_control_that_flips_keeps_a_hypothesis_from_being_measured_or_refuted(
    tmp_path: Path,
) -> None:
    found = come_of(noisy(3, 0.4), POSITION, tmp_path)
    assert found.parts[-1].verdict != "holds"
    assert found.verdict == "inferred"


def test_the_prediction_is_on_the_disk_when_the_first_input_is_asked(tmp_path: Path) -> None:
    seen: list[str] = []

    def watching(text: str) -> dict[str, str]:
        path = Ledger(tmp_path).path
        seen.append(path.read_text(encoding="utf-8") if path.exists() else "")
        return by_position(text)

    come_of(watching, POSITION, tmp_path)
    asked = seen[60:]  # after the records as they are
    assert asked
    assert all("It reads by position." in text for text in asked)


def test_a_prediction_that_was_made_before_keeps_its_time(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    one = ledger.enter("prediction", {"statement": "a"}, "2024-01-01")
    again = ledger.enter("prediction", {"statement": "a"}, "2025-01-01")
    other = ledger.enter("prediction", {"statement": "b"}, "2025-01-01")
    assert (again.number, again.at) == (one.number, "2024-01-01")
    assert other.number == 2
    assert [entry.at for entry in ledger.entries()] == ["2024-01-01", "2025-01-01"]


@pytest.mark.parametrize("harm", ["edited", "moved", "taken out", "not JSON"])
def test_a_ledger_that_was_changed_is_refused_and_left_as_it_is(tmp_path: Path, harm: str) -> None:
    ledger = Ledger(tmp_path)
    for statement in ("a", "b", "c"):
        ledger.enter("prediction", {"statement": statement}, "2024-01-01")
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    harmed = {
        "edited": [lines[0].replace(b'"a"', b'"x"'), *lines[1:]],
        "moved": [lines[1], lines[0], lines[2]],
        "taken out": [lines[0], lines[2]],
        "not JSON": [lines[0], b"{\n", lines[2]],
    }[harm]
    ledger.path.write_bytes(b"".join(harmed))
    with pytest.raises(CannotUse, match=r"not as it was written|no line of a ledger"):
        ledger.enter("prediction", {"statement": "d"}, "2024-01-01")
    assert ledger.path.read_bytes() == b"".join(harmed)


def test_a_prediction_names_the_inputs_it_is_about(tmp_path: Path) -> None:
    come_of(by_position, POSITION, tmp_path)
    (line,) = Ledger(tmp_path).path.read_text(encoding="utf-8").splitlines()
    inputs = json.loads(line)["content"]["inputs"]
    assert sorted(inputs["eval"]) == ["indent_lines", "swap_first_fields"]
    assert all(len(digest) == 64 for digest in inputs["eval"].values())
    assert inputs["production"] == {}
