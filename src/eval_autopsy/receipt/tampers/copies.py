"""A receipt in memory: as it was, and a copy that may be changed and written out."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from eval_autopsy import kernel


class NotApplicable(Exception):
    """Why a tampering has no place in a receipt."""


class Memory:
    """The last few lots of records by what they were loaded from, so as to load them once.

    Most tamperings leave the data as they are: those records are always among the last.
    """

    LOTS = 4

    def __init__(self) -> None:
        self.loaded: dict[str, tuple[list[kernel.Record], kernel.Cube, str]] = {}

    def load(self, check: kernel.Verification, load: Callable[[kernel.Verification], str]) -> str:
        """Does what `load(check)` does, which depends on the evidence and the data alone."""
        key = hashlib.sha256(f"{load.__name__} {kernel.canonical(check.evidence)}".encode())
        for name in data_files(check.evidence):
            raw = check.files.get(name)
            key.update(b"-" if raw is None else hashlib.sha256(raw).digest())
        found = self.loaded.pop(key.hexdigest(), None)
        if found is None:
            words = load(check)
            found = list(check.records), check.cube, words
        else:
            check.records += found[0]
            check.cube = found[1]
        self.loaded[key.hexdigest()] = found  # as the last one
        for oldest in list(self.loaded)[: -self.LOTS]:
            del self.loaded[oldest]
        return found[2]


def data_files(evidence: Mapping[str, Any]) -> list[str]:
    """The files that records are loaded from."""
    answers = [evidence[part] for part in ("outputs", "verdicts")]
    answers += [evidence[part]["file"] for part in ("varied", "twins") if evidence[part]]
    return [*(one["file"] for one in evidence["sources"]), *(name for name in answers if name)]


def load_as_a_forger(check: kernel.Verification) -> str:
    """Loads records without the checks on what they are said to be."""
    check.records += kernel.load_records(check.evidence, check.opened)
    check.cube = kernel.count_records(
        [*map(kernel.attribute_name, check.evidence["attributes"])], check.records
    )
    if check.evidence["varied"]:
        name = check.evidence["varied"]["file"]
        rows = kernel.read_rows(check.opened(name), name, "jsonl")
        check.cube.varied = kernel.Varied(check.evidence, check.records, rows)
    if check.evidence["twins"]:
        name = check.evidence["twins"]["file"]
        rows = kernel.read_rows(check.opened(name), name, "jsonl")
        check.cube.twins = kernel.load_twins(check.evidence, rows)
    return ""


class Original:
    """A receipt that holds: its files, its statement, and where each record stands."""

    def __init__(self, done: kernel.Verification, memory: Memory | None = None) -> None:
        self.files: Mapping[str, bytes] = dict(done.files)
        self.text = json.dumps(done.statement)
        self.evidence: Mapping[str, Any] = done.evidence
        self.records = done.records
        self.claims: list[dict[str, Any]] = done.predicate["claims"]
        self.case = str(done.predicate["case"])
        self.memory = memory or Memory()
        self.places = [
            (source["file"], index)
            for source in self.evidence["sources"]
            for index, _ in enumerate(
                kernel.read_rows(done.opened(source["file"]), "", source["layout"])
            )
        ]
        self.shown = set(_shown(done.predicate))
        self.changed = {(row["split"], row["of"]) for row in self._rows_of_varied(done)}

    def _rows_of_varied(self, done: kernel.Verification) -> Iterable[dict[str, Any]]:
        if not self.evidence["varied"]:
            return []
        name = self.evidence["varied"]["file"]
        return [row.fields for row in kernel.read_rows(done.opened(name), name, "jsonl")]


def _shown(predicate: Mapping[str, Any]) -> Iterable[str]:
    """The ids of the records that a report shows one by one."""
    for claim in predicate["claims"]:
        if claim["op"] == "members":
            yield from claim["value"]
    for piece in predicate["report"]:
        if isinstance(piece, dict) and "quote" in piece:
            yield piece["quote"]


class Copy:
    """A receipt that may be changed, in memory."""

    def __init__(self, original: Original) -> None:
        self.original = original
        self.files = dict(original.files)
        self.statement: Any = json.loads(original.text)
        self.raw: bytes | None = None  # receipt.json, once its bytes were edited themselves
        self.last: list[Callable[[Path, Path], None]] = []  # what is done to the written folder

    @property
    def predicate(self) -> dict[str, Any]:
        predicate: dict[str, Any] = self.statement["predicate"]
        return predicate

    def read(self, name: str) -> bytes:
        if name == "receipt.json":
            return as_json(self.statement) if self.raw is None else self.raw
        if name not in self.files:
            raise NotApplicable(f"the receipt has no file {name}")
        return self.files[name]

    def write(self, name: str, content: bytes) -> None:
        if name == "receipt.json":
            self.raw = content
        else:
            self.files[name] = content

    def name(self, file: str) -> str:
        """The subject that `@eval`, `@production`, `@outputs`, `@verdicts`, `@system`, `@varied` or
        `@ledger` means."""
        if not file.startswith("@"):
            return file
        part = file[1:]
        if part in kernel.SPLITS:
            return str(self.source(part)["file"])
        found = self.original.evidence["varied" if part == "ledger" else part]
        if not found:
            raise NotApplicable(f"the receipt rests on no {part}")
        if part == "ledger":
            return str(found["ledger"])
        return str(found["file"] if part in ("system", "varied") else found)

    def source(self, split: str) -> Mapping[str, Any]:
        """The last source that has records of a split."""
        sources: list[Mapping[str, Any]] = self.original.evidence["sources"]
        return next(one for one in reversed(sources) if one.get("split", split) == split)

    def load(self) -> kernel.Verification:
        """The records of the copy as it is now, counted."""
        check = kernel.Verification("", {})
        check.files = self.files
        check.evidence = self.predicate["evidence"]
        self.original.memory.load(check, load_as_a_forger)
        return check

    @property
    def changed(self) -> list[str]:
        """The files whose content is not the original's."""
        before = self.original.files
        return [name for name, raw in self.files.items() if before.get(name) is not raw]

    @property
    def same_names(self) -> bool:
        """Whether there are the same files as before, all of them files."""
        return not self.last and set(self.files) == set(self.original.files)

    def put(self, folder: Path, root: Path, whole: Path | None = None) -> None:
        """Writes the copy as the receipt in `folder`; what is unchanged is linked to `whole`.

        Raises ValueError for a file that would land outside `root`.
        """
        changed = {*self.changed, "receipt.json"}
        for name in [*self.files, "receipt.json"]:
            path = inside(folder, name, root)
            path.parent.mkdir(parents=True, exist_ok=True)
            if whole is None or name in changed or not linked(whole / path.relative_to(root), path):
                path.write_bytes(self.read(name))
        for act in self.last:
            act(folder, root)

    def put_changed(self, folder: Path, names: Iterable[str]) -> None:
        """Writes some files of the copy over those of the receipt in `folder`."""
        for name in names:
            (folder / name).write_bytes(self.read(name))


def linked(old: Path, new: Path) -> bool:
    """Whether a link could be made, which costs nothing however large the file is."""
    try:
        os.link(old, new)
    except OSError:
        return False
    return True


def inside(folder: Path, name: str, root: Path) -> Path:
    """Where a file of a receipt stands; raises ValueError when that is outside `root`."""
    path = Path(os.path.normpath(os.path.join(folder, name)))
    if not path.is_relative_to(root):
        raise ValueError(f"{name} leads out of the folder for copies")
    return path


def as_json(statement: Any) -> bytes:
    """A statement as certification writes it."""
    return (json.dumps(statement, ensure_ascii=False, indent=1) + "\n").encode("utf-8")
