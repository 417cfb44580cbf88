"""What the guards of a case do, and its judged records as guards are learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from eval_autopsy import kernel, verdicts
from eval_autopsy.errors import CannotRun
from eval_autopsy.evidence import Evidence
from eval_autopsy.questions.holds import text_of
from eval_autopsy.questions.invariants import Seen
from eval_autopsy.questions.mining import Mined, Row
from eval_autopsy.questions.silent import Silent


class Guarded(NamedTuple):
    """The ledger of the guards, and what was learned beside them."""

    ledger: Silent
    mined: Mined | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `autopsy guards`."""
        found = self.ledger.to_dict()
        return found if self.mined is None else {**found, "mined": self.mined.to_dict()}


def rows_of(evidence: Evidence, seed: int) -> list[Row]:
    """The records with an output and a verdict. Raises CannotRun when there is no output at all."""
    rows = list(_rows(evidence, seed))
    if not rows:
        what = "no record has an output that was scored"
        raise CannotRun(what, remedy="name the recorded output, or a system that gives it")
    return rows


def _rows(evidence: Evidence, seed: int) -> Iterator[Row]:
    right = verdicts.right(evidence.spec, evidence.table)
    table = evidence.table.iter_rows(named=True)
    for record, said, verdict in zip(evidence.records, table, right, strict=True):
        if verdict is None or record.error is not None or record.output is kernel.MISSING:
            continue
        seen = Seen(text_of(record.input), record.output)
        half = kernel.half_of(seed, said["unit"])
        yield Row(seen, verdict, not verdict and _passes(said), half)


def _passes(said: Mapping[str, Any]) -> bool:
    """Whether every guard lets an output through."""
    return all(
        verdict is not False for name, verdict in said.items() if name.startswith(verdicts.GUARD)
    )
