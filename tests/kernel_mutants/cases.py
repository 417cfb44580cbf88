"""Small receipts in which every formula of the kernel has something to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from receipt import made

Maker = Callable[[Path], Path]


def invoice(base: Path) -> Path:
    """Every eighth production record of the invoice example, and a few of eval, run again."""
    case = base / "examples" / "invoice-extraction"
    shutil.copytree(made.EXAMPLE, case, ignore=shutil.ignore_patterns("__pycache__"))
    for name, step in (("eval", 40), ("production", 8)):
        path = case / f"{name}.jsonl"
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[::step]))
    return made.receipt(base, case)


PAIRS = [  # output, expected; the same but for writing, or not quite
    *(("$1,234.50", "1234.5"), ("1.234,50 EUR", "1234.50"), ("1 234.50", "1234.5")),
    *(("(5.00)", "-5"), ("-$5", "$-5"), ("+5", "5"), ("5", "-5"), ("$5", "€5"), ("USD 5", "$5")),
    *(("1,234", "1234"), ("1.234", "1234"), ("1.234", "1.234"), ("1,23", "1.23"), ("007", "7")),
    *(("1.2.3", "123"), ("1,2,3", "123"), ("1.234.567", "1234567"), ("0", "0.00"), ("5.", "5")),
    *(
        ("1'000", "1000"),
        ("12,345.678", "12345.678"),
        ("1,234.", "1234"),
        ("$5$", "5"),
        ("A5", "5"),
    ),
    *(("Hello  World", "hello world"), ("Hello", "Hell"), ("STRASSE", "straße"), ("", "")),
    *((" x ", "x"), (5, "5"), (5.5, "5.50"), (True, "1"), (True, True), (None, None), ([1], [1])),
    *(([1, 2], [2, 1]), ({"a": 1}, {"a": 1}), ({"a": 1}, {"a": 1, "b": 2}), ({"a": 1}, {})),
    *(({"a": "X"}, {"a": "x"}), ({"a": 1, "b": 2}, {"a": 1}), ("a", {"a": 1}), ({}, {})),
    *(({"a": {"b": 1}}, {"a": {"b": 1.0}}), (1, 1.0), (10**20, 1e20), (0.1, 0.10), (1, 2)),
    *(("x", 5), (5, "x"), ("x", [1]), (["x"], "X"), ("5 EUR", "5 USD"), ("-$-5", "5"), ("(5", "5")),
    *(("9" * 101, "9" * 101), ("100.01", "100"), ("100.5", "100"), ("101", "100"), ("99.4", "100")),
]


def pairs(base: Path, name: str, scorer: str) -> Path:
    """A receipt of all pairs under a scorer; eval has every third of them."""
    rows = [
        {"id": f"r{n}", "out": left, "want": right, "kind": "ab"[n % 2], "half": n < len(PAIRS) / 2}
        for n, (left, right) in enumerate(PAIRS)
    ]
    toml = f"""
name = "{name}"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
output = "out"
expected = "want"
[scorer]
{scorer}
[guards]
not_blank = true
matches = {{ "" = ".*[a-z0-9].*" }}
[slices]
by = ["kind", "half"]
"""
    files = {"eval.jsonl": made.lines(rows[::3]), "production.jsonl": made.lines(rows)}
    return made.written(base, toml, files)


PARTS = """
name = "parts"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
output = "out"
expected = "want"
error = "broke"
[scorer]
name = "exact_match"
fields = ["a", "b.c"]
[guards]
no_exception = true
parses = true
not_blank = ["a"]
[slices]
by = ["where", "size", "odd"]
"""


def parts(base: Path) -> Path:
    """Slices of which eval has some, production some and both some, that got better and worse."""
    wrong = {"eval": {"left": 4, "right": 7, "only": 3}, "production": {"left": 3, "right": 2}}
    counts = {
        "eval": {"left": 16, "right": 10, "only": 6},
        "production": {"left": 9, "right": 21, "new": 8, "worse": 5},
    }
    rows: dict[str, list[dict[str, Any]]] = {"eval": [], "production": []}
    for split, levels in counts.items():
        for level, count in levels.items():
            for number in range(count):
                bad = wrong[split].get(level, 4 if level == "worse" else 10**6)
                rows[split].append(_part(split, level, number, number % bad == 0))
    return made.written(base, PARTS, {f"{split}.jsonl": made.lines(rows[split]) for split in rows})


def _part(split: str, level: str, number: int, wrong: bool) -> dict[str, Any]:
    want = {"a": f"A{number}", "b": {"c": f"C{number}", "d": number}}
    out: Any = json.loads(json.dumps(want))
    kind = number % 5 if wrong else 5
    if kind == 0:
        out["a"], out["b"]["c"] = want["b"]["c"], want["a"]  # type: ignore[index]
    elif kind == 1:
        out["a"] = ["", [], None][number % 3]
    elif kind == 2:
        del out["b"]
    elif kind == 3:
        out = "not an object"
    row = {
        "id": f"{level}-{number}",
        "out": out,
        "want": want,
        "where": level,
        "size": number % 4,
        "odd": number % 2 == 1,
        "broke": "",
    }
    if kind == 4:
        row["broke"] = "Crash: it fell"
        del row["out"]
    if split == "production" and number == 3:
        del row["want"]
        row["want"] = None
    return row


RECEIPTS: dict[str, Maker] = {
    "audited": made.audited,
    "graded": made.graded,
    "halves": made.halves,
    "invoice": invoice,
    "scores": made.scores,
    "answers": made.answers,
    "parts": parts,
    "hypotheses": made.hypotheses,
    "normalized": lambda base: pairs(base, "normalized", 'name = "normalized"'),
    "numeric": lambda base: pairs(
        base, "numeric", 'name = "numeric"\ntolerance = { absolute = 0.5, relative = 0.001 }'
    ),
}
