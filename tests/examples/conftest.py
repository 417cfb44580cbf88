"""An example as a user has it: a copy, whose answers and receipts stay out of the repository."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from eval_autopsy import api
from eval_autopsy.experiments.study import Varied
from eval_autopsy.questions.slices import Slice

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class Example(NamedTuple):
    """A copy of an example."""

    folder: Path

    @property
    def case(self) -> api.Autopsy:
        return api.open(self.folder)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a data file."""
        lines = (self.folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def module(self, name: str) -> ModuleType:
        """A program of the example as a module; an import would leave compiled files."""
        path = self.folder / f"{name}.py"
        module = ModuleType(f"{self.folder.name}_{name}".replace("-", "_"))
        module.__file__ = str(path)
        exec(compile(path.read_bytes(), path, "exec"), module.__dict__)
        return module


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Example]:
    """The copy of an example, the same one throughout."""
    base = tmp_path_factory.mktemp("examples")

    def copy(name: str) -> Example:
        folder = base / name
        if not folder.exists():
            hidden = shutil.ignore_patterns("__pycache__", ".autopsy")
            shutil.copytree(EXAMPLES / name, folder, ignore=hidden)
        return Example(folder)

    return copy


def found_in(slices: Slice, planted: set[str]) -> tuple[int, int, int]:
    """How many of the planted ids a slice holds, of how many, and how many ids it holds."""
    members = set(slices.members or ())
    return len(members & planted), len(planted), len(members)


def flips(varied: Varied, group: str) -> dict[tuple[str, ...], tuple[int, int, int]]:
    """n, broken and mended of the changes that do what is beyond chance in a group."""
    assert varied.ablation is not None
    return {
        one.tried.changes: (one.tried.pairs.n, one.tried.pairs.broken, one.tried.pairs.mended)
        for one in varied.ablation.of(group)
        if one.breaks or one.mends
    }


def verdicts(varied: Varied) -> dict[str, str]:
    """What came of each hypothesis, by its statement."""
    return {one.statement: one.verdict for one in varied.hypotheses}
