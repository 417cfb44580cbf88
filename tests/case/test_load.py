"""What a case file may say, and the sentence that each mistake gets."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy import registry
from eval_autopsy.case.load import FILE_NAME, Case, load, parse
from eval_autopsy.errors import AutopsyError, BadCase
from eval_autopsy.readers.sources import SplitColumn

WHOLE = """\
name = "invoice-extraction"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
id = "id"
input = "text"
expected = "truth"
[system]
python = "extractor.py:extract"
[scorer]
name = "exact_match"
[guards]
no_exception = true
[slices]
by = ["shift_type"]
"""

RECORDED = """\
name = "scored"
[data]
file = "eval.jsonl"
split = "set"
splits = { eval = "dev", production = 1 }
[fields]
score = "ok"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("eval.jsonl", "production.jsonl", "extractor.py", "schema.json", "models.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "more").mkdir()
    return tmp_path


def load_text(folder: Path, text: str) -> Case:
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    return load(folder)


def message(folder: Path, text: str) -> str:
    """The error of a case, with its folder cut from the front."""
    with pytest.raises(BadCase) as caught:
        load_text(folder, text)
    return str(caught.value).replace(f"{folder}{os.sep}", "").replace("?.", "?")


def test_a_case_knows_the_files_that_it_names(folder: Path) -> None:
    case = load_text(folder, WHOLE)
    assert case.name == "invoice-extraction"
    assert [(s.path, s.split, s.name) for s in case.sources] == [
        (folder / "eval.jsonl", "eval", "eval.jsonl"),
        (folder / "production.jsonl", "production", "production.jsonl"),
    ]
    assert case.system is not None
    assert (case.system.file, case.system.name) == (folder / "extractor.py", "extract")


def test_what_is_not_said_has_the_documented_value(folder: Path) -> None:
    case = load_text(folder, WHOLE)
    assert case.file.seed == 0
    assert case.file.system is not None
    assert (case.file.system.timeout, case.file.system.memory) == (10.0, 1_000_000_000)
    assert (case.scorer.fields, case.scorer.output_format) == ((), "value")
    assert (case.scorer.errors, case.scorer.tolerance) == ("wrong", None)
    guards = case.file.guards
    assert (guards.no_exception, guards.parses, guards.not_blank) == (True, False, False)
    assert (guards.matches, guards.json_schema, guards.pydantic) == ({}, None, None)


def test_the_file_and_its_folder_are_the_same_case(folder: Path) -> None:
    assert load_text(folder, WHOLE) == load(folder / FILE_NAME)


@pytest.mark.parametrize(
    ("text", "required"),
    [
        (WHOLE, {"id", "input", "expected"}),
        (RECORDED, {"id"}),  # a record without a score is not scored
        (
            RECORDED.replace("score", "output") + '[scorer]\nname = "normalized"\n',
            {"id", "output", "expected"},
        ),
    ],
    ids=["re-run", "given", "re-scored"],
)
def test_records_need_what_the_scoring_needs(folder: Path, text: str, required: set[str]) -> None:
    assert load_text(folder, text).wanted.required == required


def test_the_expected_field_is_called_expected_unless_scores_are_taken(folder: Path) -> None:
    without = WHOLE.replace('expected = "truth"\n', "")
    assert load_text(folder, without).wanted.fields["expected"] == "expected"
    assert "expected" not in load_text(folder, RECORDED).wanted.fields


def test_recorded_scores_alone_are_scored_as_recorded(folder: Path) -> None:
    assert load_text(folder, RECORDED).scorer.name == "recorded"


def test_one_file_is_split_by_a_column(folder: Path) -> None:
    (source,) = load_text(folder, RECORDED).sources
    assert source.split == SplitColumn("set", {"eval": "dev", "production": 1})
    without = RECORDED.replace('splits = { eval = "dev", production = 1 }\n', "")
    (source,) = load_text(folder, without).sources
    assert source.split == SplitColumn("set", {"eval": "eval", "production": "production"})


def test_a_split_can_have_several_files_in_order(folder: Path) -> None:
    (folder / "more" / "b.jsonl").write_text("")
    both = WHOLE.replace('"eval.jsonl"', '["more/b.jsonl", "eval.jsonl"]')
    names = [source.name for source in load_text(folder, both).sources]
    assert names == ["more/b.jsonl", "eval.jsonl", "production.jsonl"]


@pytest.mark.parametrize(
    ("tolerance", "absolute", "relative"),
    [("0.01", "0.01", "0"), ("3", "3", "0"), ("{ relative = 0.1 }", "0", "0.1")],
)
def test_a_tolerance_is_exact(folder: Path, tolerance: str, absolute: str, relative: str) -> None:
    numeric = WHOLE.replace('"exact_match"', f'"numeric"\ntolerance = {tolerance}')
    found = load_text(folder, numeric).scorer.tolerance
    assert found is not None
    assert (found.absolute, found.relative) == (Decimal(absolute), Decimal(relative))


def test_every_guard_can_be_said(folder: Path) -> None:
    guards = """no_exception = true
parses = true
not_blank = ["vendor", "total.amount"]
matches = { total = '[0-9.]+' }
json_schema = "schema.json"
pydantic = "models.py:Invoice"
"""
    case = load_text(folder, WHOLE.replace("no_exception = true\n", guards))
    assert case.file.guards.not_blank == ("vendor", "total.amount")
    assert case.file.guards.matches == {"total": "[0-9.]+"}
    assert case.json_schema == folder / "schema.json"
    assert case.pydantic is not None
    assert (case.pydantic.file, case.pydantic.name) == (folder / "models.py", "Invoice")


def test_false_turns_every_guard_off(folder: Path) -> None:
    names = ("no_exception", "parses", "not_blank", "matches", "json_schema", "pydantic")
    off = "".join(f"{name} = false\n" for name in names)
    case = load_text(folder, WHOLE.replace("no_exception = true\n", off))
    assert (case.json_schema, case.pydantic, case.file.guards.matches) == (None, None, {})


@pytest.mark.parametrize(
    ("size", "count"), [("512 MB", 512_000_000), ("1GiB", 2**30), ("64 MiB", 64 * 2**20)]
)
def test_memory_is_in_bytes(folder: Path, size: str, count: int) -> None:
    case = load_text(folder, WHOLE.replace(':extract"\n', f':extract"\nmemory = "{size}"\n'))
    assert case.file.system is not None
    assert case.file.system.memory == count


def change(old: str, new: str, text: str = WHOLE) -> str:
    assert old in text
    return text.replace(old, new, 1)


MISTAKES = {
    "a misspelt key": (
        change("expected =", "expcted ="),
        "autopsy.toml:8: [fields] has no key 'expcted', expected id, input, expected, output, "
        "error, score, confidence, timestamp, latency, cost, cluster, eval, production. "
        "Did you mean 'expected'?",
    ),
    "a key of another table": (
        change("[scorer]\n", "[scorer]\ntimeout = 5\n"),
        "autopsy.toml:12: [scorer] has no key 'timeout', expected name, tolerance, "
        "threshold, fields, output_format, errors. It belongs in [system].",
    ),
    "a misspelt table": (
        change("[slices]", "[slice]"),
        "autopsy.toml:15: the top of the case has no key 'slice', expected name, seed, narrative, "
        "data, fields, system, scorer, guards, slices, perturbations, hypothesis. "
        "Did you mean 'slices'?",
    ),
    "a key that is like no other": (
        change("[data]\n", "[data]\nzzz = 1\n"),
        "autopsy.toml:3: [data] has no key 'zzz', expected eval, production, file, table, "
        "table_env, split, splits, join, set_aside, prefix, only, verdict_words, attempts. "
        "Remove it.",
    ),
    "no name": (
        change('name = "invoice-extraction"\n', ""),
        "autopsy.toml: the top of the case has no 'name', expected name, seed, narrative, data, "
        "fields, system, scorer, guards, slices, perturbations, hypothesis. Add name to it.",
    ),
    "a name that is no slug": (
        change("invoice-extraction", "Invoice Extraction"),
        "autopsy.toml:1: 'name' in the top of the case is \"Invoice Extraction\", expected small "
        'letters, digits and hyphens, at most 60, like "invoice-extraction". Did you mean '
        "'invoice-extraction'?",
    ),
    "a text for a number": (
        change(':extract"\n', ':extract"\ntimeout = "10"\n'),
        "autopsy.toml:11: 'timeout' in [system] is \"10\", expected a number of seconds above 0, "
        "at most 86400. Write it as expected, or leave it out.",
    ),
    "a number for a text": (
        change('"text"', "7"),
        "autopsy.toml:7: 'input' in [fields] is 7, expected text in quotes. Write it as expected, "
        "or leave it out.",
    ),
    "a text for a table": (
        change('[slices]\nby = ["shift_type"]\n', "").replace(
            "[data]", 'slices = "shift_type"\n[data]'
        ),
        "autopsy.toml:2: 'slices' in the top of the case is \"shift_type\", expected a table. "
        "Write it as expected, or leave it out.",
    ),
    "a text for true": (
        change("= true", '= "yes"'),
        "autopsy.toml:14: 'no_exception' in [guards] is \"yes\", expected true or false. Write it "
        "as expected, or leave it out.",
    ),
    "an infinite time": (
        change(':extract"\n', ':extract"\ntimeout = inf\n'),
        "autopsy.toml:11: 'timeout' in [system] is Infinity, expected a number of seconds above 0, "
        "at most 86400. Write it as expected, or leave it out.",
    ),
    "memory without a unit": (
        change(':extract"\n', ':extract"\nmemory = 512\n'),
        "autopsy.toml:11: 'memory' in [system] is 512, expected a size of at least 32 MB as text, "
        'like "512 MB". Write it as expected, or leave it out.',
    ),
    "a system that is no file and name": (
        change("extractor.py:extract", "extractor.extract"),
        "autopsy.toml:10: 'python' in [system] is \"extractor.extract\", expected a Python file "
        "and a name in it, like extractor.py:extract. Write it as expected, or leave it out.",
    ),
    "a system of two kinds": (
        change(':extract"\n', ':extract"\ncommand = ["node", "bot.js"]\n'),
        "autopsy.toml:9: [system] names python and command, expected one of python, command, http, "
        "claude, use. Keep the one that is under test.",
    ),
    "a system of no kind": (
        change('python = "extractor.py:extract"', "timeout = 5"),
        "autopsy.toml:9: [system] names no system, expected one of python, command, http, claude, "
        "use. Keep the one that is under test.",
    ),
    "a command as one text": (
        change('python = "extractor.py:extract"', 'command = "node bot.js"'),
        "autopsy.toml:10: 'command' in [system] is \"node bot.js\", expected a program and its "
        'arguments, like ["node", "bot.js"]. Write it as expected, or leave it out.',
    ),
    "an interpreter of a command": (
        change('python = "extractor.py:extract"', 'command = ["x"]\ninterpreter = "python3"'),
        "autopsy.toml:11: 'interpreter' in [system] is for python, and the system is command. "
        "Remove it.",
    ),
    "a URL with a password": (
        change("python = ", 'http = { url = "https://me:secret@x.org", body = "{input}" }\n#'),
        "autopsy.toml:10: 'url' in [system.http] is \"https://me:secret@x.org\", expected a URL "
        "that begins with https:// or http://, without a password. Write it as expected, or leave "
        "it out.",
    ),
    "a limit without prices": (
        change(':extract"\n', ':extract"\ncost_limit = 5\n'),
        "autopsy.toml:11: [system] has a cost_limit, and no prices to hold against it. Add prices, "
        "such as { call = 0.01 } or { input = 3, output = 15 }.",
    ),
    "a message without content": (
        change("python = ", 'claude = { model = "m", messages = [{ role = "user" }] }\n#'),
        "autopsy.toml:10: 'messages' in [system.claude] is [{'role': 'user'}], expected a list "
        'like [{ role = "user", content = "{input}" }]. Write it as expected, or leave it out.',
    ),
    "an unknown format": (
        change('"exact_match"', '"exact_match"\noutput_format = "jsn"'),
        "autopsy.toml:13: 'output_format' in [scorer] is \"jsn\", expected 'value' or 'json'. Did "
        "you mean 'json'?",
    ),
    "a pattern that is none": (
        change("no_exception = true", "matches = { total = '[0-9' }"),
        "autopsy.toml:14: 'matches' in [guards] is a table, expected a regular expression for "
        "'total' (unterminated character set at position 0). Write it as expected, or leave it "
        "out.",
    ),
    "a slice twice": (
        change('["shift_type"]', '["shift_type", "shift_type"]'),
        "autopsy.toml:16: 'by' in [slices] is ['shift_type', 'shift_type'], expected a list of "
        "field names, each of them once. Write it as expected, or leave it out.",
    ),
    "a file that is not there": (
        change("eval.jsonl", "evals.jsonl"),
        "autopsy.toml:3: there is no file 'evals.jsonl'. Did you mean 'eval.jsonl'?",
    ),
    "a folder for a file": (
        change("eval.jsonl", "more"),
        "autopsy.toml:3: 'more' is a folder, expected a file. Paths are relative to HERE.",
    ),
    "a system that is not there": (
        change("extractor.py:", "extractr.py:"),
        "autopsy.toml:10: there is no file 'extractr.py'. Did you mean 'extractor.py'?",
    ),
    "one file for both splits": (
        change("production.jsonl", "eval.jsonl"),
        "autopsy.toml:4: 'eval.jsonl' is named both as eval and as production. Name another file, "
        "or write file and split.",
    ),
    "no production": (
        change('production = "production.jsonl"\n', ""),
        "autopsy.toml:2: [data] names neither two sets of files nor one file with a split column. "
        "Write eval and production, or file and split, or table and split.",
    ),
    "two ways at once": (
        change("[data]\n", '[data]\nsplit = "set"\n'),
        "autopsy.toml:2: [data] names two sets of files, and a file with a split column as well. "
        "Write eval and production, or file and split, or table and split.",
    ),
    "one file and half a pair": (
        change("split =", 'eval = "production.jsonl"\nsplit =', RECORDED),
        "autopsy.toml:2: [data] names one file with a split column, and files of one split as "
        "well. Write eval and production, or file and split.",
    ),
    "one value for both splits": (
        change("production = 1", 'production = "dev"', RECORDED),
        'autopsy.toml:5: both splits are "dev". Give each split a value of its own.',
    ),
    "nothing to score": (
        change('score = "ok"', 'input = "text"', RECORDED),
        "autopsy.toml:6: nothing says what the outputs are. Add [system] with python = "
        '"file.py:function" to run it, or under [fields] name the recorded output, or the recorded '
        'score with scorer "recorded".',
    ),
    "a system without input": (
        change('input = "text"\n', ""),
        "autopsy.toml:5: [system] is to be run, and no field is named as its input. Name the field "
        "as input under [fields].",
    ),
    "an unknown scorer": (
        change('"exact_match"', '"exact_mach"'),
        "autopsy.toml:12: there is no scorer 'exact_mach', expected exact_match, normalized, "
        "numeric, recorded. Did you mean 'exact_match'?",
    ),
    "recorded without a score": (
        change('"exact_match"', '"recorded"'),
        "autopsy.toml:12: the scorer is 'recorded', and no field is named as the score. Name the "
        "field as score under [fields].",
    ),
    "scores that are scored again": (
        RECORDED + '[scorer]\nname = "exact_match"\n',
        "autopsy.toml:9: the scorer 'exact_match' needs outputs, and only scores are named. Name "
        "the scorer 'recorded', or the field of the output under [fields].",
    ),
    "a tolerance for texts": (
        change('"exact_match"', '"exact_match"\ntolerance = 0.1'),
        "autopsy.toml:13: the scorer 'exact_match' takes no tolerance. Name the scorer 'numeric', "
        "or remove it.",
    ),
    "a negative tolerance": (
        change('"exact_match"', '"numeric"\ntolerance = -1'),
        "autopsy.toml:13: 'absolute' in [scorer.tolerance] is -1, expected a number that is not "
        "negative. Write it as expected, or leave it out.",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_sentence_with_its_line(folder: Path, mistake: str) -> None:
    text, expected = MISTAKES[mistake]
    assert message(folder, text).replace(str(folder), "HERE") == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (change('"eval.jsonl"', '"eval.jsonl'), 3),
        (change("[data]\n", '[data]\neval = "x"\n'), 4),
        (change('["shift_type"]', '["shift_type"'), 17),
        (change("[scorer]", "[scorer"), 11),
        (change("id = ", "id "), 6),
    ],
    ids=["an unclosed text", "a key twice", "an unclosed list", "an unclosed table", "no sign"],
)
def test_what_is_not_toml_is_named_with_its_line(folder: Path, text: str, line: int) -> None:
    with pytest.raises(BadCase) as caught:
        load_text(folder, text)
    assert caught.value.where == f"{folder / FILE_NAME}:{line}"
    assert caught.value.what.startswith("not TOML: ")


def test_bytes_that_are_not_text_are_named_with_their_line(folder: Path) -> None:
    (folder / FILE_NAME).write_bytes(b'name = "x"\n[data]\neval = "caf\xe9"\n')
    with pytest.raises(BadCase) as caught:
        load(folder)
    assert caught.value.where == f"{folder / FILE_NAME}:3"
    assert caught.value.what == "byte 0xe9 is not UTF-8"


@pytest.mark.parametrize("name", ["x" * 5000, "\\u0000"], ids=["too long", "NUL"])
def test_a_file_name_that_cannot_be_is_not_there(folder: Path, name: str) -> None:
    with pytest.raises(BadCase, match="there is no file"):
        load_text(folder, change("eval.jsonl", name))


def test_a_folder_without_a_case_says_how_to_get_one(folder: Path) -> None:
    with pytest.raises(BadCase) as caught:
        load(folder)
    assert caught.value.remedy == f"run `autopsy init {folder}`, which proposes one"


def test_a_data_file_is_not_taken_for_a_case(folder: Path) -> None:
    with pytest.raises(BadCase, match="this is not a case file"):
        load(folder / "eval.jsonl")


def test_a_case_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AutopsyError, match="there is no such file"):
        load(tmp_path / "other.toml")


def test_windows_line_ends_and_a_byte_order_mark_are_accepted(folder: Path) -> None:
    text = "\ufeff" + WHOLE.replace("\n", "\r\n")
    (folder / FILE_NAME).write_bytes(text.encode())
    assert load(folder).name == "invoice-extraction"


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, len(WHOLE)),
    st.integers(0, 12),
    st.text(st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from(["[", "]", "=", '"', "\n", "[data]\n", "[[data]]\n", "= 1", "1979-05-27"]),
)
def test_no_edit_of_a_case_gives_a_traceback(at: int, cut: int, put: str) -> None:
    text = WHOLE[:at] + put + WHOLE[at + cut :]
    # The folder is not there, so that a text which is a good case still is an error.
    with pytest.raises(BadCase) as caught:
        parse(text, Path("nowhere/autopsy.toml"))
    assert caught.value.where.startswith("nowhere/autopsy.toml")
    assert caught.value.remedy


def test_a_scorer_of_another_package_is_known_by_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = change('"exact_match"', '"acme"')
    with pytest.raises(BadCase, match="there is no scorer 'acme'"):
        load_text(folder, other)
    known = [*registry.scorers.names(), "acme"]
    monkeypatch.setattr(registry.scorers, "names", lambda: known)
    assert load_text(folder, other).scorer.name == "acme"


HYPOTHESIS = """
[[hypothesis]]
statement = "It reads by position."
breaks = ["swap_first_fields"]
spares = ["add_closing"]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("swap_first_fields", "swap_first_field", "did you mean 'swap_first_fields'?"),
        ("add_closing", "swap_first_fields", "has 'swap_first_fields' in breaks and in spares"),
        ("spares", 'fields = { typo = ["total"] }\nspares', "has fields of 'typo', not in breaks"),
        ("statement", "statment", "did you mean 'statement'?"),
        ("[[hypothesis]]", "[hypothesis]", "tables like [[hypothesis]]"),
        ('["swap_first_fields"]', "[]", "a perturbation, or a list of perturbations"),
    ],
)
def test_a_mistake_in_a_hypothesis_is_named(folder: Path, old: str, new: str, said: str) -> None:
    wrong = message(folder, WHOLE + change(old, new, HYPOTHESIS))
    assert said.lower() in wrong.lower()
    assert wrong.startswith("autopsy.toml:")
