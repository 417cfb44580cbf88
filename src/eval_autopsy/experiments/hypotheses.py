"""Hypotheses: what should break right answers and what should not, predicted before it is tried.

1. A change that `breaks` does so when the flips are beyond chance and more than half of the right
   answers break, at the lower end of the interval. It is refuted when the upper end is below half.
2. A change that is `spared` is so when, at the upper end, no more than a tenth of the right answers
   break; it is refuted when the lower end is above a tenth. The control is the same: the records
   as they are, asked again.
3. Where output fields are predicted, exactly these turn wrong in each record that breaks. It is
   refuted when that is so in less than half of them.
4. Changes that `mends` names are made in turn, each where it applies, in wrong answers of
   production. They mend when the flips are beyond chance and more than half of the wrong answers
   turn right, at the lower end; refuted when the upper end is below half. What is wrong before is
   told by a second answer to the input as it is.
5. A hypothesis is measured when all of this holds, refuted when a part of it is refuted while the
   control holds, and inferred otherwise.
6. All changes of all hypotheses are adjusted together, and apart from whatever else is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.case.model import Hypothesis
from eval_autopsy.experiments.ledger import Entry, Ledger
from eval_autopsy.experiments.trials import Done, Trial, flips, tried
from eval_autopsy.questions.ablation import CHANCE, Effect, effects_of
from eval_autopsy.questions.rates import Rate

MOST, FEW = Fraction(1, 2), Fraction(1, 10)
CONTROL = kernel.AS_IT_IS
RULES = {
    "p_adjusted_at_most": str(CHANCE),
    "breaks_over": str(MOST),
    "spares_up_to": str(FEW),
    "mends_over": str(MOST),
}


Asked = tuple[str, str]  # the split of the records, and the change or the changes in turn


class Part(NamedTuple):
    """One prediction of a hypothesis, and what came of it."""

    change: str  # CONTROL for the records as they are
    predicted: str  # "breaks" or "spares"
    broken: Rate  # of the answers that were right before
    effect: Effect
    fields: tuple[str, ...]  # that were predicted to turn wrong; () for none in particular
    exactly: Rate | None  # of the broken, those in which exactly these did
    verdict: str  # "holds", "refuted" or "not shown"

    def to_dict(self) -> dict[str, Any]:
        return {
            "change": self.change,
            "predicted": self.predicted,
            "verdict": self.verdict,
            "broken": self.broken.to_dict(),
            "fields": list(self.fields),
            "exactly_these_fields": self.exactly.to_dict() if self.exactly else None,
            "effect": self.effect.to_dict(),
        }


class Mending(NamedTuple):
    """What some changes, made in turn, were predicted to mend of production, and what came of it.

    Before them is a second answer to the input as it is.
    """

    changes: tuple[str, ...]
    mended: Rate  # of the answers that were wrong again
    effect: Effect
    verdict: str  # "holds", "refuted" or "not shown"

    def to_dict(self) -> dict[str, Any]:
        return {
            "changes": list(self.changes),
            "verdict": self.verdict,
            "mended": self.mended.to_dict(),
            "effect": self.effect.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A hypothesis, when it was predicted, and what came of it."""

    statement: str
    prediction: Entry
    parts: tuple[Part, ...]
    mending: Mending | None  # None where nothing is predicted to mend
    verdict: str  # "measured", "refuted" or "inferred"

    def to_dict(self) -> dict[str, Any]:
        """One of the `hypotheses` of `autopsy ablate --json`."""
        entry = self.prediction
        return {
            "statement": self.statement,
            "verdict": self.verdict,
            "parts": [one.to_dict() for one in self.parts],
            "mending": self.mending.to_dict() if self.mending else None,
            "prediction": {
                "digest": entry.digest,
                "at": entry.at,
                "entry": entry.number,
                "answers_known": entry.known,
            },
        }


def predicted(
    hypotheses: Sequence[Hypothesis],
    trials: Mapping[Asked, Trial],
    system: str,
    ledger: Ledger,
    now: str,
    known: Callable[[Sequence[Trial]], int] = lambda trials: 0,
) -> list[Entry]:
    """Writes down what each hypothesis predicts of which inputs, before any of them is asked.

    `system` is its digest; `known` says how many of the answers to some trials are there already.
    """
    entries = []
    for one in hypotheses:
        asked = asked_for(one)
        inputs: dict[str, dict[str, str]] = {split: {} for split in kernel.SPLITS}
        for split, change in asked:
            inputs[split][change] = inputs_digest(trials[split, change])
        content = {
            "statement": one.statement,
            "breaks": list(one.breaks),
            "spares": list(one.spares),
            "mends": list(one.mends),
            "fields": {name: list(fields) for name, fields in one.fields.items()},
            "rules": RULES,
            "system": system,
            "inputs": inputs,
        }
        there = known([trials[of] for of in asked])
        entries.append(ledger.enter("prediction", content, now, there))
    return entries


def asked_for(one: Hypothesis) -> list[Asked]:
    """What has to be asked for a hypothesis, beside the records as they are."""
    of_eval = [("eval", name) for name in (*one.breaks, *one.spares)]
    return of_eval + ([("production", kernel.IN_TURN.join(one.mends))] if one.mends else [])


def inputs_digest(trial: Trial) -> str:
    """The digest of the inputs that a trial is to ask, in their order."""
    texts = (kernel.canonical(one.changed.input) + "\n" for one in trial.variants)
    return sha256("".join(texts).encode("utf-8")).hexdigest()


def outcomes(
    hypotheses: Sequence[Hypothesis],
    entries: Sequence[Entry],
    done: Mapping[Asked, Done],
    control: Done,
) -> list[Outcome]:
    """What came of each hypothesis; `done` holds all that is asked for it, that of production held
    against a second answer."""
    counted = [tried(one) for one in done.values()]
    effects = dict(zip(done, effects_of(counted), strict=True))
    (again,) = effects_of([tried(control)])
    as_it_is = part(CONTROL, "spares", (), again, control)
    found = []
    for one, entry in zip(hypotheses, entries, strict=True):
        named = [("breaks", name) for name in one.breaks] + [("spares", n) for n in one.spares]
        parts = []
        for what, name in named:
            of = ("eval", name)
            parts.append(part(name, what, one.fields.get(name, ()), effects[of], done[of]))
        mending = [mended(one.mends, effects[of]) for of in asked_for(one) if of[0] == "production"]
        said = [one.verdict for one in parts] + [one.verdict for one in mending]
        found.append(
            Outcome(
                statement=one.statement,
                prediction=entry,
                parts=(*parts, as_it_is),
                mending=mending[0] if mending else None,
                verdict=verdict(said, as_it_is),
            )
        )
    return found


def verdict(said: Collection[str], control: Part) -> str:
    """What the verdicts on its parts make of a hypothesis."""
    if control.verdict == "holds" and "refuted" in said:
        return "refuted"
    return "measured" if {*said} == {"holds"} and control.verdict == "holds" else "inferred"


def mended(changes: tuple[str, ...], effect: Effect) -> Mending:
    """What came of changes that were predicted to mend."""
    pairs = effect.tried.pairs
    share = Rate(pairs.mended, pairs.mended + pairs.wrong)
    low, high = share.interval
    said = "holds" if effect.mends and low > MOST else "not shown"
    return Mending(changes, share, effect, "refuted" if high < MOST else said)


def part(change: str, what: str, fields: Sequence[str], effect: Effect, done: Done) -> Part:
    """What came of one prediction."""
    pairs = effect.tried.pairs
    broken = Rate(pairs.broken, pairs.right + pairs.broken)
    exactly = exact(done, fields) if fields else None
    said = spared(broken) if what == "spares" else breaks(broken, effect, exactly)
    return Part(change, what, broken, effect, tuple(fields), exactly, said)


def spared(broken: Rate) -> str:
    """Whether few enough right answers break."""
    low, high = broken.interval
    if high <= FEW:
        return "holds"
    return "refuted" if low > FEW else "not shown"


def breaks(broken: Rate, effect: Effect, exactly: Rate | None) -> str:
    """Whether most right answers break, and in the fields predicted, if any are."""
    low, high = broken.interval
    if high < MOST or (exactly is not None and 2 * exactly.k < exactly.n):
        return "refuted"
    as_predicted = exactly is None or exactly.k == exactly.n
    return "holds" if effect.breaks and low > MOST and as_predicted else "not shown"


def exact(done: Done, fields: Sequence[str]) -> Rate:
    """In how many of the broken answers exactly some fields turned wrong."""
    sets = [
        set(flips(variant.subject.before, after))
        for variant, after in zip(done.trial.variants, done.after, strict=True)
        if variant.subject.before.right and after.right is False
    ]
    return Rate(sum(one == {*fields} for one in sets), len(sets))
