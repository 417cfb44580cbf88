"""How an environment comes about: alone or at the same time, interrupted, and made anew."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .plugin import PYTHON, Plugin, ended, found, wait_until

# A uv that begins an environment and never ends. What it starts holds the pipe open while it lives.
ENDLESS_UV = """#!/bin/sh
for build; do :; done
{mkdir} -p "$build/bin"
{sleep} 600 3>'{pipe}' &
echo $$ >"$build/number"
echo begun >"$build/bin/python"
wait
"""


class Endless:
    """A set-up that has begun and will not end by itself."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        pipe = plugin.work / "pipe"
        os.mkfifo(pipe)
        self.pipe = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        plugin.write_command(
            "uv", ENDLESS_UV.format(mkdir=found("mkdir"), sleep=found("sleep"), pipe=pipe)
        )
        self.process = plugin.start()
        wait_until(self.has_begun, "the set-up to begin")
        (number,) = plugin.cache.glob(".*.build-*/number")
        self.tool = int(number.read_text())

    def has_begun(self) -> bool:
        return any((build / "bin/python").exists() for build in self.plugin.builds())

    def tools_are_running(self) -> bool:
        try:
            return os.read(self.pipe, 1) != b""
        except BlockingIOError:
            return True

    def bootstrap(self) -> int:
        """The number of the process that sets up, as its lock file tells it."""
        return int(next(self.plugin.cache.glob(".*.lock")).read_text())

    def end(self) -> None:
        for group in (self.process.pid, self.tool):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self.process.communicate()
        os.close(self.pipe)


@pytest.fixture
def endless(plugin: Plugin) -> Iterator[Endless]:
    setting_up = Endless(plugin)
    yield setting_up
    setting_up.end()


def test_of_several_first_runs_one_sets_up_and_all_succeed(plugin_with_each_tool: Plugin) -> None:
    plugin = plugin_with_each_tool
    runs = [ended(process) for process in [plugin.start("exit", "0") for _ in range(4)]]
    assert [ran.code for ran in runs] == [0, 0, 0, 0], runs
    assert sum("setting up agent-reliability" in ran.err for ran in runs) == 1
    assert len(plugin.environments()) == 1


def test_who_comes_second_is_told_for_whom_it_waits(endless: Endless) -> None:
    second = endless.plugin.start("exit", "0")
    assert second.stderr is not None
    line = second.stderr.readline()
    assert f"process {endless.bootstrap()} is already setting it up; waiting" in line
    (endless.plugin.commands / "uv").unlink()
    os.kill(endless.bootstrap(), signal.SIGTERM)
    assert ended(second).code == 0


def test_killed_set_up_heals_itself_on_the_next_run(endless: Endless) -> None:
    endless.process.kill()
    os.kill(endless.bootstrap(), signal.SIGKILL)
    ended(endless.process)
    dead = endless.plugin.builds()
    assert len(dead) == 1
    assert endless.plugin.environments() == []
    endless.plugin.add_uv()
    assert endless.plugin.run("exit", "0").code == 0
    assert not dead[0].exists()
    assert endless.plugin.builds() == []


def test_set_up_killed_while_pip_is_installed_heals_itself(plugin: Plugin) -> None:
    process = plugin.start()
    wait_until(
        lambda: any(build.glob("lib/*/site-packages/pip") for build in plugin.builds()),
        "pip to be there in part",
    )
    os.killpg(process.pid, signal.SIGKILL)
    ended(process)
    assert plugin.run("exit", "0").code == 0


def test_interrupted_set_up_ends_what_it_started_and_leaves_nothing(endless: Endless) -> None:
    os.killpg(endless.process.pid, signal.SIGINT)
    ran = ended(endless.process)
    assert ran.code == 130
    assert "Traceback" not in ran.err
    assert endless.plugin.builds() == []
    wait_until(lambda: not endless.tools_are_running(), "the tools to end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_stopped_set_up_ends_what_it_started_and_leaves_nothing(
    endless: Endless, number: signal.Signals
) -> None:
    os.kill(endless.bootstrap(), number)
    assert ended(endless.process).code == 128 + number
    assert endless.plugin.builds() == []
    wait_until(lambda: not endless.tools_are_running(), "the tools to end")


def test_changed_lock_gets_an_environment_of_its_own(plugin: Plugin) -> None:
    plugin.add_uv()
    assert plugin.run("exit", "0").code == 0
    with (plugin.root / "requirements.lock").open("a") as lock:
        lock.write("# a comment\n")
    assert "setting up" in plugin.run("exit", "0").err
    assert len(plugin.environments()) == 2


def test_python_named_gets_an_environment_of_its_own(plugin: Plugin) -> None:
    plugin.add_uv()
    assert plugin.run("exit", "0").code == 0
    plugin.environ["AUTOPSY_PYTHON"] = str(PYTHON)
    assert "setting up" in plugin.run("exit", "0").err
    assert plugin.run("exit", "0").err == ""
    assert len(plugin.environments()) == 2


def test_environment_whose_python_was_uninstalled_is_made_anew(plugin: Plugin) -> None:
    plugin.add_uv()
    assert plugin.run("exit", "0").code == 0
    (environment,) = plugin.environments()
    (environment / "bin/python").unlink()
    (environment / "bin/python").symlink_to("/nowhere/python3")
    assert "ready after" in plugin.run("exit", "0").err
    assert plugin.run("exit", "0").err == ""
    assert plugin.environments() == [environment]
    assert plugin.builds() == []


def test_environment_whose_python_became_another_version_is_made_anew(plugin: Plugin) -> None:
    plugin.add_uv()
    assert plugin.run("exit", "0").code == 0
    (environment,) = plugin.environments()
    (packages,) = environment.glob("lib/python3*")
    # What another version behind the same link sees: no folder of its own name.
    packages.rename(packages.with_name("python3.0"))
    ran = plugin.run("exit", "7")
    assert "has been replaced by another version" in ran.err
    assert ran.code == 7
    assert plugin.run("exit", "0").err == ""


def test_newest_python_that_is_new_enough_is_found_behind_an_old_python3(
    plugin: Plugin, old_python: Path
) -> None:
    plugin.add_uv()
    plugin.add_command("python3", old_python)
    plugin.add_command("python3.13", PYTHON)
    assert plugin.run("exit", "0").code == 0


def test_test_script_runs_every_check_and_pytest_last(plugin: Plugin) -> None:
    lines = run_scripts_test(plugin)
    assert lines == [
        "__main__ ruff.py ['check']",
        "__main__ ruff.py ['format', '--check']",
        "__main__ mypy.py []",
        "__main__ pytest.py ['-n', '3', '--dist', 'worksteal']",
    ]


def test_test_script_with_arguments_runs_pytest_with_them(plugin: Plugin) -> None:
    assert run_scripts_test(plugin, "tests/door", "-k", "a b") == [
        "__main__ pytest.py ['tests/door', '-k', 'a b']"
    ]


def run_scripts_test(plugin: Plugin, *arguments: str) -> list[str]:
    shutil.copy(Path(__file__).parents[2] / "scripts/test", plugin.root / "scripts/test")
    plugin.lock("requirements-dev.lock", "tiny-package", "tiny-tools")
    plugin.add_uv()
    ran = subprocess.run(
        [plugin.root / "scripts/test", *arguments],
        env=plugin.environ,
        cwd=plugin.work,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.splitlines()
