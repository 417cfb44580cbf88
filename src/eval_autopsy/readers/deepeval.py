"""DeepEval: the test run that it saves, by itself or inside `testRunData`.

1. A test passes when all metrics that ran pass, flaky ones aside, which never decide. DeepEval also
   fails a test of which a metric raised; here that metric is a grader that failed, and decides
   nothing. A test of which every metric raised has no verdict.
2. A test with the name and the input of another is a repeat of it. Names alone prove nothing: all
   tests of one function can have its name.
3. Of a conversation the turns are the steps; its input is what the user said, when that was once,
   else the scenario or the turns, and its output the last turn of the assistant.
4. The file is gone through twice: the model is named in `hyperparameters`, after the tests.
5. `trace`, contexts and images are left out.

Checked with files of 4.3.1. Conversations, tools and flaky metrics are known from its source only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, BinaryIO, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.heads import first_object
from eval_autopsy.readers.json_items import Part, parts
from eval_autopsy.readers.log_values import amount, attributes, mapping, number, sequence, text
from eval_autopsy.readers.logs import Aside, Item, Note, Reported, Sample
from eval_autopsy.readers.messages import are_messages, asked, last_answer
from eval_autopsy.registry import reader

WRAPPING = "testRunData"
TESTS = ("testCases", "conversationalTestCases")
ARRAYS = (*TESTS, *(f"{WRAPPING}.{name}" for name in TESTS))


def is_test_run(head: bytes) -> bool:
    """Whether a file begins as a test run: with tests that have metrics, or an answer to grade."""
    run = (WRAPPING,) if WRAPPING in first_object(head) else ()
    if TESTS[0] not in first_object(head, *run):
        return False
    first = first_object(head, *run, TESTS[0]) or first_object(head, *run, TESTS[1])
    return "name" in first and bool({"metricsData", "actualOutput", "turns"} & first.keys())


@reader("deepeval", sniff=is_test_run, yields="samples")
def deepeval(stream: BinaryIO, name: str) -> Iterator[Item]:
    """One sample for each test case or conversation of a DeepEval test run."""
    summary = {part.path: part.value for part in _parts(stream, name) if part.path not in TESTS}
    stream.seek(0)
    settings = attributes(mapping(summary.get("hyperparameters")))
    repeats, raised = _Repeats(), 0
    for at, part in enumerate((one for one in _parts(stream, name) if one.path in TESTS), 1):
        test = part.value
        if not isinstance(test, dict) or not text(test.get("name")):
            yield Aside(at, f"found {str(test)[:40]!r}, expected a test with a name")
        else:
            sample = _sample(at, test, repeats, settings)
            raised += bool(sample.grader_error)
            yield sample
    yield from _reported(summary)
    if raised:
        yield Note(
            f"a metric raised in {raised} tests: DeepEval counts them as failed, and here the "
            f"metrics that ran decide; it states {summary.get('testPassed')} passed"
        )


def _parts(stream: BinaryIO, name: str) -> Iterator[Part]:
    """The members of a test run under their own names, each test by itself."""
    for part in parts(stream, name, ARRAYS):
        found = part._replace(path=part.path.removeprefix(f"{WRAPPING}."))
        if found.path in TESTS and not found.at:
            what = f"{found.path} is {str(found.value)[:40]!r}, expected an array"
            raise kernel.Unreadable(what, name, "save the test run again")
        yield found


def _reported(summary: Mapping[str, Any]) -> Iterator[Reported]:
    passed, failed = (number(summary.get(name)) for name in ("testPassed", "testFailed"))
    if passed is not None and failed is not None:
        yield Reported("samples", passed + failed, "testPassed and testFailed")
    for at, metric in enumerate(map(mapping, sequence(summary.get("metricsScores")))):
        scores = [number(score) for score in sequence(metric.get("scores"))]
        known = [score for score in scores if score is not None]
        if text(metric.get("metric")) and known and len(known) == len(scores):
            name, where = f"mean of {text(metric['metric'])}", f"metricsScores[{at}].scores"
            yield Reported(name, sum(known, Decimal(0)) / len(known), where, len(known))


class _Repeats:
    """Ids by name, and the cluster of the tests that have name and input in common."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}
        self._first: dict[tuple[str, int], str] = {}

    def of(self, name: str, given: object) -> tuple[str, str]:
        """The id and the cluster of the next test."""
        number = self._times[name] = self._times.get(name, 0) + 1
        identity = name if number == 1 else f"{name}#{number}"
        return identity, self._first.setdefault((name, hash(kernel.canonical(given))), identity)


def _sample(
    at: int, test: Mapping[str, Any], repeats: _Repeats, settings: Mapping[str, Any]
) -> Sample:
    turns = sequence(test.get("turns"))
    given, output, expected = _conversation(test) if turns else _answer(test)
    identity, cluster = repeats.of(text(test["name"]), turns or test.get("input"))
    metrics = _metrics(sequence(test.get("metricsData")))
    return Sample(
        at=at,
        id=identity,
        input=given,
        output=output,
        expected=expected,
        score=metrics.verdict,
        scores=metrics.scores,
        grader_error=metrics.error,
        latency=amount(test.get("completionTime")),
        cost=amount(test.get("tokenCost")),
        cluster=cluster,
        steps=turns or sequence(test.get("toolsCalled")),
        attributes={**settings, **_about(test)},
    )


def _answer(test: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Input, output and what was expected."""
    names = ("input", "actualOutput", "expectedOutput")
    given, output, expected = (test.get(name, MISSING) for name in names)
    return given, output, expected


def _conversation(test: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Input, output and what was expected of a conversation; see rule 3."""
    turns = test["turns"]
    expected = test.get("expectedOutcome", MISSING)
    if not are_messages(turns):
        return test.get("scenario", turns), MISSING, expected
    said = asked(turns)
    given = said if isinstance(said, str) else test.get("scenario", turns)
    return given, last_answer(turns) or MISSING, expected


class _Metrics(NamedTuple):
    """What the metrics of a test say together."""

    scores: dict[str, Any]
    verdict: bool | None
    error: str


def _metrics(found: Sequence[Any]) -> _Metrics:
    scores: dict[str, Any] = {}
    verdicts, errors = [], []
    for metric in map(mapping, found):
        name, success = text(metric.get("name")), metric.get("success")
        if text(metric.get("error")):
            errors.append(f"{name}: {text(metric['error'])}")
            continue
        if isinstance(success, bool) and metric.get("flaky") is not True:
            verdicts.append(success)
        score = metric.get("score", success)
        if name and score is not None:
            scores[_free(name, scores)] = score
    return _Metrics(scores, all(verdicts) if verdicts else None, "; ".join(errors))


def _free(name: str, scores: Mapping[str, Any]) -> str:
    """A name that is not taken: several metrics of a test can have the same."""
    number, free = 1, name
    while free in scores:
        number += 1
        free = f"{name}#{number}"
    return free


def _about(test: Mapping[str, Any]) -> dict[str, Any]:
    counts = {
        "input_tokens": amount(test.get("inputTokenCount")),
        "output_tokens": amount(test.get("outputTokenCount")),
    }
    named = {"tags": test.get("tags"), **mapping(test.get("metadata")), **counts}
    return attributes(named)
