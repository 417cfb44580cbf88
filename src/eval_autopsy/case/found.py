"""What lies in some files and folders: which are records, in which format, and what the rest is.

1. A file is told by its content. What its name says of its role comes later (see `compared`).
2. Folders are gone through, but not hidden ones, not those of environments and packages, and not
   what this program writes. Links out of a folder are not followed.
3. A file that was named must be data. One that was met in a folder and is none is passed over, and
   counted; one that looks like data and cannot be read is said, with the reason.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from eval_autopsy import registry
from eval_autopsy.case.names import parts_of
from eval_autopsy.case.sets import Look, look_at
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.opened import HEAD, open_file

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
    """All that was found, and how many files were passed over."""

    files: tuple[Found, ...]
    passed_over: int


def find(paths: Sequence[Path]) -> Place:
    """What lies at some paths. Raises CannotRead for a named file that is no data."""
    found: list[Found] = []
    passed = 0
    together = os.path.commonpath([os.path.abspath(path) for path in paths]) if paths else ""
    for path in paths:
        if os.path.isdir(path):
            files = list(islice(_files(path, 0), 10 * FILES_AT_MOST))
            likely = [one for one in files if _may_be_data(one)]
            passed += len(files) - len(likely)
            for one in likely[:FILES_AT_MOST]:
                # Of several folders, their names tell files of the same name apart.
                found.append(_look(one, os.path.relpath(one, together)))
            passed += len(likely[FILES_AT_MOST:])
        else:
            found.append(_named(path))
    data = [one for one in found if one.format or one.why]
    return Place(files=tuple(data), passed_over=passed + len(found) - len(data))


def _files(folder: Path, depth: int) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        hidden = entry.name.startswith(".") or entry.name.lower() in PASSED_OVER
        if hidden or entry.is_symlink():
            continue
        if entry.is_dir():
            if depth < DEPTH:
                yield from _files(Path(entry.path), depth + 1)
        elif entry.is_file():
            yield Path(entry.path)


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
    if look.file.yields == "rows" and not {"output", "score", "input"} & parts_of([look]).keys():
        why = "no field of it looks like an input, an output or a score"
    return Found(path=path, name=name, look=look, format=format_, yields=look.file.yields, why=why)


def first_record(path: Path, limit: int = 200) -> str:
    """The beginning of a file, for a message."""
    with open_file(path, str(path)) as stream:
        return stream.head()[:limit].decode("utf-8", errors="replace")


def keys_of(one: Found) -> list[str]:
    """The keys of the first record of a file, or those that its beginning seems to have."""
    if one.look is not None and one.look.rows:
        return list(one.look.rows[0])
    return re.findall(r'"(\w{1,40})"\s*:', first_record(one.path, HEAD))
