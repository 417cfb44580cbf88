"""A failing input made smaller by leaving out, from the large parts to the small ones.

An input that lays out the fields of its answer (see `layouts`):

1. Lines go, then fields, then the tokens and the characters of what is no field. A field goes whole
   or stays, with its label and value, so that the right answer is the one that was known, without
   the fields that went.
2. Without a twin the failure stays the same. With a passing one, what goes goes from both, the twin
   stays right, and the failure stays a part of what it was: what was left out cannot have made it.

Any other input:

3. Elements of lists go, an assistant's tool call with the responses to it; then lines, tokens and
   characters of texts.
4. What stood in the input of the texts of the answer stays, in each text that is left of those that
   had it, and so does what the caller names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.experiments.failures import Failure, Search, Trial
from eval_autopsy.experiments.layouts import Piece, intact, text_of, without
from eval_autopsy.perturbations.answers import texts_in
from eval_autopsy.perturbations.labelled import lines_of
from eval_autopsy.questions.minimal import ddmin

Put = Callable[[Any], Any]  # a text to the input that holds it
Known = Mapping[str, Mapping[str, Any]]  # by field, the right answer by the value in the text

TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
NO_PROSE = ("role", "type", "id", "tool_call_id", "name")  # fields whose texts are no prose


class Pieces:
    """The pieces of a failing input, and of its passing twin if it has one, as far as reduced."""

    def __init__(
        self,
        search: Search,
        put: Put,
        known: Known,
        failing: Sequence[Piece],
        passing: Sequence[Piece] | None,
        goal: Failure,
    ) -> None:
        self.goal = goal
        self.search, self.put, self.known = search, put, known
        self.failing, self.passing = failing, passing

    def trial(self, pieces: Sequence[Piece]) -> Trial:
        """What is asked of some pieces."""
        return trial_of(pieces, self.put, self.known)

    def reduce(self) -> None:
        """Leaves out what can go. Raises OutOfCalls; what was reached by then stands."""
        before = None
        while before != self.failing:
            before = self.failing
            self._leave_out(by_line(self.failing))
            self._leave_out([{piece.name} for piece in self.failing])
            for cut in (tokens, characters):
                for name in [piece.name for piece in self.failing if not piece.fields]:
                    self._shorten(name, cut)

    def _leave_out(self, units: list[set[str]]) -> None:
        failing, passing = self.failing, self.passing
        every = set[str]().union(*units)

        def fails(kept: list[set[str]]) -> bool:
            gone = every - set[str]().union(*kept)
            twin = None if passing is None else without(passing, gone)
            return self._holds(without(failing, gone), twin)

        ddmin(units, fails)

    def _shorten(self, name: str, cut: Callable[[str], list[str]]) -> None:
        failing, passing = self.failing, self.passing
        body = next(piece.body for piece in failing if piece.name == name)

        def fails(kept: list[str]) -> bool:
            text = "".join(kept).strip()
            twin = None if passing is None else written(passing, name, text)
            return text != "" and self._holds(written(failing, name, text), twin)

        ddmin(cut(body), fails)

    def _holds(self, failing: list[Piece], passing: list[Piece] | None) -> bool:
        """Whether these fail as they should, and the twin is right; they are kept if so."""
        if not any(piece.fields for piece in failing) or not intact(failing):
            return False
        failure = self.search.told(self.trial(failing)).failure
        if not (failure.same_as(self.goal) if passing is None else failure.part_of(self.goal)):
            return False
        if passing is not None and not (intact(passing) and self._passes(passing)):
            return False
        self.failing, self.passing = failing, passing
        return True

    def _passes(self, pieces: list[Piece]) -> bool:
        return self.search.told(self.trial(pieces)).right


class Whole:
    """A failing input of any form, as far as it is reduced."""

    def __init__(self, search: Search, trial: Trial, kept: Iterable[str]) -> None:
        self.search, self.trial = search, trial
        self.goal: Failure = search.told(trial).failure
        self.kept = tuple(kept)  # texts that have to stand in the input

    def reduce(self) -> None:
        """Leaves out what can go. Raises OutOfCalls; what was reached by then stands."""
        before = None
        while before != self.trial.input:
            before = self.trial.input
            self._elements(())
            for cut in (lines, tokens, characters):
                for path in [*paths_of_prose(self.trial.input)]:
                    self._shorten(path, cut)

    def _elements(self, path: tuple[Any, ...]) -> None:
        """The elements of a list, then those of the lists inside of what is left."""
        value = at(self.trial.input, path)
        if isinstance(value, list):
            self._minimal(path, turns(value), lambda kept: [one for turn in kept for one in turn])
            value = at(self.trial.input, path)
        for key in keys_of(value):
            self._elements((*path, key))

    def _shorten(self, path: tuple[Any, ...], cut: Callable[[str], list[str]]) -> None:
        """Leaves out parts of a text; what it had of what is kept, it has."""
        text, start = at(self.trial.input, path), self.trial.input
        here = [one for one in self.kept if one in text]

        def fails(kept: list[str]) -> bool:
            shorter = "".join(kept)
            return stands(here, shorter) and self._holds(replaced(start, path, shorter))

        ddmin(cut(text), fails)

    def _minimal(
        self, path: tuple[Any, ...], units: list[Any], joined: Callable[[list[Any]], Any]
    ) -> None:
        start = self.trial.input
        ddmin(units, lambda kept: self._holds(replaced(start, path, joined(kept))))

    def _holds(self, value: Any) -> bool:
        if not stands(self.kept, value):
            return False
        trial = self.trial._replace(input=value)
        if not self.search.told(trial).failure.same_as(self.goal):
            return False
        self.trial = trial
        return True


def trial_of(pieces: Sequence[Piece], put: Put, known: Known) -> Trial:
    """An input of some pieces, with the answer that is known for its fields."""
    expected = {one.name: known[one.name][one.value] for one in pieces if one.fields}
    return Trial(put(text_of(pieces)), expected, tuple(expected))


def evidence(value: Any, answer: Any) -> list[str]:
    """The texts and numbers of an answer that stand in an input."""
    return [text for text in said_in(answer) if stands([text], value)]


def said_in(answer: Any) -> list[str]:
    """The texts and numbers of an answer, each once, but none of white space alone."""
    texts = dict.fromkeys([*texts_in(answer), *numbers_in(answer)])
    return [text for text in texts if text.strip()]


def asked_of(answer: Any, fields: Sequence[str]) -> Any:
    """What is scored of an answer: some of its fields, or all of it where none are named."""
    if not fields or not isinstance(answer, dict):
        return answer
    return {name: kernel.field(answer, name) for name in fields}


def numbers_in(value: Any) -> list[str]:
    """The numbers in a JSON value, as JSON writes them."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return [number for part in parts for number in numbers_in(part)]
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return [kernel.canonical(value)] if number else []


def stands(texts: Iterable[str], value: Any) -> bool:
    """Whether each of some texts stands in a text of an input."""
    said = [*texts_in(value)]
    return all(any(text in one for one in said) for text in texts)


def by_line(pieces: Sequence[Piece]) -> list[set[str]]:
    """The names of the pieces on each line."""
    found: list[set[str]] = []
    fresh = True
    for piece in pieces:
        if fresh:
            found.append(set())
        found[-1].add(piece.name)
        fresh = "\n" in piece.after or "\r" in piece.after
    return found


def written(pieces: Sequence[Piece], name: str, text: str) -> list[Piece]:
    """The pieces, with another text in place of one that is no field."""
    new = {"label": "", "delimiter": "", "value": text}
    return [piece._replace(**new) if piece.name == name else piece for piece in pieces]


def lines(text: str) -> list[str]:
    return ["".join(line) for line in lines_of(text)]


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def characters(text: str) -> list[str]:
    return list(text)


def turns(items: list[Any]) -> list[list[Any]]:
    """The elements of a list, with an assistant's tool call the responses that follow it."""
    found: list[list[Any]] = []
    for item in items:
        responds = isinstance(item, dict) and item.get("role") == "tool"
        if responds and found:
            found[-1].append(item)
        else:
            found.append([item])
    return found


def keys_of(value: Any) -> list[Any]:
    """Where the parts of a value are."""
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


def at(value: Any, path: Sequence[Any]) -> Any:
    """The part of a value at a path."""
    for key in path:
        value = value[key]
    return value


def replaced(value: Any, path: Sequence[Any], part: Any) -> Any:
    """A value with another part at a path."""
    if not path:
        return part
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, key: replaced(value[key], rest, part)}
    return [replaced(one, rest, part) if at == key else one for at, one in enumerate(value)]


def paths_of_prose(value: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """Where the texts of an input are."""
    if isinstance(value, str):
        yield path
    for key in keys_of(value):
        if key not in NO_PROSE:
            yield from paths_of_prose(value[key], (*path, key))
