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
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import evidence as gathered
from eval_autopsy import kernel, registry, verdicts
from eval_autopsy.case.columns import columns_of
from eval_autopsy.case.compared import Compared, compare
from eval_autopsy.case.found import find
from eval_autopsy.case.load import Case
from eval_autopsy.case.roles import Guess, guess_id, guess_parts
from eval_autopsy.case.sets import Look, look_at, split_of
from eval_autopsy.case.unwritten import Said
from eval_autopsy.errors import BadCase
from eval_autopsy.evidence import Progress, gather
from eval_autopsy.kernel import MISSING
from eval_autopsy.questions.judged import Judged, Verdict
from eval_autopsy.readers import Source, SplitColumn, Wanted, open_rows
from eval_autopsy.readers.intake import TOLD_EVERY, Intake
from eval_autopsy.readers.join import changed, join_of
from eval_autopsy.readers.logs import ROLES, aside_words
from eval_autopsy.readers.shelf import Shelf
from eval_autopsy.records import SPLITS, Record, Split

PARTS = ("input", "expected", "output", "score", "error", "cluster")
OF_LOGS = ("status", "grader_error", "system", "scores")  # of a sample, and no parts of a record
LINE = "line"  # names a record that has no field for it
EXACT = "exact_match"


class Material(NamedTuple):
    """What an audit is of."""

    judged: tuple[Judged, ...]
    scorer: str  # that recomputes
    errors: str  # "wrong" or "apart": what a failed call counts as
    sources: tuple[str, ...]  # the names of the files
    notes: tuple[str, ...]


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
    return of_evidence(case, gather(bare, base, progress, twice=False, beside=beside(case)))


def beside(case: Case) -> tuple[str, ...]:
    """The fields that an audit wants of the records of a case, and nobody slices by."""
    return tuple(name for name in OF_LOGS if _in_all_logs(case, name))


def of_evidence(case: Case, found: gathered.Evidence) -> Material:
    """The records of a case that were gathered, with the fields that stand `beside` theirs."""
    scorer = dict(found.spec["scorer"])
    under_audit = scorer["name"]
    if scorer["rule"] == "recorded":
        scorer |= {"name": EXACT, "rule": EXACT}
    recorded = "score" in case.wanted.fields and case.file.system is None
    judged = _judged(found.records, scorer, recorded, choices=False)
    notes = []
    if recorded and under_audit != "recorded":
        words = "the case scores by {}; what is audited is the score that the data hold"
        notes.append(words.format(under_audit))
    sources = tuple(dict.fromkeys(source.name for source in case.sources))
    return Material(judged, scorer["name"], found.spec["errors"], sources, tuple(notes))


def of_options(said: Said, progress: Progress = gathered.quiet) -> Material:
    """The records of files that are named by options. Raises BadCase when nothing is to audit."""
    places, how = _places(said)
    logs = [place for place in places if place.look.file.yields == "samples"]
    if logs and len(logs) < len(places):
        names = [{place.look.name for place in group} for group in (logs, places)]
        other = sorted(names[1] - names[0])[0]
        what = f"{logs[0].look.name} is a tool's log, and {other} is a table"
        raise BadCase(what, remedy="audit them one after the other")
    fields, guessed = (dict(ROLES), []) if logs else _fields(said, places)
    notes = [*how, *(f"{one.part} is the field {one.field!r}: {one.why}" for one in guessed)]
    if fields.get("id") == LINE:
        notes.append("no field identifies a record, so that each goes by its line")
    scorer = said.scorer if said.scorer not in ("", "recorded") else EXACT
    registry.scorers.get(scorer)  # which raises for a name that is not known
    records: list[Record] = []
    for place in places:
        records += _records(place, fields, bool(logs), notes, progress)
    if _hold_objects(records):
        shelf, parsed = Shelf(), kernel.parsed
        records = [
            shelf.changed(one, output=parsed(one.output), expected=parsed(one.expected))
            for one in records
        ]
    spec = {"name": scorer, "rule": _rule(scorer), "fields": [], "absolute": "0", "relative": "0"}
    several = len({place.look.name for place in logs}) > 1
    judged = _judged(records, spec, "score" in fields, choices=True, several=several)
    if all(one.score is None for one in judged):
        what = "nothing says which answers are right"
        remedy = "name a recorded score with --correct, or --output and --expected to compare"
        raise BadCase(what, where=places[0].look.name, remedy=remedy)
    sources = tuple(place.look.name for place in places)
    return Material(judged, scorer, "apart", sources, tuple(notes))


# Verdicts


def _judged(
    records: Sequence[Record],
    scorer: Mapping[str, Any],
    recorded: bool,
    *,
    choices: bool,
    several: bool = False,
) -> tuple[Judged, ...]:
    """The records with the verdicts of all scorers.

    `choices` is whether a list may be one, `several` whether they are of several logs.
    """
    recompute = verdicts.judge_of(scorer)
    by_value = verdicts.judge_of({**scorer, "name": "normalized", "rule": "normalized"})
    given = [_recorded(one) if recorded else None for one in records]
    any_given = any(verdict is not None for verdict in given)
    found = []
    for record, said in zip(records, given, strict=True):
        again = _verdict(recompute, record, choices)
        found.append(
            Judged(
                record=record,
                score=said if any_given else again,
                recorded=said,
                recomputed=again,
                normalized=_verdict(by_value, record, True),
                fields=scorer.get("fields", ()),
                status=_text(record.attributes.get("status")),
                grader_error=_grader_error(record),
                system=_system(record, several),
            )
        )
    return tuple(found)


def _recorded(record: Record) -> Verdict:
    """The verdict that the data hold.

    A log's reader gives a failed call none, whatever the tool says of it; then the tool's own
    first score tells how it counts.
    """
    said = verdicts.recorded_of(record)
    failed = record.error is not None or record.attributes.get("status") == "errored"
    if said is None and failed:
        scores = record.attributes.get("scores")
        first = next(iter(scores.values()), None) if isinstance(scores, dict) else None
        return {"true": True, "1": True, "false": False, "0": False}.get(_json(first))
    return said


def _json(value: object) -> str:
    return "" if value is None or value is MISSING else kernel.canonical(value)


def _system(record: Record, several: bool) -> str:
    """What gave the output; of several logs each is a system, so that the file is a part of it."""
    said = _text(record.attributes.get("system"))
    return sys.intern(f"{said} {record.where.rpartition(':')[0]}".strip() if several else said)


def _grader_error(record: Record) -> str:
    """The message of the grader that the score is by, when it failed; "" when it did not."""
    said, scores = _text(record.attributes.get("grader_error")), record.attributes.get("scores")
    if record.attributes.get("status") == "grader failed":
        return said or "without a message"
    return "" if scores else said  # for it is by a grader that did not fail


def _verdict(judge: verdicts.Judge, record: Record, choices: bool) -> Verdict:
    """Whether a record is right, all fields taken together."""
    expected = record.expected
    if choices and isinstance(expected, list) and not isinstance(record.output, list):
        each = [_verdict(judge, replace(record, expected=one), False) for one in expected]
        return None if not each or None in each else True in each
    score, fields = verdicts.said("scorer", judge, record)
    return None if score is None else score and all(fields.values())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


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
    asked = {
        "score": said.correct,
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
    if identity.field and not said.id:
        guesses.insert(0, identity)
    return fields, guesses


def _records(
    place: Where, fields: Mapping[str, str], log: bool, aside: list[str], progress: Progress
) -> Iterator[Record]:
    """The records of a file; of a log with what is known of each sample beside its parts.

    What cannot be read is set aside, and said in `aside`.
    """
    needed = set() if log or "score" in fields else {"output", "expected"}
    wanted = Wanted(fields, OF_LOGS if log else (), frozenset({"id", *needed & {*fields}}))
    joins = [join_of(path, wanted) for path in place.joined]
    source = Source(place.look.file.path, place.split, place.look.name)
    intake = Intake(wanted)
    size = os.path.getsize(place.look.file.path)
    _, rows = open_rows(place.look.file.path, place.look.name, lenient=True)
    with rows:
        named = rows if fields["id"] != LINE else map(_by_line, rows)
        joined = (changed(row, source, wanted, joins) for row in named) if joins else named
        for number, record in enumerate(intake.records(joined, rows.where, place.split)):
            if number % TOLD_EVERY == 0:
                progress(f"reading {place.look.name}", rows.position, size)
            yield record
    if not log:  # whose parts have their names whether a sample has them or not
        intake.finish()
    if rows.aside:
        aside.append(aside_words(rows.aside, place.look.name))
    for one in rows.needs:
        if one.what != "scores" or not joins:  # which may be the scores that it lacks
            aside.append(f"{place.look.name} lacks {one.what}: {one.where}")


def _by_line(row: kernel.Row) -> kernel.Row:
    return row if LINE in row.fields else kernel.Row(row.line, {**row.fields, LINE: row.line})


def _in_all_logs(case: Case, name: str) -> bool:
    """Whether the files of a case are tools' logs, and the first samples of each know of it."""
    looks = [look_at(source.path, source.name, lenient=source.lenient) for source in case.sources]
    return all(
        look.file.yields == "samples"
        and any(kernel.field(row, name) is not MISSING for row in look.rows)
        for look in looks
    )
