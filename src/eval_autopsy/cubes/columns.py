"""Columns of a table in a warehouse: what kind of value they hold, and how it comes back."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead

NAMES_SHOWN = 20

Table = Any  # ibis.Table: ibis is an extra, and may not be installed
Value = Any  # ibis.Value


class Column(NamedTuple):
    """A column, or an expression named like one, and the kind of its values."""

    name: str
    kind: str  # "text", "whole", "truth", "fraction" or "decimal"

    def of(self, table: Table) -> Value:
        """The values; of fractions as doubles, so that all engines have the same ones."""
        value = table[self.name]
        return value.cast("float64") if self.kind == "fraction" else value

    def sent(self, value: Value) -> Value:
        """Values as they come back: in a form that no client makes another value of.

        Some engines' answers go through pandas, which makes doubles of whole numbers that may be
        null, and objects of truth values.
        """
        import ibis

        if self.kind == "whole":
            return value.cast("string")
        if self.kind == "truth":
            return ibis.cases((value, "true"), (~value, "false"))
        return value

    def received(self, value: Any) -> Any:
        """What came back as the readers of files have it: fractions are Decimal."""
        if value is None or self.kind == "text":
            return value
        if self.kind == "truth":
            return value == "true"
        if self.kind == "whole":
            return int(value)
        return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)

    def level(self, value: Any) -> str:
        """The text of the level of what came back."""
        return kernel.canonical(kernel.level(self.received(value)))

    def holds(self, value: Any) -> bool:
        """Whether a value, as JSON has it, may be one of this column's; null may."""
        kinds = {"text": str, "truth": bool, "whole": int}.get(self.kind, (int, Decimal))
        is_truth = isinstance(value, bool)
        return value is None or (isinstance(value, kinds) and is_truth == (self.kind == "truth"))

    def literal(self, value: Any) -> Any:
        """A received value as the engine compares it with this column."""
        return float(value) if self.kind == "fraction" else value


def kind_of(dtype: Any) -> str:
    """The kind of values of an ibis type; "" when they are no plain values."""
    for kind, fits in (
        ("text", dtype.is_string()),
        ("whole", dtype.is_integer()),
        ("truth", dtype.is_boolean()),
        ("fraction", dtype.is_floating()),
        ("decimal", dtype.is_decimal()),
    ):
        if fits:
            return kind
    return ""


def column_of(table: Table, name: str, where: str, kinds: Sequence[str] = ()) -> Column:
    """The column of a name, of one of some kinds or of any plain one. Raises CannotRead."""
    if name not in table.columns:
        near = difflib.get_close_matches(name, table.columns, n=1)
        more = ", ..." if len(table.columns) > NAMES_SHOWN else ""
        what = f"there is no column {name!r} among: {', '.join(table.columns[:NAMES_SHOWN])}{more}"
        remedy = f"did you mean {near[0]!r}?" if near else "name one of them"
        raise CannotRead(what, where=where, remedy=remedy)
    dtype = table[name].type()
    kind = kind_of(dtype)
    if not kind or (kinds and kind not in kinds):
        wanted = " or ".join(kinds) if kinds else "text, numbers or truth values"
        what = f"the column {name!r} holds {dtype}, expected {wanted}"
        remedy = "cast it in a view, or name another column"
        raise CannotRead(what, where=where, remedy=remedy)
    return Column(name, kind)


def digest(text: Value, backend: Any) -> Value:
    """The MD5 of texts in hexadecimal, by whatever the engine calls it."""
    from ibis.expr import operations

    if backend.has_operation(operations.HexDigest):
        return text.hexdigest("md5")
    if backend.name == "bigquery":  # whose md5 gives bytes
        return _builtin("to_hex", "binary")(text.hashbytes("md5"))
    return _builtin("md5", "string")(text)


def _builtin(name: str, takes: str) -> Any:
    """A function of one argument that the engine has, and that gives text."""
    import ibis

    return ibis.udf.scalar.builtin(_stands_for_it, name=name, signature=((takes,), "string"))


def _stands_for_it(value: Any) -> None:
    """What a function of the engine looks like from here; it is not called."""
