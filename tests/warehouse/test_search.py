"""The search of a table in a warehouse finds what the search of the same records in a file does."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import eval_autopsy as autopsy
from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.warehoused import CLUSTERED, DRAWN

from .made import in_duckdb, in_spark

Load = Callable[[pa.Table], Any]
BY = ["plan", 'lang\'s "name".', "size", "price", "beta"]
TEXTS = ["de", "it's", 'a "quote"', "back\\slash", "a\nb", "\u202ereversed", "", None]


@pytest.fixture(params=["duckdb", "spark"])
def load(request: pytest.FixtureRequest) -> Load:
    """From rows to an ibis table, in each engine."""
    if request.param == "duckdb":
        return in_duckdb
    session = request.getfixturevalue("spark")
    return lambda table: in_spark(table, session)


def rows(count: int, seed: int = 1) -> pa.Table:
    """Records of which those of two conjunctions are mostly wrong, one of them silently alone."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        plan, lang = chance.choice(["free", "pro", "team"]), chance.choice(TEXTS)
        size, price = chance.choice([1, 2, 2**60 + 1]), chance.choice([0.5, -2.0, 1e-7, None])
        live = chance.random() < 0.7
        bad = 0.8 if (plan, lang) == ("pro", 'a "quote"') else 0.5 if price == 1e-7 else 0.06
        wrong = live and chance.random() < bad
        failed = wrong and price != 1e-7 and chance.random() < 0.8
        found.append(
            {
                "id": f"r{number}\u20ac",
                "source": "production" if live else "eval",
                "plan": plan,
                BY[1]: lang,
                "size": size,
                "price": price,
                "beta": chance.choice([True, False, None]),
                "passed": None if chance.random() < 0.02 else not wrong,
                "error": "timeout" if failed else None,
            }
        )
    return pa.Table.from_pylist(found)


def told(found: Any) -> Mapping[str, Any]:
    """What JSON says of a search, without the ids, which do not leave a warehouse."""
    document = found.to_dict()
    for one in (*document["slices"], *document["cover"]):
        one["examples"] = []
    for breakdown in document["attributes"]:
        for one in breakdown["cover"]:
            one["examples"] = []
    return {name: value for name, value in document.items() if name not in ("notes", "scorer")}


@pytest.mark.parametrize("seed", [0, 7])
def test_a_warehouse_confirms_the_slices_that_the_embedded_engine_confirms(
    load: Load, seed: int, tmp_path: Path
) -> None:
    table = rows(4000)
    pq.write_table(table, tmp_path / "runs.parquet")
    names: dict[str, Any] = {"split": "source", "correct": "passed", "id": "id"}
    ours = autopsy.open(table=load(table), **names).slices(BY, seed=seed)
    theirs = autopsy.open(tmp_path / "runs.parquet", **names).slices(BY, seed=seed)
    wheres = [one.where for one in ours.found]
    assert wheres[:2] == [
        {"price": {"number": "1E-7"}},
        {"plan": "pro", BY[1]: 'a "quote"'},
    ]
    assert told(ours) == told(theirs)


def clusters(one_bad: bool) -> list[dict[str, Any]]:
    """Twelve records of each conversation; all are wrong in those with the bad tool.

    Every fourth has it, or only one in each half of production.
    """
    found = []
    for number in range(6000):
        talk, live = number // 12, number >= 600
        bad = live and (talk in BAD_ONES if one_bad else talk % 4 == 0)
        found.append(
            {
                "id": f"r{number}",
                "talk": f"t{talk}",
                "source": "production" if live else "eval",
                "tool": "bad" if bad else f"tool {talk % 3}",
                "size": number % 4,
                "passed": not (bad or (live and number % 41 == 0)),
            }
        )
    return found


BAD_ONES = [
    next(n for n in range(50, 500) if kernel.half_of(0, f"t{n}") == half)
    for half in ("search", "confirm")
]


def drawn(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One record of each conversation in the half that tests, by the least digest of its id."""
    by_talk: dict[str, list[dict[str, Any]]] = {}
    for row in some:
        if row["source"] == "production" and kernel.half_of(0, row["talk"]) == "confirm":
            by_talk.setdefault(row["talk"], []).append(row)

    def lot(row: Mapping[str, Any]) -> str:
        return hashlib.md5(f"0:{row['id']}".encode(), usedforsecurity=False).hexdigest()

    return [min(rows, key=lot) for rows in by_talk.values()]


NAMES: dict[str, Any] = {"split": "source", "correct": "passed", "cluster": "talk"}


def test_of_clusters_one_record_each_tests(load: Load) -> None:
    some = clusters(one_bad=False)
    study = autopsy.open(table=load(pa.Table.from_pylist(some)), id="id", **NAMES)
    found = study.slices(["tool", "size"])
    [best] = found.found
    assert best.where == {"tool": "bad"}
    assert best.p_method == "held-out-drawn-fisher-holm"
    one_each = drawn(some)
    inside = [row for row in one_each if row["tool"] == "bad"]
    wrong = sum(not row["passed"] for row in one_each)
    assert all(not row["passed"] for row in inside)
    # Every one of `inside` is wrong: the chance of just that, by the definition of Fisher's test.
    chance = math.comb(wrong, len(inside)) / math.comb(len(one_each), len(inside))
    assert best.p_adjusted == pytest.approx(min(1, chance * found.tested), rel=1e-9)
    assert DRAWN in found.notes


def test_errors_of_one_cluster_alone_confirm_nothing() -> None:
    table = in_duckdb(pa.Table.from_pylist(clusters(one_bad=True)))
    found = autopsy.open(table=table, id="id", **NAMES).slices(["tool", "size"])
    assert (found.tested, found.found) == (1, ())
    # As records that have nothing to do with each other they would be confirmed.
    alone = autopsy.open(table=table, id="id", split="source", correct="passed")
    assert [one.where for one in alone.slices(["tool", "size"]).found] == [{"tool": "bad"}]


def test_clusters_without_ids_are_not_tested_and_that_is_said() -> None:
    table = in_duckdb(pa.Table.from_pylist(clusters(one_bad=False)))
    found = autopsy.open(table=table, **NAMES).slices(["tool", "size"])
    assert (found.found, found.tested, found.not_tested) == ((), 0, CLUSTERED)
    assert found.picked[0].where == {"tool": "bad"}
    assert found.picked[0].held_out is not None


def test_an_id_that_several_rows_have_is_refused() -> None:
    table = in_duckdb(pa.Table.from_pylist([{**row, "id": "x"} for row in clusters(one_bad=False)]))
    with pytest.raises(CannotRead, match="5,400 scored rows of production have 1 different ids"):
        autopsy.open(table=table, id="id", **NAMES).slices()
