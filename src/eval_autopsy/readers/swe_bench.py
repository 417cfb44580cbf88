"""SWE-bench: the report of a run, the reports of its instances, and predictions.

1. A resolved instance is right; an unresolved one and one whose patch is empty are wrong. One that
   the harness could not evaluate is an error. One without a prediction is no sample: a Note counts
   them, as a run may be meant to be over a part of the data set.
2. A report has no patches, and predictions have no verdicts. Each takes what it lacks from the
   other beside it. The predictions must have all instances of the report; of several reports the
   one counts that is named after the model.
3. Where a patch was not applied the harness writes `resolved: false`, also where the tests ran out
   of time; the score `patch_applied` tells these from the rest.

Known from the harness's source (`reporting.py`, `grading.py`, schema version 2), and from public
files of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers import json_items
from eval_autopsy.readers.beside import siblings
from eval_autopsy.readers.heads import first_object
from eval_autopsy.readers.log_values import Repeats, mapping, number, sequence
from eval_autopsy.readers.logs import Aside, Item, Needs, Note, Reported, Sample
from eval_autopsy.readers.opened import Lines
from eval_autopsy.readers.swe_bench_files import (
    Outcome,
    Prediction,
    are_predictions,
    is_run_report,
    outcomes_of,
    patches_beside,
    predictions,
    report_of,
    reports_beside,
)
from eval_autopsy.registry import reader

TESTS = {"FAIL_TO_PASS": "fail_to_pass", "PASS_TO_PASS": "pass_to_pass"}
WHERE_SCORES = "the report that swebench.harness.run_evaluation writes: MODEL.RUN_ID.json"


def repository(instance: str) -> str:
    """The repository of an instance: `astropy/astropy` of `astropy__astropy-12907`."""
    return instance.rpartition("-")[0].replace("__", "/", 1)


# ---------------------------------------------------------------- the report of a run


@reader("swe_bench", sniff=is_run_report, yields="samples")
def swe_bench(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each submitted instance of a SWE-bench report, with the patch beside it."""
    report = report_of(stream, name)
    outcomes = outcomes_of(report)
    patches = patches_beside(stream, set(outcomes))
    yield from chain(_stated(report), patches.notes)
    for at, (instance, outcome) in enumerate(outcomes.items(), 1):
        prediction = patches.of.get(instance, Prediction(at, instance, "", None))
        yield _sample(instance, prediction._replace(at=at), outcome, patched=bool(patches.of))


def _sample(
    identity: str, prediction: Prediction, outcome: Outcome | None, *, patched: bool
) -> Sample:
    verdict, error = outcome or (None, "")
    attributes = {"repo": repository(prediction.instance), "model": prediction.model}
    return Sample(
        at=prediction.at,
        id=identity,
        cluster=prediction.instance,
        output=(prediction.patch or "") if patched else MISSING,
        score=verdict,
        scores={} if verdict is None else {"resolved": verdict},
        error=error,
        system=prediction.model or None,
        attributes={name: value for name, value in attributes.items() if value},
    )


def _stated(report: dict[str, Any]) -> Iterator[Reported | Note]:
    named = {"submitted_instances": "samples", "error_instances": "errors"}
    for key, figure in named.items():
        value = number(report.get(key))
        if value is not None:
            yield Reported(figure, value, key)
    yield from _rate(report)
    missing = len(sequence(report.get("incomplete_ids")))
    if missing:
        yield Note(f"{missing} instances of the data set have no prediction, and are no samples")


def _rate(report: dict[str, Any]) -> Iterator[Reported]:
    keys = ("resolved_instances", "unresolved_instances", "empty_patch_instances")
    counts = [number(report.get(key)) for key in keys]
    known = [count for count in counts if count is not None and count >= 0]
    over = sum(map(int, known))
    if len(known) == len(keys) and over:
        where = "resolved_instances, of those resolved, unresolved and with an empty patch"
        yield Reported("mean of resolved", known[0] / over, where, over=over)


# ---------------------------------------------------------------- predictions


@reader("swe_bench_predictions", sniff=are_predictions, yields="samples")
def swe_bench_predictions(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each SWE-bench prediction, with the verdict of the run's report beside it."""
    reports = reports_beside(stream)
    yield from reports.notes
    ids, found, first = Repeats(), False, ""
    for item in predictions(stream, name):
        if isinstance(item, Aside):
            yield item
            continue
        outcome = reports.of(item.instance, item.model)
        found = found or outcome is not None
        first = first or item.model
        other = f"@{item.model}" if item.model != first else ""
        yield _sample(ids.name(item.instance + other), item, outcome, patched=True)
    if not found:
        yield Needs("scores", WHERE_SCORES)


# ---------------------------------------------------------------- the report of an instance


def is_instance_report(head: bytes) -> bool:
    """Whether a file begins as the report of one instance, under its id."""
    instances = list(first_object(head))[:1] if head[:1] == b"{" else []
    known = first_object(head, *instances).keys() if instances else ()
    return {"patch_successfully_applied", "resolved"} <= set(known)


@reader("swe_bench_instance", sniff=is_instance_report, yields="samples")
def swe_bench_instance(stream: Lines, name: str) -> Iterator[Item]:
    """The sample of the report of one SWE-bench instance, with the patch beside it."""
    patch = _patch_beside(stream)
    for at, part in enumerate(json_items.parts(stream, name), 1):
        if isinstance(part.value, dict) and part.path.strip():
            yield _reported(at, part.path, part.value, patch)
        else:
            yield Aside(at, f"found {str(part.value)[:20]!r}, expected a report")


def _reported(at: int, instance: str, report: dict[str, Any], patch: Any) -> Sample:
    resolved = report.get("resolved")
    applied = report.get("patch_successfully_applied")
    tests = dict(_tests(mapping(report.get("tests_status"))))
    verdicts = {"resolved": resolved, "patch_applied": applied}
    return Sample(
        at=at,
        id=instance,
        output="" if report.get("patch_exists") is False else patch,
        score=resolved if isinstance(resolved, bool) else None,
        scores={name: value for name, value in verdicts.items() if isinstance(value, bool)}
        | {kind: Decimal(passed) / total for kind, (passed, total) in tests.items()},
        attributes={"repo": repository(instance)}
        | {f"{kind}_tests": total for kind, (_, total) in tests.items()},
    )


def _tests(status: dict[str, Any]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Of each kind of tests how many passed, of how many; kinds without tests are left out."""
    for key, kind in TESTS.items():
        passed = len(sequence(mapping(status.get(key)).get("success")))
        total = passed + len(sequence(mapping(status.get(key)).get("failure")))
        if total:
            yield kind, (passed, total)


def _patch_beside(stream: Lines) -> Any:
    for opened in siblings(stream, lambda head: head.startswith(b"diff --git"), first="patch.diff"):
        raw = opened.read(kernel.LINE_LIMIT + 1)
        if len(raw) <= kernel.LINE_LIMIT:
            return raw.decode("utf-8", "replace")
    return MISSING
