"""The files of a SWE-bench run that belong together: predictions, and the report of the run.

Both are held in memory where one is joined with the other: the ids and verdicts of a report, and
the patches of predictions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.readers import json_items
from eval_autopsy.readers.beside import siblings
from eval_autopsy.readers.exports import first_row, rows_of
from eval_autopsy.readers.heads import first_object
from eval_autopsy.readers.log_values import mapping, sequence, text
from eval_autopsy.readers.logs import Aside, Note
from eval_autopsy.readers.opened import Lines

NOT_EVALUATED = "the harness could not evaluate it"


class Prediction(NamedTuple):
    """The patch that a model gave for an instance; None when it gave none."""

    at: int  # its line, or its position
    instance: str
    model: str
    patch: str | None


class Outcome(NamedTuple):
    """What a report says of an instance."""

    resolved: bool | None
    error: str = ""


OUTCOMES = {
    "resolved_ids": Outcome(True),
    "unresolved_ids": Outcome(False),
    "empty_patch_ids": Outcome(False),
    "error_ids": Outcome(None, NOT_EVALUATED),
}


# ---------------------------------------------------------------- predictions


def are_predictions(head: bytes) -> bool:
    """Whether a file begins as predictions: rows of them, or an object of them by instance."""
    wanted = {"instance_id", "model_patch"}
    return wanted <= first_row(head).keys() or wanted <= _first_by_instance(head).keys()


def _first_by_instance(head: bytes) -> dict[str, Any]:
    instances = list(first_object(head))[:1] if head[:1] == b"{" else []
    return first_object(head, *instances) if instances else {}


def predictions(stream: Lines, name: str) -> Iterator[Prediction | Aside]:
    """The predictions of a file, in whatever of its layouts."""
    head = stream.head().removeprefix(b"\xef\xbb\xbf").lstrip()
    for at, row in _by_instance(stream, name) if _first_by_instance(head) else _rows(stream, name):
        if isinstance(row, Aside):
            yield row
            continue
        instance, patch = text(row.get("instance_id")), row.get("model_patch")
        if not instance.strip():
            yield Aside(at, "it has no instance_id")
        elif patch is not None and not isinstance(patch, str):
            yield Aside(at, f"its model_patch is {str(patch)[:20]!r}, expected text")
        else:
            yield Prediction(at, instance, text(row.get("model_name_or_path")), patch)


def _by_instance(stream: Lines, name: str) -> Iterator[tuple[int, dict[str, Any] | Aside]]:
    for at, part in enumerate(json_items.parts(stream, name), 1):
        yield at, mapping(part.value)


def _rows(stream: Lines, name: str) -> Iterator[tuple[int, dict[str, Any] | Aside]]:
    for row in rows_of(stream, name):
        if isinstance(row, kernel.Row):
            yield row.line, row.fields
        elif isinstance(row, Aside):  # and a column of numbers is none of those that are read
            yield 0, row


# ---------------------------------------------------------------- the report of a run


def is_run_report(head: bytes) -> bool:
    """Whether a file begins as the report of a run."""
    known = (first_object(head) if head[:1] == b"{" else {}).keys()
    return {"resolved_instances", "completed_ids"} <= known or (
        {"resolved_ids", "unresolved_ids"} <= known
    )


def report_of(stream: Lines, name: str) -> dict[str, Any]:
    """A report, whole."""
    return {part.path: part.value for part in json_items.parts(stream, name)}


def outcomes_of(report: Mapping[str, Any]) -> dict[str, Outcome]:
    """The outcome of each instance that was submitted, in the order of the ids."""
    found: dict[str, Outcome] = {}
    for kind, outcome in OUTCOMES.items():
        for instance in sequence(report.get(kind)):
            if isinstance(instance, str) and instance.strip():
                found.setdefault(instance, outcome)
    return dict(sorted(found.items()))


# ---------------------------------------------------------------- one beside the other


class Patches(NamedTuple):
    """The predictions that were found beside a report, by instance."""

    of: Mapping[str, Prediction]
    notes: list[Note]


def patches_beside(stream: Lines, wanted: set[str]) -> Patches:
    """The predictions beside a report that have all of its instances; none when none has."""
    notes: list[Note] = []
    for opened in siblings(stream, are_predictions, first="*pred*"):
        name = opened.path.name if opened.path else ""
        try:
            found = [one for one in predictions(opened, name) if isinstance(one, Prediction)]
        except kernel.Unreadable as error:
            notes.append(Note(f"{name} beside it cannot be read: {error.what}"))
            continue
        if wanted <= {one.instance for one in found}:
            notes.append(Note(f"the patches are those of {name}"))
            return Patches({one.instance: one for one in found}, notes)
    return Patches({}, notes)


class Reports(NamedTuple):
    """The reports that were found beside a file, by their names."""

    outcomes: Mapping[str, Mapping[str, Outcome]]
    notes: list[Note]

    def of(self, instance: str, model: str) -> Outcome | None:
        """What is said of a model's instance.

        A report counts that is named after the model, as the harness names it, or is the only one.
        """
        named = [name for name in self.outcomes if name.startswith(model.replace("/", "__") + ".")]
        chosen = named or list(self.outcomes)
        return self.outcomes[chosen[0]].get(instance) if len(chosen) == 1 else None


def reports_beside(stream: Lines) -> Reports:
    """The run reports in the folder of a file."""
    found, notes = {}, []
    for opened in siblings(stream, is_run_report):
        name = opened.path.name if opened.path else ""
        try:
            found[name] = outcomes_of(report_of(opened, name))
            notes.append(Note(f"the verdicts are those of {name}"))
        except kernel.Unreadable as error:
            notes.append(Note(f"{name} beside it cannot be read: {error.what}"))
    return Reports(found, notes)
