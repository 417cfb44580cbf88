"""What the tests of logs share: reading one, counting it by a value, and damaging it at random."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from eval_autopsy import registry
from eval_autopsy.readers import Source, Wanted, open_rows, read_sources
from eval_autopsy.readers.files import KERNEL_LAYOUTS, Rows
from eval_autopsy.readers.logs import ROLES, Reconciled
from eval_autopsy.records import Record

SAMPLES = Path(__file__).parents[1] / "samples"


class Read(NamedTuple):
    """A log that was read to its end: the fields of its rows, and what else it said."""

    rows: list[dict[str, Any]]
    log: Rows


def read(path: Path) -> Read:
    """A log, read to its end."""
    log = open_rows(path, path.name)[1]
    return Read([row.fields for row in log], log)


def reconciled(found: Read) -> list[Reconciled]:
    """The figures that a log states, beside those of its samples."""
    return found.log.tally.against(found.log.reported)


def facts(tool: str, name: str) -> Any:
    """The facts about a sample that were counted independently of any reader."""
    return json.loads((SAMPLES / tool / f"facts_{name}.json").read_text())


def claimants(path: Path) -> list[str]:
    """The readers of tools' logs that take a file for theirs."""
    with open_rows(path)[1] as rows:
        head = rows._stream.head().lstrip(b"\xef\xbb\xbf \t\r\n")
    entries = registry.readers.describe()
    return [one.name for one in entries if one.name not in KERNEL_LAYOUTS and one.value.sniff(head)]


def rates(
    rows: Sequence[dict[str, Any]], attribute: str, *, errors_right: bool
) -> dict[str, list[int]]:
    """How many are right, and of how many, for each value of an attribute."""
    found: dict[str, list[int]] = {}
    for row in rows:
        counts = found.setdefault(row[attribute], [0, 0])
        right = errors_right if row["status"] == "errored" else row["score"] is True
        counts[0] += right
        counts[1] += 1
    return found


def as_records(path: Path) -> list[Record]:
    """The records of a log, taken in with all the parts that its rows have, for both splits."""
    has = {part for row in read(path).rows for part in row}
    wanted = Wanted({part: field for part, field in ROLES.items() if part in has})
    return read_sources([Source(path, "eval"), Source(path, "production")], wanted).records


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0.5, 10**30, "", "C", "2024-01-01", [], [1], {}, {"value": {"a": 1}}]
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container in a JSON value, with the key or the position of something in it."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in inside:
        yield value, key
        if isinstance(member, (dict, list)):
            yield from places(member)


def damage(document: Any, data: st.DataObject) -> Any:
    """A copy of a JSON document, in which some values were replaced or taken away."""
    copy = json.loads(json.dumps(document))
    for _ in range(data.draw(st.integers(1, 3))):
        spots = list(places(copy))
        container, key = spots[data.draw(st.integers(0, len(spots) - 1))]
        if data.draw(st.booleans()) and isinstance(container, dict):
            del container[key]
        else:
            container[key] = deepcopy(data.draw(JUNK))  # else it is changed for good
        if not list(places(copy)):
            break
    return copy
