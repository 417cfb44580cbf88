"""What one change does to every invoice of the eval, made here by hand and not by the engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .test_invoice_data import FIELDS, load, rows

EXTRACT = load("extractor").extract
ROWS = rows("eval")


def wrong_after(change: Callable[[str], str]) -> list[set[str]]:
    """The fields that a change turns wrong, for each of the 400 invoices, all right before."""
    found = []
    for row in ROWS:
        truth = row["truth"]
        assert EXTRACT(row["text"]) == truth
        output = EXTRACT(change(row["text"]))
        found.append({name for name in FIELDS if output[name] != truth[name]})
    return found


def swapped(text: str) -> str:
    vendor, client, *rest = text.split("\n")
    return "\n".join([client, vendor, *rest])


def test_an_adjacent_swap_of_vendor_and_client_flips_exactly_these_two_fields() -> None:
    assert wrong_after(swapped) == [{"vendor", "client"}] * 400
    for row in ROWS:
        output, truth = EXTRACT(swapped(row["text"])), row["truth"]
        assert (output["vendor"], output["client"]) == (truth["client"], truth["vendor"])


@pytest.mark.parametrize("line", ["Hello,", "Dear accounts team,", "Please see below.", "-"])
@pytest.mark.parametrize("n", [11, 400])
def test_one_leading_line_makes_every_answer_wrong_in_every_field(line: str, n: int) -> None:
    assert wrong_after(lambda text: f"{line}\n{text}")[:n] == [set(FIELDS)] * n


@pytest.mark.parametrize(
    "delimiter", ["=", " = ", " - ", "->", " => ", "|", "\t", " → ", " \u2013 "]
)
def test_another_delimiter_changes_nothing(delimiter: str) -> None:
    assert wrong_after(lambda text: text.replace(": ", delimiter)) == [set()] * 400


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace(": ", ":   "),
        lambda text: "\n" + text + "\n",
        lambda text: "\n".join(f"   {line}  " for line in text.split("\n")),
        lambda text: text.replace("\n", "\r\n"),
    ],
    ids=["blank lines", "spaces", "line ends", "indents", "carriage returns"],
)
def test_other_white_space_changes_nothing(change: Callable[[str], str]) -> None:
    assert wrong_after(change) == [set()] * 400


def test_another_delimiter_and_other_white_space_together_change_nothing() -> None:
    def both(text: str) -> str:
        lines = (f"  {line.replace(': ', ' => ')} " for line in text.split("\n"))
        return "\n\n".join(lines)

    assert wrong_after(both) == [set()] * 400
