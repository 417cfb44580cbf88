"""The store in which promptfoo keeps its evals, an SQLite database; it is only ever read.

1. SQLite is told that nobody writes to the store, so it makes no file beside it. What a program
   that is writing has put into `-wal` so far is read, too, from a copy of both that is then gone.
2. The store may be a stranger's: it can load nothing, and no value is longer than 16 MiB.
3. The tables must be plain tables, of whose columns none that is computed is taken. An eval without
   rows, as of versions that kept all its results in one cell, is counted and not read.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.readers.json_items import value_of
from eval_autopsy.readers.log_values import iso_time
from eval_autopsy.readers.logs import Aside, Item, Note
from eval_autopsy.readers.opened import EXPORT, Lines
from eval_autopsy.readers.promptfoo import Run, Setting
from eval_autopsy.registry import reader

MAGIC = b"SQLite format 3\0"
# Our name of each column of a result that is taken, and whether it holds JSON.
COLUMNS = {
    "eval_id": "",
    "created_at": "",
    "prompt_idx": "promptIdx",
    "test_idx": "testIdx",
    "latency_ms": "latencyMs",
    "cost": "cost",
    "error": "error",
    "success": "success",
    "score": "score",
    "failure_reason": "failureReason",
    "test_case": "testCase",
    "prompt": "prompt",
    "provider": "provider",
    "response": "response",
    "grading_result": "gradingResult",
    "named_scores": "namedScores",
    "metadata": "metadata",
}
JSON = ("test_case", "prompt", "provider", "response", "grading_result", "named_scores", "metadata")
NEEDED = {"eval_id", "prompt_idx", "test_idx", "test_case", "success"}


# Where a database names its tables is anywhere in it: its first bytes do not tell whose it is.
@reader("promptfoo_store", sniff=lambda head: head.startswith(MAGIC), yields="samples")
def promptfoo_store(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each test, prompt and provider of all evals in a store of promptfoo.

    The attributes `eval` and `eval_description` tell the evals apart.
    """
    try:
        with _database(stream, name) as (store, notes):
            yield from notes
            yield from _items(store, name)
    except sqlite3.Error as error:
        raise _other(f"it is damaged: {error}", name) from None


@contextmanager
def _database(stream: Lines, name: str) -> Iterator[tuple[sqlite3.Connection, list[Note]]]:
    """A connection that can only read, and what is to be known of it."""
    notes: list[Note] = []
    with tempfile.TemporaryDirectory(prefix="autopsy-") as folder:
        path, beside = stream.path, Path(f"{stream.path}-wal")
        if path is None:
            path = Path(folder) / "store.db"
            with path.open("wb") as out:
                shutil.copyfileobj(stream, out)
        elif beside.is_file() and beside.stat().st_size:
            path = _copied(path, beside, Path(folder))
            notes.append(Note(f"what {beside.name} holds is read, too, from a copy"))
        # The copy is ours: there SQLite may keep its books.
        mode = "mode=rw" if path.parent == Path(folder) else "mode=ro&immutable=1"
        uri = f"{path.absolute().as_uri()}?{mode}"
        with closing(sqlite3.connect(uri, uri=True)) as store:
            _restrict(store)
            yield store, notes


def _copied(path: Path, beside: Path, folder: Path) -> Path:
    copy = folder / "store.db"
    shutil.copyfile(path, copy)
    shutil.copyfile(beside, f"{copy}-wal")
    return copy


def _restrict(store: sqlite3.Connection) -> None:
    store.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, kernel.LINE_LIMIT)
    store.row_factory = sqlite3.Row
    # Not `trusted_schema = OFF`: promptfoo's own indexes call functions.
    for rule in ("cell_size_check = ON", "query_only = ON"):
        store.execute(f"PRAGMA {rule}")


def _items(store: sqlite3.Connection, name: str) -> Iterator[Item]:
    _refuse_views(store, name)
    there = {row["name"] for row in store.execute("PRAGMA table_info(eval_results)")}
    if lacking := sorted(NEEDED - there):
        raise _other(f"its results have no column {lacking[0]!r}", name)
    query = "SELECT id, description FROM evals"
    evals = {row["id"]: row["description"] for row in store.execute(query)}
    columns = ", ".join(column for column in COLUMNS if column in there)
    run = Run()
    first = None
    read: set[Any] = set()
    for at, row in enumerate(
        store.execute(f"SELECT {columns} FROM eval_results ORDER BY rowid"), 1
    ):
        first = first or row["eval_id"]
        read.add(row["eval_id"])
        try:
            result = _result(row, f"{name}: result {at}")
        except kernel.Unreadable as error:
            yield Aside(at, error.what)
            continue
        about = {"eval": row["eval_id"], "eval_description": evals.get(row["eval_id"])}
        suffix = "" if row["eval_id"] == first else f"@{row['eval_id']}"
        time = _time(row["created_at"]) if "created_at" in there else None
        yield run.item(at, result, Setting(suffix, time, about))
    yield from run.notes()
    yield from _notes(len(read), len(evals.keys() - read))


def _refuse_views(store: sqlite3.Connection, name: str) -> None:
    """Raises Unreadable unless both tables are plain ones: another kind can run what it likes."""
    query = "SELECT type, sql FROM sqlite_master WHERE name IN ('evals', 'eval_results')"
    kinds = [(row["type"], str(row["sql"]).upper()) for row in store.execute(query)]
    if len(kinds) != 2 or any(
        kind != "table" or not sql.startswith("CREATE TABLE") for kind, sql in kinds
    ):
        raise _other("it has no plain tables `evals` and `eval_results`", name)


def _other(why: str, name: str) -> kernel.Unreadable:
    """The error about a database that is not what promptfoo keeps."""
    what = f"found an SQLite database that cannot be read as promptfoo's store: {why}"
    return kernel.Unreadable(what, name, EXPORT)


def _notes(read: int, older: int) -> Iterator[Note]:
    if read > 1:
        yield Note(f"the store has {read} evals, which the attribute `eval` tells apart")
    if older:
        yield Note(f"{older} evals have no rows of results, and are not read")


def _result(row: sqlite3.Row, where: str) -> dict[str, Any]:
    """A result as promptfoo's JSON has it."""
    found = {}
    for column in row.keys():  # noqa: SIM118 - a row of SQLite iterates over its values
        value = row[column]
        if isinstance(value, bytes):
            raise kernel.Unreadable(f"its {column} is bytes, expected text", where)
        if column in JSON:
            value = None if value in (None, "") else value_of(str(value), where)
        found[COLUMNS[column]] = Decimal(repr(value)) if isinstance(value, float) else value
    return found


def _time(value: Any) -> str | None:
    """When a result was written, in milliseconds or, as SQLite writes it, in UTC."""
    if isinstance(value, int):
        return iso_time(value)
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).isoformat()
    except ValueError:
        return None
