"""What `autopsy.toml` may say, table by table.

Every table forbids keys that it does not know. Paths are relative to the folder of the file, and
a field name may be dotted to reach into an object. `load.py` turns this into a case.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from eval_autopsy import kernel
from eval_autopsy.attributes import edge_text

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SIZE = re.compile(rf"(\d{{1,6}}) ?({'|'.join(UNITS)})")
KINDS = ("python", "command", "http", "claude")  # of systems, one of which a case names
SMALLEST_MEMORY = 32 * 10**6  # a Python interpreter does not start in less

# Validators say what they expected; the loader adds what was found, and where.


def _texts(value: Any, what: str) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item.strip() for item in items):
        raise ValueError(what)
    if len(set(items)) < len(items):
        raise ValueError(f"{what}, each of them once")
    return tuple(items)


def _paths(value: Any) -> tuple[str, ...]:
    return _texts(value, "a path, or a list of paths")


def _names(value: Any) -> tuple[str, ...]:
    return _texts(value, "a list of field names") if value != [] else ()


def _changes(value: Any) -> tuple[str, ...]:
    return _texts(value, "a perturbation, or a list of perturbations")


def _tables(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or not all(isinstance(one, (dict, Table)) for one in value):
        raise ValueError("tables like [[hypothesis]]")
    return tuple(value)


def _not_blank(value: Any) -> bool | tuple[str, ...]:
    expected = "true, false, or a list of the fields that must not be blank"
    return value if isinstance(value, bool) else _texts(value, expected)


def _features(value: Any) -> bool | tuple[str, ...]:
    expected = "true, false, or a list of features such as field_order(input)"
    return value if isinstance(value, bool) else _texts(value, expected)


def _bands(value: Any) -> Bands:
    if value in ("quantiles", "supervised"):
        return str(value)
    numbers = value if isinstance(value, list) else []
    whole = [n for n in numbers if isinstance(n, (int, Decimal)) and not isinstance(n, bool)]
    edges = [n for n in map(Decimal, whole) if n.is_finite() and abs(n.adjusted()) < 300]
    if not edges or len(edges) < len(numbers) or edges != sorted(set(edges)):
        raise ValueError('rising numbers like [0.5, 2], "quantiles" or "supervised"')
    return tuple(map(edge_text, edges))


def _parts_of_times(value: Any) -> tuple[str, ...]:
    expected = f"one or more of {', '.join(kernel.TIMES)}"
    parts = _texts(value, expected)
    if not {*parts} <= {*kernel.TIMES}:
        raise ValueError(expected)
    return parts


def _patterns(value: Any) -> dict[str, str]:
    if value is False:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError('field names with a regular expression each, like total = "[0-9.]+"')
    for name, text in value.items():
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"a regular expression for {name!r} ({error})") from None
    return value


def _path_or_off(value: Any) -> str | None:
    if value is False:
        return None
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a path, or false")
    return value


def _entry(value: Any) -> str:
    """A `file.py:function` text."""
    if not isinstance(value, str) or not re.fullmatch(r"[^:]+\.py:[^\W\d]\w*", value):
        raise ValueError("a Python file and a name in it, like extractor.py:extract")
    return value


def _entry_or_off(value: Any) -> str | None:
    return None if value is False else _entry(value)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not 0 < value <= 86400:
        raise ValueError("a number of seconds above 0, at most 86400")
    return float(value)


def _memory(value: Any) -> int:
    """A size as text, in bytes."""
    match = SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match or int(match[1]) * UNITS[match[2]] < SMALLEST_MEMORY:
        raise ValueError('a size of at least 32 MB as text, like "512 MB"')
    return int(match[1]) * UNITS[match[2]]


def _size(value: Any) -> int:
    """A size as text, in bytes."""
    match = SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match or not int(match[1]):
        raise ValueError('a size as text, like "16 MB"')
    return int(match[1]) * UNITS[match[2]]


def _rate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not 0 < value <= 10**6:
        raise ValueError("a number of calls in a second, above 0")
    return float(value)


def _command(value: Any) -> tuple[str, ...]:
    whole = isinstance(value, list) and all(isinstance(part, str) for part in value)
    if not whole or not value or not value[0].strip() or any("\0" in part for part in value):
        raise ValueError('a program and its arguments, like ["node", "bot.js"]')
    return tuple(value)


def _url(value: Any) -> str:
    parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("a URL that begins with https:// or http://, without a password")
    return str(value)


def _json(value: Any) -> Any:
    """A value that can stand in JSON, which TOML's times cannot."""
    inside = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    for one in inside:
        _json(one)
    if not isinstance(value, (str, int, Decimal, list, dict)):
        raise ValueError("text, numbers, true, false, lists and tables of them")
    return value


def _objects(value: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("a list of tables")
    return tuple(map(_json, value))


def _options(value: Any) -> dict[str, Any]:
    taken = {"model", "messages", "system", "tools", "max_tokens", "stream"}
    if not isinstance(value, dict) or {*value} & taken:
        raise ValueError(f"a table of what else a request has, without {', '.join(sorted(taken))}")
    found: dict[str, Any] = _json(value)
    return found


def _messages(value: Any) -> tuple[dict[str, Any], ...]:
    expected = 'a list like [{ role = "user", content = "{input}" }]'
    messages = _objects(value) if isinstance(value, list) and value else ()
    if not messages or any({*one} != {"role", "content"} for one in messages):
        raise ValueError(expected)
    return messages


def _amount(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError("a number that is not negative")
    number = Decimal(value)
    if not number.is_finite() or number < 0 or number.adjusted() > 300:
        raise ValueError("a number that is not negative")
    return number


def _threshold(value: Any) -> Decimal | None:
    if value is None:
        return None
    number = value if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None
    if number is None or not Decimal(number).is_finite() or Decimal(number).adjusted() > 300:
        raise ValueError("a number, from which on a recorded score is right")
    return Decimal(number)


def _tolerance(value: Any) -> Any:
    """A table of both tolerances; a number alone is the absolute one."""
    return value if isinstance(value, dict) else {"absolute": value}


def _level(value: Any) -> str | int | bool:
    if not isinstance(value, (str, int, bool)):
        raise ValueError("the value of the split column: text, a whole number, true or false")
    return value


Bands = str | tuple[str, ...]  # "quantiles", "supervised", or the edges
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Level = Annotated[str | int | bool, BeforeValidator(_level)]
Paths = Annotated[tuple[str, ...], BeforeValidator(_paths)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]


class Table(BaseModel):
    """A table of the file: no unknown keys, no conversions, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Splits(Table):
    """The value of the split column that stands for each split."""

    eval: Level = "eval"
    production: Level = "production"


class Data(Table):
    """Where the records are: a file or more for each split, or one file with a split column, or a
    table with one that stays in its warehouse.

    `join` are files with more about the same ids, such as scores that were exported apart.
    """

    eval: Paths | None = None
    production: Paths | None = None
    file: Text | None = None
    table: Text | None = None  # its URL, without a password
    table_env: Text | None = None  # the environment variable that holds its URL
    split: Text | None = None
    splits: Splits | None = None
    join: Paths = ()
    set_aside: bool = False  # lines and rows that cannot be read, instead of stopping there
    prefix: bool = False  # ids with the name of their file, where files of a split share some
    only: dict[Text, Level] = {}  # the records in which these fields have these values
    verdict_words: bool = False  # the score is in words, such as pass and fail
    attempts: bool = False  # records of one id are attempts at one input, which is their cluster


class FieldNames(Table):
    """Which field plays which part. None is a part that the data does not have."""

    id: Text | None = None
    input: Text | None = None
    expected: Text | None = None
    output: Text | None = None
    error: Text | None = None
    score: Text | None = None
    confidence: Text | None = None
    timestamp: Text | None = None
    latency: Text | None = None
    cost: Text | None = None
    cluster: Text | None = None


class Fields(FieldNames):
    """The fields of all records, and those that go by another name in one of the splits."""

    id: Text = "id"
    eval: FieldNames = FieldNames()
    production: FieldNames = FieldNames()

    def parts(self) -> dict[str, str]:
        """The name of each part that all records have, or those of a split under another name."""
        named = _given(self)
        for part in (*_given(self.eval), *_given(self.production)):
            named.setdefault(part, part)
        return named

    def others(self, split: str) -> dict[str, str]:
        """The name of each part that goes by another one in a split."""
        return _given(getattr(self, split))


def _given(names: FieldNames) -> dict[str, str]:
    parts = ((part, getattr(names, part)) for part in FieldNames.model_fields)
    return {part: name for part, name in parts if name is not None}


class Http(Table):
    """An endpoint that is sent a POST with JSON for each input."""

    url: Annotated[str, BeforeValidator(_url)]
    body: Annotated[Any, BeforeValidator(_json)]  # with {input} or {input.field} in its texts
    output: Text | None = None  # where the output is in the answer, dotted; else all of it
    headers: dict[Text, Text] = {}
    headers_env: dict[Text, Text] = {}  # the environment variable that holds a header's value
    idempotency_header: Text | None = None  # is sent the same key when an input is sent again
    allow_private: bool = False  # whether the address may be of this machine or its network


class Claude(Table):
    """A prompt for a model of Anthropic's; texts may hold {input} or {input.field}."""

    model: Text
    messages: Annotated[tuple[dict[str, Any], ...], BeforeValidator(_messages)]
    system: Text | None = None
    tools: Annotated[tuple[dict[str, Any], ...], BeforeValidator(_objects)] = ()
    max_tokens: Annotated[int, Field(ge=1)] = 1024
    options: Annotated[dict[str, Any], BeforeValidator(_options)] = {}  # more of the request's body
    output: Literal["text", "json", "tool"] = "text"  # "tool": what the first tool is called with
    batch: bool = False  # many inputs in one batch, at half the price
    batch_wait: Annotated[float, BeforeValidator(_seconds)] = 86400.0  # seconds, for a batch to end
    api_key_env: Text = "ANTHROPIC_API_KEY"
    base_url: Annotated[str, BeforeValidator(_url)] = "https://api.anthropic.com"
    allow_private: bool = False


class Prices(Table):
    """What is paid: for each attempt, and for a million tokens of each kind."""

    call: Amount = Decimal(0)
    input: Amount = Decimal(0)
    output: Amount = Decimal(0)
    cache_read: Amount | None = None  # as input where it is not said
    cache_write: Amount | None = None


class System(Table):
    """The system under test, of one kind, and the bounds that its calls are held to."""

    python: Annotated[str | None, BeforeValidator(_entry)] = None
    interpreter: Text | None = None  # that runs the function, in place of ours
    command: Annotated[tuple[str, ...] | None, BeforeValidator(_command)] = None
    mode: Literal["lines", "each"] = "lines"  # JSON lines in and out, or a process for each input
    http: Http | None = None
    claude: Claude | None = None
    use: Text | None = None  # a kind that another package registers
    options: Annotated[dict[str, Any], BeforeValidator(_json)] = {}  # of that kind
    files: Paths = ()  # that answers depend on too: when one changes, all is called anew
    timeout: Annotated[float, BeforeValidator(_seconds)] = 10.0  # seconds, for each attempt
    memory: Annotated[int, BeforeValidator(_memory)] = 10**9  # bytes
    output_limit: Annotated[int, BeforeValidator(_size)] = 16 * 2**20  # bytes of one answer
    concurrency: Annotated[int, Field(ge=1, le=256)] = 1  # calls at a time
    rate: Annotated[float | None, BeforeValidator(_rate)] = None  # attempts begun in a second
    retries: Annotated[int, Field(ge=0, le=20)] = 4  # of what did not reach the system
    give_up: Annotated[int, Field(ge=1)] = 25  # failures in a row
    prices: Prices | None = None
    cost_limit: Amount | None = None  # in the currency of the prices, over all runs
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1  # calls of each input
    sample: Annotated[int, Field(ge=0)] = 20  # inputs called twice, where not all of them are
    keep_answers: bool | None = None  # for later runs, too; else as suits the kind

    @property
    def kind(self) -> str:
        """The name under which what runs it is registered."""
        return self.use or next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def keeps(self) -> bool:
        """Whether the answers of a run that has ended stand for later ones.

        A function is free to call and changes with every edit of what it reads, so that its next
        run is a true one; the answers of the others are paid for.
        """
        return self.kind != "python" if self.keep_answers is None else self.keep_answers


class Tolerance(Table):
    """How far apart two numbers may be: by an amount, or by a share of the expected one."""

    absolute: Amount = Decimal(0)
    relative: Amount = Decimal(0)


class Scorer(Table):
    """What makes an output right."""

    name: Text
    tolerance: Annotated[Tolerance | None, BeforeValidator(_tolerance)] = None
    threshold: Annotated[Decimal | None, BeforeValidator(_threshold)] = None  # of recorded scores
    fields: Names = ()  # of a structured output; none given means all of them
    output_format: Literal["value", "json"] = "value"
    errors: Literal["wrong", "apart"] = "wrong"


class Guards(Table):
    """What production would have stopped an answer with. Nothing is on that is not named here."""

    no_exception: bool = False
    parses: bool = False
    not_blank: Annotated[bool | tuple[str, ...], BeforeValidator(_not_blank)] = False
    matches: Annotated[dict[str, str], BeforeValidator(_patterns)] = {}
    json_schema: Annotated[str | None, BeforeValidator(_path_or_off)] = None
    pydantic: Annotated[str | None, BeforeValidator(_entry_or_off)] = None


class Slices(Table):
    """What the records are split by: fields of the data as they are, in bands, or as the parts of
    a time, and features of the texts, some of a file of the user's own."""

    by: Names = ()
    bands: dict[Text, Annotated[Bands, BeforeValidator(_bands)]] = {}
    times: dict[Text, Annotated[tuple[str, ...], BeforeValidator(_parts_of_times)]] = {}
    features: Annotated[bool | tuple[str, ...] | None, BeforeValidator(_features)] = None
    features_file: Paths = ()
    depth: Annotated[int, Field(ge=1, le=3)] | None = None  # attributes combined in a slice
    min_support: Annotated[int, Field(ge=1)] | None = None  # records of production in a slice


class Hypothesis(Table):
    """Why the system fails: what should break its right answers, what should not, and what should
    mend its wrong ones."""

    statement: Text
    breaks: Annotated[tuple[str, ...], BeforeValidator(_changes)]
    spares: Annotated[tuple[str, ...], BeforeValidator(_changes)] = ()
    mends: Annotated[tuple[str, ...], BeforeValidator(_changes)] = ()  # of production, in turn
    fields: dict[Text, Names] = {}  # by change, the output fields that it should turn wrong


class Perturbations(Table):
    """Changes of the user's own, to vary inputs with."""

    files: Paths = ()


class CaseFile(Table):
    """All of `autopsy.toml`."""

    name: Annotated[str, Field(pattern=SLUG, max_length=60)]
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    narrative: Text | None = None  # a Markdown file that names claims, shown in the report
    data: Data
    fields: Fields = Fields()
    system: System | None = None
    scorer: Scorer | None = None
    guards: Guards = Guards()
    slices: Slices = Slices()
    perturbations: Perturbations = Perturbations()
    hypothesis: Annotated[tuple[Hypothesis, ...], BeforeValidator(_tables)] = ()
