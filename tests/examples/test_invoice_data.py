"""The committed invoices have the figures of the published case, and they come from the data."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "invoice-extraction"
FIELDS = ["vendor", "client", "invoice_number", "date", "total"]
PRODUCTION = {
    "delimiter": 187,
    "whitespace": 158,
    "reorder": 36,
    "verbose": 8,
    "compact": 6,
    "mixed": 5,
}


def load(name: str) -> ModuleType:
    """A program of the example as a module; it is not on the path and need not be."""
    path = EXAMPLE / f"{name}.py"
    module = ModuleType(f"invoice_{name}")
    # Not imported: an import would leave compiled files in a folder that is shipped as it is.
    exec(compile(path.read_bytes(), path, "exec"), module.__dict__)
    return module


def rows(split: str) -> list[dict[str, Any]]:
    """The rows of a data file."""
    lines = (EXAMPLE / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def outcomes(split: str) -> Counter[tuple[str, bool, bool]]:
    """How many rows of each format are right, and how many have every field filled."""
    extract = load("extractor").extract
    counted: Counter[tuple[str, bool, bool]] = Counter()
    for row in rows(split):
        output = extract(row["text"])
        filled = all(value.strip() for value in output.values())
        counted[row["shift_type"], output == row["truth"], filled] += 1
    return counted


def test_the_extractor_is_right_on_every_row_of_eval() -> None:
    assert outcomes("eval") == {("canonical", True, True): 400}


def test_the_extractor_is_right_in_production_where_fields_keep_their_order() -> None:
    assert outcomes("production") == {
        ("delimiter", True, True): 187,
        ("whitespace", True, True): 158,
        ("reorder", False, True): 36,
        ("verbose", False, True): 8,
        ("mixed", False, True): 5,
        ("compact", False, False): 6,
    }


@pytest.mark.parametrize(
    ("split", "formats"), [("eval", {"canonical": 400}), ("production", PRODUCTION)]
)
def test_a_file_has_its_formats_in_their_numbers(split: str, formats: dict[str, int]) -> None:
    assert Counter(row["shift_type"] for row in rows(split)) == formats


@pytest.mark.parametrize(("split", "prefix"), [("eval", "e"), ("production", "p")])
def test_ids_count_up_from_one(split: str, prefix: str) -> None:
    assert [row["id"] for row in rows(split)] == [f"{prefix}-{n:04d}" for n in range(1, 401)]


def test_production_is_shuffled() -> None:
    formats = [row["shift_type"] for row in rows("production")]
    runs = 1 + sum(left != right for left, right in pairwise(formats))
    assert runs > 100


@pytest.mark.parametrize("split", ["eval", "production"])
def test_the_text_of_an_invoice_holds_every_value_of_its_truth(split: str) -> None:
    for row in rows(split):
        assert list(row["truth"]) == FIELDS
        assert all(value.strip() and value in row["text"] for value in row["truth"].values()), row


@pytest.mark.parametrize("split", ["eval", "production"])
def test_no_invoice_is_from_a_company_to_itself(split: str) -> None:
    assert [
        row["id"] for row in rows(split) if row["truth"]["vendor"] == row["truth"]["client"]
    ] == []


def test_no_invoice_number_is_used_twice() -> None:
    numbers = [
        row["truth"]["invoice_number"] for split in ("eval", "production") for row in rows(split)
    ]
    assert len(set(numbers)) == 800


def test_most_reordered_invoices_only_swap_vendor_and_client() -> None:
    swapped = (
        "Client: {client}\nVendor: {vendor}\n"
        "Invoice number: {invoice_number}\nDate: {date}\nTotal: {total}"
    )
    reordered = [row for row in rows("production") if row["shift_type"] == "reorder"]
    assert (
        sum(row["text"] == swapped.format(**row["truth"]) for row in reordered) > len(reordered) / 2
    )


@pytest.mark.parametrize(
    "line",
    [
        "Vendor: Kestrel Foods Ltd",
        "  SUPPLIER  =  Kestrel Foods Ltd  ",
        "Billed by -> Kestrel Foods Ltd",
        "from\tKestrel Foods Ltd",
        "Vendor   name|Kestrel Foods Ltd",
        "Kestrel Foods Ltd",
    ],
)
def test_the_extractor_takes_any_label_off(line: str) -> None:
    assert load("extractor").without_label(line) == "Kestrel Foods Ltd"


def test_the_extractor_keeps_a_value_that_begins_like_a_label() -> None:
    assert load("extractor").without_label("Vendor: Total: Freight") == "Total: Freight"
    assert load("extractor").without_label("Fromagerie - Paris") == "Fromagerie - Paris"


def test_a_text_of_two_lines_leaves_three_fields_blank() -> None:
    output = load("extractor").extract("Vendor: A\nClient: B\n")
    assert output == {
        "vendor": "A",
        "client": "B",
        "invoice_number": "",
        "date": "",
        "total": "",
    }
