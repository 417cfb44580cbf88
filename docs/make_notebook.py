"""Runs docs/notebook.ipynb, and writes what its cells give as their outputs.

python docs/make_notebook.py            compares, and shows the difference
python docs/make_notebook.py --write    writes

A cell's outputs are what a notebook's are: what it prints, and its last expression, as text and,
where the object has one, as the table of `_repr_html_`. The cells run in a copy of the examples and
samples, since some of them write.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import difflib
import io
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
NEEDED = ("examples", "tests/samples/inspect_ai")


def executed(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of a fresh run, from its first cell to its last."""
    names: dict[str, Any] = {"__name__": "__main__"}
    done = copy.deepcopy(notebook)
    cells = [cell for cell in done["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        cell["execution_count"] = number
        cell["outputs"] = outputs_of("".join(cell["source"]), names, number)
    return done


def outputs_of(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """What a cell prints and gives; its names stay in `names`."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), f"cell {number}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        text = lines_of(printed.getvalue())
        outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    if value is not None:
        shown = {"execution_count": number, "metadata": {}, "data": shown_as(value)}
        outputs.append({"output_type": "execute_result", **shown})
    return outputs


def shown_as(value: object) -> dict[str, list[str]]:
    """The forms of a value, by their type."""
    table = getattr(value, "_repr_html_", None)
    html = {"text/html": lines_of(table())} if table else {}
    return {**html, "text/plain": lines_of(repr(value))}


def lines_of(text: str) -> list[str]:
    """As the format of notebooks keeps texts."""
    return text.splitlines(keepends=True)


def fresh() -> str:
    """The file as it should be."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
    with tempfile.TemporaryDirectory(prefix="notebook-") as folder:
        for name in NEEDED:
            shutil.copytree(ROOT / name, Path(folder) / name, ignore=hidden)
        before = Path.cwd()
        os.chdir(folder)
        try:
            done = executed(notebook)
        finally:
            os.chdir(before)
    return json.dumps(done, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def difference(wanted: str) -> str:
    """What the file says and what it should say; empty when it is as it should be."""
    found = NOTEBOOK.read_text(encoding="utf-8")
    lines = (found.splitlines(keepends=True), wanted.splitlines(keepends=True))
    return "".join(difflib.unified_diff(*lines, "docs/notebook.ipynb", "run"))


if __name__ == "__main__":
    wanted = fresh()
    if "--write" in sys.argv[1:]:
        NOTEBOOK.write_text(wanted, encoding="utf-8")
    changed = difference(wanted)
    print(changed or "docs/notebook.ipynb is as it runs.")
    sys.exit(1 if changed else 0)
