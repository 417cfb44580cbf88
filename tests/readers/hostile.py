"""Files that go wrong in one way each, with what must come of them.

A maker of our own: `CASES` gives name, bytes, and either the number of rows or a part of the error
with the place that it names.
"""

from __future__ import annotations

import gzip
import json
import sys
from typing import Any, NamedTuple

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class Hostile(NamedTuple):
    name: str
    content: bytes
    rows: int | None = None  # how many come out; None when reading must fail
    says: str = ""  # a part of the error
    at: str = ""  # what follows the file's name in the place it names


def row(number: int, **more: Any) -> str:
    return json.dumps({"id": f"r{number}", "label": "a", **more})


def lines(*texts: str) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode("utf-8", "surrogatepass")


TEN = [row(number) for number in range(10)]
NINE = lines(*TEN[:9])
TABLE = b"id,label\n" + b"".join(f"r{number},a\n".encode() for number in range(5))
THOUSAND = lines(*(row(number) for number in range(1000)))
PACKED = gzip.compress(THOUSAND, mtime=0)
BIG = lines(*(row(number, text=str(number**7)) for number in range(20_000)))


def last(line: str) -> bytes:
    return NINE + lines(line)


def cut_at_block(packed: bytes, blocks: int) -> bytes:
    """The beginning of a Zstandard frame, cut where a block ends: RFC 8878, section 3.1.1."""
    descriptor = packed[4]
    single = descriptor >> 5 & 1
    dictionary = (0, 1, 2, 4)[descriptor & 3]
    size = (single, 2, 4, 8)[descriptor >> 6]
    at = 5 + (1 - single) + dictionary + size
    for _ in range(blocks):
        header = int.from_bytes(packed[at : at + 3], "little")
        assert not header & 1, "the last block is not to be cut after"
        at += 3 + (1 if header >> 1 & 3 == 1 else header >> 3)
    return packed[:at]


JSONL = [
    Hostile("good.jsonl", lines(*TEN), 10),
    Hostile("bom.jsonl", b"\xef\xbb\xbf" + lines(*TEN), 10),
    Hostile("crlf.jsonl", lines(*TEN).replace(b"\n", b"\r\n"), 10),
    Hostile("no-final-newline.jsonl", lines(*TEN).rstrip(b"\n"), 10),
    Hostile("blank-lines.jsonl", b"\n \t\n" + lines(*TEN[:5]) + b"\r\n" + lines(*TEN[5:]), 10),
    Hostile("late-key.jsonl", THOUSAND + lines(row(1000, slice="new")), 1001),
    Hostile("line-separators.jsonl", lines('{"id":"\u2028\u0085\u000b"}'.replace("\x0b", "")), 1),
    Hostile("named-wrongly.csv", lines(*TEN), 10),
    Hostile("data[1].jsonl", lines(*TEN), 10),
    Hostile("empty.jsonl", b"", None, "the file is empty"),
    Hostile("only-a-mark.jsonl", b"\xef\xbb\xbf", None, "a byte order mark only"),
    Hostile("newlines.jsonl", b"\n\n", None, "there are no records"),
    Hostile("cr.jsonl", lines(*TEN).replace(b"\n", b"\r"), None, "carriage returns", ":1"),
    Hostile("nan.jsonl", last('{"id":"r9","c":NaN}'), None, "NaN is not a JSON number", ":10"),
    Hostile("infinity.jsonl", last('{"id":"r9","c":-Infinity}'), None, "-Infinity is not", ":10"),
    Hostile("exponent.jsonl", last('{"id":1e' + "9" * 40 + "}"), None, "out of range", ":10"),
    Hostile("overflow.jsonl", last('{"id":"r9","c":1e999}'), None, "out of range", ":10"),
    Hostile("twice.jsonl", last('{"id":"r9","a":1,"a":2}'), None, "'a' stands twice", ":10"),
    Hostile("surrogate.jsonl", last('{"id":"r9\\ud800"}'), None, "lone surrogate", ":10"),
    Hostile("latin-1.jsonl", NINE + b'{"id":"caf\xe9"}\n', None, "not UTF-8", ":10"),
    Hostile("deep.jsonl", last('{"id":' + "[" * 100_000 + "}"), None, "too deeply", ":10"),
    Hostile("deep-but-text.jsonl", NINE + lines(row(9, text='[{"\\' * 200)), 10),
    Hostile(
        "deep-quotes.jsonl",
        last('{"id":' + "[" * 101 + '"' + '\\"' * 10**6),
        None,
        "too deep",
        ":10",
    ),
    Hostile("array-line.jsonl", last("[1]"), None, "found an array, expected an object", ":10"),
    Hostile("null-line.jsonl", last("null"), None, "found null, expected an object", ":10"),
    Hostile("two.jsonl", last(TEN[9] + row(10)), None, "Extra data", ":10"),
    Hostile("torn.jsonl", NINE + TEN[9][:12].encode(), None, "the last line is cut off", ":10"),
    Hostile("nul.jsonl", NINE + b"\0\0\0\n", None, "NUL bytes", ":10"),
    Hostile("pretty.jsonl", json.dumps({"id": 1}, indent=1).encode(), None, "several lines", ":1"),
    Hostile("long-line.jsonl", last("x" * (2**24 + 1)), None, "a line of more than 16 MiB", ":10"),
    Hostile(
        "conflict.jsonl",
        lines(*TEN[:3], "<<<<<<< HEAD", TEN[3], "=======", TEN[4], ">>>>>>> other"),
        None,
        "merge conflict",
        ":4",
    ),
]

JSON = [
    Hostile("array.json", b"[" + ",".join(TEN).encode() + b"]", 10),
    Hostile("pretty.json", json.dumps([json.loads(text) for text in TEN], indent=2).encode(), 10),
    Hostile("lines.json", lines(*TEN), 10),
    Hostile("none.json", b"[]", None, "there are no records"),
    Hostile("unclosed.json", b'[{"id": 1}', None, "not JSON"),
    Hostile("scalars.json", b'[{"id": 1}, 2]', None, "expected an object", ": item 2"),
]

CSV = [
    Hostile("good.csv", TABLE, 5),
    Hostile("bom.csv", b"\xef\xbb\xbf" + TABLE, 5),
    Hostile("crlf.csv", TABLE.replace(b"\n", b"\r\n"), 5),
    Hostile("newline-inside.csv", TABLE + b'r5,"a\nb"\nr6,a\n', 7),
    Hostile("blank-line.csv", TABLE + b"\nr6,a\n", 6),
    Hostile("named-wrongly.jsonl", TABLE, 5),
    Hostile("header.csv", b"id,label\n", None, "there are no records"),
    Hostile("short.csv", TABLE + b"r5\n", None, "found 1 cells, expected 2", ":7"),
    Hostile("long.csv", TABLE + b"r5,a,b\n", None, "found 3 cells, expected 2", ":7"),
    Hostile("twice.csv", b"id,label,label\nr0,a,b\n", None, "'label' stands twice", ":1"),
    Hostile("nameless.csv", b"id,\nr0,a\n", None, "a column has no name", ":1"),
    Hostile("semicolons.csv", TABLE.replace(b",", b";"), 5),
    Hostile("tabs.csv", TABLE.replace(b",", b"\t"), 5),
    Hostile("ragged.tsv", TABLE.replace(b",", b"\t") + b"r6\n", None, "expected 2", ":7"),
    Hostile("comment.csv", b"# exported\n" + TABLE, None, "the first line is a comment", ":1"),
    Hostile("prose.txt", b"Dear all\nplease find\n", None, "found one column, 'Dear all'", ":1"),
    Hostile("nul.csv", TABLE + b"r5,a\0b\nr6,a\n", None, "NUL bytes", ":7"),
    Hostile("unclosed.csv", TABLE + b'r5,"a\nr6,a\nr7,a\n', None, "check its quotes", ":7"),
    Hostile("after-quote.csv", TABLE + b'r5,"a"b\nr6,a\n', None, "check its quotes", ":7"),
    Hostile("cr-inside.csv", TABLE + b"r5,a\rr6,a\n", None, "line ends", ":7"),
    Hostile("latin-1.csv", TABLE + b"r5,caf\xe9\n", None, "not UTF-8", ":7"),
    Hostile("binary.csv", b"ab\0cd\n" * 9, None, "found binary data"),
]

PACKS = [
    Hostile("good.jsonl.gz", PACKED, 1000),
    Hostile("unnamed", PACKED, 1000),
    Hostile("members.jsonl.gz", gzip.compress(lines(*TEN[:5])) + gzip.compress(lines(TEN[5])), 6),
    Hostile("table.csv.gz", gzip.compress(TABLE), 5),
    Hostile("cut.jsonl.gz", PACKED[: len(PACKED) // 2], None, "the file is cut off"),
    Hostile("cut-in-trailer.jsonl.gz", PACKED[:-2], None, "the file is cut off"),
    Hostile("checksum.jsonl.gz", PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], None, "CRC check failed"),
    Hostile("garbage.jsonl.gz", PACKED + b"garbage", None, "the gzip data is damaged"),
    Hostile("plain.jsonl.gz", lines(*TEN), None, "the name says gzip"),
    Hostile("nothing.jsonl.gz", gzip.compress(b""), None, "the file is empty"),
    Hostile("page.jsonl.gz", gzip.compress(b"<!DOCTYPE html><p>404"), None, "an HTML page"),
    Hostile("good.jsonl.zst", zstd.compress(THOUSAND), 1000),
    Hostile("frames.zst", zstd.compress(lines(*TEN[:5])) + zstd.compress(lines(TEN[5])), 6),
    Hostile("skipped.zst", b"\x50\x2a\x4d\x18\3\0\0\0abc" + zstd.compress(lines(*TEN)), 10),
    Hostile("cut.jsonl.zst", zstd.compress(BIG)[:9000], None, "the file is cut off"),
    Hostile("cut-at-block.zst", cut_at_block(zstd.compress(BIG), 1), None, "the file is cut off"),
    Hostile("cut-at-blocks.zst", cut_at_block(zstd.compress(BIG), 3), None, "the file is cut off"),
    Hostile("garbage.zst", zstd.compress(THOUSAND) + b"garbage", None, "the zstd data is damaged"),
    Hostile("plain.jsonl.zst", lines(*TEN), None, "the name says zstd"),
    Hostile("line.gz", gzip.compress(b"{" + b"a" * 2**25), None, "more than 16 MiB", ":1"),
]

STRANGERS = [
    Hostile("page.jsonl", b"\n<HTML><body>404", None, "found an HTML page"),
    Hostile("feed.jsonl", b'<?xml version="1.0"?><rss>', None, "found an XML document"),
    Hostile(
        "pointer.jsonl",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        None,
        "a Git LFS pointer",
    ),
    Hostile("utf-16-mark.jsonl", b"\xff\xfe", None, "the file is empty"),
    Hostile("utf-16-cut.jsonl", "\ufeff{}".encode("utf-16-le")[:-1], None, "UTF-16-LE", at=":1"),
    Hostile("utf-16.jsonl", '{"id": 1}'.encode("utf-16-le"), None, "UTF-16"),
    Hostile("utf-16.csv", "id,label\n".encode("utf-16-be"), None, "UTF-16"),
    Hostile("archive.zip", b"PK\x03\x04rest", None, "a zip archive"),
    Hostile("model.pt", b"PK\x03\x04rest", None, "a zip archive"),
    Hostile("database.jsonl", b"SQLite format 3\0rest", None, "an SQLite database"),
    Hostile("array.jsonl", b"\x93NUMPY\1\0", None, "would run code"),
    Hostile("pickle.jsonl", b"\x80\x04\x95rest", None, "would run code"),
    Hostile("old-pickle.pkl", b"(dp0\nS'id'\n", None, "would run code"),
    Hostile("archive.bz2", b"BZh91AY", None, "a bzip2 file"),
    Hostile("archive.xz", b"\xfd7zXZ\0", None, "an xz file"),
    Hostile("frame.feather", b"ARROW1\0\0", None, "the Arrow file is cut off"),
    Hostile("secret.parquet", b"PARErest", None, "an encrypted Parquet file"),
    Hostile("paper.pdf", b"%PDF-1.7", None, "a PDF document"),
    Hostile("cut.parquet", b"PAR1rest", None, "the Parquet file is cut off"),
    Hostile("no-footer.parquet", b"PAR1" + b"\xff" * 8 + b"PAR1", None, "its footer is larger"),
    Hostile("packed.gz", gzip.compress(b"PAR1rest"), None, "a Parquet file inside gzip"),
]

CASES = [*JSONL, *JSON, *CSV, *PACKS, *STRANGERS]
