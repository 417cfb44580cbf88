"""How to split records by a field: as it is, with rare values folded, in bands, or as a time.

Decided from how often each value stands, so that one pass over any number of records is enough to
ask; a value is the text of its level, as a receipt writes it. No outcome is looked at, but for
edges that somebody asked to be supervised.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING

LEVELS_AT_MOST = 20  # of a field that nobody asked for, the folded one with them
LEVELS_ASKED_AT_MOST = 1000  # of one that somebody did
LEVEL_LENGTH = 60  # characters of a level; longer ones are texts, not kinds
KEPT_SHARE = Fraction(1, 2)  # of the records, that levels which stand for themselves have at least
RECORDS_AT_LEAST = 5  # of a level that stands for itself where others fold
BANDS = 4
TEN = 10  # different numbers, up to which they are kinds though they stand seldom
OFTEN = 20  # records of a number on average, of more kinds than that
CODE_DIGITS = 5
SLACK = Fraction(1, 40)  # of the records, on both sides of a quantile
PERIODS = ("day", "week", "month")  # which do not come again
DAYS_AT_MOST, WEEKS_AT_MOST = 14, 26  # of a period by day or by week; a longer one is by month

Counts = Mapping[str, int]  # the text of a level -> how many records have it
Outcomes = Mapping[Decimal, tuple[int, int]]  # a number -> how many with it are right, and wrong


class SetAside(NamedTuple):
    """An attribute that cannot tell anything, and why."""

    name: str
    reason: str


class Kept(NamedTuple):
    """The levels that stand for themselves, and what folds into another."""

    levels: tuple[str, ...]  # their texts, sorted; none when nothing folds
    folded: int = 0  # different values
    records: int = 0  # that have one of them


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How a field is sliced by: attributes as a receipt describes them, and what to say of it."""

    attributes: tuple[Any, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    notes: tuple[str, ...] = ()


ABSENT = frozenset({'{"missing":true}', "null", '""'})  # say no value


def chosen(name: str, counts: Counts) -> Choice:
    """How to slice by a field that nobody asked for, or the reason not to."""
    given = {text: n for text, n in counts.items() if text not in ABSENT}
    reason = unfit(counts, given)
    if reason:
        return Choice(set_aside=(SetAside(name, reason),))
    parts = time_parts_of(given, named_as_time(name))
    if parts:
        return Choice(attributes=tuple({"field": name, "time": part} for part in parts))
    if not named_as_id(name) and measured(given):
        return banded(name, bands_of(numbers_in(given)))
    if len(given) == sum(counts.values()):
        return Choice(set_aside=(SetAside(name, _different(counts)),))
    return folded(name, counts, LEVELS_AT_MOST)


def unfit(counts: Counts, given: Counts) -> str:
    """Why no attribute can be made of some values; "" when one may be."""
    if not given:
        return "no record has a value"
    if len(counts) == 1:
        return "every record has the same value"
    if any(text.startswith('{"json":') for text in given):
        return "it holds lists or objects"
    if any(len(text) > LEVEL_LENGTH and len(str(value_of(text))) > LEVEL_LENGTH for text in given):
        return f"it holds texts of more than {LEVEL_LENGTH} characters"
    return ""


def asked(name: str, counts: Counts) -> Choice:
    """How to slice by a field that somebody asked for: as it is, unless it has too many values."""
    if len(counts) <= LEVELS_ASKED_AT_MOST:
        return Choice(attributes=(name,))
    return folded(name, counts, LEVELS_ASKED_AT_MOST)


def folded(name: str, counts: Counts, at_most: int) -> Choice:
    """A field with its rarer values in one level, where the others are most of the records."""
    if len(counts) <= at_most:
        return Choice(attributes=(name,))
    kept = kept_of(counts, at_most)
    if kept is None:
        return Choice(set_aside=(SetAside(name, _different(counts)),))
    levels = [kernel.strict_json(text) for text in kept.levels]
    note = f"{name}: {kept.folded:,} rarer values, in {kept.records:,} records, stand together"
    return Choice(attributes=({"field": name, "kept": levels},), notes=(note,))


def kept_of(
    counts: Counts, at_most: int = LEVELS_AT_MOST, share: Fraction = KEPT_SHARE
) -> Kept | None:
    """The commonest levels, with what folds; None when they have less than a share of the records.

    All are kept where there are no more than `at_most`.
    """
    if len(counts) <= at_most:
        return Kept(())
    records = sum(counts.values())
    common = sorted(counts, key=lambda text: (-counts[text], text))[: at_most - 1]
    common = [text for text in common if counts[text] >= RECORDS_AT_LEAST]
    within = sum(counts[text] for text in common)
    if within < share * records or not common:
        return None
    return Kept(tuple(sorted(common)), len(counts) - len(common), records - within)


def banded(name: str, edges: Sequence[Decimal]) -> Choice:
    """A field in bands; set aside without an edge."""
    if not edges:
        return Choice(set_aside=(SetAside(name, "no edge parts its numbers"),))
    return Choice(attributes=({"field": name, "edges": [*map(edge_text, edges)]},))


def _different(counts: Counts) -> str:
    return f"{len(counts):,} different values in {sum(counts.values()):,} records"


# Numbers


def value_of(text: str) -> Any:
    """The value that a level's text stands for, as the kernel's bands and times read it."""
    value = kernel.strict_json(text)
    if not isinstance(value, dict):
        return value
    if "missing" in value:
        return MISSING
    return Decimal(value["number"]) if "number" in value else kernel.strict_json(value["json"])


def numbers_in(counts: Counts) -> dict[Decimal, int]:
    """How often each number stands; 1 and "1.0" are the same."""
    found: dict[Decimal, int] = {}
    for text, n in counts.items():
        number = kernel.number_in(value_of(text))
        if number is not None:
            found[number] = found.get(number, 0) + n
    return found


def measured(given: Counts) -> bool:
    """Whether most of some values are numbers of a measurement: not kinds, codes or a count.

    Kinds are few, and stand often: up to BANDS whatever they are, up to TEN where each stands
    RECORDS_AT_LEAST times on average, and up to LEVELS_AT_MOST where each stands OFTEN. Those with
    fractions are kinds only up to TEN, where each stands twice. Counted up is each whole number
    once, with few of them left out.
    """
    values = numbers_in(given)
    records = sum(values.values())
    if 2 * records <= sum(given.values()) or codes(given):
        return False
    if any(value != value.to_integral_value() for value in values):
        return len(values) > TEN or 2 * len(values) > records
    if len(values) <= BANDS or records == len(values) > (max(values) - min(values)) / 2:
        return False
    often = OFTEN if len(values) > TEN else RECORDS_AT_LEAST
    return len(values) > LEVELS_AT_MOST or records < often * len(values)


def codes(given: Counts) -> bool:
    """Whether some values are written as numbers and are none, as postal codes and article numbers.

    One begins with a zero that no number has; or all have the same number of digits, CODE_DIGITS at
    least, do not all end in 0, and stand RECORDS_AT_LEAST times on average: what is measured seldom
    repeats to the last of so many digits.
    """
    texts = [str(value_of(text)) for text in given]
    if any(re.fullmatch(r"0\d+", text, re.ASCII) for text in texts):
        return True
    lengths = {len(text) for text in texts}
    if not all(re.fullmatch(r"\d+", text, re.ASCII) for text in texts) or len(lengths) > 1:
        return False
    rounded = all(text.endswith("0") for text in texts)
    repeated = sum(given.values()) >= RECORDS_AT_LEAST * len(given)
    return min(lengths) >= CODE_DIGITS and repeated and not rounded


def named_as_id(name: str) -> bool:
    """Whether a field's name says that it identifies something."""
    return name.lower().endswith(("id", "uuid", "_no", "index", "key", "hash"))


def bands_of(values: Mapping[Decimal, int], bands: int = BANDS) -> list[Decimal]:
    """The lower edges of all bands but the first, by quantiles of how often each number stands.

    An edge is the number with the fewest digits within SLACK of its quantile. No band is empty, so
    that there are fewer edges where few numbers differ, and none for a single number.
    """
    numbers, records = sorted(values), sum(values.values())
    below = list(accumulate(values[number] for number in numbers))[:-1]  # each number but the first
    edges: list[Decimal] = []
    for band in range(1, bands):
        share, slack = Fraction(band, bands) * records, SLACK * records
        at = bisect_left(below, share)
        first = min(at, bisect_left(below, share - slack))
        last = max(at, bisect_right(below, share + slack) - 1)
        if at < len(below):
            edge = shortest(numbers[first], numbers[last + 1])
            if not edges or bisect_left(numbers, edges[-1]) < bisect_left(numbers, edge):
                edges.append(edge)
    return edges


def shortest(before: Decimal, number: Decimal) -> Decimal:
    """The number with the fewest digits that is above one number and not above another."""
    for digits in range(1, 30):
        found = Context(prec=digits, rounding=ROUND_FLOOR).plus(number)
        if before < found:
            return found
    return number


def edge_text(edge: Decimal) -> str:
    """An edge as a receipt writes it: digits without an exponent."""
    text = f"{edge:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) if edge else "0"


def supervised_bands(outcomes: Outcomes, bands: int = BANDS) -> list[Decimal]:
    """Edges that tell right from wrong: those of most information, as long as they pay.

    An edge pays by the criterion of minimal description length. Source: Fayyad and Irani 1993,
    IJCAI 13:1022.
    """
    parts = [sorted(outcomes)]
    edges: list[Decimal] = []
    while len(edges) < bands - 1:
        found = [(*best, part) for part in parts if (best := _best_edge(part, outcomes))]
        if not found:
            break
        _, at, part = max(found, key=lambda one: (one[0], -one[1]))
        edges.append(shortest(part[at - 1], part[at]))
        parts[parts.index(part) : parts.index(part) + 1] = [part[:at], part[at:]]
    return sorted(edges)


def _best_edge(part: Sequence[Decimal], outcomes: Outcomes) -> tuple[float, int] | None:
    """The gain in bits over all records of a part, and where its best edge is, if that pays."""
    right, wrong = (sum(outcomes[one][i] for one in part) for i in (0, 1))
    n, left, best = right + wrong, (0, 0), (0.0, 0)
    for at, number in enumerate(part[:-1], 1):
        left = left[0] + outcomes[number][0], left[1] + outcomes[number][1]
        rest = right - left[0], wrong - left[1]
        gain = _bits(right, wrong) - _bits(*left) - _bits(*rest)
        if gain > best[0]:
            sides = ((right, wrong), left, rest)
            kinds = [sum(count > 0 for count in side) for side in sides]
            entropy = [_bits(*side) / sum(side) for side in sides]
            saved = kinds[0] * entropy[0] - kinds[1] * entropy[1] - kinds[2] * entropy[2]
            if gain > math.log2(n - 1) + math.log2(3 ** kinds[0] - 2) - saved:
                best = gain, at
    return best if best[1] else None


def _bits(right: int, wrong: int) -> float:
    """The entropy of so many records, times their number."""
    n = right + wrong
    return math.fsum(k * math.log2(n / k) for k in (right, wrong) if k)


# Times


def named_as_time(name: str) -> bool:
    """Whether a field's name says that its numbers are times."""
    last = name.rpartition(".")[2].lower()
    return last.endswith(("time", "timestamp", "date", "_at", "_ts", "epoch"))


def time_parts_of(counts: Counts, numbers: bool = False) -> list[str]:
    """The parts of a time that tell some values apart; none unless nearly all values are times.

    Numbers count as times only where the name says so: `numbers`. The period is by day, week or
    month, as long as all values reach.
    """
    moments = {}
    for text, n in counts.items():
        value = value_of(text)
        found = kernel.moment(value) if numbers or kernel.number_in(value) is None else None
        if found is not None:
            moments[value] = found, n
    if 10 * sum(n for _, n in moments.values()) < 9 * sum(counts.values()) or not moments:
        return []
    days = [when.date() for (when, _), _ in moments.values()]
    span = (max(days) - min(days)).days
    period = "day" if span < DAYS_AT_MOST else "week" if span < 7 * WEEKS_AT_MOST else "month"
    clock = any(has_clock for (_, has_clock), _ in moments.values())
    units = [*["hour"] * clock, "weekday", period]
    return [u for u in units if len({kernel.part_of_time(value, u) for value in moments}) > 1]


def told_apart(choice: Choice, before: Counts, after: Counts) -> Choice:
    """A choice without the parts of times that only tell production, `after`, from eval, `before`.

    Such a part says when each set was made, and nothing of why an answer is wrong. An hour or a
    weekday is one where the two share none; a day, week or month, which does not come again, also
    where they share those of fewer than one in ten records of production.
    """
    kept, aside = [], []
    for one in choice.attributes:
        of_time = not isinstance(one, str) and "time" in one and before and after
        reason = _why_apart(one, before, after) if of_time else ""
        if reason:
            aside.append(SetAside(kernel.attribute_name(one), reason))
        else:
            kept.append(one)
    return replace(choice, attributes=tuple(kept), set_aside=(*choice.set_aside, *aside))


def _why_apart(attribute: Mapping[str, Any], before: Counts, after: Counts) -> str:
    """Why a part of a time only tells two sets apart; "" where it does not."""
    part, level = attribute["time"], leveller(attribute)
    known = {level(text) for text in before if text not in ABSENT}
    given = [(level(text), n) for text, n in after.items() if text not in ABSENT]
    shared = sum(n for one, n in given if one in known)
    least = sum(n for _, n in given) / 10 if part in PERIODS else 0
    if shared and shared >= least:
        return ""
    return f"eval and production are of different {part}s, so that it only tells them apart"


# Levels


def leveller(attribute: Mapping[str, Any]) -> Callable[[str], str]:
    """What turns the text of a field's value into that of its level."""
    kept = {kernel.canonical(one) for one in attribute.get("kept", ())}

    def level(text: str) -> str:
        if "kept" in attribute:
            return text if not kept or text in kept else kernel.OTHER
        value = value_of(text)
        if value is MISSING:
            return text
        if "edges" in attribute:
            return kernel.canonical({"band": kernel.band_of(value, attribute["edges"])})
        return kernel.canonical({"band": kernel.part_of_time(value, attribute["time"])})

    return level
