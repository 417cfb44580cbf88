"""The hypotheses of a case in its receipt: what was asked for them, and what the report says."""

from __future__ import annotations

import gzip
import io
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

from eval_autopsy import kernel, systems
from eval_autopsy.case.load import Case
from eval_autopsy.evidence import OUR_SCORERS, Evidence, Progress
from eval_autopsy.experiments import study
from eval_autopsy.experiments.asking import answered
from eval_autopsy.experiments.groups import entries_of
from eval_autopsy.experiments.ledger import Ledger as Predictions
from eval_autopsy.experiments.trials import Done, inputs_of
from eval_autopsy.receipt.claims import Claim, Hole, Ledger

VARIED = "varied.jsonl"
PREDICTIONS = "predictions.jsonl"


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


def varied(case: Case, evidence: Evidence, progress: Progress, seed: int) -> Evidence:
    """The evidence with the answers to all inputs that the hypotheses are about.

    The system is asked about each again, to see whether it gives the same answers.
    """
    at = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)
    how = study.How(declared=True, seed=seed, now=at.isoformat(timespec="seconds"))
    study.check(case, how)
    with systems.opened(case, systems.journal_of(case), progress) as runner:
        tested = study.declared(case, evidence, runner, how, lambda plan: None)
        first = [answer for name in tested.done for answer in tested.answers[name]]
        asked = inputs_of(one.trial for one in tested.done.values())
        reproduced = evidence.spec["system"] is not None and all(
            map(kernel.answers_alike, first, answered(runner, asked, 2, "asking changes again"))
        )
        system = runner.journal.system
    rows = {name: _rows(name, one, tested.answers[name]) for name, one in tested.done.items()}
    names = [name for name in tested.done if name != kernel.AS_IT_IS]
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
                "given": any("right" in row for row in rows[one.name]),
            }
            for one in entries_of(names, case.perturbation_files)
        ],
        "hypotheses": [
            {
                "statement": said.statement,
                "breaks": list(said.breaks),
                "spares": list(said.spares),
                "fields": {name: list(fields) for name, fields in said.fields.items()},
                "digest": found.prediction.digest,
                "entry": found.prediction.number,
                "at": found.prediction.at,
                "known": found.prediction.known,
            }
            for said, found in zip(case.file.hypothesis, tested.outcomes, strict=True)
        ],
    }
    lines = [
        kernel.canonical(row).encode("utf-8") + b"\n" for some in rows.values() for row in some
    ]
    predictions = Predictions(case.folder).path.read_bytes()
    return replace(
        evidence,
        spec={**evidence.spec, "varied": says},
        made={**evidence.made, VARIED: b"".join(lines), PREDICTIONS: predictions},
    )


def _rows(name: str, done: Done, answers: Sequence[kernel.Answer]) -> list[dict[str, Any]]:
    """A row for each changed input; `right` where the right answer follows the change."""
    rows = []
    for variant, answer in zip(done.trial.variants, answers, strict=True):
        record, changed = variant.subject.record, variant.changed
        row: dict[str, Any] = {"of": record.id, "change": name, "input": changed.input}
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


def cause_facts(ledger: Ledger) -> dict[str, Any] | None:
    """What is said of the hypotheses; None when the case has none."""
    varied = ledger.cube.varied
    if varied is None:
        return None
    said = [hypothesis_facts(ledger, one) for one in varied.says["hypotheses"]]
    by_verdict = {
        word: [one for one in said if one["verdict"].value == word]
        for word in ("measured", "inferred", "refuted")
    }
    exactly = [[one] for each in said for one in each["exactly"]]
    measured = by_verdict["measured"]
    return {
        **by_verdict,
        "all": said,
        "ablation": table([effect_row(ledger, name) for name in varied.p_values()]),
        "control": table([control_row(ledger)]),
        "exactly": table(exactly) if exactly else None,
        "reproduced": varied.says["reproduced"],
        "given": any(one["given"] for one in varied.says["changes"]),
        "twin": twin(ledger, measured[0]["first"]) if measured else None,
    }


def hypothesis_facts(ledger: Ledger, said: dict[str, Any]) -> dict[str, Any]:
    """The verdict on a hypothesis, what came of each prediction, and how much breaks."""
    statement = said["statement"]
    names = [*said["breaks"], *said["spares"], kernel.AS_IT_IS]
    fields = [name for name in said["breaks"] if said["fields"].get(name)]
    predictions = [
        ledger.claim("prediction", statement=statement, change=name).word for name in names
    ]
    return {
        "verdict": ledger.claim("hypothesis", statement=statement),
        "parts": table([[one] for one in predictions]),
        "first": said["breaks"][0],
        "breaks": [named(ledger.claim("broken", change=name)) for name in said["breaks"]],
        "exactly": [
            ledger.claim("broken_exactly", statement=statement, change=name).of for name in fields
        ],
    }


def named(claim: Claim) -> dict[str, Hole]:
    """A rate of broken answers, and the change that it is about."""
    return {"of": claim.of, "change": claim.slice}


def effect_row(ledger: Ledger, change: str) -> list[Hole]:
    """Right before and after a change, the effect with its interval and p, and what breaks."""
    return [
        *(ledger.claim("rate_changed", change=change, when=w).of for w in ("before", "after")),
        ledger.claim("effect", change=change).points,
        ledger.claim("effect_interval", change=change).points,
        ledger.claim("p_changed", change=change).p,
        *broken(ledger, change),
    ]


def control_row(ledger: Ledger) -> list[Hole]:
    """What breaks where nothing is changed."""
    first, second = (
        ledger.claim("rate_changed", change=kernel.AS_IT_IS, when=when).of
        for when in ("before", "after")
    )
    return [first, second, *broken(ledger, kernel.AS_IT_IS)]


def broken(ledger: Ledger, change: str) -> list[Hole]:
    """How many of the right answers a change breaks, with the interval."""
    return [
        ledger.claim("broken", change=change).of,
        ledger.claim("broken_interval", change=change).percent,
    ]


def twin(ledger: Ledger, change: str) -> dict[str, Any]:
    """The shortest right record that a change breaks, as it is and changed."""
    found = ledger.claim("shortest", change=change, limit=1)
    (of,) = found.value
    as_it_is = {"quote": of, "split": "eval"}
    changed = {"twin": of, "change": change}
    return {
        "id": found,
        "change": found.slice,
        "input": Hole({**as_it_is, "field": "input"}),
        "output": Hole({**as_it_is, "field": "output"}),
        "changed_input": Hole({**changed, "field": "input"}),
        "changed_output": Hole({**changed, "field": "output"}),
    }


def table(rows: Sequence[Sequence[Hole]]) -> Hole:
    """A table whose heads the kernel makes from the claims."""
    return Hole(
        {"table": [[[hole.piece["claim"], hole.piece["as"]] for hole in row] for row in rows]}
    )
