"""Where packages come from is the user's to say, in the variables that pip reads; uv follows."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .plugin import Plugin


@pytest.fixture
def index(tmp_path: Path, wheels: Path) -> Iterator[str]:
    """The address of a package index on this machine that has the tiny packages.

    Below `old` it is an index that has them in another version only.
    """
    served = tmp_path / "served"
    for wheel in wheels.iterdir():
        name = wheel.name.split("-")[0].replace("_", "-")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        write_page(served / name, f"/{wheel.name}#sha256={digest}")
        write_page(served / "old" / name, f"/{wheel.name.replace('-1-', '-0-')}")
        (served / wheel.name).write_bytes(wheel.read_bytes())
    handler = functools.partial(QuietHandler, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def write_page(folder: Path, link: str) -> None:
    folder.mkdir(parents=True)
    name = link.split("/")[-1].split("#")[0]
    (folder / "index.html").write_text(f'<!DOCTYPE html><a href="{link}">{name}</a>')


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Nothing: what was asked for is of no interest."""


def assert_sets_up_without_a_detour(plugin: Plugin) -> None:
    ran = plugin.run("exit", "0")
    assert ran.code == 0, ran
    assert "uv failed" not in ran.err


def test_packages_come_from_the_index_that_pip_is_told(
    plugin_with_each_tool: Plugin, index: str
) -> None:
    plugin = plugin_with_each_tool
    del plugin.environ["PIP_NO_INDEX"], plugin.environ["PIP_FIND_LINKS"]
    plugin.environ["PIP_INDEX_URL"] = index
    assert_sets_up_without_a_detour(plugin)


@pytest.mark.parametrize("other", ["none", "old"])
def test_packages_come_from_whichever_index_has_them(
    plugin: Plugin, index: str, other: str
) -> None:
    plugin.add_uv()
    del plugin.environ["PIP_NO_INDEX"], plugin.environ["PIP_FIND_LINKS"]
    plugin.environ |= {"PIP_INDEX_URL": index, "PIP_EXTRA_INDEX_URL": f"{index}/{other}"}
    assert_sets_up_without_a_detour(plugin)


def test_packages_come_from_any_of_the_folders_that_pip_is_told(
    plugin: Plugin, tmp_path: Path
) -> None:
    plugin.add_uv()
    (tmp_path / "empty").mkdir()
    plugin.environ["PIP_FIND_LINKS"] = f"{tmp_path}/empty {plugin.environ['PIP_FIND_LINKS']}"
    assert_sets_up_without_a_detour(plugin)


def test_uvs_own_settings_go_before_those_of_pip(plugin: Plugin, index: str) -> None:
    plugin.add_uv()
    del plugin.environ["PIP_NO_INDEX"], plugin.environ["PIP_FIND_LINKS"]
    plugin.environ |= {"UV_DEFAULT_INDEX": index, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    assert_sets_up_without_a_detour(plugin)


def test_settings_of_where_to_install_are_left_out(plugin_with_each_tool: Plugin) -> None:
    plugin = plugin_with_each_tool
    constraints = plugin.work / "constraints.txt"
    constraints.write_text("tiny-package==2\n")
    settings = plugin.work / "pip.conf"
    settings.write_text("[install]\nuser = true\n")
    plugin.environ |= {
        "PIP_CONFIG_FILE": str(settings),
        "PIP_TARGET": str(plugin.work / "elsewhere"),
        "PIP_CONSTRAINT": str(constraints),
        "UV_CONSTRAINT": str(constraints),
    }
    assert_sets_up_without_a_detour(plugin)


def test_settings_of_the_current_folder_are_left_out(plugin: Plugin) -> None:
    plugin.add_uv()
    (plugin.work / "uv.toml").write_text('required-version = ">=99"\n')
    assert_sets_up_without_a_detour(plugin)
