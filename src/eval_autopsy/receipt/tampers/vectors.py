"""The tamperings of the JSON files beside this one, and how each is made.

A file holds one class: what it is about, and its tamperings. Each has an id and a comment, flags,
`edits`, what is then `redo`ne, and edits that come `then`; its `verdict`; and the one `check` that
must fire. No other check may fire but those under `also`. The verdict "holds" is for what must be
accepted: a change after which every number still follows from the data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.receipt.tampers import files, redo, rows, statement
from eval_autopsy.receipt.tampers.copies import Copy, NotApplicable, Original

EDITS = {**statement.EDITS, **files.EDITS, **rows.EDITS}
REDO = redo.REDO
HERE = Path(__file__).parent


# What the kernel's functions raise at what no check has looked at yet.
_CANNOT_REDO = (
    *(kernel.Unreadable, kernel.Undefined),
    *(ArithmeticError, LookupError, TypeError, ValueError),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tamper:
    """One way to tamper with a receipt, and what must come of it."""

    id: str
    group: str
    comment: str
    verdict: str
    check: str = ""  # empty when the receipt must still hold
    also: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    edits: tuple[Mapping[str, Any], ...] = ()
    redo: tuple[str, ...] = ()
    then: tuple[Mapping[str, Any], ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether a receipt must still hold after it."""
        return self.verdict == "holds"

    @property
    def rerun(self) -> bool:
        """Whether only running the system again can tell."""
        return "Rerun" in self.flags

    def applied(self, original: Original) -> Copy:
        """The tampered copy; raises NotApplicable where the receipt has no place for it."""
        copy = Copy(original)
        _edit(copy, self.edits)
        try:
            for name in self.redo:
                REDO[name](copy)
        except _CANNOT_REDO as error:
            raise NotApplicable(f"cannot be made consistent: {error}") from None
        _edit(copy, self.then)
        return copy


def _edit(copy: Copy, edits: Iterable[Mapping[str, Any]]) -> None:
    for given in edits:
        options = dict(given)
        EDITS[options.pop("edit")](copy, **options)


def listed() -> list[Tamper]:
    """The tamperings of all files, in the order of their names."""
    found = []
    for path in sorted(HERE.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        for one in document["tampers"]:
            lists = {key: tuple(value) for key, value in one.items() if isinstance(value, list)}
            found.append(Tamper(group=document["class"], **{**one, **lists}))
    return found


def generated(original: Original) -> list[Tamper]:
    """Every digit of the report changed, and every claim's value nudged, one at a time."""
    report = original.files["REPORT.md"]
    digits = [at for at, byte in enumerate(report) if byte in b"0123456789"]
    return [
        Tamper(
            id=f"report-digit-at-{at}",
            group="every digit of the report",
            comment="the report says one more, its digest redone",
            verdict="does-not-hold",
            check="report",
            edits=({"edit": "digit", "file": "REPORT.md", "at": at},),
            redo=("digests",),
        )
        for at in digits
    ] + [
        Tamper(
            id=f"value-of-{claim['id']}",
            group="every claim's value",
            comment="the least change beyond its tolerance, in the claim and in the report",
            verdict="does-not-hold",
            check="claims",
            also=("findings",),
            edits=({"edit": "nudge", "at": f"/predicate/claims/{number}/value"},),
            redo=("report", "digests"),
        )
        for number, claim in enumerate(original.claims)
    ]
