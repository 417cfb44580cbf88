"""What is counted of a table, and by which columns."""

from __future__ import annotations

from dataclasses import dataclass

from eval_autopsy.errors import BadCase

DEPTH = 3
LEVELS_AT_MOST = 50  # of an attribute; three of them make as many cells as are counted at once


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """Which columns of a table play which part. Raises BadCase for one that cannot be followed."""

    attributes: tuple[str, ...] = ()  # columns; every column that can be sliced by, when none is
    correct: str  # true or false, 1 or 0; null is a record without a verdict
    split: str
    eval: str = "eval"  # the value of `split` in records of eval
    production: str = "production"
    error: str | None = None  # the message of a call that failed; null or "" where none did
    id: str | None = None  # a value of its own for each row
    cluster: str | None = None  # the same for rows that belong together
    depth: int = DEPTH  # of conjunctions
    levels_at_most: int = LEVELS_AT_MOST  # rarer ones fold into another
    seed: int = 0

    @property
    def key(self) -> str | None:
        """Says what is drawn as one; without it no half of production is held out."""
        return self.cluster or self.id

    def __post_init__(self) -> None:
        roles = [self.correct, self.split, self.error]
        for name in self.attributes:
            if self.attributes.count(name) > 1:
                raise BadCase(f"the attribute {name!r} is named twice", remedy="name it once")
            if name in (self.correct, self.split, self.error):
                what = f"{name!r} is sliced by, and says what a record is as well"
                raise BadCase(what, remedy="take it out of the attributes")
        named = [name for name in roles if name]
        if len(set(named)) < len(named):
            what = f"one column plays two parts among: {', '.join(named)}"
            raise BadCase(what, remedy="name a column for each")
        if self.eval == self.production:
            what = f"{self.eval!r} stands for eval and for production"
            raise BadCase(what, remedy="name two values of the split")
        if self.depth < 1 or self.levels_at_most < 2:
            what = f"depth {self.depth} and {self.levels_at_most} levels, expected 1 and 2 at least"
            raise BadCase(what, remedy="raise them")
