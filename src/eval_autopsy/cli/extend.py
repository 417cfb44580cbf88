"""`autopsy formats`, `features` and `scorers`: what there is to read, slice by and score with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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

    return listing(out, "formats", readers.describe())


@verb
def features(out: Out) -> int:
    """List the attributes that are read from the text of inputs and outputs.

    They are sliced by when [slices] of a case says `features = true`, or names some of them, or
    names nothing at all. A receipt reads them from the raw text again. What is the same for all
    records, or different for nearly each, is left out.

    \b
    Reads   nothing.
    Writes  nothing.
    Exits   0 listed.

    \b
    Examples:
      autopsy features
      autopsy features --json
    """
    from eval_autopsy.features import every_feature

    names = every_feature()
    found = [{"name": name, "words": kernel.attribute_words(name)} for name in names]
    if out.as_json:
        out.document({"features": found})
    width = max(map(len, names))
    for one in found:
        out.say(f"{one['name'].ljust(width)}  {one['words']}")
    return 0


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

    return listing(out, "scorers", registered.describe())


def listing(out: Out, what: str, entries: Iterable[Any]) -> int:
    """Shows entries of a registry: the name, the first line of its help, the package."""
    found = [{"name": e.name, "help": e.help, "package": e.package} for e in entries]
    if out.as_json:
        out.document({what: found})
    width = max((len(one["name"]) for one in found), default=0)
    for one in found:
        by = "" if one["package"] == "eval-autopsy" else f" [{one['package']}]"
        out.say(kernel.visible(f"{one['name'].ljust(width)}  {one['help']}{by}"))
    return 0
