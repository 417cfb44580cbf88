"""Which field plays which part, guessed from its name and from what it holds.

A name alone is not enough: a field called `confidence` that holds words is none. A field that is
named as the id is one also where values stand again, unless another has values that all differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from eval_autopsy.case.columns import Column
from eval_autopsy.readers.verdict_words import pair_of

Columns = Mapping[str, Column]

LEVELS_AT_MOST = 20  # different values of a field to slice by
LEVEL_LENGTH = 60  # characters of one
ATTRIBUTES_AT_MOST = 6
NEARLY = 0.9  # of the values of a field differ, where some records stand twice
ATTEMPTS = 20  # records of one id, in the mean, that may be attempts at one input


FILE = "file"  # in a record that is a file of its own


class Guess(NamedTuple):
    """A field for a part, and why; `field` is "" when none could be guessed."""

    part: str
    field: str
    why: str
    sure: bool = False  # the name is the usual one, and every record has a value that fits
    again: bool = False  # of an id: some records have one that stood before

    @property
    def reason(self) -> str:
        """Why, and how sure that is."""
        return f"{self.why} ({'sure' if self.sure else 'likely'})"


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


# Two values of a field that say of an answer whether it is right, whatever the field is called.
VERDICTS = tuple(
    frozenset(words(pair))
    for pair in (
        "ok bad",
        "ok error",
        "ok nok",
        "good bad",
        "pass fail",
        "passed failed",
        "right wrong",
        "correct incorrect",
        "correct wrong",
        "success failure",
        "yes no",
        "y n",
        "true false",
        "t f",
    )
)


# A field of one of these names may be the id of several attempts; of another that ends in id only
# where hardly any stands again, for it may as well say of which model or topic a record is.
TASK_NAMES = words(
    "id uid uuid example_id record_id case_id sample_id item_id row_id test_id request_id "
    "question_id task_id prompt_id query_id instance_id problem_id doc_id document_id ticket_id"
)
CLUSTER_NAMES = words(
    "cluster cluster_id conversation_id session_id thread_id group_id user_id session conversation"
)


class Part(NamedTuple):
    """How the field of a part is known: names it may have, the best first, and what it holds."""

    name: str
    names: tuple[str, ...]
    fits: Callable[[Column], bool]
    holds: str  # what fits, in words
    everywhere: bool = False  # both splits need it, or it cannot be what is compared


def _between_0_and_1(column: Column) -> bool:
    return column.numbers is not None and all(0 <= number <= 1 for number in column.numbers)


def _not_negative(column: Column) -> bool:
    return column.numbers is not None and all(number >= 0 for number in column.numbers)


def _message(column: Column) -> bool:
    return column.texts and not column.verdicts


def _time(column: Column) -> bool:
    looks = re.compile(r"\d{4}-\d\d-\d\d|\d\d?[./]\d\d?[./]\d{2,4}")
    return column.scalar and (
        column.numbers is not None or all(looks.match(str(value)) for value in column.given)
    )


def _some(column: Column) -> bool:
    return bool(column.given)


def _repeated(column: Column) -> bool:
    return column.scalar and 1 < len(column.counts) < len(column.given)


PARTS = (
    Part(
        "expected",
        words(
            "expected truth ground_truth label gold target reference expected_output ideal "
            "correct_answer answer y_true true_label"
        ),
        _some,
        "it holds values",
        everywhere=True,
    ),
    Part(
        "output",
        words(
            "output prediction predicted pred response completion model_output result generated "
            "actual y_pred predicted_label answer"
        ),
        _some,
        "it holds values",
        everywhere=True,
    ),
    Part(
        "input",
        words(
            "input text prompt question query document request messages message content "
            "instruction sentence x"
        ),
        _some,
        "it holds values",
        everywhere=True,
    ),
    Part(
        "score",
        words("score correct is_correct passed pass success right ok match exact_match grade"),
        lambda column: column.verdicts,
        "every value is true or false, 1 or 0",
        everywhere=True,
    ),
    Part(
        "error",
        words("error error_message exception err failure traceback"),
        _message,
        "it holds text or nothing",
    ),
    Part(
        "confidence",
        words("confidence conf probability prob certainty p confidence_score"),
        _between_0_and_1,
        "every value is from 0 to 1",
    ),
    Part(
        "timestamp",
        words("timestamp time ts created_at created date datetime started_at"),
        _time,
        "every value looks like a time",
    ),
    Part(
        "latency",
        words("latency latency_ms latency_s duration duration_ms elapsed response_time total_time"),
        _not_negative,
        "every value is a number from 0",
    ),
    Part("cost", words("cost cost_usd price usd"), _not_negative, "it holds numbers from 0"),
    Part(
        "cluster",
        CLUSTER_NAMES,
        _repeated,
        "its values stand in several records",
    ),
)

ID_NAMES = words(
    "id uid uuid example_id record_id case_id sample_id item_id row_id test_id request_id key "
    "index idx name no number"
)
# Names that a verdict in words may have, the best first. Yes and no may be answers too: of these
# the name must say that they are verdicts, while pass and fail are verdicts under any name.
VERDICT_NAMES = words(
    "verdict score correct is_correct passed pass success right ok match grade judgment judgement"
)
WORD_NAMES = (*VERDICT_NAMES, *words("outcome result status label"))
GRADES = words("rating grade_score judge_score eval_score")  # further names of graded scores
SCORES_OF = ("scores",)  # objects whose fields are scores
ANSWER_WORDS = ({"yes", "no"}, {"true", "false"})
ANSWERS = PARTS[:2]  # what is held against each other


def plain(name: str) -> str:
    """A field's name without its case and separators, and without the objects it is in."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.rpartition(".")[2])
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def guess_id(sets: Sequence[Columns]) -> Guess:
    """The field whose values differ in each of the sets; the best name of those wins."""
    sizes = [_size(columns) for columns in sets]
    all_differ = " and ".join(f"{size:,} of {size:,}" for size in sizes) + " values differ"
    unique = [
        name
        for name in sets[0]
        if all(name in columns and _identifies(columns[name]) for columns in sets)
    ]
    for known in ID_NAMES:
        for name in unique:
            if plain(name) == known:
                return Guess("id", name, f"{all_differ}, and the name says it", sure=known == "id")
    named = [name for name in unique if plain(name).endswith(("_id", "id"))]
    if len(named) == 1:
        return Guess("id", named[0], f"{all_differ}, and the name ends in id")
    again = [name for name in sets[0] if all(_stands_again(columns, name) for columns in sets)]
    again = [name for name in again if plain(name) in ID_NAMES] or again
    if len(again) == 1:
        return Guess("id", again[0], _repeated_id(sets, again[0]), again=True)
    if FILE in unique:
        return Guess("id", FILE, f"{all_differ}, and each is the name of a file")
    if len(unique) == 1:
        return Guess("id", unique[0], f"{all_differ}, which those of no other field do")
    if lacking := _lacking_id(sets):
        return Guess("id", "", lacking)
    if unique:
        listed = ", ".join(unique[:5])
        return Guess("id", "", f"all values differ in several fields: {listed}")
    return Guess("id", "", _repeated_id(sets))


def _lacking_id(sets: Sequence[Columns]) -> str:
    """Which field is named as the id, and is so but for records that have none; "" without one."""
    for known in ID_NAMES:
        for column in (one for columns in sets for one in columns.values()):
            lacking = len(column.values) - len(column.given)
            differ = len(column.given) == len(column.counts) and column.scalar
            if plain(column.name) == known and differ and 0 < lacking < len(column.given):
                which = f"{lacking:,} of {len(column.values):,} records"
                what = f"{column.name!r} would identify a record, and is missing in {which}"
                return f"{what}: give each record one, or take out those without"
    return ""


def _stands_again(columns: Columns, name: str) -> bool:
    """Whether a field is named as the id, and some records have one that stands before.

    These are attempts at one input, or stand twice, and no other field, such as a time, is the id.
    """
    column = columns.get(name)
    known = plain(name)
    named = known.endswith("_id") and known not in CLUSTER_NAMES
    named = known in TASK_NAMES or (named and _nearly_differ(column))
    if column is None or not (named and column.complete and _can_be_ids(column)):
        return False
    return len(column.counts) > 1 and len(column.values) <= ATTEMPTS * len(column.counts)


def _nearly_differ(column: Column | None) -> bool:
    return column is not None and len(column.counts) >= NEARLY * len(column.values)


def _repeated_id(sets: Sequence[Columns], name: str = "") -> str:
    """Which values of a field that is named as the id stand twice."""
    for known in ID_NAMES:
        for column in (one for columns in sets for one in columns.values()):
            twice = [value for value, count in column.counts.items() if count > 1]
            called = column.name == name if name else plain(column.name) == known
            if called and twice and column.scalar and column.complete:
                more = f" and {len(twice) - 3:,} more" if len(twice) > 3 else ""
                shown = f"{', '.join(text[:40] for text in twice[:3])}{more}"
                return f"values of the field {column.name!r} stand in several records: {shown}"
    return "there is no field of which every record has a value of its own"


def _size(columns: Columns) -> int:
    return max((len(column.values) for column in columns.values()), default=0)


def _identifies(column: Column) -> bool:
    return column.differ and _can_be_ids(column)


def _can_be_ids(column: Column) -> bool:
    whole = all(isinstance(v, (str, int)) and not isinstance(v, bool) for v in column.given)
    return whole and all(len(str(value)) <= 200 for value in column.given)


def guess_parts(sets: Sequence[Columns], taken: Sequence[str]) -> list[Guess]:
    """A guess for each part that a field is named for and fits; a field plays one part only."""
    used = list(taken)
    guesses: list[Guess] = []
    for part in PARTS:
        free = [
            name
            for name in _all_names(sets)
            if not _inside(name, used) and not any(_inside(other, [name]) for other in used)
        ]
        name = _named(part, free, sets)
        if name is not None:
            name = _compared(part, name, guesses, sets)
            used.append(name)
            guesses.append(_guess(part, name, sets))
    return _with_words(guesses, sets, taken)


def _with_words(guesses: list[Guess], sets: Sequence[Columns], taken: Sequence[str]) -> list[Guess]:
    """The guesses and a score in words, where nothing else says what is right.

    A field of verdicts that was taken for an answer or a truth is none then.
    """
    known = {guess.part: guess.field for guess in guesses}
    if "score" in known or {"expected", "output"} <= known.keys():
        return guesses
    others = [*taken, *(name for part, name in known.items() if part not in ("expected", "output"))]
    found = _word_verdict([one for one in _all_names(sets) if not _inside(one, others)], sets)
    if found is None:
        return guesses
    return [one for one in guesses if not _inside(one.field, [found.field])] + [found]


def _word_verdict(free: Sequence[str], sets: Sequence[Columns]) -> Guess | None:
    """The field that holds verdicts in words; None where none does, or where several may."""
    pairs = {name: pair_of(_given(name, sets)) for name in free if _in_all(name, sets)}
    verdicts = [name for name, pair in pairs.items() if pair and {*pair} not in ANSWER_WORDS]
    verdicts += [name for name in free if pairs.get(name) and plain(name) in VERDICT_NAMES]
    named = [name for known in WORD_NAMES for name in verdicts if plain(name) == known]
    other = [name for name in verdicts if plain(name) not in WORD_NAMES]
    name = named[0] if named else other[0] if len(other) == 1 else None
    pair = pairs[name] if name else None
    if name is None or pair is None:
        return None
    why = f"every value is a verdict in words, of which {pair[0]!r} is right and {pair[1]!r} wrong"
    lacking = sum(map(_size, sets)) - len(_given(name, sets))
    why += f" ({lacking:,} records have none and are not scored)" if lacking else ""
    return Guess("score", name, f"the name says it, and {why}" if named else why)


def _in_all(name: str, sets: Sequence[Columns]) -> bool:
    return all(name in columns and columns[name].given for columns in sets)


def _given(name: str, sets: Sequence[Columns]) -> list[Any]:
    return [value for columns in sets for value in columns[name].given]


def _guess(part: Part, name: str, sets: Sequence[Columns]) -> Guess:
    given = sum(len(columns[name].given) for columns in sets if name in columns)
    rows = sum(map(_size, sets))
    why = f"the name says it, and {part.holds}"
    if given < rows:
        why += f" ({given:,} of {rows:,} records have one)"
    return Guess(part.name, name, why, plain(name) in part.names[:3] and given == rows)


def _all_names(sets: Sequence[Columns]) -> list[str]:
    """The names of all fields, those outside of objects first."""
    names = dict.fromkeys(name for columns in sets for name in columns)
    return sorted(names, key=lambda name: name.count("."))


def _inside(name: str, used: Sequence[str]) -> bool:
    """Whether a field plays a part already, or is inside one that does."""
    return any(name == other or name.startswith(f"{other}.") for other in used)


def _named(part: Part, free: Sequence[str], sets: Sequence[Columns]) -> str | None:
    for known in part.names:
        for name in free:
            if plain(name) == known and not _of_the_other(part, name) and _fits(part, name, sets):
                return name
    return None


def _of_the_other(part: Part, name: str) -> bool:
    """Whether a field is in an object of the answer and would be the truth, or the reverse."""
    if part not in ANSWERS:
        return False
    (other,) = (one for one in ANSWERS if one is not part)
    objects = [plain(one) for one in name.split(".")[:-1]]
    return any(one in other.names and one not in part.names for one in objects)


def _compared(part: Part, name: str, before: Sequence[Guess], sets: Sequence[Columns]) -> str:
    """The field of an answer's object that is like the expected value, where that is no object."""
    expected = next((one.field for one in before if one.part == "expected"), "")
    columns = [known[expected] for known in sets if expected in known]
    objects = any(not known[name].scalar for known in sets if name in known)
    if part is not ANSWERS[1] or not columns or not objects or not all(c.scalar for c in columns):
        return name
    inside = [one for one in _all_names(sets) if one.startswith(f"{name}.")]
    for known in (plain(expected), *part.names):
        for one in inside:
            if plain(one) == known and _fits(part, one, sets):
                return one
    return name


def _fits(part: Part, name: str, sets: Sequence[Columns]) -> bool:
    given = [columns[name] for columns in sets if name in columns and columns[name].given]
    enough = len(given) == len(sets) if part.everywhere else bool(given)
    return enough and all(map(part.fits, given))


def verdict_like(sets: Sequence[Columns]) -> tuple[str, tuple[str, ...]] | None:
    """A field that may be a verdict under another name, with its values; None where none may be."""
    taken = [guess.field for guess in guess_parts(sets, [])]
    for name in (name for name in sets[0] if not _inside(name, taken)):
        columns = [known[name] for known in sets if name in known]
        given = [value for column in columns for value in column.given]
        if len(columns) < len(sets) or not all(column.scalar for column in columns):
            continue
        values = tuple(dict.fromkeys(map(str, given)))
        said = frozenset(value.strip().lower() for value in values)
        if said in VERDICTS or (len(values) == 2 and all(one.verdicts for one in columns)):
            return name, values
    return None


def inside_input(name: str, asked: str) -> bool:
    """Whether a field is one of an input that is an object: it says what was asked about."""
    return bool(asked) and name.startswith(f"{asked}.")


def repeated_outside(name: str, asked: str, sets: Sequence[Columns]) -> str:
    """The first field outside of the input that says what one inside it says; "" for none."""
    for other in (one for one in sets[0] if not _inside(one, [asked])):
        if all(other in columns and columns[name].repeats(columns[other]) for columns in sets):
            return other
    return ""


def graded_fields(sets: Sequence[Columns]) -> list[Guess]:
    """The fields that may be graded scores: numbers, and not all of them verdicts.

    One that is named like a score is alone; else those of an object that is called scores.
    """
    (score,) = (part for part in PARTS if part.name == "score")
    graded = [name for name in _all_names(sets) if _in_all(name, sets) and _grades(name, sets)]
    for known in (*score.names, *GRADES):
        for name in graded:
            if plain(name) == known and not _inside(name, SCORES_OF):
                return [Guess("score", name, f"the name says it, and {_range(name, sets)}")]
    inside = [name for name in graded if _inside(name, SCORES_OF)]
    return [Guess("score", name, f"it is a score, and {_range(name, sets)}") for name in inside]


def _grades(name: str, sets: Sequence[Columns]) -> bool:
    """Whether a field holds numbers, and some that are neither 1 nor 0."""
    columns = [columns[name] for columns in sets]
    return all(one.numbers for one in columns) and not all(one.verdicts for one in columns)


def _range(name: str, sets: Sequence[Columns]) -> str:
    numbers = [number for columns in sets for number in columns[name].numbers or ()]
    return f"its numbers are from {min(numbers)} to {max(numbers)}"


def guess_attributes(sets: Sequence[Columns], taken: Sequence[str], asked: str = "") -> list[Guess]:
    """The fields to slice by: few different, short values, some in each of the sets.

    Those inside the input, whose field is `asked`, come last, and where no other says the same.
    """
    found = []
    for name in sorted(sets[0], key=lambda one: inside_input(one, asked)):
        if not all(name in columns and columns[name].given for columns in sets):
            continue
        if _inside(name, taken) or name == asked:
            continue
        if inside_input(name, asked) and repeated_outside(name, asked, sets):
            continue
        levels = set().union(*(columns[name].counts for columns in sets))
        rows = sum(len(columns[name].values) for columns in sets)
        sliceable = all(columns[name].scalar for columns in sets) and not _measures(sets, name)
        short = all(len(level) <= LEVEL_LENGTH for level in levels)
        if sliceable and short and 1 < len(levels) <= min(LEVELS_AT_MOST, rows // 2):
            found.append(Guess("by", name, f"{len(levels)} different values"))
    return found[:ATTRIBUTES_AT_MOST]


def _measures(sets: Sequence[Columns], name: str) -> bool:
    """Whether a field holds measurements: numbers that are not all whole."""
    numbers = [number for columns in sets for number in columns[name].numbers or ()]
    return any(number != number.to_integral_value() for number in numbers)
