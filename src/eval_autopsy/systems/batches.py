"""Many inputs at once, as a batch that the endpoint works through in its own time.

1. What is to be sent is entered in the journal before it is sent, and the name that the endpoint
   gives a batch before anything is awaited.
2. A batch that an earlier run sent is waited for, and its answers are taken. One whose name was
   lost, as when the run was killed before it heard it, is looked for among those of the endpoint.
3. A batch is sent only when all of it fits under `cost_limit`.
4. The wait has an end. What was sent by then stays sent, and the next run goes on waiting.
5. What the endpoint failed on, or did not come to, is the error of its own input.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Protocol, TypeVar

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.journal import Called, Journal, Reply, Sent

T = TypeVar("T")
Call = tuple[str, object]  # a key, and the input

FEWEST = 10  # inputs that are worth the wait; fewer are asked one by one
SKEW = timedelta(minutes=5)  # that the endpoint's clock may be behind ours
FIRST, LONGEST = 0.2, 60.0  # seconds between two questions whether a batch has ended
TRIES = 5  # to reach the endpoint, with a pause that grows


class Unreached(Exception):
    """The endpoint was not reached, or was too busy; the same question may be asked again, after
    `wait` seconds if it says so."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


class Batch(Protocol):
    """What an endpoint does with batches. All raise Unreached; CannotRun where nothing helps."""

    wait: float  # seconds, for a batch to end

    def split(self, calls: Sequence[Call]) -> tuple[list[list[Call]], list[Called]]:
        """The calls of each batch, and what came of those for which no request can be made."""

    def most(self, value: object) -> Decimal:
        """What an input of a batch can cost."""

    def send(self, calls: Sequence[Call]) -> str:
        """The name of a batch of some inputs."""

    def has_ended(self, name: str) -> bool:
        """Whether a batch is done, or not there any more."""

    def results(self, name: str) -> Mapping[str, Reply]:
        """What came of each input of a batch that has ended, by its key; nothing of one that is
        not there any more."""

    def since(self, when: datetime, size: int) -> Sequence[str]:
        """The names of the batches of so many inputs that were sent since some time."""


class Spends(Protocol):
    """Who holds the money together, see `runner.Purse`."""

    spent: Decimal

    def reserve(self, most: Decimal) -> bool: ...

    def refusal(self, most: Decimal) -> CannotRun: ...


class Batches:
    """The batches of one system, of this run and of those before it."""

    def __init__(
        self, batch: Batch, journal: Journal, purse: Spends, stopped: threading.Event
    ) -> None:
        self.batch, self.journal, self.purse, self.stopped = batch, journal, purse, stopped

    def called(self, calls: Sequence[Call]) -> Iterator[Called]:
        """What comes of batches that were sent before, and of the calls, if they are not few."""
        seen = set()
        for sent in self.journal.batches():
            name = sent.name or self._lost(sent)
            if name is None:  # it was never sent
                self.journal.batch_ended(sent.number)
                continue
            for one in self._ended(sent._replace(name=name)):
                seen.add(one.key)
                yield one
        left = [call for call in calls if call[0] not in seen]
        if len(left) < FEWEST:
            return
        parts, failed = self.batch.split(left)
        self.journal.write(failed, {one.key: Decimal(0) for one in failed})
        yield from failed
        for part in parts:
            yield from self._ended(self._sent(part))

    def _sent(self, calls: Sequence[Call]) -> Sent:
        """A batch that is on its way. Raises TooDear when not all of it can be paid for."""
        each = {key: self.batch.most(value) for key, value in calls}
        whole = sum(each.values(), Decimal(0))
        if not self.purse.reserve(whole):
            raise self.purse.refusal(whole)
        sent = self.journal.batch_begins(each, datetime.now(UTC).isoformat())
        name = self._taken(sent, calls)
        self.journal.batch_named(sent.number, name)
        return sent._replace(name=name)

    def _taken(self, sent: Sent, calls: Sequence[Call]) -> str:
        """The name of a batch that the endpoint has taken, sent again only where it has not."""
        for tried in range(TRIES):
            found = self._lost(sent) if tried else None  # an answer may be lost, and not the batch
            try:
                return found or self.batch.send(calls)
            except Unreached as error:
                self._bear(error, tried)
        raise AssertionError("the last try has raised")

    def _lost(self, sent: Sent) -> str | None:
        """The name of a batch that may have been sent, known by the keys of its answers."""
        when = datetime.fromisoformat(sent.at) - SKEW
        named = self.journal.batch_names()
        for name in self._asked(partial(self.batch.since, when, len(sent.keys))):
            if name in named:
                continue
            self._await(name)
            if {*self._asked(partial(self.batch.results, name))} & {*sent.keys}:
                self.journal.batch_named(sent.number, name)
                return name
        return None

    def _ended(self, sent: Sent) -> Iterator[Called]:
        """What came of a batch, entered in the journal."""
        name = str(sent.name)
        start = time.monotonic()
        self._await(name)
        results = self._asked(partial(self.batch.results, name))
        strange = next(iter(results.keys() - {*sent.keys}), None)
        if strange is not None:
            what = f"the batch {name} has an answer under {strange[:16]!r}, which was not in it"
            raise CannotRun(what, where="[system.claude] batch", remedy="look at the batch by hand")
        known = self.journal.answers(sent.keys)
        seconds = time.monotonic() - start
        lacking = Reply(lacks(name), kept=False, cost=None)
        found = []
        for key in sent.keys:
            if key not in known:
                reply = results.get(key, lacking)
                cost = self.journal.aside(key) if reply.cost is None else reply.cost
                found.append(Called(key, reply, 1, cost, seconds))
        self.journal.write(found, {})
        self.journal.batch_ended(sent.number)
        self.purse.spent = self.journal.cost()
        yield from found

    def _await(self, name: str) -> None:
        """Waits until a batch has ended. Raises CannotRun when that takes too long."""
        until, pause = time.monotonic() + self.batch.wait, FIRST
        while not self._asked(partial(self.batch.has_ended, name)):
            if time.monotonic() + pause > until:
                what = f"the batch {name} has not ended within {self.batch.wait:g} s"
                remedy = "run it again later: it is waited for, and not sent a second time"
                raise CannotRun(what, where="[system.claude] batch_wait", remedy=remedy)
            self._pause(pause)
            pause = min(1.5 * pause, LONGEST)

    def _asked(self, ask: Callable[[], T]) -> T:
        """The answer to a question that changes nothing, asked again while it is not reached."""
        for tried in range(TRIES):
            try:
                return ask()
            except Unreached as error:
                self._bear(error, tried)
        raise AssertionError("the last try has raised")

    def _bear(self, error: Unreached, tried: int) -> None:
        """Waits before the next try, as the endpoint asks. Raises CannotRun after the last one."""
        if tried == TRIES - 1:
            remedy = "run it again: what was sent is waited for, and not sent a second time"
            raise CannotRun(str(error), where="[system.claude] batch", remedy=remedy) from error
        self._pause(2.0**tried / 2 if error.wait is None else min(error.wait, LONGEST))

    def _pause(self, seconds: float) -> None:
        """Waits a little. Raises CannotRun when the run was ended meanwhile."""
        if self.stopped.wait(seconds):
            raise CannotRun("this runner was ended", remedy="open the system again")


def lacks(name: str) -> kernel.Answer:
    """The answer to an input of which a batch that has ended says nothing."""
    return kernel.Answer(kernel.MISSING, f"BatchError: the batch {name} has no result for it")
