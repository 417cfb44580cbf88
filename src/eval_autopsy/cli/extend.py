"""`autopsy formats` and `autopsy scorers`: what is registered, ours and other packages'."""

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
