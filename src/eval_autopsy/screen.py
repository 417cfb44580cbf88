"""What the first screen holds, what it cannot conclude, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.case.compared import Comparison
from eval_autopsy.case.load import Case
from eval_autopsy.case.written import into
from eval_autopsy.questions.audit import Audit
from eval_autopsy.questions.discover import TOO_FEW
from eval_autopsy.questions.doubt import contradicted, guess_in_doubt
from eval_autopsy.questions.gap import Gap, Waterfall
from eval_autopsy.questions.pairs import Pairs
from eval_autopsy.questions.promise import Promise
from eval_autopsy.questions.rates import Rate
from eval_autopsy.questions.silent import Silent
from eval_autopsy.questions.slices import Slice, Slices
from eval_autopsy.readers.logs import Reconciled
from eval_autopsy.records import SPLITS

# How production's records come out of the platforms whose formats begin like this.
PRODUCTION_FROM = {
    "langsmith": "runs of the project: `client.list_runs(project_name=..., is_root=True)`, as JSON",
    "langfuse": "observations and scores, from the export of each table",
    "phoenix": "spans: `client.spans.get_spans_dataframe(...)`, saved as Parquet or JSON Lines",
    "braintrust": "the export of the project's logs, as JSON Lines or CSV",
    "mlflow": "`mlflow.search_traces(...)`, saved as JSON or Parquet",
    "otlp": "the OpenTelemetry Collector's file exporter writes them as JSON Lines",
    "otel": "the OpenTelemetry Collector's file exporter writes them as JSON Lines",
}
HEADS_OF_PAIRS = ("first run", "second run")  # what the sets are called where tasks are paired
SAY_WHICH = (
    "names of files or folders that say eval and production, or `autopsy slices --eval FILE "
    "--production FILE`"
)
ELSE = "records with the same fields: an input, an output, and what was right or expected"


class FileSeen(NamedTuple):
    """A file, what it is, and what was read from it."""

    path: str
    format: str
    role: str
    records: int | None  # None when it was not read to the end
    set_aside: int
    why: str
    such_as: tuple[str, ...] = ()  # the first of those set aside: where each is, and why


class Paired(NamedTuple):
    """The tasks that both runs have, and those that only one has."""

    pairs: Pairs
    only: Mapping[str, int]  # run -> scored records whose task the other lacks, or has no score

    def to_dict(self) -> dict[str, Any]:
        """The `paired` of JSON outputs."""
        return self.pairs.to_dict() | {"only": dict(self.only)}


class Worse(NamedTuple):
    """A slice of the only set that is worse than the rest of it, as the search confirmed."""

    where: Mapping[str, Any]
    words: str
    rate: Rate
    rest: Rate
    silent: int
    p_adjusted: float
    examples: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """One of the `slices` of JSON outputs."""
        return {
            "where": dict(self.where),
            "words": self.words,
            "n": self.rate.n,
            "wrong": self.rate.n - self.rate.k,
            "silent": self.silent,
            "rate": self.rate.to_dict(),
            "rest": self.rest.to_dict(),
            "gap_share": None,
            "p_adjusted": kernel.real(self.p_adjusted),
            "confirmed": True,
            "examples": list(self.examples),
        }


class Unknown(NamedTuple):
    """What cannot be concluded, and what would settle it."""

    what: str
    settled_by: str  # "" where no number of records can be named
    records: int | None = None  # of production, or of the only set, that would settle it
    remedy: str = ""  # what to do, where that would settle it


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstScreen:
    """What some files say. What is not known of them is None, or empty."""

    files: tuple[FileSeen, ...]
    passed_over: int
    links: tuple[str, ...] = ()  # that lead out of the folders, and were not followed
    compared: int = 0  # records, of all that were read
    comparison: Comparison | None  # None when no file holds records
    why: str
    name: str  # of the case, or of what was looked at
    eval: Rate | None = None
    production: Rate | None = None
    gap: Gap | None = None
    paired: Paired | None = None
    repeated: Rate | None = (
        None  # records of production that are those of eval; None when not all are
    )
    slices: Slices | None = None
    worse: tuple[Worse, ...] = ()
    searched: int = 0
    silent: Silent | None = None
    guards_assumed: bool = False  # since no case names any
    audit: Audit | None = None
    calibration: Promise | None = None
    unscored: Mapping[str, Mapping[str, int]] | None = None  # set -> status -> records
    reconciled: tuple[tuple[str, Reconciled], ...] = ()  # file, and a figure that it states
    needs: tuple[str, ...] = ()
    also: str = ""  # what else is there, and was left out
    attempts: Mapping[str, int] = field(
        default_factory=dict
    )  # file -> records whose id stood before
    threshold: str = ""  # from where on which score is right, in words; "" where none is graded
    no_numbers: Mapping[str, Mapping[str, int]] = field(
        default_factory=dict
    )  # file -> column -> its values that are NaN or infinite
    cannot_conclude: tuple[Unknown, ...] = ()
    guessed: Mapping[str, str] = field(default_factory=dict)
    # set -> the fields that were guessed to say what is right, in words; none where nobody guessed
    asked: tuple[str, ...] = (".",)  # the paths, as they were given
    next: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    case: Case | None = None

    @property
    def waterfall(self) -> Waterfall | None:
        """That of an attribute of the worst slice, or else of the one that explains most."""
        breakdowns = self.slices.breakdowns if self.slices else ()
        if self.comparison == "paired":
            return None  # it splits the change of all records, and the gap is that of the pairs
        worst = [name for one in self.found for name in one.where]
        named = [one for one in breakdowns if one.attribute in worst]
        return next((one.waterfall for one in (*named, *breakdowns)), None)

    @property
    def doubt(self) -> str:
        """That next to nothing is right, so that the guessed fields are in doubt; "" if not so."""
        rates = {"eval": self.eval, "production": self.production}
        known = {split: rate for split, rate in rates.items() if rate is not None}
        heads: dict[str, str] = {}
        if self.paired:
            heads = dict(zip(SPLITS, HEADS_OF_PAIRS, strict=True))
        return guess_in_doubt(known, self.guessed, heads)

    @property
    def contradicted(self) -> str:
        """That the score calls none or all right, and the answers say otherwise; "" if not so."""
        return contradicted(self.audit) if self.audit else ""

    @property
    def found(self) -> Sequence[Slice | Worse]:
        """The slices that a search confirmed, the worst first."""
        return self.slices.found if self.slices else self.worse

    def __repr__(self) -> str:
        """One line: the whole is as long as its tables."""
        rates = f"eval={self.eval}, production={self.production}"
        return f"FirstScreen({self.name!r}, {rates}, found={len(self.found)})"

    def _repr_html_(self) -> str:
        """The rates and the worst slices as a table, for a notebook."""
        rows = [_row("", "right", "of", tag="th")]
        for name, rate in (("eval", self.eval), ("production", self.production)):
            rows += [_row(name, rate.k, rate.n)] if rate else []
        for one in self.found:
            rate = one.production if isinstance(one, Slice) else one.rate
            rows.append(_row(one.words.replace("`", ""), rate.k, rate.n))
        rows += [_row("unknown: " + one.what, "", "") for one in self.cannot_conclude]
        return f"<table>{''.join(rows)}</table>"

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `autopsy PATH`."""
        waterfall, slices = self.waterfall, self.slices
        return {
            "files": [one._asdict() for one in self.files],
            "passed_over": self.passed_over,
            "links": list(self.links),
            "compared": self.compared,
            "comparison": self.comparison,
            "why": self.why,
            "eval": self.eval.to_dict() if self.eval else None,
            "production": self.production.to_dict() if self.production else None,
            "gap": self.gap.to_dict() if self.gap else None,
            "doubt": self.doubt or self.contradicted,
            "repeated": self.repeated.to_dict() if self.repeated else None,
            "paired": self.paired.to_dict() if self.paired else None,
            "waterfall": waterfall.to_dict() if waterfall else None,
            "searched": self.searched,
            "confirmed": len(self.found),
            "slices": [one.to_dict() for one in self.found],
            "cover": [one.to_dict() for one in slices.cover] if slices else [],
            "silent": {**self.silent.to_dict(), "assumed": self.guards_assumed}
            if self.silent
            else None,
            "unscored": {s: dict(n) for s, n in (self.unscored or {}).items()},
            "audit": [one.to_dict() for one in self.audit.findings] if self.audit else [],
            "corrected": {s: one.to_dict() for s, one in self.audit.corrected.items()}
            if self.audit
            else {},
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "reconciled": [
                {
                    "file": name,
                    "figure": one.reported.name,
                    "stated": str(one.reported.value),
                    "found": None if one.found is None else str(one.found),
                    "n": one.n,
                    "same": one.same,
                    "words": one.words(),
                }
                for name, one in self.reconciled
            ],
            "needs": list(self.needs),
            "also": self.also,
            "attempts": dict(self.attempts),
            "threshold": self.threshold,
            "no_numbers": {name: dict(counts) for name, counts in self.no_numbers.items()},
            "cannot_conclude": [one._asdict() for one in self.cannot_conclude],
            "next": list(self.next),
            "notes": list(self.notes),
        }


def _row(*cells: object, tag: str = "td") -> str:
    """A row of an HTML table."""
    shown = (escape(kernel.visible(str(cell))) for cell in cells)
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in shown) + "</tr>"


# What they do not say


def unknowns(screen: FirstScreen) -> Iterator[Unknown]:
    """What the counts do not carry."""
    after = screen.production or screen.eval
    if after is not None and after.n < TOO_FEW:
        are = "record is" if after.n == 1 else "records are"
        what = f"where answers are wrong: {after.n} scored {are} too few to search"
        yield Unknown(what, f"{TOO_FEW} scored records", TOO_FEW)
    gap = screen.gap
    if screen.repeated is not None:
        same = screen.repeated
        what = f"whether production differs: {same.k:,} of its {same.n:,} records are those of eval"
        yield Unknown(f"{what}, answer for answer", "what production answered")
    elif gap is not None and after is not None and gap.interval[0] <= 0 <= gap.interval[1]:
        yield _unsettled(gap, after)
    if screen.comparison == "one-set":
        what = "whether production differs: there is one set"
        formats = (one.format for one in screen.files if one.role in SPLITS)
        known = (
            words
            for name in formats
            for start, words in PRODUCTION_FROM.items()
            if name.startswith(start)
        )
        left = [one for one in screen.files if one.role == "left out"]
        undecided = not screen.also and any(one.why == screen.why for one in left)
        settled = f"production's beside it ({next(known, ELSE)})"
        yield Unknown(what, SAY_WHICH if undecided else settled)
    elif screen.found and not screen.doubt and not (screen.case and screen.case.system):
        what = "why these slices fail: nothing was varied"
        yield Unknown(what, "running the system on inputs with one thing changed")


def links_words(links: Sequence[str]) -> str:
    """That some links were not followed, and why."""
    many = f"{len(links):,} links lead" if len(links) > 1 else "1 link leads"
    return f"{many} out of the folder and {'are' if len(links) > 1 else 'is'} not followed"


def _unsettled(gap: Gap, after: Rate) -> Unknown:
    """A gap that may be chance, and how many records would show one of its size."""
    low, high = gap.interval
    if not gap.value:
        most = f"{100 * max(-low, high):.2f}".rstrip("0").rstrip(".")
        what = "whether there is a gap: both rates are the same, and chance could hide one of"
        return Unknown(f"{what} {most} points", "more records")
    half = (high - low) / 2
    needed = ceil(after.n * (half / abs(float(gap.value))) ** 2)
    what = "whether there is a gap: chance alone could make one of this size"
    by = f"about {needed:,} records in each set, if it is of the size seen"
    return Unknown(what, by, needed)


def next_steps(screen: FirstScreen) -> Iterator[str]:
    """The commands that go on from here."""
    place = command(*screen.asked)
    if screen.doubt and not any(word.startswith("--") for word in screen.asked):
        yield f"autopsy init {place} (writes the guesses down, to be corrected)"
        return
    if screen.comparison == "one-set":
        yield f"autopsy audit {place}"
        return
    yield f"autopsy slices {place}"
    if screen.audit is not None and (screen.audit.findings or screen.contradicted):
        yield f"autopsy audit {place}"
    yield f"autopsy run {command(*screen.asked, *into(screen.case))} (writes the receipt)"


def command(*words: str) -> str:
    """Words as a shell reads them."""
    return shlex.join(words)
