"""What other programs say about the same inputs, and cubes written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval_autopsy import kernel

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "oracles.json"
ORACLES: dict[str, dict[str, Any]] = {
    entry["id"]: entry for entry in json.loads(VECTORS.read_text(encoding="utf-8"))["oracles"]
}

Slices = Mapping[str, Sequence[int]]  # a slice's name -> right, counted


def cube_of(eval_slices: Slices, production: Slices) -> kernel.Cube:
    """The cube of two splits that are sliced by one attribute, "s"."""
    cells: dict[tuple[str, kernel.Levels], dict[str, int]] = {
        (split, (f'"{name}"',)): {"records": n, "counted": n, "right": right, "wrong": n - right}
        for split, slices in (("eval", eval_slices), ("production", production))
        for name, (right, n) in slices.items()
    }
    return kernel.Cube(["s"], cells, lambda split, outcome, where: ())
