"""`autopsy narrate` and `autopsy certify`: prose that cites, and the receipt that it ends in."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out, verb
from eval_autopsy.errors import BadCase

if TYPE_CHECKING:
    from eval_autopsy.receipt.narrative import Problem

FILE = click.Path(path_type=Path, allow_dash=True)
STDIN = Path("-")
INTO = click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("."),
    help="The folder that has receipts/; else the current one.",
)


@verb
@click.argument("path", type=FILE, nargs=-1, metavar="[CASE] FILE")
@click.option(
    "--check",
    is_flag=True,
    help="List what has to be mended, or show it as the receipt would; take nothing.",
)
@INTO
def narrate(out: Out, path: tuple[Path, ...], check: bool, into: Path) -> int:
    """Take prose whose numbers are claims into a case, or check it.

    FILE is Markdown, or - for standard input; CASE an autopsy.toml, or the folder that has one,
    else the current folder. A number is stated by naming a claim and a form, as in
    {{ rate.production.right.counted | of }}; `autopsy claims` lists both. A record is quoted on a
    line of its own, as {{ quote production input ID }}.

    \b
    Listed, with line and remedy: a typed number or number-word, a claim or form that is not
    there, a number of the other split, a word for the other direction beside a change, another
    unit, points that are not called so, a line `- measured:` that cites nothing measured, a cause
    that no hypothesis on its line measures, outside a line `- inferred:` and the section
    `## Opinion`, an `- objection:` without its `- answer:`.

    \b
    Reads   FILE, the case, and its receipt below ./receipts, which is verified first.
    Writes  .autopsy/steps/ beside the case: a copy of FILE, unless the case names it.
    Runs    nothing.
    Exits   0 taken, or nothing to mend; 1 something to mend, and nothing is taken;
            2 there is no receipt of the case as it is, or a step is open that it rests on.

    \b
    Examples:
      autopsy narrate --check story.md
      autopsy narrate examples/invoice-extraction story.md
      autopsy narrate examples/invoice-extraction --check - < story.md
    """
    from eval_autopsy.case.load import load
    from eval_autopsy.investigation.endings import checked, taken
    from eval_autopsy.receipt.narrative import decoded

    place, file = case_and_file(path)
    case = load(place)
    raw = sys.stdin.buffer.read() if file == STDIN else file.read_bytes()
    shown = ""
    if check:
        problems, shown = checked(decoded(raw, str(file)), case, into)
    else:
        problems = taken(raw, str(file), case, into)
    if out.as_json:
        listed = [one.to_dict() for one in problems]
        out.document({"problems": listed, "shown": shown, "taken": not (check or problems)})
    show(out, problems, file)
    if shown:
        out.say(kernel.visible(shown, keep="\n"))
        out.say()
    if not problems:
        out.say("nothing to mend" if check else "taken; it is checked again when it is certified")
    return 1 if problems else 0


def case_and_file(paths: Sequence[Path]) -> tuple[Path, Path]:
    """The case and the narrative, of two paths in any order or of the narrative alone."""
    cases = [one for one in paths if one.is_dir() or one.suffix == ".toml"]
    files = [one for one in paths if one not in cases]
    if len(files) != 1 or len(cases) > 1:
        named = " ".join(map(str, paths)) or "nothing"
        what = f"{named} is named, expected a file of prose, and at most a case beside it"
        raise BadCase(what, remedy="see `autopsy narrate --help`")
    return (cases[0] if cases else Path()), files[0]


def show(out: Out, problems: Sequence[Problem], file: Path) -> None:
    """Each problem, with its line and its remedy."""
    for one in problems:
        out.say(kernel.visible(f"{file}:{one.line}: {one.what}"))
        out.say(f"    {kernel.visible(one.remedy)}")
    if problems:
        out.say(f"{len(problems)} to mend; nothing was taken")


@verb
@click.argument("case", type=click.Path(path_type=Path), default=Path("."))
@INTO
def certify(out: Out, case: Path, into: Path, seed: int | None) -> int:
    """Write the receipt of an investigation that is done.

    The receipt has the narrative, and says which steps were skipped and why. CASE is an
    autopsy.toml, or the folder that has one; without it, the current folder. Every step has to be
    done, skipped with a reason, or not applicable, for the case and the data as they are: see
    `autopsy next`. The receipt is made and verified as `autopsy run` does it.

    \b
    Reads   the case, its data, its narrative, and what the verbs entered.
    Writes  receipts/NAME.
    Runs    the case's system, twice.
    Exits   0 the receipt holds; 1 it does not, and is not kept; 2 a step is open, or the
            narrative cannot stand in a receipt; 130 interrupted.

    \b
    Examples:
      autopsy certify
      autopsy certify examples/invoice-extraction
    """
    from eval_autopsy.case.load import load
    from eval_autopsy.cli.run import show as show_receipt
    from eval_autopsy.investigation.endings import certified

    found = load(case)
    with out.progress() as progress:
        done = certified(found, into, seed=seed, progress=progress)
    show_receipt(out, done)
    return 0
