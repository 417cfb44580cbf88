from __future__ import annotations

from pathlib import Path

import pytest

from .plugin import Plugin, make_wheel

SAYS_ITS_NAME = "import sys\nprint(__name__, __file__.split('/')[-1], sys.argv[1:], flush=True)\n"


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of wheels that the locks of these tests name."""
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "tiny-package", {"tiny_package": ""})
    tools = {tool: SAYS_ITS_NAME for tool in ("ruff", "mypy", "pytest")}
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
