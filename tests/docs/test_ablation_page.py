"""What docs/ablation.md shows is what the command prints."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from eval_autopsy.case.load import parse

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ablation.md").read_text(encoding="utf-8")
EXAMPLE = Path("examples", "invoice-extraction")


def test_the_ablation_of_the_invoices_is_printed_as_the_page_shows(tmp_path: Path) -> None:
    hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
    shutil.copytree(ROOT / EXAMPLE, tmp_path / EXAMPLE, ignore=hidden)
    (block,) = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    command, _, shown = block.partition("\n")
    done = subprocess.run(
        [sys.executable, "-m", "eval_autopsy", *command.removeprefix("$ autopsy ").split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == shown.strip()


def test_the_hypothesis_that_the_page_shows_can_be_loaded() -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    place = ROOT / EXAMPLE / "autopsy.toml"
    case = parse(place.read_text(encoding="utf-8") + "\n" + shown, place)
    assert [one.breaks for one in case.file.hypothesis] == [("swap_first_fields", "add_preamble")]
