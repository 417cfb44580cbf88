"""The text of a proposed case: each key under a comment that says why it is so."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.case.columns import columns_of
from eval_autopsy.case.functions import Function, guess_system
from eval_autopsy.case.roles import (
    Columns,
    Guess,
    graded_fields,
    guess_attributes,
    guess_id,
    guess_parts,
    words,
)
from eval_autopsy.case.sets import SAMPLE, Look, Sets, guess_sets, score_in_words
from eval_autopsy.case.words import slug_of
from eval_autopsy.records import SPLITS

PARTS_IN_ORDER = words(
    "input expected output error score confidence timestamp latency cost cluster"
)


class Draft:
    """Lines of TOML, and what is missing to make a case of them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.missing: list[str] = []

    def text(self) -> str:
        """The whole file."""
        return "\n".join(self.lines) + "\n"

    def table(self, name: str) -> None:
        """Begins a table."""
        self.lines += ["", f"[{name}]"]

    def comment(self, text: str) -> None:
        """One line of comment; what a terminal would obey is made visible."""
        self.lines.append("# " + "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text))

    def key(self, name: str, value: Any, why: str, sure: str = "Likely") -> None:
        """A key under the reason for it, and how sure it is."""
        self.comment(f"{sure}: {why}.")
        self.lines.append(f"{name} = {toml(value)}")

    def unknown(self, name: str, why: str, write: str) -> None:
        """A key that could not be guessed, and what to write."""
        self.missing.append(f"{name}: {why}")
        self.comment(f"NOT GUESSED: {why}.")
        self.comment(f"Write: {write}")


def toml(value: Any) -> str:
    """A value as TOML: text, true or false, a number, and lists and tables of them."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {toml(item)}" for key, item in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    # JSON escapes texts as TOML does, but for the one control character that JSON allows.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_case(folder: Path, looks: Sequence[Look], left_out: Sequence[str]) -> Draft:
    """The draft of a case in `folder` for some data files."""
    draft = Draft()
    draft.comment("Proposed from the files; each guess says why. Correct what is wrong.")
    if not all(look.whole for look in looks):
        draft.comment(f"The guesses rest on the first {SAMPLE:,} records of each file.")
    for sentence in left_out:
        draft.comment(sentence)
    draft.lines.append("")
    name = slug_of(folder.resolve().name) or "case"
    draft.key("name", name, "after the folder; the receipt will carry it", "A choice")
    sets = guess_sets(looks)
    by_split = [columns_of(rows) for rows in sets.rows().values() if rows]
    columns = by_split or [look.columns for look in looks]
    identity = guess_id(columns)
    taken = [name for name in (identity.field, sets.column) if name]
    parts = {guess.part: guess for guess in guess_parts(columns, taken)}
    _write_data(draft, sets)
    if "score" in parts and score_in_words(looks, parts["score"].field):
        draft.key("verdict_words", True, parts["score"].why, "Sure")
    if identity.again:
        draft.key("attempts", True, f"{identity.why}, which are attempts at one input")
    _write_rest(draft, folder, columns, identity, parts, taken)
    return draft


def _write_data(draft: Draft, sets: Sets) -> None:
    draft.table("data")
    if sets.files is not None:
        for split in SPLITS:
            names = [look.name for look in sets.files[split]]
            draft.key(split, names[0] if len(names) == 1 else names, sets.why)
    elif sets.one is not None:
        draft.key("file", sets.one.name, "the only data file", "Sure")
        draft.key("split", sets.column, sets.why)
        draft.key("splits", sets.values, "which value is which", "Likely")
    else:
        two = 'eval = "FILE" and production = "FILE"'
        draft.unknown("data", sets.why, f'{two}, or file = "FILE" and split = "COLUMN"')


def _write_rest(
    draft: Draft,
    folder: Path,
    by_split: Sequence[Columns],
    identity: Guess,
    parts: Mapping[str, Guess],
    taken: Sequence[str],
) -> None:
    draft.table("fields")
    if identity.field:
        draft.key("id", identity.field, identity.why, _sure(identity))
    else:
        draft.unknown("id", identity.why, 'id = "FIELD"')
    for part in PARTS_IN_ORDER:
        if part in parts:
            draft.key(part, parts[part].field, parts[part].why, _sure(parts[part]))
    graded = [] if {"expected", "score"} & parts.keys() else graded_fields(by_split)
    if len(graded) == 1:
        draft.key("score", graded[0].field, graded[0].why)
    elif "expected" not in parts and "score" not in parts:
        why = "no field is named as what should come out"
        draft.unknown("expected", why, 'expected = "FIELD", or score = "FIELD" when it is scored')
    system = _write_system(draft, folder, parts)
    json_outputs = _hold_json(parts, by_split)
    if len(graded) == 1:
        _write_threshold(draft, graded[0])
    _write_scorer(draft, parts, system, json_outputs)
    _write_guards(draft, parts, system, json_outputs)
    taken = [*taken, *(guess.field for part, guess in parts.items() if part != "input")]
    taken += [guess.field for guess in graded]
    _write_slices(draft, by_split, taken, parts["input"].field if "input" in parts else "")
    _write_features(draft, parts)


def _write_system(draft: Draft, folder: Path, parts: Mapping[str, Guess]) -> Function | None:
    """Writes the system when there are no outputs to score; what was recorded is what happened."""
    if "output" in parts or "expected" not in parts:
        return None
    asked = parts["input"].field if "input" in parts else ""
    found = guess_system(folder.glob("*.py"), asked)
    if found.function is None or not asked:
        if "score" not in parts:
            why = found.why if asked else "no field is named as the input of a system"
            draft.table("system")
            draft.unknown("system", why, 'python = "FILE.py:FUNCTION", or output under [fields]')
        return None
    draft.table("system")
    draft.key("python", f"{found.function.file.name}:{found.function.name}", found.why)
    draft.key("timeout", 10, "seconds for one call; a slower one has failed", "A choice")
    draft.key("memory", "512 MB", "the most that its process may use", "A choice")
    return found.function


def _write_scorer(
    draft: Draft, parts: Mapping[str, Guess], system: Function | None, json_outputs: bool
) -> None:
    comparable = "expected" in parts and ("output" in parts or system is not None)
    if not comparable and "score" not in parts:
        return
    draft.table("scorer")
    if not comparable:
        why = "there is nothing to compare, only the recorded score"
        draft.key("name", "recorded", why, "Sure")
        return
    why = "the strictest; normalized forgives case and formats, numeric a tolerance"
    draft.key("name", "exact_match", why, "A choice")
    if json_outputs:
        draft.key("output_format", "json", "most outputs are texts that hold a JSON object", "Sure")
    if "error" in parts:
        why = '"wrong" counts a failed call as wrong, "apart" leaves it unscored'
        draft.key("errors", "wrong", why, "A choice")


def _write_threshold(draft: Draft, graded: Guess) -> None:
    """Asks from where on a graded score is right, which no data say."""
    draft.table("scorer")
    draft.key("name", "recorded", "there is nothing to compare, only the recorded score", "Sure")
    draft.unknown("threshold", f"from where on {graded.field!r} is right", "threshold = NUMBER")


def _write_guards(
    draft: Draft, parts: Mapping[str, Guess], system: Function | None, json_outputs: bool
) -> None:
    draft.table("guards")
    draft.comment("No file says what production notices by itself; turn off what it does not.")
    if system is not None or "error" in parts:
        draft.key("no_exception", True, "a call that fails is noticed", "A guess")
    if json_outputs:
        draft.key("parses", True, "an output that is not JSON is noticed", "A guess")
    if system is not None or "output" in parts:
        draft.key("not_blank", True, "an output with an empty part is noticed", "A guess")


def _hold_json(parts: Mapping[str, Guess], by_split: Sequence[Columns]) -> bool:
    """Whether most outputs are texts that hold a JSON object."""
    if "output" not in parts:
        return False
    given = [value for columns in by_split for value in columns[parts["output"].field].given]
    parsed = sum(isinstance(kernel.parsed(v), dict) for v in given if isinstance(v, str))
    return 2 * parsed > len(given)


def _write_slices(
    draft: Draft, by_split: Sequence[Columns], taken: Sequence[str], asked: str
) -> None:
    draft.table("slices")
    found = guess_attributes(by_split, taken, asked)
    if not found:
        draft.key("by", [], "no other field has few different, short values", "Sure")
        return
    why = "; ".join(f"`{guess.field}` has {guess.why}" for guess in found)
    draft.key("by", [guess.field for guess in found], why)


def _write_features(draft: Draft, parts: Container[str]) -> None:
    """Asks for the features of the texts, which attributes that are named leave out."""
    texts = [part for part in ("input", "output") if part in parts]
    if texts:
        draft.key("features", True, f"the {' and the '.join(texts)} may tell what nobody logged")


def _sure(guess: Guess) -> str:
    return "Sure" if guess.sure else "Likely"
