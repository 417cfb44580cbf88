"""The tools of a model that investigates: verbs of the engine, with a part of their options.

1. A tool becomes a list of words for the engine. No shell reads it, and what a model gives is one
   word: behind `--option=`, or behind the `--` after which nothing is an option.
2. The case, the receipt and the folder of receipts are not the model's to name.
3. No tool takes an option that names a file to read, to run or to write. What verbs write is below
   `.autopsy` and `receipts`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import BadCase

LARGEST = 100_000  # bytes of all arguments; Linux takes no word of over 128 KiB

Kind = Literal["text", "texts", "number", "flag"]
SCHEMAS: Mapping[Kind, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "number": {"type": "integer"},
    "flag": {"type": "boolean"},
}
EXPECTED = {
    "text": "a text",
    "texts": "a list of texts",
    "number": "a whole number below 10^9",
    "flag": "true or false",
}


class Argument(NamedTuple):
    """What a tool can be called with; an option of its verb, unless the tool says otherwise."""

    name: str
    kind: Kind
    words: str
    needed: bool = False


class Tool(NamedTuple):
    """A verb as a model sees it."""

    name: str
    does: str
    line: tuple[str, ...] = ("CASE",)  # the verb's words: CASE, RECEIPT, an argument, or a word
    takes: tuple[Argument, ...] = ()
    into: bool = False  # whether the verb has the option --into

    def schema(self) -> dict[str, Any]:
        """The tool as the Messages endpoint takes it."""
        properties = {
            one.name: {**SCHEMAS[one.kind], "description": one.words} for one in self.takes
        }
        needed = [one.name for one in self.takes if one.needed]
        shape = {"type": "object", "properties": properties, "required": needed}
        description = {"name": self.name, "description": self.does}
        return {**description, "input_schema": {**shape, "additionalProperties": False}}


class Place(NamedTuple):
    """Where an investigation takes place."""

    case: Path
    into: Path  # the folder that has receipts/
    receipt: Path


CHANGE = Argument("change", "texts", "Only these changes, by name.")
CALLS = Argument("calls", "number", "Calls of the system at most.")
VERBS = (
    Tool(
        "next",
        "Where the case stands, which steps may come next, and by which verb. Skips a step.",
        takes=(
            Argument("skip", "text", "The step to leave out."),
            Argument("reason", "text", "Why it is left out: one line without a number."),
        ),
    ),
    Tool("run", "Works through the case without asking, and writes its receipt.", into=True),
    Tool("look", "The first screen of the case."),
    Tool(
        "slices",
        "Where production is wrong, slice by slice.",
        takes=(
            Argument("by", "text", "The fields to slice by, with commas between them."),
            Argument("where", "texts", "FIELD=VALUE that the records have to have."),
            Argument("depth", "number", "Attributes that are searched together at most."),
        ),
    ),
    Tool("audit", "Whether the scorer is right."),
    Tool(
        "guards",
        "What each guard catches and misses.",
        takes=(Argument("mine", "flag", "Learn guards from the records, and test them."),),
    ),
    Tool("perturbations", "The changes of inputs that can be predicted and tried.", line=()),
    Tool(
        "hypothesise",
        "Says what should break right answers and what should not, before it is tried.",
        takes=(
            Argument("statement", "text", "Why the system fails: one line without a number."),
            Argument("breaks", "texts", "Changes that should break right answers."),
            Argument("spares", "texts", "Changes that should not break them."),
            Argument("mends", "texts", "Changes that, in turn, should mend production."),
        ),
    ),
    Tool(
        "ablate",
        "Changes one thing in the inputs: what breaks, what mends; a verdict on each hypothesis.",
        takes=(CHANGE, CALLS, Argument("declared", "flag", "Only test the hypotheses.")),
    ),
    Tool("stress", "The gap that would appear if eval were changed.", takes=(CHANGE, CALLS)),
    Tool(
        "shrink",
        "Makes the failing input of a record as small as can be.",
        line=("id", "CASE"),
        takes=(Argument("id", "text", "A record that is wrong.", needed=True), CALLS),
    ),
    Tool(
        "claims",
        "What the receipt states: each claim, its value and its forms.",
        line=("RECEIPT", "search"),
        takes=(Argument("search", "text", "Only claims whose name or words contain this."),),
    ),
    Tool(
        "narrate",
        "Takes the narrative, when there is nothing to mend; with `check` it only lists that.",
        line=("CASE", "-"),
        takes=(
            Argument("text", "text", "The whole narrative, in Markdown.", needed=True),
            Argument("check", "flag", "Only list what has to be mended."),
        ),
        into=True,
    ),
    Tool("certify", "Writes the receipt of the investigation, and verifies it.", into=True),
    Tool("verify", "Checks the receipt.", line=("RECEIPT",)),
)
READ = Tool(
    "read",
    "Reads a part of a file of the case or of its receipt.",
    line=(),
    takes=(
        Argument("file", "text", "Its name, such as REPORT.md.", needed=True),
        Argument("offset", "number", "How many bytes of it to leave out before that part."),
    ),
)
TOOLS = {tool.name: tool for tool in (*VERBS, READ)}


def checked(tool: Tool, given: object) -> dict[str, Any]:
    """What a tool is called with, of the right kinds. Raises BadCase, which a model can read."""
    if not isinstance(given, dict):
        raise BadCase(f"the arguments are {_shown(given)}, expected an object", where=tool.name)
    known = {one.name: one for one in tool.takes}
    for name, value in given.items():
        where = f"{tool.name}.{name}"
        if name not in known:
            what = f"there is no argument {name!r}, expected {', '.join(known) or 'none'}"
            raise BadCase(what, where=tool.name)
        if not _fits(value, known[name].kind):
            what = f"{_shown(value)} is given, expected {EXPECTED[known[name].kind]}"
            raise BadCase(what, where=where)
    for one in tool.takes:
        if one.needed and one.name not in given:
            raise BadCase(f"{one.name} is missing: {one.words}", where=tool.name)
    _check_size(tool, given)
    return given


def words_of(tool: Tool, given: Mapping[str, Any], place: Place) -> list[str]:
    """The engine's words for a tool that is called with what was checked."""
    fixed = {"CASE": place.case, "RECEIPT": place.receipt, "-": "-"}
    options = [one for one in tool.takes if one.name not in (*tool.line, "text")]
    words = [tool.name]
    for one in options:
        words += _option(one.name, given.get(one.name))
    words += [f"--into={place.into}"] if tool.into else []
    ends = [fixed.get(one, given.get(one)) for one in tool.line]
    return [*words, "--", *(str(one) for one in ends if one is not None)]


def _option(name: str, value: Any) -> list[str]:
    """An option with its values, each in one word with it."""
    if value is None or value is False:
        return []
    if value is True:
        return [f"--{name}"]
    values: Sequence[object] = value if isinstance(value, list) else [value]
    return [f"--{name}={one}" for one in values]


def _fits(value: object, kind: Kind) -> bool:
    if kind == "texts":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind == "number":
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
    return isinstance(value, str if kind == "text" else bool)


def _check_size(tool: Tool, given: Mapping[str, Any]) -> None:
    """Raises BadCase for what cannot be words for a program."""
    if any("\0" in text for value in given.values() for text in _texts(value)):
        raise BadCase("U+0000 cannot be given to a verb", where=tool.name)
    size = len(json.dumps(given, ensure_ascii=False).encode("utf-8"))
    if size > LARGEST:
        raise BadCase(f"{size:,} bytes, expected at most {LARGEST:,}", where=tool.name)


def _texts(value: object) -> list[str]:
    many = value if isinstance(value, list) else [value]
    return [one for one in many if isinstance(one, str)]


def _shown(value: object) -> str:
    """A value that should not be there, short and visible."""
    text = kernel.visible(repr(value))
    return text if len(text) <= 80 else text[:80] + "..."
