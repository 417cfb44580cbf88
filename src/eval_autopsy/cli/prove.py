"""`autopsy verify`: whether a receipt holds."""

from __future__ import annotations

from pathlib import Path

import click

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out, verb
from eval_autopsy.cli.places import receipt_folder


@verb
@click.argument("receipt", type=click.Path(path_type=Path), required=False)
@click.option("--rerun", is_flag=True, help="Run the system again; this executes its code.")
@click.option("--verbose", "-v", is_flag=True, help="List every claim and every failure.")
def verify(out: Out, receipt: Path | None, rerun: bool, verbose: bool) -> int:
    """Check a receipt with the installed kernel.

    RECEIPT is the folder, or a file in it; without it, the one receipt below ./receipts. Every
    number is derived again from the data, and the report is compared byte for byte.

    \b
    Reads   the receipt, and the data files that it names.
    Writes  nothing.
    Runs    nothing that the receipt brings, unless --rerun asks for the system
            under test.
    Exits   0 it holds; 1 it does not; 2 it cannot be checked.

    \b
    Examples:
      autopsy verify receipts/invoice-extraction
      autopsy verify receipts/invoice-extraction --rerun
      autopsy verify --json | jq .verdict
    """
    from eval_autopsy.receipt.verify import to_dict
    from eval_autopsy.receipt.verify import verify as check

    done = check(receipt_folder(receipt), rerun=rerun)
    if out.as_json:
        out.document(to_dict(done))
    for line in kernel.lines_of(done, verbose):
        out.say(line)
    return {"holds": 0, "does-not-hold": 1, "cannot-check": 2}[done.verdict]
