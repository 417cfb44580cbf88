"""Makes what is committed and made by the engine: two receipts, and the kernel's digest.

    python tests/golden/make.py             shows what would change
    python tests/golden/make.py --write     writes it

Read the difference, and commit it with its cause. The envelope (time, machine) of the receipt that
is there is kept, so that only what the engine says can differ; a new receipt gets a true one.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("invoice-extraction", "scorer-audit")  # of examples, and of their receipts
PAGE = Path("docs", "receipt.md")
COMMAND = "python tests/golden/make.py --write"


def made() -> dict[Path, bytes]:
    """Every file by its path in the repository, as the engine of today makes it."""
    from eval_autopsy import kernel

    digest = hashlib.sha256(Path(kernel.__file__).read_bytes()).hexdigest()
    row = f"| {kernel.VERSION}, not yet released | `{digest}` |"
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    page = re.sub(rf"^\| {re.escape(kernel.VERSION)}, .*$", row, page, flags=re.MULTILINE)
    files = {PAGE: page.encode()}
    for name in NAMES:
        files |= receipt(name)
    return files


def receipt(name: str) -> dict[Path, bytes]:
    """The files of an example's receipt."""
    from eval_autopsy.case.load import load
    from eval_autopsy.receipt import certify

    # The time and the machine are the only part that no engine makes twice.
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        place, case = Path("receipts", name), Path("examples", name)
        if (ROOT / place).exists():
            kept = mock.patch.object(certify, "envelope", return_value=kept_envelope(place))
            stack.enter_context(kept)
        shutil.copytree(ROOT / case, Path(folder, case))
        done = certify.certify(load(Path(folder, case)), Path(folder))
        return {place / path.name: path.read_bytes() for path in sorted(done.folder.iterdir())}


def kept_envelope(place: Path) -> dict[str, str]:
    """The envelope of the receipt that is committed."""
    statement = json.loads((ROOT / place / "receipt.json").read_bytes())
    found: dict[str, str] = statement["predicate"]["envelope"]
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
        for name in NAMES:
            shutil.rmtree(ROOT / "receipts" / name, ignore_errors=True)
        for path, content in files.items():
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_bytes(content)
    print(says or "all is as it is made")
    return 1 if says and "--write" not in arguments else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    sys.exit(main(sys.argv[1:]))
