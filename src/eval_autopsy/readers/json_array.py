"""JSON: one array of objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from eval_autopsy import kernel
from eval_autopsy.registry import reader


@reader("json", sniff=lambda head: head.startswith(b"["))
def json_array(stream: BinaryIO, name: str) -> Iterator[kernel.Row]:
    """One row for each object of a JSON array."""
    return kernel.read_rows(stream, name, "json")
