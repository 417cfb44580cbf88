"""The reader that takes commas for thousands: its fault is found, shown and measured."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from eval_autopsy.experiments.study import Varied

from .conftest import Example, flips, found_in, verdicts

DECIMAL_COMMA = re.compile(r"Total: \D*[\d.]+,\d\d$")
APOSTROPHE = re.compile(r"Total: \D*\d+'\d")


@pytest.fixture(scope="module")
def receipts(copied: Callable[[str], Example]) -> Example:
    return copied("number-formats")


@pytest.fixture(scope="module")
def varied(receipts: Example) -> Varied:
    return receipts.case.ablate()


def written(receipts: Example, pattern: re.Pattern[str]) -> set[str]:
    """The receipts of production that write their total in some way."""
    return {row["id"] for row in receipts.rows("production") if pattern.search(row["receipt"])}


def test_the_reader_is_wrong_of_other_formats_and_of_nothing_else(receipts: Example) -> None:
    case = receipts.case.slices(members=True)
    by_market = next(one for one in case.breakdowns if one.attribute == "market")
    wrong = sum(one.wrong for one in by_market.slices)
    commas, apostrophes = written(receipts, DECIMAL_COMMA), written(receipts, APOSTROPHE)
    assert (wrong, len(commas), len(apostrophes)) == (83, 79, 4)


def test_the_first_slice_is_that_of_the_decimal_comma_and_not_of_a_market(
    receipts: Example,
) -> None:
    first, second = receipts.case.slices(members=True).found
    assert first.words == "the input writes numbers like 1.234,5"
    assert found_in(first, written(receipts, DECIMAL_COMMA)) == (79, 79, 79)
    assert dict(second.where) == {"market": "CH"}
    assert found_in(second, written(receipts, APOSTROPHE)) == (4, 4, 16)


def test_a_decimal_comma_breaks_every_right_answer_and_a_decimal_point_mends_every_wrong_one(
    varied: Varied,
) -> None:
    assert flips(varied, "eval")["number_format",] == (100, 100, 0)
    group = "the input writes numbers like 1.234,5"
    assert flips(varied, group) == {("decimal_point",): (74, 0, 74)}


def test_that_the_comma_is_taken_for_thousands_is_measured_and_that_codes_confuse_it_refuted(
    varied: Varied,
) -> None:
    assert verdicts(varied) == {
        "The comma is taken for a separator of thousands wherever it stands.": "measured",
        "Codes of currencies in place of signs confuse the reader.": "refuted",
    }
    number_format = varied.hypotheses[0].parts[0]
    assert number_format.exactly is not None
    assert (number_format.fields, number_format.exactly.k) == (("amount",), 100)


def test_a_wrong_receipt_differs_from_its_twin_by_how_the_total_is_written(
    receipts: Example,
) -> None:
    found = receipts.case.shrink("p-001", changes=("decimal_point",))
    assert found.mended
    assert found.difference == ("'Total: €2.940,24' in place of 'Total: €2,940.24'",)
    assert found.failing.told.answer.output["amount"] == "2.94"
    assert found.passing is not None
    assert found.passing.told.answer.output["amount"] == "2940.24"


def test_of_three_changes_of_a_right_receipt_the_one_of_numbers_matters(receipts: Example) -> None:
    three = ("indent_lines", "number_format", "add_closing")
    found = receipts.case.shrink("e-001", changes=three)
    assert not found.mended
    assert found.changes == ("number_format",)
    assert found.difference == ("'Total: £8.832,00' in place of 'Total: £8,832.00'",)


def test_half_of_the_silent_wrong_amounts_are_outside_of_the_range_of_right_ones(
    receipts: Example,
) -> None:
    found = receipts.case.guards(mine=True)
    assert (found.ledger.wrong, found.ledger.silent) == (83, 79)
    assert found.mined is not None
    assert [one.name for one in found.mined.rules] == ["amount_is_between"]
    crossed = found.mined.crossed
    assert (crossed.silent.k, crossed.silent.n, crossed.false_alarms.k) == (39, 79, 0)
