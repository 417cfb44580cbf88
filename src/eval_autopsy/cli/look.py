"""`autopsy slices`: where production is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from eval_autopsy.cli.data import FILE, data_options, described, studied
from eval_autopsy.cli.out import Out, verb
from eval_autopsy.errors import BadCase

TOP = 20  # rows of a table


@verb
@click.argument("path", type=FILE, nargs=-1)
@click.option("--by", metavar="A,B", help="The fields to slice by, in place of the case's.")
@click.option(
    "--where",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only the records in which a field has a value.",
)
@click.option(
    "--depth",
    type=click.IntRange(1, 3),
    metavar="N",
    help="Attributes combined in a slice, up to 3; 3 unless they are very many.",
)
@click.option(
    "--min-support",
    type=click.IntRange(1),
    metavar="N",
    help="Records of production that a slice must have; a thousandth of them, at least 5.",
)
@click.option("--top", type=click.IntRange(1), default=TOP, metavar="N", help=f"Rows shown; {TOP}.")
@click.option("--all", "every", is_flag=True, help="Show every row.")
@click.option("--members", is_flag=True, help="Add the ids of each slice to --json.")
@data_options()
@click.option("--table", default="", metavar="URL", help="A table that stays in its warehouse.")
@click.option("--features-file", type=FILE, metavar="FILE", help="Python with features to add.")
def slices(
    out: Out,
    path: tuple[Path, ...],
    by: str | None,
    top: int,
    depth: int | None,
    min_support: int | None,
    where: tuple[str, ...],
    every: bool,
    members: bool,
    seed: int | None,
    features_file: Path | None,
    table: str,
    **said: Any,
) -> int:
    """Show where production is wrong, slice by slice.

    PATH is a case: a folder with an autopsy.toml, or that file; without PATH, the current
    folder. Data without a case is named by --eval and --production, or by one file and --split;
    what makes an answer right by --correct, or by --output and --expected. What is not named is
    guessed, and said. A dotted name reaches into an object.

    \b
    A case's system is run once, on every input. Without --by, and without [slices] in the
    case, every field that can tell is sliced by: numbers in bands, times by hour, weekday
    and period, rare values together. The others are set aside with the reason. A features
    file adds what its functions decorated with @feature read.

    \b
    All combinations of up to three values are searched for those with the most wrong answers
    beyond their share, and the few that stand out are tested. From a thousand records of
    production on, one half is searched and the other one tests; fewer are searched whole,
    and p covers all that was looked at. Below that stands a table for each field, each value
    held against the rest of production (Fisher's exact test, adjusted by Holm). --json holds
    every row.

    \b
    Reads   the data, and the case.
    Writes  nothing but what goes to .autopsy/ beside a case: the answers of its system, and
            what was established.
    Runs    the case's system, and the files with features, if there are any.
    Exits   0 done; 2 the data or the case cannot be used.

    \b
    Examples:
      autopsy slices examples/invoice-extraction
      autopsy slices --by region,language --top 5
      autopsy slices --eval test.csv --production live.csv --correct passed
      autopsy slices runs.parquet --split source --output answer --expected label
      autopsy slices --json --members | jq '.slices[0].members'
    """
    from eval_autopsy import api
    from eval_autopsy.cli.recording import recorded
    from eval_autopsy.cli.slices_view import show

    attributes = names_in(by)
    if table:
        if path or features_file or members or said["eval_"]:
            what = "--table is given, and what only goes with files as well"
            remedy = "name --split, --correct, --id, --cluster, --by and --where alone"
            raise BadCase(what, remedy=remedy)
        from eval_autopsy.cli.table_view import slices_of_table

        how = {
            "where": values_in(where),
            "depth": depth,
            "min_support": min_support,
            "seed": seed or 0,
        }
        one = api.open(table=table, **described(said))
        return slices_of_table(out, one, attributes, how, top=top, every=every)
    study = studied(path, said)
    files = (features_file,) if features_file else ()
    with out.progress() as progress:
        found = study.slices(
            attributes,
            features=files,
            depth=depth,
            min_support=min_support,
            seed=seed,
            where=values_in(where),
            members=members,
            progress=progress,
        )
    if study.written and not where:
        from eval_autopsy.investigation.facts import of_slices

        recorded(out, study.case, of_slices(found))
    if out.as_json:
        out.document(found.to_dict())
    show(out, found, study, top=top, every=every)
    return 0


def names_in(text: str | None) -> list[str]:
    """The names in a list with commas; an empty name is an error."""
    names = [] if text is None else [name.strip() for name in text.split(",")]
    if not all(names):
        what = f"--by is {text!r}, expected names with commas between them"
        raise BadCase(what, remedy="take the empty one out")
    return names


def values_in(texts: tuple[str, ...]) -> dict[str, str]:
    """The value of each field, of texts such as plan=free."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name.strip() or not equals or name in found:
            what = f"--where is {text!r}, expected FIELD=VALUE, each field once"
            raise BadCase(what, remedy="write it like --where plan=free")
        found[name.strip()] = value
    return found
