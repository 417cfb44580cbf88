"""Each tampering comes to the verdict that it says, and only the check that it names fires."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import kernel
from eval_autopsy.receipt.prove import Bench
from eval_autopsy.receipt.tampers.copies import Copy
from eval_autopsy.receipt.tampers.vectors import EDITS, HERE, REDO, Tamper, listed

from . import made
from .conftest import Benches

TAMPERS = listed()


def edits_of(tamper: Tamper) -> list[Any]:
    return [*tamper.edits, *tamper.then]


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.id)
def test_a_tampering_is_caught_by_its_check_alone(tamper: Tamper, bench: Benches) -> None:
    names = ["invoice", "hypotheses"] if tamper.rerun else list(made.RECEIPTS)
    outcomes = {name: bench(name).tried(tamper) for name in names}
    assert {name: one.said for name, one in outcomes.items() if one.escaped} == {}
    reasons = {name: one.reason for name, one in outcomes.items()}
    assert any(one.good for one in outcomes.values()), reasons


@pytest.mark.parametrize("check", kernel.CHECKS)
def test_every_check_has_a_tampering_that_no_other_check_notices(check: str) -> None:
    alone = [one.id for one in TAMPERS if one.check == check and not one.also and not one.accepted]
    assert len(alone) >= 2


@pytest.mark.parametrize(
    ("what", "tamper"),
    [
        ("change a data row", "row-changed"),
        ("delete a data row", "row-deleted"),
        ("duplicate a data row", "row-repeated"),
        ("reorder data rows", "rows-swapped"),
        ("add a data row", "row-added"),
        ("one byte of data and nothing else", "one-bit-of-eval-at-50"),
        ("one value of data and its digest", "row-changed-rehashed"),
        ("a number in the summary", "report-summary-digit"),
        ("a number in a table cell", "report-table-digit"),
        ("a number in a heading", "report-heading-number"),
        ("a number in words", "report-number-in-words"),
        ("delete a sentence with a number", "report-sentence-deleted"),
        ("a claim's value", "claim-value-of-rate"),
        ("a claim's derivation", "claim-derivation-changed"),
        ("a claim's format", "hole-format-changed"),
        ("drop a claim", "claim-dropped"),
        ("the stored text to match a changed report", "text-ascii-digit"),
        ("a verify.py that always succeeds", "kernel-always-succeeds-and-named"),
        ("the extractor", "system-changed"),
        ("swap eval and production", "evidence-splits-swapped"),
        ("a subject outside the repository", "manifest-path-above"),
        ("symlink a subject", "folder-symlink-for-production"),
    ],
)
def test_there_is_a_tampering_that_must_be_caught_for(what: str, tamper: str) -> None:
    (found,) = [one for one in TAMPERS if one.id == tamper]
    assert found.verdict in ("does-not-hold", "cannot-check"), what


def test_a_tampering_has_one_id_and_a_class_one_file() -> None:
    twice = [name for name, n in Counter(one.id for one in TAMPERS).items() if n > 1]
    assert twice == []
    classes = [json.loads(path.read_text("utf-8"))["class"] for path in HERE.glob("*.json")]
    assert len(set(classes)) == len(classes)


def test_the_vocabulary_is_closed_and_all_of_it_is_used() -> None:
    edits = {edit["edit"] for one in TAMPERS for edit in edits_of(one)}
    assert edits | {"nudge"} == set(EDITS)
    assert {name for one in TAMPERS for name in one.redo} == set(REDO)


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.id)
def test_a_tampering_gives_its_edits_what_they_take(tamper: Tamper) -> None:
    assert tamper.comment
    assert tamper.flags
    assert edits_of(tamper)
    for edit in edits_of(tamper):
        options = {key: value for key, value in edit.items() if key != "edit"}
        inspect.signature(EDITS[edit["edit"]]).bind(None, **options)


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.id)
def test_a_tampering_expects_what_a_kernel_can_say(tamper: Tamper) -> None:
    assert tamper.verdict in ("holds", "does-not-hold", "cannot-check")
    assert (tamper.check == "") == tamper.accepted
    assert {tamper.check, *tamper.also} <= {"", *kernel.CHECKS}
    assert tamper.check not in tamper.also


@pytest.mark.parametrize("name", list(made.RECEIPTS))
def test_an_untouched_copy_of_a_receipt_holds(name: str, bench: Benches) -> None:
    found = bench(name)
    assert judged(found, Copy(found.original)) == ("holds", set())


def judged(bench: Bench, copy: Copy) -> tuple[str, set[str]]:
    with bench.written(copy) as folder:
        found = bench.judged(folder, rerun=False)
    return found.verdict, set(found.checks)


@pytest.mark.parametrize("file", ["REPORT.md", "verify.py", "@production"])
def test_a_tampered_copy_is_put_back_for_the_next(file: str, bench: Benches) -> None:
    found = bench("graded")
    copy = Copy(found.original)
    EDITS["flip"](copy, file=file, at=0.5)
    assert judged(found, copy)[0] == "does-not-hold"
    assert judged(found, Copy(found.original)) == ("holds", set())


@pytest.mark.parametrize("name", ["../../../../outside.txt", "/outside.txt"])
def test_a_copy_is_never_written_outside_of_its_folder(
    name: str, bench: Benches, tmp_path: Path
) -> None:
    copy = Copy(bench("graded").original)
    copy.write(name, b"outside")
    root = tmp_path / "root"
    with pytest.raises(ValueError, match="leads out of the folder"):
        copy.put(root / "case" / "receipts" / "graded", root)
    assert not (tmp_path / "outside.txt").exists()
