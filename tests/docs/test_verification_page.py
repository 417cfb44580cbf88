"""docs/verification.md says what is caught now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_has_the_figures_of_this_kernel_and_these_tamperings() -> None:
    made = ROOT / "docs" / "make_verification.py"
    done = subprocess.run([sys.executable, made], capture_output=True, text=True, check=False)
    remedy = "python docs/make_verification.py --write"
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{remedy}"
