"""A record with what several scorers say of its output: what an audit of the scorer looks at."""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.records import Record

Verdict = bool | None

WORDS = {True: "right", False: "wrong", None: "none"}
BY_VALUE: Mapping[str, Any] = {"rule": "normalized", "fields": []}
DIGIT = re.compile(r"\d")  # without one, a text is no amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A record and its verdicts; None where a scorer has nothing to say.

    `score` is the verdict under audit: the recorded one where the data hold any, else the one that
    was computed from output and expected value. What is known only from a tool's own log is "".
    """

    record: Record  # its output and expected value as they were compared
    score: Verdict
    recorded: Verdict = None
    recomputed: Verdict = None
    normalized: Verdict = None
    status: str = ""  # what became of the call, as the reader of a log tells it
    grader_error: str = ""  # of the grader that the score is by
    system: str = ""  # the model, prompt and settings that gave the output
    fields: Sequence[str] = field(default=())  # the only ones that are compared; all when empty

    @property
    def failed(self) -> bool:
        """Whether the call failed, so that there is no answer to be right or wrong."""
        return self.record.error is not None or self.status == "errored"

    @property
    def ungraded(self) -> bool:
        """Whether the grader failed, so that its verdict is none."""
        return bool(self.grader_error)


class Same:
    """Which records have the same values: a number for each, the same where the JSON texts are.

    Numbers stand for the texts because there can be more of these than fit in memory.
    """

    def __init__(self, judged: Sequence[Judged]) -> None:
        self.inputs = numbered(text_of(one.record.input) for one in judged)
        self.expected = numbered(text_of(one.record.expected) for one in judged)
        self.outputs = numbered(text_of(one.record.output) for one in judged)

    def task(self, row: int) -> tuple[int, int]:
        """What tells the task of a record: its input and its expected value."""
        return self.inputs[row], self.expected[row]


def numbered(texts: Iterable[str]) -> Sequence[int]:
    """A number for each text, from 0 in the order in which they come first.

    >>> list(numbered(["yes", "no", "yes"]))
    [0, 1, 0]
    """
    numbers: dict[bytes, int] = {}
    return array("Q", (numbers.setdefault(digest(text), len(numbers)) for text in texts))


def digest(text: str) -> bytes:
    """Sixteen bytes that stand for a text of any length."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def text_of(value: object) -> str:
    """The JSON text of a value; "" where there is none."""
    return "" if value is kernel.MISSING else kernel.canonical(value)


def alike(one: object, other: object, fields: Sequence[str] = ()) -> bool:
    """Whether two values are the same but for case, white space and the format of amounts."""
    if isinstance(one, str) and isinstance(other, str):
        same = one == other or one.casefold().split() == other.casefold().split()
        if same or not (DIGIT.search(one) and DIGIT.search(other)):
            return same
    if not isinstance(other, dict):
        return kernel.normalized(one, other)
    found = kernel.right_fields({**BY_VALUE, "fields": list(fields)}, one, other)
    return all(found.values())


def shown(value: object, limit: int = 60) -> str:
    """A value on one line for a sentence: its JSON text, cut."""
    text = "nothing" if value is kernel.MISSING else kernel.visible(kernel.canonical(value))
    return text if len(text) <= limit else text[: limit - 1] + "…"
