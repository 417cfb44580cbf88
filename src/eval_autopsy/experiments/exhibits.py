"""What was asked about changed inputs, as a receipt keeps it: the answers and the predictions.

1. The answers of a hypothesis are those that its verdict comes from, each with the input that was
   asked, and with the right answer where that follows the change.
2. What the kernel can run is asked again, to see whether it gives the same answers.
3. The ledger of predictions is kept whole.
"""

from __future__ import annotations

import gzip
import io
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple

from eval_autopsy import kernel, systems
from eval_autopsy.case.load import Case
from eval_autopsy.evidence import OUR_SCORERS, Evidence, Progress
from eval_autopsy.experiments import study
from eval_autopsy.experiments.asking import answered
from eval_autopsy.experiments.groups import entries_of
from eval_autopsy.experiments.ledger import Ledger
from eval_autopsy.experiments.trials import Done, inputs_of

VARIED = "varied.jsonl"
PREDICTIONS = "predictions.jsonl"
TWINS = "twins.jsonl"
SIDES = ("passing", "failing")


def untested(case: Case, *, counted: bool, wanted: bool) -> str | None:
    """What keeps the hypotheses of a case out of its receipt; None when nothing, or there are none.

    "asked" where they are not wanted, "counts" where there are no records, else "system" or
    "scorer".
    """
    if not case.file.hypothesis:
        return None
    if not wanted or counted:
        return "counts" if wanted else "asked"
    if not case.file.system:
        return "system"
    scored = case.scorer.name in OUR_SCORERS and case.scorer.name != "recorded"
    return None if scored else "scorer"


def varied(
    case: Case,
    evidence: Evidence,
    progress: Progress,
    seed: int,
    held_out: frozenset[tuple[str, str]] = frozenset(),
) -> Evidence:
    """The evidence with the answers to all inputs that the hypotheses are about.

    They are tested on records whose split and id are not `held_out`. The system is asked about
    each again, to see whether it gives the same answers.
    """
    at = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)
    now = at.isoformat(timespec="seconds")
    how = study.How(declared=True, held_out=held_out, seed=seed, now=now)
    study.check(case, how)
    with systems.opened(case, systems.journal_of(case), progress) as runner:
        tested = study.declared(case, evidence, runner, how, lambda plan: None)
        first = [answer for of in tested.done for answer in tested.answers[of]]
        asked = inputs_of(one.trial for one in tested.done.values())
        reproduced = evidence.spec["system"] is not None and all(
            map(kernel.answers_alike, first, answered(runner, asked, 2, "asking changes again"))
        )
        system, cost = runner.journal.system, runner.spent.cost
    notes = (f"the calls about changed inputs cost {cost:f} at most",) if cost else ()
    rows = [row for of, one in tested.done.items() for row in _rows(*of, one, tested.answers[of])]
    follows = {n for row in rows if "right" in row for n in row["change"].split(kernel.IN_TURN)}
    names = [
        name for said in case.file.hypothesis for name in (*said.breaks, *said.spares, *said.mends)
    ]
    says = {
        "file": VARIED,
        "ledger": PREDICTIONS,
        "system": system,
        "reproduced": reproduced,
        "changes": [
            {
                "name": one.name,
                "help": one.help,
                "holds": one.value.holds,
                "given": one.value.answers is not None and one.name in follows,
            }
            for one in entries_of(names, case.perturbation_files)
        ],
        "hypotheses": [
            {
                "statement": said.statement,
                "breaks": list(said.breaks),
                "spares": list(said.spares),
                "mends": list(said.mends),
                "fields": {name: list(fields) for name, fields in said.fields.items()},
                "digest": found.prediction.digest,
                "entry": found.prediction.number,
                "at": found.prediction.at,
                "known": found.prediction.known,
            }
            for said, found in zip(case.file.hypothesis, tested.outcomes, strict=True)
        ],
    }
    lines = [kernel.canonical(row).encode("utf-8") + b"\n" for row in rows]
    predictions = Ledger(case.folder).path.read_bytes()
    return replace(
        evidence,
        spec={**evidence.spec, "varied": says},
        notes=(*evidence.notes, *notes),
        made={**evidence.made, VARIED: b"".join(lines), PREDICTIONS: predictions},
    )


def _rows(
    split: str, change: str, done: Done, answers: Sequence[kernel.Answer]
) -> list[dict[str, Any]]:
    """A row for each changed input; `right` where the right answer follows the change."""
    rows = []
    for variant, answer in zip(done.trial.variants, answers, strict=True):
        record, changed = variant.subject.record, variant.changed
        row: dict[str, Any] = {"split": split, "of": record.id, "change": change}
        row["input"] = changed.input
        row |= {"output": answer.output} if answer.error is None else {"error": answer.error}
        if [*map(kernel.canonical, changed.answers)] != [kernel.canonical(record.expected)]:
            row["right"] = list(changed.answers)
        rows.append(row)
    return rows


def counted(evidence: Evidence) -> kernel.Varied:
    """The answers to changed inputs, as the kernel reads and scores them."""

    def opened(name: str) -> BinaryIO:
        made = evidence.made.get(name)
        raw = evidence.subjects[name].read_bytes() if made is None else made
        return io.BytesIO(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)

    records = kernel.load_records(evidence.spec, opened)
    rows = kernel.read_rows(opened(VARIED), VARIED, "jsonl")
    return kernel.Varied(evidence.spec, records, rows)


class Twins(NamedTuple):
    """What was made of a failing record; each side has an input, an expected answer, the fields
    of it that are asked for, none being all, and the output or the error."""

    of: str  # the id of the record
    split: str
    rule: str  # by which the right answer of a smaller input is known
    difference: tuple[str, ...]  # what makes it fail, in words
    sides: Mapping[str, Mapping[str, Any]]  # "failing", and "passing" where there is such


def fits(case: Case) -> bool:
    """Whether the kernel can score the answers to inputs that are not of the data."""
    return bool(case.file.system) and case.scorer.name in {*OUR_SCORERS} - {"recorded"}


def with_twins(case: Case, evidence: Evidence, twins: Twins, progress: Progress) -> Evidence:
    """The evidence with the smallest inputs, whose outputs are the recorded ones.

    The system is asked again, to see whether it gives the same.
    """
    rows = [{"side": side, **twins.sides[side]} for side in SIDES if side in twins.sides]
    first = [kernel.Answer(row.get("output", kernel.MISSING), row.get("error")) for row in rows]
    with systems.opened(case, systems.journal_of(case), progress) as runner:
        again = runner.answers([row["input"] for row in rows], what="asking the smallest inputs")
    says = {
        "file": TWINS,
        "of": twins.of,
        "split": twins.split,
        "rule": twins.rule,
        "difference": list(twins.difference),
        "reproduced": evidence.spec["system"] is not None
        and all(map(kernel.answers_alike, first, again)),
    }
    lines = b"".join(kernel.canonical(row).encode("utf-8") + b"\n" for row in rows)
    spec = {**evidence.spec, "twins": says}
    return replace(evidence, spec=spec, made={**evidence.made, TWINS: lines})
