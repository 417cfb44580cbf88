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
_STRING = re.compile(r"""('(?:[^'\\\n]|\\.)*+'|"(?:[^"\\\n]|\\.)*+")""")
# Brackets and values, each closed one and each value before a sign: two of them side by side are an
# operation or a call, and a chain of these nests without end.
_LITERAL = re.compile(
    r"""(?: [\[{(,:\s]
        | (?: [\]})] | -?\d[\d.]*+(?:[eE][+-]?\d+)? | -?nan | -?inf | None | True | False )
          (?= \s* (?: [\]}),:] | $ ) )
    )*+""",
    re.VERBOSE,
)
_BRACKET = re.compile(r"[\[\]{}()]")
_NO_NUMBER = re.compile(r"-?\b(?:nan|inf)\b")


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
    if cell[:1] not in ("{", "[") or len(cell) > LONGEST or not _is_literal(cell):
        return cell
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python does not know
            found = ast.literal_eval(_without_nan(cell))
        return value_of(json.dumps(found), "")
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, kernel.Unreadable):
        return cell


def _is_literal(cell: str) -> bool:
    """Whether a text is made of brackets, strings, numbers and names of values, and of no more."""
    skeleton = _STRING.sub("0", cell)
    depth = deepest = 0
    for bracket in _BRACKET.findall(skeleton):
        depth += 1 if bracket in "[{(" else -1
        deepest = max(deepest, depth)
    return deepest <= DEEPEST and _LITERAL.fullmatch(skeleton) is not None


def _without_nan(cell: str) -> str:
    """A literal in which NaN and the infinities, which pandas has for no value, are None."""
    if "nan" not in cell and "inf" not in cell:
        return cell
    parts = _STRING.split(cell)  # every other one is a string
    parts[::2] = [_NO_NUMBER.sub("None", part) for part in parts[::2]]
    return "".join(parts)
