"""The changes that are tried, and the records that they are tried on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from eval_autopsy import registry
from eval_autopsy.experiments.asking import Scoring
from eval_autopsy.experiments.trials import Group, Subject, group_of
from eval_autopsy.perturbations.apply import Applied, learned
from eval_autopsy.questions.slices import Slice, Slices
from eval_autopsy.records import Record
from eval_autopsy.registry import OURS, Entry, Perturbation

EVAL, WRONG = "eval", "the wrong answers of production"
GROUPS_AT_MOST = 6  # failing slices that are tried


class Changes(NamedTuple):
    """The changes that are tried, and those that had nothing to learn from."""

    ready: tuple[Applied, ...]
    idle: tuple[str, ...]


def entries_of(names: Sequence[str], files: Sequence[Path]) -> list[Entry[Perturbation]]:
    """The perturbations of some names; without names ours and those of files, if answers are known.

    Raises BadCase for a name that no file and no package has.
    """
    brought = {entry.name: entry for entry in registry.perturbations.of_files(files)}
    if names:
        named = dict.fromkeys(names)
        return [brought.get(name) or registry.perturbations.entry(name) for name in named]
    ours = [one for one in registry.perturbations.describe() if one.package == OURS]
    return [one for one in [*ours, *brought.values()] if Applied(one, one.value.change).known]


def subjects_of(records: Iterable[Record], scoring: Scoring) -> list[Subject]:
    """Every record with what is right of its answer."""
    return [Subject(one, scoring.judged(one, None, [one.expected])) for one in records]


def changes_of(entries: Iterable[Entry[Perturbation]], subjects: Sequence[Subject]) -> Changes:
    """The changes made ready: those that learn, from the inputs that are answered right."""
    right = [one.record.input for one in subjects if one.before.right]
    ready, idle = [], []
    for entry in entries:
        one = learned(entry, right)
        if one is None:
            idle.append(entry.name)
        else:
            ready.append(one)
    return Changes(tuple(ready), tuple(idle))


def eval_group(subjects: Sequence[Subject], seed: int) -> Group:
    """The records of eval."""
    return group_of(EVAL, None, (one for one in subjects if one.record.split == "eval"), seed)


def wrong_group(subjects: Sequence[Subject], seed: int) -> Group:
    """The wrong answers of production."""
    production = (one for one in subjects if one.record.split == "production")
    return group_of(WRONG, {}, (one for one in production if one.before.right is False), seed)


def failing_groups(found: Slices, subjects: Sequence[Subject], seed: int) -> list[Group]:
    """The slices of production that are confirmed; without one, all of its wrong answers."""
    production = {one.record.id: one for one in subjects if one.record.split == "production"}
    slices = confirmed(found)
    if not slices:
        wrong = wrong_group(subjects, seed)
        return [wrong] if wrong.subjects else []
    return [
        group_of(
            one.words.replace("`", ""),
            one.where,
            (production[name] for name in one.members or ()),
            seed,
        )
        for one in slices[:GROUPS_AT_MOST]
    ]


def confirmed(found: Slices) -> list[Slice]:
    """The slices that fail: those that the search confirmed, else those of the tables."""
    if found.found:
        return list(found.found)
    tables = (one for one in found.breakdowns if not one.derived)
    return [one for table in tables for one in table.slices if one.confirmed]
