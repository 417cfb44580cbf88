"""What is said when the environment cannot be made. Each fault is a real one."""

from __future__ import annotations

import ast
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from .plugin import PYTHON, ROOT, Plugin, Ran, found

# A small disk needs the right to mount one, which not every machine gives to its users.
CAN_MOUNT = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False)
SIZES_OF_DISK = ["4k", "32k"] if CAN_MOUNT.returncode == 0 else []


def sentence(ran: Ran) -> str:
    """The one line that says what is wrong, after nothing but lines of progress."""
    assert ran.code == 2, ran
    assert ran.out == ""
    assert "Traceback" not in ran.err
    *progress, last = ran.err.splitlines()
    assert all(line.endswith("…") for line in progress), ran
    assert last.startswith("agent-reliability: ")
    assert last.endswith(".")
    return last


def test_old_python_is_named_with_its_version_and_the_remedy(
    plugin: Plugin, old_python: Path
) -> None:
    plugin.add_command("python3", old_python)
    said = sentence(plugin.run())
    assert "Python 3." in said
    assert "is too old: 3.11 or newer is needed" in said
    assert "AUTOPSY_PYTHON" in said
    assert not plugin.cache.exists()


def test_old_python_that_was_asked_for_is_not_replaced_by_another(
    plugin: Plugin, old_python: Path
) -> None:
    plugin.environ["AUTOPSY_PYTHON"] = str(old_python)
    assert "is too old" in sentence(plugin.run())


def test_bootstrap_has_only_the_grammar_of_python_3_6() -> None:
    source = (ROOT / "scripts/bootstrap.py").read_text()
    ast.parse(source, feature_version=(3, 6))
    assert "from __future__ import annotations" not in source


def test_machine_without_python_gets_the_remedy(plugin: Plugin) -> None:
    (plugin.commands / "python3").unlink()
    said = sentence(plugin.run())
    assert "no Python is on the PATH" in said
    assert "Install Python 3.11 or newer" in said


@pytest.mark.parametrize("script", [None, "#!/bin/sh\nexit 127\n", "#!/bin/sh\nexit 0\n"])
def test_python_that_is_none_is_refused_by_name(plugin: Plugin, script: str | None) -> None:
    if script:
        plugin.write_command("my-python", script)
    plugin.environ["AUTOPSY_PYTHON"] = "my-python"
    said = sentence(plugin.run())
    assert "AUTOPSY_PYTHON is my-python, which does not start as Python 3" in said


def install_without(module: str, folder: Path) -> Path:
    """A working Python installation that lacks one module, as Debian's lacks ensurepip."""
    library = Path(sysconfig.get_path("stdlib"))
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / library.name).mkdir(parents=True)
    # Not a link: Python looks for its library from where the program really is.
    python = Path(shutil.copy(PYTHON.resolve(), folder / "bin/python3"))
    for part in library.parent.glob("lib*python*"):
        (folder / "lib" / part.name).symlink_to(part)
    for part in library.iterdir():
        if part.name != module:
            (folder / "lib" / library.name / part.name).symlink_to(part)
    return python


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_python_without_the_modules_for_it_gets_the_remedy(
    plugin: Plugin, tmp_path: Path, module: str
) -> None:
    python = install_without(module, tmp_path / "installation")
    plugin.add_command("python3", python)
    said = sentence(plugin.run())
    major, minor = sys.version_info[:2]
    assert f"comes without its module {module}" in said
    assert f"apt install python{major}.{minor}-venv" in said
    assert plugin.builds() == []


def test_python_without_ensurepip_is_enough_for_uv(plugin: Plugin, tmp_path: Path) -> None:
    plugin.add_command("python3", install_without("ensurepip", tmp_path / "installation"))
    plugin.add_uv()
    assert plugin.run("exit", "0").code == 0


def test_full_disk_in_our_own_writes_gets_the_remedy(plugin: Plugin) -> None:
    plugin.add_uv()
    assert plugin.run("exit", "0").code == 0
    (lock,) = plugin.cache.glob(".*.lock")
    (environment,) = plugin.environments()
    shutil.rmtree(environment)
    lock.unlink()
    lock.symlink_to("/dev/full")  # a file on which every write fails as on a full disk
    assert_tells_of_full_disk(plugin.run())


def test_full_disk_that_pip_runs_into_gets_the_remedy(plugin: Plugin) -> None:
    plugin.environ["PIP_REPORT"] = "/dev/full"
    assert_tells_of_full_disk(plugin.run())
    assert plugin.builds() == []


def test_full_disk_that_uv_runs_into_gets_the_remedy(plugin: Plugin) -> None:
    plugin.write_command("uv", f"#!/bin/sh\n{found('cat')} /dev/zero >/dev/full\n")
    assert_tells_of_full_disk(plugin.run())
    assert plugin.builds() == []


@pytest.mark.parametrize("size", SIZES_OF_DISK)
def test_disk_too_small_for_the_environment_gets_the_remedy(
    plugin_with_each_tool: Plugin, size: str
) -> None:
    plugin = plugin_with_each_tool
    plugin.cache.mkdir()
    mount = f'{found("mount")} -t tmpfs -o size={size} none "$AUTOPSY_CACHE" && exec "$0"'
    command = [str(found("unshare")), "-rm", str(found("sh")), "-c", mount, str(plugin.door)]
    ran = subprocess.run(command, env=plugin.environ, capture_output=True, text=True, check=False)
    assert_tells_of_full_disk(Ran(ran.returncode, ran.stdout, ran.stderr))


def assert_tells_of_full_disk(ran: Ran) -> None:
    said = sentence(ran)
    assert "the disk is full" in said
    assert "AUTOPSY_CACHE" in said


@pytest.fixture
def closed_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_unreachable_index_gets_the_remedy(plugin_with_each_tool: Plugin, closed_port: int) -> None:
    plugin = plugin_with_each_tool
    del plugin.environ["PIP_NO_INDEX"], plugin.environ["PIP_FIND_LINKS"]
    plugin.environ["PIP_INDEX_URL"] = f"http://127.0.0.1:{closed_port}/simple"
    said = sentence(plugin.run())
    assert "the packages cannot be fetched" in said
    assert "Connect to the network" in said
    assert plugin.builds() == []
    assert plugin.environments() == []


def test_index_with_other_bytes_is_refused(plugin_with_each_tool: Plugin) -> None:
    plugin = plugin_with_each_tool
    lock = plugin.root / "requirements.lock"
    lock.write_text(f"tiny-package==1 --hash=sha256:{'0' * 64}\n")
    said = sentence(plugin.run())
    assert "another file than the one that the lock file names" in said
    assert plugin.environments() == []


def test_lock_without_a_hash_is_refused(plugin_with_each_tool: Plugin) -> None:
    (plugin_with_each_tool.root / "requirements.lock").write_text("tiny-package==1\n")
    ran = plugin_with_each_tool.run()
    assert ran.code == 2
    assert "hash" in ran.err.splitlines()[-1].lower()
    assert plugin_with_each_tool.environments() == []


def test_unknown_failure_is_shown_whole(plugin: Plugin) -> None:
    (plugin.root / "requirements.lock").write_text("--no-such-option\n")
    ran = plugin.run()
    assert ran.code == 2
    assert "no such option: --no-such-option" in ran.err
    assert "the set-up failed" in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err


def test_cache_in_the_way_of_a_file_gets_the_remedy(plugin: Plugin) -> None:
    (plugin.work / "file").touch()
    plugin.environ["AUTOPSY_CACHE"] = str(plugin.work / "file/cache")
    said = sentence(plugin.run())
    assert f"the folder {plugin.work}/file/cache cannot be set up in" in said
    assert "AUTOPSY_CACHE=/path/to/a/folder" in said


def test_cache_without_the_right_to_write_gets_the_remedy(plugin: Plugin) -> None:
    # /proc takes no folders, whoever asks; elsewhere, only who is not root can be refused.
    plugin.environ["AUTOPSY_CACHE"] = "/proc/cache"
    assert "the folder /proc/cache cannot be set up in" in sentence(plugin.run())


@pytest.mark.parametrize("home", [None, ""])
def test_no_home_gets_the_remedy(plugin: Plugin, home: str | None) -> None:
    del plugin.environ["AUTOPSY_CACHE"]
    if home is not None:
        plugin.environ["HOME"] = home
    said = sentence(plugin.run())
    assert "HOME is not set" in said
    assert "AUTOPSY_CACHE=/path/to/a/folder" in said


def test_plugin_without_its_lock_gets_the_remedy(plugin: Plugin) -> None:
    (plugin.root / "requirements.lock").unlink()
    said = sentence(plugin.run())
    assert "requirements.lock is missing. Install the plugin again" in said


def test_uv_that_cannot_do_it_is_followed_by_pip(plugin: Plugin) -> None:
    script = 'for build; do :; done; echo >"$build/left"; echo "error: out of sorts" >&2; exit 1'
    plugin.write_command("uv", f"#!/bin/sh\n{script}\n")
    ran = plugin.run("exit", "0")
    assert ran.code == 0
    assert "uv failed (error: out of sorts); trying venv and pip instead" in ran.err
    (environment,) = plugin.environments()
    assert not (environment / "left").exists()
