"""Attributes that nobody logged, read from the text of inputs and outputs.

What ours look at is defined in the kernel, so that a receipt can read it from the raw text again;
the levels of anybody else's are stored. Here is decided which features can tell anything about some
records, before any outcome is looked at: one that is the same for all is set aside, and so is one
that is different for each. The rarer levels of a feature fold into one.
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from eval_autopsy import kernel, registry
from eval_autopsy.attributes import SetAside, kept_of
from eval_autopsy.errors import AutopsyError, BadCase, CannotRun
from eval_autopsy.kernel import MISSING
from eval_autopsy.records import Record
from eval_autopsy.registry import OURS, Entry, TextFeature

OF_OUTPUT_ALONE = ("refusal", "cut_off")
OF_OUTPUT = ("length", "script", "language", "odd_characters", "json_shape", "json_depth", "markup")
LEVELS_AT_MOST = 12  # of a feature; rarer ones fold
KEPT_SHARE = Fraction(1, 4)  # of the records, that the levels which do not fold have at least

_TEXTS: dict[str, Callable[[Record], Any]] = {
    "input": lambda record: record.input,
    "output": lambda record: record.output,
}


def _of(name: str) -> tuple[str, ...]:
    """Which texts one of our features makes sense of."""
    if name in OF_OUTPUT_ALONE:
        return ("output",)
    return ("input", "output") if name in OF_OUTPUT else ("input",)


for _name, _read in kernel.FEATURES.items():
    registry.features.add(_name, TextFeature(_read, _of(_name)), _read)


class Feature(NamedTuple):
    """A feature that can tell: how a receipt describes it, and each record's level."""

    spec: dict[str, Any]
    levels: list[str]
    stored: list[Any] | None = None  # what it says of each record, when a receipt cannot read it


class Wanted(NamedTuple):
    """A feature of one text."""

    entry: Entry[TextFeature]
    of: str

    @property
    def name(self) -> str:
        return f"{self.entry.name}({self.of})"

    @property
    def words(self) -> str:
        """What it looks at, as a person would say it."""
        ours = self.entry.package == OURS
        return kernel.attribute_words(self.name) if ours else self.entry.help

    @property
    def spec(self) -> dict[str, Any]:
        """How a receipt describes it, before anything folds."""
        if self.entry.package == OURS:
            return {"feature": self.entry.name, "of": self.of, "kept": []}
        words = self.entry.help
        return {"stored": self.entry.name, "of": self.of, "words": words, "kept": []}


def features_of(
    records: Sequence[Record], names: Sequence[str], files: Sequence[Path] = ()
) -> tuple[list[Feature], list[SetAside]]:
    """The features of some records that can tell, of those wanted, and the others with the reason.

    `names` are such as "field_order(input)"; those that the files bring are wanted too, or of
    these only the ones that are named. Raises BadCase for a name that nothing is registered under.
    """
    found, set_aside = [], []
    for one in wanted(names, files):
        spec, stored = one.spec, None
        if "stored" in spec:
            stored = [_said(one, record) for record in records]
            levels = [kernel.canonical(kernel.level(value)) for value in stored]
        else:
            read = _TEXTS[one.of]
            values = (kernel.featured(one.entry.name, read(record)) for record in records)
            levels = [kernel.canonical(kernel.level(value)) for value in values]
        none = {*levels} == {kernel.canonical(kernel.level(MISSING))}
        reason = f"no record has an {one.of}" if none else folded(spec, levels)
        if reason:
            set_aside.append(SetAside(one.name, reason))
        else:
            kept = set(map(kernel.canonical, spec["kept"]))
            shown = [text if not kept or text in kept else kernel.OTHER for text in levels]
            found.append(Feature(spec, shown, stored))
    return found, set_aside


def every_feature() -> list[str]:
    """The names of all of our features, as far as they make sense of inputs and outputs."""
    return [f"{name}({of})" for of in _TEXTS for name in kernel.FEATURES if of in _of(name)]


def listed(files: Sequence[Path] = ()) -> list[Wanted]:
    """All features, ours, then those of other packages and of some files."""
    ours = {entry.name: entry for entry in registry.features.describe()}
    entries = [*ours.values(), *registry.features.of_files(files)]
    every = [Wanted(entry, of) for of in _TEXTS for entry in entries if of in entry.value.of]
    order = {name: at for at, name in enumerate(every_feature())}
    return sorted(every, key=lambda one: order.get(one.name, len(order)))


def wanted(names: Sequence[str], files: Sequence[Path] = ()) -> list[Wanted]:
    """The features that some names and files stand for, each once."""
    brought = {
        one.name: one
        for entry in registry.features.of_files(files)
        for one in (Wanted(entry, of) for of in entry.value.of)
    }
    found = [brought[name] if name in brought else _registered(name, brought) for name in names]
    named = {*names} & {*brought}
    return found + [one for one in brought.values() if not named]


def _registered(name: str, brought: Mapping[str, Wanted]) -> Wanted:
    kind, _, of = name.removesuffix(")").partition("(")
    if kind in registry.features.names():
        entry = registry.features.entry(kind)
        if of in entry.value.of:
            return Wanted(entry, of)
    raise unknown(name, brought)


def unknown(name: str, brought: Iterable[str] = ()) -> BadCase:
    """The error for a name that no feature has."""
    near = difflib.get_close_matches(name, [*every_feature(), *brought], n=1)
    remedy = f"did you mean {near[0]!r}?" if near else "`autopsy features` lists them"
    return BadCase(f"there is no feature {name!r}", remedy=remedy)


def _said(one: Wanted, record: Record) -> Any:
    """What somebody else's feature says of a record's text."""
    value = _TEXTS[one.of](record)
    if value is MISSING:
        return MISSING
    by = f"the feature {one.entry.name!r} of {one.entry.package}"
    remedy = "repair the feature, or leave it out of [slices]"
    try:
        found = one.entry.value.read(value if isinstance(value, str) else kernel.canonical(value))
    except AutopsyError:
        raise
    except Exception as error:
        what = f"{by} failed on the record {record.id!r}: {type(error).__name__}: {error}"
        raise CannotRun(what, where=record.where, remedy=remedy) from error
    if isinstance(found, float) and math.isfinite(found):
        return Decimal(repr(found))
    if found is None or isinstance(found, int) or _is_text(found) or _is_number(found):
        return found
    shown = repr(found)[:60]
    what = f"{by} says {shown} of the record {record.id!r}, expected text, a number, true, false"
    raise CannotRun(f"{what} or None", where=record.where, remedy=remedy)


def _is_text(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:  # half of a character
        return False
    return True


def _is_number(value: object) -> bool:
    """Whether a receipt can write it: within what the kernel reads of JSON numbers."""
    if not isinstance(value, Decimal):
        return False
    return value.is_finite() and abs(value.adjusted()) <= 400


def folded(spec: dict[str, Any], levels: Sequence[str]) -> str:
    """Notes in `spec` the levels that are kept; returns why the feature says nothing, if so."""
    counts = Counter(levels)
    if len(counts) == 1:
        return "it is the same for all records"
    kept = kept_of(counts, LEVELS_AT_MOST, KEPT_SHARE)
    if kept is None:
        return f"{len(counts):,} levels, nearly all of them rare"
    spec["kept"] = [kernel.strict_json(text) for text in kept.levels]
    return ""
