"""`autopsy formats`, `features`, `scorers` and `perturbations`: what there is, with a line each."""

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


@verb
@click.option(
    "--changes-file",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Python with changes of your own.",
)
def perturbations(out: Out, changes_file: tuple[Path, ...]) -> int:
    """List the changes of inputs that `autopsy ablate` and `stress` try.

    Each changes one thing, says what it holds constant, and whether the right answer stays the
    same. One that would touch a text of the right answer is not made.

    A function of a text and a seeded random.Random becomes one by the decorator
    @perturbation("shout", holds="every word") from eval_autopsy, and its docstring says what it
    changes. It is found in a file that is named under [perturbations] of a case as files, or
    here, or by an entry point of the group eval_autopsy.perturbations.

    \b
    Reads   the list of installed packages, and loads those that add changes.
    Writes  nothing.
    Runs    the files named, which register their changes.
    Exits   0 listed; 2 a package or a file that adds a change does not load.

    \b
    Examples:
      autopsy perturbations
      autopsy perturbations --changes-file my_changes.py
      autopsy perturbations --json
    """
    from eval_autopsy.api import existing
    from eval_autopsy.registry import perturbations as registered

    entries = [*registered.describe(), *registered.of_files([*map(existing, changes_file)])]
    if out.as_json:
        about = [{"holds": e.value.holds, "relation": e.value.relation} for e in entries]
        found = [one | more for one, more in zip(described(entries), about, strict=True)]
        out.document({"perturbations": found})
        return 0
    shown = [
        one | {"help": f"{one['help'].rstrip('.')}; holds {entry.value.holds}."}
        for one, entry in zip(described(entries), entries, strict=True)
    ]
    return listing(out, "perturbations", shown)


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
