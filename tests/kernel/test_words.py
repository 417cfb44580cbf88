"""Numbers in words: never rounded twice, never more than they are, never without a claim."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from html import unescape
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from eval_autopsy import kernel

# ---------------------------------------------------------------- decimals


def quantized(k: int, n: int, places: int) -> Decimal:
    """k / n rounded half to even by decimal, from more digits than a tie can need."""
    with localcontext(prec=60):
        return (Decimal(k) / Decimal(n)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


@pytest.mark.parametrize("places", [0, 1, 2, 4])
def test_decimals_are_rounded_half_to_even_for_all_rates_to_300(places: int) -> None:
    for n in range(1, 301):
        for k in range(n + 1):
            text = kernel.decimal_text(Fraction(k, n), places)
            assert Decimal(text) == quantized(k, n, places), (k, n)
            assert "." not in text or not text.endswith(("0", ".")), (k, n)


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6), st.integers(0, 8))
@example(-1, 8, 2)
@example(-1, 1000, 2)
@example(25, 10, 0)
def test_decimals_of_any_fraction_are_rounded_half_to_even(k: int, n: int, places: int) -> None:
    text = kernel.decimal_text(Fraction(k, n), places)
    assert Decimal(text) == quantized(k, n, places)
    assert text != "-0"


@given(st.fractions(0, 1))
@example(Fraction(99_995, 100_000))
@example(Fraction(99_999_999, 100_000_000))
@example(Fraction(1, 100_000_000))
@example(Fraction(1, 20_000))
def test_what_is_not_0_or_1_never_reads_as_if_it_were(value: Fraction) -> None:
    text = kernel.percent(value)
    assert (text == "0%") == (value == 0)
    assert (text == "100%") == (value == 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(345, 400), "86.25%"),
        (Fraction(1, 3), "33.33%"),
        (Fraction(1, 20_000), "under 0.01%"),
        (Fraction(3, 20_000), "0.02%"),
        (Fraction(19_999, 20_000), "over 99.99%"),
        (Fraction(0), "0%"),
        (Fraction(1), "100%"),
        (Fraction(-11, 80), "-13.75%"),
        (Fraction(3, 2), "150%"),
    ],
)
def test_a_fraction_in_per_cent(value: Fraction, text: str) -> None:
    assert kernel.percent(value) == text


def claim(op: str, value: object) -> dict[str, object]:
    return {"id": op, "op": op, "args": {}, "value": value}


@pytest.mark.parametrize(
    ("op", "value", "form", "text"),
    [
        ("count", "1234567", "count", "1,234,567"),
        ("rate", "345/400", "of", "345 of 400"),
        ("rate", "345/400", "percent", "86.25%"),
        ("rate", "1000/20000", "of", "1,000 of 20,000"),
        ("rate", "0/0", "percent", "no records"),
        ("rate", "0/0", "of", "no records"),
        ("difference", "-11/80", "change", "a fall of 13.75 points"),
        ("difference", "11/80", "change", "a rise of 13.75 points"),
        ("difference", "0", "change", "no change"),
        ("difference", "-11/80", "points", "-13.75"),
        ("difference", "1/100000", "change", "a rise of under 0.01 points"),
        ("difference", "-1/100000", "change", "a fall of under 0.01 points"),
        ("contribution", "-1/100000", "points", "over -0.01"),
        ("contribution", "1/100000", "points", "under 0.01"),
        ("contribution", "0", "points", "0"),
        ("contribution", "-1/20000", "points", "over -0.01"),
        ("contribution", "-3/20000", "points", "-0.02"),
        ("gap_share", "18/11", "percent", "163.64%"),
        ("interval", ["0.825288073342", "0.892815513265"], "percent", "[82.53%, 89.28%]"),
        ("difference_interval", ["-0.174711926658", "-0.1057"], "points", "[-17.47, -10.57]"),
        ("p_adjusted", "0.0123456", "p", "0.0123"),
        ("p_adjusted", "1e-53", "p", "under 0.0001"),
        ("p_adjusted", "0.0001", "p", "0.0001"),
        ("p_adjusted", "1", "p", "1"),
        ("members", [], "list", "no records"),
        ("members", ["p-1", "a`b"], "list", "`p-1`, ``a`b``"),
        ("levels", [], "list", "no slices"),
        ("levels", [{"s": ["x"]}, {"s": [{"missing": True}]}], "list", "`x`, missing"),
        ("levels", [{"s": ["x"], "t": [1]}], "list", "`s` is `x` and `t` is `1`"),
    ],
)
def test_a_value_is_shown_as(op: str, value: object, form: str, text: str) -> None:
    assert kernel.formatted(claim(op, value), form) == text


@pytest.mark.parametrize(("op", "form"), [("count", "percent"), ("rate", "p"), ("rate", "list")])
def test_a_form_that_a_value_does_not_have_is_refused(op: str, form: str) -> None:
    with pytest.raises(kernel.Unreadable, match="cannot be shown as"):
        kernel.formatted(claim(op, "1"), form)


# ---------------------------------------------------------------- no number without a claim

NUMERALS = [
    chr(i) for i in range(sys.maxunicode + 1) if unicodedata.numeric(chr(i), None) is not None
]


def test_a_character_with_a_numeric_value_is_refused_in_every_script() -> None:
    assert len(NUMERALS) > 1800
    let_by = [char for char in NUMERALS if not list(kernel.numbers_in([f"of {char} records"]))]
    assert let_by == []


# ---------------------------------------------------------------- quoted data


MARKDOWN = MarkdownIt("commonmark").enable("table")
HEAD = "| a | b |\n| --- | --- |\n"


def corpus() -> list[str]:
    """Strings that break things: the naughty ones where the corpora are, and some everywhere."""
    ours = ["", "`", "``", "a`", "`a", " a ", "  ", "|", "\\|", "\\", "a|b`|`c", "<b>", "&amp;"]
    ours += [
        "```\n# no\n```",
        "~~~",
        "a\nb",
        "\r",
        "\t",
        "![](x)",
        "a\\",
        "$1$",
        "\u202e",
        "\u200b",
    ]
    folder = os.environ.get("AUTOPSY_CORPORA")
    if folder:
        (path,) = Path(folder, "blns").rglob("blns.json")
        ours += json.loads(path.read_text(encoding="utf-8"))
    return [text.encode("utf-8", "replace").decode("utf-8") for text in ours]


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)
SHARP = st.text("`|\\ <>*_[]()!#~\n\ta&;-$\"'", max_size=30)


def codes_in(markdown: str) -> list[str]:
    """The texts of the code elements of rendered Markdown, and nothing but them may be markup."""
    html = MARKDOWN.render(markdown)
    rest = re.sub(r"<code[^>]*>.*?</code>", "", html, flags=re.DOTALL)
    tags = set(re.findall(r"</?([a-z0-9]+)", rest))
    assert tags <= {"p", "table", "thead", "tbody", "tr", "th", "td", "pre"}, html
    return [unescape(one) for one in re.findall(r"<code[^>]*>(.*?)</code>", html, re.DOTALL)]


def cut(text: str, limit: int) -> str:
    """A text as long as a quotation may be."""
    return text if len(text) <= limit else text[:limit] + "…"


def check_code(text: str) -> None:
    """A text in a code span is one code element that shows it, in a sentence and in a table."""
    wanted = kernel.visible(cut(text, 80))
    row = kernel.row_of([kernel.code(text), "x"])
    assert MARKDOWN.render(f"{HEAD}{row}").count("<td") == 2
    for page in (f"Where {kernel.code(text)} is.", f"{HEAD}{row}"):
        (found,) = codes_in(page)
        # A span of nothing but spaces shows some spaces, and how many does not matter.
        assert found == wanted or not (found.strip(" ") or wanted.strip(" "))


@pytest.mark.parametrize("text", corpus())
def test_a_hostile_string_stays_in_its_code_span(text: str) -> None:
    check_code(text)


@given(ANY | SHARP)
@example("`" * 81)
@example("a" * 79 + "`|")
def test_no_string_leaves_its_code_span(text: str) -> None:
    check_code(text)


@pytest.mark.parametrize("text", corpus())
def test_a_hostile_string_stays_in_its_block(text: str) -> None:
    (found,) = codes_in(f"Before.\n\n{kernel.block(text)}\n\nAfter.")
    assert found == kernel.visible(cut(text, 2000), keep="\n") + "\n"


@given(ANY | SHARP)
@example("```\n")
@example("`" * 2001)
def test_no_string_leaves_its_block(text: str) -> None:
    (found,) = codes_in(f"Before.\n\n{kernel.block(text)}\n\nAfter.")
    assert found == kernel.visible(cut(text, 2000), keep="\n") + "\n"


# What Unicode says to ignore, or to render as white space or nothing, in any of its versions.
UNSEEN = [
    *range(0x20),
    *range(0x7F, 0xA1),
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x1680, 0x17B4, 0x17B5, 0x2800, 0x3000, 0x3164, 0xFEFF),
    *range(0x180B, 0x180F),
    *range(0x2000, 0x2010),
    *range(0x2028, 0x2030),
    *range(0x205F, 0x2070),
    *range(0xFE00, 0xFE10),
    *(0xFFA0, 0xFFF9, 0x1D173, 0xE0001, 0xE0041, 0xE0100),
]


@pytest.mark.parametrize("number", sorted(set(UNSEEN) - {0x20}), ids=lambda one: f"U+{one:04X}")
def test_what_cannot_be_seen_is_spelled_out(number: int) -> None:
    assert kernel.visible(f"a{chr(number)}b") == f"a⟦U+{number:04X}⟧b"


@pytest.mark.parametrize("text", ["a b", "é", "日本", "«…»", "٣", "ß|`\\"])
def test_what_can_be_seen_stays(text: str) -> None:
    assert kernel.visible(text) == text
