"""A template's only numbers are claims; anything else fails with its file and line."""

from __future__ import annotations

import jinja2
import pytest

from eval_autopsy.errors import CannotUse
from eval_autopsy.receipt.claims import Claim
from eval_autopsy.receipt.template import pieces_of

RATE = Claim("rate.production.right.counted", "345/400")


def rendered(text: str, **values: object) -> list[object]:
    return list(pieces_of("page.md.j2", values, jinja2.DictLoader({"page.md.j2": text})))


def refusal(text: str, **values: object) -> CannotUse:
    with pytest.raises(CannotUse) as caught:
        rendered(text, **values)
    return caught.value


def test_a_claim_in_a_form_becomes_a_hole() -> None:
    hole = {"claim": "rate.production.right.counted", "as": "percent"}
    assert rendered("Right: {{ rate.percent }}.", rate=RATE) == ["Right: ", hole, "."]


@pytest.mark.parametrize("typed", ["13.75", "thirteen", "Half", "none of the five", "\u00bd"])
def test_a_typed_number_is_refused_with_its_line(typed: str) -> None:
    assert refusal(f"Fine.\n\nIt falls by {typed} points.\n").where == "page.md.j2:3"


def test_a_typed_number_in_a_branch_not_taken_is_refused() -> None:
    assert refusal("{% if rate %}\nfine\n{% else %}\nby 13 points\n{% endif %}", rate=RATE)


@pytest.mark.parametrize("printed", ["{{ 13 }}", "{{ '13' }}", "{{ rate.value }}", "{{ rate }}"])
def test_what_is_printed_without_a_claim_is_refused_with_its_line(printed: str) -> None:
    assert refusal(f"Fine.\n{printed}\n", rate=RATE).where == "page.md.j2:2"


def test_a_name_that_is_not_there_is_refused_with_its_line() -> None:
    assert refusal("Fine.\n{{ rat.percent }}\n", rate=RATE).where == "page.md.j2:2"


@pytest.mark.parametrize(
    ("glued", "problem"),
    [
        ("-{{ rate.of }}", "in the middle of a word"),
        ("{{ rate.of }}x", "in the middle of a word"),
        ("{{ rate.of }}{{ rate.of }}", "touches another"),
    ],
)
def test_a_hole_that_touches_its_neighbour_is_refused(glued: str, problem: str) -> None:
    assert problem in refusal(glued, rate=RATE).what
