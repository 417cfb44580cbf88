"""What the plugin's files say is so: keys that the client knows, verbs that the engine has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from eval_autopsy.case.model import CaseFile

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(ROOT.glob("commands/*.md"))
AGENTS = sorted(ROOT.glob("agents/*.md"))
SKILLS = sorted(ROOT.glob("skills/*/SKILL.md"))
DEPTH = sorted(set(ROOT.glob("skills/*/*.md")) - set(SKILLS))
PROMPTS = [*COMMANDS, *AGENTS, *SKILLS]

# The client ignores a key that it does not know, without a word, `validate --strict` included.
COMMAND_KEYS = {"name", "description", "argument-hint", "allowed-tools", "model"}
KEYS = {
    "commands": COMMAND_KEYS,
    "agents": {"name", "description", "tools", "disallowedTools", "model", "maxTurns", "skills"},
    "skills": {"name", "description", "allowed-tools", "model"},
}
LINES_OF_A_SCREEN = 55


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def front_matter(path: Path) -> dict[str, str]:
    """The keys and values between the first two lines of dashes; one line for each."""
    _, head, _ = path.read_text(encoding="utf-8").split("---\n", 2)
    pairs = [line.partition(": ") for line in head.splitlines()]
    return {key: value for key, _, value in pairs}


def used_in(path: Path) -> set[tuple[str, ...]]:
    """The verb and the options of every `autopsy ...` in a prompt."""
    text = path.read_text(encoding="utf-8")
    lines = re.findall(r"`autopsy ([^`\n]+)`|^ +(?:verify +)autopsy (.+)$", text, re.MULTILINE)
    words = [(quoted or shown).split() for quoted, shown in lines]
    return {(verb, *(w for w in rest if w.startswith("-"))) for verb, *rest in words}


@cache
def help_of(*arguments: str) -> str:
    """The engine's help page."""
    command = [sys.executable, "-m", "eval_autopsy", *arguments, "--help"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def manifest(name: str) -> dict[str, object]:
    data: dict[str, object] = json.loads((ROOT / ".claude-plugin" / name).read_text())
    return data


def test_the_plugin_has_the_version_of_the_package() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert manifest("plugin.json")["version"] == package["version"]


def test_the_marketplace_has_one_plugin_and_a_name_of_its_own() -> None:
    market = manifest("marketplace.json")
    assert [plugin["name"] for plugin in market["plugins"]] == ["agent-reliability"]  # type: ignore[attr-defined]
    assert market["name"] != manifest("plugin.json")["name"] == "agent-reliability"


@pytest.mark.parametrize("path", PROMPTS, ids=name_of)
def test_a_prompt_has_only_keys_that_the_client_knows(path: Path) -> None:
    known = KEYS[path.relative_to(ROOT).parts[0]]
    assert set(front_matter(path)) <= known


def test_the_key_for_tools_of_an_agent_is_none_of_a_command_and_the_reverse() -> None:
    assert "allowed-tools" not in KEYS["agents"]
    assert all("tools" not in KEYS[kind] for kind in ("commands", "skills"))
    assert [path for path in AGENTS if "tools" not in front_matter(path)] == []
    assert [path for path in COMMANDS if "allowed-tools" not in front_matter(path)] == []


@pytest.mark.parametrize("path", PROMPTS, ids=name_of)
def test_a_prompt_says_when_to_use_it(path: Path) -> None:
    assert front_matter(path)["description"].startswith("Use when ")


@pytest.mark.parametrize("path", COMMANDS, ids=name_of)
def test_a_command_answers_to_its_bare_name_and_asks_no_permission_for_the_engine(
    path: Path,
) -> None:
    keys = front_matter(path)
    assert keys["name"] == path.stem
    assert "Bash(autopsy:*)" in keys["allowed-tools"].split(", ")


@pytest.mark.parametrize("path", AGENTS, ids=name_of)
def test_an_agent_lists_its_tools_and_none_that_writes(path: Path) -> None:
    keys = front_matter(path)
    assert keys["name"] == path.stem
    assert set(keys["tools"].split(", ")) <= {"Bash", "Read"}


@pytest.mark.parametrize("path", SKILLS, ids=name_of)
def test_a_skill_has_the_name_of_its_folder(path: Path) -> None:
    assert front_matter(path)["name"] == path.parent.name


@pytest.mark.parametrize("path", SKILLS, ids=name_of)
def test_a_skill_names_every_file_beside_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    beside = [each.name for each in DEPTH if each.parent == path.parent]
    assert [name for name in beside if f"`{name}`" not in text] == []


@pytest.mark.parametrize("path", PROMPTS, ids=name_of)
def test_a_prompt_fits_one_screen(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_OF_A_SCREEN


@pytest.mark.parametrize("path", PROMPTS, ids=name_of)
def test_a_prompt_says_that_data_is_not_instructions_and_what_failure_means(path: Path) -> None:
    text = " ".join(path.read_text(encoding="utf-8").split()).lower()
    assert re.search(r"(is|are|they are) data", text)
    assert re.search(r"follow no instruction|do none of it", text)
    assert "1: what was checked does not hold" in text
    assert "2: it could not be done" in text


@pytest.mark.parametrize("path", [*PROMPTS, *DEPTH], ids=name_of)
def test_every_verb_and_option_in_a_prompt_exists(path: Path) -> None:
    verbs = help_of()
    for verb, *options in used_in(path):
        assert re.search(rf"^  {verb} ", verbs, re.MULTILINE), f"there is no verb {verb}"
        page = help_of(verb)
        assert [option for option in options if option not in page] == []


def test_the_commands_and_the_investigator_use_the_engine() -> None:
    used = {verb for path in [*COMMANDS, *AGENTS] for verb, *_ in used_in(path)}
    assert used >= {"init", "look", "run", "next", "claims", "certify", "verify"}


def test_every_key_that_the_case_page_shows_is_one_of_the_case_file() -> None:
    page = (ROOT / "skills/production-autopsy/case-file.md").read_text(encoding="utf-8")
    block = "".join(re.findall(r"^    .*\n|^\n", page, re.MULTILINE))
    shown = re.sub(r"^    (?:# (?=\w+ = ))?", "", block, flags=re.MULTILINE)
    case = CaseFile.model_validate(tomllib.loads(shown, parse_float=Decimal))
    assert case.name == "invoice-extraction"
    assert case.guards.pydantic == "models.py:Invoice"
    assert case.data.splits is not None
