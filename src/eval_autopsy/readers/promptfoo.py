"""Results of promptfoo: the JSON file, JSON Lines, and the SQLite store that it keeps.

1. A result is one test with one prompt and provider, which together are a `system`. A task is a
   test, by its description, or else its number; repeats and systems of a task are a cluster. The
   first system's samples are called by the task, those of others `TASK@SYSTEM`, and repeats `#2`.
2. The verdict is `success`, and never the weighted score: a failed test may have 0.4 of that.
3. A call that failed (`failureReason` 2) has no verdict. Nor has a test without assertions, which
   promptfoo lets pass.
4. Scores are `pass`, `score`, the named ones, and each assertion without a name by its type.
5. What is expected is the value of assertions that compare with a reference, such as `equals`.
6. A refusal that fails its assertions is a refusal; one that was wanted is right.

Rules 3 (its second sentence) and 6, results of version 1 and 2, and templates in assertions are
from promptfoo's documentation and source; all else was seen in files that it wrote.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.exports import cell, export
from eval_autopsy.readers.json_items import parts
from eval_autopsy.readers.log_values import Repeats, Unfit, amount, attributes, inside, taken
from eval_autopsy.readers.logs import Aside, Item, Note, Reported, Sample, Status
from eval_autopsy.readers.messages import asked
from eval_autopsy.registry import reader

RESULTS_FILE = re.compile(
    rb'\{\s*(?:"evalId"\s*:\s*(?:null|"[^"]*")\s*,\s*)?"results"\s*:\s*\{\s*"version"\s*:\s*\d'
)
RESULTS = "results.results"
UNWANTED = ("config.tests", "results.table.body")  # what can be long
# Assertions whose value is a right answer.
REFERENCES = (
    "equals",
    "similar",
    "levenshtein",
    "rouge-n",
    "factuality",
    "model-graded-factuality",
)
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
ERRORED = 2  # a failureReason


@reader("promptfoo", sniff=lambda head: bool(RESULTS_FILE.match(head)), yields="samples")
def promptfoo(stream: BinaryIO, name: str) -> Iterator[Item]:
    """One sample for each test, prompt and provider of a results file of promptfoo."""
    run = Run()
    for part in parts(stream, name, (RESULTS, *UNWANTED), UNWANTED):
        if part.path == RESULTS and part.at:
            yield run.item(part.at, part.value)
        elif part.path == "results.prompts":
            yield from run.of_prompts(part.value, part.path)
        elif part.path == "results.stats":
            yield from _of_stats(part.value, part.path)
    yield from run.notes()


@export(
    "promptfoo_lines",
    known=lambda first: {"testCase", "promptIdx", "gradingResult", "success"} <= first.keys(),
)
def promptfoo_lines(rows: Iterator[kernel.Row], name: str) -> Iterator[Item]:
    """One sample for each test, prompt and provider of promptfoo's results as JSON Lines."""
    run = Run()
    for row in rows:
        yield run.item(row.line, {key: cell(value) for key, value in row.fields.items()})
    yield from run.notes()


class Setting(NamedTuple):
    """What is known of a result from elsewhere: the eval that it is of, when a file has several."""

    suffix: str = ""  # for its id
    timestamp: str | None = None
    attributes: Mapping[str, object] = MappingProxyType({})


ALONE = Setting()


class Run:
    """The names of what results have in common, as they come; memory holds one for each task."""

    def __init__(self) -> None:
        self._tasks: dict[bytes, str] = {}  # a digest of what a test consists of -> its name
        self._names: set[str] = set()
        self._systems: dict[object, str] = {}  # the number of a prompt -> its system's name
        self._repeats = Repeats()
        self._unasserted = 0

    def item(self, at: int, result: Any, setting: Setting = ALONE) -> Sample | Aside:
        """The sample of a result, or why there is none."""
        try:
            return self.sample(at, result, setting)
        except Unfit as unfit:
            return Aside(at, str(unfit))

    def sample(self, at: int, result: Any, setting: Setting) -> Sample:
        """The sample of a result. Raises Unfit."""
        if not isinstance(result, dict):
            raise Unfit(f"it is {str(result)[:40]!r}, expected an object")
        test = taken(result, "testCase", dict) or {}
        variables = taken(result, "vars", dict) or taken(test, "vars", dict) or {}
        error = _error(result)
        verdict, status = _verdict(result, error)
        self._unasserted += status == "unscored"
        task = self._task(at, result, test, variables)
        system = self.system(result.get("promptIdx"), result.get("provider"))
        response = taken(result, "response", dict) or {}
        output = response.get("output")
        return Sample(
            at=at,
            id=self._id(task, system, setting.suffix, first=result.get("promptIdx") in (0, None)),
            cluster=task,
            system=system,
            input=_input(result, variables),
            expected=_expected(test, variables),
            output=MISSING if output is None else output,
            score=verdict,
            scores={} if _has_none(result, status) else _scores(result),
            status=status,
            error=error,
            timestamp=setting.timestamp,
            latency=_seconds(result.get("latencyMs")),
            cost=amount(response.get("cost")) or amount(result.get("cost")) or None,
            attributes=_attributes(result, test, variables, system) | {**setting.attributes},
        )

    def _task(
        self, at: int, result: Mapping[str, Any], test: Mapping[str, Any], variables: Any
    ) -> str:
        number = result.get("testIdx", at - 1)
        described = test.get("description")
        name = described if isinstance(described, str) and described.strip() else f"test {number}"
        consists = kernel.canonical([described, dict(variables), test.get("metadata")])
        digest = hashlib.sha256(consists.encode()).digest()[:16]
        if digest not in self._tasks:
            self._tasks[digest] = f"{name} ({number})" if name in self._names else name
            self._names.add(self._tasks[digest])
        return self._tasks[digest]

    def system(self, prompt: Any, provider: Any) -> str:
        """The name of a prompt with its provider: the provider's, and which prompt when needed."""
        label = inside(provider, "label") or inside(provider, "id") or provider
        key = prompt if isinstance(prompt, int) else str(label)
        if key not in self._systems:
            name = label if isinstance(label, str) and label else "unknown"
            if name in self._systems.values():
                name = f"{name}, prompt {len(self._systems) + 1}"
            self._systems[key] = name
        return self._systems[key]

    def _id(self, task: str, system: str, suffix: str, *, first: bool) -> str:
        return self._repeats.name((task if first else f"{task}@{system}") + suffix)

    def of_prompts(self, prompts: Any, where: str) -> Iterator[Reported]:
        """What a run says of each of its systems."""
        for at, prompt in enumerate(prompts if isinstance(prompts, list) else []):
            part = ("system", self.system(at, inside(prompt, "provider")))
            metrics = inside(prompt, "metrics")
            counts = [amount(inside(metrics, f"test{of}Count")) for of in ("Pass", "Fail", "Error")]
            yield from _counted(counts, f"{where}[{at}].metrics", part)
            yield from _named_means(metrics, f"{where}[{at}].metrics", part)

    def notes(self) -> Iterator[Note]:
        """What is to be known of the verdicts."""
        if self._unasserted:
            yield Note(
                f"{self._unasserted} samples have no assertions and no verdict here: promptfoo "
                "lets them pass"
            )


def _of_stats(stats: Any, where: str) -> Iterator[Reported]:
    counts = [amount(inside(stats, of)) for of in ("successes", "failures", "errors")]
    yield from _counted(counts, where, None)


def _counted(
    counts: list[Decimal | None], where: str, part: tuple[str, str] | None
) -> Iterator[Reported]:
    """The figures that follow from how many passed, failed and erred."""
    passed, failed, erred = counts
    if passed is None or failed is None or erred is None:
        return
    yield Reported("samples", passed + failed + erred, where, part=part)
    yield Reported("errors", erred, where, part=part)
    if over := int(passed + failed):
        yield Reported("mean of pass", passed / over, where, over, part)


def _named_means(metrics: Any, where: str, part: tuple[str, str]) -> Iterator[Reported]:
    sums, counts = inside(metrics, "namedScores"), inside(metrics, "namedScoresCount")
    for score, total in (sums if isinstance(sums, dict) else {}).items():
        over = inside(counts, score)
        if isinstance(total, (int, Decimal)) and isinstance(over, int) and over > 0:
            yield Reported(f"mean of {score}", Decimal(total) / over, where, over, part)


# --- One result -----------------------------------------------------------------------------------


def _has_none(result: Mapping[str, Any], status: Status) -> bool:
    """Whether a result has no scores; a failed call that passes keeps what says so."""
    return status == "unscored" or (status == "errored" and result.get("success") is not True)


def _error(result: Mapping[str, Any]) -> str:
    """The message of a call that failed; "" for one that did not, whatever its assertions say."""
    reason = result.get("failureReason")
    if reason is None:  # as before promptfoo wrote it: a failed call was not graded
        failed = result.get("gradingResult") is None and bool(result.get("error"))
    else:
        passed_over = result.get("success") is True and inside(result, "response", "error")
        failed = reason == ERRORED or bool(passed_over)
    message = result.get("error") or inside(result, "response", "error")
    return str(message or "an error without a message") if failed else ""


def _verdict(result: Mapping[str, Any], error: str) -> tuple[bool | None, Status]:
    success = result.get("success")
    if success not in (True, False):
        raise Unfit(f"its success is {success!r}, expected a verdict")
    if error:
        return None, "errored"
    grading = taken(result, "gradingResult", dict) or {}
    if not grading.get("componentResults") and grading.get("reason") == "No assertions":
        return None, "unscored"
    if inside(result, "response", "isRefusal") is True and not success:
        return None, "refused"
    return bool(success), "answered"


def _scores(result: Mapping[str, Any]) -> dict[str, object]:
    named = taken(result, "namedScores", dict) or {}
    grading = taken(result, "gradingResult", dict) or {}
    found = {"pass": bool(result["success"]), "score": result.get("score"), **named}
    for graded in taken(grading, "componentResults", list) or []:
        kind = inside(graded, "assertion", "type")
        if isinstance(kind, str) and not inside(graded, "assertion", "metric"):
            again = sum(one == kind or one.startswith(f"{kind} ") for one in found)
            found[f"{kind} {again + 1}" if again else kind] = inside(graded, "score")
    return {name: value for name, value in found.items() if value is not None}


def _input(result: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    prompt = inside(result, "prompt", "raw")
    if prompt is None:
        return dict(variables) or MISSING
    return asked(cell(prompt))


def _expected(test: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    """The reference of a test, or an array of several; MISSING without one."""
    values = [
        filled(inside(one, "value"), variables)
        for one in taken(test, "assert", list) or []
        if inside(one, "type") in REFERENCES
    ]
    known = [value for value in values if value not in (None, MISSING)]
    return known if len(known) > 1 else known[0] if known else MISSING


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """A value whose template is nothing but variables, filled in; MISSING for other templates."""
    if not isinstance(value, str):
        return value
    alone = VARIABLE.fullmatch(value)
    if alone:
        return variables.get(alone[1], MISSING)
    if any(name not in variables for name in VARIABLE.findall(value)):
        return MISSING
    text = VARIABLE.sub(lambda match: str(variables[match[1]]), value)
    # A variable's own text may have braces; a template may do more than name variables.
    return MISSING if "{{" in VARIABLE.sub("", value) or "{%" in value else text


def _seconds(milliseconds: Any) -> Decimal | None:
    found = amount(milliseconds)
    return None if found is None else found / 1000


def _attributes(
    result: Mapping[str, Any], test: Mapping[str, Any], variables: Mapping[str, Any], system: str
) -> dict[str, object]:
    label = inside(result, "prompt", "label")
    said: dict[str, object] = {"provider": system}
    if isinstance(label, str):
        said["prompt"] = label
    usage = inside(result, "response", "tokenUsage") or result.get("tokenUsage")
    for name, key in (("input_tokens", "prompt"), ("output_tokens", "completion")):
        if tokens := amount(inside(usage, key)):
            said[name] = int(tokens)
    given = (taken(test, "metadata", dict), taken(result, "metadata", dict), dict(variables))
    for one in given:
        said |= attributes(one or {}, without=("_promptfooFileMetadata",))
    return said
