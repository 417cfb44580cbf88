"""The real Claude Code client, pinned by package-lock.json, in a home of its own.

It is installed once, by npm, beside the engine's environments in the cache folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGE = "@anthropic-ai/claude-code"
VERSION: str = json.loads((HERE / "package.json").read_text())["dependencies"][PACKAGE]
PLUGIN = "agent-reliability"
MARKETPLACE = "agent-reliability-marketplace"


class NoClientError(Exception):
    """Why the client cannot be had here."""


def cache() -> Path:
    """The folder that bin/autopsy keeps its environments in."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("AUTOPSY_CACHE") or Path(base) / PLUGIN).absolute()


def executable() -> Path:
    """The client; installed first if it is not there. Raises NoClientError with the reason."""
    folder = cache() / f"claude-code-{VERSION}"
    cache().mkdir(parents=True, exist_ok=True)
    # Two workers of one test run ask at the same time; the second waits for the first.
    with open(cache() / "claude-code.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _install(folder)
    return next(folder.glob(f"node_modules/{PACKAGE}-*/claude"))


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NoClientError("npm is not installed")
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        work = Path(name) / "client"
        work.mkdir()
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / file, work)
        # No scripts: they would only copy the executable that the package of the platform brings.
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"]
        try:
            done = subprocess.run(
                command, check=False, cwd=work, capture_output=True, text=True, timeout=240
            )
        except subprocess.TimeoutExpired:
            raise NoClientError("npm did not finish in four minutes") from None
        if done.returncode != 0 or not list(work.glob(f"node_modules/{PACKAGE}-*/claude")):
            said = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
            raise NoClientError(f"npm could not install {PACKAGE}@{VERSION}: {'; '.join(said[:4])}")
        work.rename(folder)


class Conversation(NamedTuple):
    """What the client printed for one prompt, as its events, oldest first."""

    events: list[dict[str, Any]]

    @property
    def results(self) -> list[dict[str, Any]]:
        """The events that end a turn of the user."""
        return [event for event in self.events if event["type"] == "result"]

    @property
    def answer(self) -> str:
        """The last words that the user sees."""
        return str(self.results[-1]["result"])

    @property
    def denials(self) -> list[Any]:
        """Every tool call that would have needed the user's permission."""
        return [denial for result in self.results for denial in result["permission_denials"]]


class Client:
    """The client in a fresh home, with a copy of this repository to install from.

    `folder/copy` is the repository, `folder/work` the user's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.executable = executable()
        self.cache = cache()  # where the engine's environments are
        self.copy, self.work, self.home = folder / "copy", folder / "work", folder / "home"
        self.work.mkdir()
        self.home.mkdir()
        _copy_repository(self.copy)

    def run(
        self,
        *arguments: str,
        base_url: str = "http://127.0.0.1:9",
        key: str = "test",
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """The finished run of the client. Without an endpoint it talks to a closed port."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "AUTOPSY_CACHE": str(self.cache),
            "LANG": "C.UTF-8",
            "ANTHROPIC_API_KEY": key,
            "ANTHROPIC_BASE_URL": base_url,
            "CLAUDE_CODE_MAX_RETRIES": "0",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        return subprocess.run(
            [str(self.executable), *arguments],
            check=False,
            cwd=self.work,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
        )

    def plugin(self, *arguments: str) -> str:
        """What `claude plugin ...` printed; it must succeed."""
        done = self.run("plugin", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self) -> None:
        """Adds the marketplace and installs the plugin, as the README says."""
        self.plugin("marketplace", "add", "../copy")
        self.plugin("install", f"{PLUGIN}@{MARKETPLACE}")

    def prompt(self, text: str, base_url: str) -> Conversation:
        """The conversation that one prompt starts, without anybody to answer a question."""
        arguments = ("-p", text, "--output-format", "stream-json", "--verbose")
        done = self.run(*arguments, base_url=base_url)
        assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
        return Conversation([json.loads(line) for line in done.stdout.splitlines()])


def _copy_repository(target: Path) -> None:
    """Copies the files that git knows, or would take: what a clone has."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, cwd=ROOT, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        source, copy = ROOT / name, target / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
