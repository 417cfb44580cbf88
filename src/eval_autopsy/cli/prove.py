"""`autopsy verify` and `autopsy claims`: what a receipt states, and whether it holds."""

from __future__ import annotations

from pathlib import Path

import click

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out, verb


@verb
@click.argument("receipt", type=click.Path(path_type=Path))
@click.option("--rerun", is_flag=True, help="Run the system again; this executes its code.")
@click.option("--verbose", "-v", is_flag=True, help="List every claim and every failure.")
def verify(out: Out, receipt: Path, rerun: bool, verbose: bool) -> int:
    """Check a receipt with the installed kernel.

    RECEIPT is the folder, or a file in it. Every number is derived again from the data, and the
    report is compared byte for byte. Nothing that the receipt brings is run, unless --rerun asks
    for the system under test.
    """
    from eval_autopsy.receipt.verify import to_dict
    from eval_autopsy.receipt.verify import verify as check

    done = check(receipt.parent if receipt.is_file() else receipt, rerun=rerun)
    if out.as_json:
        out.document(to_dict(done))
    for line in kernel.lines_of(done, verbose):
        out.say(line)
    return {"holds": 0, "does-not-hold": 1, "cannot-check": 2}[done.verdict]
