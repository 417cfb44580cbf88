"""Data files in, records out. What a file is, is told by its content, never by its name."""

from eval_autopsy.readers import (
    arrow,
    bfcl,
    csv_table,
    delimited,
    inspect_ai,
    json_array,
    jsonl,
    mini_swe_agent,
    mlflow,
    parquet,
    swe_bench,
    tau_bench,
)
from eval_autopsy.readers.files import DataFile, Rows, open_rows
from eval_autopsy.readers.intake import (
    Reading,
    Source,
    SplitColumn,
    Wanted,
    read_sources,
    records,
)

__all__ = [
    "DataFile",
    "Reading",
    "Rows",
    "Source",
    "SplitColumn",
    "Wanted",
    "arrow",
    "bfcl",
    "csv_table",
    "delimited",
    "inspect_ai",
    "json_array",
    "jsonl",
    "mini_swe_agent",
    "mlflow",
    "open_rows",
    "parquet",
    "read_sources",
    "records",
    "swe_bench",
    "tau_bench",
]
