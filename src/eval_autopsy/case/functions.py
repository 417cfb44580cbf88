"""Which function beside the data may be the system under test, told without running anything."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from eval_autopsy.case.roles import words

SIZE_LIMIT = 2**20  # bytes of a Python file that is looked at
NOT_SYSTEMS = ("test_", "conftest", "setup", "__", "generate", "make_")
VERBS = frozenset(
    words(
        "extract predict answer classify run call respond process solve complete infer handle "
        "parse translate summarize summarise label system model agent pipeline invoke generate"
    )
)


class Function(NamedTuple):
    """A public function that can be called with one value."""

    file: Path
    name: str
    parameter: str


class Found(NamedTuple):
    """The function that is meant, if one stands out, and why."""

    function: Function | None
    why: str


def functions_in(file: Path) -> list[Function]:
    """The public functions of a Python file that need exactly one value; it is not imported."""
    try:
        if file.stat().st_size > SIZE_LIMIT:
            return []
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # it cannot be the system, then
    return [
        Function(file, node.name, parameter)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        for parameter in [_only_parameter(node.args)]
        if parameter
    ]


def _only_parameter(arguments: ast.arguments) -> str:
    """The name of the one parameter that has to be given by position; "" when that cannot be."""
    positional = [*arguments.posonlyargs, *arguments.args]
    needed = len(positional) - len(arguments.defaults)
    named_only = sum(default is None for default in arguments.kw_defaults)
    return positional[0].arg if needed == 1 and named_only == 0 else ""


def guess_system(files: Iterable[Path], input_field: str) -> Found:
    """The function that takes the input, when exactly one stands out by its name."""
    candidates = [
        function
        for file in sorted(files)
        if not file.name.startswith(NOT_SYSTEMS)
        for function in functions_in(file)
    ]
    if not candidates:
        return Found(None, "no Python file beside the data has a function of one parameter")
    if len(candidates) == 1:
        return Found(candidates[0], "the only public function of one parameter beside the data")
    points = {function: _points(function, input_field) for function in candidates}
    best = [function for function in candidates if points[function] == max(points.values())]
    if len(best) == 1 and points[best[0]] > 0:
        return Found(best[0], f"{len(candidates)} functions take one value; this name fits best")
    listed = ", ".join(f"{function.file.name}:{function.name}" for function in candidates[:5])
    return Found(None, f"several functions could be it: {listed}")


def _points(function: Function, input_field: str) -> int:
    verb = function.name.partition("_")[0] in VERBS
    of_the_file = function.file.stem.startswith(function.name[:5])
    takes_input = function.parameter in (input_field.rpartition(".")[2], "text", "input", "prompt")
    return 2 * verb + of_the_file + takes_input
