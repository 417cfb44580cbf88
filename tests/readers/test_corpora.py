"""Public collections of hostile files, where this machine has them.

`AUTOPSY_CORPORA` names a folder with JSONTestSuite, csv-spectrum, parquet-bad, blns and
make_hostile.py. Without it there is nothing to be tested here, and pytest says so.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers import Wanted, open_rows, records

ROOT = os.environ.get("AUTOPSY_CORPORA", "")
CORPORA = Path(ROOT)


def found(pattern: str) -> list[Path]:
    return sorted(CORPORA.glob(pattern)) if ROOT else []


def named(path: Path) -> str:
    return path.name


def rows(path: Path) -> list[kernel.Row]:
    return list(open_rows(path, path.name)[1])


def place_of_error(path: Path) -> str:
    """Where the error of reading a file is; "" when it has rows."""
    try:
        rows(path)
    except CannotRead as error:
        return error.where
    return ""


def read_json(raw: bytes) -> Any:
    """The value of a whole JSON text, by way of an array with one object that holds it."""
    stream = io.BytesIO(b'[{"x":' + raw + b"}]")
    (row,) = kernel.read_rows(stream, "x.json", "json")
    return row.fields["x"]


# Texts that are JSON, and that readers disagree about so that we refuse them.
REFUSED_JSON = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
}


@pytest.mark.parametrize("path", found("JSONTestSuite/test_parsing/y_*.json"), ids=named)
def test_every_text_that_is_json_is_read(path: Path) -> None:
    raw = path.read_bytes()
    if path.name in REFUSED_JSON:
        with pytest.raises(kernel.Unreadable, match="stands twice"):
            read_json(raw)
    else:
        assert kernel.canonical(read_json(raw)) == kernel.canonical(
            json.loads(raw, parse_float=Decimal)
        )


@pytest.mark.parametrize("path", found("JSONTestSuite/test_parsing/n_*.json"), ids=named)
def test_every_text_that_is_not_json_is_refused(path: Path) -> None:
    with pytest.raises(kernel.Unreadable):
        read_json(path.read_bytes())


@pytest.mark.parametrize(
    "path",
    found("JSONTestSuite/test_parsing/*") + found("JSONTestSuite/test_transform/*"),
    ids=named,
)
def test_every_text_as_a_file_has_rows_or_an_error_that_names_it(path: Path) -> None:
    where = place_of_error(path)
    assert where == "" or where.startswith(path.name)


# The expected values of these are not those of their own files.
BROKEN_ORACLES = {"latin1", "location_coordinates"}
CSV = [path for path in found("csv-spectrum/csvs/*.csv") if path.stem not in BROKEN_ORACLES]


@pytest.mark.parametrize("path", CSV, ids=named)
def test_every_table_is_read_as_its_oracle_says(path: Path, tmp_path: Path) -> None:
    expected = json.loads((CORPORA / "csv-spectrum/json" / f"{path.stem}.json").read_text("utf-8"))
    content = path.read_bytes()
    if path.stem.endswith("_crlf"):  # a checkout may have changed what their name promises
        content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    copy = tmp_path / path.name
    copy.write_bytes(content)
    assert [row.fields for row in rows(copy)] == expected


@pytest.mark.parametrize("path", CSV, ids=named)
def test_every_table_is_read_alike_when_damage_may_be_set_aside(path: Path) -> None:
    _, lenient = open_rows(path, path.name, lenient=True)
    assert list(lenient) == rows(path)
    assert not lenient.aside


# The one that is read right; each of the others is damaged in a way that must be noticed.
RIGHT_PARQUET = {"ARROW-GH-43605.parquet": [0] * 21186}


@pytest.mark.parametrize("path", found("parquet-bad/*.parquet"), ids=named)
def test_every_bad_parquet_file_is_refused_or_right(path: Path) -> None:
    if path.name in RIGHT_PARQUET:
        assert [row.fields["min_fl"] for row in rows(path)] == RIGHT_PARQUET[path.name]
    else:
        with pytest.raises(CannotRead):
            rows(path)


@pytest.mark.parametrize("path", found("blns/blns.json"), ids=named)
def test_naughty_strings_come_back_as_they_are(path: Path, tmp_path: Path) -> None:
    strings = json.loads(path.read_text("utf-8"))
    lines = [json.dumps({"id": n, "text": text}) for n, text in enumerate(strings)]
    (tmp_path / "x.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert [row.fields["text"] for row in rows(tmp_path / "x.jsonl")] == strings


@cache
def made() -> dict[str, str]:
    """What each file of make_hostile.py must give, in its own words, by the path of the file."""
    if not found("make_hostile.py"):
        return {}
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    atexit.register(shutil.rmtree, folder)
    command = [sys.executable, str(CORPORA / "make_hostile.py"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    return {str(folder / name): about["expect"] for name, about in manifest.items()}


# Times are kept as they stand, and a number is one only where it is asked for.
NOT_READ_AS_SUCH = {"tz_mixed.jsonl", "decimal_comma.csv"}
# Their maker wants an error for want of commas; the sign between their columns is known by itself.
OTHER_SIGNS = {"semicolon.csv", "tab.csv"}
# Their maker wants an error for their encoding, which the byte order mark says.
MARKED = {"utf16le.jsonl"}


def must_fail(expect: str) -> bool:
    return " or " not in expect and bool(re.search("error|quarantine", expect))


@pytest.mark.parametrize(
    ("path", "expect"),
    [(Path(p), e) for p, e in made().items() if re.match(r"\d+ rows?\b", e) and not must_fail(e)],
    ids=lambda value: Path(value).name,
)
def test_a_made_file_has_the_rows_that_its_maker_says(path: Path, expect: str) -> None:
    if " or " not in expect or place_of_error(path) == "":
        assert len(rows(path)) == int(expect.split()[0])


@pytest.mark.parametrize(
    "path", [Path(p) for p in made() if Path(p).name in OTHER_SIGNS | MARKED], ids=named
)
def test_a_made_file_with_another_sign_or_encoding_has_its_ten_rows(path: Path) -> None:
    assert [row.fields["id"] for row in rows(path)] == [f"r{number}" for number in range(10)]


@pytest.mark.parametrize(
    ("path", "expect"),
    [
        (Path(p), e)
        for p, e in made().items()
        if must_fail(e) and Path(p).name not in NOT_READ_AS_SUCH | OTHER_SIGNS | MARKED
    ],
    ids=lambda value: Path(value).name,
)
def test_a_made_file_has_the_error_that_its_maker_says(path: Path, expect: str) -> None:
    wanted = Wanted({"id": "id", "expected": "label"}, (), frozenset({"id", "expected"}))
    with pytest.raises(CannotRead) as caught:
        list(records(open_rows(path, path.name)[1], wanted, "eval"))
    line = re.search(r"\bline ([2-9]|\d\d+)", expect)
    if line:
        assert caught.value.where.startswith(f"{path.name}:{line[1]}")
