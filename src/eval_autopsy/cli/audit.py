"""`autopsy audit`: is the scorer right?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from eval_autopsy.cli.data import FILE, data_options, studied
from eval_autopsy.cli.out import Out, verb


@verb
@click.argument("path", type=FILE, nargs=-1)
@data_options(without=("confidence", "time"), scorer="Recomputes")
def audit(out: Out, path: tuple[Path, ...], **said: Any) -> int:
    """Show whether the scorer is right.

    PATH is a case, or files of one set or two: tools' logs, or tables with a recorded score, with
    output and expected value, or with all three. Without PATH, the case of the current folder.
    What no option names is guessed, and said. A dotted name reaches into an object.

    \b
    The recorded score stands beside one that is recomputed, one by the value alone whatever its
    format, and, where the task copies labelled values, one against what the input states. The
    verdicts that flip between them are counted, and records in doubt are listed by kind. The
    corrected score counts what the data do not decide once as wrong and once as right. --json
    holds every id. What each kind means is in docs/audit.md.

    \b
    Reads   the data, and the case.
    Writes  nothing.
    Runs    the case's system, if there is one.
    Exits   0 done; 2 the data or the case cannot be used.

    \b
    Examples:
      autopsy audit examples/scorer-audit
      autopsy audit results.json
      autopsy audit runs.csv --correct passed --output answer --expected label
      autopsy audit --eval test.jsonl --production live.jsonl --json | jq '.audit[].kind'
    """
    from eval_autopsy.cli.audit_view import show

    study = studied(path, said)
    with out.progress() as progress:
        found = study.audit(progress=progress)
    if out.as_json:
        out.document(found.to_dict())
    show(out, found, study)
    return 0
