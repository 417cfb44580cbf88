"""A narrative states numbers by naming claims, or is refused with the file and the line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eval_autopsy import kernel
from eval_autopsy.errors import BadCase
from eval_autopsy.receipt.narrative import pieces_of

RIGHT = {"outcome": "right", "of": "counted"}
SLICE = {"shift_type": ["reorder", "mixed"]}
CLAIMS = {
    kernel.spelled(op, args): {"id": kernel.spelled(op, args), "op": op, "args": args}
    for op, args in [
        ("rate", {"split": "production", **RIGHT, "where": {}}),
        ("rate", {"split": "production", **RIGHT, "where": SLICE}),
        ("difference", {**RIGHT, "where": {}}),
    ]
}


@pytest.fixture
def narrative(tmp_path: Path) -> Path:
    return tmp_path / "narrative.md"


def refusal(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadCase) as caught:
        pieces_of(path, CLAIMS)
    return str(caught.value)


def test_a_named_claim_becomes_a_hole(narrative: Path) -> None:
    narrative.write_text("Right: {{ rate.production.right.counted | percent }}.\n")
    hole = {"claim": "rate.production.right.counted", "as": "percent"}
    assert pieces_of(narrative, CLAIMS) == ["> ", "Right: ", hole, ".", "\n"]


def test_a_claim_of_several_levels_can_be_named(narrative: Path) -> None:
    name = 'rate.production.right.counted[shift_type="reorder"|"mixed"]'
    narrative.write_text(f"Right: {{{{ {name} | of }}}}\n")
    assert {"claim": name, "as": "of"} in pieces_of(narrative, CLAIMS)


def test_a_label_is_a_form_of_every_claim(narrative: Path) -> None:
    narrative.write_text("{{ difference.right.counted | label }}\n")
    assert pieces_of(narrative, CLAIMS)[1] == {"label": "difference.right.counted"}


@pytest.mark.parametrize(
    "sentence",
    [
        "It falls by 13 points.",
        "It falls by \u0661\u0663 points.",
        "Half of it is wrong.",
        "It is wrong in one in seven.",
        "Right: none of the five.",
        "Tw**o** systems.",
        "It falls by \u00bd.",
        "It falls by &#49;3 points.",
        "A \u202etrick.",
        "Cyrillic: tw\u043e.",
        "<!-- hidden -->",
    ],
)
def test_a_number_without_a_claim_is_refused_with_its_line(narrative: Path, sentence: str) -> None:
    said = refusal(narrative, f"Fine.\n{sentence}\n")
    assert said.startswith(f"{narrative}:2: this cannot stand in prose: ")


@pytest.mark.parametrize("glued", ["x{}", "-{}", "{}x", "{}%", "{}{}", "{}.{}"])
def test_a_hole_that_touches_its_neighbour_is_refused(narrative: Path, glued: str) -> None:
    hole = "{{ rate.production.right.counted | of }}"
    said = refusal(narrative, "a " + glued.replace("{}", hole) + "\n")
    assert re.search(r"narrative\.md:1: this cannot stand in prose: ", said)


def test_a_misspelt_claim_is_refused_with_the_nearest(narrative: Path) -> None:
    said = refusal(narrative, "{{ rate.production.rigt.counted | percent }}\n")
    assert said.endswith("Did you mean rate.production.right.counted?")


def test_a_claim_without_a_form_is_refused_with_its_forms(narrative: Path) -> None:
    said = refusal(narrative, "{{ rate.production.right.counted }}\n")
    assert said.endswith("FORM being of or percent.")


def test_a_form_that_the_claim_does_not_have_is_refused(narrative: Path) -> None:
    said = refusal(narrative, "{{ rate.production.right.counted | points }}\n")
    assert "cannot be shown as 'points'. Write of or percent, or label." in said


def test_nothing_in_a_narrative_is_executed(narrative: Path) -> None:
    said = refusal(narrative, "{{ ''.__class__.__mro__ | list }}\n")
    assert "no claim and form in" in said


@pytest.mark.parametrize("char", [chr(c) for c in range(0x3000) if chr(c).isnumeric()])
def test_no_numeral_of_any_script_is_prose(char: str) -> None:
    assert list(kernel.numbers_in([f"a {char} b"]))


def test_a_number_of_the_other_split_is_refused(narrative: Path) -> None:
    hole = "{{ rate.production.right.counted | percent }}"
    said = refusal(narrative, f"In production some fail.\nRight on eval: {hole}.\n")
    assert "narrative.md:2: this cannot stand in prose: " in said
    assert "which is of production, after the word eval" in said


def test_what_cannot_be_prose_is_said_to_be_no_ascii(narrative: Path) -> None:
    assert "prose is plain ASCII without digits" in refusal(narrative, "Na\u00efve.\n")


def test_a_narrative_is_a_quotation_that_cannot_pass_for_a_finding(narrative: Path) -> None:
    narrative.write_text("## Findings\n\n- **high, measured.** All is fine.\n")
    lines = "".join(map(str, pieces_of(narrative, CLAIMS))).splitlines()
    assert all(line.startswith("> ") for line in lines)


def test_a_number_word_between_underscores_is_refused(narrative: Path) -> None:
    assert "number-word" in refusal(narrative, "A five_out_of_six rate.\n")
