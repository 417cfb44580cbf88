"""A perturbation applied to the input of one record, and whether it can be.

1. A text change changes an input that is a text, the only text of an object, or the last message
   of the user in a list of messages; a change of messages, the list or what is at `messages`.
2. A change that leaves the input as it is does not apply.
3. A change that claims to keep the answer is refused where a text of the answer stood in the input
   and stands there no more: then nobody knows what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.errors import AutopsyError, CannotRun
from eval_autopsy.perturbations.answers import texts_in
from eval_autopsy.registry import Entry, Perturbation

DOES_NOT_APPLY, TOUCHES = "does not apply", "touches the answer"


class Changed(NamedTuple):
    """A changed input, and the answers that are right for it."""

    input: Any
    answers: Sequence[Any]  # of "changes" without a known answer, what was right before


class Applied(NamedTuple):
    """A perturbation that is ready for use: what it had to learn, it has."""

    entry: Entry[Perturbation]
    change: Callable[[Any, Random], Any]

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def known(self) -> bool:
        """Whether the right answer is known after it."""
        about = self.entry.value
        return about.relation == "same" or about.answers is not None


def learned(entry: Entry[Perturbation], inputs: Sequence[Any]) -> Applied | None:
    """A perturbation ready for use; `inputs` are answered right. None when it learns nothing."""
    about = entry.value
    if not about.learns:
        return Applied(entry, about.change)
    texts = [place.text for value in inputs for place in [place_of(value)] if place is not None]
    change = _safely(entry, lambda: about.change(texts), "what it learns from")
    return None if change is None else Applied(entry, change)


def applied(one: Applied, value: Any, expected: Any, seed: str) -> Changed | str:
    """The changed input, or why there is none: DOES_NOT_APPLY or TOUCHES.

    The same for the same seed. Raises CannotRun when the perturbation fails, or gives back what
    is neither a text nor messages.
    """
    about, draw = one.entry.value, Random(f"{seed} {one.name}")
    place = place_of(value) if about.of == "text" else _messages(value)
    if place is None:
        return DOES_NOT_APPLY
    before = place.text
    after = _safely(one.entry, lambda: one.change(before, draw), before)
    if after is None or after == before:
        return DOES_NOT_APPLY
    if not isinstance(after, str if about.of == "text" else list):
        what = f"the perturbation {one.name!r} gave {type(after).__name__}, expected {about.of}"
        raise CannotRun(what, remedy="repair it, or leave it out with --change")
    new = place.put(after)
    if about.answers is not None:
        answers = _safely(one.entry, lambda: about.answers(before, after, expected), before)  # type: ignore[misc]
        return Changed(new, answers) if answers else DOES_NOT_APPLY
    if about.relation == "same" and _lost(value, new, expected):
        return TOUCHES
    return Changed(new, [expected])


class Place(NamedTuple):
    """What is changed of an input, and how the input is put together again."""

    text: Any
    put: Callable[[Any], Any]


def place_of(value: Any) -> Place | None:
    """The text to change in an input; None when there is none, or it is not clear which."""
    if isinstance(value, str):
        return Place(value, lambda text: text)
    messages = _messages(value)
    if messages is not None:
        return _last_of_user(messages)
    if isinstance(value, dict):
        names = [name for name, part in value.items() if isinstance(part, str)]
        if len(names) == 1:
            return Place(value[names[0]], lambda text: {**value, names[0]: text})
    return None


def _messages(value: Any) -> Place | None:
    """The list of messages in an input."""
    if isinstance(value, dict) and _are_messages(value.get("messages")):
        return Place(value["messages"], lambda messages: {**value, "messages": messages})
    return Place(value, lambda messages: messages) if _are_messages(value) else None


def _are_messages(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and isinstance(one.get("role"), str) for one in value)
    )


def _last_of_user(messages: Place) -> Place | None:
    """The text of the last message of the user that has one, and no more than one."""
    turns = messages.text
    for at in reversed(range(len(turns))):
        inside = _content(turns[at].get("content")) if turns[at]["role"] == "user" else None
        if inside is not None:
            return Place(inside.text, partial(_with_content, messages, at, inside))
    return None


def _content(content: Any) -> Place | None:
    """The text of a message's content, which is a text or a list with one block of text."""
    if isinstance(content, str):
        return Place(content, lambda text: text)
    blocks = content if isinstance(content, list) else []
    texts = [at for at, block in enumerate(blocks) if _is_text(block)]
    if len(texts) != 1:
        return None
    (at,) = texts
    return Place(
        blocks[at]["text"],
        lambda text: [*blocks[:at], {**blocks[at], "text": text}, *blocks[at + 1 :]],
    )


def _is_text(block: Any) -> bool:
    return isinstance(block, dict) and isinstance(block.get("text"), str)


def _with_content(messages: Place, at: int, inside: Place, text: Any) -> Any:
    turns = messages.text
    changed = {**turns[at], "content": inside.put(text)}
    return messages.put([*turns[:at], changed, *turns[at + 1 :]])


def _lost(before: Any, after: Any, expected: Any) -> bool:
    """Whether a text of the answer stood in the input, and stands there no more."""
    if expected is kernel.MISSING:
        return False
    old, new = ("\n".join(texts_in(value)) for value in (before, after))
    return any(text in old and text not in new for text in texts_in(expected))


def _safely(entry: Entry[Perturbation], call: Callable[[], Any], given: Any) -> Any:
    """What a perturbation gives; one that fails is an error that names it and the input."""
    try:
        return call()
    except AutopsyError:
        raise
    except Exception as error:
        shown = repr(given)[:80]
        what = f"the perturbation {entry.name!r} of {entry.package} failed on {shown}"
        remedy = "repair it, or leave it out with --change"
        raise CannotRun(f"{what}: {type(error).__name__}: {error}", remedy=remedy) from error
