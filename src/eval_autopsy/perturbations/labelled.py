"""The labelled fields of a text, such as "Vendor: Okafor", and the lines that they stand on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

_LABEL = r"[^\W\d_][\w .#/'&()-]{0,38}?"
_DELIMITER = r"->|=>|→|:(?!//)|=|\||\t|\s[-\u2013](?=\s)"
_FIELD = re.compile(rf"(\s*)({_LABEL})(\s*(?:{_DELIMITER})\s*)(?=\S)")
_BETWEEN = re.compile(rf"(?:[;,]\s+|(?<=\S)\s{{3,}})(?={_LABEL}\s*(?:{_DELIMITER})\s*\S)")


class Line(NamedTuple):
    """A line and what ends it; the last one may end with nothing."""

    body: str
    end: str


class Field(NamedTuple):
    """A labelled field that has a line to itself; the parts together are the line."""

    indent: str
    label: str
    delimiter: str  # with the white space around it
    value: str  # with the white space after it

    @property
    def key(self) -> str:
        """The label whatever its case and its white space."""
        return " ".join(self.label.casefold().split())


def lines_of(text: str) -> list[Line]:
    """The lines of a text, which joined give it again."""
    bodies = text.splitlines()
    whole = text.splitlines(keepends=True)
    return [Line(body, line[len(body) :]) for body, line in zip(bodies, whole, strict=True)]


def text_of(lines: Iterable[Line]) -> str:
    """The text of some lines."""
    return "".join(part for line in lines for part in line)


def newline_of(lines: Iterable[Line]) -> str:
    """What ends the first line that something ends; else a line feed."""
    return next((line.end for line in lines if line.end), "\n")


def parts_of(body: str) -> list[str]:
    """The labelled fields of a line that has several of them; the line itself otherwise."""
    return _BETWEEN.split(body) if _FIELD.match(body) else [body]


def field_of(body: str) -> Field | None:
    """The field of a line; None when it has none, or several."""
    match = _FIELD.match(body)
    if match is None or len(parts_of(body)) > 1:
        return None
    indent, label, delimiter = match.groups()
    return Field(indent, label, delimiter, body[match.end() :])


def fields_of(lines: Iterable[Line]) -> dict[int, Field]:
    """The fields that have a line to themselves, by the number of the line from 0."""
    found = ((number, field_of(line.body)) for number, line in enumerate(lines))
    return {number: field for number, field in found if field is not None}


def with_fields(text: str, change: Callable[[Field], Field]) -> str | None:
    """A text with each of its fields changed; None when it has none."""
    lines = lines_of(text)
    fields = fields_of(lines)
    if not fields:
        return None
    return text_of(replaced(lines, {number: change(field) for number, field in fields.items()}))


def replaced(lines: Iterable[Line], fields: Mapping[int, Field]) -> list[Line]:
    """The lines, some of them with another field."""
    return [
        Line("".join(fields[number]), line.end) if number in fields else line
        for number, line in enumerate(lines)
    ]
