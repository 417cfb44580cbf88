"""The search for slices in judged records, the same for tables and for receipts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from eval_autopsy import kernel
from eval_autopsy.cubes.coded import rows_of
from eval_autopsy.evidence import Evidence
from eval_autopsy.questions.discover import (
    FEW,
    TOO_FEW,
    Discovery,
    Records,
    Searched,
    discover,
    plan_for,
)
from eval_autopsy.questions.slices import SetAside, against

LEVELS_AT_MOST = 64  # of an attribute that is combined with others


class Looked(NamedTuple):
    """What was found, and the attributes that were not searched by."""

    discovery: Discovery | None  # None where there was nothing to search
    set_aside: tuple[SetAside, ...]


def search(
    evidence: Evidence,
    cube: kernel.Cube,
    *,
    depth: int | None = None,
    support: int | None = None,
    seed: int = 0,
) -> Looked:
    """Searches production by the attributes of the cube, and lets the cube's claims know of it."""
    records = cube.count("production", "counted", {})
    by, set_aside = _searchable(cube, evidence.supervised if records < FEW else ())
    if not by or records < TOO_FEW:
        return Looked(None, tuple(set_aside))
    plan = plan_for(records, len(by), depth=depth, support=support, seed=seed)
    rows = rows_of(evidence.spec, evidence.table, by, seed=seed, held_out=plan.held_out)
    found = discover(
        Records(
            attributes=rows.attributes,
            batches=lambda: [rows.batch],
            rows=len(rows.units),
            sample=rows.batch,
            units=rows.units,
        ),
        plan,
    )
    cube.search = Searched(by, found)
    return Looked(found, tuple(set_aside))


def _searchable(
    cube: kernel.Cube, supervised: Collection[str]
) -> tuple[Sequence[str], Sequence[SetAside]]:
    """The attributes to search by; those in bands chosen by what is searched for are not."""
    names, set_aside = [], []
    for name in cube.attributes:
        reason = against(cube, name, LEVELS_AT_MOST)
        if not reason and _tells_split(cube, name):
            reason = "it only tells production from eval"
        if not reason and name in supervised:
            reason = f"its bands were chosen by what is right, and {FEW:,} records are needed"
            reason += " to test them in others"
        if reason:
            set_aside.append(SetAside(name, f"not searched: {reason}"))
        else:
            names.append(name)
    return names, set_aside


def _tells_split(cube: kernel.Cube, name: str) -> bool:
    """Whether all of production has one level, and none of eval has it.

    A slice by it would be all of production, held against what eval never was: its excess is the
    gap itself, and hides that of every other slice.
    """
    before, inside = (set(cube.slices([name], split, "counted")) for split in kernel.SPLITS)
    return len(inside) == 1 and bool(before) and not inside & before
