"""What a receipt says of the score: several scores of the same answers, and which are in doubt.

Every list of ids is a claim, and so is every count beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.questions.doubt import beyond
from eval_autopsy.questions.rates import Rate, rate_of, right_rate
from eval_autopsy.receipt.claims import Claim, Hole, Ledger, table

IDS_SHOWN = 100  # of a kind of doubt or of a flip, in each split
CORRECTED = ("corrected_least", "corrected_most")
REPEATS = "repeats-as-independent"  # which move no score, but only how far it can be trusted


def audit_facts(ledger: Ledger) -> dict[str, Any] | None:
    """What the templates may speak of; None where the receipt has no audit."""
    if ledger.evidence["audit"] is None:
        return None
    names = [name for name in kernel.SCORES if _any(ledger, f"judged:{name}")]
    kinds = [kind for kind in kernel.SUSPECTS if _any(ledger, f"suspect:{kind}")]
    doubted = set(kinds) - {REPEATS}  # what is not scored alone moves nothing
    return {
        "names": names,
        "by": names[0],  # the score under audit
        "scores": table([list(_score(ledger, name)) for name in names]),
        "flips": _flips(ledger, names),
        "turned": list(_turned(ledger, names)),
        "kinds": kinds,
        "suspects": table([_counts(ledger, f"suspect:{kind}") for kind in kinds])
        if kinds
        else None,
        "ids": [{"kind": kind, "lists": list(_lists(ledger, f"suspect:{kind}"))} for kind in kinds],
        "left": table([list(_left(ledger, split)) for split in kernel.SPLITS]),
        "moved": (moved := [one for one in _bounds(ledger, names[0]) if one["moved"] and doubted]),
        "beyond": any(one["beyond"] for one in moved),
        "doubts": {split: _doubts(ledger, split, kinds) for split in kernel.SPLITS},
        "cut": any(
            ledger.cube.count(split, f"suspect:{kind}", {}) > IDS_SHOWN
            for kind in kinds
            for split in kernel.SPLITS
        ),
    }


def _any(ledger: Ledger, outcome: str) -> bool:
    return any(ledger.cube.count(split, outcome, {}) for split in kernel.SPLITS)


def _rate(ledger: Ledger, split: str, outcome: str, of: str) -> Claim:
    return ledger.claim("rate", split=split, outcome=outcome, of=of, where={})


def _score(ledger: Ledger, name: str) -> Iterator[Hole]:
    """What a score says of each split, with its interval."""
    args = {"outcome": f"judged_right:{name}", "of": f"judged:{name}"}
    for split in kernel.SPLITS:
        yield _rate(ledger, split, **args).of
        yield ledger.claim("interval", split=split, **args, where={}).percent


def _counts(ledger: Ledger, outcome: str) -> list[Hole]:
    """How many records of each split have an outcome."""
    return [
        ledger.claim("count", split=split, outcome=outcome, where={}).count
        for split in kernel.SPLITS
    ]


def _doubts(ledger: Ledger, split: str, kinds: Sequence[str]) -> dict[str, Claim]:
    """How many records of a split are in doubt, by the kinds that are there."""
    return {
        kind: ledger.claim("count", split=split, outcome=f"suspect:{kind}", where={})
        for kind in kinds
        if ledger.cube.count(split, f"suspect:{kind}", {})
    }


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Each score with the next, and the first with the last."""
    return [*pairwise(names), *([(names[0], names[-1])] if len(names) > 2 else [])]


def _flips(ledger: Ledger, names: Sequence[str]) -> Hole | None:
    """How many records have each pair of verdicts by two scores; None where there is one score."""
    said = kernel.VERDICTS.values()
    cells = [
        f"flip:{one} {before}, {other} {after}"
        for one, other in _pairs(names)
        for before in said
        for after in said
    ]
    rows = [_counts(ledger, cell) for cell in cells if _any(ledger, cell)]
    return table(rows) if rows else None


def _turned(ledger: Ledger, names: Sequence[str]) -> Iterator[Claim]:
    """The ids of the records that the first score calls right and another wrong, or wrong and
    right."""
    for other in names[1:]:
        for before, after in (("right", "wrong"), ("wrong", "right")):
            yield from _lists(ledger, f"flip:{names[0]} {before}, {other} {after}")


def _lists(ledger: Ledger, outcome: str) -> Iterator[Claim]:
    """The ids of the records of each split that have an outcome."""
    for split in kernel.SPLITS:
        if ledger.cube.count(split, outcome, {}):
            args = {"outcome": outcome, "where": {}, "limit": IDS_SHOWN}
            yield ledger.claim("members", split=split, **args)


def _left(ledger: Ledger, split: str) -> Iterator[Hole]:
    """What is left of the score of a split."""
    for outcome in CORRECTED:
        yield _rate(ledger, split, outcome, "corrected").of
    yield ledger.claim("corrected_interval", split=split).percent
    for outcome in ("undecided", "apart", "independent"):
        yield ledger.claim("count", split=split, outcome=outcome, where={}).count


def _bounds(ledger: Ledger, by: str) -> Iterator[Mapping[str, Any]]:
    """The score under audit of each split with its bounds, and whether these are another score,
    and one that chance alone does not make.

    The receipt's own rate counts as well: it may be by another score than the one under audit.
    """
    for split in kernel.SPLITS:
        said = _rate(ledger, split, f"judged_right:{by}", f"judged:{by}")
        least, most = (_rate(ledger, split, outcome, "corrected") for outcome in CORRECTED)
        own = _rate(ledger, split, "right", "counted")
        yield {
            "split": split,
            "said": said,
            "least": least,
            "most": most,
            "interval": ledger.claim("corrected_interval", split=split),
            "decided": least.value == most.value,
            "moved": {least.value, most.value} != {said.value}
            or {least.value, most.value} != {own.value},
            "beyond": any(
                beyond(one, _counted(least), _counted(most))
                for one in (
                    rate_of(ledger.cube, split, f"judged_right:{by}", f"judged:{by}", {}),
                    right_rate(ledger.cube, split, {}),
                )
            ),
        }


def _counted(claim: Claim) -> Rate:
    """The rate that a claim states."""
    return Rate(*map(int, claim.value.split("/")))
