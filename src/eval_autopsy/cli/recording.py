"""What a verb established, entered for the investigation of its case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eval_autopsy.cli.out import Out
from eval_autopsy.errors import CannotUse

if TYPE_CHECKING:
    from eval_autopsy.case.load import Case
    from eval_autopsy.investigation.facts import Facts


def recorded(out: Out, case: Case, facts: Facts) -> None:
    """Enters it; where that cannot be done it is said, and the verb's own work stands."""
    from eval_autopsy.investigation.standing import record

    try:
        record(case, facts)
    except (CannotUse, OSError) as error:
        out.tell(f"not entered for `autopsy next`: {error}")
