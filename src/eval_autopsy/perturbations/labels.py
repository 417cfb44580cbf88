"""Labels and what stands between a label and its value. The values stay as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from eval_autopsy.perturbations.draws import one_of
from eval_autopsy.perturbations.labelled import (
    Field,
    fields_of,
    lines_of,
    replaced,
    text_of,
    with_fields,
)
from eval_autopsy.perturbations.words import IN_OTHER_LANGUAGES, IN_OTHER_WORDS
from eval_autopsy.registry import perturbation

DELIMITERS = (": ", " = ", "=", " - ", " -> ", "->", " => ", " | ", "|", "\t")
ALL_BUT_LABELS = "values, delimiters and the order of lines"
DELIMITER = "the delimiter after labels"
WORDING = "how labels are written"


@perturbation("change_delimiter", varies=DELIMITER, holds="labels, values and the order of lines")
def change_delimiter(text: str, draw: Random) -> str | None:
    """Another delimiter, drawn at random, stands after every label."""
    used = {field.delimiter.strip() for field in fields_of(lines_of(text)).values()}
    other = one_of(draw, [one for one in DELIMITERS if one.strip() not in used])
    return with_fields(text, lambda field: field._replace(delimiter=other))


@perturbation(
    "usual_delimiter", varies=DELIMITER, holds="labels, values and the order of lines", learns=True
)
def usual_delimiter(texts: Sequence[str]) -> Callable[[str, Random], str | None] | None:
    """The delimiter that is most common among right answers stands after every label."""
    found = Counter(
        field.delimiter for text in texts for field in fields_of(lines_of(text)).values()
    )
    if not found:
        return None
    usual = min(found, key=lambda one: (-found[one], one))
    return lambda text, draw: with_fields(text, lambda field: field._replace(delimiter=usual))


@perturbation(
    "label_case",
    varies=WORDING,
    holds="values, delimiters, the order of lines, the words of labels",
)
def label_case(text: str, draw: Random) -> str | None:
    """Every label is in capital letters, or in small ones where it was."""

    def change(field: Field) -> Field:
        upper = field.label.upper()
        return field._replace(label=upper if upper != field.label else field.label.lower())

    return with_fields(text, change)


@perturbation("paraphrase_labels", varies=WORDING, holds=ALL_BUT_LABELS)
def paraphrase_labels(text: str, draw: Random) -> str | None:
    """Labels that the table has are in other words of the same meaning."""
    return _renamed(text, {key: one_of(draw, words) for key, words in IN_OTHER_WORDS.items()})


@perturbation("translate_labels", varies=WORDING, holds=ALL_BUT_LABELS)
def translate_labels(text: str, draw: Random) -> str | None:
    """Labels that the table has are in another language: German, French or Spanish."""
    language = one_of(draw, range(3))
    return _renamed(text, {key: words[language] for key, words in IN_OTHER_LANGUAGES.items()})


def exchanged(before: Any, after: Any, expected: Any) -> Sequence[Any]:
    """The answer in which two fields have each other's value; none when it is not clear which."""
    first, second = (field.value.strip() for field in [*fields_of(lines_of(before)).values()][:2])
    if not isinstance(expected, dict) or first == second:
        return []
    homes = [[name for name, at in expected.items() if at == value] for value in (first, second)]
    if any(len(names) != 1 for names in homes):
        return []
    return [expected | {homes[0][0]: second, homes[1][0]: first}]


@perturbation(
    "swap_labels",
    varies="which label a value stands under",
    holds="the order and all values of lines, the set of labels",
    relation="changes",
    answers=exchanged,
)
def swap_labels(text: str, draw: Random) -> str | None:
    """The first two labels change places and their values do not, so that each names the other."""
    lines = lines_of(text)
    fields = fields_of(lines)
    if len(fields) < 2:
        return None
    (i, first), (j, second) = [*fields.items()][:2]
    swapped = {i: first._replace(label=second.label), j: second._replace(label=first.label)}
    return text_of(replaced(lines, swapped))


def _renamed(text: str, names: Mapping[str, str]) -> str | None:
    """The text with some labels renamed, by key; None when it has none of them."""

    def change(field: Field) -> Field:
        return field._replace(label=names.get(field.key, field.label))

    found = with_fields(text, change)
    return found if found != text else None
