"""A proposal for `autopsy.toml`, made by looking at files, with the reason for each guess.

Nothing is imported, run or overwritten. What could not be guessed is said, with what to write;
the proposal then is not a case yet, and `missing` names what it lacks.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_autopsy.case.draft import write_case
from eval_autopsy.case.load import FILE_NAME
from eval_autopsy.case.sets import Look, look_at
from eval_autopsy.errors import BadCase, CannotRead

DATA_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".parquet", ".gz", ".zst")
FILES_AT_MOST = 50  # of a folder


@dataclass(frozen=True)
class Proposal:
    """The text of a case file, and what it lacks to be one."""

    path: Path  # where it belongs
    text: str
    missing: tuple[str, ...]  # what could not be guessed; empty when the text is a case


def propose(paths: Sequence[Path]) -> Proposal:
    """A proposal from one folder, or from some files of one folder or below it.

    Raises BadCase when there is a case already, and CannotRead when no data is found.
    """
    folder, files = _files(paths)
    path = folder / FILE_NAME
    if os.path.lexists(path):
        remedy = "change it by hand, or move it away to have a new one proposed"
        raise BadCase(
            "there is a case already, which is left as it is", where=str(path), remedy=remedy
        )
    looks, left_out = _looks(folder, files, asked_for=not os.path.isdir(paths[0]))
    draft = write_case(folder, looks, left_out)
    return Proposal(path, draft.text(), tuple(draft.missing))


def save(proposal: Proposal) -> None:
    """Writes a proposal where it belongs; a file that has come there meanwhile is kept."""
    try:
        with proposal.path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(proposal.text)
    except FileExistsError:
        what = "there is a case already, which is left as it is"
        remedy = "change it by hand, or move it away"
        raise BadCase(what, where=str(proposal.path), remedy=remedy) from None
    except OSError as error:
        what = f"the case file cannot be written: {error.strerror}"
        remedy = "check that you may write to the folder"
        raise BadCase(what, where=str(proposal.path), remedy=remedy) from None


# Looking


def _files(paths: Sequence[Path]) -> tuple[Path, list[Path]]:
    """The folder of the case, and the files to look at."""
    folders = [path for path in paths if os.path.isdir(path)]
    if len(folders) == 1 and len(paths) == 1:
        entries = sorted(paths[0].iterdir())[: 10 * FILES_AT_MOST]
        named = [path for path in entries if path.name.lower().endswith(DATA_SUFFIXES)]
        return paths[0], [path for path in named if path.is_file()][:FILES_AT_MOST]
    if folders or not paths:
        what = "found several paths with a folder among them, expected one folder or some files"
        where = ", ".join(map(str, paths))
        raise BadCase(what if paths else "no path is given", where=where, remedy="name one folder")
    try:
        common = os.path.commonpath([os.path.abspath(path.parent) for path in paths])
        return Path(os.path.relpath(common)), list(dict.fromkeys(paths))
    except ValueError:
        what, where = "the files are on several drives", ", ".join(map(str, paths))
        raise BadCase(what, where=where, remedy="copy them into one folder") from None


def _looks(folder: Path, files: Sequence[Path], asked_for: bool) -> tuple[list[Look], list[str]]:
    """The data files among some files, and a sentence for each other one.

    A file that was asked for by its name must be data.
    """
    looks, left_out = [], []
    for path in files:
        name = Path(os.path.relpath(path, folder)).as_posix()
        try:
            looks.append(look_at(path, name))
        except CannotRead as error:
            if asked_for:
                raise
            left_out.append(f"{name} is left out: {error.what}.")
    if not looks:
        what = "there is no data that can be read"
        found = f" ({' '.join(left_out)})" if left_out else ""
        remedy = f"name files of one of these kinds: {', '.join(DATA_SUFFIXES)}"
        raise CannotRead(what + found, where=str(folder), remedy=remedy)
    return looks, left_out
