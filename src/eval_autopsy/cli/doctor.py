"""`autopsy doctor`: what is installed, where, and what is missing."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from eval_autopsy import __version__, kernel
from eval_autopsy.cli.out import Out, verb

# What the engine needs: the package, the module it brings, and what for.
NEEDED = {
    "click": ("click", "the command line"),
    "jinja2": ("jinja2", "writes reports"),
    "jsonschema": ("jsonschema", "the guard json_schema"),
    "numpy": ("numpy", "searches for slices"),
    "polars": ("polars", "counts"),
    "psutil": ("psutil", "ends what a system leaves behind"),
    "pyarrow": ("pyarrow", "reads long Parquet files"),
    "pydantic": ("pydantic", "reads autopsy.toml"),
    "rich": ("rich", "formats output on a terminal"),
}
ZSTD = ("compression.zstd", "backports.zstd")  # of Python 3.14, and the same before it
REPAIR = "remove the environment and run bin/autopsy again, or install eval-autopsy again"


class Finding(NamedTuple):
    """One thing that was looked at."""

    name: str
    found: str  # "" when it is not there
    what_for: str
    needed: bool  # the engine cannot work without it
    remedy: str  # what to do when it is not there

    @property
    def state(self) -> str:
        """ok, missing (the engine cannot work) or absent (it works without)."""
        return "ok" if self.found else "missing" if self.needed else "absent"


@verb
def doctor(out: Out) -> int:
    """Show what is installed, where, and what is missing.

    \b
    Reads   the environment; loads each package that the engine needs.
    Writes  nothing.
    Exits   0 the engine works; 2 something is missing that it needs.

    \b
    Examples:
      autopsy doctor
      autopsy doctor --json
    """
    findings = [*places(), *packages(), *tools()]
    lacking = [one for one in findings if one.state == "missing"]
    if out.as_json:
        rows = [{**one._asdict(), "state": one.state} for one in findings]
        out.document({"works": not lacking, "engine": __version__, "findings": rows})
    width = max(len(one.name) for one in findings)
    for one in findings:
        words = one.found or f"not there: {one.remedy}"
        out.say(f"{one.state:<9}{one.name.ljust(width)}  {kernel.visible(words)} ({one.what_for})")
    out.say("The engine works." if not lacking else "The engine cannot work as it is.", bold=True)
    return 2 if lacking else 0


def places() -> list[Finding]:
    """The engine, the Python, and where they are."""
    here = Path(__file__).parents[1]
    python = f"{platform.python_version()} at {sys.executable}"
    by_door = (Path(sys.prefix) / "pycache").exists() or "agent-reliability" in sys.prefix
    made = "made by bin/autopsy" if by_door else "not made by bin/autopsy"
    return [
        Finding("engine", f"{__version__} at {here}", f"kernel {kernel.VERSION}", True, ""),
        Finding("python", python, "runs the engine", True, ""),
        Finding("environment", sys.prefix, made, True, ""),
        Finding("cache", str(cache()), "where bin/autopsy makes environments", True, ""),
    ]


def cache() -> Path:
    """The folder in which bin/autopsy makes environments; the same rule as there."""
    named = os.environ.get("AUTOPSY_CACHE")
    if named:
        return Path(named).absolute()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(shared) if shared.startswith("/") else Path.home() / ".cache"
    return base / "agent-reliability"


def packages() -> list[Finding]:
    """What the engine needs of other packages."""
    return [
        Finding(name, version_of(name, module), what_for, True, REPAIR)
        for name, (module, what_for) in NEEDED.items()
    ]


def version_of(package: str, module: str) -> str:
    """The version of a package that can be imported; "" when it cannot."""
    try:
        importlib.import_module(module)
        return metadata.version(package)
    except (ImportError, OSError):
        return ""


def tools() -> list[Finding]:
    """What the engine can do without."""
    zstd = next((module for module in ZSTD if importable(module)), "")
    no_zstd = "install backports.zstd, or unpack .zst files"
    bound = "resource" if importable("resource") else ""
    no_bound = "run on Linux or macOS to bound memory"
    uv = shutil.which("uv") or ""
    no_uv = "install uv, or leave it: pip does the same, only slower"
    return [
        Finding("zstd", zstd, "reads Zstandard files", False, no_zstd),
        Finding("memory bound", bound, "for the system under test", False, no_bound),
        Finding("uv", uv, "makes environments faster", False, no_uv),
    ]


def importable(module: str) -> bool:
    """Whether a module can be imported here."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
