"""Whether verification can fail: a receipt tampered with in every way, and what noticed.

1. Copies are tampered with, in a temporary folder; the receipt and its data are only read.
2. Each copy is verified with the installed kernel, bounded in time. A tampering is caught when the
   verdict is the one that was said beforehand, the check that was named fires, and no other does
   that was not named. Anything else has escaped: another verdict, another check, a traceback, no
   verdict in time, and also the refusal of a change that must be accepted.
3. What has no place in a receipt is counted, with the reason.

What can be caught, and what cannot, without a signature:

- An accident, or an edit in one place: caught. Each file but receipt.json has a digest in it, and
  each thing that receipt.json says is derived again, shown in the report, or of a closed form.
- An edit that is then made consistent in part: caught by the check that is left over. A number
  cannot be stated without a claim, nor under the name of another; a claim's label, a table's heads
  and a finding's strength follow from derivations.
- Other data, with everything derived again from them: not caught. It is an honest receipt of those
  data, with another id. The same goes for half of the records left out, eval and production
  exchanged, another column taken as the expected value, a guard left out, a claim or a finding that
  is no longer stated, one called less severe, prose that gives a number another name, and an
  envelope that names another machine. The tamperings "other data, all derived again" show that
  these hold. An id that was published, or a signature, tells them apart.
- Outputs that the system never gave, with everything derived again: caught by `--rerun` alone.
- Bounds of the system under test that were changed in receipt.json alone: not caught, for they
  bind nothing but `--rerun`.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.errors import DoesNotHold
from eval_autopsy.receipt.tampers.copies import Copy, Memory, NotApplicable, Original
from eval_autopsy.receipt.tampers.vectors import Tamper, generated, listed
from eval_autopsy.receipt.verify import KNOWN, verify

Progress = Callable[[str, int, int], None]  # what is being done, how many done, of how many

LEAST_SECONDS = 20.0  # for one verification; a large receipt gets more


class OutOfTime(BaseException):
    """No verdict in time. Not an Exception, so that nothing takes it for a finding."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a verification said."""

    verdict: str  # also "traceback" or "out of time", which are no verdicts
    checks: frozenset[str] = frozenset()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A tampering, and what came of it; None when it has no place in the receipt."""

    tamper: Tamper
    found: Found | None
    reason: str = ""

    @property
    def good(self) -> bool:
        """Whether it was caught by its check, or held where it must; see the rules above."""
        if self.found is None or self.found.verdict != self.tamper.verdict:
            return False
        if self.tamper.accepted:
            return True
        fired = self.found.checks
        return self.tamper.check in fired and fired <= {self.tamper.check, *self.tamper.also}

    @property
    def escaped(self) -> bool:
        return self.found is not None and not self.good

    @property
    def said(self) -> str:
        """What was wanted of the verifier, and what it said."""
        wanted = " by ".join(filter(None, (self.tamper.verdict, self.tamper.check)))
        found = self.found or Found(self.reason)
        checks = ", ".join(sorted(found.checks)) or "no check"
        return f"wanted {wanted}, found {found.verdict} by {checks}"


@dataclass(frozen=True, slots=True)
class Count:
    """How the tamperings of a class fared."""

    tampers: int  # that must be caught
    caught: int
    accepted: int  # changes that a receipt must survive, and did
    escaped: int  # of both kinds
    not_applicable: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of each tampering with one receipt."""

    outcomes: tuple[Outcome, ...]

    @property
    def escaped(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.escaped]

    def count(self, group: str | None = None) -> Count:
        """The counts of a class, or of all."""
        mine = [one for one in self.outcomes if group in (None, one.tamper.group)]
        applied = [one for one in mine if one.found is not None]
        return Count(
            tampers=sum(not one.tamper.accepted for one in applied),
            caught=sum(one.good and not one.tamper.accepted for one in applied),
            accepted=sum(one.good and one.tamper.accepted for one in applied),
            escaped=sum(one.escaped for one in applied),
            not_applicable=len(mine) - len(applied),
        )

    def classes(self) -> dict[str, Count]:
        """The counts by class, in the order of the classes."""
        groups = dict.fromkeys(one.tamper.group for one in self.outcomes)
        return {group: self.count(group) for group in groups}

    @property
    def sentence(self) -> str:
        """The figure, and what else was tried."""
        n = self.count()
        return (
            f"{n.caught:,} of {n.tampers:,} tamperings were caught, each by the check that is "
            f"for it. {n.accepted} were accepted, as they must be: the same values in other bytes, "
            f"or other data with everything derived again. {n.not_applicable} have no place in "
            "this receipt."
        )

    def to_dict(self) -> dict[str, Any]:
        """The `proof` of `autopsy verify --prove --json`."""
        return {
            **_counts(self.count()),
            "escaped": [_escape(one) for one in self.escaped],
            "classes": [{"class": group, **_counts(n)} for group, n in self.classes().items()],
        }


def _counts(count: Count) -> dict[str, int]:
    return {name: getattr(count, name) for name in Count.__slots__}


def _escape(one: Outcome) -> dict[str, Any]:
    found = one.found or Found("")
    return {
        "id": one.tamper.id,
        "class": one.tamper.group,
        "comment": one.tamper.comment,
        "expected": {"verdict": one.tamper.verdict, "check": one.tamper.check},
        "found": {
            "verdict": found.verdict,
            "checks": sorted(found.checks),
            "words": found.words,
        },
    }


class Remembering(kernel.Verification):
    """The kernel's verification, which loads the same records of the same files once."""

    def __init__(self, folder: str, known: Mapping[str, str], rerun: bool, memory: Memory) -> None:
        super().__init__(folder, known, rerun)
        self.memory = memory

    def load(self) -> str:
        return self.memory.load(self, kernel.Verification.load)


def _quiet(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def prove(folder: Path, progress: Progress = _quiet, *, rerun: bool = False) -> Proof:
    """What comes of every tampering with copies of a receipt, which must hold.

    `rerun` also tries what only running the system again can notice; that runs its code, again
    for each of those tamperings.
    """
    started = time.monotonic()
    done = verify(folder, rerun=rerun)
    if done.verdict != "holds":
        what = "the receipt does not hold, so that tampering with it would show nothing"
        raise DoesNotHold(what, where=str(folder), remedy="run autopsy verify without --prove")
    seconds = max(LEAST_SECONDS, 10 * (time.monotonic() - started))
    original = Original(done)
    tampers = [*listed(), *generated(original)]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="autopsy-prove-") as temporary:
        bench = Bench(original, Path(temporary).resolve(), seconds)
        for number, tamper in enumerate(tampers, 1):
            if tamper.rerun and not rerun:
                outcomes.append(Outcome(tamper, None, "only --rerun can tell"))
            else:
                outcomes.append(bench.tried(tamper))
            progress("tampering with copies", number, len(tampers))
    return Proof(tuple(outcomes))


class Bench:
    """A folder in which copies are written, verified, and taken away again.

    One whole copy stays: most tamperings change a file or two of it, which are put back.
    """

    def __init__(self, original: Original, folder: Path, seconds: float) -> None:
        self.original, self.seconds = original, seconds
        self.whole, self.odd = folder / "whole", folder / "odd"
        self.place = Path("case", "receipts", original.case)
        self.untouched = Copy(original)
        self.untouched.put(self.whole / self.place, self.whole)

    def tried(self, tamper: Tamper) -> Outcome:
        """What comes of one tampering."""
        try:
            with self.written(tamper.applied(self.original)) as folder:
                return Outcome(tamper, self.judged(folder, tamper.rerun))
        except NotApplicable as error:
            return Outcome(tamper, None, str(error))

    @contextmanager
    def written(self, copy: Copy) -> Iterator[Path]:
        """The folder of a copy's receipt, while it is needed."""
        if copy.same_names:
            folder, changed = self.whole / self.place, [*copy.changed, "receipt.json"]
            try:
                copy.put_changed(folder, changed)
                yield folder
            finally:
                self.untouched.put_changed(folder, changed)
            return
        try:
            copy.put(self.odd / self.place, self.odd, self.whole)
            yield self.odd / self.place
        finally:
            shutil.rmtree(self.odd, ignore_errors=True)

    def judged(self, folder: Path, rerun: bool) -> Found:
        """What the installed kernel says of a copy."""
        check = Remembering(str(folder), KNOWN, rerun, self.original.memory)
        try:
            with time_bound(self.seconds):
                return found_by(check.run())
        except OutOfTime:
            return Found("out of time", words=f"no verdict in {self.seconds:g} s")
        except Exception as error:  # noqa: BLE001  whatever it is, it is no verdict
            return Found("traceback", words=f"{type(error).__name__}: {error}")


def found_by(check: kernel.Verification) -> Found:
    """A verification's verdict, the checks that fired, and the first failure in words."""
    words = "".join(f"{one.where}: {one.found}" for one in check.failures[:1])
    return Found(check.verdict, frozenset(one.check for one in check.failures), words)


@contextmanager
def time_bound(seconds: float) -> Iterator[None]:
    """Raises OutOfTime in the block after so long, where the system has alarms."""
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
