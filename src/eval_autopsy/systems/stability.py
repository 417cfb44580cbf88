"""How often the same input gives the same output: measured, not assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from eval_autopsy import kernel
from eval_autopsy.records import Record
from eval_autopsy.systems.runner import Runner, Spent, kind_of


class Again(NamedTuple):
    """Inputs that were called more than once."""

    inputs: int
    calls: int  # of each of them, the first included
    same: int  # inputs whose calls all gave the same output, or failed with the same kind of error


def sample(records: Sequence[Record], size: int) -> list[int]:
    """The positions of some records, the same ones each time: told from their ids alone."""

    def order(position: int) -> bytes:
        record = records[position]
        return sha256(f"again {record.split} {record.id}".encode()).digest()

    return sorted(sorted(range(len(records)), key=order)[:size])


def again(
    runner: Runner,
    inputs: Sequence[object],
    answers: Sequence[kernel.Answer],
    chosen: Sequence[int],
) -> Again:
    """Calls the chosen inputs once more, and compares.

    A call that did not reach the system says nothing of it, but is not the same output either.
    """
    others = runner.answers([inputs[i] for i in chosen], repeat=1, what="running it again")
    firsts = [answers[i] for i in chosen]
    return Again(len(firsts), 2, sum(map(kernel.answers_alike, firsts, others)))


def of_repeats(answers: Sequence[kernel.Answer], repeats: int) -> Again:
    """The same of answers of which so many follow one another for each input."""
    each = [answers[at : at + repeats] for at in range(0, len(answers), repeats)]
    same = [all(kernel.answers_alike(some[0], other) for other in some) for some in each]
    return Again(len(each), repeats, sum(same))


def notes(
    spent: Spent, answers: Sequence[kernel.Answer], measured: Again | None, sampled: bool
) -> tuple[str, ...]:
    """What a person should know of how the outputs came about; nothing when all went as ever.

    `sampled` is whether the receipt does not say itself that all outputs were seen again.
    """
    found = []
    if spent.journalled:
        found.append(
            f"{spent.journalled:,} answers are from the journal of an earlier run, "
            f"{spent.calls:,} inputs were called"
        )
    if spent.interrupted:
        found.append(f"{spent.interrupted:,} calls that an earlier run began were made again")
    if spent.retries:
        found.append(f"{spent.retries:,} attempts did not reach the system, and were repeated")
    errors = Counter(kind_of(answer.error) for answer in answers if answer.error is not None)
    if errors:
        each = ", ".join(f"{kind} {count:,}" for kind, count in errors.most_common())
        found.append(f"calls that failed: {each}")
    if spent.tokens:
        each = ", ".join(f"{kind} {count:,}" for kind, count in sorted(spent.tokens.items()))
        found.append(f"tokens of this run: {each}")
    if spent.cost:
        found.append(f"the calls of this run cost {spent.cost:f} at most")
    if measured is not None and measured.inputs and (sampled or measured.same < measured.inputs):
        found.append(
            f"of {measured.inputs:,} inputs called {measured.calls:,} times, {measured.same:,} "
            "gave the same output each time"
        )
    return tuple(found)
