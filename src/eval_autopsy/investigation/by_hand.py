"""The steps of an investigation in Python.

    import eval_autopsy as autopsy

    found = autopsy.Investigation("examples/invoice-extraction")
    found.next().step                # "reproduce"
    found.run()
    found.hypothesise("It reads by position.", breaks=["swap_first_fields"])
    found.ablate().hypotheses[0].verdict
    found.narrate(text)              # what has to be mended; nothing, and it is taken
    found.certify().folder

Each enters what it established, as its verb does, and refuses as that does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval_autopsy.api import Autopsy
from eval_autopsy.case.load import load
from eval_autopsy.investigation import endings, facts, standing
from eval_autopsy.investigation.predictions import predict, with_hypotheses

if TYPE_CHECKING:
    from eval_autopsy.case.model import Hypothesis
    from eval_autopsy.experiments.shrink import Shrunk
    from eval_autopsy.experiments.study import Varied
    from eval_autopsy.investigation.standing import Standing
    from eval_autopsy.questions.slices import Slices
    from eval_autopsy.receipt.certify import Certified
    from eval_autopsy.receipt.narrative import Problem
    from eval_autopsy.screen import FirstScreen


class Investigation:
    """The steps of one case; its receipts are in `into/receipts`."""

    def __init__(self, case: str | Path = ".", into: str | Path = ".") -> None:
        self.case, self.into = load(Path(case)), Path(into)

    def next(self) -> Standing:
        """Where the case stands; from now on a step refuses before those that it rests on."""
        return standing.begin(self.case)

    def skip(self, step: str, reason: str) -> Standing:
        """Leaves a step out, with a line without a number, which the receipt shows."""
        self.next()
        return standing.skip(self.case, step, reason)

    def look(self) -> FirstScreen:
        """The first screen, which establishes what is right and what a confidence promises."""
        from eval_autopsy.first_screen import look

        screen = look(self.case.path)
        standing.record(self.case, facts.of_screen(screen))
        return screen

    def run(self, *, seed: int | None = None) -> Certified:
        """The receipt of what needs no judgement, and all of that established."""
        done = Autopsy(self.case).run(self.into, seed=seed, library=False)
        standing.record(self.case, facts.of_receipt(done))
        return done

    def slices(self) -> Slices:
        """Which slices are wrong, and which of their answers every guard lets through."""
        found = Autopsy(self.case).slices()
        standing.record(self.case, facts.of_slices(found))
        return found

    def hypothesise(
        self,
        statement: str | None = None,
        breaks: Sequence[str] = (),
        spares: Sequence[str] = (),
        mends: Sequence[str] = (),
    ) -> tuple[Hypothesis, ...]:
        """Predicts what should break right answers, and mend those of production in turn; without
        a statement, as the case says.

        Gives all hypotheses that are entered. Raises CannotRun while a premise is open, and BadCase
        for what cannot be tried.
        """
        return predict(self.case, statement, breaks, spares, mends)

    def ablate(self, changes: Sequence[str] = (), *, declared: bool = False) -> Varied:
        """A verdict on each hypothesis, and what else breaks or mends. See `Autopsy.ablate`."""
        standing.require_in_order(self.case, "ablate")
        study = Autopsy(with_hypotheses(self.case))
        found = study.ablate(changes, declared=declared)
        standing.record(self.case, facts.of_ablation(found))
        return found

    def shrink(self, id: str) -> Shrunk:  # noqa: A002  named after the field
        """The smallest input that fails as a record does. See `Autopsy.shrink`."""
        standing.require_in_order(self.case, "shrink")
        found = Autopsy(self.case).shrink(id)
        standing.record(self.case, facts.of_shrunk(found))
        return found

    def check(self, text: str) -> list[Problem]:
        """What has to be mended in a narrative."""
        return endings.checked(text, self.case, self.into).problems

    def narrate(self, text: str) -> list[Problem]:
        """Takes a narrative, unless something has to be mended: that is given."""
        return endings.taken(text.encode("utf-8"), "text", self.case, self.into)

    def certify(self, *, seed: int | None = None) -> Certified:
        """The receipt with its narrative, its skips and what was tried, verified."""
        return endings.certified(self.case, self.into, seed=seed)
