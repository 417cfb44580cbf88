"""How far an investigation went, as its receipt says it: recorded, and not derived anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

CAME_TO = {
    "measured": "All that it predicts held, and nothing flips unchanged.",
    "refuted": "A part of what it predicts did not hold.",
    "inferred": "What came of it shows it neither so nor otherwise.",
}


class Left(NamedTuple):
    """A step that was not taken, and why."""

    step: str
    why: str


class Tried(NamedTuple):
    """A hypothesis, and its verdict: "measured", "refuted" or "inferred"."""

    statement: str
    verdict: str


class Account(NamedTuple):
    """The steps of an investigation, by what became of them."""

    done: Sequence[str]
    skipped: Sequence[Left]  # the reasons are in the words of who skipped
    not_applicable: Sequence[Left]  # the reasons are ours
    tried: Sequence[Tried]
    end: str = ""  # why there is no cause to look for, in our words

    @property
    def varied(self) -> bool:
        """Whether the system was asked about changed inputs."""
        return "ablate" in self.done

    def lines(self) -> Iterator[str]:
        """The section of the report, line by line; what others wrote is quoted."""
        yield "## The investigation"
        yield ""
        yield "Recorded while it went on, and not derived again. A quotation is its author's words."
        yield ""
        yield f"- done: {', '.join(self.done)}"
        if self.end:
            yield f"- no cause to look for: {self.end}"
        for left in self.not_applicable:
            yield f"- does not apply: {left.step} ({left.why})"
        for left in self.skipped:
            yield f"- skipped: {left.step}, for this reason:"
            yield ""
            yield f"> {left.why}"
            yield ""
        for one in self.tried:
            yield "- predicted before the system was asked about changed inputs:"
            yield ""
            yield f"> {one.statement}"
            yield ""
            yield f"  {CAME_TO[one.verdict]}"
        yield ""
