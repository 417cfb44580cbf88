"""A case of a table that stays in its warehouse: where it is, and what cannot be asked of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from eval_autopsy.case.model import CaseFile, Data, Guards, Slices
from eval_autopsy.errors import BadCase
from eval_autopsy.records import Split

FIELDS = {"id", "score", "error", "cluster", "eval", "production"}  # that a table may have
ASKED = {"by", "depth", "min_support"}  # of [slices]
SECRET = re.compile("pass|pwd|secret|token|key|cred", re.IGNORECASE)  # in the name of an option


@dataclass(frozen=True, slots=True, kw_only=True)
class InWarehouse:
    """A table, by its URL or by the environment variable that holds it."""

    url: str
    variable: str
    split: str  # the column
    values: Mapping[Split, object]  # that stand for the splits

    def at(self) -> str:
        """The URL. Raises BadCase when the variable that should hold it is not set."""
        url = self.url or os.environ.get(self.variable, "")
        if not url:
            what = f"the environment variable {self.variable} is not set, which names the table"
            raise BadCase(what, remedy="set it to the table's URL")
        return url


def holds_secret(url: str) -> bool:
    """Whether a URL has a password, or an option that is named like one."""
    parts = urlsplit(url)
    named = (name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return ":" in parts.netloc.rpartition("@")[0] or any(map(SECRET.search, named))


def only_of_files(file: CaseFile) -> Iterator[tuple[str, ...]]:
    """The keys that a case has, and that say nothing of a table in its warehouse."""
    for name in Data.model_fields:
        if name not in ("table", "table_env", "split", "splits") and getattr(file.data, name):
            yield "data", name
    for name in file.fields.model_fields_set - FIELDS:
        yield "fields", name
    for split in ("eval", "production"):
        if file.fields.others(split):
            yield "fields", split
    if file.system is not None:
        yield ("system",)
    if file.scorer is not None and file.scorer.threshold is not None:
        yield "scorer", "threshold"
    for name in Guards.model_fields:
        if name != "no_exception" and getattr(file.guards, name):
            yield "guards", name
    for name in Slices.model_fields:
        if name not in ASKED and getattr(file.slices, name):
            yield "slices", name
