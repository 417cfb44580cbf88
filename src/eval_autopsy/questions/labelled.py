"""The right answer as the input itself states it, where a task copies labelled values.

    Vendor: Okafor Electrical Inc.
    Total: £10,753.25

1. A field of the expected value goes with the label under which its value stands in most inputs.
   The label is learned from the records; what the field is called does not matter.
2. The rule holds for a field when the value under its label is the expected one in at least nine
   of ten records that have the label once, and in no fewer than ten.
3. A value that differs says something only when it is of a form that the field's values are copied
   in elsewhere. "26 May 2024" against 2024-05-26 is another form, and so it says nothing.
4. Where the rule does not hold, a label is missing or stands twice, there is no reference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.questions.judged import Judged, Same, alike

AGREE = 0.9  # of the records with the label
AT_LEAST = 10  # records that agree
FORM_SEEN = 2  # records in which a form is copied, for it to be one of the field's


class Contradiction(NamedTuple):
    """A field of a record whose expected value is not what the input states."""

    field: str  # "" when the expected value is no object
    label: str
    stated: str
    expected: object


class Rule(NamedTuple):
    """What is known of a field: its label, and the forms in which its values are copied."""

    label: str
    forms: frozenset[str]


class References:
    """What the inputs of some records state of the fields of their expected values.

    `verdicts` holds each output against it, and is None where the input does not state all that is
    asked; `contradictions` are the truths that it is at odds with. `same` says which records have
    the same values.
    """

    def __init__(self, judged: Sequence[Judged]) -> None:
        self.same = Same(judged)
        learned = _labels(judged)
        # Of all that inputs state, the values under these labels are all that is asked for.
        self._values = [_under(learned.values(), one) for one in judged] if learned else []
        self._rules = dict(_rules(judged, self._values, learned))
        self.contradictions = self._contradictions(judged)  # by the position of the record
        self.verdicts = [self._verdict(row, one) for row, one in enumerate(judged)]

    def _contradictions(self, judged: Sequence[Judged]) -> dict[int, Contradiction]:
        """The first field of each record whose expected value is not what its input states."""
        found: dict[int, Contradiction] = {}
        for row, one in enumerate(judged if self._rules else ()):
            for name, expected in parts_of(one).items():
                stated = self._stated(row, name, expected)
                if stated is not None and not alike(stated, expected):
                    known = Contradiction(name, self._rules[name].label, stated, expected)
                    found.setdefault(row, known)
        return found

    def _verdict(self, row: int, one: Judged) -> bool | None:
        """Whether the output is what the input states; None unless it states all that is asked."""
        parts = parts_of(one) if self._rules else {}
        stated = {name: self._stated(row, name, value) for name, value in parts.items()}
        if not parts or None in stated.values() or one.failed or one.record.output is MISSING:
            return None
        output = _read(one)
        return all(alike(_part(output, name), stated[name]) for name in parts)

    def _stated(self, row: int, name: str, expected: object) -> str | None:
        """The value under a field's label; None where there is no telling."""
        rule = self._rules.get(name)
        stated = self._values[row].get(rule.label) if rule else None
        if rule is None or stated is None or alike(stated, expected):
            return stated
        if kernel.form_of(stated) not in rule.forms or _inside(stated, expected):
            return None
        return stated


def parts_of(one: Judged) -> dict[str, object]:
    """The expected values that are compared, by field; one that is no object is the field ""."""
    expected = one.record.expected
    if isinstance(expected, dict):
        return {name: kernel.field(expected, name) for name in one.fields or expected}
    return {} if expected is MISSING else {"": expected}


def _labels(judged: Sequence[Judged]) -> dict[str, str]:
    """The label of each field: the one under which its value stands in most inputs."""
    agreeing: dict[str, Counter[str]] = {}  # field -> labels under which its value stands
    for one in judged:
        pairs = kernel.labelled(one.record.input)
        for name, expected in parts_of(one).items() if pairs else ():
            same = (label for label, value in pairs.items() if alike(value, expected))
            agreeing.setdefault(name, Counter()).update(same)
    most = {name: labels.most_common(1)[0] for name, labels in agreeing.items() if labels}
    return {name: label for name, (label, agree) in most.items() if agree >= AT_LEAST}


def _under(labels: Collection[str], one: Judged) -> dict[str, str]:
    """The values that an input states under some labels."""
    return {
        label: value
        for label, value in kernel.labelled(one.record.input).items()
        if label in labels
    }


def _rules(
    judged: Sequence[Judged], values: Sequence[Mapping[str, str]], learned: Mapping[str, str]
) -> Iterator[tuple[str, Rule]]:
    """The rule of each field that has one."""
    for name, label in learned.items():
        both = [
            (value[label], parts_of(one)[name])
            for one, value in zip(judged, values, strict=True)
            if label in value and name in parts_of(one)
        ]
        agree = [stated for stated, wanted in both if alike(stated, wanted)]
        if len(agree) >= AGREE * len(both):
            forms = Counter(map(kernel.form_of, agree))
            often = frozenset(form for form, n in forms.items() if n >= FORM_SEEN)
            yield name, Rule(label, often)


def _read(one: Judged) -> object:
    """The output, or the object that it is inside of its wrapping where an object is expected."""
    output = one.record.output
    if isinstance(output, str) and isinstance(one.record.expected, dict):
        return next(kernel.objects_in(output), output)
    return output


def _part(output: object, name: str) -> object:
    if not name:
        return output
    return kernel.field(output, name) if isinstance(output, dict) else MISSING


def _inside(stated: str, expected: object) -> bool:
    """Whether one of two texts is a part of the other, so that they may mean the same."""
    one, other = stated.casefold(), str(expected).casefold()
    return one in other or other in one
