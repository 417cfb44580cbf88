"""lm-evaluation-harness: the results file, which is the header of the samples files beside it.

1. A samples file belongs to the task whose entry in `task_hashes` is the digest of its lines. The
   digest is of documents and prompts, so that two runs of a task have the same: then the date in
   the names decides, and if it does not, no results file is taken.
2. A score is held against the mean of its samples where it is defined as one: where the task's
   configuration says `mean`, or says nothing of a metric that is a mean by default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.beside import siblings
from eval_autopsy.readers.heads import first_object
from eval_autopsy.readers.json_items import parts
from eval_autopsy.readers.log_values import inside, mapping, number, sequence, text
from eval_autopsy.readers.logs import Item, Needs, Note, Reported
from eval_autopsy.registry import reader

MEANS = {"acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match"}  # unless configured
OTHERS = {"configs", "versions", "n-shot", "group_subtasks", "groups", "lm_eval_version"}
_DATE = re.compile(r"_(\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl$")


class Results(NamedTuple):
    """What a results file says of one task."""

    file: str
    task: str
    members: dict[str, Any]  # of the whole file

    def of_task(self, member: str) -> dict[str, Any]:
        """What a member of the file, such as `configs`, has for the task."""
        return mapping(inside(self.members, member, self.task))

    @property
    def model(self) -> str:
        """The model's name; "" when the file has none."""
        named = text(self.members.get("model_name"))
        return named or text(inside(self.members, "config", "model"))

    def higher_is_better(self, metric: str) -> bool:
        """Whether more of a metric is better, which is so unless the file denies it."""
        return self.of_task("higher_is_better").get(metric) is not False

    def reported(self, *, part: bool = False) -> Iterator[Item]:
        """The figures of the task; `part` when the file has others."""
        belongs = ("task", self.task) if part else None
        size = number(self.of_task("n-samples").get("effective"))
        if size is not None:
            where = f"{self.file}: n-samples.{self.task}.effective"
            yield Reported("samples", size, where, part=belongs)
        for score, value in self._scores():
            metric = score.rpartition(",")[0]
            if self._aggregation(metric) == "mean":
                where = f"{self.file}: results.{self.task}.{score}"
                over = None if size is None else int(size)
                yield Reported(f"mean of {score}", value, where, over, belongs)
            else:
                made = self._aggregation(metric) or "a way that it does not name"
                yield Note(
                    f"{self.file} states {value} as {score} of {self.task}, made of the samples "
                    f"by {made[:60]}; it is not compared with their mean"
                )

    def _scores(self) -> Iterator[tuple[str, Decimal]]:
        for score, value in self.of_task("results").items():
            figure = number(value)
            if "," in score and "_stderr," not in score and figure is not None:
                yield score, figure

    def _aggregation(self, metric: str) -> str:
        listed = map(mapping, sequence(self.of_task("configs").get("metric_list")))
        entry = next((one for one in listed if one.get("metric") == metric), {})
        return text(entry.get("aggregation")) or ("mean" if entry and metric in MEANS else "")


def is_results(head: bytes) -> bool:
    """Whether a file begins as results do: for each task scores that are named `metric,filter`."""
    document = first_object(head)
    if "results" not in document:
        return False
    tasks = first_object(head, "results").values()
    named = any("," in name for task in tasks for name in mapping(task))
    return named and (document["results"] is MISSING or bool(OTHERS & document.keys()))


def results_of(stream: BinaryIO, digest: str) -> Results | Note | Needs:
    """The results that belong to a samples file, by its digest; or what is to be said without."""
    path = getattr(stream, "path", None)
    samples = path.name if path else ""
    date = _DATE.search(samples)
    found: list[Results] = []
    for opened in siblings(stream, is_results, first=f"results_{date[1]}.json" if date else ""):
        file = opened.path.name if opened.path else ""
        try:
            members = _members(opened, file)
        except kernel.Unreadable as error:
            return Note(f"the results file beside it cannot be read: {error}")
        hashes = mapping(members.get("task_hashes"))
        fitting = [Results(file, task, members) for task in hashes if hashes[task] == digest]
        if date and date[1] in file:
            return _of_date(fitting, file, members, samples[: date.start()])
        found += fitting
    if len(found) == 1:
        return found[0]
    return Needs("header", _missing(several=bool(found), packed=path is None))


def _missing(*, several: bool, packed: bool) -> str:
    """Where the results file is, when none is known to belong to a samples file."""
    if packed:
        return "the results_*.json of the same run; unpack the samples beside it"
    if several:
        return "one of the results files beside it, which only their names tell apart; restore them"
    return "the results_*.json of the same run, which lm_eval writes beside the samples"


def _of_date(
    fitting: list[Results], file: str, members: dict[str, Any], samples: str
) -> Results | Note:
    """The results of the run with the date of the samples."""
    named = [
        Results(file, task, members)
        for task in mapping(members.get("results"))
        if samples == f"samples_{task}"
    ]
    if fitting or not mapping(members.get("task_hashes")):
        both = [one for one in fitting if one in named] or fitting or named
        if both:
            return both[0]
    return Note(
        f"{file} is of the same run, and has for none of its tasks the digest of these lines: "
        "some were added, lost or changed since, and none of its figures is held against them"
    )


def _members(stream: BinaryIO, name: str) -> dict[str, Any]:
    return {part.path: part.value for part in parts(stream, name)}


@reader("lm_eval_results", sniff=is_results, yields="summary")
def lm_eval_results(stream: BinaryIO, name: str) -> Iterator[Item]:
    """The figures of each task in a results file of lm-evaluation-harness."""
    members = _members(stream, name)
    tasks = mapping(members.get("results"))
    for task in tasks:
        yield from Results(name, task, members).reported(part=True)
    yield Needs(
        "samples",
        "the samples_*.jsonl of the same run, which lm_eval writes beside it with --log_samples",
    )
