"""Makes what is committed and made by the engine: some receipts, and the kernel's digest.

    python tests/golden/make.py             shows what would change
    python tests/golden/make.py --write     writes it

Read the difference, and commit it with its cause. The envelope (time, machine) of a receipt that
is there is kept, so that only what the engine says can differ; a new receipt gets a true one. The
predictions are written down at the time of the envelope, of a system run by its Python.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
CASES = {
    Path("receipts", "invoice-extraction"): Path("examples", "invoice-extraction", "autopsy.toml"),
    Path("receipts", "invoice-hypotheses"): Path(
        "examples", "invoice-extraction", "hypotheses.toml"
    ),
    Path("receipts", "scorer-audit"): Path("examples", "scorer-audit", "autopsy.toml"),
}
PAGE = Path("docs", "receipt.md")
OURS = shutil.ignore_patterns(".autopsy")  # what a run of the example may have left there
COMMAND = "python tests/golden/make.py --write"


def made() -> dict[Path, bytes]:
    """Every file by its path in the repository, as the engine of today makes it."""
    from eval_autopsy import kernel

    digest = hashlib.sha256(Path(kernel.__file__).read_bytes()).hexdigest()
    row = f"| {kernel.VERSION}, not yet released | `{digest}` |"
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    page = re.sub(rf"^\| {re.escape(kernel.VERSION)}, .*$", row, page, flags=re.MULTILINE)
    receipts = (receipt(place, case) for place, case in CASES.items())
    return {PAGE: page.encode()} | {path: raw for one in receipts for path, raw in one.items()}


def receipt(place: Path, case: Path) -> dict[Path, bytes]:
    """The files of the receipt of a case."""
    from eval_autopsy.case.load import load
    from eval_autopsy.receipt import certify
    from eval_autopsy.systems import python

    # The time and the machine are the only part that no engine makes twice.
    kept = kept_envelope(place)
    made_at = datetime.fromisoformat(kept["made at"]).timestamp() if kept else time.time()
    version = kept["python"] if kept else platform.python_version()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if kept:
            stack.enter_context(mock.patch.object(certify, "envelope", return_value=kept))
        times = {"SOURCE_DATE_EPOCH": str(int(made_at))}
        stack.enter_context(mock.patch.dict(os.environ, times))
        stack.enter_context(mock.patch.object(python, "version_of", return_value=version))
        shutil.copytree(ROOT / case.parent, Path(folder, case.parent), ignore=OURS)
        done = certify.certify(load(Path(folder, case)), Path(folder), from_library=None)
        return {place / path.name: path.read_bytes() for path in sorted(done.folder.iterdir())}


def kept_envelope(place: Path) -> dict[str, str]:
    """The envelope of a receipt that is committed; nothing where there is none."""
    path = ROOT / place / "receipt.json"
    if not path.exists():
        return {}
    found: dict[str, str] = json.loads(path.read_bytes())["predicate"]["envelope"]
    return found


def difference(files: Mapping[Path, bytes]) -> str:
    """How files differ from those committed, and the command that accepts it; "" if they do not."""
    lines: list[str] = []
    for path, now in files.items():
        place = ROOT / path
        kept = place.read_bytes() if place.exists() else b""
        if kept != now:
            a, b = (side.decode("utf-8").splitlines() for side in (kept, now))
            lines += difflib.unified_diff(a, b, path.as_posix(), "now", lineterm="")
            lines += [] if kept.splitlines() != now.splitlines() else [f"{path}: its line ends"]
    return "\n".join([*lines, f"If this is meant, run: {COMMAND}"]) if lines else ""


def main(arguments: list[str]) -> int:
    """Shows what would change, or writes it; 0 when all is as it is made."""
    if set(arguments) - {"--write"}:
        print("usage: python tests/golden/make.py [--write]", file=sys.stderr)
        return 2
    files = made()
    says = difference(files)
    if says and "--write" in arguments:
        for place in CASES:
            shutil.rmtree(ROOT / place, ignore_errors=True)
        for path, content in files.items():
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_bytes(content)
    print(says or "all is as it is made")
    return 1 if says and "--write" not in arguments else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    sys.exit(main(sys.argv[1:]))
