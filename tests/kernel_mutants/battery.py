"""What a kernel must get right to pass for the kernel: receipts that hold, and tampered ones.

A trial is a receipt in a folder, and what the kernel itself says of it: the verdict, the checks
that fire, and where. A mutant that says anything else of any trial is killed. Receipts hold by
values that the kernel derived, so every one of its formulas is held to its own values there; that
these are the right ones is the matter of the tests of `tests/kernel`.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.receipt.prove import Bench, Found, OutOfTime, found_by, time_bound
from eval_autopsy.receipt.tampers.copies import Copy, NotApplicable, Original
from eval_autopsy.receipt.tampers.vectors import Tamper, generated, listed
from eval_autopsy.receipt.verify import KNOWN, verify

from . import cases
from .expressions import EXPRESSIONS, values_of
from .mutate import Mutant, compiled, mutants, noting_calls

SOURCE = Path(kernel.__file__)
SECONDS = 20.0  # for one trial; a thousand times what it takes
RERUN = {
    "Verification.again",
    "answered_again",
    "answers_alike",
}  # what only running the system again comes to


@dataclass(frozen=True, slots=True)
class Trial:
    """A receipt, and what must be said of it."""

    name: str
    folder: str
    known: Mapping[str, str]
    rerun: bool
    found: Found
    called: frozenset[str]  # the functions of the kernel that have a part in it


def prepared(base: Path) -> list[Trial]:
    """The trials, written below `base`: each receipt as it is, and each tampering once."""
    benches = {name: _bench(base / name, make) for name, make in cases.RECEIPTS.items()}
    trials = [_trial(name, bench, Copy(bench.original), base) for name, bench in benches.items()]
    names = list(benches)
    for number, tamper in enumerate([*listed(), *_nudges(benches["parts"])]):
        # Every other one of the smallest receipt, the others of each in turn.
        turn = 0 if number % 2 else number // 2 % len(names)
        trials += _of_tamper(tamper, benches, [*names[turn:], *names[:turn]], base)
    return trials + list(_with_other_kernels(benches["graded"], base))


def _bench(base: Path, make: cases.Maker) -> Bench:
    base.mkdir()
    folder = make(base / "made")
    return Bench(Original(verify(folder)), base / "bench", SECONDS)


def _nudges(bench: Bench) -> list[Tamper]:
    return [one for one in generated(bench.original) if one.check == "claims"]


def _of_tamper(
    tamper: Tamper, benches: Mapping[str, Bench], order: list[str], base: Path
) -> Iterator[Trial]:
    """A tampering of the first receipt that has a place for it."""
    for name in order:
        with contextlib.suppress(NotApplicable):
            copy = tamper.applied(benches[name].original)
            yield _trial(f"{tamper.id} of {name}", benches[name], copy, base, tamper.rerun)
            return


def _trial(
    name: str,
    bench: Bench,
    copy: Copy,
    base: Path,
    rerun: bool = False,
    others: Mapping[str, str] | None = None,
) -> Trial:
    root = base / "trials" / hashlib.sha256(name.encode()).hexdigest()[:16]
    folder = root / bench.place
    copy.put(folder, root, bench.whole)
    known = {**KNOWN, **(others or {})}
    _CALLED.clear()
    found = judged(_NOTING, str(folder), known, rerun)
    return Trial(name, str(folder), known, rerun, found, frozenset(_CALLED))


_CALLED: set[str] = set()
_NOTING = noting_calls(ast.parse(SOURCE.read_text(encoding="utf-8")), _CALLED.add)


def _with_other_kernels(bench: Bench, base: Path) -> Iterator[Trial]:
    """Receipts of a kernel that is known, too: alone, and beside another verify.py."""
    raw = b"print('a kernel of another time')\n"
    other = {hashlib.sha256(raw).hexdigest(): "0.0.9"}
    for name, version, redo in (
        ("whole", "0.0.9", ("kernel", "digests")),
        ("of another version", "0.1.0", ("kernel", "digests")),
        ("beside another verify.py", kernel.VERSION, ("digests",)),
    ):
        edits = [{"edit": "replace file", "file": "verify.py", "to": raw.decode()}]
        edits.append({"edit": "put", "at": "/predicate/kernel/version", "to": version})
        tamper = Tamper(id=name, group="", comment="", verdict="", edits=tuple(edits), redo=redo)
        copy = tamper.applied(bench.original)
        yield _trial(f"a known kernel {name}", bench, copy, base, others=other)


def judged(module: Any, folder: str, known: Mapping[str, str], rerun: bool) -> Found:
    """What a kernel says of a receipt: the verdict, the checks, and the places of the failures."""
    try:
        with time_bound(SECONDS):
            done = module.Verification(folder, known, rerun).run()
            places = (f"{one.check} {one.where}" for one in done.failures)
            return Found(done.verdict, found_by(done).checks, "\n".join(places))
    except OutOfTime:
        return Found("out of time")
    except Exception:  # noqa: BLE001  a mutant may do anything
        return Found("traceback")


class Battery:
    """Trials, tried in the order in which they were last of use."""

    def __init__(self, trials: list[Trial]) -> None:
        self.trials = [one for one in trials if not one.rerun]
        self.reruns = [one for one in trials if one.rerun]
        self.tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
        self.mutants = mutants(self.tree)
        self.values = list(values_of(dict(vars(kernel))))

    def killer(self, mutant: Mutant) -> str:
        """What a mutant fails: an expression, a trial, or being loaded at all; empty if nothing."""
        mutant.make()
        try:
            module = compiled(self.tree, "kernel_mutant")
        except Exception as error:  # noqa: BLE001  a mutant may do anything
            return type(error).__name__
        finally:
            mutant.undo()
        return self._expression_of(module) or self._trial_of(module, mutant.function)

    def _expression_of(self, module: Any) -> str:
        texts = ["what the expressions are about", *EXPRESSIONS]
        pairs = zip(texts, self.values, values_of(vars(module)), strict=False)
        try:
            with time_bound(SECONDS):
                return str(next((text for text, wanted, value in pairs if value != wanted), ""))
        except OutOfTime:
            return "an expression, out of time"

    def _trial_of(self, module: Any, function: str) -> str:
        for trial in [*(self.reruns if function in RERUN else ()), *self.trials]:
            if function not in trial.called:
                continue
            if judged(module, trial.folder, trial.known, trial.rerun) != trial.found:
                if not trial.rerun:  # it is likely to be of use again
                    self.trials.remove(trial)
                    self.trials.insert(0, trial)
                return str(trial.name)
        return ""
