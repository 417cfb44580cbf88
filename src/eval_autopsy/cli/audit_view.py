"""The words and tables of `autopsy audit`. Every number is formatted as a receipt formats it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eval_autopsy import kernel
from eval_autopsy.case.written import into
from eval_autopsy.cli.out import Out
from eval_autopsy.cli.places import command
from eval_autopsy.cli.slices_view import case_path, interval, of, over, percent, plain, shown
from eval_autopsy.questions.audit import EXAMPLES, SCORES, Audit, Corrected, Flip, Flips, ScoreName
from eval_autopsy.questions.judged import WORDS

if TYPE_CHECKING:
    from eval_autopsy.api import Autopsy

ID_LENGTH = 24  # characters of an id


def show(out: Out, found: Audit, study: Autopsy) -> None:
    """All of the answer."""
    out.say(title(found, study), bold=True)
    for note in found.notes:
        out.say(f"note: {kernel.visible(note)}")
    for split in found.splits:
        out.say()
        heads = [named(found, split), "right", "rate", "95% interval", "no verdict"]
        out.table(heads, list(scores(found, split)))
    out.say()
    for line in all_flips(found):
        out.say(line)
    for finding in found.findings:
        out.say()
        out.say(f"{finding.kind}: {finding.count:,}", bold=True)
        out.say(f"  {finding.says}")
        for one in finding.records[:EXAMPLES]:
            out.say(f"  {plain(one.id, ID_LENGTH)}: {one.says}")
        if finding.count > EXAMPLES:
            out.say(f"  and {finding.count - EXAMPLES:,} more; --json lists all ids")
    out.say()
    for line in closing(found, study):
        out.say(line)


def title(found: Audit, study: Autopsy) -> str:
    """The name of the case, or the files that are audited."""
    return study.case.name if study.written else kernel.visible(", ".join(found.sources))


def named(found: Audit, split: str) -> str:
    """The name of a split where there are two."""
    return split if len(found.splits) > 1 else "score"


def scores(found: Audit, split: str) -> Iterator[list[str]]:
    """A row for each score of a split, and one for the bounds of the corrected score."""
    for name, score in found.scores[split].items():
        words = SCORES[name]
        if name == "recomputed":
            words += f" ({plain(found.scorer)})"
        rate = score.rate
        within = interval(rate) + over(rate)
        yield [words, of(rate), percent(rate), within, f"{score.not_applicable:,}"]


def all_flips(found: Audit) -> Iterator[str]:
    """The pairs of scorers of which one says right and the other wrong."""
    changed = [one for one in found.flips if one.changed]
    yield from map(flipped, changed)
    if found.flips and not changed:
        yield "no verdict flips from one score to another"


def flipped(flips: Flips) -> str:
    """The verdicts that flip from one scorer to another, with ids."""
    ways = "; ".join(map(one_flip, flips.changed))
    return f"{SCORES[flips.before]} -> {SCORES[flips.after]}: {ways}"


def one_flip(flip: Flip) -> str:
    """How many flip in one direction, and the first of them."""
    more = ", ..." if len(flip.ids) > EXAMPLES else ""
    first = ", ".join(plain(one, ID_LENGTH) for one in flip.ids[:EXAMPLES])
    way = f"{WORDS[flip.before]} to {WORDS[flip.after]}"
    return f"{way} {len(flip.ids):,} ({first}{more})"


def closing(found: Audit, study: Autopsy) -> Iterator[str]:
    """The corrected score, what stands apart, and what to do next."""
    if not found.findings:
        yield "no suspects"
    for split in found.splits:
        yield f"{named(found, split)}: {bounds(found, split)}"
    yield from apart(found)
    if study.written:
        asked = command("autopsy", "run", case_path(study), *into(study.case))
        yield f"next: {asked} (writes the receipt)"
    elif found.findings:
        yield "next: look at the records named; --json lists them all"


def bounds(found: Audit, split: str) -> str:
    """The score under audit, and what is left of it."""
    given = found.scores[split]
    name: ScoreName = "recorded" if "recorded" in given else "recomputed"
    before = f"{SCORES[name]} {of(given[name].rate)}" if name in given else "no score"
    return f"{before}; corrected {corrected(found.corrected[split])}"


def corrected(one: Corrected) -> str:
    """A corrected score with its bounds and interval."""
    ends = shown("interval", [kernel.real(end) for end in one.interval], "points")
    if one.lower == one.upper:
        words = of(one.lower)
    else:
        words = f"between {of(one.lower)} and {of(one.upper)}"
    words += f" {ends}{over(one.lower)}"
    if one.independent < one.lower.n:
        words += f", of which {one.independent:,} are independent"
    return words


def apart(found: Audit) -> Iterator[str]:
    """The failed calls and failed graders, by what they count as."""
    kinds = (("failed calls", found.errored), ("failed graders", found.ungraded))
    for words, counts in kinds:
        total = sum(counts.values())
        if total:
            parts = [f"{n:,} as {word}" for word, n in counts.items() if n]
            kept = _kept(words, found.errors)
            yield f"{words}: {total:,} (the score counts {', '.join(parts)}){kept}"


def _kept(words: str, errors: str) -> str:
    if words != "failed calls":
        return ""
    return "; wrong, as the case says" if errors == "wrong" else "; apart from the corrected score"
