"""Counting again what a receipt took as given, and comparing integer by integer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import columnar, kernel
from eval_autopsy.case.load import FILE_NAME, Case, load
from eval_autopsy.columnar import Asked
from eval_autopsy.cubes.blocks import OUTCOMES, PARTS
from eval_autopsy.errors import CannotUse
from eval_autopsy.evidence import Progress, quiet
from eval_autopsy.questions.counted import CountedCube, given
from eval_autopsy.warehoused import study_of_case

SHOWN = 5  # differences that are told
WORD = 60  # characters of a name or a level
HALVES = {"eval": "of eval", "search": "of the searched half", "confirm": "of the half that tests"}
CLASSES = [f"{outcome} {HALVES[part]}" for part, outcome in product(PARTS, OUTCOMES)]


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
    case = load(folder / cases[0], tables=True)
    cube = counted_again(case, done, progress)
    before = json.loads(done.files[done.evidence["cube"]["file"]])
    names = [kernel.attribute_name(one) for one in done.evidence["attributes"]]
    records = sum(cube.count(split, "records", {}) for split in kernel.SPLITS)
    return Recount(records, tuple(differences(before, given(cube), names)))


def counted_again(case: Case, done: kernel.Verification, progress: Progress) -> CountedCube:
    """The counts of a case's records as they are now, counted as those of its receipt were."""
    slices, searched = case.file.slices, done.evidence["search"]
    says = searched or {"depth": slices.depth, "support": slices.min_support}
    seed = searched["seed"] if searched else int(done.predicate["envelope"]["seed"])
    how = {"depth": says["depth"], "seed": seed}
    by = case.wanted.attributes
    if case.table is None:
        asked = Asked(by=by, support=says["support"], **how)
        return columnar.study(case, asked, progress).cube
    table = study_of_case(case)
    return table.study(by, min_support=says["support"], progress=progress, **how).cube


def differences(
    given: Mapping[str, Any], found: Mapping[str, Any], names: Sequence[str]
) -> Iterator[str]:
    """Where two files of counts differ, in words; `names` are those of the attributes."""
    if given["levels"] != found["levels"]:
        yield from _levels(given["levels"], found["levels"], names)
        return
    for split in kernel.SPLITS:
        before, after = given["unscored"][split], found["unscored"][split]
        if before != after:
            yield f"{after:,} records of {split} have no verdict, the receipt says {before:,}"
    blocks = {tuple(one["attributes"]): one["counts"] for one in found["blocks"]}
    for block in given["blocks"]:
        by = block["attributes"]
        counts = blocks.pop(tuple(by), None)
        if counts is None:
            yield f"nothing was counted by {', '.join(_word(names[i]) for i in by)}"
        else:
            axes = [(names[i], given["levels"][i]) for i in by]
            yield from _cells(axes, block["counts"], counts)
    if blocks:
        yield f"{len(blocks)} blocks are not in the receipt"
    if given["overlaps"] != found["overlaps"]:
        yield "the slices that were tested overlap otherwise"
    if given["drawn"] != found["drawn"]:
        yield "the records that were drawn to test are others"


def _levels(
    before: Sequence[Sequence[str]], after: Sequence[Sequence[str]], names: Sequence[str]
) -> Iterator[str]:
    if len(before) != len(after):
        yield f"there are {len(after)} attributes, the receipt has {len(before)}"
        return
    for name, old, new in zip(names, before, after, strict=True):
        come, gone = sorted({*new} - {*old}), sorted({*old} - {*new})
        if old != new:
            some = [f"{_word(one)} is new" for one in come]
            some += [f"{_word(one)} is gone" for one in gone]
            said = ", ".join(some[:SHOWN]) or "they come in another order"
            yield f"the values of {_word(name)} differ: {said}"


def _cells(
    axes: Sequence[tuple[str, Sequence[str]]], before: Sequence[int], after: Sequence[int]
) -> Iterator[str]:
    """The cells of one block that differ: `axes` are its attributes with their levels."""
    cells = product(*(levels for _, levels in axes), CLASSES)
    for cell, old, new in zip(cells, before, after, strict=True):
        if old != new:
            *levels, kind = cell
            named = zip(axes, levels, strict=True)
            where = (f"{_word(name)} is {_word(one)}" for (name, _), one in named)
            yield f"where {' and '.join(where)}: {new:,} {kind}, the receipt says {old:,}"


def _word(text: str) -> str:
    """A name or a level on one line, cut to a length that can be read."""
    return kernel.visible(text if len(text) <= WORD else text[:WORD] + "…")
