"""Data files in, records out. What a file is, is told by its content, never by its name.

A format is one module here with a decorated function; all modules are loaded, none is listed.
"""

import importlib
import pkgutil

from eval_autopsy.readers.files import DataFile, Rows, open_rows
from eval_autopsy.readers.intake import Reading, read_sources, records
from eval_autopsy.readers.sources import Source, SplitColumn, Wanted

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)

__all__ = [
    "DataFile",
    "Reading",
    "Rows",
    "Source",
    "SplitColumn",
    "Wanted",
    "open_rows",
    "read_sources",
    "records",
]
