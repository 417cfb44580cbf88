"""The entries of zip archives are read whole, in bounded memory, or refused."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers import compressed
from eval_autopsy.readers.opened import open_file
from eval_autopsy.readers.zip_entries import Archive

TEXT = bytes(range(256)) * 4096


def archive(method: int, **entries: bytes) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as writer:
        for name, content in entries.items():
            writer.writestr(name, content)
    return out


def test_entries_are_read_in_any_order_and_side_by_side() -> None:
    found = Archive(archive(zipfile.ZIP_DEFLATED, a=TEXT, b=TEXT[::-1]), "x.zip")
    second, first = found.open("b"), found.open("a")
    halves = second.read(1000), first.read(1000), second.read(), first.read()
    assert (halves[0] + halves[2], halves[1] + halves[3]) == (TEXT[::-1], TEXT)
    assert found.names() == ["a", "b"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("content", [b"", b"x", TEXT], ids=len)
def test_an_entry_is_what_was_written(method: int, content: bytes) -> None:
    assert Archive(archive(method, a=content), "x.zip").open("a").read() == content


def test_a_large_entry_does_not_need_its_size_in_memory() -> None:
    packed = archive(zipfile.ZIP_DEFLATED, a=b"\0" * 60_000_000)
    tracemalloc.start()
    try:
        stream = Archive(packed, "x.zip").open("a")
        length = sum(len(chunk) for chunk in iter(lambda: stream.read(2**16), b""))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (length, peak < 2_000_000) == (60_000_000, True)


def test_a_method_that_is_not_known_is_one_error() -> None:
    with pytest.raises(kernel.Unreadable, match="packed by method 12, which is not known"):
        Archive(archive(zipfile.ZIP_BZIP2, a=TEXT), "x.zip").open("a").read()


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (b"PK\x01\x02", "its checksum is wrong"),  # the checksum in the list
        (b"PK\x03\x04", "not where the list of entries says"),  # the name before the entry
    ],
    ids=["list", "entry"],
)
def test_an_entry_that_is_not_as_the_list_says_is_one_error(place: bytes, says: str) -> None:
    content = bytearray(archive(zipfile.ZIP_STORED, a=TEXT).getvalue())
    at = content.rindex(place) + (16 if place == b"PK\x01\x02" else 30)
    content[at] ^= 1
    with pytest.raises(kernel.Unreadable, match=says):
        Archive(io.BytesIO(bytes(content)), "x.zip").open("a").read()


def test_an_entry_that_is_longer_than_the_list_says_is_one_error() -> None:
    content = bytearray(archive(zipfile.ZIP_DEFLATED, a=TEXT).getvalue())
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(kernel.Unreadable, match="checksum is wrong"):
        Archive(io.BytesIO(bytes(content)), "x.zip").open("a").read()


def test_an_archive_inside_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip.gz"
    path.write_bytes(gzip.compress(archive(zipfile.ZIP_STORED, a=TEXT).getvalue()))
    unpacked = compressed.decompressed(open_file(path, "x"), "gzip", "x")
    with unpacked, pytest.raises(CannotRead, match="inside another packed file"):
        Archive(unpacked, "x")
