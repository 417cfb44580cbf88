from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import pytest

from .conftest import Call, Said


def write_csv(name: str, heads: str, *rows: str) -> None:
    Path(name).write_text("\n".join([heads, *rows]) + "\n", encoding="utf-8")


def two_sets() -> list[str]:
    """Ten records of eval, all right, and ten of production, of which all in `fr` are wrong."""
    heads = "id,lang,tier,passed,answer,label"
    tiers = ["free", "pro"]
    rows = [f"{i},{'en' if i < 6 else 'de'},{tiers[i % 2]},true,yes,yes" for i in range(10)]
    write_csv("test.csv", heads, *rows)
    wrong = [f"{i},fr,{tiers[i % 2]},false,no,yes" for i in range(6, 10)]
    write_csv("live.csv", heads, *rows[:6], *wrong)
    return ["--eval", "test.csv", "--production", "live.csv"]


def document(said: Said) -> dict:  # type: ignore[type-arg]
    assert (said.code, said.err) == (0, "")
    found: dict = json.loads(said.out)  # type: ignore[type-arg]
    return found


def test_the_invoice_case_shows_its_published_figures(call: Call, case: Path) -> None:
    said = call("slices", case)
    assert said.code == 0
    assert said.err == ""
    table = [line.split() for line in said.out.splitlines() if "[" in line]
    rows = {cells[0]: " ".join(cells[1:]) for cells in table}
    assert rows["eval"] == "400 of 400 100% [99.05, 100]"
    assert rows["production"] == "345 of 400 86.25% [82.53, 89.28]"
    assert rows["reorder"] == "- 0 of 36 [0, 9.64] 36 -9 <0.0001 p-0030"
    assert rows["compact"].startswith("- 0 of 6 [0, 39.03] 0 -1.5")
    assert rows["delimiter"].startswith("- 187 of 187 [97.99, 100] 0 0")
    assert "a fall of 13.75 points [-17.47, -10.57]" in said.out
    assert "the fewest slices with 80% of the loss: reorder, verbose" in said.out
    assert "49 of 55 wrong answers pass every guard" in said.out
    assert "next: autopsy run case" in said.out


def test_two_p_of_one_slice_are_named_by_their_tests(call: Call) -> None:
    heads = "id,lang,tier,passed"
    rows = [f"{i},{'en' if i % 2 else 'fr'},{'pro' if i % 3 else 'free'}" for i in range(90)]
    write_csv("test.csv", heads, *(f"{row},true" for row in rows))
    verdicts = ("false" if i % 6 == 0 else "true" for i in range(90))
    write_csv("live.csv", heads, *(f"{row},{one}" for row, one in zip(rows, verdicts, strict=True)))
    arguments = ["slices", "--eval", "test.csv", "--production", "live.csv", "--correct", "passed"]
    said = call(*arguments).out
    assert [line.split("  ")[0] for line in said.splitlines() if "p (search)  " in line] == [
        "slice"
    ]
    tables = [line.split("  ")[0] for line in said.splitlines() if "p (Fisher)" in line]
    assert sorted(tables)[:2] == [
        "lang",
        "p (Fisher): Fisher's exact test against the rest of "
        "production, adjusted for all slices shown or not",
    ]
    assert "p (search): of outcomes dealt out anew, adjusted for everything searched" in said
    alone = call(*arguments, "--by", "lang").out
    assert "p (Fisher)" in alone
    assert "p (search)" not in alone


def test_the_lines_fit_a_terminal_of_80_columns(call: Call, case: Path) -> None:
    tables = [line for line in call("slices", case).out.splitlines() if "  " in line]
    assert max(map(len, tables)) <= 80


def test_nothing_is_written_outside_the_folder_of_our_own(
    call: Call, case: Path, folder: Path
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    call("slices", case)
    after = (path for path in folder.rglob("*") if path.is_file() and ".autopsy" not in path.parts)
    assert {path: path.read_bytes() for path in after} == before


def test_the_document_has_the_promised_fields(call: Call, case: Path) -> None:
    found = document(call("slices", case, "--json"))
    by_level = {one["where"]["shift_type"]: one for one in found["slices"]}
    assert {level: (one["n"], one["wrong"], one["silent"]) for level, one in by_level.items()} == {
        "delimiter": (187, 0, 0),
        "whitespace": (158, 0, 0),
        "reorder": (36, 36, 36),
        "verbose": (8, 8, 8),
        "compact": (6, 6, 0),
        "mixed": (5, 5, 5),
    }
    assert [one["where"]["shift_type"] for one in found["cover"]] == ["reorder", "verbose"]
    assert (found["searched"], found["confirmed"]) == (6, 4)
    assert found["gap"]["value"] == "-0.1375"
    assert found["waterfall"]["uncovered"] == "-0.1375"
    assert found["waterfall"]["rate"] is None
    assert found["waterfall"]["overlap"] is False
    assert found["production"]["interval"] == ["0.825288073342", "0.892815513265"]


def test_a_change_that_cannot_be_split_is_said_not_to_be(call: Call, case: Path) -> None:
    said = call("slices", case).out
    assert "the change in points: cannot be split: no overlap; uncovered -13.75 [-17.47" in said


def test_members_are_the_ids_of_each_slice(call: Call, case: Path) -> None:
    rows = [json.loads(line) for line in (case / "production.jsonl").read_text().splitlines()]
    found = document(call("slices", case, "--json", "--members"))
    for one in found["slices"]:
        wanted = [row["id"] for row in rows if row["shift_type"] == one["where"]["shift_type"]]
        assert one["members"] == wanted


def test_without_a_path_the_case_of_the_folder_is_used(
    call: Call, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case)
    assert call("slices").out.startswith("invoice-extraction\n")


def test_without_a_path_and_a_case_the_data_of_the_folder_are_used(call: Call) -> None:
    two_sets()
    assert document(call("slices", "--json"))["production"]["n"] == 10


def test_in_an_empty_folder_it_says_what_to_name(call: Call) -> None:
    said = call("slices")
    assert said.code == 2
    assert "there is no autopsy.toml, and no file that holds records" in said.err
    assert "autopsy formats" in said.err


def test_what_to_do_next_names_the_same_data(call: Call) -> None:
    said = call("slices", *two_sets(), "--correct", "passed")
    following = (
        said.out.splitlines()[-1].removeprefix("next: ").removesuffix(" (writes the receipt)")
    )
    assert call(*shlex.split(following)[1:]).code == 0
    assert len([*Path("receipts").glob("*/verify.py")]) == 1


def test_data_without_a_case_is_named_by_options(call: Call) -> None:
    found = document(call("slices", *two_sets(), "--correct", "passed", "--json"))
    assert (found["eval"]["k"], found["eval"]["n"]) == (10, 10)
    assert (found["production"]["k"], found["production"]["n"]) == (6, 10)
    assert found["slices"][0]["where"] == {"lang": "fr"}
    assert found["slices"][0]["examples"] == ["6", "7", "8"]
    assert found["rests_on"] == "given"


def test_outputs_are_compared_when_they_are_named(call: Call) -> None:
    options = [*two_sets(), "--output", "answer", "--expected", "label", "--by", "lang"]
    found = document(call("slices", *options, "--json"))
    assert found["production"]["k"] == 6
    assert found["scorer"] == "exact_match"
    assert found["rests_on"] == "re-scored"
    assert {next(iter(one["where"])) for one in found["slices"]} == {"lang"}


def test_what_is_not_named_is_guessed_and_said(call: Call) -> None:
    said = call("slices", *two_sets())
    assert "guessed: id is the field 'id'" in said.out
    assert "guessed: expected is the field 'label'" in said.out
    assert "right by exact_match, of the recorded outputs" in said.out


def test_what_was_named_is_not_called_a_guess(call: Call) -> None:
    said = call("slices", *two_sets(), "--id", "id", "--correct", "passed")
    assert "guessed" not in said.out


def test_one_file_is_split_by_a_column(call: Call) -> None:
    two_sets()
    with open("all.jsonl", "w", encoding="utf-8") as file:
        for name, source in (("test.csv", "offline test"), ("live.csv", "live")):
            with open(name, encoding="utf-8") as table:
                for row in csv.DictReader(table):
                    changed = {"id": f"{source} {row['id']}", "meta": {"from": source}}
                    file.write(json.dumps({**row, **changed}) + "\n")
    found = document(
        call("slices", "all.jsonl", "--split", "meta.from", "--correct", "passed", "--json")
    )
    assert (found["eval"]["n"], found["production"]["k"]) == (10, 6)


def test_fields_that_say_nothing_are_set_aside_with_the_reason(call: Call) -> None:
    heads = "id,lang,same,remark,size,passed"
    words = "a text that is much longer than what anybody would call a kind of record"
    rows = [f"{i},{'en' if i % 2 else 'de'},x,{words} {i % 3},{i}.5,true" for i in range(30)]
    write_csv("test.csv", heads, *rows)
    write_csv("live.csv", heads, *rows)
    arguments = ["--eval", "test.csv", "--production", "live.csv", "--correct", "passed"]
    found = document(call("slices", *arguments, "--json"))
    assert {one["attribute"]: one["reason"] for one in found["set_aside"]} == {
        "remark": "it holds texts of more than 60 characters",
        "same": "every record has the same value",
    }
    assert {one["attribute"] for one in found["attributes"]} == {"lang", "size"}
    bands = {one["where"]["size"]["band"] for one in found["slices"] if "size" in one["where"]}
    assert bands == {"under 8", "8 to under 15", "15 to under 23", "23 or more"}


def test_an_attribute_that_was_asked_for_may_have_many_levels(call: Call) -> None:
    heads = "id,customer,passed"
    rows = [f"{i},c{i % 40},{'true' if i % 3 else 'false'}" for i in range(200)]
    write_csv("test.csv", heads, *rows)
    write_csv("live.csv", heads, *rows)
    arguments = ["slices", "--eval", "test.csv", "--production", "live.csv", "--correct", "passed"]
    aside = document(call(*arguments, "--json"))
    assert [one["reason"] for one in aside["set_aside"]] == ["40 different values in 400 records"]
    assert document(call(*arguments, "--by", "customer", "--json"))["searched"] == 40
    shown = call(*arguments, "--by", "customer", "--top", "3").out
    assert "and 37 more, none of which loses more; --all shows them" in shown
    assert "more, none of" not in call(*arguments, "--by", "customer", "--all").out


def test_no_attribute_at_all_is_said(call: Call) -> None:
    write_csv("test.csv", "id,passed", "1,true", "2,true")
    write_csv("live.csv", "id,passed", "1,true", "2,false")
    said = call("slices", "--eval", "test.csv", "--production", "live.csv", "--correct", "passed")
    assert said.code == 0
    assert "There is nothing to slice by: name fields with --by" in said.out
    assert "a fall of 50 points" in said.out


def test_what_cannot_be_seen_is_spelled_out(call: Call) -> None:
    heads = "id,kind,passed"
    write_csv("test.csv", heads, "1,a,true", "2,a,true")
    write_csv("live.csv", heads, '1,"\x1b[31mred",false', '2,"two\nlines",false', "3,  a,true")
    arguments = ["--eval", "test.csv", "--production", "live.csv", "--correct", "passed"]
    said = call("slices", *arguments, "--by", "kind")
    assert "\x1b" not in said.out
    assert "⟦U+001B⟧[31mred" in said.out
    assert "two⟦U+000A⟧lines" in said.out
    assert '"  a"' in said.out


def test_levels_of_the_same_look_are_told_apart(call: Call) -> None:
    rows: list[dict[str, object]] = [
        {"id": 1, "k": 1},
        {"id": 2, "k": "1"},
        {"id": 3},
        {"id": 4, "k": "(missing)"},
    ]
    rows += [{"id": 5, "k": None}, {"id": 6, "k": "null"}, {"id": 7, "k": ""}]
    lines = [json.dumps({**row, "passed": True}) for row in rows]
    for name in ("test.jsonl", "live.jsonl"):
        Path(name).write_text("\n".join([*lines, lines[0].replace("1", "9", 1)]), encoding="utf-8")
    said = call("slices", "test.jsonl", "live.jsonl", "--by", "k", "--correct", "passed")
    table = said.out.split("\nk ")[1].splitlines()[1:8]
    assert {line.split()[0] for line in table} == {
        "1",
        '"1"',
        "(missing)",
        '"(missing)"',
        "null",
        '"null"',
        '""',
    }


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--eval", "test.csv"], "--eval is given, and --production is not"),
        (["test.csv"], "there is one set of records"),
        (
            ["test.csv", "--split", "lang"],
            'the values are "en", "de", expected one that names eval',
        ),
        (["test.csv", "--split", "nope"], "there is no field 'nope' among: id, lang"),
        (["test.csv", "live.csv", "--split", "lang"], "--split is for one file, and 2 are given"),
        (["--correct", "passed"], "no data is named"),
        ([".", "--eval", "test.csv"], "--eval is given, and --production is not"),
        (["nope.csv"], "nope.csv: there is no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_data_that_is_not_said_is_an_error(arguments: list[str], what: str, call: Call) -> None:
    two_sets()
    said = call("slices", *arguments)
    assert (said.code, said.out) == (2, "")
    assert what in said.err


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--correct", "pased"], "there is no field 'pased', named for score"),
        (["--correct", "lang"], 'the score is "en", expected true, false, 1 or 0'),
        (["--correct", "passed", "--output", "answer"], "other options have them compared"),
        (["--scorer", "exact"], "there is no scorer 'exact'"),
        (["--by", "lnag"], "Did you mean 'lang'?"),
        (["--by", "lang,lang"], "an attribute is named twice"),
        (["--split", "lang"], "--eval and --production are given, and --split as well"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_names_what_is_wrong(arguments: list[str], what: str, call: Call) -> None:
    said = call("slices", *two_sets(), *arguments)
    assert (said.code, said.out) == (2, "")
    assert what in said.err
    assert said.err.count("\n") == 1


def test_one_file_for_both_sets_is_refused(call: Call) -> None:
    two_sets()
    said = call("slices", "--eval", "test.csv", "--production", "test.csv")
    assert said.err.startswith("test.csv: named both as eval and as production")


def searchable(rows: int = 60) -> list[str]:
    """Production of which nearly all in `fr` on `free` are wrong, and eval, which is all right."""
    heads = "id,lang,tier,size,passed"
    cells = [
        (("de", "en", "fr")[i % 3], ("free", "pro")[i // 3 % 2], i // 6 % 4) for i in range(rows)
    ]
    right = [f"{i},{lang},{tier},{size},true" for i, (lang, tier, size) in enumerate(cells)]
    wrong = [
        row.replace("true", "false") if ",fr,free," in row and i % 12 else row
        for i, row in enumerate(right)
    ]
    write_csv("test.csv", heads, *right)
    write_csv("live.csv", heads, *wrong)
    return ["--eval", "test.csv", "--production", "live.csv", "--correct", "passed"]


def test_a_conjunction_is_found_and_how_it_was_searched_is_said(call: Call) -> None:
    arguments = searchable(120)
    said = call("slices", *arguments).out
    # Of 3 languages, 2 tiers and 4 sizes: 9 alone, 26 pairs and 24 triples, each of 5 records.
    assert "searched 59 slices of up to 3 attributes: tested 1, confirmed 1 (p covers every" in said
    row = next(line for line in said.splitlines() if line.startswith("lang is fr and tier is free"))
    assert " 0 of 20 " in row
    found = document(call("slices", *arguments, "--json"))
    assert (found["searched"], found["tested"], found["confirmed"]) == (59, 1, 1)
    first = found["slices"][0]
    assert first["where"] == {"lang": "fr", "tier": "free"}
    assert first["found_as"] == "wrong"
    assert first["p_method"] == "permutation-min-p"
    assert first["p_adjusted"] == "0.001"
    assert first["held_out"] is None
    assert first["confirmed"] is True
    assert len(first["examples"]) == 3
    assert found["cover"] == [first]
    assert found["search"] == {
        "depth": 3,
        "support": 5,
        "seed": 0,
        "held_out": False,
        "draws": 999,
    }


def test_half_of_much_production_is_held_out_and_its_rate_stands_beside(call: Call) -> None:
    arguments = searchable(1200)
    said = call("slices", *arguments).out
    assert "(searched in one half of production, tested in the other)" in said
    found = document(call("slices", *arguments, "--json"))
    first = found["slices"][0]
    assert first["p_method"] == "held-out-fisher-holm"
    assert 0 < first["held_out"]["n"] < first["n"]
    assert found["search"]["held_out"] is True


def test_few_records_are_not_searched_and_this_is_said(call: Call) -> None:
    arguments = searchable(12)
    assert "too few records to search: 12, 30 are needed\n" in call("slices", *arguments).out
    found = document(call("slices", *arguments, "--json"))
    assert (found["searched"], found["tested"], found["search"]) == (0, 0, None)
    assert "too few" not in call("slices", *searchable(30)).out


def test_only_records_with_a_value_are_looked_at(call: Call) -> None:
    found = document(call("slices", *searchable(120), "--where", "tier=free", "--json"))
    assert found["production"]["n"] == 60
    assert found["slices"][0]["where"] == {"lang": "fr"}
    both = document(
        call("slices", *searchable(120), "--where", "tier=pro", "--where", "size=2", "--json")
    )
    assert (both["production"]["k"], both["production"]["n"]) == (15, 15)


def test_depth_and_support_bound_what_is_searched(call: Call) -> None:
    arguments = searchable(120)
    alone = document(call("slices", *arguments, "--depth", "1", "--json"))
    assert (alone["searched"], alone["search"]["depth"]) == (9, 1)
    pairs = document(call("slices", *arguments, "--depth", "2", "--json"))
    assert pairs["searched"] == 9 + 26
    large = document(call("slices", *arguments, "--min-support", "20", "--json"))
    # 40 of each language, 60 of each tier, 30 of each size, 20 of a language on a tier.
    assert (large["searched"], large["search"]["support"]) == (9 + 6, 20)
    assert "searched 9 slices by one attribute:" in call("slices", *arguments, "--depth", "1").out


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--where", "tier"], "--where is 'tier', expected FIELD=VALUE"),
        (["--where", "=free"], "--where is '=free', expected FIELD=VALUE"),
        (["--where", "tier=free", "--where", "tier=pro"], "each field once"),
        (["--where", "tier=gold"], "no record of eval has tier = 'gold'"),
        (["--where", "teir=free"], "'teir'"),
        (["--depth", "4"], "4 is not in the range 1<=x<=3"),
        (["--depth", "0"], "0 is not in the range 1<=x<=3"),
        (["--min-support", "0"], "0 is not in the range x>=1"),
        (["--min-support", "few"], "'few' is not a valid integer"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_search_that_cannot_be_made_is_an_error(
    arguments: list[str], what: str, call: Call
) -> None:
    said = call("slices", *searchable(60), *arguments)
    assert (said.code, said.out) == (2, "")
    assert what in said.err
