"""A case that was made of files alone, as the text of an `autopsy.toml` for a receipt."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eval_autopsy.case.draft import toml
from eval_autopsy.case.load import FILE_NAME, Case
from eval_autopsy.case.words import slug_of
from eval_autopsy.errors import BadCase
from eval_autopsy.readers import SplitColumn
from eval_autopsy.records import SPLITS

FOLDER = ".autopsy"  # of what this program keeps for itself, where it is called


def place_for(case: Case, base: Path = Path()) -> Path:
    """Where a receipt of the case can lie: `base`, or the folder that all its files share.

    A receipt names its files as seen from itself, and so lies above them or beside them.
    """
    files = [path for source in case.sources for path in (source.path, *source.joined)]
    whole = [path.resolve() for path in (*files, case.path) if path.exists()]
    if all(path.is_relative_to(base.resolve()) for path in whole):
        return base
    shared = os.path.commonpath([path.parent for path in whole])
    return Path(min(os.path.relpath(shared), shared, key=len))


def into(case: Case | None) -> tuple[str, ...]:
    """The option of `autopsy run` that a case needs whose files are not below this folder."""
    place = Path() if case is None else place_for(case)
    return () if place == Path() else ("--into", str(place))


def write(case: Case, base: Path, notes: tuple[str, ...] = ()) -> Path:
    """Writes the case below `base` and returns its path; the same files give the same path.

    Raises BadCase when the data lie outside of `base`, or there is one set only.
    """
    place = place_for(case, base)
    if place != base:
        what = f"not all files of it are below the folder {base.resolve()}, which gets the receipt"
        remedy = f"name one that holds them, such as --into {shlex.quote(str(place))}"
        raise BadCase(what, where=name_of(case), remedy=remedy)
    if len({str(source.split) for source in case.sources}) < 2 and not any(
        isinstance(source.split, SplitColumn) for source in case.sources
    ):
        what = "a receipt compares two sets, and there is one"
        raise BadCase(what, where=case.sources[0].name, remedy="add records of production")
    name = name_of(case)
    path = base / FOLDER / name / FILE_NAME
    text = "\n".join(_lines(case, name, path.parent, notes)) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{FILE_NAME}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, path)  # another run may read it
    return path


def name_of(case: Case) -> str:
    """A name for the case of some files: that of the folder which they share."""
    folders = [os.path.abspath(source.path.parent) for source in case.sources]
    return slug_of(os.path.basename(os.path.commonpath(folders))) or "case"


def _lines(case: Case, name: str, folder: Path, notes: tuple[str, ...]) -> Iterator[str]:
    yield "# Made of the files alone; each guess says why. A case of your own: autopsy init."
    for note in notes:
        yield "# " + "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in note)
    yield f"name = {toml(name)}"
    yield from _table("data", _data(case, folder))
    yield from _table("fields", case.file.fields.parts())
    for split in SPLITS:
        own = case.file.fields.others(split)
        if own:
            yield from _table(f"fields.{split}", own)
    scorer = case.scorer.model_dump(include={"name", "threshold", "output_format", "errors"})
    yield from _table("scorer", {key: said for key, said in scorer.items() if said is not None})
    guards = {name: True for name, on in case.file.guards.model_dump().items() if on is True}
    if guards:
        yield from _table("guards", guards)


def _table(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"[{name}]"
    for key, value in values.items():
        yield f"{key} = {toml(value)}"


def _data(case: Case, folder: Path) -> dict[str, Any]:
    def relative(path: Path) -> str:
        return Path(os.path.relpath(path, folder)).as_posix()

    first = case.sources[0]
    found: dict[str, Any] = {}
    if isinstance(first.split, SplitColumn):
        values = dict(first.split.values)
        found = {"file": relative(first.path), "split": first.split.column, "splits": values}
    else:
        for split in SPLITS:
            paths = [relative(one.path) for one in case.sources if one.split == split]
            found[split] = paths[0] if len(paths) == 1 else paths
    joined = [relative(path) for path in first.joined]
    found |= {"join": joined} if joined else {}
    found |= {"set_aside": True} if any(one.lenient for one in case.sources) else {}
    found |= {"prefix": True} if any(one.prefix for one in case.sources) else {}
    found |= {"verdict_words": True} if any(one.verdict_words for one in case.sources) else {}
    found |= {"attempts": True} if any(one.attempts for one in case.sources) else {}
    return found | ({"only": dict(first.only)} if first.only else {})
