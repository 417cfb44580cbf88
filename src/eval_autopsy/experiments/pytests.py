"""A failing test and its passing twin, in a file that runs without this package."""

from __future__ import annotations

import os
import pprint
import re
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.case.load import Case
from eval_autopsy.errors import CannotRun, CannotUse
from eval_autopsy.experiments.shrink import End, Shrunk, plain
from eval_autopsy.guards.checks import parsed

PYTHON = """\
import importlib.util
import json
import sys
from pathlib import Path

SYSTEM = (Path(__file__).parent / {file!r}).resolve()
sys.path.insert(0, str(SYSTEM.parent))  # for what it imports from beside it
spec = importlib.util.spec_from_file_location("system_under_test", SYSTEM)
system = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = system
spec.loader.exec_module(system)


def answer(value):
    return system.{function}(value)
"""
COMMAND = """\
import json
import subprocess
from pathlib import Path

FOLDER = (Path(__file__).parent / {folder!r}).resolve()
COMMAND = {command!r}


def answer(value):
    line = json.dumps(value) + "\\n"
    done = subprocess.run(
        COMMAND,
        cwd=FOLDER,
        input=line,
        capture_output=True,
        text=True,
        check=True,
        timeout={timeout},
    )
    return json.loads(done.stdout)
"""
FIELDS = '''\
def asked(output, expected):
    """The fields of an output that are asked for."""
    return {name: field(output, name) for name in expected}


def field(output, name):
    """The value at a key, or at a dotted path; None where there is none."""
    if name in output:
        return output[name]
    for key in name.split("."):
        output = output.get(key) if isinstance(output, dict) else None
    return output
'''
FROM_JSON = """\
def read(output):
    return json.loads(output) if isinstance(output, str) else output
"""
TEST = """\
def test_{name}():
    value = {value}
    expected = {expected}
    assert {found} == expected
"""


def check(case: Case, path: Path) -> None:
    """Raises CannotUse for a file that is there, CannotRun for what no test can be written of."""
    if path.exists():
        raise CannotUse("the file is there already", where=str(path), remedy="name another one")
    system = case.file.system
    if system is not None and system.kind not in ("python", "command"):
        what = f"a test can call a Python function or a command, and the system is {system.kind}"
        raise CannotRun(what, where=str(case.path), remedy="leave out --pytest")
    if case.scorer.name != "exact_match":
        what = f"a test can compare as exact_match does, and the scorer is {case.scorer.name!r}"
        raise CannotRun(what, where=str(case.path), remedy="leave out --pytest")


def write(case: Case, found: Shrunk, path: Path) -> None:
    """Writes the tests. Raises CannotUse when the file is there."""
    check(case, path)
    with open(path, "x", encoding="utf-8") as file:
        file.write(text_of(case, found, path))


def text_of(case: Case, found: Shrunk, path: Path) -> str:
    """The tests of a result, for a file at `path`."""
    about = [f"The smallest input that fails as {found.id} of {found.split} does."]
    if found.difference:
        about += ["What makes it fail, which its passing twin does not have:", *found.difference]
    # Comments, whose text cannot end them: what comes from data is never code.
    comment = "".join(f"# {kernel.visible(words)}\n" for words in about)
    parts = [_system(case, path)]
    fields = any(_names(case, end) for end in found.ends)
    parts += [FROM_JSON] if case.scorer.output_format == "json" else []
    parts += [FIELDS] if fields else []
    name = re.sub(r"\W+", "_", found.id.casefold()).strip("_")
    parts.append(_test(case, found.failing, f"the_smallest_input_of_{name}_is_answered_right"))
    if found.passing is not None:
        parts.append(_test(case, found.passing, f"the_twin_of_{name}_is_answered_right"))
    return comment + "\n" + "\n\n".join(parts)


def _system(case: Case, path: Path) -> str:
    """The lines that ask the system."""
    beside = os.path.abspath(path.parent)
    bounds = case.file.system
    if case.system is not None:
        file = Path(os.path.relpath(case.system.file, beside)).as_posix()
        lines = PYTHON.format(file=file, function=case.system.name)
        from_json = case.scorer.output_format == "json"
        return lines if from_json else lines.replace("import json\n", "")
    assert bounds is not None
    folder = Path(os.path.relpath(case.folder, beside)).as_posix()
    return COMMAND.format(folder=folder, command=list(bounds.command or ()), timeout=bounds.timeout)


def _names(case: Case, end: End) -> tuple[str, ...]:
    """The fields that are asked for; none when the whole output is."""
    return end.trial.names or (case.scorer.fields if isinstance(end.trial.expected, dict) else ())


def _test(case: Case, end: End, name: str) -> str:
    names, expected = _names(case, end), end.trial.expected
    from_json = case.scorer.output_format == "json"
    output = "read(answer(value))" if from_json else "answer(value)"
    expected = parsed(expected) if from_json else expected
    if names:
        given: Any = expected
        expected = {one: kernel.field(given, one) for one in names}
        output = f"asked({output}, expected)"
    return TEST.format(
        name=name, value=_literal(end.trial.input), expected=_literal(expected), found=output
    )


def _literal(value: Any) -> str:
    """A value as Python writes it; a text of several lines, line by line."""
    value = plain(value)
    if isinstance(value, str) and "\n" in value.rstrip("\n"):
        lines = "".join(f"        {line!r}\n" for line in value.splitlines(keepends=True))
        return f"(\n{lines}    )"
    return pprint.pformat(value, width=88, sort_dicts=False).replace("\n", "\n    ")
