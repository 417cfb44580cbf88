"""What a model's call becomes: words for the engine, of which none is an option of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy.cli.main import MODULES, autopsy
from eval_autopsy.errors import BadCase
from eval_autopsy.investigation.tools import READ, TOOLS, VERBS, Place, Tool, checked, words_of

PLACE = Place(Path("-case"), Path("--into"), Path("--into/receipts/a"))
HOSTILE = [
    "--out",
    "-x",
    "--into=/tmp",
    "a\n--into=/tmp",
    "; touch evil",
    "$(touch evil)",
    "--",
    "",
]


def command(name: str) -> click.Command:
    found = autopsy.get_command(click.Context(autopsy), name)
    assert found is not None
    return found


def parsed(words: list[str]) -> dict[str, Any]:
    """What the engine takes the words for; it raises for what it does not take."""
    return command(words[0]).make_context(words[0], list(words[1:])).params


def filled(tool: Tool, text: str) -> dict[str, object]:
    """A call with a text wherever there can be one."""
    kinds = {"text": text, "texts": [text, text], "number": 7, "flag": True}
    return {one.name: kinds[one.kind] for one in tool.takes}


@pytest.mark.parametrize("tool", VERBS, ids=lambda tool: tool.name)
def test_a_tool_is_a_verb_that_takes_what_the_tool_takes(tool: Tool) -> None:
    assert tool.name in MODULES
    arguments = filled(tool, "a") | ({"depth": 2} if tool.name == "slices" else {})
    parsed(words_of(tool, checked(tool, arguments), PLACE))


@pytest.mark.parametrize("tool", VERBS, ids=lambda tool: tool.name)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_that_looks_like_an_option_is_a_value(tool: Tool, text: str) -> None:
    plain = filled(tool, "a") | ({"depth": 2} if tool.name == "slices" else {})
    hostile = filled(tool, text) | ({"depth": 2} if tool.name == "slices" else {})
    wanted = parsed(words_of(tool, checked(tool, plain), PLACE))
    got = parsed(words_of(tool, checked(tool, hostile), PLACE))
    for name, value in wanted.items():
        changed = {"a": text, ("a", "a"): (text, text)}.get(value, value)
        assert got[name] == changed, name


@given(st.text(max_size=40))
def test_no_text_names_another_case_or_folder(text: str) -> None:
    for tool in VERBS:
        arguments = filled(tool, text) | ({"depth": 2} if tool.name == "slices" else {})
        try:
            words = words_of(tool, checked(tool, arguments), PLACE)
        except BadCase:
            assert "\0" in text
            continue
        got = parsed(words)
        assert got.get("into", Path("--into")) == Path("--into")
        places = {value for value in got.values() if isinstance(value, Path)}
        assert places <= {Path("--into"), Path("-case"), PLACE.receipt}


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("next", [], "next: the arguments are [], expected an object"),
        ("next", "skip", "next: the arguments are 'skip', expected an object"),
        ("next", {"into": "/tmp"}, "next: there is no argument 'into', expected skip, reason"),
        ("verify", {"rerun": True}, "verify: there is no argument 'rerun', expected none"),
        ("next", {"skip": 7}, "next.skip: 7 is given, expected a text"),
        ("ablate", {"calls": "7"}, "ablate.calls: '7' is given, expected a whole number"),
        ("ablate", {"calls": True}, "ablate.calls: True is given, expected a whole number"),
        ("ablate", {"calls": 10**100}, "expected a whole number below 10^9"),
        ("ablate", {"calls": -1}, "ablate.calls: -1 is given, expected a whole number"),
        ("ablate", {"declared": "yes"}, "ablate.declared: 'yes' is given, expected true or false"),
        ("hypothesise", {"breaks": "typo"}, "hypothesise.breaks: 'typo' is given, expected a list"),
        ("hypothesise", {"breaks": [["typo"]]}, "hypothesise.breaks: [['typo']] is given"),
        ("shrink", {}, "shrink: id is missing: A record that is wrong"),
        ("narrate", {"check": True}, "narrate: text is missing"),
        ("shrink", {"id": "a\0b"}, "shrink: U+0000 cannot be given to a verb"),
        ("narrate", {"text": "a" * 100_000}, "narrate: 100,012 bytes, expected at most 100,000"),
    ],
)
def test_a_malformed_call_is_told_what_was_expected(
    tool: str, arguments: object, said: str
) -> None:
    with pytest.raises(BadCase) as caught:
        checked(TOOLS[tool], arguments)
    assert said in str(caught.value)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_the_schema_of_a_tool_says_what_is_checked(tool: Tool) -> None:
    schema = json.loads(json.dumps(tool.schema()))["input_schema"]
    assert set(schema["properties"]) == {one.name for one in tool.takes}
    assert schema["additionalProperties"] is False
    for name in schema["required"]:
        with pytest.raises(BadCase, match=f"{name} is missing"):
            checked(tool, {})


def test_no_tool_has_an_option_of_its_verb_that_names_a_file() -> None:
    for tool in VERBS:
        files = {
            param.name
            for param in command(tool.name).params
            if isinstance(param, click.Option) and isinstance(param.type, click.Path)
        }
        assert files.isdisjoint(one.name for one in tool.takes)
    assert [one.name for one in READ.takes] == ["file", "offset"]
