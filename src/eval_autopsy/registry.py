"""What can be extended, each under a name: readers, scorers, guards, features, changes, systems.

1. There is one door. Ours and other packages' enter by the same decorator:

       @scorer("exact_match")
       def exact_match(expected: object, output: object) -> bool:
           \"\"\"Whether the output is the expected value.\"\"\"

2. A package adds its own with an entry point of the group `eval_autopsy.<kind>`, named after what
   it adds, whose value is the module (or object) that registers it when it is imported.
3. Entry points are loaded when a name is asked for that is not ours, or when all are listed.
   Verification asks for none, so it runs no code of another package.
4. A user's own Python file adds to one run what it registers when it is loaded.
5. A name taken twice, an entry point that does not load, and one that registers something other
   than its name are errors that say which package is at fault. Nothing wins silently.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata, util
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from eval_autopsy.errors import BadCase, CannotUse

T = TypeVar("T")

OURS = "eval-autopsy"


class Entry(NamedTuple, Generic[T]):
    """One registered thing, with what a listing says about it."""

    name: str
    value: T
    help: str  # the first line of its docstring
    package: str  # the distribution that brought it


class Registry(Generic[T]):
    """The things of one kind by name; `kind` is the plural that the entry-point group ends in."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.group = f"eval_autopsy.{kind}"
        self._entries: dict[str, Entry[T]] = {}
        self._loaded: set[str] = set()
        self._loading = ""  # the package whose entry point is being loaded just now
        self._strangers: dict[str, metadata.EntryPoint] | None = None

    def register(self, name: str) -> Callable[[T], T]:
        """A decorator that enters a function or class under `name`, helped by its docstring."""

        def enter(value: T) -> T:
            self.add(name, value, value)
            return value

        return enter

    def add(self, name: str, value: T, described: object) -> None:
        """Enters `value` under `name`, with the help and the package of the function `described`.

        A name that is taken and a missing docstring are errors.
        """
        package = self._loading or home_of(described)
        taken = self._entries.get(name)
        if taken is not None:
            raise self._taken_twice(name, taken.package, package)
        help_line = first_line(described)
        if not help_line:
            raise CannotUse(
                f"{self._kind_of(name)} of {_bringer(package)} has no docstring",
                remedy="say in its first line what it returns",
            )
        self._entries[name] = Entry(name, value, help_line, package)

    def get(self, name: str) -> T:
        """What is registered under `name`; loads the entry point of that name when it is not ours.

        An unknown name is an error that suggests the nearest one and lists them all.
        """
        return self.entry(name).value

    def entry(self, name: str) -> Entry[T]:
        """What is registered under `name`, with what a listing says about it; see `get`."""
        self._load_ours()
        strangers = self._listed()
        if name in strangers:
            self._load(strangers[name])
        if name not in self._entries:
            raise self.unknown(name)
        return self._entries[name]

    def names(self) -> list[str]:
        """The names of all, ours and other packages', without loading any entry point."""
        self._load_ours()
        return sorted({*self._entries, *self._listed()})

    def describe(self) -> list[Entry[T]]:
        """All entries in the order of their names; loads every entry point."""
        for name in self.names():
            self.get(name)
        return [self._entries[name] for name in sorted(self._entries)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def of_files(self, paths: Sequence[Path]) -> list[Entry[T]]:
        """What some Python files register, which is forgotten again: only the caller has it.

        Raises CannotUse for a file that does not load, or that registers nothing of this kind.
        """
        self._load_ours()
        before = dict(self._entries)
        try:
            for path in paths:
                known = set(self._entries)
                self._run(path)
                if set(self._entries) == known:
                    what = f"the file registers no {self.kind.removesuffix('s')}"
                    remedy = f"decorate a function with @{self.kind.removesuffix('s')}"
                    raise CannotUse(what, where=str(path), remedy=remedy)
            return [entry for name, entry in self._entries.items() if name not in before]
        finally:
            self._entries = before

    def _run(self, path: Path) -> None:
        # A name of our own, so that a file json.py does not take the place of a module.
        spec = util.spec_from_file_location(f"autopsy_{self.kind}_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise CannotUse("the file is not Python", where=str(path), remedy="name a .py file")
        module = util.module_from_spec(spec)
        sys.modules[spec.name] = module
        self._loading = path.name
        try:
            spec.loader.exec_module(module)
        except CannotUse:
            raise
        except (Exception, SystemExit) as error:
            what = f"the file does not load: {type(error).__name__}: {error}"
            raise CannotUse(what, where=str(path), remedy="import it by hand") from error
        finally:
            self._loading = ""

    def _load_ours(self) -> None:
        importlib.import_module(f"eval_autopsy.{self.kind}")

    def _listed(self) -> dict[str, metadata.EntryPoint]:
        """The entry points of other packages by name, read once; nothing of theirs runs."""
        if self._strangers is None:
            found: dict[str, metadata.EntryPoint] = {}
            for point in metadata.entry_points(group=self.group):
                if point.name in found:
                    raise self._taken_twice(
                        point.name, package_of(found[point.name]), package_of(point)
                    )
                ours = self._entries.get(point.name)
                if ours is not None:
                    raise self._taken_twice(point.name, ours.package, package_of(point))
                found[point.name] = point
            self._strangers = found
        return self._strangers

    def _load(self, point: metadata.EntryPoint) -> None:
        if point.name in self._loaded:
            return
        package = package_of(point)
        self._loading = package
        try:
            point.load()
        except CannotUse:
            raise
        except (Exception, SystemExit) as error:
            raise CannotUse(
                f"{self._kind_of(point.name)} of the package {package} does not load: "
                f"{type(error).__name__}: {error}",
                where=f"{self.group}: {point.value}",
                remedy=f"repair or uninstall {package}",
            ) from error
        finally:
            self._loading = ""
        if point.name not in self._entries:
            raise CannotUse(
                f"the entry point {point.name!r} of the package {package} registers nothing of "
                "that name",
                where=f"{self.group}: {point.value}",
                remedy=f"name the entry point after what it registers, or uninstall {package}",
            )
        self._loaded.add(point.name)

    def _kind_of(self, name: str) -> str:
        return f"the {self.kind.removesuffix('s')} {name!r}"

    def _taken_twice(self, name: str, first: str, second: str) -> CannotUse:
        both = f"twice by {_bringer(first)}"
        if first != second:
            both = f"by {_bringer(first)} and by {_bringer(second)}"
        package = second != OURS and not second.endswith(".py")
        at_fault = f", or uninstall {second}" if package else ""
        return CannotUse(
            f"{self._kind_of(name)} is registered {both}", remedy=f"rename one of them{at_fault}"
        )

    def unknown(self, name: str) -> BadCase:
        """The error for a name that nothing is registered under."""
        known = self.names()
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return BadCase(
            f"there is no {self.kind.removesuffix('s')} {name!r}",
            remedy=f"{hint}Known are: {', '.join(known)}"
            if known
            else "install a package that has one",
        )


def _bringer(package: str) -> str:
    return f"the {'file' if package.endswith('.py') else 'package'} {package}"


Yields = Literal["rows", "samples", "scores", "summary"]


class Reader(NamedTuple):
    """How one format is recognised by the first bytes of a file, and read.

    It yields the `rows` of a table; or the `samples` of a tool's own log (see `readers.logs`); or
    `scores` of samples that are in another file, as rows with their ids; or only the `summary` of
    samples that are in another file.
    """

    sniff: Callable[[bytes], bool]
    read: Callable[[Any, str], Iterator[Any]]  # of the stream and the file's name
    yields: Yields = "rows"


class TextFeature(NamedTuple):
    """What is read from a text, and from which ones: "input", "output" or both."""

    read: Callable[[str], Any]
    of: tuple[str, ...]


class Perturbation(NamedTuple):
    """A change of one thing in an input, and what is known of the right answer after it."""

    change: Callable[..., Any]  # of an input and a random.Random: the changed input, or None
    holds: str  # what it leaves as it is, in words
    relation: str  # whether the right answer stays the "same" or "changes"
    of: str  # what it takes: a "text", or "messages"
    answers: Callable[[Any, Any, Any], Sequence[Any]] | None  # see `perturbation`
    learns: bool  # `change` is made from the texts that are answered right
    varies: str  # the one thing, in words that other changes of it share


def first_line(value: object) -> str:
    """The first line of the docstring of a function or class; "" when it has none."""
    text = inspect.getdoc(value) or ""
    return text.partition("\n")[0].strip()


def home_of(value: object) -> str:
    """The package that a function or class was written in: ours, or its top-level module."""
    top = str(getattr(value, "__module__", "") or "").partition(".")[0]
    return OURS if top == "eval_autopsy" else top or "(unknown)"


def package_of(point: metadata.EntryPoint) -> str:
    """The name of the distribution that an entry point came with."""
    return point.dist.name if point.dist is not None else "(unknown)"


readers: Registry[Reader] = Registry("readers")
scorers: Registry[Callable[..., Any]] = Registry("scorers")
guards: Registry[Callable[..., Any]] = Registry("guards")
features: Registry[TextFeature] = Registry("features")
perturbations: Registry[Perturbation] = Registry("perturbations")
systems: Registry[Callable[..., Any]] = Registry("systems")

scorer = scorers.register
guard = guards.register
system = systems.register


def reader(
    name: str, *, sniff: Callable[[bytes], bool], yields: Yields = "rows"
) -> Callable[[Callable[[Any, str], Iterator[Any]]], Reader]:
    """A decorator that enters a function as the reader `name`, for files that `sniff` knows.

    `sniff` is given the first 64 KiB, unpacked and without leading white space (of Parquet and
    Arrow files the footer, where the columns are named), and is strict: a file that two readers
    claim is an error. The function is given the stream and the name to call the file by in
    messages. A tool's table is better entered by `readers.exports.export`.
    """

    def enter(read: Callable[[Any, str], Iterator[Any]]) -> Reader:
        entered = Reader(sniff, read, yields)
        readers.add(name, entered, read)
        return entered

    return enter


FEATURE_NAME = re.compile(r"[a-z][a-z0-9_]*")


def feature(
    name: str, *, of: str | Sequence[str]
) -> Callable[[Callable[[str], Any]], Callable[[str], Any]]:
    """A decorator that enters a function as the feature `name` of the input, the output or both.

    The function is given a text and returns text, a number, true, false or None; the first line of
    its docstring is the feature in words.
    """
    parts = (of,) if isinstance(of, str) else tuple(of)
    if not FEATURE_NAME.fullmatch(name) or not parts or not {*parts} <= {"input", "output"}:
        what = f"the feature {name!r} of {of!r} cannot be registered"
        remedy = "name it in small letters, digits and _, and say of='input' or of='output'"
        raise CannotUse(what, remedy=remedy)

    def enter(read: Callable[[str], Any]) -> Callable[[str], Any]:
        features.add(name, TextFeature(read, parts), read)
        return read

    return enter


RELATIONS, TAKES = ("same", "changes"), ("text", "messages")


def perturbation(
    name: str,
    *,
    holds: str,
    varies: str = "",
    relation: str = "same",
    of: str = "text",
    answers: Callable[[Any, Any, Any], Sequence[Any]] | None = None,
    learns: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that enters a function as the perturbation `name`, which changes one thing.

    The function is given a text (or a list of messages) and a seeded `random.Random`, and returns
    the changed one, or None where it does not apply. `holds` says in words what it leaves as it
    is, `varies` what it changes, and `relation` whether the right answer stays the "same" or
    "changes". Changes that vary the same thing are tested as one hypothesis by `autopsy run`.

    `answers(before, after, expected)` gives all answers that are right after the change; without
    it they are the expected one when it stays the same, and not known when it changes. A function
    that `learns` is given the texts that are answered right, and returns the function above, or
    None when there is nothing to learn from them.
    """
    if not FEATURE_NAME.fullmatch(name) or relation not in RELATIONS or of not in TAKES:
        what = f"the perturbation {name!r} of {of!r} with the relation {relation!r} cannot be"
        remedy = "name it in small letters, digits and _, and say relation='same' or 'changes'"
        raise CannotUse(f"{what} registered", remedy=f"{remedy}, of='text' or 'messages'")

    def enter(change: Callable[..., Any]) -> Callable[..., Any]:
        said = varies or f"what {name} changes"
        entered = Perturbation(change, holds, relation, of, answers, learns, said)
        perturbations.add(name, entered, change)
        return change

    return enter
