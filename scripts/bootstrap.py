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
from typing import Dict, Iterator, List, Optional, Sequence

OLDEST = (3, 11)
ROOM_NEEDED = 20 * 2**20  # bytes; with less than this free, a failed tool failed for lack of room


class CannotSetUp(Exception):
    """The environment cannot be made: `what` is wrong, and the `remedy`."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class ToolFailed(Exception):
    """uv, venv or pip ended badly, after saying `output`."""

    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output


class Stopped(BaseException):
    """A signal asked for an end. Not an Exception, so that nothing takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


# --- The order of things -------------------------------------------------------------------------


def main(arguments: List[str]) -> int:
    """0 when the environment is there, 2 when it cannot be made, 128 + the signal when stopped."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    environment, lock = Path(arguments[0]), Path(arguments[1])
    try:
        refuse_old_python()
        with only_one(environment):
            if not is_made(environment):
                make(environment, lock)
    except CannotSetUp as trouble:
        say("{}. {}.".format(trouble.what, trouble.remedy))
        return 2
    except OSError as error:
        trouble = meaning_of_error(error, environment.parent)
        say("{}. {}.".format(trouble.what, trouble.remedy))
        return 2
    except Stopped as stopped:
        return 128 + stopped.number
    return 0


def stop(number: int, frame: Optional[FrameType]) -> None:
    raise Stopped(number)


def say(sentence: str) -> None:
    print("agent-reliability: " + sentence, file=sys.stderr, flush=True)


def refuse_old_python() -> None:
    if sys.version_info < OLDEST:
        raise CannotSetUp(
            "Python {} at {} is too old: 3.11 or newer is needed".format(
                platform.python_version(), sys.executable
            ),
            "Install a newer one, or name one with AUTOPSY_PYTHON=/path/to/python3",
        )


def is_made(environment: Path) -> bool:
    """Whether the environment is there and its link to an interpreter leads to one."""
    return os.access(str(environment / "bin" / "python"), os.X_OK)


def make(environment: Path, lock: Path) -> None:
    started = time.monotonic()
    remove_leftovers(environment)
    build = Path(
        tempfile.mkdtemp(prefix=prefix_of_builds(environment), dir=str(environment.parent))
    )
    try:
        install(build, lock)
        replace(environment, build)
    finally:
        # A complete build has moved away by now, and the packages of another are of no use.
        shutil.rmtree(str(build), ignore_errors=True)
    say("ready after {:.0f} s, in {}".format(time.monotonic() - started, environment))


def replace(environment: Path, build: Path) -> None:
    """Gives a complete build its name; an old environment, whose Python is gone, makes way."""
    if environment.exists():
        old = Path(str(build) + "-old")
        environment.rename(old)
        build.rename(environment)
        shutil.rmtree(str(old), ignore_errors=True)
    else:
        build.rename(environment)


def prefix_of_builds(environment: Path) -> str:
    return ".{}.build-".format(environment.name)


def remove_leftovers(environment: Path) -> None:
    for leftover in environment.parent.glob(prefix_of_builds(environment) + "*"):
        # A tool may have outlived the set-up that started it and still be writing there. It does
        # no harm, and what it leaves is removed the next time.
        shutil.rmtree(str(leftover), ignore_errors=True)


@contextlib.contextmanager
def only_one(environment: Path) -> Iterator[None]:
    """Holds the lock on this environment. The system frees it when this process ends, however."""
    environment.parent.mkdir(parents=True, exist_ok=True)
    path = environment.parent / ".{}.lock".format(environment.name)
    lock = os.open(str(path), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        wait_for(lock)
        os.pwrite(lock, "{:<20}\n".format(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(lock)


def wait_for(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode().strip()
        say("process {} is already setting it up; waiting for that to end …".format(holder))
        fcntl.flock(lock, fcntl.LOCK_EX)


# --- The tools -----------------------------------------------------------------------------------


def install(build: Path, lock: Path) -> None:
    """Fills `build` with uv when it is there, and otherwise, or when uv fails, with venv and pip."""
    if shutil.which("uv"):
        announce("uv")
        try:
            install_with_uv(build, lock)
            return
        except ToolFailed as failure:
            refuse_full_disk(failure, build)
            say("uv failed ({}); trying venv and pip instead".format(essence(failure.output)))
            shutil.rmtree(str(build))
            build.mkdir()
    else:
        announce("venv and pip")
    refuse_missing_modules()
    try:
        install_with_pip(build, lock)
    except ToolFailed as failure:
        refuse_full_disk(failure, build)
        raise meaning_of_failure(failure) from failure


def announce(tool: str) -> None:
    say("setting up agent-reliability (first run only) with {} …".format(tool))


def install_with_uv(build: Path, lock: Path) -> None:
    environ = environ_for_uv()
    # No project: the home folder may hold a pyproject.toml that has nothing to do with this.
    run(
        ["uv", "venv", "--no-project", "--allow-existing", "--python", sys.executable, str(build)],
        build,
        environ,
    )
    run(["uv", "pip", "install", "--python", str(build / "bin" / "python"), "--only-binary", ":all:",
         "--no-deps", "--require-hashes", "--requirements", str(lock)], build, environ)  # fmt: skip


def install_with_pip(build: Path, lock: Path) -> None:
    environ = environ_for_pip()
    python = [str(build / "bin" / "python"), "-I"]
    run([sys.executable, "-I", "-m", "venv", "--without-pip", str(build)], build, environ)
    # Not left to venv, which would swallow what ensurepip says when it fails.
    run([*python, "-m", "ensurepip", "--default-pip"], build, environ)
    # Not compiled: byte code is looked up elsewhere, since the plugin's own must go elsewhere.
    # No user: a pip configured for the user's own folder cannot install here.
    run([*python, "-m", "pip", "install", "--no-user", "--no-compile", "--no-input",
         "--disable-pip-version-check", "--only-binary", ":all:", "--no-deps", "--require-hashes",
         "--requirement", str(lock)], build, environ)  # fmt: skip


def run(command: Sequence[str], build: Path, environ: Dict[str, str]) -> None:
    """Nothing, once the command has succeeded; it is killed when this process is stopped.

    It runs in the folder of the environments, where no project's settings are found, and in a
    session of its own, so that the processes it starts can be ended with it.
    """
    process = subprocess.Popen(
        command,
        cwd=str(build.parent),
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output = process.communicate()[0].decode(errors="replace")
    except Stopped:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode != 0:
        raise ToolFailed(output)


# --- The user's settings ---------------------------------------------------------------------------

# Where to fetch from is the user's to say; where to and what to install is not.
NOT_FOR_PIP = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIREMENT"}
NOT_FOR_PIP |= {"PIP_CONSTRAINT", "PIP_PYTHON", "PIP_DRY_RUN", "PIP_NO_BINARY"}
NOT_FOR_UV = {"UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE"}
NOT_FOR_UV |= {"UV_PROJECT", "UV_WORKING_DIR", "UV_NO_BINARY", "UV_VENV_CLEAR"}


def environ_for_pip() -> Dict[str, str]:
    """The environment without what would lead Python or pip elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name not in NOT_FOR_PIP
    }


def environ_for_uv() -> Dict[str, str]:
    """The environment for uv, with pip's index settings wherever uv has none of its own."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name not in NOT_FOR_UV
    }
    own_index = "UV_DEFAULT_INDEX" in environ or "UV_INDEX_URL" in environ
    own_extra = "UV_INDEX" in environ or "UV_EXTRA_INDEX_URL" in environ
    if "PIP_INDEX_URL" in environ and not own_index:
        environ["UV_DEFAULT_INDEX"] = environ["PIP_INDEX_URL"]
    if "PIP_EXTRA_INDEX_URL" in environ and not own_extra:
        environ["UV_INDEX"] = environ["PIP_EXTRA_INDEX_URL"]
    if "PIP_FIND_LINKS" in environ:
        links = ",".join(environ["PIP_FIND_LINKS"].split())
        environ.setdefault("UV_FIND_LINKS", links)
    if "PIP_NO_INDEX" in environ:
        environ.setdefault("UV_NO_INDEX", environ["PIP_NO_INDEX"])
    if "PIP_CERT" in environ:
        environ.setdefault("SSL_CERT_FILE", environ["PIP_CERT"])
    # Several indexes are one to pip. It is safe here, since the hashes say what is wanted.
    environ.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return environ


# --- What went wrong -------------------------------------------------------------------------------

SIGNS_OF_FULL_DISK = re.compile(r"No space left on device|Disk quota exceeded|os error (28|122)\b")
SIGNS_OF_OTHER_BYTES = re.compile(r"DO NOT MATCH THE HASHES|Hash mismatch", re.IGNORECASE)
SIGNS_OF_NO_INDEX = re.compile(
    r"No matching distribution|Failed to establish|connection broken|Could not fetch URL"
    r"|Max retries exceeded|ConnectionError|Temporary failure in name resolution|timed out"
)


def refuse_missing_modules() -> None:
    missing = [name for name in ("venv", "ensurepip") if find_spec(name) is None]
    if missing:
        raise CannotSetUp(
            "Python at {} comes without its module {}".format(sys.executable, missing[0]),
            "Install it (on Debian and Ubuntu: apt install python{}.{}-venv), or install uv, or "
            "name another Python with AUTOPSY_PYTHON=/path/to/python3".format(*sys.version_info),
        )


def refuse_full_disk(failure: ToolFailed, build: Path) -> None:
    short_of_room = shutil.disk_usage(str(build.parent)).free < ROOM_NEEDED
    if short_of_room or SIGNS_OF_FULL_DISK.search(failure.output):
        raise full_disk(build.parent) from failure


def full_disk(cache: Path) -> CannotSetUp:
    return CannotSetUp(
        "the disk is full: {} is free in {} and {} in {}, and about 400 MB are needed".format(
            free(str(cache)), cache, free(tempfile.gettempdir()), tempfile.gettempdir()
        ),
        "Make room, or set up on another disk with AUTOPSY_CACHE=/path/to/a/folder (for the "
        "temporary files: TMPDIR)",
    )


def free(folder: str) -> str:
    return "{:.0f} MB".format(shutil.disk_usage(folder).free / 1e6)


def meaning_of_error(error: OSError, cache: Path) -> CannotSetUp:
    """What an error of the system means to somebody who wants to set up in `cache`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full_disk(cache)
    return CannotSetUp(
        "{} cannot be written: {}".format(error.filename or cache, error.strerror),
        "Name a folder that can be with AUTOPSY_CACHE=/path/to/a/folder",
    )


def meaning_of_failure(failure: ToolFailed) -> CannotSetUp:
    """What the last words of pip or venv mean."""
    words = essence(failure.output)
    if SIGNS_OF_OTHER_BYTES.search(failure.output):
        return CannotSetUp(
            "a package that was fetched is not the one that the lock file names ({})".format(words),
            "Ask whoever runs the package index that pip uses why it serves other files, or name "
            "another with PIP_INDEX_URL",
        )
    if SIGNS_OF_NO_INDEX.search(failure.output):
        return CannotSetUp(
            "the packages cannot be fetched: the package index cannot be reached, or it has none "
            "for Python {}.{} on {} {} ({})".format(
                *sys.version_info[:2], platform.system(), platform.machine(), words
            ),
            "Connect to the network, or name an index that can be reached with PIP_INDEX_URL, or "
            "another Python with AUTOPSY_PYTHON",
        )
    return CannotSetUp(
        "the set-up failed ({})".format(words),
        "Run it again; if it fails again, the whole output of pip is above",
    )


def essence(output: str) -> str:
    """The line of a tool's output that says most: its last error, or else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it said nothing"]
    errors = [
        line for line in lines if re.match(r"error\b|caused by\b|[├╰]─▶", line, re.IGNORECASE)
    ]
    return (errors or lines)[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
