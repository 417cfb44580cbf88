"""What pydantic finds wrong with a case file, in the words of a person."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from eval_autopsy.case.model import CaseFile

EXPECTED = {
    "string_type": "text in quotes",
    "string_too_short": "a text that is not empty",
    "string_pattern_mismatch": "a text that is not blank",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "model_type": "a table",
}


class Fault(NamedTuple):
    """One thing that is wrong, and the path of the key that it is about."""

    what: str
    remedy: str
    path: tuple[str, ...]


def fault_of(error: ValidationError) -> Fault:
    """The fault to show first: an unknown key, because it is often the one that is missing."""
    order = {"extra_forbidden": 0, "missing": 2}
    errors = error.errors(include_url=False)
    first = min(errors, key=lambda each: order.get(each["type"], 1))
    path = tuple(part for part in first["loc"] if isinstance(part, str))
    if first["type"] == "extra_forbidden":
        return _unknown_key(path)
    if first["type"] == "missing":
        known = ", ".join(_tables()[_table_of(path)])
        what = f"{_place(path[:-1])} has no {path[-1]!r}, expected {known}"
        return Fault(what, f"add {path[-1]} to it", path[:-1])
    found, expected = said(first["input"]), _expected(first)
    what = f"{path[-1]!r} in {_place(path[:-1])} is {found}, expected {expected}"
    return Fault(what, _suggestion(first) or "write it as expected, or leave it out", path)


def _unknown_key(path: tuple[str, ...]) -> Fault:
    key, table = path[-1], _table_of(path)
    known = _tables()[table]
    near = difflib.get_close_matches(key.lower(), known, n=1)
    homes = [name for name, keys in _tables().items() if key in keys and name != table]
    remedy = "remove it"
    if near:
        remedy = f"did you mean {near[0]!r}?"
    elif homes:
        remedy = f"it belongs in {_place(homes[0].split('.') if homes[0] else [])}"
    what = f"{_place(path[:-1])} has no key {key!r}, expected {', '.join(known)}"
    return Fault(what, remedy, path)


def _place(path: Sequence[str]) -> str:
    return f"[{'.'.join(path)}]" if path else "the top of the case"


def _table_of(path: Sequence[str]) -> str:
    return ".".join(path[:-1])


def _tables() -> dict[str, tuple[str, ...]]:
    """The keys of each table by its dotted name; "" is the top."""
    found: dict[str, tuple[str, ...]] = {}

    def collect(model: type[BaseModel], prefix: str) -> None:
        found[prefix] = tuple(model.model_fields)
        for name, about in model.model_fields.items():
            for kind in (about.annotation, *get_args(about.annotation)):
                if isinstance(kind, type) and issubclass(kind, BaseModel):
                    collect(kind, f"{prefix}.{name}" if prefix else name)

    collect(CaseFile, "")
    return found


def _expected(error: ErrorDetails) -> str:
    """What was expected."""
    if error["loc"] == ("name",):
        return 'small letters, digits and hyphens, at most 60, like "invoice-extraction"'
    if error["loc"] == ("seed",):
        return "a whole number from 0, below 2 to the power of 32"
    if error["type"] == "value_error":  # from our own validators, which say what they expect
        return str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"])
    return EXPECTED.get(error["type"], error["msg"])


def _suggestion(error: ErrorDetails) -> str:
    """A near word where a few are allowed, or the nearest name that a case can have; else ""."""
    found = error["input"]
    if error["type"] == "literal_error" and isinstance(found, str):
        near = difflib.get_close_matches(found, re.findall("'([^']+)'", _expected(error)), n=1)
        return f"did you mean {near[0]!r}?" if near else ""
    if error["loc"] == ("name",) and isinstance(found, str) and slug_of(found):
        return f"did you mean {slug_of(found)!r}?"
    return ""


def slug_of(text: str) -> str:
    """The nearest name that a case can have; "" when no letter or digit is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-")


def said(value: object) -> str:
    """A value as it would stand in the file, cut to 60 characters."""
    if isinstance(value, dict):
        return "a table"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = f'"{value}"' if isinstance(value, str) else text
    return text if len(text) <= 60 else f"{text[:57]}..."
