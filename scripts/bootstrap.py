"""Makes the environment that `bin/autopsy` and `scripts/test` run in.

    python3 -I -B scripts/bootstrap.py ENVIRONMENT LOCK

Rules:
1. An environment is built under another name and gets its own when it is complete: a folder of
   that name is whole, whatever was interrupted.
2. One set-up of an environment runs at a time; the others wait, then find it made.
3. What an interrupted set-up left behind is removed by the next one.
4. What goes wrong is said in one paragraph, with the remedy, and ends with exit code 2.

This file must parse on Python 3.6, so that an old Python gets a sentence and no SyntaxError.
"""

import contextlib
import errno
import fcntl
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Dict, Iterator, List, Optional, Set

OLDEST = (3, 11)


class SetUpError(Exception):
    """The environment cannot be made: `what` is wrong, and the `remedy`."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class ToolError(Exception):
    """uv, venv or pip ended badly, after saying `output`."""

    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output


class Stopped(BaseException):
    """A signal asked for an end. Not an Exception, so that nothing takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


# --- The order of things --------------------------------------------------------------------------


def main(arguments: List[str]) -> int:
    """0 when the environment is there, 2 when it cannot be made, 128 + the signal when stopped."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        set_up(Path(arguments[0]), Path(arguments[1]))
    except SetUpError as trouble:
        say(f"{trouble.what}. {trouble.remedy}.")
        return 2
    except Stopped as stopped:
        return 128 + stopped.number
    return 0


def stop(number: int, frame: Optional[FrameType]) -> None:
    raise Stopped(number)


def say(sentence: str) -> None:
    print("agent-reliability: " + sentence, file=sys.stderr, flush=True)


def set_up(environment: Path, lock: Path) -> None:
    refuse_old_python()
    try:
        with only_one(environment):
            if not is_made(environment):
                make(environment, lock)
    except OSError as error:
        raise meaning_of_error(error, environment.parent) from error


def refuse_old_python() -> None:
    if sys.version_info < OLDEST:
        raise SetUpError(
            f"Python {platform.python_version()} at {sys.executable} is too old: "
            "3.11 or newer is needed",
            "Install a newer one, or name one with AUTOPSY_PYTHON=/path/to/python3",
        )


@contextlib.contextmanager
def only_one(environment: Path) -> Iterator[None]:
    """Holds the lock on this environment. The system frees it when this process ends, however."""
    environment.parent.mkdir(parents=True, exist_ok=True)
    path = environment.parent / f".{environment.name}.lock"
    lock = os.open(str(path), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        wait_for(lock)
        os.pwrite(lock, f"{os.getpid():<20}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def wait_for(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode().strip()
        say(f"process {holder} is already setting it up; waiting for that to end …")
        fcntl.flock(lock, fcntl.LOCK_EX)


def is_made(environment: Path) -> bool:
    """Whether the environment is there and its link to an interpreter leads to one."""
    return os.access(str(environment / "bin" / "python"), os.X_OK)


def make(environment: Path, lock: Path) -> None:
    started = time.monotonic()
    remove_leftovers(environment)
    prefix = prefix_of_builds(environment)
    build = Path(tempfile.mkdtemp(prefix=prefix, dir=str(environment.parent)))
    try:
        install(build, lock)
        give_name(build, environment)
    finally:
        # A complete build has moved away by now; one that is not complete is of no use.
        shutil.rmtree(str(build), ignore_errors=True)
    say(f"ready after {time.monotonic() - started:.0f} s, in {environment}")


def give_name(build: Path, environment: Path) -> None:
    """Nothing; an environment whose Python is gone makes way for the build."""
    if environment.exists():
        environment.rename(str(build) + "-old")
    build.rename(environment)
    shutil.rmtree(str(build) + "-old", ignore_errors=True)


def prefix_of_builds(environment: Path) -> str:
    return f".{environment.name}.build-"


def remove_leftovers(environment: Path) -> None:
    for leftover in environment.parent.glob(prefix_of_builds(environment) + "*"):
        # A tool may have outlived the set-up that started it and still be writing there. It does
        # no harm, and what it leaves is removed the next time.
        shutil.rmtree(str(leftover), ignore_errors=True)


# --- The tools ------------------------------------------------------------------------------------


def install(build: Path, lock: Path) -> None:
    """Nothing, once `build` is filled: by uv if it is there, or else, or if it fails, by pip."""
    has_uv = shutil.which("uv") is not None
    say(
        "setting up agent-reliability (first run only) with "
        + ("uv …" if has_uv else "venv and pip …")
    )
    if has_uv and install_with_uv(build, lock):
        return
    refuse_missing_modules()
    try:
        install_with_pip(build, lock)
    except ToolError as failure:
        raise meaning_of_failure(failure, build.parent) from failure


def install_with_uv(build: Path, lock: Path) -> bool:
    """Whether uv could do it; when it could not, the reason is said and nothing is left."""
    python = str(build / "bin" / "python")
    venv = ["uv", "venv", "--python", sys.executable, str(build)]
    pip = ["uv", "pip", "install", "--python", python, "--requirements", str(lock)]
    pip += ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    if os.environ.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on"):
        pip.append("--no-index")  # which uv takes from no variable
    try:
        run(venv, build, environ_for_uv())
        run(pip, build, environ_for_uv())
    except ToolError as failure:
        if FULL_DISK.search(failure.output):
            raise full_disk(build.parent) from failure
        say(f"uv failed ({essence(failure.output)}); trying venv and pip instead …")
        shutil.rmtree(str(build))
        return False
    return True


def install_with_pip(build: Path, lock: Path) -> None:
    python = [str(build / "bin" / "python"), "-I"]
    venv = [sys.executable, "-I", "-m", "venv", "--without-pip", str(build)]
    # Not left to venv, which would swallow what ensurepip says when it fails.
    ensurepip = [*python, "-m", "ensurepip", "--default-pip"]
    pip = [*python, "-m", "pip", "install", "--requirement", str(lock)]
    pip += ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    # No user: a pip that is set to install into the user's own folder could not install here.
    # No compile: the byte code is kept in another place, where the plugin's own can go, too.
    pip += ["--no-user", "--no-compile", "--no-input", "--disable-pip-version-check"]
    for command in (venv, ensurepip, pip):
        run(command, build, environ_for_pip())


def run(command: List[str], build: Path, environ: Dict[str, str]) -> None:
    """Nothing, once the command has succeeded; it is killed when this process is stopped.

    It runs in the folder of the environments, where no project's settings are found, and in a
    session of its own, so that the processes it starts can be ended with it.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=str(build.parent),
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be started: {error.strerror}") from error
    try:
        output = process.communicate()[0].decode(errors="replace")
    except Stopped:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode != 0:
        raise ToolError(output)


# --- The user's settings --------------------------------------------------------------------------

# Where packages come from is for the user's settings to say; what is installed where is not.
NOT_FOR_PIP = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_CONSTRAINT", "PIP_DRY_RUN"}
NOT_FOR_UV = {"UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE"}

# uv reads none of pip's settings, so it is told each that it has no setting of its own for.
UV_FROM_PIP = [
    ({"UV_DEFAULT_INDEX", "UV_INDEX_URL"}, "UV_DEFAULT_INDEX", "PIP_INDEX_URL"),
    ({"UV_INDEX", "UV_EXTRA_INDEX_URL"}, "UV_INDEX", "PIP_EXTRA_INDEX_URL"),
    ({"SSL_CERT_FILE"}, "SSL_CERT_FILE", "PIP_CERT"),
]


def environ_without(names: Set[str]) -> Dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in names}


def environ_for_pip() -> Dict[str, str]:
    return environ_without(NOT_FOR_PIP)


def environ_for_uv() -> Dict[str, str]:
    environ = environ_without(NOT_FOR_UV)
    for own, name, of_pip in UV_FROM_PIP:
        if of_pip in environ and not own & set(environ):
            environ[name] = environ[of_pip]
    if "PIP_FIND_LINKS" in environ:
        # pip separates them by blanks, uv by commas.
        environ.setdefault("UV_FIND_LINKS", ",".join(environ["PIP_FIND_LINKS"].split()))
    # To pip all indexes are one. Here this is safe, since the hashes say what is wanted.
    environ.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return environ


# --- What went wrong ------------------------------------------------------------------------------

FULL_DISK = re.compile(r"No space left on device|Disk quota exceeded|os error (28|122)\b")
OTHER_BYTES = re.compile(r"do not match the hashes|hash mismatch", re.IGNORECASE)
NO_PACKAGES = re.compile(
    r"No matching distribution|Failed to establish|connection broken|Could not fetch URL"
    r"|Max retries exceeded|ConnectionError|name resolution|[Tt]imed out"
)


def refuse_missing_modules() -> None:
    for name in ("venv", "ensurepip"):
        if find_spec(name) is None:
            package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
            raise SetUpError(
                f"Python at {sys.executable} comes without its module {name}",
                f"Install it (on Debian and Ubuntu: apt install {package}), or install uv, or "
                "name another Python with AUTOPSY_PYTHON=/path/to/python3",
            )


def meaning_of_error(error: OSError, cache: Path) -> SetUpError:
    """What an error of the system means to somebody who wants to set up in `cache`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full_disk(cache)
    return SetUpError(
        f"the folder {cache} cannot be set up in ({error.filename or cache}: {error.strerror})",
        "Name a folder that can be written to with AUTOPSY_CACHE=/path/to/a/folder",
    )


def full_disk(cache: Path) -> SetUpError:
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    left = shutil.disk_usage(str(there)).free // 10**6
    return SetUpError(
        f"the disk is full: {left} MB are left in {there}; about 300 MB are needed there, and "
        "while setting up as much again in the folder for temporary files",
        "Make room, or name folders on another disk with AUTOPSY_CACHE and TMPDIR",
    )


def meaning_of_failure(failure: ToolError, cache: Path) -> SetUpError:
    """What the words of venv or pip mean. Unknown words are shown whole."""
    words = essence(failure.output)
    if FULL_DISK.search(failure.output):
        return full_disk(cache)
    if OTHER_BYTES.search(failure.output):
        return SetUpError(
            "the package index serves another file than the one that the lock file names",
            f"Ask why whoever runs it, or name another with PIP_INDEX_URL. pip says: {words}",
        )
    if NO_PACKAGES.search(failure.output):
        python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
        return SetUpError(
            "the packages cannot be fetched: the package index is out of reach, or has none for "
            f"{python} ({words})",
            "Connect to the network, or name an index within reach with PIP_INDEX_URL, or another "
            "Python with AUTOPSY_PYTHON",
        )
    sys.stderr.write(failure.output)
    return SetUpError(f"the set-up failed ({words})", "The lines above say why; then run it again")


def essence(output: str) -> str:
    """What of a tool's output says most: its first and last error, or else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(error|cause|caused by)\b", line, re.IGNORECASE)]
    if errors:
        return "; ".join(dict.fromkeys([errors[0], errors[-1]]))
    return lines[-1] if lines else "it said nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
