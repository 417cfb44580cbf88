"""Writes docs/demo.svg: what a terminal shows of three commands on the invoice example.

python docs/make_demo.py            compares, and says whether the picture is as it is shown
python docs/make_demo.py --write    writes

The commands run in a pseudo-terminal; the picture is what they send to it, drawn by rich. Only the
seconds that the first screen took are those of the picture that is there, since they differ each
time.
"""

from __future__ import annotations

import difflib
import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "demo.svg"
EXAMPLE = "invoice-extraction"
LINES = (
    f"autopsy look {EXAMPLE}",
    f"autopsy shrink p-0030 {EXAMPLE}",
    f"autopsy run --quiet {EXAMPLE} && autopsy verify receipts/{EXAMPLE} | tail -n 1",
)
COLUMNS = 106
TAKEN = re.compile(r"(?<=set aside  )\d+\.\d s")
# As the terminals of GitHub's dark theme: background, text, the eight colors.
THEME = TerminalTheme(
    (13, 17, 23),
    (201, 209, 217),
    [
        (72, 79, 88),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (177, 186, 196),
    ],
)
# A picture in a page may load nothing, so the fonts of rich's template are left to the reader's.
TEMPLATE = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def recorded() -> str:
    """What the terminal shows of all the lines, each after its prompt."""
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        folder = Path(name)
        hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
        shutil.copytree(ROOT / "examples" / EXAMPLE, folder / EXAMPLE, ignore=hidden)
        command = folder / "bin" / "autopsy"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m eval_autopsy "$@"\n')
        command.chmod(0o755)
        shown = [f"\x1b[32m$\x1b[0m \x1b[1m{line}\x1b[0m\n{said(line, folder)}" for line in LINES]
    return "\n".join(shown)


def said(line: str, folder: Path) -> str:
    """What one line of the shell sends to its terminal, with its formatting."""
    ours, theirs = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "PATH")}
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    more = {"PATH": path, "PYTHONPATH": str(ROOT / "src"), "LANG": "C.UTF-8"}
    more |= {"TERM": "xterm", "COLUMNS": str(COLUMNS)}
    with subprocess.Popen(
        ["sh", "-c", line],
        cwd=folder,
        env={**kept, **more},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    ) as running:
        os.close(theirs)
        shown = b"".join(iter(lambda: part_of(ours), b""))
        os.close(ours)
        errors = running.communicate()[1].decode()
    if running.returncode != 0 or errors:
        raise RuntimeError(f"{line}: exit {running.returncode}\n{errors}")
    return shown.decode("utf-8").replace("\r\n", "\n")


def part_of(terminal: int) -> bytes:
    """What was sent next; nothing when the other end is closed, which Linux says by an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def drawn(shown: str) -> str:
    """The picture of what a terminal shows."""
    console = Console(
        width=COLUMNS, file=io.StringIO(), record=True, force_terminal=True, color_system="standard"
    )
    for line in Text.from_ansi(shown).split("\n", allow_blank=True):
        # At the last column, as a terminal does; rich would break between words.
        for part in line.divide(range(COLUMNS, len(line), COLUMNS)):
            console.print(part, no_wrap=True, highlight=False)
    return console.export_svg(title="autopsy", theme=THEME, code_format=TEMPLATE, unique_id="demo")


def picture() -> str:
    """The file as it should be."""
    found = PICTURE.read_text(encoding="utf-8") if PICTURE.exists() else ""
    before = TAKEN.search(found.replace("&#160;", " "))
    shown = recorded()
    return drawn(TAKEN.sub(before[0], shown) if before else shown)


def difference(wanted: str) -> str:
    """What the file has and what it should have; empty when it is as it should be."""
    found = PICTURE.read_text(encoding="utf-8") if PICTURE.exists() else ""
    lines = (found.splitlines(), wanted.splitlines())
    return "\n".join(difflib.unified_diff(*lines, "docs/demo.svg", "shown", lineterm="", n=0))


if __name__ == "__main__":
    wanted = picture()
    if "--write" in sys.argv[1:]:
        PICTURE.write_text(wanted, encoding="utf-8")
    changed = difference(wanted)
    print(changed or "docs/demo.svg is as it is shown.")
    sys.exit(1 if changed else 0)
