"""What docs/systems.md shows can be written, and it names all that can be."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from eval_autopsy import registry
from eval_autopsy.case.model import Claude, Http, Prices, System

PAGE = (Path(__file__).parents[2] / "docs" / "systems.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[1].partition(" ")[0])
def test_each_system_that_the_page_shows_is_one(block: str) -> None:
    said = tomllib.loads(block, parse_float=Decimal)["system"]
    assert System.model_validate(said).kind in registry.systems.names()


@pytest.mark.parametrize("table", [System, Http, Claude, Prices], ids=lambda table: table.__name__)
def test_the_page_names_every_key(table: type[System]) -> None:
    missing = [name for name in table.model_fields if not re.search(rf"\b{name}\b", PAGE)]
    assert missing == []


def test_the_page_has_the_bounds_that_hold() -> None:
    defaults = System(python="a.py:f")
    rows = dict(re.findall(r"^\| `(\w+)` \| (\S+|\"[^\"]*\") \|", PAGE, re.MULTILINE))
    sizes = {'"1 GB"': 10**9, '"16 MiB"': 16 * 2**20}
    for name, shown in rows.items():
        value = getattr(defaults, name)
        if shown == "none":
            assert value in (None, (), Decimal(0)), name
        else:
            assert value == (sizes[shown] if shown in sizes else int(shown)), name
    assert {"timeout", "memory", "output_limit", "retries", "give_up", "sample"} <= set(rows)
