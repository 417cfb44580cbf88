"""What a verb established, entered for the investigation of its case."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eval_autopsy.cli.out import Out
from eval_autopsy.errors import CannotUse

if TYPE_CHECKING:
    from eval_autopsy.case.load import Case
    from eval_autopsy.experiments.exhibits import Twins
    from eval_autopsy.investigation.facts import Facts


class SoFar(NamedTuple):
    """What an investigation has come to before a receipt is written without its steps."""

    case: Case  # with the hypotheses that were entered beside its own
    twins: Twins | None = None  # the smallest inputs that were found
    begun: bool = False  # whether an investigation has, which says itself what it will vary


def recorded(out: Out, case: Case, facts: Facts) -> None:
    """Enters it; where that cannot be done it is said, and the verb's own work stands."""
    from eval_autopsy.investigation.standing import record

    try:
        record(case, facts)
    except (CannotUse, OSError) as error:
        out.tell(f"not entered for `autopsy next`: {error}")


def so_far(out: Out, case: Case) -> SoFar:
    """What was established before; where that cannot be read it is said, and nothing taken."""
    from eval_autopsy.investigation.endings import twins_in
    from eval_autopsy.investigation.predictions import with_hypotheses
    from eval_autopsy.investigation.standing import begun, standing_of
    from eval_autopsy.investigation.state import State

    try:
        if not State(case).path.exists():
            return SoFar(case)
        return SoFar(with_hypotheses(case), twins_in(standing_of(case)), begun(case))
    except CannotUse as error:
        out.tell(f"not taken from `autopsy next`: {error}")
        return SoFar(case)
