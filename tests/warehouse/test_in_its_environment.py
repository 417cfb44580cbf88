"""Starts the other tests of this folder in the environment that has what they need."""

from __future__ import annotations

import os
import re
import subprocess

from .environment import ROOT, python


def test_cubes_from_warehouses_hold_where_ibis_is_installed() -> None:
    command = [str(python()), "-m", "pytest", "tests/warehouse", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    for name in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[name]
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert re.search(r"\b[1-9][0-9]* passed", done.stdout)
