"""The cells of MLflow's table in CSV, where pandas wrote objects as Python shows them.

Nothing is run: a cell is read when its tokens are those of a literal and no more, in brackets that
are not too deep, and stays the text that it is otherwise.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.readers.intake import number
from eval_autopsy.readers.json_items import DEEPEST, value_of

LONGEST = 2**20  # characters of one cell
# Long cells, which are read where they say something that the columns do not.
SAYS_MORE = {
    "assessments": re.compile("'error'"),
    "trace_metadata": re.compile("tokenUsage|trace\\.session"),
}
_TOKEN = re.compile(
    r"""\s*(?:(?P<open>[\[{(])|(?P<close>[\]})])|(?P<between>[,:])|(?P<value>
        '(?:[^'\\\n]|\\.)*' | "(?:[^"\\\n]|\\.)*"
        | -?\d[\d.]*(?:[eE][+-]?\d+)? | -?nan\b | -?inf\b | None\b | True\b | False\b))""",
    re.VERBOSE,
)


def is_text(row: dict[str, Any]) -> bool:
    """Whether a row comes from a table of text."""
    return all(isinstance(value, str) for value in row.values())


def typed(row: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """The row of a table of text with the values that its cells stand for; blank is null.

    Unless it is to be taken `whole`, a long cell that says no more than the columns is null.
    """
    found: dict[str, Any] = {}
    for name, cell in row.items():
        more = SAYS_MORE.get(name)
        skipped = more is not None and not whole and not more.search(cell)
        found[name] = None if skipped or cell == "" else _value(name, cell)
    return found


def _value(name: str, cell: str) -> Any:
    if name.endswith("/value") or name in ("request_time", "execution_duration"):
        found = number(cell)
        if found is not None:
            return found
        return {"True": True, "False": False}.get(cell, literal(cell))
    return literal(cell)


def literal(cell: str) -> Any:
    """The object or list that a text shows as Python does, or the text when it shows none."""
    shown = _checked(cell) if cell[:1] in ("{", "[") and len(cell) <= LONGEST else ""
    if not shown:
        return cell
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python does not know
            found = ast.literal_eval(shown)
        return value_of(json.dumps(found), "")
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, kernel.Unreadable):
        return cell


def _checked(cell: str) -> str:
    """A text of strings, numbers and names of values, each between signs; "" for any other.

    Two values side by side are refused: a chain of `1-1-1` is an operation, and nests without end.
    NaN and the infinities, which pandas has for no value, become None.
    """
    at = depth = 0
    before = "open"
    pieces = []
    while at < len(cell):
        found = _TOKEN.match(cell, at)
        kind = found.lastgroup if found else None
        if found is None or kind is None or (kind == "value" and before == "value"):
            return ""
        depth += (kind == "open") - (kind == "close")
        if not 0 <= depth <= DEEPEST:
            return ""
        at, before = found.end(), kind
        pieces.append("None" if found.group().strip(" -") in ("nan", "inf") else found.group())
    return "".join(pieces) if depth == 0 else ""
