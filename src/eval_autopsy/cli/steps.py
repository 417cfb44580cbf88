"""`autopsy next` and `autopsy hypothesise`: where a case stands, and what is predicted of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out, verb
from eval_autopsy.errors import BadCase

if TYPE_CHECKING:
    from eval_autopsy.investigation.standing import Standing

FILE = click.Path(path_type=Path)
HEAD = 12  # columns


@verb
@click.argument("case", type=FILE, default=Path("."))
@click.option("--skip", "step", metavar="STEP", help="Leave a step out; --reason says why.")
@click.option("--reason", metavar="TEXT", help="One line, which the receipt shows.")
def next(out: Out, case: Path, step: str | None, reason: str | None) -> int:  # noqa: A001
    """Show where an investigation stands, and which steps may come next.

    CASE is an autopsy.toml, or the folder that has one; without it, the current folder. The
    steps are frame, reproduce, quantify, silence, calibrate, hypothesise, ablate, shrink, narrate
    and certify. Each verb enters what it established. From the first `autopsy next` on, a step
    refuses to be taken before the steps that it rests on.

    What was entered of another case or other data is stale, and to be done again. A step that is
    skipped stands in the receipt as skipped, with the reason. Where eval and production do not
    differ, and no slice fails, there is no cause to look for, and a receipt says so.

    \b
    Reads   the case, and the data files that it names, for their digests.
    Writes  .autopsy/steps/NAME.jsonl beside the case; lines are only added.
    Runs    nothing.
    Exits   0 shown; 2 the case cannot be used, or the step cannot be skipped.

    \b
    Examples:
      autopsy next
      autopsy next examples/invoice-extraction
      autopsy next --skip shrink --reason "The failing inputs are short as they are."
      autopsy next --json | jq -r '.allowed[].command'
    """
    from eval_autopsy.case.load import load
    from eval_autopsy.investigation.standing import begin, skip

    if (step is None) != (reason is None):
        what = "--skip and --reason go together"
        raise BadCase(what, remedy="name the step after --skip, and why after --reason")
    found = load(case)
    standing = begin(found)
    if step is not None and reason is not None:
        standing = skip(found, step, reason)
    if out.as_json:
        out.document(standing.to_dict())
    for at, (head, text) in enumerate(lines_of(standing)):
        out.say(f"{head.ljust(HEAD)} {text}" if at else text, bold=not at)
    return 0


def lines_of(standing: Standing) -> Iterator[tuple[str, str]]:
    """Where a case stands, as pairs of a head and what it says."""
    from eval_autopsy.investigation.steps import BY_NAME

    yield "", standing.case.name
    done = [one.step for one in standing.entries.values() if one.status == "done"]
    yield "done", ", ".join(done)
    for entry in standing.entries.values():
        if entry.status == "skipped":
            yield "skipped", f"{entry.step}: {kernel.visible(entry.reason)}"
    for name, why in standing.not_applicable.items():
        yield "not here", f"{name}: {why}"
    for name, why in standing.stale.items():
        yield "stale", f"{name}: {why}"
    if standing.end:
        yield "end", f"{standing.end}: narrate that, and certify it"
    for at, name in enumerate(one for one in standing.open if not standing.lacking(one)):
        yield "or" if at else "next", f"{name}: {BY_NAME[name].establishes}"
        yield "", f"    {kernel.visible(standing.command(name))}"
    for name in standing.open:
        if lacking := standing.lacking(name):
            yield "later", f"{name}, after {', '.join(lacking)}"
    if standing.step is None:
        yield "next", "nothing: the receipt is certified"


@verb
@click.argument("case", type=FILE, default=Path("."))
@click.option("--statement", metavar="TEXT", help="Why the system fails; one line.")
@click.option(
    "--breaks", multiple=True, metavar="CHANGE", help="A change that should break right answers."
)
@click.option(
    "--spares", multiple=True, metavar="CHANGE", help="A change that should not break them."
)
@click.option(
    "--mends",
    multiple=True,
    metavar="CHANGE",
    help="A change that should mend wrong answers of production; several are made in turn.",
)
def hypothesise(
    out: Out,
    case: Path,
    statement: str | None,
    breaks: tuple[str, ...],
    spares: tuple[str, ...],
    mends: tuple[str, ...],
) -> int:
    """Predict what breaks right answers, and what mends wrong ones.

    CASE is an autopsy.toml, or the folder that has one; without it, the current folder. A CHANGE
    is one of `autopsy perturbations`, or of the files that the case names. `autopsy ablate` tests
    what is entered here beside the [[hypothesis]] tables of the case; without --statement, these
    are entered. The statement stands in the receipt, so that it may hold no number.

    \b
    What breaks right answers of eval need not be what production has. Changes under --mends
    undo it: they are made in the wrong answers of production, in the order given, each where
    it applies.

    \b
    Reads   the case.
    Writes  .autopsy/steps/NAME.jsonl beside the case.
    Runs    nothing.
    Exits   0 entered; 2 a step that it rests on is open, or a change is not known.

    \b
    Examples:
      autopsy hypothesise --statement "It reads by position." --breaks swap_first_fields
      autopsy hypothesise --statement "It knows one order of the fields." \
        --breaks swap_first_fields --spares blank_lines --mends usual_order
      autopsy hypothesise examples/invoice-extraction/hypotheses.toml
    """
    from eval_autopsy.case.load import load
    from eval_autopsy.investigation.predictions import predict

    entered = predict(load(case), statement, breaks, spares, mends)
    if out.as_json:
        shown = [one.model_dump(mode="json") for one in entered]
        out.document({"hypotheses": shown})
    for one in entered:
        out.say(kernel.visible(one.statement), bold=True)
        out.say(f"    should break   {', '.join(one.breaks)}")
        out.say(f"    should spare   {', '.join(one.spares) or 'nothing in particular'}")
        if one.mends:
            out.say(
                f"    should mend    wrong ones of production, {kernel.IN_TURN.join(one.mends)}"
            )
    return 0
