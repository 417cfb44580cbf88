"""What a verb works on when it is not told: the receipt that lies where it is called."""

from __future__ import annotations

import shlex
from pathlib import Path

from eval_autopsy.errors import CannotUse

RECEIPT = "receipt.json"
HOW = "name the folder of a receipt, or write one with `autopsy run`"


def receipt_folder(given: Path | None) -> Path:
    """The folder of the receipt that is meant by a folder, a file in it, or nothing.

    A folder that is no receipt may hold `receipts/` with a single one. Raises CannotUse where
    there is none, or more than one to choose from.
    """
    place = given if given is not None else Path()
    if not place.exists():
        raise CannotUse("there is no such file or folder", where=str(place), remedy=HOW)
    folder = place if place.is_dir() else place.parent
    if (folder / RECEIPT).exists():
        return folder
    found = sorted(path.parent for path in (folder / "receipts").glob(f"*/{RECEIPT}"))
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(map(str, found))
        raise CannotUse(f"there are several receipts: {named}", remedy="name one of them")
    raise CannotUse("there is no receipt here", where=str(folder), remedy=HOW)


def command(*words: str | Path) -> str:
    """A command line that a shell reads as these words."""
    return shlex.join(map(str, words))
