"""JSON that is read item by item, so that a log of a gigabyte takes the memory of one sample.

1. `lines` goes through JSON Lines, and `parts` through one JSON document, whose long arrays are
   given item by item and whose other members are given whole.
2. As strict as the kernel in what readers disagree about: a key that stands twice, a lone
   surrogate, brackets too deep, text that is not UTF-8. Numbers are int or Decimal. NaN and the
   infinities, which some tools write for "no value", become null.
3. A line that cannot be read is set aside. A document that is damaged ends there.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.readers.logs import Aside

CHUNK = 2**16  # bytes read at a time, at first
DEEPEST = kernel.DEPTH_LIMIT - 10  # brackets inside brackets; a row is put around them
SPACE = " \t\r\n"

_ENDS = json.JSONDecoder()  # finds where a value ends
_VALUES = json.JSONDecoder(
    object_pairs_hook=kernel._unique, parse_float=kernel._decimal, parse_constant=lambda _: None
)


class Line(NamedTuple):
    """One object of JSON Lines, and the number of its line."""

    at: int
    value: dict[str, Any]


class Part(NamedTuple):
    """A member of a document by its dotted path; of a long array, one item after the other."""

    path: str
    value: Any
    at: int = 0  # the position of an item in its array, from 1


def value_of(text: str, where: str) -> Any:
    """The value of a JSON text, as strict as the kernel's but for NaN, which is null."""
    try:
        found = _VALUES.decode(text)
    except (ValueError, RecursionError) as error:
        shown = str(error)
        if isinstance(error, json.JSONDecodeError):
            shown = f"not JSON: {error.msg} at column {error.colno}"
        raise kernel.Unreadable(shown, where, "write one JSON value") from None
    _check(found, text, where)
    return found


def _check(value: Any, text: str, where: str) -> None:
    if text.count("[") + text.count("{") > DEEPEST and _is_too_deep(value):
        raise kernel.Unreadable("nested too deeply", where, "flatten it")
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
        except UnicodeEncodeError:
            what = "a lone surrogate, which is not a character"
            raise kernel.Unreadable(what, where, "write the text again") from None


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            item
            for outer in level
            if isinstance(outer, (dict, list))
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)


def lines(stream: BinaryIO, name: str) -> Iterator[Line | Aside]:
    """The objects of JSON Lines; blank lines are passed over, unreadable ones set aside."""
    number = begins = 0
    while raw := stream.readline(kernel.LINE_LIMIT + 1):
        number += 1
        length = len(raw)
        try:
            if not raw.isspace():
                yield Line(number, _object(raw, number, name))
        except kernel.Unreadable as error:
            while not raw.endswith(b"\n") and (raw := stream.readline(CHUNK)):
                length += len(raw)  # the rest of a line that is too long
            yield Aside(number, error.what, begins)
        begins += length


def _object(raw: bytes, number: int, name: str) -> dict[str, Any]:
    where = f"{name}:{number}"
    if len(raw) > kernel.LINE_LIMIT:
        what = f"a line of more than {kernel.LINE_LIMIT // 2**20} MiB"
        raise kernel.Unreadable(what, where, "write one record a line")
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"byte {error.start + 1} is {raw[error.start]:#04x}, which is not UTF-8"
        raise kernel.Unreadable(what, where, "save the file as UTF-8") from None
    value = value_of(text.strip(), where)
    if not isinstance(value, dict):
        raise kernel.Unreadable(f"found {text[:20]!r}, expected an object", where)
    return value


def objects(stream: BinaryIO, name: str) -> Iterator[Line]:
    """The objects that stand one behind the other, each over several lines, with their positions.

    They end at the first that cannot be read, for where the next one begins is not known.
    """
    text = _Text(stream, name)
    number = 0
    while text.peek():
        number += 1
        value = text.value(f"item {number}")
        if not isinstance(value, dict):
            raise text.wrong(f"item {number} is no object")
        yield Line(number, value)


def parts(
    stream: BinaryIO,
    name: str,
    arrays: Collection[str] = (),
    unwanted: Collection[str] = (),
    *,
    several: bool = False,
) -> Iterator[Part]:
    """The members of one JSON object, in the order of the file.

    `arrays` are the dotted paths of the arrays to be given item by item; the objects that they are
    in are gone into, and their other members given whole. A path "" is the document itself, when it
    is an array. No member or item may be longer than 16 MiB. What is at an `unwanted` path is
    passed over, which is faster: it need only be JSON. With `several`, more objects may follow.
    """
    text = _Text(stream, name)
    yield from _inside(text, "", arrays, unwanted)
    while several and text.peek():
        yield from _inside(text, "", arrays, unwanted)
    if text.peek():
        raise text.wrong("found more after the end of the JSON value")


def _inside(
    text: _Text, path: str, arrays: Collection[str], unwanted: Collection[str]
) -> Iterator[Part]:
    sign = text.peek()
    if sign == "[" and path in arrays:
        for at, _ in enumerate(text.separated("[", "]"), 1):
            where = f"{path or 'the array'}[{at - 1}]"
            if path in unwanted:
                text.pass_over(where)
            else:
                yield Part(path, text.value(where), at)
    elif sign == "{" and (not path or any(one.startswith(f"{path}.") for one in arrays)):
        seen = set()
        for _ in text.separated("{", "}"):
            key = text.value(f"a key in {path or 'the document'}")
            if not isinstance(key, str) or key in seen:
                raise text.wrong(f"the key {key!r} stands twice, or is no text")
            seen.add(key)
            text.expect(":")
            yield from _inside(text, f"{path}.{key}" if path else key, arrays, unwanted)
    elif not path:
        raise text.wrong("found no JSON object")
    elif path in unwanted:
        text.pass_over(path)
    else:
        yield Part(path, text.value(path))


class _Text:
    """The characters of a stream that are not read yet, as many as the next value needs."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name = stream, name
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at, self._ended = "", 0, False

    def wrong(self, what: str) -> kernel.Unreadable:
        """What is wrong at this place."""
        found = self._text[self._at : self._at + 20]
        shown = f", at {found!r}" if found else ", at the end of the file"
        return kernel.Unreadable(what + shown, self._name, "write the file again")

    def peek(self) -> str:
        """The next character that is no white space; "" at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more(CHUNK):
                return ""

    def expect(self, sign: str) -> None:
        """Takes one sign, which must come next."""
        if self.peek() != sign:
            raise self.wrong(f"expected {sign!r}")
        self._at += 1

    def separated(self, opening: str, closing: str) -> Iterator[None]:
        """Stops before each of the members between two brackets, and takes the signs around."""
        self.expect(opening)
        if self.peek() == closing:
            self.expect(closing)
            return
        while True:
            yield
            if self.peek() == closing:
                self.expect(closing)
                return
            if not self.peek():
                raise self.wrong("the file is cut off")
            self.expect(",")

    def value(self, where: str) -> Any:
        """The next value, whole."""
        text = self.pass_over(where)
        return value_of(text, f"{self._name}: {where}")

    def pass_over(self, where: str) -> str:
        """The text of the next value, which is then behind us."""
        self.peek()
        size = CHUNK
        while True:
            try:
                end = _ENDS.raw_decode(self._text, self._at)[1]
                # A number may go on after what was read so far.
                if end < len(self._text) or not self._more(CHUNK):
                    break
            except RecursionError:
                raise self.wrong(f"{where} is nested too deeply") from None
            except ValueError as error:
                if not self._more(size):
                    what = f"{where} is cut off or no JSON ({error.args[0].partition(':')[0]})"
                    raise self.wrong(what) from None
                size *= 2
            if len(self._text) - self._at > kernel.LINE_LIMIT:
                raise self.wrong(f"{where} is longer than {kernel.LINE_LIMIT // 2**20} MiB")
        text = self._text[self._at : end]
        self._at = end
        return text

    def _more(self, size: int) -> bool:
        """Reads on; False at the end of the file."""
        if self._ended:
            return False
        raw = self._stream.read(size)
        self._ended = not raw
        try:
            added = self._decoder.decode(raw, final=self._ended)
        except UnicodeDecodeError as error:
            what = f"byte {raw[error.start] if raw else 0:#04x} is not UTF-8"
            raise kernel.Unreadable(what, self._name, "save the file as UTF-8") from None
        self._text, self._at = self._text[self._at :] + added, 0
        return bool(added) or not self._ended
