"""Makes the golden files: what a receipt looks like that is made from committed data.

    python tests/golden/make.py invoice           shows what would change
    python tests/golden/make.py invoice --write   writes it

Read the difference, and commit it with its cause.
"""

from __future__ import annotations

import difflib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
# What differs from one machine to the next; the rest of the envelope is of the product itself.
MACHINE = {"python": "3.11.9", "system": "Linux 6.1 x86_64", "processors": "2"}


def invoice() -> str:
    """The report of the invoice case, as `autopsy demo` makes it, on a machine that never was."""
    from eval_autopsy.case.load import load
    from eval_autopsy.receipt import certify

    made = certify.envelope
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, SOURCE_DATE_EPOCH="1735689600"),
        mock.patch.object(certify, "envelope", lambda *given: {**made(*given), **MACHINE}),
    ):
        example = Path(folder, "examples", "invoice-extraction")
        shutil.copytree(ROOT / "examples" / "invoice-extraction", example)
        done = certify.certify(load(example), Path(folder))
        return (done.folder / "REPORT.md").read_text(encoding="utf-8")


MAKERS: dict[str, Callable[[], str]] = {"invoice": invoice}


def place_of(name: str) -> Path:
    """Where a golden report is kept."""
    return GOLDEN / name / "REPORT.md"


def difference(name: str, found: str) -> str:
    """How a report differs from the golden one, and the command that accepts it; "" if it is it."""
    path = place_of(name)
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = list(
        difflib.unified_diff(
            kept.splitlines(), found.splitlines(), str(path.relative_to(ROOT)), "now", lineterm=""
        )
    )
    if not lines and kept == found:
        return ""
    command = f"python tests/golden/make.py {name} --write"
    return "\n".join([*lines, f"If this is meant, run: {command}"])


def main(arguments: list[str]) -> int:
    """Makes the reports that are named; 0 when each is the golden one, or is so now."""
    names = [one for one in arguments if one != "--write"]
    if not names or set(names) - set(MAKERS):
        print(f"name one or more of: {', '.join(MAKERS)}; and --write to keep it", file=sys.stderr)
        return 2
    differ = 0
    for name in names:
        found = MAKERS[name]()
        if "--write" in arguments:
            place_of(name).parent.mkdir(exist_ok=True)
            place_of(name).write_text(found, encoding="utf-8", newline="\n")
        says = difference(name, found)
        print(says or f"{place_of(name).relative_to(ROOT)} is as it is made")
        differ += bool(says)
    return min(differ, 1)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    sys.exit(main(sys.argv[1:]))
