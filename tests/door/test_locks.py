"""The committed lock files, and the line ends that git keeps."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .plugin import ROOT

LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-warehouse.lock"]
ROUND_TRIPS = "requirements-round-trips.lock"  # of tools that know nothing of ours
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUN_TIME: list[str] = PROJECT["project"]["dependencies"]
DEVELOPMENT: list[str] = PROJECT["dependency-groups"]["dev"]
WAREHOUSE: list[str] = PROJECT["project"]["optional-dependencies"]["warehouse"]
WAREHOUSE += PROJECT["dependency-groups"]["warehouse"]


def text_of(lock: str) -> str:
    return (ROOT / lock).read_text()


def pins(lock: str) -> dict[str, str]:
    """The version that the lock pins for each package."""
    found = re.findall(r"^([a-z0-9._-]+)==(\S+)", text_of(lock), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("lock", [*LOCKS, ROUND_TRIPS])
def test_lock_names_no_index_and_no_path(lock: str) -> None:
    assert re.findall(r"\S*(?:://|/\S*/|\.org|\.com|--index|--find)\S*", text_of(lock)) == []


@pytest.mark.parametrize("lock", [*LOCKS, ROUND_TRIPS])
def test_lock_pins_every_package_by_version_and_hash(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n", "", text_of(lock), flags=re.MULTILINE))
    # A package may be pinned once for each range of Pythons.
    assert len(entries) == len(re.findall(r"^\S+==", text_of(lock), re.MULTILINE))
    assert {entry.partition("==")[0] for entry in entries} == set(pins(lock))
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[^ ]+( ; [^\\\n]+)? \\\n", entry), entry
        assert entry.count("--hash=sha256:") == len(entry.splitlines()) - 1 >= 1, entry


@pytest.mark.parametrize(
    ("lock", "requirement"),
    [("requirements.lock", each) for each in RUN_TIME]
    + [("requirements-dev.lock", each) for each in RUN_TIME + DEVELOPMENT]
    + [("requirements-warehouse.lock", each) for each in RUN_TIME + WAREHOUSE]
    + [(ROUND_TRIPS, each) for each in PROJECT["dependency-groups"]["round-trips"]],
)
def test_lock_has_what_the_project_asks_for(lock: str, requirement: str) -> None:
    wanted = Requirement(requirement)
    assert pins(lock)[canonicalize_name(wanted.name)] in wanted.specifier


def test_tests_run_on_the_versions_that_users_get() -> None:
    for lock in LOCKS[1:]:
        assert pins("requirements.lock").items() <= pins(lock).items()


def test_a_set_up_for_users_brings_no_warehouse() -> None:
    extra = {"duckdb", "ibis-framework", "pandas", "pyspark"}
    assert extra <= pins("requirements-warehouse.lock").keys()
    for lock in LOCKS[:2]:
        assert extra & pins(lock).keys() == set()


@pytest.mark.parametrize(
    ("path", "attribute", "value"),
    [
        ("bin/autopsy", "eol", "lf"),
        ("scripts/environment.sh", "eol", "lf"),
        ("src/eval_autopsy/kernel.py", "eol", "lf"),
        ("examples/invoice-extraction/eval.jsonl", "text", "unset"),
        ("examples/invoice-extraction/extractor.py", "text", "unset"),
        ("receipts/invoice-extraction/verify.py", "text", "unset"),
        ("receipts/invoice-extraction/REPORT.md", "text", "unset"),
        ("tests/receipt/golden/invoice/receipt.json", "text", "unset"),
        ("anything.parquet", "text", "unset"),
    ],
)
def test_git_keeps_the_line_ends_of(path: str, attribute: str, value: str) -> None:
    command = ["git", "check-attr", attribute, "--", path]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout == f"{path}: {attribute}: {value}\n"
