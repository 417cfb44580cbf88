"""Changes of this example's own: what a pause is called."""

import re
from random import Random

from eval_autopsy import perturbation

ALL_ELSE = "what is to be paused, until when, and every other word"
PAUSE = re.compile(r"\bpause\b|\bput (.{1,40}?) on hold\b")


@perturbation("say_stop", holds=ALL_ELSE)
def say_stop(text: str, draw: Random) -> str | None:
    """Whoever asks for a pause says stop, and until when."""
    if " until " not in text:
        return None
    return PAUSE.sub(lambda found: f"stop {found[1]}" if found[1] else "stop", text)


@perturbation("say_pause", holds=ALL_ELSE)
def say_pause(text: str, draw: Random) -> str | None:
    """Whoever asks to stop until some time says pause."""
    return re.sub(r"\bstop\b", "pause", text) if " until " in text else None
