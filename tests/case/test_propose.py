"""A proposal is a case, or says what it lacks; it runs nothing and overwrites nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval_autopsy.case.load import FILE_NAME, load, parse
from eval_autopsy.case.propose import Proposal, propose, save
from eval_autopsy.errors import BadCase, CannotRead

EXAMPLE = Path(__file__).parents[2] / "examples" / "invoice-extraction"


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows(count: int, start: int = 0, **same: Any) -> list[dict[str, Any]]:
    """Records with an id, a question, an answer and a language."""
    return [
        {
            "id": f"r{start + n}",
            "question": f"q{n}",
            "label": f"a{n % 9}",
            "lang": ["de", "en"][n % 2],
        }
        | same
        for n in range(count)
    ]


def pair(folder: Path, **same: Any) -> Proposal:
    write(folder, "eval.jsonl", rows(20, **same))
    write(folder, "prod.jsonl", rows(30, **same))
    return propose([folder])


def test_the_proposal_for_the_example_means_what_its_case_says(tmp_path: Path) -> None:
    copy = tmp_path / EXAMPLE.name
    shutil.copytree(EXAMPLE, copy)
    (copy / FILE_NAME).unlink()
    proposal = propose([copy])
    assert proposal.missing == ()
    assert proposal.path == copy / FILE_NAME
    file = load(EXAMPLE).file
    both = file.model_copy(update={"slices": file.slices.model_copy(update={"features": True})})
    assert parse(proposal.text, proposal.path).file == both


def test_every_key_stands_under_its_reason(tmp_path: Path) -> None:
    lines = pair(tmp_path, prediction="a1").text.splitlines()
    keys = [number for number, line in enumerate(lines) if " = " in line and line[0] != "#"]
    assert len(keys) >= 8
    for number in keys:
        assert lines[number - 1].startswith(
            ("# Sure: ", "# Likely: ", "# A choice: ", "# A guess: ")
        )


def test_a_saved_proposal_is_a_case(tmp_path: Path) -> None:
    proposal = pair(tmp_path, prediction="a1")
    save(proposal)
    case = load(tmp_path)
    assert case.wanted.fields == {
        "id": "id",
        "input": "question",
        "expected": "label",
        "output": "prediction",
    }
    assert case.file.slices.by == ("lang",)


def test_a_case_that_is_there_is_not_proposed_again(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("mine")
    with pytest.raises(BadCase, match="there is a case already, which is left as it is"):
        pair(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == "mine"


def test_a_case_that_comes_there_meanwhile_is_kept(tmp_path: Path) -> None:
    proposal = pair(tmp_path)
    (tmp_path / FILE_NAME).write_text("mine")
    with pytest.raises(BadCase, match="there is a case already"):
        save(proposal)
    assert (tmp_path / FILE_NAME).read_text() == "mine"


def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    proposal = pair(tmp_path)
    shutil.rmtree(tmp_path)
    with pytest.raises(BadCase, match="the case file cannot be written"):
        save(proposal)


def test_files_can_be_named_one_by_one(tmp_path: Path) -> None:
    first = write(tmp_path, "march.jsonl", rows(9, output="x"))
    (tmp_path / "live").mkdir()
    second = write(tmp_path / "live", "prod.jsonl", rows(9, output="x"))
    write(tmp_path, "other.jsonl", rows(3))
    proposal = propose([first, second])
    assert proposal.path.resolve() == (tmp_path / FILE_NAME).resolve()
    data = parse(proposal.text, tmp_path / FILE_NAME).file.data
    assert (data.eval, data.production) == (("march.jsonl",), ("live/prod.jsonl",))


def test_a_split_can_have_several_files(tmp_path: Path) -> None:
    write(tmp_path, "eval-a.jsonl", rows(9, output="x"))
    write(tmp_path, "eval-b.jsonl", rows(9, start=9, output="x"))
    write(tmp_path, "production.jsonl", rows(9, output="x"))
    proposal = propose([tmp_path])
    data = parse(proposal.text, proposal.path).file.data
    assert (data.eval, data.production) == (("eval-a.jsonl", "eval-b.jsonl"), ("production.jsonl",))


def test_one_file_is_split_by_the_column_whose_values_say_so(tmp_path: Path) -> None:
    write(tmp_path, "all.jsonl", rows(9, source="dev", ok=True) + rows(9, source="live", ok=False))
    proposal = propose([tmp_path])
    data = parse(proposal.text, proposal.path).file.data
    assert (data.file, data.split) == ("all.jsonl", "source")
    assert data.splits is not None
    assert (data.splits.eval, data.splits.production) == ("dev", "live")


def test_a_file_without_roles_says_what_to_write(tmp_path: Path) -> None:
    write(tmp_path, "all.jsonl", rows(9, output="x"))
    proposal = propose([tmp_path])
    assert proposal.missing == (
        "data: there is one data file, all.jsonl, and no column in it whose two values say so",
    )
    assert '# Write: eval = "FILE" and production = "FILE", or file' in proposal.text
    with pytest.raises(BadCase):
        parse(proposal.text, proposal.path)


def test_names_that_say_nothing_are_listed(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        write(tmp_path, name, rows(9, output="x"))
    (missing,) = propose([tmp_path]).missing
    assert missing.endswith("which production: a.jsonl, b.jsonl, c.jsonl")


def test_records_without_an_id_of_their_own_say_so(tmp_path: Path) -> None:
    proposal = pair(tmp_path, id="same", question="same", output="x")
    assert proposal.missing == ("id: values of the field 'id' stand in several records: \"same\"",)
    assert '# Write: id = "FIELD"' in proposal.text


def test_nothing_to_run_and_nothing_recorded_says_so(tmp_path: Path) -> None:
    (missing,) = pair(tmp_path).missing
    assert missing == "system: no Python file beside the data has a function of one parameter"


def test_recorded_scores_are_taken_when_there_are_no_outputs(tmp_path: Path) -> None:
    proposal = pair(tmp_path, passed=True)
    case = parse(proposal.text, proposal.path)
    assert (case.scorer.name, case.file.fields.score) == ("recorded", "passed")


def test_outputs_that_are_texts_of_json_are_parsed(tmp_path: Path) -> None:
    proposal = pair(tmp_path, output='{"total": 1}', error=None)
    case = parse(proposal.text, proposal.path)
    assert case.scorer.output_format == "json"
    assert case.file.guards.parses


def test_the_system_is_read_and_not_run(tmp_path: Path) -> None:
    trap = "open('ran', 'w')\ndef answer(question):\n    return question\n"
    (tmp_path / "bot.py").write_text(trap)
    proposal = pair(tmp_path)
    case = parse(proposal.text, proposal.path)
    assert case.file.system is not None
    assert case.file.system.python == "bot.py:answer"
    assert case.file.guards.no_exception
    assert not (tmp_path / "ran").exists()
    assert not Path("ran").exists()


def test_recorded_outputs_come_before_a_system_to_run(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("def answer(question):\n    return question\n")
    proposal = pair(tmp_path, output="x")
    assert parse(proposal.text, proposal.path).file.system is None


def test_a_file_in_the_folder_that_is_no_data_is_left_out_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text("<!doctype html><p>404</p>")
    proposal = pair(tmp_path, output="x")
    assert "# page.json is left out: found an HTML page" in proposal.text
    assert proposal.missing == ()


def test_a_file_that_was_named_must_be_data(tmp_path: Path) -> None:
    page = tmp_path / "page.json"
    page.write_text("<!doctype html><p>404</p>")
    with pytest.raises(CannotRead, match="found an HTML page"):
        propose([page])


def test_a_folder_without_data_is_an_error_that_names_the_kinds(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# words, words")
    with pytest.raises(CannotRead) as caught:
        propose([tmp_path])
    assert caught.value.what == "there is no data that can be read"
    assert ".jsonl" in caught.value.remedy


@pytest.mark.parametrize("count", [0, 2])
def test_several_folders_or_none_are_an_error(tmp_path: Path, count: int) -> None:
    with pytest.raises(BadCase):
        propose([tmp_path] * count)


def test_what_a_terminal_obeys_is_shown_in_comments_and_escaped_in_values(tmp_path: Path) -> None:
    proposal = pair(tmp_path, output="x", **{"a\x1b[31m\x7f": 1, 'quoted " \\ name': 2})
    assert "\x1b" not in proposal.text
    assert "\x7f" not in proposal.text
    assert parse(proposal.text, proposal.path).file.slices.by == ("lang",)


NAMES = st.sampled_from(
    ["id", "uid", "text", "label", "truth", "output", "score", "error", "confidence", "time"]
) | st.sampled_from(["a.b", "x y", 'q"', "\\", "\x1b", "é", "lang", "source", "=", "#", "[data]"])
NAMES |= st.text(min_size=1, max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(0, 3)
    | st.sampled_from(["", "dev", "prod", "\x7f", "a"])
)
VALUES = SCALARS | st.dictionaries(NAMES, SCALARS, max_size=3) | st.lists(SCALARS, max_size=2)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(NAMES, min_size=1, max_size=6, unique=True),
    values=st.lists(VALUES, min_size=1, max_size=8),
    unique=st.booleans(),
)
def test_any_proposal_is_a_case_or_says_what_it_lacks(
    tmp_path: Path, names: list[str], values: list[Any], unique: bool
) -> None:
    made = [
        {name: values[(n + k) % len(values)] for k, name in enumerate(names)}
        | ({"id": f"r{n}"} if unique else {})
        for n in range(6)
    ]
    write(tmp_path, "eval.jsonl", made)
    write(tmp_path, "prod.jsonl", made)
    proposal = propose([tmp_path])
    if proposal.missing:
        assert "NOT GUESSED" in proposal.text
    else:
        assert parse(proposal.text, proposal.path).file.data.eval == ("eval.jsonl",)
