"""`autopsy shrink`: the smallest failing input, and the smallest difference that matters."""

from __future__ import annotations

from pathlib import Path

import click

from eval_autopsy.cli.out import Out, verb

FILE = click.Path(path_type=Path)
CALLS = 500


@verb
@click.argument("record", metavar="ID")
@click.argument("case", type=FILE, default=Path("."))
@click.option(
    "--against", default="", metavar="ID", help="The passing twin; the nearest record without it."
)
@click.option(
    "--alone", is_flag=True, help="Without a twin: only leave out from the failing input."
)
@click.option(
    "--change",
    multiple=True,
    metavar="NAME",
    help="Make ID fail by these changes, and find those that matter; or, where ID is wrong, "
    "make a twin of it that is right.",
)
@click.option(
    "--changes-file", type=FILE, multiple=True, metavar="FILE", help="Python with such changes."
)
@click.option("--keep", multiple=True, metavar="TEXT", help="A text that stays in the input.")
@click.option(
    "--calls",
    type=click.IntRange(5),
    default=CALLS,
    metavar="N",
    help=f"Inputs of the search at most; {CALLS:,}.",
)
@click.option(
    "--pytest", type=FILE, metavar="FILE", help="Write a failing test and its passing twin."
)
def shrink(
    out: Out,
    record: str,
    case: Path,
    against: str,
    alone: bool,
    change: tuple[str, ...],
    changes_file: tuple[Path, ...],
    keep: tuple[str, ...],
    calls: int,
    pytest: Path | None,
    seed: int | None,
) -> int:
    """Make a failing input as small as can be, and find what makes it fail.

    ID is a record that is wrong. CASE is an autopsy.toml, or the folder that has one; without it,
    the current folder. It has to name a system, and a scorer that compares.

    \b
    Inputs with labelled fields have a passing twin: the same values, laid out as in the nearest
    record that is right, or as in --against. Of the edits between the two the smallest part is
    found that makes the twin fail. Then fields, lines, tokens and characters go from both, as
    long as one fails and the other is right. The right answer is known all along: a field goes
    whole, and the answer without it is asked for.

    \b
    Of other inputs, turns, lines, tokens and characters go, as long as the failure is the same;
    what stands in them of the right answer stays, and --keep. With --against they are compared
    by tokens. The rules are in docs/shrink.md.

    \b
    Reads   the case, and the data files that it names.
    Writes  the answers, in .autopsy/ beside the case; with --pytest a file that is not there yet.
    Runs    the case's system: on every input as it is, and on others up to --calls.
    Exits   0 done; 2 the case or the record cannot be used.

    \b
    Examples:
      autopsy shrink p-0030
      autopsy shrink p-0030 examples/invoice-extraction --pytest test_p_0030.py
      autopsy shrink p-0080 --against e-0001 --calls 200
      autopsy shrink e-0001 --change swap_first_fields --change change_delimiter
      autopsy shrink p-001 examples/number-formats --change decimal_point
      autopsy shrink p-0030 --json | jq -r .failing.input
    """
    from eval_autopsy import api
    from eval_autopsy.cli.recording import recorded
    from eval_autopsy.cli.smallest_view import show
    from eval_autopsy.experiments import pytests
    from eval_autopsy.investigation.facts import of_shrunk
    from eval_autopsy.investigation.standing import require_in_order

    study = api.open(case)
    if study.written:
        require_in_order(study.case, "shrink")
    if pytest is not None:
        pytests.check(study.case, pytest)
    with out.progress() as progress:
        found = study.shrink(
            record,
            against=against,
            alone=alone,
            changes=change,
            files=changes_file,
            keep=keep,
            calls=calls,
            seed=seed,
            progress=progress,
        )
    if study.written:
        recorded(out, study.case, of_shrunk(found))
    if pytest is not None:
        pytests.write(study.case, found, pytest)
        out.tell(f"wrote {pytest}: run it with `pytest {pytest}`")
    if out.as_json:
        out.document(found.to_dict())
    show(out, found, study.case.name)
    return 0
