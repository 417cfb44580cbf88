"""The words of `autopsy slices --table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval_autopsy.cli.out import Out
from eval_autopsy.cli.slices_view import (
    columns_explained,
    left_out,
    of,
    show_breakdowns,
    show_found,
    show_rates,
)
from eval_autopsy.questions.rates import Rate
from eval_autopsy.questions.slices import Slices
from eval_autopsy.warehoused import TableStudy


def slices_of_table(
    out: Out,
    study: TableStudy,
    by: Sequence[str],
    how: Mapping[str, Any],
    *,
    top: int,
    every: bool,
) -> int:
    """Counts a table where it is, and shows the answer."""
    with out.progress() as progress:
        found = study.slices(by, progress=progress, **how)
    if out.as_json:
        out.document(found.to_dict())
    show_table(out, study, found, top=top, every=every)
    return 0


def show_table(out: Out, study: TableStudy, found: Slices, *, top: int, every: bool) -> None:
    """All of the answer, as it is shown of files; nothing where words are not wanted."""
    show_rates(out, found)
    show_found(out, found)
    show_breakdowns(out, found, top=top, every=every)
    out.say()
    for line in columns_explained(found):
        out.say(line)
    if study.plan.error:
        silent = of(Rate(found.silent.silent, found.silent.wrong))
        out.say(f"silent: {silent} wrong answers; the others are calls that failed")
    for line in left_out(found):
        out.say(line)
