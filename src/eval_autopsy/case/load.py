"""From `autopsy.toml` to a case: parsed, checked, with every file that it names in place."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eval_autopsy import features, kernel, registry
from eval_autopsy.case.lines import line_of
from eval_autopsy.case.model import KINDS, Bands, CaseFile, Data, Hypothesis, Scorer, System
from eval_autopsy.case.table import InWarehouse, holds_secret, only_of_files
from eval_autopsy.case.words import fault_of, said
from eval_autopsy.errors import BadCase
from eval_autopsy.readers.opened import open_file
from eval_autopsy.readers.record_files import are_records, files_in
from eval_autopsy.readers.sources import Source, SplitColumn, Wanted
from eval_autopsy.readers.thresholds import Threshold

FILE_NAME = "autopsy.toml"
SIZE_LIMIT = 2**20  # bytes of a case file
OUR_SCORERS = ("exact_match", "normalized", "numeric", "recorded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A name in a Python file: the system under test, or a pydantic model."""

    file: Path
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case that can be worked on: what the file says, and the files that it names."""

    path: Path  # of autopsy.toml
    folder: Path
    file: CaseFile
    scorer: Scorer  # the one of the file, or the only one that its fields allow
    sources: tuple[Source, ...]  # in the order of the file: eval, then production
    wanted: Wanted  # what to take from each row
    system: Entry | None  # a Python function; the other kinds stand in `file` alone
    json_schema: Path | None
    pydantic: Entry | None
    narrative: Path | None
    features: tuple[str, ...] = ()  # of the texts of inputs and outputs, to slice by
    feature_files: tuple[Path, ...] = ()  # that bring features of the user's own
    bands: Mapping[str, Bands] = field(default_factory=dict)  # by field; the others are as they are
    times: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by field, the parts
    perturbation_files: tuple[Path, ...] = ()  # that bring changes of the user's own
    guessed: bool = False  # whether nobody asked for the fields to slice by
    table: InWarehouse | None = None  # that stays where it is; then there are no sources

    @property
    def name(self) -> str:
        """The name of the case, which its receipt's folder has too."""
        return self.file.name

    @property
    def threshold(self) -> Threshold | None:
        """From where on the score is right; None where it is no graded one."""
        return self.sources[0].threshold if self.sources else None


def load(path: Path, *, eval_alone: bool = False, tables: bool = False) -> Case:
    """The case of an `autopsy.toml`, or of a folder that has one. Raises BadCase.

    With `eval_alone` it may have no production, and with `tables` it may be of a table that stays
    in its warehouse, of which there are counts and no records.
    """
    path = _case_file(path)
    case = _Loader(path, _text(path), eval_alone).case()
    return case if tables else of_records(case)


def of_records(case: Case) -> Case:
    """The same case. Raises BadCase for one of a table that stays in its warehouse."""
    if case.table is not None:
        what = "this case is of a table that stays in its warehouse, and its records are needed"
        remedy = "of a table there are `autopsy slices`, `run` and `verify --recount`"
        raise BadCase(what, where=str(case.path), remedy=remedy)
    return case


def parse(text: str, path: Path) -> Case:
    """The case of a text that is meant for `path`. Raises BadCase."""
    return _Loader(path, text).case()


def check_hypothesis(one: Hypothesis, *, files: bool) -> None:
    """Raises BadCase for a change that nobody has, or that is to break and to spare.

    With `files` of the user's own, which changes there are is not known before they are run.
    """
    for name in (*one.breaks, *one.spares, *one.mends):
        if not files and name not in registry.perturbations.names():
            raise registry.perturbations.unknown(name)
    both = [*{*one.breaks} & {*one.spares}]
    if both:
        what = f"the hypothesis {one.statement!r} has {both[0]!r} in breaks and in spares"
        raise BadCase(what, remedy="name it in one of them")
    if not {*one.fields} <= {*one.breaks}:
        name = min({*one.fields} - {*one.breaks})
        what = f"the hypothesis {one.statement!r} has fields of {name!r}, not in breaks"
        raise BadCase(what, remedy="name the change in breaks too")


def _case_file(path: Path) -> Path:
    if os.path.isdir(path):
        path = path / FILE_NAME
        if not os.path.isfile(path):
            remedy = f"run `autopsy init {path.parent}`, which proposes one"
            made = sorted(one.parent for one in path.parent.glob(f".autopsy/*/{FILE_NAME}"))
            if made:  # of data alone, by `autopsy run`
                remedy += f", or name the one that was made of the data: {made[0]}"
            raise BadCase(f"there is no {FILE_NAME}", where=str(path.parent), remedy=remedy)
    if path.suffix != ".toml" and os.path.isfile(path):
        remedy = f"name {FILE_NAME} or the folder that has it"
        raise BadCase("this is not a case file", where=str(path), remedy=remedy)
    return path


def _text(path: Path) -> str:
    with open_file(path, str(path)) as stream:
        raw = stream.read(SIZE_LIMIT + 1)
    if len(raw) > SIZE_LIMIT:
        raise BadCase("a case file of more than 1 MiB", where=str(path), remedy="shorten it")
    try:
        return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        what = f"byte {raw[error.start]:#04x} is not UTF-8"
        remedy = "save the file as UTF-8"
        raise BadCase(what, where=f"{path}:{line}", remedy=remedy) from None


class _Loader:
    """Works on one text; every error names the line that it is about."""

    def __init__(self, path: Path, text: str, eval_alone: bool = False) -> None:
        self.path, self.text, self.eval_alone = path, text, eval_alone
        self.folder = path.parent
        self.said: dict[str, Any] = self._parsed()

    def case(self) -> Case:
        try:
            file = CaseFile.model_validate(self.said)
        except ValidationError as error:
            fault = fault_of(error)
            raise self.bad(fault.what, fault.remedy, *fault.path) from None
        scorer = self._scorer(file)
        self._check_evidence(file, scorer)
        self._check_slices(file)
        self._check_hypotheses(file)
        guards = file.guards
        schema = guards.json_schema
        return Case(
            path=self.path,
            folder=self.folder,
            file=file,
            scorer=scorer,
            sources=tuple(
                one._replace(threshold=threshold_of(scorer, file.fields.parts()))
                for one in (() if file.data.table or file.data.table_env else self._sources(file))
            ),
            table=self._table(file),
            wanted=_wanted(file, scorer),
            system=self._system(file.system) if file.system else None,
            json_schema=self._existing(schema, "guards", "json_schema") if schema else None,
            pydantic=self._entry(guards.pydantic, "guards", "pydantic")
            if guards.pydantic
            else None,
            narrative=self._existing(file.narrative, "narrative") if file.narrative else None,
            features=self._features(file),
            feature_files=tuple(
                self._existing(name, "slices", "features_file")
                for name in file.slices.features_file
            ),
            bands=file.slices.bands,
            times=file.slices.times,
            perturbation_files=tuple(
                self._existing(name, "perturbations", "files") for name in file.perturbations.files
            ),
        )

    def bad(self, what: str, remedy: str, *path: str) -> BadCase:
        """An error about the key at `path`, or about the file when the key is not there."""
        for length in range(len(path), 0, -1):
            line = line_of(self.text, path[:length])
            if line is not None:
                return BadCase(what, where=f"{self.path}:{line}", remedy=remedy)
        return BadCase(what, where=str(self.path), remedy=remedy)

    def _parsed(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error))
            what, line, column = match.groups() if match else (str(error), self._end(), "1")
            raise BadCase(
                f"not TOML: {what[:1].lower()}{what[1:]} at column {column}",
                where=f"{self.path}:{line}",
                remedy="put texts in quotes, and each key on a line of its own",
            ) from None

    def _end(self) -> str:
        return str(self.text.count("\n") + 1)

    # What does not fit together

    def _system(self, system: System) -> Entry | None:
        """The Python function of a system that is one. Raises BadCase for what cannot be run."""
        known = (*KINDS, "use")
        named = [kind for kind in known if getattr(system, kind) is not None]
        if len(named) != 1:
            what = f"[system] names {' and '.join(named) or 'no system'}, expected one of "
            what += ", ".join(known)
            raise self.bad(what, "keep the one that is under test", "system")
        of = {"interpreter": "python", "mode": "command", "options": "use"}
        for key, kind in of.items():
            if key in system.model_fields_set and named != [kind]:
                what = f"{key!r} in [system] is for {kind}, and the system is {named[0]}"
                raise self.bad(what, "remove it", "system", key)
        if system.cost_limit is not None and system.prices is None:
            what = "[system] has a cost_limit, and no prices to hold against it"
            remedy = "add prices, such as { call = 0.01 } or { input = 3, output = 15 }"
            raise self.bad(what, remedy, "system", "cost_limit")
        for name in system.files:
            self._existing(name, "system", "files")
        return self._entry(system.python, "system", "python") if system.python else None

    def _scorer(self, file: CaseFile) -> Scorer:
        """The scorer of the file; with recorded scores alone there is only one that can be."""
        parts = file.fields.parts()
        only_scores = file.system is None and "output" not in parts
        default = "recorded" if only_scores and "score" in parts else "exact_match"
        scorer = file.scorer or Scorer(name=default)
        known: tuple[str, ...] = OUR_SCORERS
        if scorer.name not in known:
            known = tuple(dict.fromkeys([*known, *registry.scorers.names()]))
        if scorer.name not in known:
            near = difflib.get_close_matches(scorer.name, known, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else "name one of them"
            what = f"there is no scorer {scorer.name!r}, expected {', '.join(known)}"
            raise self.bad(what, remedy, "scorer", "name")
        if scorer.tolerance is not None and scorer.name != "numeric":
            what = f"the scorer {scorer.name!r} takes no tolerance"
            raise self.bad(what, "name the scorer 'numeric', or remove it", "scorer", "tolerance")
        if scorer.threshold is not None and scorer.name != "recorded":
            what = f"the scorer {scorer.name!r} takes no threshold"
            raise self.bad(what, "name the scorer 'recorded', or remove it", "scorer", "threshold")
        return scorer

    def _check_evidence(self, file: CaseFile, scorer: Scorer) -> None:
        """Raises BadCase unless there is something to score, and what the scorer needs."""
        fields = file.fields.parts()
        if file.system is None and not {"output", "score"} & {*fields}:
            what = "nothing says what the outputs are"
            remedy = (
                'add [system] with python = "file.py:function" to run it, or under [fields] '
                'name the recorded output, or the recorded score with scorer "recorded"'
            )
            raise self.bad(what, remedy, "fields")
        if file.system is None and fields.get("output") == fields.get("expected", "expected"):
            what = f"the field {fields['output']!r} is named both as output and as expected"
            raise self.bad(what, "name the field that holds the right answers", "fields", "output")
        if file.system is not None and "input" not in fields:
            what = "[system] is to be run, and no field is named as its input"
            raise self.bad(what, "name the field as input under [fields]", "fields")
        if scorer.name == "recorded" and "score" not in fields:
            what = "the scorer is 'recorded', and no field is named as the score"
            raise self.bad(what, "name the field as score under [fields]", "scorer", "name")
        if scorer.name != "recorded" and file.system is None and "output" not in fields:
            what = f"the scorer {scorer.name!r} needs outputs, and only scores are named"
            remedy = "name the scorer 'recorded', or the field of the output under [fields]"
            raise self.bad(what, remedy, "scorer", "name")

    def _check_slices(self, file: CaseFile) -> None:
        """Raises BadCase for a field that is to be sliced by in two ways, or cannot be named."""
        tables = {table: list(getattr(file.slices, table)) for table in ("by", "bands", "times")}
        seen: dict[str, str] = {}
        for table, names in tables.items():
            for name in names:
                if name in seen:
                    what = f"the field {name!r} is named in {seen[name]} and in {table}"
                    raise self.bad(what, "name it in one of them", "slices", table)
                seen[name] = table
                try:
                    kernel.attribute_name(name)
                except kernel.Unreadable as error:
                    raise self.bad(error.what, "rename the field", "slices", table) from None

    def _check_hypotheses(self, file: CaseFile) -> None:
        """Raises BadCase for a hypothesis that cannot be tried."""
        for one in file.hypothesis:
            try:
                check_hypothesis(one, files=bool(file.perturbations.files))
            except BadCase as error:
                raise self.bad(error.what, error.remedy, "hypothesis") from None

    def _features(self, file: CaseFile) -> tuple[str, ...]:
        """The features to slice by: those asked for, or all when nothing is asked for at all.

        What a file of the user's own has is not known before the file is run.
        """
        slices = file.slices
        asked = slices.features
        if asked is None:
            asked = not (slices.by or slices.bands or slices.times or slices.features_file)
        if isinstance(asked, bool):
            return tuple(features.every_feature()) if asked else ()
        every, theirs = features.every_feature(), registry.features.names()
        for name in asked:
            kind = name.partition("(")[0]
            known = name in every or (kind in theirs and kind not in kernel.FEATURES)
            if not known and not slices.features_file:
                unknown = features.unknown(name)
                raise self.bad(unknown.what, unknown.remedy, "slices", "features")
        return asked

    # What it points to

    def _sources(self, file: CaseFile) -> tuple[Source, ...]:
        data = file.data
        sets = data.eval is not None and (data.production is not None or self.eval_alone)
        one = data.file is not None and data.split is not None
        if sets == one or (sets and any((data.file, data.split, data.splits))):
            what = "[data] names neither two sets of files nor one file with a split column"
            if sets:
                what = "[data] names two sets of files, and a file with a split column as well"
            remedy = "write eval and production, or file and split, or table and split"
            raise self.bad(what, remedy, "data")
        if one and (data.eval or data.production):
            what = "[data] names one file with a split column, and files of one split as well"
            raise self.bad(what, "write eval and production, or file and split", "data")
        if data.file is not None and data.split is not None:
            return self._one_file(file, data.file, data.split)
        named = [("eval", path) for path in data.eval or ()]
        named += [("production", path) for path in data.production or ()]
        twice = next((p for _, p in named if sum(p == other for _, other in named) > 1), None)
        if twice is not None:
            what = f"{twice!r} is named both as eval and as production"
            remedy = "name another file, or write file and split"
            raise self.bad(what, remedy, "data", "production")
        joined = tuple(self._existing(path, "data", "join") for path in data.join)
        return tuple(
            Source(
                self._existing(path, "data", split),
                split,  # type: ignore[arg-type]
                path,
                file.fields.others(split),
                joined,
                Path(path).name if data.prefix else "",
                data.set_aside,
                data.only,
                data.verdict_words,
                data.attempts,
            )
            for split, path in named
        )

    def _table(self, file: CaseFile) -> InWarehouse | None:
        """The table of a case of one; None of any other."""
        data = file.data
        if data.table is None and data.table_env is None:
            return None
        if data.table is not None and data.table_env is not None:
            what, remedy = "[data] has table and table_env", "keep one of them"
            raise self.bad(what, remedy, "data", "table_env")
        if data.table is not None and holds_secret(data.table):
            what = "the table's URL has a password or a key in it, which do not belong in a case"
            remedy = "put the URL in an environment variable, and name that as table_env"
            raise self.bad(what, remedy, "data", "table")
        if data.split is None:
            what = "[data] names a table, and not the column that says which set a row is of"
            raise self.bad(what, "name it as split", "data")
        for path in only_of_files(file):
            what = f"[data] names a table, and {path[-1]!r} in {path[0]} goes with files alone"
            raise self.bad(what, "take it out, or make a view with a column of it", *path)
        return InWarehouse(
            url=data.table or "",
            variable=data.table_env or "",
            split=data.split,
            values=self._values(data),  # type: ignore[arg-type]
        )

    def _values(self, data: Data) -> dict[str, Any]:
        """The value of the split column that stands for each split."""
        values = {"eval": "eval", "production": "production"}
        if data.splits is not None:
            values = {"eval": data.splits.eval, "production": data.splits.production}  # type: ignore[dict-item]
        if values["eval"] == values["production"]:
            what = f"both splits are {said(values['eval'])}"
            raise self.bad(what, "give each split a value of its own", "data", "splits")
        return values

    def _one_file(self, file: CaseFile, name: str, column: str) -> tuple[Source, ...]:
        values = self._values(file.data)
        path = self._existing(name, "data", "file")
        column_of = SplitColumn(column, values)  # type: ignore[arg-type]
        joined = tuple(self._existing(path, "data", "join") for path in file.data.join)
        if file.fields.others("eval") or file.fields.others("production"):
            what = "the records of one file have fields of several names"
            remedy = "name the fields of all records, or split the file"
            raise self.bad(what, remedy, "fields")
        data = file.data
        asked = data.set_aside, data.only, data.verdict_words, data.attempts
        return (Source(path, column_of, name, {}, joined, "", *asked),)

    def _existing(self, name: str, *key: str) -> Path:
        """The path of a named file, which must be there; a folder is not a file.

        Data may be a folder in which each JSON file is a record.
        """
        path = self.folder / name
        # os.path, because the methods of Path raise for a name that is too long.
        if os.path.isfile(path):
            return path
        if key[0] == "data" and os.path.isdir(path) and are_records(files_in(path)):
            return path
        what = f"there is no file {name!r}"
        if os.path.isdir(path):
            what = f"{name!r} is a folder, expected a file"
        here = sorted(os.listdir(path.parent)) if os.path.isdir(path.parent) else []
        near = difflib.get_close_matches(path.name, here, n=1)
        remedy = f"paths are relative to {self.folder}"
        if near and near[0] != path.name:
            remedy = f"did you mean {(Path(name).parent / near[0]).as_posix()!r}?"
        raise self.bad(what, remedy, *key)

    def _entry(self, text: str, *key: str) -> Entry:
        file, _, name = text.rpartition(":")
        return Entry(file=self._existing(file, *key), name=name)


def _wanted(file: CaseFile, scorer: Scorer) -> Wanted:
    """What to take from each row, and what no row may lack."""
    fields = file.fields.parts()
    required = {"id"}
    if scorer.name != "recorded":  # a record without a score is one that is not scored
        fields.setdefault("expected", "expected")
        required.add("expected")
    if file.system is not None:
        required.add("input")
    elif scorer.name != "recorded":
        required.add("output")
    slices = file.slices
    wanted = Wanted(fields, (*slices.by, *slices.bands, *slices.times), frozenset(required))
    return by_verdict(wanted, threshold_of(scorer, fields))


def threshold_of(scorer: Scorer, fields: Mapping[str, str]) -> Threshold | None:
    """What makes a verdict of the field that is the score; None where that is one already."""
    if scorer.threshold is None:
        return None
    return Threshold(fields["score"], scorer.threshold)


def by_verdict(wanted: Wanted, threshold: Threshold | None) -> Wanted:
    """What is wanted, with the verdict that a threshold makes in place of the score."""
    if threshold is None:
        return wanted
    fields = {**wanted.fields, "score": threshold.field}
    return wanted._replace(fields=fields, made_of={threshold.field: threshold.score})
