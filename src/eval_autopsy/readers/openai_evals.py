"""OpenAI evals: the record that `oaieval` writes, which has events and no samples.

1. Events of a sample can lie far apart, as they are written from several threads. The file is gone
   through twice: once to learn where the last event of each sample is, once to give each sample
   there. In memory are an entry for each sample, and the events of those that are not complete.
2. The accuracy of the tool is over `match` events: a sample with several of them is as many
   repeats. Without any, the verdict is `accuracy`, `correct` or `score` of its metrics, when that
   is 0 or 1.
3. A sample with an error and no verdict is errored; the tool leaves it out of the accuracy.
4. A model that grades and answers with none of the choices is a grader that failed.

Checked with a log that the recorder of evals wrote. From its source only: several matches of a
sample, metrics, `raw_sample`, and the choice "__invalid__".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.heads import first_object
from eval_autopsy.readers.json_items import Line, lines
from eval_autopsy.readers.log_values import (
    Repeats,
    amount,
    attributes,
    inside,
    mapping,
    number,
    sequence,
    text,
    verdict,
)
from eval_autopsy.readers.logs import Aside, Item, Note, Reported, Sample
from eval_autopsy.readers.messages import are_messages, asked
from eval_autopsy.registry import reader

VERDICTS = ("accuracy", "correct", "score")
MEANS = ("accuracy", "score", "f1_score")  # figures of a final report that are means
OF_A_MATCH = ("correct", "expected", "picked", "sampled", "options", "prompt", "metadata")
OF_A_ROW = ("input", "ideal")
NO_CHOICE = "__invalid__"

Key = tuple[str, str]  # of a sample: its run and its id


def is_record(head: bytes) -> bool:
    """Whether a file begins with the specification of a run of evals."""
    return {"run_config", "completion_fns", "eval_name"} <= first_object(head, "spec").keys()


@dataclass
class _Log:
    """What is known of a whole record before its first sample is given, and what is counted."""

    last: dict[Key, int] = field(default_factory=dict)  # the line of a sample's last event
    specs: dict[str, dict[str, Any]] = field(default_factory=dict)  # by run
    reports: list[dict[str, Any]] = field(default_factory=list)
    measured: set[str] = field(default_factory=set)  # the names of all scores
    failed_and_scored: int = 0


@reader("openai_evals", sniff=is_record, yields="samples")
def openai_evals(stream: BinaryIO, name: str) -> Iterator[Item]:
    """One sample for each sample, or each of its matches, in a record of OpenAI evals."""
    log = _survey(stream, name)
    stream.seek(0)
    open_ones: dict[Key, list[Line]] = {}
    ids = Repeats()
    for line in lines(stream, name):
        if isinstance(line, Aside):
            yield line
        elif key := _key(line.value):
            open_ones.setdefault(key, []).append(line)
            if log.last[key] == line.at:
                yield from _samples(key, open_ones.pop(key), ids, log)
        elif not line.value.keys() & {"spec", "final_report"}:
            yield Aside(line.at, "it has neither a sample_id and a type, nor a spec or report")
    yield from _reported(log)


def _key(value: Mapping[str, Any]) -> Key | None:
    sample, kind = text(value.get("sample_id")), text(value.get("type"))
    return (text(value.get("run_id")), sample) if sample and kind else None


def _survey(stream: BinaryIO, name: str) -> _Log:
    log = _Log()
    for line in lines(stream, name):
        if isinstance(line, Aside):
            continue  # it is told the second time
        if key := _key(line.value):
            log.last[key] = line.at
        if spec := mapping(line.value.get("spec")):
            log.specs[text(spec.get("run_id"))] = spec
        if report := mapping(line.value.get("final_report")):
            log.reports.append(report)
    return log


def _reported(log: _Log) -> Iterator[Item]:
    """The figures of the final report that are means of a score."""
    if len(log.reports) == 1:
        for name, value in log.reports[0].items():
            figure = number(value)
            score = "correct" if name == "accuracy" and name not in log.measured else name
            if name in MEANS and score in log.measured and figure is not None:
                yield Reported(f"mean of {score}", figure, f"final_report.{name}")
    else:
        yield Note(f"the record has {len(log.reports)} final reports, so none is compared")
    if log.failed_and_scored:
        yield Note(f"samples that have a verdict in spite of an error: {log.failed_and_scored}")


# ---------------------------------------------------------------- a sample


class _Events(NamedTuple):
    """The data of a sample's events, by their type."""

    sampling: Sequence[dict[str, Any]]
    match: Sequence[dict[str, Any]]
    metrics: dict[str, Any]
    row: dict[str, Any]  # of the data set
    picked: object
    error: str


def _events(found: Sequence[Line]) -> _Events:
    def of(kind: str) -> list[dict[str, Any]]:
        return [mapping(one.value.get("data")) for one in found if one.value["type"] == kind]

    metrics: dict[str, Any] = {}
    for one in of("metrics"):
        metrics |= one
    errors = [f"{text(one.get('type'))}: {text(one.get('message'))}" for one in of("error")]
    return _Events(
        of("sampling"),
        of("match"),
        metrics,
        next(iter(of("raw_sample")), {}),
        next((one.get("picked") for one in of("pick_option")), MISSING),
        "; ".join(errors),
    )


def _samples(key: Key, found: Sequence[Line], ids: Repeats, log: _Log) -> Iterator[Sample]:
    events = _events(found)
    spec = log.specs.get(key[0], {})
    when = text(found[0].value.get("created_at")).replace(" ", "T", 1)
    for turn, match in enumerate(events.match or [{}]):
        sampling = _of_turn(events, turn)
        scores = _scores(match, events.metrics)
        score = _verdict(match, events.metrics)
        log.measured |= scores.keys()
        log.failed_and_scored += bool(events.error) and score is not None
        yield Sample(
            at=found[0].at,
            id=ids.name(key[1]),
            input=_input(sampling, events.row),
            expected=match.get("expected", events.row.get("ideal", MISSING)),
            output=_output(match, sampling, events.picked),
            score=score,
            scores=scores,
            error=events.error if score is None else "",
            grader_error=_grader_error(events.metrics),
            timestamp=when or None,
            cluster=key[1],
            system=_model(spec) if len(log.specs) > 1 else None,
            attributes=_attributes(match, sampling, events.row, spec),
        )


def _of_turn(events: _Events, turn: int) -> dict[str, Any]:
    """What was sampled for a match: its own when there are as many, else what came first."""
    own = turn if len(events.sampling) == len(events.match) else 0
    return events.sampling[own] if events.sampling else {}


def _input(sampling: Mapping[str, Any], row: Mapping[str, Any]) -> Any:
    prompt = sampling.get("prompt", row.get("input", MISSING))
    return asked(prompt) if are_messages(prompt) else prompt


def _output(match: Mapping[str, Any], sampling: Mapping[str, Any], picked: object) -> Any:
    for found in (match.get("sampled"), sampling.get("sampled"), match.get("picked"), picked):
        if found not in (None, MISSING):
            return found[0] if isinstance(found, list) and len(found) == 1 else found
    return MISSING


def _scores(match: Mapping[str, Any], metrics: Mapping[str, Any]) -> dict[str, Any]:
    correct = {"correct": match["correct"]} if "correct" in match else {}
    plain = {name: value for name, value in metrics.items() if not isinstance(value, (dict, list))}
    first = {name: plain[name] for name in VERDICTS if name in plain}
    return {**correct, **first, **plain}


def _verdict(match: Mapping[str, Any], metrics: Mapping[str, Any]) -> bool | None:
    if match:
        return verdict(match.get("correct"))
    if _grader_error(metrics):
        return None
    return verdict(next((metrics[name] for name in VERDICTS if name in metrics), None))


def _grader_error(metrics: Mapping[str, Any]) -> str:
    if metrics.get("choice") == NO_CHOICE:
        return "the model that grades answered with none of the choices"
    return ""


def _model(spec: Mapping[str, Any]) -> str:
    return ", ".join(map(text, sequence(spec.get("completion_fns"))))


def _attributes(
    match: Mapping[str, Any],
    sampling: Mapping[str, Any],
    row: Mapping[str, Any],
    spec: Mapping[str, Any],
) -> dict[str, Any]:
    about = {
        "task": spec.get("eval_name"),
        "model": text(sampling.get("model")) or _model(spec),
        "input_tokens": amount(inside(sampling, "usage", "prompt_tokens")),
        "output_tokens": amount(inside(sampling, "usage", "completion_tokens")),
    }
    return {
        **attributes(row, without=OF_A_ROW),
        **attributes(match, without=OF_A_MATCH),
        **attributes(mapping(match.get("metadata"))),
        **{name: value for name, value in about.items() if value not in (None, "")},
    }
