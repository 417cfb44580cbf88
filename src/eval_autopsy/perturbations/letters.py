"""How letters and signs are written. What a reader sees stays nearly as it is."""

from __future__ import annotations

import re
import unicodedata
from random import Random

from eval_autopsy.perturbations.answers import follows
from eval_autopsy.perturbations.draws import below, one_of
from eval_autopsy.registry import perturbation

ORDER = "every line, and the words but for how they are written"
ENCODING = "how letters are encoded"
SPELLING = "how words are spelled"
CASE = "letter case"
MARKS = "quotes and hyphens"
LOOK_ALIKES = str.maketrans("aceopxyACEHOPTX", "асеорхуАСЕНОРТХ")  # noqa: RUF001  Cyrillic ones
QUOTES = str.maketrans({"'": "\u2019", '"': "\u201d"})
HYPHEN = "\u2010"
_WORD = re.compile(r"[^\W\d_]{5,}")
MARK = "\ufeff"


@perturbation("upper_case", varies=CASE, holds=ORDER, answers=follows(str.upper))
def upper_case(text: str, draw: Random) -> str | None:
    """Every letter is a capital one."""
    return text.upper()


@perturbation("lower_case", varies=CASE, holds=ORDER, answers=follows(str.lower))
def lower_case(text: str, draw: Random) -> str | None:
    """Every letter is a small one."""
    return text.lower()


def composed(text: str) -> str:
    """A text in Unicode's normal form C."""
    return unicodedata.normalize("NFC", text)


@perturbation(
    "compose_letters",
    varies=ENCODING,
    holds="what every letter looks like",
    answers=follows(composed),
)
def compose_letters(text: str, draw: Random) -> str | None:
    """Letters with accents are one character each: Unicode's normal form C."""
    return composed(text)


def decomposed(text: str) -> str:
    """A text in Unicode's normal form D."""
    return unicodedata.normalize("NFD", text)


@perturbation(
    "decompose_letters",
    varies=ENCODING,
    holds="what every letter looks like",
    answers=follows(decomposed),
)
def decompose_letters(text: str, draw: Random) -> str | None:
    """Letters and their accents are characters of their own: Unicode's normal form D."""
    return decomposed(text)


def unaccented(text: str) -> str:
    """A text without the accents of its letters."""
    parts = unicodedata.normalize("NFD", text)
    bare = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", bare)


@perturbation("drop_accents", varies=SPELLING, holds=ORDER, answers=follows(unaccented))
def drop_accents(text: str, draw: Random) -> str | None:
    """Letters have no accents."""
    return unaccented(text)


def disguised(text: str) -> str:
    """A text in which some Latin letters are Cyrillic ones that look the same."""
    return text.translate(LOOK_ALIKES)


@perturbation(
    "look_alikes", varies=ENCODING, holds="what every letter looks like", answers=follows(disguised)
)
def look_alikes(text: str, draw: Random) -> str | None:
    """Latin letters that have a Cyrillic twin are that twin."""
    return disguised(text)


def curled(text: str) -> str:
    """A text with the closing quotes of a printer."""
    return text.translate(QUOTES)


@perturbation(
    "curly_quotes", varies=MARKS, holds="every letter, digit and line", answers=follows(curled)
)
def curly_quotes(text: str, draw: Random) -> str | None:
    """Straight quotes are curly ones, as word processors write them."""
    return curled(text)


def typeset(text: str) -> str:
    """A text with the hyphens of a printer."""
    return text.replace("-", HYPHEN)


@perturbation(
    "other_hyphens", varies=MARKS, holds="every letter, digit and line", answers=follows(typeset)
)
def other_hyphens(text: str, draw: Random) -> str | None:
    """The hyphen of a keyboard is the one of a printer, which is another character."""
    return typeset(text)


def misread(text: str) -> str:
    """A text whose UTF-8 was read as Latin-1."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


@perturbation(
    "wrong_encoding", varies=ENCODING, holds="the bytes, and all of ASCII", answers=follows(misread)
)
def wrong_encoding(text: str, draw: Random) -> str | None:
    """The text's UTF-8 was read as Latin-1."""
    return misread(text)


@perturbation("byte_order_mark", varies=ENCODING, holds="every character of the text")
def byte_order_mark(text: str, draw: Random) -> str | None:
    """A byte order mark comes before the text, as some programs save files."""
    return None if text.startswith(MARK) else MARK + text


@perturbation("typo", varies=SPELLING, holds="every word but one, and every line")
def typo(text: str, draw: Random) -> str | None:
    """Two letters inside one word, drawn at random, change places."""
    words = [*_WORD.finditer(text)]
    if not words:
        return None
    word = one_of(draw, words)
    at = word.start() + 1 + below(draw, len(word.group()) - 3)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
