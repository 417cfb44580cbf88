"""BFCL, the Berkeley Function-Calling Leaderboard: the answers of a model, and the file of scores.

1. The score file lists failures only, below a line with the counts. An answer that is not among
   them is right, when the line counts as many answers as there are and as many failures as there
   are lines; else nobody can tell, and it has no score.
2. The score file is looked for beside the answers, and where the tool writes it: under `score/`
   instead of `result/`. Its ids are held in memory. Without it the answers have no scores; alone it
   has no answers, and is a summary.
3. An answer that the tool writes as "Error during inference" is an error, though it counts it as a
   failure; one that could not be decoded is unparsed, with the tool's verdict.
4. What a failure says besides (question, references, the kind of error) is no attribute, input or
   reference of the sample: right answers have none of it, so that having it would mean wrong. The
   kind of error is among the scores.

Known from public files of 2024 to 2026 and from the source (`eval_runner.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy.errors import CannotRead
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers import json_items
from eval_autopsy.readers.beside import siblings
from eval_autopsy.readers.heads import first_object
from eval_autopsy.readers.json_items import Line
from eval_autopsy.readers.log_values import Repeats, amount, mapping, number, sequence, text
from eval_autopsy.readers.logs import Aside, Item, Needs, Note, Reported, Sample, Status
from eval_autopsy.readers.opened import Lines, open_file
from eval_autopsy.registry import reader

_CATEGORY = re.compile(
    r"((?:live_)?(?:simple|multiple|parallel|parallel_multiple|irrelevance|relevance)"
    r"|simple_(?:python|java|javascript)|java|javascript|rest|sql|chatable|exec_[a-z_]+"
    r"|multi_turn_[a-z_]+|memory(?:_[a-z_]+)?|web_search(?:_[a-z_]+)?|format_sensitivity)"
    r"_\d+(?:-[\w-]+)?"
)
_FILE = re.compile(r"(?:BFCL_v\d+_|.*_test_)(\w+?)_(?:result|score)\.jsonl?")
Fits = Callable[[bytes], bool]

FAILED_CALL = "Error during inference"
UNDECODED = ("ast_decoder:decoder_failed", "executable_decoder:decoder_failed")


def category_of(identity: str) -> str:
    """The category that an id of the benchmark begins with; "" when it is none of its ids."""
    found = _CATEGORY.fullmatch(identity)
    return found.group(1) if found else ""


# ---------------------------------------------------------------- the file of scores


class Scores(NamedTuple):
    """A file of scores: its counts, and the kind of error of each answer that failed."""

    name: str
    stated: dict[str, Any]  # empty when the line with the counts cannot be read
    failures: dict[str, str]  # by id; "" when it does not say
    category: str

    def tells_of(self, answers: int) -> bool:
        """Whether it is known of every answer that it is right when it is no failure."""
        total = number(self.stated.get("total_count"))
        right = number(self.stated.get("correct_count"))
        if total is None or right is None:
            return False
        return total == answers and total - right == len(self.failures)


def _are_scores(head: bytes) -> bool:
    known = first_object(head) if head[:1] == b"{" else {}
    return {"accuracy", "correct_count", "total_count"} <= known.keys()


def _scores(stream: Lines, name: str) -> Scores:
    stated: dict[str, Any] = {}
    failures: dict[str, str] = {}
    categories = []
    for line in json_items.lines(stream, name):
        row = line.value if isinstance(line, Line) else {}
        if line.at == 1:
            stated = row
        elif text(row.get("id")).strip():
            failures[text(row["id"])] = _kind_of_error(row)
            categories.append(text(row.get("test_category")))
    called = _FILE.fullmatch(Path(name).name)
    return Scores(name, stated, failures, called.group(1) if called else "".join(categories[:1]))


def _kind_of_error(row: dict[str, Any]) -> str:
    return text(row.get("error_type")) or text(mapping(row.get("error")).get("error_type"))


def _stated(scores: Scores) -> Iterator[Reported]:
    total, rate = number(scores.stated.get("total_count")), number(scores.stated.get("accuracy"))
    if total is not None:
        yield Reported("samples", total, f"{scores.name}: total_count")
    if rate is not None and total is not None and 0 <= total < 10**12:
        yield Reported("mean of valid", rate, f"{scores.name}: accuracy", over=int(total))


@reader("bfcl_scores", sniff=_are_scores, yields="summary")
def bfcl_scores(stream: Lines, name: str) -> Iterator[Item]:
    """The counts of a BFCL score file, which lists failures only; the answers are in another."""
    scores = _scores(stream, name)
    yield from _stated(scores)
    beside = _mirrored(stream, "score", "result", _are_answers)
    if beside is not None:
        yield Note(f"its verdicts are read with the answers, from {beside.name}")
    else:
        answers = f"BFCL_v*_{scores.category or 'CATEGORY'}_result.json"
        yield Needs("samples", f"{answers}, which has all answers; this one has the failures alone")


# ---------------------------------------------------------------- the answers


def _are_answers(head: bytes) -> bool:
    first = first_object(head) if head[:1] == b"{" else {}
    return "result" in first and bool(category_of(text(first.get("id"))))


@reader("bfcl", sniff=_are_answers, yields="samples")
def bfcl(stream: Lines, name: str) -> Iterator[Item]:
    """One sample for each answer of a BFCL result file, with the verdicts of the score file."""
    category = _category(stream, name)
    scores = _scores_near(stream, category)
    answers = _count(stream, name) if scores else 0
    known = scores is not None and scores.tells_of(answers)
    if scores:
        yield from _stated(scores)
        yield from _doubts(scores, answers)
    else:
        yield Needs("scores", f"BFCL_v*_{category}_score.json, which `bfcl evaluate` writes")
    ids, model = Repeats(), _model(stream)
    for line in json_items.lines(stream, name):
        if isinstance(line, Aside):
            yield line
        elif text(line.value.get("id")).strip():
            yield _sample(line, scores, known, ids, model)
        else:
            yield Aside(line.at, "it has no id")


def _category(stream: Lines, name: str) -> str:
    called = _FILE.fullmatch(Path(name).name)
    first = first_object(stream.head().removeprefix(b"\xef\xbb\xbf").lstrip())
    return called.group(1) if called else category_of(text(first.get("id")))


def _doubts(scores: Scores, answers: int) -> Iterator[Note]:
    if scores.tells_of(answers):
        return
    counted = "cannot be read where it says of how many answers it is"
    if scores.stated:
        total, right = (scores.stated.get(key) for key in ("total_count", "correct_count"))
        counted = f"is about {total} answers, of which {right} are right"
    yield Note(
        f"{scores.name} {counted}, and lists {len(scores.failures)} failures; there are {answers} "
        "answers. So those that are no failures have no score"
    )


def _count(stream: Lines, name: str) -> int:
    """How many answers a file has. It is read to its end, and is at its beginning again."""
    count = sum(isinstance(line, Line) for line in json_items.lines(stream, name))
    stream.seek(0)
    return count


def _sample(line: Line, scores: Scores | None, known: bool, ids: Repeats, model: str) -> Sample:
    answer = line.value
    identity, result = text(answer["id"]), answer.get("result", MISSING)
    failure = scores.failures.get(identity) if scores else None
    verdict = False if failure is not None else True if known else None
    failed_call = isinstance(result, str) and result.startswith(FAILED_CALL)
    kind = {"error_type": failure} if failure else {}
    return Sample(
        at=line.at,
        id=ids.name(identity),
        cluster=identity,
        output=MISSING if failed_call else result,
        score=None if failed_call else verdict,
        scores={} if verdict is None else {"valid": verdict, **kind},
        status=_status(failure, failed_call),
        error=result if failed_call and isinstance(result, str) else "",
        latency=_total(answer.get("latency")),
        system=model or None,
        steps=sequence(answer.get("inference_log")),
        attributes=_attributes(answer, identity, model),
    )


def _status(failure: str | None, failed_call: bool) -> Status | None:
    return "unparsed" if failure in UNDECODED and not failed_call else None


def _attributes(answer: dict[str, Any], identity: str, model: str) -> dict[str, Any]:
    found = {
        "category": category_of(identity) or None,
        "model": model or None,
        "input_tokens": _total(answer.get("input_token_count")),
        "output_tokens": _total(answer.get("output_token_count")),
    }
    return {name: value for name, value in found.items() if value is not None}


def _total(value: Any) -> Decimal | None:
    """A number, or the sum of one for each step of each turn; None when some of it is none."""
    if not isinstance(value, list):
        return amount(value)
    parts = [_total(part) for part in value]
    known = [part for part in parts if part is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(parts) else None


# ---------------------------------------------------------------- one near the other


def _model(stream: Lines) -> str:
    """The model that a file of results is about: the folder below `result/`."""
    folders = stream.path.absolute().parts[:-1] if stream.path else ()
    below = [folders[i + 1] for i in range(len(folders) - 1) if folders[i].startswith("result")]
    return below[-1] if below else ""


def _scores_near(stream: Lines, category: str) -> Scores | None:
    """The scores of a category, in the folder of its answers or where the tool writes them."""
    path = _mirrored(stream, "result", "score", _are_scores)
    if path is not None:
        with open_file(path, path.name) as opened:
            return _scores(opened, path.name)
    for opened in siblings(stream, _are_scores, first=f"*_{category}_score.json*"):
        found = _scores(opened, opened.path.name if opened.path else "")
        if found.category == category:
            return found
    return None


def _mirrored(stream: Lines, here: str, there: str, fits: Fits) -> Path | None:
    """The file of the same run, in the folder `there` instead of `here` or beside it; no links."""
    if stream.path is None:
        return None
    path = stream.path.parent.resolve() / stream.path.name
    name = path.name.replace(f"_{here}.", f"_{there}.")
    places = [i for i, folder in enumerate(path.parts[:-1]) if folder.startswith(here)]
    folders = [path.parent]
    for at in reversed(places):
        swapped = path.parts[at].replace(here, there, 1)
        folders.append(Path(*path.parts[:at], swapped, *path.parts[at + 1 : -1]))
    for candidate in (folder / name for folder in folders):
        real = candidate.is_file() and candidate.resolve() == candidate and candidate != path
        if real and _fits(candidate, fits):
            return candidate
    return None


def _fits(path: Path, fits: Fits) -> bool:
    try:
        with open_file(path, path.name) as opened:
            return bool(fits(opened.head().removeprefix(b"\xef\xbb\xbf").lstrip()))
    except CannotRead:
        return False
