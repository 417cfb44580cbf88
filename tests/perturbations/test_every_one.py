"""What holds for every perturbation, of any input."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy import registry
from eval_autopsy.perturbations.apply import (
    DOES_NOT_APPLY,
    TOUCHES,
    Applied,
    Changed,
    applied,
    learned,
)

INVOICE = "Vendor: Okafor Ltd\nClient: Steel & Söhne\nInvoice number: 92158\nTotal: £10,753.25"
EVERY = registry.perturbations.describe()
NAMES = [entry.name for entry in EVERY]
READY = {entry.name: learned(entry, [INVOICE]) for entry in EVERY}

labelled = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", " ", "\t"]),
    st.sampled_from(["Vendor", "Client", "date", "Grand total", "Müller", "No."]),
    st.sampled_from([": ", "=", " - ", " -> ", "\t", " | "]),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=20),
)
lines = st.one_of(labelled, st.text(max_size=30))
texts = st.builds(
    "".join,
    st.lists(st.builds("{}{}".format, lines, st.sampled_from(["\n", "\r\n", "\n\n", "; ", ""]))),
)
blocks = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": st.text()}),
    st.fixed_dictionaries({"type": st.just("tool_result"), "content": st.text()}),
    st.dictionaries(st.text(max_size=3), st.none()),
)
contents = st.one_of(st.text(), st.none(), st.lists(blocks, max_size=3))
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": contents}
    ),
    min_size=1,
    max_size=6,
)


def ready(name: str) -> Applied:
    one = READY[name]
    assert one is not None
    return one


def hostile() -> Iterator[str]:
    """The strings of the corpus, if there is one, and some of the worst here."""
    yield from ("", "\n", "\r", "\x00", "\u2028", "a" * 10_000, " " * 10_000, ": " * 5_000)
    yield from ("x; " * 5_000, "\t" * 10_000, "a:b\x0bc:d\x0c", "\ud800", "\ufeff", "=" * 5_000)
    folder = os.environ.get("AUTOPSY_CORPORA")
    if folder:
        (path,) = Path(folder, "blns").rglob("blns.json")
        yield from json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(value=st.one_of(texts, st.text(), messages, st.builds(lambda m: {"messages": m}, messages)))
def test_a_change_is_another_input_of_the_same_kind_or_none(name: str, value: Any) -> None:
    before = json.dumps(value)
    found = applied(ready(name), value, {"a": "b"}, "0")
    assert json.dumps(value) == before, "the input itself was changed"
    if isinstance(found, Changed):
        assert type(found.input) is type(value)
        assert found.input != value
        assert found.answers
    else:
        assert found in (DOES_NOT_APPLY, TOUCHES)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(text=texts, seed=st.text(max_size=5))
def test_a_seed_gives_the_same_change_each_time(name: str, text: str, seed: str) -> None:
    assert applied(ready(name), text, None, seed) == applied(ready(name), text, None, seed)


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_too_hostile(name: str) -> None:
    one = ready(name)
    for text in hostile():
        result = one.change(text, Random(0)) if one.entry.value.of == "text" else None
        assert result is None or isinstance(result, str)


@pytest.mark.parametrize("name", [entry.name for entry in EVERY if entry.value.answers is None])
@settings(max_examples=40)
@given(text=texts, data=st.data())
def test_a_text_of_the_answer_that_stood_in_the_input_still_does(
    name: str, text: str, data: st.DataObject
) -> None:
    if READY[name].entry.value.relation != "same":  # type: ignore[union-attr]
        return
    start = data.draw(st.integers(0, len(text)))
    answer = text[start : data.draw(st.integers(start, len(text)))]
    found = applied(ready(name), text, {"answer": answer}, "0")
    assert isinstance(found, str) or answer in found.input


@pytest.mark.parametrize("entry", EVERY, ids=NAMES)
def test_every_change_says_what_it_does_and_what_it_holds(entry: registry.Entry[Any]) -> None:
    assert entry.help.endswith(".")
    assert entry.value.holds
    assert not entry.value.holds.endswith(".")
