"""`autopsy PATH`: the first screen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from eval_autopsy.cli.data import data_options, described
from eval_autopsy.cli.out import Out, verb

HEAD = 12  # columns


@verb
@click.argument("path", type=click.Path(path_type=Path), nargs=-1)
@click.option("--files", "every", is_flag=True, help="A line for each file: its role, and why.")
@data_options()
def look(out: Out, path: tuple[Path, ...], every: bool, seed: int | None, **said: Any) -> int:
    """Show what lies at some paths, what it says, and what to do next.

    The verb may be left out: `autopsy logs` is `autopsy look logs`. Without PATH it looks at the
    current folder. PATH is an eval log, a table of records, a folder with some, a quoted pattern,
    or a case.

    Nothing has to be named: formats are told by content (`autopsy formats`), eval and production
    by names and formats, the parts of a table by names and values; the options say what these
    do not. It says which comparison it made; --files says why.

    \b
    Two runs of the same tasks are compared in pairs. A set alone is searched for the slices that
    are worse than the rest of it. A failed call, a failed grader and an unscored sample of a log
    are counted as neither right nor wrong; a failed call of a table is wrong, and it says how many.

    \b
    Reads   the files; of a folder what looks like data, but nothing hidden.
    Writes  nothing; of a case, what was established, in .autopsy/ beside it.
    Runs    the case's system, if there is a case that has one.
    Exits   0 done; 2 nothing there can be read.

    \b
    Examples:
      autopsy look logs
      autopsy look logs/eval.eval production.jsonl
      autopsy look . --files
      autopsy look --eval test.csv --production live.csv --correct passed
      autopsy look logs --json | jq .gap
    """
    from eval_autopsy.case.unwritten import Said
    from eval_autopsy.cli.first_view import lines_of
    from eval_autopsy.cli.recording import recorded
    from eval_autopsy.cli.slices_view import plain
    from eval_autopsy.first_screen import case_at
    from eval_autopsy.first_screen import look as look_at
    from eval_autopsy.investigation.facts import of_screen

    began = time.monotonic()
    with out.progress() as progress:
        screen = look_at(*path, said=Said(**described(said)), seed=seed or 0, progress=progress)
    written = case_at(path or (Path(),))
    if written is not None:
        recorded(out, written, of_screen(screen))
    if out.as_json:
        out.document(screen.to_dict())
    taken = f"  {time.monotonic() - began:.1f} s" if out.formatted else ""
    first, *rest = lines_of(screen)
    out.say(first.text + taken, bold=True)
    for line in rest:
        out.row(line.head, line.text, HEAD, fold=line.head != "next")
    if every:
        out.say()
        cells = [
            [plain(one.path, 60), plain(one.format), one.role, plain(one.why, 90)]
            for one in screen.files
        ]
        out.table(["file", "format", "role", "why"], cells)
        for note in screen.notes:
            out.say(f"guessed: {plain(note, 200)}")
    return 0
