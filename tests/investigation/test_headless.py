"""What the model is told: the plugin's own prompt, of which every verb is a tool."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from eval_autopsy.investigation.headless import AGENT, LEAD, agent_prompt
from eval_autopsy.investigation.tools import TOOLS

ROOT = Path(__file__).resolve().parents[2]


def test_the_prompt_is_the_agents_without_the_keys_of_the_client() -> None:
    whole = (ROOT / "agents" / AGENT).read_text(encoding="utf-8")
    prompt = agent_prompt()
    assert whole.endswith(prompt)
    assert prompt.startswith("You take one case to a receipt")
    assert "tools:" not in prompt


def test_every_verb_of_the_prompt_is_a_tool_and_every_option_an_argument() -> None:
    for line in re.findall(r"autopsy ((?:[a-z]+)\b[^`\n]*)", agent_prompt()):
        verb, *words = line.split()
        assert verb in TOOLS, line
        options = [word.removeprefix("--") for word in words if word.startswith("--")]
        taken = [one.name for one in TOOLS[verb].takes]
        assert [option for option in options if option not in taken] == []


def test_the_lead_names_tools_that_there_are() -> None:
    assert [name for name in re.findall(r"`([a-z]+)`", LEAD) if name not in TOOLS] == []


def test_the_wheel_has_the_prompt_where_it_is_looked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert shipped[f"agents/{AGENT}"] == f"eval_autopsy/agents/{AGENT}"
