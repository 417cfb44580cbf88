"""What makes a failure the same failure, and the bounded search that asks for it.

1. A failed call is the same failure when its kind of error is: `TimeoutError`, `KeyError`.
2. A wrong object is the same failure when the fields that were wrong, and are still asked for, are
   wrong in the same way, and no others: a field is missing, is blank, holds the value of another
   field, or holds something else.
3. It is a part of the failure when some of these fields are wrong, in ways that were seen.
4. Any other wrong answer is the same failure as long as the scorer of the case calls it wrong, and
   it is blank, or of another kind of value than is expected, where it was: a guard may see these.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import AutopsyError
from eval_autopsy.experiments.asking import Asker, Scoring
from eval_autopsy.questions.judged import alike
from eval_autopsy.records import Record
from eval_autopsy.systems.runner import kind_of


class Failure(NamedTuple):
    """How an answer is wrong; nothing of it is where it is right."""

    error: str = ""  # the kind of error of a failed call
    wrong: Mapping[str, str] = {}  # by field, in which way; the field "" is a whole answer
    right: frozenset[str] = frozenset()  # fields

    def __bool__(self) -> bool:
        return bool(self.error or self.wrong)

    def same_as(self, other: Failure) -> bool:
        """Whether it is the other one, as far as its fields are still asked for."""
        if self.error or other.error:
            return self.error == other.error
        asked = self.right | self.wrong.keys()
        before = {name: way for name, way in other.wrong.items() if name in asked}
        return bool(self) and self.wrong == before

    def part_of(self, other: Failure) -> bool:
        """Whether nothing is wrong that was right, in ways that were seen."""
        if self.error or other.error:
            return self.error == other.error
        ways = set(self.wrong.values()) <= set(other.wrong.values())
        return bool(self) and ways and self.wrong.keys() <= other.wrong.keys()


class Trial(NamedTuple):
    """An input with the answer that is right for it; `names` are the fields that are asked for."""

    input: Any
    expected: Any
    names: tuple[str, ...] = ()


class Told(NamedTuple):
    """What the system said to an input, and how that is wrong."""

    answer: kernel.Answer
    failure: Failure

    @property
    def right(self) -> bool:
        """Whether it is an answer, and not wrong."""
        return self.answer.error is None and not self.failure


class OutOfCalls(AutopsyError):
    """No other input may be asked; what was found until then stands."""


class Search:
    """Asks about inputs of one record, each once, up to a number of them."""

    def __init__(self, asker: Asker, scoring: Scoring, record: Record, calls: int) -> None:
        self.asker, self.scoring, self.record, self.calls = asker, scoring, record, calls
        self._told: dict[str, kernel.Answer] = {}

    @property
    def asked(self) -> int:
        """Different inputs asked so far."""
        return len(self._told)

    def knows(self, trial: Trial) -> bool:
        """Whether an input has been asked."""
        return kernel.canonical(trial.input) in self._told

    def told(self, trial: Trial) -> Told:
        """What comes of an input. Raises OutOfCalls when it is one too many."""
        key = kernel.canonical(trial.input)
        if key not in self._told:
            if len(self._told) >= self.calls:
                raise OutOfCalls(f"all {self.calls:,} calls are made")
            what = f"shrinking, at most {self.calls:,} inputs"
            (self._told[key],) = self.asker.answers([trial.input], what=what)
        answer = self._told[key]
        return Told(answer, self.failure(trial, answer))

    def failure(self, trial: Trial, answer: kernel.Answer) -> Failure:
        """How an answer is wrong."""
        scoring = self.scoring
        if trial.names:
            scorer = {**scoring.spec["scorer"], "fields": list(trial.names)}
            scoring = Scoring({**scoring.spec, "scorer": scorer})
        judged = scoring.judged(self.record, answer, [trial.expected])
        if answer.error is not None:
            return Failure(kind_of(answer.error) if judged.right is False else "")
        if not judged.fields:
            way = way_of_whole(scoring.read(answer.output), trial.expected)
            return Failure(wrong={"": way}) if judged.right is False else Failure()
        output = scoring.read(answer.output)
        wrong = {
            name: way_of(output, trial.expected, name)
            for name, right in judged.fields.items()
            if not right
        }
        if judged.right is False and not wrong:
            wrong[""] = "has other fields"
        return Failure("", wrong, frozenset(judged.fields.keys() - wrong.keys()))

    def again(self, trials: list[Trial]) -> int:
        """How many of some inputs fail, or do not, in the same way when they are asked again."""
        inputs = [trial.input for trial in trials]
        answers = self.asker.answers(inputs, repeat=1, what="asking again")
        pairs = zip(trials, answers, strict=True)
        return sum(self.failure(trial, a) == self.told(trial).failure for trial, a in pairs)


def way_of_whole(output: object, expected: object) -> str:
    """In which way an answer without fields is wrong."""
    if output is kernel.MISSING or not kernel.not_blank(output):
        return "blank"
    return "wrong" if _kind(output) == _kind(expected) else "another kind of value"


def _kind(value: object) -> type:
    number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return Decimal if number else type(value)


def way_of(output: object, expected: Any, name: str) -> str:
    """In which way a field of an output is wrong."""
    value = kernel.field(output, name) if isinstance(output, dict) else kernel.MISSING
    if value is kernel.MISSING:
        return "missing"
    if not kernel.not_blank(value):
        return "blank"
    others = (right for other, right in expected.items() if other != name)
    return "another field's value" if any(alike(value, one) for one in others) else "other"
