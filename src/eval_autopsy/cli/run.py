"""`autopsy run` and `autopsy demo`: from a case to a receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out, verb

if TYPE_CHECKING:
    from eval_autopsy.receipt.certify import Certified

DEMO = "invoice-extraction"


@verb
@click.argument("case", type=click.Path(path_type=Path), default=Path("."))
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    help="The folder below which the data lies and receipts/ is written; else the current one.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="In place of the case's seed.")
def run(out: Out, case: Path, into: Path, seed: int | None) -> int:
    """Work through a case without asking, and write its receipt.

    CASE is an autopsy.toml or the folder that has one; without it, the current folder. The
    receipt goes to receipts/NAME and is verified before it takes its place there.
    """
    from eval_autopsy.case.load import load
    from eval_autopsy.receipt.certify import certify

    with out.progress() as progress:
        done = certify(load(case), into, progress, seed)
    show(out, done)
    return 0


@verb
def demo(out: Out) -> int:
    """Run the invoice case, start to finish, below the current folder.

    Copies the example to ./examples/invoice-extraction unless it is there, runs it, writes
    ./receipts/invoice-extraction and verifies that.
    """
    from eval_autopsy.case.load import load
    from eval_autopsy.receipt.certify import certify
    from eval_autopsy.receipt.example import unpacked

    folder = unpacked(DEMO, Path("examples"))
    with out.progress() as progress:
        done = certify(load(folder), Path("."), progress)
    show(out, done)
    return 0


def show(out: Out, done: Certified) -> None:
    """A receipt's first lines, its findings, where it is, and that it verifies."""
    from eval_autopsy.receipt.certify import to_dict

    if out.as_json:
        out.document(to_dict(done))
        return
    report = (done.folder / "REPORT.md").read_text(encoding="utf-8")
    for number, line in enumerate(report.partition("\n## The gap")[0].splitlines()):
        out.say(line, style="bold" if number == 0 else "")
    out.say()
    for line in kernel.lines_of(done.verification, verbose=False):
        out.say(line)
    out.say()
    out.say(f"report   {done.folder / 'REPORT.md'}")
    out.say(f"check    python3 {done.folder / 'verify.py'}")
