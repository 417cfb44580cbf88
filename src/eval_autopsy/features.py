"""Attributes that nobody logged, read from the text of inputs and outputs.

What a feature looks at is defined in the kernel, so that a receipt can read it from the raw text
again. Here is decided which features can tell anything about some records, before any outcome is
looked at: one that is the same for all is set aside, and so is one that is different for each.
The rarer levels of a feature fold into one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.records import Record

OF_INPUT = tuple(name for name in kernel.FEATURES if name not in ("refusal", "cut_off"))
OF_OUTPUT = ("length", "script", "odd_characters", "json_shape", "markup", "refusal", "cut_off")
LEVELS_AT_MOST = 12  # of a feature; rarer ones fold
RECORDS_AT_LEAST = 5  # of a level that stands for itself

_READERS: dict[str, tuple[Callable[[Record], Any], tuple[str, ...]]] = {
    "input": (lambda record: record.input, OF_INPUT),
    "output": (lambda record: record.output, OF_OUTPUT),
}


class Feature(NamedTuple):
    """A feature that can tell: how a receipt describes it, and each record's level."""

    spec: dict[str, Any]
    levels: list[str]


class SetAside(NamedTuple):
    """A feature that cannot tell anything, and why."""

    name: str
    reason: str


def features_of(
    records: Sequence[Record], wanted: Sequence[str]
) -> tuple[list[Feature], list[SetAside]]:
    """The features of some records that can tell, of those wanted, and the others with the reason.

    `wanted` are names such as "field_order(input)".
    """
    found, set_aside = [], []
    for of, name in _wanted(wanted):
        spec = {"feature": name, "of": of, "kept": []}
        read = _READERS[of][0]
        levels = [kernel.canonical(kernel.level(kernel.featured(name, read(r)))) for r in records]
        reason = folded(spec, levels)
        if reason:
            set_aside.append(SetAside(kernel.attribute_name(spec), reason))
        else:
            kept = set(map(kernel.canonical, spec["kept"]))
            shown = [text if not kept or text in kept else kernel.OTHER for text in levels]
            found.append(Feature(spec, shown))
    return found, set_aside


def every_feature() -> list[str]:
    """The names of all features, as far as they make sense of inputs and outputs."""
    return [f"{name}({of})" for of, (_, names) in _READERS.items() for name in names]


def _wanted(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        feature, _, of = name.rstrip(")").partition("(")
        yield of, feature


def folded(spec: dict[str, Any], levels: Sequence[str]) -> str:
    """Notes in `spec` the levels that are kept; returns why the feature says nothing, if so."""
    counts = Counter(levels)
    if len(counts) == 1:
        return "it is the same for all records"
    if len(counts) <= LEVELS_AT_MOST:
        return ""
    common = [text for text, n in counts.most_common() if n >= RECORDS_AT_LEAST]
    if len(common) < 2 and counts[common[0]] < len(levels) / 2 if common else True:
        return f"{len(counts):,} levels, nearly all of them rare"
    spec["kept"] = [kernel.strict_json(text) for text in sorted(common[: LEVELS_AT_MOST - 1])]
    return ""
