"""What lies in some files and folders: which are records, in which format, and what the rest is.

1. A file is told by its content. What its name says of its role comes later (see `compared`).
2. Folders are gone through, but not hidden ones, not those of environments and packages, and not
   what this program writes. Links are not followed; those that lead out of a folder are counted.
3. A file that was named must be data. One that was met in a folder and is none is passed over, and
   counted; one that looks like data and cannot be read is said, with the reason.
4. JSON files of a folder that are a record each are together one set of records.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from itertools import islice
from pathlib import Path

from eval_autopsy import registry
from eval_autopsy.case.names import parts_of
from eval_autopsy.case.roles import graded_fields
from eval_autopsy.case.sets import Look, look_at
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.opened import HEAD, open_file
from eval_autopsy.readers.record_files import FEWEST, are_records, files_in

TABLES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow", ".feather")
PACKED = (".gz", ".zst", ".zstd")
CODE = (".py", ".md", ".toml", ".js", ".ts", ".yaml", ".yml", ".txt", ".html", ".sh", ".lock")
PASSED_OVER = {"node_modules", "__pycache__", "venv", "env", "site-packages", "receipts", "dist"}
CONFIGURATION = {"package.json", "package-lock.json", "tsconfig.json", "composer.json"}
FILES_AT_MOST = 500  # that are opened
DEPTH = 6  # folders inside folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that was looked at."""

    path: Path
    name: str  # as it is said, relative to where the search began
    look: Look | None  # None when it cannot be read, or holds no rows of its own
    format: str  # "" when it was not recognised
    yields: str = ""  # rows, samples, scores or summary; "" when it cannot be read
    why: str = ""  # it cannot be used

    @property
    def records(self) -> bool:
        """Whether it holds records: a tool's samples, or rows with an output, a score or input."""
        return self.look is not None and self.yields in ("rows", "samples") and not self.why


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """All that was found, how many files were passed over, and what was not gone into."""

    files: tuple[Found, ...]
    passed_over: int
    links: tuple[str, ...] = ()  # that lead out of the folders
    closed: tuple[str, ...] = ()  # folders: hidden, of packages, too deep, or not to be read


def find(paths: Sequence[Path]) -> Place:
    """What lies at some paths, or matches them as patterns; what two of them lead to counts once.

    Raises CannotRead for a named file that is no data, and a path or pattern that leads nowhere.
    """
    pairs = list(_matching(paths))
    together = os.path.commonpath([os.path.abspath(path) for path, _ in pairs]) if pairs else ""
    met = _Met(together)
    for path, named in pairs:
        met.go_to(path, named)
    passed = [path for path in met.in_folders if not _may_be_data(path)]
    likely = [path for path in met.in_folders if _may_be_data(path)]
    groups, alone = _record_files(likely, together)
    found = [
        *groups,
        *(_look(one, os.path.relpath(one, together)) for one in alone[:FILES_AT_MOST]),
    ]
    groups, named_alone = _record_files(met.named, together)
    found += [*groups, *map(_named, named_alone)]
    data = [one for one in found if one.format or one.why]
    over = len(passed) + len(alone[FILES_AT_MOST:]) + len(found) - len(data)
    return Place(
        files=tuple(data), passed_over=over, links=tuple(met.links), closed=tuple(met.closed)
    )


def _matching(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """The paths, and in place of a pattern the files that match it; and whether each was named."""
    for path in paths:
        if os.path.lexists(path) or not has_magic(str(path)):
            yield path, True
            continue
        matching = sorted(glob(str(path), recursive=True))
        if not matching:
            remedy = "check the pattern, or name the folder"
            raise CannotRead("no file matches", where=str(path), remedy=remedy)
        yield from ((Path(one), False) for one in matching)


class _Met:
    """The files at some paths, each once, and what was not gone into on the way."""

    def __init__(self, together: str) -> None:
        self._together = together
        self._seen: set[str] = set()
        self.named: list[Path] = []
        self.in_folders: list[Path] = []
        self.links: list[str] = []
        self.closed: list[str] = []

    def go_to(self, path: Path, named: bool) -> None:
        """Takes a path in: of a folder, the files in it."""
        if os.path.isdir(path):
            root = os.path.realpath(path)
            self.in_folders += islice(self._files(path, root, 0), 10 * FILES_AT_MOST)
        elif self._first(path):
            (self.named if named else self.in_folders).append(path)

    def _first(self, path: Path | str) -> bool:
        """Whether a file was not met before."""
        real = os.path.realpath(path)
        new = real not in self._seen
        self._seen.add(real)
        return new

    def _files(self, folder: Path, root: str, depth: int) -> Iterator[Path]:
        """The files in their order, those of the folders inside among them."""
        for entry in self._entries(folder):
            hidden = entry.name.startswith(".") or entry.name.lower() in PASSED_OVER
            if entry.is_symlink() and not hidden:
                if not Path(os.path.realpath(entry.path)).is_relative_to(root):
                    self.links.append(os.path.relpath(entry.path, self._together))
            elif entry.is_dir(follow_symlinks=False):
                if hidden or depth == DEPTH:
                    self.closed.append(os.path.relpath(entry.path, self._together))
                else:
                    yield from self._files(Path(entry.path), root, depth + 1)
            elif entry.is_file(follow_symlinks=False) and not hidden and self._first(entry.path):
                yield Path(entry.path)

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError:
            self.closed.append(os.path.relpath(folder, self._together))
            return []


def _record_files(files: Sequence[Path], together: str) -> tuple[list[Found], list[Path]]:
    """The folders whose JSON files are a record each, all of them being here, and other files."""
    by_folder: dict[Path, set[Path]] = {}
    for path in files:
        if path.name.lower().endswith(".json"):
            by_folder.setdefault(path.parent, set()).add(path)
    found = {}
    for folder, here in by_folder.items():
        every = files_in(folder) if len(here) >= FEWEST else []
        if here >= {*every} and are_records(every):
            name = os.path.normpath(os.path.join(os.path.relpath(folder, together), "*.json"))
            one = described(folder, name, look_at(folder, name, lenient=True))
            if one.records:
                found[folder] = one
    grouped = {path for folder in found for path in by_folder[folder]}
    return list(found.values()), [path for path in files if path not in grouped]


def _may_be_data(path: Path) -> bool:
    name = path.name.lower()
    if name.endswith(CODE) or name in CONFIGURATION:
        return False
    return path.stat().st_size > 0 or name.endswith(TABLES)


def _named(path: Path) -> Found:
    """A file that was asked for. Raises CannotRead when it is no data."""
    look = look_at(path, str(path), lenient=True)
    return described(path, str(path), look)


def _look(path: Path, name: str) -> Found:
    """A file that was met in a folder; only tables and known logs are read further than a head."""
    plain = path.name.lower()
    for packed in PACKED:
        plain = plain.removesuffix(packed)
    if not plain.endswith(TABLES) and not _known(path, name):
        return Found(path=path, name=name, look=None, format="")
    try:
        return described(path, name, look_at(path, name, lenient=True))
    except CannotRead as error:
        unknown = plain.endswith(".json") and _one_object(path, name)
        return Found(path=path, name=name, look=None, format="", why="" if unknown else error.what)


def _one_object(path: Path, name: str) -> bool:
    """Whether a file is one JSON object: settings, most of the time, when no reader knows it."""
    with open_file(path, name) as stream:
        return stream.head().lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def _known(path: Path, name: str) -> bool:
    """Whether a tool's reader knows the file by its head."""
    with open_file(path, name) as stream:
        head = stream.head()[:HEAD].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    readers = (entry.value for entry in registry.readers.describe())
    return any(one.sniff(head) for one in readers if one.yields != "rows")


def described(path: Path, name: str, look: Look) -> Found:
    """What a file is, once its first rows were read."""
    format_ = look.file.converted_from or look.file.layout
    why = ""
    if look.file.yields == "rows" and not _says_something(look):
        why = "no field of it looks like an input, an output or a score"
    return Found(path=path, name=name, look=look, format=format_, yields=look.file.yields, why=why)


def _says_something(look: Look) -> bool:
    """Whether the rows have an input, an output or a score, and be it a graded one."""
    told = {"output", "score", "input"} & parts_of([look]).keys()
    return bool(told or graded_fields([look.columns]))


def first_record(path: Path, limit: int = 200) -> str:
    """The beginning of a file, for a message."""
    with open_file(path, str(path)) as stream:
        return stream.head()[:limit].decode("utf-8", errors="replace")


def keys_of(one: Found) -> list[str]:
    """The keys of the first record of a file, or those that its beginning seems to have."""
    if one.look is not None and one.look.rows:
        return list(one.look.rows[0])
    return re.findall(r'"(\w{1,40})"\s*:', first_record(one.path, HEAD))
