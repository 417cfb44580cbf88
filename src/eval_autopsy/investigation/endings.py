"""The last two steps: prose that is taken into the case, and the receipt with all of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from eval_autopsy import kernel
from eval_autopsy.api import Autopsy
from eval_autopsy.case.load import Case
from eval_autopsy.errors import BadCase, CannotRun
from eval_autopsy.evidence import Progress, quiet
from eval_autopsy.experiments.exhibits import Twins
from eval_autopsy.investigation.facts import twins_of
from eval_autopsy.investigation.predictions import with_hypotheses
from eval_autopsy.investigation.standing import (
    Standing,
    check_words,
    narrative_of,
    record,
    require,
    stated,
)
from eval_autopsy.investigation.state import State
from eval_autopsy.readers.record_files import digest_of
from eval_autopsy.receipt.account import Account, Left, Tried
from eval_autopsy.receipt.certify import Certified
from eval_autopsy.receipt.narrative import Problem, decoded, filled, problems_of
from eval_autopsy.receipt.verify import verify
from eval_autopsy.screen import command
from eval_autopsy.systems.journal import folder_of


def citable(case: Case, into: Path) -> kernel.Page:
    """The page of the case's receipt, whose claims a narrative may name.

    Raises CannotRun where there is no receipt that holds for the case and the data as they are.
    """
    folder = into / "receipts" / case.name
    remedy = f"run `{command('autopsy', 'run', str(case.path))}`, which writes one"
    if not (folder / "receipt.json").is_file():
        what = "there is no receipt of this case, whose claims could be named"
        raise CannotRun(what, where=str(folder), remedy=remedy)
    done = verify(folder)
    if done.verdict != "holds":
        first = done.failures[0]
        what = f"the receipt does not hold for the case as it is: {first.check} {first.where}"
        raise CannotRun(what, where=str(folder), remedy=remedy)
    return done.page


class Checked(NamedTuple):
    """What has to be mended in a narrative before the receipt of a case can show it."""

    problems: list[Problem]
    shown: str  # the narrative as the receipt shows it; "" where there are problems


def checked(text: str, case: Case, into: Path) -> Checked:
    """A narrative held against the claims of the case's receipt."""
    page = citable(case, into)
    problems = problems_of(text, page)
    return Checked(problems, "" if problems else filled(text, page))


def taken(raw: bytes, where: str, case: Case, into: Path) -> list[Problem]:
    """Takes a narrative into a case, unless there are problems, which are returned.

    Raises CannotRun while a step that it rests on is open, and BadCase when the case names another
    file as its narrative.
    """
    require(case, "narrate")
    place = narrative_of(case)
    named = case.narrative is not None
    if named and (not os.path.exists(where) or not os.path.samefile(where, place)):
        what = f"the case names its narrative: {place}"
        raise BadCase(what, where=where, remedy="edit that file, or take the key out of the case")
    problems = checked(decoded(raw, where), case, into).problems
    if problems:
        return problems
    if not named:
        folder_of(State(case).folder)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(raw)
    says = {"file": os.path.relpath(place, case.folder), "sha256": digest_of(place)}
    record(case, {"narrate": says})
    return []


def certified(
    case: Case, into: Path, *, seed: int | None = None, progress: Progress = quiet
) -> Certified:
    """The receipt of a case whose steps are all done, skipped, or do not apply.

    Raises CannotRun for a step that is none of these, DoesNotHold when it does not verify.
    """
    standing = require(case, "certify")
    told, varied = (standing.entries.get(step) for step in ("narrate", "ablate"))
    prose = narrative_of(case) if told is not None and told.status == "done" else None
    study = Autopsy(replace(with_hypotheses(case), narrative=prose))
    done = study.run(
        into,
        seed=seed,
        progress=progress,
        account=account_of(standing),
        twins=twins_in(standing),
        hypotheses=varied is None or varied.status == "done",
        library=False,  # what is varied is the investigation's to say
    )
    folder = os.path.relpath(done.folder, case.folder)
    record(case, {"certify": {"receipt": folder, "id": done.verification.receipt_id}})
    return done


def twins_in(standing: Standing) -> Twins | None:
    """The smallest inputs that an investigation found; None when there are no such."""
    entry = standing.entries.get("shrink")
    return twins_of(entry.says) if entry is not None and entry.status == "done" else None


def account_of(standing: Standing) -> Account:
    """How far an investigation went, for its receipt. Raises BadCase for a number in it."""
    for statement, _ in stated(standing):
        check_words(statement, str(standing.case.path))
    entries = standing.entries.values()
    names = [one.step for one in entries if one.status == "done" and one.step != "certify"]
    return Account(
        done=names,
        skipped=[Left(one.step, one.reason) for one in entries if one.status == "skipped"],
        not_applicable=[Left(*one) for one in standing.not_applicable.items()],
        tried=[Tried(*one) for one in stated(standing)],
        end=standing.end,
    )
