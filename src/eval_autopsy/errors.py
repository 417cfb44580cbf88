"""Everything that can go wrong, as a person should read it.

    AutopsyError                 exit code
    ├── DoesNotHold              1   what was checked is not so
    └── CannotUse                2   the input cannot be used, or the check cannot be made
        ├── CannotRead           2   a data file
        ├── BadCase              2   the case file or an option
        └── CannotRun            2   the system under test, or a step's premise

An error is one paragraph: what is wrong, where, what was expected, what to do.
"""

from __future__ import annotations

from typing import ClassVar


class AutopsyError(Exception):
    """One thing that went wrong: `what`, `where` it is, and the `remedy`.

    `where` is `file`, `file:line` or `file:line:field`; empty when there is no place to name.
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 2

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        end = "" if self.remedy.endswith(("?", ".")) else "."
        remedy = f" {self.remedy[:1].upper()}{self.remedy[1:]}{end}" if self.remedy else ""
        return f"{place}{self.what}.{remedy}"

    def to_dict(self) -> dict[str, str]:
        """The `error` object of `--json`."""
        return {
            "kind": self.kind,
            "message": self.what,
            "where": self.where,
            "remedy": self.remedy,
        }


class DoesNotHold(AutopsyError):
    """What was checked is not so."""

    kind = "does-not-hold"
    exit_code = 1


class CannotUse(AutopsyError):
    """The input cannot be used, or the check cannot be made."""

    kind = "cannot-use"


class CannotRead(CannotUse):
    """A data file cannot be read as what it was said to be."""

    kind = "cannot-read"


class BadCase(CannotUse):
    """The case file or an option is wrong."""

    kind = "bad-case"


class CannotRun(CannotUse):
    """The system under test cannot be run, or a step's premise is missing."""

    kind = "cannot-run"
