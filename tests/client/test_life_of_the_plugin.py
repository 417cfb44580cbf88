"""Upgrade and removal, in the real client, of the plugin as it comes from a git host.

The repository's address leads to a folder here, as git's `insteadOf` allows; cloning, the copy for
each version, and everything after it are the client's own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from .real_client import MARKETPLACE, PLUGIN, ROOT, Client, cache
from .scripted_endpoint import Say, ScriptedEndpoint

ADDRESS = "https://example.test/agent-reliability.git"
OLD, NEW = "0.0.9", json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text())["version"]
IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@example.test")


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """The client in a home of its own, with a cache of its own, and nothing installed."""
    client = Client(tmp_path)
    client.cache = tmp_path / "cache"
    client.cache.mkdir()
    leads = f'[url "file://{client.copy}"]\n\tinsteadOf = {ADDRESS}\n'
    (client.home / ".gitconfig").write_text(leads)
    git(client, "init", "--quiet")
    return client


def git(client: Client, *arguments: str) -> None:
    command = ["git", "-C", str(client.copy), *IDENTITY, *arguments]
    subprocess.run(command, check=True, capture_output=True)


def release(client: Client, version: str, lock: str | None = None) -> None:
    """Commits a version of the repository; with `lock` in place of its own."""
    for name, pattern in (
        (".claude-plugin/plugin.json", r'(?<="version": ")[^"]+'),
        ("pyproject.toml", r'(?m)(?<=^version = ")[^"]+'),
        ("src/eval_autopsy/__init__.py", r'(?<=__version__ = ")[^"]+'),
    ):
        text, count = re.subn(pattern, version, (client.copy / name).read_text())
        assert count == 1, name
        (client.copy / name).write_text(text)
    (client.copy / "requirements.lock").write_text(lock or (ROOT / "requirements.lock").read_text())
    git(client, "add", "--all")
    git(client, "commit", "--quiet", "--message", version)


def install(client: Client) -> None:
    client.plugin("marketplace", "add", ADDRESS)
    client.plugin("install", f"{PLUGIN}@{MARKETPLACE}")


def copy_of(client: Client, version: str) -> Path:
    """Where the client keeps a version of the plugin."""
    return client.home / ".claude" / "plugins" / "cache" / MARKETPLACE / PLUGIN / version


def environment_of(plugin: Path, folder: Path) -> Path:
    """Where the door of a plugin has its environment, below a cache folder; it may not be there."""
    script = (
        f'root="{plugin}"; . "$root/scripts/environment.sh"; find_environment requirements.lock'
    )
    said = subprocess.run(
        ["sh", "-c", f'{script}; echo "$environment"'],
        check=True,
        env={**os.environ, "AUTOPSY_CACHE": str(folder)},
        capture_output=True,
        text=True,
    )
    return Path(said.stdout.strip())


def opened(plugin: Path, folder: Path) -> str:
    """The engine's version, by the door of a plugin, which sets up what is not there."""
    said = subprocess.run(
        ["sh", str(plugin / "bin" / "autopsy"), "--version"],
        check=True,
        env={**os.environ, "AUTOPSY_CACHE": str(folder)},
        capture_output=True,
        text=True,
    )
    return said.stdout.strip()


def lend_environment(client: Client) -> Path:
    """The environment of this version, made in the tests' own cache and seen in the client's."""
    opened(client.copy, cache())
    lent = environment_of(client.copy, client.cache)
    lent.symlink_to(environment_of(client.copy, cache()))
    return lent


def doctor_of(client: Client) -> dict[str, str]:
    """What `autopsy doctor` says in the client: `/autopsy` runs it before the model speaks."""
    with ScriptedEndpoint(lambda request: Say("done")) as endpoint:
        client.prompt("/autopsy .", endpoint.url)
    told = json.dumps(endpoint.requests[0]["messages"]).replace("\\n", "\n")
    return dict(re.findall(r"(?m)^ok +(\w+) +(\S.*)$", told))


def enabled_in(client: Client) -> list[Path]:
    """The client's own files that name the plugin."""
    copies = copy_of(client, NEW).parent
    own = [one for one in (client.home / ".claude").rglob("*.json") if copies not in one.parents]
    return [one for one in own if f"{PLUGIN}@{MARKETPLACE}" in one.read_text(encoding="utf-8")]


ONLY_CLICK = re.compile(r"(?m)^click==.*\\\n(?: +--hash=.*\n)+")


def test_an_upgrade_gets_an_environment_of_its_own_and_leaves_the_older_one(client: Client) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    (small,) = ONLY_CLICK.findall(lock)  # all that --version needs, so that it is soon built
    release(client, OLD, small)
    install(client)
    assert opened(copy_of(client, OLD), client.cache) == f"autopsy {OLD}"
    (older,) = (path for path in client.cache.iterdir() if not path.name.startswith("."))
    names = {path.relative_to(older) for path in older.rglob("*")}

    release(client, NEW)
    newer = lend_environment(client)
    client.plugin("marketplace", "update", MARKETPLACE)
    client.plugin("update", f"{PLUGIN}@{MARKETPLACE}")

    said = doctor_of(client)
    assert said["engine"].startswith(f"{NEW} at {copy_of(client, NEW)}/src/eval_autopsy ")
    assert newer.name in said["environment"]
    assert older != newer
    assert {path.relative_to(older) for path in older.rglob("*")} == names
    assert opened(copy_of(client, OLD), client.cache) == f"autopsy {OLD}"


def test_what_is_uninstalled_leaves_nothing_but_the_cache_that_doctor_names(client: Client) -> None:
    release(client, NEW)
    lent = lend_environment(client)
    install(client)
    said = doctor_of(client)
    assert enabled_in(client)
    client.plugin("uninstall", f"{PLUGIN}@{MARKETPLACE}")
    client.plugin("marketplace", "remove", MARKETPLACE)

    assert said["cache"].startswith(f"{client.cache} (where bin/autopsy makes environments")
    assert [path for path in client.cache.iterdir() if not path.name.startswith(".")] == [lent]
    assert list(client.work.iterdir()) == []
    # The client keeps its copy for sessions that are still open, marks it, and removes it later.
    assert (copy_of(client, NEW) / ".orphaned_at").is_file()
    assert enabled_in(client) == []
    outside = {path.name for path in client.home.iterdir()}
    assert outside <= {".claude", ".claude.json", ".gitconfig", ".cache", ".local"}


def test_the_readme_says_how_it_is_removed_and_what_is_left() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "`claude plugin uninstall agent-reliability` leaves that folder" in readme
    assert "`autopsy doctor` names it (`~/.cache/agent-reliability`" in readme
