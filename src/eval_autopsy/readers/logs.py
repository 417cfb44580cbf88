"""What a tool's own log yields: evaluated samples in one form, whatever the tool calls its parts.

1. A reader of a log yields a `Sample` for each evaluated case, and between them what else it has to
   say: a record `Aside` that it cannot use, a figure `Reported` by the log's own summary, a `Note`,
   and what it `Needs` from another file.
2. Unknown is absent: never 0, "" or a guess. Values are as the log has them; latency is in seconds
   and cost in US dollars.
3. A call that failed, a sample that nobody scored, a grader that failed, an answer that could not
   be parsed, a refusal and a wrong answer are six things. Only the last is wrong; which of the
   others count as wrong is for the case to say.
4. Repeats of a sample are records of their own that share a cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING

Status = Literal["answered", "errored", "unscored", "grader failed", "unparsed", "refused"]

# The field of a sample's row for each part of a record.
ROLES: Mapping[str, str] = {
    part: part
    for part in (
        "id",
        "input",
        "expected",
        "output",
        "error",
        "score",
        "confidence",
        "timestamp",
        "latency",
        "cost",
        "cluster",
    )
}
BESIDE = ("scores", "status", "grader_error", "steps")  # further fields of a row, no attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One evaluated case of a log.

    `scores` are all that the log has, by name, the one that the tool itself goes by first; `score`
    is its verdict, true or false, None where there is none. `error` is the message of a call that
    failed, `grader_error` that of a scorer that did. `system` tells models, prompts and settings
    apart when a log has several. `steps` is a trajectory: messages and tool calls in their order.
    """

    at: int  # its line, or its position in the log, from 1
    id: str
    input: object = MISSING
    expected: object = MISSING
    output: object = MISSING
    score: bool | None = None
    scores: Mapping[str, object] = field(default_factory=dict)
    status: Status | None = None  # told from the rest when it is not given
    error: str = ""
    grader_error: str = ""
    confidence: Decimal | None = None
    timestamp: str | None = None
    latency: Decimal | None = None
    cost: Decimal | None = None
    cluster: str | None = None
    system: str | None = None
    steps: Sequence[object] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)

    def row(self) -> kernel.Row:
        """The sample as a row: what is known of it, and its attributes under their own names.

        An attribute that is named as a part is called `attribute.NAME`.
        """
        parts: dict[str, Any] = {"id": self.id}
        for part in ("input", "expected", "output"):
            if getattr(self, part) is not MISSING:
                parts[part] = getattr(self, part)
        parts |= {"score": self.score, "status": self.status or self._status()}
        for part in ("scores", "error", "grader_error", "system", "cluster", "timestamp"):
            if getattr(self, part):
                parts[part] = getattr(self, part)
        for part in ("confidence", "latency", "cost"):
            if getattr(self, part) is not None:
                parts[part] = getattr(self, part)
        if self.steps:
            parts["steps"] = list(self.steps)
        taken = {*ROLES, *BESIDE, "system"}
        named = {
            f"attribute.{name}" if name in taken else name: value
            for name, value in self.attributes.items()
        }
        return kernel.Row(self.at, parts | named)

    def _status(self) -> Status:
        if self.error:
            return "errored"
        if self.score is not None:
            return "answered"
        return "grader failed" if self.grader_error else "unscored"


class Aside(NamedTuple):
    """A record that cannot be used: its line or position, the byte it begins at, and the reason."""

    at: int
    what: str
    byte: int | None = None

    def words(self) -> str:
        """Where it is, and the reason; a position where the byte is not known."""
        if self.byte is None:
            return f"at record {self.at:,}: {self.what}"
        return f"at line {self.at:,}, byte {self.byte:,}: {self.what}"


def aside_words(aside: Sequence[Aside], name: str) -> str:
    """How many records of a file are set aside, and where the first of them is."""
    first = aside[0]
    many = f"{len(aside):,} records are" if len(aside) > 1 else "1 record is"
    return f"{many} set aside in {name}, the first {first.words()}"


class NoNumbers(NamedTuple):
    """How many values of a column are NaN or infinite, and were taken as no value."""

    column: str
    values: int


def no_numbers_words(counts: Mapping[str, int], name: str) -> str:
    """How many values of a file are no numbers, by column, and what they are taken as."""
    named = [f"{n:,} of {column}" for column, n in [*counts.items()][:COLUMNS_NAMED]]
    more = len(counts) - len(named)
    listed = ", ".join(named) + (f" and those of {more:,} more columns" if more else "")
    return f"NaN or infinite in {name}: {listed}; such a number is no value"


class Reported(NamedTuple):
    """A figure that the log itself states, to be held against what its samples give.

    `name` is "samples", "errors" or "mean of SCORE"; `over` is how many samples a mean is over,
    when the log says it. A figure about a part of the log says which: an attribute and its value.
    """

    name: str
    value: Decimal
    where: str  # in the log, such as "results.scores[0].metrics.accuracy"
    over: int | None = None
    part: tuple[str, str] | None = None


class Note(NamedTuple):
    """Something to know about a log that is no figure."""

    text: str


class Needs(NamedTuple):
    """What a log lacks, and which other file has it."""

    what: str  # "scores"
    where: str  # "the annotations that were exported beside the spans"


Item = Sample | Aside | NoNumbers | Reported | Note | Needs

COLUMNS_NAMED = 5  # of those with values that are no numbers
PARTS_TALLIED = ("system", "task", "model", "category")  # that a summary states figures of
MARKS = {"C": 1, "I": 0, "P": Decimal("0.5"), "N": 0}  # Inspect's: correct, incorrect, partly, none


@dataclass(slots=True)
class Sums:
    """How many samples were counted, how many of them failed, and the sum of each score."""

    samples: int = 0
    errors: int = 0
    scores: dict[str, tuple[int, Decimal]] = field(default_factory=dict)  # how many, and their sum
    tasks: dict[str, bytearray] = field(default_factory=dict)  # 1 at each that a score has

    def add(self, fields: Mapping[str, Any], task: int) -> None:
        """Counts the row of a sample of the task with a number."""
        self.samples += 1
        self.errors += fields["status"] == "errored"
        for name, value in fields.get("scores", {}).items():
            number = number_of(value)
            if number is not None:
                n, total = self.scores.get(name, (0, Decimal(0)))
                self.scores[name] = (n + 1, total + number)
                marks = self.tasks.setdefault(name, bytearray())
                marks.extend(bytes(max(0, task + 1 - len(marks))))
                marks[task] = 1


def number_of(value: object) -> Decimal | None:
    """A score as a number: itself, 1 for true and right, 0 for false and wrong; None for others."""
    if isinstance(value, str):
        value = MARKS.get(value)
    return Decimal(value) if isinstance(value, (bool, int, Decimal)) else None


class Tally:
    """What the samples of a log give, to be held against what the log states."""

    def __init__(self) -> None:
        self._all = Sums()
        self.statuses: Counter[str] = Counter()
        self._parts: dict[tuple[str, str], Sums] = {}
        self._tasks: dict[str, int] = {}  # numbered in the order in which they came first

    def add(self, fields: Mapping[str, Any]) -> None:
        """Counts the row of a sample."""
        self.statuses[fields["status"]] += 1
        task = self._tasks.setdefault(fields.get("cluster", fields["id"]), len(self._tasks))
        self._all.add(fields, task)
        for name in PARTS_TALLIED:
            value = fields.get(name)
            if isinstance(value, str):
                self._parts.setdefault((name, value), Sums()).add(fields, task)

    def against(self, reported: Sequence[Reported]) -> list[Reconciled]:
        """Each figure that the log states, beside the same one from its samples."""
        found = []
        for one in reported:
            sums = self._parts.get(one.part, Sums()) if one.part else self._all
            tasks = sum(sums.tasks.get(one.name.removeprefix("mean of "), b""))
            found.append(Reconciled(one, *_figure(one.name, sums), tasks))
        return found


def _figure(name: str, sums: Sums) -> tuple[Decimal | None, int]:
    if name == "samples":
        return Decimal(sums.samples), sums.samples
    if name == "errors":
        return Decimal(sums.errors), sums.samples
    n, total = sums.scores.get(name.removeprefix("mean of "), (0, Decimal(0)))
    return (total / n if n else None), n


class Reconciled(NamedTuple):
    """A figure that a log states, and what its samples give: `found` over `n` of them.

    Samples that repeat a task are `tasks` together, over which some tools take their means.
    """

    reported: Reported
    found: Decimal | None
    n: int
    tasks: int

    @property
    def same(self) -> bool:
        """Whether both are the same, as far as the log's has digits, over as many of them."""
        stated = self.reported.value
        if self.found is None or self.reported.over not in (None, self.n, self.tasks):
            return False
        digits = -int(stated.as_tuple().exponent)
        allowed = Decimal(1).scaleb(-min(max(digits, 0), 6)) / 2
        return abs(self.found - stated) <= allowed + Decimal("1e-9")

    def words(self) -> str:
        """The two figures in a sentence."""
        one = self.reported
        part = f" of {one.part[1]}" if one.part else ""
        over = f" over {one.over:,}" if one.over is not None else ""
        found = "nothing" if self.found is None else f"{round(self.found, 4).normalize():f}"
        mine = f" over {self.n:,}" if one.name.startswith("mean") else ""
        return f"{one.name}{part}: the log says {one.value:f}{over}, its samples give {found}{mine}"
