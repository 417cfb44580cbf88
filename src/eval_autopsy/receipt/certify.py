"""From a case to a receipt that has been verified before anyone sees it.

1. The receipt is made in a folder beside its place, never in its place.
2. It is verified there with the installed kernel. What does not hold is not kept.
3. It then takes the place of the receipt before it. A folder that holds anything else than a
   receipt is left alone, and said.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from eval_autopsy import __version__, columnar, kernel
from eval_autopsy.auditing import OF_LOGS, for_receipt
from eval_autopsy.case.load import Case
from eval_autopsy.columnar import Asked
from eval_autopsy.cubes import polars_cube
from eval_autopsy.discovery import search
from eval_autopsy.errors import CannotUse, DoesNotHold
from eval_autopsy.evidence import Evidence, Progress, gather, quiet, spec_of, subject_name
from eval_autopsy.experiments import exhibits, library
from eval_autopsy.experiments.exhibits import TWINS, Twins
from eval_autopsy.questions.counted import CountedCube, given
from eval_autopsy.questions.discover import Discovery
from eval_autopsy.questions.gap import gap_of
from eval_autopsy.questions.rates import check_scored, right_rate
from eval_autopsy.questions.silent import silent_of
from eval_autopsy.receipt.account import Account
from eval_autopsy.receipt.claims import Ledger
from eval_autopsy.receipt.story import tell
from eval_autopsy.receipt.verify import KNOWN, kernel_source
from eval_autopsy.warehoused import study_of_case

CUBE = "cube.json"
UNFIT = re.compile(r"[\\:\x00-\x1f\x7f]")  # in a name, which a receipt is to have on any system
ATTRIBUTES = b"* -text\n"  # no checkout may change a line ending in a receipt


class Certified(NamedTuple):
    """A receipt that holds, and what it was made of."""

    folder: Path
    evidence: Evidence
    cube: kernel.Cube
    verification: kernel.Verification


def certify(
    case: Case,
    base: Path,
    progress: Progress = quiet,
    seed: int | None = None,
    account: Account | None = None,
    twins: Twins | None = None,
    *,
    hypotheses: bool = True,
    from_library: bool | None = False,
) -> Certified:
    """Writes `base/receipts/<name>` and verifies it; what was there before stays on any failure.

    `account` says how far the investigation went, `twins` are the smallest inputs that it found.
    Without `hypotheses` those of the case are not tested, and the report says so. With
    `from_library` a case that has none gets those that the library of changes suggests, where
    production is worse than eval; None is where a call costs nothing and is quick.
    """
    started = time.monotonic()
    place = base / "receipts" / case.name
    restore(place)
    check_place(place)
    seed = case.file.seed if seed is None else seed
    judged = way_of(case)(case, base, progress, seed)
    evidence, cube = judged.evidence, judged.cube
    counted = evidence.spec["cube"] is not None
    untested = exhibits.untested(case, counted=counted, wanted=hypotheses)
    looked = None
    worse = gap_of(cube).interval[1] < 0
    if from_library is not False and not counted and exhibits.fits(case) and worse:
        asked = bool(from_library)
        looked = library.suggested(case, evidence, progress, seed, asked=asked)
        case = looked.case
        evidence = replace(evidence, notes=(*evidence.notes, *looked.notes()))
    if case.file.hypothesis and untested is None:
        held_out = looked.held_out if looked else frozenset[tuple[str, str]]()
        evidence = exhibits.varied(case, evidence, progress, seed, held_out)
        cube.varied = exhibits.counted(evidence)
    if twins is not None and not counted and exhibits.fits(case):
        evidence = exhibits.with_twins(case, evidence, twins, progress)
        rows = kernel.read_rows(io.BytesIO(evidence.made[TWINS]), TWINS, "jsonl")
        cube.twins = kernel.load_twins(evidence.spec, rows)
    story = tell(
        Ledger(cube, evidence.spec),
        judged.found,
        case.narrative,
        supervised=evidence.supervised,
        account=account,
        untested=untested,
        library=looked.mending if looked and looked.changes else None,
        graded=case.threshold is not None,
    )
    predicate = {
        "kernel": {
            "version": kernel.VERSION,
            "sha256": hashlib.sha256(kernel_source()).hexdigest(),
        },
        "case": case.name,
        "evidence": evidence.spec,
        "claims": story.claims,
        "findings": story.findings,
        "report": story.report,
        "envelope": envelope(
            seed,
            judged.records,
            time.monotonic() - started,
        ),
    }
    made = {
        **evidence.made,
        ".gitattributes": ATTRIBUTES,
        "verify.py": kernel_source(),
        "REPORT.md": kernel.Page(predicate, evidence.records, cube).render().encode("utf-8"),
    }
    made["receipt.json"] = statement(predicate, made, evidence.subjects)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{case.name}-", dir=place.parent) as beside:
        part = Path(beside)
        write(part, made)
        done = kernel.Verification(str(part), KNOWN).run()
        if done.verdict != "holds":
            raise DoesNotHold(
                "the receipt does not verify, and was not kept: "
                + "; ".join(f"{one.check} {one.where}: {one.found}" for one in done.failures[:3]),
                remedy="nothing was changed; report it with the case",
            )
        put(part, place)
        part.mkdir()  # for the temporary folder to remove
    return Certified(place, evidence, cube, done)


def way_of(case: Case) -> Callable[[Case, Path, Progress, int], Judged]:
    """How the records of a case are judged: where they are, in columns, or one by one."""
    if case.table is not None:
        return in_warehouse
    return in_columns if columnar.fits(case) else record_by_record


class Judged(NamedTuple):
    """What a receipt is told from."""

    evidence: Evidence
    cube: kernel.Cube
    found: Discovery | None
    records: int


def record_by_record(case: Case, base: Path, progress: Progress, seed: int) -> Judged:
    """The records of a case judged one by one, counted and searched."""
    gathered = gather(case, base, progress, seed=seed, beside=OF_LOGS)
    check_names(gathered.subjects)
    evidence = for_receipt(case, gathered)
    cube = polars_cube.count(evidence.spec, evidence.table)
    cube.pairs = evidence.pairs
    check_scored(cube, str(case.path))
    found = None
    if not _is_tabled(evidence):
        says = case.file.slices
        looked = search(evidence, cube, depth=says.depth, support=says.min_support, seed=seed)
        found = looked.discovery
    if cube.search is not None:
        evidence = replace(evidence, spec={**evidence.spec, "search": dict(cube.search.says)})
    return Judged(evidence, cube, found, len(evidence.records))


def _is_tabled(evidence: Evidence) -> bool:
    """Whether all slices have a table, whose p covers them: those of one field, unless its bands
    were chosen by what is right."""
    attributes = evidence.spec["attributes"]
    of_text = [one for one in attributes if not isinstance(one, str) and "of" in one]
    return len(attributes) < 2 and not of_text and not evidence.supervised


def in_columns(case: Case, base: Path, progress: Progress, seed: int) -> Judged:
    """Tables that are too long for that, counted as their rows stream by; the counts are kept."""
    says = case.file.slices
    asked = Asked(by=case.wanted.attributes, depth=says.depth, support=says.min_support, seed=seed)
    studied = columnar.study(case, asked, progress)
    origin = {one.name: digest_of(one.path) for one in case.sources}
    judged = of_counts(case, base, studied.cube, studied.specs, origin)
    evidence = replace(judged.evidence, set_aside=studied.set_aside, notes=studied.notes)
    return judged._replace(evidence=evidence, found=studied.discovery)


def in_warehouse(case: Case, base: Path, progress: Progress, seed: int) -> Judged:
    """A table that stays where it is, counted by the engine that holds it; the counts are kept."""
    says, table = case.file.slices, study_of_case(case)
    studied = table.study(
        case.wanted.attributes,
        depth=says.depth,
        min_support=says.min_support,
        seed=seed,
        progress=progress,
    )
    judged = of_counts(case, base, studied.cube, studied.specs, table.queries(studied))
    notes = (*studied.notes, *((studied.untested,) if studied.untested else ()))
    evidence = replace(judged.evidence, set_aside=studied.counted.set_aside, notes=notes)
    return judged._replace(evidence=evidence, found=None if studied.untested else studied.discovery)


def of_counts(
    case: Case, base: Path, cube: CountedCube, specs: Sequence[Any], origin: Mapping[str, Any]
) -> Judged:
    """What a receipt is told from that rests on counts of some `origin`."""
    check_scored(cube, str(case.path))
    records = sum(cube.count(split, "records", {}) for split in kernel.SPLITS)
    spec = {
        **spec_of(case),
        "attributes": list(specs),
        "search": dict(cube.search.says) if cube.search else None,
        "cube": {"file": CUBE, "records": records, "counted_from": dict(origin)},
    }
    kept = json.dumps(given(cube), ensure_ascii=False, separators=(",", ":"))
    evidence = Evidence(
        spec=spec,
        records=(),
        table=pl.DataFrame(),
        subjects={subject_name(case.path, base): case.path},
        made={CUBE: kept.encode("utf-8")},
        set_aside=(),
        notes=(),
    )
    return Judged(evidence, cube, None, records)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file of any size."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def to_dict(done: Certified) -> dict[str, Any]:
    """The JSON of `autopsy run`: the receipt, and the numbers it opens with."""
    page, guards = done.verification.page, done.evidence.spec["guards"]
    return {
        "receipt": str(done.folder),
        "verdict": done.verification.verdict,
        "eval": right_rate(done.cube, "eval", {}).to_dict(),
        "production": right_rate(done.cube, "production", {}).to_dict(),
        "gap": gap_of(done.cube).to_dict(),
        "silent": silent_of(done.cube, [guard["name"] for guard in guards]).to_dict(),
        "set_aside": [
            {"attribute": one.name, "reason": one.reason} for one in done.evidence.set_aside
        ],
        "notes": list(done.evidence.notes),
        "findings": [
            {key: one[key] for key in ("id", "kind", "severity", "strength")}
            | {"text": page.filled(one["text"])}
            for one in page.findings.values()
        ],
    }


def check_names(names: Iterable[str]) -> None:
    """Raises CannotUse for the name of a file that a receipt cannot hold."""
    for name in names:
        unfit = UNFIT.search(name)
        if unfit is not None:
            what = f"a receipt names this file, and its path has {unfit[0]!r} in it"
            remedy = "rename it, since not all systems can have such a name"
            raise CannotUse(what, where=repr(name.removeprefix("../../")), remedy=remedy)


def check_place(place: Path) -> None:
    """Raises CannotUse when a folder holds anything that is not of a receipt."""
    if not os.path.lexists(place):
        return
    remedy = "move it away, or rename the case"
    if place.is_symlink() or not place.is_dir():
        raise CannotUse("this is not a folder", where=str(place), remedy=remedy)
    try:
        before = json.loads((place / "receipt.json").read_bytes())
        names = {subject["name"] for subject in before["subject"]} | {"receipt.json"}
    except (OSError, ValueError, KeyError, TypeError):
        names = set()
    for path in sorted(place.rglob("*")):
        if not path.is_dir() and path.relative_to(place).as_posix() not in names:
            what = "the folder of the receipt holds a file that is not of the receipt"
            raise CannotUse(what, where=str(path), remedy=remedy)


def statement(
    predicate: Mapping[str, Any], made: Mapping[str, bytes], files: Mapping[str, Path]
) -> bytes:
    """The in-toto statement over all files, as JSON."""
    contents = {**made, **{name: path.read_bytes() for name, path in files.items()}}
    subjects = [
        {
            "name": name,
            "digest": {"sha256": hashlib.sha256(contents[name]).hexdigest()},
            "annotations": {"size": len(contents[name])},
        }
        for name in sorted(contents)
    ]
    whole = {
        "_type": kernel.STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": kernel.PREDICATE_TYPE,
        "predicate": predicate,
    }
    return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def envelope(seed: int, records: int, seconds: float) -> dict[str, str]:
    """When, where and with what a receipt was made; recorded, not verified."""
    when = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)
    return {
        "made at": when.isoformat().replace("+00:00", "Z"),
        "engine": f"eval-autopsy {__version__}",
        "kernel": kernel.VERSION,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": str(os.cpu_count() or "unknown"),
        "seed": str(seed),
        "records": str(records),
        "seconds": "not recorded" if "SOURCE_DATE_EPOCH" in os.environ else f"{seconds:.1f}",
    }


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        with open(folder / name, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def put(part: Path, place: Path) -> None:
    """Moves a finished receipt into its place; the one before it goes when that has worked."""
    part.chmod(0o755)
    old = before(place)
    shutil.rmtree(old, ignore_errors=True)
    try:
        if place.exists():
            place.rename(old)
        part.rename(place)
    except BaseException:  # also an interruption between the two
        restore(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def before(place: Path) -> Path:
    """Where the receipt before stands while the new one is moved to its place."""
    return place.with_name(f".{place.name}-before")


def restore(place: Path) -> None:
    """Puts the receipt before back, when a run was ended between the two moves."""
    if before(place).exists() and not place.exists():
        before(place).rename(place)
