"""Small cases with a system of any kind."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

from eval_autopsy.case.load import Case, load

TOP = """\
name = "small"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
input = "input"
"""


def rows(values: Sequence[object], start: int = 0) -> str:
    return "".join(
        json.dumps({"id": f"r{i}", "kind": "ab"[i % 2], "input": value, "expected": value}) + "\n"
        for i, value in enumerate(values, start)
    )


def case(folder: Path, system: str, code: str = "", values: Sequence[object] = ("x", "y")) -> Case:
    """A case whose [system] says `system`, with `code` in system.py."""
    folder.mkdir(exist_ok=True)
    (folder / "eval.jsonl").write_text(rows(values[:1]), encoding="utf-8")
    (folder / "production.jsonl").write_text(rows(values[1:], 1), encoding="utf-8")
    (folder / "system.py").write_text(textwrap.dedent(code), encoding="utf-8")
    text = f'{TOP}[system]\n{textwrap.dedent(system)}\n[slices]\nby = ["kind"]\n'
    (folder / "autopsy.toml").write_text(text, encoding="utf-8")
    return load(folder)
