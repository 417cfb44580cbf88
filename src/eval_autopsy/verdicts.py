"""What was decided about each record, in columns.

Scorers and guards look at one value after the other, because outputs are JSON values of any kind,
which no column can hold. What they say are columns, and all that follows from it (right, wrong,
silent, caught, ...) is algebra over columns, done where the cube is counted. The kernel goes record
by record, on code of its own. The two share only what defines the format: how a JSON text is read,
what an amount is, and how a level is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from hashlib import sha256
from itertools import chain
from typing import Any, TypeVar

import polars as pl

from eval_autopsy import kernel, registry
from eval_autopsy.attributes import leveller
from eval_autopsy.errors import AutopsyError, CannotRun
from eval_autopsy.guards.checks import Guard, filled
from eval_autopsy.kernel import MISSING
from eval_autopsy.records import Record
from eval_autopsy.scorers.exact import same
from eval_autopsy.scorers.fields import reach

LEVEL, GUARD, FIELD, AUDIT = "level ", "guard ", "field ", "audit "  # begin names of columns
SHORT = 256  # characters of a text that is remembered

T = TypeVar("T")
Verdict = bool | None
Judge = Callable[[Record], tuple[Verdict, Mapping[str, bool]]]


def table_of(
    spec: Mapping[str, Any],
    records: Sequence[Record],
    checks: Mapping[str, Guard],
    features: Sequence[Sequence[str]] = (),
) -> pl.DataFrame:
    """A row for each record, with what was decided about it.

    split, id; unit, its cluster or else its id; "level A", the text of its level of each
    attribute; errored; score, whether the output is right as far as no field says so, null when
    that is not known; "field F", whether it has a field right, null when it was not compared;
    moved, whether a field holds the value of another; "guard G", whether a guard lets the output
    through, null when there is none. `checks` are the guards to ask, by name; `features` the levels
    of the attributes that are no plain fields, which come last.
    """
    scores, fields = scored(judge_of(spec["scorer"]), records)
    names = map(kernel.attribute_name, spec["attributes"])
    given = (name for name in spec["attributes"] if isinstance(name, str))
    columns = chain((list(levels_of(name, records)) for name in given), features)
    # Each list is a column before the next one is made: all of them would be as long as the table.
    texts: Iterator[tuple[str, Sequence[str]]] = chain(
        (
            ("split", [record.split for record in records]),
            ("id", [record.id for record in records]),
            ("unit", [record.unit for record in records]),
        ),
        ((LEVEL + name, levels) for name, levels in zip(names, columns, strict=True)),
    )
    verdicts: dict[str, Sequence[Verdict]] = {
        "errored": [record.error is not None for record in records],
        "score": scores,
        "moved": [moved(record.output, record.expected) for record in records],
        **{FIELD + name: column for name, column in sorted(fields.items())},
        **{GUARD + name: asked(check, records) for name, check in checks.items()},
    }
    return pl.DataFrame(
        [pl.Series(name, values, dtype=pl.String) for name, values in texts]
        + [pl.Series(name, values, dtype=pl.Boolean) for name, values in verdicts.items()]
    )


def has_beside(spec: Mapping[str, Any]) -> bool:
    """Whether the data have a score of their own beside the verdict that is made here."""
    return bool(spec.get("fields", {}).get("score")) and spec["scorer"]["rule"] != "recorded"


def recorded_of(record: Record) -> Verdict:
    """What the score that came with a record says. Raises CannotRead for one that is no verdict."""
    said: Verdict = registry.scorers.get("recorded")(record.score, record.where)
    return said


def levels_of(name: str, records: Sequence[Record]) -> Iterator[str]:
    """The text of each record's level of an attribute."""
    remembered = lru_cache(2**16, typed=True)(level_text)
    for record in records:
        value = record.attributes[name]
        # A list or an object has no hash to be remembered by; long texts would fill the memory.
        once = isinstance(value, list | dict) or (isinstance(value, str) and len(value) > SHORT)
        yield level_text(value) if once else remembered(value)


def briefly(text: str) -> str:
    """A level's text, or in place of a long one its beginning and its digest.

    As many stay different, and what makes a level unfit to slice by stays to be seen.
    """
    if len(text) <= 2 * SHORT:
        return text
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    value = kernel.strict_json(text)
    if isinstance(value, str):
        return kernel.canonical(value[:SHORT] + digest)
    return kernel.canonical({"json": digest})


def made_levels(attribute: Mapping[str, Any], records: Sequence[Record]) -> list[str]:
    """The text of each record's level of an attribute that is made of a field."""
    remembered = lru_cache(2**16)(leveller(attribute))
    return [remembered(text) for text in levels_of(attribute["field"], records)]


def right(spec: Mapping[str, Any], table: pl.DataFrame) -> pl.Series:
    """Whether each record counts as right; null when that is not known."""
    fields = [pl.col(name).fill_null(True) for name in table.columns if name.startswith(FIELD)]
    failed = pl.lit(False if spec["errors"] == "wrong" else None, dtype=pl.Boolean)
    verdict = pl.when("errored").then(failed).otherwise(pl.all_horizontal("score", *fields))
    return table.select(verdict.alias("right"))["right"]


def level_text(value: object) -> str:
    return kernel.canonical(kernel.level(value))


def scored(
    judge: Judge, records: Sequence[Record]
) -> tuple[list[Verdict], dict[str, list[Verdict]]]:
    """The column of scores, and one of each field that was compared."""
    scores: list[Verdict] = []
    fields: dict[str, list[Verdict]] = {}
    for row, record in enumerate(records):
        score, right = said("scorer", judge, record)
        scores.append(score)
        for name, verdict in right.items():
            if name not in fields:
                fields[name] = [None] * len(records)
            fields[name][row] = verdict
    return scores, fields


def judge_of(scorer: Mapping[str, Any]) -> Judge:
    """How a record is scored: what its whole output is, and what each of its fields is."""
    score = registry.scorers.get(scorer["name"])
    if scorer["rule"] == "recorded":
        return lambda record: (score(record.score, record.where), {})
    if scorer["rule"] == "stored":
        return lambda record: (
            bool(score(record.output, record.expected)) if answered(record) else None,
            {},
        )
    if scorer["rule"] == "numeric":
        tolerance = {part: Decimal(scorer[part]) for part in ("absolute", "relative")}
        score = partial(score, **tolerance)
    return partial(by_fields, score, scorer["fields"])


def answered(record: Record) -> bool:
    """Whether there is an output to look at."""
    return record.error is None and record.output is not MISSING


def by_fields(
    same_value: Callable[[object, object], bool], names: Sequence[str], record: Record
) -> tuple[Verdict, Mapping[str, bool]]:
    """The score of a record whose expected value is an object, field by field.

    Without a list of names, an output with other fields than expected is wrong as a whole.
    """
    output, expected = record.output, record.expected
    if not answered(record) or expected is MISSING:
        return None, {}
    if not isinstance(expected, dict) or not (names or expected):
        return same_value(output, expected), {}
    right = {
        name: same_value(reach(output, name), reach(expected, name)) for name in names or expected
    }
    fits = not isinstance(output, dict) or output.keys() <= expected.keys()
    return bool(names) or fits, right


def asked(check: Guard, records: Sequence[Record]) -> list[Verdict]:
    """What a guard says of each output; nothing of a call that failed."""

    def verdict(record: Record) -> Verdict:
        return check(record.output) if record.error is None else None

    return [said("guard", verdict, record) for record in records]


def said(what: str, judge: Callable[[Record], T], record: Record) -> T:
    """What a scorer or a guard says of a record; one that fails is an error that names both."""
    try:
        return judge(record)
    except AutopsyError:
        raise
    except Exception as error:
        raise CannotRun(
            f"a {what} failed on the record {record.id!r}: {type(error).__name__}: {error}",
            where=record.where,
            remedy=f"repair the {what}, or leave it out",
        ) from error


def moved(output: object, expected: object) -> bool:
    """Whether a field holds, in place of its own value, that of another field."""
    if not isinstance(output, dict) or not isinstance(expected, dict) or same(output, expected):
        return False
    return any(
        same(value, home) and filled(home) and not same(value, expected.get(name))
        for name, value in output.items()
        for home in expected.values()
    )
