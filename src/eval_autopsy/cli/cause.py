"""`autopsy ablate` and `autopsy stress`: one thing changed, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from eval_autopsy.cli.out import Out, verb

FILE = click.Path(path_type=Path)
CALLS = 4000


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What both verbs take."""
    for one in (
        click.option(
            "--calls",
            type=click.IntRange(1),
            default=CALLS,
            metavar="N",
            help=f"Calls of the system at most, for changed inputs; {CALLS:,}.",
        ),
        click.option(
            "--changes-file",
            type=FILE,
            multiple=True,
            metavar="FILE",
            help="Python with changes of your own.",
        ),
        click.option(
            "--change",
            multiple=True,
            metavar="NAME",
            help="Only these changes, such as typo; see `autopsy perturbations`.",
        ),
        click.argument("case", type=FILE, default=Path(".")),
    ):
        function = one(function)
    return function


@verb
@options
@click.option("--declared", is_flag=True, help="Only test the hypotheses of the case.")
@click.option("--all", "every", is_flag=True, help="Show every change, also without an effect.")
def ablate(
    out: Out,
    case: Path,
    change: tuple[str, ...],
    changes_file: tuple[Path, ...],
    calls: int,
    declared: bool,
    every: bool,
    seed: int | None,
) -> int:
    """Change one thing in the inputs: what breaks, and what mends.

    CASE is an autopsy.toml, or the folder that has one; without it, the current folder. It has to
    name a system, and a scorer that compares.

    \b
    Every change whose right answer is known is looked at on a few records of eval, and of each
    slice that is confirmed to fail. One that flips an answer is tried on other records, as many
    as the calls allow, and only these are in the table: McNemar's exact test, adjusted by Holm
    for everything that was tried, and Newcombe's interval of the paired difference. Where no
    single change flips an answer, two are tried after each other.

    \b
    A [[hypothesis]] of the case, or of `autopsy hypothesise`, is tested first, on eval. What it
    predicts is written down, with the digest of the inputs that it is about, before any of these
    is asked. It is measured when all predictions hold and nothing flips unchanged, refuted when
    one of them fails, and inferred otherwise. The rules are in docs/ablation.md.

    \b
    Reads   the case, and the data files that it names.
    Writes  .autopsy/ beside the case: the predictions and results, never changed afterwards,
            and what was established.
    Runs    the case's system: on every input as it is, and on changed ones up to --calls.
    Exits   0 done, whatever came of it; 2 the case or the data cannot be used.

    \b
    Examples:
      autopsy ablate
      autopsy ablate --change swap_neighbours --change add_preamble --calls 200
      autopsy ablate examples/invoice-extraction/hypotheses.toml --declared
      autopsy ablate --json | jq '.effects[] | select(.verdict == "breaks")'
    """
    from eval_autopsy import api
    from eval_autopsy.cli.cause_view import show
    from eval_autopsy.cli.recording import recorded
    from eval_autopsy.investigation.facts import of_ablation
    from eval_autopsy.investigation.predictions import with_hypotheses
    from eval_autopsy.investigation.standing import require_in_order

    study = api.open(case)
    if study.written:
        require_in_order(study.case, "ablate")
        study = api.Autopsy(with_hypotheses(study.case))
    with out.progress() as progress:
        found = study.ablate(
            change,
            files=changes_file,
            calls=calls,
            declared=declared,
            seed=seed,
            progress=progress,
            tell=out.tell,
        )
    if study.written:
        recorded(out, study.case, of_ablation(found))
    if out.as_json:
        out.document(found.to_dict())
    show(out, found, study.case, every)
    return 0


@verb
@options
@click.option(
    "--weight",
    multiple=True,
    metavar="NAME=NUMBER",
    help="How often a change is drawn, 1 for each; `unchanged` is a name too, with 0.",
)
def stress(
    out: Out,
    case: Path,
    change: tuple[str, ...],
    changes_file: tuple[Path, ...],
    calls: int,
    weight: tuple[str, ...],
    seed: int | None,
) -> int:
    """Change the inputs of eval: the synthetic gap that would appear.

    CASE is an autopsy.toml, or the folder that has one; its [data] may name eval alone. Each
    record of eval is changed once, by a change that keeps the right answer and applies to it,
    drawn by weight. What is shown says nothing of how often production has such inputs.

    \b
    Reads   the case, and the data files that it names.
    Writes  nothing but the answers, in .autopsy/ beside the case.
    Runs    the case's system: half of --calls as the inputs are, half of them changed.
    Exits   0 done, whatever came of it; 2 the case or the data cannot be used.

    \b
    Examples:
      autopsy stress
      autopsy stress --weight typo=3 --weight add_preamble=0
      autopsy stress --change upper_case --change lower_case --json | jq .synthetic_gap
    """
    from eval_autopsy.api import Autopsy
    from eval_autopsy.case.load import load
    from eval_autopsy.cli.cause_view import show_stress

    study = Autopsy(load(case, eval_alone=True))
    with out.progress() as progress:
        found = study.stress(
            change,
            weights=weight,
            files=changes_file,
            calls=calls,
            seed=seed,
            progress=progress,
            tell=out.tell,
        )
    if out.as_json:
        out.document(found.to_dict())
    show_stress(out, found, study.case.name)
    return 0
