"""What the fields of each set are called, where a log and a table, or two tables, differ.

1. The parts of a tool's log are known; those of a table are guessed as a proposal guesses them.
2. A part that both sets have under one name keeps it. Where they differ, the case goes by eval's
   name, and the other's is renamed as it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from eval_autopsy import kernel, registry
from eval_autopsy.case.columns import Fields, columns_of
from eval_autopsy.case.roles import Guess, guess_id, guess_parts
from eval_autopsy.case.sets import Look
from eval_autopsy.readers.logs import ROLES
from eval_autopsy.records import SPLITS, Split

Parts = Mapping[str, Guess]  # part of a record -> the field that plays it
AGREED = ("exact_match", "normalized")  # the scorers to choose from, the strictest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The name of each part for the case, and the names that a set has of its own."""

    fields: Mapping[str, str]
    others: Mapping[Split, Mapping[str, str]]
    of: Mapping[Split, Parts]  # what each set has

    def both(self, *parts: str) -> bool:
        """Whether each set that has records has all of these parts."""
        return all(part in known for known in self.of.values() for part in parts)

    def guessed(self) -> Iterator[tuple[Split, str, Guess]]:
        """Each part that was guessed of a set: not those that a log's format says."""
        for split, parts in self.of.items():
            for part, guess in parts.items():
                if guess.field != part or not guess.sure:
                    yield split, part, guess


def is_log(looks: Sequence[Look]) -> bool:
    """Whether files are tools' own logs, whose parts are known."""
    return bool(looks) and all(look.file.yields == "samples" for look in looks)


def parts_of(looks: Sequence[Look]) -> dict[str, Guess]:
    """The parts that the records of one set have."""
    rows = [row for look in looks for row in look.rows]
    if is_log(looks):
        tools = " and ".join(dict.fromkeys(look.file.converted_from for look in looks))
        there = {name for row in rows for name in row}
        return {
            part: Guess(part, name, f"the {tools} log says it", sure=True)
            for part, name in ROLES.items()
            if name in there
        }
    columns = columns_of(rows)
    identity = guess_id([columns])
    found = {guess.part: guess for guess in guess_parts([columns], [identity.field])}
    return found | ({"id": identity} if identity.field else {})


def names_of(files: Mapping[Split, Sequence[Look]]) -> Names:
    """The names of the parts of each set, and those that the case goes by."""
    of = {split: parts_of(files[split]) for split in SPLITS if files.get(split)}
    fields: dict[str, str] = {}
    for parts in of.values():
        for part, guess in parts.items():
            fields.setdefault(part, guess.field)
    others = {
        split: {part: guess.field for part, guess in parts.items() if guess.field != fields[part]}
        for split, parts in of.items()
    }
    return Names(fields=fields, others=others, of=of)


def agreement(name: str, rows: Sequence[Fields], parts: Parts) -> tuple[int, int]:
    """On how many of the rows with a score, output and expected value a scorer agrees with it."""
    scorer = registry.scorers.get(name)
    recorded = registry.scorers.get("recorded")
    agreed = seen = 0
    for row in rows:
        score, output, expected = (
            kernel.field(row, parts[part].field) for part in ("score", "output", "expected")
        )
        verdict = recorded(score)
        if verdict is None or kernel.MISSING in (output, expected):
            continue
        seen += 1
        agreed += bool(scorer(output, expected)) is verdict
    return agreed, seen


def best_scorer(files: Mapping[Split, Sequence[Look]], names: Names) -> tuple[str, str]:
    """The scorer that agrees best with the scores that a set recorded, and a note that says so.

    The strictest one, and no note, where no set has a score beside output and expected value.
    """
    counted = []
    for name in AGREED:
        found = [
            agreement(name, [row for look in files[split] for row in look.rows], parts)
            for split, parts in names.of.items()
            if {"score", "output", "expected"} <= parts.keys()
        ]
        counted.append((sum(one for one, _ in found), sum(seen for _, seen in found), name))
    agreed, seen, name = max(counted, key=lambda one: one[0])  # the first of equals
    if not seen:
        return AGREED[0], ""
    return name, f"{name} gives the recorded score for {agreed:,} of {seen:,} records that have one"
