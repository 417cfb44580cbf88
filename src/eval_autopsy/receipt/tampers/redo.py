"""What a forger would make consistent again after an edit, by the kernel's own functions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.receipt.tampers.copies import Copy


def values(copy: Copy) -> None:
    """Each claim's value and basis, derived from the data as they are now."""
    check = copy.load()
    for claim in copy.predicate["claims"]:
        claim["value"] = kernel.derive(claim["op"], claim["args"], check.cube)
        claim["rests_on"] = kernel.rests_on(claim["op"], claim["args"], check.evidence)


def ids(copy: Copy) -> None:
    """Each claim's id, spelled from its derivation, wherever it is named."""
    claims = copy.predicate["claims"]
    rename_claims(
        copy, {claim["id"]: kernel.spelled(claim["op"], claim["args"]) for claim in claims}
    )


def rename_claims(copy: Copy, names: Mapping[str, str]) -> None:
    """Gives claims other ids, wherever they are named."""
    for claim in copy.predicate["claims"]:
        claim["id"] = names.get(claim["id"], claim["id"])
    for finding in copy.predicate["findings"]:
        finding["claims"] = [names.get(name, name) for name in finding["claims"]]
    for pieces in texts(copy):
        for piece in pieces:
            _rename_in(piece, names)


def _rename_in(piece: Any, names: Mapping[str, str]) -> None:
    if isinstance(piece, dict):
        for key in ("claim", "label", "slice"):
            if key in piece:
                piece[key] = names.get(piece[key], piece[key])
        for line in piece.get("table", []):
            for cell in line:
                cell[0] = names.get(cell[0], cell[0])


def cites(copy: Copy) -> None:
    """Each finding cites what its text names."""
    for finding in copy.predicate["findings"]:
        finding["claims"] = sorted(set(kernel.claims_in(finding["text"])))


def strengths(copy: Copy) -> None:
    """A finding that nothing measures any more is called inferred."""
    claims = {claim["id"]: claim for claim in copy.predicate["claims"]}
    for finding in copy.predicate["findings"]:
        if kernel.unsupported(finding, claims):
            finding["strength"] = "inferred"


def stated(copy: Copy) -> None:
    """Claims that nothing states any more are dropped."""
    used = {name for pieces in texts(copy) for name in kernel.claims_in(pieces)}
    copy.predicate["claims"] = [one for one in copy.predicate["claims"] if one["id"] in used]


def quotes(copy: Copy) -> None:
    """Each quotation names the split that its record is in."""
    splits = {record.id: record.split for record in copy.load().records}
    for pieces in texts(copy):
        for piece in pieces:
            if isinstance(piece, dict) and piece.get("quote") in splits:
                piece["split"] = splits[piece["quote"]]


def texts(copy: Copy) -> list[list[Any]]:
    return [copy.predicate["report"], *(one["text"] for one in copy.predicate["findings"])]


def recorded_kernel(copy: Copy) -> None:
    """The recorded kernel is the one that lies in the folder."""
    digest = hashlib.sha256(copy.read("verify.py")).hexdigest()
    copy.predicate["kernel"]["sha256"] = digest


def report(copy: Copy) -> None:
    """REPORT.md is the text with its holes filled."""
    loaded = copy.load()
    page = kernel.Page(copy.predicate, loaded.records, loaded.cube)
    copy.write("REPORT.md", page.render().encode("utf-8"))


def digests(copy: Copy) -> None:
    """Every subject that is there has the size and the digest that are recorded."""
    for subject in copy.statement["subject"]:
        if subject["name"] in copy.files:
            raw = copy.files[subject["name"]]
            subject["digest"]["sha256"] = hashlib.sha256(raw).hexdigest()
            subject["annotations"]["size"] = len(raw)


REDO: dict[str, Callable[[Copy], None]] = {
    "values": values,
    "ids": ids,
    "cites": cites,
    "strengths": strengths,
    "stated": stated,
    "quotes": quotes,
    "kernel": recorded_kernel,
    "report": report,
    "digests": digests,
}
