"""What a receipt says: which claims it makes, which findings, and in what order.

Every sentence stands in a template. What is decided here is which sentences the counts carry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.errors import CannotUse
from eval_autopsy.questions.discover import CHANCE, TOO_FEW, Discovery, Tested
from eval_autopsy.questions.pairs import pairs_in
from eval_autopsy.questions.rates import FEW, Rate, right_rate
from eval_autopsy.questions.slices import COVERED, EXAMPLES, is_worse
from eval_autopsy.receipt.account import Account
from eval_autopsy.receipt.audit import audit_facts
from eval_autopsy.receipt.cause import cause_facts, twins_facts
from eval_autopsy.receipt.claims import Claim, Hole, Ledger, table
from eval_autopsy.receipt.narrative import pieces_of as narrative_pieces
from eval_autopsy.receipt.template import pieces_of

ROWS_SHOWN = 20  # of a table by slice; the others are a search away
SEVERITIES = ("high", "medium", "low")
RIGHT = {"outcome": "right", "of": "counted"}


@dataclass(frozen=True)
class Story:
    """The claims, the findings and the text with holes that become a receipt."""

    claims: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    report: list[str | dict[str, Any]]


def tell(
    ledger: Ledger,
    discovery: Discovery | None = None,
    narrative: Path | None = None,
    *,
    supervised: Collection[str] = (),
    account: Account | None = None,
    untested: str | None = None,
    library: bool | None = None,
    graded: bool = False,
) -> Story:
    """The story of an evidence that has scored records in both splits.

    `discovery` is what a search of them found. A narrative may name any claim that is made for it.
    `supervised` are the attributes whose bands were chosen by what is right. `account` says how far
    the investigation went, `untested` why the hypotheses of the case are not tested, and
    `library` that they were found by looking at every change there is, and whether such a change
    mends answers of production. `graded` is whether a threshold makes verdicts of the scores.
    """
    facts = facts_of(ledger, discovery, supervised)
    facts["varied"] = account is not None and account.varied
    facts |= {"untested": untested, "library": library, "graded": graded}
    findings = sorted(
        findings_of(facts), key=lambda one: (one["id"] != "gap", SEVERITIES.index(one["severity"]))
    )
    facts["findings"] = [Hole({"finding": one["id"]}) for one in findings]
    facts["narrative"] = narrative is not None
    report = pieces_of("REPORT.md.j2", facts)
    if narrative is not None:
        report = inserted(
            report, "## Findings\n", [*narrative_pieces(narrative, ledger.claims), "\n"]
        )
    if account is not None:
        report = inserted(report, "## Reproducibility\n", ["\n".join(account.lines()), "\n"])
    texts = [report, *(finding["text"] for finding in findings)]
    for problem in (p for text in texts for p in kernel.misnamed(text, ledger.claims)):
        raise CannotUse(f"a template states {problem}", where="receipt/templates")
    used = {name for text in texts for name in kernel.claims_in(text)}
    return Story(ledger.stated(used), findings, report)


def inserted(
    report: Sequence[str | dict[str, Any]], heading: str, some: Sequence[str | dict[str, Any]]
) -> list[str | dict[str, Any]]:
    """The report with some text before a heading."""
    at = next(i for i, piece in enumerate(report) if isinstance(piece, str) and heading in piece)
    first, _, rest = str(report[at]).partition(heading)
    return [*report[:at], first, *some, heading + rest, *report[at + 1 :]]


def facts_of(
    ledger: Ledger, discovery: Discovery | None = None, supervised: Collection[str] = ()
) -> dict[str, Any]:
    """What the templates may speak of."""
    claim = ledger.claim
    change = claim("difference", **RIGHT, where={})
    interval = claim("difference_interval", **RIGHT, where={})
    cube, guards = ledger.cube, ledger.evidence["guards"]
    wrong = cube.count("production", "wrong", {})
    records = cube.count("production", "counted", {})
    named = fields_named(ledger)
    attributes = [attribute_facts(ledger, name, name in supervised) for name in named]
    search = search_facts(ledger, discovery)
    used = {name for one in (search or {}).get("wheres", ()) for name in one}
    coverage = [*attributes, *(coverage_facts(ledger, name) for name in sorted(used - {*named}))]
    return {
        **both(ledger, "rate", **RIGHT, where={}),
        "gap_table": gap_table(ledger),
        **clusters_facts(ledger),
        "change": change,
        "change_interval": interval,
        "main": main_of(attributes, search),
        "search": search,
        "too_few": not search and [*cube.attributes] != named[:1] and records < TOO_FEW,
        "looked": [Hole({"describe": "features"})] if features_named(ledger) else [],
        "uncovered": max(coverage, key=lambda one: one["unseen_share"], default=None),
        "fell": Fraction(change.value) < 0,
        "rose": Fraction(change.value) > 0,
        "paired": paired_facts(ledger),
        "beyond_chance": beyond_chance(ledger),
        "records": both(ledger, "count", outcome="records", where={}),
        "unscored": set_aside(ledger),
        "failed": both(ledger, "rate", outcome="errored", of="records", where={}),
        "any_failed": any(cube.count(split, "errored", {}) for split in kernel.SPLITS),
        "errors": ledger.evidence["errors"],
        "rule": ledger.evidence["scorer"]["rule"],
        "fields": fields_table(ledger),
        "audit": audit_facts(ledger),
        "attributes": attributes,
        "wrong": claim("count", split="production", outcome="wrong", where={}),
        "any_wrong": wrong > 0,
        "silent": claim("rate", split="production", outcome="silent", of="wrong", where={}),
        "any_silent": cube.count("production", "silent", {}) > 0,
        "guards": guards,
        "ledger": guard_table(ledger) if guards and wrong else None,
        "misplaced": claim("rate", split="production", outcome="misplaced", of="wrong", where={}),
        "any_misplaced": cube.count("production", "misplaced", {}) > 0,
        "example": example(ledger),
        "cause": cause_facts(ledger),
        "twins": twins_facts(ledger),
        "system": ledger.evidence["system"],
        "counts": ledger.evidence["cube"] is not None,
        "describe": {name: Hole({"describe": name}) for name in kernel.DESCRIPTIONS},
    }


def paired_facts(ledger: Ledger) -> dict[str, Any] | None:
    """What is said of the tasks that both splits have; None where these are not most of one."""
    if pairs_in(ledger.cube) is None:
        return None
    return {
        **{name: ledger.claim("paired", of_tasks=name) for name in ("before", "after")},
        **{name: ledger.claim("paired", of_tasks=name) for name in ("broken", "mended")},
        "change": ledger.claim("paired_difference"),
        "interval": ledger.claim("paired_interval"),
        "p": ledger.claim("p_paired"),
    }


def beyond_chance(ledger: Ledger) -> bool:
    """Whether the interval of the gap leaves out zero; that of the pairs where there are such."""
    tasks = paired_facts(ledger)
    whole = ledger.claim("difference_interval", **RIGHT, where={})
    low, high = (tasks["interval"] if tasks else whole).value
    return float(low) * float(high) > 0


def main_of(
    attributes: Sequence[dict[str, Any]], search: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """What tells most: a field that parts right from wrong, or what the search found, or else the
    field with the slice that is least likely to be chance; None when nothing tells."""
    telling = [one for one in attributes if one["telling"]]
    clean = [one for one in telling if one["split_clean"]]
    found = search["main"] if search else None
    if found and not clean:
        return dict(found)
    return min(clean or telling, key=lambda one: float(one["telling"]["p"].value), default=None)


def both(ledger: Ledger, op: str, **args: Any) -> dict[str, Claim]:
    """The same claim for each split."""
    return {split: ledger.claim(op, split=split, **args) for split in kernel.SPLITS}


def clusters_facts(ledger: Ledger) -> dict[str, Any]:
    """Of how many clusters the scored records of each split are, where some share one."""
    numbers = {split: right_rate(ledger.cube, split, {}).clusters for split in kernel.SPLITS}
    shared = {split: number for split, number in numbers.items() if number is not None}
    args = {"outcome": "counted", "where": {}}
    given = ledger.evidence["cube"] is not None
    return {
        "clusters": {split: ledger.claim("clusters", split=split, **args) for split in shared},
        "few_clusters": min(shared.values(), default=FEW) < FEW,
        "clusters_not_shown": given and "cluster" in ledger.evidence["fields"],
    }


def set_aside(ledger: Ledger) -> list[Claim]:
    """How many records of each split have no verdict, where there are any."""
    return [
        ledger.claim("count", split=split, outcome="unscored", where={})
        for split in kernel.SPLITS
        if ledger.cube.count(split, "unscored", {})
    ]


def attribute_facts(ledger: Ledger, name: str, supervised: bool) -> dict[str, Any]:
    """What is said of the slices by an attribute; no p where its bands were chosen by outcomes."""
    claim, cube, by = ledger.claim, ledger.cube, [name]
    levels = [dict(where) for where in kernel.derive("levels", levels_of(by, "all"), cube)]
    gap = kernel.contribution(cube, {})
    facts: dict[str, Any] = {
        "name": claim("unseen", by=by).slice,
        "unseen": claim("unseen", by=by),
        "unseen_levels": claim("levels", **levels_of(by, "unseen")),
        "unseen_share": rate_in(claim("unseen", by=by)).share or Fraction(0),
        "waterfall": waterfall(ledger, by),
        "overlap": bool(kernel.sides_of(cube, by).shared),
        "elsewhere": None,
        "rows": slice_table(ledger, levels[:ROWS_SHOWN]),
        "cut": len(levels) > ROWS_SHOWN,
        "explained": None,
        "explained_share": Fraction(0),
        "split_clean": False,
        "carriers": None,
        "supervised": supervised,
    }
    if 0 < cube.count("production", "wrong", {}) < cube.count("production", "counted", {}):
        facts["explained"] = claim("eta_squared", split="production", by=by)
        facts["explained_share"] = Fraction(facts["explained"].value)
    if kernel.unseen_anywhere(cube, by)[0]:
        facts["elsewhere"] = claim("unseen_anywhere", by=by)
        facts["elsewhere_interval"] = claim("unseen_anywhere_interval", by=by)
    if facts["explained_share"] == 1:
        facts["split_clean"] = True
        facts |= clean_split(ledger, name)
    carriers = kernel.derive("smallest_set", {"by": by, "share": COVERED}, cube) if gap < 0 else []
    if carriers and len(carriers) < len(cube.slices(by, "production", "wrong")):
        together = {name: [where[name][0] for where in carriers]}
        facts["carriers"] = claim("smallest_set", by=by, share=COVERED)
        facts["carried"] = claim("contribution", where=together)
        facts["carried_wrong"] = claim(
            "rate", split="production", outcome="wrong", of="counted", where=together
        )
    facts["telling"] = None if supervised else worst_of(ledger, name)
    return facts


def fields_named(ledger: Ledger) -> list[str]:
    """The names of the attributes that are fields, as they are or in bands, times or kinds."""
    every = map(kernel.attribute_name, ledger.evidence["attributes"])
    return [name for name in every if name not in features_named(ledger)]


def features_named(ledger: Ledger) -> list[str]:
    """The names of the attributes that are read from the text."""
    found = ledger.evidence["attributes"]
    features = (one for one in found if not isinstance(one, str) and "of" in one)
    return [kernel.attribute_name(one) for one in features]


def coverage_facts(ledger: Ledger, name: str) -> dict[str, Any]:
    """How much of production lies in slices by an attribute that eval never contained."""
    unseen = ledger.claim("unseen", by=[name])
    return {
        "name": unseen.slice,
        "unseen": unseen,
        "unseen_levels": ledger.claim("levels", **levels_of([name], "unseen")),
        "unseen_share": rate_in(unseen).share or Fraction(0),
    }


def worst_of(ledger: Ledger, name: str) -> Mapping[str, Claim] | None:
    """Of the slices by an attribute that are worse than chance allows, the one with most wrong."""
    wrong = ledger.cube.slices([name], "production", "wrong")
    wheres = (kernel.as_where([name], levels) for levels in sorted(wrong))
    worst = sorted(wheres, key=lambda where: kernel.contribution(ledger.cube, where))
    return next(filter(None, (telling(ledger, where) for where in worst)), None)


def search_facts(ledger: Ledger, discovery: Discovery | None) -> dict[str, Any] | None:
    """What is said of the search for slices; None where none was made."""
    if discovery is None:
        return None
    found = [one for one in discovery.tested if one.p_adjusted <= CHANCE]
    facts: dict[str, Any] = {
        "searched": ledger.claim("searched"),
        "any_tested": bool(discovery.tested),
        "confirmed": ledger.claim("confirmed") if discovery.tested else None,
        "held_out": discovery.plan.held_out,
        "drawn": discovery.drawn is not None,
        "wheres": [one.where for one in found],
        "tables": [
            {"rows": found_table(ledger, some), "only_silent": some[0].outcome == "silent"}
            for some in by_outcome(found)
        ],
        "main": None,
        "cover": None,
    }
    if found:
        first = found[0]
        facts["main"] = {"telling": told(ledger, first.outcome, first.where), "split_clean": False}
        slices = [discovery.tested[i].where for i in discovery.cover]
        args = {"split": "production", "slices": slices}
        facts["cover"] = {
            "inside": ledger.claim("rate_within", **args, **RIGHT),
            "outside": ledger.claim("rate_outside", **args, **RIGHT),
            "carried": ledger.claim("share_within", **args, outcome="wrong"),
        }
    return facts


def by_outcome(found: Sequence[Tested]) -> Iterator[list[Tested]]:
    """The slices of which more are wrong, then those of which only more are silently wrong."""
    wheres = [one.where for one in found if one.outcome == "wrong"]
    yield from filter(
        None,
        (
            [one for one in found if one.outcome == "wrong"],
            [one for one in found if one.outcome == "silent" and one.where not in wheres],
        ),
    )


def found_table(ledger: Ledger, found: Sequence[Tested]) -> Hole:
    """The slices that a search found, as one table."""
    gap = beyond_chance(ledger)

    def row(one: Tested) -> Iterator[Hole]:
        args = {"split": "production", "where": one.where}
        yield ledger.claim("rate", split="eval", where=one.where, **RIGHT).of
        yield ledger.claim("rate", **args, **RIGHT).of
        yield ledger.claim("interval", **args, **RIGHT).percent
        if one.held_out:
            yield ledger.claim("rate_held_out", where=one.where, **RIGHT).of
        yield ledger.claim("count", **args, outcome="silent").count
        if gap:
            yield ledger.claim("gap_share", where=one.where).percent
        yield ledger.claim("p_discovered", outcome=one.outcome, where=one.where).p
        if not ledger.evidence["cube"]:  # counts know no ids
            yield ledger.claim("members", **args, outcome=one.outcome, limit=EXAMPLES).list

    return table([list(row(one)) for one in found])


def told(ledger: Ledger, outcome: str, where: Mapping[str, Any]) -> dict[str, Any]:
    """The claims about a slice that a search confirmed."""
    before = ledger.claim("rate", split="eval", **RIGHT, where=dict(where))
    return {
        "p": ledger.claim("p_discovered", outcome=outcome, where=dict(where)),
        "rate": ledger.claim("rate", split="production", **RIGHT, where=dict(where)),
        "eval": before,
        "seen": rate_in(before).n > 0,
        "searched": True,
    }


def levels_of(by: Sequence[str], which: str) -> dict[str, Any]:
    return {"split": "production", "by": list(by), "which": which}


def clean_split(ledger: Ledger, name: str) -> dict[str, Claim]:
    """The slices that are all right and those that are all wrong, when there are no others."""
    facts = {}
    for which in ("all_right", "all_wrong"):
        levels = ledger.claim("levels", **levels_of([name], which))
        where = {name: [one[name][0] for one in levels.value]}
        facts[which] = levels
        facts[which + "_rate"] = ledger.claim("rate", split="production", **RIGHT, where=where)
    return facts


def telling(ledger: Ledger, where: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The claims about a slice that is worse than the rest of production, beyond chance, and worse
    than it was on eval or unknown to it; or None."""
    p = ledger.claim("p_adjusted", where=dict(where))
    rate = ledger.claim("rate", split="production", **RIGHT, where=dict(where))
    rest = ledger.claim("rate", split="production", **RIGHT, where={})
    before = ledger.claim("rate", split="eval", **RIGHT, where=dict(where))
    now, then = rate_in(rate).share, rate_in(before).share
    if not is_worse(float(p.value), rate_in(rate), rate_in(rest)):
        return None
    if now is not None and then is not None and now >= then:
        return None
    seen = then is not None
    return {"p": p, "rate": rate, "eval": before, "seen": seen, "searched": False}


def rate_in(claim: Claim) -> Rate:
    """The two counts of a claim such as "345/400"."""
    return Rate(*map(int, claim.value.split("/")))


def waterfall(ledger: Ledger, by: list[str]) -> Hole:
    """The gap's parts, in the mean of both orders with its interval, and in each."""

    def row(part: str) -> Iterator[Hole]:
        args = {"part": part, "by": by}
        yield ledger.claim("gap_part", order="symmetric", **args).points
        yield ledger.claim("gap_part_interval", order="symmetric", **args).points
        for order in ("production", "eval"):
            yield ledger.claim("gap_part", order=order, **args).points

    overlap = kernel.sides_of(ledger.cube, by).shared
    parts = kernel.GAP_PARTS if overlap else ("uncovered", "eval_only")
    return table([list(row(part)) for part in parts])


def gap_table(ledger: Ledger) -> Hole:
    """Both rates, with their intervals."""
    rates, intervals = (both(ledger, op, **RIGHT, where={}) for op in ("rate", "interval"))
    return table([[rates[s].of, rates[s].percent, intervals[s].percent] for s in kernel.SPLITS])


def slice_table(ledger: Ledger, levels: Sequence[Mapping[str, Any]]) -> Hole:
    """Production slice by slice; the share of a gap that may be none would mislead."""
    gap = beyond_chance(ledger)

    def row(where: dict[str, Any]) -> Iterator[Hole]:
        args = {"split": "production", "where": where}
        yield ledger.claim("rate", split="eval", where=where, **RIGHT).of
        yield ledger.claim("rate", **args, **RIGHT).of
        yield ledger.claim("interval", **args, **RIGHT).percent
        yield ledger.claim("count", **args, outcome="silent").count
        yield ledger.claim("contribution", where=where).points
        yield ledger.claim("contribution_interval", where=where).points
        if gap:
            yield ledger.claim("gap_share", where=where).percent

    return table([list(row(dict(where))) for where in levels])


def guard_table(ledger: Ledger) -> Hole:
    kinds = ("caught", "missed", "false_alarm", "only")
    return table(
        [
            [
                ledger.claim(
                    "count", split="production", outcome=f"{kind}:{guard['name']}", where={}
                ).count
                for kind in kinds
            ]
            for guard in ledger.evidence["guards"]
        ]
    )


def fields_table(ledger: Ledger) -> Hole | None:
    """The exact match of each field, by split; None when outputs have no fields."""
    seen = {outcome for cell in ledger.cube.cells.values() for outcome in cell}
    names = sorted(name for name in seen if name.startswith("right_field:"))
    if len(names) < 2:
        return None
    return table(
        [
            [
                ledger.claim("rate", split=split, outcome=name, of="counted", where={}).percent
                for split in kernel.SPLITS
            ]
            for name in names
        ]
    )


def example(ledger: Ledger) -> dict[str, Any] | None:
    """A wrong record to look at, silent if there is such; None when nothing is wrong."""
    for outcome in () if ledger.evidence["cube"] else ("misplaced", "silent", "wrong"):
        if ledger.cube.count("production", outcome, {}):
            first = ledger.claim("members", split="production", outcome=outcome, where={}, limit=1)
            control = ledger.cube.count("eval", "right", {}) > 0
            passing = (
                ledger.claim("members", split="eval", outcome="right", where={}, limit=1)
                if control
                else None
            )
            return {
                "id": first,
                "quotes": quotes(ledger, first, "production"),
                "control": passing,
                "control_quotes": quotes(ledger, passing, "eval") if passing else [],
            }
    return None


def quotes(ledger: Ledger, shown: Claim, split: str) -> list[tuple[str, Hole]]:
    """What there is to quote of the first record that a claim lists."""
    known = {**ledger.evidence["fields"]}
    if ledger.evidence["outputs"]:
        known["output"] = ledger.evidence["outputs"]
    return [
        (part, Hole({"quote": shown.value[0], "split": split, "field": part}))
        for part in ("input", "expected", "output")
        if part in known
    ]


def findings_of(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The findings that the facts carry, in the order in which they came about."""
    main = facts["main"]
    if facts["beyond_chance"]:
        yield finding("gap", "high" if facts["fell"] else "low", "measured", facts)
    else:
        yield finding("gap", "low", "inferred", facts)
    if facts["audit"] and facts["audit"]["kinds"]:
        stored = facts["audit"]["kinds"] == ["label-suspect"]
        severity = "high" if facts["audit"]["beyond"] else "medium"
        yield finding("scorer", severity, "inferred" if stored else "measured", facts)
    if main:
        severity = "high" if facts["fell"] and facts["beyond_chance"] else "medium"
        yield finding("slice", severity, "measured", {**facts, "telling": main["telling"]})
    if facts["any_silent"]:
        yield finding("silent", "high", "measured", facts)
    if facts["uncovered"] and facts["uncovered"]["unseen_share"]:
        yield finding("coverage", "medium", "measured", facts)
    if facts["cause"] and facts["cause"]["measured"]:
        # Of what nobody predicted it is not known that production has it.
        severity = "medium" if facts["library"] is False else "high"
        yield finding("cause", severity, "measured", facts)
    elif facts["any_misplaced"]:
        yield finding("cause", "medium", "inferred", facts)


def finding(kind: str, severity: str, strength: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    *text, last = pieces_of(f"finding_{kind}.md.j2", facts)
    text.append(last.rstrip() if isinstance(last, str) else last)
    cited = sorted(set(kernel.claims_in(text)))
    return {
        "id": kind,
        "kind": kind,
        "severity": severity,
        "strength": strength,
        "claims": cited,
        "text": text,
    }
