"""Evidence at random: every scorer, both splits, errors, and values of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING, SPLITS


def as_long(output: object, expected: object) -> bool:
    """The output's text is as long as the expected one; a scorer that the kernel cannot run."""
    return len(str(output)) == len(str(expected))


# Few values, so that outputs are often right, often moved and often alike but for the format.
TEXTS = ["x", "X ", "y", "", " ", "$5", "5 EUR", "5", "1,234", "null", "{"]
PLAIN: list[Any] = [*TEXTS, None, True, False, 0, 1, 1.0, 5.0, 0.5, [], {}]
VALUES = st.sampled_from([*PLAIN, [1, "x"], {"d": "x"}])
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "a.d", ""]), VALUES, max_size=3)
LEVELS = st.sampled_from([*PLAIN, "1", '{"missing":true}', {"missing": True}, [1], MISSING])
ERRORS = st.sampled_from([None, None, None, "ValueError: no total"])
SCORES = st.sampled_from([True, False, 1, 0, 1.0, "true", "0", "", None])


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A record as a file has it, without id and split; MISSING is a key that is not there."""
    expected = draw(OBJECTS | VALUES)
    output = draw(st.just(expected) | OBJECTS | VALUES)
    if isinstance(expected, dict):
        values = list(expected.values())
        turned = dict(zip(expected, values[1:] + values[:1], strict=True))
        output = draw(st.sampled_from([output, expected, turned, {**expected, "e": 1}]))
    return {
        "expected": expected,
        "output": output,
        "error": draw(ERRORS),
        "score": draw(SCORES),
        "first": draw(LEVELS),
        "second": draw(st.sampled_from(["one", "two"])),
    }


GUARDS: list[dict[str, Any]] = [
    {"name": "no_exception", "rule": "no_exception", "fields": [], "patterns": {}},
    {"name": "parses", "rule": "parses", "fields": [], "patterns": {}},
    {"name": "not_blank", "rule": "not_blank", "fields": [], "patterns": {}},
    {"name": "not_blank", "rule": "not_blank", "fields": ["a", "a.d"], "patterns": {}},
    {"name": "matches", "rule": "matches", "fields": [], "patterns": {"": "(?i)x.*|[0-9]+"}},
    {"name": "matches", "rule": "matches", "fields": [], "patterns": {"a": "x|5", "b": ".*"}},
    {"name": "json_schema", "rule": "stored", "fields": [], "patterns": {}},
]
RULES = {name: name for name in ("exact_match", "normalized", "numeric", "recorded")}
RULES["as_long"] = "stored"


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """What a receipt says of its evidence, as far as one record's verdict depends on it."""
    name = draw(st.sampled_from(list(RULES)))
    guards = draw(st.lists(st.sampled_from(GUARDS), unique_by=lambda guard: guard["name"]))
    attributes = draw(st.sampled_from([[], ["first"], ["second"], ["second", "first"]]))
    return {
        "fields": draw(st.sampled_from([{}, {"score": "score"}])),
        "attributes": attributes,
        "output_format": draw(st.sampled_from(["value", "json"])),
        "errors": draw(st.sampled_from(["wrong", "apart"])),
        "scorer": {
            "rule": RULES[name],
            "name": name,
            "fields": draw(st.sampled_from([[], [], ["a"], ["b", "a.d"]])),
            "absolute": draw(st.sampled_from(["0", "0.5"])) if name == "numeric" else "0",
            "relative": draw(st.sampled_from(["0", "0.2"])) if name == "numeric" else "0",
        },
        "guards": sorted(
            guards, key=lambda guard: [one["name"] for one in GUARDS].index(guard["name"])
        ),
    }


# ---------------------------------------------------------------- every claim that could be made

Choices = Callable[[dict[str, Any], kernel.Cube], list[Any]]


def outcomes(spec: dict[str, Any], cube: kernel.Cube) -> list[str]:
    """Every outcome, with each subject that it can have and one that nothing has."""
    names = [guard["name"] for guard in spec["guards"]] + ["nobody"]
    about = [f"{kind}:{name}" for kind in ("caught", "missed", "only") for name in names]
    about += [f"false_alarm:{name}" for name in names]
    return [
        *kernel.OUTCOMES,
        *about,
        *(f"right_field:{name}" for name in ("a", "b", "", "a.d", "z")),
    ]


def names_in(spec: dict[str, Any]) -> list[str]:
    """The names of the attributes: fields and features."""
    return [kernel.attribute_name(one) for one in spec["attributes"]]


def slices(spec: dict[str, Any], cube: kernel.Cube) -> list[dict[str, list[Any]]]:
    """All records; each level; two levels of one attribute together; and one cell."""
    found: list[dict[str, list[Any]]] = [{}]
    cells = sorted({levels for _, levels in cube.cells})
    names = names_in(spec)
    for i, name in enumerate(names):
        texts = sorted({levels[i] for levels in cells})
        found += [{name: [kernel.strict_json(text)]} for text in texts]
        found += [{name: [kernel.strict_json(text) for text in texts[:2]]}] * (len(texts) > 1)
    if len(names) > 1:
        found.append(kernel.as_where(names, cells[0]))
    return found


def unions(spec: dict[str, Any], cube: kernel.Cube) -> list[list[dict[str, list[Any]]]]:
    """The first slice alone, the first and the last together, and all of them."""
    found = slices(spec, cube)[1:]
    return [found[:1], [found[0], found[-1]], found] if found else []


# A parameter that is not here is a KeyError: a new operation cannot be forgotten.
PARAMETERS: dict[str, Choices] = {
    "split": lambda spec, cube: list(SPLITS),
    "outcome": outcomes,
    "of": lambda spec, cube: ["counted", "wrong"],
    "where": slices,
    "by": lambda spec, cube: [[one] for one in names_in(spec)] + [names_in(spec)][:1],
    "part": lambda spec, cube: list(kernel.GAP_PARTS),
    "order": lambda spec, cube: ["symmetric", "production", "eval"],
    "which": lambda spec, cube: ["all", "all_right", "all_wrong", "unseen"],
    "slices": unions,
    "limit": lambda spec, cube: [1, 3],
    "share": lambda spec, cube: ["0.5", "1"],
    "change": lambda spec, cube: ["add_preamble"],  # of which these cubes know nothing
    "when": lambda spec, cube: ["before", "after"],
    "of_tasks": lambda spec, cube: ["before", "after", "broken", "mended"],
    "statement": lambda spec, cube: ["It reads by position."],
    "side": lambda spec, cube: ["failing", "passing"],
}


def claims(spec: dict[str, Any], cube: kernel.Cube) -> Iterator[tuple[str, dict[str, Any]]]:
    """Operations and arguments: the whole vocabulary, on what is in the cube."""
    for op, operation in kernel.OPERATIONS.items():
        choices = [PARAMETERS[name](spec, cube) for name in operation.parameters]
        for values in product(*choices):
            args = dict(zip(operation.parameters, values, strict=True))
            if args.get("by") != []:
                yield op, args


def derived(op: str, args: dict[str, Any], cube: kernel.Cube) -> Any:
    """The value of a claim, or that it has none."""
    try:
        return kernel.derive(op, args, cube)
    except kernel.Undefined as error:
        return f"undefined: {error}"
