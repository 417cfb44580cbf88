"""run, demo, verify and claims: making a receipt, and what is said of one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from eval_autopsy import kernel
from eval_autopsy.cli.claims import FORMS

from .conftest import Call, process

RECEIPT = Path("receipts") / "invoice-extraction"


@pytest.fixture
def made(demo: Path, folder: Path) -> Path:
    """A copy of the demo's folder, which is the current one."""
    shutil.copytree(demo, folder, dirs_exist_ok=True)
    return folder


def tamper(folder: Path) -> None:
    report = folder / RECEIPT / "REPORT.md"
    report.write_text(report.read_text(encoding="utf-8").replace("345", "395"), encoding="utf-8")


def test_a_run_shows_the_first_lines_and_names_the_receipt(call: Call, case: Path) -> None:
    said = call("run", case)
    assert (said.code, said.err) == (0, "")
    first = said.out.splitlines()
    assert first[0] == "# Autopsy of `invoice-extraction`"
    assert "345 of 400 (86.25%)" in first[2]
    assert "receipt  receipts/invoice-extraction\n" in said.out
    assert "check    autopsy verify receipts/invoice-extraction\n" in said.out
    assert "The receipt holds" in said.out
    assert "## The gap" not in said.out


def test_a_run_with_json_is_one_document(call: Call, case: Path) -> None:
    said = call("run", case, "--json")
    found = json.loads(said.out)
    assert (found["receipt"], found["verdict"]) == ("receipts/invoice-extraction", "holds")
    assert (found["production"]["k"], found["gap"]["value"]) == (345, "-0.1375")
    assert (found["silent"]["silent"], found["silent"]["wrong"]) == (49, 55)


def test_a_seed_is_recorded_by_the_receipt(call: Call, case: Path, folder: Path) -> None:
    call("run", case, "--seed", "7", "--quiet")
    statement = json.loads((folder / RECEIPT / "receipt.json").read_text(encoding="utf-8"))
    assert statement["predicate"]["envelope"]["seed"] == "7"


def test_into_says_where_receipts_go(call: Call, folder: Path, case: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / case).rename(folder / "elsewhere" / "case")
    said = call("run", "elsewhere/case", "--into", "elsewhere", "--json")
    assert json.loads(said.out)["receipt"] == "elsewhere/receipts/invoice-extraction"


def test_data_outside_the_folder_is_refused_with_the_way_out(
    call: Call, case: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder / "empty")
    said = call("run", "../case")
    assert said.code == 2
    assert "--into" in said.err
    assert list((folder / "empty").iterdir()) == []


def test_the_command_that_is_shown_for_data_elsewhere_is_one_that_works(
    call: Call, case: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = folder / "data"
    data.mkdir()
    for name in ("eval.jsonl", "production.jsonl"):
        (data / name).write_text(
            "".join(f'{{"id":"{name}{i}","passed":{str(i % 9 > 2).lower()}}}\n' for i in range(40))
        )
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder / "empty")
    refused = call("run", "../data")
    assert (refused.code, list((folder / "empty").iterdir())) == (2, [])
    assert "data: not all files of it are below the folder" in refused.err
    asked = ["autopsy", "run", "../data", "--into", "../data"]
    assert " ".join(asked[-2:]) in refused.err
    assert f"{' '.join(asked)} (writes the receipt)" in call("../data").out
    assert f"{' '.join(asked)} (writes the receipt)" in call("slices", "../data").out
    assert call(*asked[1:]).code == 0
    assert (data / "receipts" / "data" / "receipt.json").is_file()


@pytest.mark.parametrize("verb", ["run", "slices"])
def test_a_data_file_in_place_of_a_case_is_said(verb: str, call: Call, case: Path) -> None:
    said = call(verb, case / "eval.jsonl")
    assert said.code == 2
    assert "case" in said.err or "--production" in said.err


def test_the_demo_works_in_an_empty_folder_and_again(made: Path) -> None:
    again = process("demo", folder=made)
    assert again.returncode == 0
    assert "The receipt holds" in again.stdout
    assert sorted(path.name for path in made.iterdir()) == ["examples", "receipts"]


@pytest.mark.parametrize(
    "words",
    [[], ["."], [RECEIPT], [RECEIPT / "REPORT.md"], ["receipts/invoice-extraction/verify.py"]],
    ids=str,
)
def test_a_receipt_is_found_from_where_one_stands(words: list[str], call: Call, made: Path) -> None:
    said = call("verify", *words)
    assert said.code == 0
    assert said.out.splitlines()[-1].startswith("The receipt holds")


def test_several_receipts_are_named_and_none_is_guessed(call: Call, made: Path) -> None:
    shutil.copytree(made / RECEIPT, made / "receipts" / "other")
    said = call("verify")
    assert said.code == 2
    assert "receipts/invoice-extraction, receipts/other" in said.err


def test_verify_with_json_has_the_promised_fields(call: Call, made: Path) -> None:
    found = json.loads(call("verify", "--json").out)
    assert found["verdict"] == "holds"
    assert found["kernel"]["bundled_matches"] is True
    assert found["claims"]["failed"] == 0
    assert found["claims"]["checked"] == sum(found["rests_on"].values())
    assert found["failures"] == []


def test_a_changed_report_does_not_hold(call: Call, made: Path) -> None:
    tamper(made)
    said = call("verify")
    assert said.code == 1
    assert "REPORT.md" in said.out
    found = json.loads(call("verify", "--json").out)
    assert found["verdict"] == "does-not-hold"
    assert found["failures"][0]["where"].startswith("REPORT.md")


def test_verify_loads_nothing_that_it_does_not_need(made: Path) -> None:
    done = process("verify", folder=made, env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "eval_autopsy.receipt.verify" in loaded
    heavy = {"numpy", "polars", "pydantic", "jinja2", "rich", "jsonschema", "eval_autopsy.registry"}
    assert loaded & heavy == set()


# What can be cited


def test_every_operation_has_a_form_in_which_it_is_listed() -> None:
    assert set(FORMS) == set(kernel.OPERATIONS)


def test_claims_are_listed_with_value_words_and_what_they_rest_on(call: Call, made: Path) -> None:
    said = call("claims")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    place = lines.index("rate.production.right.counted  =  345 of 400")
    assert lines[place + 1] == "    production, right of scored (re-run; as of, percent)"


def test_claims_with_json_are_the_claims_of_the_receipt(call: Call, made: Path) -> None:
    found = json.loads(call("claims", RECEIPT, "--json").out)
    statement = json.loads((made / RECEIPT / "receipt.json").read_text(encoding="utf-8"))
    listed = [(one["id"], one["value"]) for one in found["claims"]]
    assert listed == [(one["id"], one["value"]) for one in statement["predicate"]["claims"]]
    assert found["verdict"] == "holds"


@pytest.mark.parametrize("words", [["reorder"], [RECEIPT, "REORDER"]], ids=str)
def test_a_search_keeps_the_claims_that_contain_it(
    words: list[str], call: Call, made: Path
) -> None:
    found = json.loads(call("claims", *words, "--json").out)["claims"]
    assert found
    assert all("reorder" in one["id"] for one in found)
    assert len(found) < len(json.loads(call("claims", "--json").out)["claims"])


def test_a_search_that_finds_nothing_says_so(call: Call, made: Path) -> None:
    assert call("claims", "nothing like it") == (
        0,
        "No claim contains 'nothing like it'.\n",
        "",
    )


def test_nothing_is_cited_from_a_receipt_that_does_not_hold(call: Call, made: Path) -> None:
    tamper(made)
    said = call("claims")
    assert (said.code, said.out) == (1, "")
    assert "nothing in it can be cited" in said.err


def test_nothing_is_cited_from_a_receipt_that_cannot_be_checked(call: Call, made: Path) -> None:
    (made / RECEIPT / "receipt.json").write_text("{", encoding="utf-8")
    said = call("claims")
    assert (said.code, said.out) == (2, "")


def test_without_a_receipt_the_way_to_one_is_said(call: Call) -> None:
    for verb in ("verify", "claims"):
        said = call(verb)
        assert said.code == 2
        assert "write one with `autopsy run`" in said.err
