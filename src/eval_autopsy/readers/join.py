"""Rows that are put together: fields under the names of the case, and more about the same ids.

1. A field that takes another's name keeps its own beside it; nothing is overwritten.
2. What a joined file says is added where a row says nothing, null included, and inside objects
   key by key. What both say differently is kept as `NAME (joined)`.
3. A score in words is true or false in its place.
4. How many rows of the joined file found a record is counted, and so are those that did not.
5. An id that stands again is numbered, and what belongs together is said in `ATTEMPT_OF`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.files import open_rows
from eval_autopsy.readers.sources import Source, SplitColumn, Wanted
from eval_autopsy.readers.verdict_words import with_verdict

Fields = dict[str, Any]

ATTEMPT_OF = "attempt of"  # the field of the id that was numbered, which is the cluster


@dataclass
class Join:
    """The rows of a joined file by id, and the ids that were asked for."""

    path: Path
    rows: Mapping[str, Fields]
    asked: set[str] = field(default_factory=set)
    missed: int = 0  # records that have no row here

    @property
    def matched(self) -> int:
        """How many of its rows belong to a record."""
        return len(self.asked)

    @property
    def unmatched(self) -> int:
        """How many of its rows belong to none."""
        return len(self.rows) - len(self.asked)

    def of(self, identity: str) -> Fields:
        """The row of an id; empty when there is none."""
        if identity not in self.rows:
            self.missed += 1
            return {}
        self.asked.add(identity)
        return self.rows[identity]


def clustered(wanted: Wanted) -> Wanted:
    """What is wanted, with the id as the cluster where no field is named as that."""
    return wanted._replace(fields={"cluster": ATTEMPT_OF, **wanted.fields})


def attempts_words(again: int, name: str) -> str:
    """How many records of a file have an id that stood before, and what they are taken for."""
    said = f"{again:,} records of {name} have an id that stood before"
    return f"{said}; they are numbered, and one cluster with it, as attempts at one input are"


@dataclass
class Attempts:
    """The ids that were met in each split, and how many records have one that stood before."""

    again: int = 0
    _met: Counter[tuple[str, str]] = field(default_factory=Counter)

    def of(self, row: kernel.Row, source: Source, name: str) -> kernel.Row:
        """A row with the id that it is an attempt of; its own, at `name`, is numbered from 2 on."""
        identity = str(kernel.field(row.fields, name))
        of = source.split
        split = str(kernel.field(row.fields, of.column)) if isinstance(of, SplitColumn) else of
        self._met[split, identity] += 1
        number = self._met[split, identity]
        fields = {**row.fields, ATTEMPT_OF: identity}
        if number > 1:
            self.again += 1
            fields[name] = f"{identity} ({number})"
        return kernel.Row(row.line, fields)


def join_of(path: Path, wanted: Wanted) -> Join:
    """A file to join, in memory. Several rows of one id are put together.

    Raises CannotRead for a row without an id.
    """
    file, rows = open_rows(path, path.name)
    name = "id" if file.yields != "rows" else wanted.fields["id"]
    found: dict[str, Fields] = {}
    for row in rows:
        identity = kernel.field(row.fields, name)
        if identity is MISSING or isinstance(identity, (dict, list, bool)) or identity is None:
            what = f"there is no field {name!r} to join by"
            raise CannotRead(what, where=rows.where(row), remedy="take the file out of `join`")
        others = {key: value for key, value in row.fields.items() if key != name}
        found[str(identity)] = together(found.get(str(identity), {}), others)
    return Join(path, found)


def changed(row: kernel.Row, source: Source, wanted: Wanted, joins: Sequence[Join]) -> kernel.Row:
    """A row of a source under the names of the case, with what other files say of its id."""
    fields = renamed(row.fields, source.names, wanted.fields) if source.names else row.fields
    name = wanted.fields["id"]
    identity = kernel.field(fields, name)
    for join in joins:
        fields = together(fields, join.of(str(identity)))
    if source.verdict_words and "score" in wanted.fields:
        fields = with_verdict(fields, wanted.fields["score"])
    if source.threshold is not None:
        fields = source.threshold.added(fields)
    if source.prefix:
        fields = {**fields, name: f"{source.prefix}/{identity}"}
        cluster = wanted.fields.get("cluster", "")
        if fields.get(cluster) not in (None, ""):
            fields[cluster] = f"{source.prefix}/{fields[cluster]}"
    return kernel.Row(row.line, fields)


def is_wanted(row: kernel.Row, source: Source) -> bool:
    """Whether a changed row is one of those that the source wants."""
    found = ((kernel.field(row.fields, name), value) for name, value in source.only.items())
    return all(
        one is not MISSING and kernel.canonical(one) == kernel.canonical(value)
        for one, value in found
    )


def renamed(fields: Fields, names: Mapping[str, str], common: Mapping[str, str]) -> Fields:
    """The fields with each part under the name that the case has for it."""
    given = {common[part]: kernel.field(fields, own) for part, own in names.items()}
    given = {name: value for name, value in given.items() if value is not MISSING}
    rest = {
        f"{name} (as it was)" if name in given else name: value
        for name, value in fields.items()
        if name not in names.values()
    }
    return given | rest


def together(fields: Fields, others: Fields) -> Fields:
    """Two objects as one, by the rules above."""
    found = dict(fields)
    for name, value in others.items():
        own = found.get(name)
        if own is None:
            found[name] = value
        elif isinstance(own, dict) and isinstance(value, dict):
            found[name] = together(own, value)
        elif value is not None and kernel.canonical(own) != kernel.canonical(value):
            found[f"{name} (joined)"] = value
    return found
