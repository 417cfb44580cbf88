"""What a kind of system is to the runner: something that can be asked, within bounds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from eval_autopsy import kernel
from eval_autopsy.case.load import Case
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.batches import Batch
from eval_autopsy.systems.journal import Reply


class OutOfBounds(CannotRun):
    """What was not done, because it could have passed a bound of time or cost."""


class Worker(Protocol):
    """One place where calls are made, one after the other."""

    def ask(self, value: object, key: str) -> Reply:
        """One attempt at one input, over before the deadline; `key` is the same each time.

        An error of the system is a reply. Raises CannotRun for what no other input would change.
        """

    def stop(self) -> None:
        """Ends a call that is under way, and all that it started; called from any thread."""


def nothing(value: object) -> Decimal:
    """The cost of a call that costs nothing."""
    return Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A system that is ready to be asked."""

    identity: Mapping[str, object]  # what its answers depend on, as JSON values
    worker: Callable[[], Worker]  # a new one
    files: tuple[Path, ...] = ()  # its code, as far as that is known
    most: Callable[[object], Decimal] = nothing  # what one attempt at an input can cost
    batch: Batch | None = None  # for many inputs at once, where the endpoint takes them


# What is registered as a system: it makes one ready, and ends it.
Kind = Callable[[Case], AbstractContextManager[System]]


def digests_of(case: Case, files: Iterable[Path] = ()) -> dict[str, str]:
    """The SHA-256 of each file that answers depend on, by its path as seen from the case."""
    named = case.file.system.files if case.file.system else ()
    found = {}
    for path in [*files, *(case.folder / name for name in named)]:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[os.path.relpath(path, case.folder)] = digest
    return found


def bounds_of(bounds: Bounds) -> dict[str, object]:
    """The bounds that an answer can depend on."""
    return {
        "timeout": kernel.real(bounds.timeout),
        "memory": bounds.memory,
        "output_limit": bounds.output_limit,
    }


def cost_of_a_call(bounds: Bounds) -> Decimal:
    """What is paid for each attempt, whatever it comes to."""
    return bounds.prices.call if bounds.prices else Decimal(0)


def installed(package: str, extra: str, where: str = "") -> None:
    """Raises CannotRun when a package of an extra is not installed; `where` it is asked for."""
    if find_spec(package) is None:
        what = f"this needs {package}, which is not installed"
        remedy = f"install it with `pip install 'eval-autopsy[{extra}]'`, and run that `autopsy`"
        raise CannotRun(what, where=where or f"[system] {extra}", remedy=remedy)
