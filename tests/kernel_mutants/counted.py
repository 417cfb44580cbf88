"""Cubes, claims and findings for the expressions, made by the kernel that is tried."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

# Run in the namespace of a kernel, of which it uses Record, count_records and Page.
PRELUDE = """
def tiny(*rows):
    return [
        Record(split, str(n), "in", "want", MISSING, "Broken: x", levels, frozenset(found.split()))
        for n, (split, levels, found) in enumerate(rows)
    ]

RIGHT = "records counted right right_field:a"
SILENT = "records counted wrong silent well_formed missed:g"
LOUD = "records counted wrong loud caught:g only:g"
ROWS = (
    [("eval", ('"a"', "1"), RIGHT)] * 8 + [("eval", ('"a"', "2"), SILENT)] * 2
    + [("eval", ('"b"', "1"), RIGHT)] * 4 + [("eval", ('"only"', "2"), LOUD)] * 3
    + [("production", ('"a"', "1"), RIGHT)] * 5 + [("production", ('"a"', "2"), SILENT)] * 4
    + [("production", ('"b"', "2"), SILENT)] * 6 + [("production", ('"b"', "1"), RIGHT)] * 2
    + [("production", ('"new"', "1"), RIGHT)] * 7 + [("production", ('"new"', "null"), LOUD)]
    + [("production", ('"late"', "1"), "records unscored")]
    + [("eval", ('"b"', "1"), "records unscored")]
)
RECORDS = tiny(*ROWS)
CUBE = count_records(["x", "y"], RECORDS)
ALL_RIGHT = count_records(["x", "y"], tiny(*[one for one in ROWS if "right" in one[2]]))
NONE_COUNTED = count_records(["x", "y"], tiny(("eval", ('"a"', "1"), "records unscored")))
SAME = count_records(["x", "y"], tiny(*[
    (split, ('"a"', "1"), found) for split in SPLITS for found in (RIGHT, SILENT, SILENT)
]))
PAGE = Page({"claims": [], "findings": []}, RECORDS)
"""

WHERES: list[dict[str, Any]] = [{}, {"x": ["a"]}, {"x": ["b", "a"]}, {"y": [1]}, {"y": [None]}]
WHERES += [{"y": [2], "x": ["b"]}, {"x": ["only"]}, {"x": ["new"]}, {"x": ["late"]}]
BAD_WHERES: list[Any] = [
    {"x": []},
    {"x": ["a", "a"]},
    {"x": ["z"]},
    {"z": ["a"]},
    {"x": [1], "y": [1]},
]
ARGUMENTS: dict[str, list[Any]] = {
    "split": ["eval", "production"],
    "outcome": ["right", "silent", "caught:g", "right_field:a"],
    "of": ["counted", "wrong", "records"],
    "where": WHERES,
    "slices": [[WHERES[1]], [WHERES[2], WHERES[5]], WHERES[3:5], [WHERES[6]]],
    "by": [["x"], ["y"], ["y", "x"]],
    "part": ["uncovered", "rate", "mix", "eval_only"],
    "order": ["symmetric", "production", "eval"],
    "which": ["all", "all_right", "all_wrong", "unseen"],
    "share": ["0.5", "0.8", "1"],
    "limit": [1, 3],
}
BAD: dict[str, list[Any]] = {
    "split": ["test"],
    "outcome": ["good", "right:a", "caught", "false_alarm:", ":"],
    "of": ["all"],
    "where": BAD_WHERES,
    "slices": [[], [{}], [WHERES[1], {}], *([one] for one in BAD_WHERES)],
    "by": [[], ["x", "x"], ["z"]],
    "part": ["luck"],
    "order": ["none"],
    "which": ["some"],
    "share": ["2", "0", "0.00001", "1.0", "half"],
    "limit": [0, -1, 1000, 1001],
}
OPERATIONS: dict[str, tuple[str, ...]] = {
    "count": ("split", "outcome", "where"),
    "rate": ("split", "outcome", "of", "where"),
    "rate_within": ("split", "outcome", "of", "slices"),
    "rate_outside": ("split", "outcome", "of", "slices"),
    "interval": ("split", "outcome", "of", "where"),
    "difference": ("outcome", "of", "where"),
    "difference_interval": ("outcome", "of", "where"),
    "gap_part": ("part", "order", "by"),
    "gap_part_interval": ("part", "order", "by"),
    "contribution": ("where",),
    "contribution_interval": ("where",),
    "gap_share": ("where",),
    "eta_squared": ("split", "by"),
    "p_adjusted": ("where",),
    "unseen": ("by",),
    "unseen_anywhere": ("by",),
    "unseen_anywhere_interval": ("by",),
    "levels": ("split", "by", "which"),
    "smallest_set": ("by", "share"),
    "members": ("split", "outcome", "where", "limit"),
}


def claims() -> Iterator[tuple[str, dict[str, Any]]]:
    """Operations with arguments that are good, and then with one that is bad."""
    for op, names in OPERATIONS.items():
        good = list(itertools.product(*(ARGUMENTS[name] for name in names)))
        for chosen in good:
            yield op, dict(zip(names, chosen, strict=True))
        for name in names:
            for value in BAD[name]:
                yield op, {**dict(zip(names, good[0], strict=True)), name: value}


def expressions() -> Iterator[str]:
    """What claims derive to, are called and are shown as, each an expression."""
    for op, args in claims():
        yield f"derive({op!r}, {args!r}, CUBE)"
    for cube in ("ALL_RIGHT", "NONE_COUNTED", "SAME"):
        for op, names in OPERATIONS.items():
            args = {name: ARGUMENTS[name][0] for name in names}
            yield f"derive({op!r}, {args!r}, {cube})"
    for op, args in claims():
        claim = {"op": op, "args": args}
        yield f"(label({claim!r}), facets({claim!r}))"
        yield f"(spelled({op!r}, {args!r}), slice_of({args!r}))"
    yield "derive('rate', {}, CUBE)"
    yield "derive('median', {'where': {}}, CUBE)"
    yield "list(CUBE.members('eval', 'right', {'z': ['a']}))"
    yield "CUBE.slices(['z'], 'eval', 'right')"
    yield "[sorted(CUBE.slices(['x'], split, 'silent').items()) for split in SPLITS]"
    yield from _tables()
    yield from _findings()
    yield from _prose()
    for part in ("input", "expected", "output", "error"):
        yield f"PAGE.quote({{'quote': '3', 'split': 'eval', 'field': {part!r}}})"
    yield "PAGE.quote({'quote': '3', 'split': 'production', 'field': 'input'})"


RATE = {"op": "rate", "args": {"split": "eval", "outcome": "right", "of": "counted", "where": {}}}


def _rate(value: str, **args: Any) -> dict[str, Any]:
    return {"op": "rate", "args": {**RATE["args"], **args}, "value": value}  # type: ignore[dict-item]


def _tables() -> Iterator[str]:
    one, two = _rate("1/2"), _rate("3/4", split="production")
    a, b = _rate("1/2", where={"x": ["a|b"]}), _rate("2/2", where={"x": ["c"]})
    silent = _rate("0/2", outcome="silent", split="production")
    for rows in (
        [[(one, "of")]],
        [[(one, "of"), (one, "percent")]],
        [[(one, "of")], [(two, "of")]],
        [[(one, "of"), (two, "of")]],
        [[(a, "of"), (a, "percent")], [(b, "of"), (b, "percent")]],
        [[(a, "of"), (b, "of")]],
        [[(one, "of"), (silent, "of")], [(a, "of"), (b, "of")]],
        [[(one, "of")], [(one, "of"), (one, "percent")]],
        [[(one, "percent")], [(two, "percent")]],
    ):
        yield f"table({rows!r})"


def _findings() -> Iterator[str]:
    interval = {"outcome": "right", "of": "counted", "where": {}}
    rate = {"split": "production", "outcome": "silent", "of": "wrong", "where": {}}
    cited = (
        *(("difference_interval", interval, ends) for ends in (["0.1", "0.2"], ["-0.1", "0.2"])),
        *(("difference_interval", interval, ends) for ends in (["-0.2", "-0.1"], ["0", "0.2"])),
        ("difference_interval", {**interval, "of": "records"}, ["0.1", "0.2"]),
        *(("p_adjusted", {"where": {}}, p) for p in ("0.05", "0.0500001", "0.5", "0")),
        *(("rate", rate, value) for value in ("0/5", "1/5", "10/10")),
        *(("count", {**rate, "split": "eval"}, value) for value in ("0", "5")),
        *(("interval", rate, value) for value in ("0", "5")),
        *(("unseen", {"by": ["x"]}, value) for value in ("0/5", "5/5")),
    )
    for op, args, value in cited:
        claim = {"id": "c", "op": op, "args": args, "value": value}
        for kind in ("gap", "slice", "silent", "coverage", "cause", "note", "miracle"):
            yield f"measures({claim!r}, {kind!r})"
        for strength in ("measured", "inferred", "proven"):
            finding: dict[str, Any] = {"kind": "gap", "severity": "high", "strength": strength}
            finding.update(claims=["c"], text=[{"claim": "c", "as": "of"}])
            changes: tuple[dict[str, Any], ...] = (
                {},
                {"kind": "miracle"},
                {"severity": "odd"},
                {"claims": [], "text": ["fine"]},
                {"text": [{"claim": "c", "as": "of"}, {"finding": "f"}]},
                {"text": [{"claim": "c", "as": "of"}, {"table": [[["c", "of"]]]}]},
                {"claims": []},
            )
            for change in changes:
                yield f"unsupported({ {**finding, **change}!r}, {{'c': {claim!r}}})"


def _prose() -> Iterator[str]:
    names = {
        "e": {"id": "e", "op": "rate", "args": {"split": "eval"}},
        "p": {"id": "p", "op": "count", "args": {"split": "production"}},
        "u": {"id": "u", "op": "unseen", "args": {"by": ["x"]}},
        "m": {"id": "m", "op": "members", "args": {"split": "production"}},
        "d": {"id": "d", "op": "difference", "args": {}},
    }
    for name in (*names, "nobody"):
        for words in ("eval ", "Production: ", "eval\\n", "evaluation ", "eval, production ", ""):
            yield f"list(misnamed([{words!r}, {{'claim': {name!r}, 'as': 'of'}}], {names!r}))"
    hole = {"label": "x"}
    for before, after in itertools.product(("a ", "a", " -", " **", "-**", "\\n", " ("), repeat=2):
        yield f"list(numbers_in([{before!r}, {hole!r}, {after!r}]))"
    for pieces in (
        [hole, hole],
        [hole, "", hole],
        ["tw", "o"],
        [hole, " ", hole],
        ["a `b"],
        ["a_two"],
    ):
        yield f"list(numbers_in({pieces!r}))"
    for text in ("[a](b)", "[a][b]", "[a]: b", "```", "~~~", "`a`", "one", "fine", "x" * 90 + "7"):
        yield f"list(numbers_in([{text!r}]))"
