"""The smallest difference between an input that is answered right and one that is not.

1. The twin of an input that lays out the fields of its answer is another record that is answered
   right, the one whose layout is nearest. It is given the values of the failing input, as long as
   it stays right with them; else the values are a part of the difference.
2. The twin of any other input has the same right answer, and differs from it by runs of tokens; by
   lines where a change has written values of the answer otherwise, so that none is written in part.
3. The edits that make the twin the failing input are reduced to a smallest part that makes it fail,
   in some of the fields that failed, and in ways that were seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple, TypeVar

from eval_autopsy import kernel
from eval_autopsy.experiments.failures import Failure, Search, Trial
from eval_autopsy.experiments.layouts import (
    Change,
    Layout,
    Piece,
    aligned,
    changes_between,
    edited,
    intact,
    layout_of,
    with_values,
)
from eval_autopsy.experiments.reduce import Known, Put, stands, tokens, trial_of
from eval_autopsy.experiments.trials import Subject
from eval_autopsy.perturbations.apply import place_of
from eval_autopsy.questions.minimal import ddmin

T = TypeVar("T")

Cut = Callable[[str], list[str]]  # a text to its parts, which joined give it again

WORD = re.compile(r"\w*\d+(?:[.,'\u2019:/-]\d+)*\w*|\w+|\s+|[^\w\s]")
SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]+\s*|[^.!?\n]+")
NEAREST = 5  # records that are tried as a twin


class Twin(NamedTuple):
    """An input that is answered right, and what makes it the failing one."""

    subject: Subject
    base: Layout
    changes: Sequence[Change]
    known: Known


class Run(NamedTuple):
    """A run of tokens of one text that stands in place of one of another."""

    at: int  # the first token of the other that it replaces
    end: int
    old: str
    new: str


class Smallest:
    """The smallest part of some edits that is known to make an input fail."""

    def __init__(self, search: Search, goal: Failure) -> None:
        self.search, self.goal = search, goal

    def of(
        self, edits: Sequence[T], trial: Callable[[list[T]], Trial | None], kept: list[T]
    ) -> None:
        """Leaves the smallest part in `kept`, which begins as all edits.

        `trial` is what some of them make, None where that is no valid input. Raises OutOfCalls;
        what was reached by then is in `kept`.
        """

        def fails(part: list[T]) -> bool:
            asked = trial(part)
            if asked is None or not self.search.told(asked).failure.part_of(self.goal):
                return False
            kept[:] = part
            return True

        ddmin(edits, fails)


def twin_of(
    search: Search, failing: Layout, answer: Any, put: Put, subjects: Iterable[Subject]
) -> Twin | None:
    """The twin of a layout among records that are answered right; None when there is none."""
    near = nearest(failing, subjects, tuple(failing.order))
    values = {piece.name: piece for piece in failing.fields}
    for subject, layout in near:
        base = with_values(layout, values)
        known = known_of(failing, answer)
        if intact(base.pieces) and search.told(trial_of(base.pieces, put, known)).right:
            return Twin(subject, base, changes_between(base, failing, values=False), known)
    for subject, base in near:
        known = both(known_of(base, subject.record.expected), known_of(failing, answer))
        if search.told(trial_of(base.pieces, put, known)).right:
            return Twin(subject, base, changes_between(base, failing, values=True), known)
    return None


def nearest(
    failing: Layout, subjects: Iterable[Subject], names: Sequence[str]
) -> list[tuple[Subject, Layout]]:
    """The records whose layouts need the fewest edits, aligned with the failing one."""
    found = []
    for number, subject in enumerate(subjects):
        place = place_of(subject.record.input)
        layout = layout_of(place.text, subject.record.expected, names) if place else None
        if layout is not None:
            base = aligned(layout, failing)
            far = len(changes_between(base, failing, values=False))
            found.append((far, number, subject, base))
    return [(subject, base) for _, _, subject, base in sorted(found)[:NEAREST]]


def known_of(layout: Layout, answer: Any) -> dict[str, dict[str, Any]]:
    """The right answer of each field by the value that the layout has for it."""
    return {one.name: {one.value: kernel.field(answer, one.name)} for one in layout.fields}


def both(one: Known, other: Known) -> dict[str, dict[str, Any]]:
    """What two inputs know of the same fields; the other one where they differ."""
    return {name: {**one[name], **other[name]} for name in other}


def between(twin: Twin, put: Put) -> Callable[[list[Change]], Trial | None]:
    """What is asked of a twin with some edits."""

    def trial(part: list[Change]) -> Trial | None:
        pieces = edited(twin.base, part).pieces
        return trial_of(pieces, put, twin.known) if intact(pieces) else None

    return trial


def words_between(passing: Sequence[Piece], failing: Sequence[Piece]) -> list[str]:
    """How two inputs of the same fields differ, one edit each."""
    one, other = layout_from(passing), layout_from(failing)
    return [change.words for change in changes_between(one, other, values=True)]


def layout_from(pieces: Sequence[Piece]) -> Layout:
    """The layout of some pieces that have their names."""
    fields: list[Piece] = []
    others = []
    for piece in pieces:
        if piece.fields:
            fields.append(piece)
        else:
            others.append((len(fields), piece))
    return Layout(tuple(fields), tuple(others))


def words(text: str) -> list[str]:
    """The tokens of a text, with a number or a date as one: half of another is not half right."""
    return WORD.findall(text)


def runs_between(one: str, other: str, cut: Cut) -> list[Run]:
    """The runs of tokens, or of what else `cut` makes of texts, in which two differ, in order."""
    old, new = cut(one), cut(other)
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [
        Run(low, high, "".join(old[low:high]), "".join(new[start:end]))
        for kind, low, high, start, end in codes
        if kind != "equal"
    ]


def cut_up(runs: Sequence[Run]) -> list[Run]:
    """The runs, with those that only add something cut up: into sentences, or one into tokens."""
    return [piece for run in runs for piece in (pieces_of(run) if not run.old else [run])]


def pieces_of(run: Run) -> list[Run]:
    """What a run adds, sentence by sentence, or token by token where it is one sentence."""
    sentences = SENTENCE.findall(run.new)
    parts = sentences if len(sentences) > 1 else tokens(run.new)
    return [run._replace(new=part) for part in parts]


def joined(runs: Sequence[Run]) -> list[Run]:
    """The runs, with those that add tokens at the same place in one."""
    found: list[Run] = []
    for run in runs:
        last = found[-1] if found else None
        if last is not None and not run.old and not last.old and last.at == run.at:
            found[-1] = last._replace(new=last.new + run.new)
        else:
            found.append(run)
    return found


def with_runs(text: str, runs: Sequence[Run], cut: Cut) -> str:
    """A text with some runs of its parts replaced."""
    parts, end = cut(text), 0
    found = []
    for run in runs:
        found += [*parts[end : run.at], run.new]
        end = run.end
    return "".join(found + parts[end:])


def between_texts(
    text: str, put: Put, expected: Any, kept: Sequence[str], cut: Cut
) -> Callable[[list[Run]], Trial | None]:
    """What is asked of a text with some runs; texts that are `kept` have to stand in it."""

    def trial(part: list[Run]) -> Trial | None:
        value = put(with_runs(text, part, cut))
        return Trial(value, expected) if stands(kept, value) else None

    return trial
