"""`autopsy formats`, `features` and `scorers`: what there is to read, slice by and score with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out, verb


@verb
def formats(out: Out) -> int:
    """List the data formats that can be read.

    What a file is, is told by its content and not by its name. The plain formats may be packed
    with gzip or Zstandard. Another package adds a format with an entry point of the group
    eval_autopsy.readers.

    \b
    Reads   the list of installed packages, and loads those that add formats.
    Writes  nothing.
    Exits   0 listed; 2 a package that adds a format does not load.

    \b
    Examples:
      autopsy formats
      autopsy formats --json
    """
    from eval_autopsy.registry import readers

    return listing(out, "formats", described(readers.describe()))


@verb
@click.option(
    "--features-file",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Python with features of your own.",
)
def features(out: Out, features_file: tuple[Path, ...]) -> int:
    """List the attributes that are read from the text of inputs and outputs.

    They are sliced by when [slices] of a case says `features = true`, or names some of them, or
    names nothing at all. A receipt reads ours from the raw text again. What is the same for all
    records, or different for nearly each, is left out.

    A function of a text becomes a feature by one decorator, @feature("topic", of="input") from
    eval_autopsy, and its docstring is its name in words. It is found in a file that is named
    under [slices] as features_file, or here, or by an entry point of the group
    eval_autopsy.features; then [slices] has to name it. What it says is stored in a receipt, and
    claims that rest on it say `given`.

    \b
    Reads   the list of installed packages, and loads those that add features.
    Writes  nothing.
    Runs    the files named, which register their features.
    Exits   0 listed; 2 a package or a file that adds a feature does not load.

    \b
    Examples:
      autopsy features
      autopsy features --features-file my_features.py
      autopsy features --json
    """
    from eval_autopsy.api import existing
    from eval_autopsy.features import listed

    found = [
        {"name": one.name, "help": one.words, "package": one.entry.package}
        for one in listed([*map(existing, features_file)])
    ]
    return listing(out, "features", found)


@verb
def scorers(out: Out) -> int:
    """List what can say whether an answer is right.

    One of them is named under [scorer] of a case, or by --scorer. Another package adds one with
    an entry point of the group eval_autopsy.scorers; claims that rest on it say `given`, for a
    receipt cannot apply it again.

    \b
    Reads   the list of installed packages, and loads those that add scorers.
    Writes  nothing.
    Exits   0 listed; 2 a package that adds a scorer does not load.

    \b
    Examples:
      autopsy scorers
      autopsy scorers --json
    """
    from eval_autopsy.registry import scorers as registered

    return listing(out, "scorers", described(registered.describe()))


def described(entries: Iterable[Any]) -> list[dict[str, str]]:
    """What a listing shows of entries of a registry."""
    return [{"name": one.name, "help": one.help, "package": one.package} for one in entries]


def listing(out: Out, what: str, found: Sequence[Mapping[str, str]]) -> int:
    """Shows what is registered: the name, the first line of its help, the package."""
    if out.as_json:
        out.document({what: found})
    width = max((len(one["name"]) for one in found), default=0)
    for one in found:
        by = "" if one["package"] == "eval-autopsy" else f" [{one['package']}]"
        out.say(kernel.visible(f"{one['name'].ljust(width)}  {one['help']}{by}"))
    return 0
