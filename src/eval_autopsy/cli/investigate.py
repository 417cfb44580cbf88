"""`autopsy init`: from data files to a case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eval_autopsy.cli.out import Out, verb
from eval_autopsy.cli.places import command

if TYPE_CHECKING:
    from eval_autopsy.case.propose import Proposal


@verb
@click.argument("path", type=click.Path(path_type=Path), nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show the proposal and write nothing.")
def init(out: Out, path: tuple[Path, ...], dry_run: bool) -> int:
    """Propose an autopsy.toml for some data, with a reason for each guess.

    PATH is one folder, or the data files of one folder or below it; without PATH, the current
    folder. Names and values of fields are looked at, and Python files are read for a function
    to run; nothing is run. What could not be guessed is said, with what to write in its place.

    \b
    Reads   the first records of each file.
    Writes  autopsy.toml in the folder of the data; one that is there is never replaced.
    Exits   0 done, also when something is left to fill in; 2 there is no data that can be
            read, or there is a case already.

    \b
    Examples:
      autopsy init logs
      autopsy init logs --dry-run
      autopsy init logs/eval.jsonl logs/production.jsonl
    """
    from eval_autopsy.case.propose import propose, save

    proposal = propose(list(path) or [Path()])
    if not dry_run:
        save(proposal)
    following = list(next_steps(proposal, written=not dry_run))
    if out.as_json:
        out.document(
            {
                "path": str(proposal.path),
                "written": not dry_run,
                "text": proposal.text,
                "missing": list(proposal.missing),
                "next": following,
            }
        )
    out.say(proposal.text)
    for line in following:
        out.say(line)
    return 0


def next_steps(proposal: Proposal, written: bool) -> Iterator[str]:
    """What was done with a proposal, what it lacks, and what to do."""
    yield f"{'written' if written else 'not written'}: {proposal.path}"
    for missing in proposal.missing:
        yield f"could not be guessed: {missing}"
    folder = proposal.path.parent
    if not written:
        yield "next: the same without --dry-run"
    elif proposal.missing:
        yield f"next: fill that in, then {command('autopsy', 'slices', folder)}"
    else:
        yield f"next: correct what is wrong, then {command('autopsy', 'slices', folder)}"
