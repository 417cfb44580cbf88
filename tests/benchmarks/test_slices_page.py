"""Tables of the search's benchmark take their places on the page."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import slices  # type: ignore[import-not-found]

PAGE = """Before.
<!-- begin slices.py peers -->
old
<!-- end slices.py peers -->
Between.
<!-- begin slices.py growth -->
<!-- end slices.py growth -->
After.
"""


def test_only_the_place_of_a_section_changes_and_it_names_the_command() -> None:
    page = slices.placed(PAGE, "growth", "python benchmarks/slices.py growth", "\n1  2\n")
    assert page == PAGE.replace(
        "growth -->\n<!-- end",
        "growth -->\n```text\n$ python benchmarks/slices.py growth\n1  2\n```\n<!-- end",
    )


def test_a_table_that_is_written_again_takes_the_place_of_the_one_before() -> None:
    once = slices.placed(PAGE, "peers", "first", "old table")
    again = slices.placed(once, "peers", "second", "new table")
    assert again == slices.placed(PAGE, "peers", "second", "new table")


def test_a_page_without_the_place_is_refused() -> None:
    with pytest.raises(ValueError, match="has no <!-- begin"):
        slices.placed(PAGE, "check", "a command", "a table")


@pytest.mark.parametrize("section", slices.SECTIONS)
def test_the_page_has_a_place_for_each_section(section: str) -> None:
    page = slices.PAGE.read_text(encoding="utf-8")
    assert "a table" in slices.placed(page, section, "a command", "a table")
