"""The smallest failing input and its passing twin in a receipt: asked again, and quoted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from eval_autopsy import kernel, systems
from eval_autopsy.case.load import Case
from eval_autopsy.evidence import OUR_SCORERS, Evidence, Progress
from eval_autopsy.receipt.claims import Hole, Ledger

TWINS = "twins.jsonl"
SIDES = ("passing", "failing")


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


def twins_facts(ledger: Ledger) -> dict[str, Any] | None:
    """What is said of the twins; None when there are no such."""
    if not ledger.cube.twins:
        return None
    return {
        "reproduced": ledger.evidence["twins"]["reproduced"],
        "sides": [
            {
                "verdict": ledger.claim("twin", side=side),
                "quotes": [
                    (part, Hole({"side": side, "field": part}))
                    for part in ("input", "expected", "output")
                ],
            }
            for side in SIDES
            if side in ledger.cube.twins
        ],
    }
