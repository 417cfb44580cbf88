"""The records whose scorer is to be audited: of a case, or of files that no case describes.

1. An audit needs no second set: files of one set are enough, and stand under eval. Which files
   are which is told as the first screen tells it (see `compared`).
2. It wants all that a comparison would choose between: the recorded score beside output and
   expected value. What an option names is taken; the rest is guessed, and said in a note.
3. The samples of a tool's own log have their parts by name. Several logs are several systems,
   since the same sample stands in each.
4. A list of expected values is a choice of right ones where the output is no list. A case knows no
   such choice, so there it goes for the comparison by value alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from eval_autopsy import evidence as gathered
from eval_autopsy import kernel, registry
from eval_autopsy.auditing import EXACT, OF_LOGS, Material, judged_of, of_evidence
from eval_autopsy.case.columns import columns_of
from eval_autopsy.case.compared import Compared, compare
from eval_autopsy.case.found import find
from eval_autopsy.case.load import Case, by_verdict
from eval_autopsy.case.roles import Guess, guess_id, guess_parts
from eval_autopsy.case.sets import Look, look_at, score_in_words, split_of
from eval_autopsy.case.unwritten import Said, graded_of, least_of
from eval_autopsy.errors import BadCase
from eval_autopsy.evidence import Progress, gather
from eval_autopsy.readers import Source, SplitColumn, Wanted, open_rows
from eval_autopsy.readers.intake import TOLD_EVERY, Intake
from eval_autopsy.readers.join import Attempts, attempts_words, changed, clustered, join_of
from eval_autopsy.readers.logs import ROLES, aside_words, no_numbers_words
from eval_autopsy.readers.shelf import Shelf
from eval_autopsy.readers.thresholds import Threshold
from eval_autopsy.records import SPLITS, Record, Split

PARTS = ("input", "expected", "output", "score", "error", "cluster")
LINE = "line"  # names a record that has no field for it


class Where(NamedTuple):
    """A data file and the split that its records are of."""

    look: Look
    split: Split | SplitColumn
    joined: tuple[Path, ...] = ()  # files with more about the same ids


def of_case(case: Case, progress: Progress = gathered.quiet) -> Material:
    """The records of a case, with its system's outputs when it has one."""
    bare = replace(
        case,
        wanted=case.wanted._replace(attributes=()),
        features=(),
        feature_files=(),
        bands={},
        times={},
    )
    base = Path(Path(os.path.abspath(case.folder)).anchor)  # files may lie anywhere: no receipt
    return of_evidence(case, gather(bare, base, progress, twice=False, beside=OF_LOGS))


def of_options(said: Said, progress: Progress = gathered.quiet) -> Material:
    """The records of files that are named by options. Raises BadCase when nothing is to audit."""
    places, how = _places(said)
    logs = [place for place in places if place.look.file.yields == "samples"]
    if logs and len(logs) < len(places):
        names = [{place.look.name for place in group} for group in (logs, places)]
        other = sorted(names[1] - names[0])[0]
        what = f"{logs[0].look.name} is a tool's log, and {other} is a table"
        raise BadCase(what, remedy="audit them one after the other")
    if logs and said.threshold:
        what = "a threshold is said, and the verdicts of a tool's log are those of the tool"
        raise BadCase(what, remedy="leave out --threshold, or audit a case that has it")
    fields, guessed = (dict(ROLES), []) if logs else _fields(said, places)
    threshold = _threshold(said, fields)
    notes = [*how, *(f"{one.part} is the field {one.field!r}: {one.why}" for one in guessed)]
    notes += [f"an answer is right at {threshold.words}"] if threshold else []
    if fields.get("id") == LINE:
        notes.append("no field identifies a record, so that each goes by its line")
    scorer = said.scorer if said.scorer not in ("", "recorded") else EXACT
    registry.scorers.get(scorer)  # which raises for a name that is not known
    records: list[Record] = []
    for place in places:
        records += _records(place, fields, bool(logs), notes, progress, threshold)
    if _hold_objects(records):
        shelf, parsed = Shelf(), kernel.parsed
        records = [
            shelf.changed(one, output=parsed(one.output), expected=parsed(one.expected))
            for one in records
        ]
    spec = {"name": scorer, "rule": _rule(scorer), "fields": [], "absolute": "0", "relative": "0"}
    several = len({place.look.name for place in logs}) > 1
    judged = judged_of(
        records, spec, "score" in fields, choices=True, log=bool(logs), several=several
    )
    if all(one.score is None for one in judged):
        what = "nothing says which answers are right"
        remedy = "name a recorded score with --correct, or --output and --expected to compare"
        raise BadCase(what, where=places[0].look.name, remedy=remedy)
    sources = tuple(place.look.name for place in places)
    return Material(judged, scorer, "apart", sources, tuple(notes))


def _rule(scorer: str) -> str:
    return scorer if scorer in gathered.OUR_SCORERS else "stored"


def _hold_objects(records: Sequence[Record]) -> bool:
    """Whether most outputs that are given are texts of a JSON object."""
    given = objects = 0
    for output in (one.output for one in records):
        given += kernel.not_blank(output)
        objects += isinstance(output, str) and isinstance(kernel.parsed(output), dict)
    return 2 * objects > given


# Files


def _places(said: Said) -> tuple[list[Where], list[str]]:
    """The files with the split of each, and what was guessed of that."""
    if said.eval or said.production:
        if said.paths or said.split:
            what = "--eval or --production is given, and a path or --split as well"
            raise BadCase(what, remedy="name the sets, or files, or one file with --split COLUMN")
        named: tuple[tuple[Split, tuple[Path, ...]], ...] = (
            ("eval", said.eval),
            ("production", said.production),
        )
        return [Where(_look(path), split) for split, paths in named for path in paths], []
    if not said.paths:
        raise BadCase("no data is named", remedy="name a case, or data files")
    if said.split:
        look = _only(said.paths)
        return [Where(look, _column(look, said.split))], []
    where = ", ".join(map(str, said.paths))
    compared = compare(find(said.paths).files)
    if compared is None:
        raise BadCase("no file holds records", where=where, remedy="see `autopsy formats`")
    return list(_compared(compared)), list(_left_out(compared))


def _compared(compared: Compared) -> Iterator[Where]:
    """The files of a comparison; two runs of the same tasks are one set, by two systems."""
    sets, joined = compared.sets, compared.joined
    if sets.one is not None and sets.values is not None:
        yield Where(sets.one, SplitColumn(sets.column, sets.values), joined)
    for split in SPLITS:
        for look in (sets.files or {}).get(split, ()):
            yield Where(look, split if compared.comparison == "two-sets" else "eval", joined)


def _left_out(compared: Compared) -> Iterator[str]:
    """What is said of each file: its role where there are two sets, and what is left out."""
    said = {"left out", "not readable"}
    said |= set(SPLITS) if compared.comparison == "two-sets" else set()
    for role in compared.roles:
        if role.role in said:
            yield f"{role.found.name} is {role.role}: {role.why}"


def _look(path: Path) -> Look:
    return look_at(path, str(path), lenient=True)


def _only(paths: Sequence[Path]) -> Look:
    if len(paths) != 1:
        what = f"--split is for one file, and {len(paths)} are given"
        raise BadCase(what, remedy="name one file")
    return _look(paths[0])


def _column(look: Look, column: str) -> SplitColumn:
    """The column that says the split, with the value that names each."""
    known = look.columns
    if column not in known:
        what = f"there is no field {column!r} among: {', '.join(known)}"
        raise BadCase(what, where=look.name, remedy="name one of them with --split")
    values: dict[Split, object] = {}
    for value in known[column].given:
        split = split_of(str(value))
        if split is not None:
            values.setdefault(split, value)
    if len(values) != 2 or len(known[column].counts) != 2:
        what = "the values do not name eval and production, one each"
        remedy = "write a case, and name the two values under [data] splits"
        raise BadCase(what, where=f"{look.name}:{column}", remedy=remedy)
    return SplitColumn(column, values)


def _fields(said: Said, places: Sequence[Where]) -> tuple[dict[str, str], list[Guess]]:
    """The field of each part of a table's records, and the guesses among them."""
    columns = [columns_of(place.look.rows) for place in places]
    graded = graded_of(said, columns)
    asked = {
        "score": graded.field if graded else said.correct,
        "output": said.output,
        "expected": said.expected,
        "cluster": said.cluster,
    }
    asked = {part: name for part, name in asked.items() if name}
    identity = Guess("id", said.id, "") if said.id else guess_id(columns)
    splits = [place.split.column for place in places if isinstance(place.split, SplitColumn)]
    taken = [name for name in (identity.field, *splits, *asked.values()) if name]
    guesses = [
        one for one in guess_parts(columns, taken) if one.part in PARTS and one.part not in asked
    ]
    fields = {"id": identity.field or LINE} | {one.part: one.field for one in guesses} | asked
    if "output" not in fields or "expected" not in fields:
        for part in ("output", "expected"):
            if part in asked:
                other = "expected" if part == "output" else "output"
                what = f"nothing says which field is the {other}"
                raise BadCase(what, remedy=f"name it with --{other}")
    guesses += [graded] if graded else []
    if identity.field and not said.id:
        guesses.insert(0, identity)
    return fields, guesses


def _threshold(said: Said, fields: Mapping[str, str]) -> Threshold | None:
    """What makes a verdict of the score; None where no threshold is said."""
    least = least_of(said.threshold)
    return Threshold(fields["score"], least) if least is not None else None


def _records(
    place: Where,
    fields: Mapping[str, str],
    log: bool,
    aside: list[str],
    progress: Progress,
    threshold: Threshold | None,
) -> Iterator[Record]:
    """The records of a file; of a log with what is known of each sample beside its parts.

    What cannot be read is set aside, and said in `aside`.
    """
    needed = set() if log or "score" in fields else {"output", "expected"}
    wanted = Wanted(fields, OF_LOGS if log else (), frozenset({"id", *needed & {*fields}}))
    wanted = by_verdict(wanted, threshold)
    attempts = Attempts() if not log and fields["id"] != LINE else None
    if attempts is not None:
        wanted = clustered(wanted)
    joins = [join_of(path, wanted) for path in place.joined]
    in_words = score_in_words([place.look], fields.get("score", ""))
    source = Source(
        place.look.file.path,
        place.split,
        place.look.name,
        verdict_words=in_words,
        threshold=threshold,
    )
    intake = Intake(wanted)
    size = os.path.getsize(place.look.file.path)
    _, rows = open_rows(place.look.file.path, place.look.name, lenient=True)
    with rows:
        named = rows if fields["id"] != LINE else map(_by_line, rows)
        joined = (
            (changed(row, source, wanted, joins) for row in named)
            if joins or not source.as_it_is
            else named
        )
        if attempts is not None:
            joined = (attempts.of(row, source, fields["id"]) for row in joined)
        for number, record in enumerate(intake.records(joined, rows.where, place.split)):
            if number % TOLD_EVERY == 0:
                progress(f"reading {place.look.name}", rows.position, size)
            yield record
    if not log:  # whose parts have their names whether a sample has them or not
        intake.finish()
    if rows.aside:
        aside.append(aside_words(rows.aside, place.look.name))
    if rows.no_numbers:
        aside.append(no_numbers_words(rows.no_numbers, place.look.name))
    if attempts is not None and attempts.again:
        aside.append(attempts_words(attempts.again, place.look.name))
    for one in rows.needs:
        if one.what != "scores" or not joins:  # which may be the scores that it lacks
            aside.append(f"{place.look.name} lacks {one.what}: {one.where}")


def _by_line(row: kernel.Row) -> kernel.Row:
    return row if LINE in row.fields else kernel.Row(row.line, {**row.fields, LINE: row.line})
