"""Files beside a log that belong to it."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pytest

from eval_autopsy.readers import beside, compressed
from eval_autopsy.readers.beside import siblings
from eval_autopsy.readers.opened import open_file

HEADER = b'{"results": 1}'


def is_header(head: bytes) -> bool:
    return head.startswith(HEADER)


def found(log: Path, first: str = "") -> list[str]:
    with open_file(log, log.name) as stream:
        return [one.path.name for one in siblings(stream, is_header, first=first) if one.path]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "samples.jsonl"
    path.write_bytes(HEADER)  # fits by itself, and is not beside itself
    return path


def test_a_file_is_told_by_its_content_and_not_by_its_name(log: Path) -> None:
    (log.parent / "results.json").write_text('{"other": 1}')
    (log.parent / "whatever.txt").write_bytes(b"\xef\xbb\xbf \n" + HEADER)
    assert found(log) == ["whatever.txt"]


def test_likely_names_come_first(log: Path) -> None:
    for name in ("a.json", "b.json", "results_2.json", "results_1.json"):
        (log.parent / name).write_bytes(HEADER)
    assert found(log, "results_*") == ["results_1.json", "results_2.json", "a.json", "b.json"]


def test_links_and_folders_are_not_followed(
    log: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "results.json"
    outside.write_bytes(HEADER)
    (log.parent / "link.json").symlink_to(outside)
    (log.parent / "folder").mkdir()
    (log.parent / "folder" / "results.json").write_bytes(HEADER)
    if hasattr(os, "mkfifo"):
        os.mkfifo(log.parent / "pipe.json")
    assert found(log) == []


def test_what_is_given_can_be_read_from_its_first_byte(log: Path) -> None:
    (log.parent / "results.json").write_bytes(b"\n" + HEADER)
    with open_file(log, log.name) as stream:
        assert [one.read() for one in siblings(stream, is_header)] == [b"\n" + HEADER]


def test_no_more_files_are_opened_than_the_bound(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "OPENED", 3)
    for number in range(10):
        (log.parent / f"{number}.json").write_bytes(HEADER)
    assert found(log) == ["0.json", "1.json", "2.json"]


def test_a_log_that_was_unpacked_or_is_no_file_has_nothing_beside_it(log: Path) -> None:
    (log.parent / "results.json").write_bytes(HEADER)
    packed = log.parent / "samples.jsonl.gz"
    packed.write_bytes(gzip.compress(HEADER))
    with compressed.decompressed(open_file(packed, packed.name), "gzip", packed.name) as stream:
        assert list(siblings(stream, is_header)) == []
    assert list(siblings(io.BytesIO(HEADER), is_header)) == []
