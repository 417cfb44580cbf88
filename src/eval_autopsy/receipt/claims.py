"""The claims of a receipt as they are made, and the holes through which a report states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from eval_autopsy import kernel


class Hole(NamedTuple):
    """Where a report states something that it does not say itself."""

    piece: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim by its id, and the forms that a template can show it in."""

    id: str
    value: Any

    def shown(self, form: str) -> Hole:
        """A hole that shows the claim's value in a form such as "percent"."""
        return Hole({"claim": self.id, "as": form})

    @property
    def of(self) -> Hole:
        return self.shown("of")

    @property
    def count(self) -> Hole:
        return self.shown("count")

    @property
    def percent(self) -> Hole:
        return self.shown("percent")

    @property
    def points(self) -> Hole:
        return self.shown("points")

    @property
    def change(self) -> Hole:
        return self.shown("change")

    @property
    def p(self) -> Hole:
        return self.shown("p")

    @property
    def list(self) -> Hole:
        return self.shown("list")

    @property
    def word(self) -> Hole:
        return self.shown("word")

    @property
    def slice(self) -> Hole:
        """The slice that the claim is about, in words."""
        return Hole({"slice": self.id})

    @property
    def label(self) -> Hole:
        """What the claim says, in words."""
        return Hole({"label": self.id})


def table(rows: Sequence[Sequence[Hole]]) -> Hole:
    """A table whose heads the kernel makes from the claims."""
    return Hole(
        {"table": [[[hole.piece["claim"], hole.piece["as"]] for hole in row] for row in rows]}
    )


class Ledger:
    """The claims made so far, each derived from the cube once."""

    def __init__(self, cube: kernel.Cube, evidence: Mapping[str, Any]) -> None:
        self.cube, self.evidence = cube, evidence
        self.claims: dict[str, dict[str, Any]] = {}

    def claim(self, op: str, **args: Any) -> Claim:
        """A claim of an operation of the kernel's vocabulary; the same one is made once.

        Raises kernel.Undefined when the counts do not have the quantity.
        """
        identity = kernel.spelled(op, args)
        if identity not in self.claims:
            self.claims[identity] = {
                "id": identity,
                "op": op,
                "args": args,
                "value": kernel.derive(op, args, self.cube),
                "rests_on": kernel.rests_on(op, args, self.evidence),
            }
        return Claim(identity, self.claims[identity]["value"])

    def stated(self, used: set[str]) -> list[dict[str, Any]]:
        """The claims that a report states, in the order they were made."""
        return [claim for name, claim in self.claims.items() if name in used]
