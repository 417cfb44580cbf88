"""The prompts of evals/ are well formed, and try each command and skill from both sides."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from evals.run import Prompt, Started, prompts, skills_in, tally_of_prompts

ROOT = Path(__file__).resolve().parents[2]
PROMPTS = prompts()
NAMES = sorted(
    [path.stem for path in ROOT.glob("commands/*.md")]
    + [path.parent.name for path in ROOT.glob("skills/*/SKILL.md")]
)
AT_LEAST = 3


def said(*skills: str) -> list[dict[str, object]]:
    """The events of a conversation that used some skills."""
    used = [{"type": "tool_use", "name": "Skill", "input": {"skill": one}} for one in skills]
    return [{"type": "assistant", "message": {"content": [one]}} for one in used]


@pytest.mark.parametrize("name", NAMES)
def test_each_command_and_skill_has_prompts_that_start_it_and_prompts_that_must_not(
    name: str,
) -> None:
    assert sum(name in one.starts for one in PROMPTS) >= AT_LEAST
    assert sum(name in one.never for one in PROMPTS if one.starts) >= AT_LEAST
    assert sum(one.starts[:1] == (name,) for one in PROMPTS) >= 2


def test_some_prompts_must_start_nothing_of_ours() -> None:
    others = [one for one in PROMPTS if not one.starts]
    assert len(others) >= AT_LEAST
    assert all(sorted(one.never) == NAMES for one in others)


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.id)
def test_a_prompt_names_what_exists_and_nothing_twice(prompt: Prompt) -> None:
    assert {*prompt.starts, *prompt.never} <= {*NAMES}
    assert not {*prompt.starts} & {*prompt.never}
    assert Counter(one.id for one in PROMPTS)[prompt.id] == 1


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.id)
def test_a_prompt_gives_no_name_of_a_command_or_skill_away(prompt: Prompt) -> None:
    assert "/" + "autopsy" not in prompt.words
    assert [name for name in NAMES if name != "autopsy" and name in prompt.words] == []
    assert not re.search(r"\bskill\b|\bslash command\b", prompt.words)


@pytest.mark.parametrize(
    ("used", "right"),
    [
        (["agent-reliability:tool-eval"], True),
        (["tool-eval", "agent-reliability:production-autopsy"], True),
        (["agent-reliability:autopsy", "agent-reliability:tool-eval"], False),  # one that must not
        (["other-plugin:tool-eval"], False),  # not ours
        ([], False),
    ],
)
def test_a_prompt_is_right_when_one_wanted_started_and_none_forbidden(
    used: list[str], right: bool
) -> None:
    prompt = Prompt("x", "Is the grader right?", ("tool-eval",), ("autopsy",))
    assert Started(prompt, tuple(skills_in(said(*used))), None).right is right


def test_a_prompt_for_nothing_is_right_when_nothing_started() -> None:
    prompt = Prompt("x", "What is a median?", (), ("autopsy",))
    assert Started(prompt, (), None).right
    assert not Started(prompt, ("autopsy",), None).right


def test_the_tally_is_a_table_that_counts_what_is_right() -> None:
    prompt = Prompt("grader", "Is the grader right?", ("tool-eval",), ())
    tally = tally_of_prompts([Started(prompt, ("tool-eval",), 0.125), Started(prompt, (), None)])
    assert "1 of 2 started what they should." in tally
    assert "| grader | tool-eval | tool-eval | yes | 0.12 |" in tally
    assert "| grader | tool-eval | nothing | no |  |" in tally
