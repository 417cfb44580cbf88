"""The worked examples in a prompt: paragraphs that have a question and its answer."""

from __future__ import annotations

import re
from random import Random

from eval_autopsy.perturbations.draws import reordered
from eval_autopsy.registry import perturbation

_GAP = re.compile(r"(\n[ \t]*\n+)")
_ASKED = re.compile(r"(?im)^\s*(?:Q|Question|Input|Text|User|Example(?: \d+)?)\s*:")
_ANSWERED = re.compile(r"(?im)^\s*(?:A|Answer|Output|Label|Assistant)\s*:[ \t]*\S")


@perturbation(
    "shuffle_examples",
    varies="the order of examples",
    holds="every paragraph, and the place of all but the examples",
)
def shuffle_examples(text: str, draw: Random) -> str | None:
    """The worked examples of a prompt come in another order."""
    parts = _GAP.split(text)  # paragraphs, with what is between them at odd places
    places = [at for at in range(0, len(parts), 2) if _is_example(parts[at])]
    if len(places) < 2:
        return None
    for at, example in zip(places, reordered(draw, [parts[at] for at in places]), strict=True):
        parts[at] = example
    return "".join(parts)


def _is_example(paragraph: str) -> bool:
    return bool(_ASKED.search(paragraph) and _ANSWERED.search(paragraph))
