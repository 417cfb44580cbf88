"""docs/first-screen.md is what the command prints of the samples."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_the_first_screen_is_what_is_printed() -> None:
    made = ROOT / "docs" / "make_first_screen.py"
    done = subprocess.run([sys.executable, made], capture_output=True, text=True, check=False)
    remedy = "python docs/make_first_screen.py --write"
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{remedy}"
