"""Prose of a person or a model, which states numbers by naming claims.

1. `{{ rate.production.right.counted | percent }}` is a claim's id and a form. `label` is a form of
   every claim: what it says, in words.
2. The prose itself obeys the kernel's rule: no digit, no number-word, plain ASCII.
3. An error names the file and the line. It is text, not a template: nothing in it is executed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.errors import BadCase

_HOLE = re.compile(r"\{\{\s*(.+?)\s*\}\}")


def pieces_of(path: Path, claims: Mapping[str, Mapping[str, Any]]) -> list[str | dict[str, Any]]:
    """The prose of a file with its holes, for the kernel to fill. Raises BadCase."""
    try:
        text = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCase(f"the narrative cannot be read: {error}", where=str(path)) from None
    pieces: list[str | dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{path}:{number}"
        found = [piece for piece in _pieces(line, where, claims) if piece != ""]
        for problem in [*kernel.numbers_in(found), *kernel.misnamed(found, claims)]:
            remedy = "state a number by naming a claim; `autopsy claims` lists them"
            raise BadCase(f"this cannot stand in prose: {problem}", where=where, remedy=remedy)
        # As a quotation, so that it cannot pass for what the engine says.
        pieces += ["> ", *found, "\n"]
    return pieces


def _pieces(line: str, where: str, claims: Collection[str]) -> Iterator[str | dict[str, Any]]:
    for i, part in enumerate(_HOLE.split(line)):
        yield _hole(part, where, claims) if i % 2 else part


def _hole(text: str, where: str, claims: Collection[str]) -> dict[str, Any]:
    identity, bar, form = (part.strip() for part in text.rpartition("|"))
    forms = kernel.forms_of(identity) if identity in claims else ()
    if not bar or identity not in claims:
        near = difflib.get_close_matches(identity or form, claims, n=1)
        remedy = f"did you mean {near[0]}?" if near else "`autopsy claims` lists them"
        if not bar and form in claims:
            remedy = (
                f"write {{{{ {form} | FORM }}}}, FORM being {' or '.join(kernel.forms_of(form))}"
            )
        raise BadCase(f"no claim and form in {text!r}", where=where, remedy=remedy)
    if form == "label":
        return {"label": identity}
    if form not in forms:
        what = f"{identity} cannot be shown as {form!r}"
        raise BadCase(what, where=where, remedy=f"write {' or '.join(forms)}, or label")
    return {"claim": identity, "as": form}
