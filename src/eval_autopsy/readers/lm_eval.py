"""lm-evaluation-harness: the samples of one task.

1. A document is written once for each filter of its task: these are scores of one sample, named
   `metric,filter` as the results file names them, and not samples of their own. The primary filter
   is the one with the fewest unparsed answers in the file, the first of the file when equal. Its
   lines give the outputs, and its first metric that is 0 or 1 throughout gives the verdict.
2. So a file is gone through twice, and the scores of all its lines are kept from the first time to
   the second; the samples themselves pass one by one.
3. A filter that finds no answer gives "[invalid]". Such a sample is unparsed, with the whole
   response as its output and the verdict that the harness gave it.
4. Of a multiple choice the output is the choice of the highest log-likelihood, which is what `acc`
   goes by, and the confidence its probability in a softmax over the choices.
5. What the harness reports of the task is in a results file beside it; see `lm_eval_results`.

Checked with files of 0.4.13. Known from the source and its history only: one JSON array in place of
lines (early in 2024), samples without `filter` and `metrics` (before 0.4.5), `arguments` as arrays,
chats as JSON in a text, choices that are contexts.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation
from typing import Any, NamedTuple

from eval_autopsy.kernel import MISSING, Row
from eval_autopsy.readers.exports import rows_of
from eval_autopsy.readers.heads import first_object
from eval_autopsy.readers.lm_eval_results import Results, results_of
from eval_autopsy.readers.log_values import (
    Repeats,
    attributes,
    inner,
    mapping,
    sequence,
    text,
    verdict,
)
from eval_autopsy.readers.logs import Aside, Item, Note, Sample
from eval_autopsy.readers.messages import are_messages, asked
from eval_autopsy.readers.opened import Lines
from eval_autopsy.registry import reader

UNPARSED = "[invalid]"
HASHES = ("doc_hash", "prompt_hash", "target_hash")
OURS = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
PRECISE = Context(prec=12)
REFERENCES = 10_000  # characters of a target that may be a list

Scores = tuple[tuple[str, Any], ...]  # metric and value


def is_samples(head: bytes) -> bool:
    """Whether a file begins as samples of the harness do."""
    first = first_object(head)
    if {"doc_id", "doc", "resps", "filtered_resps"} <= first.keys():
        return True
    # A document with a long context can fill all that a file is recognised by.
    return list(first) == ["doc_id", "doc"] and first["doc"] is MISSING and b'"doc": {' in head[:80]


@reader("lm_eval", sniff=is_samples, yields="samples")
def lm_eval(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each document of a samples file of lm-evaluation-harness."""
    survey = _survey(stream, name)
    found = results_of(stream, survey.digest)
    results = found if isinstance(found, Results) else None
    yield from found.reported() if isinstance(found, Results) else [found]
    yield from _notes(survey)
    yield from _samples(stream, name, survey, results)


def _samples(stream: Lines, name: str, survey: _Survey, results: Results | None) -> Iterator[Item]:
    """What is yielded the second time through the file."""
    stream.seek(0)
    names = _Names()
    for line in rows_of(stream, name):
        if not isinstance(line, Row):
            yield line
        elif wrong := _wrong(line.fields):
            yield Aside(line.line, wrong)
        else:
            which, sample = names.of(line.fields)
            if which == survey.primary:
                yield _sample(line, sample, survey, results)
            elif survey.first_seen(which, sample):
                yield Aside(line.line, f"document {sample} has no line of {survey.primary}")


def _wrong(value: Mapping[str, Any]) -> str:
    """What is wrong with a line, "" when it can be used."""
    if not text(value.get("doc_id")):
        return f"its doc_id is {str(value.get('doc_id'))[:40]!r}, expected a whole number or text"
    answers = value.get("filtered_resps")
    if not isinstance(answers, (list, str)) or not answers:
        return f"its filtered_resps are {str(answers)[:40]!r}, expected answers"
    return ""


# ---------------------------------------------------------------- the first time through a file


@dataclass
class _Filter:
    """What all lines of one filter have."""

    scores: dict[str, Scores] = field(default_factory=dict)  # by sample
    verdicts: dict[str, bool] = field(default_factory=dict)  # metric: whether it is always 0 or 1
    unparsed: int = 0


class _Survey:
    """What is known of a whole file before its first sample is given."""

    def __init__(self, filters: dict[str, _Filter], digest: str) -> None:
        self.filters = filters  # in the order of the file
        self.digest = digest
        self.primary = min(filters, key=lambda name: filters[name].unparsed, default="")
        fitting = filters[self.primary].verdicts.items() if filters else ()
        # The metric that gives the verdicts, if any does.
        self.metric = next((metric for metric, fits in fitting if fits), None)

    def scores(self, sample: str) -> dict[str, Any]:
        """All scores of a sample by `metric,filter`, the one of the verdict first."""
        verdict_first = {f"{self.metric},{self.primary}": None} if self.metric else {}
        order = sorted(self.filters, key=lambda name: name != self.primary)
        found = {
            f"{metric},{name}": value
            for name in order
            for metric, value in self.filters[name].scores.get(sample, ())
        }
        return {name: found[name] for name in {**verdict_first, **found} if name in found}

    def first_seen(self, which: str, sample: str) -> bool:
        """Whether a sample has no line of the primary filter, and its first one is of this."""
        having = (name for name in self.filters if sample in self.filters[name].scores)
        return sample not in self.filters[self.primary].scores and next(having) == which


class _Names:
    """The filter and the sample that a line is of; to be asked of each line in its order."""

    def __init__(self) -> None:
        self._repeats: dict[str, Repeats] = {}
        self._lines: dict[str, int] = {}  # of each document, where lines name no filter

    def of(self, value: Mapping[str, Any]) -> tuple[str, str]:
        document, which = text(value["doc_id"]), text(value.get("filter"))
        if not which:
            number = self._lines[document] = self._lines.get(document, 0) + 1
            which = f"filter {number}" if number > 1 else "none"
        return which, self._repeats.setdefault(which, Repeats()).name(document)


def _survey(stream: Lines, name: str) -> _Survey:
    filters: dict[str, _Filter] = {}
    digest, names = hashlib.sha256(), _Names()
    shared: dict[Any, Any] = {}  # one object for each value: most are 0 or 1
    for line in rows_of(stream, name):
        # What cannot be used is told the second time.
        if isinstance(line, Row) and not _wrong(line.fields):
            digest.update("".join(text(line.fields.get(key)) for key in HASHES).encode())
            which, sample = names.of(line.fields)
            found = filters.setdefault(which, _Filter())
            scores = _scores(line.fields, shared)
            found.scores[sample] = scores
            found.unparsed += _unparsed(line.fields)
            for metric, value in scores:
                fits = verdict(value) is not None
                found.verdicts[metric] = found.verdicts.get(metric, True) and fits
    return _Survey(filters, digest.hexdigest())


def _scores(value: Mapping[str, Any], shared: dict[Any, Any]) -> Scores:
    listed = [text(metric) for metric in sequence(value.get("metrics"))]
    named = listed or [key for key in value if key not in OURS and key not in HASHES]
    found = ((sys.intern(metric), value[metric]) for metric in named if metric in value)
    return tuple(
        (metric, shared.setdefault((type(score), score), score))
        if isinstance(score, (bool, int, Decimal))
        else (metric, score)
        for metric, score in found
    )


def _unparsed(value: Mapping[str, Any]) -> bool:
    return bool(_alone(value["filtered_resps"]) == UNPARSED)


def _notes(survey: _Survey) -> Iterator[Note]:
    if len(survey.filters) > 1:
        counts = (f"{name} ({one.unparsed} unparsed)" for name, one in survey.filters.items())
        yield Note(f"the verdict is that of {survey.primary}, of the filters {', '.join(counts)}")
    if survey.filters and survey.metric is None:
        metrics = ", ".join(survey.filters[survey.primary].verdicts) or "none"
        yield Note(f"no metric of the task says right or wrong; there are: {metrics}")


# ---------------------------------------------------------------- a sample


def _sample(line: Row, sample: str, survey: _Survey, results: Results | None) -> Sample:
    value, scores = line.fields, survey.scores(sample)
    arguments = _arguments(value.get("arguments"))
    choice = _choice(value, arguments)
    unparsed = _unparsed(value)
    about = {"task": results.task, "model": results.model} if results else {}
    return Sample(
        at=line.line,
        id=sample,
        input=_input(arguments) if arguments else value.get("doc", MISSING),
        expected=_expected(value.get("target", MISSING), choice),
        output=choice.name if choice else _output(value, arguments, unparsed),
        score=_verdict(scores, survey, results),
        scores=scores,
        status="unparsed" if unparsed else None,
        confidence=choice.confidence if choice else None,
        cluster=text(value["doc_id"]),
        attributes={**attributes(mapping(value.get("doc"))), **about},
    )


def _verdict(scores: Mapping[str, Any], survey: _Survey, results: Results | None) -> bool | None:
    if survey.metric is None:
        return None
    found = verdict(scores.get(f"{survey.metric},{survey.primary}"))
    if found is not None and results and not results.higher_is_better(survey.metric):
        return not found
    return found


def _arguments(value: Any) -> list[list[Any]]:
    """The arguments of each request: a context, and a continuation or settings."""
    requests = list(value.values()) if isinstance(value, dict) else sequence(value)
    as_lists = [list(one.values()) if isinstance(one, dict) else one for one in requests]
    return [one for one in as_lists if isinstance(one, list) and one]


def _input(arguments: Sequence[Sequence[Any]]) -> Any:
    """What the model was asked: a text, or the messages of a chat, which is JSON in a text."""
    context = _alone(arguments[0][0])
    chat = inner(context) if isinstance(context, str) and context.startswith("[") else context
    return asked(chat) if are_messages(chat) else context


def _output(value: Mapping[str, Any], arguments: Sequence[Sequence[Any]], unparsed: bool) -> Any:
    """The answer as the filter has it, or the response where it found none.

    A request without settings asks for the likelihood of a text, which is no answer.
    """
    if any(len(one) < 2 or isinstance(one[1], str) for one in arguments):
        return MISSING
    return _alone(value.get("resps") if unparsed else value["filtered_resps"])


def _alone(value: Any) -> Any:
    """The one item of an array, of arrays inside each other the innermost; else the value."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


def _expected(target: Any, choice: _Choice | None) -> Any:
    """The target: of a choice its text, of several references a list of them.

    The harness writes a target as Python's text of it.
    """
    found = _literal(target) if isinstance(target, str) else target
    if choice is None:
        return found
    return [choice.named(one) for one in found] if isinstance(found, list) else choice.named(found)


def _literal(target: str) -> Any:
    """The list that a text is Python's form of, when it is one of texts or whole numbers."""
    if target[:1] != "[" or target[-1:] != "]" or len(target) > REFERENCES:
        return target
    try:
        found = ast.literal_eval(target)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return target
    plain = isinstance(found, list) and all(isinstance(one, (str, int)) for one in found)
    return found if plain else target


# ---------------------------------------------------------------- multiple choice


class _Choice(NamedTuple):
    """What was chosen among the choices of a question."""

    name: str
    confidence: Decimal | None
    names: Sequence[str]

    def named(self, target: Any) -> Any:
        """The choice that a target is the position of; the target itself when it is none."""
        digits = text(target)
        is_position = digits.isdecimal() and len(digits) < 6 and int(digits) < len(self.names)
        return self.names[int(digits)] if is_position else target


def _choice(value: Mapping[str, Any], arguments: Sequence[Sequence[Any]]) -> _Choice | None:
    """The choice of the highest log-likelihood; None when there is none to be made."""
    likelihoods = [_likelihood(one) for one in sequence(value["filtered_resps"])]
    if "acc_mutual_info" in value:  # each choice stands once more, without the question
        likelihoods = likelihoods[: len(likelihoods) // 2]
    known = [one for one in likelihoods if one is not None]
    if len(likelihoods) < 2 or len(known) < len(likelihoods):
        return None
    best = max(known)
    names = _choices(arguments, len(known))
    return _Choice(names[known.index(best)], _share(best, known), names)


def _likelihood(answer: Any) -> Decimal | None:
    """The log-likelihood in a pair of it and of whether it is the likeliest text."""
    if not isinstance(answer, list) or len(answer) != 2:
        return None
    try:
        found = Decimal(str(answer[0]))
    except InvalidOperation:
        return None
    return None if found.is_nan() else found


def _choices(arguments: Sequence[Sequence[Any]], count: int) -> list[str]:
    """The texts of the choices; their positions where these are the contexts, and not the ends."""
    ends = [text(one[1]).strip() for one in arguments[:count] if len(one) > 1]
    return ends if len(set(ends)) == count else [str(position) for position in range(count)]


def _share(best: Decimal, among: Sequence[Decimal]) -> Decimal | None:
    """The softmax of the best of some log-likelihoods, to 12 digits."""
    if not best.is_finite():
        return None
    total = sum((PRECISE.exp(PRECISE.subtract(one, best)) for one in among), Decimal(0))
    return PRECISE.divide(Decimal(1), total)
