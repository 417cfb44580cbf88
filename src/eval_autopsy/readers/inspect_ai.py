"""Logs of Inspect AI: the `.eval` archive, of a finished run or a crashed one, and the JSON log.

1. An epoch is a sample. Epochs of one task are a cluster, and the second is called `ID#2`.
2. The verdict is that of the log's headline score, or else its first. C, true and 1 are right; I,
   false and 0 are wrong; P, for a part of it, is not right, and N, no answer, is unparsed. Where
   some sample has another number, the score is a grade, and nobody has a verdict by it.
3. All scores are kept, as the numbers that Inspect takes them for: C true, I and N false, P 0.5.
   One that is an object gives a score `SCORER.KEY` for each of its members.
4. A sample with an error has no verdict, though it may have scores (`score_on_error`).
5. An answer that the provider's filter stopped is a refusal.

P, N, scores that are objects or lists, refusals, attachments, crashed runs and logs of version 1
are read as Inspect's source has them; all else was seen in logs that it wrote. Events are passed
over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.json_items import parts
from eval_autopsy.readers.log_values import (
    Unfit,
    amount,
    attributes,
    flat,
    inside,
    taken,
)
from eval_autopsy.readers.logs import Aside, Item, Note, Reported, Sample, Status
from eval_autopsy.readers.messages import asked, words
from eval_autopsy.readers.zip_entries import MAGIC, Archive
from eval_autopsy.registry import reader

HEADER, START, SUMMARIES = "header.json", "_journal/start.json", "summaries.json"
JOURNAL = "_journal/summaries/"
SAMPLE_ENTRY = re.compile(r"samples/.+\.json", re.DOTALL)
JSON_LOG = re.compile(
    rb'\{\s*(?:"version"\s*:\s*\d+\s*,\s*)?'
    rb'"status"\s*:\s*"(?:started|success|cancelled|error)"\s*,\s*"eval"\s*:\s*\{'
)
# What can be long in a sample is read by its items, so that no sample is too long.
UNWANTED = ("events", "events_data.messages", "events_data.calls")
LONG = ("messages", "attachments.*", "store.*", *UNWANTED)
LETTERS: Mapping[object, object] = {"C": True, "I": False, "P": Decimal("0.5"), "N": False}
MEANS = ("accuracy", "mean")  # metrics that are the mean of a score over samples
ATTACHED = "attachment://"


class Log(NamedTuple):
    """What a log says about all of its samples."""

    header: Mapping[str, Any]
    repeated: bool  # whether samples have more than one epoch
    primary: str  # the score that the verdict is told by; "" when the log does not say
    numbers_decide: bool  # whether that score, where it is a number, is always 0 or 1


def _is_archive(head: bytes) -> bool:
    """Whether the first entry of an archive is one that Inspect begins with."""
    entry = head[30 : 30 + int.from_bytes(head[26:28], "little")].decode("utf-8", "replace")
    known = entry in (HEADER, START) or SAMPLE_ENTRY.fullmatch(entry)
    return head.startswith(MAGIC) and bool(known)


@reader("inspect_eval", sniff=_is_archive, yields="samples")
def inspect_eval(stream: BinaryIO, name: str) -> Iterator[Item]:
    """One sample for each task and epoch of an Inspect AI log in the `.eval` form.

    Memory holds one sample, and the name of each. A run that crashed has no header: what its
    journal says is taken, and its figures cannot be held against anything.
    """
    archive = Archive(stream, name)
    header = _header(archive, name)
    entries = [entry for entry in archive.names() if SAMPLE_ENTRY.fullmatch(entry)]
    if not entries:
        what = "the log holds no samples, only what is said about all of them"
        raise kernel.Unreadable(what, name, "run the eval with its samples logged")
    primary = _primary(header)
    log = Log(header, _repeated(header), primary, _numbers_decide(_summaries(archive), primary))
    yield from _said(log)
    remarks = Remarks()
    for at, entry in enumerate(entries, 1):
        try:
            yield remarks.counted(_sample(at, _one(archive, entry), log))
        except kernel.Unreadable as error:
            yield Aside(at, f"{entry}: {error.what}")
        except Unfit as unfit:
            yield Aside(at, f"{entry}: {unfit}")
    yield from _lost(archive, {*entries})
    yield from remarks.notes(log)


@reader("inspect_json", sniff=lambda head: bool(JSON_LOG.match(head)), yields="samples")
def inspect_json(stream: BinaryIO, name: str) -> Iterator[Item]:
    """One sample for each task and epoch of an Inspect AI log in JSON.

    Memory holds one sample, with its events; one that is longer than 16 MiB is an error. The log is
    gone through twice, since only all of the scores tell whether they are verdicts.
    """
    header: dict[str, Any] = {}
    log: Log | None = None
    remarks = Remarks()
    for part in parts(stream, name, ("samples", "reductions")):
        if part.path != "samples":
            header[part.path] = part.value
            continue
        if log is None:
            log = _log_of_json(header, stream, name)
            yield from _said(log)
        try:
            yield remarks.counted(_sample(part.at, part.value, log))
        except Unfit as unfit:
            yield Aside(part.at, str(unfit))
    if log is not None:
        yield from remarks.notes(log)


# --- What is said about all samples ---------------------------------------------------------------


def _header(archive: Archive, name: str) -> dict[str, Any]:
    for entry in (HEADER, START):
        if entry in archive:
            found = parts(archive.open(entry), archive.where(entry))
            return {part.path: part.value for part in found}
    what = f"the archive has neither {HEADER} nor {START}, which a log of Inspect has"
    raise kernel.Unreadable(what, name, "copy the log again")


def _log_of_json(header: dict[str, Any], stream: BinaryIO, name: str) -> Log:
    primary = _primary(header)
    here = stream.tell()
    stream.seek(0)
    samples = (one.value for one in parts(stream, name, ("samples", "reductions")) if one.at)
    decide = _numbers_decide(samples, primary)
    stream.seek(here)
    return Log(header, _repeated(header), primary, decide)


def _repeated(header: Mapping[str, Any]) -> bool:
    return inside(header, "eval", "config", "epochs") not in (None, 1)


def _score_figures(header: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the results say of each score, called as its samples' are."""
    found = inside(header, "results", "scores")
    scores = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [one | {"called": _called(one.get("scorer"), one.get("name"))} for one in scores]


def _called(scorer: Any, score: Any) -> str:
    """The name of a score: its scorer's, with a key when it is a member of what that gives."""
    return str(scorer) if score in (scorer, None) else f"{scorer}.{score}"


def _primary(header: Mapping[str, Any]) -> str:
    headline = inside(header, "results", "headline")
    if isinstance(headline, dict) and isinstance(headline.get("scorer"), str):
        return _called(headline["scorer"], headline.get("score"))
    figures = _score_figures(header)
    if figures:
        return str(figures[0]["called"])
    scorers = inside(header, "eval", "scorers")
    first = inside(scorers[0], "name") if isinstance(scorers, list) and scorers else None
    return first if isinstance(first, str) else ""


def _numbers_decide(samples: Iterator[Any], primary: str) -> bool:
    """Whether the primary score is 0 or 1 wherever it is a number."""
    for sample in samples:
        only = {primary or "score": inside(sample, "score")}
        scores = _flat_scores(inside(sample, "scores") or only)
        value = scores.get(primary or next(iter(scores), ""))
        if isinstance(value, (int, Decimal)) and value not in (0, 1):
            return False
    return True


def _said(log: Log) -> Iterator[Reported | Note]:
    """The figures that the header states, and what one has to know about them."""
    status = log.header.get("status")
    if status != "success":
        so_far = "it crashed, or goes on" if status in (None, "started") else f"status {status}"
        yield Note(f"the run did not finish ({so_far}): samples may be missing")
    results = log.header.get("results")
    total, scored = (amount(inside(results, f"{of}_samples")) for of in ("total", "completed"))
    if total is not None:
        yield Reported("samples", total, "results.total_samples")
    if total is not None and scored is not None and status == "success":
        where = "results.total_samples less results.completed_samples"
        yield Reported("errors", total - scored, where)
    figures = _score_figures(log.header)
    if figures and log.repeated:
        yield Note(
            "the log's means are over tasks, each the mean of its epochs that were scored: the "
            "mean over samples when each task has as many of them"
        )
    for at, score in enumerate(figures):
        yield from _means(log, score, f"results.scores[{at}]")


def _means(log: Log, score: Mapping[str, Any], where: str) -> Iterator[Reported | Note]:
    metrics = score.get("metrics")
    called, over = score["called"], score.get("scored_samples")
    reducer = score.get("reducer") or "mean"
    for metric in MEANS:
        value = inside(metrics, metric, "value")
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            continue
        if log.repeated and reducer != "mean":
            yield Note(f"the {metric} of {called} is over epochs reduced by {reducer}")
            continue
        count = over if isinstance(over, int) and not isinstance(over, bool) else None
        count = None if log.repeated else count  # it counts tasks, and not samples
        yield Reported(f"mean of {called}", Decimal(value), f"{where}.metrics.{metric}", count)


# --- One sample -----------------------------------------------------------------------------------


def _one(archive: Archive, entry: str) -> dict[str, Any]:
    """The members of a sample that are wanted, read from its entry."""
    found: dict[str, Any] = {"messages": [], "attachments": {}}
    for part in parts(archive.open(entry), archive.where(entry), LONG, UNWANTED):
        first, _, rest = part.path.partition(".")
        if part.path == "messages" and part.at:
            found["messages"].append(part.value)
        elif first == "attachments" and rest:
            found["attachments"][rest] = part.value
        elif first not in ("events", "events_data", "store"):
            found[part.path] = part.value
    return found


def _summaries(archive: Archive) -> Iterator[Any]:
    """The summaries of all samples, or of those that a crashed run came to write."""
    journal = [entry for entry in archive.names() if entry.startswith(JOURNAL)]
    for entry in [SUMMARIES] if SUMMARIES in archive else journal:
        for part in parts(archive.open(entry), archive.where(entry), ("",)):
            yield part.value


def _lost(archive: Archive, entries: set[str]) -> Iterator[Aside]:
    """The samples that have a summary, and no entry of their own."""
    for at, one in enumerate(_summaries(archive), 1):
        entry = f"samples/{inside(one, 'id')}_epoch_{inside(one, 'epoch')}.json"
        if entry not in entries:
            yield Aside(at, f"{entry} is in the list of summaries and not in the archive")


def _sample(at: int, found: Any, log: Log) -> Sample:
    """A sample of the log. Raises Unfit for one that is not as it should be."""
    if not isinstance(found, dict):
        raise Unfit(f"it is {str(found)[:40]!r}, expected an object")
    found = _with_attachments(found)
    task, epoch = found.get("id"), taken(found, "epoch", int) or 1
    if isinstance(task, bool) or not isinstance(task, (str, int)) or not str(task).strip():
        raise Unfit(f"its id is {task!r}, expected text or a whole number")
    raw = _flat_scores(_scores(found, log))
    primary = log.primary or next(iter(raw), "")
    error = _error(found)
    verdict, status = _verdict(raw.get(primary), log.numbers_decide)
    if inside(_choice(found), "stop_reason") == "content_filter":
        verdict, status = None, "refused"
    output = _output(found)
    return Sample(
        at=at,
        id=str(task) if epoch == 1 else f"{task}#{epoch}",
        cluster=str(task) if log.repeated else None,
        input=asked(found["input"]) if "input" in found else MISSING,
        expected=found.get("target") or MISSING,  # "" to Inspect is no target
        output=MISSING if output is None else output,
        error=error,
        score=None if error else verdict,
        scores={one: _number(raw[one]) for one in sorted(raw, key=lambda one: one != primary)},
        status="errored" if error else status,
        timestamp=taken(found, "started_at", str),
        latency=amount(found.get("total_time")),
        steps=_steps(found),
        attributes=_attributes(found, log, output, primary),
    )


def _with_attachments(found: dict[str, Any]) -> dict[str, Any]:
    """The sample with the texts that it refers to in their places."""
    attached = taken(found, "attachments", dict)
    if not attached:
        return found

    def put(value: Any) -> Any:
        if isinstance(value, str) and value.startswith(ATTACHED):
            return attached.get(value.removeprefix(ATTACHED), value)
        if isinstance(value, list):
            return [put(one) for one in value]
        if isinstance(value, dict):
            return {key: put(one) for key, one in value.items()}
        return value

    return {
        key: put(value) if key in ("input", "messages", "output") else value
        for key, value in found.items()
    }


def _scores(found: Mapping[str, Any], log: Log) -> dict[str, Any] | None:
    """The scores of a sample by scorer; logs of version 1 have one, without its name."""
    only = taken(found, "score", dict)
    scores: dict[str, Any] | None = taken(found, "scores", dict)
    return {log.primary or "score": only} if only and scores is None else scores


def _flat_scores(scores: Any) -> dict[str, Any]:
    """The value of each score by its name; a value that is an object gives one for each member."""
    found: dict[str, Any] = {}
    for scorer, score in (scores if isinstance(scores, dict) else {}).items():
        value = inside(score, "value")
        found |= flat(value, f"{scorer}.") if isinstance(value, dict) else {scorer: value}
    return found


def _number(value: Any) -> Any:
    return LETTERS.get(value, value) if isinstance(value, str) else value


def _verdict(value: Any, numbers_decide: bool) -> tuple[bool | None, Status | None]:
    """Whether a score says right or wrong, and what it says when it says neither."""
    if value == "N" and isinstance(value, str):
        return None, "unparsed"
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        decides = numbers_decide and value in (0, 1)
        return (value == 1, "answered") if decides else (None, "answered")
    if isinstance(value, bool):
        return value, "answered"
    if isinstance(value, str) and value in LETTERS:
        return value == "C", "answered"
    return None, None if value is None else "answered"


def _error(found: Mapping[str, Any]) -> str:
    error = found.get("error")
    if error is None:
        return ""
    message = inside(error, "message") if isinstance(error, dict) else error
    return message if isinstance(message, str) and message else "an error without a message"


def _choice(found: Mapping[str, Any]) -> Any:
    choices = inside(taken(found, "output", dict), "choices")
    return choices[0] if isinstance(choices, list) and choices else None


def _output(found: Mapping[str, Any]) -> str | None:
    """The text of the answer; None when the model gave none, as after an error."""
    choice = _choice(found)
    if choice is None:
        return None
    return words(inside(choice, "message", "content"))


def _steps(found: Mapping[str, Any]) -> list[Any]:
    """The messages, when some of them use tools; else the input and the output say it all."""
    messages = taken(found, "messages", list) or []
    uses = any(inside(one, "role") == "tool" or inside(one, "tool_calls") for one in messages)
    return messages if uses else []


def _attributes(
    found: Mapping[str, Any], log: Log, output: str | None, primary: str
) -> dict[str, object]:
    usage = (taken(found, "model_usage", dict) or {}).values()
    said: dict[str, object] = {
        "model": inside(log.header, "eval", "model"),
        "task": inside(log.header, "eval", "task"),
        "stop_reason": inside(_choice(found), "stop_reason"),
        "limit": inside(found.get("limit"), "type"),
        "choices": found.get("choices"),
    }
    answer = inside(found.get("scores"), primary.partition(".")[0], "answer")
    if answer != output:
        said["answer"] = answer  # what the scorer took from the output
    for tokens in ("input_tokens", "output_tokens"):
        counts = [one for each in usage if (one := amount(inside(each, tokens))) is not None]
        if counts:
            said[tokens] = int(sum(counts))
    known = {name: value for name, value in said.items() if value is not None}
    return known | attributes(taken(found, "metadata", dict) or {})


class Remarks:
    """How many samples were scored in ways that a reader of the figures has to know."""

    def __init__(self) -> None:
        self._partly = self._no_answer = self._graded = self._errors_scored = 0

    def counted(self, sample: Sample) -> Sample:
        """The sample, once it is counted."""
        first = next(iter(sample.scores.values()), None)
        self._no_answer += sample.status == "unparsed"
        self._errors_scored += sample.status == "errored" and first is not None
        if sample.status == "answered":
            self._partly += sample.score is False and first == Decimal("0.5")
            self._graded += sample.score is None
        return sample

    def notes(self, log: Log) -> Iterator[Note]:
        """What was counted, in words."""
        score = repr(log.primary) if log.primary else "the first one"
        for count, says in (
            (self._partly, "are right in part (P): not right here, and half right to Inspect"),
            (self._no_answer, "have no answer (N), which Inspect takes for wrong"),
            (self._graded, f"have a grade and no verdict: the score, {score}, is not 0 or 1"),
            (self._errors_scored, "have an error and scores: they have no verdict here"),
        ):
            if count:
                yield Note(f"{count} samples {says}")
