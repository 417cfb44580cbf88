from __future__ import annotations

import json
from pathlib import Path

from .conftest import Call


def write_sets(folder: Path) -> None:
    folder.mkdir()
    for name in ("eval", "production"):
        rows = [
            {
                "id": f"{name}-{i}",
                "prompt": f"question {i}",
                "answer": "a",
                "label": "a",
                "kind": i % 2,
            }
            for i in range(12)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")


def test_a_case_is_written_that_the_next_command_can_use(call: Call, folder: Path) -> None:
    write_sets(folder / "logs")
    said = call("init", "logs")
    assert said.code == 0
    text = (folder / "logs" / "autopsy.toml").read_text(encoding="utf-8")
    assert said.out.startswith(text)
    assert said.out.endswith(
        "written: logs/autopsy.toml\nnext: correct what is wrong, then autopsy slices logs\n"
    )
    assert call("slices", "logs").code == 0


def test_a_case_that_is_there_is_never_replaced(call: Call, case: Path) -> None:
    before = (case / "autopsy.toml").read_bytes()
    said = call("init", case)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("case/autopsy.toml: there is a case already")
    assert (case / "autopsy.toml").read_bytes() == before


def test_a_dry_run_writes_nothing(call: Call, folder: Path) -> None:
    write_sets(folder / "logs")
    said = call("init", "logs", "--dry-run")
    assert said.code == 0
    assert "not written: logs/autopsy.toml" in said.out
    assert sorted(path.name for path in (folder / "logs").iterdir()) == [
        "eval.jsonl",
        "production.jsonl",
    ]


def test_what_could_not_be_guessed_is_listed_with_what_to_do(call: Call, folder: Path) -> None:
    (folder / "logs").mkdir()
    for name in ("one", "two"):
        (folder / "logs" / f"{name}.csv").write_text("id,kind\n1,a\n2,b\n", encoding="utf-8")
    found = json.loads(call("init", "logs", "--json").out)
    assert found["written"] is True
    assert found["missing"][0].startswith("data: ")
    assert found["next"][-1] == "next: fill that in, then autopsy slices logs"
    assert found["text"] == (folder / "logs" / "autopsy.toml").read_text(encoding="utf-8")


def test_the_example_would_be_proposed_as_it_is(call: Call, case: Path) -> None:
    committed = (case / "autopsy.toml").read_text(encoding="utf-8")
    (case / "autopsy.toml").unlink()
    call("init", case)
    proposed = (case / "autopsy.toml").read_text(encoding="utf-8")
    for line in ('input = "text"', 'python = "extractor.py:extract"', 'by = ["shift_type"]'):
        assert line in committed
        assert line in proposed


def test_a_folder_without_data_is_an_error_that_lists_what_can_be_read(
    call: Call, folder: Path
) -> None:
    said = call("init")
    assert (said.code, said.out) == (2, "")
    assert ".jsonl" in said.err
    assert list(folder.iterdir()) == []
