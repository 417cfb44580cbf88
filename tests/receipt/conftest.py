"""Receipts that are made once for all tests here, and benches to tamper with copies of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eval_autopsy.receipt.prove import Bench
from eval_autopsy.receipt.tampers.copies import Original
from eval_autopsy.receipt.verify import verify

from . import made

Benches = Callable[[str], Bench]


@pytest.fixture(scope="session")
def made_receipt(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of one of the receipts in `made`, each made once; they are only read."""
    found: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in found:
            found[name] = made.RECEIPTS[name](tmp_path_factory.mktemp(name))
        return found[name]

    return make


@pytest.fixture(scope="session")
def bench(made_receipt: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Benches:
    """A bench to tamper with one of the receipts in `made`."""
    found: dict[str, Bench] = {}

    def make(name: str) -> Bench:
        if name not in found:
            original = Original(verify(made_receipt(name)))
            found[name] = Bench(original, tmp_path_factory.mktemp("bench").resolve(), 60)
        return found[name]

    return make
