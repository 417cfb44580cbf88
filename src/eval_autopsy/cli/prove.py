"""`autopsy verify`: whether a receipt holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out, verb
from eval_autopsy.cli.places import receipt_folder

if TYPE_CHECKING:
    from eval_autopsy.receipt.prove import Proof
    from eval_autopsy.receipt.recount import Recount


@verb
@click.argument("receipt", type=click.Path(path_type=Path), required=False)
@click.option("--rerun", is_flag=True, help="Run the system again; this executes its code.")
@click.option(
    "--prove", "tamper", is_flag=True, help="Tamper with copies of it, and count what is caught."
)
@click.option("--recount", "again", is_flag=True, help="Count again what it takes as given.")
@click.option("--verbose", "-v", is_flag=True, help="List every claim and every failure.")
def verify(
    out: Out, receipt: Path | None, rerun: bool, tamper: bool, again: bool, verbose: bool
) -> int:
    """Check a receipt with the installed kernel.

    RECEIPT is the folder, or a file in it; without it, the one receipt below ./receipts. Every
    number is derived again from the data, and the report is compared byte for byte. A receipt
    of many records rests on counts; --recount counts the records of its case again.

    \b
    Reads   the receipt, and the data files that it names.
    Writes  nothing; --prove makes its copies in a temporary folder.
    Runs    nothing that the receipt brings, unless --rerun asks for the system
            under test.
    Exits   0 it holds; 1 it does not, or a tampering escaped, or counts differ;
            2 it cannot be checked.

    \b
    Examples:
      autopsy verify receipts/invoice-extraction
      autopsy verify receipts/invoice-extraction --rerun
      autopsy verify receipts/invoice-extraction --prove
      autopsy verify receipts/nightly --recount
      autopsy verify --json | jq .verdict
    """
    from eval_autopsy.receipt.verify import to_dict
    from eval_autopsy.receipt.verify import verify as check

    folder = receipt_folder(receipt)
    done = check(folder, rerun=rerun)
    for line in kernel.lines_of(done, verbose):
        out.say(line)
    proof = proved(out, folder, rerun) if tamper and done.verdict == "holds" else None
    counted = counted_again(out, done) if again and done.verdict == "holds" else None
    if out.as_json:
        parts = {"proof": proof, "recount": counted}
        shown = {name: one.to_dict() for name, one in parts.items() if one is not None}
        out.document(to_dict(done) | shown)
    if (proof and proof.escaped) or (counted and counted.differences):
        return 1
    return {"holds": 0, "does-not-hold": 1, "cannot-check": 2}[done.verdict]


def counted_again(out: Out, done: kernel.Verification) -> Recount:
    """What came of counting again what a receipt takes as given."""
    from eval_autopsy.receipt.recount import recount

    with out.progress() as progress:
        counted = recount(done, progress)
    out.say(counted.sentence)
    return counted


def proved(out: Out, folder: Path, rerun: bool) -> Proof:
    """What came of tampering with copies of a receipt, shown as a table by class."""
    from eval_autopsy.receipt.prove import prove

    with out.progress() as progress:
        proof = prove(folder, progress, rerun=rerun)
    heads = ("tampered with copies", "caught", "escaped", "accepted", "not applicable")
    rows = [
        (name, f"{n.caught} of {n.tampers}", str(n.escaped), str(n.accepted), str(n.not_applicable))
        for name, n in proof.classes().items()
    ]
    out.say()
    out.table(heads, rows)
    out.say()
    for one in proof.escaped:
        out.say(f"escaped: {one.tamper.id} ({one.tamper.comment}): {one.said}")
    out.say(proof.sentence)
    return proof
