"""When a score is in doubt enough to be said before all else: where it matters, and not otherwise.

1. Next to nothing is right by fields that were guessed: the guess is doubted first.
2. A recorded score calls none right, or all, and the rate of the same answers scored again lies
   outside of its 95% interval. Where it calls all right, at least half of the answers must be the
   expected value: else it is likely a judge's, of answers in free words.
3. A bound of the corrected score lies outside of the 95% interval of the score as it stands. One
   record of many moves it less than that.
"""

from __future__ import annotations

from collections.abc import Mapping

from eval_autopsy.questions.audit import Audit
from eval_autopsy.questions.rates import Rate

ENOUGH = 10  # scored records, of which next to none is right


def next_to_none(rate: Rate) -> bool:
    """Whether at most one in a hundred of enough records is right."""
    return rate.n >= ENOUGH and 100 * rate.k <= rate.n


def one_sided(rate: Rate) -> bool:
    """Whether none, or all, of enough records are right."""
    return rate.n >= ENOUGH and rate.k in (0, rate.n)


def beyond(rate: Rate, *bounds: Rate) -> bool:
    """Whether one of some other rates lies outside of the 95% interval of a rate.

    >>> beyond(Rate(95, 100), Rate(94, 100)), beyond(Rate(95, 100), Rate(60, 100))
    (False, True)
    """
    low, high = rate.interval
    return any(one.n > 0 and not low <= one.k / one.n <= high for one in bounds)


def guess_in_doubt(
    rates: Mapping[str, Rate], guessed: Mapping[str, str], heads: Mapping[str, str]
) -> str:
    """That next to nothing is right in some sets, with the fields that were guessed; "" if not so.

    `guessed` has the fields of each set, in words, and `heads` what some sets are called.
    """
    low = {split: rate for split, rate in rates.items() if split in guessed and next_to_none(rate)}
    if not low:
        return ""
    most = "next to nothing" if any(rate.k for rate in low.values()) else "nothing"
    counts = ", ".join(
        f"{rate.k:,} of {rate.n:,} in {heads.get(split, split)}" for split, rate in low.items()
    )
    fields = " or ".join(dict.fromkeys(guessed[split] for split in low))
    return (
        f"{most} is right ({counts}): see first whether {fields}, which is guessed; if not, "
        "name others, or let `autopsy init` write the guesses down and correct them"
    )


def contradicted(audit: Audit) -> str:
    """That a recorded score calls none or all right, and the answers do not; "" if not so."""
    said = []
    for split, scores in audit.scores.items():
        if "recorded" not in scores or "recomputed" not in scores:
            continue
        recorded, again = scores["recorded"].rate, scores["recomputed"].rate
        usual = (
            recorded.k == 0 or 2 * scores.get("normalized", scores["recomputed"]).rate.k >= again.n
        )
        if one_sided(recorded) and beyond(recorded, again) and usual:
            counts = f"{recorded.k:,} of {recorded.n:,} in {split} are right as recorded"
            said.append(f"{counts}, and {again.k:,} of {again.n:,} recomputed by {audit.scorer}")
    if not said:
        return ""
    return f"the score is in doubt: {'; '.join(said)}; `autopsy audit` lists the answers"
