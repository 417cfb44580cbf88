"""What each verb established, as the file of a case keeps it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval_autopsy import registry
from eval_autopsy.case.load import Case
from eval_autopsy.experiments.exhibits import Twins
from eval_autopsy.experiments.groups import EVAL, confirmed
from eval_autopsy.experiments.shrink import Shrunk
from eval_autopsy.experiments.study import Varied
from eval_autopsy.questions.ablation import Effect
from eval_autopsy.questions.gap import Gap, gap_of
from eval_autopsy.questions.rates import Rate, right_rate
from eval_autopsy.questions.silent import silent_of
from eval_autopsy.questions.slices import Slices
from eval_autopsy.receipt.certify import Certified
from eval_autopsy.screen import FirstScreen

NAMED = 5  # slices that are kept by their words
Facts = dict[str, Mapping[str, Any]]  # by step


def of_case(case: Case) -> Facts:
    """What is compared, by what, and what production would stop."""
    guards = case.file.guards.model_dump(mode="json", exclude_defaults=True)
    files: dict[str, list[str]] = {}
    for source in case.sources:
        split = source.split if isinstance(source.split, str) else "eval and production"
        files.setdefault(split, []).append(os.path.relpath(source.path, case.folder))
    says = {
        "files": files,
        "scorer": case.scorer.name,
        "fields": case.file.fields.parts(),
        "system": case.file.system.kind if case.file.system else None,
        "guards": sorted(guards),
    }
    return {"frame": says}


def of_screen(screen: FirstScreen) -> Facts:
    """What the first screen of a case shows."""
    if screen.eval is None or screen.production is None or screen.gap is None:
        return {}
    promise = screen.calibration
    return {
        "reproduce": _rates(screen.eval, screen.production, screen.gap),
        "calibrate": {"calibration": promise.to_dict() if promise else None},
    }


def of_slices(found: Slices) -> Facts:
    """What the search for slices found, and the guards let through."""
    failing = confirmed(found)
    return {
        "reproduce": _rates(found.eval, found.production, found.gap),
        "quantify": _failing([one.words for one in failing]),
        "silence": {"wrong": found.silent.wrong, "silent": found.silent.silent},
    }


def of_receipt(done: Certified) -> Facts:
    """What a receipt states of the same."""
    cube, guards = done.cube, [guard["name"] for guard in done.evidence.spec["guards"]]
    eval_, production = (right_rate(cube, split, {}) for split in ("eval", "production"))
    silent = silent_of(cube, guards)
    page = done.verification.page
    telling = [one for one in page.findings.values() if one["kind"] == "slice"]
    return {
        "reproduce": _rates(eval_, production, gap_of(cube)),
        "quantify": _failing([page.filled(one["text"]) for one in telling]),
        "silence": {"wrong": silent.wrong, "silent": silent.silent},
    }


def of_declared(case: Case) -> Facts:
    """The hypotheses that a case file declares."""
    return {"hypothesise": {"declared": [one.statement for one in case.file.hypothesis]}}


def of_ablation(found: Varied) -> Facts:
    """What varying the system came to."""
    effects = found.ablation.effects if found.ablation else ()
    parts = (part.effect for one in found.hypotheses for part in one.parts)
    tried = [{"statement": one.statement, "verdict": one.verdict} for one in found.hypotheses]
    breaking = sorted({" + ".join(one.tried.changes) for one in effects if one.breaks})
    says = {"hypotheses": tried, "breaks": breaking, "calls": found.calls}
    return {"ablate": {**says, "example": _example([*parts, *effects])}}


def _example(effects: Iterable[Effect]) -> Mapping[str, Any] | None:
    """A right record of eval that a change breaks beyond chance, and the change; None without one.

    A change of somebody's own file is none: the file would have to be named as well.
    """
    ours = {one.name for one in registry.perturbations.describe() if one.package == registry.OURS}
    for one in effects:
        tried = one.tried
        if one.breaks and tried.group == EVAL and tried.example and ours >= {*tried.changes}:
            return {"id": tried.example, "changes": list(tried.changes)}
    return None


def of_shrunk(found: Shrunk) -> Facts:
    """Which failing record was made as small as can be, and what became of it."""
    sides = {"failing": found.failing, "passing": found.passing}
    return {
        "shrink": {
            "record": found.id,
            "split": found.split,
            "rule": found.rule,
            "difference": list(found.difference),
            "sides": {
                side: _without_wrong(end.to_dict()) | {"fields": list(end.trial.names)}
                for side, end in sides.items()
                if end is not None
            },
        }
    }


def _without_wrong(end: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in end.items() if name != "wrong"}


def twins_of(said: Mapping[str, Any]) -> Twins | None:
    """The smallest inputs as `of_shrunk` entered them; None where only the record was entered."""
    if "sides" not in said:
        return None
    difference = tuple(said["difference"])
    return Twins(said["record"], said["split"], said["rule"], difference, said["sides"])


def _rates(eval_: Rate, production: Rate, gap: Gap) -> dict[str, Any]:
    return {
        "eval": eval_.to_dict(),
        "production": production.to_dict(),
        "gap": gap.to_dict(),
    }


def _failing(words: Sequence[str]) -> dict[str, Any]:
    return {"confirmed": bool(words), "slices": list(words[:NAMED])}
