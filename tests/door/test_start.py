"""What the engine sees when the door has opened."""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from .plugin import ROOT, Plugin, Ran, found, snapshot


def seen(ran: Ran) -> dict[str, Any]:
    assert ran.code == 0, ran
    value: dict[str, Any] = json.loads(ran.out)
    return value


@pytest.fixture
def ready(plugin: Plugin) -> Plugin:
    """A plugin whose first run is over."""
    plugin.add_uv()
    seen(plugin.run())
    return plugin


def test_arguments_arrive_as_they_were_given(ready: Plugin) -> None:
    arguments = ["", "two words", "*", "$HOME", "it's", '"', "-x", "--", "é\n"]
    assert seen(ready.run(*arguments))["argv"] == ["autopsy", *arguments]


def test_engine_starts_in_the_folder_of_the_caller(ready: Plugin) -> None:
    assert seen(ready.run())["cwd"] == str(ready.work)


def test_exit_code_is_the_engines(ready: Plugin) -> None:
    assert [ready.run("exit", str(code)).code for code in (0, 1, 2, 130)] == [0, 1, 2, 130]


def test_engine_comes_from_the_plugin_and_its_packages_from_the_environment(ready: Plugin) -> None:
    view = seen(ready.run())
    assert view["engine"].startswith(f"{ready.root}/src/")
    assert view["package"].startswith(f"{ready.cache}/1.2.3-")
    assert view["prefix"] == str(ready.environments()[0])


def test_only_the_first_run_speaks_on_stderr_and_none_on_stdout(plugin: Plugin) -> None:
    first, second = plugin.run("exit", "0"), plugin.run("exit", "0")
    assert "setting up agent-reliability (first run only)" in first.err
    assert "ready after" in first.err
    assert (first.out, second.out, second.err) == ("", "", "")


def test_later_runs_need_no_python_on_the_path(ready: Plugin) -> None:
    (ready.commands / "python3").unlink()
    (ready.commands / "uv").unlink()
    assert seen(ready.run())["argv"] == ["autopsy"]


def test_nothing_on_pythonpath_or_in_the_current_folder_is_imported(plugin: Plugin) -> None:
    poison = plugin.work / "poison"
    for folder in (poison, plugin.work):
        folder.mkdir(exist_ok=True)
        for module in ("sitecustomize", "tiny_package", "eval_autopsy", "json", "pip", "venv"):
            (folder / f"{module}.py").write_text("raise SystemExit('imported ' + __file__)")
    plugin.environ |= {
        "PYTHONPATH": str(poison),
        "PYTHONHOME": str(poison),
        "PYTHONSTARTUP": str(poison / "json.py"),
        "PYTHONUSERBASE": str(poison),
        "VIRTUAL_ENV": str(poison),
    }
    for _ in range(2):
        assert str(poison) not in seen(plugin.run())["path"]


def test_nothing_is_written_into_the_plugin(plugin_with_each_tool: Plugin) -> None:
    plugin = plugin_with_each_tool
    for path in [*plugin.root.rglob("*"), plugin.root]:
        path.chmod(0o555 if path.is_dir() or path == plugin.door else 0o444)
    before = snapshot(plugin.root)
    seen(plugin.run())
    seen(plugin.run())
    assert snapshot(plugin.root) == before


def test_byte_code_of_the_engine_is_kept_in_the_environment(ready: Plugin) -> None:
    kept = [path.name for path in ready.environments()[0].glob("pycache/**/cli/main.*.pyc")]
    assert len(kept) == 1


@pytest.mark.parametrize("name", ["two words", "it's", 'say "so"', "$HOME", "ünï", "*"])
def test_plugin_and_cache_may_have_any_name(name: str, tmp_path: Path, wheels: Path) -> None:
    plugin = Plugin(tmp_path / name, wheels)
    plugin.add_uv()
    assert seen(plugin.run())["engine"].startswith(str(plugin.root))
    assert plugin.run().err == ""


def test_pip_too_can_work_under_an_awkward_name(tmp_path: Path, wheels: Path) -> None:
    plugin = Plugin(tmp_path / 'a "b" c\'s $d', wheels)
    assert seen(plugin.run())["package"].startswith(str(plugin.cache))


@pytest.mark.parametrize("target", ["../../plugin/bin/autopsy", "absolute"])
def test_door_finds_its_plugin_through_links(ready: Plugin, target: str) -> None:
    links = ready.work / "links"
    links.mkdir()
    (links / "first").symlink_to(ready.door if target == "absolute" else target)
    (links / "second").symlink_to("first")
    assert seen(ready.run(door=links / "second"))["engine"].startswith(f"{ready.root}/src/")


def test_door_is_found_on_the_path(ready: Plugin) -> None:
    ready.add_command("autopsy", ready.door)
    ran = subprocess.run(
        [found("sh"), "-c", "autopsy exit 7"], env=ready.environ, cwd=ready.work, check=False
    )
    assert ran.returncode == 7


def test_door_can_be_run_by_name_of_the_shell(ready: Plugin) -> None:
    ran = subprocess.run(
        [found("sh"), "autopsy", "exit", "7"],
        env=ready.environ,
        cwd=ready.door.parent,
        check=False,
    )
    assert ran.returncode == 7


def test_relative_cache_is_relative_to_the_current_folder(plugin: Plugin) -> None:
    plugin.add_uv()
    plugin.environ["AUTOPSY_CACHE"] = "my cache"
    assert seen(plugin.run())["prefix"].startswith(f"{plugin.work}/my cache/1.2.3-")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HOME": "{work}/h"}, "{work}/h/.cache/agent-reliability"),
        ({"HOME": "{work}/h", "XDG_CACHE_HOME": "{work}/x"}, "{work}/x/agent-reliability"),
        ({"XDG_CACHE_HOME": "{work}/x"}, "{work}/x/agent-reliability"),
        ({"HOME": "{work}/h", "XDG_CACHE_HOME": "rel"}, "{work}/h/.cache/agent-reliability"),
        ({"HOME": "{work}/h", "AUTOPSY_CACHE": ""}, "{work}/h/.cache/agent-reliability"),
    ],
)
def test_cache_is_where_the_variables_say(
    plugin: Plugin, variables: dict[str, str], expected: str
) -> None:
    plugin.add_uv()
    del plugin.environ["AUTOPSY_CACHE"]
    plugin.environ |= {name: value.format(work=plugin.work) for name, value in variables.items()}
    prefix = Path(seen(plugin.run())["prefix"])
    assert str(prefix.parent) == expected.format(work=plugin.work)


SCRIPTS = ["bin/autopsy", "scripts/environment.sh", "scripts/test", "scripts/lock", ".ci/run"]


@pytest.mark.parametrize("shell", [name for name in ("sh", "dash", "bash") if shutil.which(name)])
@pytest.mark.parametrize("script", SCRIPTS)
def test_script_is_one_that_the_shell_can_parse(shell: str, script: str) -> None:
    subprocess.run([shell, "-n", ROOT / script], check=True)


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_is_portable_and_quotes_what_it_must(script: str) -> None:
    shellcheck = Path(sysconfig.get_path("scripts")) / "shellcheck"
    command = [str(shellcheck), "--external-sources", str(script)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == ("", 0)


@pytest.mark.parametrize("script", ["bin/autopsy", "scripts/test", "scripts/lock", ".ci/run"])
def test_script_can_be_executed_and_asks_for_no_more_than_sh(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111 == 0o111
    assert path.read_text().startswith("#!/bin/sh\n")
