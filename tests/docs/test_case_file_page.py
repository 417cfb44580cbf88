"""docs/case-file.md names every key of `autopsy.toml`, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eval_autopsy.case import model
from eval_autopsy.case.load import parse

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "case-file.md").read_text(encoding="utf-8")
OTHERS = {"system", "hypothesis", "perturbations", "data", "fields", "scorer", "guards", "slices"}
TABLES: dict[str, set[str]] = {
    "At the top": {*model.CaseFile.model_fields} - OTHERS,
    "`[data]`": {*model.Data.model_fields},
    "`[fields]`": {*model.Fields.model_fields},
    "`[scorer]`": {*model.Scorer.model_fields},
    "`[guards]`": {*model.Guards.model_fields},
    "`[slices]`": {*model.Slices.model_fields},
    "`[[hypothesis]]`": {*model.Hypothesis.model_fields, *model.Perturbations.model_fields},
}


@pytest.mark.parametrize("head", TABLES)
def test_the_page_names_the_keys_of_each_table(head: str) -> None:
    (part,) = re.findall(rf"(?ms)^(?:## )?{re.escape(head)}.*?(?=^## |\Z)", PAGE)
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", part, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"\w+", row)} == TABLES[head]


def test_every_table_of_the_case_file_is_on_the_page() -> None:
    for name in OTHERS:
        assert re.search(rf"\[{name}\]", PAGE)


def test_the_case_that_the_page_shows_is_the_one_of_the_example() -> None:
    place = ROOT / "examples" / "invoice-extraction" / "autopsy.toml"
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert parse(shown, place).file == parse(place.read_text(encoding="utf-8"), place).file
