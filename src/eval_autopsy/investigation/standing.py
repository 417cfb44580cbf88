"""Where a case stands: which steps are done, which are open, and which may be taken.

1. The last entry of a step counts. It is stale when the case or a file has changed since, and
   varying the system is stale when a hypothesis came after it.
2. A step that cannot be taken does not apply, and the reason is said.
3. Where eval and production do not differ and no slice fails there is no cause to look for: the
   honest end is a receipt that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.case.load import Case
from eval_autopsy.errors import BadCase, CannotRun
from eval_autopsy.investigation.facts import Facts, of_case, of_declared
from eval_autopsy.investigation.state import Basis, Entry, State, basis_of
from eval_autopsy.investigation.steps import BY_NAME, CAUSE, NAMES, NEEDED, Step
from eval_autopsy.readers.record_files import digest_of
from eval_autopsy.screen import command

REASON_LIMIT = 400  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A case, what is on record about it, and what that allows."""

    case: Case
    entries: Mapping[str, Entry]  # by step: done or skipped, and not stale
    stale: Mapping[str, str]  # by step: why its entry no longer counts
    not_applicable: Mapping[str, str]  # by step: why it cannot be taken
    end: str  # why there is no cause to look for; empty when there is one, or nobody knows yet

    @property
    def open(self) -> list[str]:
        """The steps that are still to be done or skipped."""
        return [one for one in NAMES if not self.settled(one)]

    @property
    def step(self) -> str | None:
        """The first step that may be taken; None when the receipt is certified."""
        return next((one for one in self.open if not self.lacking(one)), None)

    def settled(self, name: str) -> bool:
        """Whether a step is done, skipped, or does not apply."""
        return name in self.entries or name in self.not_applicable

    def lacking(self, name: str) -> list[str]:
        """The premises of a step that are still open."""
        return [one for one in BY_NAME[name].premises if not self.settled(one)]

    def command(self, name: str) -> str:
        """The command line that takes a step.

        A right record that a change broke is shrunk with that change: by itself it does not fail.
        """
        words, place = BY_NAME[name].verb.split(), _place(self.case)
        given, more = {"CASE": place}, list[str]()
        ablated = self.entries.get("ablate")
        broken = ablated.says.get("example") if ablated else None
        if name == "shrink" and broken:
            given["ID"] = broken["id"]
            more = [word for change in broken["changes"] for word in ("--change", change)]
        return command("autopsy", *(given.get(word, word) for word in words), *more)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `autopsy next`."""
        done = (one for one in self.entries.values() if one.status == "done")
        skipped = (one for one in self.entries.values() if one.status == "skipped")
        free = [one for one in self.open if not self.lacking(one)]
        barred = [one for one in self.open if self.lacking(one)]
        return {
            "case": self.case.name,
            "step": self.step,
            "established": [{"step": e.step, "at": e.at, "says": dict(e.says)} for e in done],
            "missing": self.open,
            "allowed": [_allowed(self, BY_NAME[one]) for one in free],
            "refused": [{"step": one, "missing": self.lacking(one)} for one in barred],
            "skipped": [{"step": e.step, "at": e.at, "reason": e.reason} for e in skipped],
            "stale": [{"step": name, "why": why} for name, why in self.stale.items()],
            "not_applicable": [
                {"step": name, "why": why} for name, why in self.not_applicable.items()
            ],
            "end": self.end or None,
        }


def _allowed(standing: Standing, step: Step) -> dict[str, str]:
    return {
        "step": step.name,
        "establishes": step.establishes,
        "command": standing.command(step.name),
    }


def _place(case: Case) -> str:
    """A case as a command line names it: by its folder, if that is enough."""
    return str(case.folder if case.path.name == "autopsy.toml" else case.path)


def begin(case: Case) -> Standing:
    """Where a case stands, with its frame entered: from now on steps refuse to go out of order."""
    record(case, of_case(case))
    return standing_of(case)


def record(case: Case, facts: Facts) -> None:
    """Enters what a verb established; a step that does not apply to the case is left out."""
    state, basis = State(case), basis_of(case)
    barred = _impossible(case)
    for step, says in facts.items():
        if step not in barred:
            state.enter(step, "done", basis, _now(), says)


def standing_of(case: Case) -> Standing:
    """Where a case stands by what is on record, which is not changed."""
    basis = basis_of(case)
    last = {one.step: one for one in State(case).entries() if one.step in BY_NAME}
    stale = {name: why for name, one in last.items() if (why := _stale(one, basis, last, case))}
    entries = {name: one for name, one in last.items() if name not in stale}
    end = _end(entries)
    barred = _impossible(case)
    if end:
        barred |= {name: end for name in CAUSE if name not in barred}
    return Standing(
        case=case,
        entries={name: entries[name] for name in NAMES if name in entries and name not in barred},
        stale={name: stale[name] for name in NAMES if name in stale and name not in barred},
        not_applicable={name: barred[name] for name in NAMES if name in barred},
        end=end,
    )


def require(case: Case, name: str) -> Standing:
    """Where a case stands. Raises CannotRun for a premise of the step that is open."""
    standing = standing_of(case)
    if lacking := standing.lacking(name):
        names = ", ".join(lacking)
        first = next(one for one in NAMES if one in _behind(standing, lacking))
        remedy = f"run `{standing.command(first)}`, or skip a step with --skip of `autopsy next`"
        what = f"{name} rests on {names}, and that is not established"
        raise CannotRun(what, where=_place(case), remedy=remedy)
    if name in standing.not_applicable:
        what = f"{name} does not apply: {standing.not_applicable[name]}"
        remedy = f"run `autopsy next {_place(case)}` for what does"
        raise CannotRun(what, where=_place(case), remedy=remedy)
    return standing


def begun(case: Case) -> bool:
    """Whether an investigation has begun, which holds to its order."""
    return "frame" in {one.step for one in State(case).entries()}


def require_in_order(case: Case, name: str) -> None:
    """The same for a verb that also works by itself: once an investigation has begun.

    What the case file declares was said before anything is varied, and is entered as that.
    """
    if begun(case):
        if name == "ablate" and case.file.hypothesis and standing_of(case).lacking(name):
            record(case, of_declared(case))
        require(case, name)


def skip(case: Case, name: str, reason: str) -> Standing:
    """Enters that a step is skipped. Raises BadCase for a reason that a receipt could not show."""
    if name not in NAMES or name in NEEDED:
        known = ", ".join(one for one in NAMES if one not in NEEDED)
        what = f"the step {name!r} cannot be skipped, expected one of {known}"
        raise BadCase(what, remedy="name one of them after --skip")
    check_words(reason, "--reason")
    State(case).enter(name, "skipped", basis_of(case), _now(), reason=reason)
    return standing_of(case)


def check_words(text: str, where: str) -> None:
    """Raises BadCase unless a text of somebody's can stand in a receipt: one line, no number."""
    remedy = "say it in one line of plain words, without a number"
    if not text.strip() or "\n" in text or len(text) > REASON_LIMIT:
        what = f"expected one line of up to {REASON_LIMIT} characters"
        raise BadCase(what, where=where, remedy=remedy)
    for problem in kernel.numbers_in([text]):
        raise BadCase(f"this cannot stand in a receipt: {problem}", where=where, remedy=remedy)


def narrative_of(case: Case) -> Path:
    """Where the narrative of a case is: where the case says, or beside its steps."""
    return case.narrative or State(case).path.with_suffix(".md")


def _behind(standing: Standing, lacking: Sequence[str]) -> set[str]:
    """Some open steps, and the open ones that they rest on."""
    found = set(lacking)
    for name in reversed(NAMES):
        if name in found:
            found |= {*standing.lacking(name)}
    return found


def _stale(entry: Entry, basis: Basis, last: Mapping[str, Entry], case: Case) -> str:
    if why := entry.basis.changed(basis):
        return why
    said = last.get("hypothesise")
    if entry.step == "ablate" and said is not None and said.number > entry.number:
        return "a hypothesis came after it"
    if entry.step == "narrate" and entry.status == "done":
        path = case.folder / entry.says["file"]
        if not path.is_file() or digest_of(path) != entry.says["sha256"]:
            return "the narrative has changed"
    if entry.step == "certify":
        if entry.number < max(one.number for one in last.values()):
            return "more was entered after it"
        path = case.folder / entry.says["receipt"] / "receipt.json"
        if not path.is_file() or digest_of(path) != entry.says["id"]:
            return "the receipt is another one by now"
    return ""


def _impossible(case: Case) -> dict[str, str]:
    """The steps that a case has nothing for."""
    found = {}
    if "confidence" not in case.file.fields.parts():
        found["calibrate"] = "the case names no confidence"
    why = ""
    if case.file.system is None:
        why = "the case names no system to run"
    elif case.scorer.name == "recorded":
        why = "the scores are recorded, so that a changed answer cannot be scored"
    return found | (dict.fromkeys(CAUSE, why) if why else {})


def _end(entries: Mapping[str, Entry]) -> str:
    """Why there is no cause to look for, when that is on record."""
    rates, slices = entries.get("reproduce"), entries.get("quantify")
    if not (rates and rates.status == "done" and slices and slices.status == "done"):
        return ""
    if slices.says["confirmed"]:
        return ""
    if rates.says["production"]["k"] == rates.says["production"]["n"]:
        return "no answer of production is wrong"
    low, high = (float(end) for end in rates.says["gap"]["interval"])
    if high < 0:
        return ""
    kind = "do not differ beyond chance" if low <= 0 else "differ, and production does better"
    return f"eval and production {kind}, and no slice is confirmed to fail"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def stated(standing: Standing) -> Iterator[tuple[str, str]]:
    """The hypotheses that were tried, each with its verdict."""
    entry = standing.entries.get("ablate")
    for one in entry.says.get("hypotheses", ()) if entry else ():
        yield one["statement"], one["verdict"]
