"""docs/receipt.md names everything that a receipt can hold."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from eval_autopsy import kernel

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "receipt.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*kernel.OPERATIONS, *kernel.OUTCOMES, *kernel.HOLES])
def test_the_page_names(name: str) -> None:
    assert f"`{name}" in PAGE or f'"{name}"' in PAGE


def test_the_page_has_the_digest_of_the_kernel() -> None:
    digest = hashlib.sha256(Path(kernel.__file__).read_bytes()).hexdigest()
    row = f"| {kernel.VERSION}, not yet released | `{digest}` |"
    assert row in PAGE, f"write into docs/receipt.md: {row}"


def test_the_page_names_the_type() -> None:
    assert f"Type URI: `{kernel.PREDICATE_TYPE}`" in PAGE
