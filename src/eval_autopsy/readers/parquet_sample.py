"""The first look at a Parquet file that may be larger than memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.opened import open_file
from eval_autopsy.readers.parquet import plain

PLACES = 16  # of a file that rows are taken from
MAGIC = b"PAR1"


def is_parquet(path: Path, name: str) -> bool:
    """Whether a file says that it is Parquet."""
    with open_file(path, name) as stream:
        return stream.head().startswith(MAGIC)


def rows_in(path: Path, name: str) -> int:
    """How many rows a Parquet file says that it has."""
    return int(_opened(path, name).metadata.num_rows)


def sample_of(path: Path, name: str, rows: int) -> list[dict[str, Any]]:
    """Some rows from all over a Parquet file, as JSON has their values."""
    import pyarrow as pa

    file = _opened(path, name)
    groups = file.metadata.num_row_groups
    places = sorted({groups * i // PLACES for i in range(PLACES)}) if groups else []
    found: list[dict[str, Any]] = []
    try:
        for group in places:
            for batch in file.iter_batches(batch_size=rows // len(places), row_groups=[group]):
                found += [
                    {key: _plain(value) for key, value in r.items()} for r in batch.to_pylist()
                ]
                break
    except (pa.ArrowException, OSError) as error:
        raise damaged(error, name) from None
    return found


def _plain(value: Any) -> Any:
    try:
        return plain(value)
    except ValueError:  # NaN, say, which is not a value: the rows are only looked at here
        return None


def _opened(path: Path, name: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(open_file(path, name), page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise damaged(error, name) from None


def damaged(error: Exception, name: str) -> CannotRead:
    """What to say of a file that cannot be read."""
    first = str(error).strip().partition("\n")[0]
    what = f"the Parquet file is damaged, or newer than what reads it: {first[:200]}"
    return CannotRead(what, where=name, remedy="copy or write it again")
