"""Decompression has an end: in bytes, and against what it came from."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers import compressed
from eval_autopsy.readers.files import open_rows
from eval_autopsy.readers.opened import open_file

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LINES = b'{"id": "a"}\n' * 200_000


def count(path: Path) -> int:
    return sum(1 for _ in open_rows(path, path.name)[1])


@pytest.mark.parametrize("packed", [gzip.compress(LINES), zstd.compress(LINES)], ids=["gz", "zst"])
def test_a_small_file_may_not_hold_much_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bytes
) -> None:
    path = tmp_path / "x"
    path.write_bytes(packed)
    assert count(path) == 200_000
    monkeypatch.setattr(compressed, "RATIO_GRACE", 2**20)
    monkeypatch.setattr(compressed, "RATIO_LIMIT", len(LINES) // len(packed) // 2)
    with pytest.raises(CannotRead, match="which looks like a trap"):
        count(path)


@pytest.mark.parametrize("packed", [gzip.compress(LINES), zstd.compress(LINES)], ids=["gz", "zst"])
def test_no_file_may_hold_more_than_the_kernel_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bytes
) -> None:
    path = tmp_path / "x"
    path.write_bytes(packed)
    monkeypatch.setattr(kernel, "FILE_LIMIT", len(LINES))
    assert count(path) == 200_000
    monkeypatch.setattr(kernel, "FILE_LIMIT", len(LINES) - 1)
    with pytest.raises(CannotRead, match="which looks like a trap"):
        count(path)


def test_a_log_that_repeats_itself_is_no_trap(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    lines = b"".join(b'{"id": "r%d", "text": "all is well"}\n' % n for n in range(20_000))
    path.write_bytes(gzip.compress(lines))
    assert count(path) == 20_000


@pytest.mark.parametrize("packed", [gzip.compress(LINES), zstd.compress(LINES)], ids=["gz", "zst"])
def test_what_was_unpacked_is_counted_in_bytes_and_can_be_read_again(
    tmp_path: Path, packed: bytes
) -> None:
    path = tmp_path / "x"
    path.write_bytes(packed)
    _, rows = open_rows(path)
    with rows:
        next(rows)
        assert rows.position == len(b'{"id": "a"}\n')
    kind = compressed.kind_of(packed, "x")
    with compressed.decompressed(open_file(path, "x"), kind, "x") as stream:
        assert stream.read() == LINES
        stream.seek(0)
        assert stream.read() == LINES


def test_a_frame_that_wants_much_memory_is_refused(tmp_path: Path) -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 30}
    maker = zstd.ZstdCompressor(options=options)
    path = tmp_path / "x.zst"
    path.write_bytes(maker.compress(LINES) + maker.flush())
    with pytest.raises(CannotRead, match=r"the zstd data is damaged: .*memory"):
        count(path)
