"""`autopsy investigate`: a model takes the steps of a case, without a client."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out, verb
from eval_autopsy.cli.places import command
from eval_autopsy.errors import BadCase

if TYPE_CHECKING:
    from eval_autopsy.case.model import Prices
    from eval_autopsy.investigation.headless import Investigated

TURNS, SECONDS = 60, 3600
KINDS = ("call", "input", "output", "cache_read", "cache_write")


@verb
@click.argument("case", type=click.Path(path_type=Path), default=Path("."))
@click.option("--model", required=True, metavar="M", help="The model, as its endpoint names it.")
@click.option(
    "--max-turns",
    type=click.IntRange(1),
    default=TURNS,
    metavar="N",
    help=f"Answers of the model at most; {TURNS}.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(1, 10**7),
    default=SECONDS,
    metavar="S",
    help=f"Time at most, that of the verbs included; {SECONDS:,}.",
)
@click.option("--max-cost", metavar="X", help="Money at most, in the currency of --price.")
@click.option(
    "--price",
    multiple=True,
    metavar="KIND=X",
    help="Of a million tokens: input, output, cache_read, cache_write; or of a call.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("."),
    help="The folder that has receipts/; else the current one.",
)
def investigate(
    out: Out,
    case: Path,
    model: str,
    max_turns: int,
    max_seconds: float,
    max_cost: str | None,
    price: tuple[str, ...],
    into: Path,
) -> int:
    """Let a model take a case through its steps to a certified receipt.

    The model gets the prompt of the plugin's investigator, and the verbs as tools; the engine
    refuses a step before those that it rests on, and a number that is no claim. CASE is an
    autopsy.toml, or the folder that has one; without it, the current folder. An investigation
    that ended can be gone on with by the same command: the steps on record stand.

    No tool names a file to write or a program to run. A call that could pass a bound is not made;
    a bound of money needs the prices of input and output.

    \b
    Reads   the case, its data, its code and its receipt; what the model asks of them goes to
            ANTHROPIC_BASE_URL, or to Anthropic, with the key ANTHROPIC_API_KEY.
    Writes  what the verbs write, and receipts/NAME.transcript.jsonl: all that was said.
    Runs    the case's system, as the verbs do.
    Exits   0 the receipt is certified, also one that says that there is no cause to look for;
            1 it ended without one; 2 there is no key, no answer, or no case that can be used;
            130 interrupted: go on with the same command.

    \b
    Examples:
      autopsy investigate --model claude-sonnet-4-5
      autopsy investigate nightly --model M --max-cost 2 --price input=3 --price output=15
    """
    from eval_autopsy.case.load import load
    from eval_autopsy.investigation.headless import Bounds, investigate
    from eval_autopsy.investigation.tools import Place

    prices = prices_of(price)
    limit = None if max_cost is None else amount("--max-cost", max_cost)
    if limit is not None and not {"input", "output"} <= {one.partition("=")[0] for one in price}:
        what = "the prices of this model are not known"
        remedy = "give --price input=X and --price output=X, of a million tokens"
        raise BadCase(what, where="--max-cost", remedy=remedy)
    found = load(case)
    bounds = Bounds(turns=max_turns, seconds=max_seconds, prices=prices, cost=limit)
    place = Place(case=case, into=into, receipt=into / "receipts" / found.name)
    done = investigate(found, place, model, bounds, out.tell)
    show(out, done)
    return 0 if done.receipt is not None else 1


def prices_of(given: tuple[str, ...]) -> Prices | None:
    """The prices of --price; None when none is given."""
    from eval_autopsy.case.model import Prices

    found = {}
    for one in given:
        kind, _, value = one.partition("=")
        if kind not in KINDS:
            what = f"--price is {one!r}, expected KIND=X with one of {', '.join(KINDS)}"
            raise BadCase(what, remedy="name it as in --price input=3")
        found[kind] = amount("--price", value)
    return Prices(**found) if found else None


def amount(option: str, value: str) -> Decimal:
    """An amount of money. Raises BadCase for what is none."""
    try:
        found = Decimal(value)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or not 0 <= found < 10**9:
        raise BadCase(f"{option} is {value!r}, expected an amount", remedy="give it as in 2.50")
    return found


def show(out: Out, done: Investigated) -> None:
    """How it ended, where the receipt and the transcript are, and what it took."""
    if out.as_json:
        out.document(done.to_dict())
        return
    certified = done.receipt is not None
    out.say("certified" if certified else "ended without a certified receipt", bold=True)
    out.say(f"because     {kernel.visible(done.why)}")
    if certified:
        out.say(f"report      {done.place.receipt / 'REPORT.md'}")
        out.say(f"check       {command('autopsy', 'verify', done.place.receipt)}")
    else:
        out.say(f"next        {done.step or 'certify'}; the same command goes on there")
    if done.turns:
        out.say(f"transcript  {done.transcript}")
        out.say(f"took        {taken(done)}")


def taken(done: Investigated) -> str:
    """What it took, in words."""
    words = [
        f"{done.turns} turns",
        f"{done.seconds:.0f} s",
        f"{sum(done.tokens.values()):,} tokens",
    ]
    return ", ".join(words + ([] if done.cost is None else [f"{done.cost:.4f} spent"]))
