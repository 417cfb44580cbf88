"""docs/demo.svg, the picture at the top of the README, is what a terminal shows."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "demo.svg"


def test_the_picture_is_what_a_terminal_shows_now() -> None:
    made = ROOT / "docs" / "make_demo.py"
    done = subprocess.run([sys.executable, made], capture_output=True, text=True, check=False)
    remedy = "python docs/make_demo.py --write"
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{remedy}"


def test_the_picture_loads_nothing_from_elsewhere() -> None:
    text = PICTURE.read_text(encoding="utf-8")
    assert "url(http" not in text
    assert [
        one.tag for one in ElementTree.fromstring(text).iter() if "href" in str(one.attrib)
    ] == []


def test_the_readme_shows_the_picture() -> None:
    assert "](docs/demo.svg)" in (ROOT / "README.md").read_text(encoding="utf-8")
