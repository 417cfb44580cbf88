"""Edits of files as they are: their text, their bytes, and what stands in their place.

A file is a subject's name, or `receipt.json`, or `@eval`, `@production`, `@outputs`, `@verdicts`,
`@system`, `@varied`, `@ledger` for the one that the evidence names.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from eval_autopsy.receipt.tampers.copies import Copy, NotApplicable, inside

ALWAYS_SUCCEEDS = b'print("The receipt holds: every number in REPORT.md follows.")\n'


def text(copy: Copy, file: str, find: str, to: str, nth: int = 0) -> None:
    """Replaces a match of a pattern in a file's text."""
    name = copy.name(file)
    content, match = _match(copy, name, find, nth)
    changed = content[: match.start()] + match.expand(to) + content[match.end() :]
    if changed == content:
        raise NotApplicable(f"{find} in {file} is {to} already")
    copy.write(name, changed.encode("utf-8", "surrogateescape"))


def _match(copy: Copy, name: str, find: str, nth: int = 0) -> tuple[str, re.Match[str]]:
    content = copy.read(name).decode("utf-8", "surrogateescape")
    matches = list(re.finditer(find, content, re.MULTILINE))
    if len(matches) <= nth:
        raise NotApplicable(f"nothing like {find} in {name}")
    return content, matches[nth]


def digit(copy: Copy, file: str, find: str = "", at: int = 0) -> None:
    """Changes a digit to the next: the first in a match of `find`, or the one at byte `at`."""
    name = copy.name(file)
    raw = copy.read(name)
    if find:
        content, match = _match(copy, name, find)
        first = re.search("[0-9]", match.group())
        if not first:
            raise NotApplicable(f"no digit in {match.group()!r}")
        at = len(content[: match.start() + first.start()].encode("utf-8"))
    copy.write(name, raw[:at] + b"%d" % ((raw[at] - ord("0") + 1) % 10) + raw[at + 1 :])


def flip(copy: Copy, file: str, at: float, bit: int = 0) -> None:
    """Flips one bit of the byte at a fraction of a file."""
    name = copy.name(file)
    raw = bytearray(copy.read(name))
    raw[int(at * (len(raw) - 1))] ^= 1 << bit
    copy.write(name, bytes(raw))


def truncate(copy: Copy, file: str, at: float) -> None:
    """Cuts a file off at a fraction of its length."""
    name = copy.name(file)
    raw = copy.read(name)
    copy.write(name, raw[: int(at * len(raw))])


def insert_bytes(copy: Copy, file: str, hexadecimal: str, find: str) -> None:
    """Puts bytes before the first match of a pattern in a file."""
    name = copy.name(file)
    content, match = _match(copy, name, find)
    at = len(content[: match.start()].encode("utf-8"))
    raw = copy.read(name)
    copy.write(name, raw[:at] + bytes.fromhex(hexadecimal) + raw[at:])


def encode(copy: Copy, file: str, to: str) -> None:
    """Writes a text as another system would: crlf, cr, bom, utf-16."""
    name = copy.name(file)
    raw = copy.read(name)
    if raw[:2] == b"\x1f\x8b":
        raise NotApplicable(f"{file} is compressed")
    unix = raw.replace(b"\r\n", b"\n")
    written = {
        "crlf": lambda: unix.replace(b"\n", b"\r\n"),
        "cr": lambda: unix.replace(b"\n", b"\r"),
        "bom": lambda: b"\xef\xbb\xbf" + raw,
        "utf-16": lambda: raw.decode("utf-8").encode("utf-16"),
    }[to]()
    if written == raw:
        raise NotApplicable(f"{file} is {to} already")
    copy.write(name, written)


def replace(copy: Copy, file: str, to: str, times: int = 1) -> None:
    """Gives a file another content; `always succeeds` is a verifier that does."""
    name = copy.name(file)
    copy.read(name)
    copy.write(name, ALWAYS_SUCCEEDS if to == "always succeeds" else (to * times).encode("utf-8"))


def add(copy: Copy, file: str, content: str = "") -> None:
    """Puts one more file into the folder, or below it."""
    copy.write(file, content.encode("utf-8"))


def exchange(copy: Copy, file: str, other: str) -> None:
    """Swaps the contents of two files."""
    one, two = copy.name(file), copy.name(other)
    if one == two:
        raise NotApplicable(f"{file} and {other} are one file")
    first, second = copy.read(one), copy.read(two)
    copy.write(one, second)
    copy.write(two, first)


def delete(copy: Copy, file: str) -> None:
    """Leaves a file out of the folder."""
    become(copy, file, "nothing")


def become(copy: Copy, file: str, to: str) -> None:
    """Puts something else in a file's place: symlink, fifo, folder, sparse, nothing."""
    name = copy.name(file)
    copy.read(name)

    def act(folder: Path, root: Path) -> None:
        path = inside(folder, name, root)
        aside = root / "aside"
        path.rename(aside)
        try:
            _MAKERS[to](path, aside)
        except (OSError, AttributeError) as error:
            raise NotApplicable(f"this system makes no {to}: {error}") from None

    copy.last.append(act)


def _sparse(path: Path, aside: Path) -> None:
    with open(path, "wb") as stream:
        stream.truncate(2**40)


_MAKERS: dict[str, Callable[[Path, Path], object]] = {
    "symlink": lambda path, aside: path.symlink_to(aside),
    "fifo": lambda path, aside: os.mkfifo(path),
    "folder": lambda path, aside: path.mkdir(),
    "sparse": _sparse,
    "nothing": lambda path, aside: None,
}


def link_folder(copy: Copy, file: str) -> None:
    """Puts a link in place of the folder that a subject lies in."""
    name = copy.name(file)
    if "/" not in name.removeprefix("../../"):
        raise NotApplicable(f"{name} lies in no folder of its own")

    def act(folder: Path, root: Path) -> None:
        path = inside(folder, name, root).parent
        shutil.move(path, root / "aside")
        path.symlink_to(root / "aside", target_is_directory=True)

    copy.last.append(act)


EDITS: dict[str, Callable[..., None]] = {
    "text": text,
    "digit": digit,
    "flip": flip,
    "truncate": truncate,
    "insert bytes": insert_bytes,
    "encode": encode,
    "replace file": replace,
    "add file": add,
    "exchange files": exchange,
    "delete file": delete,
    "become": become,
    "link folder": link_folder,
}
