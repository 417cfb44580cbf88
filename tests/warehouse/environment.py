"""Environments of tests that need what the engine does not: warehouses, or eval tools.

Each is pinned by a lock, and installed once, by uv or else by pip, beside the engine's in the
cache folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements-warehouse.lock"
MINUTES = 8


class NoEnvironmentError(Exception):
    """Why the environment cannot be had here."""


def python(lock_file: Path = LOCK) -> Path:
    """The Python of a lock's environment, installed first if it is not there.

    Raises NoEnvironmentError with the reason.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(os.environ.get("AUTOPSY_CACHE") or Path(base) / "agent-reliability").absolute()
    digest = hashlib.sha256(lock_file.read_bytes()).hexdigest()[:12]
    named = lock_file.stem.removeprefix("requirements-")
    name = f"{named}-{digest}-{sys.version_info[0]}.{sys.version_info[1]}"
    cache.mkdir(parents=True, exist_ok=True)
    # Two workers of one test run ask at the same time; the second waits for the first.
    with open(cache / f"{lock_file.stem}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / name).is_dir():
            _install(cache / name, lock_file)
    return cache / name / "bin" / "python"


def _install(folder: Path, lock_file: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        build = Path(temporary) / "environment"
        inside = str(build / "bin" / "python")
        # PySpark comes as source, with nothing in it to compile.
        options = ["--quiet", "--require-hashes", "--no-deps", "--requirement", str(lock_file)]
        uv = [sys.executable, "-m", "uv"]
        try:
            _run([*uv, "venv", "--quiet", "--python", sys.executable, str(build)])
            _run([*uv, "pip", "install", "--python", inside, *options])
        except NoEnvironmentError:
            # pip may know an index or a certificate that uv was not told of.
            _run([sys.executable, "-m", "venv", "--clear", str(build)])
            _run([inside, "-m", "pip", "install", *options])
        build.rename(folder)  # scripts in bin/ name the old folder; only its Python is used


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=60 * MINUTES
        )
    except subprocess.TimeoutExpired:
        raise NoEnvironmentError(f"{command} did not finish in {MINUTES} minutes") from None
    if done.returncode != 0:
        raise NoEnvironmentError(f"{command} failed: {done.stderr.strip()[-400:]}")
