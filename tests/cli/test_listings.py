"""formats, scorers and doctor."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from eval_autopsy import registry
from eval_autopsy.cli import doctor

from .conftest import ROOT, Call


@pytest.mark.parametrize(("verb", "kind"), [("formats", "readers"), ("scorers", "scorers")])
def test_a_listing_has_one_line_for_each_that_is_registered(
    verb: str, kind: str, call: Call
) -> None:
    names = getattr(registry, kind).names()
    said = call(verb)
    assert (said.code, said.err) == (0, "")
    assert [line.split()[0] for line in said.out.splitlines()] == names
    found = json.loads(call(verb, "--json").out)[verb]
    assert [one["name"] for one in found] == names
    assert all(one["help"].endswith(".") for one in found)
    assert {one["package"] for one in found} == {"eval-autopsy"}


def test_what_another_package_adds_is_listed_with_the_package(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = registry.Entry("theirs", len, "Counts.", "their-package")
    monkeypatch.setattr(registry.scorers, "describe", lambda: [theirs])
    assert call("scorers").out == "theirs  Counts. [their-package]\n"


def test_the_doctor_finds_that_the_engine_works(call: Call) -> None:
    said = call("doctor")
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith("The engine works.\n")
    found = json.loads(call("doctor", "--json").out)
    assert found["works"] is True
    by_name = {one["name"]: one for one in found["findings"]}
    assert str(Path(sys.executable)) in by_name["python"]["found"]
    assert by_name["polars"]["state"] == "ok"


def test_the_doctor_knows_every_package_that_the_engine_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[>=;\s\[]", line)[0] for line in project["dependencies"]}
    assert {*doctor.NEEDED, "backports.zstd"} == declared


def test_a_package_that_is_missing_is_named_with_the_remedy(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)  # which makes its import fail
    said = call("doctor")
    assert said.code == 2
    line = next(line for line in said.out.splitlines() if " jinja2 " in line)
    assert line.startswith("missing  jinja2")
    assert "run bin/autopsy again" in line
    assert said.out.endswith("The engine cannot work as it is.\n")


def test_a_tool_that_is_absent_does_not_stop_the_engine(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    said = call("doctor")
    assert said.code == 0
    assert any(line.startswith("absent   uv") for line in said.out.splitlines())


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"AUTOPSY_CACHE": "/a"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/agent-reliability"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/someone/.cache/agent-reliability"),
        ({}, "/home/someone/.cache/agent-reliability"),
    ],
    ids=str,
)
def test_the_cache_is_where_the_door_makes_it(
    variables: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AUTOPSY_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(doctor.cache()) == place
