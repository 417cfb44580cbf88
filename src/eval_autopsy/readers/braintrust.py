"""Braintrust: the results of an evaluation as the SDK gives them, and the spans of experiments.

1. Results (`EvalResult`), one a line or an array, or with their summary in one document. They have
   no id: it is what the metadata of all of them has under one of the names IDS, else a digest of
   the input, by which Braintrust itself tells cases. Results with one input share a cluster.
2. Spans of an experiment or of logs, from the interface or an export, written from the
   documentation: no such file was at hand. A trace is a sample; its id is that of the record of the
   dataset that it comes from, else that of its root. The same score on two of its spans is one.
3. The verdict is told from the scores as `readers.grades` says. A scorer that failed is in the
   metadata under `scorer_errors`; what the others say stands.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.exports import First, cell, export, first_row
from eval_autopsy.readers.grades import Grade, Grades, ordered
from eval_autopsy.readers.json_items import parts
from eval_autopsy.readers.log_values import Unfit, flat, known
from eval_autopsy.readers.logs import Aside, Item, Reported, Sample
from eval_autopsy.readers.messages import answered, asked
from eval_autopsy.readers.opened import Lines
from eval_autopsy.readers.spans import Span, nanoseconds_of
from eval_autopsy.readers.spool import Spool
from eval_autopsy.readers.traces import samples
from eval_autopsy.registry import reader

RESULT = {"input", "output", "expected", "scores", "error", "metadata"}
IDS = ("id", "record_id", "case_id", "example_id", "test_id")
KINDS = {"llm": "LLM", "tool": "TOOL", "score": "EVALUATOR"}
UNSCORED = "the scores of these spans: export the experiment with its scores"


def _are_results(first: First) -> bool:
    scores = cell(first.get("scores"))
    known_columns = first.keys() >= RESULT and first.keys().isdisjoint({"span_id", "root_span_id"})
    return known_columns and (scores is MISSING or isinstance(scores, dict))


def _is_document(head: bytes) -> bool:
    summary = first_row(head).get("summary") if head.startswith(b"{") else None
    return isinstance(summary, dict) and {"experiment_name", "scores"} <= summary.keys()


@export("braintrust", known=_are_results)
def braintrust(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
    """One sample for each result of an evaluation with Braintrust's SDK."""
    results = Results()
    for row in rows:
        yield from results.add(row.line, row.fields)
    yield from results.samples()


@reader("braintrust_summary", sniff=_is_document, yields="samples")
def braintrust_summary(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each result in a document that begins with Braintrust's summary."""
    results = Results()
    for part in parts(stream, name, ["results"]):
        if part.path == "results":
            yield from results.add(part.at, part.value)
        elif part.path == "summary":
            yield from _reported(part.value)
    yield from results.samples()


def _reported(summary: Any) -> Iterator[Reported]:
    """The means that a summary states: over the results that have the score."""
    scores = summary.get("scores") if isinstance(summary, dict) else None
    for name, about in scores.items() if isinstance(scores, dict) else ():
        mean = about.get("score") if isinstance(about, dict) else None
        number = kernel.number_in(mean)
        if number is not None:
            yield Reported(f"mean of {name}", number, f"summary.scores.{name}.score")


class Results:
    """Results by their inputs, which become samples once all of them were seen."""

    def __init__(self) -> None:
        self._spool, self._grades = Spool(), Grades()
        self._with_id: Counter[str] = Counter()  # by name, how many results have it
        self._count = 0

    def add(self, at: int, result: Any) -> Iterator[Aside]:
        """Takes a result, or says why it cannot be one."""
        try:
            fields = _result(result)
        except Unfit as unfit:
            yield Aside(at, str(unfit))
            return
        for name, value in fields["scores"].items():
            self._grades.see(Grade(name, value))
        self._count += 1
        self._with_id.update(name for name in IDS if _is_id(fields["metadata"].get(name)))
        self._spool.add(_digest(fields["input"]), [at, fields])

    def samples(self) -> Iterator[Item]:
        """The samples, input by input, then the notes."""
        named = next((name for name in IDS if self._with_id[name] == self._count), None)
        seen: Counter[str] = Counter()
        for digest, results in self._spool:
            for at, fields in results:
                identity = str(fields["metadata"][named]) if named else digest
                seen[identity] += 1
                name = identity if seen[identity] == 1 else f"{identity}#{seen[identity]}"
                yield self._sample(at, name, digest if len(results) > 1 else None, fields)
        yield from self._grades.notes()

    def _sample(self, at: int, name: str, cluster: str | None, fields: dict[str, Any]) -> Sample:
        metadata = dict(fields["metadata"])
        failed = metadata.pop("scorer_errors", None)
        failures = failed.items() if isinstance(failed, dict) else ()
        tags = {"tags": fields["tags"]} if fields["tags"] else {}
        grades = [Grade(*pair) for pair in fields["scores"].items()]
        error = fields["error"]
        return Sample(
            at=at,
            id=name,
            input=asked(fields["input"]),
            expected=_there(fields["expected"]),
            output=_there(answered(fields["output"])),
            score=None if error else self._grades.of(grades),
            scores=ordered(grades, self._grades.chosen()),
            error=error,
            grader_error="; ".join(f"{key}: {_last(text)}" for key, text in failures),
            cluster=cluster,
            attributes=flat(metadata) | tags,
        )


def _result(value: Any) -> dict[str, Any]:
    """The parts of a result, each of its kind; raises Unfit."""
    if not isinstance(value, dict):
        raise Unfit(f"found {str(value)[:40]!r}, expected a result")
    scores = _object(value, "scores")
    return {
        "input": value.get("input"),
        "expected": value.get("expected"),
        "output": value.get("output"),
        "scores": {name: kernel.number_in(score) for name, score in scores.items()},
        "error": str(value.get("error") or ""),
        "metadata": _object(value, "metadata"),
        "tags": cell(value.get("tags")),
    }


def _object(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = cell(value.get(key))
    if found in (None, ""):
        return {}
    if not isinstance(found, dict):
        raise Unfit(f"its {key} is {str(found)[:40]!r}, expected an object")
    return found


def _is_id(value: Any) -> bool:
    text = isinstance(value, str) and bool(value.strip())
    return text or (isinstance(value, int) and not isinstance(value, bool))


def _digest(value: Any) -> str:
    return hashlib.sha256(kernel.canonical(value).encode()).hexdigest()[:16]


def _there(value: Any) -> Any:
    return MISSING if value is None else value


def _last(text: Any) -> str:
    """The last line of an error, which is what a traceback ends with."""
    return str(text).strip().rpartition("\n")[2]


@export(
    "braintrust_spans",
    known=lambda first: (
        {"span_id", "root_span_id", "input", "output", "scores", "span_attributes"} <= first.keys()
    ),
)
def braintrust_spans(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
    """One sample for each trace of Braintrust's spans."""
    aside: list[Aside] = []
    yield from samples(_spans(rows, aside), _ids(), UNSCORED)
    yield from aside


def _ids() -> Callable[[str, Span], str]:
    """What names a trace after the record of the dataset, with a number when that comes again."""
    seen: Counter[str] = Counter()

    def id_of(trace: str, root: Span) -> str:
        name = str(known((root.attributes.get("session.id"), root.id)))
        seen[name] += 1
        return name if seen[name] == 1 else f"{name}#{seen[name]}"

    return id_of


def _spans(rows: Iterator[kernel.Row], aside: list[Aside]) -> Iterator[tuple[str, Span]]:
    for row in rows:
        try:
            trace, identity = (row.fields.get(key) for key in ("root_span_id", "span_id"))
            if not isinstance(trace, str) or not isinstance(identity, str) or not trace:
                raise Unfit("the span has no id, or no trace")
            yield trace, _span(row, identity)
        except Unfit as unfit:
            aside.append(Aside(row.line, str(unfit)))


def _span(row: kernel.Row, identity: str) -> Span:
    fields = row.fields
    about, metrics = _object(fields, "span_attributes"), _object(fields, "metrics")
    parents = cell(fields.get("span_parents"))
    is_root = not (isinstance(parents, list) and parents)
    scores = _object(fields, "scores")
    begins = metrics.get("start") or fields.get("created")
    return Span(
        at=row.line,
        id=identity,
        parent="" if is_root else str(parents[0]),
        name=str(about.get("name") or ""),
        begins=nanoseconds_of(begins),
        ends=nanoseconds_of(metrics.get("end")),
        error=_last(fields["error"]) if fields.get("error") else None,
        attributes=_attributes(fields, KINDS.get(str(about.get("type")), "CHAIN"), is_root),
        grades=[[name, number, None] for name, number in _numbers(scores)],
        expected=cell(fields.get("expected")) or None,
    )


def _numbers(scores: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The scores that are there; Parquet has a null for each that only another span has."""
    for name, score in scores.items():
        if score is not None:
            yield name, kernel.number_in(score)


def _attributes(fields: Mapping[str, Any], kind: str, is_root: bool) -> dict[str, Any]:
    """The parts of a span under the names that OpenInference has for them."""
    metadata, metrics = _object(fields, "metadata"), _object(fields, "metrics")
    origin = _object(fields, "origin")
    found = {
        "openinference.span.kind": kind,
        "input.value": cell(fields.get("input")),
        "output.value": cell(fields.get("output")),
        "metadata": metadata if is_root else None,  # that of a call is how it was made
        "llm.model_name": metadata.get("model"),
        "session.id": origin.get("id") if origin.get("object_type") == "dataset" else None,
        "tag.tags": cell(fields.get("tags")),
        "llm.token_count.prompt": metrics.get("prompt_tokens"),
        "llm.token_count.completion": metrics.get("completion_tokens"),
    }
    return {name: value for name, value in found.items() if value not in (None, "")}
