from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .conftest import ROOT, Call, Said

BILLS = ROOT / "examples" / "scorer-audit"


@pytest.fixture
def bills(folder: Path) -> Path:
    """The example of the scorer in the current folder, as a relative path."""
    shutil.copytree(BILLS, folder / "bills", ignore=shutil.ignore_patterns("__pycache__"))
    return Path("bills")


def document(said: Said) -> dict:  # type: ignore[type-arg]
    assert (said.code, said.err) == (0, "")
    found: dict = json.loads(said.out)  # type: ignore[type-arg]
    return found


def table(name: str, *rows: str) -> Path:
    Path(name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Path(name)


def test_a_case_shows_its_scores_flips_findings_and_bounds(call: Call, bills: Path) -> None:
    said = call("audit", bills)
    assert (said.code, said.err) == (0, "")
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    live = lines[next(i for i, line in enumerate(lines) if line.startswith("production right")) :]
    assert live[1:5] == [
        "as recorded 218 of 250 87.2% [82.49, 90.79] 0",
        "recomputed (exact_match) 209 of 250 83.6% [78.51, 87.67] 0",
        "by value alone 223 of 250 89.2% [84.74, 92.47] 0",
        "from the input 218 of 250 87.2% [82.49, 90.79] 0",
    ]
    flips = "as recorded -> from the input: right to wrong 25 ("
    assert any(line.startswith(flips) and "; wrong to right 25 (" in line for line in lines)
    assert "format-only: 17" in lines
    assert (
        "production: as recorded 218 of 250; "
        "corrected between 204 of 250 and 229 of 250 [76.33, 94.44]" in lines
    )


def test_the_document_has_the_promised_fields(call: Call, bills: Path) -> None:
    found = document(call("audit", bills, "--json"))
    for one in found["audit"]:
        assert one["count"] == len(one["ids"]) > 0
    assert [one["kind"] for one in found["audit"]] == [
        "missing-field-as-pass",
        "unparsed-as-fail",
        "format-only",
        "silent-pass",
    ]
    recorded = found["scores"]["production"]["recorded"]
    assert {name: recorded[name] for name in ("k", "n", "rate", "not_applicable")} == {
        "k": 218,
        "n": 250,
        "rate": "0.872",
        "not_applicable": 0,
    }
    assert found["corrected"]["eval"]["lower"]["k"] == 138
    cells = {(one["from"], one["to"]): one["count"] for one in found["flips"][-1]["cells"]}
    assert cells[("right", "wrong")] == cells[("wrong", "right")] == 25


def test_the_invoice_case_has_no_suspects(call: Call, case: Path) -> None:
    said = call("audit", case)
    assert "no verdict flips from one score to another" in said.out
    assert "\nno suspects\n" in said.out
    assert "production: recomputed 345 of 400; corrected 345 of 400 [82.53, 89.28]" in said.out


def test_one_set_is_enough_and_guesses_are_said(call: Call) -> None:
    rows = [f"q{i},what is {i}?,{i},{i},true" for i in range(20)]
    path = table("runs.csv", "id,question,answer,expected,passed", *rows)
    said = call("audit", path)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("runs.csv\nnote: id is the field 'id'")
    assert "score: as recorded 20 of 20; corrected 20 of 20" in said.out


def test_a_finding_shows_three_records_and_the_count_of_the_rest(call: Call) -> None:
    rows = [f"q{i},what is {i}?,a{i},a{i},true" for i in range(20)]
    rows += [f"w{i},what was {i}?,A{i},a{i},false" for i in range(5)]
    path = table("runs.csv", "id,question,answer,expected,passed", *rows)
    said = call("audit", path).out
    assert "format-only: 5\n  the answer differs in its format alone" in said
    assert '  w0: "A0" for "a0"\n' in said
    assert "  w2: " in said
    assert "  w3: " not in said
    assert "  and 2 more; --json lists all ids\n" in said


def test_two_sets_are_told_apart_by_options_names_or_a_column(call: Call) -> None:
    heads = "id,question,answer,expected"
    test = table("test.csv", heads, *(f"{i},q{i},a,a" for i in range(4)))
    live = table("live.csv", heads, *(f"{i},q{i},{'ab'[i % 2]},a" for i in range(4)))
    both = table(
        "both.csv",
        f"{heads},source",
        *(f"t{i},q{i},a,a,test" for i in range(4)),
        *(f"p{i},p{i},{'ab'[i % 2]},a,live" for i in range(4)),
    )
    for arguments in (
        ("--eval", test, "--production", live),
        (test, live),
        (both, "--split", "source"),
        (both,),
    ):
        found = document(call("audit", *arguments, "--json"))
        counts = {
            s: (one["lower"]["k"], one["lower"]["n"]) for s, one in found["corrected"].items()
        }
        assert counts == {"eval": (4, 4), "production": (2, 4)}


def test_a_scorer_can_be_named_and_recomputes(call: Call) -> None:
    rows = [f"{i},q{i},{i}.0,{i},false" for i in range(20)]
    path = table("runs.csv", "id,question,answer,expected,passed", *rows)
    said = call("audit", path, "--scorer", "numeric").out
    assert "recomputed (numeric)  20 of 20" in said
    assert "as recorded -> recomputed: wrong to right 20 (" in said


def test_rows_without_an_id_go_by_their_line(call: Call) -> None:
    rows = ["same q,a,a", "same q,a,a", "other q,a,a"]
    path = table("runs.csv", "question,answer,expected", *rows)
    found = document(call("audit", path, "--json"))
    assert found["audit"][0]["kind"] == "repeats-as-independent"
    assert found["audit"][0]["ids"] == ["3"]
    assert "no field identifies a record" in found["notes"][-1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("runs.csv",), "nothing says which answers are right"),
        (("runs.csv", "--output", "question"), "nothing says which field is the expected"),
        (("runs.csv", "--correct", "nonsuch"), "there is no field 'nonsuch'"),
        (("runs.csv", "--split", "nonsuch"), "there is no field 'nonsuch'"),
        (("runs.csv", "--split", "id"), "the values do not name eval and production"),
        (("runs.csv", "--scorer", "nonsuch"), "nonsuch"),
        (("runs.csv", "--eval", "runs.csv"), "a path or --split as well"),
        (("nonsuch.csv",), "nonsuch.csv"),
        ((), "runs.csv: nothing says which answers are right"),
    ],
)
def test_what_cannot_be_audited_is_one_error(
    call: Call, arguments: tuple[str, ...], says: str
) -> None:
    table("runs.csv", "id,question", "1,what?", "2,why?")
    said = call("audit", *arguments)
    assert (said.code, said.out) == (2, "")
    assert says in said.err


def test_nothing_is_written(call: Call, bills: Path, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    call("audit", bills)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
