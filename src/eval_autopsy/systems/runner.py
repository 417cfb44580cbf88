"""Asks a system, several inputs at a time, and stops before it does harm.

1. What the journal has is not asked again.
2. No more than `rate` attempts are begun in a second; a `retry-after` holds all of them back.
3. An attempt is begun only when its greatest cost still fits under `cost_limit`.
4. What did not reach the system is asked again, up to `retries` times; a wrong answer never is.
5. When `give_up` calls in a row fail and nothing was ever answered, or as many in a row do not
   reach the system, the run stops; what was answered is kept.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, TypeVar

from eval_autopsy import kernel
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.errors import AutopsyError, CannotRun
from eval_autopsy.systems.batches import Batches
from eval_autopsy.systems.journal import Called, Journal, Reply, answer_of, answer_text
from eval_autopsy.systems.kinds import System, Worker

T = TypeVar("T")
Progress = Callable[[str, int, int], None]  # what is being done, how many done, of how many

AHEAD = 256  # calls entered in the journal before they are made, when they are quick
QUICK = 0.02  # seconds between two answers
LONGEST_WAIT = 120.0  # seconds, of those that an endpoint may ask for


@dataclass(slots=True)
class Spent:
    """What a run has cost so far."""

    calls: int = 0  # answered or given up in this run
    journalled: int = 0  # taken from the journal
    interrupted: int = 0  # of the calls, begun by an earlier run that did not see the end of them
    retries: int = 0  # attempts beyond the first
    cost: Decimal = Decimal(0)  # of this run's attempts, at most
    tokens: Counter[str] = field(default_factory=Counter)  # of this run's answers, by kind
    errors: Counter[str] = field(default_factory=Counter)  # by kind, the journal's answers too


class Pace:
    """When the next attempt may begin: not too soon after the one before, nor while held."""

    def __init__(self, rate: float | None, stopped: threading.Event) -> None:
        self.gap = 1 / rate if rate else 0.0
        self.stopped = stopped
        self.lock = threading.Lock()
        self.next = 0.0

    def wait(self) -> bool:
        """Waits for a turn; False when the run was stopped meanwhile."""
        with self.lock:
            turn = max(self.next, time.monotonic())
            self.next = turn + self.gap
        pause = turn - time.monotonic()
        return not (self.stopped.wait(pause) if pause > 0 else self.stopped.is_set())

    def hold(self, seconds: float) -> None:
        """Lets no attempt begin for some time."""
        with self.lock:
            self.next = max(self.next, time.monotonic() + seconds)


class TooDear(CannotRun):
    """A call that was not made, because it could have passed the limit of cost."""


class NotCalled(NamedTuple):
    """An input that was to be called when the run had to stop."""

    key: str
    error: TooDear


class Purse:
    """What may still be spent: an attempt is paid for before it is made."""

    def __init__(self, limit: Decimal | None, spent: Decimal) -> None:
        self.limit, self.spent = limit, spent  # spent or set aside
        self.lock = threading.Lock()

    def reserve(self, most: Decimal) -> bool:
        """Sets an amount aside; False when there is not as much."""
        with self.lock:
            fits = self.limit is None or self.spent + most <= self.limit
            self.spent += most if fits else 0
            return fits

    def refusal(self, most: Decimal) -> TooDear:
        return TooDear(
            f"the next call can cost up to {most:f}, and {self.spent:f} of the "
            f"{self.limit:f} allowed is spent or set aside",
            where="[system] cost_limit",
            remedy="raise cost_limit; what was answered is kept, and not called again",
        )

    def settle(self, most: Decimal, cost: Decimal) -> None:
        """Puts back what was set aside and not spent."""
        with self.lock:
            self.spent += cost - most


class Circuit:
    """Counts failures in a row, and says when it is of no use to go on."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.answered = False
        self.in_a_row: list[str] = []

    def count(self, reply: Reply) -> None:
        """Raises CannotRun at the last failure that is borne."""
        error = reply.answer.error
        if error is None or (reply.kept and self.answered):
            self.answered = self.answered or error is None
            self.in_a_row.clear()
            return
        self.in_a_row.append(error)
        if len(self.in_a_row) >= self.limit:
            raise CannotRun(
                f"{len(self.in_a_row)} calls in a row failed, the last with {error}",
                where="[system] give_up",
                remedy="try one input by hand; what was answered is kept, and not called again",
            )


class Runner:
    """Asks one open system. `spent` says what that took."""

    def __init__(
        self, system: System, bounds: Bounds, journal: Journal, progress: Progress
    ) -> None:
        self.system, self.bounds, self.journal, self.progress = system, bounds, journal, progress
        self.spent = Spent()
        self.stopped = threading.Event()
        self.pace = Pace(bounds.rate, self.stopped)
        self.purse = Purse(bounds.cost_limit, journal.cost())
        self.circuit = Circuit(bounds.give_up)
        self.workers: list[Worker] = []
        batch = system.batch
        self.batches = Batches(batch, journal, self.purse, self.stopped) if batch else None

    def answers(
        self, inputs: Sequence[object], *, repeat: int = 0, what: str = "running the system"
    ) -> list[kernel.Answer]:
        """The system's answer to each input, in order; an error is an answer.

        Takes those that the journal has, and makes the other calls. Another `repeat` is another
        call of the same input. `what` is the work in words, for the progress. Raises CannotRun
        when the run has to stop; what was answered until then is in the journal.
        """
        if self.stopped.is_set():
            raise CannotRun("this runner was ended", remedy="open the system again")
        seen: Counter[str] = Counter()
        keys = []
        for value in inputs:
            text = kernel.canonical(value)
            keys.append(self.journal.key(value, repeat, seen[text]))
            seen[text] += 1
        found = self.journal.answers(keys)
        self.spent.journalled += len(found)
        missing = [
            (key, value) for key, value in zip(keys, inputs, strict=True) if key not in found
        ]
        wanted = {key for key, _ in missing}
        if self.batches and missing:
            self.progress(f"{what}, in a batch", len(found), len(keys))
        for called in self.batches.called(missing) if self.batches and missing else ():
            self._count(called)
            if called.key in wanted:  # and not of a batch that an earlier run sent for more
                found[called.key] = called.reply.answer
                self.progress(what, len(found), len(keys))
        missing = [call for call in missing if call[0] not in found]
        with self._crew(min(self.bounds.concurrency, len(missing))) as crew:
            for called in crew.called(missing):
                found[called.key] = called.reply.answer
                spent = f" · {self.spent.cost:.2f} spent" if self.bounds.prices else ""
                self.progress(what + spent, len(found), len(keys))
        answers = [found[key] for key in keys]
        self.spent.errors.update(kind_of(answer.error) for answer in answers if answer.error)
        return answers

    def _count(self, called: Called) -> None:
        """Adds what came of a call to what the run has spent."""
        self.spent.calls += 1
        self.spent.retries += called.attempts - 1
        self.spent.cost += called.cost
        self.spent.tokens.update(called.reply.tokens)

    @contextmanager
    def _crew(self, size: int) -> Iterator[Crew]:
        """Threads with a worker each; all calls are over when it ends."""
        while len(self.workers) < size:
            self.workers.append(self.system.worker())
        crew = Crew(self, self.workers[:size])
        try:
            yield crew
        except AutopsyError:
            raise
        except BaseException:  # an interruption, which does not wait for the calls
            self.close()
            raise
        finally:
            crew.end()

    def close(self) -> None:
        """Ends all calls."""
        self.stopped.set()
        for worker in self.workers:
            worker.stop()

    def attempt(self, worker: Worker, key: str, value: object) -> Called | None:
        """Asks until there is an answer, or the attempts are used up; None when stopped.

        Raises TooDear when not even one attempt can be paid for.
        """
        started, most = time.monotonic(), self.system.most(value)
        called = None
        while self.pace.wait():
            if not self.purse.reserve(most):
                if called is None:
                    raise self.purse.refusal(most)
                return called
            reply = as_kept(worker.ask(value, key))
            if self.stopped.is_set():  # what it says may be the end that we made
                return None
            cost = most if reply.cost is None else reply.cost
            self.purse.settle(most, cost)
            attempts, total = (called.attempts, called.cost) if called else (0, Decimal(0))
            seconds = time.monotonic() - started
            called = Called(key, reply, attempts + 1, total + cost, seconds)
            if not reply.retry or called.attempts > self.bounds.retries:
                return called
            self._back_off(reply, called.attempts)
        return None

    def _back_off(self, reply: Reply, attempts: int) -> None:
        """Waits before the next attempt: as the endpoint asks, all of the run with it."""
        if reply.wait is not None:
            self.pace.hold(min(reply.wait, LONGEST_WAIT))
            return
        # Twice as long each time, and not all at the same moment.
        self.stopped.wait(min(0.5 * 2 ** (attempts - 1), 30) * random.uniform(0.5, 1))


class Crew:
    """The threads that make the calls of one list, and the journal's only writer."""

    def __init__(self, runner: Runner, workers: Sequence[Worker]) -> None:
        self.runner = runner
        self.todo: queue.SimpleQueue[tuple[str, object] | None] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[Called | NotCalled | BaseException] = queue.SimpleQueue()
        self.threads = [
            threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in workers
        ]
        self.under_way: set[str] = set()  # entered as begun, and not answered yet
        self.refused: list[NotCalled] = []
        for thread in self.threads:
            thread.start()

    def called(self, calls: Sequence[tuple[str, object]]) -> Iterator[Called]:
        """Each call as it ends, when it is in the journal."""
        waiting, ahead, before = deque(calls), 0, time.monotonic()
        self._hand_out(waiting, ahead, ())
        while self.under_way:
            finished = self._next()
            # Quick calls are entered many at a time, as each entry waits for the disk.
            now = time.monotonic()
            quick = now - before < QUICK * len(finished)
            ahead, before = min(AHEAD, 2 * ahead + 1) if quick else 0, now
            self._hand_out(waiting, ahead, finished)
            yield from finished

    def _hand_out(
        self, waiting: deque[tuple[str, object]], ahead: int, finished: Sequence[Called]
    ) -> None:
        """Enters what has finished, and begins as many calls as there is room for."""
        room = len(self.threads) + ahead - len(self.under_way) + len(finished)
        self._begin([waiting.popleft() for _ in range(min(room, len(waiting)))], finished)

    def end(self) -> None:
        """Waits for the calls that are under way; no other is begun, and what ends is kept."""
        not_called = [item[0] for item in drained(self.todo) if item is not None]
        for _ in self.threads:
            self.todo.put(None)
        for thread in self.threads:
            thread.join()
        ended = drained(self.done)
        not_called += [one.key for one in (*self.refused, *ended) if isinstance(one, NotCalled)]
        finished = [one for one in ended if isinstance(one, Called)]
        if finished or not_called:
            self._begin([], finished)
            self.runner.journal.not_called(not_called)

    def _begin(self, calls: Sequence[tuple[str, object]], finished: Sequence[Called]) -> None:
        """Enters what has ended and what is next, and hands that out."""
        runner = self.runner
        if calls or finished:
            starting = {key: runner.system.most(value) for key, value in calls}
            runner.journal.write(finished, starting)
        for called in finished:
            self.under_way.discard(called.key)
            runner.spent.interrupted += called.key in runner.journal.interrupted
            runner._count(called)
        for key, value in calls:
            self.under_way.add(key)
            self.todo.put((key, value))

    def _next(self) -> list[Called]:
        """What has ended by now, at least one; raises what stops the run."""
        found = drained(self.done)
        while not found:
            # In turns: Polars handles Ctrl-C so that a wait without an end would not see it.
            with suppress(queue.Empty):
                found = [self.done.get(timeout=0.2), *drained(self.done)]
        finished = [one for one in found if isinstance(one, Called)]
        self.refused += [one for one in found if isinstance(one, NotCalled)]
        try:
            for one in found:
                if isinstance(one, Called):
                    self.runner.circuit.count(one.reply)
                else:
                    raise one.error if isinstance(one, NotCalled) else one
        except BaseException:
            self._begin([], finished)
            raise
        return finished

    def _work(self, worker: Worker) -> None:
        for key, value in iter(self.todo.get, None):
            try:
                called = self.runner.attempt(worker, key, value)
            except TooDear as error:
                self.done.put(NotCalled(key, error))
                return
            except BaseException as error:  # noqa: BLE001, raised where the run is waited for
                self.done.put(error)
                return
            if called is None:
                return
            self.done.put(called)


def as_kept(reply: Reply) -> Reply:
    """A reply with its answer as the journal would give it back, so that both are the same."""
    text = answer_text(reply.answer)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        error = "ValueError: a lone surrogate, which is not a character"
        return reply._replace(answer=kernel.Answer(kernel.MISSING, error))
    return reply._replace(answer=answer_of(text))


def drained(waiting: queue.SimpleQueue[T]) -> list[T]:
    """What a queue holds just now."""
    found = []
    with suppress(queue.Empty):
        while True:
            found.append(waiting.get_nowait())
    return found


def kind_of(error: str) -> str:
    """The kind of an error, as in "TimeoutError: no answer in 10 s"."""
    return error.partition(":")[0]
