"""docs/method.md: the steps in Python do what the page shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
EXAMPLE = Path("examples", "invoice-extraction")


def test_the_steps_that_the_page_shows_can_be_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
    shutil.copytree(ROOT / EXAMPLE, tmp_path / EXAMPLE, ignore=hidden)
    monkeypatch.chdir(tmp_path)
    (shown,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    begun, comment, rest = shown.partition('found.next().step  # "reproduce"\n')
    assert comment
    names: dict[str, Any] = {}
    exec(begun, names)
    assert names["found"].next().step == "reproduce"
    exec(rest, names)
    assert names["found"].next().step == "ablate"
