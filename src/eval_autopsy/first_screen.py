"""The first screen: what some files say, without a question being answered first.

1. It degrades and never stops while there is one record that can be read: without production it
   looks at the one set, without labels at what can be told without them.
2. A failed call, a failed grader and a sample that nobody scored are neither right nor wrong here;
   how many there are is said.
3. What the counts do not carry is said to be unknown, with how many records would settle it.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import kernel, verdicts
from eval_autopsy.case import audited
from eval_autopsy.case.compared import Compared, Comparison, Role, compare
from eval_autopsy.case.found import Place, find, first_record
from eval_autopsy.case.load import FILE_NAME, Case, load
from eval_autopsy.case.model import Guards
from eval_autopsy.case.sets import Look
from eval_autopsy.case.unwritten import Said, by_itself, of_places, of_sets
from eval_autopsy.case.written import write
from eval_autopsy.cubes import polars_cube
from eval_autopsy.discovery import search
from eval_autopsy.errors import BadCase, CannotRead
from eval_autopsy.evidence import Evidence, Progress, gather, quiet
from eval_autopsy.questions.audit import Audit, audit_of
from eval_autopsy.questions.discover import CHANCE, TOO_FEW, Discovery
from eval_autopsy.questions.gap import Gap, Waterfall
from eval_autopsy.questions.pairs import Pairs, mcnemar, paired_interval
from eval_autopsy.questions.promise import Judged, Promise, promise_of
from eval_autopsy.questions.rates import Rate, right_rate
from eval_autopsy.questions.silent import Silent, silent_of
from eval_autopsy.questions.slices import Slice, Slices, levels_in, slices_of
from eval_autopsy.readers.intake import FileCount
from eval_autopsy.readers.logs import Reconciled
from eval_autopsy.records import SPLITS, Record, Split

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
ELSE = "records with the same fields: an input, an output, and what was right or expected"
USUAL = Guards(no_exception=True, not_blank=True)  # what any pipeline notices by itself
SHOWN = 3  # slices


class FileSeen(NamedTuple):
    """A file, what it is, and what was read from it."""

    path: str
    format: str
    role: str
    records: int | None  # None when it was not read to the end
    set_aside: int
    why: str


class Paired(NamedTuple):
    """The tasks that both runs have, and those that only one has."""

    pairs: Pairs
    only: Mapping[str, int]  # run -> scored records whose task the other lacks, or has no score

    def to_dict(self) -> dict[str, Any]:
        """The `paired` of JSON outputs."""
        pairs = self.pairs
        return {
            "n": pairs.n,
            **pairs._asdict(),
            "p": kernel.real(mcnemar(pairs.broken, pairs.mended)),
            "p_method": "mcnemar-exact",
            "only": dict(self.only),
        }


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
    settled_by: str
    records: int | None = None  # of production, or of the only set, that would settle it


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstScreen:
    """What some files say. What is not known of them is None, or empty."""

    files: tuple[FileSeen, ...]
    passed_over: int
    compared: int = 0  # records, of all that were read
    comparison: Comparison | None  # None when no file holds records
    why: str
    name: str  # of the case, or of what was looked at
    eval: Rate | None = None
    production: Rate | None = None
    gap: Gap | None = None
    paired: Paired | None = None
    slices: Slices | None = None
    worse: tuple[Worse, ...] = ()
    searched: int = 0
    silent: Silent | None = None
    audit: Audit | None = None
    calibration: Promise | None = None
    unscored: Mapping[str, Mapping[str, int]] | None = None  # set -> status -> records
    reconciled: tuple[tuple[str, Reconciled], ...] = ()  # file, and a figure that it states
    needs: tuple[str, ...] = ()
    also: str = ""  # what else is there, and was left out
    cannot_conclude: tuple[Unknown, ...] = ()
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
    def found(self) -> Sequence[Slice | Worse]:
        """The slices that a search confirmed, the worst first."""
        return self.slices.found if self.slices else self.worse

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
            "compared": self.compared,
            "comparison": self.comparison,
            "why": self.why,
            "eval": self.eval.to_dict() if self.eval else None,
            "production": self.production.to_dict() if self.production else None,
            "gap": self.gap.to_dict() if self.gap else None,
            "paired": self.paired.to_dict() if self.paired else None,
            "waterfall": waterfall.to_dict() if waterfall else None,
            "searched": self.searched,
            "confirmed": len(self.found),
            "slices": [one.to_dict() for one in self.found],
            "cover": [one.to_dict() for one in slices.cover] if slices else [],
            "silent": self.silent.to_dict() if self.silent else None,
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
            "cannot_conclude": [one._asdict() for one in self.cannot_conclude],
            "next": list(self.next),
            "notes": list(self.notes),
        }


def _row(*cells: object, tag: str = "td") -> str:
    """A row of an HTML table."""
    shown = (escape(kernel.visible(str(cell))) for cell in cells)
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in shown) + "</tr>"


def command(*words: str) -> str:
    """Words as a shell reads them."""
    return shlex.join(words)


def look(
    *places: str | Path, said: Said | None = None, seed: int = 0, progress: Progress = quiet
) -> FirstScreen:
    """What the files at some paths say; a folder with a case is looked at as the case says.

    Raises CannotRead for a path that is not there, and for a named file that is no data.
    """
    paths = [Path(place) for place in places] or [Path()]
    case = case_at(paths)
    if case is not None:
        return _of_case(case, seed, progress, paths)
    place = find(paths)
    compared = compare(place.files)
    if compared is None:
        return _nothing(place, paths)
    return _of_compared(place, compared, said or Said(), seed, progress, paths)


def case_of(paths: Sequence[Path], into: Path, said: Said | None = None) -> Case:
    """The case of some data files, written below `into`, for a receipt to rest on.

    Raises BadCase when no file holds records, and when they make no comparison.
    """
    case, notes = of_places(replace(said or Said(), paths=tuple(paths)))
    return load(write(_guarded(case), into, notes))


def _guarded(case: Case) -> Case:
    """The case with the guards that any pipeline has."""
    guards = USUAL if "output" in case.wanted.fields else Guards()
    return replace(case, file=case.file.model_copy(update={"guards": guards}))


def case_at(paths: Sequence[Path]) -> Case | None:
    """The case that a path is, or that a folder has; None for data alone."""
    one = paths[0]
    if len(paths) == 1 and (one.suffix == ".toml" or os.path.isfile(one / FILE_NAME)):
        return load(one)
    return None


def _of_case(case: Case, seed: int, progress: Progress, paths: Sequence[Path]) -> FirstScreen:
    written = case
    if not case.wanted.attributes and case.file.slices.features is None:
        case, _ = by_itself(case)
    evidence = _gathered(case, SPLITS, progress)
    files = tuple(
        FileSeen(
            source.name,
            count.file.converted_from or count.file.layout,
            role,
            count.records,
            len(count.aside),
            "the case says so",
        )
        for source, count, role in zip(
            case.sources,
            evidence.files,
            (s.split if isinstance(s.split, str) else "eval and production" for s in case.sources),
            strict=True,
        )
    )
    base = FirstScreen(
        files=files,
        passed_over=0,
        comparison="two-sets",
        why="by the case",
        name=case.name,
        case=written,
        asked=tuple(map(str, paths)),
    )
    return _judged(base, evidence, case, seed)


def _of_compared(
    place: Place,
    compared: Compared,
    said: Said,
    seed: int,
    progress: Progress,
    paths: Sequence[Path],
) -> FirstScreen:
    base = FirstScreen(
        files=_seen(compared.roles, {}),
        passed_over=place.passed_over,
        comparison=compared.comparison,
        why=compared.sets.why,
        also=compared.others,
        name=", ".join(role.found.name for role in compared.roles if _is_set(role)),
        asked=tuple(map(str, paths)),
    )
    try:
        case, notes = of_sets(said, compared.sets, compared.joined)
    except BadCase as error:
        return _without_labels(base, compared, error)
    split: Sequence[Split] = ("production",) if compared.comparison == "one-set" else SPLITS
    case, _ = by_itself(_guarded(case))
    evidence = _gathered(case, split, progress)
    names = (source.name for source in case.sources)
    counts = dict(zip(names, evidence.files, strict=True))
    base = replace(
        base,
        files=_seen(compared.roles, counts),
        case=case,
        notes=notes,
        reconciled=tuple(
            (name, one) for name, count in counts.items() for one in count.said.reconciled
        ),
        needs=tuple(
            f"{name}: {one.what} ({one.where})"
            for name, count in counts.items()
            for one in count.said.needs
            if not any(join.matched for join in count.joins)
        ),
    )
    return _judged(base, evidence, case, seed)


def _gathered(case: Case, splits: Sequence[Split], progress: Progress) -> Evidence:
    # No receipt is made, so that files may lie anywhere.
    base = Path(Path(os.path.abspath(case.folder)).anchor)
    beside = audited.beside(case)
    return gather(case, base, progress, twice=False, splits=splits, beside=beside)


def _audit(case: Case, evidence: Evidence) -> Audit | None:
    """The audit of the same records; None where they have no output to score again."""
    if "expected" not in case.wanted.fields or not (case.system or "output" in case.wanted.fields):
        return None
    material = audited.of_evidence(case, evidence)
    return audit_of(material.judged, scorer=material.scorer, errors=material.errors)


def _is_set(role: Role) -> bool:
    return role.role not in ("scores", "summary", "left out", "not readable")


def _seen(roles: Iterable[Role], counts: Mapping[str, FileCount]) -> tuple[FileSeen, ...]:
    """The files as they are shown; `counts` is what was read of those that are compared."""
    return tuple(_file_seen(one, counts.get(one.found.name)) for one in roles)


def _file_seen(role: Role, count: FileCount | None) -> FileSeen:
    found = role.found
    look: Look | None = found.look
    records = len(look.rows) if look is not None and look.whole else None
    aside = len(look.aside) if look is not None else 0
    if count is not None:
        records, aside = count.records, len(count.aside)
    return FileSeen(found.name, found.format, role.role, records, aside, role.why)


# What the records say


def _judged(base: FirstScreen, evidence: Evidence, case: Case, seed: int) -> FirstScreen:
    """The screen with what was counted of the records."""
    cube = polars_cube.count(evidence.spec, evidence.table)
    base = replace(
        base,
        unscored=_unscored(case, evidence),
        compared=len(evidence.records),
        audit=_audit(case, evidence),
    )
    counted = {split: cube.count(split, "counted", {}) for split in SPLITS}
    if base.comparison == "one-set" and counted["production"]:
        return _one_set(base, evidence, cube, seed)
    for split, n in counted.items():
        if not n:
            unknown = Unknown(f"whether answers of {split} are right", "a score for each record")
            return replace(base, cannot_conclude=(unknown,))
    looked = search(evidence, cube, seed=seed)
    slices = slices_of(cube, evidence.spec, discovery=looked.discovery)
    paired = _paired(evidence) if base.comparison == "paired" else None
    gap = slices.gap
    if paired is not None and paired.pairs.difference is not None:
        gap = Gap(paired.pairs.difference, paired_interval(paired.pairs))
    screen = replace(
        base,
        eval=slices.eval,
        production=slices.production,
        gap=gap,
        paired=paired,
        slices=slices,
        searched=slices.searched,
        silent=slices.silent if slices.silent.guards else None,
        calibration=promise_of(*(_with_confidence(evidence, split) for split in SPLITS)),
    )
    return replace(screen, cannot_conclude=tuple(unknowns(screen)), next=tuple(_next(screen)))


def _one_set(base: FirstScreen, evidence: Evidence, cube: kernel.Cube, seed: int) -> FirstScreen:
    looked = search(evidence, cube, seed=seed)
    guards = [guard["name"] for guard in evidence.spec["guards"]]
    rate = right_rate(cube, "production", {})
    role = next(one.role for one in base.files if one.role in SPLITS)
    screen = replace(
        base,
        worse=tuple(_worse(cube, looked.discovery)) if looked.discovery else (),
        searched=looked.discovery.searched if looked.discovery else 0,
        silent=silent_of(cube, guards) if guards else None,
        unscored={role: next(iter((base.unscored or {}).values()), {})},
        **{role: rate},  # type: ignore[arg-type]
    )
    return replace(screen, cannot_conclude=tuple(unknowns(screen)), next=tuple(_next(screen)))


def _worse(cube: kernel.Cube, discovery: Discovery) -> Iterator[Worse]:
    """The slices that the search of one set confirmed, those with the most wrong answers first."""
    whole = right_rate(cube, "production", {})
    found: dict[str, Worse] = {}
    for one in discovery.tested:
        if one.p_adjusted > CHANCE:
            continue
        rate = right_rate(cube, "production", one.where)
        members = (
            *cube.members("production", "silent", one.where),
            *cube.members("production", "loud", one.where),
        )
        found.setdefault(
            kernel.canonical(one.where),
            Worse(
                levels_in(one.where),
                kernel.slice_text(one.where),
                rate,
                Rate(whole.k - rate.k, whole.n - rate.n),
                cube.count("production", "silent", one.where),
                one.p_adjusted,
                members[:SHOWN],
            ),
        )
    yield from sorted(found.values(), key=lambda one: one.rate.k - one.rate.n)


def _unscored(case: Case, evidence: Evidence) -> dict[str, dict[str, int]]:
    """How many records of each set have no ordinary answer, by the status that they have."""
    found: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    logged = set()
    for source, count in zip(case.sources, evidence.files, strict=True):
        told = count.file.yields == "samples" and not source.joined
        if isinstance(source.split, str) and told:
            found[source.split].update(count.said.statuses)
            logged.add(source.split)
    right = verdicts.right(evidence.spec, evidence.table)
    for record, verdict in zip(evidence.records, right, strict=True):
        if record.split not in logged and verdict is None:
            found[record.split]["unscored" if record.error is None else "errored"] += 1
    return {
        split: {status: n for status, n in counts.items() if status != "answered"}
        for split, counts in found.items()
    }


def _judgements(evidence: Evidence, split: str) -> Iterator[tuple[Record, bool]]:
    right = verdicts.right(evidence.spec, evidence.table)
    for record, verdict in zip(evidence.records, right, strict=True):
        if record.split == split and verdict is not None:
            yield record, verdict


def _with_confidence(evidence: Evidence, split: str) -> list[Judged]:
    return [
        Judged(record.confidence, right)
        for record, right in _judgements(evidence, split)
        if record.confidence is not None
    ]


def _paired(evidence: Evidence) -> Paired:
    """The records of both runs by id, or by input where the ids of the runs have none in common."""
    before, after = (dict(_by_task(evidence, split, "id")) for split in SPLITS)
    if not before.keys() & after.keys():
        before, after = (dict(_by_task(evidence, split, "input")) for split in SPLITS)
    counts = Counter((before[task], after[task]) for task in before.keys() & after.keys())
    pairs = Pairs(
        right=counts[True, True],
        broken=counts[True, False],
        mended=counts[False, True],
        wrong=counts[False, False],
    )
    only = {
        "first run": len(before.keys() - after.keys()),
        "second run": len(after.keys() - before.keys()),
    }
    return Paired(pairs, only)


def _by_task(evidence: Evidence, split: str, part: str) -> Iterator[tuple[str, bool]]:
    for record, right in _judgements(evidence, split):
        value = getattr(record, part)
        if value is not kernel.MISSING:
            yield kernel.canonical(value), right


# What they do not say


def unknowns(screen: FirstScreen) -> Iterator[Unknown]:
    """What the counts do not carry."""
    after = screen.production or screen.eval
    if after is not None and after.n < TOO_FEW:
        what = f"where answers are wrong: {after.n} scored records are too few to search"
        yield Unknown(what, f"{TOO_FEW} scored records", TOO_FEW)
    gap = screen.gap
    if gap is not None and after is not None and gap.interval[0] <= 0 <= gap.interval[1]:
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
        yield Unknown(what, f"production's beside it ({next(known, ELSE)})")
    elif screen.found and not (screen.case and screen.case.system):
        what = "why these slices fail: nothing was varied"
        yield Unknown(what, "running the system on inputs with one thing changed")


def _unsettled(gap: Gap, after: Rate) -> Unknown:
    """A gap that may be chance, and how many records would show one of its size."""
    low, high = gap.interval
    if not gap.value:
        return Unknown("whether there is a gap: both rates are the same", "nothing in sight")
    half = (high - low) / 2
    needed = ceil(after.n * (half / abs(float(gap.value))) ** 2)
    what = "whether there is a gap: chance alone could make one of this size"
    by = f"about {needed:,} records in each set, if it is of the size seen"
    return Unknown(what, by, needed)


def _next(screen: FirstScreen) -> Iterator[str]:
    """The commands that go on from here."""
    place = command(*screen.asked)
    if screen.comparison == "one-set":
        yield f"autopsy audit {place}"
        return
    yield f"autopsy slices {place}"
    if screen.audit is not None and screen.audit.findings:
        yield f"autopsy audit {place}"
    yield f"autopsy run {place} (writes the receipt)"


# What can be said with less


def _without_labels(base: FirstScreen, compared: Compared, error: BadCase) -> FirstScreen:
    """What is there, when nothing says which answers are right."""
    unknown = Unknown(f"which answers are right: {error.what}", error.remedy)
    needs = tuple(
        f"{look.name}: {one.what} ({one.where})"
        for look in compared.sets.looks()
        for one in (look.said.needs if look.said else ())
    )
    return replace(base, cannot_conclude=(unknown,), needs=needs)


def _nothing(place: Place, paths: Sequence[Path]) -> FirstScreen:
    """What was found where no file holds records."""
    if not place.files:
        where = ", ".join(map(str, paths))
        what = f"there is no data that can be read, among {place.passed_over:,} files"
        remedy = "name a file, or see `autopsy formats` for what is read"
        raise CannotRead(what, where=where, remedy=remedy)
    files = tuple(
        FileSeen(one.name, one.format, one.yields or "not readable", None, 0, one.why)
        for one in place.files
    )
    begins = first_record(place.files[0].path)
    return FirstScreen(
        files=files,
        passed_over=place.passed_over,
        comparison=None,
        why="no file holds records with an input, an output or a score",
        name=", ".join(map(str, paths)),
        cannot_conclude=(Unknown("anything", f"{place.files[0].name} begins with {begins}"),),
    )
