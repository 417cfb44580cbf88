"""Proving tampers with copies alone, says what escaped, and lets nothing wrong count as caught."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import kernel
from eval_autopsy.cli.main import main
from eval_autopsy.errors import DoesNotHold
from eval_autopsy.receipt import prove as proving
from eval_autopsy.receipt.prove import Outcome, Proof, prove
from eval_autopsy.receipt.tampers.vectors import Tamper, listed

from .conftest import Benches

MakeReceipt = Callable[[str], Path]


def tamper(name: str) -> Tamper:
    return next(one for one in listed() if one.id == name)


def few(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Leaves only some tamperings to be tried."""
    monkeypatch.setattr(proving, "listed", lambda: [tamper(name) for name in names])
    monkeypatch.setattr(proving, "generated", lambda original: [])


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """What lies below a folder, with the time of each change."""
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def proof(made_receipt: MakeReceipt, tmp_path_factory: pytest.TempPathFactory) -> Proof:
    """The proof of the smallest receipt; nothing but its temporary folder may change."""
    base = made_receipt("graded").parents[1]
    before, temporary = tree(base), tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        found = prove(made_receipt("graded"))
    assert tree(base) == before
    assert list(temporary.iterdir()) == []
    return found


def test_every_tampering_is_caught_and_nothing_of_the_receipt_changes(proof: Proof) -> None:
    assert [one.said for one in proof.escaped] == []
    assert proof.count().caught == proof.count().tampers > 600


def test_the_counts_of_the_classes_add_up(proof: Proof) -> None:
    counts, total = proof.classes().values(), proof.count()
    for name in ("tampers", "caught", "accepted", "escaped", "not_applicable"):
        assert sum(getattr(one, name) for one in counts) == getattr(total, name)
    tried = total.tampers + total.accepted + total.not_applicable
    assert tried == len(proof.outcomes)


def test_each_digit_of_the_report_is_changed_by_itself(
    proof: Proof, made_receipt: MakeReceipt
) -> None:
    report = (made_receipt("graded") / "REPORT.md").read_text(encoding="utf-8")
    digits = sum(char in "0123456789" for char in report)
    assert proof.count("every digit of the report").caught == digits > 100


def test_each_claim_has_its_value_changed(proof: Proof, made_receipt: MakeReceipt) -> None:
    receipt = json.loads((made_receipt("graded") / "receipt.json").read_bytes())
    count = proof.count("every claim's value")
    assert count.caught == count.tampers == len(receipt["predicate"]["claims"])


def test_what_has_no_place_says_why(proof: Proof) -> None:
    reasons = [one.reason for one in proof.outcomes if one.found is None]
    assert len(reasons) == proof.count().not_applicable > 0
    assert all(reasons)


def test_what_only_running_again_can_tell_is_not_run_unasked(proof: Proof) -> None:
    mine = [one for one in proof.outcomes if one.tamper.rerun]
    assert mine
    assert {one.reason for one in mine} == {"only --rerun can tell"}


@pytest.mark.parametrize(
    ("check", "names"),
    [
        ("layout", ["folder-with-json-py", "manifest-subject-repeated"]),
        ("subjects", ["last-line-end-removed", "folder-without-attributes"]),
        ("kernel", ["kernel-always-succeeds-and-named", "kernel-another-version"]),
        ("claims", ["row-changed-rehashed", "claim-unused"]),
        ("findings", ["finding-raised", "finding-shown-twice"]),
        ("text", ["text-arabic-digit", "text-word-half"]),
        ("report", ["report-summary-digit-rehashed", "prose-changed"]),
    ],
)
def test_a_kernel_without_a_check_lets_its_tamperings_escape(
    check: str, names: list[str], made_receipt: MakeReceipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel.Verification, check, lambda self: "not looked at")
    if check == "subjects":  # the others need what it reads
        monkeypatch.setattr(kernel.Verification, check, read_all)
    few(monkeypatch, *names)
    found = prove(made_receipt("invoice"))
    assert [(one.tamper.id, one.found.verdict) for one in found.escaped if one.found] == [
        (name, "holds") for name in names
    ]


def read_all(self: kernel.Verification) -> str:
    for subject in self.statement["subject"]:
        path = Path(self.folder, subject["name"])
        self.files[subject["name"]] = path.read_bytes() if path.exists() else b""
    return "read, and not looked at"


def outcome(bench: Benches, name: str) -> Outcome:
    return bench("graded").tried(tamper(name))


def test_a_check_that_was_not_named_does_not_count(
    bench: Benches, monkeypatch: pytest.MonkeyPatch
) -> None:
    def claims(self: kernel.Verification) -> str:
        self.fail("claims", "somewhere", "one thing", "another")
        return ""

    monkeypatch.setattr(kernel.Verification, "claims", claims)
    found = outcome(bench, "report-summary-digit-rehashed")
    assert found.escaped
    assert found.said == ("wanted does-not-hold by report, found does-not-hold by claims, report")


def test_another_verdict_does_not_count(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    def report(self: kernel.Verification) -> str:
        raise kernel.Unreadable("not today")

    monkeypatch.setattr(kernel.Verification, "report", report)
    assert outcome(bench, "report-summary-digit-rehashed").escaped


def test_the_refusal_of_what_must_be_accepted_does_not_count(
    bench: Benches, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outcome(bench, "rows-swapped-rehashed").good
    monkeypatch.setattr(kernel.Verification, "verdict", "does-not-hold")
    assert outcome(bench, "rows-swapped-rehashed").escaped


def test_a_traceback_does_not_count(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(self: kernel.Verification) -> kernel.Verification:
        raise ZeroDivisionError("on the way")

    monkeypatch.setattr(kernel.Verification, "run", run)
    found = outcome(bench, "row-changed")
    assert found.escaped
    assert found.said.endswith("found traceback by no check")


def test_no_verdict_in_time_does_not_count(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(self: kernel.Verification) -> kernel.Verification:
        time.sleep(30)
        return self

    monkeypatch.setattr(kernel.Verification, "run", run)
    monkeypatch.setattr(bench("graded"), "seconds", 0.1)
    found = outcome(bench, "row-changed")
    assert found.escaped
    assert found.said.endswith("found out of time by no check")


def test_records_that_are_remembered_change_no_verdict(
    bench: Benches, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["row-changed", "row-changed-rehashed", "claim-op-unknown", "manifest-data-dropped"]
    names += ["evidence-scorer-of-another-rule", "report-table-digit", "forged-label"]
    remembered = [bench("invoice").tried(tamper(name)).found for name in names]
    monkeypatch.setattr(proving.Remembering, "load", kernel.Verification.load)
    assert [bench("invoice").tried(tamper(name)).found for name in names] == remembered


def test_no_more_than_a_few_lots_of_records_are_remembered(bench: Benches) -> None:
    found = bench("graded")
    for name in ("row-changed", "row-deleted", "row-added", "file-emptied", "forged-label"):
        found.tried(tamper(name))
    assert 0 < len(found.original.memory.loaded) <= found.original.memory.LOTS


def test_a_receipt_that_does_not_hold_is_not_tampered_with(
    made_receipt: MakeReceipt, tmp_path: Path
) -> None:
    broken = tmp_path / "receipts" / "graded"
    broken.mkdir(parents=True)
    for path in made_receipt("graded").iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    with pytest.raises(DoesNotHold, match="tampering with it would show nothing"):
        prove(broken)
    assert main(["verify", str(broken), "--prove", "--json"]) == 1


def test_progress_counts_every_tampering(
    made_receipt: MakeReceipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    few(monkeypatch, "row-changed", "row-deleted", "claim-dropped")
    seen: list[tuple[str, int, int]] = []
    prove(made_receipt("graded"), lambda *step: seen.append(step))
    assert seen == [("tampering with copies", n, 3) for n in (1, 2, 3)]


def said(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str]:
    code = main(["verify", *map(str, arguments)])
    return code, capsys.readouterr().out


def test_the_command_says_the_figure_by_class(
    made_receipt: MakeReceipt,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    few(
        monkeypatch, "row-changed", "rows-swapped-rehashed", "verdict-row-deleted", "kernel-emptied"
    )
    code, text = said(capsys, made_receipt("invoice"), "--prove")
    assert code == 0
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "tampered with copies caught escaped accepted not applicable" in lines
    assert "data, nothing else redone 1 of 1 0 0 0" in lines
    assert "answers, their digests redone 0 of 0 0 0 1" in lines
    assert lines[-1].startswith("2 of 2 tamperings were caught")


def test_the_command_says_what_escaped_and_exits_with_one(
    made_receipt: MakeReceipt,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    few(monkeypatch, "text-word-half", "row-changed")
    monkeypatch.setattr(kernel.Verification, "text", lambda self: "not looked at")
    code, text = said(capsys, made_receipt("invoice"), "--prove")
    assert code == 1
    assert "escaped: text-word-half ('half' in the prose): wanted cannot-check by text" in text
    assert "1 of 2 tamperings were caught" in text


def test_the_document_holds_the_proof_beside_the_verdict(
    made_receipt: MakeReceipt,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    few(monkeypatch, "text-word-half", "row-changed", "verdict-row-deleted")
    monkeypatch.setattr(kernel.Verification, "text", lambda self: "not looked at")
    code, text = said(capsys, made_receipt("invoice"), "--prove", "--json")
    document = json.loads(text)
    assert (code, document["verdict"]) == (1, "holds")
    proof = document["proof"]
    assert {key: proof[key] for key in ("tampers", "caught", "accepted", "not_applicable")} == {
        "tampers": 2,
        "caught": 1,
        "accepted": 0,
        "not_applicable": 1,
    }
    assert [one["class"] for one in proof["classes"]] == [
        "stored text that smuggles, rendered again",
        "data, nothing else redone",
        "answers, their digests redone",
    ]
    (escaped,) = proof["escaped"]
    assert escaped["id"] == "text-word-half"
    assert escaped["expected"] == {"verdict": "cannot-check", "check": "text"}
    assert (escaped["found"]["verdict"], escaped["found"]["checks"]) == ("holds", [])


def test_without_prove_nothing_is_tampered_with(
    made_receipt: MakeReceipt, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = said(capsys, made_receipt("invoice"), "--json")
    assert code == 0
    assert "proof" not in json.loads(text)


def test_running_again_is_asked_for_by_rerun(
    made_receipt: MakeReceipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    few(monkeypatch, "rerun-outputs-forged", "rerun-system-replaced")
    found = prove(made_receipt("invoice"), rerun=True)
    assert [one.good for one in found.outcomes] == [True, True]


def test_large_files_are_linked_and_not_copied(bench: Benches) -> None:
    copy = tamper("folder-with-notes-txt").applied(bench("invoice").original)
    with bench("invoice").written(copy) as folder:
        assert (folder / "verify.py").stat().st_nlink == 2
        assert (folder / "receipt.json").stat().st_nlink == 1
