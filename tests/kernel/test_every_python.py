"""A receipt gets the same verdict from every Python, in every place and surrounding."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from eval_autopsy.case.load import load
from eval_autopsy.receipt.certify import certify

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "invoice-extraction"
VERIFY = "receipts/invoice-extraction/verify.py"
HOLDS = "The receipt holds: "


def pythons() -> dict[str, str]:
    """The Pythons of this machine by version, 3.7 and newer; this one among them."""
    names = [f"python3.{minor}" for minor in range(7, 30)]
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [shutil.which(name) for name in names]
    places += [shutil.which(name, path=str(one)) for one in kept.glob("3.*/bin") for name in names]
    found = {}
    for place in (*places, sys.executable):
        say = [place or "", "-c", "import sys; print('.'.join(map(str, sys.version_info[:2])))"]
        if place:
            done = subprocess.run(say, capture_output=True, text=True, check=False)
            if done.returncode == 0:  # a shim may stand for nothing
                found[done.stdout.strip()] = str(place)
    return found


def minor(version: str) -> int:
    return int(version.partition(".")[2])


PYTHONS = pythons()
GOOD = {one: PYTHONS[one] for one in sorted(PYTHONS, key=minor) if minor(one) >= 9}
OLD = {version: path for version, path in PYTHONS.items() if minor(version) < 9}


def run(
    tree: Path,
    *flags: str,
    python: str = sys.executable,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Verifies the receipt of a tree, with nothing in the environment that is not named."""
    command = [python, *flags, str(tree / VERIFY)]
    return subprocess.run(
        command,
        cwd=cwd or tree,
        env={"PATH": os.defpath, **(env or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def everything_in(tree: Path) -> dict[str, tuple[int, int, bytes]]:
    """Each file of a tree with its mode, its time of change and its content."""
    found = {}
    for path in sorted(tree.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path.relative_to(tree))] = (status.st_mode, status.st_mtime_ns, content)
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the invoice example and its receipt, as `autopsy demo` leaves it."""
    base = tmp_path_factory.mktemp("made")
    shutil.copytree(EXAMPLE, base / "examples" / "invoice-extraction")
    certify(load(base / "examples" / "invoice-extraction"), base)
    return base


@pytest.fixture
def tree(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    return Path(shutil.copytree(made, tmp_path / "tree"))


@pytest.fixture(scope="module")
def said(made: Path) -> str:
    """What this Python says of the receipt."""
    done = run(made)
    assert (done.returncode, done.stderr) == (0, "")
    assert HOLDS in done.stdout
    return done.stdout


def test_there_is_a_python_to_try_it_with() -> None:
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in GOOD


@pytest.mark.parametrize("version", list(GOOD))
def test_each_python_says_the_same_in_the_same_words(made: Path, said: str, version: str) -> None:
    done = run(made, python=GOOD[version])
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


@pytest.mark.parametrize("version", sorted(OLD))
def test_a_python_that_is_too_old_says_so_and_gives_no_verdict(made: Path, version: str) -> None:
    done = run(made, python=OLD[version])
    assert done.returncode == 2
    assert (
        done.stdout == f"The receipt cannot be checked: this needs Python 3.9, and is {version}\n"
    )
    assert done.stderr == ""


POISON = "raise SystemExit('poisoned')\n"
SURROUNDINGS: dict[str, dict[str, str]] = {
    "no home and no language": {},
    "the C language": {"LANG": "C", "LC_ALL": "C"},
    "another language": {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kolkata"},
    "ASCII output": {"PYTHONIOENCODING": "ascii"},
    "no UTF-8 mode": {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"},
    "warnings are errors": {"PYTHONWARNINGS": "error"},
    "optimised by the environment": {"PYTHONOPTIMIZE": "2"},
    "a fixed order of hashes": {"PYTHONHASHSEED": "1"},
    "another order of hashes": {"PYTHONHASHSEED": "2"},
    "a home that is not there": {"HOME": "/nonexistent", "PYTHONHOME": ""},
    "asked to inspect": {"PYTHONINSPECT": "1", "PYTHONBREAKPOINT": "os.abort"},
}


@pytest.mark.parametrize("name", list(SURROUNDINGS))
def test_the_environment_changes_nothing(made: Path, said: str, name: str) -> None:
    done = run(made, env=SURROUNDINGS[name])
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


@pytest.mark.parametrize("flags", [["-O"], ["-OO"], ["-B"], ["-I"], ["-E", "-s"], ["-W", "error"]])
def test_no_flag_of_python_turns_a_check_off(tree: Path, said: str, flags: list[str]) -> None:
    assert run(tree, *flags).stdout == said
    report = tree / "receipts" / "invoice-extraction" / "REPORT.md"
    report.write_text(report.read_text(encoding="utf-8").replace("345", "346"), encoding="utf-8")
    done = run(tree, *flags)
    assert done.returncode == 1
    assert "The receipt does not hold" in done.stdout


@pytest.mark.parametrize(
    "module", ["json", "hashlib", "re", "sitecustomize", "posix", "contextlib"]
)
def test_a_module_on_pythonpath_takes_the_place_of_none(
    made: Path, said: str, tmp_path: Path, module: str
) -> None:
    (tmp_path / f"{module}.py").write_text(POISON)
    if module != "sitecustomize":  # which an interpreter runs before any program of ours
        poison = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / f"{module}.py")}
        done = run(made, env=poison)
        assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    done = run(made, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


def test_a_module_beside_the_receipt_is_not_run_and_does_not_belong_there(tree: Path) -> None:
    (tree / VERIFY).with_name("json.py").write_text(POISON)
    done = run(tree)
    assert done.returncode == 1
    assert "poisoned" not in done.stdout + done.stderr
    assert "json.py" in done.stdout


def test_any_working_folder_will_do(made: Path, said: str, tmp_path: Path) -> None:
    for folder in (Path("/"), tmp_path, made / "receipts" / "invoice-extraction"):
        assert run(made, cwd=folder).stdout == said
    here = subprocess.run(
        [sys.executable, "verify.py"],
        cwd=made / "receipts" / "invoice-extraction",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert here.stdout == said


@pytest.mark.parametrize("name", ["with space", "é日本", "quote'\"", "-dash", "a;b"])
def test_a_tree_that_was_moved_still_holds(
    made: Path, said: str, tmp_path: Path, name: str
) -> None:
    moved = shutil.copytree(made, tmp_path / name / "deep")
    assert run(moved).stdout == said


def test_a_tree_behind_a_link_still_holds(made: Path, said: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(made)
    assert run(tmp_path / "link").stdout == said


@pytest.fixture
def unwritable(tree: Path) -> Iterator[Path]:
    """A tree in which nothing may be written."""
    for path in [*tree.rglob("*"), tree]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield tree
    for path in [tree, *tree.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("flags", [[], ["-O"]])
def test_nothing_is_written(unwritable: Path, said: str, flags: list[str]) -> None:
    # Comparing the tree also where a test may write everywhere, as root may.
    before = everything_in(unwritable)
    assert run(unwritable, *flags).stdout == said
    assert everything_in(unwritable) == before


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_clone_with_other_line_ends_still_holds(tree: Path, said: str, tmp_path: Path) -> None:
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "--message", "a receipt")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--config", "core.autocrlf=true", str(tree), str(clone))
    assert run(clone).stdout == said


@pytest.mark.parametrize("name", ["eval.jsonl", "extractor.py", "autopsy.toml"])
def test_line_ends_of_windows_are_named_as_the_cause(tree: Path, name: str) -> None:
    path = tree / "examples" / "invoice-extraction" / name
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    done = run(tree)
    assert done.returncode == 1
    assert re.search(rf"/{re.escape(name)}: .*line endings .*of Windows", done.stdout)


def test_a_receipt_with_line_ends_of_windows_throughout_does_not_hold(tree: Path) -> None:
    for path in tree.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    done = run(tree)
    assert done.returncode == 1
    assert re.search("line endings .*of Windows", done.stdout)
