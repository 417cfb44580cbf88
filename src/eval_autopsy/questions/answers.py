"""The expected answer inside an output that a stricter parser gave up on.

1. An output `is` the expected answer when nothing but wrapping is around it: a fence, quotes or
   emphasis, "The answer is", \\boxed{...}, #### in front, prose around one JSON object, a comma too
   many in it, or an object written as Python writes it.
2. It `holds` the answer when the answer stands in it as words of their own, and nothing else in it
   could be meant: no other label of the same data, no other number, no negation.
3. An answer of fewer than three letters or digits is never looked for inside of a text.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal

from eval_autopsy import kernel
from eval_autopsy.questions.judged import alike

Reading = Literal["is", "holds"]

TEXT_LIMIT = 20_000  # characters of an output that are looked at
HOLDS_LIMIT = 400  # characters of a text in which an answer may be found by its words alone
SHORTEST = 3  # letters and digits of an answer that is looked for inside of a text

_FENCE = re.compile(r"```[\w-]*\s*\n?(.*?)```", re.DOTALL)
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
_MARKED = re.compile(r"####\s*(.+)\s*$")
_LEAD = re.compile(
    r"^(?:so,?\s+)?(?:the\s+)?(?:final\s+|correct\s+|right\s+)?"
    r"(?:answer|result|output|label|category|class|choice|option)\s*(?:is\s*:?|:|=)\s*",
    re.IGNORECASE,
)
_AROUND = " \t\r\n\"'`*_.:;!()[]"
_NEGATION = re.compile(
    r"\b(?:not?|never|neither|nor|cannot|isn['\u2019]t|wasn['\u2019]t|nicht|kein\w*|ne|pas)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?\d[\d,.']*\d|[-+]?\d")
_COMMA = re.compile(r",(\s*[}\]])")


def reading(
    output: object, expected: object, labels: Collection[str], fields: Sequence[str] = ()
) -> Reading | None:
    """How an output that is not the expected value has it all the same; None when it has not.

    `labels` are the texts of the answers that the data know, where they are a closed set.
    """
    if not isinstance(output, str) or not output.strip() or not kernel.not_blank(expected):
        return None
    text = output[:TEXT_LIMIT]
    if isinstance(expected, dict):
        if any(alike(value, expected, fields) for value in objects_in(text)):
            return "is"
        return "holds" if _broken_with(text, expected) else None
    if isinstance(expected, (bool, list)):
        return None
    if any(alike(part, expected) for part in _unwrapped(text)):
        return "is"
    return "holds" if _holds(text, expected, labels) else None


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """The objects that a text is when its wrapping is taken away."""
    starts, ends = text.find("{"), text.rfind("}")
    candidates = [*_FENCE.findall(text), text[starts : ends + 1] if 0 <= starts < ends else ""]
    for candidate in candidates:
        for read in (_json, _without_last_comma, _python):
            value = read(candidate.strip())
            if isinstance(value, dict):
                yield value
                break


def _json(text: str) -> object:
    try:
        return kernel.strict_json(text)
    except kernel.Unreadable:
        return None


def _without_last_comma(text: str) -> object:
    return _json(_COMMA.sub(r"\1", text))


def _python(text: str) -> object:
    """The value of a text that is a literal of Python, with the types that JSON has."""
    try:
        return _json(json.dumps(ast.literal_eval(text)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _unwrapped(text: str) -> Iterator[str]:
    """What a text says without quotes, emphasis, a fence or words that lead in."""
    marked = _MARKED.search(text.strip())
    inner = [*_FENCE.findall(text), *_BOXED.findall(text)[-1:], *([marked[1]] if marked else [])]
    for part in (text, *inner):
        bare = part.strip(_AROUND)
        yield bare
        yield _LEAD.sub("", bare, count=1).strip(_AROUND)
    last = text.strip().splitlines()[-1].strip(_AROUND)
    if _LEAD.match(last):
        yield _LEAD.sub("", last, count=1).strip(_AROUND)


def _holds(text: str, expected: object, labels: Collection[str]) -> bool:
    if len(text) > HOLDS_LIMIT or _NEGATION.search(text):
        return False
    if isinstance(expected, (int, Decimal)) or kernel.amount(expected) is not None:
        numbers = {number.strip(",.'") for number in _NUMBER.findall(text)}
        return bool(numbers) and all(alike(number, _bare(expected)) for number in numbers)
    wanted = str(expected)
    others = (one for one in labels if not alike(one, wanted))
    return _stands_in(wanted, text) and not any(_stands_in(one, text) for one in others)


def _bare(amount: object) -> object:
    """An amount without its currency."""
    found = kernel.amount(amount)
    return found[1] if found else amount


def _stands_in(part: str, text: str) -> bool:
    """Whether a text has another as words of their own, whatever the case and white space."""
    words = part.casefold().split()
    if sum(map(str.isalnum, part)) < SHORTEST:
        return False
    pattern = r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w)"
    return re.search(pattern, text.casefold()) is not None


def _broken_with(text: str, expected: dict[str, Any]) -> bool:
    """Whether a text that begins as an object and is none has each expected value at its field."""
    if "{" not in text or next(objects_in(text), None) is not None:
        return False
    values = {name: value for name, value in expected.items() if kernel.not_blank(value)}
    return bool(values) and all(
        not isinstance(value, (dict, list))
        and re.search(rf"[\"']{re.escape(name)}[\"']\s*:\s*[\"']?{_as_text(value)}(?![\w.])", text)
        for name, value in values.items()
    )


def _as_text(value: object) -> str:
    return re.escape(value if isinstance(value, str) else kernel.canonical(value))
