"""What has been answered, on disk before anyone is told: nothing paid for is lost.

1. A call is entered before it is made, and its answer before it is used. Both are on the disk
   (SQLite, write-ahead log, synchronous=FULL) when the function returns.
2. Its key is the digest of the system, its settings, the input and the repeat. Another system or
   setting has other keys, so an answer is never taken for that of something else.
3. One process at a time: a second one is refused, and the lock ends with the process.
4. The answers of a run that has ended are forgotten, where the case does not keep them: the
   journal is then for runs that did not come to their end.
5. Each answer is sealed with a digest of its row, so that an edited one is noticed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRun, CannotUse

VERSION = 1
TABLES = """
CREATE TABLE IF NOT EXISTS systems (digest TEXT PRIMARY KEY, identity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    starts INTEGER NOT NULL,    -- how often it was begun
    attempts INTEGER NOT NULL,  -- how often the system was asked, retries included
    cost TEXT NOT NULL,         -- of all attempts, at most
    aside TEXT NOT NULL,        -- what the attempt that is under way can cost
    state TEXT NOT NULL,        -- started, failed (not answered, to be asked again) or done
    answer TEXT,                -- as JSON, of what is done
    seconds REAL,
    seal TEXT
);
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY,
    system TEXT NOT NULL,
    at TEXT NOT NULL,           -- when it was about to be sent
    keys TEXT NOT NULL,         -- of its calls, as JSON
    name TEXT,                  -- that the endpoint gave it; not known until it says so
    state TEXT NOT NULL         -- sent or ended
);
"""


class Reply(NamedTuple):
    """What one attempt at one input came to.

    `kept` is whether it is the system's own answer, as a wrong one and a crash are. What is not is
    called again in a later run, and with `retry` in this one: after `wait` seconds, if they are
    named.
    """

    answer: kernel.Answer
    kept: bool = True
    retry: bool = False
    wait: float | None = None
    cost: Decimal | None = Decimal(0)  # None when it may have cost something, and nobody says what
    tokens: Mapping[str, int] = {}  # by kind


class Called(NamedTuple):
    """An input that was called until it was answered, or given up."""

    key: str
    reply: Reply
    attempts: int
    cost: Decimal
    seconds: float


class Sent(NamedTuple):
    """Calls that went to an endpoint, or were about to, as one batch."""

    number: int
    at: str  # ISO 8601
    keys: tuple[str, ...]
    name: str | None  # None when nobody heard whether it arrived


class Journal:
    """The calls of one system in a file, or for as long as this lives when no file is named."""

    def __init__(self, path: Path | None, identity: Mapping[str, object]) -> None:
        text = kernel.canonical(dict(identity))
        self.system = hashlib.sha256(text.encode("utf-8")).hexdigest()
        self.path, self.where = path, str(path) if path else ":memory:"
        if path is not None:
            folder_of(path)
        self.connection = self._opened()
        self._check_seals()
        with self.connection:
            row = (self.system, text)
            self.connection.execute("INSERT OR IGNORE INTO systems VALUES (?, ?)", row)
        started = "SELECT key FROM calls WHERE state = 'started' AND system = ?"
        self.interrupted = {key for (key,) in self.connection.execute(started, (self.system,))}

    def close(self) -> None:
        self.connection.close()

    def forget(self) -> None:
        """Takes the calls of this system out, and the file away when it holds no others."""
        with self._transaction():
            self.connection.execute("DELETE FROM calls WHERE system = ?", (self.system,))
            self.connection.execute("DELETE FROM batches WHERE system = ?", (self.system,))
            self.connection.execute("DELETE FROM systems WHERE digest = ?", (self.system,))
        (left,) = self.connection.execute("SELECT count(*) FROM systems").fetchone()
        if self.path is not None and not left:
            # Still locked, so that nobody begins to write to what goes away; and without its log,
            # for closing would remove the log of whoever comes next.
            self.connection.execute("PRAGMA journal_mode = MEMORY")
            self.path.unlink()
            self.connection.close()
            if os.listdir(self.path.parent) == [".gitignore"]:
                shutil.rmtree(self.path.parent)

    def key(self, value: object, repeat: int, occurrence: int) -> str:
        """The digest under which the answer to an input is kept.

        `occurrence` counts equal inputs of one list, each of which is a call of its own.
        """
        text = kernel.canonical([self.system, repeat, occurrence, value])
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    def usual_seconds(self) -> float:
        """The median time of the answered calls, in seconds; 0 when there is none."""
        times = "SELECT seconds FROM calls WHERE state = 'done' AND system = ? AND seconds NOT NULL"
        found = sorted(seconds for (seconds,) in self.connection.execute(times, (self.system,)))
        return float(found[len(found) // 2]) if found else 0.0

    def answers(self, keys: Iterable[str]) -> dict[str, kernel.Answer]:
        """The answers that are there, by key."""
        found = {}
        for key in keys:
            row = self.connection.execute(
                "SELECT answer FROM calls WHERE key = ? AND state = 'done'", (key,)
            ).fetchone()
            if row is not None:
                found[key] = answer_of(row[0])
        return found

    def cost(self) -> Decimal:
        """What the calls of this system have cost at most, in all runs.

        What was under way when a run was killed may have been paid for, and counts.
        """
        ask = "SELECT cost, aside FROM calls WHERE system = ?"
        rows = self.connection.execute(ask, (self.system,))
        return sum((Decimal(cost) + Decimal(aside) for cost, aside in rows), Decimal(0))

    def write(self, done: Sequence[Called], starting: Mapping[str, Decimal]) -> None:
        """Enters what has been answered, and what will be called next, in one transaction.

        What is next stands with the most that an attempt can cost.
        """
        with self._transaction():
            for key, most in starting.items():
                self._begin(key, most)
            for called in done:
                self._enter(called)

    def _begin(self, key: str, most: Decimal) -> None:
        ask = "SELECT cost, aside FROM calls WHERE key = ?"
        before = self.connection.execute(ask, (key,)).fetchone()
        cost = sum(map(Decimal, before), Decimal(0)) if before else Decimal(0)
        self.connection.execute(
            "INSERT INTO calls VALUES (?, ?, 1, 0, ?, ?, 'started', NULL, NULL, NULL) "
            "ON CONFLICT (key) DO UPDATE SET starts = starts + 1, cost = excluded.cost, "
            "aside = excluded.aside, state = excluded.state",
            (key, self.system, str(cost), str(most)),
        )

    def _enter(self, called: Called) -> None:
        attempts, cost = self.connection.execute(
            "SELECT attempts, cost FROM calls WHERE key = ?", (called.key,)
        ).fetchone()
        kept = called.reply.kept
        row = {
            "key": called.key,
            "system": self.system,
            "attempts": attempts + called.attempts,
            "cost": str(Decimal(cost) + called.cost),
            "state": "done" if kept else "failed",
            "answer": answer_text(called.reply.answer) if kept else None,
            "seconds": round(called.seconds, 6),
        }
        self.connection.execute(
            "UPDATE calls SET attempts = :attempts, cost = :cost, aside = '0', state = :state, "
            "answer = :answer, seconds = :seconds, seal = :seal WHERE key = :key",
            {**row, "seal": seal(row)},
        )

    def not_called(self, keys: Sequence[str]) -> None:
        """Takes back that some calls were begun, which a run that stopped did not come to."""
        with self._transaction():
            each = [(key,) for key in keys]
            self.connection.executemany(
                "UPDATE calls SET starts = starts - 1, aside = '0', "
                "state = CASE WHEN starts > 1 THEN 'failed' ELSE 'begun' END WHERE key = ?",
                each,
            )
            self.connection.execute("DELETE FROM calls WHERE state = 'begun'")

    def aside(self, key: str) -> Decimal:
        """What the attempt at a call that is under way can cost."""
        ask = "SELECT aside FROM calls WHERE key = ?"
        return Decimal(self.connection.execute(ask, (key,)).fetchone()[0])

    def batch_begins(self, starting: Mapping[str, Decimal], at: str) -> Sent:
        """Enters calls that will be sent as one batch, each with the most that it can cost."""
        with self._transaction():
            for key, most in starting.items():
                self._begin(key, most)
            row = (self.system, at, kernel.canonical(list(starting)))
            done = self.connection.execute(
                "INSERT INTO batches (system, at, keys, state) VALUES (?, ?, ?, 'sent')", row
            )
        return Sent(done.lastrowid or 0, at, tuple(starting), None)

    def batch_named(self, number: int, name: str) -> None:
        """Enters the name that the endpoint gave a batch."""
        with self._transaction():
            self.connection.execute("UPDATE batches SET name = ? WHERE number = ?", (name, number))

    def batch_ended(self, number: int) -> None:
        """Enters that a batch has nothing more to say."""
        with self._transaction():
            self.connection.execute(
                "UPDATE batches SET state = 'ended' WHERE number = ?", (number,)
            )

    def batches(self) -> list[Sent]:
        """The batches of this system that were sent, or may have been, and were not seen to end."""
        ask = "SELECT number, at, keys, name FROM batches WHERE system = ? AND state = 'sent'"
        return [
            Sent(number, at, tuple(kernel.strict_json(keys)), name)
            for number, at, keys, name in self.connection.execute(ask, (self.system,)).fetchall()
        ]

    def batch_names(self) -> set[str]:
        """The names of all batches that are known."""
        rows = self.connection.execute("SELECT name FROM batches WHERE name IS NOT NULL")
        return {name for (name,) in rows}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """On the disk when it ends, all of it or nothing."""
        try:
            with self.connection:
                yield
        except sqlite3.Error as error:
            raise self._trouble(error) from None

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.where, timeout=0)
        try:
            # Held until the end of the connection, or of the process, however that comes about.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                what = f"this journal has the version {version}, expected {VERSION}"
                raise CannotUse(what, where=self.where, remedy="move it away; it is made anew")
            connection.commit()
            connection.executescript(TABLES + f"PRAGMA user_version = {VERSION};")
        except sqlite3.Error as error:
            connection.close()
            raise self._trouble(error) from None
        except CannotUse:
            connection.close()
            raise
        return connection

    def _trouble(self, error: sqlite3.Error) -> CannotUse:
        if "locked" in str(error):
            return CannotRun(
                "another run is calling this system, and two would call each input twice",
                where=self.where,
                remedy="wait for it to end, or stop it",
            )
        return CannotUse(
            f"the journal of calls cannot be used: {error}",
            where=self.where,
            remedy="make room, or move it away: what it holds would be called again",
        )

    def _check_seals(self) -> None:
        """Raises CannotUse for an answer that is not as it was entered."""
        names = ("key", "system", "attempts", "cost", "state", "answer", "seconds")
        rows = f"SELECT {', '.join(names)}, seal FROM calls WHERE state = 'done'"
        for *values, sealed in self.connection.execute(rows):
            row = dict(zip(names, values, strict=True))
            if seal(row) != sealed:
                what = f"the answer under {row['key'][:16]} is not the one that was entered"
                remedy = "move the journal away: what it holds would be called again"
                raise CannotUse(what, where=self.where, remedy=remedy)


def folder_of(path: Path) -> None:
    """Makes the folder of a journal, which version control leaves out. Raises CannotUse."""
    try:
        path.parent.mkdir(exist_ok=True)
        ignored = path.parent / ".gitignore"
        if not os.path.lexists(ignored):
            ignored.write_text("*\n", encoding="utf-8")
    except OSError as error:
        what = f"the folder of the journal cannot be written to: {error.strerror}"
        remedy = "copy the case to a folder of your own"
        raise CannotUse(what, where=str(path.parent), remedy=remedy) from None


def seal(row: Mapping[str, object]) -> str:
    """The digest of a row, every cell of it."""
    text = "\0".join(f"{name}={row[name]!r}" for name in sorted(row))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def answer_text(answer: kernel.Answer) -> str:
    """An answer as JSON: its output, or the error."""
    if answer.error is not None:
        return kernel.canonical({"error": answer.error})
    return kernel.canonical({"output": answer.output})


def answer_of(text: str) -> kernel.Answer:
    """The answer that a text stands for."""
    found = kernel.strict_json(text)
    return kernel.Answer(found.get("output", kernel.MISSING), found.get("error"))
