"""Writes docs/first-screen.md: what `autopsy look` prints of three samples of real tools' logs.

python docs/make_first_screen.py            compares, and shows the difference
python docs/make_first_screen.py --write    writes
"""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "first-screen.md"
SAMPLES = (
    ("inspect_ai", "Two logs of Inspect AI, one of them from two epochs of each sample:"),
    ("promptfoo", "Results of promptfoo, in several of its formats, with two providers on eval:"),
    ("otel", "Traces of OpenTelemetry with evaluations as events:"),
)
HEAD = """# The first screen

`autopsy look PATH`, or `autopsy PATH`, says what lies there and what it says, in at most a dozen
lines. Nothing has to be named. This page is made by `docs/make_first_screen.py` from the samples of
the tests, which the real tools wrote; what they hold is synthetic, with a slice that was made to
fail.

"""
TAIL = """
## What each line says

| line | what it says |
| --- | --- |
| eval, production | the files, how many scored records are right, and the [interval](clusters.md) |
| first run, second run | two runs of the same tasks, which are compared in pairs |
| gap | production's rate less eval's, with Newcombe's interval; of pairs with McNemar's test |
| right | from where on a graded score is right, as `--threshold` or the case says |
| where | slices that the search confirmed, with their counts in both sets |
| made of | the gap as a sum: rate, mix, and what eval never contained |
| silent | wrong answers that every guard lets through: two are assumed where no case names any |
| check | that the score is in doubt ([the rule](audit.md)); it stands in place of slices |
| scorer | what is in doubt about it (`autopsy audit` shows it); failed calls that count as wrong |
| confidence | the lowest threshold with 95% right on eval, and what it gives in production |
| apart | failed calls and graders of a log, and unscored samples: neither right nor wrong |
| no value | NaN and infinite numbers; a record with such a score is unscored |
| log says | figures that a log states of itself, where its samples give others |
| unread | files that look like data and could not be read, with the reason |
| missing | what another file would have, and how to export it |
| unknown | what the counts do not carry, and what would settle it |
| next | the commands that go on from here |

## How it is told which file is which

- A file is known by its content: `autopsy formats` lists what is read. In a folder, hidden files,
  packages and what this program writes are passed over, and links are not followed.
- Names of files and folders tell eval from production. Where they do not, traces are production
  beside an eval log, and so is a plain table beside a tool's log. `--files` shows each role with
  the reason.
- The same answers to the same tasks in two files are one run, which is read once. Two logs of one
  format that say that they began at different times are two runs, and so are two test runs (JUnit)
  of which one verdict differs.
- Two files without a role that hold the same tasks are two runs, and are compared in pairs.
- Of several systems on eval, the one that production has is compared.
- Fields may go by other names in production. The scorer is then the one that agrees best with the
  scores that the log recorded, and the notes of `--files` say on how many records.
- A line of JSON Lines that cannot be read is set aside and counted. Other damage is an error.
- Text is UTF-8, or UTF-16 with a byte order mark, as Excel and PowerShell write it.
- A file that changes while it is read is said under unknown; no receipt is made of one.
- Long values of records are held in memory up to 16 MB; the rest lies in a temporary file without a
  name, in the folder that `TMPDIR` names, and is gone when the command ends, however it ends.

`autopsy run PATH` writes the same comparison as a receipt, below `receipts/`, and the case that it
rests on below `.autopsy/`.
"""


def page() -> str:
    """The whole file."""
    parts = [HEAD]
    for name, words in SAMPLES:
        said = subprocess.run(
            [sys.executable, "-m", "eval_autopsy", "look", name],
            cwd=ROOT / "tests" / "samples",
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=True,
        )
        parts.append(f"{words}\n\n```console\n$ autopsy look {name}\n{said.stdout}```\n\n")
    return "".join(parts).rstrip("\n") + "\n" + TAIL


def difference() -> str:
    """What the file says and what it should say; empty when it is as it should be."""
    found = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    lines = (found.splitlines(keepends=True), page().splitlines(keepends=True))
    return "".join(difflib.unified_diff(*lines, "docs/first-screen.md", "printed"))


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    print(difference() or "docs/first-screen.md is as it is printed.")
    sys.exit(1 if difference() else 0)
