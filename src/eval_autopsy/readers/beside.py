"""Files beside a log that belong to it, such as the results file of its samples.

1. They are told by their content; a name only says which are looked at first.
2. Only regular files of the log's own folder count: no links, no subfolders, and no more than
   `OPENED` of them. A log that had to be unpacked has no folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from eval_autopsy.readers.opened import Lines, open_file

LISTED = 10_000  # names taken from a folder
OPENED = 200  # files whose first bytes are looked at


def siblings(
    stream: BinaryIO, fits: Callable[[bytes], bool], *, first: str = ""
) -> Iterator[Lines]:
    """The files in the folder of `stream` whose first bytes `fits`, opened, each until the next.

    They come in the order of their names, those that match the pattern `first` before the others.
    `fits` is given the first 64 KiB without leading white space, as a reader's `sniff` is.
    """
    path = getattr(stream, "path", None)
    if path is None:
        return
    for candidate in islice(_candidates(path, first), OPENED):
        with open_file(candidate, candidate.name) as opened:
            head = opened.head()
            if fits(head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")):
                yield opened


def _candidates(path: Path, first: str) -> Iterator[Path]:
    with os.scandir(path.parent) as entries:
        names = [
            entry.name
            for entry in islice(entries, LISTED)
            if entry.name != path.name and entry.is_file(follow_symlinks=False)
        ]
    for name in sorted(names, key=lambda name: (not fnmatch(name, first), name)):
        if os.access(path.parent / name, os.R_OK):
            yield path.parent / name
