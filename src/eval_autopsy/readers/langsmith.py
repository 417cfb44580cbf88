"""LangSmith: the rows of an experiment, its pandas table, and exported runs.

1. The id of an evaluated run is that of its example, so that experiments on a data set can be
   paired. A run of production has its own.
2. LangSmith has no verdict: it is one of the feedback scores (see `grades`). All runs are gathered
   in a temporary file until it is known which.
3. A run that failed is errored, whatever feedback it has; the means that LangSmith shows count that
   feedback, and a note says what this comes to.
4. An evaluator that raised left an entry without a score: a grader that failed.
5. Inputs, outputs and reference are objects. One with a single member stands for that member, and
   chat messages for their text.
6. Of exported runs each whose parent is not in the file is a sample; those below it are its steps.

Checked with rows and tables that langsmith 0.15.0 made. The exported runs are known from its
documentation alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.exports import First, cell, export
from eval_autopsy.readers.grades import Grade, Grades, ordered
from eval_autopsy.readers.log_values import (
    Repeats,
    amount,
    attributes,
    inside,
    iso_time,
    mapping,
    sequence,
    text,
)
from eval_autopsy.readers.logs import Aside, Item, Needs, Note, Sample
from eval_autopsy.readers.messages import answered, asked, messages_in
from eval_autopsy.readers.spool import Spool

PLUMBING = re.compile(
    "ls_|langgraph_|LANGSMITH_|LANGCHAIN_|__|(revision_id|num_repetitions|example_version"
    "|experiment|reference_example_id|reference_run_id|thread_id|session_id|conversation_id)$"
)
CONVERSATION = ("session_id", "thread_id", "conversation_id")
STEPS = ("llm", "tool", "retriever")
FEEDBACK = "the feedback of the runs: evaluate them, or export them with `feedback_stats`"
EXAMPLES = (
    "the examples of the data set: to_pandas leaves out their metadata; write the rows of the "
    "experiment as JSON Lines, or join a file by the id of the example"
)
_ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d)$")


def _are_rows(first: First) -> bool:
    return {"run", "example", "evaluation_results"} <= first.keys()


def _is_table(first: First) -> bool:
    described = {"example_id", "execution_time"} <= first.keys()
    return described and any(str(name).startswith("inputs.") for name in first)


def _are_runs(first: First) -> bool:
    return {"run_type", "dotted_order", "inputs"} <= first.keys()


class _Scored(NamedTuple):
    """What evaluators said of a run."""

    grades: Sequence[Grade]
    error: str = ""


@export("langsmith", known=_are_rows)
def langsmith(rows: Iterator[kernel.Row], _: str) -> Iterator[Item]:
    """One sample for each row of a LangSmith experiment: a run, its example and its feedback."""
    cases = _Cases()
    for row in rows:
        run, example = mapping(row.fields.get("run")), mapping(row.fields.get("example"))
        if not run:
            yield Aside(row.line, "it has no run")
            continue
        parts = _parts(run) | _expected(run, example.get("outputs"))
        parts["attributes"] = attributes(mapping(example.get("metadata"))) | parts["attributes"]
        parts["attributes"] |= _named(experiment=run.get("session_name"))
        task = text(example.get("id")) or text(run.get("reference_example_id"))
        results = inside(row.fields, "evaluation_results", "results")
        cases.add(row.line, task or text(run.get("id")), parts, _feedback(sequence(results)))
    yield from cases.items(FEEDBACK)


@export("langsmith_table", known=_is_table)
def langsmith_table(rows: Iterator[kernel.Row], _: str) -> Iterator[Item]:
    """One sample for each row of the table that `to_pandas` makes of a LangSmith experiment."""
    cases = _Cases()
    for row in rows:
        columns = {name: cell(value) for name, value in row.fields.items()}
        task = text(columns.get("example_id"))
        if not task:
            yield Aside(row.line, "it has no example_id")
            continue
        run = {name: _below(columns, f"{name}.") for name in ("inputs", "outputs")}
        parts = _parts(run | {"error": columns.get("error")})
        parts |= _expected(run, _below(columns, "reference."))
        seconds = kernel.number_in(columns.get("execution_time"))
        parts |= _named(latency=amount(seconds))
        parts["attributes"] = attributes({name: columns[name] for name in columns if _own(name)})
        feedback = _below(columns, "feedback.")
        cases.add(row.line, task, parts, _Scored([_grade(*one) for one in feedback.items()]))
    if cases:
        yield Needs("attributes", EXAMPLES)
    yield from cases.items(FEEDBACK)


@export("langsmith_runs", known=_are_runs)
def langsmith_runs(rows: Iterator[kernel.Row], _: str) -> Iterator[Item]:
    """One sample for each run without a parent in LangSmith's export of runs."""
    traces = Spool()
    for row in rows:
        run = {name: cell(value) for name, value in row.fields.items()}
        order = text(run.get("dotted_order"))
        if order:
            traces.add(text(run.get("trace_id")) or order.partition(".")[0], [row.line, run])
        else:
            yield Aside(row.line, "it has no dotted_order")
    cases = _Cases()
    for trace, found in traces:
        for at, run, below in _roots(found):
            feedback = _statistics(mapping(run.get("feedback_stats")))
            example = text(run.get("reference_example_id"))
            parts = _parts(run) | _named(cluster=_conversation(run) or trace)
            if example:
                parts["cluster"] = example
            parts["attributes"] |= _named(name=run.get("name"))
            parts["steps"] = [_step(one) for one in below if one.get("run_type") in STEPS]
            cases.add(at, example or text(run.get("id")) or trace, parts, feedback)
    yield from cases.items(FEEDBACK)


# ---------------------------------------------------------------- all cases of a log


class _Cases:
    """The parts of all samples, gathered until it is known which score is their verdict."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._grades = Grades()
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, at: int, task: str, parts: Mapping[str, Any], scored: _Scored) -> None:
        for grade in scored.grades:
            self._grades.see(grade)
        self._count += 1
        case = {**parts, "at": at, "grader_error": scored.error}
        self._spool.add(str(self._count), [task, case, [list(one) for one in scored.grades]])

    def items(self, unscored: str) -> Iterator[Item]:
        """The samples, then what is to be said of them; `unscored` says what has the scores."""
        ids, means = Repeats(), _Means()
        for _, ((task, case, grades),) in self._spool:
            scored = [Grade(*one) for one in grades]
            verdict = self._grades.of(scored)
            means.count(verdict, failed=bool(case.get("error")))
            yield Sample(
                **{"cluster": task, **case},
                id=ids.name(task) if task else ids.name(str(case["at"])),
                score=None if case.get("error") else verdict,
                scores=ordered(scored, self._grades.chosen()),
            )
        yield from means.notes(self._grades.chosen())
        yield from self._grades.notes() if self._grades else [Needs("scores", unscored)]


class _Means:
    """Right and counted among the runs that went through, and among those that failed."""

    def __init__(self) -> None:
        self._right, self._counted = [0, 0], [0, 0]

    def count(self, verdict: bool | None, *, failed: bool) -> None:
        if verdict is not None:
            self._right[failed] += verdict
            self._counted[failed] += 1

    def notes(self, score: str | None) -> Iterator[Note]:
        if self._counted[True]:
            yield Note(
                f"{self._counted[True]} runs failed and have feedback all the same: LangSmith's "
                f"mean of {score!r} is {sum(self._right)} of {sum(self._counted)}, and without "
                f"them it is {self._right[False]} of {self._counted[False]}"
            )


# ---------------------------------------------------------------- a run


def _parts(run: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a sample that a run has; what is not known is not there."""
    metadata = mapping(inside(run.get("extra"), "metadata"))
    own = {name: value for name, value in metadata.items() if not PLUMBING.match(name)}
    about = _named(
        model=metadata.get("ls_model_name"),
        tags=run.get("tags"),
        input_tokens=amount(run.get("prompt_tokens")),
        output_tokens=amount(run.get("completion_tokens")),
    )
    error = run.get("error")
    found = _named(
        error=error if isinstance(error, str) or error is None else kernel.canonical(error),
        timestamp=_moment(run.get("start_time")),
        latency=_seconds(run.get("start_time"), run.get("end_time")),
        cost=amount(kernel.number_in(run.get("total_cost"))),
    )
    for part, value in (("input", _input(run)), ("output", _output(run))):
        if value is not MISSING:
            found[part] = value
    return found | {"attributes": attributes(own) | about}


def _named(**parts: Any) -> dict[str, Any]:
    """Those of some parts that are known."""
    return {name: value for name, value in parts.items() if value not in (None, "", [], {})}


def _input(run: Mapping[str, Any]) -> Any:
    given = run.get("inputs")
    return asked(given) if messages_in(given) else _alone(given)


def _output(run: Mapping[str, Any]) -> Any:
    given = run.get("outputs")
    return answered(given) if messages_in(given) else _alone(given)


def _alone(value: Any) -> Any:
    """The one member of an object that is not null, or all; MISSING when there is none."""
    if not isinstance(value, dict):
        return MISSING if value is None else value
    members = {name: member for name, member in value.items() if member is not None}
    if len(members) == 1:
        return next(iter(members.values()))
    return members or MISSING


def _expected(run: Mapping[str, Any], reference: Any) -> dict[str, Any]:
    """The reference: of an object the member that is alone in the output, when it has that."""
    members = mapping(reference)
    output = [name for name, one in mapping(run.get("outputs")).items() if one is not None]
    same = members.get(output[0]) if len(output) == 1 else None
    messages = messages_in(reference)
    found = answered(reference) if messages else _alone(reference) if same is None else same
    return {} if found is MISSING else {"expected": found}


def _feedback(results: Sequence[Any]) -> _Scored:
    """The scores of evaluators, and the messages of those that raised."""
    grades, errors = [], []
    for one in map(mapping, results):
        if inside(one.get("extra"), "error") is True:
            errors.append(f"{text(one.get('key'))}: {text(one.get('comment'))}")
        elif text(one.get("key")):
            score = one.get("score")
            grades.append(_grade(text(one["key"]), one.get("value") if score is None else score))
    return _Scored(grades, "; ".join(errors))


def _statistics(feedback: Mapping[str, Any]) -> _Scored:
    """The scores of a run by key: the mean of each, or its value when all have the same."""
    grades = []
    for key, found in feedback.items():
        values = list(mapping(inside(found, "values")))
        mean = inside(found, "avg")
        grades.append(_grade(key, values[0] if mean is None and len(values) == 1 else mean))
    return _Scored(grades)


def _grade(key: str, value: Any) -> Grade:
    if isinstance(value, str) and kernel.number_in(value) is None:
        said = {"True": True, "False": False}.get(value)
        return Grade(key, said, None if value in ("", "True", "False") else value)
    return Grade(key, None if isinstance(value, (dict, list)) else value)


def _moment(time: Any) -> str | None:
    """A time as ISO 8601 with its zone, which is UTC where none is named."""
    if not isinstance(time, str):
        return iso_time(time)
    return time if not time or _ZONE.search(time) else f"{time}+00:00"


def _seconds(begun: Any, ended: Any) -> Decimal | None:
    try:
        first, last = (datetime.fromisoformat(_moment(one) or "") for one in (begun, ended))
    except ValueError:
        return None
    length = Decimal((last - first) // timedelta(microseconds=1)).scaleb(-6)
    return length if length >= 0 else None


# ---------------------------------------------------------------- tables and trees


def _below(columns: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The columns whose names begin so, without their beginning; an empty cell is null."""
    return {
        name.removeprefix(prefix): None if value == "" else value
        for name, value in columns.items()
        if name.startswith(prefix)
    }


def _own(name: str) -> bool:
    """Whether a column was added to those of the table."""
    begins = ("inputs.", "outputs.", "reference.", "feedback.", "Unnamed: ")
    return name not in ("", "error", "execution_time", "example_id", "id") and not (
        name.startswith(begins)
    )


def _roots(found: Sequence[Any]) -> Iterator[tuple[int, dict[str, Any], list[dict[str, Any]]]]:
    """The runs of a trace without a parent in it, each with its line and the runs below it."""
    in_order = sorted(found, key=lambda one: str(one[1]["dotted_order"]))
    while in_order:
        at, root = in_order.pop(0)
        below: list[dict[str, Any]] = []
        while in_order and _is_below(in_order[0][1], root):
            below.append(in_order.pop(0)[1])
        yield at, root, below


def _is_below(run: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    return str(run["dotted_order"]).startswith(f"{root['dotted_order']}.")


def _step(run: Mapping[str, Any]) -> dict[str, Any]:
    found = {"type": run["run_type"], **_named(name=run.get("name"), error=run.get("error"))}
    both = (("input", _input(run)), ("output", _output(run)))
    return found | {part: value for part, value in both if value is not MISSING}


def _conversation(run: Mapping[str, Any]) -> str:
    metadata = mapping(inside(run.get("extra"), "metadata"))
    return next(filter(None, (text(metadata.get(name)) for name in CONVERSATION)), "")
