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
from eval_autopsy.case.compared import Compared, Role, alone, compare, declared
from eval_autopsy.case.found import Place, find, first_record, keys_of
from eval_autopsy.case.load import FILE_NAME, Case, load
from eval_autopsy.case.nearest import nearest_formats
from eval_autopsy.case.sets import Look
from eval_autopsy.case.sliced import by_itself
from eval_autopsy.case.unwritten import NO_VERDICT, Said, guessed_fields, of_sets, sets_of
from eval_autopsy.cubes import polars_cube
from eval_autopsy.discovery import search
from eval_autopsy.errors import BadCase, CannotRead
from eval_autopsy.evidence import Evidence, Progress, gather, quiet
from eval_autopsy.questions.audit import Audit, audit_of
from eval_autopsy.questions.discover import CHANCE, Discovery
from eval_autopsy.questions.gap import Gap
from eval_autopsy.questions.judged import digest
from eval_autopsy.questions.pairs import Pairs, paired_interval
from eval_autopsy.questions.promise import Judged, promise_of
from eval_autopsy.questions.rates import Rate, right_rate
from eval_autopsy.questions.silent import silent_of
from eval_autopsy.questions.slices import levels_in, slices_of
from eval_autopsy.readers.intake import FileCount
from eval_autopsy.readers.logs import Aside
from eval_autopsy.records import SPLITS, Record, Split
from eval_autopsy.screen import (
    FileSeen,
    FirstScreen,
    Paired,
    Unknown,
    Worse,
    links_words,
    next_steps,
    unknowns,
)

SHOWN = 3  # slices
ASIDE_NAMED = 100  # records of a file


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
    if said is not None and said.sets_named:
        paths = [Path(place) for place in places]
        named = declared(sets_of(replace(said, paths=tuple(paths))))
        return _of_compared(Place(files=(), passed_over=0), named, said, seed, progress, paths)
    place = find(paths)
    compared = compare(place.files)
    if compared is None:
        return _nothing(place, paths)
    return _of_compared(place, compared, said or Said(), seed, progress, paths)


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
            _such_as(count.aside),
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
    base = _told(base, evidence, case, progress)
    evidence = replace(evidence, records=())
    return _judged(base, evidence, seed)


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
        links=place.links,
        comparison=compared.comparison,
        why=compared.sets.why,
        also=compared.others,
        name=", ".join(role.found.name for role in compared.roles if _is_set(role)),
        asked=tuple(replace(said, paths=tuple(paths)).words()),
    )
    having = _with_named_fields(compared, said)
    if having is not None:
        paths = [look.file.path for look in having.sets.looks()]
        fields = replace(said, eval=(), production=())
        return _of_compared(place, having, fields, seed, progress, paths)
    try:
        case, notes = of_sets(said, compared.sets, compared.joined)
    except BadCase as error:
        labelled = _labelled(compared, said, error.what)
        if labelled is None:
            return _without_labels(base, compared, error)
        return _of_compared(place, labelled, said, seed, progress, paths)
    split: Sequence[Split] = ("production",) if compared.comparison == "one-set" else SPLITS
    case, _ = by_itself(case)
    evidence = _gathered(case, split, progress)
    names = (source.name for source in case.sources)
    counts = dict(zip(names, evidence.files, strict=True))
    base = replace(
        base,
        files=_seen(compared.roles, counts),
        case=case,
        guards_assumed=True,
        notes=notes,
        guessed=guessed_fields(
            case, said, any(look.file.yields == "samples" for look in compared.sets.looks())
        ),
        reconciled=tuple(
            (name, one) for name, count in counts.items() for one in count.said.reconciled
        ),
        needs=tuple(
            f"{name}: {one.what} ({one.where})"
            for name, count in counts.items()
            for one in count.said.needs
            if not any(join.matched for join in count.joins)
        ),
        attempts={name: count.attempts for name, count in counts.items() if count.attempts},
    )
    base = _told(base, evidence, case, progress)
    # What follows is told from the table, and needs the memory that the records have.
    evidence = replace(evidence, records=())
    return _judged(base, evidence, seed)


def _with_named_fields(compared: Compared, said: Said) -> Compared | None:
    """The set that alone has a field which an option names, by itself; None where both have it.

    A field that neither has is misspelled, which is an error when it is read.
    """
    files = compared.sets.files
    if compared.comparison == "one-set" or files is None:
        return None
    for option in ("id", "correct", "output", "expected"):
        name = getattr(said, option)
        having = [split for split in SPLITS if any(_has(look, name) for look in files[split])]
        if name and len(having) == 1:
            other = next(split for split in SPLITS if split not in having)
            return alone(compared, having[0], f"no record of {other} has {name!r} (--{option})")
    return None


def _has(look: Look, name: str) -> bool:
    """Whether one of the first records of a file has a field."""
    return any(kernel.field(row, name) is not kernel.MISSING for row in look.rows)


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


def _changing(evidence: Evidence, case: Case) -> Iterator[Unknown]:
    """The files that changed while they were read."""
    for source, count in zip(case.sources, evidence.files, strict=True):
        if count.changed:
            what = f"what {source.name} holds by now: it changed while it was read"
            yield Unknown(what, "the file once it is whole, or a copy of it")


def _audit(case: Case, evidence: Evidence, progress: Progress) -> Audit | None:
    """The audit of the same records; None where they have no output to score again."""
    if "expected" not in case.wanted.fields or not (case.system or "output" in case.wanted.fields):
        return None
    material = of_evidence(case, evidence)
    return audit_of(
        material.judged, scorer=material.scorer, errors=material.errors, progress=progress
    )


def _is_set(role: Role) -> bool:
    return role.role not in ("scores", "summary", "left out", "not readable")


def _seen(roles: Iterable[Role], counts: Mapping[str, FileCount]) -> tuple[FileSeen, ...]:
    """The files as they are shown; `counts` is what was read of those that are compared."""
    return tuple(_file_seen(one, counts.get(one.found.name)) for one in roles)


def _file_seen(role: Role, count: FileCount | None) -> FileSeen:
    found = role.found
    look: Look | None = found.look
    records = len(look.rows) if look is not None and look.whole else None
    aside = look.aside if look is not None else ()
    if count is not None:
        records, aside = count.records, count.aside
    return FileSeen(
        found.name, found.format, role.role, records, len(aside), role.why, _such_as(aside)
    )


def _such_as(aside: Sequence[Aside]) -> tuple[str, ...]:
    """The first of the records that were set aside: where each is, and the reason."""
    return tuple(one.words() for one in aside[:ASIDE_NAMED])


# What the records say


def _told(base: FirstScreen, evidence: Evidence, case: Case, progress: Progress) -> FirstScreen:
    """The screen with what is told from the records one by one."""
    alone = base.comparison == "one-set"
    confident = (_with_confidence(evidence, split) for split in SPLITS)
    return replace(
        base,
        unscored=_unscored(case, evidence),
        no_numbers=_no_numbers(case, evidence),
        threshold=case.threshold.words if case.threshold else "",
        compared=len(evidence.records),
        audit=_audit(case, evidence, progress),
        cannot_conclude=tuple(_changing(evidence, case)),
        paired=_paired(evidence) if base.comparison == "paired" else None,
        repeated=_repeated(evidence) if base.comparison == "two-sets" else None,
        calibration=None if alone else promise_of(*confident),
    )


def _no_numbers(case: Case, evidence: Evidence) -> dict[str, Mapping[str, int]]:
    """For each file with such, how many values of its columns are NaN or infinite."""
    files = zip(case.sources, evidence.files, strict=True)
    return {one.name: count.said.no_numbers for one, count in files if count.said.no_numbers}


def _judged(base: FirstScreen, evidence: Evidence, seed: int) -> FirstScreen:
    """The screen with what is counted of all records together."""
    cube = polars_cube.count(evidence.spec, evidence.table)
    counted = {split: cube.count(split, "counted", {}) for split in SPLITS}
    if base.comparison == "one-set" and counted["production"]:
        return _one_set(base, evidence, cube, seed)
    for split, n in counted.items():
        if not n:
            unknown = Unknown(f"whether answers of {split} are right", "a score for each record")
            unknown_too = (*base.cannot_conclude, unknown)
            return replace(base, cannot_conclude=unknown_too, paired=None, calibration=None)
    looked = search(evidence, cube, seed=seed)
    slices = slices_of(cube, evidence.spec, discovery=looked.discovery)
    gap, paired = slices.gap, base.paired
    if paired is not None and paired.pairs.difference is not None:
        gap = Gap(paired.pairs.difference, paired_interval(paired.pairs))
    screen = replace(
        base,
        eval=slices.eval,
        production=slices.production,
        gap=gap,
        slices=slices,
        searched=slices.searched,
        silent=slices.silent if slices.silent.guards else None,
    )
    return _concluded(screen)


def _concluded(screen: FirstScreen) -> FirstScreen:
    """The screen with what remains unknown, and what may come next."""
    unknown = (*screen.cannot_conclude, *unknowns(screen))
    return replace(screen, cannot_conclude=unknown, next=tuple(next_steps(screen)))


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
    return _concluded(screen)


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
        Judged(record.confidence, right, record.unit)
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


def _repeated(evidence: Evidence) -> Rate | None:
    """How many records of production are those of eval; None when it is not all of them.

    They are the same when their ids are, and all that is known of them is: an answer alone is often
    the same by chance.
    """
    before = {one.id: one for one in evidence.records if one.split == "eval"}
    after = [one for one in evidence.records if one.split == "production"]
    same = (one.id in before and _known(one) == _known(before[one.id]) for one in after)
    texts = (value is not kernel.MISSING for one in after for value in (one.input, one.output))
    return Rate(len(after), len(after)) if any(texts) and all(same) else None


def _known(record: Record) -> tuple[object, ...]:
    return record.input, record.output, record.score, record.error, record.attributes


def _by_task(evidence: Evidence, split: str, part: str) -> Iterator[tuple[bytes, bool]]:
    for record, right in _judgements(evidence, split):
        value = getattr(record, part)
        if value is not kernel.MISSING:
            yield digest(kernel.canonical(value)), right


# What can be said with less


def _without_labels(base: FirstScreen, compared: Compared, error: BadCase) -> FirstScreen:
    """What is there, when nothing says which answers are right."""
    what = error.what
    if not what.startswith(NO_VERDICT):
        what = f"which answers are right: {what}"
    unknown = Unknown(what, error.remedy, remedy=error.remedy)
    needs = tuple(
        f"{look.name}: {one.what} ({one.where})"
        for look in compared.sets.looks()
        for one in (look.said.needs if look.said else ())
    )
    return replace(base, cannot_conclude=(unknown,), needs=needs)


def _no_data(place: Place, where: str) -> CannotRead:
    """Why nothing can be looked at: there is nothing, or nothing but links and files of code."""
    many = place.passed_over
    remedy = "name a file, or see `autopsy formats` for what is read"
    if place.links:
        what = f"{links_words(place.links)}, and there is no other data"
        return CannotRead(what, where=where, remedy="name the files that they lead to")
    among = f", among {many:,} file{'s' * (many != 1)}" if many else ": there are no files"
    if place.closed:
        more = f" and {len(place.closed) - SHOWN:,} more" if len(place.closed) > SHOWN else ""
        among += f"; not gone into: {', '.join(place.closed[:SHOWN])}{more}"
        remedy = "name a file or such a folder itself"
    return CannotRead(f"there is no data that can be read{among}", where=where, remedy=remedy)


def _nothing(place: Place, paths: Sequence[Path]) -> FirstScreen:
    """What was found where no file holds records."""
    if not place.files:
        where = ", ".join(map(str, paths))
        raise _no_data(place, where)
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
        links=place.links,
        comparison=None,
        why="no file holds records with an input, an output or a score",
        name=", ".join(map(str, paths)),
        cannot_conclude=(Unknown("anything", f"records with an input and an output: {begins}"),),
    )
