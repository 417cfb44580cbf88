"""The lines of the first screen: at most a dozen, each with its counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from eval_autopsy import kernel
from eval_autopsy.cli.slices_view import (
    beyond_chance,
    interval,
    of,
    over,
    pairs_words,
    percent,
    plain,
    plain_level,
    shown,
    silent_words,
    words,
)
from eval_autopsy.questions.audit import Audit
from eval_autopsy.questions.gap import Gap
from eval_autopsy.questions.promise import Promise
from eval_autopsy.questions.rates import Rate
from eval_autopsy.questions.slices import Slice, Slices
from eval_autopsy.readers.logs import no_numbers_words
from eval_autopsy.screen import HEADS_OF_PAIRS, FileSeen, FirstScreen, Worse, links_words

NAMED = 3  # slices, or files, in lines of their own
AT_MOST = 2  # records that were set aside, in their line
LEVELS = 7  # of an attribute, in one line
LINES = 12  # of the screen
ENOUGH = 20  # wrong answers, before they are called a system of their own
ONE_NUMBER = ": two systems wearing one number"
LEFT_OUT = ("left out", "not readable")
BESIDE = ("scores", "summary")  # files that say more about the records of others


class Line(NamedTuple):
    """A line of the screen: what it is about, what it says, and how soon it may be left out."""

    head: str
    text: str
    spare: int = 0  # 0 is never left out; of the others the largest goes first


def lines_of(screen: FirstScreen) -> list[Line]:
    """The screen, line by line; what is worth least is left out where there are too many."""
    lines = list(_every_line(screen))
    while len(lines) > LINES and (most := max(line.spare for line in lines)):
        at = max(at for at, line in enumerate(lines) if line.spare == most)
        del lines[at]
    return lines


def _every_line(screen: FirstScreen) -> Iterator[Line]:
    yield Line("", summary(screen))
    yield from _rates(screen)
    if screen.gap is not None and screen.repeated is None:
        yield Line("gap", gap_words(screen, screen.gap))
    if screen.threshold:
        yield Line("right", f"at {plain(screen.threshold, 80)}")
    if screen.doubt or screen.contradicted:
        yield Line("check", plain(screen.doubt or screen.contradicted, 400))
    else:
        yield from _where(screen)
    yield from _silent(screen)
    yield from _scorer(screen)
    if screen.calibration is not None:
        yield Line("confidence", promise_words(screen.calibration))
    yield from _unscored(screen)
    yield from _attempts(screen)
    for name, counts in screen.no_numbers.items():
        yield Line("no value", plain(no_numbers_words(counts, name), 300), 4)
    yield from _reconciled(screen)
    yield from _left_out(screen)
    if screen.also:
        yield Line("also", plain(screen.also, 200))
    yield from _set_aside(screen)
    yield from _unread(screen)
    for need in screen.needs:
        yield Line("missing", plain(need, 200))
    for at, one in enumerate(screen.cannot_conclude[:NAMED]):
        settled = one.remedy or f"it takes {one.settled_by}"
        yield Line("unknown", plain(f"{one.what}; {settled}", 300), 2 * at)
    if screen.next:
        yield Line("next", " · ".join(kernel.visible(one) for one in screen.next))


def summary(screen: FirstScreen) -> str:
    """How much was read, and how much was not."""
    used = [one for one in screen.files if one.role not in LEFT_OUT]
    records = sum(one.records or 0 for one in used if one.role not in BESIDE)
    aside = sum(one.set_aside for one in used)
    left = sum(one.role in LEFT_OUT for one in screen.files)
    files = f"{len(used):,} file" + "s" * (len(used) != 1)
    text = f"{files} · {records:,} record" + "s" * (records != 1)
    if screen.compared and screen.compared != records:
        text += f", {screen.compared:,} of them compared"
    text += f" · {aside:,} set aside"
    if aside:
        text += f" ({kernel.percent(kernel.ratio(aside, aside + records))})"
    return text + (f" · {left:,} left out" if left else "")


def _rates(screen: FirstScreen) -> Iterator[Line]:
    """A line for each set: its files, and how many of its scored records are right."""
    heads = HEADS_OF_PAIRS if screen.comparison == "paired" else kernel.SPLITS
    for head, rate in zip(heads, (screen.eval, screen.production), strict=True):
        files = [one for one in screen.files if one.role in (head, "eval and production")]
        if rate is not None:
            counted = f"{of(rate)} right  {percent(rate)} {interval(rate)}{over(rate)}"
            yield Line(head, f"{files_words(files)}  {counted}")
        elif files:
            yield Line(head, files_words(files))


def files_words(files: list[FileSeen]) -> str:
    """The files of a set, with the format that was recognised."""
    named = [f"{plain(one.path, 60)} ({plain(one.format)})" for one in files[:NAMED]]
    more = f" and {len(files) - NAMED:,} more" if len(files) > NAMED else ""
    return ", ".join(named) + more


def gap_words(screen: FirstScreen, gap: Gap) -> str:
    """The gap with its interval; of two runs of the same tasks, in pairs."""
    ends = [kernel.real(end) for end in gap.interval]
    change = shown("difference", str(gap.value), "points")
    text = f"{change} points {shown('difference_interval', ends, 'points')}"
    if screen.paired is None:
        return text
    only = "".join(f", {n:,} only in the {run}" for run, n in screen.paired.only.items() if n)
    return f"{text} {pairs_words(screen.paired.pairs)}{only}"


def _where(screen: FirstScreen) -> Iterator[Line]:
    """The worst slices that the search confirmed, and how the gap splits."""
    slices = screen.slices
    throughout = wrong_throughout(slices) if slices is not None else ""
    if throughout:
        yield Line("where", throughout)
    for at, one in enumerate([] if throughout else screen.found[:NAMED]):
        text = slice_words(screen, one) if isinstance(one, Slice) else worse_words(one)
        yield Line("where" if at == 0 else "", text, 2 * at)
    if not throughout and slices is not None and len(slices.found) > 1 and slices.covered.k:
        carry = "1 slice carries" if len(slices.cover) == 1 else f"{len(slices.cover)} slices carry"
        yield Line("", f"{carry} {of(slices.covered)} wrong answers", 3)
    if screen.searched and not screen.found:
        yield Line("where", f"no slice stands out, of {screen.searched:,} searched")
    waterfall = screen.waterfall
    if waterfall is not None and screen.gap is not None and beyond_chance(screen.gap):
        parts = [
            f"{part.replace('_', ' ')} {shown('gap_part', str(waterfall.parts[part]), 'points')} "
            f"{shown('gap_part_interval', [kernel.real(end) for end in ends], 'points')}"
            for part, ends in waterfall.intervals.items()
            if waterfall.parts[part]
        ]
        by = " and ".join(map(plain, waterfall.by))
        by += ", records taken as independent" if slices and slices.clustered else ""
        none = "" if waterfall.overlap else f"{kernel.NO_OVERLAP}; "
        yield Line("made of", f"{none}{', '.join(parts)} (by {by})", 1)


def wrong_throughout(slices: Slices) -> str:
    """That all wrong answers are in levels of one attribute that are never right; "" if not so."""
    wrong = slices.production.n - slices.production.k
    if not slices.production.k:
        return ""  # there is nothing that they could be told from
    for breakdown in slices.breakdowns:
        never = [one for one in breakdown.slices if not one.production.k]
        if breakdown.derived or not wrong or sum(one.wrong for one in never) < wrong:
            continue
        levels = ", ".join(f"{plain_level(one)} 0/{one.wrong:,}" for one in never[:LEVELS])
        levels += f" and {len(never) - LEVELS:,} more" if len(never) > LEVELS else ""
        elsewhere = of(Rate(slices.production.k, slices.production.n - wrong))
        return (
            f"all {wrong:,} wrong answers are where {plain(breakdown.attribute)} is {levels}; "
            f"elsewhere {elsewhere} are right" + (ONE_NUMBER if wrong >= ENOUGH else "")
        )
    return ""


def slice_words(screen: FirstScreen, one: Slice) -> str:
    """A slice with its counts in both sets, and what it carries."""
    before = f", eval {percent(one.eval)}" if one.eval.n else ", never in eval"
    wrong = screen.production.n - screen.production.k if screen.production else 0
    carries = f"{one.wrong:,} of {wrong:,} wrong"
    rate = f"{of(one.production)} right {interval(one.production)}{over(one.production)}{before}"
    return f"{words(one)}: {rate}; {carries}; such as {' '.join(map(plain, one.examples))}"


def worse_words(one: Worse) -> str:
    """A slice of the only set beside the rest of it."""
    name = plain(one.words.replace("`", ""), 120)
    rate = f"{of(one.rate)} right {interval(one.rate)}{over(one.rate)}"
    rate += f", the rest {percent(one.rest)}"
    return f"{name}: {rate}; such as {' '.join(map(plain, one.examples))}"


def _silent(screen: FirstScreen) -> Iterator[Line]:
    silent = screen.silent
    if silent is None or not silent.wrong:
        return
    yield Line("silent", silent_words(silent, assumed=screen.guards_assumed))


def _scorer(screen: FirstScreen) -> Iterator[Line]:
    """What is in doubt about the scorer, and the score without it."""
    audit = screen.audit
    if audit is None or not audit.scorer:
        return
    again = [scores["recomputed"].rate.n for scores in audit.scores.values()]
    records = sum(again) + sum(s["recomputed"].not_applicable for s in audit.scores.values())
    failed = failed_words(audit)
    if not audit.findings:
        text = f"recomputed on {sum(again):,} of {records:,}, no suspects"
        yield Line("scorer", text + failed, 0 if failed else 4)
        return
    found = ", ".join(f"{one.kind} {one.count:,}" for one in audit.findings)
    bounds = "; ".join(
        f"{split} {of(one.lower)}" + (f" to {of(one.upper)}" if one.undecided else "")
        for split, one in audit.corrected.items()
    )
    yield Line("scorer", f"{found}; corrected: {bounds}{failed}")


def failed_words(audit: Audit) -> str:
    """How many failed calls count as wrong, where they are not set apart; "" where none does."""
    failed = sum(audit.errored.values())
    if audit.errors != "wrong" or not failed:
        return ""
    return f"; {failed:,} failed call{'s count' if failed > 1 else ' counts'} as wrong here"


def promise_words(promise: Promise) -> str:
    """What a threshold set on eval promises, and what it delivers."""
    kept = "kept" if promise.kept else "broken"
    return (
        f"from {kernel.canonical(promise.threshold)} on, eval has {of(promise.eval)} right "
        f"({percent(promise.eval)}), production {of(promise.production)} "
        f"({percent(promise.production)} {interval(promise.production)}"
        f"{over(promise.production)}): {kept}"
    )


def _unscored(screen: FirstScreen) -> Iterator[Line]:
    parts = [
        f"{split}: " + ", ".join(f"{n:,} {status}" for status, n in counts.items())
        for split, counts in (screen.unscored or {}).items()
        if counts
    ]
    if parts:
        yield Line("apart", f"{'; '.join(parts)}, counted neither right nor wrong")


def _attempts(screen: FirstScreen) -> Iterator[Line]:
    """How many records have an id that stood before, by file."""
    if screen.attempts:
        named = ", ".join(f"{n:,} in {plain(name, 60)}" for name, n in screen.attempts.items())
        what = "records whose id stood before, numbered, and one cluster with it"
        yield Line("attempts", f"{named}: {what}", 4)


def _left_out(screen: FirstScreen) -> Iterator[Line]:
    """The files with records that are not looked at, and why, where nothing else says it."""
    left = [one for one in screen.files if one.role == "left out"]
    if left and not screen.also:
        named = "; ".join(f"{plain(one.path, 60)}: {plain(one.why, 120)}" for one in left[:AT_MOST])
        more = f"; and {len(left) - AT_MOST:,} more" if len(left) > AT_MOST else ""
        yield Line("left out", named + more, 3)


def _set_aside(screen: FirstScreen) -> Iterator[Line]:
    """Where the first records are that were set aside, and why they were."""
    named = [(one.path, words) for one in screen.files for words in one.such_as]
    if named:
        aside = sum(one.set_aside for one in screen.files if one.such_as)
        text = "; ".join(
            f"{plain(path, 60)} {plain(words, 120)}" for path, words in named[:AT_MOST]
        )
        more = f"; and {aside - AT_MOST:,} more"
        yield Line("set aside", text + (more if aside > AT_MOST else ""), 3)


def _unread(screen: FirstScreen) -> Iterator[Line]:
    """The files that look like data and could not be read, with the reason."""
    unread = [one for one in screen.files if one.role == "not readable"]
    if unread:
        named = "; ".join(f"{plain(one.path, 60)}: {plain(one.why, 100)}" for one in unread[:NAMED])
        more = f"; and {len(unread) - NAMED:,} more" if len(unread) > NAMED else ""
        yield Line("unread", named + more)
    if screen.links:
        names = ", ".join(plain(one, 60) for one in screen.links[:NAMED])
        yield Line("", f"{links_words(screen.links)}: {names}; name what they lead to", 4)


def _reconciled(screen: FirstScreen) -> Iterator[Line]:
    differ = [(name, one) for name, one in screen.reconciled if not one.same]
    for name, one in differ[:NAMED]:
        yield Line("log says", plain(f"{name}: {one.words()}", 200))
    if screen.reconciled and not differ:
        n = len(screen.reconciled)
        yield Line("log says", f"{n:,} figures of its own, and its samples give the same", 5)
