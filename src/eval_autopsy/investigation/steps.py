"""The steps of an investigation, in their order: what each establishes, on which premises, and how.

A premise is met by a step that is done, that was skipped with a reason, or that does not apply.
"""

from __future__ import annotations

from typing import NamedTuple


class Step(NamedTuple):
    """One step."""

    name: str
    establishes: str
    premises: tuple[str, ...]
    verb: str  # the command line after `autopsy`, with CASE for the case


STEPS = (
    Step("frame", "what eval measures, and what production needs", (), "next CASE"),
    Step(
        "reproduce",
        "how many answers are right on eval and in production, when they are made or scored anew",
        ("frame",),
        "run CASE",
    ),
    Step("quantify", "which slices carry the wrong answers", ("reproduce",), "slices CASE"),
    Step(
        "silence",
        "which wrong answers every guard lets through",
        ("reproduce",),
        "slices CASE",
    ),
    Step(
        "calibrate",
        "whether a confidence keeps in production what it promises on eval",
        ("reproduce",),
        "look CASE",
    ),
    Step(
        "hypothesise",
        "what should break right answers and what should spare them, said before it is tried",
        ("quantify", "silence", "calibrate"),
        "hypothesise CASE --statement TEXT --breaks CHANGE --spares CHANGE --mends CHANGE",
    ),
    Step(
        "ablate",
        "which change of one thing turns right answers wrong, or wrong ones right",
        ("hypothesise",),
        "ablate CASE",
    ),
    Step("shrink", "the smallest input that still fails", ("ablate",), "shrink ID CASE"),
    Step(
        "narrate",
        "what happened, in prose whose numbers are claims",
        ("quantify", "silence", "calibrate", "hypothesise", "ablate", "shrink"),
        "narrate CASE FILE",
    ),
    Step("certify", "the receipt, with all of this in it", ("narrate",), "certify CASE"),
)
NAMES = tuple(step.name for step in STEPS)
BY_NAME = {step.name: step for step in STEPS}
NEEDED = ("frame", "certify")  # without a frame there is no case, and certifying is the end
CAUSE = ("hypothesise", "ablate", "shrink")  # what looks for a cause
