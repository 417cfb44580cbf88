"""`autopsy claims`: what a receipt states, and what can be cited from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from eval_autopsy import kernel
from eval_autopsy.cli.out import Out, verb
from eval_autopsy.cli.places import command, receipt_folder
from eval_autopsy.errors import CannotUse, DoesNotHold

FORMS = {  # in which a listing shows the value of each operation
    "count": "count",
    "clusters": "count",
    "rate": "of",
    "rate_within": "of",
    "rate_outside": "of",
    "interval": "percent",
    "difference": "points",
    "difference_interval": "points",
    "gap_part": "points",
    "gap_part_interval": "points",
    "contribution": "points",
    "contribution_interval": "points",
    "gap_share": "percent",
    "eta_squared": "percent",
    "p_adjusted": "p",
    "unseen": "of",
    "unseen_anywhere": "percent",
    "unseen_anywhere_interval": "percent",
    "levels": "list",
    "smallest_set": "list",
    "corrected_interval": "percent",
    "searched": "count",
    "confirmed": "of",
    "p_discovered": "p",
    "rate_held_out": "of",
    "share_within": "of",
    "members": "list",
    "paired": "of",
    "paired_difference": "points",
    "paired_interval": "points",
    "p_paired": "p",
    "rate_changed": "of",
    "effect": "points",
    "effect_interval": "points",
    "p_changed": "p",
    "broken": "of",
    "broken_interval": "percent",
    "broken_exactly": "of",
    "mended": "of",
    "mended_interval": "percent",
    "p_mended": "p",
    "mending": "word",
    "shortest": "list",
    "prediction": "word",
    "hypothesis": "word",
    "twin": "word",
}


@verb
@click.argument("receipt", required=False)
@click.argument("search", required=False)
def claims(out: Out, receipt: str | None, search: str | None) -> int:
    """List what a receipt states, and what each claim rests on.

    RECEIPT is the folder, or a file in it; without it, the one receipt below ./receipts. SEARCH
    keeps the claims whose id or words contain it; a single word that is no path is a SEARCH. The
    receipt is verified first: from one that does not hold, nothing is listed.

    A claim rests on outputs that were `re-run`, on recorded ones that were `re-scored`, or on
    what was `given`, which is the weakest. One that `measures` something carries a finding of
    that kind: a line of a narrative that says `measured` has to name such a claim.

    \b
    Reads   the receipt, and the data files that it names.
    Writes  nothing.
    Exits   0 listed; 1 the receipt does not hold; 2 it cannot be checked.

    \b
    Examples:
      autopsy claims receipts/invoice-extraction
      autopsy claims reorder
      autopsy claims --json | jq -r '.claims[].id'
    """
    from eval_autopsy.receipt.verify import verify

    if receipt is not None and search is None and not Path(receipt).exists():
        receipt, search = None, receipt
    folder = receipt_folder(None if receipt is None else Path(receipt))
    done = verify(folder)
    check(done, folder)
    found = [described(claim) for claim in done.predicate["claims"]]
    found = [claim for claim in found if matches(claim, search or "")]
    if out.as_json:
        out.document({"receipt": done.receipt_id, "verdict": done.verdict, "claims": found})
    for claim in found:
        out.say(f"{claim['id']}  =  {claim['shown']}", bold=True)
        about = [claim["rests_on"], f"as {', '.join(claim['forms'])}"]
        about += [f"measures a {kind}" for kind in claim["measures"]]
        out.say(f"    {claim['words']} ({'; '.join(about)})")
    if not found:
        out.say(f"No claim contains {kernel.visible(search or '')!r}.")
    return 0


def check(done: kernel.Verification, folder: Path) -> None:
    """Raises DoesNotHold or CannotUse unless a receipt holds."""
    remedy = f"see {command('autopsy', 'verify', folder)}; nothing in it can be cited"
    if done.verdict == "does-not-hold":
        raise DoesNotHold("the receipt does not hold", where=str(folder), remedy=remedy)
    if done.verdict == "cannot-check":
        raise CannotUse("the receipt cannot be checked", where=str(folder), remedy=remedy)


def described(claim: Mapping[str, Any]) -> dict[str, Any]:
    """A claim with its value and meaning in words."""
    form = FORMS[claim["op"]]
    return {
        "id": claim["id"],
        "value": claim["value"],
        "shown": kernel.formatted(claim, form) + (" points" if form == "points" else ""),
        "words": kernel.label(claim),
        "rests_on": claim["rests_on"],
        "forms": list(kernel.forms_of(claim["id"])),
        "measures": [kind for kind in kernel.KINDS if kernel.measures(claim, kind)],
    }


def matches(claim: Mapping[str, Any], search: str) -> bool:
    """Whether a claim's id or words contain a text, whatever its case."""
    return search.casefold() in f"{claim['id']} {claim['words']}".casefold()
