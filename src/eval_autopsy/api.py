"""The command line's verbs for Python: `import eval_autopsy as autopsy`.

>>> import eval_autopsy as autopsy
>>> case = autopsy.open("examples/invoice-extraction")
>>> found = case.slices()
>>> found.production
Rate(k=345, n=400)
>>> [(one.where["shift_type"], one.wrong, one.silent) for one in found.cover]
[('reorder', 36, 36), ('verbose', 8, 8)]
>>> receipt = case.run()
>>> autopsy.verify(receipt.folder).verdict
'holds'
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, overload

from eval_autopsy import columnar, systems
from eval_autopsy.attributes import SetAside
from eval_autopsy.auditing import of_evidence
from eval_autopsy.case import audited
from eval_autopsy.case.load import FILE_NAME, Case, load, of_records
from eval_autopsy.case.sliced import by_itself, sliced_by
from eval_autopsy.case.unwritten import Said, Unwritten, guessed_fields, unwritten
from eval_autopsy.case.written import write
from eval_autopsy.columnar import Asked
from eval_autopsy.cubes import polars_cube
from eval_autopsy.discovery import search
from eval_autopsy.errors import BadCase
from eval_autopsy.evidence import Evidence, Progress, gather, quiet, spec_of
from eval_autopsy.experiments import shrink, study
from eval_autopsy.experiments.asking import Tell
from eval_autopsy.experiments.exhibits import Twins
from eval_autopsy.experiments.guarded import Guarded, rows_of
from eval_autopsy.experiments.stress import Stress
from eval_autopsy.questions import slices as question
from eval_autopsy.questions.audit import Audit, audit_of
from eval_autopsy.questions.doubt import contradicted, guess_in_doubt, one_sided
from eval_autopsy.questions.mining import mined
from eval_autopsy.questions.rates import check_scored
from eval_autopsy.questions.silent import silent_of
from eval_autopsy.receipt import certify
from eval_autopsy.receipt.account import Account
from eval_autopsy.table_slices import study_of_table
from eval_autopsy.warehoused import TableStudy, study_of_case

Paths = str | Path | Iterable[str | Path]


def _contradicted(case: Case, evidence: Evidence, found: question.Slices) -> str:
    """That a recorded score calls none or all right, and the answers do not; "" if not so."""
    fields = case.wanted.fields
    comparable = case.system is None and {"output", "expected", "score"} <= fields.keys()
    if not comparable or not (one_sided(found.eval) or one_sided(found.production)):
        return ""
    material = of_evidence(case, evidence)
    return contradicted(audit_of(material.judged, scorer=material.scorer, errors=material.errors))


def silent(text: str) -> None:
    """A plan that nobody reads."""


class Autopsy:
    """A comparison of eval and production that can be asked questions; an audit needs one alone."""

    def __init__(
        self, case: Case | Said, notes: Sequence[str] = (), *, written: bool = True
    ) -> None:
        self._given, self._notes = case, tuple(notes)
        self.written = written  # whether there is a case file, which a receipt rests on

    @cached_property
    def _described(self) -> Unwritten:
        """The case, and what was guessed; options describe one only when a question needs it."""
        if isinstance(self._given, Said):
            return unwritten(self._given)
        return Unwritten(self._given, self._notes)

    @property
    def asked(self) -> tuple[str, ...]:
        """The words of a command line that describe the same data; none for a case."""
        return tuple(self._given.words()) if isinstance(self._given, Said) else ()

    @property
    def case(self) -> Case:
        """What is compared. Raises BadCase when options describe no comparison."""
        return self._described.case

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed."""
        return self._described.notes

    def audit(self, *, progress: Progress = quiet) -> Audit:
        """Whether the scorer is right: its score beside others, and the records in doubt.

        Runs the system once, when the case names one. One set of records is enough.
        """
        if isinstance(self._given, Said):
            material = audited.of_options(self._given, progress)
        else:
            material = audited.of_case(of_records(self._given), progress)
        return audit_of(
            material.judged,
            scorer=material.scorer,
            errors=material.errors,
            sources=material.sources,
            notes=material.notes,
            progress=progress,
        )

    def slices(
        self,
        by: Sequence[str] = (),
        *,
        depth: int | None = None,
        min_support: int | None = None,
        seed: int | None = None,
        where: Mapping[str, object] | None = None,
        features: Iterable[str | Path] = (),
        members: bool = False,
        progress: Progress = quiet,
    ) -> question.Slices:
        """Where production is wrong, by each of some attributes, and by all of them together.

        `by` stands in place of the case's own attributes. Where neither names any, every field
        that can tell is taken: numbers in bands, times by hour, weekday and period, and rare
        values as another. The others are set aside with the reason. `where` keeps the records in
        which each of some fields has a value. `features` are Python files with features to add.
        Slices of up to `depth` attributes with at least `min_support` scored records of production
        are searched. Runs the system once, when the case names one. `members` keeps the ids of
        each slice.
        """
        if len(set(by)) < len(by):
            raise BadCase(f"an attribute is named twice in {', '.join(by)}", remedy="name it once")
        says = self.case.file
        seed = says.seed if seed is None else seed
        depth, min_support = depth or says.slices.depth, min_support or says.slices.min_support
        if self.case.table is not None:
            if features or members:
                what = "the case is of a table, and what only goes with files is asked as well"
                raise BadCase(what, remedy="leave out features and members")
            return study_of_case(self.case).slices(
                by or self.case.wanted.attributes,
                where=where,
                depth=depth,
                min_support=min_support,
                seed=seed,
                progress=progress,
            )
        if columnar.fits(self.case) and not features:
            asked = Asked(
                by=by or self.case.wanted.attributes,
                where=where,
                depth=depth,
                support=min_support,
                seed=seed,
            )
            return self._slices_in_columns(asked, members, progress)
        return self._judged(by, depth, min_support, seed, where, features, members, progress)[1]

    def _judged(
        self,
        by: Sequence[str],
        depth: int | None,
        min_support: int | None,
        seed: int,
        where: Mapping[str, object] | None,
        features: Iterable[str | Path],
        members: bool,
        progress: Progress,
    ) -> tuple[Evidence, question.Slices]:
        """The records of the case, judged one by one, and where production is wrong."""
        case, earlier = self._sliced(by)
        files = (*case.feature_files, *map(existing, features))
        case = replace(case, feature_files=files)
        # No receipt is made, so that files may lie anywhere.
        base = Path(Path(os.path.abspath(case.folder)).anchor)
        evidence = gather(case, base, progress, twice=False, where=where, seed=seed)
        cube = polars_cube.count(evidence.spec, evidence.table)
        cube.pairs = evidence.pairs
        check_scored(cube, ", ".join(source.name for source in case.sources))
        looked = search(
            evidence,
            cube,
            depth=depth,
            support=min_support,
            seed=seed,
        )
        found = question.slices_of(
            cube,
            evidence.spec,
            members=members,
            discovery=looked.discovery,
            supervised=evidence.supervised,
        )
        before = tuple(question.SetAside(*one) for one in (*earlier, *evidence.set_aside))
        known = {one.attribute for one in found.set_aside}
        alone = tuple(one for one in looked.set_aside if one.attribute not in known)
        aside = before + found.set_aside + alone
        logs = any(one.file.yields == "samples" for one in evidence.files)
        doubt = self._guess_in_doubt(found, logs) or _contradicted(case, evidence, found)
        return evidence, replace(found, set_aside=aside, notes=tuple(evidence.notes), doubt=doubt)

    def _guess_in_doubt(self, found: question.Slices, logs: bool) -> str:
        """That next to nothing is right by fields that were guessed; "" if not so."""
        if not isinstance(self._given, Said):
            return ""
        rates = {"eval": found.eval, "production": found.production}
        return guess_in_doubt(rates, guessed_fields(self.case, self._given, logs), {})

    def ablate(
        self,
        changes: Sequence[str] = (),
        *,
        files: Iterable[str | Path] = (),
        calls: int = study.CALLS,
        declared: bool = False,
        seed: int | None = None,
        progress: Progress = quiet,
        tell: Tell = silent,
    ) -> study.Varied:
        """What one change of the input does: what breaks right answers, what mends wrong ones.

        Tests the hypotheses of the case, then tries `changes`, or all whose right answer is known,
        on eval and on each failing slice. Runs the system on every input as it is, and at most
        `calls` times more. With `declared` only the hypotheses are tested. `files` bring changes of
        one's own. `tell` is told what is planned, before it is done.
        """
        how = study.How(
            changes=tuple(changes),
            files=tuple(map(existing, files)),
            calls=calls,
            declared=declared,
            seed=self.case.file.seed if seed is None else seed,
            now=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        study.check(of_records(self.case), how)
        evidence, found = self._judged((), None, None, how.seed, None, (), True, progress)
        with systems.opened(self.case, systems.journal_of(self.case), progress) as runner:
            return study.varied(self.case, evidence, found, runner, how, tell)

    def stress(
        self,
        changes: Sequence[str] = (),
        *,
        weights: Sequence[str] = (),
        files: Iterable[str | Path] = (),
        calls: int = study.CALLS,
        seed: int | None = None,
        progress: Progress = quiet,
        tell: Tell = silent,
    ) -> Stress:
        """The synthetic gap that would appear if inputs of eval were changed.

        Each record of eval is changed once, by one of `changes` or of all that keep the right
        answer, drawn by `weights` such as "typo=3". Runs the system at most `calls` times.
        """
        how = study.How(
            changes=tuple(changes),
            files=tuple(map(existing, files)),
            calls=calls,
            seed=self.case.file.seed if seed is None else seed,
        )
        study.check(of_records(self.case), how)
        with systems.opened(self.case, systems.journal_of(self.case), progress) as runner:
            return study.stress(self.case, runner, how, weights, tell)

    def shrink(
        self,
        id: str,  # noqa: A002  named after the field
        *,
        against: str = "",
        alone: bool = False,
        changes: Sequence[str] = (),
        files: Iterable[str | Path] = (),
        keep: Sequence[str] = (),
        calls: int = shrink.CALLS,
        seed: int | None = None,
        progress: Progress = quiet,
    ) -> shrink.Shrunk:
        """The smallest input that fails as a record does, and the smallest difference that matters.

        That is the difference to its passing twin: the record `against`, or the nearest one that is
        right; `alone` asks for none. With `changes` a right record fails when it is changed by
        all of them, and a wrong one is right then, which makes its twin. `keep` are texts that stay
        in the input. Runs the system on every input as it is, and on at most `calls` smaller ones.
        """
        how = shrink.How(
            id=id,
            against=against,
            alone=alone,
            changes=tuple(changes),
            files=tuple(map(existing, files)),
            keep=tuple(keep),
            calls=calls,
            seed=self.case.file.seed if seed is None else seed,
        )
        case = of_records(self.case)
        with systems.opened(case, systems.journal_of(case), progress) as runner:
            return shrink.shrunk(case, runner, how)

    def guards(
        self, *, mine: bool = False, seed: int | None = None, progress: Progress = quiet
    ) -> Guarded:
        """What each guard of the case does; with `mine`, guards that are learned from the records.

        Runs the system once, when the case names one.
        """
        case = of_records(self.case)
        case = replace(case, wanted=case.wanted._replace(attributes=()))
        seed = case.file.seed if seed is None else seed
        base = Path(Path(os.path.abspath(case.folder)).anchor)
        evidence = gather(case, base, progress, twice=False, seed=seed)
        cube = polars_cube.count(evidence.spec, evidence.table)
        names = [guard["name"] for guard in evidence.spec["guards"]]
        ledger = silent_of(cube, names)
        return Guarded(ledger, mined(rows_of(evidence, seed)) if mine else None)

    def _slices_in_columns(
        self, asked: Asked, members: bool, progress: Progress
    ) -> question.Slices:
        """The same of tables that are too long to look at record by record."""
        studied = columnar.study(self.case, asked, progress)
        check_scored(studied.cube, ", ".join(source.name for source in self.case.sources))
        spec = {**spec_of(self.case), "attributes": studied.specs}
        found = question.slices_of(
            studied.cube, spec, members=members, discovery=studied.discovery, examples=False
        )
        before = tuple(question.SetAside(*one) for one in studied.set_aside)
        doubt = self._guess_in_doubt(found, logs=False)
        aside = before + found.set_aside
        return replace(found, set_aside=aside, notes=studied.notes, doubt=doubt)

    def _sliced(self, by: Sequence[str] = ()) -> tuple[Case, tuple[SetAside, ...]]:
        """The case with the fields to slice by, and those that cannot be, with the reason."""
        if by:
            return sliced_by(self.case, by), ()
        says_nothing = self.case.file.slices.features is None
        if self.case.wanted.attributes or not says_nothing:
            return self.case, ()
        return by_itself(self.case)

    def in_writing(self, into: str | Path = ".") -> Autopsy:
        """The same with a case file, below `into/.autopsy` where there was none."""
        return self if self.written else Autopsy(load(write(self.case, Path(into), self.notes)))

    def run(
        self,
        into: str | Path = ".",
        *,
        seed: int | None = None,
        progress: Progress = quiet,
        account: Account | None = None,
        twins: Twins | None = None,
        hypotheses: bool = True,
        library: bool | None = None,
    ) -> certify.Certified:
        """The receipt of the case, verified, in `into/receipts/<name>`.

        Runs the system twice. `account` says how far an investigation went, `twins` are the
        smallest inputs that it found. Without `hypotheses` those of the case are not tested. With
        `library` a case that has none gets those that the library of changes suggests, which takes
        some hundreds of calls more; unless said otherwise where they are quick. A receipt rests
        on a case file: where there is none, `into/.autopsy/<name>` is given one.
        """
        study = self.in_writing(into)
        case, earlier = (study.case, ()) if study.case.table else study._sliced()
        done = certify.certify(
            case,
            Path(into),
            progress,
            seed,
            account,
            twins,
            hypotheses=hypotheses,
            from_library=library if hypotheses else False,
        )
        aside = (*earlier, *done.evidence.set_aside)
        return done._replace(evidence=replace(done.evidence, set_aside=aside))


@overload
def open(  # noqa: A001
    *paths: str | Path,
    eval: Paths = ...,
    production: Paths = ...,
    split: str = ...,
    id: str = ...,
    correct: str = ...,
    output: str = ...,
    expected: str = ...,
    scorer: str = ...,
    cluster: str = ...,
    confidence: str = ...,
    time: str = ...,
    threshold: str | float | Decimal = ...,
) -> Autopsy: ...


@overload
def open(  # noqa: A001
    *,
    table: Any,
    split: str = ...,
    correct: str = ...,
    id: str = ...,
    cluster: str = ...,
) -> TableStudy: ...


def open(  # noqa: A001  it is called as autopsy.open
    *paths: str | Path,
    table: Any = None,
    eval: Paths = (),  # noqa: A002  named after the split
    production: Paths = (),
    split: str = "",
    id: str = "",  # noqa: A002  named after the field
    correct: str = "",
    output: str = "",
    expected: str = "",
    scorer: str = "",
    cluster: str = "",
    confidence: str = "",
    time: str = "",
    threshold: str | float | Decimal = "",
) -> Autopsy | TableStudy:
    """What a case compares: of the current folder, of a folder or `autopsy.toml`, or of options.

    Data that has no case is named by `eval` and `production`, or by one path and the column
    `split`. What makes an answer right is a column of recorded scores, `correct`, or the columns
    `output` and `expected`, compared by `scorer`. Scores that are graded are right from `threshold`
    on. What is not named is guessed; `notes` says how.

    `table` is one that stays in its warehouse: an ibis table, or a URL. See docs/warehouse.md.
    """
    if table is not None:
        others = (*paths, eval, production, output, expected, scorer, confidence, time)
        if any(others) or str(threshold):
            what = "a table is named, and what only files have as well"
            raise BadCase(what, remedy="name its --split, --correct, --id and --cluster alone")
        return study_of_table(table, split=split, correct=correct, id=id, cluster=cluster)
    said = Said(
        paths=_paths(paths),
        eval=_paths(eval),
        production=_paths(production),
        split=split,
        id=id,
        correct=correct,
        output=output,
        expected=expected,
        scorer=scorer,
        cluster=cluster,
        confidence=confidence,
        time=time,
        threshold=str(threshold),
    )
    one = said.paths[0] if said.paths else Path()
    is_case = (one / FILE_NAME).is_file() or one.suffix == ".toml" or not said.paths
    if said == Said(paths=said.paths) and len(said.paths) < 2 and is_case:
        return Autopsy(load(one, tables=True))
    if said.paths and is_case:
        what = f"{one} is a case, and other data is named as well"
        raise BadCase(what, remedy="name the case alone, or data files and their columns")
    return Autopsy(said, written=False)


def existing(path: str | Path) -> Path:
    """A file that is there. Raises BadCase when it is not."""
    if not os.path.isfile(path):
        raise BadCase("there is no such file", where=str(path), remedy="name a Python file")
    return Path(path)


def _paths(given: Paths) -> tuple[Path, ...]:
    return (Path(given),) if isinstance(given, (str, Path)) else tuple(map(Path, given))
