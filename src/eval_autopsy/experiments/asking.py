"""A system asked about many inputs, and what is right of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from eval_autopsy import kernel
from eval_autopsy.evidence import judgeable
from eval_autopsy.guards.checks import parsed
from eval_autopsy.records import Record
from eval_autopsy.verdicts import Judge, judge_of, said

Tell = Callable[[str], None]  # what is planned, in words, before it is done


class Asker(Protocol):
    """What can be asked about inputs: a system, or what remembers its answers."""

    def answers(
        self, inputs: Sequence[object], *, repeat: int = 0, what: str = ""
    ) -> list[kernel.Answer]:
        """The answer to each input; another `repeat` asks the same input again.

        `what` is the work in words.
        """


class Remembering:
    """An asker whose answers can be read again."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self._known: dict[tuple[int, str], kernel.Answer] = {}

    def answers(
        self, inputs: Sequence[object], *, repeat: int = 0, what: str = ""
    ) -> list[kernel.Answer]:
        found = self.asker.answers(inputs, repeat=repeat, what=what)
        keys = [(repeat, kernel.canonical(value)) for value in inputs]
        self._known |= zip(keys, found, strict=True)
        return found

    def remembered(self, inputs: Sequence[object], repeat: int) -> list[kernel.Answer]:
        """The answer that was given to each input; KeyError for one that was not asked."""
        return [self._known[repeat, kernel.canonical(value)] for value in inputs]


class Judged(NamedTuple):
    """What is right of one answer."""

    right: bool | None  # None where nothing can be said
    fields: Mapping[str, bool]  # by field of the expected object; {} for another value


class Scoring:
    """What makes an answer right, as a case says it."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.spec = spec
        self._judge: Judge = judge_of(spec["scorer"])

    def read(self, output: object) -> object:
        """An output as it is compared."""
        return parsed(output) if self.spec["output_format"] == "json" else output

    def judged(
        self, record: Record, answer: kernel.Answer | None, expected: Sequence[Any]
    ) -> Judged:
        """What is right of an answer, or of the record's own: by any of the right answers."""
        found = [self._by(record, answer, one) for one in expected]
        return next((one for one in found if one.right), found[0])

    def _by(self, record: Record, answer: kernel.Answer | None, expected: Any) -> Judged:
        asked = [replace(record, expected=expected)]
        (found,) = judgeable(self.spec, asked, None if answer is None else [answer])
        score, fields = said("scorer", self._judge, found)
        if found.error is not None:
            return Judged(False if self.spec["errors"] == "wrong" else None, {})
        parts = [score, *fields.values()]
        if score is None and not fields:
            return Judged(None, {})
        return Judged(False not in parts, fields)


def answered(
    asker: Asker, inputs: Sequence[Any], repeat: int = 0, what: str = "running the system"
) -> list[kernel.Answer]:
    """The answer to each input, each different input asked once."""
    keys = [kernel.canonical(value) for value in inputs]
    different = dict(zip(keys, inputs, strict=True))
    found = asker.answers([*different.values()], repeat=repeat, what=what)
    by_key = dict(zip(different, found, strict=True))
    return [by_key[key] for key in keys]
