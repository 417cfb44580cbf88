"""Edits of data: rows and their fields, in whatever layout, packed or not.

A row is the last one of a split whose record has an outcome, and that the report does not show by
id: which numbers it changes is then known, and that it changes no quotation.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Mapping
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.receipt.tampers.copies import Copy, NotApplicable
from eval_autopsy.receipt.tampers.statement import swap_source_splits


class Rows:
    """The rows of a file as texts that can be moved about; `write` puts them back."""

    def __init__(self, copy: Copy, file: str, layout: str) -> None:
        self.copy, self.file, self.layout = copy, file, layout
        raw = copy.read(file)
        self.packed = raw[:2] == b"\x1f\x8b"
        content = (gzip.decompress(raw) if self.packed else raw).decode("utf-8")
        self.mark = "\ufeff" if content.startswith("\ufeff") else ""
        content = content.removeprefix("\ufeff")
        self.head = ""  # of CSV: the row of names
        if layout == "json":
            items = kernel.strict_json(content)
            self.items = [kernel.canonical(item) + "\n" for item in items]
        else:
            self._cut(content)

    def _cut(self, content: str) -> None:
        stream = io.BytesIO(content.encode("utf-8"))
        starts = [row.line - 1 for row in kernel.read_rows(stream, self.file, self.layout)]
        lines = [line + "\n" for line in content.removesuffix("\n").split("\n")]
        self.head = "".join(lines[: starts[0]] if starts else lines)
        ends = [*starts[1:], len(lines)]
        self.items = ["".join(lines[a:b]) for a, b in zip(starts, ends, strict=True)]

    def fields(self, index: int) -> dict[str, Any]:
        """What a row holds."""
        if self.layout != "csv":
            found: dict[str, Any] = kernel.strict_json(self.items[index])
            return found
        text = io.StringIO(self.head + self.items[index], newline="")
        header, cells = list(csv.reader(text))[:2]
        return dict(zip(header, cells, strict=True))

    def change(self, index: int, name: str, value: Any, *, drop: bool = False) -> None:
        """Gives a field another value, or takes it away."""
        fields = self.fields(index)
        holder, key = fields, name
        while key not in holder and isinstance(holder.get(key.partition(".")[0]), dict):
            first, _, key = key.partition(".")
            holder = holder[first]
        if drop:
            holder.pop(key, None)
        else:
            holder[key] = value
        self.items[index] = self._written(fields)

    def _written(self, fields: dict[str, Any]) -> str:
        if self.layout != "csv":
            return kernel.canonical(fields) + "\n"
        header = next(csv.reader(io.StringIO(self.head, newline="")))
        line = io.StringIO()
        cells = (fields.get(name, "") for name in header)
        csv.writer(line, lineterminator="\n").writerow(
            cell if isinstance(cell, str) else kernel.canonical(cell) for cell in cells
        )
        return line.getvalue()

    def of_answer(self, key: tuple[str, str]) -> int:
        """Where the answer to a record stands, in a file of answers."""
        for index in range(len(self.items)):
            fields = self.fields(index)
            if (fields["split"], fields["id"]) == key:
                return index
        raise NotApplicable(f"no answer of {key[1]}")

    def write(self) -> None:
        content = self.head + "".join(self.items)
        if self.layout == "json":
            content = "[" + ",".join(self.items) + "]\n"
        raw = (self.mark + content).encode("utf-8")
        self.copy.write(self.file, gzip.compress(raw, mtime=0) if self.packed else raw)


def data_rows(copy: Copy, file: str) -> Rows:
    """The rows of a source."""
    layouts = {one["file"]: one["layout"] for one in copy.original.evidence["sources"]}
    return Rows(copy, file, layouts[file])


def answer_rows(copy: Copy) -> list[Rows]:
    """The files that hold an answer for each record: outputs, verdicts, both or none."""
    names = (copy.original.evidence[part] for part in ("outputs", "verdicts"))
    return [Rows(copy, name, "jsonl") for name in names if name]


def places(copy: Copy, split: str, outcome: str) -> list[int]:
    """The records of a split that have an outcome, and that the report does not show by id.

    Beside the kernel's outcomes there is "changed": the system was asked about changes of it. Such
    a record of production has to be wrong, and is not among those of other outcomes.
    """
    original = copy.original

    def fits(record: kernel.Record) -> bool:
        changed = (split, record.id) in original.changed
        if outcome == "changed" or (changed and split == "production"):
            return changed and outcome == "changed"
        return outcome in record.outcomes

    return [
        number
        for number, record in enumerate(original.records)
        if record.split == split and fits(record) and record.id not in original.shown
    ]


def last_place(copy: Copy, split: str, outcome: str) -> int:
    """The last such record; raises NotApplicable when there is none."""
    found = places(copy, split, outcome)
    if not found:
        raise NotApplicable(f"no record of {split} is {outcome}, or the report shows it")
    return found[-1]


def need(copy: Copy, split: str = "production", **wanted: str) -> None:
    """Changes nothing: the tampering has no place unless the evidence is like that."""
    evidence, source = copy.original.evidence, copy.source(split)
    packed = copy.read(source["file"])[:2] == b"\x1f\x8b"
    made = [one for one in evidence["attributes"] if isinstance(one, dict)]
    features = [one for one in made if "feature" in one]
    found: dict[str, Callable[[str], bool]] = {
        "layout": lambda value: source["layout"] in value.split("|"),
        "rule": lambda value: evidence["scorer"]["rule"] in value.split("|"),
        "outcome": lambda value: bool(places(copy, split, value)),
        "answers": lambda value: (
            bool(evidence["outputs"] or evidence["verdicts"]) == (value == "yes")
        ),
        "files": lambda value: ("split" in source) == (value == "apart"),
        "packed": lambda value: packed == (value == "yes"),
        "features": lambda value: bool(features) == (value == "yes"),
        "search": lambda value: bool(evidence["search"]) == (value == "yes"),
        "varied": lambda value: bool(evidence["varied"]) == (value == "yes"),
        "mended": lambda value: _mended(evidence["varied"]) == (value == "yes"),
        "again": lambda value: (_predictions(evidence["varied"]) > 1) == (value == "yes"),
        "claimed": lambda value: any(claim["op"] == value for claim in copy.original.claims),
        "held_out": lambda value: (
            bool((evidence["search"] or {}).get("held_out")) == (value == "yes")
        ),
        "kept": lambda value: any(one["kept"] for one in features) == (value == "yes"),
        "guard": lambda value: value in [guard["name"] for guard in evidence["guards"]],
        "no_guard": lambda value: value not in [guard["name"] for guard in evidence["guards"]],
    }
    for name, value in wanted.items():
        if not found[name](value):
            raise NotApplicable(f"the evidence has no {name.replace('_', ' ')} {value}")


def _mended(varied: Mapping[str, Any] | None) -> bool:
    """Whether a hypothesis says what mends production."""
    return any(one["mends"] for one in (varied["hypotheses"] if varied else []))


def _predictions(varied: Mapping[str, Any] | None) -> int:
    """How many hypotheses are about the change that the first one spares first."""
    hypotheses = varied["hypotheses"] if varied else []
    spared = {*hypotheses[0]["spares"][:1]} if hypotheses else set()
    return sum(bool(spared & {*one["breaks"], *one["spares"]}) for one in hypotheses)


def row(
    copy: Copy,
    do: str,
    split: str = "production",
    outcome: str = "counted",
    answers: bool = False,
) -> None:
    """Deletes, repeats or adds a row, or swaps it with the next; `answers` are kept in step.

    An added row is a copy under an id of its own.
    """
    number = last_place(copy, split, outcome)
    file, index = copy.original.places[number]
    identity = copy.original.records[number].id
    rows = data_rows(copy, file)
    _move(rows, do, index, copy.original.evidence["fields"]["id"], identity)
    rows.write()
    if answers and do != "swap":
        for other in answer_rows(copy):
            _move(other, do, other.of_answer((split, identity)), "id", identity)
            other.write()


def _move(rows: Rows, do: str, index: int, name: str, identity: str) -> None:
    items = rows.items
    if do == "delete":
        del items[index]
    elif do == "swap":
        if len(items) < 2:
            raise NotApplicable("the file has one row")
        items[index], items[index - 1] = items[index - 1], items[index]
    else:
        items.insert(index + 1, items[index])
        if do == "add":
            rows.change(index + 1, name, identity + "-added")


def field(
    copy: Copy,
    role: str,
    split: str = "production",
    outcome: str = "counted",
    to: Any = None,
    drop: bool = False,
) -> None:
    """Changes or drops what a row has as id, input, expected, output, error or score.

    A role `slice` is the first attribute that records are sliced by, `split` what tells eval from
    production in a file of both.
    """
    evidence, source = copy.original.evidence, copy.source(split)
    fields = [one for one in evidence["attributes"] if isinstance(one, str)]
    roles: dict[str, list[Any]] = {"slice": fields, "split": [source.get("split_field")]}
    name = next(iter(roles.get(role, [evidence["fields"].get(role)])), None)
    if name is None:
        raise NotApplicable(f"the data have no field for {role}")
    file, index = copy.original.places[last_place(copy, split, outcome)]
    rows = data_rows(copy, file)
    rows.change(index, name, to, drop=drop)
    rows.write()


def answer(copy: Copy, to: Any, split: str = "production", outcome: str = "wrong") -> None:
    """Changes what the system is recorded to have answered; `error: ...` makes it a failure."""
    record = copy.original.records[last_place(copy, split, outcome)]
    rows = Rows(copy, copy.name("@outputs"), "jsonl")
    index = rows.of_answer((record.split, record.id))
    failed = isinstance(to, str) and to.startswith("error: ")
    rows.change(index, "error" if failed else "output", to[7:] if failed else to)
    rows.change(index, "output" if failed else "error", None, drop=True)
    rows.write()


def misjudge(copy: Copy, split: str = "production") -> None:
    """Makes a right record wrong, in the way in which this evidence tells them apart."""
    record = copy.original.records[last_place(copy, split, "right")]
    evidence = copy.original.evidence
    if evidence["scorer"]["rule"] == "recorded":
        field(copy, "score", split, "right", to="false")
    elif evidence["scorer"]["rule"] == "stored":
        rows = Rows(copy, copy.name("@verdicts"), "jsonl")
        rows.change(rows.of_answer((record.split, record.id)), "right", False)
        rows.write()
    else:
        other: Any = "tampered"
        if isinstance(record.expected, dict):
            other = dict.fromkeys(record.expected, "tampered")
        if evidence["output_format"] == "json":
            other = kernel.canonical(other)
        field(copy, "expected", split, "right", to=other)


def swap_splits(copy: Copy) -> None:
    """Calls eval production and production eval, in the sources and in the answers."""
    names = dict(zip(kernel.SPLITS, reversed(kernel.SPLITS), strict=True))
    swap_source_splits(copy)
    for rows in answer_rows(copy):
        for index in range(len(rows.items)):
            rows.change(index, "split", names[rows.fields(index)["split"]])
        rows.write()


def halve(copy: Copy, split: str = "production", outcome: str = "wrong") -> None:
    """Drops every second record of a split that has an outcome, with its answers."""
    numbers = places(copy, split, outcome)[1::2]
    if not numbers:
        raise NotApplicable(f"fewer than two records of {split} are {outcome}")
    for number in reversed(numbers):
        file, index = copy.original.places[number]
        rows = data_rows(copy, file)
        del rows.items[index]
        rows.write()
    gone = {(split, copy.original.records[number].id) for number in numbers}
    for rows in answer_rows(copy):
        keys = [rows.fields(i) for i in range(len(rows.items))]
        kept = [(k["split"], k["id"]) not in gone for k in keys]
        rows.items = [item for item, keep in zip(rows.items, kept, strict=True) if keep]
        rows.write()


EDITS: dict[str, Callable[..., None]] = {
    "need": need,
    "row": row,
    "field": field,
    "answer": answer,
    "misjudge": misjudge,
    "swap splits": swap_splits,
    "halve": halve,
}
