"""Reads the fields of an invoice from its text.

Senders put one field on each line, in the same order, but each has labels of its own:
"Vendor: ...", "Supplier = ...", "FROM -> ...". So the label is taken off, whatever it is,
and the line says which field the value belongs to.
"""

import re

FIELDS = ("vendor", "client", "invoice_number", "date", "total")

LABELS = (
    # who sends it
    "vendor", "vendor name", "supplier", "seller", "from", "issued by", "billed by",
    # who pays it
    "client", "client name", "customer", "buyer", "to", "bill to", "billed to", "invoice to",
    # its number
    "invoice number", "invoice no", "invoice no.", "invoice #", "invoice id", "invoice",
    "number", "no.", "ref", "ref.", "reference",
    # its date
    "date", "invoice date", "issue date", "date of issue", "issued on", "dated",
    # what is owed
    "total", "total due", "total amount", "grand total", "amount", "amount due", "balance due",
)  # fmt: skip

DELIMITERS = ("->", "=>", "→", ":", "=", "|", "-", "\u2013", "\t")


def _one_of(words: tuple[str, ...]) -> str:
    """A pattern for any of the words, the longest first, with any white space between parts."""
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(r"\s+".join(map(re.escape, word.split(" "))) for word in longest_first)


_LABEL = re.compile(rf"(?:{_one_of(LABELS)})\s*(?:{_one_of(DELIMITERS)})\s*", re.IGNORECASE)


def without_label(line: str) -> str:
    """The value on a line: what is left when a known label and the white space are gone."""
    line = line.strip()
    label = _LABEL.match(line)
    return line[label.end() :] if label else line


def extract(text: str) -> dict[str, str]:
    """The five fields of an invoice; a field that the text has no line for is blank."""
    values = (without_label(line) for line in text.splitlines() if line.strip())
    return {field: next(values, "") for field in FIELDS}
