"""Rules that right outputs keep: what is learned of them, and each as plain Python.

1. Only the text of the input and the output are looked at: no id, no expected value, no attribute.
2. A rule is a candidate when every right output that it is learned from keeps it.
3. A closed set (values, shapes) is one only if each of its members was seen at least three times:
   else the next record may well bring another.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations, permutations
from typing import Any, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.questions import holds

SEEN = 3  # times that a member of a closed set is seen
MEMBERS = 12  # of a closed set at most
AGREE = 0.9  # of the right outputs, for a label to be a field's
DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Seen(NamedTuple):
    """The text of an input, and an output."""

    text: str
    output: Any


class Rule(NamedTuple):
    """A function of `holds`, and what it is given besides the text and the output."""

    asks: Callable[..., bool]
    given: tuple[Any, ...]

    def keeps(self, seen: Seen) -> bool:
        """Whether an output may pass."""
        return self.asks(seen.text, seen.output, *self.given)

    @property
    def name(self) -> str:
        """A name for a Python function."""
        fields = [one for one in self.given if isinstance(one, str)][: FIELDS.get(self.asks, 1)]
        words = "_".join(re.sub(r"\W+", "_", one) or "output" for one in fields)
        return f"{'field_' * words[0].isdigit()}{words}_{self.asks.__name__}"

    @property
    def words(self) -> str:
        """What it says."""
        said = (inspect.getdoc(self.asks) or "").rstrip(".")
        return f"{said}: {', '.join(map(shown, self.given))}"

    @property
    def needs_input(self) -> bool:
        """Whether it looks at the input."""
        return self.asks in (holds.stands_in_input, holds.stands_under, holds.not_of_another)


FIELDS: dict[Callable[..., bool], int] = {
    holds.differ: 2,
    holds.in_order: 2,
    holds.is_product: 3,
    holds.is_sum: 3,
    holds.is_sum_of_items: 2,
}


def shown(value: Any) -> str:
    """What a rule is given, in words."""
    return " or ".join(map(shown, value)) if isinstance(value, list) else str(value) or "the output"


def candidates(right: Sequence[Seen]) -> list[Rule]:
    """The rules that every one of some right outputs keeps."""
    fields = fields_of(right)
    labels = {name: labels_of(name, right) for name in fields}
    rules = [
        # What says the most of an output comes first: of two that catch the same, it is taken.
        *(rule for name in fields for rule in _of_labels(name, labels)),
        *_of_several(fields, right),
        *_of_items(fields, right),
        *(rule for name in fields for rule in _of_field(name, right)),
    ]
    return [rule for rule in rules if all(rule.keeps(one) for one in right)]


def fields_of(right: Sequence[Seen]) -> list[str]:
    """The fields of the outputs with a value that is no list or object; "" is a whole output."""
    counts: Counter[str] = Counter()
    for one in right:
        parts = one.output if isinstance(one.output, dict) else {"": one.output}
        counts.update(name for name, part in parts.items() if isinstance(part, SCALAR))
    return sorted(name for name, n in counts.items() if n == len(right))


SCALAR = (str, int, float, Decimal, bool)


def labels_of(name: str, right: Sequence[Seen]) -> list[str]:
    """The labels under which the values of a field stand."""
    agree: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for one in right:
        value = holds.plain(holds.at(one.output, name))
        for label, stated in holds.labelled(one.text).items():
            every[label] += 1
            agree[label] += holds.plain(stated) == value
    return sorted(label for label, n in agree.items() if n >= SEEN and n >= AGREE * every[label])


def _of_field(name: str, right: Sequence[Seen]) -> Iterator[Rule]:
    values = [holds.at(one.output, name) for one in right]
    yield Rule(holds.is_there, (name,))
    for kind in ("text", "number", "truth value"):
        yield Rule(holds.is_of_type, (name, kind))
    known = Counter(map(kernel.canonical, values))
    if closed(known):
        yield Rule(holds.is_one_of, (name, [kernel.strict_json(text) for text in sorted(known)]))
    shapes = Counter(map(holds.shape, values))
    if closed(shapes):
        yield Rule(holds.has_shape, (name, sorted(shapes)))
    yield Rule(holds.stands_in_input, (name,))
    numbers = [number for number in map(holds.amount, values) if number is not None]
    if len(numbers) == len(values):
        low, high = min(numbers), max(numbers)
        room = high - low  # beyond what was seen, for the next ones to fit
        ends = (Decimal(0) if low >= 0 else low - room, high + room)
        yield Rule(holds.is_between, (name, *map(str, ends)))


def closed(counts: Counter[str]) -> bool:
    """Whether some values look like all that there are."""
    return 0 < len(counts) <= MEMBERS and min(counts.values()) >= SEEN


def _of_labels(name: str, labels: dict[str, list[str]]) -> Iterator[Rule]:
    own = labels[name]
    others = sorted({label for other in labels.values() for label in other} - {*own})
    if own:
        yield Rule(holds.stands_under, (name, own))
    if own and others:
        yield Rule(holds.not_of_another, (name, own, others))


def _of_several(fields: Sequence[str], right: Sequence[Seen]) -> Iterator[Rule]:
    for pair in combinations(fields, 2):
        yield Rule(holds.differ, pair)
    dates = [name for name in fields if all(is_date(holds.at(one.output, name)) for one in right)]
    for pair in permutations(dates, 2):
        if any(
            str(holds.at(one.output, pair[0])) < str(holds.at(one.output, pair[1])) for one in right
        ):
            yield Rule(holds.in_order, pair)
    numbers = [n for n in fields if all(holds.amount(holds.at(o.output, n)) for o in right)]
    for total in numbers:
        for one, other in combinations([name for name in numbers if name != total], 2):
            yield Rule(holds.is_product, (total, one, other))
            yield Rule(holds.is_sum, (total, one, other))


def _of_items(fields: Sequence[str], right: Sequence[Seen]) -> Iterator[Rule]:
    """Totals over lists of objects."""
    first = right[0].output if right else None
    for name, listed in first.items() if isinstance(first, dict) else ():
        if isinstance(listed, list) and listed and isinstance(listed[0], dict):
            numbers = [key for key, value in listed[0].items() if holds.amount(value) is not None]
            factors = [[key] for key in numbers] + [[*pair] for pair in combinations(numbers, 2)]
            for total in fields:
                for some in factors:
                    yield Rule(holds.is_sum_of_items, (total, name, some))


def is_date(value: Any) -> bool:
    return isinstance(value, str) and DATE.fullmatch(value) is not None


def code_of(rules: Sequence[Rule]) -> str:
    """The rules as a Python file that needs the standard library alone."""
    asked = {rule.asks for rule in rules}
    named = {**vars(holds)}
    needed = _with_helpers({one.__name__ for one in asked} | {"text_of"})
    constants = [name for name in ("FIELD", "BETWEEN", "NUMBER") if _uses(needed, name)]
    source = inspect.getsource(holds)
    parts = ["\n".join(_line_of(source, name) for name in constants)]
    parts += [inspect.getsource(named[name]).rstrip() for name in needed]
    names = names_of(rules)
    parts += [_function(name, rule) for name, rule in zip(names, rules, strict=True)]
    listed = "".join(f"    {name},\n" for name in names)
    parts.append(f"RULES = (\n{listed})\n\n\n{PASSES}")
    body = "\n\n\n".join(part for part in parts if part)
    head = HEAD if "Decimal(" in body else HEAD.replace(DECIMAL, "")
    return f"{head}\n{body}\n"


def names_of(rules: Sequence[Rule]) -> list[str]:
    """A name for each rule, which no other one has."""
    counts: Counter[str] = Counter()
    found = []
    for rule in rules:
        counts[rule.name] += 1
        again = counts[rule.name]
        found.append(rule.name if again == 1 else f"{rule.name}_{again}")
    return found


DECIMAL = "from decimal import Decimal, InvalidOperation\n"
HEAD = '''\
"""Guards that right outputs keep and wrong ones break, learned from records."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

'''
PASSES = '''\
def broken(value: Any, output: Any) -> list[str]:
    """The names of the rules that an output to an input breaks; none of one that may pass."""
    text = text_of(value)
    return [rule.__name__ for rule in RULES if not rule(output, text)]'''


def _function(name: str, rule: Rule) -> str:
    """A rule as a function; one that needs no input is a guard as it is."""
    given = ", ".join(["text", "output", *map(_literal, rule.given)])
    text = "text: str" if rule.needs_input else 'text: str = ""'
    return (
        f"def {name}(output: Any, {text}) -> bool:\n"
        f'    """{(inspect.getdoc(rule.asks) or "").strip()}"""\n'
        f"    return {rule.asks.__name__}({given})"
    )


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return f"Decimal({str(value)!r})" if isinstance(value, Decimal) else repr(value)


def _with_helpers(names: set[str]) -> list[str]:
    """The names of functions of `holds` that some of them call, in the order of the file."""
    functions = [name for name, one in vars(holds).items() if inspect.isfunction(one)]
    while True:
        called = {name for name in functions if _uses(sorted(names), name)}
        if called <= names:
            return [name for name in functions if name in names]
        names |= called


def _uses(functions: Sequence[str], name: str) -> bool:
    sources = (inspect.getsource(getattr(holds, one)) for one in functions)
    return any(re.search(rf"(?<!def )\b{name}\b", source) for source in sources)


def _line_of(source: str, name: str) -> str:
    """The line of a constant, or its lines."""
    match = re.search(rf"^{name} = .*?(?=^\S(?<!\)))", source, re.MULTILINE | re.DOTALL)
    return match[0].rstrip() if match else ""
