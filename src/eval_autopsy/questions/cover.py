"""The few slices that between them hold the wrong answers, and hardly any others."""

from __future__ import annotations

from collections.abc import Sequence

from eval_autopsy import kernel

SLICES_AT_MOST = 7
CANDIDATES_AT_MOST = 40

One = tuple[str, str]  # an attribute, and the text of a level


def cover_of(cube: kernel.Cube, candidates: Sequence[One]) -> list[One]:
    """The slices, of some candidates, that hold more wrong answers of production than right ones.

    Greedy: the slice that adds the most wrong answers, less the right ones it adds, comes first;
    it ends when none adds more wrong than right. Candidates that come earlier win ties. The
    choice is no claim: what is claimed of it is counted.
    """
    candidates = list(candidates)[:CANDIDATES_AT_MOST]
    by = sorted({name for name, _ in candidates})
    at = {name: i for i, name in enumerate(by)}
    cells = dict(cube.counted(by).get("production", {}))
    found: list[One] = []
    while candidates and len(found) < SLICES_AT_MOST:
        gains = [
            sum(
                counts["wrong"] - counts["right"]
                for levels, counts in cells.items()
                if levels[at[name]] == text
            )
            for name, text in candidates
        ]
        best = max(range(len(gains)), key=lambda i: (gains[i], -i))
        if gains[best] <= 0:
            break
        name, text = candidates.pop(best)
        found.append((name, text))
        cells = {levels: counts for levels, counts in cells.items() if levels[at[name]] != text}
    return found
