"""`autopsy slices --table`, as far as it goes without the packages that it needs."""

from __future__ import annotations

import sys

import pytest

from .conftest import Call

URL = "duckdb:///data.db?table=runs"


def test_what_to_install_is_said_when_the_extra_is_missing(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ibis", None)
    said = call("slices", "--table", URL, "--split", "split", "--correct", "score")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "--table counts through Ibis, which is not installed. Install it with "
        "`pip install 'eval-autopsy[warehouse]'`, and run that `autopsy`.\n"
    )


@pytest.mark.parametrize(
    "more",
    [["data.csv"], ["--members"], ["--eval", "x.csv"], ["--output", "o"]],
)
def test_a_table_is_not_named_together_with_what_only_files_have(
    call: Call, more: list[str]
) -> None:
    said = call("slices", "--table", URL, "--split", "split", "--correct", "score", *more)
    assert (said.code, said.out) == (2, "")
    assert "only" in said.err
    assert "alone" in said.err


@pytest.mark.parametrize("missing", ["split", "correct"])
def test_the_columns_of_a_table_have_to_be_named(call: Call, missing: str) -> None:
    named = {"split": "a", "correct": "b"}
    del named[missing]
    words = [word for name, column in named.items() for word in (f"--{name}", column)]
    said = call("slices", "--table", URL, *words)
    assert said.code == 2
    assert said.err == (
        f"nothing says which column of the table is the {missing}. Name it with --{missing}.\n"
    )
