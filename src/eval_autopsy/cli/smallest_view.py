"""The words of `autopsy shrink`."""

from __future__ import annotations

from collections.abc import Iterator

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out
from eval_autopsy.experiments.shrink import End, Shrunk
from eval_autopsy.perturbations.apply import place_of


def show(out: Out, found: Shrunk, name: str) -> None:
    """All of what came of it."""
    out.say(f"{name}: {found.id} of {found.split}", bold=True)
    state = "as it is" if found.changes is None or found.mended else "when it is changed"
    out.say(f"wrong {state}: {wrong(found.before)} ({size(found.before)})")
    out.say()
    out.say(f"the smallest input that fails: {size(found.failing)}", bold=True)
    for line in told(found.failing):
        out.say(line)
    if found.passing is not None:
        out.say()
        out.say("its twin, which is right", bold=True)
        for line in told(found.passing):
            out.say(line)
    out.say()
    for line in closing(found):
        out.say(line)


def told(end: End) -> Iterator[str]:
    """An input and what the system makes of it, as one reads them."""
    yield from text(end)
    answer, failure = end.told.answer, end.told.failure
    if answer.error is not None:
        yield f"error: {kernel.visible(answer.error)}"
        return
    yield f"output: {value(answer.output)}"
    if failure:
        yield f"expected: {value(end.trial.expected)}"
        yield f"wrong: {wrong(end)}"


def text(end: End) -> Iterator[str]:
    """The lines of an input's text; of another one its JSON."""
    given = end.trial.input
    lines = given.splitlines() if isinstance(given, str) else [kernel.canonical(given)]
    for line in lines:
        yield f"    {kernel.visible(line)}"


def value(found: object) -> str:
    return kernel.visible(kernel.canonical(found))


def wrong(end: End) -> str:
    """What is wrong of an answer, in words."""
    failure = end.told.failure
    if failure.error:
        return failure.error
    if not failure:
        return "nothing"
    named = [f"{name} ({way})" for name, way in failure.wrong.items() if name]
    return kernel.visible(", ".join(named)) or "the answer"


def size(end: End) -> str:
    """The lines and characters of an input."""
    place = place_of(end.trial.input)
    words = place.text if place is not None else kernel.canonical(end.trial.input)
    lines = len(words.splitlines())
    return f"{lines:,} line{'s' * (lines != 1)}, {len(words):,} characters"


def closing(found: Shrunk) -> Iterator[str]:
    """What makes it fail, and what that rests on."""
    if found.changes is not None and found.mended:
        yield f"right when it is changed: {', '.join(found.changes)}"
    elif found.changes is not None:
        yield f"of the changes that were made, these matter: {', '.join(found.changes)}"
    if found.passing is not None:
        yield f"what makes it fail: {len(found.difference):,} of {found.edits:,} edits"
        for words in found.difference:
            yield f"    {kernel.visible(words)}"
    if found.twin is not None and found.changes is None:
        yield f"the twin is laid out as {found.twin[1]} of {found.twin[0]}, which is right"
    yield f"rule: {kernel.visible(found.rule)}"
    if not found.complete:
        yield "all calls are used up, so that a smaller one may be there: allow more with --calls"
    n = len(found.ends)
    yield f"asked again: {found.again:,} of {n:,} came to the same"
    calls = f"{found.made:,} called in this run, {found.journalled:,} from the journal"
    yield f"inputs of the search: {found.asked:,}, of at most {found.calls_at_most:,} ({calls})"
