"""Which of a log's scores is its verdict, where the tool names none.

1. A score is yes or no when each of its values in the log is true, false, 1 or 0, or has a label
   that says so in words: pass, fail, correct, incorrect.
2. The verdict is the first score that is yes or no by its labels, else the first that is so by its
   values and is not named after what ought not to be: 1 for `hallucination` is nothing good.
3. A log whose scores are all graded has no verdict; where to draw the line is for the case to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.readers.logs import Note
from eval_autopsy.readers.spool import Spool

WORDS = {"pass": True, "passed": True, "correct": True}
WORDS |= {"fail": False, "failed": False, "incorrect": False}
UNWANTED = re.compile("hallucin|toxic|bias|error|fail|harm|violat|refus|leak|pii|jailbreak|risk")


class Grade(NamedTuple):
    """One score: its name, its value and its label, each None where the log has none."""

    name: str
    value: Any
    label: str | None = None

    @property
    def shown(self) -> Any:
        """The value, or else the label."""
        return self.label if self.value is None else self.value

    def in_words(self) -> bool | None:
        """Yes or no as the label says; None when it says neither."""
        return WORDS.get(self.label.strip().lower()) if self.label else None

    def verdict(self) -> bool | None:
        """Yes or no as the label, or else the value, says; None when neither does."""
        said = self.in_words()
        if said is not None or isinstance(self.value, bool):
            return said if said is not None else bool(self.value)
        number = kernel.number_in(self.value)
        return bool(number) if number in (0, 1) else None


class Grades:
    """What all grades of a log have in common, which is known once they were all seen."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}  # by name: "words", "numbers" or "graded"

    def see(self, grade: Grade) -> None:
        """Takes a grade into account; one without a value says nothing."""
        if grade.shown is None:
            return
        found = "words" if grade.in_words() is not None else "numbers"
        if grade.verdict() is None:
            found = "graded"
        before = self._kinds.get(grade.name, found)
        self._kinds[grade.name] = found if found == before else min(found, before, key=_rank)

    def __bool__(self) -> bool:
        """Whether any was seen."""
        return bool(self._kinds)

    def chosen(self) -> str | None:
        """The name of the score that is the verdict, or None."""
        words = [name for name, kind in self._kinds.items() if kind == "words"]
        return next(iter(words + self._by_numbers()), None)

    def _by_numbers(self) -> list[str]:
        return [
            name
            for name, kind in self._kinds.items()
            if kind == "numbers" and not UNWANTED.search(name.lower())
        ]

    def of(self, grades: list[Grade]) -> bool | None:
        """The verdict among the grades of one sample; None when it is not there."""
        chosen = self.chosen()
        return next((grade.verdict() for grade in grades if grade.name == chosen), None)

    def notes(self) -> Iterator[Note]:
        """Which score was taken for the verdict, and why none was."""
        chosen = self.chosen()
        if chosen:
            yield Note(f"the verdict is the score {chosen!r}, which is always yes or no")
        elif self._kinds:
            names = ", ".join(repr(name) for name in self._kinds)
            yield Note(f"no score is taken for a verdict among {names}")


def _rank(kind: str) -> int:
    return ("graded", "numbers", "words").index(kind)


def ordered(grades: list[Grade], first: str | None) -> dict[str, Any]:
    """The scores by name, the one that is the verdict first; a name that comes again is NAME#2."""
    found: dict[str, Any] = {}
    for grade in sorted(grades, key=lambda grade: grade.name != first):
        name, again = grade.name, 1
        while name in found:
            again += 1
            name = f"{grade.name}#{again}"
        found[name] = grade.shown
    return found


class Scores:
    """Scores of samples that are in another file, by the ids of the samples."""

    def __init__(self) -> None:
        self._spool, self._grades = Spool(), Grades()

    def add(self, at: int, identity: str, grade: Grade) -> None:
        """Takes one score, from the line or position `at`."""
        self._grades.see(grade)
        self._spool.add(identity, [at, *grade])

    def rows(self) -> Iterator[kernel.Row | Note]:
        """A row for each id, then the notes."""
        for identity, values in self._spool:
            grades = [Grade(*value) for _, *value in values]
            fields = {
                "id": identity,
                "score": self._grades.of(grades),
                "scores": ordered(grades, self._grades.chosen()),
            }
            yield kernel.Row(values[0][0], fields)
        yield from self._grades.notes()
