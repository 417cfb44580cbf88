"""Parquet files that may be larger than memory: opened by us, and looked at here and there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.opened import open_file
from eval_autopsy.readers.parquet import Cells

PLACES = 16  # of a file that rows are taken from
MAGIC = b"PAR1"


def is_parquet(path: Path, name: str) -> bool:
    """Whether a file says that it is Parquet."""
    if os.path.isdir(path):
        return False  # each file in it is a record
    with open_file(path, name) as stream:
        return stream.head().startswith(MAGIC)


def rows_in(path: Path, name: str) -> int:
    """How many rows a Parquet file says that it has."""
    with opened(path, name) as file:
        return int(file.metadata.num_rows)


def sample_of(path: Path, name: str, rows: int) -> list[dict[str, Any]]:
    """Some rows from all over a Parquet file, as JSON has their values."""
    found: list[dict[str, Any]] = []
    with opened(path, name) as file:
        places = places_in(file)
        for group in places:
            batches = file.iter_batches(batch_size=rows // len(places), row_groups=[group])
            for row in next(batches).to_pylist():
                found.append({key: _plain(row[key]) for key in row})
    return found


def places_in(file: Any) -> list[int]:
    """The row groups, evenly spread over a file, that a sample is taken from."""
    groups = file.metadata.num_row_groups
    return sorted({groups * i // PLACES for i in range(PLACES)}) if groups else []


def _plain(value: Any) -> Any:
    try:
        return Cells().plain(value, "")
    except ValueError:  # bytes, say, that are no text: the rows are only looked at here
        return None


@contextmanager
def opened(path: Path, name: str, dictionaries: Sequence[str] = ()) -> Iterator[Any]:
    """A pyarrow.parquet.ParquetFile that we opened; its errors are ours.

    The columns `dictionaries` are read as distinct values and positions.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_file(path, name) as stream:
        try:
            yield pq.ParquetFile(
                stream, read_dictionary=list(dictionaries), page_checksum_verification=True
            )
        except (pa.ArrowException, OSError) as error:
            first = str(error).strip().partition("\n")[0]
            what = f"the Parquet file is damaged, or newer than what reads it: {first[:200]}"
            raise CannotRead(what, where=name, remedy="copy or write it again") from None
