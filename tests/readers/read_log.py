"""How the tests of the readers of tools' logs read a log, count it and damage it."""

from __future__ import annotations

import copy
import json
import random
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import registry
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.files import KERNEL_LAYOUTS, open_rows
from eval_autopsy.readers.intake import read_sources
from eval_autopsy.readers.logs import ROLES, Aside, Needs, Note, Reported
from eval_autopsy.readers.sources import Source, Wanted

SAMPLES = Path(__file__).parents[1] / "samples"
JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    0.5,
    "",
    "x",
    "{",
    [],
    {},
    [1],
    [[]],
    [None, {"role": 1}],
    {"a": {"b": []}},
    {"role": "user", "content": 7},
)


class Log(NamedTuple):
    """What a file gave: the reader that took it, its rows, and what else it had to say."""

    kind: str
    rows: list[dict[str, Any]]
    reported: list[Reported]
    notes: list[Note]
    needs: list[Needs]
    aside: list[Aside]

    def where(self, **wanted: Any) -> list[dict[str, Any]]:
        """The rows whose fields have these values."""
        return [row for row in self.rows if wanted.items() <= _hashable(row).items()]

    def row(self, identity: str) -> dict[str, Any]:
        """The one row with an id."""
        (found,) = self.where(id=identity)
        return found


def _hashable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not isinstance(value, (dict, list))}


def read_log(path: Path) -> Log:
    """All of a log, through the door that every file takes."""
    file, rows = open_rows(path, path.name)
    found = [row.fields for row in rows]
    return Log(file.converted_from, found, rows.reported, rows.notes, rows.needs, rows.aside)


def facts(path: Path) -> dict[str, Any]:
    """What was counted in a sample without any reader of ours."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def right_of(rows: list[dict[str, Any]]) -> list[int]:
    """How many are right, of how many: as the facts have it."""
    return [sum(row["score"] is True for row in rows), len(rows)]


def by_value(log: Log, name: str) -> dict[str, list[int]]:
    """`right_of` for each value of an attribute."""
    values = {row[name] for row in log.rows}
    return {value: right_of([row for row in log.rows if row[name] == value]) for value in values}


def statuses(log: Log) -> dict[str, int]:
    """How many rows have each status."""
    return dict(Counter(row["status"] for row in log.rows))


def readers_that_claim(path: Path) -> list[str]:
    """The readers of particular formats that know a file by its content."""
    head = path.read_bytes()[: 2**16].removeprefix(b"\xef\xbb\xbf").lstrip()
    return [
        entry.name
        for entry in registry.readers.describe()
        if entry.name not in KERNEL_LAYOUTS and entry.value.sniff(head)
    ]


def records_of(path: Path, tmp_path: Path) -> int:
    """How many records a log becomes, when every part of a row is taken as what it must be."""
    twin = tmp_path / f"twin-{path.name}"
    twin.write_bytes(path.read_bytes())
    known = {part: part for part in ROLES if any(part in row for row in read_log(path).rows)}
    reading = read_sources([Source(path, "eval"), Source(twin, "production")], Wanted(known))
    return len(reading.records) // 2


def damaged(document: Any, chance: random.Random) -> Any:
    """A copy of a JSON value in which one to three values are replaced, lost or doubled."""
    found = copy.deepcopy(document)
    for _ in range(chance.randint(1, 3)):
        _damage(found, chance)
    return found


def _damage(inside: Any, chance: random.Random) -> None:
    while isinstance(inside, (dict, list)) and inside:
        key = chance.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
        within = inside[key]
        if not within or not isinstance(within, (dict, list)) or chance.random() < 0.2:
            inside[key] = copy.deepcopy(chance.choice(JUNK))
            if chance.random() < 0.3:
                del inside[key]
            return
        inside = within


def is_read_or_refused(text: str, name: str) -> None:
    """Fails unless a file with this text is read, or refused with one clear error."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        refused: CannotRead | None = None
        try:
            read_log(path)
        except CannotRead as error:
            refused = error
    assert refused is None or (refused.what and refused.where.startswith(name))
