"""What docs/shrink.md shows is what the commands print."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "shrink.md").read_text(encoding="utf-8")
EXAMPLES = "examples"
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: "-".join(block.split()[2:4]))
def test_what_the_page_shows_is_what_the_command_prints_first(tmp_path: Path, block: str) -> None:
    hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
    shutil.copytree(ROOT / EXAMPLES, tmp_path / EXAMPLES, ignore=hidden)
    command, _, shown = block.partition("\n")
    done = subprocess.run(
        [sys.executable, "-m", "eval_autopsy", *command.removeprefix("$ autopsy ").split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(shown)
