"""A case that nobody wrote down: from options in place of an `autopsy.toml`.

1. What an option names is taken. The rest is guessed as a proposal guesses it, and said in a note.
2. There is no system to run and no guard, since nothing names them. Outputs or scores are recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from eval_autopsy import kernel, registry
from eval_autopsy.case.columns import Fields, columns_of
from eval_autopsy.case.compared import compare
from eval_autopsy.case.found import find
from eval_autopsy.case.load import Case, by_verdict, threshold_of
from eval_autopsy.case.model import CaseFile, Scorer
from eval_autopsy.case.names import Names, best_scorer, names_of
from eval_autopsy.case.roles import (
    Columns,
    Guess,
    graded_fields,
    guess_id,
    guess_parts,
    verdict_like,
)
from eval_autopsy.case.sets import Look, Sets, guess_sets, look_at, score_in_words, split_of
from eval_autopsy.errors import BadCase
from eval_autopsy.features import every_feature
from eval_autopsy.readers import Source, SplitColumn, Wanted
from eval_autopsy.readers.record_files import size_of
from eval_autopsy.readers.verdict_words import pair_of
from eval_autopsy.records import SPLITS, Split

USUAL = {"no_exception": True, "not_blank": True}  # what any pipeline notices by itself
TEXTS_READ = 2**23  # bytes of files whose texts are read for features without being asked to
VALUES_SHOWN = 5
NO_VERDICT = "nothing says which answers are right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said in place of a case file; "" and () where nothing is."""

    paths: tuple[Path, ...] = ()  # files whose names say which set they are
    eval: tuple[Path, ...] = ()
    production: tuple[Path, ...] = ()
    split: str = ""  # the column of the only file that says which set a record is of
    id: str = ""
    correct: str = ""  # the column of a recorded score
    output: str = ""
    expected: str = ""
    scorer: str = ""
    cluster: str = ""
    confidence: str = ""
    time: str = ""
    threshold: str = ""  # from where on a graded score is right

    @property
    def sets_named(self) -> bool:
        """Whether it says which records are eval and which are production."""
        return bool(self.eval or self.production or self.split)

    def words(self) -> Iterator[str]:
        """The command line that says the same."""
        yield from map(str, self.paths)
        for name, value in asdict(self).items():
            each = value if isinstance(value, tuple) else (value,)
            if name != "paths":
                yield from (word for one in each if one for word in (f"--{name}", str(one)))


class Unwritten(NamedTuple):
    """A case made of options, and a note for each guess."""

    case: Case
    notes: tuple[str, ...]


def unwritten(said: Said) -> Unwritten:
    """The case of the sets that options name, or else of the files that lie at some paths.

    Raises BadCase when no file holds records, and when there is one set only.
    """
    if said.sets_named or not said.paths:
        return of_sets(said, sets_of(said))
    return _of_places(said)


def _of_places(said: Said) -> Unwritten:
    """The case of the files that lie at some paths, compared as `compared` tells."""
    where = ", ".join(map(str, said.paths))
    compared = compare(find(said.paths).files)
    if compared is None:
        what = "there is no autopsy.toml, and no file that holds records"
        remedy = "name a case or data; `autopsy formats` lists what is read"
        raise BadCase(what, where=where, remedy=remedy)
    if compared.comparison == "one-set":
        name = compared.sets.looks()[0].name
        what = f"there is one set of records, {name}: {compared.sets.why}"
        remedy = (
            "name both with --eval and --production, or the column that tells them apart with "
            "--split; `autopsy PATH` shows what one set says"
        )
        raise BadCase(what, where=where, remedy=remedy)
    return of_sets(said, compared.sets, compared.joined)


def of_sets(said: Said, sets: Sets, joined: Sequence[Path] = ()) -> Unwritten:
    """The case of these sets, with files that say more about the same ids."""
    said = replace(said, confidence=said.confidence or _confidence_in(sets))
    by_split = _by_split(sets)
    graded = graded_of(said, by_split)
    if graded is not None:
        said = replace(said, correct=graded.field)
    special = any(look.prefix or look.file.yields == "samples" for look in sets.looks())
    if joined or special or _differ(by_split):
        return _by_names(said, sets, joined, graded)
    guessed = [] if said.id else [guess_id(by_split)]
    identity = said.id or guessed[0].field
    numbered = not identity and all(look.file.converted_from == "parquet" for look in sets.looks())
    if not identity and not numbered:
        raise BadCase(guessed[0].why, remedy="name the field that identifies a record with --id")
    taken = [name for name in (identity, sets.column) if name]
    parts = {guess.part: guess for guess in guess_parts(by_split, taken)}
    fields, scorer = _verdict(said, parts, by_split)
    asked = {"score": said.correct, "output": said.output, "expected": said.expected}
    guessed += [parts[part] for part in fields if part in parts and not asked[part]]
    if "error" in parts:
        fields["error"] = parts["error"].field
        guessed.append(parts["error"])
    if numbered and scorer.name != "recorded":
        raise BadCase(guessed[0].why, remedy="name the field that identifies a record with --id")
    guessed += [graded] if graded else []
    guessed = [guess for guess in guessed if guess.field]
    fields |= {"id": identity} if identity else {}
    others = {"cluster": said.cluster, "confidence": said.confidence, "timestamp": said.time}
    fields |= {part: name for part, name in others.items() if name}
    if scorer.name != "recorded" and _hold_json(by_split, fields["output"]):
        scorer = scorer.model_copy(update={"output_format": "json"})
    notes = [f"{guess.part} is the field {guess.field!r}: {guess.reason}" for guess in guessed]
    if not (said.eval or said.split):
        notes.insert(0, f"eval and production are told apart: {sets.why}")
    texts = [part for part in ("input", "output") if part in fields or part in parts]
    small = sum(size_of(look.file.path) for look in sets.looks()) <= TEXTS_READ
    features = every_feature() if small and "input" in texts and not numbered else []
    if "input" in parts and not small:
        notes.append("these files are too long to read the texts by the way; a case can ask for it")
    if features:
        fields |= {part: parts[part].field for part in texts if part not in fields}
        notes.append(f"the texts of {' and '.join(texts)} are read for attributes nobody logged")
        features = [name for name in features if name.endswith(tuple(f"({one})" for one in texts))]
    if numbered:
        notes.append("no field identifies a record, so that rows go by their number")
    case = replace(_case(sets, fields, scorer), features=tuple(features))
    return Unwritten(case, tuple(notes))


def guessed_fields(case: Case, said: Said, logs: bool) -> dict[str, str]:
    """For each set, the fields that were guessed to say what is right, in words; none of logs."""
    options = {"output": said.output, "expected": said.expected}
    if case.scorer.name == "recorded":
        options = {"correct": said.correct}
    if all(options.values()) or logs:
        return {}
    return {split: _fields_words(case, split) for split in SPLITS}


def _fields_words(case: Case, split: Split) -> str:
    """What says that an answer of a set is right, with the options that name it."""
    fields = {**case.file.fields.parts(), **case.file.fields.others(split)}
    if case.scorer.name == "recorded":
        return f"{fields['score']!r} is the score (--correct)"
    output, expected = repr(fields["output"]), repr(fields["expected"])
    return f"{output} is the answer (--output) and {expected} what it should be (--expected)"


def _confidence_in(sets: Sets) -> str:
    """The field of a confidence in tables that were read to their end, or ""."""
    if not all(look.whole and look.file.yields == "rows" for look in sets.looks()):
        return ""
    by_split = _by_split(sets)
    identity = guess_id(by_split).field
    return _field({one.part: one for one in guess_parts(by_split, [identity])}, "confidence")


def _differ(by_split: Sequence[Columns]) -> bool:
    """Whether the sets have the same parts under different names."""
    if len(by_split) < 2:
        return False
    ids = [guess_id([columns]).field for columns in by_split]
    together = {guess.part for guess in guess_parts(by_split, [])}
    alone = [{guess.part for guess in guess_parts([columns], [])} for columns in by_split]
    missed = set.intersection(*alone) & {"output", "expected", "score"} - together
    return bool(missed) or (all(ids) and not guess_id(by_split).field)


def _by_names(
    said: Said, sets: Sets, joined: Sequence[Path], graded: Guess | None = None
) -> Unwritten:
    """The case of tools' logs, or of tables that call their parts by different names."""
    files = sets.files
    if files is None and sets.one is not None:
        files = dict.fromkeys(SPLITS, (sets.one,))
    files = files or {}
    names = names_of(files)
    asked = _asked(said)
    fields = {**names.fields, **asked}
    if "id" not in fields or not (names.both("id") or said.id):
        what = "nothing says which field identifies a record"
        raise BadCase(what, remedy="name it with --id")
    notes = [f"eval and production are told apart: {sets.why}"] * (not (said.eval or said.split))
    notes += [_note_of(split, part, guess) for split, part, guess in names.guessed()]
    notes += [f"score is the field {graded.field!r}: {graded.reason}"] if graded else []
    scorer, note = _scorer(said, files, names)
    notes += [note] if note else []
    missing = {p for p in ("score", "output", "expected") if not names.both(p)} - asked.keys()
    fields = {part: name for part, name in fields.items() if part not in missing}
    others = {
        split: {p: n for p, n in own.items() if p in fields and p not in asked}
        for split, own in names.others.items()
    }
    case = _case(sets, fields, scorer, others=others, joined=joined)
    return Unwritten(replace(case, features=tuple(_features(sets, names))), tuple(notes))


def _asked(said: Said) -> dict[str, str]:
    """The field of each part that options name."""
    named = {
        "id": said.id,
        "score": said.correct,
        "output": said.output,
        "expected": said.expected,
        "cluster": said.cluster,
        "confidence": said.confidence,
        "timestamp": said.time,
    }
    return {part: name for part, name in named.items() if name}


def _scorer(said: Said, files: Mapping[Split, Sequence[Look]], names: Names) -> tuple[Scorer, str]:
    """What makes an answer right in both sets, and a note on how it was chosen."""
    compared = said.output or said.expected or said.scorer not in ("", "recorded")
    _check_alone(said, compared)
    if (said.correct or names.both("score")) and not compared:
        return _recorded(said, "apart"), ""
    if names.both("output", "expected") or (said.output and said.expected):
        if said.scorer:
            return Scorer(name=said.scorer, errors="apart"), ""
        best, note = best_scorer(files, names)
        return Scorer(name=best, errors="apart"), note
    columns = [look.columns for looks in files.values() for look in looks]
    raise _no_verdict(f"{NO_VERDICT} in both sets", columns)


def _features(sets: Sets, names: Names) -> list[str]:
    """The features of the texts that all records have, where the files are short enough."""
    if sum(size_of(look.file.path) for look in sets.looks()) > TEXTS_READ:
        return []
    ends = tuple(f"({part})" for part in ("input", "output") if names.both(part))
    return [name for name in every_feature() if name.endswith(ends)] if ends else []


def _note_of(split: Split, part: str, guess: Guess) -> str:
    return f"{part} of {split} is the field {guess.field!r}: {guess.reason}"


# Which records are which


def sets_of(said: Said) -> Sets:
    """The files of each split, or the one file and its split column."""
    if bool(said.eval) != bool(said.production):
        given, other = ("eval", "production") if said.eval else ("production", "eval")
        what = f"--{given} is given, and --{other} is not"
        raise BadCase(what, remedy="name both, or one file with --split COLUMN")
    if said.eval:
        if said.paths or said.split:
            extra = f"the path {said.paths[0]}" if said.paths else "--split"
            what = f"--eval and --production are given, and {extra} as well"
            raise BadCase(what, remedy="name the two sets, or one file with --split COLUMN")
        both = [path for path in said.eval if path in said.production]
        if both:
            remedy = "name another file for one of them"
            raise BadCase("named both as eval and as production", where=str(both[0]), remedy=remedy)
        looks = {"eval": _looks(said.eval), "production": _looks(said.production)}
        return Sets("by the options", files=looks)  # type: ignore[arg-type]
    if not said.paths:
        raise BadCase("no data is named", remedy="name a case, or data files")
    looks_at_paths = _looks(said.paths)
    if said.split:
        return _split_by(said.split, looks_at_paths)
    sets = guess_sets(looks_at_paths)
    if sets.files is None and sets.one is None:
        remedy = "say it with --eval FILE --production FILE, or with --split COLUMN"
        raise BadCase(sets.why, remedy=remedy)
    return sets


def _looks(paths: Iterable[Path]) -> tuple[Look, ...]:
    return tuple(look_at(path, str(path), lenient=True) for path in dict.fromkeys(paths))


def _split_by(column: str, looks: Sequence[Look]) -> Sets:
    """The sets of one file by the values of a column, each of which must name a set."""
    if len(looks) != 1:
        what = f"--split is for one file, and {len(looks)} are given"
        raise BadCase(what, remedy="name one file")
    known = looks[0].columns
    if column not in known:
        what = f"there is no field {column!r} among: {', '.join(known)}"
        raise BadCase(what, where=looks[0].name, remedy="name one of them with --split")
    given = list({kernel.canonical(value): value for value in known[column].given}.values())
    values: dict[Split, Any] = {}
    for value in given:
        split = split_of(str(value))
        if split is not None and split not in values:
            values[split] = value
    if len(given) != 2 or len(values) != 2:
        listed = ", ".join(map(kernel.canonical, given[:VALUES_SHOWN]))
        more = ", ..." if len(given) > VALUES_SHOWN else ""
        what = f"the values are {listed}{more}, expected one that names eval and one production"
        remedy = "run `autopsy init`, and name the two values under [data] splits"
        raise BadCase(what, where=f"{looks[0].name}:{column}", remedy=remedy)
    return Sets("by the column", one=looks[0], column=column, values=values)


def _by_split(sets: Sets) -> list[Columns]:
    """The columns of each split's first records."""
    rows: dict[Split, list[Fields]] = {split: [] for split in SPLITS}
    if sets.files is not None:
        rows = sets.rows()
    elif sets.one is not None and sets.values is not None:
        texts = {kernel.canonical(value): split for split, value in sets.values.items()}
        for row in sets.one.rows:
            value = kernel.field(row, sets.column)
            if value is not kernel.MISSING and kernel.canonical(value) in texts:
                rows[texts[kernel.canonical(value)]].append(row)
    return [columns_of(each) for each in rows.values() if each]


# What makes an answer right


def _verdict(
    said: Said, parts: Mapping[str, Guess], by_split: Sequence[Columns]
) -> tuple[dict[str, str], Scorer]:
    """The fields that a verdict needs, and the scorer."""
    compared = said.output or said.expected or said.scorer not in ("", "recorded")
    _check_alone(said, compared)
    found = {part: getattr(said, part) or _field(parts, part) for part in ("output", "expected")}
    score = said.correct or _field(parts, "score")
    if compared or (all(found.values()) and not said.correct and not said.scorer):
        name = said.scorer or "exact_match"
        registry.scorers.get(name)  # which raises for a name that is not known
        for part, field in found.items():
            if not field:
                what = f"nothing says which field is the {part}"
                raise BadCase(what, remedy=f"name it with --{part}")
        return found | ({"score": score} if score else {}), Scorer(name=name)
    if not score:
        raise _no_verdict(NO_VERDICT, by_split)
    return {"score": score}, _recorded(said, "wrong")


def _check_alone(said: Said, compared: object) -> None:
    """Raises BadCase where a recorded score is named, and answers are to be compared as well."""
    if not compared or not (said.correct or said.threshold):
        return
    named = "--threshold" if said.threshold else "--correct"
    what = f"{named} says which answers are right, and other options have them compared"
    remedy = f"leave out {named}, or leave out --output, --expected and --scorer"
    raise BadCase(what, remedy=remedy)


def _recorded(said: Said, errors: Literal["wrong", "apart"]) -> Scorer:
    """The scorer of a recorded score, which is right from the threshold on where it is graded."""
    return Scorer(name="recorded", errors=errors, threshold=least_of(said.threshold))


def least_of(text: str) -> Decimal | None:
    """A threshold as a number; None where none is said. Raises BadCase."""
    if not text:
        return None
    found = kernel.number_in(text)
    if found is None:
        what = f"--threshold is {text!r}, expected a number"
        raise BadCase(what, remedy="name the least score that is right, such as --threshold 0.5")
    return found


def graded_of(said: Said, by_split: Sequence[Columns]) -> Guess | None:
    """The field of a graded score where a threshold is said, and no field; else None."""
    if least_of(said.threshold) is None or said.correct:
        return None
    found = graded_fields(by_split)
    if len(found) == 1:
        return found[0]
    what = "a threshold is said, and no field looks like a graded score"
    if found:
        what = f"a threshold is said, and fields that may be graded scores are {_names(found)}"
    raise BadCase(what, remedy="name the field with --correct")


def _names(found: Sequence[Guess]) -> str:
    return ", ".join(one.field for one in found)


def _no_verdict(what: str, sets: Sequence[Columns]) -> BadCase:
    """That nothing says what is right, and the field that may say it under a name of its own."""
    remedy = "name a recorded score with --correct, or --output and --expected to compare"
    found = verdict_like(sets)
    if found is not None:
        name, values = found
        what += f", and the field {name!r} holds {' and '.join(values)}"
        remedy = f'name it with --correct {name}, or as score = "{name}" under [fields] of a case'
        if pair_of(values) is None and not {*values} <= {"1", "0"}:
            remedy = f"if it is the verdict, write it as true and false, and {remedy}"
    elif graded := graded_fields(sets):
        field = graded[0].field
        what += f", and {field!r} may be a graded score: {graded[0].why}"
        remedy = f"say from where on it is right, with --correct {field} --threshold NUMBER"
    return BadCase(what, remedy=remedy)


def _field(parts: Mapping[str, Guess], part: str) -> str:
    return parts[part].field if part in parts else ""


def _hold_json(by_split: Sequence[Columns], output: str) -> bool:
    """Whether most outputs are texts that hold a JSON object."""
    given = [v for columns in by_split if output in columns for v in columns[output].given]
    objects = sum(isinstance(kernel.parsed(v), dict) for v in given if isinstance(v, str))
    return 2 * objects > len(given)


# Together


def _case(
    sets: Sets,
    fields: Mapping[str, str],
    scorer: Scorer,
    *,
    others: Mapping[Split, Mapping[str, str]] | None = None,
    joined: Sequence[Path] = (),
) -> Case:
    data: dict[str, Any] = {}
    sources: list[Source] = []
    others = others or {}
    scores = {own.get("score", fields.get("score", "")) for own in ({}, *others.values())}
    in_words = any(score_in_words(sets.looks(), name) for name in scores)
    attempts = "id" in fields and all(look.file.yields == "rows" for look in sets.looks())
    if sets.files is not None:
        for split in SPLITS:
            looks = sets.files[split]
            if looks:
                data[split] = [look.name for look in looks]
            sources += [
                Source(
                    look.file.path,
                    split,
                    look.name,
                    others.get(split, {}),
                    tuple(joined),
                    look.prefix,
                    look.lenient,
                    look.only,
                    in_words,
                    attempts,
                )
                for look in looks
            ]
    elif sets.one is not None and sets.values is not None:
        one = sets.one
        data = {"file": one.name, "split": sets.column, "splits": dict(sets.values)}
        column = SplitColumn(sets.column, sets.values)
        asked = one.lenient, one.only, in_words, attempts
        sources = [Source(one.file.path, column, one.name, {}, tuple(joined), "", *asked)]
    said: dict[str, Any] = {**fields}
    guards = USUAL if "output" in fields else {}
    said |= {split: dict(own) for split, own in others.items() if own}
    try:
        file = CaseFile.model_validate(
            {"name": "unwritten", "data": data, "fields": said, "guards": guards}
        )
    except ValidationError as error:  # such as a split value that is not text
        what = error.errors(include_url=False)[0]["msg"]
        raise BadCase(f"the options make no case: {what}", remedy="write an autopsy.toml") from None
    compared = {"output", "expected"} if scorer.name != "recorded" else {"score"}
    needed = {"id", *(part for part in fields if part in compared)}
    if others is not None and scorer.name == "recorded":
        needed = {"id"}  # a sample that failed has no output, and one without a score is unscored
    folder = Path(sources[0].path).parent
    threshold = threshold_of(scorer, fields)
    return Case(
        path=folder / "autopsy.toml",
        folder=folder,
        file=file,
        scorer=scorer,
        sources=tuple(one._replace(threshold=threshold) for one in sources),
        wanted=by_verdict(Wanted(fields, (), frozenset(needed)), threshold),
        system=None,
        json_schema=None,
        pydantic=None,
        narrative=None,
    )
