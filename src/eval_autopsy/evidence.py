"""What was decided about each record: run or recorded, scored, guarded, and from which files.

The result holds what a receipt needs to decide it all again: the subjects by name, the files that
have to be kept because the kernel cannot make them itself, and the description of the rest.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from eval_autopsy import attributes, features, kernel, registry, systems, verdicts
from eval_autopsy.attributes import Choice, SetAside
from eval_autopsy.case.load import Case
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.errors import CannotRead, CannotRun, CannotUse
from eval_autopsy.guards.checks import Guard, parsed
from eval_autopsy.readers import Source, SplitColumn, read_sources
from eval_autopsy.readers.intake import FileCount
from eval_autopsy.readers.join import ATTEMPT_OF, attempts_words
from eval_autopsy.readers.logs import aside_words, no_numbers_words
from eval_autopsy.readers.record_files import digest_of
from eval_autopsy.readers.shelf import Shelf
from eval_autopsy.records import SPLITS, Record, Split
from eval_autopsy.systems import Runner, stability

OUTPUTS, VERDICTS, RECORDS = "outputs.jsonl", "verdicts.jsonl", "records-{}.jsonl"
OUR_SCORERS = ("exact_match", "normalized", "numeric", "recorded")

Progress = Callable[[str, int, int], None]  # what is being done, how many done, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The records of a case, judged, and what they rest on."""

    spec: Mapping[str, Any]  # the `evidence` of a receipt's predicate
    records: Sequence[Record]  # with the outputs that were judged
    table: pl.DataFrame  # of verdicts, a row for each record
    subjects: Mapping[str, Path]  # by the name that a receipt gives them
    made: Mapping[str, bytes]  # files of the receipt's own folder
    set_aside: Sequence[SetAside]  # attributes that say nothing of these records
    notes: Sequence[str] = ()  # how some were made
    files: Sequence[FileCount] = ()  # what was read from each source
    supervised: frozenset[str] = frozenset()  # attributes whose bands were chosen by what is right

    @property
    def pairs(self) -> tuple[int, int, int, int]:
        """How the tasks that both splits have came out in each, as `kernel.pairs_of` counts."""
        right = verdicts.right(self.spec, self.table)
        return kernel.pairs_of(
            (record.split, record.id, record.input, verdict)
            for record, verdict in zip(self.records, right, strict=True)
        )


class Ran(NamedTuple):
    """What running the system came to."""

    answers: Sequence[kernel.Answer]
    spec: dict[str, Any] | None  # the `system` of a receipt, when the kernel can run it again
    notes: tuple[str, ...]


def quiet(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def gather(
    case: Case,
    base: Path,
    progress: Progress = quiet,
    *,
    twice: bool = True,
    where: Mapping[str, object] | None = None,
    splits: Sequence[Split] = SPLITS,
    beside: Sequence[str] = (),
    seed: int = 0,
) -> Evidence:
    """The evidence of a case whose receipt will stand two folders below `base`.

    All of `splits` must have records. The records keep the fields `beside` those to slice by, as
    far as there are such.

    Runs the system twice when the case has one: once for the outputs, once to see whether it
    gives them again. Unless `twice`, it runs once, nothing is known of that, and no rows of
    converted files are kept, for no receipt can be made of it. `where` keeps the records in which
    each of some fields has a value. `seed` is that of the search: supervised bands are chosen in
    the half of the records that is searched. Raises CannotUse when a file lies outside `base`, and
    when no record is kept.
    """
    names = dict.fromkeys([*case.wanted.attributes, *(where or ())])
    wanted = case.wanted._replace(attributes=tuple(names), beside=tuple(beside))
    reading = read_sources(sources_of(case), wanted, progress, splits=splits, keep=twice)
    asked = _kept(reading.records, where or {})
    subjects: dict[str, Path] = {}
    made: dict[str, bytes] = {}
    spec = spec_of(case)
    for number, (source, count) in enumerate(zip(case.sources, reading.files, strict=True), 1):
        if twice and count.changed:
            what = "the file changed while it was read, and a receipt rests on it as it is"
            raise CannotRead(
                what, where=source.name, remedy="run again when it is whole, or copy it"
            )
        if count.file.converted_from:
            name = RECORDS.format(number)
            if twice:
                made[name] = b"".join(_line(row.fields) for row in count.kept)
            digest = digest_of(count.file.path)
            said = f"{name} from {count.file.converted_from} {source.name} sha256 {digest}"
            spec["converted"].append(said)
        else:
            name = _subject(count.file.path, base, subjects)
        spec["sources"].append(_source(source, name, count.file.layout))
    answers: Sequence[kernel.Answer] | None = None
    ran_notes: tuple[str, ...] = ()
    if case.file.system is not None:
        ran = _run(case, case.file.system, asked, base, subjects, progress, twice)
        answers, spec["system"], ran_notes = ran.answers, ran.spec, ran.notes
        spec["outputs"] = OUTPUTS
        made[OUTPUTS] = b"".join(map(_answer_line, asked, ran.answers))
    if any(count.attempts for count in reading.files):
        spec["fields"].setdefault("cluster", ATTEMPT_OF)
    _subject(case.path, base, subjects)
    for file in case.feature_files:
        _subject(file, base, subjects)
    if case.file.system is not None or not _verdicts_only(spec, asked):
        spec["fields"].pop("score", None)  # of other outputs, or no verdict
    records = judgeable(spec, asked, answers)
    choices: list[Choice] = []
    steps = len(case.wanted.attributes) + 2  # the features and the table take longer
    for name in case.wanted.attributes:
        progress("judging", len(choices), steps)
        choices.append(_chosen(case, name, records))
    progress("judging", steps - 2, steps)
    found, aside = features.features_of(records, case.features, case.feature_files)
    progress("judging", steps - 1, steps)
    table = _table(case, spec, records, choices, found)
    progress("judging", steps, steps)
    supervised: list[str] = []
    for name in (name for name, bands in case.bands.items() if bands == "supervised"):
        choices.append(_supervised(name, spec, records, table, seed))
        table = _sliced(spec, records, choices[-1], table)
        supervised += map(kernel.attribute_name, choices[-1].attributes)
    lines = list(_stored(spec, table, found))
    if lines:
        spec["verdicts"] = VERDICTS
        made[VERDICTS] = b"".join(map(_line, lines))
    return Evidence(
        spec=spec,
        records=records,
        table=table,
        subjects=subjects,
        made=made,
        set_aside=tuple(one for choice in choices for one in choice.set_aside) + tuple(aside),
        files=tuple(reading.files),
        supervised=frozenset(supervised),
        notes=(
            *_aside(case, reading.files),
            *ran_notes,
            *(note for choice in choices for note in choice.notes),
        ),
    )


def sources_of(case: Case) -> list[Source]:
    """The sources of a case, with each record as often as its system is called with it."""
    repeats = case.file.system.repeats if case.file.system else 1
    return [source._replace(repeats=repeats) for source in case.sources]


def _aside(case: Case, files: Sequence[FileCount]) -> Iterator[str]:
    """What of each file was set aside, or was not as it should be, in words."""
    for source, count in zip(case.sources, files, strict=True):
        if count.aside:
            yield aside_words(count.aside, source.name)
        if count.said.no_numbers:
            yield no_numbers_words(count.said.no_numbers, source.name)
        if count.attempts and (case.file.system is None or case.file.system.repeats == 1):
            yield attempts_words(count.attempts, source.name)


def _verdicts_only(spec: Mapping[str, Any], records: Sequence[Record]) -> bool:
    """Whether the scores beside another scorer are verdicts, so that they can be held against it.

    Those of the scorer `recorded` have to be, and are read where they are scored.
    """
    try:
        return not verdicts.has_beside(spec) or [verdicts.recorded_of(one) for one in records] != []
    except CannotRead:
        return False


def _kept(records: Sequence[Record], where: Mapping[str, object]) -> Sequence[Record]:
    """The records in which each of some fields has a value.

    A text that is also how JSON writes another value stands for both: "7" keeps 7 as well. Raises
    CannotUse when no record of a split is left.
    """
    for name, value in where.items():
        texts = {verdicts.level_text(value)}
        if isinstance(value, str):
            texts.add(_as_json(value))
        levels = list(verdicts.levels_of(name, records))
        kept = [r for r, level in zip(records, levels, strict=True) if level in texts]
        for split in kernel.SPLITS:
            if not any(record.split == split for record in kept):
                common = [text for text, _ in Counter(levels).most_common(5)]
                what = f"no record of {split} has {name} = {value!r}"
                remedy = f"its values are, the most common first: {', '.join(common)}"
                raise CannotUse(what, where=name, remedy=remedy)
        records = kept
    return records


def _as_json(text: str) -> str:
    """The level that a text stands for when it is read as JSON; the text's own where it is none."""
    try:
        return verdicts.level_text(kernel.strict_json(text))
    except kernel.Unreadable:
        return verdicts.level_text(text)


# What the records are split by


def _chosen(case: Case, name: str, records: Sequence[Record]) -> Choice:
    """How the records are sliced by a field: as the case says, or as suits what it holds."""
    if name in case.times:
        parts = case.times[name]
        return Choice(attributes=tuple({"field": name, "time": part} for part in parts))
    bands = case.bands.get(name)
    if bands == "supervised":
        return Choice()  # which needs to know what is right
    if isinstance(bands, tuple):
        return Choice(attributes=({"field": name, "edges": list(bands)},))
    levels = verdicts.levels_of(name, records)
    if bands == "quantiles":
        return attributes.banded(name, attributes.bands_of(attributes.numbers_in(Counter(levels))))
    if not case.guessed:
        return attributes.asked(name, Counter(levels))
    counts = Counter[str]()
    by_split: dict[Split, Counter[str]] = {split: Counter() for split in SPLITS}
    for text, record in zip(map(verdicts.briefly, levels), records, strict=True):
        counts[text] += 1
        by_split[record.split][text] += 1
    return attributes.told_apart(attributes.chosen(name, counts), *by_split.values())


def _table(
    case: Case,
    spec: dict[str, Any],
    records: Sequence[Record],
    choices: Sequence[Choice],
    found: Sequence[features.Feature],
) -> pl.DataFrame:
    """The table of verdicts; enters the attributes in the description, plain fields first."""
    chosen = [one for choice in choices for one in choice.attributes]
    made = [one for one in chosen if not isinstance(one, str)]
    spec["attributes"] = [one for one in chosen if isinstance(one, str)]
    spec["attributes"] += made + [one.spec for one in found]
    levels = [verdicts.made_levels(one, records) for one in made] + [one.levels for one in found]
    return verdicts.table_of(spec, records, _checks(case, spec), levels)


def _supervised(
    name: str,
    spec: Mapping[str, Any],
    records: Sequence[Record],
    table: pl.DataFrame,
    seed: int,
) -> Choice:
    """A field in bands whose edges tell right from wrong.

    They are chosen in the half of the records that a search goes through, so that the half which
    tests what it finds had no say in them.
    """
    outcomes: dict[Decimal, tuple[int, int]] = {}
    half = 0
    rows = zip(records, verdicts.right(spec, table), table["unit"], strict=True)
    for record, right, unit in rows:
        number = kernel.number_in(record.attributes[name])
        if number is None or right is None or kernel.half_of(seed, unit) != "search":
            continue
        k, wrong = outcomes.get(number, (0, 0))
        outcomes[number] = (k + right, wrong + (not right))
        half += 1
    choice = attributes.banded(name, attributes.supervised_bands(outcomes))
    note = f"{name}: its edges were chosen by what is right and wrong in {half:,} of the records"
    return replace(choice, notes=(note,))


def _sliced(
    spec: dict[str, Any], records: Sequence[Record], choice: Choice, table: pl.DataFrame
) -> pl.DataFrame:
    """The table with one more attribute, if there is one."""
    for one in choice.attributes:
        spec["attributes"].append(one)
        levels = verdicts.made_levels(one, records)
        column = pl.Series(verdicts.LEVEL + kernel.attribute_name(one), levels, dtype=pl.String)
        table = table.with_columns(column)
    return table


def judgeable(
    spec: Mapping[str, Any], records: Sequence[Record], answers: Sequence[kernel.Answer] | None
) -> list[Record]:
    """Records with the system's answers in place of their own, and JSON texts as their values."""
    found, shelf = list(records), Shelf()
    if answers is not None:
        found = [
            shelf.changed(record, output=answer.output, error=answer.error)
            for record, answer in zip(records, answers, strict=True)
        ]
    if spec["output_format"] == "json":
        found = [
            shelf.changed(record, output=parsed(record.output), expected=parsed(record.expected))
            for record in found
        ]
    return found


def _line(fields: Mapping[str, Any]) -> bytes:
    return kernel.canonical(dict(fields)).encode("utf-8") + b"\n"


def _answer_line(record: Record, answer: kernel.Answer) -> bytes:
    found = {"error": answer.error} if answer.error is not None else {"output": answer.output}
    return _line({"split": record.split, "id": record.id, **found})


def _subject(path: Path, base: Path, subjects: dict[str, Path]) -> str:
    """The name of a file as seen from the receipt; enters it among the subjects."""
    name = subject_name(path, base)
    subjects[name] = path
    return name


def subject_name(path: Path, base: Path) -> str:
    """The name of a file as seen from a receipt below `base`; raises CannotUse outside of it."""
    try:
        inside = path.absolute().resolve().relative_to(base.resolve())
    except ValueError:
        path = Path(os.path.normpath(path))  # that of a case made of data goes up and down
        raise CannotUse(
            f"this file is not below the folder {base.resolve()}, which gets the receipt",
            where=str(path),
            remedy=f"name one that holds all files of the case, such as --into {path.parent}",
        ) from None
    return "../../" + inside.as_posix()


def _source(source: Source, name: str, layout: str) -> dict[str, Any]:
    if isinstance(source.split, SplitColumn):
        values = {split: kernel.level(value) for split, value in source.split.values.items()}
        column = source.split.column
        return {"file": name, "layout": layout, "split_field": column, "splits": values}
    return {"file": name, "layout": layout, "split": source.split}


def spec_of(case: Case) -> dict[str, Any]:
    """The description of the evidence, without its files."""
    scorer = case.scorer
    tolerance = scorer.tolerance
    used = ("id", "input", "expected", "output", "error", "score", "cluster")
    return {
        "sources": [],
        "fields": {part: name for part, name in case.wanted.fields.items() if part in used},
        "attributes": [],
        "outputs": None,
        "verdicts": None,
        "output_format": scorer.output_format,
        "errors": scorer.errors,
        "scorer": {
            "rule": scorer.name if scorer.name in OUR_SCORERS else "stored",
            "name": scorer.name,
            "fields": list(scorer.fields),
            "absolute": str(tolerance.absolute) if tolerance else "0",
            "relative": str(tolerance.relative) if tolerance else "0",
        },
        "guards": list(_guards(case)),
        "system": None,
        "converted": [],
        "search": None,
        "varied": None,
        "twins": None,
        "audit": None,
        "cube": None,
    }


def _guards(case: Case) -> Iterable[dict[str, Any]]:
    declared = case.file.guards
    blank = declared.not_blank
    options: dict[str, tuple[bool, list[str], Mapping[str, str]]] = {
        "no_exception": (declared.no_exception, [], {}),
        "parses": (declared.parses, [], {}),
        "not_blank": (bool(blank), [] if isinstance(blank, bool) else list(blank), {}),
        "matches": (bool(declared.matches), [], declared.matches),
    }
    for name, (on, fields, patterns) in options.items():
        if on:
            yield {"name": name, "rule": name, "fields": fields, "patterns": dict(patterns)}
    for name in ("json_schema", "pydantic"):
        if getattr(case, name) is not None:
            yield {"name": name, "rule": "stored", "fields": [], "patterns": {}}


def _run(
    case: Case,
    bounds: Bounds,
    records: Sequence[Record],
    base: Path,
    subjects: dict[str, Path],
    progress: Progress,
    twice: bool,
) -> Ran:
    """The system's answers, and how it was run; what the kernel can run again is run twice."""
    with systems.opened(case, systems.journal_of(case), progress) as runner:
        answers = answers_of(runner, records, bounds.repeats)
        if all(answer.error is not None for answer in answers):
            raise CannotRun(
                f"every one of {len(answers):,} calls failed, the first with {answers[0].error}",
                where=str(case.path),
                remedy="try one input by hand",
            )
        ours = case.system is not None and bounds.interpreter is None
        again = None
        if bounds.repeats > 1:
            again = stability.of_repeats(answers, bounds.repeats)
        elif twice:
            chosen = range(len(records)) if ours else stability.sample(records, bounds.sample)
            inputs = [record.input for record in records]
            again = stability.again(runner, inputs, answers, chosen)
        notes = stability.notes(runner.spent, answers, again, sampled=not ours)
        files = runner.system.files
    if not ours or case.system is None:
        return Ran(answers, None, notes)
    names = {_subject(file, base, subjects): None for file in files}
    spec = {
        "file": next(iter(names)),
        "function": case.system.name,
        "timeout": kernel.real(bounds.timeout),
        "memory": bounds.memory,
        "files": list(names),
        "reproduced": again is not None and again.same == again.inputs,
    }
    return Ran(answers, spec, notes)


def answers_of(runner: Runner, records: Sequence[Record], repeats: int) -> list[kernel.Answer]:
    """The answer to each record; those of one input are beside each other, and a call each."""
    inputs = [record.input for record in records]
    each = [runner.answers(inputs[repeat::repeats], repeat=repeat) for repeat in range(repeats)]
    return [answer for some in zip(*each, strict=True) for answer in some]


def _checks(case: Case, spec: Mapping[str, Any]) -> dict[str, Guard]:
    """The guards that look at an output, by name."""
    found, model = {}, case.pydantic
    for guard in spec["guards"]:
        options: dict[str, Any] = {
            "not_blank": {"fields": guard["fields"]},
            "matches": {"patterns": guard["patterns"]},
            "json_schema": {"path": case.json_schema},
            "pydantic": {"path": model.file, "name": model.name} if model else {},
        }
        if guard["rule"] != "no_exception":
            make = registry.guards.get(guard["name"])
            found[guard["name"]] = make(**options.get(guard["name"], {}))
    return found


def _stored(
    spec: Mapping[str, Any], table: pl.DataFrame, read: Sequence[features.Feature]
) -> Iterable[dict[str, Any]]:
    """A line for each record, of what the kernel cannot tell itself; no lines if there is none."""
    names = [guard["name"] for guard in spec["guards"] if guard["rule"] == "stored"]
    theirs = spec["scorer"]["rule"] == "stored"
    levels = {kernel.attribute_name(one.spec): one.stored for one in read if one.stored is not None}
    if not names and not theirs and not levels:
        return
    for number, row in enumerate(table.iter_rows(named=True)):
        said = {name: row[verdicts.GUARD + name] for name in names}
        line = {"split": row["split"], "id": row["id"], "guards": said}
        if theirs:
            line["right"] = row["score"]
        if levels:
            each = {name: values[number] for name, values in levels.items()}
            line["levels"] = {n: value for n, value in each.items() if value is not kernel.MISSING}
        yield line
