"""A receipt checked with the installed kernel, which runs nothing that the receipt brings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from eval_autopsy import kernel

# Every kernel that was ever released, by digest. The receipts of older ones stay good.
RELEASED: dict[str, str] = {}


def kernel_source() -> bytes:
    """The bytes of the installed kernel, which every receipt carries as verify.py."""
    return Path(kernel.__file__).read_bytes()


KNOWN = {**RELEASED, hashlib.sha256(kernel_source()).hexdigest(): kernel.VERSION}


def verify(folder: Path, *, rerun: bool = False) -> kernel.Verification:
    """The verification of a receipt's folder; running the system is asked for by `rerun`."""
    return kernel.Verification(str(folder), KNOWN, rerun).run()


def to_dict(done: kernel.Verification) -> dict[str, Any]:
    """The JSON of `autopsy verify`."""
    bases = done.bases()
    made = done.statement.get("predicate", {}).get("kernel", {}) if done.statement else {}
    failed = {one.where for one in done.failures if one.check == "claims"}
    return {
        "verdict": done.verdict,
        "receipt": done.receipt_id,
        "kernel": {
            "version": made.get("version", ""),
            "sha256": made.get("sha256", ""),
            "bundled_matches": done.bundled in KNOWN,
        },
        "claims": {"checked": bases.total(), "failed": len(failed)},
        "failures": [
            {"check": f.check, "where": f.where, "expected": f.expected, "found": f.found}
            for f in done.failures
        ],
        "rests_on": dict(bases),
        "sections": [
            {"check": name, "holds": holds, "words": words} for name, holds, words in done.sections
        ],
    }
