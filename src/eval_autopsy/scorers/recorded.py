"""The score that came with the data."""

from __future__ import annotations

from eval_autopsy.errors import CannotRead
from eval_autopsy.kernel import MISSING, canonical
from eval_autopsy.registry import scorer

RIGHT, WRONG = {"true", "1", "1.0"}, {"false", "0", "0.0"}


@scorer("recorded")
def recorded(score: object, where: str = "") -> bool | None:
    """The score that the data hold (true, false, 1 or 0); its claims say `given`."""
    if score is MISSING or score is None or score == "":
        return None
    text = str(score).strip().casefold()
    if text not in RIGHT | WRONG:
        raise CannotRead(
            f"the score is {canonical(score)}, expected true, false, 1 or 0",
            where=where,
            remedy="of a graded score, name the least that is right with --threshold, or as "
            "threshold under [scorer] of a case",
        )
    return text in RIGHT
