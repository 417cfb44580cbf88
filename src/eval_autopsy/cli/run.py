"""`autopsy run` and `autopsy demo`: from a case to a receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval_autopsy import kernel
from eval_autopsy.cli.data import data_options, studied
from eval_autopsy.cli.out import Out, verb
from eval_autopsy.cli.places import command

if TYPE_CHECKING:
    from eval_autopsy.receipt.certify import Certified

DEMO = "invoice-extraction"
CAUSE = "hypotheses.toml"  # the same case with two hypotheses about the cause


@verb
@click.argument("case", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("."),
    help="The folder below which the data lies and receipts/ is written; else the current one.",
)
@click.option("--untested", is_flag=True, help="Change no input: leave hypotheses out.")
@click.option("--library", is_flag=True, help="Look at all changes, even if calls may cost money.")
@data_options()
def run(
    out: Out,
    case: tuple[Path, ...],
    into: Path,
    untested: bool,
    library: bool,
    seed: int | None,
    **said: Any,
) -> int:
    """Work through a case without asking, and write its receipt.

    CASE is an autopsy.toml, or the folder that has one; without it, the current folder. Data
    files, or a folder that holds some and no case, are compared as `autopsy PATH` compares them,
    and the case that this makes is written below .autopsy; the options say what is not guessed.

    The hypotheses of the case, and of `autopsy hypothesise`, are tested as `autopsy ablate
    --declared` does, and stand in the receipt with every answer that they rest on; so do the
    smallest inputs of `autopsy shrink`.

    Where there is no hypothesis and production is worse, the library of `autopsy perturbations`
    is tried: each change is looked at on five records of eval that are right, and what breaks
    most of them is predicted, and tested, on others. That is done for a function or a command
    that answers in a tenth of a second; one that may be paid for is only asked with --library,
    and so is one in an investigation that has begun with `autopsy next`.

    The receipt is verified before it takes its place: on any failure, and on Ctrl-C, the one
    before it stays as it was.

    \b
    Reads   the case, and the data files that it names or that are given.
    Writes  receipts/NAME: REPORT.md for people, receipt.json for programs, verify.py for
            anyone with a Python, and the outputs. Answers go to .autopsy/journal.sqlite in
            the case's folder first: a run that was ended calls only what is missing. What was
            established goes there too.
    Runs    the case's system: a function twice, to record its outputs and to see them
            again; of another kind once, and a sample twice. For hypotheses on at most 4,000
            changed inputs too, and five for each change of the library.
    Exits   0 the receipt holds; 1 it does not, and is not kept; 2 the case or the data
            cannot be used; 130 interrupted.

    \b
    Examples:
      autopsy run
      autopsy run examples/invoice-extraction
      autopsy run logs/eval.eval production.jsonl
      autopsy run --eval test.csv --production live.csv --correct passed
      autopsy run examples/invoice-extraction --json | jq .gap
    """
    from eval_autopsy.api import Autopsy
    from eval_autopsy.cli.recording import recorded, so_far
    from eval_autopsy.investigation.facts import of_receipt

    study = studied(case, said)
    with out.progress() as progress:
        study = study.in_writing(into)
        earlier = so_far(out, study.case)
        done = Autopsy(earlier.case).run(
            into,
            seed=seed,
            progress=progress,
            twins=earlier.twins,
            hypotheses=not untested,
            library=library or (False if earlier.begun else None),
        )
    recorded(out, study.case, of_receipt(done))
    show(out, done)
    return 0


@verb
def demo(out: Out, seed: int | None) -> int:
    """Run the invoice case, start to finish, below the current folder.

    A synthetic extractor is right on all of its eval and not in production; the receipt says
    where, and which changes of an input it cannot bear. The example is copied first, unless it is
    there.

    \b
    Reads   the example that comes with the engine.
    Writes  ./examples/invoice-extraction and ./receipts/invoice-extraction.
    Runs    the example's extractor, in a child process.
    Exits   0 the receipt holds; 2 the folder cannot be written to; 130 interrupted.

    \b
    Examples:
      autopsy demo
      autopsy demo && python3 receipts/invoice-extraction/verify.py
    """
    from eval_autopsy.api import Autopsy
    from eval_autopsy.case.load import load
    from eval_autopsy.receipt.example import unpacked

    folder = unpacked(DEMO, Path("examples"))
    with out.progress() as progress:
        done = Autopsy(load(folder)).run(seed=seed, progress=progress)
    show(out, done)
    if not out.as_json:
        out.say(
            f"next     {command('autopsy', 'run', folder / CAUSE)} (hypotheses of your own, tested)"
        )
    return 0


def show(out: Out, done: Certified) -> None:
    """A receipt's first lines, its findings, that it verifies, and where it is."""
    from eval_autopsy.cli.slices_view import aside
    from eval_autopsy.receipt.certify import to_dict

    if out.as_json:
        out.document(to_dict(done))
        return
    report = (done.folder / "REPORT.md").read_text(encoding="utf-8")
    out.markdown(report.partition("\n## The gap")[0])
    out.say()
    for line in kernel.lines_of(done.verification, verbose=False):
        out.say(line)
    out.say()
    for note in done.evidence.notes:
        out.say(f"note: {kernel.visible(note)}")
    for line in aside(done.evidence.set_aside):
        out.say(line)
    if done.evidence.notes or done.evidence.set_aside:
        out.say()
    out.say(f"receipt  {done.folder}", bold=True)
    out.say(f"report   {done.folder / 'REPORT.md'}")
    out.say(f"check    {command('autopsy', 'verify', done.folder)}")
    out.say(f"or with  {command('python3', done.folder / 'verify.py')}")
