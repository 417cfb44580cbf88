"""Which answers are found inside of an output, and which are not."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from eval_autopsy.kernel import labelled, reading

TEAMS = ["BILLING_TEAM", "REFUND_TEAM"]
BILL = {"supplier": "Norrland Gas AB", "due": Decimal("11614.72")}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("The answer is Paris.", "Paris"),
        ("**Paris**", "Paris"),
        ('"paris"', "Paris"),
        ("Final answer: Paris", "Paris"),
        ("```\nParis\n```", "Paris"),
        ("3 + 4 = 7, and so we get\n#### 7", "7"),
        (r"We add them. \boxed{42}", "42"),
        ("I thought about it for long.\nAnswer: B", "B"),
        ("(C)", "C"),
        ('```json\n{"supplier": "Norrland Gas AB", "due": "$11,614.72"}\n```', BILL),
        ('Here it is: {"supplier": "Norrland Gas AB", "due": 11614.72} - anything else?', BILL),
        ('{"supplier": "Norrland Gas AB", "due": 11614.72,}', BILL),
        ("{'supplier': 'Norrland Gas AB', 'due': 11614.72}", BILL),
    ],
)
def test_wrapping_does_not_make_it_another_answer(output: str, expected: object) -> None:
    assert reading(output, expected, []) == "is"


@pytest.mark.parametrize(
    ("output", "expected", "labels"),
    [
        ("I would send this to the Billing_Team first.", "BILLING_TEAM", TEAMS),
        ("The total comes to $1,234.50 this month.", "1234.5", []),
        ('{"supplier": "Norrland Gas AB", "due": 11614.72, "note": "as the', BILL, []),
    ],
)
def test_an_answer_in_a_sentence_is_held(output: str, expected: object, labels: list[str]) -> None:
    assert reading(output, expected, labels) == "holds"


@pytest.mark.parametrize(
    ("output", "expected", "labels"),
    [
        ("REFUND_TEAM", "BILLING_TEAM", TEAMS),
        ("BILLING_TEAM or REFUND_TEAM", "BILLING_TEAM", TEAMS),
        ("This is not for BILLING_TEAM.", "BILLING_TEAM", TEAMS),
        ("It took 42 days and 37 people.", "42", []),
        ("A nice place to be.", "A", []),
        ("The Parisian way", "Paris", []),
        ("word " * 100 + "Paris", "Paris", []),
        ("", "Paris", []),
        ("Nothing here", "", []),
        ('{"supplier": "Norrland Gas AB", "due": 9.99}', BILL, []),
        ('{"supplier": "Norrland Gas AB", "due": 116', BILL, []),
        ({"answer": "Paris"}, "Paris", []),
        ("true", True, []),
    ],
)
def test_what_could_be_another_answer_is_none(
    output: object, expected: object, labels: list[str]
) -> None:
    assert reading(output, expected, labels) is None


def test_a_python_literal_is_read_and_never_run() -> None:
    assert reading("{'supplier': __import__('os').getcwd(), 'due': 1}", BILL, []) is None


@pytest.mark.parametrize(
    "text",
    [
        "####" + " " * 19_000 + "\n\nb\nc",
        "The answer is" + " " * 19_000 + "x",
        "```" * 6_000,
        "{" * 19_000 + "}" * 900,
        "(" * 19_000,
        "{'a': " + "-" * 19_000 + "1}",
        "{'a': 1" + " + 1" * 4_000 + "}",
        "\\boxed{" * 2_500,
        "{" + "," * 19_000 + "}",
        "1" + "," * 398,
    ],
    ids=lambda text: text[:12],
)
def test_no_text_takes_long_to_read(text: str) -> None:
    start = time.process_time()
    assert reading(text, {"a": 1}, []) in (None, "holds")
    assert reading(text, "birch", ["birch", "cedar"]) is None
    assert len(labelled(text)) <= 1
    assert time.process_time() - start < 2


def test_an_expected_text_that_is_longer_than_the_output_is_not_in_it() -> None:
    assert reading("birch and so on", "birch " * 100_000, []) is None


def test_a_literal_of_python_with_an_odd_escape_is_read_without_a_word(
    recwarn: pytest.WarningsRecorder,
) -> None:
    assert reading("{'a': '\\d'}", {"a": "\\d"}, []) == "is"
    assert list(recwarn) == []
