"""Whether the scorer is right: several scores of the same answers, and the records in doubt.

1. The scores stand side by side, each over the records that it can judge: as recorded; recomputed
   by a scorer of ours; by the value alone, whatever its format; and, where a task copies labelled
   values, against what the input itself states.
2. A record in doubt has a kind (suspects.py), and the kind says what follows for its verdict.
3. The corrected score counts what is decided. What the data do not decide counts once as wrong and
   once as right, which gives its bounds; they are no interval, and one stands beside them.
4. A failed call is no answer: it stands apart, or counts as wrong where the case says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.questions.judged import WORDS, Judged, Verdict
from eval_autopsy.questions.labelled import References
from eval_autopsy.questions.rates import Rate, rate_of_units
from eval_autopsy.questions.suspects import KINDS, Suspect

if TYPE_CHECKING:
    import polars

EXAMPLES = 3  # of a finding or a flip that are shown

ScoreName = Literal["recorded", "recomputed", "normalized", "from_input"]
SCORES: Mapping[ScoreName, str] = {
    "recorded": "as recorded",
    "recomputed": "recomputed",
    "normalized": "by value alone",
    "from_input": "from the input",
}


class Score(NamedTuple):
    """What one scorer says of a split: right of judged, and the records that it cannot judge."""

    rate: Rate
    not_applicable: int

    def to_dict(self) -> dict[str, Any]:
        return {**self.rate.to_dict(), "not_applicable": self.not_applicable}


class Flip(NamedTuple):
    """The records to which two scorers gave these verdicts."""

    before: Verdict
    after: Verdict
    ids: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        said = {"from": WORDS[self.before], "to": WORDS[self.after]}
        return {**said, "count": len(self.ids), "ids": list(self.ids)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """The verdicts of one scorer against those of another: all nine pairs that have records."""

    before: ScoreName
    after: ScoreName
    cells: tuple[Flip, ...]

    @property
    def changed(self) -> tuple[Flip, ...]:
        """The records that one scorer calls right and the other wrong."""
        return tuple(one for one in self.cells if {one.before, one.after} == {True, False})

    def to_dict(self) -> dict[str, Any]:
        cells = [one.to_dict() for one in self.cells]
        return {"before": self.before, "after": self.after, "cells": cells}


class Example(NamedTuple):
    """A record of a finding: where it is, and what was seen."""

    id: str
    split: str
    where: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of fault, and the records that show it."""

    kind: str
    says: str
    records: tuple[Example, ...]

    @property
    def count(self) -> int:
        """How many records show it."""
        return len(self.records)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of these records, in the order of the data."""
        return tuple(one.id for one in self.records)

    def to_dict(self) -> dict[str, Any]:
        """One of the `audit` of JSON outputs."""
        return {
            "kind": self.kind,
            "count": self.count,
            "ids": list(self.ids),
            "says": self.says,
            "splits": dict(Counter(one.split for one in self.records)),
            "examples": [one._asdict() for one in self.records[:EXAMPLES]],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """The score of a split without the findings: k of the same n at the least, and at the most.

    `interval` is from the lower end of the 95% Wilson interval of the one to the upper end of that
    of the other; records that repeat others add nothing to it.
    """

    lower: Rate
    upper: Rate
    apart: int  # failed calls, which are no answers
    undecided: int
    independent: int  # of n, the records that repeat no other

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of both intervals that are farthest apart, as fractions of 1."""
        share = self.independent / self.lower.n if self.lower.n else 0.0
        low, high = (
            kernel.wilson(
                rate.k * share,
                self.independent,
                self.independent if rate.clusters is None else rate.effective * share,
            )
            for rate in (self.lower, self.upper)
        )
        return low[0], high[1]

    def to_dict(self) -> dict[str, Any]:
        return {
            "lower": self.lower.to_dict(),
            "upper": self.upper.to_dict(),
            "interval": [kernel.real(end) for end in self.interval],
            "apart": self.apart,
            "undecided": self.undecided,
            "independent": self.independent,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The answer of `autopsy audit`."""

    sources: tuple[str, ...]  # the names of the files
    scorer: str  # the name of the one that recomputes; "" where nothing can be recomputed
    splits: tuple[str, ...]
    scores: Mapping[str, Mapping[ScoreName, Score]]  # by split
    flips: tuple[Flips, ...]
    findings: tuple[Finding, ...]
    corrected: Mapping[str, Corrected]  # by split
    errored: Mapping[str, int]  # failed calls that count as right, wrong and none
    ungraded: Mapping[str, int]  # answers whose grader failed, likewise
    errors: str  # "wrong" or "apart": what a failed call counts as
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `autopsy audit`."""
        return {
            "sources": list(self.sources),
            "scorer": self.scorer,
            "scores": {
                split: {name: score.to_dict() for name, score in scores.items()}
                for split, scores in self.scores.items()
            },
            "flips": [one.to_dict() for one in self.flips],
            "audit": [one.to_dict() for one in self.findings],
            "corrected": {split: one.to_dict() for split, one in self.corrected.items()},
            "errors": self.errors,
            "errored": dict(self.errored),
            "grader_failed": dict(self.ungraded),
            "notes": list(self.notes),
        }

    def to_polars(self) -> polars.DataFrame:
        """A row for each record of each finding: kind, id, split, where it is, what was seen."""
        import polars

        rows = [
            {"kind": finding.kind, **one._asdict()}
            for finding in self.findings
            for one in finding.records
        ]
        names = ("kind", "id", "split", "where", "says")
        return polars.DataFrame(rows, schema=dict.fromkeys(names, polars.String))

    def __repr__(self) -> str:
        """One line: the whole is as long as its records."""
        found = ", ".join(f"{one.kind}: {one.count}" for one in self.findings)
        return f"Audit(scorer={self.scorer!r}, findings={{{found}}})"

    def _repr_html_(self) -> str:
        """The findings as a table, for a notebook."""
        lines = ["".join(f"<th>{head}</th>" for head in ("finding", "records", "", "such as"))]
        for one in self.findings:
            cells = (one.kind, str(one.count), one.says, ", ".join(one.ids[:EXAMPLES]))
            lines.append("".join(f"<td>{escape(kernel.visible(cell))}</td>" for cell in cells))
        return "<table><tr>" + "</tr><tr>".join(lines) + "</tr></table>"


Progress = Callable[[str, int, int], None]


def audit_of(
    judged: Sequence[Judged],
    *,
    scorer: str,
    errors: str = "apart",
    sources: Iterable[str] = (),
    notes: Iterable[str] = (),
    progress: Progress = lambda what, done, total: None,
) -> Audit:
    """The audit of records of one split or both. `errors` is what a failed call counts as.

    `progress` hears of the kinds of fault that were looked for.
    """
    rows = rows_of(judged, errors, progress)
    splits = tuple(
        split for split in kernel.SPLITS if any(one.record.split == split for one in judged)
    )
    columns = rows.scores
    return Audit(
        sources=tuple(sources),
        scorer=scorer if "recomputed" in columns else "",
        splits=splits,
        scores={split: _scores(judged, columns, split) for split in splits},
        flips=_flips(judged, columns),
        findings=tuple(
            _finding(name, judged, suspects) for name, suspects in rows.suspects.items() if suspects
        ),
        corrected=_corrected(judged, rows, splits),
        errored=_tally(one.score for one in judged if one.failed),
        ungraded=_tally(one.score for one in judged if one.ungraded and not one.failed),
        errors=errors,
        notes=tuple(notes),
    )


Columns = Mapping[ScoreName, Sequence[Verdict]]


class Rows(NamedTuple):
    """What an audit says of each record, in the order of the records."""

    scores: Columns
    suspects: Mapping[str, Sequence[Suspect]]  # by kind
    decided: Sequence[str]  # right, wrong, undecided, apart or not judged

    @property
    def repeats(self) -> set[int]:
        """The records that repeat another."""
        return {one.row for one in self.suspects["repeats-as-independent"]}


def rows_of(
    judged: Sequence[Judged],
    errors: str,
    progress: Progress = lambda what, done, total: None,
) -> Rows:
    """What an audit says of each record. `errors` is what a failed call counts as.

    `progress` hears of the kinds of fault that were looked for.
    """
    progress("auditing", 0, len(KINDS))
    known = References(judged)
    found: dict[str, Sequence[Suspect]] = {}
    for name, kind in KINDS.items():
        found[name] = list(kind.rule(judged, known))
        progress("auditing", len(found), len(KINDS))
    follows = _follows(found)
    decided = [_decided(one, follows.get(row), errors) for row, one in enumerate(judged)]
    return Rows(_columns(judged, known.verdicts), found, decided)


def outcome_rows(rows: Rows) -> dict[str, list[int]]:
    """The records by what they count as in a receipt, under the names of `kernel.OF_AUDIT`."""
    found: dict[str, list[int]] = {}
    repeats = rows.repeats
    for row, decided in enumerate(rows.decided):
        for name in _LEFT.get(decided, ()):
            found.setdefault(name, []).append(row)
        if "corrected" in _LEFT.get(decided, ()) and row not in repeats:
            found.setdefault("independent", []).append(row)
    for kind, suspects in rows.suspects.items():
        found[f"suspect:{kind}"] = sorted(one.row for one in suspects)
    for score, column in rows.scores.items():
        found[f"judged:{score}"] = [row for row, said in enumerate(column) if said is not None]
        found[f"judged_right:{score}"] = [row for row, said in enumerate(column) if said]
    for (one, before), (other, after) in combinations(rows.scores.items(), 2):
        for row, (said, then) in enumerate(zip(before, after, strict=True)):
            name = f"flip:{one} {WORDS[said]}, {other} {WORDS[then]}"
            found.setdefault(name, []).append(row)
    return found


_LEFT = {  # what a record counts as in the corrected score, by what is decided of it
    "right": ("corrected", "corrected_least", "corrected_most"),
    "wrong": ("corrected",),
    "undecided": ("corrected", "corrected_most", "undecided"),
    "apart": ("apart",),
}


def _columns(judged: Sequence[Judged], by_input: Sequence[Verdict]) -> Columns:
    """The verdicts of each scorer that has any."""
    columns: dict[ScoreName, Sequence[Verdict]] = {
        "recorded": [one.recorded for one in judged],
        "recomputed": [one.recomputed for one in judged],
        "normalized": [one.normalized for one in judged],
        "from_input": by_input,
    }
    return {name: column for name, column in columns.items() if set(column) != {None}}


def _scores(judged: Sequence[Judged], columns: Columns, split: str) -> dict[ScoreName, Score]:
    found: dict[ScoreName, Score] = {}
    for name, column in columns.items():
        said = [
            (one.record.unit, verdict)
            for one, verdict in zip(judged, column, strict=True)
            if one.record.split == split
        ]
        rate = rate_of_units((unit, verdict) for unit, verdict in said if verdict is not None)
        found[name] = Score(rate, len(said) - rate.n)
    return found


def _flips(judged: Sequence[Judged], columns: Columns) -> tuple[Flips, ...]:
    """Each scorer against the one before it, and the last against the first."""
    names = list(columns)
    pairs = [*pairwise(names), *([(names[0], names[-1])] if len(names) > 2 else [])]
    return tuple(
        Flips(before=one, after=other, cells=_cells(judged, columns[one], columns[other]))
        for one, other in pairs
    )


def _cells(
    judged: Sequence[Judged], before: Sequence[Verdict], after: Sequence[Verdict]
) -> tuple[Flip, ...]:
    ids: dict[tuple[Verdict, Verdict], list[str]] = {}
    for one, pair in zip(judged, zip(before, after, strict=True), strict=True):
        ids.setdefault(pair, []).append(one.record.id)
    pairs = [(one, other) for one in WORDS for other in WORDS if (one, other) in ids]
    return tuple(Flip(one, other, tuple(ids[one, other])) for one, other in pairs)


def _finding(name: str, judged: Sequence[Judged], suspects: Sequence[Suspect]) -> Finding:
    records = (judged[one.row].record for one in suspects)
    seen = tuple(
        Example(record.id, record.split, record.where, one.says)
        for record, one in zip(records, suspects, strict=True)
    )
    return Finding(kind=name, says=KINDS[name].words, records=seen)


def _tally(verdicts: Iterable[Verdict]) -> dict[str, int]:
    counts = Counter(verdicts)
    return {word: counts[verdict] for verdict, word in WORDS.items()}


# What follows for the score


def _corrected(judged: Sequence[Judged], rows: Rows, splits: Sequence[str]) -> dict[str, Corrected]:
    repeats = rows.repeats
    counts: dict[str, Counter[str]] = {split: Counter() for split in splits}
    units: dict[str, list[tuple[str, str]]] = {split: [] for split in splits}
    for row, (each, decided) in enumerate(zip(judged, rows.decided, strict=True)):
        counts[each.record.split][decided] += 1
        if decided in ("right", "wrong", "undecided"):
            units[each.record.split].append((each.record.unit, decided))
            counts[each.record.split]["repeats"] += row in repeats
    return {split: _bounds(count, units[split]) for split, count in counts.items()}


def _follows(found: Mapping[str, Sequence[Suspect]]) -> dict[int, str]:
    """What follows for the verdict of each record in doubt; undecided where kinds disagree."""
    follows: dict[int, str] = {}
    for one in (one for suspects in found.values() for one in suspects):
        if one.follows != "as it is":
            same = follows.setdefault(one.row, one.follows) == one.follows
            follows[one.row] = one.follows if same else "undecided"
    return follows


def _decided(one: Judged, follows: str | None, errors: str) -> str:
    """What a record counts as: right, wrong, undecided, apart or not judged."""
    if one.failed:
        return "wrong" if errors == "wrong" else "apart"
    if follows is not None:
        return follows
    if one.score is not None and not one.ungraded:
        return WORDS[one.score]
    if one.normalized:
        return "right"
    comparable = one.record.output is not MISSING and one.record.expected is not MISSING
    return "undecided" if one.ungraded or comparable else "not judged"


def _bounds(counts: Counter[str], units: Sequence[tuple[str, str]]) -> Corrected:
    """The bounds of a split, of which `units` has the unit of each record that is decided."""
    return Corrected(
        lower=rate_of_units((unit, decided == "right") for unit, decided in units),
        upper=rate_of_units((unit, decided != "wrong") for unit, decided in units),
        apart=counts["apart"],
        undecided=counts["undecided"],
        independent=len(units) - counts["repeats"],
    )
