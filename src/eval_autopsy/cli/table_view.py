"""The words of `autopsy slices --table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out
from eval_autopsy.cli.slices_view import interval, of, percent
from eval_autopsy.table_slices import TableSlices, TableStudy


def slices_of_table(out: Out, study: TableStudy, by: Sequence[str], how: Mapping[str, Any]) -> int:
    """Counts a table where it is, and shows the answer."""
    with out.progress() as progress:
        found = study.slices(by, progress=progress, **how)
    if out.as_json:
        out.document(found.to_dict())
    show_table(out, found)
    return 0


def show_table(out: Out, found: TableSlices) -> None:
    """All of the answer; nothing where words are not wanted."""
    for note in found.notes:
        out.say(kernel.visible(f"note: {note}"))
    rates = {"eval": found.eval, "production": found.production}
    out.table(
        ["", "right", "rate", "95% interval"],
        [[name, of(rate), percent(rate), interval(rate)] for name, rate in rates.items()],
    )
    out.say()
    if found.slices:
        out.table(
            ["slice", "eval", "production", "silent", "held out"],
            [
                [
                    one.words,
                    percent(one.eval),
                    of(one.production),
                    f"{one.silent:,}",
                    of(one.held_out) if one.held_out else "-",
                ]
                for one in found.slices
            ],
        )
        out.say("right of scored; held out: in the half of production that was not searched")
        out.say("ranked by wrong answers beyond their share, and not tested")
    else:
        out.say("no slice has more wrong answers than its share")
    out.say(f"searched: {found.searched:,} slices")
    for split, n in found.unscored.items():
        if n:
            out.say(f"set aside: {n:,} records of {split} without a verdict")
    for aside in found.set_aside:
        out.say(kernel.visible(f"set aside: {aside.name} ({aside.reason})"))
