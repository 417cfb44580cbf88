"""The words and tables of `autopsy ablate` and `autopsy stress`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out
from eval_autopsy.cli.slices_view import interval, of, percent, shown
from eval_autopsy.experiments.ablate import Ablation
from eval_autopsy.experiments.groups import EVAL
from eval_autopsy.experiments.hypotheses import CONTROL, Mending, Outcome, Part
from eval_autopsy.experiments.ledger import FOLDER, NAME
from eval_autopsy.experiments.stress import SYNTHETIC, Stress
from eval_autopsy.questions.ablation import CHANCE, Effect

if TYPE_CHECKING:
    from eval_autopsy.case.load import Case
    from eval_autopsy.experiments.study import Varied

SAME_CLUSTER = "are not tried, as another one of their cluster is"
HEADS = ["n", "right before", "right after", "effect in points", "p"]


def show(out: Out, found: Varied, case: Case, every: bool) -> None:
    """All of what came of it; `every` also shows what had no effect."""
    out.say(case.name, bold=True)
    for one in found.hypotheses:
        show_hypothesis(out, one)
    if found.hypotheses:
        ledger = case.folder / FOLDER / NAME
        out.say()
        out.say(f"predicted before they were tried: {kernel.visible(str(ledger))}")
        known = sum(one.prediction.known for one in found.hypotheses)
        if known:
            out.say(f"but {known:,} answers were known by then: take another --seed to test anew")
    if found.ablation is not None:
        for group in found.ablation.groups:
            show_group(out, found.ablation, group.name, every)
        out.say()
        for line in closing(found.ablation, found.idle):
            out.say(line)
    out.say(f"calls of changed inputs: {found.calls:,}, of at most {found.calls_at_most:,}")


def show_hypothesis(out: Out, one: Outcome) -> None:
    """A hypothesis, its verdict, and each of its parts."""
    out.say()
    out.say(f"{one.verdict}: {kernel.visible(one.statement)}", bold=True)
    heads = ["change", "predicted", "came of it", "right answers that break", "95% interval"]
    out.table([*heads, "p"], [row_of_part(part) for part in one.parts], words=3)
    for part in one.parts:
        if part.exactly is not None:
            fields = ", ".join(part.fields)
            out.say(f"{part.change}: in {of(part.exactly)} exactly {fields} turn wrong")
    if one.mending is not None:
        show_mending(out, one.mending)


def show_mending(out: Out, one: Mending) -> None:
    """What was predicted to mend wrong answers of production, and what came of it."""
    ends = [kernel.real(end) for end in one.mended.interval]
    changes = kernel.IN_TURN.join(one.changes)
    p = p_text(one.effect.p_adjusted)
    said = f"{of(one.mended)}  {shown('interval', ends, 'points')}  p {p}"
    out.say(f"wrong answers of production that {changes} mends: {said}: {one.verdict}")


def row_of_part(part: Part) -> list[str]:
    """A prediction's cells."""
    ends = [kernel.real(end) for end in part.broken.interval]
    p = "" if part.change == CONTROL else p_text(part.effect.p_adjusted)
    said = "breaks it" if part.predicted == "breaks" else "spares it"
    return [
        part.change,
        said,
        part.verdict,
        of(part.broken),
        shown("interval", ends, "points"),
        p,
    ]


def show_group(out: Out, found: Ablation, group: str, every: bool) -> None:
    """The ablation table of a group: what flips an answer, or every change that was tested."""
    effects = [one for one in found.of(group) if one.tried.pairs.n]
    flipping = [one for one in effects if tells(one)]
    holds = {one.name: one.entry.value.holds for one in found.changes}
    out.say()
    out.say(f"{group}: what flips its answers", bold=True)
    rows = [
        [" + ".join(one.tried.changes), held(one, holds), *numbers(one)]
        for one in (effects if every else flipping)
    ]
    if rows:
        out.table(["change", "held constant", *HEADS], rows, words=2)
    else:
        out.say("no change does")
    for line in named(found, group) if every else without_effect(found, group, effects):
        out.say(line)


def held(effect: Effect, holds: Mapping[str, str]) -> str:
    """What a change, or both of two, hold constant."""
    return "; ".join(holds[name] for name in effect.tried.changes)


def numbers(effect: Effect) -> list[str]:
    """An effect's cells."""
    pairs = effect.tried.pairs
    return [
        f"{pairs.n:,}",
        f"{pairs.before.k:,}",
        f"{pairs.after.k:,}",
        points(effect),
        p_text(effect.p_adjusted),
    ]


def points(effect: Effect) -> str:
    """Right after less right before, in points, with its interval."""
    if effect.difference is None:
        return "-"
    ends = [kernel.real(end) for end in effect.interval]
    value = shown("gap_part", str(effect.difference), "points")
    return f"{value} {shown('gap_part_interval', ends, 'points')}"


def p_text(p: float) -> str:
    return shown("p_discovered", kernel.real(p), "p").replace("under ", "<")


def tells(effect: Effect) -> bool:
    """Whether a change flips an answer. Two have to do what they were tried together for, which is
    to break right answers of eval, and to mend wrong ones elsewhere."""
    pairs, several = effect.tried.pairs, len(effect.tried.changes) > 1
    if several:
        return (pairs.broken if effect.tried.group == EVAL else pairs.mended) > 0
    return pairs.broken + pairs.mended > 0


def without_effect(found: Ablation, group: str, effects: Iterable[Effect]) -> Iterator[str]:
    """How many changes flipped nothing, and on how many records each was tried."""
    tried = {one.changes: one.n for one in found.looks if one.group == group and one.n}
    tried |= {one.tried.changes: one.tried.pairs.n for one in effects if not tells(one)}
    single = [n for changes, n in tried.items() if len(changes) == 1]
    couples = [n for changes, n in tried.items() if len(changes) > 1]
    if single:
        yield f"{len(single):,} others flip nothing, tried on {on_records(single)}"
    if couples:
        do = wanted_of_two(group)
        yield f"{len(couples):,} pairs of changes {do} nothing, tried on {on_records(couples)}"


def on_records(counts: Sequence[int]) -> str:
    """How many records, from the fewest to the most."""
    few, many = min(counts), max(counts)
    return f"{few:,} records" if few == many else f"{few:,} to {many:,} records"


def named(found: Ablation, group: str) -> Iterator[str]:
    """The changes that were only looked at, by the number of records."""
    by_size: dict[tuple[int, str], list[str]] = {}
    for one in found.looks:
        if one.group == group and one.n:
            does = "flip" if len(one.changes) == 1 else wanted_of_two(group)
            by_size.setdefault((one.n, does), []).append(" + ".join(one.changes))
    for (n, does), names in sorted(by_size.items(), reverse=True):
        yield f"{does} nothing on {n:,}: {', '.join(names)}"


def wanted_of_two(group: str) -> str:
    """What two changes are tried together for in a group."""
    return "break" if group == EVAL else "mend"


def closing(found: Ablation, idle: Sequence[str]) -> Iterator[str]:
    """What goes for all tables."""
    beyond = sum(one.breaks or one.mends for one in found.effects)
    tests = sum(bool(one.tried.pairs.n) for one in found.effects)
    chance = f"{beyond:,} are beyond chance (p up to {CHANCE})"
    yield f"p: adjusted for {tests:,} tests, of which {chance}"
    flips = sum(one.tried.pairs.broken + one.tried.pairs.mended for one in found.controls)
    asked = sum(one.tried.pairs.n for one in found.controls)
    yield f"control: {flips:,} of {asked:,} answers flip when inputs are asked again as they are"
    alike = sum(one.alike for one in found.groups)
    if alike:
        yield f"{alike:,} records {SAME_CLUSTER}"
    if found.pairs_in_all:
        yield f"two changes after each other: {found.pairs_tried:,} of {found.pairs_in_all:,} tried"
    unknown = [one.name for one in found.changes if not one.known]
    if unknown:
        names = ", ".join(unknown)
        yield f"{names}: nobody knows the right answer then; right means still that of before"
    if idle:
        yield f"set aside: {', '.join(idle)} (the right answers have nothing to learn from)"
    applied = {name for one in found.effects if one.tried.pairs.n for name in one.tried.changes}
    applied |= {name for one in found.looks if one.n for name in one.changes}
    never = sorted({one.name for one in found.changes} - applied)
    if never:
        yield f"set aside: {', '.join(never)} (they apply to no record)"


def show_stress(out: Out, found: Stress, name: str) -> None:
    """What would come of it, and that it is synthetic."""
    out.say(f"{name}: a synthetic gap", bold=True)
    out.say(SYNTHETIC)
    out.say()
    rates = {"eval as it is": found.before, "eval changed (synthetic)": found.after}
    rows = [[words, of(rate), percent(rate), interval(rate)] for words, rate in rates.items()]
    out.table(["", "right", "rate", "95% interval"], rows)
    out.say(f"the synthetic gap: {points(found.gap)} points, p {p_text(found.gap.p)}")
    out.say()
    heads = ["change (synthetic)", "held constant", *HEADS]
    rows = [[*one.tried.changes, held(one, found.holds), *numbers(one)] for one in found.effects]
    out.table(heads, rows, words=2)
    out.say()
    out.say(f"p of a change: adjusted for all {len(found.effects):,}")
    if found.not_changed:
        out.say(f"as they are, and counted so: {found.not_changed:,} records")
    if found.alike:
        out.say(f"{found.alike:,} records {SAME_CLUSTER}")
    if found.left_out:
        out.say(f"left out by the bound on calls: {found.left_out:,} records of eval")
    out.say(f"calls: {found.calls:,}, of at most {found.calls_at_most:,}")
