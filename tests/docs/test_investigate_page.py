"""docs/investigate.md names the bounds and the lines of a transcript as they are."""

from __future__ import annotations

import re
from pathlib import Path

import click

from eval_autopsy.cli.main import autopsy
from eval_autopsy.investigation import transcript

PAGE = (Path(__file__).parents[2] / "docs" / "investigate.md").read_text(encoding="utf-8")


def test_the_bounds_have_the_defaults_that_the_page_says() -> None:
    found = autopsy.get_command(click.Context(autopsy), "investigate")
    assert found is not None
    defaults = {one.opts[0]: one.default for one in found.params if isinstance(one, click.Option)}
    rows = re.findall(r"^\| `(--\S+) \w` \| (\w+) \|", PAGE, re.MULTILINE)
    assert dict(rows) == {
        "--max-turns": str(defaults["--max-turns"]),
        "--max-seconds": str(defaults["--max-seconds"]),
        "--max-cost": "none",
    }


def test_the_page_names_each_kind_of_line_of_a_transcript() -> None:
    kinds = re.findall(r"^    (\w+)  +\w", transcript.__doc__ or "", re.MULTILINE)
    assert kinds == ["begin", "asked", "failed", "message", "end"]
    assert [kind for kind in kinds if f"`{kind}`" not in PAGE] == []
