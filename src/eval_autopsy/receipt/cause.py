"""What a report says of a cause: hypotheses, the ablation, and the smallest inputs that differ."""

from __future__ import annotations

from typing import Any

from eval_autopsy import kernel
from eval_autopsy.receipt.claims import Claim, Hole, Ledger, table

SIDES = ("passing", "failing")  # in the order in which they are shown


def cause_facts(ledger: Ledger) -> dict[str, Any] | None:
    """What is said of the hypotheses; None when the case has none."""
    varied = ledger.cube.varied
    if varied is None:
        return None
    said = [hypothesis_facts(ledger, varied, one) for one in varied.says["hypotheses"]]
    by_verdict = {
        word: [one for one in said if one["verdict"].value == word]
        for word in ("measured", "inferred", "refuted")
    }
    exactly = [[one] for each in said for one in each["exactly"]]
    measured = by_verdict["measured"]
    tried = [
        name for split, name in varied.p_values() if split == "eval" and varied.broken(name)[1]
    ]
    control = varied.broken(kernel.AS_IT_IS)[1] > 0
    return {
        **by_verdict,
        "all": said,
        "ablation": table([effect_row(ledger, name) for name in tried]) if tried else None,
        "control": table([control_row(ledger)]) if control else None,
        "exactly": table(exactly) if exactly else None,
        "mending": mending_facts(ledger, varied),
        "reproduced": varied.says["reproduced"],
        "given": any(one["given"] for one in varied.says["changes"]),
        "twin": twin(ledger, measured[0]["first"]) if measured else None,
    }


def hypothesis_facts(ledger: Ledger, varied: kernel.Varied, said: dict[str, Any]) -> dict[str, Any]:
    """The verdict on a hypothesis, what came of each prediction, and how much breaks.

    Of a change that no right answer was asked about, or that breaks none, there is no rate.
    """
    statement = said["statement"]
    names = [*said["breaks"], *said["spares"], kernel.AS_IT_IS]
    tried = [name for name in said["breaks"] if varied.broken(name)[1]]
    fields = [name for name in tried if said["fields"].get(name) and varied.broken(name)[0]]
    turns = kernel.IN_TURN.join(said["mends"])
    counted = bool(turns) and varied.mended(turns)[1] > 0
    predictions = [
        ledger.claim("prediction", statement=statement, change=name).word for name in names
    ]
    return {
        "verdict": ledger.claim("hypothesis", statement=statement),
        "parts": table([[one] for one in predictions]),
        "first": said["breaks"][0],
        "breaks": [named(ledger.claim("broken", change=name)) for name in tried],
        "mends": named(ledger.claim("mended", change=turns)) if counted else None,
        "exactly": [
            ledger.claim("broken_exactly", statement=statement, change=name).of for name in fields
        ],
    }


def named(claim: Claim) -> dict[str, Hole]:
    """A rate of broken answers, and the change that it is about."""
    return {"of": claim.of, "change": claim.slice}


def mending_facts(ledger: Ledger, varied: kernel.Varied) -> dict[str, Any] | None:
    """What came of what was predicted to mend production; None where nothing was.

    Of changes that apply to no wrong answer there is no rate.
    """
    predicted = [one for one in varied.says["hypotheses"] if one["mends"]]
    if not predicted:
        return None
    turns = dict.fromkeys(kernel.IN_TURN.join(one["mends"]) for one in predicted)
    rows = [mending_row(ledger, change) for change in turns if varied.mended(change)[1]]
    came = [[ledger.claim("mending", statement=one["statement"]).word] for one in predicted]
    return {
        "came": table(came),
        "table": table(rows) if rows else None,
        "wrong": ledger.claim("count", split="production", outcome="wrong", where={}),
    }


def mending_row(ledger: Ledger, change: str) -> list[Hole]:
    """How many of the wrong answers some changes mend, with the interval and p."""
    return [
        ledger.claim("mended", change=change).of,
        ledger.claim("mended_interval", change=change).percent,
        ledger.claim("p_mended", change=change).p,
    ]


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


def twins_facts(ledger: Ledger) -> dict[str, Any] | None:
    """What is said of the twins; None when there are no such."""
    if not ledger.cube.twins:
        return None
    return {
        "reproduced": ledger.evidence["twins"]["reproduced"],
        "passing": "passing" in ledger.cube.twins,
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
