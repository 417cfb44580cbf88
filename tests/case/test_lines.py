"""The line of a key is where the file gives it its value."""

from __future__ import annotations

import pytest

from eval_autopsy.case.lines import line_of

TEXT = '''\
# a comment
name = "x"

[data]
eval = [
    "a.jsonl",
    "b.jsonl",
]
splits = { eval = "dev", production = "prod" }

[fields]
note = """
seed = 7
"""
"odd key" = 1
deep.er = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("data",), 4),
        (("data", "eval"), 5),
        (("data", "splits"), 9),
        (("data", "splits", "production"), 9),
        (("fields",), 11),
        (("fields", "note"), 12),
        (("fields", "odd key"), 15),
        (("fields", "deep", "er"), 16),
    ],
)
def test_a_key_is_found_on_the_line_where_its_statement_begins(
    path: tuple[str, ...], line: int
) -> None:
    assert line_of(TEXT, path) == line


@pytest.mark.parametrize("path", [("seed",), ("fields", "seed"), ("name", "x"), ("nowhere",)])
def test_what_only_looks_like_a_key_has_no_line(path: tuple[str, ...]) -> None:
    assert line_of(TEXT, path) is None
