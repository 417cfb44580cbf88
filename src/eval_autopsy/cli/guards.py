"""`autopsy guards`: what each guard catches, and guards that the records themselves suggest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out, verb

if TYPE_CHECKING:
    from eval_autopsy.questions.mining import Mined
    from eval_autopsy.questions.silent import Silent


@verb
@click.argument("case", type=click.Path(path_type=Path), default=Path("."))
@click.option("--mine", is_flag=True, help="Learn guards from the records, and test them.")
def guards(out: Out, case: Path, mine: bool, seed: int | None) -> int:
    """Show what each guard catches and misses; with --mine, find new ones.

    CASE is an autopsy.toml, or the folder that has one; without it, the current folder.

    \b
    With --mine, rules are learned that all right outputs of one half of the records keep: a
    value is written in a known way, stands in the input, under its own label and not that of
    another field, is of a known set, type or range; dates come in order, totals add up. Those
    that wrong outputs break are tested on the other half, and printed as plain Python when they
    hold there. Nothing but inputs and outputs is looked at. The rules are in docs/shrink.md.

    \b
    Reads   the case, and the data files that it names.
    Writes  nothing but the answers, in .autopsy/ beside the case.
    Runs    the case's system, when it names one, on every input.
    Exits   0 done, whatever came of it; 2 the case or the data cannot be used.

    \b
    Examples:
      autopsy guards
      autopsy guards examples/invoice-extraction --mine
      autopsy guards --mine --json | jq -r .mined.code
    """
    from eval_autopsy import api

    study = api.open(case)
    with out.progress() as progress:
        found = study.guards(mine=mine, seed=seed, progress=progress)
    if out.as_json:
        out.document(found.to_dict())
    out.say(study.case.name, bold=True)
    show_ledger(out, found.ledger)
    if found.mined is not None:
        show_mined(out, found.mined)
    return 0


def show_ledger(out: Out, ledger: Silent) -> None:
    """The guards that there are."""
    out.say(f"silent: {ledger.silent:,} of {ledger.wrong:,} wrong answers of production")
    if not ledger.guards:
        out.say("the case has no guards")
        return
    heads = ["guard", "catches", "misses", "falsely stops", "catches alone"]
    out.table(heads, [[one.name, *(f"{n:,}" for n in one[1:])] for one in ledger.guards])


def show_mined(out: Out, mined: Mined) -> None:
    """The rules that were learned, what they do where they were not, and their code."""
    from eval_autopsy.cli.slices_view import interval, of
    from eval_autopsy.questions.invariants import code_of

    out.say()
    right = mined.learned_from
    out.say(
        f"learned from {right.k:,} right outputs of {right.n:,}, tested on the other half",
        bold=True,
    )
    if not mined.tested:
        out.say(f"{mined.kept:,} rules hold on all of them, and none breaks on two wrong ones")
        return
    heads = ["rule", "confirmed", "catches silent", "catches wrong", "falsely stops", "precision"]
    rows = []
    for one in mined.tested:
        caught = one.caught
        cells = [caught.silent, caught.wrong, caught.false_alarms, caught.precision]
        name = kernel.visible(one.rule.name)
        rows.append([name, "yes" if one.confirmed else "no", *map(of, cells)])
    out.table([*heads], rows, words=2)
    for words, caught in (
        ("the confirmed ones together", mined.together),
        ("with the halves changed about too", mined.crossed),
    ):
        silent, alarms = caught.silent, caught.false_alarms
        out.say(
            f"{words}: {of(silent)} silent {interval(silent)} caught, "
            f"{of(alarms)} right {interval(alarms)} falsely stopped"
        )
    if mined.rules:
        out.say()
        out.say(code_of(mined.rules))
