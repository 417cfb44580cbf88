"""The first screen: what some files say, without a question being answered first.

1. It degrades and never stops while there is one record that can be read: without production it
   looks at the one set, without labels at what can be told without them.
2. A failed call, a failed grader and a sample that nobody scored are neither right nor wrong here;
   how many there are is said.
3. What the counts do not carry is said to be unknown, with how many records would settle it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eval_autopsy import kernel, verdicts
from eval_autopsy.auditing import OF_LOGS, of_evidence
from eval_autopsy.case.compared import Compared, Role, alone, compare
from eval_autopsy.case.found import Place, find, first_record, keys_of
from eval_autopsy.case.load import FILE_NAME, Case, load
from eval_autopsy.case.model import Guards
from eval_autopsy.case.nearest import nearest_formats
from eval_autopsy.case.sets import Look
from eval_autopsy.case.sliced import by_itself
from eval_autopsy.case.unwritten import Said, confidence_in, of_places, of_sets
from eval_autopsy.case.written import write
from eval_autopsy.cubes import polars_cube
from eval_autopsy.discovery import search
from eval_autopsy.errors import BadCase, CannotRead
from eval_autopsy.evidence import Evidence, Progress, gather, quiet
from eval_autopsy.questions.audit import Audit, audit_of
from eval_autopsy.questions.discover import CHANCE, Discovery
from eval_autopsy.questions.gap import Gap
from eval_autopsy.questions.pairs import Pairs, paired_interval
from eval_autopsy.questions.promise import Judged, promise_of
from eval_autopsy.questions.rates import Rate, right_rate
from eval_autopsy.questions.silent import silent_of
from eval_autopsy.questions.slices import levels_in, slices_of
from eval_autopsy.readers.intake import FileCount
from eval_autopsy.records import SPLITS, Record, Split
from eval_autopsy.screen import (
    FileSeen,
    FirstScreen,
    Paired,
    Unknown,
    Worse,
    next_steps,
    unknowns,
)

USUAL = Guards(no_exception=True, not_blank=True)  # what any pipeline notices by itself
SHOWN = 3  # slices


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
    said = replace(said, confidence=said.confidence or confidence_in(compared.sets))
    try:
        case, notes = of_sets(said, compared.sets, compared.joined)
    except BadCase as error:
        labelled = _labelled(compared, said, error.what)
        if labelled is None:
            return _without_labels(base, compared, error)
        return _of_compared(place, labelled, said, seed, progress, paths)
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


def _labelled(compared: Compared, said: Said, why: str) -> Compared | None:
    """The only set that can be judged, by itself; None where neither can."""
    if compared.comparison != "two-sets" or compared.sets.files is None:
        return None
    for split in SPLITS:
        one = alone(compared, split, why)
        try:
            of_sets(said, one.sets, one.joined)
        except BadCase:
            continue  # it cannot be judged either
        return one
    return None


def _gathered(case: Case, splits: Sequence[Split], progress: Progress) -> Evidence:
    # No receipt is made, so that files may lie anywhere.
    base = Path(Path(os.path.abspath(case.folder)).anchor)
    return gather(case, base, progress, twice=False, splits=splits, beside=OF_LOGS)


def _audit(case: Case, evidence: Evidence) -> Audit | None:
    """The audit of the same records; None where they have no output to score again."""
    if "expected" not in case.wanted.fields or not (case.system or "output" in case.wanted.fields):
        return None
    material = of_evidence(case, evidence)
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
    return replace(screen, cannot_conclude=tuple(unknowns(screen)), next=tuple(next_steps(screen)))


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
    return replace(screen, cannot_conclude=tuple(unknowns(screen)), next=tuple(next_steps(screen)))


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
    first = place.files[0]
    near = ", ".join(nearest_formats(keys_of(first)))
    begins = f"{first.name} begins with {first_record(first.path)}; the nearest formats are {near}"
    return FirstScreen(
        files=files,
        passed_over=place.passed_over,
        comparison=None,
        why="no file holds records with an input, an output or a score",
        name=", ".join(map(str, paths)),
        cannot_conclude=(Unknown("anything", f"records with an input and an output: {begins}"),),
    )
