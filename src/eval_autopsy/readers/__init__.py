"""Data files in, records out. What a file is, is told by its content, never by its name."""

from eval_autopsy.readers import chat, csv_table, delimited, json_array, jsonl, parquet
from eval_autopsy.readers.files import DataFile, Rows, open_rows
from eval_autopsy.readers.intake import Reading, read_sources, records
from eval_autopsy.readers.sources import Source, SplitColumn, Wanted

__all__ = [
    "DataFile",
    "Reading",
    "Rows",
    "Source",
    "SplitColumn",
    "Wanted",
    "chat",
    "csv_table",
    "delimited",
    "json_array",
    "jsonl",
    "open_rows",
    "parquet",
    "read_sources",
    "records",
]
