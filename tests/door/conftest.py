from __future__ import annotations

import os
from pathlib import Path

import pytest

from .plugin import PYTHON, Plugin, make_wheel

SAYS_ITS_NAME = "import sys\nprint(__name__, __file__.split('/')[-1], sys.argv[1:], flush=True)\n"


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of wheels that the locks of these tests name."""
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "tiny-package", {"tiny_package": ""})
    tools = dict.fromkeys(("ruff", "mypy", "pytest"), SAYS_ITS_NAME)
    make_wheel(folder, "tiny-tools", tools)
    return folder


@pytest.fixture
def plugin(tmp_path: Path, wheels: Path) -> Plugin:
    """A plugin that was never run, on a machine without uv."""
    return Plugin(tmp_path, wheels)


@pytest.fixture(params=["uv", "pip"])
def plugin_with_each_tool(request: pytest.FixtureRequest, plugin: Plugin) -> Plugin:
    """A plugin that was never run, on a machine with uv and on one without."""
    if request.param == "uv":
        plugin.add_uv()
    return plugin


# Any Python, made to say that it is an old one: there is always this one to be refused.
SAYS_IT_IS_OLD = """#!{python} -I
import runpy, sys
sys.version_info = (3, 8, 18, "final", 0)
sys.argv = [word for word in sys.argv[1:] if word not in ("-I", "-B")]
if sys.argv[0] == "-c":
    exec(sys.argv[1])
else:
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


def old_pythons() -> list[Path]:
    """The Pythons before 3.11 that AUTOPSY_TEST_PYTHONS lists, or else those that pyenv has."""
    if "AUTOPSY_TEST_PYTHONS" in os.environ:
        return [Path(path) for path in os.environ["AUTOPSY_TEST_PYTHONS"].split(os.pathsep)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return [
        path for minor in range(6, 11) for path in pyenv.glob(f"versions/3.{minor}.*/bin/python")
    ]


@pytest.fixture(params=["stand-in", *old_pythons()], ids=str)
def old_python(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param != "stand-in":
        return Path(request.param)
    stand_in = tmp_path / "old-python"
    stand_in.write_text(SAYS_IT_IS_OLD.format(python=PYTHON))
    stand_in.chmod(0o755)
    return stand_in
