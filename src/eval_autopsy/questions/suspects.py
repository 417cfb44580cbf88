"""Records whose score is in doubt, by the kind of fault in the scorer that they show.

A kind is one function over all records, since what is odd can only be told from what is usual. Each
says of a record what was seen, and what follows for its verdict: that it is right, wrong, no answer
at all, or that the data do not decide it.

A finding on data without the fault would cost more than it gives. So where a rule could be wrong
about the data, it asks the other records first: a field that no output has is not a field of the
answer, and inputs that do not determine the answer say nothing of contradictions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.questions.judged import Judged, Same, alike, shown, text_of
from eval_autopsy.questions.labelled import References, parts_of
from eval_autopsy.records import Split

Follows = Literal["right", "wrong", "no answer", "undecided", "as it is"]

USUAL = 0.5  # of the outputs, for a field to be one that outputs have
NEARLY_ALL = 0.9  # of the records of a file, for a truth to be missing where it is not
ODD_AT_MOST = 0.02  # of the records, for a form of truth to be an odd one out
ODD_AMONG = 20  # records with a truth, for one to be odd among them
CONFLICTS_AT_MOST = 0.1  # of the records; with more, the input does not determine the answer
CLOSED_AT_MOST = 50  # different answers of a closed set
MISSES = "missing"  # the form of a truth that is not there
AGREE = 3  # systems, or repeats by one, that agree against the truth


class Suspect(NamedTuple):
    """A record in doubt: its position, what was seen, and what follows for its verdict."""

    row: int
    says: str
    follows: Follows


Rule = Callable[[Sequence[Judged], References], Iterator[Suspect]]


class Kind(NamedTuple):
    """A kind of fault: its rule, and what a finding of it says."""

    rule: Rule
    words: str


def errored_as_pass(judged: Sequence[Judged], known: References) -> Iterator[Suspect]:
    """Failed calls, and answers whose grader failed, that count as right."""
    for row, one in enumerate(judged):
        if one.score and one.failed:
            yield Suspect(row, f"the call failed: {shown(one.record.error)}", "no answer")
        elif one.score and one.ungraded:
            follows: Follows = "right" if one.normalized else "undecided"
            yield Suspect(row, f"the grader failed: {shown(one.grader_error)}", follows)


def missing_field_as_pass(judged: Sequence[Judged], known: References) -> Iterator[Suspect]:
    """Outputs that are blank or lack a field, or that have no truth, and count as right."""
    usual, have_truths = _usual_fields(judged), _files_with_truths(judged)
    for row, one in enumerate(judged):
        if not one.score or one.failed or one.ungraded:
            continue
        output, expected = one.record.output, one.record.expected
        if expected is MISSING:
            if _file(one) in have_truths:
                yield Suspect(row, "there is no expected value", "undecided")
        elif kernel.not_blank(expected) and not kernel.not_blank(_top(output)):
            yield Suspect(row, f"the output is {shown(output)}", "wrong")
        else:
            lacking = [name for name in _lacking(one) if name in usual]
            if lacking:
                yield Suspect(row, f"the output has no {shown(lacking[0])}", "wrong")


def unparsed_as_fail(judged: Sequence[Judged], known: References) -> Iterator[Suspect]:
    """Answers that count as wrong because of what stands around them."""
    labels = _labels(judged)
    for row, one in _wrong_answers(judged):
        if one.normalized:
            continue
        found = kernel.reading(one.record.output, one.record.expected, labels, one.fields)
        if found is not None:
            word = "is" if found == "is" else "holds"
            says = f"{shown(one.record.output)} {word} {shown(one.record.expected)}"
            yield Suspect(row, says, "right" if found == "is" else "undecided")


def format_only(judged: Sequence[Judged], known: References) -> Iterator[Suspect]:
    """Answers that count as wrong and differ in case, white space or the format of amounts."""
    for row, one in _wrong_answers(judged):
        if one.normalized and not kernel.exact_match(one.record.output, one.record.expected):
            yield Suspect(row, _difference(one), "undecided")


def silent_pass(judged: Sequence[Judged], known: References) -> Iterator[Suspect]:
    """Answers that count as right against a truth that is itself in doubt."""
    seen = set()
    for suspect in _doubtful_truths(judged, known):
        if judged[suspect.row].score and suspect.row not in seen:
            seen.add(suspect.row)
            yield suspect


def repeats_as_independent(judged: Sequence[Judged], known: References) -> Iterator[Suspect]:
    """Repeats of a task, after its first record, that no cluster holds together with it."""
    first: dict[tuple[str, str, int, int], int] = {}
    for row, one in enumerate(judged):
        if not kernel.not_blank(one.record.input):
            continue
        at = first.setdefault((one.record.split, one.system, *known.same.task(row)), row)
        before = judged[at].record
        together = before.cluster is not None and before.cluster == one.record.cluster
        if before is not one.record and not together:
            same = known.same.outputs[at] == known.same.outputs[row]
            says = f"the input of {shown(before.id)} again, and {'the same' if same else 'another'}"
            yield Suspect(row, f"{says} output", "as it is")


def label_suspect(judged: Sequence[Judged], known: References) -> Iterator[Suspect]:
    """Truths in doubt whose answers count as wrong, and truths unlike all others."""
    seen = set()
    doubts = [*_doubtful_truths(judged, known), *_outvoted(judged, known.same)]
    for suspect in (*(one for one in doubts if judged[one.row].score is False), *_odd(judged)):
        if suspect.row not in seen:
            seen.add(suspect.row)
            yield suspect


KINDS: dict[str, Kind] = {
    "errored-as-pass": Kind(
        errored_as_pass, "a failed call, or an answer whose grader failed, counts as right"
    ),
    "missing-field-as-pass": Kind(
        missing_field_as_pass,
        "an output that is blank or lacks a field, or that has no truth, counts as right",
    ),
    "unparsed-as-fail": Kind(
        unparsed_as_fail, "the expected answer is in the output, and it counts as wrong"
    ),
    "format-only": Kind(
        format_only, "the answer differs in its format alone, and it counts as wrong"
    ),
    "silent-pass": Kind(
        silent_pass, "the answer counts as right by a truth that is itself in doubt"
    ),
    "repeats-as-independent": Kind(
        repeats_as_independent, "a task is repeated, and each repeat counts as a record of its own"
    ),
    "label-suspect": Kind(
        label_suspect, "the truth is in doubt: answers agree on another, or it is unlike all others"
    ),
}


# What the rules ask of the other records


def _wrong_answers(judged: Sequence[Judged]) -> Iterator[tuple[int, Judged]]:
    """The answers that count as wrong."""
    for row, one in enumerate(judged):
        if one.score is False and not one.failed and one.record.output is not MISSING:
            yield row, one


def _top(output: object) -> object:
    """An output as far as it may be blank as a whole; parts of an object are fields."""
    return "" if output in ({}, []) else "given" if isinstance(output, (dict, list)) else output


def _lacking(one: Judged) -> list[str]:
    """The fields that the expected object says something of, and the output nothing."""
    output, expected = one.record.output, one.record.expected
    if not isinstance(output, dict) or not isinstance(expected, dict):
        return []
    return [
        name
        for name, value in parts_of(one).items()
        if kernel.not_blank(value) and not kernel.not_blank(kernel.field(output, name))
    ]


def _usual_fields(judged: Sequence[Judged]) -> set[str]:
    """The expected fields that most outputs have, so that they belong to the answer."""
    wanted, given = Counter[str](), Counter[str]()
    for one in judged:
        output = one.record.output
        if isinstance(output, dict) and isinstance(one.record.expected, dict):
            names = list(parts_of(one))
            wanted.update(names)
            given.update(n for n in names if kernel.not_blank(kernel.field(output, n)))
    return {name for name, n in wanted.items() if given[name] > USUAL * n}


def _files_with_truths(judged: Sequence[Judged]) -> set[str]:
    """The files of which nearly all records have an expected value."""
    records, truths = Counter[str](), Counter[str]()
    for one in judged:
        records[_file(one)] += 1
        truths[_file(one)] += one.record.expected is not MISSING
    return {file for file, n in records.items() if truths[file] >= NEARLY_ALL * n}


def _file(one: Judged) -> str:
    return one.record.where.rpartition(":")[0]


def _labels(judged: Sequence[Judged]) -> list[str]:
    """The texts of the answers when they are a closed set, each of them for several records."""
    counts = Counter[str]()
    for expected in (one.record.expected for one in judged):
        if isinstance(expected, str):
            counts[expected] += 1
            if len(counts) > CLOSED_AT_MOST:
                return []
    return list(counts) if 2 * len(counts) <= counts.total() else []


def _difference(one: Judged) -> str:
    """The first part that differs, as the output and as the truth have it."""
    output, expected = one.record.output, one.record.expected
    if not isinstance(expected, dict) or not isinstance(output, dict):
        return f"{shown(output)} for {shown(expected)}"
    for name, wanted in parts_of(one).items():
        given = kernel.field(output, name)
        if not kernel.exact_match(given, wanted):
            return f"{shown(name)}: {shown(given)} for {shown(wanted)}"
    return "the same values in another form"


def _doubtful_truths(judged: Sequence[Judged], known: References) -> Iterator[Suspect]:
    """Truths that the input contradicts, or another record of the same input."""
    for row, found in known.contradictions.items():
        stated = f"the input has {shown(found.stated)} at {shown(found.label)}"
        if not judged[row].failed:
            yield Suspect(row, f"{stated}, the truth is {shown(found.expected)}", "undecided")
    yield from _conflicts(judged, known.same)


def _conflicts(judged: Sequence[Judged], same: Same) -> Iterator[Suspect]:
    """Records whose input stands elsewhere with another truth; none when that is usual."""
    groups: dict[int, list[int]] = {}
    for row, one in enumerate(judged):
        if kernel.not_blank(one.record.input) and one.record.expected is not MISSING:
            groups.setdefault(same.inputs[row], []).append(row)
    found = []
    for rows in (rows for rows in groups.values() if len(rows) > 1):
        truths = [judged[row].record.expected for row in rows]
        others = [truth for truth in truths if not alike(truth, truths[0])]
        if others:
            says = f"the same input has the truths {shown(truths[0])} and {shown(others[0])}"
            found += [Suspect(row, says, "undecided") for row in rows]
    if len(found) <= CONFLICTS_AT_MOST * len(judged):
        yield from found


def _outvoted(judged: Sequence[Judged], same: Same) -> Iterator[Suspect]:
    """Records of a task on which all answers agree, and not with the truth.

    In a closed set of answers it takes three systems, since those that guess meet by chance; else
    two, or three repeats by one whose repeats can differ.
    """
    groups: dict[tuple[Split, int, int], list[int]] = {}
    for row, one in _wrong_answers(judged):
        if one.record.expected is not MISSING and not one.ungraded:
            groups.setdefault((one.record.split, *same.task(row)), []).append(row)
    answered = (row for row, one in enumerate(judged) if not one.failed)
    sizes = Counter((judged[row].record.split, *same.task(row)) for row in answered)
    vary, closed = _systems_that_vary(judged, same), bool(_labels(judged))
    for group, rows in groups.items():
        answers = [judged[row].record.output for row in rows]
        votes = Counter(judged[row].system for row in rows)
        repeated = any(system in vary and n >= AGREE for system, n in votes.items())
        enough = len(votes) >= AGREE or (not closed and (repeated or len(votes) >= AGREE - 1))
        agree = all(alike(answers[0], other) for other in answers[1:])
        if len(rows) == sizes[group] and enough and agree and _says_something(answers[0]):
            says = f"all {len(rows)} answers are {shown(answers[0])}, the truth is "
            for row in rows:
                yield Suspect(row, says + shown(judged[row].record.expected), "undecided")


def _says_something(answer: object) -> bool:
    return kernel.not_blank(answer) and not (
        isinstance(answer, str) and kernel.refusal(answer) != "neither"
    )


def _systems_that_vary(judged: Sequence[Judged], same: Same) -> set[str]:
    """The systems that gave one task two different answers, so that repeats are not copies."""
    first: dict[tuple[str, int, int], int] = {}
    found = set()
    for row, one in enumerate(judged):
        output = same.outputs[row]
        if not one.failed and first.setdefault((one.system, *same.task(row)), output) != output:
            found.add(one.system)
    return found


def _odd(judged: Sequence[Judged]) -> Iterator[Suspect]:
    """Truths of another form than all others, and near copies of a label of a closed set.

    One that is missing is among them where its answer counts as wrong; a right one is a pass
    without a truth, which has a kind of its own.
    """
    rows = [row for row, one in enumerate(judged) if not one.failed]
    forms = Counter(_form(judged[row].record.expected) for row in rows)
    usual, n = forms.most_common(1)[0] if rows else ("", 0)
    few = 0 < len(rows) - n <= max(1, ODD_AT_MOST * len(rows)) and len(rows) >= ODD_AMONG
    for row in rows if few and usual != MISSES else ():
        form = _form(judged[row].record.expected)
        if form != usual and (form != MISSES or judged[row].score is False):
            yield Suspect(row, f"the truth is {form}, all others are {usual}", "undecided")
    yield from _near_copies(judged, rows)


def _near_copies(judged: Sequence[Judged], rows: Sequence[int]) -> Iterator[Suspect]:
    labels = _labels(judged)
    counts = Counter(text_of(judged[row].record.expected) for row in rows if labels)
    rare = {
        label: other
        for label in labels
        for other in labels
        if label != other
        and alike(label, other)
        and counts[text_of(label)] < ODD_AT_MOST * counts[text_of(other)]
    }
    for row in rows if rare else ():
        truth = judged[row].record.expected
        if isinstance(truth, str) and truth in rare:
            says = f"the truth is {shown(truth)}, elsewhere it is {shown(rare[truth])}"
            yield Suspect(row, says, "undecided")


def _form(value: object) -> str:
    """The kind of a truth, in words."""
    if isinstance(value, dict):
        return f"an object with {', '.join(sorted(map(shown, value))) or 'nothing'}"
    if value is MISSING:
        return MISSES
    kinds = ((bool, "true or false"), (str, "text"), (list, "a list"), (type(None), "null"))
    found = next((words for kind, words in kinds if isinstance(value, kind)), "a number")
    return "blank" if isinstance(value, str) and not value.strip() else found
