"""Expressions over the kernel's functions, for what no small receipt can hold.

The kernel's own value of each is what a mutant must give, too.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from . import counted
from .cases import PAIRS

_FRACTIONS: tuple[str, ...] = (
    "0",
    "1",
    "-1",
    "1/3",
    "2/3",
    "1/8",
    "3/8",
    "1/20000",
    "9999999/10000000",
    "-1/3",
)
_FRACTIONS += ("1/1000000", "-1/1000000", "5/1000", "15/1000", "12345/10000", "-12345/10000")
_ANSWERS: tuple[Any, ...] = (
    *("birch", "**Birch**.", "The final answer is: birch", "so, the label = cedar", "#### birch"),
    *("I think\nAnswer: birch", "```\nbirch\n```", "\\boxed{cedar} \\boxed{birch}", " ", 7, None),
    *("it is birch, I say", "it is not birch", "birch or cedar", "bir", "birchen", "a" * 401),
    *("7", "7 of 7", "7 of 8", "$7.00", "all 1,000.50 of it", "-7"),
    *('{"a": 1, "b": "x"}', 'See {"a": 1, "b": "X",} there', "{'a': 1, 'b': 'x'}"),
    *('```json\n{"a": 1, "b": "x"}\n```', '{"a": 1, "b": "x"', '{"a": 1, "b": "y"', '{"a": 12'),
    *("{'a': 1, 'b': '\\d'}", "{" * 101, "{'a': {1}}"),
)
_COUNTS = ((0, 0), (0, 5), (5, 5), (3, 7), (345, 400))
_TEXTS: tuple[str, ...] = (
    "",
    " ",
    "a",
    "`",
    "``a`",
    "a`b",
    " a",
    "a ",
    "|",
    "a\\nb",
    "a\\u200bb",
    "\\u00ad",
    "\\u202e",
)
_TEXTS += ("\\u00a0", "\\u2028", "\\ufe0f", "\\u3164", "\\x00", "é", "x" * 80, "x" * 81, "x" * 2001)
_TEXTS += ("x" * 2000, "\\ufe00", "ab`", "ab ", "  ")
_JSON: tuple[str, ...] = (
    '{"a": 1, "a": 2}',
    "NaN",
    "-Infinity",
    "1e500",
    "1e-500",
    "1e400",
    "1e401",
    '"\\\\ud800"',
)
_JSON += (
    "[" * 100 + "]" * 100,
    "[" * 101 + "]" * 101,
    '"' + "[" * 200 + '"',
    '["\\\\"[[", 1]',
    "1.0",
)
_JSON += ("1.50", "[1, 2]", "{", "[] []", "1" * 5000, '"\\\\u00e9"', "0.1" + "0" * 40 + "1", "1E3")
_JSON += ("[" + "[" * 99 + "]" * 99 + ", []]", '{"a":' * 101 + "1" + "}" * 101)
_JSON += ("1e99999999999999999999",)
_CSV: tuple[bytes, ...] = (
    b"a,b\n1,2\n",
    b"a,b\n1\n",
    b"a,a\n1,2\n",
    b"a,\n1,2\n",
    b'a,b\n"1,2\n',
    b"a,b\n\n1,2\n",
)
_CSV += (
    b'a,b\n"1\n2",3\n4,5\n',
    b'a,b\n"x"y,2\n',
    b"",
    b"a\r\n1\r\n",
    b"\xef\xbb\xbfa\n1\n",
)
_LINES: tuple[bytes, ...] = (
    b'{"a": 1}\n\n{"a": 2}',
    b"[1]\n",
    b"null\n",
    b'"a"\n',
    b"\xff\n",
    b"\x00\n",
    b'{"a":\n1}',
)
_CSV += (b"a\n\x00\n", b'"a"x\n', b"a\n" + b"x" * 200_000 + b"\n")
_LINES += (b"\xef\xbb\xbf{}\n", b"{}\n\xef\xbb\xbf{}\n", b"7\n", b"true\n")
_VALUES: tuple[str, ...] = (
    "MISSING",
    "None",
    "''",
    "' '",
    "0",
    "False",
    "[]",
    "[0]",
    "['']",
    "{}",
    "{'a': ''}",
    "{'a': 1}",
)
_VALUES += (
    "[[1], {'a': None}]",
    "Decimal('0.50')",
    "Decimal('1E+3')",
    "Decimal('5.00')",
    "'x'",
    "True",
)


_READ = (  # what the features read; each line is one text
    "",
    " \n ",
    "Vendor: A\nClient: B\nTotal: $1,234.50",
    "Total -> 5; Client => C;  Vendor | D",
    "Dear all,\n\nVendor - A\n  Client\tB  \n",
    "a=1, b=2",
    "a: 1   b: 2\nc: 3",
    "https://example.org is no label",
    "hello there!; a: 1, b: 2",
    "a: 1; b:",
    "On 2024-05-06, 6/5/24, 6.5.2024 and 5 May 2024",
    "2024-05-06",
    "6/5/24",
    "6.5.2024",
    "5th Sept. 24",
    "1,234.5",
    "1.234,5",
    "1 234,5",
    "1234.5",
    "1.2.3",
    "UPPER CASE",
    "lower case",
    "Mixed Case",
    "42",
    "straße ελλάδα",
    "Привет",
    "漢字かな",
    "한글",
    "עברית العربية हिन्दी ไทย",
    "€5 and 5 USD",
    "5 CHF",
    "tab\there",
    "two  spaces",
    "\x07 bell",
    "zero\u200bwidth",
    "\ufffd",
    "Ã\x89 and â€",
    '{"b": 1, "a": 2}',
    "[1, 2]",
    "{broken",
    "```code```",
    "| a | b |",
    "<b>bold</b>",
    "Who? What? Why\uff1f",
    "I'm sorry, but as an AI I cannot",
    "Sorry for that",
    "it ends (here",
    "it ends...",
    "it ends, ",
    "It ends. The rest of this was lost in the ven",
    "It ends. The rest of this was lost. ",
    "It ends. Of this",
    "one two three four five",
    "It ends\nthe rest was in the ven",
    "ends in a hyphen-",
    "ends in a slash\\",
    "ends in dots\u2026",
    '[1, {"a": [2]}]',
    "[]",
    "{}",
    '[{"b": 1}, {"a": 2}]',
    '[{"b": 1}, 2]',
    "[[[[[[[1]]]]]]]",
    "the client of the house",
    "der die und das",
    "the the the der der",
    "the the the the der der",
    "the the",
    "the the der der",
    "the " * 10 + "der " * 7,
    "It ends. one two thr",
    "It ends. one two three fou",
    "It ends. one two three f",
    "the",
    "5% and 5 %",
    "5 %",
    "5 percent",
    "&amp; and \\u00e9",
    "I am unable to",
    "def f(x):",
    "see www.example.org",
    "a\t\t",
    "```open",
    "x" * 15,
    "x" * 16,
    "x" * 70000,
    *("\n".join("x" * n) for n in (4, 5, 6, 7, 8, 9, 12, 50, 51)),
)


_SPELLED = (  # what a band may be asked for
    *("'0.5'", "'.5'", "'5.'", "' 1e3 '", "'-1'", "'+1'", "'1e1000'", "''", "'x'", "'9' * 99"),
    *("'9' * 100", "None", "True", "[1]", "MISSING", "5", "0", "-7", "Decimal('0.5')", "'1_0'"),
)
_SAID = (  # and a part of a time
    *("'2024-05-06T23:30:00Z'", "'2024-05-06T23:30:59.5-02:00'", "'2024-05-06 01:30+0530'"),
    *("'2024-05-06'", "' 2024-05-12t10:00z '", "'2024-02-30'", "'0001-01-01T00:00+01:00'"),
    *("'2024-05-06T24:00'", "10**8", "10**8 - 1", "10**11 - 1", "10**11", "10**14 - 1", "10**14"),
    *("1714950000", "'1714950000123'", "Decimal('1714950000.5')", "True", "None", "'x'", "[1]"),
)
_SMALL = (  # evidence of a single record
    "{'guards': [], 'outputs': None, 'verdicts': None, 'fields': {'id': 'id'}, 'attributes': [], "
    "'output_format': 'value', 'audit': None, 'errors': 'wrong', "
    "'scorer': {'rule': 'exact_match', 'fields': []}, "
    "'sources': [{'file': 'f', 'layout': 'jsonl', 'split': 'eval'}]}"
)
_UNITS = ("hour", "weekday", "day", "week", "month")


def _rows(raws: tuple[Any, ...], layout: str) -> list[str]:
    return [f"list(read_rows(io.BytesIO({raw!r}), 'f', {layout!r}))" for raw in raws]


_SCORERS: tuple[str, ...] = (
    "{'rule': 'exact_match', 'fields': []}",
    "{'rule': 'normalized', 'fields': ['a', 'b.c']}",
)
_SCORERS += ("{'rule': 'numeric', 'fields': [], 'absolute': '0.5', 'relative': '0'}",)
_GUARDED: tuple[str, ...] = (
    "MISSING",
    "None",
    "''",
    "'x'",
    "{'a': ''}",
    "{'a': 'x', 'b': 'y'}",
    "[1]",
    "{'a': 'x', 'b': ''}",
)
_GUARDS = ("'no_exception'", "'parses'", "'not_blank'", "'matches'")


def _pairs(function: str, rest: str = "") -> list[str]:
    return [f"{function}(*strict_json({json.dumps(pair)!r}){rest})" for pair in PAIRS]


_COMPARED: dict[str, tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]]] = {
    "some shared": (  # right of counted, on eval and in production
        {"a": (18, 20), "b": (24, 30), "c": (50, 50), "z": (10, 25)},
        {"a": (28, 40), "b": (10, 20), "c": (40, 40), "d": (3, 15), "e": (9, 10), "f": (0, 5)},
    ),
    "all shared": ({"a": (7, 9), "b": (2, 3)}, {"a": (5, 9), "b": (2, 9)}),
    "the mix alone": ({"a": (30, 40), "b": (9, 10)}, {"a": (3, 4), "b": (36, 40)}),
    "eval has more": ({"a": (7, 9), "b": (2, 3)}, {"a": (5, 9)}),
    "none shared": ({"a": (7, 9)}, {"b": (2, 9), "c": (1, 1), "d": (0, 1)}),
    "all once": ({"a": (7, 9)}, {"b": (1, 1), "c": (0, 1)}),
    "twice": ({"a": (7, 9)}, {"b": (1, 1), "c": (1, 2), "d": (1, 2), "e": (0, 5), "f": (0, 1)}),
    "shared, few": (
        {"a": (1, 1), "e": (1, 1)},
        {"a": (1, 1), "e": (2, 2), "b": (1, 1), "c": (0, 3)},
    ),
    "nearly all once": ({"a": (7, 9)}, {"b": (1, 1), "c": (1, 1), "d": (0, 1), "e": (1, 2)}),
    "no eval": ({}, {"a": (7, 9)}),
}


def _cube(name: str) -> str:
    """The source of a cube by "s"."""
    cells = {
        (split, (f'"{level}"',)): {"counted": n, "right": k}
        for split, slices in zip(("eval", "production"), _COMPARED[name], strict=True)
        for level, (k, n) in slices.items()
    }
    return f"Cube(['s'], {cells!r}, None)"


_TASKS = [  # split, id, input, and what is right of it
    *(("eval", f"t{n}", n, n % 3 > 0) for n in range(7)),
    *(("production", f"t{n}", n if n != 4 else "other", n % 2 > 0) for n in range(2, 9)),
    *(("eval", "u", 1, None), ("production", "u", 1, True), ("production", "v", 1, False)),
]
_CUBES = [_cube(name) for name in _COMPARED]
_ORDERS = ("symmetric", "production", "eval")

_EVIDENCE = (
    "{'scorer': {'rule': 'exact_match', 'fields': []}, 'errors': 'ERRORS', "
    "'guards': [{'name': 'g', 'rule': 'not_blank', 'fields': []}, "
    "{'name': 's', 'rule': 'stored'}]}"
)

_PARTS: tuple[str, ...] = ("case", "scorer", "system", "fields", "guards", "features", "attributes")
_PARTS += ("command", "sources", "envelope")
_DESCRIBED: dict[str, Any] = {
    "case": "a-case",
    "evidence": {
        "scorer": {
            "name": "numeric",
            "rule": "numeric",
            "fields": ["a"],
            "absolute": "1",
            "relative": "0",
        },
        "guards": [],
        "system": None,
        "fields": {"id": "n", "input": "q"},
        "attributes": ["x", {"feature": "length", "of": "input", "kept": []}],
        "sources": [{"file": "../../data.csv"}, {"file": "records-1.jsonl"}],
    },
    "envelope": {"b": "1|2", "a": "x"},
}

EXPRESSIONS = [
    f"pairs_of({_TASKS!r})",
    "pairs_of([('eval', 'a', MISSING, True), ('production', 'a', MISSING, True)])",
    *(
        f"(lambda cube: (setattr(cube, 'pairs', {pairs}), derive({op!r}, {args}, cube))[1])"
        f"({_cube('all shared')})"
        for pairs in ((36, 12, 2, 5), (0, 0, 0, 0))
        for op, args in (
            *(("paired", {"of_tasks": one}) for one in ("before", "after", "broken", "mended")),
            *((op, {}) for op in ("paired_difference", "paired_interval", "p_paired")),
        )
    ),
    *counted.expressions(),
    *(f"DESCRIPTIONS[{name!r}]({_DESCRIBED!r})" for name in _PARTS),
    *(
        f"answers_alike(Answer({a}), Answer({b}))"
        for a in ("1", "MISSING", "MISSING, 'Broken: x'", "MISSING, 'Odd: x'", "None")
        for b in ("1.0", "2", "MISSING", "MISSING, 'Broken: y'", "1, 'Odd: x'")
    ),
    *(
        f"sorted(outcomes({_EVIDENCE.replace('ERRORS', errors)}, {output}, {expected}, {error}, "
        f"None, {{'guards': {{'s': {stored}}}}}))"
        for errors in ("wrong", "apart")
        for output in ("MISSING", "'x'", "''", "{'a': 'x'}", "{'a': 'x', 'b': 'y'}")
        for expected in ("MISSING", "'x'", "{'a': 'x', 'b': 'x'}")
        for error in ("None", "'Broken: x'")
        for stored in ("True", "False", "None")
    ),
    *(
        f"[(r.line, len(str(r.fields))) for r in read_rows(io.BytesIO({raw}), 'f', '{layout}')]"
        for raw, layout in (
            ("b'{}' + b' ' * (LINE_LIMIT - 2)", "jsonl"),
            ("b'{}' + b' ' * (LINE_LIMIT - 1)", "jsonl"),
        )
    ),
    "mover(0.25, [(1, 3, 10), (-0.5, 4, 5), (0, 1, 2)], 0.01)",
    *("mover(0.9, [(1, 9, 10)], 1.0)", "mover(-0.9, [(1, 9, 10)], 1.0)", "mover(0.1, [])"),
    *(f"sides_of({cube}, ['s'])" for cube in _CUBES),
    *(
        f"{function}({cube}, {part!r}, {order!r}, ['s'])"
        for function in ("gap_part_interval", "_gap_part")
        for cube in _CUBES
        for part in ("uncovered", "rate", "mix", "eval_only")
        for order in _ORDERS
    ),
    *(
        f"sorted(slice_parts(sides_of({cube}, ['s']), {order!r}).items())"
        for cube in _CUBES
        for order in _ORDERS
    ),
    *(f"gap_parts({cube}, ['s'], 'symmetric')" for cube in _CUBES),
    *(
        f"split_interval(sides_of({_CUBES[0]}, ['s']), {part!r}, {order!r}, {some!r})"
        for part in ("rate", "mix")
        for order in _ORDERS
        for some in ([('"a"',)], [('"c"',)], [('"a"',), ('"b"',)])
    ),
    *(
        f"{function}({cube}, {where})"
        for function in ("contribution", "contribution_interval")
        for cube in _CUBES
        for where in ("{}", "{'s': ['a']}", "{'s': ['b', 'd']}", "{'s': ['z']}")
    ),
    *(
        f"{function}({cube}, ['s'])"
        for function in ("unseen_anywhere", "unseen_anywhere_interval")
        for cube in _CUBES
    ),
    *_pairs("exact_match"),
    *_pairs("normalized"),
    *_pairs("numeric", ", Decimal('0.5'), Decimal('0.001')"),
    *(one for scorer in _SCORERS for one in _pairs(f"(lambda a, b: right_fields({scorer}, a, b))")),
    *(
        f"amount('{text}')"
        for text in (
            "9" * 99,
            "9" * 100,
            "9" * 101,
            "-$-5",
            "-$5",
            "$+5",
            "(5",
            "5)",
            "(50",
            "50)",
            "(57)",
        )
    ),
    *(
        f"amount('{text}')"
        for text in (
            "1.234",
            "1,234",
            "1 234",
            "12.34.56",
            "1.234.56",
            "1,234,56",
            "1.234.567,8",
            "$5 USD",
            "((5))",
        )
    ),
    *(
        f"lets_through({{'rule': {rule}, {which}: 'x'}}}}, {value}, {error})"
        for rule in _GUARDS
        for which in (
            "'fields': [], 'patterns': {''",
            "'fields': ['b', 'a'], 'patterns': {'a'",
            "'fields': ['a'], 'patterns': {'b': '.*', 'a'",
        )
        for value in (*_GUARDED, "_Unparsed('x')")
        for error in ("None", "'Broken: x'")
    ),
    *(f"{{name: FEATURES[name]({text!r}) for name in FEATURES}}" for text in _READ),
    *(f"_labelled({text!r})" for text in _READ[2:8]),
    *(f"labelled({text!r})" for text in (*_READ[2:8], "a: 1; b: 2", "a: 1\na: 2", "A  b -> x", 7)),
    *(f"form_of({value})" for value in ("'$5'", "7", "'A5-b'", "' words '", "['a', 1]")),
    *(
        f"reading({output!r}, {expected}, ['birch', 'cedar'])"
        for expected in ("'birch'", "7", "{'a': 1, 'b': 'x'}", "True", "''", "'$1,000.50'")
        for output in _ANSWERS
    ),
    *(
        f"alike({one}, {other})"
        for one in ("'A  b'", "'$1,000.5'", "{'a': 'X'}", "MISSING")
        for other in ("'a b'", "'1000.50'", "{'a': 'x'}", "{}", "MISSING", "'1000.51'")
    ),
    *(f"_band({n}, ({ends}))" for n in (0, 1, 2, 3, 7, 1000) for ends in ("0, 1, 2", "0, 5, 1000")),
    *("featured('length', MISSING)", "featured('length', ['a'])", "featured('vibes', 'a')"),
    *(
        f"attribute_name({one})"
        for one in (
            *("'a'", "'length(input)'", "'a@hour'", "{'feature': 'f', 'of': 'o'}"),
            *("{'feature': 'f', 'of': 'input'}", "{'stored': 'length', 'of': 'input'}"),
            *("{'stored': 'topic', 'of': 'input'}", "{'field': 'a@day', 'kept': []}"),
            *("{'field': 'a', 'edges': []}", "{'field': 'a', 'edges': ['1', '1.0']}"),
            *("{'field': 'a', 'edges': ['-1', '0.5', '2', '7', '1000', '2000']}",),
            *("{'field': 'a', 'edges': ['2', '1']}", "{'field': 'a', 'edges': ['1', '2']}"),
            *("{'field': 'a', 'time': 'day'}", "{'field': 'a', 'kept': []}"),
        )
    ),
    *(f"number_in({one})" for one in _SPELLED),
    *(
        f"band_of({one}, {edges})"
        for one in _SPELLED
        for edges in ("['0.5']", "['-1', '0.5', '5']")
    ),
    *(f"part_of_time({one}, '{unit}')" for one in _SAID for unit in _UNITS),
    *(f"moment({one})" for one in _SAID),
    *(
        f"level_of({attribute}, {fields}, {{'input': 'abc'}}, {{'topic(input)': 'x'}})"
        for fields in ("{}", "{'a': 5}", "{'a': 1714950000}", "{'a': 'x'}")
        for attribute in (
            *("'a'", "{'field': 'a', 'kept': []}", "{'field': 'a', 'kept': ['x']}"),
            *("{'field': 'a', 'edges': ['1']}", "{'field': 'a', 'time': 'day'}"),
            *("{'stored': 'topic', 'of': 'input', 'kept': []}",),
            *("{'stored': 'topic', 'of': 'input', 'kept': ['y']}",),
            *("{'stored': 'mood', 'of': 'input', 'kept': []}",),
        )
    ),
    *(
        f"slice_text({{'{name}(input)': {levels}}})"
        for name in ("length", "preamble", "field_order", "refusal", "topic", "currency")
        for levels in (
            *("[0]", "['0']", "[True]", "['a', 0, 'b']", "[{'missing': True}, 'a']"),
            *("[{'other': True}]", "['no labelled fields', 'a']", "['neither']"),
        )
    ),
    "slice_text({'a': [{'band': '1 or more'}], 'b@hour': [{'band': '1'}, {'missing': True}]})",
    *(
        f"rests_on('{op}', {args}, {{'attributes': ['a', {{'stored': 't', 'of': 'input'}}], "
        "'guards': [], 'converted': [], 'system': None, 'cube': None, "
        "'scorer': {'rule': 'exact_match'}})"
        for op in ("count", "p_adjusted")
        for args in (
            *("{}", "{'where': {'a': [1]}}", "{'where': {'t(input)': [1]}}", "{'by': ['a']}"),
            *("{'by': ['t(input)']}", "{'slices': [{'a': [1]}, {'t(input)': [1]}]}"),
        )
    ),
    *(
        f"rests_on('count', {{'by': ['{name}']}}, {{'attributes': ['stored', {{'field': 'f'}}], "
        "'guards': [], 'converted': [], 'system': None, 'cube': None, "
        "'scorer': {'rule': 'exact_match'}})"
        for name in ("stored", "f")
    ),
    *(
        f"load_records({_SMALL}, lambda name: io.BytesIO(b'{{\"id\": {identity}}}'))"
        for identity in ('""', '"a"', "5", "0", "true", "null", "1.5")
    ),
    *(f"code('{'x' * n}')" for n in (79, 80, 81, 1500)),
    *(
        f"attribute_words('{one}')"
        for one in ("a", "length(input)", "vibes(input)", "length(id)", "a@hour", "a@b@day", "@day")
    ),
    *(
        f"level_of({{'feature': 'length', 'of': 'a', 'kept': {kept}}}, {{}}, {{'a': 'abc'}})"
        for kept in ("[]", "['2 to 15']", "['1']")
    ),
    *(f"{name}(Fraction('{one}'))" for one in _FRACTIONS for name in ("percent", "_points")),
    *(f"decimal_text(Fraction('{one}'), {n})" for one in _FRACTIONS for n in (0, 1, 2, 4)),
    *(f"_fraction_text('{one}', '{form}')" for one in _FRACTIONS for form in ("change", "points")),
    *(f"_p_text('{one}', 'p')" for one in ("0", "1e-5", "0.0001", "0.00005", "0.05", "0.12345")),
    *(f"wilson({k}, {n})" for k, n in _COUNTS),
    *(f"newcombe({k}, {n}, {j}, {m})" for k, n in _COUNTS[1:] for j, m in _COUNTS[1:]),
    *(f"fisher({a}, {b}, {c}, {d})" for a, b, c, d in ((0, 5, 5, 0), (3, 1, 2, 6), (0, 0, 3, 4))),
    *(f"fisher({a}, 7 - {a}, 5, 6)" for a in range(8)),
    *("holm([0.01, 0.04, 0.03])", "holm([])", "holm([0.9, 0.9, 0.001])", "ratio(0, 0)"),
    *(f"{name}('{text}')" for text in _TEXTS for name in ("code", "block", "visible")),
    *(f"row_of(['{text}', 'b'])" for text in ("a", "|", "a|b")),
    *(f"canonical(strict_json('{text}'))" for text in _JSON),
    *("canonical(Decimal('-0.0'))", "canonical({'b': 1, 'a': [True, None]})", "canonical('é')"),
    *_rows(_CSV, "csv"),
    *_rows(_LINES, "jsonl"),
    *_rows((b'[{"a": 1}]', b'{"a": 1}', b"[1]", b"\xef\xbb\xbf[]", b"[{}, 1]"), "json"),
    *(
        f"{name}({value})"
        for value in _VALUES
        for name in ("not_blank", "level", "parsed", "amount")
    ),
    *(f"exact_match({a}, {b})" for a in _VALUES for b in ("MISSING", "0", "'x'", "[]")),
    *(
        f"recorded_score({v}, 'f')"
        for v in ("MISSING", "None", "''", "'x'", "'TRUE'", "' 0 '", "1", "2")
    ),
    *(f"recorded_score({v}, 'f')" for v in ("True", "False", "0", "'1.0'", "Decimal('0.0')")),
    *(f"matches({v}, '[0-9x]*')" for v in _VALUES),
    *(
        f"field({{'a.b': 1, 'a': {{'b': 2, 'c': {{'d': 3}}}}}}, '{n}')"
        for n in ("a.b", "a.c.d", "a.x", "x.y")
    ),
    *("field({'a': 1}, 'a.b')", "field({'a': None}, 'a')", "real(0.1234567890123456)"),
    *(
        f"agrees('interval', {a}, ['0.1', '0.2'])"
        for a in ("['0.1', '0.2']", "['0.1']", "[]", "'x'")
    ),
    *(
        f"agrees('interval', ['0.1', '{b}'], ['0.1', '0.2'])"
        for b in ("0.2000000009", "0.200000002")
    ),
    *(f"agrees('real', '{a}', '0.001')" for a in ("0.001", "0.0010000009", "0.001000002", "0")),
    *("agrees('real', '0', '0')", "agrees('real', 5, '0.001')", "agrees('count', '1', '1')"),
    *("_slices_text([], 'list')", "_slices_text([{'a': ['x']}] * 13, 'list')", "block('a|b')"),
    *(
        "_slices_text([{'a': ['x']}] * 12, 'list')",
        "_slices_text([{'a': [1], 'b': [True]}], 'list')",
    ),
    *(
        f"level_text({v})"
        for v in ("'x'", "' '", "None", "1", "{'missing': True}", "{'json': '[1]'}")
    ),
    *(f"slice_text({{'a': {v}}})" for v in ("['x']", "['x', 'y']", "['x', 'y', 'z']")),
    *(
        "slice_text({'b': ['x'], 'a': ['y']}, named=False)",
        "slice_of({})",
        "slice_of({'by': ['a', 'b']})",
    ),
    *(
        "slice_of({'where': {}})",
        "slice_of({'where': {'a': ['x']}})",
        "forms_of('rate.x.y')",
        "forms_of('unseen')",
    ),
    *(
        f"_rate_text('{v}', '{f}')"
        for v in ("0/0", "0/5", "1000/2000", "5/5")
        for f in ("of", "percent")
    ),
    *(f"_interval_text(['0', '1'], '{f}')" for f in ("percent", "points")),
    *(
        f"list(numbers_in({v}))"
        for v in ("[]", "['fine']", "['7']", "['half']", "['a ', {'label': 'x'}, ' b']")
    ),
    *(f"list(numbers_in(['a', {{'label': 'x'}}, {v!r}]))" for v in ("b", ".", " ", "")),
    *(
        f"list(numbers_in([{v!r}, {{'table': []}}, {w!r}]))"
        for v in ("\n", "a")
        for w in ("\n", "a")
    ),
    *(
        f"misplaced({{'a': {v}, 'b': 2}}, {{'a': 1, 'b': 2, 'c': 3}})"
        for v in ("1", "2", "3", "4", "None")
    ),
    *(
        "misplaced({'a': 1, 'b': 1}, {'a': 1, 'b': 1})",
        "misplaced({'a': 1}, {'a': 2, 'b': 1})",
        "misplaced(1, {})",
        "misplaced({}, 1)",
        "misplaced({'a': ''}, {'a': 1, 'b': ''})",
        "misplaced({'x': 1}, {'a': 1})",
    ),
    *(
        "conforms(True, int, 'w')",
        "conforms(1, bool, 'w')",
        "conforms(1, (str, None), 'w')",
        "conforms([], [int], 'w')",
    ),
    *(
        "conforms({'a': 1}, {'a': int, 'b': int}, 'w')",
        "conforms({'a': 1}, {'*': int}, 'w')",
        "conforms([1], {}, 'w')",
    ),
    *(
        "conforms('x', re.compile('y'), 'w')",
        "conforms('xy', re.compile('x'), 'w')",
        "conforms(1, frozenset({'1'}), 'w')",
    ),
]


def values_of(namespace: dict[str, Any]) -> Iterator[str]:
    """What each expression comes to in a module: a value, or the kind and place of an error."""
    csv.field_size_limit(131_072)  # the one thing that a kernel sets for the whole process
    try:
        exec(counted.PRELUDE, namespace)
    except Exception as error:  # noqa: BLE001  a mutant may do anything
        yield f"{type(error).__name__} on the way"
        return
    yield "no error on the way"
    for expression in EXPRESSIONS:
        yield _value(expression, namespace)


def _value(expression: str, namespace: dict[str, Any]) -> str:
    try:
        return repr(eval(expression, namespace))
    except Exception as error:  # noqa: BLE001  a mutant may do anything
        return f"{type(error).__name__} {getattr(error, 'where', '')}"
