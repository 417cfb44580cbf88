"""A folder in which each JSON file is one record, as scripts leave behind that write as they go.

1. It is one when at least FEWEST of its JSON files, and most of the first SAMPLED, are objects that
   share their keys, and no tool's reader knows them. Folders inside it, hidden files and links are
   not gone into.
2. A record has its file's name, without the ending, as `file`, unless it has such a field itself.
3. A file that is not like the others, or is damaged, is set aside in a lenient reading, and an
   error in another.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from eval_autopsy import kernel, registry
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.json_items import value_of
from eval_autopsy.readers.logs import Aside
from eval_autopsy.readers.opened import open_file

FEWEST = 3  # files that are a set of records
SAMPLED = 20  # files that this is told by
LIKE = 2 / 3  # of the files that are sampled
AT_MOST = 100_000  # files
NAME = "file"  # the field of a record that has the name of its file
PLAIN = ("jsonl", "json", "csv")


def files_in(folder: Path) -> list[Path]:
    """The JSON files of a folder, by name."""
    try:
        with os.scandir(folder) as entries:
            names = [one.name for one in islice(entries, 2 * AT_MOST) if _is_json(one)]
    except OSError as error:
        what = f"the folder cannot be read: {error.strerror}"
        raise CannotRead(what, where=str(folder), remedy="check that you may read it") from None
    if len(names) > AT_MOST:
        what = f"there are more than {AT_MOST:,} files with a record each"
        raise CannotRead(what, where=str(folder), remedy="put them together as JSON Lines")
    return [folder / name for name in sorted(names)]


def _is_json(entry: os.DirEntry[str]) -> bool:
    named = entry.name.lower().endswith(".json") and not entry.name.startswith(".")
    return named and entry.is_file(follow_symlinks=False)


def are_records(files: Sequence[Path]) -> bool:
    """Whether the JSON files of a folder are a record each."""
    return len(files) >= FEWEST and bool(usual_keys(files))


def usual_keys(files: Sequence[Path]) -> frozenset[str]:
    """The keys that most of the first files have; none when these are not a record each."""
    sampled = files[:SAMPLED]
    found = [record for record in map(_record_or_none, sampled) if record is not None]
    counts = Counter(key for record in found for key in record)
    usual = frozenset(key for key, count in counts.items() if 2 * count > len(found))
    like = sum(is_like(record, usual) for record in found)
    return usual if like >= max(FEWEST, LIKE * len(sampled)) else frozenset()


def is_like(record: dict[str, Any], usual: frozenset[str]) -> bool:
    """Whether a record has at least half of the usual keys, and they are half of its own."""
    shared = len(record.keys() & usual)
    return shared > 0 and 2 * shared >= max(len(usual), len(record))


def _record_or_none(path: Path) -> dict[str, Any] | None:
    """The record of a file; None when it is damaged, no record, or known to a reader of a tool."""
    try:
        with open_file(path, path.name) as stream:
            head = stream.head().removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
        # A log may be long, and is known by its head.
        return None if not head.startswith(b"{") or _is_log(head) else _record(path)
    except (CannotRead, kernel.Unreadable):
        return None


def _is_log(head: bytes) -> bool:
    entries = registry.readers.describe()
    return any(entry.name not in PLAIN and entry.value.sniff(head) for entry in entries)


def _record(path: Path) -> dict[str, Any]:
    with open_file(path, path.name) as stream:
        raw = stream.read(kernel.LINE_LIMIT + 1)
    where = str(path)
    if len(raw) > kernel.LINE_LIMIT:
        what = f"a record of more than {kernel.LINE_LIMIT // 2**20} MiB"
        raise kernel.Unreadable(what, where, "shorten it")
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"byte {error.start + 1} is {raw[error.start]:#04x}, which is not UTF-8"
        raise kernel.Unreadable(what, where, "save the file as UTF-8") from None
    record = value_of(text.strip(), where)
    if not isinstance(record, dict):
        what = f"found {text.strip()[:20]!r}, expected an object"
        raise kernel.Unreadable(what, where, "take the file out of the folder")
    return record


def rows_of_files(files: Sequence[Path], *, lenient: bool) -> Iterator[kernel.Row | Aside]:
    """One row for each file, in the order of their names."""
    usual = usual_keys(files)
    for at, path in enumerate(files, 1):
        try:
            record = _record(path)
            if not is_like(record, usual):
                what = f"its keys are {', '.join(record)[:60]}, unlike those of the other files"
                raise kernel.Unreadable(what, str(path), "take the file out of the folder")
        except kernel.Unreadable as error:
            if not lenient:
                raise
            yield Aside(at, f"{path.name}: {error.what}")
        else:
            yield kernel.Row(at, {NAME: _shown(path.stem), **record})


def _shown(name: str) -> str:
    """A file's name as text: bytes in it that are no UTF-8 are written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def size_of(path: Path) -> int:
    """The bytes of a file, or of all records in a folder."""
    files = files_in(path) if os.path.isdir(path) else [path]
    return sum(file.stat().st_size for file in files)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file; of a folder of records, that of their names and digests."""
    if os.path.isdir(path):
        each = "".join(f"{digest_of(file)} {file.name}\n" for file in files_in(path))
        return hashlib.sha256(each.encode("utf-8", "surrogateescape")).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
