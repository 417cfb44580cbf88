"""The words and tables of `autopsy slices`. Every number is formatted as a receipt formats it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval_autopsy import kernel
from eval_autopsy.case.load import FILE_NAME
from eval_autopsy.case.written import into
from eval_autopsy.cli.out import Out
from eval_autopsy.cli.places import command
from eval_autopsy.questions.discover import NOT_TESTED, TOO_FEW, Plan
from eval_autopsy.questions.gap import Gap, Waterfall
from eval_autopsy.questions.pairs import Pairs, mcnemar, paired_interval
from eval_autopsy.questions.rates import FEW, Rate
from eval_autopsy.questions.silent import Silent
from eval_autopsy.questions.slices import COVERED, Breakdown, Slice, Slices

if TYPE_CHECKING:
    from eval_autopsy.api import Autopsy

ASIDE = 5  # attributes named in a line; --json names all
NAMED = 5  # slices named in a line
NAME_LENGTH = 40  # characters of a level, a field or an id
MARK = "*"  # of an interval over few clusters
WORDS_LENGTH = 120  # characters of a slice in words
SEARCH_P, FISHER_P = "p (search)", "p (Fisher)"  # the same slice may have both, by its two tests


def show(out: Out, found: Slices, study: Autopsy, *, top: int, every: bool) -> None:
    """All of the answer; `top` rows of each table of a field, or `every` row of every table."""
    out.say(title(study), bold=True)
    out.say(basis(study))
    for note in study.notes:
        out.say(f"guessed: {kernel.visible(note)}")
    out.say()
    show_rates(out, found)
    show_found(out, found)
    show_breakdowns(out, found, top=top, every=every)
    out.say()
    for line in closing(found, study):
        out.say(line)


def show_rates(out: Out, found: Slices) -> None:
    """How many are right, and the change from eval to production."""
    rates = {"eval": found.eval, "production": found.production}
    out.table(
        ["", "right", "rate", "95% interval"],
        [[name, of(rate), percent(rate), interval(rate)] for name, rate in rates.items()],
    )
    ends = [kernel.real(end) for end in found.gap.interval]
    change = shown("difference", str(found.gap.value), "change")
    out.say(f"from eval to production: {change} {shown('difference_interval', ends, 'points')}")
    for name, rate in rates.items():
        if rate.clusters is not None:
            out.say(f"{name}: interval{over(rate)}")
    if found.paired is not None and found.paired.difference is not None:
        change = shown("paired_difference", str(found.paired.difference), "change")
        ends = [kernel.real(end) for end in paired_interval(found.paired)]
        held = shown("paired_interval", ends, "points")
        out.say(f"each task held against itself: {change} {held} {pairs_words(found.paired)}")
    if found.doubt:
        out.say(f"check: {kernel.visible(found.doubt)}", bold=True)


def pairs_words(pairs: Pairs) -> str:
    """What became of the tasks that both sets have."""
    p = shown("p_paired", kernel.real(mcnemar(pairs.broken, pairs.mended)), "p")
    return (
        f"on the {pairs.n:,} tasks that both have: {pairs.broken:,} became wrong, "
        f"{pairs.mended:,} became right (p {p}, McNemar)"
    )


def show_breakdowns(out: Out, found: Slices, *, top: int, every: bool) -> None:
    """A table for each field, and for each feature where every row is wanted."""
    for breakdown in found.breakdowns:
        if every or not breakdown.derived:
            show_breakdown(out, breakdown, bool(found.silent.guards), None if every else top)
    if not found.breakdowns:
        out.say()
        out.say("There is nothing to slice by: name fields with --by, or under [slices] of a case.")


def title(study: Autopsy) -> str:
    """The name of the case, or the files that are compared."""
    if study.written:
        return study.case.name
    return kernel.visible(", ".join(dict.fromkeys(s.name for s in study.case.sources)))


def basis(study: Autopsy) -> str:
    """What says that an answer is right, and where the answers come from."""
    scorer, system = study.case.scorer.name, study.case.system
    if scorer == "recorded":
        threshold = study.case.threshold
        return f"right at {plain(threshold.words, 80)}" if threshold else "right as the data say"
    if system is not None:
        repeats = study.case.file.system.repeats if study.case.file.system else 1
        runs = "one run" if repeats == 1 else f"{repeats:,} calls for each input"
        return f"right by {scorer}, of the outputs of {runs} of {system.file.name}:{system.name}"
    return f"right by {scorer}, of the recorded outputs"


def show_found(out: Out, found: Slices) -> None:
    """What the search confirmed, how it was searched, and how few slices hold the errors."""
    out.say()
    if found.plan is None:
        if found.breakdowns and found.production.n < TOO_FEW:
            n = f"{found.production.n:,}"
            out.say(f"too few records to search: {n}, {TOO_FEW} are needed", bold=True)
        return
    by = "slices by one attribute" if found.plan.depth == 1 else "slices"
    if found.plan.depth > 1:
        by += f" of up to {found.plan.depth} attributes"
    out.say(f"searched {found.searched:,} {by}: {outcome(found, found.plan)}", bold=True)
    if found.picked:
        table_of_found(out, found, found.picked)
        return
    if not found.found or _said_by_a_table(found):
        return
    only_silent = [one for one in found.found if one.found_as == "silent"]
    others = [one for one in found.found if one.found_as != "silent"]
    if others:
        table_of_found(out, found, others)
    if only_silent:
        out.say("here only the silently wrong answers stand out:")
        table_of_found(out, found, only_silent)
    out.say(f"{who_carries(found)} {of(found.covered)} wrong answers")


def _said_by_a_table(found: Slices) -> bool:
    """Whether the table of the one field, which follows, says all that was found."""
    tables = [one for one in found.breakdowns if not one.derived]
    only = len(tables) == len(found.breakdowns) == 1
    alone = found.plan is not None and found.plan.depth == 1
    return alone and only and not tables[0].supervised


def who_carries(found: Slices) -> str:
    """Which of the slices that were found hold most of the wrong answers, and the verb."""
    if len(found.cover) == len(found.found):
        return "it carries" if len(found.cover) == 1 else "together they carry"
    if len(found.cover) > 1:
        return f"{len(found.cover)} of them carry"
    return "the first carries" if found.found[0] in found.cover else "one of them carries"


def table_of_found(out: Out, found: Slices, some: Sequence[Slice]) -> None:
    """Some of the slices that the search found."""
    guarded, held_out = bool(found.silent.guards), bool(found.plan and found.plan.held_out)
    heads = ["slice", "eval", "production", "95% interval"]
    heads += ["held out"] * held_out + ["silent"] * guarded + ["of the gap", SEARCH_P, "such as"]
    rows: list[list[str]] = []
    for one in some:
        cells = [words(one), percent(one.eval), of(one.production), marked(one.production)]
        cells += [of(one.held_out)] * held_out if one.held_out else []
        cells += [f"{one.silent:,}"] * guarded
        share = one.gap_share if beyond_chance(found.gap) else None
        cells.append("-" if share is None else shown("gap_share", str(share), "percent"))
        rows.append([*cells, p_of(one, "p_discovered"), " ".join(map(plain, one.examples))])
    if not any(one.examples for one in some):  # ids are not known of a table in its warehouse
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    out.table(heads, rows)


def beyond_chance(gap: Gap) -> bool:
    """Whether there is a gap to have a share of."""
    low, high = gap.interval
    return low * high > 0


def outcome(found: Slices, plan: Plan) -> str:
    """How many slices were tested and confirmed, or why none was."""
    if found.not_tested:
        return f"picked {len(found.picked)}, tested none ({found.not_tested})"
    return f"tested {found.tested}, confirmed {len(found.found)} ({method(plan)})"


def method(plan: Plan) -> str:
    """How the tests cover what was searched."""
    if plan.held_out:
        return "searched in one half of production, tested in the other"
    return "p covers everything searched; no part of production is held out"


def words(one: Slice) -> str:
    """A slice in words, without the marks of code, which only Markdown needs."""
    return plain(one.words.replace("`", ""), WORDS_LENGTH)


def show_breakdown(out: Out, breakdown: Breakdown, guarded: bool, top: int | None) -> None:
    """The table of one attribute, and what it says."""
    name = attribute(breakdown.attribute)
    rows = breakdown.slices[:top]
    heads = [name, "eval", "production", "95% interval", "silent", "points", FISHER_P, "such as"]
    cells = [row_of(one) for one in rows]
    if not any(one.examples for one in breakdown.slices):
        heads, cells = heads[:-1], [row[:-1] for row in cells]
    if not guarded:  # every wrong answer would count as silent
        heads, cells = without(heads, 4), [without(row, 4) for row in cells]
    out.say()
    out.table(heads, cells)
    left = len(breakdown.slices) - len(rows)
    if left:
        out.say(f"and {left:,} more, none of which loses more; --all shows them")
    if breakdown.explained is not None:
        share = kernel.percent(breakdown.explained)
        out.say(f"{name} explains {share} of what is right and wrong in production (eta squared)")
    if breakdown.cover:
        names = ", ".join(plain_level(one) for one in breakdown.cover[:NAMED])
        if len(breakdown.cover) > NAMED:
            names += f" and {len(breakdown.cover) - NAMED:,} more"
        share = kernel.percent(Fraction(COVERED))
        out.say(f"the fewest slices with {share} of the loss: {names}")
    out.say(f"the change in points: {in_parts(breakdown.waterfall)}")
    if breakdown.supervised:
        out.say("no p: the bands were chosen by what is right and wrong in half of the records")
    only = [level_words(next(iter(one.where.values()))) for one in breakdown.eval_only]
    if breakdown.unseen_anywhere.share:
        out.say(f"in neither eval nor production: {unseen(breakdown)} of production, estimated")
    if only:
        more = f" and {len(only) - NAMED:,} more" if len(only) > NAMED else ""
        out.say(f"only in eval: {', '.join(only[:NAMED])}{more}")


def row_of(one: Slice) -> list[str]:
    """A slice's cells."""
    return [
        plain_level(one),
        percent(one.eval),
        of(one.production),
        marked(one.production),
        f"{one.silent:,}",
        shown("contribution", str(one.contribution), "points"),
        p_of(one, "p_adjusted"),
        plain(one.examples[0]) if one.examples else "",
    ]


def p_of(one: Slice, op: str) -> str:
    """The adjusted p of a slice; a dash where there is none."""
    if one.p_method == NOT_TESTED:
        return "-"
    return shown(op, kernel.real(one.p_adjusted), "p").replace("under ", "<")


def unseen(breakdown: Breakdown) -> str:
    """The share of production in slices that nobody has seen, with its interval."""
    found = breakdown.unseen_anywhere
    ends = [kernel.real(end) for end in found.interval]
    return f"{kernel.percent(found.share)} {shown('unseen_anywhere_interval', ends, 'percent')}"


def without(cells: Sequence[str], position: int) -> list[str]:
    """The cells but for one."""
    return [*cells[:position], *cells[position + 1 :]]


def in_parts(waterfall: Waterfall) -> str:
    """The parts of the change, and how far the order of two of them moves them."""
    words = []
    for part, ends in waterfall.intervals.items():
        text = shown("gap_part", str(waterfall.parts[part]), "points")
        text += f" {shown('gap_part_interval', [kernel.real(end) for end in ends], 'points')}"
        orders = [order[part] for order in waterfall.orders.values()]
        if len(set(orders)) > 1:
            between = (shown("gap_part", str(end), "points") for end in sorted(orders))
            text += " (by order {} to {})".format(*between)
        words.append(f"{part.replace('_', ' ')} {text}")
    return ("" if waterfall.overlap else kernel.NO_OVERLAP + "; ") + ", ".join(words)


def closing(found: Slices, study: Autopsy) -> Iterator[str]:
    """What goes for all tables, what was left out, and what to do next."""
    yield from columns_explained(found)
    yield silence(found, assumed=not study.written)
    yield from left_out(found)
    asked = [case_path(study)] if study.written else study.asked
    yield f"next: {command('autopsy', 'run', *asked, *into(study.case))} (writes the receipt)"


def columns_explained(found: Slices) -> Iterator[str]:
    """What the columns of the tables are."""
    if found.clustered:
        shown = (one.production.clusters for one in found.all)
        few = any(number is not None and number < FEW for number in shown)
        rough = f"; {MARK} over fewer than {FEW}, so that it is rough" if few else ""
        alone = "those of the parts of the change take records as independent"
        yield f"95% interval: over clusters{rough}; {alone}"
    if any(not one.derived for one in found.breakdowns):
        yield "production: right of scored; points: what the slice adds to the change"
        adjusted = "against the rest of production, adjusted for all slices shown or not"
        yield f"{FISHER_P}: Fisher's exact test {adjusted}"
        if found.found and not _said_by_a_table(found):
            yield f"{SEARCH_P}: {search_p_words(found.found)}; this one confirms"


def search_p_words(some: Sequence[Slice]) -> str:
    """How the p of slices that a search confirmed came about, by the method that they name."""
    method = next(one.p_method for one in some)
    if method == "permutation-min-p":
        return "of outcomes dealt out anew, adjusted for everything searched"
    if method == "held-out-min-p":
        return "of outcomes dealt out anew in the held-out half, adjusted for all that were tested"
    return "Fisher's exact test of the held-out half, adjusted by Holm for all that were tested"


def left_out(found: Slices) -> Iterator[str]:
    """Records and attributes that are set aside, and how some attributes were made."""
    for split, count in found.unscored.items():
        if count:
            yield f"set aside: {count:,} records of {split} without a verdict"
    for note in found.notes:
        yield f"note: {kernel.visible(note)}"
    yield from aside(found.set_aside)


def aside(found: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The attributes that are not sliced by, a line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in found:
        by_reason.setdefault(reason, []).append(plain(name))
    for reason, names in by_reason.items():
        shown = ", ".join(names[:ASIDE]) if len(names) > ASIDE + 1 else ", ".join(names)
        more = f" and {len(names) - ASIDE} more" if len(names) > ASIDE + 1 else ""
        yield f"set aside: {shown}{more} ({reason})"


def case_path(study: Autopsy) -> Path:
    """How the case is named: by its folder, or by its file where that has another name."""
    path = study.case.path
    return path.parent if path.name == FILE_NAME else path


def silence(found: Slices, *, assumed: bool) -> str:
    """What the guards let through; `assumed` is whether nobody named them."""
    silent = found.silent
    if not silent.wrong:
        return "silent: no answer in production is wrong"
    if not silent.guards:
        return "silent: not known, since no guard is named"
    return f"silent: {silent_words(silent, assumed=assumed)}"


def silent_words(silent: Silent, *, assumed: bool) -> str:
    """How many wrong answers pass every guard; of those that are assumed, how to name real ones."""
    caught = ", ".join(f"{plain(guard.name)} stops {guard.caught:,}" for guard in silent.guards)
    passed = of(Rate(silent.silent, silent.wrong))
    if not assumed:
        return f"{passed} wrong answers pass every guard ({caught})"
    return (
        f"{passed} wrong answers pass the guards that are assumed ({caught}): name your own under "
        "[guards] of a case, which `autopsy init` writes"
    )


# Words


def shown(op: str, value: Any, form: str) -> str:
    """A value as a receipt shows the claim of it."""
    return kernel.formatted({"op": op, "value": value}, form)


def of(rate: Rate) -> str:
    """A rate as its counts."""
    return shown("rate", f"{rate.k}/{rate.n}", "of")


def percent(rate: Rate) -> str:
    """A rate in per cent; a dash when nothing was counted."""
    return "-" if rate.share is None else kernel.percent(rate.share)


def interval(rate: Rate) -> str:
    """The interval of a rate, in per cent without the sign."""
    return shown("interval", [kernel.real(end) for end in rate.interval], "points")


def over(rate: Rate) -> str:
    """That the interval of a rate is over clusters, and how many; "" where it is over records."""
    number = rate.clusters
    if number is None:
        return ""
    if number == 1:
        return " (all are of 1 cluster)"
    return f" over {number:,} clusters" + (", so few that it is rough" if number < FEW else "")


def marked(rate: Rate) -> str:
    """The interval of a rate for a cell of a table, with a mark where it is over few clusters."""
    few = rate.clusters is not None and rate.clusters < FEW
    return interval(rate) + MARK * few


def plain(text: str, length: int = NAME_LENGTH) -> str:
    """Data on one line, with what cannot be seen spelled out, cut to a cell's length."""
    return kernel.visible(text if len(text) <= length else text[:length] + "…")


def attribute(name: str) -> str:
    """What an attribute is about: a field's name, or what a feature looks at."""
    words = kernel.attribute_words(name)
    return words if "`" not in words else plain(name)


def plain_level(one: Slice) -> str:
    """The level of a slice of one attribute."""
    return level_words(next(iter(one.where.values())))


def level_words(level: Any) -> str:
    """A level as a table's row names it: text as it is, unless it would look like another value."""
    if isinstance(level, dict):
        named = {"missing": "(missing)", "other": "(another)"}
        kind, value = next(iter(level.items()))
        return named.get(kind, plain(str(value)))
    if not isinstance(level, str) or level != level.strip() or not looks_like_text(level):
        return plain(kernel.canonical(level))
    return plain(level)


def looks_like_text(text: str) -> bool:
    """Whether a text cannot be taken for a JSON value, or for nothing."""
    try:
        kernel.strict_json(text)
    except kernel.Unreadable:
        return text not in ("", "(missing)", "(another)")
    return False
