"""Data files in, records out. What a file is, is told by its content, never by its name."""

from eval_autopsy.readers import (
    arrow,
    csv_table,
    delimited,
    inspect_ai,
    json_array,
    jsonl,
    lm_eval,
    lm_eval_results,
    mlflow,
    parquet,
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
    "csv_table",
    "delimited",
    "inspect_ai",
    "json_array",
    "jsonl",
    "lm_eval",
    "lm_eval_results",
    "mlflow",
    "open_rows",
    "parquet",
    "read_sources",
    "records",
]
