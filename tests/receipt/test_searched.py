"""What a receipt says of the search for slices, and what a bare Python makes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy.cli.main import main
from eval_autopsy.receipt.verify import verify

from . import made
from .conftest import Benches


def claims_of(bench: Benches, name: str) -> dict[str, Any]:
    return {claim["id"]: claim["value"] for claim in bench(name).original.claims}


def report_of(bench: Benches, name: str) -> str:
    return bench(name).original.files["REPORT.md"].decode("utf-8")


def test_a_bare_python_derives_the_search_of_clusters_again(
    made_receipt: Callable[[str], Path],
) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-B", str(made_receipt("halves") / "verify.py")],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "The receipt holds" in done.stdout


def test_a_receipt_says_what_was_searched_and_confirmed(bench: Benches) -> None:
    search = bench("halves").original.evidence["search"]
    assert (search["by"], search["depth"], search["held_out"]) == (["kind", "place"], 2, True)
    claims = claims_of(bench, "halves")
    assert claims["searched"] == "19"  # 3 kinds, 4 places and the 12 pairs of them
    assert claims["confirmed"].partition("/")[2] == str(len(search["tested"]))
    assert {"outcome": "wrong", "where": {"kind": ["a"]}} in search["tested"]
    report = report_of(bench, "halves")
    assert "19 have enough records to be looked at." in report
    assert "tested in the other, which had no say in what was tested." in report


def test_a_table_of_found_slices_has_the_rate_of_the_half_that_tested(bench: Benches) -> None:
    assert "held out" in report_of(bench, "halves")
    assert "held out" not in report_of(bench, "texts")
    assert "Production is too small to hold a part of it out." in report_of(bench, "texts")


def test_a_receipt_of_few_records_says_that_they_were_not_searched(tmp_path: Path) -> None:
    folder = made.few(tmp_path)
    report = (folder / "REPORT.md").read_text(encoding="utf-8")
    assert "Production has too few scored records to search all slices by these" in report
    assert "Searched for" not in report
    statement = json.loads((folder / "receipt.json").read_text(encoding="utf-8"))
    assert statement["predicate"]["evidence"]["search"] is None
    assert verify(folder).verdict == "holds"


@pytest.mark.parametrize("name", ["invoice", "halves", "texts"])
def test_a_receipt_that_was_searched_does_not_say_that_records_are_too_few(
    bench: Benches, name: str
) -> None:
    assert "too few scored records" not in report_of(bench, name)


def test_slices_of_which_only_silent_answers_stand_out_are_told_apart(tmp_path: Path) -> None:
    folder = made.quiet(tmp_path)
    lines = (folder / "REPORT.md").read_text(encoding="utf-8").splitlines()
    at = lines.index("Here only the silently wrong answers stand out:")
    # A blank line, two lines of heads, and the slice; of its 400 records 133 are wrong.
    assert "`a`" in lines[at + 4]
    assert "267 of 400" in lines[at + 4]
    assert verify(folder).verdict == "holds"


def test_the_verb_tells_them_apart_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made.quiet(tmp_path)
    assert main(["slices", str(tmp_path / "case")]) == 0
    said = capsys.readouterr().out
    _, found, rest = said.partition("here only the silently wrong answers stand out:\n")
    assert found
    assert rest.splitlines()[1].startswith("kind is a ")
