"""docs/cli.md is what the verbs say of themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from eval_autopsy.cli.main import MODULES

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_the_command_line_is_what_help_prints() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_cli.py"],
        env={"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\npython docs/make_cli.py --write"


def test_the_page_has_a_section_for_every_verb() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for verb in MODULES:
        assert f"\n## autopsy {verb}\n" in page
