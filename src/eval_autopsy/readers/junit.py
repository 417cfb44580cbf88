"""JUnit XML, as test runners write it: verdicts and times, without inputs and outputs.

1. A test with a `failure` is wrong; else one with an `error` is an errored call, and one that was
   `skipped` is unscored. Every other is right. pytest writes `failure` for whatever is raised in a
   test, and `error` for what is raised around it: how many failures are no assertions is noted.
2. Properties are attributes, and so is each part of a parametrized name, `test[a-b]`, which pytest
   joins by dashes. What the failure says is none: it would tell right from wrong by itself. A test
   has the time at which its suite began.
3. Tests of one name are repeats of a task. In what promptfoo writes, a suite is a system.
4. A document type is refused, and with it every entity that expands or leads elsewhere; nesting is
   bounded, and so is the length of a tag and of the text that is kept.

There is no standard. Source: what pytest 8 and promptfoo write, and the schema of Jenkins' plugin.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import BinaryIO, NoReturn
from xml.parsers import expat

from eval_autopsy import kernel
from eval_autopsy.readers.intake import number
from eval_autopsy.readers.log_values import Repeats
from eval_autopsy.readers.logs import Item, Needs, Note, Reported, Sample
from eval_autopsy.registry import reader

ROOT = re.compile(rb"(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<testsuites?[\s>]", re.DOTALL)
CHUNK = 2**16
DEEPEST = 50  # elements in elements
LONGEST_TAG = 2**22  # bytes; expat goes over an unfinished one again and again
LONGEST = 2**20  # characters of a text that are kept
OUTCOMES = ("failure", "error", "skipped")
COUNTED = ("tests", "failures", "errors", "skipped")
# How a failure that pytest wrote begins when something else was raised than an assertion.
RAISED = re.compile(r"(?!AssertionError\b)[A-Za-z_][\w.]*(?:Error|Exception|Timeout)\b")
PARAMETERS = re.compile(r"(.+?)\[(.*)\]", re.DOTALL)
PROMPTFOO_NAME = re.compile(r"test \d+: (.+)", re.DOTALL)
PROMPTFOO_SUITE = re.compile(r"\[(.+)\] prompt (\d+)", re.DOTALL)


@dataclass
class Case:
    """A test case as it is being read."""

    name: str
    classname: str
    suite: str
    time: str
    timestamp: str = ""  # when the innermost suite that says it began
    outcomes: dict[str, str] = field(default_factory=dict)  # which, and its message
    properties: dict[str, str] = field(default_factory=dict)


@reader("junit", sniff=lambda head: bool(ROOT.match(head)), yields="samples")
def junit(stream: BinaryIO, name: str) -> Iterator[Item]:
    """One sample for each test case of JUnit XML."""
    document = Document(name)
    namer = Namer()
    raised = 0
    for at, case in enumerate(document.cases(stream), 1):
        raised += bool(RAISED.match(case.outcomes.get("failure", "")))
        yield _sample(at, case, namer, promptfoo=document.writer == "promptfoo")
    yield from document.reported()
    if raised:
        yield Note(f"{raised} failures are other exceptions than assertions; they count as wrong")
    yield Needs("inputs and outputs", "the log of the eval itself: JUnit XML has only verdicts")


class Document:
    """The test cases of a document, in the memory of one, and what it says of them all."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.writer = ""  # the name of the root
        self._open: list[str] = []  # the elements around this place
        self._suites: list[str] = []
        self._begun: list[str] = [""]  # when each suite around this place began
        self._case: Case | None = None
        self._done: list[Case] = []
        self._property = ""
        self._text: list[str] | None = None  # of an element whose text is wanted
        self._length = 0
        self._fed = 0
        self._totals: Counter[str] = Counter()
        self._stated: set[str] = {*COUNTED}  # of every outermost suite
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype

    def cases(self, stream: BinaryIO) -> Iterator[Case]:
        """The test cases of a stream, each as soon as it is complete. Raises Unreadable."""
        more = True
        while more:
            chunk = stream.read(CHUNK)
            more = bool(chunk)
            self._feed(chunk)
            done, self._done = self._done, []
            yield from done

    def _feed(self, chunk: bytes) -> None:
        """Takes the next piece; an empty one is the end."""
        self._fed += len(chunk)
        try:
            self._parser.Parse(chunk, not chunk)
        except (expat.ExpatError, LookupError, ValueError) as error:  # the last of an encoding
            what = f"the XML is damaged: {error}"
            raise self._wrong(what, "write the file again") from None
        if self._fed - self._parser.CurrentByteIndex > LONGEST_TAG:
            raise self._wrong("one tag is longer than 4 MiB", "write less into its attributes")

    def reported(self) -> Iterator[Reported]:
        """What the outermost suites say of their tests, added up."""
        totals = {one: Decimal(self._totals[one]) for one in self._stated}
        for figure, total in (("samples", "tests"), ("errors", "errors")):
            if total in totals:
                yield Reported(figure, totals[total], f"testsuite@{total}")
        if len(totals) == len(COUNTED):
            over = totals["tests"] - totals["errors"] - totals["skipped"]
            if over > 0:
                passed = (over - totals["failures"]) / over
                yield Reported("mean of passed", passed, "testsuite@failures", int(over))

    def _wrong(self, what: str, remedy: str) -> kernel.Unreadable:
        where = f"{self._name}:{self._parser.CurrentLineNumber}"
        return kernel.Unreadable(what, where, remedy)

    def _doctype(self, *_: object) -> NoReturn:
        what = "the XML has a document type, which can make entities that expand without end"
        raise self._wrong(what, "take the <!DOCTYPE ...> out of it")

    def _start(self, element: str, given: dict[str, str]) -> None:
        if not self._open:
            self.writer = given.get("name", "")
        self._open.append(element)
        if len(self._open) > DEEPEST:
            raise self._wrong("the XML is nested too deeply", "write the file again")
        if element == "testsuite":
            self._begin_suite(given)
        elif element == "testcase":
            suite = self._suites[-1] if self._suites else ""
            named = given.get("name", ""), given.get("classname", "")
            self._case = Case(*named, suite, given.get("time", ""), self._begun[-1])
        elif self._case is not None and element in OUTCOMES:
            self._case.outcomes[element] = given.get("message", "")
            self._text, self._length = [], 0
        elif self._case is not None and element == "property":
            self._property = given.get("name", "")
            self._case.properties[self._property] = given.get("value", "")
            self._text, self._length = [], 0

    def _begin_suite(self, given: dict[str, str]) -> None:
        if not self._suites:
            for one in COUNTED:
                count = number(given.get(one, ""))
                if count is None:
                    self._stated.discard(one)
                self._totals[one] += int(count or 0)
        self._suites.append(given.get("name", ""))
        self._begun.append(given.get("timestamp", "") or self._begun[-1])

    def _characters(self, text: str) -> None:
        if self._text is None:
            return
        self._length += len(text)
        if self._length <= LONGEST:
            self._text.append(text)

    def _end(self, element: str) -> None:
        self._open.pop()
        text, case = "".join(self._text or []), self._case
        if element == "testsuite":
            self._suites.pop()
            self._begun.pop()
        elif element == "testcase" and case is not None:
            self._done.append(case)
            self._case = None
        elif case is not None and element in OUTCOMES:
            case.outcomes[element] = case.outcomes[element] or text
        elif case is not None and element == "property":
            case.properties[self._property] = case.properties[self._property] or text
        if element in (*OUTCOMES, "property"):
            self._text = None


class Namer:
    """Gives each test case an id of its own; memory holds them all."""

    def __init__(self) -> None:
        self._repeats = Repeats()
        self._first = ""

    def name(self, case: Case) -> tuple[str, str]:
        """The id of a test, and that of the task it repeats."""
        task = f"{case.classname}::{case.name}" if case.classname else case.name or "test"
        return self._repeats.name(task), task

    def name_by_system(self, case: Case) -> tuple[str, str, str]:
        """The id, the task and the system of a test in what promptfoo wrote."""
        named = PROMPTFOO_NAME.fullmatch(case.name)
        task = named[1] if named else case.name or "test"
        found = PROMPTFOO_SUITE.fullmatch(case.suite)
        number = f", prompt {found[2]}" if found and found[2] != "1" else ""
        system = f"{found[1]}{number}" if found else case.suite
        self._first = self._first or system
        return (
            self._repeats.name(task if system == self._first else f"{task}@{system}"),
            task,
            system,
        )


def _sample(at: int, case: Case, namer: Namer, *, promptfoo: bool) -> Sample:
    system = None
    if promptfoo:
        called, task, system = namer.name_by_system(case)
    else:
        called, task = namer.name(case)
    errored = "error" in case.outcomes and "failure" not in case.outcomes
    verdict = None if errored or "skipped" in case.outcomes else "failure" not in case.outcomes
    message = case.outcomes["error"].strip() or "an error without a message" if errored else ""
    latency = number(case.time)
    return Sample(
        at=at,
        id=called,
        cluster=task,
        system=system,
        score=verdict,
        scores={} if verdict is None else {"passed": verdict},
        error=message,
        timestamp=case.timestamp or None,
        latency=latency if latency is not None and latency >= 0 else None,
        attributes=_attributes(case),
    )


def _attributes(case: Case) -> dict[str, object]:
    found = {"suite": case.suite, "classname": case.classname}
    parametrized = PARAMETERS.fullmatch(case.name)
    if parametrized:
        found["test"] = parametrized[1]
        values = parametrized[2].split("-")
        found |= {f"parameter {at}": value for at, value in enumerate(values, 1)}
    return {name: value for name, value in (found | case.properties).items() if value and name}
