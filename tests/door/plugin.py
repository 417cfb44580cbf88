"""A small plugin around the real door, and a machine that holds only what a test puts on it."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import uv

ROOT = Path(__file__).parents[2]
PARTS = ["bin/autopsy", "scripts/environment.sh", "scripts/bootstrap.py", "scripts/start.py"]
# What the door may use of a machine: POSIX commands, readlink and Python.
COMMANDS = ["sh", "cksum", "uname", "readlink"]
PYTHON = Path(getattr(sys, "_base_executable", sys.executable))

ENGINE = """
import json, os, sys
import tiny_package

def main():
    if sys.argv[1:2] == ["exit"]:
        return int(sys.argv[2])
    print(json.dumps({
        "argv": sys.argv, "cwd": os.getcwd(), "prefix": sys.prefix, "path": sys.path,
        "engine": __file__, "package": tiny_package.__file__,
    }))
"""


class Plugin:
    """A copy of the door with a tiny engine behind it, a tiny lock, and a machine to run on."""

    def __init__(self, place: Path, wheels: Path) -> None:
        self.root = place / "plugin"
        self.cache = place / "cache"
        self.work = place / "work"
        self.commands = place / "commands"
        self.wheels = wheels
        for folder in (self.root, self.work, self.commands):
            folder.mkdir(parents=True)
        self._copy_parts()
        for name in COMMANDS:
            self.add_command(name, found(name))
        # Not a link, which the environment would then rest on.
        self.write_command("python3", f'#!{found("sh")}\nexec "{PYTHON}" "$@"\n')
        self.environ = {
            "PATH": str(self.commands),
            "AUTOPSY_CACHE": str(self.cache),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": wheels.as_uri(),
            "PIP_RETRIES": "0",
            "UV_HTTP_RETRIES": "0",
            "UV_CACHE_DIR": str(place / "uv-cache"),
        }

    def _copy_parts(self) -> None:
        for part in PARTS:
            (self.root / part).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / part, self.root / part)
        (self.root / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.2.3"\n')
        self.lock("requirements.lock", "tiny-package")
        cli = self.root / "src/eval_autopsy/cli"
        cli.mkdir(parents=True)
        (cli.parent / "__init__.py").touch()
        (cli / "__init__.py").touch()
        (cli / "main.py").write_text(ENGINE)

    @property
    def door(self) -> Path:
        return self.root / "bin/autopsy"

    def lock(self, name: str, *packages: str) -> None:
        """Writes a lock file that pins `packages`, found among the wheels."""
        lines = ""
        for package in packages:
            wheel = self.wheels / f"{package.replace('-', '_')}-1-py3-none-any.whl"
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            lines += f"{package}==1 --hash=sha256:{digest}\n"
        (self.root / name).write_text(lines)

    def add_command(self, name: str, target: Path) -> None:
        (self.commands / name).unlink(missing_ok=True)
        (self.commands / name).symlink_to(target)

    def write_command(self, name: str, script: str) -> None:
        (self.commands / name).unlink(missing_ok=True)
        (self.commands / name).write_text(script)
        (self.commands / name).chmod(0o755)

    def add_uv(self) -> None:
        self.add_command("uv", Path(uv.find_uv_bin()))

    def start(self, *arguments: str, door: Path | None = None) -> subprocess.Popen[str]:
        """The door, started in a session of its own, as a terminal would start it."""
        return subprocess.Popen(
            [door or self.door, *arguments],
            cwd=self.work,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, door: Path | None = None) -> Ran:
        return ended(self.start(*arguments, door=door))

    def environments(self) -> list[Path]:
        return [path for path in self.cache.iterdir() if not path.name.startswith(".")]

    def builds(self) -> list[Path]:
        return list(self.cache.glob(".*.build-*"))


class Ran:
    """What a process printed, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"


def ended(process: subprocess.Popen[str]) -> Ran:
    out, err = process.communicate(timeout=120)
    return Ran(process.returncode, out, err)


def found(command: str) -> Path:
    path = shutil.which(command)
    assert path, f"these tests need {command}"
    return Path(path)


def make_wheel(folder: Path, package: str, modules: dict[str, str]) -> None:
    """Writes a real wheel, version 1, that holds `modules`."""
    name = package.replace("-", "_")
    info = f"{name}-1.dist-info"
    files = {f"{module}.py": text for module, text in modules.items()}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{path},{_digest(text)},{len(text)}\n" for path, text in files.items())
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


def _digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path below `folder`, with what changes when it is written to."""
    paths = [folder, *folder.rglob("*")]
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in paths}


def wait_until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, f"waited a minute for {what}"
        time.sleep(0.02)
