"""Writes docs/verification.md: what was caught of tamperings with a receipt, and of mutants.

python docs/make_verification.py            compares, and shows the difference
python docs/make_verification.py --write    writes

Tampers with the invoice example's receipt for half a minute. Mutants are not tried: what came of a
sample of them is on file in `tests/kernel_mutants`, with the digest of the kernel.
"""

from __future__ import annotations

import difflib
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

PAGE = Path(__file__).with_name("verification.md")
sys.path[:0] = [str(PAGE.parents[1] / "tests")]

from eval_autopsy import kernel  # noqa: E402
from eval_autopsy.receipt.prove import Proof, prove  # noqa: E402
from eval_autopsy.receipt.tampers.vectors import HERE  # noqa: E402
from kernel_mutants import run  # noqa: E402
from receipt import made  # noqa: E402

HEAD = """# What verification catches

A verifier that cannot fail proves nothing. Two figures say how far this one can: how many
tamperings with a receipt it notices, and how many slips in the verifier itself its tests notice.
This page is made by `docs/make_verification.py`, and a test compares it with what is so.

## Tamperings with a receipt

    autopsy verify receipts/invoice-extraction --prove

does this to copies of a receipt; below, to the invoice example's, with `--rerun`. Each tampering
is a line of data in [src/eval_autopsy/receipt/tampers](../src/eval_autopsy/receipt/tampers): its
edits, what is then made consistent again as a forger would, the verdict, and the check that must
fire. It counts as caught when that check fires and none that was not named; a traceback, another
verdict or another check counts as escaped. What is made consistent decides which check is left
to notice, so every check has tamperings that no other notices.
"""

ACCEPTED = """
### What must be accepted

Without a signature a receipt is worth what its data are. These leave a receipt in which every
number follows from the data that are there, and it must hold; its id, which is the SHA-256 of
`receipt.json`, has changed, so an id that was published tells. Words that call a number
something else are among them: labels and the heads of tables are derived, prose is its author's.
"""

MUTANTS = """
## Mutants of the kernel

A mutant is the kernel with one slip: a comparison turned or moved by one, an operand of `and` or
`or` left out, a condition made always or never true, a number one larger, an operator exchanged,
a call, a `raise` or a `yield` left out, a function left at once. It is killed when it says
anything else than the kernel of any of the receipts, tamperings and expressions in
[tests/kernel_mutants](../tests/kernel_mutants). Left out are the functions that run the system,
print, and read the command line. `python -m kernel_mutants.run`, in `tests/`, tries a sample drawn
by lot, and with `--all` every one; the tests try some of the sample each time.
"""


def page() -> str:
    """The whole file."""
    with tempfile.TemporaryDirectory(prefix="verification-") as temporary:
        proof = prove(made.invoice(Path(temporary).resolve()), rerun=True)
    return "".join([HEAD, *figures(proof), ACCEPTED, *accepted(proof), MUTANTS, *survivors()])


def figures(proof: Proof) -> list[str]:
    """The figure, and the table of classes."""
    about = {one["class"]: one["about"] for one in map(_document, sorted(HERE.glob("*.json")))}
    rows = ["", "| class | what is done | caught | accepted | no place |"]
    rows.append("| --- | --- | ---: | ---: | ---: |")
    for name, n in proof.classes().items():
        caught = f"{n.caught} of {n.tampers}" if n.tampers else ""
        words = about.get(name, "One after the other, with all else made consistent.")
        rows.append(f"| {name} | {words} | {caught} | {n.accepted or ''} | {n.not_applicable} |")
    rows += ["", f"**{proof.sentence}**", ""]
    return [row + "\n" for row in rows]


def _document(path: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def accepted(proof: Proof) -> list[str]:
    """What is accepted, by class."""
    lines = []
    for group in proof.classes():
        mine = [one.tamper for one in proof.outcomes if one.tamper.group == group]
        those = [one.comment for one in mine if one.accepted]
        if those:
            lines += ["", f"{group}:", "", *(f"- {words}" for words in those)]
    return [line + "\n" for line in lines]


def survivors() -> list[str]:
    """How many mutants were tried, of which kernel, and why some survive."""
    on_file = run.tried()
    alive = Counter({reason: len(names) for reason, names in on_file.survivors.items()})
    tried = len(on_file.names)
    killed = tried - alive.total()
    low, high = kernel.wilson(killed, tried)
    lines = [
        "",
        f"**Of {tried:,} mutants drawn from {on_file.of:,}, {killed:,} are killed: "
        f"{killed / tried:.1%} [{low:.1%}, {high:.1%}]. {alive.total()} survive,** each listed by",
        "its reason in [tried.json](../tests/kernel_mutants/tried.json), of the kernel",
        f"`{on_file.kernel[:16]}`:",
        "",
        "| why nothing kills it | mutants |",
        "| --- | ---: |",
        *(f"| {reason} | {count} |" for reason, count in alive.most_common()),
    ]
    return [line + "\n" for line in lines]


def difference() -> str:
    """What the file says and what it should say; empty when it is as it should be."""
    found = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    lines = (found.splitlines(keepends=True), page().splitlines(keepends=True))
    return "".join(difflib.unified_diff(*lines, "docs/verification.md", "what is so"))


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
        print(f"{PAGE} is written.")
        sys.exit(0)
    changed = difference()
    print(changed or "docs/verification.md says what is so.")
    sys.exit(1 if changed else 0)
