"""Counting again what a receipt took as given, and comparing integer by integer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import columnar, kernel
from eval_autopsy.case.load import FILE_NAME, load
from eval_autopsy.columnar import Asked
from eval_autopsy.errors import CannotUse
from eval_autopsy.evidence import Progress, quiet

SHOWN = 5  # differences that are told


class Recount(NamedTuple):
    """What counting again gave."""

    records: int
    differences: tuple[str, ...]  # none when every count is the same

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        if not self.differences:
            return f"Counted again: all counts of {self.records:,} records are the same."
        more = len(self.differences) - SHOWN
        told = "; ".join(self.differences[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
        return f"Counted again, and not the same: {told}."

    def to_dict(self) -> dict[str, Any]:
        """The `recount` of `autopsy verify --recount --json`."""
        return {"records": self.records, "differences": list(self.differences)}


def recount(done: kernel.Verification, progress: Progress = quiet) -> Recount:
    """Counts the records of a verified receipt again, as its case says.

    Reads the data files that the case names. Raises CannotUse for a receipt that rests on records,
    and where the case is not there.
    """
    folder = Path(done.folder)
    if not done.counted:
        what = "this receipt rests on records, which were judged and counted again just now"
        raise CannotUse(what, where=str(folder), remedy="leave out --recount")
    names = [one["name"] for one in done.statement["subject"]]
    cases = [name for name in names if name.endswith("/" + FILE_NAME)]
    if not cases:
        what = "the receipt does not name its case"
        raise CannotUse(what, where=str(folder), remedy="count again with what made it")
    case = load(folder / cases[0])
    says = done.evidence["search"]
    asked = Asked(
        by=case.wanted.attributes,
        depth=says["depth"],
        support=says["support"],
        seed=says["seed"],
    )
    studied = columnar.study(case, asked, progress)
    given = json.loads(done.files[done.evidence["cube"]["file"]])
    found = columnar.given(studied)
    records = sum(studied.cube.count(split, "records", {}) for split in kernel.SPLITS)
    return Recount(records, tuple(differences(given, found)))


def differences(given: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """Where two files of counts differ, in words."""
    if given["levels"] != found["levels"]:
        yield "the levels of the attributes differ"
        return
    for split in kernel.SPLITS:
        before, after = given["unscored"][split], found["unscored"][split]
        if before != after:
            yield f"{after:,} records of {split} have no verdict, the receipt says {before:,}"
    blocks = {tuple(one["attributes"]): one["counts"] for one in found["blocks"]}
    for block in given["blocks"]:
        counts = blocks.pop(tuple(block["attributes"]), None)
        where = f"in the block of attributes {block['attributes']}"
        if counts is None:
            yield f"nothing was counted {where}"
        else:
            yield from _cells(where, block["counts"], counts)
    if blocks:
        yield f"{len(blocks)} blocks are not in the receipt"
    if given["overlaps"] != found["overlaps"]:
        yield "the slices that were tested overlap otherwise"


def _cells(where: str, before: list[int], after: list[int]) -> Iterator[str]:
    if before == after:
        return
    cells = sum(a != b for a, b in zip(before, after, strict=True))
    change = sum(after) - sum(before)
    yield f"{cells:,} counts {where} differ, by {change:,} records in all"
