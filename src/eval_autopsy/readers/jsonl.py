"""JSON Lines: one object on each line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from eval_autopsy import kernel
from eval_autopsy.registry import reader


@reader("jsonl", sniff=lambda head: head.startswith(b"{"))
def jsonl(stream: BinaryIO, name: str) -> Iterator[kernel.Row]:
    """One row for each line of JSON Lines, an object; blank lines are counted and passed over."""
    return kernel.read_rows(stream, name, "jsonl")
