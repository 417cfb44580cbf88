"""Arrow: a table in columns as it lies in memory, in a file (Feather, version 2) or a stream."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from eval_autopsy import kernel
from eval_autopsy.readers.arrow_sizes import check_sizes
from eval_autopsy.readers.logs import NoNumbers
from eval_autopsy.readers.parquet import first_line, quiet_panics, rows_of_frame
from eval_autopsy.registry import reader

FILE = b"ARROW1"
STREAM = b"\xff\xff\xff\xff"  # a message follows, as in the files of Hugging Face datasets
END_OF_STREAM = STREAM + b"\0\0\0\0"
FOOTER_LIMIT = 2**20  # bytes of a footer that columns are looked for in


def is_arrow(head: bytes) -> bool:
    """Whether a file begins as an Arrow file or stream."""
    return head.startswith((FILE, STREAM))


def without_batches(stream: BinaryIO) -> bytes:
    """An Arrow file without what is between its magic and its footer; b"" when that is too long.

    It still says what its columns are, for the schema that counts stands in the footer.
    """
    if not stream.seekable():
        return b""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - 10))
    behind = stream.read()
    length = int.from_bytes(behind[:4], "little") if len(behind) == 10 else 0
    stream.seek(max(0, end - 10 - length))
    footer = stream.read(length) if length <= FOOTER_LIMIT else b""
    stream.seek(0)
    return FILE + b"\0\0" + footer + behind if footer else b""


def column_names(head: bytes) -> list[str]:
    """The names of the outermost columns; none when the head is damaged, or not long enough."""
    import pyarrow as pa

    try:
        return list(_opened(head).schema.names)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return []


def _opened(raw: bytes) -> Any:
    """pyarrow's reader of the bytes of a file or stream, which has a `schema`."""
    import pyarrow as pa

    open_bytes = pa.ipc.open_file if raw.startswith(FILE) else pa.ipc.open_stream
    return open_bytes(pa.BufferReader(raw))


@reader("arrow", sniff=is_arrow)
def arrow(stream: BinaryIO, name: str) -> Iterator[kernel.Row | NoNumbers]:
    """One row for each row of an Arrow file or stream; dates and times become ISO 8601 text."""
    raw = stream.read(kernel.FILE_LIMIT + 1)
    if len(raw) > kernel.FILE_LIMIT:
        raise kernel.Unreadable("an Arrow file of more than 1 GiB", name, "split it")
    if not raw.endswith(FILE if raw.startswith(FILE) else END_OF_STREAM) or len(raw) < 20:
        raise kernel.Unreadable("the Arrow file is cut off", name, "copy or write it again")
    number = 0
    for frame in _frames(raw, name):
        yield from rows_of_frame(frame, name, number)
        number += len(frame)


def _frames(raw: bytes, name: str) -> Iterator[Any]:
    """Each batch of rows, checked, as a polars frame."""
    import polars
    import pyarrow as pa

    try:
        opened = _opened(raw)
        check_sizes(raw, raw.startswith(FILE), len(opened.schema.names), name)
        for batch in _batches(opened):
            batch.validate(full=True)
            with quiet_panics():
                frame = polars.DataFrame(polars.from_arrow(batch))
            yield frame
    except (pa.ArrowException, OSError, UnicodeDecodeError, IndexError) as error:
        what = f"the Arrow file is damaged, or newer than what reads it: {first_line(error)}"
        raise kernel.Unreadable(what, name, "write it again, or export JSON Lines") from None
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException, TypeError) as error:
        what = f"a column is of a type that cannot be read: {first_line(error)}"
        raise kernel.Unreadable(what, name, "export JSON Lines") from None


def _batches(opened: Any) -> Iterator[Any]:
    if not hasattr(opened, "num_record_batches"):
        yield from opened
        return
    for place in range(opened.num_record_batches):
        yield opened.get_batch(place)
