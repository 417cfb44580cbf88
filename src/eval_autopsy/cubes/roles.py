"""What the rows of a table are: of which split, right or wrong, and in which half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.cubes.blocks import CONFIRM, OUTCOMES
from eval_autopsy.cubes.columns import Column, Table, Value, digest
from eval_autopsy.cubes.plan import TablePlan
from eval_autopsy.cubes.queries import Queried, some_of
from eval_autopsy.errors import CannotRead


class Roles:
    """The columns that say what a record is."""

    def __init__(self, queried: Queried, plan: TablePlan) -> None:
        self.queried, self.plan = queried, plan
        self.split = queried.column(plan.split, "text", "whole", "truth")
        self.score = queried.column(plan.correct)
        self.error = queried.column(plan.error, "text") if plan.error else None
        self.key = queried.column(plan.key, "text", "whole") if plan.key else None
        self.id = queried.column(plan.id, "text", "whole") if plan.id else None
        self.notes: list[str] = []  # rows that are not counted
        self.unscored = dict.fromkeys(kernel.SPLITS, 0)  # split -> records without a verdict
        self.clustered = False  # whether some scored records of production share their key
        self.drawn: Table | None = None  # where they do: one of each key, of the half that tests

    @property
    def names(self) -> set[str]:
        """The columns that play a part."""
        return {one.name for one in (self.split, self.score, self.error, self.key, self.id) if one}

    def classified(self, columns: Sequence[Column]) -> Table:
        """The scored records of both splits: a slot for each column, and the class as `kind`."""
        import ibis

        table = self.queried.table
        splits = self._splits()
        error = self.error.of(table) if self.error else None
        rows = table.select(
            split=self.split.of(table),
            score=self.score.of(table),
            failed=ibis.literal(False) if error is None else error.notnull() & (error != ""),
            key=table[self.key.name].cast("string") if self.key else ibis.literal(""),
            id=table[self.id.name].cast("string") if self.id else ibis.literal(""),
            **{slot(i): one.of(table) for i, one in enumerate(columns)},
        )
        rows = rows.filter(rows.split.isin(list(splits.values())))
        is_eval = rows.split == splits["eval"]
        self._check_keys(rows.filter(~is_eval))
        scores = self._scores(rows, is_eval)
        is_right, is_wrong = (self._says(rows.score, scores, verdict) for verdict in (True, False))
        outcome = ibis.cases((rows.failed, 1), (is_right, 0), else_=2)
        part = ibis.cases((is_eval, 0), (self._is_searched(rows.key), 1), else_=2)
        classified = rows.mutate(kind=part * len(OUTCOMES) + outcome)
        scored = classified.filter(rows.failed | is_right | is_wrong)
        slots = [*map(slot, range(len(columns))), "kind"]
        self._check_ids(scored.filter(scored.kind >= len(OUTCOMES)))
        if self.clustered and self.id:
            self.drawn = self._one_of_each_key(scored).select(*slots)
        return scored.select(*slots)

    def _splits(self) -> dict[str, Any]:
        """The value that stands for each split, as the engine has it."""
        counts = self.queried.values(self.queried.table, self.split, self.split.name)
        known = {_word(value): value for value in counts}
        found = {}
        for split, word in (("eval", self.plan.eval), ("production", self.plan.production)):
            if word not in known:
                what = f"no row has the value {word!r}, for {split}, but {some_of(counts)}"
                remedy = "name the values that stand for eval and for production"
                raise CannotRead(what, where=self.queried.at(self.split), remedy=remedy)
            found[split] = known[word]
        others = {value: n for value, n in counts.items() if value not in found.values()}
        if others:
            rows, values = sum(others.values()), some_of(others)
            self.notes.append(f"{rows:,} rows of neither split: {self.split.name} is {values}")
        return found

    def _scores(self, rows: Table, is_eval: Value) -> dict[Any, bool]:
        """What each score says; those that say nothing are counted."""
        verdicts: dict[Any, bool] = {}
        for split in kernel.SPLITS:
            mine = rows.filter(~rows.failed & (is_eval if split == "eval" else ~is_eval))
            for value, n in self.queried.values(mine, self.score, "score").items():
                try:
                    verdict = kernel.recorded_score(value, "")
                except kernel.Unreadable:
                    what = f"the score is {some_of([value])} in {n:,} rows of {split}"
                    what += ", expected true, false, 1, 0 or null"
                    remedy = "name another column, or make true or false of it in a view"
                    where = self.queried.at(self.score)
                    raise CannotRead(what, where=where, remedy=remedy) from None
                if verdict is None:
                    self.unscored[split] += n
                else:
                    verdicts[value] = verdict
        return verdicts

    def _says(self, score: Value, scores: Mapping[Any, bool], verdict: bool) -> Value:
        """Whether a score says right, or wrong."""
        import ibis

        some = [self.score.literal(value) for value, says in scores.items() if says is verdict]
        return score.isin(some) if some else ibis.literal(False)

    def _check_keys(self, production: Table) -> None:
        if self.key is None:
            return
        [missing] = self.queried.row(production.aggregate(n=production.key.isnull().sum()))
        if missing:
            what = f"{missing:,} rows of production have no key"
            remedy = "name a column that every row has, or none; then nothing is held out"
            raise CannotRead(what, where=self.queried.at(self.key), remedy=remedy)

    def _check_ids(self, production: Table) -> None:
        """Sees whether records share their key. Raises CannotRead when they share their id."""
        if self.key is None:
            return
        counts = {"n": production.count(), "keys": production.key.nunique()}
        n, keys, ids = self.queried.row(production.aggregate(**counts, ids=production.id.nunique()))
        if self.id and ids < n:
            what = f"{n:,} scored rows of production have {ids:,} different ids"
            remedy = "name a column in which each row has a value of its own, or a --cluster"
            raise CannotRead(what, where=self.queried.at(self.id), remedy=remedy)
        self.clustered = keys < n

    def _one_of_each_key(self, scored: Table) -> Table:
        """Of the half that tests, one record of each key, drawn by the MD5 of the seed and its id.

        So they have nothing to do with each other, however alike those of one key are.
        """
        import ibis

        testing = scored.filter(scored.kind >= CONFIRM)
        order = [self._lot(testing.id), testing.id]
        place = ibis.row_number().over(group_by=testing.key, order_by=order)
        placed = testing.mutate(place=place)
        return placed.filter(placed.place == 0)

    def _lot(self, text: Value) -> Value:
        """The MD5 of the seed and a text."""
        import ibis

        seeded = ibis.literal(f"{self.plan.seed}:").concat(text)
        return digest(seeded, self.queried.table.get_backend())

    def _is_searched(self, key: Value) -> Value:
        """Whether a record of production is in the half that is searched: see kernel.half_of."""
        import ibis

        if self.key is None:
            return ibis.literal(True)
        return self._lot(key).substr(0, 1).isin(list("01234567"))


def slot(i: int) -> str:
    """The name of a column among the classified records, where no name of a user's can clash."""
    return f"a{i}"


def _word(value: Any) -> str:
    """A value as a person types it."""
    return value if isinstance(value, str) else kernel.canonical(value)
