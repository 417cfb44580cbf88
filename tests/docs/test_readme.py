"""What README.md shows is what the commands print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eval_autopsy.case.load import parse

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def alike(text: str) -> str:
    """Text without the digests and sizes that differ from receipt to receipt."""
    return re.sub(r"\b[0-9a-f]{16}\b|\b\d[\d,]* bytes", "...", text).strip()


def printed(command: str, folder: Path) -> str:
    """What a command of ours prints in a folder."""
    name, *arguments = command.removeprefix("$ ").split()
    assert name == "autopsy"
    done = subprocess.run(
        [sys.executable, "-m", "eval_autopsy", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    command, _, shown = blocks("console")[0].partition("\n")
    assert command == "$ autopsy demo"
    assert alike(printed(command, tmp_path)) == alike(shown)


@pytest.mark.parametrize(("position", "verb"), [(1, "look"), (2, "slices")])
def test_what_the_readme_shows_of_a_verb_is_what_it_prints(position: int, verb: str) -> None:
    command, _, shown = blocks("console")[position].partition("\n")
    assert command.startswith(f"$ autopsy {verb}")
    assert alike(printed(command, ROOT)) == alike(shown)


def test_the_case_that_the_readme_shows_is_the_one_of_the_example() -> None:
    place = ROOT / "examples" / "invoice-extraction" / "autopsy.toml"
    shown = parse(blocks("toml")[0], place)
    assert shown.file == parse(place.read_text(encoding="utf-8"), place).file


def test_every_page_that_is_linked_exists() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), f"{page}: {link}"


def test_the_list_of_pages_has_every_page() -> None:
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [path.name for path in (ROOT / "docs").iterdir() if path.suffix in (".md", ".ipynb")]
    assert [name for name in pages if name != "README.md" and f"]({name})" not in listed] == []
