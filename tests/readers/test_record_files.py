"""Folders in which each JSON file is one record."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy.errors import CannotRead
from eval_autopsy.first_screen import look
from eval_autopsy.readers import open_rows
from eval_autopsy.readers.logs import Aside
from eval_autopsy.readers.record_files import digest_of, size_of

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"question": f"{number} + 0?", "output": str(number), "expected": str(number), **more}


def written(folder: Path, count: int = 40, indent: int | None = 1) -> Path:
    """A folder with a file for each record; every tenth answer is wrong."""
    folder.mkdir(parents=True)
    for n in range(count):
        one = record(n) if n % 10 else record(n, output="none")
        (folder / f"case-{n:04}.json").write_text(json.dumps(one, indent=indent), encoding="utf-8")
    return folder


@pytest.mark.parametrize("indent", [1, None], ids=["spread", "on one line"])
def test_the_files_of_a_folder_are_one_set_with_their_names_as_ids(
    tmp_path: Path, indent: int | None
) -> None:
    written(tmp_path / "answers", 400, indent)
    screen = look(tmp_path)
    (file,) = screen.files
    assert (file.path, file.format, file.records) == ("answers/*.json", "400 json files", 400)
    assert screen.eval == (360, 400)
    assert screen.case is not None
    assert screen.case.wanted.fields["id"] == "file"
    _, rows = open_rows(tmp_path / "answers")
    assert next(rows).fields == {"file": "case-0000", **record(0, output="none")}
    rows.close()


def test_an_id_in_the_records_goes_before_the_names_of_files(tmp_path: Path) -> None:
    folder = written(tmp_path / "answers", 5)
    for n, path in enumerate(sorted(folder.iterdir())):
        path.write_text(json.dumps(record(n, id=f"r{n}")), encoding="utf-8")
    screen = look(tmp_path)
    assert screen.case is not None
    assert screen.case.wanted.fields["id"] == "id"


def test_two_folders_of_records_are_compared_by_their_names(tmp_path: Path) -> None:
    written(tmp_path / "eval", 50)
    written(tmp_path / "production", 60)
    for path in sorted((tmp_path / "production").iterdir())[:12]:
        path.write_text(json.dumps(record(7, output="8")), encoding="utf-8")
    screen = look(tmp_path)
    assert (screen.eval, screen.production) == ((45, 50), (44, 60))  # 4 of 48 wrong, and 12


def test_a_file_unlike_the_others_is_set_aside_with_its_name(tmp_path: Path) -> None:
    folder = written(tmp_path / "answers")
    (folder / "case-0003.json").write_text('{"question": "3 + ', encoding="utf-8")
    (folder / "summary.json").write_text('{"mean": 0.9}', encoding="utf-8")
    (folder / "words.json").write_bytes(b'{"question": "caf\xe9"}')
    _, rows = open_rows(folder, lenient=True)
    assert len(list(rows)) == 39
    assert rows.aside == [
        Aside(4, "case-0003.json: not JSON: Unterminated string starting at at column 14"),
        Aside(41, "summary.json: its keys are mean, unlike those of the other files"),
        Aside(42, "words.json: byte 18 is 0xe9, which is not UTF-8"),
    ]


def test_a_case_stops_at_a_damaged_file_and_names_it(tmp_path: Path) -> None:
    folder = written(tmp_path / "answers")
    (folder / "case-0003.json").write_text("[]", encoding="utf-8")
    with pytest.raises(CannotRead, match="expected an object") as caught:
        list(open_rows(folder)[1])
    assert caught.value.where == str(folder / "case-0003.json")


@pytest.mark.parametrize(
    "files",
    [
        {"a.json": {"host": "x"}, "b.json": {"name": "y"}, "c.json": {"scripts": {}}},
        {"de.json": {"yes": "ja"}, "en.json": {"yes": "yes"}, "fr.json": {"yes": "oui"}},
        {"a.json": record(1), "b.json": record(2)},
    ],
    ids=["settings", "translations", "two"],
)
def test_files_that_are_no_records_are_no_set_of_them(
    tmp_path: Path, files: dict[str, dict[str, Any]]
) -> None:
    for name, value in files.items():
        (tmp_path / name).write_text(json.dumps(value, indent=1), encoding="utf-8")
    with pytest.raises(CannotRead, match="there is no data that can be read"):
        look(tmp_path)


def test_logs_of_a_tool_stay_files_of_their_own(tmp_path: Path) -> None:
    log = SAMPLES / "deepeval"
    (one,) = [path for path in sorted(log.glob("*.json")) if "facts" not in path.name][:1]
    for name in ("a.json", "b.json", "c.json"):
        shutil.copy(one, tmp_path / name)
    assert [file.path for file in look(tmp_path).files] == ["a.json", "b.json", "c.json"]


def test_hidden_files_and_links_are_no_records(tmp_path: Path) -> None:
    folder = written(tmp_path / "answers", 5)
    (folder / ".cache.json").write_text(json.dumps(record(9)), encoding="utf-8")
    (folder / "link.json").symlink_to(folder / "case-0001.json")
    assert len(list(open_rows(folder)[1])) == 5


def test_the_digest_of_a_folder_is_another_when_one_file_is(tmp_path: Path) -> None:
    folder = written(tmp_path / "answers", 3)
    before, size = digest_of(folder), size_of(folder)
    assert size == sum(path.stat().st_size for path in folder.iterdir())
    (folder / "case-0002.json").write_text(json.dumps(record(3)), encoding="utf-8")
    assert digest_of(folder) != before
    os.rename(folder / "case-0002.json", folder / "case-0009.json")
    assert digest_of(folder) not in (before, digest_of(folder / "case-0009.json"))


def test_a_receipt_of_folders_of_records_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import eval_autopsy as autopsy

    monkeypatch.chdir(tmp_path)
    written(Path("eval"), 40)
    written(Path("production"), 50)
    study = autopsy.open(Path()).in_writing()
    assert study.run().verification.verdict == "holds"
    # The case that was written names the folders, and reads them again.
    assert [source.path.name for source in study.case.sources] == ["eval", "production"]


@pytest.mark.parametrize("pattern", ["answers/*.json", "answers/case-*", "*/case-00??.json"])
def test_a_pattern_that_no_shell_expanded_leads_to_its_files(tmp_path: Path, pattern: str) -> None:
    written(tmp_path / "answers")
    assert look(tmp_path / pattern).eval == (36, 40)


def test_a_pattern_that_matches_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match="no file matches"):
        look(tmp_path / "*.jsonl")


def test_a_name_that_is_no_utf8_is_written_out(tmp_path: Path) -> None:
    folder = written(tmp_path / "answers", 3)
    try:
        os.rename(folder / "case-0002.json", os.fsencode(folder) + b"/caf\xe9.json")
    except OSError:
        pytest.skip("names of files are UTF-8 here")
    assert {row.fields["file"] for row in open_rows(folder)[1]} >= {"caf\\xe9"}
