"""Which room may import what, and what is loaded before it is asked for."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "eval_autopsy"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))

# From the ground up. A room imports from itself and from floors below, never from its own floor.
FLOORS = [
    ["kernel"],
    ["errors"],
    ["attributes", "records", "registry"],
    ["features", "perturbations", "scorers"],
    ["guards", "readers"],
    # The case file as it is written: a description that what is above works from.
    ["case.model", "case.lines", "case.words", "case.table", "case.load"],
    # What the data hold: their fields, the parts that these play, and what may be sliced by.
    ["case.columns", "case.roles", "case.sets", "case.sliced"],
    ["systems", "verdicts"],
    ["cubes", "evidence"],
    ["questions"],
    ["auditing", "discovery"],
    ["columnar", "warehoused"],
    ["experiments"],
    ["receipt"],
    ["case"],
    ["table_slices"],
    ["screen"],
    ["api", "first_screen"],
    ["investigation"],
    ["__init__", "cli"],
    ["__main__"],
]
# The case file is one room of five modules, and what the data hold is one of four.
ONE_ROOM = dict.fromkeys(
    ["case.model", "case.lines", "case.words", "case.table", "case.load"], "the case file"
)
ONE_ROOM |= dict.fromkeys(
    ["case.columns", "case.roles", "case.sets", "case.sliced"], "what the data hold"
)
# Beyond the floors: where numbers are made, nothing is known of files, and the other way round.
APART = {
    "questions": {"kernel", "errors", "records", "cubes.blocks", "questions"},
    "receipt": {"kernel", "errors", "questions", "receipt"},
}
NOT_APART = {
    "receipt.certify",
    "receipt.recount",
}  # goes from the case to the receipt, through every floor

# Where each package of others may be imported.
HOMES = {
    "anthropic": {"systems.conversation", "systems.prompt", "systems.prompt_batch"},
    "backports": {"readers", "cli.doctor"},
    "click": {"cli"},
    "httpx2": {
        "systems.conversation",
        "systems.endpoint",
        "systems.network",
        "systems.prompt",
        "systems.prompt_batch",
    },
    "ibis": {"cubes"},
    "jinja2": {"receipt.template"},
    "jsonschema": {"guards.schemas"},
    "numpy": {"columnar", "cubes", "questions"},
    "polars": {
        "cubes",
        "evidence",
        "questions.audit",
        "questions.slices",
        "readers.arrow",
        "readers.parquet",
        "receipt.certify",
        "auditing",
        "verdicts",
    },
    "psutil": {"systems.keeper"},
    "pyarrow": {"cubes", "readers"},
    "pydantic": {"case", "guards.schemas"},
    "pydantic_core": {"case"},
    "referencing": {"guards.schemas"},
    "rich": {"cli.out"},
}
COMES_WITH = {"pydantic_core": "pydantic", "referencing": "jsonschema"}
COMES_WITH |= {"backports": "backports.zstd", "ibis": "ibis-framework"}
NOT_IMPORTED = {"duckdb"}  # an extra's version is bounded, though ibis alone imports it

HEAVY = {
    "anthropic",
    "httpx2",
    "ibis",
    "jinja2",
    "jsonschema",
    "numpy",
    "polars",
    "pyarrow",
    "pydantic",
    "rich",
}


def dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def within(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


def floor_of(name: str) -> tuple[int, str]:
    """The floor and the room of a module; the longest name of a room that fits it counts."""
    fits = [
        (len(room), floor, room)
        for floor, rooms in enumerate(FLOORS)
        for room in rooms
        if within(name, {room})
    ]
    assert fits, f"{name} is on no floor: say in FLOORS which one it is on"
    _, floor, room = max(fits)
    return floor, ONE_ROOM.get(room, room)


def imports_of(path: Path) -> Iterator[str]:
    """The full names of what a module imports, also inside functions and for types only."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: an import that says not from where"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_in(path: Path) -> set[str]:
    """The modules of ours that a module imports."""
    known = {dotted(module) for module in MODULES}
    found = set()
    for name in imports_of(path):
        if name.startswith("eval_autopsy."):
            inside = name.removeprefix("eval_autopsy.")
            module = inside if inside in known else inside.rpartition(".")[0]
            if module:  # empty for names of the package itself, such as __version__
                found.add(module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_an_import_goes_down(path: Path) -> None:
    floor, room = floor_of(dotted(path))
    for name in rooms_in(path):
        other_floor, other_room = floor_of(name)
        assert other_floor < floor or other_room == room, f"{dotted(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_measurements_and_receipts_know_nothing_of_files(path: Path) -> None:
    name = dotted(path)
    allowed = APART.get(name.partition(".")[0])
    if allowed is not None and name not in NOT_APART:
        assert {one for one in rooms_in(path) if not within(one, allowed)} == set()


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_package_of_others_is_imported_only_where_it_is_at_home(path: Path) -> None:
    name = dotted(path)
    for imported in imports_of(path):
        top = imported.partition(".")[0]
        if top in sys.stdlib_module_names or top in ("eval_autopsy", "posix", "nt"):
            continue
        if imported.startswith("compression."):
            continue  # of the standard library from Python 3.14
        assert within(name, HOMES.get(top, set())), f"{name} imports {imported}"


def test_the_kernel_imports_the_standard_library_alone() -> None:
    tops = {name.partition(".")[0] for name in imports_of(Path("kernel.py"))}
    assert tops - set(sys.stdlib_module_names) - {"nt"} == set()


def test_every_package_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    lines = project["dependencies"] + extras
    declared = {re.split(r"[<>=;\s\[]", line)[0] for line in lines} - NOT_IMPORTED
    assert {COMES_WITH.get(top, top) for top in HOMES} == declared


@pytest.mark.parametrize(
    "code",
    [
        "import eval_autopsy",
        "import eval_autopsy; dir(eval_autopsy)",
        "from eval_autopsy.cli.main import main; main(['--version'])",
        "from eval_autopsy.cli.main import main; main(['--help'])",
        "from eval_autopsy.cli.main import main; main(['slices', '--help'])",
        "from eval_autopsy.cli.main import main; main(['verify', '--help'])",
        "from eval_autopsy import verify",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_asked_for(code: str) -> None:
    code += "; import sys; print('LOADED', *sorted({m.partition('.')[0] for m in sys.modules}))"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.rpartition("LOADED ")[2].split())
    assert loaded & HEAVY == set()
    assert "eval_autopsy" in loaded


def test_an_unknown_name_of_the_package_is_an_error_that_names_it() -> None:
    import eval_autopsy

    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        eval_autopsy.opne  # noqa: B018
