"""The receipt kernel: everything that is needed to believe a receipt, in one file.

Beside a receipt this file is called `verify.py`. Run it with any Python from 3.9:

    python3 verify.py [-v] [--rerun]

It exits 0 when the receipt holds, 1 when it does not, and 2 when that cannot be checked. It uses
the standard library only, loads nothing from the receipt's folder, writes nothing, reaches no
network, and runs nothing of the receipt unless `--rerun` asks for the system under test.

What is checked, in this order:

     1 schema    receipt.json is strict JSON with known fields only
     2 kernel    the receipt was made by this kernel, or by one that is known
     3 layout    the folder holds the files that the receipt names, and no others
     4 subjects  each file the receipt rests on has the recorded size and SHA-256
     5 records   the files are read and every record is scored and guarded again
     6 claims    each value is derived again from the records and is the same
     7 findings  no finding says more than its evidence carries
     8 text      the prose holds no number of its own
     9 report    the prose, with its holes filled from the claims, is REPORT.md byte for byte
    10 rerun     on request: the system gives the recorded outputs again

Read on in the same order: files and rows, one record's verdict, attributes, an answer inside a
text, the scorer under audit, counting, statistics, the vocabulary of claims, words and numbers,
the checks, running a system, the command.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 9):  # noqa: UP036  anybody may run this with any Python
    print("The receipt cannot be checked: this needs Python 3.9, and is " + sys.version[:3])
    sys.exit(2)

if __name__ == "__main__" and not sys.flags.isolated:
    # A json.py beside this file, or one on PYTHONPATH, could answer in place of the real one. (What
    # a sitecustomize.py on PYTHONPATH has already done by now, no script can undo.)
    # Only modules built into the interpreter are safe before isolation.
    _again = [sys.executable, "-I", "-B", __file__, *sys.argv[1:]]
    if "posix" in sys.builtin_module_names:
        import posix

        posix.execv(sys.executable, _again)
    import nt

    sys.exit(nt.spawnv(0, sys.executable, ['"' + part + '"' for part in _again]))  # type: ignore[attr-defined,unused-ignore]

import ast
import contextlib
import csv
import gzip
import hashlib
import io
import json
import math
import os
import queue
import random
import re
import signal
import stat
import subprocess
import threading
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, compress, product
from statistics import NormalDist
from typing import Any, BinaryIO, Callable, NamedTuple, Optional

VERSION = "0.1.0"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://agent-reliability.github.io/receipt/v1"
SPLITS = ("eval", "production")

LINE_LIMIT = 16 * 2**20  # bytes in one line of data
FILE_LIMIT = 2**30  # bytes in one file, compressed or not
DEPTH_LIMIT = 100  # brackets inside brackets
TIME_LIMIT = 900  # seconds for a whole verification

Where = Mapping[str, Sequence[Any]]  # attribute -> the levels that are meant
Levels = tuple[str, ...]  # one canonical JSON text per attribute
Ends = tuple[float, float]  # of an interval
Term = tuple[Any, ...]  # how steeply a value moves with a rate, and what `wilson` takes of it


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()  # a key that is not there, which is neither null nor ""


class Unreadable(Exception):
    """Something that cannot be used: what it is, where it is, and what to do."""

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        super().__init__((where + ": " if where else "") + what)
        self.what, self.where, self.remedy = what, where, remedy


# ---------------------------------------------------------------- files and rows


class Row(NamedTuple):
    line: int  # of the file; in a JSON array, the position of the item, from 1
    fields: dict[str, Any]


def strict_json(text: str, where: str = "") -> Any:
    """The value of a JSON text; numbers are int or Decimal.

    Refuses what readers disagree about: duplicate keys, NaN, lone surrogates, deep nesting.
    """
    depth = 0
    if text.count("[") + text.count("{") > DEPTH_LIMIT:
        # Every other part between quotes is outside of strings, once escaped quotes are gone.
        parts = text.replace("\\\\", "").replace('\\"', "").split('"')[::2]
        for bracket in re.findall(r"[\[\]{}]", "".join(parts)):
            depth += (bracket in "[{") - (bracket in "]}")
            if depth > DEPTH_LIMIT:
                raise Unreadable("nested too deeply", where, "flatten it")
    try:
        value = _DECODER.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        raise Unreadable("a lone surrogate, which is not a character", where) from None
    except json.JSONDecodeError as error:
        found = text[error.pos : error.pos + 20]
        shown = repr(found) if found else "the end"
        what = f"not JSON: {error.msg}, found {shown} at column {error.colno}"
        raise Unreadable(what, where, "write one JSON value") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error), where) from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:  # an exponent of twenty digits
        number = Decimal("inf")
    if not number.is_finite() or abs(number.adjusted()) > 400:
        raise ValueError(f"the number {text[:40]} is out of range")
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


_ENCODER = json.JSONEncoder(ensure_ascii=False)  # json.dumps would make one for each value
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_decimal, parse_constant=_no_constant
)


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, numbers equal by value."""
    if isinstance(value, dict):
        inside = (f"{canonical(key)}:{canonical(value[key])}" for key in sorted(value))
        return "{" + ",".join(inside) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        digits = Context(prec=len(value.as_tuple().digits))  # for the default keeps only 28
        return str(int(value)) if whole else str(value.normalize(digits))
    return _ENCODER.encode(value)


def read_rows(stream: BinaryIO, name: str, layout: str) -> Iterator[Row]:
    """The rows of a file as dictionaries; `layout` is "jsonl", "json" or "csv".

    Values of CSV are text. Raises Unreadable at the first row that is not what it should be.
    """
    if layout == "csv":
        yield from _csv_rows(stream, name)
    elif layout == "json":
        yield from _json_rows(stream, name)
    else:
        for number, line in _lines(stream, name):
            if line.strip():
                where = f"{name}:{number}"
                yield Row(number, _object(strict_json(line.rstrip("\r\n"), where), where))


def _lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, str]]:
    number = 0
    while True:
        raw = stream.readline(LINE_LIMIT + 1)
        if not raw:
            return
        number += 1
        where = f"{name}:{number}"
        if len(raw) > LINE_LIMIT:
            what = f"a line of more than {LINE_LIMIT // 2**20} MiB"
            raise Unreadable(what, where, "write one record a line")
        yield number, _text(raw[3:] if number == 1 and raw[:3] == b"\xef\xbb\xbf" else raw, where)


def _text(raw: bytes, where: str) -> str:
    if b"\0" in raw:  # JSON refuses it, and so does csv before Python 3.11
        raise Unreadable("a NUL byte, which is not text", where, "write the file again")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"byte {error.start + 1} is {raw[error.start]:#04x}, which is not UTF-8"
        raise Unreadable(what, where, "save the file as UTF-8") from None


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        kind = {"list": "an array", "str": "a string", "NoneType": "null"}.get(
            type(value).__name__, "a " + type(value).__name__
        )
        raise Unreadable(f"found {kind}, expected an object", where)
    return value


def _json_rows(stream: BinaryIO, name: str) -> Iterator[Row]:
    raw = stream.read(FILE_LIMIT + 1)
    if len(raw) > FILE_LIMIT:
        raise Unreadable("a JSON array of more than 1 GiB", name, "write one record a line")
    items = strict_json(_text(raw[3:] if raw[:3] == b"\xef\xbb\xbf" else raw, name), name)
    if not isinstance(items, list):
        raise Unreadable("found one JSON value, expected an array of objects", name)
    for number, item in enumerate(items, 1):
        yield Row(number, _object(item, f"{name}: item {number}"))


def _csv_rows(stream: BinaryIO, name: str) -> Iterator[Row]:
    csv.field_size_limit(LINE_LIMIT)
    rows = csv.reader((line for _, line in _lines(stream, name)), strict=True)
    line = 1  # that a row begins on; a quoted cell may hold line ends
    try:
        header = next(rows, [])
        if len(set(header)) < len(header) or "" in header:
            twice = next(key for key in header if key == "" or header.count(key) > 1)
            what = f"the column {twice!r} stands twice" if twice else "a column has no name"
            raise Unreadable(what, f"{name}:1", "give each column a name of its own")
        line = rows.line_num + 1
        for cells in rows:
            if cells and len(cells) != len(header):
                what = f"found {len(cells)} cells, expected {len(header)}"
                raise Unreadable(what, f"{name}:{line}", "quote its commas")
            if cells:
                yield Row(line, dict(zip(header, cells)))
            line = rows.line_num + 1
    except csv.Error as error:
        remedy = "check its quotes and line ends"
        raise Unreadable(f"not CSV: {error}", f"{name}:{line}", remedy) from None


def field(fields: Mapping[str, Any], name: str) -> Any:
    """The value at a key or at a dotted path, or MISSING; a literal key wins."""
    if name in fields:
        return fields[name]
    value: Any = fields
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return value


# ---------------------------------------------------------------- one record's verdict
#
# A scorer says whether an output is right, a guard whether a production system would have let it
# through. A wrong output that every guard lets through is silent.


class Record(NamedTuple):
    split: str
    id: str
    input: Any
    expected: Any
    output: Any  # MISSING when the system gave none
    error: str | None
    levels: Levels
    outcomes: frozenset[str]
    unit: str = ""  # its cluster, or its id when it has none: what is drawn or held out as one


def exact_match(output: Any, expected: Any) -> bool:
    """Whether two JSON values are the same; 1 and 1.0 are, true and 1 are not."""
    if output is MISSING or expected is MISSING:
        return False
    return canonical(output) == canonical(expected)


_SIGNS = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_CURRENCY = r"(US\$|[$€£¥]|AUD|BRL|CAD|CHF|CNY|DKK|EUR|GBP|HKD|INR|JPY|MXN|NOK|PLN|SEK|USD|ZAR)?"
_AMOUNT = re.compile(
    rf"([+-]?)\s?{_CURRENCY}\s?([+-]?)"
    r"(0|[1-9][0-9]{0,2}(?:([.,'\u2019 \u00a0\u202f])[0-9]{3}(?:\5[0-9]{3})*)|[1-9][0-9]*)"
    rf"(?:([.,])([0-9]+))?\s?{_CURRENCY}",
    re.IGNORECASE,
)


def amount(value: Any) -> tuple[str, Decimal] | None:
    """The currency and the number in a text or a number, or None.

    "$11,614.72", "11.614,72 EUR", "(5.00)" and 11614.72 are amounts; "007", "A5" and "1.2.3" are
    not. Before exactly three last digits a lone comma parts thousands, and a lone dot is the
    decimal point.
    """
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return "", Decimal(value)
    text = value.strip() if isinstance(value, str) and len(value) < 100 else ""
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1]
    match = _AMOUNT.fullmatch(text)
    if not match:
        return None
    before, currency, after, whole, parting, point, decimals, last = match.groups("")
    if (before and after) or (currency and last) or (point and point == parting):
        return None
    currency = (currency or last).upper()
    if parting == "." and not point and whole.count(".") == 1:
        whole, decimals = whole.split(".")
    number = "".join(filter(str.isdigit, whole)) + "." + decimals
    return _SIGNS.get(currency, currency), Decimal((before or after) + number)


def _amounts(output: Any, expected: Any) -> tuple[Decimal, Decimal] | None:
    """The numbers of two amounts whose currencies do not differ, or None."""
    left, right = amount(output), amount(expected)
    if left and right and (left[0] == right[0] or "" in (left[0], right[0])):
        return left[1], right[1]
    return None


def normalized(output: Any, expected: Any) -> bool:
    """Whether two values are the same but for case, white space and the format of amounts."""
    both = _amounts(output, expected)
    if both:
        return both[0] == both[1]
    if isinstance(output, str) and isinstance(expected, str):
        return " ".join(output.casefold().split()) == " ".join(expected.casefold().split())
    return exact_match(output, expected)


def numeric(output: Any, expected: Any, absolute: Decimal, relative: Decimal) -> bool:
    """Whether two amounts differ by no more than a tolerance; other values must be the same."""
    both = _amounts(output, expected)
    if both:
        found, wanted = map(Fraction, both)
        return abs(found - wanted) <= max(Fraction(absolute), Fraction(relative) * abs(wanted))
    return exact_match(output, expected)


def right_fields(scorer: Mapping[str, Any], output: Any, expected: Any) -> dict[str, bool]:
    """For each field of the expected object, whether the output has it right.

    A value that is no object is a single field called "". Without a list of `fields` an exact
    match of objects also wants the same keys, which is then the field "".
    """
    rule = scorer["rule"]
    compare: Callable[[Any, Any], bool] = normalized if rule == "normalized" else exact_match
    if rule == "numeric":
        allowed = Decimal(scorer["absolute"]), Decimal(scorer["relative"])

        def compare(output: Any, expected: Any) -> bool:
            return numeric(output, expected, *allowed)

    if not isinstance(expected, dict) or not (expected or scorer["fields"]):
        return {"": compare(output, expected)}
    given = output if isinstance(output, dict) else {}
    names = scorer["fields"] or sorted(expected)
    found = {name: compare(field(given, name), field(expected, name)) for name in names}
    if not scorer["fields"] and set(given) - set(expected):
        found[""] = False
    return found


def not_blank(value: Any) -> bool:
    """Whether there is a value, and none of its parts is null, empty or white space."""
    if isinstance(value, dict):
        return bool(value) and all(map(not_blank, value.values()))
    if isinstance(value, list):
        return bool(value) and all(map(not_blank, value))
    return value is not MISSING and value is not None and str(value).strip() != ""


def matches(value: Any, pattern: str) -> bool:
    """Whether the whole text of a value matches a regular expression."""
    text = value if isinstance(value, str) else canonical(value) if value is not MISSING else ""
    return re.fullmatch(pattern, text) is not None


def lets_through(guard: Mapping[str, Any], output: Any, error: str | None) -> bool | None:
    """Whether a guard lets an answer through; None where it has nothing to look at.

    Only `no_exception` looks at a call that failed: there is no output for the others.
    """
    rule, given = guard["rule"], output if isinstance(output, dict) else {}
    if rule == "no_exception":
        return error is None
    if error is not None:
        return None
    if rule == "parses":
        return output is not MISSING and not isinstance(output, _Unparsed)
    if rule == "not_blank":
        parts = [field(given, name) for name in guard["fields"]] or [output]
        return all(map(not_blank, parts))
    return all(
        matches(field(given, name) if name else output, pattern)
        for name, pattern in sorted(guard["patterns"].items())
    )


class _Unparsed(str):
    """An output that should be JSON and is not."""


def parsed(output: Any) -> Any:
    """The value of an output that is the text of a JSON value."""
    if not isinstance(output, str):
        return output
    try:
        return strict_json(output)
    except Unreadable:
        return _Unparsed(output)


def misplaced(output: Any, expected: Any) -> bool:
    """Whether a field holds the value that another field should have."""
    if not isinstance(output, dict) or not isinstance(expected, dict):
        return False
    homes = {canonical(value): name for name, value in expected.items() if not_blank(value)}
    return any(
        homes.get(canonical(value), name) != name
        and canonical(expected.get(name)) != canonical(value)
        for name, value in output.items()
    )


def outcomes(
    evidence: Mapping[str, Any],
    output: Any,
    expected: Any,
    error: str | None,
    score: Any,
    stored: Mapping[str, Any],
) -> frozenset[str]:
    """The names of everything that one record counts as."""
    found = {"records"}
    rule = evidence["scorer"]["rule"]
    verdict: bool | None = None
    if error is not None:
        found.add("errored")
        verdict = False if evidence["errors"] == "wrong" else None
    elif rule == "recorded":
        verdict = score
    elif rule == "stored":
        verdict = stored["right"]
    elif expected is not MISSING and output is not MISSING:
        fields = right_fields(evidence["scorer"], output, expected)
        found.update("right_field:" + name for name, right in fields.items() if right and name)
        verdict = all(fields.values())
    passes = {
        guard["name"]: stored["guards"][guard["name"]]
        if guard["rule"] == "stored"
        else lets_through(guard, output, error)
        for guard in evidence["guards"]
    }
    stopped = [name for name, through in passes.items() if through is False]
    if error is None and not stopped:
        found.add("well_formed")
    if verdict is None:
        return frozenset(found | {"unscored"})
    found |= {"counted", "right" if verdict else "wrong"}
    if verdict:
        found.update(["false_alarm"] * bool(stopped), ("false_alarm:" + name for name in stopped))
        return frozenset(found)
    found.add("silent" if "well_formed" in found else "loud")
    found.update(
        ("caught:" if through is False else "missed:") + name
        for name, through in passes.items()
        if through is not None
    )
    if len(stopped) == 1:
        found.add("only:" + stopped[0])
    if misplaced(output, expected):
        found.add("misplaced")
    return frozenset(found)


def level(value: Any) -> Any:
    """An attribute's value as a receipt writes it: a scalar, or an object that says its kind."""
    if value is MISSING:
        return {"missing": True}
    if isinstance(value, (dict, list)):
        return {"json": canonical(value)}
    if isinstance(value, Decimal):
        text = canonical(value)
        return int(text) if re.fullmatch(r"-?\d+", text) else {"number": text}
    return value


Opener = Callable[[str], BinaryIO]


def load_records(evidence: Mapping[str, Any], opened: Opener) -> list[Record]:
    """Every record of the evidence, scored and guarded, in the order of the files.

    `opened(name)` gives a subject's bytes. Raises Unreadable naming the file and line.
    """
    names = [guard["name"] for guard in evidence["guards"]]
    if len(set(names)) < len(names):
        raise Unreadable("two guards have the same name", "evidence")
    outputs = _answers(evidence["outputs"], opened)
    verdicts = _answers(evidence["verdicts"], opened)
    found: list[Record] = []
    asked: list[Audited] = []
    seen: dict[tuple[str, str], str] = {}
    for source in evidence["sources"]:
        for row in read_rows(opened(source["file"]), source["file"], source["layout"]):
            where = "{}:{}".format(source["file"], row.line)
            record = _record(evidence, source, row, where, outputs, verdicts)
            key = record.split, record.id
            if key in seen:
                what = f"the id {record.id!r} stands twice; first at {seen[key]}"
                raise Unreadable(what, where)
            seen[key] = where
            found.append(record)
            if evidence["audit"] is not None:
                stored = (verdicts or {}).get(key, {})
                asked.append(asked_of(evidence, record, row, source["file"], stored))
    for name, answers in ((evidence["outputs"], outputs), (evidence["verdicts"], verdicts)):
        if answers is not None and len(answers) != len(found):
            what = f"answers for {len(answers)} records, expected {len(found)}"
            raise Unreadable(what, name)
    return audited(evidence, asked) if asked else found


_Answers = Optional[dict[tuple[str, str], dict[str, Any]]]


def _answers(name: str | None, opened: Opener) -> _Answers:
    if name is None:
        return None
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in read_rows(opened(name), name, "jsonl"):
        key = row.fields.get("split"), row.fields.get("id")
        if not all(isinstance(part, str) for part in key) or key in found:
            raise Unreadable("no split and id of its own", f"{name}:{row.line}")
        found[key] = row.fields  # type: ignore[index]
    return found


def _record(
    evidence: Mapping[str, Any],
    source: Mapping[str, Any],
    row: Row,
    where: str,
    outputs: _Answers,
    verdicts: _Answers,
) -> Record:
    names = evidence["fields"]

    def value(role: str) -> Any:
        return field(row.fields, names[role]) if names.get(role) else MISSING

    identity = value("id")
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    if not isinstance(identity, str) or not identity:
        raise Unreadable(f"the id is {identity!r}, expected a text", where)
    split = source.get("split")
    if split is None:
        wanted = canonical(level(field(row.fields, source["split_field"])))
        split = next((s for s in SPLITS if canonical(source["splits"][s]) == wanted), None)
        if split is None:
            raise Unreadable(f"the split is {wanted}, which is not named", where)
    error = value("error")
    output = value("output")
    if outputs is not None:
        answer = outputs.get((split, identity))
        if answer is None:
            raise Unreadable(f"no output is recorded for {identity!r}", where)
        error, output = answer.get("error", MISSING), answer.get("output", MISSING)
    error = None if error in (MISSING, None, "") else str(error)
    expected = value("expected")
    if evidence["output_format"] == "json":
        output, expected = parsed(output), parsed(expected)
    texts = {"input": value("input"), "output": output}
    stored = {"guards": {}} if verdicts is None else verdicts.get((split, identity))
    if stored is None:
        raise Unreadable(f"no verdict is stored for {identity!r}", where)
    score = recorded_score(value("score"), where)
    found = outcomes(evidence, output, expected, error, score, stored)
    return Record(
        split,
        identity,
        value("input"),
        expected,
        output,
        error,
        tuple(
            level_of(one, row.fields, texts, stored.get("levels", {}))
            for one in evidence["attributes"]
        ),
        found,
        unit_of(value("cluster"), identity, where),
    )


def unit_of(cluster: Any, identity: str, where: str) -> str:
    """What a record belongs with: its cluster, or itself when it has none."""
    if cluster is MISSING or cluster is None or cluster == "":
        return identity
    if isinstance(cluster, bool) or not isinstance(cluster, (str, int)):
        raise Unreadable(f"the cluster is {cluster!r}, expected text or a whole number", where)
    return str(cluster)


def recorded_score(value: Any, where: str) -> bool | None:
    """What a recorded score of true, false, 1 or 0 says; None when there is none."""
    if value is MISSING or value is None or value == "":
        return None
    text = str(value).strip().lower()
    if text not in ("true", "false", "1", "0", "1.0", "0.0"):
        raise Unreadable(f"the score is {value!r}, expected true, false, 1 or 0", where)
    return text in ("true", "1", "1.0")


# ---------------------------------------------------------------- attributes
#
# What records are split by: a field as it is, with rare values folded, in bands or as a part of a
# time; and slices that nobody logged. Each feature is a pure function of one text. Its docstring is
# its name in words, and its decorator holds what a person would say of a text with a level. A value
# that is not text is looked at as its canonical JSON.

Feature = Callable[[str], Any]
FEATURES: dict[str, Feature] = {}
SAYS: dict[str, Mapping[str, str]] = {}  # by feature and level; "" is every other level


def feature(says: str, levels: Mapping[str, str]) -> Callable[[Feature], Feature]:
    """Enters a function among the features, under its own name, with its words.

    `levels` has the words of some levels, `says` those of the others: the level stands in it as
    {level}, quoted, or as {plain} where it is never data. {it} is the text.
    """

    def enter(function: Feature) -> Feature:
        FEATURES[function.__name__] = function
        SAYS[function.__name__] = {"": says, **levels}
        return function

    return enter


def level_of(
    attribute: Any,
    fields: Mapping[str, Any],
    texts: Mapping[str, Any],
    stored: Mapping[str, Any] = {},
) -> str:
    """The text of a record's level of an attribute.

    Where levels are listed as kept, the others fold into one. `stored` are the levels of features
    that only their author can read.
    """
    if isinstance(attribute, str):
        return canonical(level(field(fields, attribute)))
    if "feature" in attribute:
        value = featured(attribute["feature"], texts[attribute["of"]])
    elif "stored" in attribute:
        value = stored.get(attribute_name(attribute), MISSING)
    else:
        value = field(fields, attribute["field"])
    if value is not MISSING and "edges" in attribute:
        return canonical({"band": band_of(value, attribute["edges"])})
    if value is not MISSING and "time" in attribute:
        return canonical({"band": part_of_time(value, attribute["time"])})
    text, kept = canonical(level(value)), attribute.get("kept")
    return text if not kept or text in map(canonical, kept) else OTHER


OTHER = canonical({"other": True})  # the level that rarer levels fold into


def featured(name: str, value: Any) -> Any:
    """What a feature says of a value; of a value that is no text, as its JSON."""
    if name not in FEATURES:
        raise Unreadable(f"there is no feature {name!r}", "evidence")
    if value is MISSING:
        return MISSING
    return FEATURES[name](value if isinstance(value, str) else canonical(value))


_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def number_in(value: Any) -> Decimal | None:
    """The number that a value is, or that its text spells; None when it is none."""
    if isinstance(value, str) and len(value) < 100 and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    whole = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return Decimal(value) if whole else None


def band_of(value: Any, edges: Sequence[str]) -> str:
    """The band between two edges that a number falls into; its lower edge belongs to it."""
    number = number_in(value)
    if number is None:
        return "no number"
    at = sum(Decimal(edge) <= number for edge in edges)
    if at == 0:
        return "under " + edges[0]
    return edges[at - 1] + (f" to under {edges[at]}" if at < len(edges) else " or more")


_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?"
    r" ?(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?)?"
)
TIMES = ("hour", "weekday", "day", "week", "month")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def moment(value: Any) -> tuple[datetime, bool] | None:
    """The time that a value says, and whether it says one of day; None when it says none.

    ISO 8601 is moved to UTC where it has an offset, and else taken as it stands. A number counts
    seconds since 1970, or milliseconds from 1e11 on.
    """
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    number = number_in(value)
    try:
        if match:
            *parts, sign, hours, minutes = match.groups("0")
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            when = datetime(*map(int, parts))  # type: ignore[arg-type]
            return when - (-offset if sign == "-" else offset), match.group(4) is not None
    except (ValueError, OverflowError):  # the 30th of February
        return None
    if number is None or not 10**8 <= number < 10**14:
        return None
    seconds = int(number if number < 10**11 else number / 1000)
    return datetime(1970, 1, 1) + timedelta(seconds=seconds), True


def part_of_time(value: Any, unit: str) -> str:
    """The hour, weekday, day, week or month of the time that a value says."""
    found = moment(value)
    if found is None or (unit == "hour" and not found[1]):
        return "no " + ("hour" if found else "time")
    when = found[0]
    if unit == "hour":
        return f"{when.hour:02}:00 to {when.hour:02}:59"
    if unit == "weekday":
        return WEEKDAYS[when.weekday()]
    if unit == "week":
        return f"week of {(when - timedelta(days=when.weekday())).date()}"
    return str(when.date())[: 7 if unit == "month" else None]


def attribute_name(attribute: Any) -> str:
    """The name of an attribute: of its field, of the part of its time, or of the feature.

    Raises Unreadable where that is not what it looks like.
    """
    spec: Mapping[str, Any] = {"field": attribute} if isinstance(attribute, str) else attribute
    if "field" in spec:
        name = str(spec["field"])
        if _FEATURED.fullmatch(name) or _TIMED.fullmatch(name):
            raise Unreadable(f"a field cannot be called {name!r}, as a feature is", "evidence")
        edges = [*map(Decimal, spec.get("edges", "0"))]
        if not edges or edges != sorted(set(edges)):
            raise Unreadable(f"the edges of {name!r} do not rise", "evidence")
        return f"{name}@{spec['time']}" if "time" in spec else name
    name = "{}({})".format(spec.get("feature", spec.get("stored")), spec["of"])
    if not _FEATURED.fullmatch(name) or spec.get("stored") in FEATURES:
        raise Unreadable(f"a feature cannot be called {name!r}", "evidence")
    return name


_FEATURED = re.compile(r"([a-z][a-z0-9_]*)\((input|output)\)")
_TIMED = re.compile(rf"(.+)@({'|'.join(TIMES)})", re.DOTALL)


def attribute_words(name: str) -> str:
    """An attribute as a reader should see it: a field's name, or what a feature looks at."""
    timed, match = _TIMED.fullmatch(name), _FEATURED.fullmatch(name)
    if timed:
        return f"{timed.group(2)} of {code(timed.group(1))}"
    if not match:
        return code(name)
    kind, of = match.groups()
    noun = f"{FEATURES[kind].__doc__} in" if kind in FEATURES else f"{code(kind)} of"
    return f"{noun} the {of}"


def levels_text(name: str, levels: Sequence[Any]) -> str:
    """What is so of a record whose attribute has one of some levels, as a person would say it."""
    match = _FEATURED.fullmatch(name)
    if not match or match.group(1) not in FEATURES:
        return f"{attribute_words(name)} is {_either(map(level_text, levels))}"
    says, it = SAYS[match.group(1)], "the " + match.group(2)
    noun = FEATURES[match.group(1)].__doc__
    by_kind = {
        **says,
        "{'missing': True}": "{it} is missing, and with it the " + str(noun),
        "{'other': True}": f"{{it}} has another {noun} than the usual ones",
    }
    usual = [one for one in levels if str(one) not in by_kind]
    quoted, plain = _either(map(level_text, usual)), _either(visible(str(one)) for one in usual)
    phrases = [says[""]] * bool(usual)
    phrases += [by_kind[str(one)] for one in levels if one not in usual]
    return _either(phrase.format(it=it, level=quoted, plain=plain) for phrase in phrases)


def _either(texts: Iterable[str]) -> str:
    *some, last = [*texts] or [""]
    return f"{', '.join(some)} or {last}" if some else last


_DELIMITER = r"->|=>|→|:|=|\||\t|\s-(?=\s)|\s\u2013(?=\s)"
_LABEL = re.compile(rf"\s*([A-Za-z][A-Za-z0-9 ._#/'-]{{0,38}}?)\s*({_DELIMITER})(?!//)\s*\S")
_BETWEEN = re.compile(
    rf"(?:[;,]\s+|(?<!\s)\s{{3,}})(?=[A-Za-z][A-Za-z0-9 ]{{0,38}}?\s*(?:{_DELIMITER}))"
)
_DATES = {
    "as year-month-day": r"\b\d{4}-\d\d?-\d\d?\b",
    "with slashes": r"\b\d\d?/\d\d?/\d{2,4}\b",
    "with dots": r"\b\d\d?\.\d\d?\.\d{2,4}\b",
    "with a month's name": r"\b(?:\d\d?(?:st|nd|rd|th)? )?"
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d{1,4}\b",
}
_NUMBERS = {
    "1,234.5": r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])",
    "1.234,5": r"(?<![\d.,])\d{1,3}(?:\.\d{3})*,\d{1,2}(?![\d,])",
    "1 234,5": r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f']\d{3})+(?:[.,]\d+)?(?!\d)",
    "1234.5": r"(?<![\d.,])\d+\.\d+(?![\d.,])",
}
_PERCENTAGES = {"5%": r"\d%", "5 %": r"\d\s%", "5 percent": r"(?i)\d\s?per\s?cent\b"}
_SCRIPTS = {
    "Latin": "A-Za-zÀ-ɏ",
    "Greek": "Ͱ-Ͽ",
    "Cyrillic": "Ѐ-ӿ",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff",
    "Indic": "\u0900-\u0dff",
    "Thai": "\u0e00-\u0e7f",
    "Kana": "぀-ヿ",
    "Han": "㐀-鿿",
    "Hangul": "가-힣",
}
_LANGUAGES = {  # the words that make up most of any text, as far as few of the others have them
    "English (Germanic)": "the and of to is that for it with you this are was please what not",
    "German (Germanic)": "der die und das ist nicht ein eine mit für den von zu auf ich bitte",
    "Dutch (Germanic)": "het een van en niet voor dat zijn op met wat maar ik er deze",
    "Swedish (Germanic)": "och att det som på är av för inte med den ett jag har till",
    "French (Romance)": "le les et des est une dans pour que pas sur avec vous du je qui",
    "Spanish (Romance)": "el los y las una por con para del se es como su lo más pero",
    "Portuguese (Romance)": "o os e não uma do da em com por que para ao mais foi são",
    "Italian (Romance)": "il di che è non per una del della con sono gli questo anche si",
    "Polish (Slavic)": "w i na nie jest się do że z to jak od ale przez dla",
    "Russian (Slavic)": "и в не на что по это как я из для к от но",
    "Turkish (Turkic)": "ve bir bu için ile da de çok ne olarak gibi var daha ama değil",
}
_SPOKEN: dict[str, list[str]] = {}  # by word, the languages that have it
for _name, _words in _LANGUAGES.items():
    for _word in _words.split():
        _SPOKEN.setdefault(_word, []).append(_name)
_APOLOGY = re.compile(r"\b(?:sorry|apologi[sz]e|apologies)\b", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\b(?:I(?:'m|\u2019m| am) (?:unable|not able|not allowed)|as an AI|"
    r"I (?:can(?:no|'|\u2019)t|won(?:'|\u2019)t|must decline|am unable)|"
    r"(?:can(?:no|'|\u2019)t|unable to) (?:help|assist|comply|provide|answer))\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1)  # several features of one text ask
def _labelled(text: str) -> list[tuple[str, str, int]]:
    """Label, delimiter and line of each labelled field."""
    found = []
    for number, line in enumerate(text.splitlines()):
        first = _LABEL.match(line.rstrip())  # for white space at the end is tried in vain
        for part in _BETWEEN.split(line) if first else ():
            match = _LABEL.match(part.rstrip())
            if match:
                label = " ".join(match.group(1).lower().split())
                found.append((label, match.group(2).strip() or repr(match.group(2)), number))
    return found


def _among(text: str, kinds: Mapping[str, str]) -> str:
    """Which patterns a text has."""
    found = [name for name, pattern in kinds.items() if re.search(pattern, text)]
    return found[0] if len(found) == 1 else "several" if found else "none"


def _band(n: int, ends: Sequence[int]) -> Any:
    """The band that a count falls into, by the bands' first numbers; a band of one is a number."""
    below = [end for end in ends if end <= n]
    above = [end for end in ends if end > n]
    if not above:
        return f"{below[-1]:,} or more"
    low, high = below[-1], above[0] - 1
    return low if low == high else f"{low:,} to {high:,}"


@lru_cache(maxsize=1)
def _json_in(text: str) -> Any:
    """The JSON object or array that a text is; None for other texts, MISSING where it is broken."""
    try:
        return strict_json(text.strip()) if text.lstrip()[:1] in ("{", "[") else None
    except Unreadable:
        return MISSING


@feature(
    "{it}'s labelled fields come in the order {level}",
    {"no labelled fields": "{it} has no labelled fields"},
)
def field_order(text: str) -> str:
    """order of labelled fields"""
    return ", ".join(label for label, _, _ in _labelled(text)) or "no labelled fields"


@feature("{it} mostly has {level} after a label", {"none": "{it} has nothing after a label"})
def label_delimiter(text: str) -> str:
    """delimiter after labels"""
    found = Counter(delimiter for _, delimiter, _ in _labelled(text))
    return min(found, key=lambda one: (-found[one], one)) if found else "none"


@feature(
    "{it} puts {plain} labelled fields on a line",
    {"0": "{it} has no line with a labelled field", "1": "{it} has a line for each labelled field"},
)
def fields_on_a_line(text: str) -> Any:
    """number of labelled fields on a line"""
    return _band(
        max(Counter(line for _, _, line in _labelled(text)).values(), default=0), (0, 1, 2)
    )


@feature(
    "",
    {
        "True": "{it} has text before its first labelled field",
        "False": "{it} has no text before a labelled field",
    },
)
def preamble(text: str) -> bool:
    """text before the first labelled field"""
    labelled = _labelled(text)
    before = text.splitlines()[: labelled[0][2]] if labelled else []
    return any(line.strip() for line in before)


@feature(
    "{it} has {plain} lines that are not blank", {"1": "{it} has a single line that is not blank"}
)
def lines(text: str) -> Any:
    """number of lines that are not blank"""
    full = sum(1 for line in text.splitlines() if line.strip())
    return _band(full, (0, 1, 2, 3, 4, 5, 6, 8, 12, 20, 50))


@feature(
    "{it} is {plain} characters long", {"0": "{it} is empty", "1": "{it} is a single character"}
)
def length(text: str) -> Any:
    """length in characters"""
    return _band(len(text), (0, 1, *(2**n for n in range(4, 17))))


@feature(
    "",
    {
        "True": "{it} has blank lines between others",
        "False": "{it} has no blank lines between others",
    },
)
def blank_lines(text: str) -> bool:
    """blank lines between others"""
    return re.search(r"\n[^\S\n]*\n", text.strip()) is not None


@feature(
    "{it}'s white space has {plain}",
    {
        "none": "{it}'s white space is single spaces and line ends",
        "several": "{it}'s white space is of several kinds",
    },
)
def white_space(text: str) -> str:
    """white space beyond single spaces"""
    kinds = {"tabs": "\t", "indented lines": r"(?m)^ +\S", "spaces in a row": r"\S {2,}\S"}
    return _among(text, {**kinds, "spaces at the ends of lines": r"(?m)(?<![ \t])[ \t]+$"})


@feature(
    "{it} is all in {plain} letters",
    {
        "mixed": "{it} mixes capital and small letters",
        "no letters": "{it} has no letters",
        "without case": "{it} is in a script without capital letters",
    },
)
def letter_case(text: str) -> str:
    """case of letters"""
    letters = "".join(re.findall(r"[^\W\d_]", text))
    if letters.lower() == letters.upper():
        return "without case" if letters else "no letters"
    found = {letters.lower(): "small", letters.upper(): "capital"}
    return found.get(letters, "mixed")


@feature(
    "{it} is written in {plain} letters",
    {"several": "{it} mixes letters of several scripts", "none": "{it} has letters of no script"},
)
def script(text: str) -> str:
    """script of letters"""
    return _among(text, {name: f"[{chars}]" for name, chars in _SCRIPTS.items()})


@feature(
    "{it} is in {plain}",
    {"several": "{it} mixes languages", "none": "{it} is in no language that its words tell"},
)
def language(text: str) -> str:
    """language by its commonest words"""
    words = re.findall(r"[^\W\d_]+", text.lower())
    found = Counter(name for word in words for name in _SPOKEN.get(word, ())).most_common()
    if not found or found[0][1] < 2:
        return "none"
    return found[0][0] if all(3 * n <= 2 * found[0][1] for _, n in found[1:]) else "several"


@feature(
    "{it} writes numbers like {plain}",
    {"several": "{it} writes numbers in several ways", "none": "{it} has no numbers with marks"},
)
def number_style(text: str) -> str:
    """style of numbers"""
    return _among(text, _NUMBERS)


@feature(
    "{it} writes percentages like {plain}",
    {"several": "{it} writes percentages in several ways", "none": "{it} has no percentage"},
)
def percentage_style(text: str) -> str:
    """style of percentages"""
    return _among(text, _PERCENTAGES)


@feature(
    "{it} writes dates {plain}",
    {"several": "{it} writes dates in several ways", "none": "{it} has no date"},
)
def date_style(text: str) -> str:
    """style of dates"""
    return _among(text, _DATES)


@feature(
    "{it} names the currency {level}",
    {"several": "{it} names several currencies", "none": "{it} names no currency"},
)
def currency(text: str) -> str:
    """currency"""
    signs = {sign: re.escape(sign) for sign in "$€£¥₹"}
    return _among(
        text, {**signs, **{code: rf"\b{code}\b" for code in ("USD", "EUR", "GBP", "CHF")}}
    )


@feature(
    "{it} has {plain} characters",
    {
        "several": "{it} has characters that are broken in several ways",
        "none": "{it} has no control, invisible or broken characters",
    },
)
def odd_characters(text: str) -> str:
    """control, invisible or broken characters"""
    kinds = {"control": r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "replaced": "\ufffd"}
    kinds["invisible"] = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
    kinds["wrongly decoded"] = "[ÃÂ][\x80-\xbf]|â€|ï»¿"
    return _among(text, {**kinds, "escaped": r"&(?:[a-z]{2,8}|#\d{1,6});|\\u[0-9a-fA-F]{4}"})


@feature(
    "{it} is a JSON {level}",
    {"not JSON": "{it} is not JSON", "broken JSON": "{it} begins like JSON and is broken"},
)
def json_shape(text: str) -> str:
    """shape as JSON"""
    value = _json_in(text)
    if value is None or value is MISSING:
        return "not JSON" if value is None else "broken JSON"
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in items) or not items:
        return "array"
    keys = ", ".join(sorted(set().union(*items)))
    return f"array of objects of {keys}" if isinstance(value, list) else f"object of {keys}"


@feature("{it} is JSON with brackets {plain} deep", {"0": "{it} has no brackets that make it JSON"})
def json_depth(text: str) -> Any:
    """depth of brackets as JSON"""

    def depth(value: Any) -> int:
        inside = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inside), default=0) if isinstance(value, (dict, list)) else 0

    return _band(depth(_json_in(text)), (0, 1, 2, 3, 4, 6, 10))


@feature(
    "{it} has {plain} in it",
    {
        "several": "{it} has several of code, a table, a link and tags in it",
        "none": "{it} has no code, table, link or tags in it",
    },
)
def markup(text: str) -> str:
    """code, table or link present"""
    kinds = {
        "code": r"```|(?m:^\s{0,8}(?:def \w+\(|class \w+[:(]|import \w+$|#include ))",
        "a table": r"(?m)^[^\S\n]*\|[^|\n]*\|.*\|[^\S\n]*$",
        "a link": r"\b(?:https?://|www\.)\S",
    }
    return _among(text, {**kinds, "tags": r"</?[A-Za-z][^<>]*>"})


@feature("{it} has {plain} question marks", {"1": "{it} has a single question mark"})
def questions(text: str) -> Any:
    """number of question marks"""
    return _band(sum(map(text.count, "?\uff1f\u061f")), (0, 1, 2))


@feature("{it} {plain}", {"neither": "{it} neither refuses nor apologizes"})
def refusal(text: str) -> str:
    """refusal or apology"""
    found = ["refuses"] * bool(_REFUSAL.search(text))
    return " and ".join(found + ["apologizes"] * bool(_APOLOGY.search(text))) or "neither"


@feature("", {"True": "{it} is cut off", "False": "{it} is not cut off"})
def cut_off(text: str) -> bool:
    """end in the middle"""
    # An open bracket or fence, a mark that goes on, or the last of some sentences without its end.
    text = text.rstrip()
    pairs = {"(": ")", "[": "]", "{": "}"}.items()
    unclosed = any(text.count(a) > text.count(b) for a, b in pairs) or text.count("```") % 2
    last = re.split(r"[.!?:]\s+|\n", text)[-1]
    unended = last != text and len(last.split()) > 3 and "." in text and last[-1:].isalpha()
    return bool(unclosed) or unended or text.endswith(("...", "…", ",", "-", "\\"))


# ---------------------------------------------------------------- an answer inside a text
#
# What an output says when its wrapping is taken away, and what an input states under its labels.

TEXT_LIMIT = 20_000  # characters of a text that are looked at
_FENCE = re.compile(r"```[\w-]*\s*\n?(.*?)```", re.DOTALL)
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
_LEAD = re.compile(
    r"^(?:so,?\s+)?(?:the\s+)?(?:final\s+|correct\s+|right\s+)?"
    r"(?:answer|result|output|label|category|class|choice|option)\s*(?:is\s*:?|:|=)\s*",
    re.IGNORECASE,
)
_AROUND = " \t\r\n\"'`*_.:;!()[]"
_NEGATION = re.compile(
    r"\b(?:not?|never|neither|nor|cannot|isn['\u2019]t|wasn['\u2019]t|nicht|kein\w*|ne|pas)\b",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_STATED = re.compile(r"[-+]?\d[\d,.']*\d|[-+]?\d")
_NAME = r"[A-Za-z][A-Za-z0-9 ._#/'-]{0,38}?"
_VALUE = re.compile(rf"\s*({_NAME})\s*(?:{_DELIMITER})(?!//)\s*(\S.*)")
_APART = re.compile(rf"(?:[;,]\s+|(?<=\S)\s{{3,}})(?={_NAME}\s*(?:{_DELIMITER}))")


def alike(one: Any, other: Any, fields: Sequence[str] = ()) -> bool:
    """Whether two values are the same but for case, white space and the format of amounts."""
    if isinstance(one, str) and isinstance(other, str):  # mostly no amounts, which takes no time
        same = one == other or one.casefold().split() == other.casefold().split()
        if same or not (_DIGIT.search(one) and _DIGIT.search(other)):
            return same
    if not isinstance(other, dict):
        return normalized(one, other)
    return all(right_fields({"rule": "normalized", "fields": fields}, one, other).values())


def reading(
    output: Any, expected: Any, labels: Iterable[str], fields: Sequence[str] = ()
) -> str | None:
    """How an output that is not the expected value has it all the same; None when it has not.

    It "is" the value when nothing but wrapping is around it: a fence, quotes or emphasis, "The
    answer is", a box, prose around one JSON object, a comma too many in it, or an object written as
    Python writes it. It "holds" a value that stands in it as words of their own, where nothing else
    in it could be meant: no other label of the same data, no other number, no negation. `labels`
    are the texts of the answers that the data know, where they are a closed set.
    """
    if not isinstance(output, str) or not output.strip() or not not_blank(expected):
        return None
    text = output[:TEXT_LIMIT]
    if isinstance(expected, dict):
        if any(alike(value, expected, fields) for value in objects_in(text)):
            return "is"
        return "holds" if _broken_with(text, expected) else None
    if isinstance(expected, (bool, list)):
        return None
    if any(alike(part, expected) for part in _unwrapped(text)):
        return "is"
    return "holds" if _holds(text, expected, labels) else None


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """The objects that a text is when its wrapping is taken away."""
    starts, ends = text.find("{"), text.rfind("}")
    candidates = [*_FENCE.findall(text), text[starts : ends + 1] if 0 <= starts < ends else ""]
    for candidate in candidates:
        for read in (parsed, _without_last_comma, _python):
            value = read(candidate.strip())
            if isinstance(value, dict):
                yield value
                break


def _without_last_comma(text: str) -> Any:
    return parsed(re.sub(r",(\s*[}\]])", r"\1", text))


def _python(text: str) -> Any:
    """The value of a text that is a literal of Python, with the types that JSON has."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of how its strings are written
            if sum(map(text.count, "([{")) <= DEPTH_LIMIT:  # deeper ones end some interpreters
                return parsed(json.dumps(ast.literal_eval(text)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    return None


def _unwrapped(text: str) -> Iterator[str]:
    """What a text says without quotes, emphasis, a fence or words that lead in."""
    _, mark, marked = text.strip().rpartition("####")
    inner = [*_FENCE.findall(text), *_BOXED.findall(text)[-1:], *([marked] if mark else [])]
    for part in (text, *inner):
        bare = part.strip(_AROUND)
        yield bare
        yield _LEAD.sub("", bare, count=1).strip(_AROUND)
    last = text.strip().splitlines()[-1].strip(_AROUND)
    if _LEAD.match(last):
        yield _LEAD.sub("", last, count=1).strip(_AROUND)


def _holds(text: str, expected: Any, labels: Iterable[str]) -> bool:
    if len(text) > 400 or _NEGATION.search(text):
        return False
    known = amount(expected)
    if known:
        numbers = {number.strip(",.'") for number in _STATED.findall(text)}
        return bool(numbers) and all(alike(number, known[1]) for number in numbers)
    wanted = str(expected)
    others = (one for one in labels if not alike(one, wanted))
    return _stands_in(wanted, text) and not any(_stands_in(one, text) for one in others)


def _stands_in(part: str, text: str) -> bool:
    """Whether a text has another as words of their own, whatever the case and white space."""
    if sum(map(str.isalnum, part)) < 3:
        return False
    words, folded = part.casefold().split(), text.casefold()
    pattern = r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w)"
    return sum(map(len, words)) <= len(folded) and re.search(pattern, folded) is not None


def _broken_with(text: str, expected: dict[str, Any]) -> bool:
    """Whether a text that begins as an object and is none has each expected value at its field."""
    if "{" not in text or next(objects_in(text), None) is not None:
        return False
    values = {name: value for name, value in expected.items() if not_blank(value)}
    return bool(values) and all(_has_at(text, name, value) for name, value in values.items())


def _has_at(text: str, name: str, value: Any) -> bool:
    """Whether a value that is no object or array stands in a text after its field's name."""
    wanted = re.escape(value if isinstance(value, str) else canonical(value))
    place = rf"[\"']{re.escape(name)}[\"']\s*:\s*[\"']?{wanted}(?![\w.])"
    return not isinstance(value, (dict, list)) and re.search(place, text) is not None


def labelled(text: Any) -> dict[str, str]:
    """The value under each label of a text; a label that stands twice is left out."""
    found: dict[str, str] = {}
    twice = set()
    for line in text[:TEXT_LIMIT].splitlines() if isinstance(text, str) else ():
        for part in _APART.split(line) if _VALUE.match(line.rstrip()) else ():
            match = _VALUE.match(part.rstrip())
            if match:
                label = " ".join(match[1].casefold().split())
                twice |= {label} & set(found)
                found[label] = match[2].strip()
    return {label: value for label, value in found.items() if label not in twice}


def form_of(value: Any) -> str:
    """The form of a value: an amount, words, or its letters and digits as aa-99."""
    text = value if isinstance(value, str) else canonical(value)
    if amount(value) is not None:
        return "amount"
    if not re.search(r"\d", text):
        return "words"
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "a", text.strip()))


# ---------------------------------------------------------------- the scorer under audit
#
# Several scores of the same answers; the answers whose score is in doubt; and what is left of it
# when each of these counts as far as the data decide it. What is odd can only be told from what is
# usual, so this is asked of all records together. That a truth is suspect, since other answers
# agree on another or it is unlike all others, is stored: it decides nothing, and leaves more open.

SCORES = ("recorded", "recomputed", "normalized", "from_input")
SUSPECTS = (
    *("errored-as-pass", "missing-field-as-pass", "unparsed-as-fail", "format-only"),
    *("silent-pass", "repeats-as-independent", "label-suspect"),
)
VERDICTS = {True: "right", False: "wrong", None: "none"}
_BY = {  # what a record counts as by a score
    (name, said): ["judged:" + name] + ["judged_right:" + name] * said
    for name, said in product(SCORES, (True, False))
}
_FLIPS = {
    (one, said, other, then): f"flip:{one} {VERDICTS[said]}, {other} {VERDICTS[then]}"
    for (one, other), said, then in product(combinations(SCORES, 2), VERDICTS, VERDICTS)
}
_LEFT = {  # what it counts as in the corrected score, by what is decided of it
    "right": ["corrected", "corrected_least", "corrected_most"],
    "wrong": ["corrected"],
    "undecided": ["corrected", "corrected_most", "undecided"],
    "apart": ["apart"],
    "not judged": [],
}
OF_AUDIT = {"independent", *_FLIPS.values(), *("suspect:" + kind for kind in SUSPECTS)}
OF_AUDIT |= {name for names in (*_BY.values(), *_LEFT.values()) for name in names}


class Audited(NamedTuple):
    """A record, the scores of its output, and what its row says beside it."""

    record: Record
    parts: dict[str, Any]  # of the expected value that are compared; "" when it has no fields
    scores: dict[str, bool | None]
    failed: bool  # the call
    ungraded: bool  # since its grader failed
    system: Any
    cluster: str
    file: str
    doubted: bool  # as is stored of its truth


def asked_of(
    evidence: Mapping[str, Any], record: Record, row: Row, file: str, stored: Mapping[str, Any]
) -> Audited:
    """What an audit asks of a record; `stored` is its line of stored verdicts."""
    expected, names = record.expected, evidence["fields"]

    def said(part: str) -> Any:
        return field(row.fields, part) if evidence["audit"] == "samples" else MISSING

    failed, scores = record.error is not None or said("status") == "errored", said("scores")
    recorded = recorded_score(field(row.fields, names["score"]), file) if "score" in names else None
    if "score" in names and recorded is None and failed and isinstance(scores, dict):
        known = {"true": True, "1": True, "false": False, "0": False}
        counts = {known.get(canonical(one)) for one in scores.values()} - {None}  # by the tool
        recorded = counts.pop() if len(counts) == 1 else None
    fields = evidence["scorer"]["fields"]
    parts = {} if expected is MISSING else {"": expected}
    if isinstance(expected, dict):
        parts = {name: field(expected, name) for name in fields or expected}
    message, system = said("grader_error"), said("system")
    graded = isinstance(scores, dict) and bool(scores)  # by another grader
    lost = isinstance(message, str) and message != "" and not graded
    return Audited(
        record,
        parts,
        {"recorded": recorded, **scored_again(evidence, record, stored)},
        failed,
        said("status") == "grader failed" or lost,
        system if isinstance(system, str) else "",
        unit_of(field(row.fields, names["cluster"]) if "cluster" in names else None, "", file),
        file,
        "label-suspect" in stored.get("suspect", ()),
    )


def scored_again(
    evidence: Mapping[str, Any], record: Record, stored: Mapping[str, Any]
) -> dict[str, bool | None]:
    """What comes out when an output is scored again, by the case's rule and by the value alone."""
    scorer, output, expected = evidence["scorer"], record.output, record.expected
    if record.error is not None or output is MISSING:
        return {"recomputed": None, "normalized": None}

    def verdict(rule: str, expected: Any) -> bool | None:
        if expected is MISSING:
            return None
        return all(right_fields({**scorer, "rule": rule}, output, expected).values())

    rule = scorer["rule"] if scorer["rule"] != "recorded" else "exact_match"
    choices = isinstance(expected, list) and not isinstance(output, list)
    values = [verdict("normalized", one) for one in (expected if choices else [expected])]
    return {
        "recomputed": stored["right"] if rule == "stored" else verdict(rule, expected),
        "normalized": any(values) if values and None not in values else None,
    }


class Inputs:
    """What inputs state of the parts of the expected values, where a task copies labelled values.

    A part goes with the label under which its value stands in most inputs, if that is so in nine
    of ten records that have the label once, and in ten or more. A value that differs says something
    only where it is of a form that is copied elsewhere, and neither is in the other.
    """

    def __init__(self, some: Sequence[Audited]) -> None:
        self.some, self.values = some, [labelled(one.record.input) for one in some]
        seen: dict[str, Counter[str]] = {}
        for one, values in zip(some, self.values):
            for name, expected in one.parts.items() if values else ():
                same = (label for label, value in values.items() if alike(value, expected))
                seen.setdefault(name, Counter()).update(same)
        self.rules: dict[str, tuple[str, set[str]]] = {}  # by part, its label and usual forms
        for name, labels in seen.items():
            label, agree = max(labels.items(), key=lambda item: item[1], default=("", 0))
            rows = [
                (values[label], one.parts[name])
                for one, values in zip(some, self.values)
                if label in values and name in one.parts
            ]
            if agree >= max(10, 0.9 * len(rows)):
                forms = Counter(form_of(value) for value, wanted in rows if alike(value, wanted))
                self.rules[name] = label, {form for form, n in forms.items() if n > 1}

    def stated(self, row: int, name: str) -> str | None:
        """The value of a part as the input states it; None where there is no telling."""
        label, forms = self.rules.get(name, ("", set()))
        expected, value = self.some[row].parts[name], self.values[row].get(label)
        if name not in self.rules or value is None or alike(value, expected):
            return value if name in self.rules else None
        one, other = value.casefold(), str(expected).casefold()
        return value if form_of(value) in forms and one not in other and other not in one else None

    def contradicts(self, row: int) -> bool:
        """Whether an input states another value than the expected one."""
        parts = self.some[row].parts if self.rules else {}
        stated = ((self.stated(row, name), expected) for name, expected in parts.items())
        return any(value is not None and not alike(value, wanted) for value, wanted in stated)

    def verdict(self, row: int) -> bool | None:
        """Whether an output is what its input states; None unless that is all that is asked."""
        one = self.some[row]
        stated = {name: self.stated(row, name) for name in one.parts if self.rules}
        output = one.record.output
        if not stated or None in stated.values() or one.failed or output is MISSING:
            return None
        if isinstance(output, str) and "" not in stated:
            output = next(objects_in(output), output)
        given = output if isinstance(output, dict) else {}
        return all(
            alike(field(given, name) if name else output, value) for name, value in stated.items()
        )


def in_doubt(
    some: Sequence[Audited], by: str, truths: set[int], fields: Sequence[str]
) -> dict[str, dict[int, str]]:
    """The rows whose score is in doubt, by kind, with what follows for their verdicts.

    `by` names the score under audit, `truths` are the rows whose truth another part of the data
    contradicts, and `fields` those that are compared.
    """
    found: dict[str, dict[int, str]] = {kind: {} for kind in SUSPECTS}
    usual, complete, labels = _usual_fields(some), _complete_files(some), closed_set(some)
    first: dict[tuple[str, ...], Audited] = {}
    for row, one in enumerate(some):
        said, by_value = one.scores[by], one.scores["normalized"]
        output, expected = one.record.output, one.record.expected
        if said and (one.failed or one.ungraded):
            follows = "right" if by_value else "undecided"
            found["errored-as-pass"][row] = "apart" if one.failed else follows
        elif said and expected is MISSING and one.file in complete:
            found["missing-field-as-pass"][row] = "undecided"
        elif said and _lacks(one, usual):
            found["missing-field-as-pass"][row] = "wrong"
        elif said is False and not one.failed and output is not MISSING:
            how = None if by_value else reading(output, expected, labels, fields)
            if how:
                found["unparsed-as-fail"][row] = "right" if how == "is" else "undecided"
            elif by_value and not exact_match(output, expected):
                found["format-only"][row] = "undecided"
        if said and row in truths:
            found["silent-pass"][row] = "undecided"
        if one.doubted:
            found["label-suspect"][row] = "undecided"
        if not_blank(one.record.input):
            before = first.setdefault((one.record.split, one.system, *_task(one.record)), one)
            if before is not one and not (one.cluster and before.cluster == one.cluster):
                found["repeats-as-independent"][row] = ""
    return found


def _task(record: Record) -> tuple[str, str]:
    """The texts of what is asked and of what is expected."""
    one, other = ("" if v is MISSING else canonical(v) for v in (record.input, record.expected))
    return one, other


def _lacks(one: Audited, usual: set[str]) -> bool:
    """Whether an output is blank, or lacks a field that most outputs have."""
    output, expected = one.record.output, one.record.expected
    blank = not output if isinstance(output, (dict, list)) else not not_blank(output)
    if blank and not_blank(expected):
        return True
    if not isinstance(output, dict) or not isinstance(expected, dict):
        return False
    asked = (name for name, value in one.parts.items() if name in usual and not_blank(value))
    return any(not not_blank(field(output, name)) for name in asked)


def _usual_fields(some: Sequence[Audited]) -> set[str]:
    """The expected fields that most outputs have, so that they belong to the answer."""
    wanted: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for one in some:
        output = one.record.output
        if isinstance(output, dict) and isinstance(one.record.expected, dict):
            wanted.update(one.parts.keys())
            given.update(name for name in one.parts if not_blank(field(output, name)))
    return {name for name, n in wanted.items() if given[name] > 0.5 * n}


def _complete_files(some: Sequence[Audited]) -> set[str]:
    """The files of which nine in ten records have an expected value."""
    records = Counter(one.file for one in some)
    truths = Counter(one.file for one in some if one.record.expected is not MISSING)
    return {file for file, n in records.items() if truths[file] >= 0.9 * n}


def closed_set(some: Sequence[Audited]) -> list[str]:
    """The expected texts when they are few, each of them for several records; else none."""
    counts = Counter(one.record.expected for one in some if isinstance(one.record.expected, str))
    return list(counts) if len(counts) <= 50 and 2 * len(counts) <= sum(counts.values()) else []


def contradictory(some: Sequence[Audited]) -> set[int]:
    """The rows whose input stands elsewhere with another truth; none where that is usual."""
    groups: dict[str, list[int]] = {}
    for row, one in enumerate(some):
        if not_blank(one.record.input) and one.record.expected is not MISSING:
            groups.setdefault(canonical(one.record.input), []).append(row)
    found: set[int] = set()
    for rows in groups.values():
        truths = [some[row].record.expected for row in rows]
        if not all(alike(truth, truths[0]) for truth in truths):
            found.update(rows)
    return found if len(found) <= 0.1 * len(some) else set()


def audited(evidence: Mapping[str, Any], some: Sequence[Audited]) -> list[Record]:
    """The records with what they count as in the audit of the score that the data hold, or else of
    the one that is made here."""
    inputs, rows = Inputs(some), range(len(some))
    for row, one in enumerate(some):
        one.scores["from_input"] = inputs.verdict(row)
    by = "recorded" if any(one.scores["recorded"] is not None for one in some) else "recomputed"
    truths = {row for row in rows if not some[row].failed and inputs.contradicts(row)}
    doubts = in_doubt(some, by, truths | contradictory(some), evidence["scorer"]["fields"])
    found = []
    for row, one in enumerate(some):
        kinds = [kind for kind in SUSPECTS if row in doubts[kind]]
        names = ["suspect:" + kind for kind in kinds]
        for name, said in one.scores.items():
            names += _BY[name, said] if said is not None else []
        for first, second in combinations(SCORES, 2):
            names.append(_FLIPS[first, one.scores[first], second, one.scores[second]])
        follows = {doubts[kind][row] for kind in kinds} - {""}
        left = _LEFT[decided(one, by, follows, evidence["errors"])]
        names += left
        if "corrected" in left and "repeats-as-independent" not in kinds:
            names.append("independent")
        found.append(one.record._replace(outcomes=one.record.outcomes.union(names)))
    return found


def decided(one: Audited, by: str, follows: set[str], errors: str) -> str:
    """What a record counts as in the corrected score, by what its doubts say."""
    said, record = one.scores[by], one.record
    if one.failed:
        return "wrong" if errors == "wrong" else "apart"
    if follows:
        return follows.pop() if len(follows) == 1 else "undecided"
    if said is not None and not one.ungraded:
        return VERDICTS[said]
    if one.scores["normalized"]:
        return "right"
    open_ended = one.ungraded or MISSING not in (record.output, record.expected)
    return "undecided" if open_ended else "not judged"


def corrected_interval(cube: Cube, split: str) -> Ends:
    """From the low end of the Wilson interval of what is right at the least to the high end of that
    of what is right at the most; records that repeat others add nothing to it."""
    n, independent = (cube.count(split, name, {}) for name in ("corrected", "independent"))
    share = independent / n if n else 0.0
    ends = []
    for outcome in ("corrected_least", "corrected_most"):
        k, clusters = cube.count(split, outcome, {}), cube.clusters(split, outcome, "corrected", {})
        size = independent if clusters is None else effective(k, n, clusters) * share
        ends.append(wilson(k * share, independent, size))
    return ends[0][0], ends[1][1]


# ---------------------------------------------------------------- counting


class Clusters(NamedTuple):
    """The clusters of the records that a rate is of: how many, and sums over them.

    A cluster has n of these records, and k of them have the outcome.
    """

    number: int
    k_k: int
    k_n: int
    n_n: int


def clusters_of(k: Mapping[str, int], n: Mapping[str, int]) -> Clusters:
    """The sums over clusters, of which each has `n` records and `k` with the outcome."""
    sums = (sum(a[one] * b[one] for one in n) for a, b in ((k, k), (k, n), (n, n)))
    return Clusters(len(n), *sums)


class Cube:
    """The evidence counted: for each split and combination of levels, how many of each outcome.

    `cells` maps (split, levels) to outcome counts, `members(split, outcome, where)` lists ids in
    the order of the files, and `clusters(split, outcome, of, where)` tells of what clusters the
    records of a rate are; None where no two records share one, or it is not known. All that a claim
    says is derived from these.
    """

    def __init__(
        self,
        attributes: Sequence[str],
        cells: Mapping[tuple[str, Levels], Mapping[str, int]],
        members: Callable[[str, str, Where], Iterable[str]],
        clusters: Callable[[str, str, str, Where], Clusters | None] = lambda *_: None,
    ) -> None:
        self.attributes, self.cells, self.members = tuple(attributes), cells, members
        self.clusters = clusters
        self.marginals: dict[tuple[str, ...], dict[str, dict[Levels, Counter[str]]]] = {}
        self.p_values: dict[tuple[str, ...], float] = {}  # of all slices, once asked for
        self.search: Search | None = None  # what was searched, where that is claimed of
        self.varied: Varied | None = None  # what was changed, where that is claimed of
        self.twins: dict[str, Record] = {}  # the smallest inputs, where they are claimed of
        self.pairs = (0, 0, 0, 0)  # of the tasks of both splits, see `pairs_of`

    def count(self, split: str, outcome: str, where: Where) -> int:
        """How many records of a split, and of a slice, had an outcome."""
        by = sorted(where)
        wanted = [frozenset(map(canonical, where[name])) for name in by]
        return sum(
            counts[outcome]
            for levels, counts in self.counted(by).get(split, {}).items()
            if all(text in texts for text, texts in zip(levels, wanted))
        )

    def counted(self, by: Sequence[str]) -> dict[str, dict[Levels, Counter[str]]]:
        """The cells of some attributes alone, by split; counted once for each choice of them."""
        for name in by:
            if name not in self.attributes:
                raise Unreadable(f"no attribute {name!r}", "claims")
        if tuple(by) not in self.marginals:
            at = [self.attributes.index(name) for name in by]
            found: dict[str, dict[Levels, Counter[str]]] = {}
            for (split, levels), counts in self.cells.items():
                cell = found.setdefault(split, {}).setdefault(
                    tuple(levels[i] for i in at), Counter()
                )
                cell.update(counts)
            self.marginals[tuple(by)] = found
        return self.marginals[tuple(by)]

    def wanted(self, where: Where) -> list[tuple[int, frozenset[str]]]:
        """The positions and level texts that a slice asks for."""
        for name in where:
            if name not in self.attributes:
                raise Unreadable(f"no attribute {name!r}", "where")
        return [
            (self.attributes.index(name), frozenset(map(canonical, levels)))
            for name, levels in where.items()
        ]

    def union(self, split: str, outcome: str, slices: Sequence[Where], inside: bool) -> int:
        """How many records with an outcome lie in any of some slices, or in none of them."""
        by = sorted({name for where in slices for name in where})
        wanted = [
            {by.index(name): frozenset(map(canonical, levels)) for name, levels in where.items()}
            for where in slices
        ]
        return sum(
            counts[outcome]
            for levels, counts in self.counted(by).get(split, {}).items()
            if any(all(levels[i] in texts for i, texts in one.items()) for one in wanted) == inside
        )

    def slices(self, by: Sequence[str], split: str, outcome: str) -> Counter[Levels]:
        """For each combination of levels of `by`, how many records had an outcome."""
        cells = self.counted(by).get(split, {})
        return Counter(
            {levels: counts[outcome] for levels, counts in cells.items() if counts[outcome]}
        )


def pairs_of(some: Iterable[tuple[str, str, Any, bool | None]]) -> tuple[int, int, int, int]:
    """Of the tasks that both splits have, how many are right in both, right on eval alone, right in
    production alone, and in neither. `some` are splits, ids, inputs, and what is right of them.

    A task is an id with an input. What has no verdict on one side is none.
    """
    sides: dict[str, dict[str, tuple[Any, bool]]] = {split: {} for split in SPLITS}
    for split, identity, value, right in some:
        if right is not None and value is not MISSING:
            sides[split][identity] = value, right
    first, second = (sides[split] for split in SPLITS)
    counts = Counter(
        (first[name][1], second[name][1])
        for name in first.keys() & second.keys()
        if canonical(first[name][0]) == canonical(second[name][0])
    )
    both, neither = counts[True, True], counts[False, False]
    return both, counts[True, False], counts[False, True], neither


def count_records(
    attributes: Sequence[str], records: Sequence[Record], search: Mapping[str, Any] | None = None
) -> Cube:
    """The cube of records, counted one by one; `search` is that of the evidence, if it has one."""
    cells: dict[tuple[str, Levels], Counter[str]] = {}
    for record in records:
        cells.setdefault((record.split, record.levels), Counter()).update(record.outcomes)

    together = len({(record.split, record.unit) for record in records}) < len(records)

    def chosen(split: str, outcome: str, where: Where) -> Iterator[Record]:
        wanted = cube.wanted(where)
        for record in records:
            inside = all(record.levels[i] in texts for i, texts in wanted)
            if inside and record.split == split and outcome in record.outcomes:
                yield record

    def members(split: str, outcome: str, where: Where) -> Iterator[str]:
        return (record.id for record in chosen(split, outcome, where))

    def clusters(split: str, outcome: str, of: str, where: Where) -> Clusters | None:
        if not together:
            return None
        n, k = Counter[str](), Counter[str]()
        for record in chosen(split, of, where):
            n[record.unit] += 1
            k[record.unit] += outcome in record.outcomes
        return clusters_of(k, n)

    cube = Cube(attributes, cells, members, clusters)
    cube.search = Search(attributes, records, search) if search else None
    cube.pairs = pairs_of(
        (
            one.split,
            one.id,
            one.input,
            "right" in one.outcomes if "counted" in one.outcomes else None,
        )
        for one in records
    )
    return cube


# ---------------------------------------------------------------- counts that are given
#
# Where the records are too many to be judged again here, or may not leave the place where they are,
# a receipt rests on counts: joint histograms of a few attributes each, one number for each cell and
# class. A class is a part of the records and an outcome.

_CLASSES = [
    (part, one) for part in ("eval", "search", "confirm") for one in ("right", "loud", "silent")
]


def summed(counts: Sequence[int], sizes: Sequence[int], axis: int) -> list[int]:
    """The flat counts of a histogram with one axis less."""
    inner = math.prod(sizes[axis + 1 :])
    step = inner * sizes[axis]
    return [
        sum(counts[start + i : start + step : inner])
        for start in range(0, len(counts), step)
        for i in range(inner)
    ]


class GivenCube(Cube):
    """A cube whose counts are given, for sets of attributes that some block holds."""

    def __init__(self, attributes: Sequence[str], said: Mapping[str, Any]) -> None:
        super().__init__(attributes, {}, lambda split, outcome, where: ())
        self.said, self.levels = said, said["levels"]
        sizes = [*map(len, self.levels), len(_CLASSES)]
        overlaps = said["overlaps"]
        totals: list[int] = [0] * len(_CLASSES)
        for row in overlaps:
            totals[row[1]] += row[2]
        good = len(self.levels) == len(attributes) and all(n >= 0 for row in overlaps for n in row)
        left = Counter({(pattern, i): n for pattern, i, n in overlaps})
        for pattern, i, n in said["drawn"] or ():
            left[pattern, i] -= n
            good = good and n >= 0 and left[pattern, i] >= 0
        for block in said["blocks"]:
            at, counts = block["attributes"], block["counts"]
            good = good and sorted(set(at)) == at and min(counts, default=-1) >= 0
            good = good and len(counts) == math.prod(sizes[i] for i in [*at, -1])
            good = (
                good and [sum(counts[i :: len(_CLASSES)]) for i in range(len(_CLASSES))] == totals
            )
        if not good:
            raise Unreadable("counts that contradict each other", said["name"])
        self.totals, self.sizes = totals, sizes

    def margin(self, positions: Sequence[int]) -> list[int]:
        """The flat counts by some attributes, ascending, and class."""
        if not positions:
            return self.totals
        holding = [one for one in self.said["blocks"] if set(positions) <= set(one["attributes"])]
        if not holding:
            raise Undefined("attributes that were not counted together")
        block = min(holding, key=lambda one: len(one["counts"]))
        at, counts = [*block["attributes"], -1], block["counts"]
        for i in [i for i in at if i not in (*positions, -1)]:
            counts = summed(counts, [self.sizes[j] for j in at], at.index(i))
            at.remove(i)
        return list(counts)

    def counted(self, by: Sequence[str]) -> dict[str, dict[Levels, Counter[str]]]:
        """The cells of some attributes alone, by split."""
        key = tuple(by)
        if key not in self.marginals:
            if not set(by) <= set(self.attributes):
                raise Unreadable(f"no attributes {', '.join(by)}", "claims")
            positions = sorted(self.attributes.index(name) for name in by)
            order = [positions.index(self.attributes.index(name)) for name in by]
            counts = self.margin(positions)
            found: dict[str, dict[Levels, Counter[str]]] = {split: {} for split in SPLITS}
            cells = product(*(self.levels[i] for i in positions))
            for cell, texts in enumerate(cells):
                levels = tuple(texts[i] for i in order)
                for i, (part, outcome) in enumerate(_CLASSES):
                    n = counts[cell * len(_CLASSES) + i]
                    split = "eval" if part == "eval" else "production"
                    if n:
                        found[split].setdefault(levels, Counter()).update(_counts_as(outcome, n))
            for split, n in self.said["unscored"].items() if not by else ():
                cell_of_all = found[split].setdefault((), Counter())
                cell_of_all.update({"records": n, "unscored": n})
            self.marginals[key] = found
        return self.marginals[key]

    def union(self, split: str, outcome: str, slices: Sequence[Where], inside: bool) -> int:
        """How many records with an outcome lie in any of some tested slices, or in none of them."""
        tested = [one["where"] for one in _search(self).says["tested"]]
        if not all(where in tested for where in slices):
            raise Undefined("slices that were not counted together")
        wanted = [i for i, where in enumerate(tested) if where in slices]
        found = 0
        for pattern, i, n in self.said["overlaps"]:
            part, kind = _CLASSES[i]
            here = any(pattern >> i & 1 for i in wanted) == inside
            if here and (part == "eval") == (split == "eval"):
                found += _counts_as(kind, n).get(outcome, 0)
        return found


def _counts_as(outcome: str, n: int) -> dict[str, int]:
    """What n scored records with an outcome count as; no guard stops any but a failed call."""
    names = ["records", "counted", outcome, "right" if outcome == "right" else "wrong"]
    names += ["errored"] if outcome == "loud" else ["well_formed"]
    kinds = {"loud": ("caught", "only"), "silent": ("missed",)}.get(outcome, ())
    return dict.fromkeys([*names, *(kind + ":no_exception" for kind in kinds)], n)


# ---------------------------------------------------------------- statistics


def wilson(k: float, n: float, size: float | None = None) -> Ends:
    """The 95% interval of a rate, as fractions of 1; (0, 1) when n is 0.

    `size` is as how many independent records the n count (see `effective`), where it is not n.
    Ends are exact at k = 0 and k = n. Source: Wilson 1927, JASA 22:209.
    """
    size = n if size is None else size
    if size == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.975)
    p = k / n
    middle = p + z * z / (2 * size)
    reach = z * math.sqrt(p * (1 - p) / size + z * z / (4 * size * size))
    scale = 1 + z * z / size
    low = 0.0 if k == 0 else (middle - reach) / scale
    return low, 1.0 if k == n else (middle + reach) / scale


def effective(k: int, n: int, clusters: Clusters | None) -> float:
    """As how many independent records n count, of some clusters, of which k have an outcome.

    n over deff, which is how many times larger the variance of k/n is by clusters (CR1) than by
    records, and at least 1. Source: Miller 2024, arXiv 2411.00640. Where all records have the
    outcome, or none has, both variances are 0, and nothing shows that the records of a cluster
    could differ: each cluster counts as one. A single one tells nothing of others, and counts as 0.
    """
    if clusters is None or clusters.number == n:
        return n
    number, k_k, k_n, n_n = clusters
    if number == 1:
        return 0
    if k in (0, n):
        return number
    apart = (n * n * k_k - 2 * n * k * k_n + k * k * n_n) * number * (n - 1)
    return float(min(Fraction(n), Fraction(k * (n - k) * n**3 * (number - 1), apart or 1)))


def mover(value: float, terms: Iterable[Term], variance: float = 0.0) -> Ends:
    """The 95% interval, within -1 and 1, of a value that rests on uncorrelated rates.

    A rate counts by the end of its Wilson interval that lies where its slope leads; `variance` is
    of what else moves the value. Source: MOVER, Zou and Donner 2008, Stat. Med. 27:1693.
    """
    z = NormalDist().inv_cdf(0.975)
    below, above = [z * math.sqrt(variance)], [z * math.sqrt(variance)]
    for slope, k, n, *size in terms:
        low, high = wilson(k, n, *size)
        falls, rises = sorted((slope * (low - k / n), slope * (high - k / n)))
        below.append(falls)
        above.append(rises)
    return max(-1.0, value - math.hypot(*below)), min(1.0, value + math.hypot(*above))


def newcombe(
    k1: int, n1: int, k0: int, n0: int, size1: float | None = None, size0: float | None = None
) -> Ends:
    """The 95% interval of k1/n1 - k0/n0; sizes are as in `wilson`.

    Source: Newcombe 1998, Stat. Med. 17:873, method 10.
    """
    return mover(k1 / n1 - k0 / n0, [(1, k1, n1, size1), (-1, k0, n0, size0)])


@lru_cache(maxsize=4096)  # each slice's claim adjusts for the tests of all the others
def fisher(a: int, b: int, c: int, d: int) -> float:
    """The two-sided p-value of the table [[a, b], [c, d]]. Source: Fisher 1935.

    Sums the tables that are no more likely than the one seen, as R and scipy do: those beyond it,
    and on the other side of the likeliest those from the first that is no more likely.
    """
    n, wrong, total = a + b, a + c, a + b + c + d
    likeliest = (n + 1) * (wrong + 1) // (total + 2)
    seen = log_chance(a, n, wrong, total) + 1e-7
    if a < likeliest:  # the table of the right answers is the mirror image
        return fisher(b, a, d, c)
    low, high = max(0, n + wrong - total) - 1, min(likeliest, a - 1)
    while low < high:
        middle = (low + high + 1) // 2
        if log_chance(middle, n, wrong, total) <= seen:
            low = middle
        else:
            high = middle - 1
    other = fisher_greater(n - low, n, total - wrong, total)
    return min(1.0, fisher_greater(a, n, wrong, total) + other)


def log_chance(x: int, n: int, wrong: int, total: int) -> float:
    """The logarithm of the chance of x wrong records among n drawn from `total`."""

    def log_choose(a: int, b: int) -> float:
        return math.lgamma(a + 1) - math.lgamma(b + 1) - math.lgamma(a - b + 1)

    return log_choose(wrong, x) + log_choose(total - wrong, n - x) - log_choose(total, n)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number. Source: Holm 1979, Scand. J. Stat. 6:65."""
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = worst
    return adjusted


class Undefined(Exception):
    """A quantity that these counts do not have."""


def ratio(k: int, n: int) -> Fraction:
    """k of n as an exact fraction; raises Undefined when n is 0."""
    if n == 0:
        raise Undefined("a rate of no records")
    return Fraction(k, n)


GAP_PARTS = ("uncovered", "rate", "mix", "eval_only")
MOVES_FIRST = {"symmetric": Fraction(1, 2), "production": Fraction(1), "eval": Fraction(0)}
NO_OVERLAP = "cannot be split: no overlap"


class Sides(NamedTuple):
    """The scored records of each split by slice: how many, and how many of them are right."""

    n: Mapping[str, Counter[Levels]]
    k: Mapping[str, Counter[Levels]]
    shared: Sequence[Levels]  # the slices that both splits have
    all_n: Mapping[str, int]
    all_k: Mapping[str, int]
    shared_n: Mapping[str, int]
    shared_k: Mapping[str, int]


def sides_of(cube: Cube, by: Sequence[str]) -> Sides:
    """The two sides by some attributes; raises Undefined when a split has no scored record."""
    n, k = (
        {split: cube.slices(by, split, outcome) for split in SPLITS}
        for outcome in ("counted", "right")
    )
    shared = sorted(set(n["eval"]) & set(n["production"]))
    sums = [{split: sum(counts[split].values()) for split in SPLITS} for counts in (n, k)]
    sums += [
        {split: sum(counts[split][s] for s in shared) for split in SPLITS} for counts in (n, k)
    ]
    for split in SPLITS:
        ratio(0, sums[0][split])
    return Sides(n, k, shared, *sums)


def gap_parts(cube: Cube, by: Sequence[str], order: str) -> dict[str, Fraction]:
    """The gap as the exact sum of its four parts.

    uncovered: slices that only production has; rate: shared slices that got worse or better; mix:
    shared slices that became more or less common; eval_only: slices that only eval has. Where no
    slice is shared the gap cannot be split, and rate and mix count as nothing.
    """
    rows = slice_parts(sides_of(cube, by), order).values()
    return {part: sum((row[part] for row in rows), Fraction(0)) for part in GAP_PARTS}


def slice_parts(sides: Sides, order: str) -> dict[Levels, dict[str, Fraction]]:
    """What each slice of production adds to each part of the gap: together, its contribution.

    `order` is "production" (rates change first at production's mix), "eval", or "symmetric", their
    mean (Kitagawa 1955, JASA 50:1168). What eval promised for slices that it never contained is its
    overall rate; a slice that became more common is held against the same.
    """
    n, k, share = sides.n, sides.k, MOVES_FIRST[order]
    promised = Fraction(sides.all_k["eval"], sides.all_n["eval"])
    covered = Fraction(sides.shared_n["production"], sides.all_n["production"])
    rows = {}
    for s in sorted(n["production"]):
        row = rows[s] = dict.fromkeys(GAP_PARTS, Fraction(0))
        rate = {split: Fraction(k[split][s], n[split][s]) for split in SPLITS if n[split][s]}
        if "eval" not in rate:
            weight = Fraction(n["production"][s], sides.all_n["production"])
            row["uncovered"] = weight * (rate["production"] - promised)
            continue
        mass = {split: Fraction(n[split][s], sides.shared_n[split]) for split in SPLITS}
        by_rate = share * mass["production"] + (1 - share) * mass["eval"]
        by_mix = share * rate["eval"] + (1 - share) * rate["production"] - promised
        row["rate"] = covered * by_rate * (rate["production"] - rate["eval"])
        row["mix"] = covered * by_mix * (mass["production"] - mass["eval"])
        row["eval_only"] = covered * mass["eval"] * (rate["eval"] - promised)
    return rows


def gap_part_interval(cube: Cube, part: str, order: str, by: Sequence[str]) -> Ends:
    """The 95% interval of a part of the gap.

    Which slices are shared is taken as it was seen, and records as independent: counts do not show
    clusters, which make an interval like this too narrow.
    """
    sides = sides_of(cube, by)
    if part == "uncovered":
        new = [s for s in sides.n["production"] if s not in sides.n["eval"]]
        counts = [sum(side["production"][s] for s in new) for side in (sides.k, sides.n)]
        return _contributed(sides, *counts) if new else (0.0, 0.0)
    if part == "eval_only":
        return _eval_only_interval(sides)
    return split_interval(sides, part, order, sides.shared)


def _contributed(sides: Sides, k: int, n: int) -> Ends:
    """The interval of what k of n add to the gap; their share of production is exact when all."""
    (k0, n0), total = (sides.all_k["eval"], sides.all_n["eval"]), sides.all_n["production"]
    share, apart = n / total, k / n - k0 / n0
    terms: list[Term] = [(share, k, n), (-share, k0, n0)]
    return mover(share * apart, [*terms, (apart, n, total)] if n < total else terms)


def _eval_only_interval(sides: Sides) -> Ends:
    """By the rates of eval's shared and other slices, and by the share of both splits shared."""
    (k, n), all_n = (sides.shared_k["eval"], sides.shared_n["eval"]), sides.all_n
    rest, rest_k = all_n["eval"] - n, sides.all_k["eval"] - k
    if not n or not rest:
        return 0.0, 0.0
    covered, only = sides.shared_n["production"] / all_n["production"], rest / all_n["eval"]
    apart = k / n - rest_k / rest
    terms: list[Term] = [(covered * only, k, n), (-covered * only, rest_k, rest)]
    terms.append((covered * apart, rest, all_n["eval"]))
    if covered < 1:
        terms.append((only * apart, sides.shared_n["production"], all_n["production"]))
    return mover(covered * only * apart, terms)


def split_interval(sides: Sides, part: str, order: str, some: Sequence[Levels]) -> Ends:
    """The 95% interval of what some shared slices add to rate or mix.

    The slices' rates move it as in `mover`, their shares, which are multinomial, by the delta
    method. Raises Undefined when no slice is shared.
    """
    if not sides.shared:
        raise Undefined(NO_OVERLAP)
    n, k, first = sides.n, sides.k, float(MOVES_FIRST[order])
    promised = sides.all_k["eval"] / sides.all_n["eval"]
    covered = sides.shared_n["production"] / sides.all_n["production"]
    worth, weights, slopes, mass = {}, {}, {}, {}
    for s in some:
        (r, q), (r0, e) = (
            (k[split][s] / n[split][s], n[split][s] / sides.shared_n[split])
            for split in ("production", "eval")
        )
        mass[s] = q, e
        if part == "rate":
            worth[s] = r - r0
            slopes[s] = weights[s] = covered * (first * q + (1 - first) * e)
        else:
            worth[s], weights[s] = first * r0 + (1 - first) * r - promised, covered * (q - e)
            # What chance makes of this in the square is in the variance of the shares as well.
            chance = sum(
                p * (1 - p) / sides.shared_n[split] for p, split in zip((q, e), SPLITS[::-1])
            )
            slopes[s] = math.copysign(covered * math.sqrt(max(0.0, (q - e) ** 2 - chance)), q - e)
    signs = (1.0, -1.0) if part == "rate" else (1 - first, first)
    terms = [
        (sign * slope, of, out_of)
        for split, sign in zip(("production", "eval"), signs)
        for slope, of, out_of in _weighted(sides, split, slopes)
    ]
    # A production record moves its slice's worth, and the mean at eval's mix; an eval record both.
    own, by_mean = (first, 1 - first) if part == "rate" else (1.0, -1.0)
    (q1, q2), (e1, e2) = (
        [math.fsum(mass[s][i] * worth[s] ** power for s in some) for power in (1, 2)]
        for i in (0, 1)
    )
    moved = own**2 * q2 + 2 * own * by_mean * e1 * q1 + (by_mean * e1) ** 2
    moved -= covered * (own * q1 + by_mean * e1) ** 2
    variance = covered * max(0.0, moved) / sides.all_n["production"]
    variance += (covered * by_mean) ** 2 * max(0.0, e2 - e1**2) / sides.shared_n["eval"]
    return mover(math.fsum(weights[s] * worth[s] for s in some), terms, variance)


def _weighted(sides: Sides, split: str, slopes: Mapping[Levels, float]) -> Iterator[Term]:
    """Weighted sums of the slices' rates, those that rise and those that fall, as terms of `mover`.

    Each is a rate of as many records as would give it its variance. That is estimated from rates
    that two records at the overall rate were added to, so that no slice seems to be without any.
    """
    n, k = sides.n[split], sides.k[split]
    overall = (sides.shared_k[split] + 1) / (sides.shared_n[split] + 2)
    near = {s: (k[s] + 2 * overall) / (n[s] + 2) for s in slopes}
    for sign in (1, -1):
        weights = {s: sign * slope for s, slope in slopes.items() if sign * slope > 0}
        whole = math.fsum(weights.values())
        if weights:
            rate = min(1.0, math.fsum(w * k[s] / n[s] for s, w in weights.items()) / whole)
            usual = math.fsum(w * near[s] for s, w in weights.items()) / whole
            spread = math.fsum(w**2 * near[s] * (1 - near[s]) / n[s] for s, w in weights.items())
            size = usual * (1 - usual) * whole**2 / spread
            yield sign * whole, rate * size, size


def contribution(cube: Cube, where: Where) -> Fraction:
    """What a slice of production adds to the gap, w(s) * (r(s) - eval's rate).

    Over disjoint slices that cover production these sum to the gap, in any order.
    """
    promised = ratio(cube.count("eval", "right", {}), cube.count("eval", "counted", {}))
    right, n = (cube.count("production", outcome, where) for outcome in ("right", "counted"))
    return (right - n * promised) / Fraction(max(1, cube.count("production", "counted", {})))


def contribution_interval(cube: Cube, where: Where) -> Ends:
    """The 95% interval of what a slice adds to the gap; of all records, Newcombe's of the gap.

    Takes records as independent, as `gap_part_interval` does.
    """
    k, n = (cube.count("production", outcome, where) for outcome in ("right", "counted"))
    ratio(k, n)
    return _contributed(sides_of(cube, []), k, n)


def unseen_anywhere(cube: Cube, by: Sequence[str]) -> tuple[int, int]:
    """The share of production in slices that neither split has a record of, as k of n.

    By slices that only production has, and of which it has one record. Source: Good 1953,
    Biometrika 40:237.
    """
    before, after = (cube.slices(by, split, "counted") for split in SPLITS)
    return sum(n == 1 for s, n in after.items() if s not in before), sum(after.values())


def unseen_anywhere_interval(cube: Cube, by: Sequence[str]) -> Ends:
    """The 95% interval of that share. Source: Esty 1983, Ann. Stat. 11:905.

    Wilson's high end where there is no such record, and his low one where there are no others.
    """
    before, after = (cube.slices(by, split, "counted") for split in SPLITS)
    once, n = unseen_anywhere(cube, by)
    twice = sum(n == 2 for s, n in after.items() if s not in before)
    share = float(ratio(once, n))
    if once in (0, n):
        return wilson(once, n)
    reach = NormalDist().inv_cdf(0.975) * math.sqrt(once * (1 - share) + 2 * twice) / n
    return max(0.0, share - reach), min(1.0, share + reach)


def eta_squared(cube: Cube, split: str, by: Sequence[str]) -> Fraction:
    """How much of the variance of right and wrong the slices explain, from 0 to 1.

    Pearson's chi-square of homogeneity over n, which is Cramer's V squared. Does not grow with n.
    """
    n, k = cube.slices(by, split, "counted"), cube.slices(by, split, "right")
    overall = ratio(sum(k.values()), sum(n.values()))
    if overall in (0, 1):
        raise Undefined("all records have the same outcome")
    spread = sum(n[s] * (Fraction(k[s], n[s]) - overall) ** 2 for s in sorted(n))
    return Fraction(spread) / (sum(n.values()) * overall * (1 - overall))


def p_adjusted(cube: Cube, where: Where) -> float:
    """Whether a slice of production is wrong more or less often than the rest of it.

    Fisher's exact test of the slice against its complement, adjusted by Holm over all slices of
    all attributes of the case. Records that share clusters count as so many independent ones (see
    `effective`), in whole numbers. Source: Rao and Scott 1992, Biometrics 48:577.
    """
    one = tuple((name, canonical(levels[0])) for name, levels in where.items() if len(levels) == 1)
    if len(one) != 1 or len(where) != 1:
        raise Undefined("not a slice by a single value")
    if not cube.p_values:
        family, tests = [], []
        for name in cube.attributes:
            n, wrong = (cube.slices([name], "production", kind) for kind in ("counted", "wrong"))
            for level in sorted(n):
                family.append((name, *level))
                sides: list[int] = []
                for inside in (True, False):
                    of = [one for one in n if (one == level) == inside]
                    total, k = sum(n[one] for one in of), sum(wrong[one] for one in of)
                    sides += _independent(
                        cube, {name: [strict_json(one) for (one,) in of]}, k, total
                    )
                tests.append(fisher(*sides))
        cube.p_values.update(zip(family, holm(tests)))
    if one[0] not in cube.p_values:
        raise Undefined("not a slice of production")
    return cube.p_values[one[0]]


def _independent(cube: Cube, where: Where, k: int, n: int) -> tuple[int, int]:
    """How many wrong and not wrong records of a part of production count as independent ones."""
    size = effective(k, n, cube.clusters("production", "wrong", "counted", where)) if n else 0
    if size == n:
        return k, n - k
    wrong = round(k * size / n)
    return wrong, math.floor(size) - wrong if size > wrong else 0


def fisher_greater(k: int, n: int, wrong: int, total: int) -> float:
    """The chance of k or more wrong among n drawn from `total` records, of which `wrong` are wrong.

    The one-sided p of Fisher's exact test of a slice against the rest. Terms are added from k on
    until they no longer count. Source: Fisher 1935.
    """
    low, high = max(0, n + wrong - total), min(n, wrong)
    if k <= low:
        return 1.0
    if k > high:
        return 0.0

    upward = k * total > n * wrong  # else the other tail is the shorter one
    x = k if upward else k - 1
    term = tail = math.exp(log_chance(x, n, wrong, total))
    while term > tail * 1e-17 and (x < high if upward else x > low):
        if upward:
            term *= (wrong - x) * (n - x) / ((x + 1) * (total - wrong - n + x + 1))
        else:
            term *= x * (total - wrong - n + x) / ((wrong - x + 1) * (n - x + 1))
        tail += term
        x += 1 if upward else -1
    return min(1.0, tail) if upward else max(0.0, 1.0 - tail)


def half_of(seed: int, unit: str) -> str:
    """The half of production that a record or a cluster falls into: "search" or "confirm".

    By a digest, so that it follows from the data and the seed whatever the order of the records.
    """
    text = f"{seed}:{unit}".encode("utf-8", "surrogatepass")
    return "search" if hashlib.md5(text, usedforsecurity=False).hexdigest() < "8" else "confirm"


def shuffles(units: Sequence[str], seed: int, draws: int) -> Iterator[list[int]]:
    """For each draw, the row whose outcome each row is given.

    Rows of a unit stay together: its outcomes go to another unit with as many rows, in their order
    as on a ring, from any of them on. So records that are alike for what they belong to, or for
    what came just before, stay alike, and what fails at one place in each unit can still be found.
    Source of the random numbers: random.Random(seed).random(), the same in every Python.
    """
    rows: dict[str, list[int]] = {}
    for row, unit in enumerate(units):
        rows.setdefault(unit, []).append(row)
    alike: dict[int, list[list[int]]] = {}
    for one in rows.values():
        alike.setdefault(len(one), []).append(one)
    chance = random.Random(seed).random
    for _ in range(draws):
        given = [0] * len(units)
        for size in sorted(alike):
            order = list(range(len(alike[size])))
            for i in range(len(order) - 1, 0, -1):
                j = int(chance() * (i + 1))
                order[i], order[j] = order[j], order[i]
            for to, source in enumerate(order):
                first = int(chance() * size) if size > 1 else 0
                for at, row in enumerate(alike[size][to], first):
                    given[row] = alike[size][source][at % size]
        yield given


class Search:
    """The search for slices of production, described by `search` of the evidence.

    Every conjunction of at most `depth` levels of the attributes `by` that has `support` scored
    records is looked at. The slices that were picked are tested in the order given, each on the
    records that are in none of those before it for the same outcome, against the rest of these:

    - without a held-out half, on all of production, by the chance that outcomes dealt out anew to
      the records give some conjunction of all that were looked at as small a p, for wrong or for
      silently wrong answers (Westfall & Young 1993, single-step min-P, of Fisher's p);
    - with one, on that half alone, which had no say in what was picked, adjusted by Holm for all
      that were picked; or where records have clusters, as above, over the slices picked.

    A slice whose errors all belong to one cluster has a p of 1: they may be one event.
    """

    def __init__(
        self, attributes: Sequence[str], records: Sequence[Record], search: Mapping[str, Any]
    ) -> None:
        self.attributes, self.says = tuple(attributes), search
        counted = [r for r in records if r.split == "production" and "counted" in r.outcomes]
        self.counted, self.tested_on = counted, counted
        if search["held_out"]:
            held_out = [r for r in counted if half_of(search["seed"], r.unit) == "confirm"]
            self.tested_on = held_out
        self.clustered = len({record.unit for record in counted}) < len(counted)
        self.p: list[float] = []  # of each slice that was picked, once asked for

    def masks(self, records: Sequence[Record]) -> dict[tuple[str, str], int]:
        """The records with each level of each attribute, as the bits of a number."""
        rows: dict[tuple[str, str], list[int]] = {}
        for name in self.says["by"]:
            at = self.attributes.index(name)
            for row, record in enumerate(records):
                rows.setdefault((name, record.levels[at]), []).append(row)
        return {key: _mask(some, len(records)) for key, some in rows.items()}

    def conjunctions(self) -> Iterator[int]:
        """The records of each conjunction that was looked at, as the bits of a number."""
        masks: dict[str, list[int]] = {}
        for (name, _), mask in self.masks(self.counted).items():
            masks.setdefault(name, []).append(mask)
        levels = [masks[name] for name in self.says["by"] if name in masks]

        def within(mask: int, first: int, deeper: int) -> Iterator[int]:
            for i in range(first, len(levels)):
                for other in levels[i]:
                    both = mask & other
                    if _bits(both) >= self.says["support"]:
                        yield both
                        if deeper:
                            yield from within(both, i + 1, deeper - 1)

        return within((1 << len(self.counted)) - 1, 0, self.says["depth"] - 1)

    def rows_of(self, where: Where, masks: Mapping[tuple[str, str], int]) -> int:
        """The records of a slice, as the bits of a number."""
        found = -1
        for name, levels in where.items():
            some = 0
            for text in map(canonical, levels):
                some |= masks.get((name, text), 0)
            found &= some
        return found

    def p_values(self) -> list[float]:
        """The adjusted p of each slice that was picked."""
        if not self.p and self.says["tested"]:
            everything = (1 << len(self.tested_on)) - 1
            masks = self.masks(self.tested_on)
            wrong = {name: _rows_with(name, self.tested_on) for name in ("wrong", "silent")}
            before = {"wrong": 0, "silent": 0}
            picked: dict[str, list[int]] = {}
            raw = []
            for one in self.says["tested"]:
                kind, rows = one["outcome"], self.rows_of(one["where"], masks)
                left = everything & ~before[kind]
                bad = wrong[kind] & left
                counts = _bits(rows & bad), _bits(rows & left), _bits(bad), _bits(left)
                raw.append(1.0 if self.of_one_unit(rows & bad) else fisher_greater(*counts))
                before[kind] |= rows
                picked.setdefault(kind, []).append(rows)
            if self.says["held_out"] and not self.clustered:
                self.p = holm(raw)
            elif self.says["held_out"]:
                families = [(rows, {kind: wrong[kind]}) for kind, rows in picked.items()]
                self.p = self.dealt_anew(raw, families)
            else:
                self.p = self.dealt_anew(raw, [(list(set(self.conjunctions())), wrong)])
        return self.p

    def of_one_unit(self, bad: int) -> bool:
        """Whether records, as bits, all belong to one cluster."""
        some = compress(self.tested_on, _flags(bad, len(self.tested_on)))
        return self.clustered and len({record.unit for record in some}) < 2

    def searched(self) -> int:
        """How many conjunctions were looked at."""
        return sum(1 for _ in self.conjunctions())

    def held_out(self, outcome: str, of: str, where: Where) -> tuple[int, int]:
        """The rate of an outcome in the part of a slice that tested it."""
        inside = self.rows_of(where, self.masks(self.tested_on))
        k, n = (_bits(inside & _rows_with(name, self.tested_on)) for name in (outcome, of))
        return k, n

    def dealt_anew(
        self, raw: Sequence[float], families: Iterable[tuple[Sequence[int], Mapping[str, int]]]
    ) -> list[float]:
        """Each p as the share of draws in which some slice of a family has one as small.

        A family is slices, and the records that are wrong in either way, all as bits.
        """
        total, p_values, draws = len(self.tested_on), sorted(set(raw)), self.says["draws"]
        units = [record.unit for record in self.tested_on]
        shuffled = list(shuffles(units, self.says["seed"], draws))
        first = [len(p_values)] * draws  # of the p that are reached, in each draw
        for slices, wrong in families:
            kinds = []
            for rows in set(wrong.values()):
                bad = _flags(rows, total)
                dealt = [list(compress(range(total), map(bad.__getitem__, o))) for o in shuffled]
                kinds.append((dealt, least_wrong(p_values, map(_bits, slices), sum(bad), total)))
            for start in range(0, len(slices), SLICES_AT_A_TIME):
                counters = Counters(slices[start : start + SLICES_AT_A_TIME], total)
                for dealt, needed in kinds:
                    lacks = counters.lacks(needed)
                    first = [counters.reached(i, lacks, some) for i, some in zip(first, dealt)]
        found = {p: sum(one <= at for one in first) for at, p in enumerate(p_values)}
        return [(1 + found[p]) / (1 + draws) for p in raw]


class GivenSearch(Search):
    """The search of a cube that is given, tested in the held-out part by how slices overlap."""

    def __init__(self, cube: GivenCube, search: Mapping[str, Any]) -> None:
        self.cube, self.says, self.p = cube, search, []
        if not search["held_out"]:
            raise Unreadable("a search of counts that holds nothing out", "evidence.search")

    def searched(self) -> int:
        """How many conjunctions have enough scored records of production."""
        cube, by = self.cube, sorted(map(self.cube.attributes.index, self.says["by"]))
        found = 0
        for size in range(1, self.says["depth"] + 1):
            for positions in combinations(by, size):
                counts = cube.margin(positions)
                for start in range(3, len(counts), len(_CLASSES)):
                    found += sum(counts[start : start + 6]) >= self.says["support"]
        return found

    def p_values(self) -> list[float]:
        """The adjusted p of each slice that was picked.

        Where records have clusters, one of each was drawn to test, and a single error is no sign.
        """
        drawn = self.cube.said["drawn"]
        tests = self.cube.said["overlaps"] if drawn is None else drawn
        if not self.p:
            before = {"wrong": 0, "silent": 0}
            raw = []
            for i, one in enumerate(self.says["tested"]):
                bad = ("loud", "silent") if one["outcome"] == "wrong" else ("silent",)
                k = n = wrong = total = 0
                for pattern, number, records in tests:
                    part, outcome = _CLASSES[number]
                    if part == "confirm" and not pattern & before[one["outcome"]]:
                        total += records
                        wrong += records * (outcome in bad)
                        n += records * (pattern >> i & 1)
                        k += records * (outcome in bad) * (pattern >> i & 1)
                alone = drawn is not None and k < 2
                raw.append(1.0 if alone else fisher_greater(k, n, wrong, total))
                before[one["outcome"]] |= 1 << i
            self.p = holm(raw)
        return self.p

    def held_out(self, outcome: str, of: str, where: Where) -> tuple[int, int]:
        """The rate of an outcome in the part of a slice that tested it."""
        i = [one["where"] for one in self.says["tested"]].index(where)
        k = n = 0
        for pattern, number, records in self.cube.said["overlaps"]:
            part, kind = _CLASSES[number]
            if part == "confirm" and pattern >> i & 1:
                k += _counts_as(kind, records).get(outcome, 0)
                n += _counts_as(kind, records).get(of, 0)
        return k, n


class Counters:
    """Counters of the wrong records of many slices, side by side in one large number.

    One addition counts a record for all slices that hold it; one more shows, in the highest bit of
    some counter, that a slice has as many wrong records as a p takes.
    """

    def __init__(self, slices: Sequence[int], total: int) -> None:
        self.wide = wide = 2 if total < 2**15 else 4  # bytes of a counter
        self.sizes = list(map(_bits, slices))
        text = "".join(f"{rows:0{total}b}" for rows in slices).encode()
        bits = text.translate(bytes.maketrans(b"01", b"\0\1"))  # the last record comes first
        self.holds = []  # for each record, a 1 in the counter of each slice that holds it
        for row in range(total):
            one = bytearray(wide * len(slices))
            one[::wide] = bits[total - 1 - row :: total]
            self.holds.append(int.from_bytes(one, "little"))
        self.full = self.side_by_side(dict.fromkeys(self.sizes, 1 << 8 * wide - 1))

    def side_by_side(self, by_size: Mapping[int, int]) -> int:
        """The large number in which the counter of each slice has the value for its size."""
        texts = {n: value.to_bytes(self.wide, "little") for n, value in by_size.items()}
        return int.from_bytes(b"".join(map(texts.__getitem__, self.sizes)), "little")

    def lacks(self, needed: Mapping[int, Sequence[int]]) -> list[int]:
        """For each p, what has to be added so that a counter is full where the p is reached."""
        full = 1 << 8 * self.wide - 1
        columns = zip(*needed.values())
        return [self.side_by_side({n: full - k for n, k in zip(needed, one)}) for one in columns]

    def reached(self, first: int, lacks: Sequence[int], wrong: Sequence[int]) -> int:
        """The first p, of those from the smallest up to `first`, that some slice reaches."""
        counted = sum(map(self.holds.__getitem__, wrong)) if first else 0
        while first and (counted + lacks[first - 1]) & self.full:
            first -= 1
        return first


SLICES_AT_A_TIME = 2**13  # whose counters fit in a near cache
_bits: Callable[[int], int] = getattr(int, "bit_count", lambda mask: bin(mask).count("1"))


def _mask(rows: Iterable[int], total: int) -> int:
    """Some of the numbers below `total`, as the bits of a number."""
    found = bytearray(total // 8 + 1)
    for row in rows:
        found[row >> 3] |= 1 << (row & 7)
    return int.from_bytes(found, "little")


def _flags(mask: int, total: int) -> list[bool]:
    """For each of the numbers below `total`, whether its bit is set."""
    return [bit == "1" for bit in reversed(f"{mask:0{total}b}")]


def _rows_with(outcome: str, records: Sequence[Record]) -> int:
    rows = (row for row, record in enumerate(records) if outcome in record.outcomes)
    return _mask(rows, len(records))


def least_wrong(
    p_values: Sequence[float], sizes: Iterable[int], wrong: int, total: int
) -> dict[int, list[int]]:
    """For n records of each size, the fewest wrong ones that give a p as small as each.

    n + 1 where none are enough. Never fewer for more records, so that each count is tried once.
    """
    found: dict[int, list[int]] = {n: [] for n in sorted(set(sizes))}
    for p in p_values:
        k = 0
        for n, needed in found.items():
            most = min(n, wrong)
            while k <= most and fisher_greater(k, n, wrong, total) > p * (1 + 1e-9):
                k += 1
            needed.append(k if k <= most else n + 1)
    return found


def smallest_set(cube: Cube, by: Sequence[str], share: str) -> list[Levels]:
    """The fewest slices that carry a share of the gap's gross loss, the largest first.

    Slices are disjoint, so that their losses add up and taking the largest first is optimal.
    """
    slices = cube.slices(by, "production", "counted")
    losses = {one: contribution(cube, as_where(by, one)) for one in slices}
    losses = {one: loss for one, loss in losses.items() if loss < 0}
    wanted, carried = Fraction(share) * sum(losses.values()), Fraction(0)
    found: list[Levels] = []
    for one in sorted(losses, key=lambda one: (losses[one], one)):
        if carried <= wanted:
            break
        found.append(one)
        carried += losses[one]
    return found


def as_where(by: Sequence[str], levels: Levels) -> dict[str, list[Any]]:
    """A combination of levels as a claim's argument."""
    return {name: [strict_json(text)] for name, text in zip(by, levels)}


# ---------------------------------------------------------------- one thing changed
#
# A hypothesis says which changes of the input break right answers of eval, and which do not. Each
# record is its own control: it was answered as it is, and is answered again changed. It may say
# as well which changes, made in turn, mend wrong answers of production. Those were chosen for being
# wrong, so that their control is a second answer to the input as it is.

AS_IT_IS = "as it is"  # the change that is none: every record is asked once more
IN_TURN = " then "  # between changes that are made in turn, each where it applies
PREDICTED = {
    "p_adjusted_at_most": "0.05",
    "breaks_over": "1/2",
    "spares_up_to": "1/10",
    "mends_over": "1/2",
}


class Flip(NamedTuple):
    """A record's answer before and after a change."""

    record: Record
    changed: Record  # with another input, and the answer to that

    @property
    def sides(self) -> tuple[bool, bool]:
        """Whether it is right before and after."""
        return "right" in self.record.outcomes, "right" in self.changed.outcomes

    @property
    def turned(self) -> set[str]:
        """The fields that were right and are no longer."""
        lost = self.record.outcomes - self.changed.outcomes
        return {name.partition(":")[2] for name in lost if name.startswith("right_field:")}


class Varied:
    """The answers of a receipt to changed inputs, by split and change, and the hypotheses about
    them: of eval, records that each change was made to; of production, wrong ones."""

    def __init__(
        self, evidence: Mapping[str, Any], records: Sequence[Record], rows: Iterable[Row]
    ) -> None:
        self.evidence, self.says = evidence, evidence["varied"]
        self.hypotheses = {one["statement"]: one for one in self.says["hypotheses"]}
        given = {one["name"]: one["given"] for one in self.says["changes"]} | {AS_IT_IS: False}
        self.given = {("eval", name): theirs for name, theirs in given.items()}
        for one in self.says["hypotheses"]:
            if one["mends"]:
                self.given["production", AS_IT_IS] = False
                self.given["production", IN_TURN.join(one["mends"])] = any(
                    given[name] for name in one["mends"]
                )
        self.flips: dict[tuple[str, str], list[Flip]] = {of: [] for of in self.given}
        self.inputs: dict[tuple[str, str], list[Any]] = {of: [] for of in self.given}
        self.asked: list[Record] = []
        self.second: dict[str, Record] = {}  # of production, as it is and answered again
        theirs = {(record.split, record.id): record for record in records}
        seen = set()
        for row in rows:
            where = "{}:{}".format(self.says["file"], row.line)
            conforms(row.fields, _VARIED, where)
            split, of, change = (row.fields[name] for name in ("split", "of", "change"))
            if (split, of) not in theirs or (split, change) not in self.given:
                raise Unreadable("no record, or no change that was predicted of its split", where)
            if (split, of, change) in seen:
                raise Unreadable("a record and its change stand twice", where)
            seen.add((split, of, change))
            self.enter(theirs[split, of], row.fields, where)

    def enter(self, record: Record, said: Mapping[str, Any], where: str) -> None:
        """Scores one answer, by any of the answers that are right after the change."""
        error, output = said.get("error"), said.get("output", MISSING)
        of = record.split, said["change"]
        same = exact_match(said["input"], record.input)
        tried = "wrong" if record.split == "production" else "counted"
        if same != (said["change"] == AS_IT_IS) or tried not in record.outcomes:
            raise Unreadable(f"{record.id!r} is not what was to be changed", where)
        if "right" in said and not (self.given[of] and said["right"]):
            raise Unreadable("a right answer of its own, where the change keeps it", where)
        read = parsed if self.evidence["output_format"] == "json" else lambda value: value
        unguarded = {**self.evidence, "guards": []}  # which have no say in what is right
        judged = [
            outcomes(unguarded, read(output), one, error, None, {})
            for one in said.get("right", [record.expected])
        ]
        after = next((one for one in judged if "right" in one), judged[0])
        changed = record._replace(input=said["input"], output=output, error=error, outcomes=after)
        self.asked.append(changed)
        self.inputs[of].append(said["input"])
        if of == ("production", AS_IT_IS):
            self.second[record.id] = changed
        elif record.split == "production":
            if record.id not in self.second:
                raise Unreadable(f"{record.id!r} was not asked again as it is", where)
            record = self.second[record.id]
        if "counted" in after and "counted" in record.outcomes:
            self.flips[of].append(Flip(record, changed))

    def unlike(self, ledger: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[tuple[str, str]]:
        """Where the ledger does not show that what is claimed was predicted, and then found."""
        before = ""
        for raw, said in ledger:
            digest = hashlib.sha256(canonical(said["content"]).encode("utf-8")).hexdigest()
            if said["after"] != before or said["digest"] != digest:
                yield "each line as it was written, after the line before", raw[:60]
            before = hashlib.sha256(raw.encode("utf-8")).hexdigest()
        for statement, one in self.hypotheses.items():
            at = one["entry"] - 1
            wanted = {"kind": "prediction", "content": self.prediction(one)}
            wanted |= {name: one[name] for name in ("digest", "at", "known")}
            found = dict(ledger[at][1]) if 0 <= at < len(ledger) else {}
            if {name: found.get(name) for name in wanted} != wanted:
                yield f"the prediction of {statement!r} on line {at + 1}", "another"
            results = [said["content"] for _, said in ledger[at + 1 :] if said["kind"] == "result"]
            came = {"statement": statement, "verdict": self.verdict(statement)}
            if not any(came.items() <= result.items() for result in results):
                yield f"the result of {statement!r} after its prediction", "no such line"

    def prediction(self, one: Mapping[str, Any]) -> dict[str, Any]:
        """What was written down of a hypothesis before the run."""
        about = ("statement", "breaks", "spares", "mends", "fields")
        content = {name: one[name] for name in about} | {"rules": PREDICTED}
        named = [("eval", name) for name in (*one["breaks"], *one["spares"])]
        named += [("production", IN_TURN.join(one["mends"]))] if one["mends"] else []
        inputs: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
        for split, change in named:
            inputs[split][change] = digest_of_inputs(self.inputs[split, change])
        return content | {"system": self.says["system"], "inputs": inputs}

    def of(self, change: str, split: str = "eval") -> list[Flip]:
        """The answers that were scored before and after a change."""
        if (split, change) not in self.flips:
            raise Undefined(f"no change {change!r} of {split}")
        return self.flips[split, change]

    def pairs(self, change: str, split: str = "eval") -> tuple[int, int, int, int]:
        """Answers right both times, broken, mended, and wrong both times."""
        counts = Counter(flip.sides for flip in self.of(change, split))
        both, broken = counts[True, True], counts[True, False]
        return both, broken, counts[False, True], counts[False, False]

    def broken(self, change: str) -> tuple[int, int]:
        """How many of the answers that were right before are wrong after."""
        both, broken, _, _ = self.pairs(change)
        return broken, both + broken

    def mended(self, change: str) -> tuple[int, int]:
        """How many of the answers of production that were wrong again are right after."""
        _, _, mended, neither = self.pairs(change, "production")
        return mended, mended + neither

    def p_values(self) -> dict[tuple[str, str], float]:
        """The p of each change by its split, adjusted for all of them."""
        tested = [of for of in self.given if of[1] != AS_IT_IS and self.flips[of]]
        flips = [self.pairs(change, split)[1:3] for split, change in tested]
        return dict(zip(tested, holm([mcnemar(*some) for some in flips])))

    def exactly(self, statement: str, change: str) -> tuple[int, int]:
        """In how many of the broken answers just the predicted fields turned wrong."""
        fields = set(self.hypothesis(statement)["fields"].get(change, ()))
        if not fields:
            raise Undefined("no fields were predicted")
        broken = [flip.turned for flip in self.of(change) if flip.sides == (True, False)]
        return broken.count(fields), len(broken)

    def hypothesis(self, statement: str) -> Mapping[str, Any]:
        if statement not in self.hypotheses:
            raise Undefined("no such hypothesis")
        return dict(self.hypotheses[statement])

    def verdict(self, statement: str) -> str:
        """measured when every prediction and the control hold; refuted when one is refuted and the
        control holds; else inferred."""
        says, control = self.hypothesis(statement), self.came(statement, AS_IT_IS)
        parts = {self.came(statement, name) for name in (*says["breaks"], *says["spares"])}
        parts |= {self.mending(statement)} if says["mends"] else set()
        if control == "holds" and "refuted" in parts:
            return "refuted"
        return "measured" if parts == {control} == {"holds"} else "inferred"

    def came(self, statement: str, change: str) -> str:
        """What came of a prediction: holds, refuted or not shown."""
        says = self.hypothesis(statement)
        if change in says["breaks"]:
            return self.broke(statement, change)
        if change not in (*says["spares"], AS_IT_IS):
            raise Undefined("nothing was predicted of the change")
        low, high = wilson(*self.broken(change))
        return "holds" if high <= 0.1 else "refuted" if low > 0.1 else "not shown"

    def broke(self, statement: str, change: str) -> str:
        """holds when more than half break, beyond chance and in the predicted fields."""
        low, high = wilson(*self.broken(change))
        k = n = 0
        if self.hypothesis(statement)["fields"].get(change):
            k, n = self.exactly(statement, change)
        if high < 0.5 or 2 * k < n:
            return "refuted"
        _, broken, mended, _ = self.pairs(change)
        beyond = self.p_values().get(("eval", change), 1.0) <= 0.05 and broken > mended
        return "holds" if beyond and low > 0.5 and k == n else "not shown"

    def mending(self, statement: str) -> str:
        """holds when more than half of the wrong answers of production mend, beyond chance."""
        names = self.hypothesis(statement)["mends"]
        if not names:
            raise Undefined("nothing was predicted to mend")
        of = "production", IN_TURN.join(names)
        low, high = wilson(*self.mended(of[1]))
        if high < 0.5:
            return "refuted"
        _, broken, mended, _ = self.pairs(of[1], of[0])
        beyond = self.p_values().get(of, 1.0) <= 0.05 and mended > broken
        return "holds" if beyond and low > 0.5 else "not shown"


def load_twins(evidence: Mapping[str, Any], rows: Iterable[Row]) -> dict[str, Record]:
    """The smallest input that fails, and its twin that passes if there is one, scored."""
    if evidence["scorer"]["rule"] in ("recorded", "stored") or evidence["cube"]:
        raise Unreadable("twins that cannot be scored again", "evidence.twins")
    found: dict[str, Record] = {}
    for row in rows:
        where = "{}:{}".format(evidence["twins"]["file"], row.line)
        conforms(row.fields, _TWIN, where)
        said, output = row.fields, row.fields.get("output", MISSING)
        side, error = said["side"], said.get("error")
        if side in found:
            raise Unreadable(f"the {side} twin stands twice", where)
        judged = parsed(output) if evidence["output_format"] == "json" else output
        scorer = evidence["scorer"]  # of the fields that are asked for, where only some are
        scorer = {**scorer, "fields": said["fields"] or scorer["fields"]}
        scored = {**evidence, "scorer": scorer, "guards": []}  # which have no say in what is right
        counts = outcomes(scored, judged, said["expected"], error, None, {})
        asked = (side, said["input"], said["expected"], output, error)
        found[side] = Record(evidence["twins"]["split"], *asked, (), counts)
    return found


def ledger_of(stream: BinaryIO, name: str) -> list[tuple[str, dict[str, Any]]]:
    """The lines of a ledger, each as it is written and as it is read."""
    found = []
    for number, line in _lines(stream, name):
        said = strict_json(line, f"{name}:{number}")
        conforms(said, _ENTRY, f"{name}:{number}")
        found.append((line.rstrip("\n"), said))
    return found


def digest_of_inputs(inputs: Iterable[Any]) -> str:
    """The SHA-256 of some inputs, a line each."""
    return hashlib.sha256("".join(canonical(one) + "\n" for one in inputs).encode()).hexdigest()


def mcnemar(broken: int, mended: int) -> float:
    """The exact two-sided p of as many flips one way and the other. Source: McNemar 1947."""
    flips = broken + mended
    tail = sum(math.comb(flips, k) for k in range(min(broken, mended) + 1))
    return min(1.0, float(Fraction(2 * tail, 2**flips)))


def paired(both: int, broken: int, mended: int, neither: int) -> Ends:
    """The 95% interval of right after less right before. Source: Newcombe 1998, Stat. Med. 17:2635,
    method 10: square-and-add with the corrected phi."""
    n, before, after = both + broken + mended + neither, both + broken, both + mended
    if n == 0:
        return -1.0, 1.0
    (low0, high0), (low1, high1), phi = wilson(before, n), wilson(after, n), 0.0
    margins = before * (n - before) * after * (n - after)
    if margins:
        cross = both * neither - broken * mended
        phi = (cross if cross < 0 else max(cross - n / 2, 0)) / math.sqrt(margins)

    def joined(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))

    p0, p1, change = before / n, after / n, (mended - broken) / n
    below, above = joined(p1 - low1, high0 - p0), joined(high1 - p1, p0 - low0)
    return max(-1.0, change - below), min(1.0, change + above)


# ---------------------------------------------------------------- the vocabulary of claims
#
# A claim is an operation with arguments, and its value. These operations are all there are; the
# receipt's report can state nothing else.


class Operation(NamedTuple):
    parameters: tuple[str, ...]
    kind: str  # of value: count, rate, fraction, interval, real, slices or ids
    derive: Callable[..., Any]  # from the cube and the arguments
    says: str  # its words, for labels and the heads of tables


def _count(cube: Cube, split: str, outcome: str, where: Where) -> int:
    return cube.count(split, outcome, where)


def _rate(cube: Cube, split: str, outcome: str, of: str, where: Where) -> tuple[int, int]:
    k, n = cube.count(split, outcome, where), cube.count(split, of, where)
    if k > n:
        raise Undefined(f"{outcome} is no part of {of}")
    return k, n


def _sized(cube: Cube, split: str, outcome: str, of: str, where: Where) -> tuple[int, int, float]:
    k, n = _rate(cube, split, outcome, of, where)
    return k, n, effective(k, n, cube.clusters(split, outcome, of, where))


def _interval(cube: Cube, split: str, outcome: str, of: str, where: Where) -> Ends:
    return wilson(*_sized(cube, split, outcome, of, where))


def _difference(cube: Cube, outcome: str, of: str, where: Where) -> Fraction:
    before, after = (ratio(*_rate(cube, split, outcome, of, where)) for split in SPLITS)
    return after - before


def _difference_interval(cube: Cube, outcome: str, of: str, where: Where) -> Ends:
    _difference(cube, outcome, of, where)  # which is undefined when a split has no records
    (k0, n0, size0), (k1, n1, size1) = (_sized(cube, split, outcome, of, where) for split in SPLITS)
    return newcombe(k1, n1, k0, n0, size1, size0)


def _gap_part(cube: Cube, part: str, order: str, by: Sequence[str]) -> Fraction:
    if part in ("rate", "mix") and not sides_of(cube, by).shared:
        raise Undefined(NO_OVERLAP)
    return gap_parts(cube, by, order)[part]


def _gap_share(cube: Cube, where: Where) -> Fraction:
    gap = contribution(cube, {})
    if gap == 0:
        raise Undefined("a share of no gap")
    return contribution(cube, where) / gap


def _rate_within(
    cube: Cube, split: str, outcome: str, of: str, slices: Sequence[Where]
) -> tuple[int, int]:
    return cube.union(split, outcome, slices, True), cube.union(split, of, slices, True)


def _rate_outside(
    cube: Cube, split: str, outcome: str, of: str, slices: Sequence[Where]
) -> tuple[int, int]:
    return cube.union(split, outcome, slices, False), cube.union(split, of, slices, False)


def share_within(cube: Cube, split: str, outcome: str, slices: Sequence[Where]) -> tuple[int, int]:
    return cube.union(split, outcome, slices, True), cube.count(split, outcome, {})


def _unseen(cube: Cube, by: Sequence[str]) -> tuple[int, int]:
    before, after = (cube.slices(by, split, "counted") for split in SPLITS)
    return sum(after[s] for s in after if s not in before), sum(after.values())


def _levels(cube: Cube, split: str, by: Sequence[str], which: str) -> list[Levels]:
    n, right = cube.slices(by, split, "counted"), cube.slices(by, split, "right")
    before = cube.slices(by, "eval", "counted")
    keep: dict[str, Callable[[Levels], bool]] = {
        "all": lambda s: True,
        "all_right": lambda s: right[s] == n[s],
        "all_wrong": lambda s: right[s] == 0,
        "unseen": lambda s: s not in before,
    }
    return sorted(filter(keep[which], n), key=lambda s: (-n[s], s))


def _clusters(cube: Cube, split: str, outcome: str, where: Where) -> int:
    found = cube.clusters(split, outcome, outcome, where)
    if found is None:
        raise Undefined("records of which none share a cluster")
    return found.number


def _members(cube: Cube, split: str, outcome: str, where: Where, limit: int) -> list[str]:
    return [identity for identity, _ in zip(cube.members(split, outcome, where), range(limit))]


def _search(cube: Cube) -> Search:
    if cube.search is None:
        raise Undefined("no search for slices")
    return cube.search


def _confirmed(cube: Cube) -> tuple[int, int]:
    search = _search(cube)
    slices = [canonical(one["where"]) for one in search.says["tested"]]
    found = {one for one, p in zip(slices, search.p_values()) if p <= 0.05}
    return len(found), len(set(slices))


def _p_discovered(cube: Cube, outcome: str, where: Where) -> float:
    tested = [(one["outcome"], one["where"]) for one in _search(cube).says["tested"]]
    if (outcome, where) not in tested:
        raise Undefined("not a slice that was tested")
    return _search(cube).p_values()[tested.index((outcome, where))]


def _rate_held_out(cube: Cube, outcome: str, of: str, where: Where) -> tuple[int, int]:
    if not _search(cube).says["held_out"]:
        raise Undefined("nothing was held out")
    return _search(cube).held_out(outcome, of, where)


def _of_tasks(cube: Cube, of_tasks: str) -> tuple[int, int]:
    both, broken, mended, neither = cube.pairs
    return {
        "before": (both + broken, sum(cube.pairs)),
        "after": (both + mended, sum(cube.pairs)),
        "broken": (broken, both + broken),
        "mended": (mended, mended + neither),
    }[of_tasks]


def _varied(cube: Cube) -> Varied:
    if cube.varied is None:
        raise Undefined("nothing was changed")
    return cube.varied


def _rate_changed(cube: Cube, change: str, when: str) -> tuple[int, int]:
    flips = _varied(cube).of(change)
    return sum(flip.sides[when == "after"] for flip in flips), len(flips)


def _effect(cube: Cube, change: str) -> Fraction:
    _, broken, mended, _ = pairs = _varied(cube).pairs(change)
    return ratio(mended - broken, sum(pairs))


def _p_changed(cube: Cube, change: str) -> float:
    return _p_of(cube, "eval", change)


def _p_mended(cube: Cube, change: str) -> float:
    return _p_of(cube, "production", change)


def _p_of(cube: Cube, split: str, change: str) -> float:
    p_values = _varied(cube).p_values()
    if (split, change) not in p_values:
        raise Undefined("not a change that was tested")
    return p_values[split, change]


def _prediction(cube: Cube, statement: str, change: str) -> str:
    varied = _varied(cube)
    does = "breaks" if change in varied.hypothesis(statement)["breaks"] else "spares"
    return f"{does}: {varied.came(statement, change)}"


def _twin(cube: Cube, side: str) -> str:
    if side not in cube.twins:
        raise Undefined(f"no {side} twin")
    counts = cube.twins[side].outcomes
    return "unscored" if "unscored" in counts else "right" if "right" in counts else "wrong"


def _shortest(cube: Cube, change: str, limit: int) -> list[str]:
    broken = [flip for flip in _varied(cube).of(change) if flip.sides == (True, False)]
    broken.sort(key=lambda flip: len(canonical(flip.changed.input)))
    return [flip.record.id for flip in broken[:limit]]


_UNION = ("split", "outcome", "of", "slices")
_RATE, _PAIR = ("split", "outcome", "of", "where"), ("outcome", "of", "where")
OPERATIONS = {
    "count": Operation(("split", "outcome", "where"), "count", _count, "{outcome}"),
    "clusters": Operation(
        ("split", "outcome", "where"), "count", _clusters, "clusters of those {outcome}"
    ),
    "rate": Operation(_RATE, "rate", _rate, "{outcome} of {of}"),
    "rate_within": Operation(_UNION, "rate", _rate_within, "{outcome} of {of} in any of them"),
    "rate_outside": Operation(_UNION, "rate", _rate_outside, "{outcome} of {of} in none of them"),
    "interval": Operation(_RATE, "interval", _interval, "95% interval of {outcome}{base}"),
    "difference": Operation(_PAIR, "fraction", _difference, "change of {outcome} of {of}"),
    "difference_interval": Operation(
        _PAIR, "interval", _difference_interval, "95% interval of the change{what}"
    ),
    "gap_part": Operation(("part", "order", "by"), "fraction", _gap_part, "{order}"),
    "gap_part_interval": Operation(
        ("part", "order", "by"), "interval", gap_part_interval, "95% interval, {order}"
    ),
    "contribution": Operation(("where",), "fraction", contribution, "adds to the gap"),
    "contribution_interval": Operation(
        ("where",), "interval", contribution_interval, "95% interval of what it adds"
    ),
    "gap_share": Operation(("where",), "fraction", _gap_share, "share of the gap"),
    "eta_squared": Operation(
        ("split", "by"), "fraction", eta_squared, "share of right and wrong explained"
    ),
    "p_adjusted": Operation(("where",), "real", p_adjusted, "p against the rest, adjusted"),
    "unseen": Operation(("by",), "rate", _unseen, "in slices that eval never contained"),
    "unseen_anywhere": Operation(
        ("by",), "rate", unseen_anywhere, "estimate for slices in neither split"
    ),
    "unseen_anywhere_interval": Operation(
        ("by",), "interval", unseen_anywhere_interval, "95% interval for slices in neither split"
    ),
    "corrected_interval": Operation(
        ("split",), "interval", corrected_interval, "95% interval of the corrected score"
    ),
    "levels": Operation(("split", "by", "which"), "slices", _levels, "slices, {which}"),
    "smallest_set": Operation(
        ("by", "share"), "slices", smallest_set, "fewest slices with {share} of the loss"
    ),
    "searched": Operation((), "count", lambda cube: _search(cube).searched(), "slices looked at"),
    "confirmed": Operation((), "rate", _confirmed, "confirmed of the slices tested"),
    "p_discovered": Operation(
        ("outcome", "where"),
        "real",
        _p_discovered,
        "p of being {outcome} more often, adjusted for the search",
    ),
    "rate_held_out": Operation(
        ("outcome", "of", "where"), "rate", _rate_held_out, "{outcome} of {of}, held out"
    ),
    "share_within": Operation(
        ("split", "outcome", "slices"), "rate", share_within, "{outcome}, those in any of them"
    ),
    "members": Operation(
        ("split", "outcome", "where", "limit"), "ids", _members, "the first that are {outcome}"
    ),
    "paired": Operation(("of_tasks",), "rate", _of_tasks, "the same tasks, {of_tasks}"),
    "paired_difference": Operation(
        (),
        "fraction",
        lambda cube: ratio(cube.pairs[2] - cube.pairs[1], sum(cube.pairs)),
        "change of the same tasks",
    ),
    "paired_interval": Operation(
        (), "interval", lambda cube: paired(*cube.pairs), "95% interval of that change"
    ),
    "p_paired": Operation((), "real", lambda cube: mcnemar(*cube.pairs[1:3]), "p of that change"),
    "rate_changed": Operation(("change", "when"), "rate", _rate_changed, "right {when}"),
    "effect": Operation(("change",), "fraction", _effect, "effect in points"),
    "effect_interval": Operation(
        ("change",),
        "interval",
        lambda cube, change: paired(*_varied(cube).pairs(change)),
        "95% interval of the effect",
    ),
    "p_changed": Operation(("change",), "real", _p_changed, "p of the effect, adjusted"),
    "broken": Operation(
        ("change",),
        "rate",
        lambda cube, change: _varied(cube).broken(change),
        "of the right ones, broken",
    ),
    "broken_interval": Operation(
        ("change",),
        "interval",
        lambda cube, change: wilson(*_varied(cube).broken(change)),
        "95% interval of broken",
    ),
    "broken_exactly": Operation(
        ("statement", "change"),
        "rate",
        lambda cube, statement, change: _varied(cube).exactly(statement, change),
        "broken in just the fields predicted",
    ),
    "mended": Operation(
        ("change",),
        "rate",
        lambda cube, change: _varied(cube).mended(change),
        "of the wrong ones, mended",
    ),
    "mended_interval": Operation(
        ("change",),
        "interval",
        lambda cube, change: wilson(*_varied(cube).mended(change)),
        "95% interval of mended",
    ),
    "p_mended": Operation(("change",), "real", _p_mended, "p of mending, adjusted"),
    "mending": Operation(
        ("statement",),
        "verdict",
        lambda cube, statement: f"mends: {_varied(cube).mending(statement)}",
        "predicted of production, and what came of it",
    ),
    "shortest": Operation(("change", "limit"), "ids", _shortest, "the shortest that break"),
    "twin": Operation(("side",), "verdict", _twin, "the {side} twin"),
    "prediction": Operation(
        ("statement", "change"), "verdict", _prediction, "predicted, and what came of it"
    ),
    "hypothesis": Operation(
        ("statement",),
        "verdict",
        lambda cube, statement: _varied(cube).verdict(statement),
        "verdict",
    ),
}
_OF_CHANGES = OPERATIONS.keys() & {
    *("rate_changed", "effect", "effect_interval", "p_changed", "shortest"),
    *("broken", "broken_interval", "broken_exactly", "prediction", "hypothesis"),
    *("mended", "mended_interval", "p_mended", "mending"),
}

OUTCOMES = {
    "records": "records",
    "counted": "scored",
    "unscored": "not scored",
    "right": "right",
    "wrong": "wrong",
    "errored": "failed calls",
    "well_formed": "well-formed",
    "silent": "silently wrong",
    "loud": "wrong and stopped",
    "false_alarm": "right but stopped",
    "misplaced": "wrong with another field's value",
    "caught": "caught",
    "missed": "missed",
    "only": "caught by it alone",
    "right_field": "field right",
    "judged": "judged",
    "judged_right": "right",
    "flip": "judged so",
    "suspect": "in doubt",
    "corrected": "corrected",
    "corrected_least": "right at the least",
    "corrected_most": "right at the most",
    "undecided": "undecided",
    "apart": "failed calls apart",
    "independent": "that repeat no other",
}
_SUBJECTS = {"caught", "missed", "false_alarm", "only", "right_field"}  # as in "caught:parses"
_SUBJECTS |= {"judged", "judged_right", "flip", "suspect"}
_AUDIT = {name.partition(":")[0] for name in OF_AUDIT}
_CHOICES = {
    "split": SPLITS,
    "part": GAP_PARTS,
    "order": tuple(MOVES_FIRST),
    "which": ("all", "all_right", "all_wrong", "unseen"),
    "when": ("before", "after"),
    "of_tasks": ("before", "after", "broken", "mended"),
    "side": ("failing", "passing"),
}


def derive(op: str, args: Mapping[str, Any], cube: Cube) -> Any:
    """A claim's value as receipt.json writes it.

    A count is "345"; a rate "345/400", not reduced; a fraction "-11/80"; reals have twelve
    digits. Raises Unreadable for what is not in the vocabulary, Undefined for 0 of 0.
    """
    operation = OPERATIONS.get(op)
    if operation is None or set(args) != set(operation.parameters):
        raise Unreadable(f"{op} with {sorted(args)} is no operation", "claims")
    for name, value in args.items():
        _check_argument(name, value, cube)
    value = operation.derive(cube, **args)
    if operation.kind == "rate":
        return "{}/{}".format(*value)
    if operation.kind == "interval":
        return [real(end) for end in value]
    if operation.kind == "slices":
        return [as_where(args["by"], levels) for levels in value]
    if operation.kind == "ids":
        return value
    return real(value) if operation.kind == "real" else str(value)


def _check_argument(name: str, value: Any, cube: Cube) -> None:
    good = True
    if name in _CHOICES:
        good = value in _CHOICES[name]
    elif name in ("outcome", "of"):
        kind, colon, _ = value.partition(":")
        good = kind in OUTCOMES and (kind in _SUBJECTS or not colon)
    elif name == "by":
        good = bool(value) and len(set(value)) == len(value)
    elif name == "where":
        seen = {one for split in SPLITS for one in cube.slices(sorted(value), split, "records")}
        for i, attribute in enumerate(sorted(value)):
            texts = [canonical(one) for one in value[attribute]]
            good = good and 0 < len(texts) == len(set(texts)) and set(texts) <= {t[i] for t in seen}
    elif name == "slices":
        for where in value:
            _check_argument("where", where, cube)
        good = bool(value) and all(value)
    elif name == "limit":
        good = 0 < value <= 1000
    elif name == "share":
        good = re.fullmatch(r"1|0\.[0-9]{1,4}", value) is not None
    if not good:
        raise Unreadable(f"{name} is {canonical(value)}, which is not possible", "claims")


def real(value: float) -> str:
    """A real number with twelve significant digits."""
    return f"{value:.12g}"


def agrees(kind: str, claimed: Any, derived: Any) -> bool:
    """Whether two values are the same: exactly, or within 1e-9 (interval), or by 1e-6 of it (p)."""
    if kind == "interval" and isinstance(claimed, list) and len(claimed) == 2:
        pairs = zip(claimed, derived)
        return all(math.isclose(float(a), float(b), rel_tol=0, abs_tol=1e-9) for a, b in pairs)
    if kind == "real" and isinstance(claimed, str):
        return math.isclose(float(claimed), float(derived), rel_tol=1e-6)
    return bool(claimed == derived)


def spelled(op: str, args: Mapping[str, Any]) -> str:
    """The id of a claim, which is its derivation: rate.production.right.counted[format="x"]."""
    words, slices = [op], ""
    for name in OPERATIONS[op].parameters:
        value = args[name]
        if name == "where":
            slices = _spelled_slice(value)
        elif name == "slices":
            slices = "".join(map(_spelled_slice, value))
        elif name == "statement":
            words.append(_spelled_statement(value))
        else:
            words.append("+".join(value) if isinstance(value, list) else str(value))
    return ".".join(words) + slices


def _spelled_statement(statement: str) -> str:
    """A sentence by its first words and its digest, so that a person can type it."""
    first = re.findall("[a-z0-9]+", statement.lower())[:5]
    return "-".join([*first, hashlib.sha256(canonical(statement).encode("utf-8")).hexdigest()[:8]])


def _spelled_slice(where: Where) -> str:
    levels = ("{}={}".format(name, "|".join(map(canonical, where[name]))) for name in sorted(where))
    return "[" + ",".join(levels) + "]" if where else ""


def rests_on(op: str, args: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    """How far a claim was followed back: "re-run", "re-scored" or "given"; the weakest counts."""
    specs = [one for one in evidence["attributes"] if not isinstance(one, str)]
    theirs = {attribute_name(one) for one in specs if "stored" in one}
    asked = {*args.get("where", ()), *args.get("by", ())}.union(*args.get("slices", ()))
    if theirs & (theirs if op == "p_adjusted" else asked):  # which is adjusted for all slices
        return "given"
    named = {str(args.get("outcome", "right")), str(args.get("of", "counted"))}
    if op == "corrected_interval":
        named = {"corrected"}
    stored = {guard["name"] for guard in evidence["guards"] if guard["rule"] == "stored"}
    by_guards = {"well_formed", "silent", "loud", "false_alarm"}
    for outcome in named:
        kind, _, subject = outcome.partition(":")
        if stored and (kind in by_guards or kind == "only" or subject in stored):
            return "given"
        if kind in _AUDIT and _on_given(kind, subject, evidence):
            return "given"
    by_rule = evidence["scorer"]["rule"] not in ("recorded", "stored")
    derived = by_rule or {name.partition(":")[0] for name in named} <= _AUDIT
    if evidence["cube"] or evidence["converted"] or not derived:
        return "given"
    if op == "twin":  # what it should give is not of the data
        return "given"
    ran = bool(evidence["system"] and evidence["system"]["reproduced"])
    if op in _OF_CHANGES:
        if _on_given_answers(op, args, evidence["varied"]["changes"]):
            return "given"
        ran = ran and evidence["varied"]["reproduced"]
    return "re-run" if ran else "re-scored"


def _on_given_answers(op: str, args: Mapping[str, Any], changes: Sequence[Any]) -> bool:
    """Whether a claim of changes rests on right answers that come with their rows."""
    given = {one["name"] for one in changes if one["given"]}
    if "statement" in args or op in ("p_changed", "p_mended"):  # which are adjusted for all changes
        return bool(given)
    return bool(given.intersection(args["change"].split(IN_TURN)))


def _on_given(kind: str, subject: str, evidence: Mapping[str, Any]) -> bool:
    """Whether an outcome of an audit rests on a recorded score, or on what is stored."""
    if kind in ("judged", "judged_right", "flip"):
        stored = evidence["scorer"]["rule"] == "stored" and "recomputed" in subject
        return stored or "recorded" in subject
    return kind != "suspect" or subject == "label-suspect" or "score" in evidence["fields"]


# ---------------------------------------------------------------- words and numbers
#
# The report is text with holes. A hole names a claim and a format, or a piece of the receipt, and
# is filled here. Quoted data goes into code spans and fences that it cannot leave.


def decimal_text(value: Fraction, places: int) -> str:
    """A fraction with at most so many decimals, rounded half to even exactly."""
    scaled = abs(value) * 10**places
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    if 2 * rest > scaled.denominator or (2 * rest == scaled.denominator and whole % 2):
        whole += 1
    digits = str(whole).rjust(places + 1, "0")
    text = digits[: len(digits) - places] + "." + digits[len(digits) - places :]
    text = text.rstrip("0").rstrip(".") if places else digits
    return "-" + text if value < 0 and whole else text


def percent(value: Fraction) -> str:
    """A fraction of 1 in per cent; what is not 0 or 1 never looks as if it were."""
    text = decimal_text(value * 100, 2)
    if text == "100" and value != 1:
        return "over 99.99%"
    return "under 0.01%" if text == "0" and value != 0 else text + "%"


def _points(value: Fraction) -> str:
    text = decimal_text(value * 100, 2)
    if text == "0" and value != 0:
        return "under 0.01" if value > 0 else "over -0.01"
    return text


def _rate_text(value: str, form: str) -> str:
    k, n = map(int, value.split("/"))
    if n == 0:
        return "no records"
    return f"{k:,} of {n:,}" if form == "of" else percent(Fraction(k, n))


def _fraction_text(value: str, form: str) -> str:
    number = Fraction(value)
    if form == "change":
        size = f"{_points(abs(number))} points"
        return "no change" if number == 0 else ("a fall of " if number < 0 else "a rise of ") + size
    return percent(number) if form == "percent" else _points(number)


def _interval_text(value: list[str], form: str) -> str:
    show = percent if form == "percent" else _points
    ends = "[{}, {}]".format(*(show(Fraction(Decimal(end))) for end in value))
    return "not known" if value == ["0", "1"] else ends


def _p_text(value: str, form: str) -> str:
    number = Fraction(Decimal(value))
    return "under 0.0001" if number < Fraction(1, 10**4) else decimal_text(number, 4)


def _slices_text(value: list[Where], form: str) -> str:
    shown = [slice_text(where, named=len(where) > 1) for where in value[:12]]
    more = [f"and {len(value) - 12} more"] if len(value) > 12 else []
    return ", ".join(shown + more) or "no slices"


def slice_text(where: Where, named: bool = True) -> str:
    """A slice in words: `shift_type` is `reorder` or `mixed`."""
    return " and ".join(
        levels_text(name, where[name]) if named else _either(map(level_text, where[name]))
        for name in sorted(where)
    )


def slice_of(args: Mapping[str, Any]) -> str:
    """The slice that a claim is about, or the attributes that it slices by."""
    if "by" in args:
        return " and ".join(map(attribute_words, args["by"]))
    if "statement" in args:
        return code(args["statement"], 300)
    if "change" in args:
        return code(args["change"], 300)
    if "slices" in args:
        return "; or ".join(map(slice_text, args["slices"]))
    return slice_text(args.get("where", {})) or "all records"


_LIKE_JSON = re.compile(r"\s*|\".*\"|true|false|null|-?[0-9.]+([eE][-+]?[0-9]+)?", re.DOTALL)


def level_text(value: Any) -> str:
    """A level as a reader should see it."""
    if isinstance(value, dict) and set(value) & {"missing", "other"}:
        return "missing" if "missing" in value else "another"
    if isinstance(value, dict) and "band" in value:
        return visible(str(value["band"]))
    if isinstance(value, dict):
        return code(next(iter(value.values())))
    plain = isinstance(value, str) and not _LIKE_JSON.fullmatch(value)
    return code(value if plain else canonical(value))  # the text "1" is not the number


_FORMS = {  # of an operation that not every form of its kind is true of
    "difference": ("points", "change"),
    "difference_interval": ("points",),
    "gap_part": ("points",),
    "gap_part_interval": ("points",),
    "contribution": ("points",),
    "contribution_interval": ("points",),
    "gap_share": ("percent",),
    "eta_squared": ("percent",),
    "unseen_anywhere": ("percent",),
    "unseen_anywhere_interval": ("percent",),
    "effect": ("points",),
    "effect_interval": ("points",),
    "paired_difference": ("points", "change"),
    "paired_interval": ("points",),
}
_FORMATS: dict[str, tuple[Callable[[Any, str], str], tuple[str, ...]]] = {
    "count": (lambda value, form: f"{int(value):,}", ("count",)),
    "rate": (_rate_text, ("of", "percent")),
    "fraction": (_fraction_text, ("points", "change", "percent")),
    "interval": (_interval_text, ("percent", "points")),
    "real": (_p_text, ("p",)),
    "slices": (_slices_text, ("list",)),
    "ids": (lambda value, form: ", ".join(map(code, value)) or "no records", ("list",)),
    "verdict": (lambda value, form: str(value), ("word",)),
}


def forms_of(identity: str) -> tuple[str, ...]:
    """The forms in which a claim of this id can be shown."""
    op = identity.partition(".")[0].partition("[")[0]
    return _FORMS.get(op) or _FORMATS[OPERATIONS[op].kind][1]


def formatted(claim: Mapping[str, Any], form: str) -> str:
    """A claim's value as the report shows it."""
    write, forms = _FORMATS[OPERATIONS[claim["op"]].kind][0], forms_of(claim["op"])
    if form not in forms:
        what = "{} cannot be shown as {!r}, only as {}".format(
            claim["op"], form, " or ".join(forms)
        )
        raise Unreadable(what, "report")
    return write(claim["value"], form)


def visible(text: str, keep: str = "") -> str:
    """Text in which what cannot be seen, or turns the line around, is spelled out.

    By Unicode 3.2, which every Python has, so that each gives the same report.
    """
    inkless = "⟦\xad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u180b\u180c\u180d"
    from unicodedata import ucd_3_2_0 as ucd

    def hidden(char: str) -> bool:
        if char == " " or char in keep:
            return False
        return ucd.category(char)[0] in "CZ" or char in inkless or "\ufe00" <= char <= "\ufe0f"

    return "".join(f"⟦U+{ord(c):04X}⟧" if hidden(c) else c for c in text)


def fence(text: str, least: int) -> str:
    """A run of backticks longer than any in the text."""
    runs = re.findall("`+", text)
    return "`" * max(least, 1 + max(map(len, runs), default=0))


def code(text: str, limit: int = 80) -> str:
    """Text as a Markdown code span on one line; of a long one also the length and the digest."""
    rest = ""
    if len(text) > limit:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        rest = f" ({len(text):,} characters, SHA-256 {digest})"
        text = text[:limit] + "…"
    text = visible(text)
    mark = fence(text, 1)
    pad = " " if text[:1] in ("`", " ", "") or text[-1:] in ("`", " ") else ""
    return mark + pad + text + pad + mark + rest


def block(text: str, limit: int = 2000) -> str:
    """Text as a fenced Markdown block."""
    text = visible(text if len(text) <= limit else text[:limit] + "…", keep="\n")
    mark = fence(text, 3)
    return f"{mark}text\n{text}\n{mark}"


_ORDERS = {"symmetric": "mean of both orders", "production": "at production's mix"}
_OF_PRODUCTION = (
    *("contribution", "contribution_interval", "gap_share", "p_adjusted", "smallest_set"),
    *("unseen", "unseen_anywhere", "unseen_anywhere_interval"),
    *("searched", "confirmed", "p_discovered", "rate_held_out"),
    *("mended", "mended_interval", "p_mended", "mending"),
)


def facets(claim: Mapping[str, Any], form: str = "") -> dict[str, str]:
    """What a claim is about, in the words that its label and a table's heads are made of."""
    op, args = claim["op"], claim["args"]
    where = args.get("where", {})
    words = {name: str(value).replace("_", " ") for name, value in args.items()}
    words["order"] = _ORDERS.get(words.get("order", ""), "at eval's mix")
    subjects = [words["part"]] if "part" in words else []
    for name in ("outcome", "of"):
        kind, _, about = str(args.get(name, "")).partition(":")
        words[name] = OUTCOMES.get(kind, "")
        subjects += [code(about)] if about else []
    subjects += [code(args["change"], 300)] if "change" in args else []
    # What is usual is not said: of scored records, and the right ones among them.
    words["base"] = " of {of}".format(**words) if args.get("of") != "counted" else ""
    words["what"] = (
        " of {outcome}{base}".format(**words)
        if args.get("outcome") != "right" or words["base"]
        else ""
    )
    measure = OPERATIONS[op].says.format(**words)
    return {
        "split": words.get("split", "production" if op in _OF_PRODUCTION else "")
        or "eval" * (op in _OF_CHANGES),
        "by": " and ".join(map(attribute_words, args.get("by", sorted(where)))),
        "slice": slice_of(args)
        if {"slices", "statement"} & args.keys()
        else slice_text(where, named=len(where) > 1),
        "subject": " of ".join(dict.fromkeys(subjects)),
        "measure": measure + (", %" if (OPERATIONS[op].kind, form) == ("rate", "percent") else ""),
    }


def label(claim: Mapping[str, Any]) -> str:
    """A claim in words, made from its derivation alone."""
    found = facets(claim)
    sliced = {"where", "slices", "statement"} & {k for k, v in claim["args"].items() if v}
    where = slice_of(claim["args"]) if sliced else found["by"]
    parts = (found["split"], found["subject"], found["measure"], where)
    return ", ".join(part for part in parts if part)


def table(rows: Sequence[Sequence[tuple[Mapping[str, Any], str]]]) -> str:
    """Claims as a Markdown table whose heads are made from the claims.

    What all cells share stands in the corner, what the cells of a row share heads the row, what
    those of a column share heads the column. What varies both ways is refused: no head says it.
    """
    cells = [[facets(claim, form) for claim, form in row] for row in rows]
    if len({len(row) for row in cells}) != 1:
        raise Unreadable("a table's rows differ in length", "report")
    corner: list[str] = []
    across: list[str] = []
    down: list[str] = []
    for name in cells[0][0]:
        each_row = all(len({cell[name] for cell in row}) == 1 for row in cells)
        each_column = all(len({cell[name] for cell in column}) == 1 for column in zip(*cells))
        if not each_row and not each_column:
            raise Unreadable(f"a table mixes claims by {name}", "report")
        (corner if each_row and each_column else across if each_row else down).append(name)

    def head(cell: Mapping[str, str], names: Sequence[str]) -> str:
        return ", ".join(cell[name] for name in names if cell[name])

    if len(cells) == 1:  # what a single row is about would else stand in the corner
        across.extend(name for name in ("subject", "slice", "split") if cells[0][0][name])
        corner = [name for name in corner if name != across[0]] if across else corner
        del across[1:]
    if "measure" in corner:  # a single column needs a head, and the corner has room for little
        corner.remove("measure")
        down.append("measure")
    lines = [[head(cells[0][0], corner), *(head(cell, down) for cell in cells[0])]]
    lines.append(["---", *("---:" for _ in cells[0])])
    for row, words in zip(rows, cells):
        lines.append([head(words[0], across), *(formatted(claim, form) for claim, form in row)])
    return "\n".join(map(row_of, lines))


def row_of(cells: Iterable[str]) -> str:
    """A row of a Markdown table; a bar inside a cell needs an escape, in code spans too."""
    return "| {} |".format(" | ".join(cell.replace("|", "\\|") for cell in cells))


def quoted(record: Record, name: str) -> str:
    """A part of a record as a block; the error in place of an output that there is none of."""
    value = getattr(record, name)
    if value is MISSING:
        value = record.error or ""
    return block(value if isinstance(value, str) else canonical(value))


class Hole(NamedTuple):
    keys: frozenset[str]
    fill: Callable[[Page, dict[str, Any]], str]
    block: bool = False  # it stands on lines of its own


class Page:
    """The report of a predicate: its text, with the holes filled."""

    def __init__(
        self,
        predicate: Mapping[str, Any],
        records: Iterable[Any],
        cube: Cube | None = None,
    ) -> None:
        self.predicate, self.records, self.cube = predicate, records, cube
        self.claims = {claim["id"]: claim for claim in predicate["claims"]}
        self.findings = {finding["id"]: finding for finding in predicate["findings"]}

    def render(self) -> str:
        return self.filled(self.predicate["report"])

    def filled(self, pieces: Iterable[Any]) -> str:
        return "".join(p if isinstance(p, str) else hole_of(p).fill(self, p) for p in pieces)

    def claim(self, identity: Any) -> Mapping[str, Any]:
        if identity not in self.claims:
            raise Unreadable(f"no claim {identity!r}", "report")
        return dict(self.claims[identity])

    def finding(self, hole: Mapping[str, Any]) -> str:
        finding = self.findings.get(hole["finding"])
        if finding is None:
            raise Unreadable(f"no finding {hole['finding']!r}", "report")
        strength = finding["severity"], finding["strength"]
        return "**{}, {}.** {}".format(*strength, self.filled(finding["text"]))

    def side(self, hole: Mapping[str, Any]) -> str:
        twins = self.cube.twins if self.cube else {}
        if hole["side"] not in twins or hole["field"] not in ("input", "expected", "output"):
            raise Unreadable("no {field} of a {side} twin".format(**hole), "report")
        return quoted(twins[hole["side"]], hole["field"])

    def quote(self, hole: Mapping[str, Any]) -> str:
        for record in self.records:
            if (record.split, record.id) == (hole["split"], hole["quote"]):
                if hole["field"] not in ("input", "expected", "output"):
                    break
                return quoted(record, hole["field"])
        raise Unreadable("no {field} of a record {quote!r} to quote".format(**hole), "report")

    def twin(self, hole: Mapping[str, Any]) -> str:
        varied = self.cube.varied if self.cube else None
        for flip in varied.flips.get(("eval", hole["change"]), ()) if varied else ():
            if flip.record.id == hole["twin"] and hole["field"] in ("input", "output"):
                return quoted(flip.changed, hole["field"])
        raise Unreadable("no {field} of a changed record {twin!r}".format(**hole), "report")

    def described(self, hole: Mapping[str, Any]) -> str:
        describe = DESCRIPTIONS.get(hole["describe"])
        if describe is None:
            raise Unreadable(f"nothing to describe as {hole['describe']!r}", "report")
        return describe(self.predicate)

    def table(self, hole: Mapping[str, Any]) -> str:
        return table([[(self.claim(name), form) for name, form in row] for row in hole["table"]])


HOLES = {
    "claim": Hole(
        frozenset({"claim", "as"}), lambda page, h: formatted(page.claim(h["claim"]), h["as"])
    ),
    "label": Hole(frozenset({"label"}), lambda page, h: label(page.claim(h["label"]))),
    "slice": Hole(frozenset({"slice"}), lambda page, h: slice_of(page.claim(h["slice"])["args"])),
    "finding": Hole(frozenset({"finding"}), Page.finding),
    "quote": Hole(frozenset({"quote", "split", "field"}), Page.quote, block=True),
    "twin": Hole(frozenset({"twin", "change", "field"}), Page.twin, block=True),
    "side": Hole(frozenset({"side", "field"}), Page.side, block=True),
    "describe": Hole(frozenset({"describe"}), Page.described),
    "table": Hole(frozenset({"table"}), Page.table, block=True),
}


def hole_of(piece: Mapping[str, Any]) -> Hole:
    """The kind of a hole; raises Unreadable for one that is not known."""
    for hole in HOLES.values():
        if set(piece) == hole.keys:
            return hole
    raise Unreadable(f"no hole is {canonical(piece)[:80]}", "report")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(code, names)) or "none"


def _short(subject: str) -> str:
    return subject[6:] if subject.startswith("../../") else subject


def _scorer_words(predicate: Mapping[str, Any]) -> str:
    scorer = predicate["evidence"]["scorer"]
    words = [code(scorer["name"])]
    if scorer["rule"] == "numeric":
        absolute, relative = code(scorer["absolute"]), code(scorer["relative"])
        words.append(f"within {absolute}, or within {relative} times the expected value,")
    if scorer["fields"]:
        words.append("of the fields " + _listed(scorer["fields"]))
    return " ".join(words)


def _system_words(predicate: Mapping[str, Any]) -> str:
    system = predicate["evidence"]["system"]
    return code(_short("{file}:{function}".format(**system))) if system else "recorded outputs"


def _changes_table(predicate: Mapping[str, Any]) -> str:
    changes = (predicate["evidence"]["varied"] or {"changes": ()})["changes"]
    heads = ["| change | what it does | held constant |", "| --- | --- | --- |"]
    cells = ("name", "help", "holds")
    return "\n".join(heads + [row_of(code(one[c], 200) for c in cells) for one in changes])


def _twins_table(predicate: Mapping[str, Any]) -> str:
    said = predicate["evidence"]["twins"] or {"of": "", "split": "", "rule": "", "difference": ()}
    rows = [
        ("made from", code(said["of"]) + " of " + code(said["split"])),
        (
            "what makes it fail",
            _listed(said["difference"]) if said["difference"] else "not known without a twin",
        ),
        ("the right answer", code(said["rule"], 300)),
    ]
    return _pairs(rows, "| recorded, not checked | value |")


def _predictions_table(predicate: Mapping[str, Any]) -> str:
    varied = predicate["evidence"]["varied"] or {"hypotheses": ()}
    heads = ["hypothesis", "written", "answers known by then", "line of the ledger", "SHA-256"]
    rows = [
        [
            code(one["statement"], 300),
            code(one["at"]),
            code(str(one["known"])),
            code(str(one["entry"])),
            code(one["digest"]),
        ]
        for one in varied["hypotheses"]
    ]
    return "\n".join(map(row_of, [heads, ["---"] * len(heads), *rows]))


def _pairs(rows: Iterable[tuple[str, str]], heads: str) -> str:
    return "\n".join([heads, "| --- | --- |", *map(row_of, rows)])


DESCRIPTIONS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "case": lambda p: code(p["case"]),
    "scorer": _scorer_words,
    "system": _system_words,
    "fields": lambda p: ", ".join(
        f"{role} {code(name)}" for role, name in sorted(p["evidence"]["fields"].items())
    ),
    "bounds": lambda p: "{} and {}".format(
        code(p["evidence"]["system"]["timeout"] + " s"),
        code(f"{p['evidence']['system']['memory']:,} bytes"),
    ),
    "guards": lambda p: _listed(guard["name"] for guard in p["evidence"]["guards"]),
    "features": lambda p: ", ".join(
        attribute_words(attribute_name(one))
        + (f" ({code(one['words'])})" if "words" in one else "")
        for one in p["evidence"]["attributes"]
        if not isinstance(one, str) and "of" in one
    ),
    "attributes": lambda p: _listed(map(attribute_name, p["evidence"]["attributes"])),
    "changes": _changes_table,
    "twins": _twins_table,
    "given": lambda p: _listed(
        one["name"]
        for one in (p["evidence"]["varied"] or {"changes": ()})["changes"]
        if one["given"]
    ),
    "predictions": _predictions_table,
    "command": lambda p: code("python3 receipts/{}/verify.py".format(p["case"])),
    "sources": lambda p: _listed(
        dict.fromkeys(
            [_short(source["file"]) for source in p["evidence"]["sources"]]
            or sorted((p["evidence"]["cube"] or {"counted_from": {}})["counted_from"])
        )
    ),
    "envelope": lambda p: _pairs(
        ((code(key), code(p["envelope"][key])) for key in sorted(p["envelope"])),
        "| recorded, not checked | value |",
    ),
}


# ---------------------------------------------------------------- no number without a claim

_NUMBER_WORD = re.compile(
    r"\b(zero|one|(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)s?|"
    r"(thir|four|fif|six|seven|eigh|nine)teen(ths?|s)?|"
    r"(twen|thir|for|fif|six|seven|eigh|nine)t(y|ies|ieths?)|"
    r"(hundred|thousand|million|billion|trillion)(th)?s?|"
    r"(dozen|third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
    r"percentage|couple|pair)s?|half|halves|halv(ed|es|ing)|twice|thrice|"
    r"(doubl|tripl|quadrupl)\w*|\w+fold|none|per cent|percent|plus|minus)\b",
    re.IGNORECASE,
)
_PROSE = re.compile(r"[\n !\"'()*+,\-./:;=>?@A-Z\[\]_`a-z{|}~#]*")
_HIDING = re.compile(r"\][(\[:]|```|~~~")  # links, pictures and fences, in which words can hide


def numbers_in(pieces: Sequence[Any]) -> Iterator[str]:
    """What in the prose states a quantity without naming a claim, and what could hide one.

    Prose is plain ASCII without digits, so that no script's numerals, look-alike letters or
    invisible characters need a list of their own; and a hole stands alone between white space
    and closing marks, so that none touches a sign, a word or another hole.
    """
    joined: list[Any] = ["\n"]  # as they will be read: no word ends where a piece does
    for piece in [*pieces, "\n"]:
        if isinstance(piece, str) and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    for i, piece in enumerate(joined):
        if isinstance(piece, str):
            yield from _numbers_in_prose(piece)
            continue
        before, after = joined[i - 1], joined[i + 1]
        if not isinstance(before, str) or not isinstance(after, str):
            yield f"a hole that touches another, {canonical(piece)[:80]}"
        elif hole_of(piece).block and not (before.endswith("\n") and after.startswith("\n")):
            yield f"a hole that is not on lines of its own, {canonical(piece)[:80]}"
        elif not re.search(r"\s[(*\[]*$", before) or not re.match(r"[.,;:)*\]]*\s", after):
            yield f"a hole in the middle of a word, {canonical(piece)[:80]}"


def _numbers_in_prose(text: str) -> Iterator[str]:
    end = _PROSE.match(text).end()  # type: ignore[union-attr]
    if end < len(text):
        around = text[max(0, end - 40) : end + 20].strip()
        yield f"{text[end]!a} in {around!a}, for prose is plain ASCII without digits"
    hiding = _HIDING.search(text)
    if hiding or text.count("`") % 2:
        yield f"{hiding.group() if hiding else '`'!r} in {text.strip()[:60]!a}"
    unmarked = re.sub(r"[*_`~\[\]]", "", text)
    word = _NUMBER_WORD.search(unmarked) or _NUMBER_WORD.search(text.replace("_", " "))
    if word:
        yield f"the number-word {word.group()!r} in {text.strip()[:60]!a}"


def misnamed(pieces: Sequence[Any], claims: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Numbers of one split whose line names the other just before them.

    The words around a hole are the author's, but these two decide what a number is about.
    """
    named = ""
    for piece in pieces:
        if isinstance(piece, str):
            for word in re.findall(r"\n|\b(?:eval|production)\b", piece.lower()):
                named = word.strip()
            continue
        claim = claims.get(str(piece.get("claim")), {"op": "", "args": {}})
        op, split = claim["op"], claim["args"].get("split", "")
        split = "production" if op in _OF_PRODUCTION else "eval" if op in _OF_CHANGES else split
        states = op in OPERATIONS and OPERATIONS[op].kind in ("count", "rate", "interval")
        if states and split and named and named != split:
            yield f"{claim['id']}, which is of {split}, after the word {named}"


def claims_in(pieces: Iterable[Any]) -> Iterator[str]:
    """The ids of the claims that text with holes names."""
    for piece in pieces:
        if isinstance(piece, dict):
            yield from (piece[key] for key in ("claim", "label", "slice") if key in piece)
            yield from (name for row in piece.get("table", []) for name, _ in row)


KINDS = ("gap", "slice", "silent", "coverage", "scorer", "cause", "note")


def measures(claim: Mapping[str, Any], kind: str) -> bool:
    """Whether a claim carries a finding of a kind: the gap's interval excludes zero, a slice's
    adjusted p is at most 0.05, a record of production is silent, or lies in an unseen slice, the
    score of a record is in doubt by what is derived here.

    A cause is carried by a hypothesis whose predictions hold, and the control with them.
    """
    op, args, value = claim["op"], claim["args"], claim["value"]
    if kind == "gap":
        of_all = {"outcome": "right", "of": "counted", "where": {}}
        of_gap = op == "paired_interval" or (op, args) == ("difference_interval", of_all)
        return of_gap and float(value[0]) * float(value[1]) > 0
    if kind == "slice":
        return op in ("p_adjusted", "p_discovered") and float(value) <= 0.05
    if kind == "silent":
        silent = (args.get("split"), args.get("outcome")) == ("production", "silent")
        return op in ("count", "rate") and silent and not value.startswith("0")
    if kind == "cause":
        return (op, value) == ("hypothesis", "measured")
    if kind == "scorer":
        doubt, _, about = str(args.get("outcome")).partition(":")
        return (op, doubt) == ("count", "suspect") and about != "label-suspect" and value != "0"
    return kind == "coverage" and op == "unseen" and not value.startswith("0")


def unsupported(finding: dict[str, Any], claims: Mapping[str, Mapping[str, Any]]) -> str:
    """What a finding lacks for what it says; empty when it lacks nothing."""
    cited = [claims[name] for name in finding["claims"] if name in claims]
    holes = [piece for piece in finding["text"] if isinstance(piece, dict)]
    if set(finding["claims"]) != set(claims_in(holes)) or not cited:
        return "cites just the claims that its text names"
    if any("finding" in hole or hole_of(hole).block for hole in holes):
        return "a text on one line, without findings in it"
    if finding["kind"] not in KINDS or finding["severity"] not in ("high", "medium", "low"):
        return "a known kind and severity"
    carried = finding["strength"] == "measured" and any(measures(c, finding["kind"]) for c in cited)
    verdicts = {c["value"] for c in cited if c["op"] == "hypothesis"} <= {"measured"}
    if (carried and verdicts) or finding["strength"] == "inferred":
        return ""
    return f"a claim that measures a {finding['kind']}"


# ---------------------------------------------------------------- the checks


_PIECE = (str, {"*": object})
_RULES = frozenset({"exact_match", "normalized", "numeric", "recorded", "stored"})
_GUARDS = frozenset({"no_exception", "parses", "not_blank", "matches", "stored"})
_LAYOUT = frozenset({"jsonl", "json", "csv"})
_ROLES = frozenset({"id", "input", "expected", "output", "error", "score", "cluster"})
_SHAPES = {  # of what a receipt repeats
    "subject": {"name": str, "digest": {"sha256": str}, "annotations": {"size": int}},
    "source": (
        {"file": str, "layout": _LAYOUT, "split": frozenset(SPLITS)},
        {"file": str, "layout": _LAYOUT, "split_field": str, "splits": {"*": object}},
    ),
    "claim": {"id": str, "op": str, "args": {"*": object}, "value": object, "rests_on": str},
    "finding": {
        **dict.fromkeys(("id", "kind", "severity", "strength"), str),
        "claims": [str],
        "text": [_PIECE],
    },
}
_OF = frozenset({"input", "output"})
_ATTRIBUTES = (
    str,
    {"feature": str, "of": _OF, "kept": [object]},
    {"stored": str, "of": _OF, "words": str, "kept": [object]},
    {"field": str, "kept": [object]},
    {"field": str, "edges": [re.compile(r"-?[0-9]+(\.[0-9]+)?")]},
    {"field": str, "time": frozenset(TIMES)},
)
_WHERE = {"*": [object]}
_ARGUMENTS = {"where": _WHERE, "slices": [_WHERE], "by": [str], "limit": int}  # the others are text
_EVIDENCE = {
    "sources": [_SHAPES["source"]],
    "fields": {"*": str},
    "attributes": [_ATTRIBUTES],
    "outputs": (str, None),
    "verdicts": (str, None),
    "output_format": frozenset({"value", "json"}),
    "errors": frozenset({"wrong", "apart"}),
    "scorer": {
        **dict.fromkeys(("absolute", "relative"), re.compile(r"[0-9]+(\.[0-9]+)?(E[+-][0-9]+)?")),
        "name": str,
        "rule": _RULES,
        "fields": [str],
    },
    "guards": [{"name": str, "rule": _GUARDS, "fields": [str], "patterns": {"*": str}}],
    "system": (
        {
            **dict.fromkeys(("file", "function", "timeout"), str),
            "memory": int,
            "files": [str],
            "reproduced": bool,
        },
        None,
    ),
    "converted": [str],
    "varied": (
        {
            **dict.fromkeys(("file", "ledger", "system"), str),
            "reproduced": bool,
            "changes": [{**dict.fromkeys(("name", "help", "holds"), str), "given": bool}],
            "hypotheses": [
                {
                    **dict.fromkeys(("statement", "digest", "at"), str),
                    "breaks": [str],
                    "spares": [str],
                    "mends": [str],
                    "fields": {"*": [str]},
                    "entry": int,
                    "known": int,
                }
            ],
        },
        None,
    ),
    "twins": (
        {
            **dict.fromkeys(("file", "of", "rule"), str),
            "split": frozenset(SPLITS),
            "difference": [str],
            "reproduced": bool,
        },
        None,
    ),
    "audit": (frozenset({"samples", "table"}), None),  # samples: rows of a tool's own log
    "cube": ({"file": str, "records": int, "counted_from": {"*": object}}, None),
    "search": (
        {
            **dict.fromkeys(("depth", "support", "seed", "draws"), int),
            "by": [str],
            "held_out": bool,
            "tested": [{"outcome": frozenset({"wrong", "silent"}), "where": _WHERE}],
        },
        None,
    ),
}
_ASKED = {"split": frozenset(SPLITS), "of": str, "change": str, "input": object}
_VARIED = tuple(  # a row of changed inputs; `right` where the right answer follows the change
    {**_ASKED, **said, **right}
    for said in ({"output": object}, {"error": str})
    for right in ({}, {"right": [object]})
)
_SIDE = {
    "side": frozenset({"failing", "passing"}),
    "fields": [str],
    **dict.fromkeys(("input", "expected"), object),
}
_TWIN = ({**_SIDE, "output": object}, {**_SIDE, "error": str})
_ENTRY = {  # a line of the ledger of predictions
    **dict.fromkeys(("after", "kind", "digest", "at"), str),
    "known": int,
    "content": {"*": object},
}
_GIVEN = {  # the file that a receipt on given counts rests on
    "levels": [[str]],
    "unscored": {"eval": int, "production": int},
    "blocks": [{"attributes": [int], "counts": [int]}],
    "overlaps": [[int]],
    "drawn": ([[int]], None),
}
# Only these, for a key of one's own could look like a result.
_ENVELOPE = "engine,kernel,made at,processors,python,records,seconds,seed,system".split(",")  # noqa: SIM905
SHAPE = {
    "_type": frozenset({STATEMENT_TYPE}),
    "subject": [_SHAPES["subject"]],
    "predicateType": frozenset({PREDICATE_TYPE}),
    "predicate": {
        "kernel": {"version": str, "sha256": str},
        "case": re.compile("[a-z0-9]+(-[a-z0-9]+)*"),
        "evidence": _EVIDENCE,
        "claims": [_SHAPES["claim"]],
        "findings": [_SHAPES["finding"]],
        "report": [_PIECE],
        "envelope": dict.fromkeys(_ENVELOPE, str),
    },
}


def conforms(value: Any, shape: Any, where: str) -> None:
    """Raises Unreadable unless a JSON value has a shape.

    A shape is a type, a set of texts, a pattern, a dictionary of the only keys allowed ("*" is
    any key), a list of the shape of its items, or a tuple of alternatives; None is null.
    """
    good = True
    if isinstance(shape, tuple):
        for other in shape:
            try:
                return conforms(value, other, where)
            except Unreadable as error:
                last = error
        raise last
    if isinstance(shape, dict):
        good = isinstance(value, dict) and ("*" in shape or set(value) == set(shape))
        for key in value if good else ():
            conforms(value[key], shape.get(key, shape.get("*")), f"{where}.{key}")
    elif isinstance(shape, list):
        good = isinstance(value, list)
        plain = shape == [int] and good and all(type(item) is int for item in value)
        for i, item in enumerate(value if good and not plain else ()):
            conforms(item, shape[0], f"{where}[{i}]")
    elif isinstance(shape, frozenset):
        good = isinstance(value, str) and value in shape
    elif isinstance(shape, re.Pattern):
        good = isinstance(value, str) and shape.fullmatch(value) is not None
    elif shape is None:
        good = value is None
    else:
        good = isinstance(value, shape) and (shape is not int or not isinstance(value, bool))
    if not good:
        keys = (
            f", expected the fields {', '.join(sorted(shape))}" if isinstance(shape, dict) else ""
        )
        raise Unreadable(f"{where} is {canonical(value)[:80]}{keys}", "receipt.json")
    return None


def check_names(evidence: Mapping[str, Any]) -> None:
    """Raises Unreadable where a rule goes by another's name, for the report says the name."""
    scorer, guards, fields = evidence["scorer"], evidence["guards"], evidence["fields"]
    for one, ours in [(scorer, _RULES), *((guard, _GUARDS) for guard in guards)]:
        if (one["name"] in ours or one["rule"] != "stored") and one["name"] != one["rule"]:
            raise Unreadable("the rule {rule} is called {name!r}".format(**one), "evidence")
        if one["name"] == "stored":
            raise Unreadable("a stored verdict has no name of its own", "evidence")
    if not set(fields) <= _ROLES:
        raise Unreadable(f"fields are {', '.join(sorted(fields))}", "evidence")


def check_search(search: Mapping[str, Any], attributes: Sequence[str]) -> None:
    """Raises Unreadable where a search could not have been made as it is described."""
    by, tested = search["by"], search["tested"]
    good = by and len(set(by)) == len(by) and set(by) <= set(attributes)
    good = good and min(search[name] for name in ("depth", "support", "draws")) > 0
    good = good and all(one["where"] and set(one["where"]) <= set(by) for one in tested)
    if not good:
        raise Unreadable("a search that cannot have been made", "evidence.search")


def check_varied(evidence: Mapping[str, Any]) -> None:
    """Raises Unreadable where changed answers cannot be scored here, or are of no hypothesis."""
    varied, where = evidence["varied"], "evidence.varied"
    if evidence["scorer"]["rule"] in ("recorded", "stored") or evidence["cube"]:
        raise Unreadable("changed answers that cannot be scored again", where)
    names = [one["name"] for one in varied["changes"]]
    if len({*names, AS_IT_IS}) <= len(names):
        raise Unreadable("two changes have the same name", where)
    said = [one["statement"] for one in varied["hypotheses"]]
    if len(set(said)) < len(said):
        raise Unreadable("a hypothesis stands twice", where)
    about = [[*one["breaks"], *one["spares"]] for one in varied["hypotheses"]]
    about += [one["mends"] for one in varied["hypotheses"]]
    if {name for some in about for name in some} != set(names):
        raise Unreadable("changes that no hypothesis is about, or the other way round", where)
    if not all(one["breaks"] for one in varied["hypotheses"]) or any(
        len(set(some)) < len(some) for some in about
    ):
        raise Unreadable("a hypothesis that breaks nothing, or names a change again", where)


_FILED = ("cube", "varied", "twins")  # parts of the evidence with a file of their own
CHECKS = "schema kernel layout subjects records claims findings text report rerun".split()  # noqa: SIM905


class OutOfTime(BaseException):
    """The time for a verification is over; no check may mistake it for its own failure."""


def limit_time() -> None:
    """Ends a verification that takes longer than TIME_LIMIT, where the system has alarms."""

    def stop(*_: object) -> None:
        raise OutOfTime(f"no verdict within {TIME_LIMIT} seconds")

    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, stop)
        signal.alarm(TIME_LIMIT)


class Failure(NamedTuple):
    check: str
    where: str
    expected: str
    found: str
    cannot: bool = False  # it could not be checked, which is less than "it does not hold"


class Verification:
    """One receipt under check: call `run`, then read `verdict`, `failures` and `sections`."""

    def __init__(self, folder: str, known: Mapping[str, str], rerun: bool = False) -> None:
        self.folder, self.known, self.rerun = folder, known, rerun
        self.failures: list[Failure] = []
        self.sections: list[tuple[str, bool, str]] = []
        self.statement: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.records: list[Record] = []
        self.receipt_id = self.bundled = ""

    def run(self) -> Verification:
        """Makes every check that can be made; a later one may need an earlier one's result."""
        checks = [self.schema, self.kernel, self.layout, self.subjects, self.load, self.claims]
        checks += [self.findings, self.text, self.report]
        for name, check in zip(CHECKS, checks + [self.again] * self.rerun):
            before = len(self.failures)
            words = ""
            try:
                words = check()
            except Unreadable as error:
                what = "; ".join(filter(None, (error.what, error.remedy)))
                self.fail(name, error.where, "", what, cannot=True)
            except Undefined as error:
                self.fail(name, "", "a quantity that the counts have", str(error), cannot=True)
            except Exception as error:  # noqa: BLE001  values of any type come from a stranger
                what = f"{type(error).__name__}: {error}"
                self.fail(name, "receipt.json", "values that can be used", what, cannot=True)
            self.sections.append((name, len(self.failures) == before, words))
            if len(self.failures) > before and name in ("schema", "layout", "records"):
                break
        return self

    @property
    def verdict(self) -> str:
        """holds, does-not-hold or cannot-check; what does not hold outweighs the rest."""
        if not self.failures:
            return "holds"
        return "cannot-check" if all(one.cannot for one in self.failures) else "does-not-hold"

    @property
    def counted(self) -> bool:
        """Whether the receipt rests on counts, and not on records."""
        return bool(self.statement and self.evidence["cube"])

    def bases(self) -> Counter[str]:
        """How many claims rest on what; none where they could not be checked."""
        checked = any(name == "claims" for name, _, _ in self.sections)
        return Counter(one["rests_on"] for one in self.predicate["claims"] if checked)

    def fail(self, check: str, where: str, expected: str, found: str, cannot: bool = False) -> None:
        self.failures.append(Failure(check, where, expected, found, cannot))

    def schema(self) -> str:
        raw = self.read("receipt.json", None)
        self.receipt_id = hashlib.sha256(raw).hexdigest()
        statement = strict_json(_text(raw, "receipt.json"), "receipt.json")
        conforms(statement, SHAPE, "statement")
        self.statement = statement
        self.predicate = self.statement["predicate"]
        self.evidence = self.predicate["evidence"]
        self.page = Page(self.predicate, self.records)
        return f"in-toto statement, receipt {self.receipt_id[:16]}"

    def kernel(self) -> str:
        made = self.predicate["kernel"]
        self.bundled = hashlib.sha256(self.read("verify.py", None)).hexdigest()
        for where, digest in (("receipt.json", made["sha256"]), ("verify.py", self.bundled)):
            if digest not in self.known:
                known = "a known kernel, " + " or ".join(sorted(self.known))
                self.fail("kernel", where, known, digest)
        if self.bundled != made["sha256"] and {self.bundled, made["sha256"]} <= set(self.known):
            self.fail("kernel", "verify.py", made["sha256"], self.bundled)
        if self.known.get(made["sha256"], made["version"]) != made["version"]:
            self.fail("kernel", "receipt.json", self.known[made["sha256"]], made["version"])
        return "version {}, {}".format(made["version"], made["sha256"][:16])

    def layout(self) -> str:
        names = [subject["name"] for subject in self.statement["subject"]]
        for name in names:
            outside = name.startswith("../../")
            parts = name[6:].split("/") if outside else [name]
            if set(parts) & {"", ".", ".."} or re.search(r"[\\:\x00-\x1f\x7f]", name):
                self.fail("layout", name, "a path within the case", "a path that leaves it")
            elif not outside and "/" in name:
                self.fail("layout", name, "a file of the receipt's own folder", "a folder in it")
        if len(set(names)) < len(names):
            self.fail("layout", "receipt.json", "each subject once", "one stands twice")
        inside = {name for name in names if not name.startswith("../")}
        there = set(os.listdir(self.folder)) - {"receipt.json"}
        for name in sorted(there - inside):
            self.fail("layout", name, "only files that the receipt names", "one more")
        system, parts = self.evidence["system"], ("outputs", "verdicts")
        rests = {"REPORT.md", "verify.py", *(one["file"] for one in self.evidence["sources"])}
        rests |= {self.evidence[part] for part in parts if self.evidence[part] is not None}
        rests |= {system["file"], *system["files"]} if system else set()
        rests |= {self.evidence[p]["file"] for p in _FILED if self.evidence[p]}
        rests |= {self.evidence["varied"]["ledger"]} if self.evidence["varied"] else set()
        for name in sorted(rests - set(names)):
            self.fail("layout", "receipt.json", f"{name} among the subjects", "not there")
        return f"{len(names)} subjects"

    def subjects(self) -> str:
        if sum(one["annotations"]["size"] for one in self.statement["subject"]) > 4 * FILE_LIMIT:
            raise Unreadable("more than 4 GiB in all", "receipt.json")
        for subject in self.statement["subject"]:
            name, size = subject["name"], subject["annotations"]["size"]
            try:
                self.files[name] = raw = self.read(name, size)
            except Unreadable as error:
                self.fail("subjects", name, f"a file of {size:,} bytes", error.what)
                continue
            digest, wanted = hashlib.sha256(raw).hexdigest(), subject["digest"]["sha256"]
            if digest != wanted or len(raw) != size:
                unix = hashlib.sha256(raw.replace(b"\r\n", b"\n")).hexdigest()
                why = (
                    "its line endings are those of Windows" if unix == wanted else "it has changed"
                )
                self.fail("subjects", name, f"SHA-256 {wanted}", f"{digest}: {why}")
        return f"{len(self.files)} files, {sum(map(len, self.files.values())):,} bytes"

    def read(self, name: str, size: int | None) -> bytes:
        """The bytes of a regular file that no link leads to; at most twice the size recorded."""
        limit = FILE_LIMIT if size is None else min(FILE_LIMIT, 2 * size + 1)
        path = self.folder
        try:
            for part in name.split("/"):
                path = os.path.join(path, part)
                if stat.S_ISLNK(os.lstat(path).st_mode):
                    raise Unreadable("a symbolic link, not a file", name)
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            with open(os.open(path, flags), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise Unreadable("not a regular file", name)
                if status.st_size > limit:
                    raise Unreadable(f"{status.st_size:,} bytes", name)
                return file.read(limit + 1)
        except (OSError, ValueError) as error:
            what = getattr(error, "strerror", None) or str(error)
            what = "none" if isinstance(error, FileNotFoundError) else what
            raise Unreadable(what, name) from None

    def opened(self, name: str) -> BinaryIO:
        """A subject's content, unpacked where it is compressed."""
        if name not in self.files:
            raise Unreadable("no subject of that name can be read", name)
        raw = self.files[name]
        if raw[:2] != b"\x1f\x8b":
            return io.BytesIO(raw)
        try:
            content = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(FILE_LIMIT + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise Unreadable(f"not gzip: {error}", name) from None
        if len(content) > FILE_LIMIT:
            raise Unreadable("more than 1 GiB when unpacked", name)
        return io.BytesIO(content)

    def load(self) -> str:
        check_names(self.evidence)
        self.records += load_records(self.evidence, self.opened)
        names = [attribute_name(one) for one in self.evidence["attributes"]]
        if len(set(names)) < len(names):
            raise Unreadable("two attributes have the same name", "evidence")
        if self.evidence["search"]:
            check_search(self.evidence["search"], names)
        if self.evidence["cube"]:
            return self.given(names)
        self.cube = count_records(names, self.records, self.evidence["search"])
        if len({record.split for record in self.records}) < len(SPLITS):
            raise Unreadable("records of one split only", "evidence")
        also = self.load_varied() if self.evidence["varied"] else ""
        if self.evidence["twins"]:
            name = self.evidence["twins"]["file"]
            self.cube.twins = load_twins(self.evidence, read_rows(self.opened(name), name, "jsonl"))
        return f"{len(self.records):,} records scored and guarded again{also}"

    def load_varied(self) -> str:
        """Scores the answers to changed inputs."""
        check_varied(self.evidence)
        said = self.evidence["varied"]
        rows = read_rows(self.opened(said["file"]), said["file"], "jsonl")
        varied = self.cube.varied = Varied(self.evidence, self.records, rows)
        return f", {len(varied.asked):,} answers to changed inputs"

    def given(self, names: Sequence[str]) -> str:
        """Takes the counts of a receipt that rests on them."""
        said = self.evidence["cube"]
        raw = self.opened(said["file"]).read()
        given = strict_json(_text(raw, said["file"]), said["file"])
        conforms(given, _GIVEN, said["file"])
        self.cube = cube = GivenCube(names, {**given, "name": said["file"]})
        if sum(cube.totals) + sum(given["unscored"].values()) != said["records"]:
            raise Unreadable("counts of other records than it says", said["file"])
        if not sum(cube.totals[:3]) or not sum(cube.totals[3:]):
            raise Unreadable("records of one split only", said["file"])
        if self.evidence["search"]:
            cube.search = GivenSearch(cube, self.evidence["search"])
        return "counts of {:,} records, taken as they are".format(said["records"])

    def claims(self) -> str:
        claims = self.predicate["claims"]
        pieces = [piece for one in self.predicate["findings"] for piece in one["text"]]
        used = set(claims_in([*self.predicate["report"], *pieces]))
        if not claims or len(self.page.claims) < len(claims):
            self.fail("claims", "receipt.json", "claims, each once", "none, or one twice")
        for name in sorted(used - set(self.page.claims)):
            self.fail("claims", name, "a claim of that id", "none")
        for claim in claims:
            for expected, found in self.wrong_with(claim, used):
                self.fail("claims", claim["id"], expected, found)
        if self.cube.varied:
            name = self.evidence["varied"]["ledger"]
            for expected, found in self.cube.varied.unlike(ledger_of(self.opened(name), name)):
                self.fail("claims", name, expected, found)
        return f"{len(claims)} derived again, and the same"

    def wrong_with(self, claim: dict[str, Any], used: set[str]) -> Iterator[tuple[str, str]]:
        """What is expected of a claim and what was found instead."""
        op, args = claim["op"], claim["args"]
        for name, value in args.items():
            conforms(value, _ARGUMENTS.get(name, str), claim["id"])
        derived = derive(op, args, self.cube)
        if not agrees(OPERATIONS[op].kind, claim["value"], derived):
            yield canonical(derived), canonical(claim["value"])
        if claim["id"] != spelled(op, args):
            yield "the id " + spelled(op, args), claim["id"]
        asked = [args[name] for name in ("outcome", "of") if name in args]
        for outcome in ["corrected"] if op == "corrected_interval" else asked:
            if not self.there_is(outcome):
                yield "a guard, a field or a score that there is", outcome
        basis = rests_on(op, args, self.evidence)
        if claim["rests_on"] != basis:
            yield "rests on " + basis, claim["rests_on"]
        if claim["id"] not in used:
            yield "a claim that the report states", "the report does not state it"

    def there_is(self, outcome: str) -> bool:
        """Whether what an outcome may be about is a guard, a field or a score of the evidence."""
        kind, _, about = outcome.partition(":")
        if kind == "right_field" and about not in self.evidence["scorer"]["fields"]:
            given = (record.expected for record in self.records)
            return any(isinstance(value, dict) and about in value for value in given)
        if kind in _AUDIT:
            return self.evidence["audit"] is not None and outcome in OF_AUDIT
        guards = [guard["name"] for guard in self.evidence["guards"]]
        return kind == "right_field" or not about or about in guards

    def findings(self) -> str:
        found = self.predicate["findings"]
        holes = (piece for piece in self.predicate["report"] if isinstance(piece, dict))
        shown = [hole["finding"] for hole in holes if "finding" in hole]
        for finding in found:
            lacks = unsupported(finding, self.page.claims)
            if lacks:
                self.fail("findings", finding["id"], lacks, finding["strength"])
        ids = sorted(one["id"] for one in found)
        if sorted(shown) != ids or len(set(ids)) < len(ids):
            self.fail("findings", "REPORT.md", "each finding shown once", ", ".join(sorted(shown)))
        return f"{len(found)}, each with the evidence it needs"

    def text(self) -> str:
        for pieces in [self.predicate["report"], *(f["text"] for f in self.predicate["findings"])]:
            for problem in numbers_in(pieces):
                self.fail("text", "receipt.json", "a hole that names a claim", problem, cannot=True)
            claimed = any(one.check == "claims" for one in self.failures)
            for problem in () if claimed else misnamed(pieces, self.page.claims):
                self.fail("text", "receipt.json", "the words of a number's own split", problem)
        return "no number of its own"

    def report(self) -> str:
        self.page.cube = self.cube
        wanted = self.page.render().encode("utf-8")
        found = self.files.get("REPORT.md", b"")
        if wanted != found:
            sides = [side.decode("utf-8", "replace").split("\n") for side in (wanted, found)]
            same = [a == b for a, b in zip(*sides)]
            line = same.index(False) if False in same else len(same)
            shown = [repr(side[line]) if line < len(side) else "no such line" for side in sides]
            self.fail("report", f"REPORT.md:{line + 1}", shown[0], shown[1])
        return f"{len(wanted):,} bytes, as the claims give them"

    def again(self) -> str:
        system = self.evidence["system"]
        if system is None:
            return "the receipt names no system that could be run again"
        if self.failures:
            return "not run, for what is above does not hold"
        path = os.path.join(self.folder, *system["file"].split("/"))
        changed = self.cube.varied.asked if self.cube.varied else []
        lots = [
            (self.records, system, "outputs"),
            (changed, self.evidence["varied"], "to changed inputs"),
        ]
        lots.append(([*self.cube.twins.values()], self.evidence["twins"], "to the smallest inputs"))
        same = []
        with System(path, system["function"], float(system["timeout"]), system["memory"]) as runs:
            for records, said, words in (lot for lot in lots if lot[0]):
                differ = [one.id for one in records if not answered_again(runs, one)]
                if differ and said["reproduced"]:
                    found = f"{len(differ)} other outputs"
                    self.fail("rerun", ", ".join(differ[:3]), "the recorded outputs", found)
                same.append(f"{len(records) - len(differ):,} of {len(records):,} {words}")
        unlike = "" if system["reproduced"] else "; the receipt says that they need not be"
        return f"{', '.join(same)} the same as recorded{unlike}"


# ---------------------------------------------------------------- running a system


class Answer(NamedTuple):
    output: Any  # MISSING when the call failed
    error: str | None = None  # "KindOfError: message"


_CHILD = """
import importlib.util, json, os, sys
path, function, memory = sys.argv[1:]
replies = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\\n")
os.dup2(2, 1)  # what the system prints is not an answer

def reply(kind, value):
    text = json.dumps({kind: value}, allow_nan=False)
    replies.write(text + "\\n")
    replies.flush()

def explained(error):
    return type(error).__name__ + ": " + str(error)[:500]

try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
except (ImportError, ValueError, OSError):
    pass  # no such limit on this system
folder = os.path.dirname(os.path.abspath(path))
sys.path.insert(0, folder)
try:
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    system = getattr(module, function)
    files = [getattr(m, "__file__", None) or "" for m in list(sys.modules.values())]
    reply("ready", sorted({f for f in files if f.startswith(folder + os.sep)}))
except BaseException as error:
    reply("fatal", explained(error))
    sys.exit(1)
for line in sys.stdin:
    try:
        reply("output", system(json.loads(line)))
    except BaseException as error:
        reply("error", explained(error))
"""


class System:
    """A Python function in a child process, with a bound on time and on memory.

    A crash or a hang costs the record that it happened on; the next gets a new child.
    """

    def __init__(self, path: str, function: str, timeout: float, memory: int) -> None:
        self.command = [sys.executable, "-I", "-B", "-c", _CHILD, path, function, str(memory)]
        self.path, self.timeout, self.files = path, timeout, ()
        self.child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> System:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts a child and waits until it has loaded the system; raises Unreadable if not."""
        self.child = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.replies: queue.Queue[bytes] = queue.Queue()
        reader = threading.Thread(target=_pump, args=(self.child.stdout, self.replies), daemon=True)
        reader.start()
        kind, value = self.reply(max(self.timeout, 30))
        if kind != "ready":
            self.stop()
            raise Unreadable(f"the system does not load: {value}", self.path, "run it by hand")
        self.files = tuple(value)

    def stop(self) -> None:
        """Ends the child, and what it started."""
        if self.child is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended already
            if hasattr(os, "killpg"):
                os.killpg(self.child.pid, signal.SIGKILL)  # it leads a group of its own
            else:
                self.child.kill()
        self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            with contextlib.suppress(OSError):  # what was still to be written has no reader
                pipe.close()  # type: ignore[union-attr]
        self.child = None

    def ask(self, value: Any) -> Answer:
        """The system's answer to one input; an error is an answer."""
        if self.child is None:
            self.start()
        child = self.child
        with contextlib.suppress(OSError):  # it has died: the reply says how
            child.stdin.write(canonical(value).encode("utf-8") + b"\n")  # type: ignore[union-attr]
            child.stdin.flush()  # type: ignore[union-attr]
        kind, found = self.reply(self.timeout)
        if kind == "output":
            return Answer(found)
        if kind != "error":
            self.stop()
        return Answer(MISSING, found)

    def reply(self, timeout: float) -> tuple[str, Any]:
        """The kind and value of the child's next reply."""
        try:
            line = self.replies.get(timeout=timeout)
        except queue.Empty:
            return "hang", f"TimeoutError: no answer in {timeout:g} s"
        if not line.endswith(b"\n"):
            status = self.child.wait() if len(line) < LINE_LIMIT else 0  # type: ignore[union-attr]
            why = f"ended with status {status}" if status else "gave too long an answer"
            return "crash", "Crash: the system " + why
        try:
            kind, value = next(iter(strict_json(line.decode("utf-8")).items()))
        except Unreadable as error:
            return "error", "ValueError: " + error.what
        return kind, value


def _pump(pipe: Any, replies: queue.Queue[bytes]) -> None:
    with contextlib.suppress(ValueError, OSError):  # the pipe is closed when the child is stopped
        for line in iter(lambda: pipe.readline(LINE_LIMIT), b""):
            replies.put(line)
    replies.put(b"")


def answered_again(runs: System, record: Record) -> bool:
    """Whether a system gives a record's output again, or fails in the same way."""
    return answers_alike(runs.ask(record.input), Answer(record.output, record.error))


def answers_alike(one: Answer, other: Answer) -> bool:
    """Whether two runs gave the same output, or failed with the same kind of error."""
    if one.error is None and other.error is None:
        return exact_match(one.output, other.output) or one.output is other.output
    kinds = [(answer.error or "").partition(":")[0] for answer in (one, other)]
    return kinds[0] == kinds[1]


# ---------------------------------------------------------------- the command


def file_digest(path: str) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def lines_of(done: Verification, verbose: bool) -> Iterator[str]:
    """What a verification says: a line for each section, the failures, and a verdict sentence."""
    for name, holds, words in done.sections:
        yield "{:<6}{:<10}{}".format("ok" if holds else "FAIL", name, words if holds else "")
        if name == "claims" and verbose and holds:
            for claim in done.predicate["claims"]:
                value = canonical(claim["value"])
                yield "        {} = {}  ({})".format(claim["id"], value, claim["rests_on"])
        failures = [one for one in done.failures if one.check == name]
        for one in failures[: None if verbose else 5]:
            expected = f"expected {one.expected}, " if one.expected else ""
            found = f"{expected}found {one.found}" if expected else one.found
            yield "        " + visible(f"{one.where}: {found}")
        if len(failures) > 5 and not verbose:
            yield f"        and {len(failures) - 5} more; -v shows them"
    basis = ", ".join(f"{n} {name}" for name, n in sorted(done.bases().items()))
    data = "counts" if done.counted else "data"
    failed = ", ".join(name for name, holds, _ in done.sections if not holds)
    yield {
        "holds": f"The receipt holds: every claim in REPORT.md follows from the {data} ({basis}).",
        "does-not-hold": f"The receipt does not hold: {failed}.",
        "cannot-check": f"The receipt cannot be checked: {failed}.",
    }[done.verdict]


def main(arguments: Sequence[str]) -> int:
    """Checks the receipt beside this file, or in the folder named; returns the exit code."""
    options = {one for one in arguments if one.startswith("-")}
    folders = [one for one in arguments if one not in options]
    if options - {"-v", "--rerun"} or len(folders) > 1:
        print("usage: python3 verify.py [-v] [--rerun] [FOLDER]", file=sys.stderr)
        return 2
    here = os.path.abspath(__file__)
    folder = folders[0] if folders else os.path.dirname(here)
    limit_time()
    done = Verification(folder, {file_digest(here): VERSION}, "--rerun" in options).run()
    for line in lines_of(done, "-v" in options):
        print(line)
    return {"holds": 0, "does-not-hold": 1, "cannot-check": 2}[done.verdict]


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except (Exception, OutOfTime) as problem:  # noqa: BLE001  a hostile receipt gets no traceback
        print(f"The receipt cannot be checked: {type(problem).__name__}: {problem}")
        sys.exit(2)
