"""One evaluated case, as everything above the readers sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from eval_autopsy import kernel

Split = Literal["eval", "production"]
SPLITS: tuple[Split, Split] = ("eval", "production")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One evaluated case: what went in, what should come out, and what did.

    Values are what the file says: nothing is coerced, trimmed or filled in. JSON numbers are int
    or Decimal; every value of a CSV file is text.

    `input`, `expected`, `output` and `score` are `kernel.MISSING` when the record has none, because
    None is a value that they can have (JSON null). Elsewhere None means that it is not known, and
    an attribute that the record does not have is `kernel.MISSING`.
    """

    id: str
    split: Split
    where: str  # "file:line", for messages
    input: object = kernel.MISSING
    expected: object = kernel.MISSING
    output: object = kernel.MISSING
    error: str | None = None  # the message of a call that failed; never ""
    score: object = kernel.MISSING
    confidence: Decimal | None = None  # 0 to 1
    timestamp: str | None = None  # verbatim; not read as a time here
    latency: Decimal | None = None  # not negative; in the unit of the file
    cost: Decimal | None = None  # not negative; in the unit of the file
    cluster: str | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """What it belongs with: its cluster, or itself when it has none."""
        return self.cluster or self.id
