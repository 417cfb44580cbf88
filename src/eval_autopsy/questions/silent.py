"""Wrong answers that nothing stopped, and what each guard did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from eval_autopsy import kernel


class GuardCounts(NamedTuple):
    """What one guard did to the answers of production."""

    name: str
    caught: int  # wrong, and stopped by it
    missed: int  # wrong, and let through by it
    false_alarm: int  # right, and stopped by it
    only: int  # wrong, and stopped by no other guard


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """How many wrong answers of production are silent, and the ledger of the guards.

    Without guards every wrong answer that is not a failed call is silent.
    """

    wrong: int
    silent: int
    guards: tuple[GuardCounts, ...]

    def to_dict(self) -> dict[str, Any]:
        """The `silent` of JSON outputs."""
        guards = [counts._asdict() for counts in self.guards]
        return {"wrong": self.wrong, "silent": self.silent, "guards": guards}


def silent_of(cube: kernel.Cube, guards: Sequence[str]) -> Silent:
    """The silent answers of a cube that was counted with the guards of these names."""

    def count(outcome: str) -> int:
        return cube.count("production", outcome, {})

    kinds = GuardCounts._fields[1:]
    ledger = tuple(
        GuardCounts(name, *(count(f"{kind}:{name}") for kind in kinds)) for name in guards
    )
    return Silent(wrong=count("wrong"), silent=count("silent"), guards=ledger)
