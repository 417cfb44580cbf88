"""What answers, or nearly answers, which slices carry the most errors beyond their share.

    python benchmarks/contenders.py MEMORY NAME FILE DEPTH MIN_SUPPORT TOP

runs one of them on a file, in whatever environment this Python is of and with at most so many
bytes of memory, and prints a line of JSON: its seconds, its peak memory and its answer.

Each contender is a function that brings a file into the form that suits it best, which is not
timed as search, and returns the search. Imports are not timed at all.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CORRECT = "correct"  # the column that is true where a row is right; all others are attributes
SLICELINE_ALPHA = 0.95  # of its score: the weight of the error rate against the size
DIVISI_SAMPLES = 50  # rows from which its sampling search starts

EXCESS = "most errors beyond the share"
SLICELINE = f"its own score, alpha {SLICELINE_ALPHA}"
LASSO = "segments that explain the total"
SAMPLED = "the same, from sampled rows"
SCAN = "nothing: reads the columns"


class Question(NamedTuple):
    depth: int  # attributes of a slice, at most
    min_support: int  # rows of a slice, at least
    top: int  # slices wanted


class Slice(NamedTuple):
    where: dict[str, str]  # attribute -> level
    n: int | None  # rows, where the contender tells
    wrong: int | None


Search = Callable[[], Iterable[Slice]]
Prepare = Callable[[Path, Question], Search]


class Contender(NamedTuple):
    name: str
    environment: str  # "project", or the requirements file of it without its ending
    imports: tuple[str, ...]  # brought in before the clock starts
    asks: str  # what it answers
    note: str  # its setting, and what it leaves open
    prepare: Prepare
    reads: str = "parquet"  # or "jsonl": the ending of its file


CONTENDERS: dict[str, Contender] = {}


def contender(
    name: str,
    environment: str,
    imports: str,
    note: str,
    asks: str = EXCESS,
    reads: str = "parquet",
) -> Callable[[Prepare], Prepare]:
    """Enters a function into the list of contenders."""

    def enter(prepare: Prepare) -> Prepare:
        modules = tuple(imports.split())
        CONTENDERS[name] = Contender(name, environment, modules, asks, note, prepare, reads)
        return prepare

    return enter


class Codes(NamedTuple):
    """A file as small integers."""

    levels: dict[str, list[str]]  # attribute -> the level that each code stands for
    columns: dict[str, Any]  # attribute -> int32 array of codes
    wrong: Any  # bool array

    def where(self, pairs: Iterable[tuple[str, Any]]) -> dict[str, str]:
        return {name: self.levels[name][int(code)] for name, code in pairs}


def codes_of(path: Path) -> Codes:
    """The columns of a file, read by pyarrow as dictionaries.

    Codes are of 32 bits: some peers multiply or count in the type that they are given.
    """
    import numpy as np
    import pyarrow.parquet as pq

    names = [name for name in pq.read_schema(path).names if name != CORRECT]
    table = pq.read_table(path, read_dictionary=names).unify_dictionaries()
    levels, columns = {}, {}
    for name in names:
        column = table[name].combine_chunks()
        levels[name] = column.dictionary.to_pylist()
        columns[name] = column.indices.to_numpy().astype(np.int32)
    wrong = ~table[CORRECT].combine_chunks().to_numpy(zero_copy_only=False)
    return Codes(levels, columns, wrong)


def sets_of(names: Iterable[str], depth: int) -> Iterator[tuple[str, ...]]:
    """All sets of one to `depth` attributes."""
    names = list(names)
    for size in range(1, depth + 1):
        yield from combinations(names, size)


def best(slices: Iterable[Slice], n_all: int, wrong_all: int, top: int) -> list[Slice]:
    """The slices of most excess, for a peer that counts but does not rank."""
    return sorted(slices, key=lambda one: one.n * wrong_all - one.wrong * n_all)[:top]  # type: ignore[operator]


# The engine -------------------------------------------------------------------------------------


ENGINE = "eval-autopsy"


@contender(
    ENGINE,
    "project",
    "eval_autopsy.columnar eval_autopsy.cubes.scan eval_autopsy.questions.search pyarrow.parquet",
    "from the file to the answer, none of it is loading; rare values stand together where there"
    " are more than 64",
)
def engine(path: Path, question: Question) -> Search:
    from eval_autopsy import columnar, kernel
    from eval_autopsy.cubes import blocks, scan, tables
    from eval_autopsy.discovery import LEVELS_AT_MOST
    from eval_autopsy.questions.search import WRONG, top_slices
    from eval_autopsy.readers.intake import Source

    def counted(rows: scan.Scan) -> blocks.BlockCube:
        batches = rows.batches()
        return blocks.count(rows.attributes, question.depth, batches, rows=rows.table.rows)

    def search() -> Iterator[Slice]:
        sources = [Source(path, "production", path.name)]
        table = tables.Table(sources=sources, columns=tables.Columns(CORRECT))
        names = [name for name in table.names() if name != CORRECT]
        chosen = columnar.choose(table.level_counts(names), asked=True, depth=question.depth)
        specs = [spec for choice in chosen.values() for spec in choice.attributes]
        rows = scan.Scan(table, [scan.Attribute(one, columnar.column_of(one)) for one in specs])
        cube = counted(rows)
        if rows.grow(question.min_support, LEVELS_AT_MOST):
            cube = counted(rows)
        depth, min_support, top = question
        for hit in top_slices(cube, depth=depth, min_support=min_support, top=top).hits:
            n, wrong = WRONG.of(hit.counts)
            where = {name: str(kernel.strict_json(text)) for name, text in hit.where}
            yield Slice(where, int(n), int(wrong))

    return search


COMMAND = "autopsy slices"


@contender(
    COMMAND,
    "project",
    "eval_autopsy.cli.main eval_autopsy.cubes.scan eval_autopsy.questions.discover",
    "the whole command",
    asks=COMMAND,
    reads="jsonl",
)
def command(path: Path, question: Question) -> Search:
    from contextlib import redirect_stdout
    from io import StringIO

    from eval_autopsy.cli.main import main as autopsy

    with path.open(encoding="utf-8") as lines:
        names = [name for name in json.loads(next(lines)) if name.startswith("a")]
    columns = ["--split", "split", "--id", "id", "--correct", CORRECT, "--by", ",".join(names)]
    asked = ["--depth", str(question.depth), "--min-support", str(question.min_support)]

    def search() -> list[Slice]:
        with redirect_stdout(StringIO()) as out:
            code = autopsy(["slices", str(path), *columns, *asked, "--json"])
        if code:
            raise RuntimeError(out.getvalue())
        return []  # it answers more than the question, and in other terms

    return search


def attributes_of(path: Path) -> list[str]:
    """The attributes of a Parquet file."""
    import pyarrow.parquet as pq

    return [name for name in pq.read_schema(path).names if name != CORRECT]


# Floors: group by every set of attributes -------------------------------------------------------


@contender("polars group-bys", "peers", "polars", "enums, all plans collected together")
def polars_group_bys(path: Path, question: Question) -> Search:
    import polars as pl

    read = pl.read_parquet(path)
    attributes = [name for name in read.columns if name != CORRECT]
    enums = [pl.col(name).cast(pl.Enum(read[name].unique().sort())) for name in attributes]
    frame = read.select(*enums, (~pl.col(CORRECT)).cast(pl.UInt32).alias("wrong"))
    del read

    def search() -> Iterator[Slice]:
        n_all, wrong_all = frame.height, int(frame["wrong"].sum())
        n, wrong = pl.col("n").cast(pl.Int64), pl.col("wrong").cast(pl.Int64)
        score = (wrong * n_all - n * wrong_all).alias("score")
        plans = [
            frame.lazy()
            .group_by(names)
            .agg(pl.len().alias("n"), pl.col("wrong").sum())
            .filter(pl.col("n") >= question.min_support)
            .with_columns(score)
            .top_k(question.top, by="score")
            for names in sets_of(attributes, question.depth)
        ]
        found = [
            Slice({name: row[name] for name in table.columns[:-3]}, row["n"], row["wrong"])
            for table in pl.collect_all(plans)
            for row in table.iter_rows(named=True)
        ]
        yield from best(found, n_all, wrong_all, question.top)

    return search


@contender(
    "duckdb group-bys", "peers", "duckdb pyarrow.parquet", "enums, one statement for each set"
)
def duckdb_group_bys(path: Path, question: Question) -> Search:
    import duckdb

    names = attributes_of(path)
    db = duckdb.connect()
    db.execute("create table raw as select * from read_parquet(?)", [str(path)])
    for name in names:
        db.execute(f'create type "of_{name}" as enum (select distinct "{name}" from raw)')
    enums = ", ".join(f'"{name}"::"of_{name}" as "{name}"' for name in names)
    db.execute(f"create table coded as select {enums}, not {CORRECT} as wrong from raw")
    db.execute("drop table raw")

    def search() -> Iterator[Slice]:
        sums = "select count(*), count(*) filter (wrong) from coded"
        n_all, wrong_all = db.execute(sums).fetchone() or (0, 0)
        found = []
        for group in sets_of(names, question.depth):
            keys = ", ".join(f'"{name}"' for name in group)
            rows = db.execute(
                f"select {keys}, count(*) as n, count(*) filter (wrong) as errors from coded "
                f"group by {keys} having n >= {question.min_support} "
                f"order by errors * {n_all} - n * {wrong_all} desc limit {question.top}"
            ).fetchall()
            for *levels, n, wrong in rows:
                found.append(Slice(dict(zip(group, levels, strict=True)), n, wrong))
        yield from best(found, n_all, wrong_all, question.top)

    return search


# Floors: read the same columns and do nothing with them ---------------------------------------


@contender("pyarrow scan, as text", "project", "pyarrow.parquet", "batches of text", asks=SCAN)
def scan_text(path: Path, question: Question) -> Search:
    return lambda: scanned(path, dictionaries=False)


@contender("pyarrow scan, as codes", "project", "pyarrow.parquet", "as dictionaries", asks=SCAN)
def scan_codes(path: Path, question: Question) -> Search:
    return lambda: scanned(path, dictionaries=True)


def scanned(path: Path, dictionaries: bool) -> list[Slice]:
    import pyarrow.parquet as pq

    names = attributes_of(path)
    file = pq.ParquetFile(path, read_dictionary=names if dictionaries else None)
    rows = sum(batch.num_rows for batch in file.iter_batches(columns=[*names, CORRECT]))
    assert rows == file.metadata.num_rows
    return []


@contender("json.loads, line by line", "project", "json", "a loop", asks=SCAN, reads="jsonl")
def scan_lines(path: Path, question: Question) -> Search:
    def search() -> list[Slice]:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                json.loads(line)
        return []

    return search


# Peers ------------------------------------------------------------------------------------------


def pysubgroup_with(algorithm: str) -> Prepare:
    def prepare(path: Path, question: Question) -> Search:
        import pandas as pd
        import pysubgroup as ps

        codes = codes_of(path)
        frame = pd.DataFrame({**codes.columns, "wrong": codes.wrong})
        space = [
            ps.EqualitySelector(name, code)
            for name, levels in codes.levels.items()
            for code in range(len(levels))
        ]
        task = ps.SubgroupDiscoveryTask(
            frame,
            ps.BinaryTarget("wrong", True),
            space,
            ps.WRAccQF(),
            result_set_size=question.top,
            depth=question.depth,
            constraints=[ps.MinSupportConstraint(question.min_support)],
        )
        run = {"DFS": ps.DFS, "Apriori": ps.Apriori}[algorithm]()

        def search() -> Iterator[Slice]:
            for _, rule, counts in run.execute(task).results:
                where = codes.where(
                    (one.attribute_name, one.attribute_value) for one in rule.selectors
                )
                yield Slice(where, int(counts.size_sg), int(counts.positives_count))

        return search

    return prepare


for _algorithm, _note in (("DFS", "bit sets"), ("Apriori", "bit sets and numba")):
    contender(
        f"pysubgroup {_algorithm}",
        "pysubgroup",
        "pysubgroup pandas numba pyarrow.parquet",
        f"WRAccQF, {_note}",
    )(pysubgroup_with(_algorithm))


def sliceline_with(alpha: float, all_slices: bool) -> Prepare:
    def prepare(path: Path, question: Question) -> Search:
        import numpy as np
        from sliceline.slicefinder import Slicefinder

        codes = codes_of(path)
        names = list(codes.columns)
        # Errors as floats: it sums them in the type that they come in, and one of 8 bits overflows.
        matrix, errors = np.column_stack(list(codes.columns.values())), codes.wrong.astype(float)
        finder = Slicefinder(
            alpha=alpha,
            k=10**9 if all_slices else question.top,
            max_l=question.depth,
            min_sup=question.min_support,
            verbose=False,
        )

        # Numba compiles when it is first called; that is not counted as search.
        Slicefinder(k=1, max_l=2, min_sup=1, verbose=False).fit(matrix[:100], errors[:100])

        def search() -> Iterator[Slice]:
            finder.fit(matrix, errors)
            found = [
                Slice(
                    codes.where(
                        (name, code)
                        for name, code in zip(names, levels, strict=True)
                        if code is not None
                    ),
                    round(told["slice_size"]),
                    round(told["sum_slice_error"]),
                )
                for levels, told in zip(
                    finder.top_slices_, finder.top_slices_statistics_, strict=True
                )
            ]
            if all_slices:
                found = best(found, len(errors), int(errors.sum()), question.top)
            yield from found

        return search

    return prepare


contender(
    "sliceline",
    "peers",
    "sliceline.slicefinder numba pyarrow.parquet",
    f"numba, alpha {SLICELINE_ALPHA}: rates weigh more than errors saved",
    asks=SLICELINE,
)(sliceline_with(SLICELINE_ALPHA, all_slices=False))
contender(
    "sliceline, all slices",
    "peers",
    "sliceline.slicefinder numba pyarrow.parquet",
    "numba, alpha 1: every slice worse than all, ranked here",
)(sliceline_with(1.0, all_slices=True))


@contender(
    "divexplorer",
    "peers",
    "divexplorer.divexplorer pandas pyarrow.parquet",
    "its FP-growth with a depth, which its front door lacks; ranked here",
)
def divexplorer(path: Path, question: Question) -> Search:
    import pandas as pd
    from divexplorer.utils_FPgrowth import fpgrowth_cm

    codes = codes_of(path)
    frame = pd.DataFrame(
        {
            (name, level): codes.columns[name] == code
            for name, levels in codes.levels.items()
            for code, level in enumerate(levels)
        }
    )
    frame.columns = [f"{name}={level}" for name, level in frame.columns]
    counts = pd.DataFrame({"n": 1, "wrong": codes.wrong.astype(int)})
    n_all, wrong_all = len(counts), int(counts["wrong"].sum())

    def search() -> Iterator[Slice]:
        found = fpgrowth_cm(
            frame,
            counts,
            # Half a row less, so that rounding does not lose a slice of exactly so many rows.
            min_support=(question.min_support - 0.5) / n_all,
            max_len=question.depth,
            columns_accumulate=["n", "wrong"],
        )
        slices = (
            Slice(dict(item.split("=", 1) for item in items), int(n), int(wrong))
            for items, n, wrong in zip(found["itemset"], found["n"], found["wrong"], strict=True)
        )
        yield from best(slices, n_all, wrong_all, question.top)

    return search


@contender(
    "fairlearn MetricFrame",
    "peers",
    "fairlearn.metrics pandas pyarrow.parquet",
    "one frame for each set of attributes, ranked here",
)
def metric_frames(path: Path, question: Question) -> Search:
    import pandas as pd
    from fairlearn.metrics import MetricFrame, count

    codes = codes_of(path)
    frame = pd.DataFrame(codes.columns)
    wrong_column = codes.wrong.astype(int)
    n_all, wrong_all = len(frame), int(wrong_column.sum())

    def search() -> Iterator[Slice]:
        found = []
        for names in sets_of(codes.columns, question.depth):
            by_group = MetricFrame(
                metrics={"n": count, "wrong": lambda _, wrong: wrong.sum()},
                y_true=wrong_column,
                y_pred=wrong_column,
                sensitive_features=frame[list(names)],
            ).by_group
            kept = by_group[by_group["n"] >= question.min_support]
            for levels, n, wrong in zip(kept.index, kept["n"], kept["wrong"], strict=True):
                pairs = zip(names, levels if len(names) > 1 else [levels], strict=True)
                found.append(Slice(codes.where(pairs), int(n), int(wrong)))
            found = best(found, n_all, wrong_all, question.top)
        yield from found

    return search


@contender(
    "wise-pizza",
    "peers",
    "wise_pizza pandas pyarrow.parquet",
    "lasso over 300 candidates picked beforehand: a heuristic",
    asks=LASSO,
)
def wise_pizza(path: Path, question: Question) -> Search:
    import pandas as pd
    from wise_pizza import explain_levels

    codes = codes_of(path)
    names = list(codes.columns)
    rows = pd.DataFrame({**codes.columns, "wrong": codes.wrong.astype(int), "n": 1})
    frame = rows.groupby(names, as_index=False).sum()  # equal rows as one, as it likes them

    def search() -> Iterator[Slice]:
        found = explain_levels(
            frame,
            names,
            "wrong",
            "n",
            max_segments=question.top,
            max_depth=question.depth,
            solver="lasso",
        )
        for one in found.segments:
            yield Slice(codes.where(one["segment"].items()), None, None)

    return search


def divisi_excess(wrong: Any) -> Any:
    """A ranking function of divisi by errors beyond the share, in 64 bits."""
    import torch
    from divisi.ranking import RankingFunctionBase

    class Excess(RankingFunctionBase):  # type: ignore[misc]
        def __init__(self, data: Any) -> None:
            super().__init__("excess", data)
            self.errors = int(self.data.sum())

        def calculate_score(self, rule: Any, mask: Any, masks: Any) -> Any:
            mask = mask.view(-1)
            in_slice = torch.count_nonzero(self.data & mask)
            return in_slice * len(self.data) - torch.count_nonzero(mask) * self.errors

        def subslice(self, indexes: Any) -> Any:
            return Excess(self.data[indexes])

    return Excess(wrong)


DIVISI = "divisi.sampling divisi.recursive torch pyarrow.parquet"


@contender("divisi, exhaustive", "peers", DIVISI, "its recursive search, ranked by our measure")
def divisi_recursive(path: Path, question: Question) -> Search:
    import numpy as np
    import torch
    from divisi.recursive import search_subgroups_recursive

    torch.set_num_threads(torch.get_num_interop_threads())  # importing it sets one
    codes = codes_of(path)
    names = list(codes.columns)
    # Column by column in memory, which is how it reads them.
    matrix = torch.from_numpy(np.stack(list(codes.columns.values()))).T
    excess = divisi_excess(codes.wrong)

    def search() -> Iterator[Slice]:
        # One more than wanted: the first is the empty rule, all rows, with an excess of 0.
        rules, _ = search_subgroups_recursive(
            matrix,
            {"excess": excess},
            question.depth,
            question.top + 1,
            min_items=question.min_support,
        )
        for rule in rules:
            features = rule.univariate_features()
            if features:
                yield Slice(divisi_where(codes, names, features), None, None)

    return search


@contender(
    "divisi, sampling",
    "peers",
    DIVISI,
    f"its beam search from {DIVISI_SAMPLES} wrong rows, our measure; codes are of 8 bits",
    asks=SAMPLED,
)
def divisi_sampling(path: Path, question: Question) -> Search:
    import numpy as np
    from divisi.discretization import DiscretizedData
    from divisi.sampling import SamplingSubgroupSearch

    codes = codes_of(path)
    names = list(codes.columns)
    value_names = {i: (name, dict(enumerate(codes.levels[name]))) for i, name in enumerate(names)}
    data = DiscretizedData(np.column_stack(list(codes.columns.values())), value_names)
    np.random.seed(0)  # it draws from NumPy's own
    finder = SamplingSubgroupSearch(
        data,
        {"excess": divisi_excess(codes.wrong)},
        source_mask=codes.wrong,
        max_features=question.depth,
        min_items_fraction=(question.min_support - 0.5) / len(codes.wrong),
        n_workers=1,  # it has no use for more: each would copy the data
        show_progress=False,
    )

    def search() -> Iterator[Slice]:
        finder.sample(DIVISI_SAMPLES)
        ranked = sorted(finder.all_scores, key=lambda rule: -rule.score_values["excess"])
        for rule in ranked[: question.top]:
            yield Slice(divisi_where(codes, names, rule.univariate_features()), None, None)

    return search


def divisi_where(codes: Codes, names: list[str], features: Iterable[Any]) -> dict[str, str]:
    return codes.where((names[one.feature_name], one.allowed_values[0]) for one in features)


# One run ----------------------------------------------------------------------------------------


def peak_memory() -> int:
    """The most memory that this process ever had, in bytes."""
    try:
        # Not ru_maxrss on Linux: that includes what the starting process had before this one.
        with open("/proc/self/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except FileNotFoundError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def run(one: Contender, path: Path, question: Question) -> dict[str, Any]:
    """The seconds of each stage, the peak memory in bytes, and the answer."""
    for name in one.imports:
        importlib.import_module(name)
    started = time.perf_counter()
    search = one.prepare(path, question)
    loaded = time.perf_counter()
    slices = list(search())
    done = time.perf_counter()
    return {
        "load": loaded - started,
        "search": done - loaded,
        "peak": peak_memory(),
        "slices": slices,
    }


def main(memory: str, name: str, path: str, *question: str) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    sys.path.insert(0, str(ROOT / "src"))
    answer_to = sys.stdout
    sys.stdout = sys.stderr  # peers print as they go
    answer = run(CONTENDERS[name], Path(path), Question(*map(int, question)))
    print(json.dumps(answer), file=answer_to)


if __name__ == "__main__":
    main(*sys.argv[1:])
