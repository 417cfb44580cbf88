"""What a case is sliced by when nobody says it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import api
from eval_autopsy.case.sliced import attributes_of
from eval_autopsy.first_screen import look
from eval_autopsy.receipt.verify import verify

Fields = dict[str, Any]
LANGS, CHANNELS = ("de", "en"), ("mail", "chat", "web")
CELL = len(LANGS) * len(CHANNELS)


def support(folder: Path, record: Callable[[Fields, Fields], Fields]) -> Path:
    """Questions in two languages on three channels; production errs on German mail.

    `record` makes the fields of a record, beside its id, of a question's text with the answers and
    of what is known of it.
    """
    for split in ("eval", "production"):
        rows = []
        for n in range(20 * CELL):
            about = {"lang": LANGS[n % 2], "channel": CHANNELS[n % 3]}
            wrong = split == "production" and n % CELL == 0  # de and mail
            truth = f"answer {n % 7}"
            said = {"question": f"Where is parcel {n}?", "expected": truth}
            said["output"] = "no idea" if wrong else truth
            rows.append(json.dumps({"id": f"{split[0]}{n}", **record(said, about)}) + "\n")
        (folder / f"{split}.jsonl").write_text("".join(rows))
    return folder


def answers(said: Fields) -> Fields:
    return {"output": said["output"], "expected": said["expected"]}


def in_the_input(said: Fields, about: Fields) -> Fields:
    return {"input": {"question": said["question"], **about}, **answers(said)}


def beside_the_input(said: Fields, about: Fields) -> Fields:
    return {"input": said["question"], "metadata": about, **answers(said)}


def in_tags(said: Fields, about: Fields) -> Fields:
    return {"input": said["question"], "tags": {"of": about}, **answers(said)}


GERMAN_MAIL = {
    "input": in_the_input,
    "metadata": beside_the_input,
    "tags.of": in_tags,
}


@pytest.mark.parametrize("prefix", GERMAN_MAIL)
def test_the_first_screen_names_the_fields_of_an_object_that_go_with_wrong_answers(
    tmp_path: Path, prefix: str
) -> None:
    slices = look(support(tmp_path, GERMAN_MAIL[prefix])).slices
    assert slices is not None
    (found,) = slices.found
    assert found.where == {f"{prefix}.lang": "de", f"{prefix}.channel": "mail"}


def test_a_receipt_rests_on_the_fields_of_an_input(tmp_path: Path) -> None:
    support(tmp_path, in_the_input)
    done = api.open(tmp_path).run(tmp_path)
    assert verify(done.folder).verdict == "holds"
    assert "input.lang" in done.evidence.spec["attributes"]


def test_a_field_of_an_input_that_another_one_repeats_is_set_aside(tmp_path: Path) -> None:
    def record(said: Fields, about: Fields) -> Fields:
        return {**in_the_input(said, about), "language": about["lang"]}

    found = attributes_of(api.open(support(tmp_path, record)).case)
    assert found.names == ("input.question", "input.channel", "language")
    assert ("input.lang", "it says the same as language") in found.set_aside


def test_a_field_of_an_input_that_another_one_contradicts_once_is_not_set_aside(
    tmp_path: Path,
) -> None:
    def record(said: Fields, about: Fields) -> Fields:
        once = said["question"] == "Where is parcel 7?"
        return {**in_the_input(said, about), "language": "nl" if once else about["lang"]}

    found = attributes_of(api.open(support(tmp_path, record)).case)
    assert {"input.lang", "language"} <= {*found.names}


def test_the_fields_of_an_answer_are_not_sliced_by(tmp_path: Path) -> None:
    def record(said: Fields, about: Fields) -> Fields:
        both = {part: {"text": said[part], **about} for part in ("output", "expected")}
        return {"input": said["question"], **both}

    assert attributes_of(api.open(support(tmp_path, record)).case).names == ()


def test_the_truth_inside_an_input_is_not_sliced_by(tmp_path: Path) -> None:
    def record(said: Fields, about: Fields) -> Fields:
        return {"input": {**about, "truth": said["expected"]}, "output": said["output"]}

    found = api.open(support(tmp_path, record), expected="input.truth")
    assert attributes_of(found.case).names == ("input.lang", "input.channel")
